"""(c) The same hundred conditions in Kanhe, in zen-engine and in rule-engine.

`python -m bench.conditions ROUNDS` judges the same events with the same feature values in all of
them, round after round in turn. Each engine is used the fastest way it offers; what it is given (a
dict of values) is made beforehand. Before anything is timed, all must agree on which rules fire.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from bench import policy, workload
from bench.peer.table import zen_hits
from kanhe.core.event import Event
from kanhe.core.money import Rates
from kanhe.judge.features.declare import read_features
from kanhe.judge.features.live import Floats, LiveFeatures
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin
from kanhe.judge.language.source import Source
from kanhe.judge.rules.compile import RuleSet, compile_rules
from kanhe.judge.rules.declare import read_rules

WARM_UP = 60_000
SAMPLE = 200
"""So many events with full vectors are judged in every round."""

Case = tuple[Event, tuple[float, ...], dict[str, Any]]
Engine = Callable[[list[Case]], list[list[str]]]
"""Says which rules fire on each case, by their ids."""


def live_features() -> LiveFeatures:
    """The features of the benchmark's pack, empty."""
    registry = builtin()
    fields = {name: registry.fields_of(name) for name in registry.types}
    required = {name: registry.required_of(name) for name in registry.types}
    source = Source("features.kanhe", "\n".join(policy.feature_lines()))
    specs = read_features(source, fields)
    return LiveFeatures(specs, fields, required, Rates("EUR", workload.RATES), bytes(16))


def sample(live: LiveFeatures) -> list[Case]:
    """Events late in a stream, each with its vector and both as one dict; none of it missing."""
    reader = Reader(builtin())
    start_ms = workload.first_ms()
    cases: list[Case] = []
    now = int(time.time() * 1000)
    for i, raw in enumerate(workload.bodies(WARM_UP + 100 * SAMPLE, 2, start_ms)):
        arrival = reader.read("shop", raw, now)
        vector = live.observe(arrival)
        if i >= WARM_UP and not any(map(math.isnan, vector)):
            values = dict(zip(live.names, vector, strict=True))
            cases.append((arrival.event, vector, values | msgspec.to_builtins(arrival.event)))
        if len(cases) == SAMPLE:
            break
    return cases


def kanhe_rules(live: LiveFeatures, vectors: Floats) -> Engine:
    """The rules compiled as the product compiles them, with reasons that quote no values: the
    other engines write no reasons at all."""
    registry = builtin()
    texts = "\n".join(rule.text(quoting=False) for rule in policy.rules())
    specs = read_rules(Source("rules/bench.kanhe", texts), registry, live.specs, {})
    rates = Rates("EUR", workload.RATES)
    rules: RuleSet = compile_rules(specs, registry, live.index, rates, live.text_code)
    signals = rules.signals

    def listed(name: str, value: str) -> bool:
        return False

    def fired(cases: list[Case]) -> list[list[str]]:
        screened = rules.screen([case[0] for case in cases], vectors)
        return [
            [signal.rule for signal in signals(case[0], screened, place, listed)]
            for place, case in enumerate(cases)
        ]

    return fired


def zen_table() -> Engine:
    """zen-engine: one decision table that collects the rows that hold."""
    hits = zen_hits()
    return lambda cases: [hits(case[2]) for case in cases]


def zen_expressions() -> Engine:
    """zen-engine: a hundred compiled expressions."""
    import zen

    compiled = [(r.id, zen.compile_expression(r.condition("[]"))) for r in policy.rules()]
    return lambda cases: [
        [rule for rule, expression in compiled if expression.evaluate(case[2])] for case in cases
    ]


def rule_engine_rules() -> Engine:
    """rule-engine: a hundred compiled rules."""
    import rule_engine

    compiled = [(r.id, rule_engine.Rule(r.condition("[]"))) for r in policy.rules()]
    return lambda cases: [
        [name for name, rule in compiled if rule.matches(case[2])] for case in cases
    ]


def measure(rounds: int) -> dict[str, float | str]:
    """Microseconds per event of each engine that is installed, and how many times Kanhe is faster."""
    live = live_features()
    cases = sample(live)
    # The feature kernel hands vectors over as one array; the other engines' dicts are ready as well.
    vectors = np.array([case[1] for case in cases])
    engines: dict[str, Engine] = {"kanhe": kanhe_rules(live, vectors)}
    missing = ""
    makers = {
        "zen_table": zen_table,
        "zen_expressions": zen_expressions,
        "rule_engine": rule_engine_rules,
    }
    for name, make in makers.items():
        try:
            engines[name] = make()
        except ImportError as error:
            missing = str(error)
    expected = engines["kanhe"](cases)
    for name, engine in engines.items():
        assert engine(cases) == expected, f"{name} sees other rules fire"
    spent = _timed(engines, cases, rounds)
    result: dict[str, float | str] = {f"{n}_us": statistics.median(t) for n, t in spent.items()}
    result["fired_per_event"] = sum(map(len, expected)) / len(expected)
    zen = min(
        (n for n in spent if n.startswith("zen")), key=lambda n: result[f"{n}_us"], default=""
    )
    for key, name in (("rules_vs_zen", zen), ("rules_vs_rule_engine", "rule_engine")):
        if name in spent:
            pairs = zip(spent[name], spent["kanhe"], strict=True)
            result[key] = statistics.median(theirs / ours for theirs, ours in pairs)
    result["zen_way"] = zen
    result["missing"] = missing
    return result


def _timed(engines: dict[str, Engine], cases: list[Case], rounds: int) -> dict[str, list[float]]:
    """Microseconds per event, per engine and round; Kanhe's rounds repeat the cases to be as long."""
    spent: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            repeat = 50 if name == "kanhe" else 1
            before = time.perf_counter()
            for _ in range(repeat):
                engine(cases)
            spent[name].append((time.perf_counter() - before) / (repeat * len(cases)) * 1e6)
    return spent


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
