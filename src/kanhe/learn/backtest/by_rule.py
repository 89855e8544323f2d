"""What each rule contributes, and which rules say the same twice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kanhe.core.decision import SEVERITY
from kanhe.judge.verdict.many import (
    NOTHING,
    REVIEW,
    Severities,
    kept_of,
    outcomes_of,
)
from kanhe.learn.backtest.figures import Pair, RuleFigures
from kanhe.learn.intervals import share_of, sums_of
from kanhe.learn.judged import Judged
from kanhe.learn.truth import Truth

Ints = npt.NDArray[np.int64]
_MOST_COMPARED = 400
"""Of how many rules, those that fire most, pairs are looked for."""
_MOST_PAIRS = 20
_OFTEN = 0.5
_EVENTS_AT_ONCE = 50_000


def rules_of(
    judged: Judged, truth: Truth, outcome: Severities, blocks: Ints, days: int, seed: int
) -> tuple[RuleFigures, ...]:
    """One rule after the other, in the order of the pack; also those that never fired."""
    event, rules = judged.event_of, len(judged.rules)
    without = _without(judged, event)
    decisive = outcome[event] > without
    softened = outcome[event] < without
    stops = (outcome[event] >= REVIEW) & (without < REVIEW)
    fraud, honest = truth.fraud[event], truth.honest[event]
    unknown = truth.unknown[event]
    fired = ~judged.failed

    def count(mask: npt.NDArray[np.bool_]) -> list[int]:
        found: list[int] = np.bincount(judged.rule[mask], minlength=rules).tolist()
        return found

    columns = {
        "events": count(fired),
        "failed": count(judged.failed),
        "fraud": count(fired & fraud),
        "honest": count(fired & honest),
        "unknown": count(fired & unknown),
        "decisive": count(decisive),
        "decisive_fraud": count(decisive & fraud),
        "decisive_honest": count(decisive & honest),
        "softened": count(softened),
    }
    amounts = judged.amount_minor[event]
    pairs = [
        (blocks[event[mask]], amounts[mask])
        for what in (stops & fraud, stops & honest)
        for mask in _by_rule(judged.rule, what, rules)
    ]
    sums = sums_of(pairs, seed)
    all_fraud = int(truth.fraud.sum())
    found = []
    for number, rule in enumerate(judged.rules):
        of_rule = {name: column[number] for name, column in columns.items()}
        known = of_rule["fraud"] + of_rule["honest"]
        found.append(
            RuleFigures(
                rule=rule,
                **of_rule,
                per_day=of_rule["events"] / max(days, 1),
                precision=share_of(of_rule["fraud"], known),
                recall=share_of(of_rule["fraud"], all_fraud),
                saved=sums[number],
                refused=sums[rules + number],
            )
        )
    return tuple(found)


def _by_rule(rule: npt.NDArray[np.int32], mask: npt.NDArray[np.bool_], rules: int) -> list[Ints]:
    """The signals of each rule, by their places, of those in `mask`."""
    places = np.flatnonzero(mask)
    order = places[np.argsort(rule[places], kind="stable")]
    ends = np.cumsum(np.bincount(rule[places], minlength=rules))
    return [np.sort(part) for part in np.split(order, ends[:-1])] if rules else []


def _without(judged: Judged, event: Ints) -> Severities:
    """For each signal, the outcome of its event if its rule had said nothing."""
    asked = np.zeros((len(judged.at_ms), len(SEVERITY)), dtype=np.int32)
    asking = judged.asks != NOTHING
    np.add.at(asked, (event[asking], judged.asks[asking]), 1)
    found = np.empty(len(event), dtype=np.int8)
    for begin in range(0, len(event), _EVENTS_AT_ONCE):
        part = slice(begin, begin + _EVENTS_AT_ONCE)
        others = asked[event[part]]
        own = np.flatnonzero(asking[part])
        others[own, judged.asks[part][own]] -= 1
        table = judged.pack.verdict
        points = judged.points[event[part]] - judged.rule_points[part]
        found[part] = outcomes_of(points, kept_of(others > 0, table), table)
    return found


def pairs_of(judged: Judged) -> tuple[Pair, ...]:
    """Pairs of rules of which at least one fires mostly where the other does, the closest first."""
    fired = ~judged.failed
    counts = np.bincount(judged.rule[fired], minlength=len(judged.rules))
    chosen = np.argsort(-counts, kind="stable")[:_MOST_COMPARED]
    chosen = chosen[counts[chosen] > 0]
    together = _together(judged, fired, chosen)
    found = []
    for one in range(len(chosen)):
        for other in range(one + 1, len(chosen)):
            both = int(together[one, other])
            of_one, of_other = both / counts[chosen[one]], both / counts[chosen[other]]
            if max(of_one, of_other) >= _OFTEN:
                pair = (judged.rules[chosen[one]], judged.rules[chosen[other]])
                found.append(Pair(*pair, both, float(of_one), float(of_other)))
    found.sort(key=lambda p: (-min(p.of_one, p.of_other), -p.together, p.one, p.other))
    return tuple(found[:_MOST_PAIRS])


def _together(judged: Judged, fired: npt.NDArray[np.bool_], chosen: Ints) -> Ints:
    """On how many events each two of the chosen rules fired."""
    place = np.full(len(judged.rules), -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    kept = fired & (place[judged.rule] >= 0)
    # Events without any signal are left out of the numbering, and with them most of the table.
    _, event = np.unique(judged.event_of[kept], return_inverse=True)
    column = place[judged.rule[kept]]
    found = np.zeros((len(chosen), len(chosen)), dtype=np.int64)
    total = int(event.max()) + 1 if len(event) else 0
    for begin in range(0, total, _EVENTS_AT_ONCE):
        part = (event >= begin) & (event < begin + _EVENTS_AT_ONCE)
        table = np.zeros((min(_EVENTS_AT_ONCE, total - begin), len(chosen)), dtype=np.float32)
        table[event[part] - begin, column[part]] = 1.0
        found += np.rint(table.T @ table).astype(np.int64)
    return found
