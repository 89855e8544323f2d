"""The starter pack: complete, bilingual, and every rule of it can fire."""

from __future__ import annotations

import math
import random
import re
from typing import Any

import msgspec
import pytest

from kanhe.core.event import Event
from kanhe.judge.intake.declarations import FieldSpec
from kanhe.judge.policy.check import describe
from kanhe.judge.policy.pack import Pack, load_archive, load_pack, starter_path
from kanhe.judge.rules.compile import RuleSet, compile_rules
from kanhe.judge.rules.declare import RuleSpec

PACK = load_pack(starter_path())
INDEX = {spec.name: place for place, spec in enumerate(PACK.features)}
THREAT = re.compile(r"OAT-0\d\d|[FT]1\d{3}(\.\d{3})?")
HAN = re.compile(r"[\u4e00-\u9fff]")
NUMBERS = (0.0, 0.5, 1.0, 3.0, 5.0, 12.0, 40.0, 300.0, 5_000.0, 90_000.0, 4e6, 3e8)
MOMENTS = (1767225600000, 1767240000000, 1767270000000)


def text_code(text: str) -> float:
    """A stand-in for the installation's code of a text."""
    return float(sum(text.encode()))


def compiled(*rules: RuleSpec) -> RuleSet:
    return compile_rules(rules or PACK.rules, PACK.registry, INDEX, PACK.rates, text_code)


def example(type_name: str, **changes: Any) -> Event:
    """The registry's example of a type with some fields changed."""
    body = {"id": "e1", **PACK.registry.types[type_name].example, **changes}
    return msgspec.convert(body, PACK.registry.struct(type_name))


def values_of(spec: FieldSpec) -> tuple[Any, ...]:
    """Values worth trying for a field."""
    match spec.kind:
        case "choice":
            return spec.choices
        case "bool":
            return (True, False)
        case "country":
            return ("DE", "CN")
        case "time":
            return MOMENTS
        case "int" | "money":
            least, most = spec.least, spec.greatest
            return tuple(
                v for v in (least, 0, 1, 5, 60, 700, 90_000, 10**8, most) if least <= v <= most
            )
        case _:
            return ("x-1", "x-2@mailinator.com")


def firing(rule: RuleSpec, type_name: str) -> tuple[Event, list[float]] | None:
    """Search for an event and a vector that make the rule fire, with a fixed seed."""
    dice = random.Random(rule.id)
    rules = compiled(rule)
    fields = PACK.registry.fields_of(type_name)
    names = sorted(rule.condition.fields & fields.keys() - {"id", "type"})
    if "amount_base" in rule.condition.fields:
        names.append("amount_minor")
    required = PACK.registry.required_of(type_name)
    choices = {
        name: values_of(fields[name]) + (() if name in required else (None,)) for name in names
    }
    for _ in range(20_000):
        changes = {name: dice.choice(choices[name]) for name in names}
        vector = [math.nan] * len(INDEX)
        for name in sorted(rule.condition.features):
            vector[INDEX[name]] = dice.choice(NUMBERS)
        event = example(type_name, **changes)
        signals = rules.evaluate(event, vector, lambda name, value: True)
        if signals and not signals[0].error:
            return event, vector
    return None


def test_it_is_large_enough_for_a_first_day() -> None:
    """At least 65 features and 55 rules, over every stage of a trade."""
    assert len(PACK.features) >= 65
    assert len(PACK.rules) >= 55
    covered = {type_name for rule in PACK.rules for type_name in rule.on}
    assert covered >= {
        "account.registered", "account.login", "account.login_failed", "account.password_changed",
        "session.started", "cart.changed", "order.placed", "order.cancelled", "payment.attempted",
        "payment.declined", "refund.requested", "chargeback.received", "review.posted",
        "message.sent", "parcel.shipped", "parcel.delivered", "payout.requested",
        "merchant.applied", "staff.action", "finding.reported", "label.scanned",
    }  # fmt: skip


def test_features_stay_affordable() -> None:
    """Every declared feature costs time on every event that names its entity: at most 86."""
    assert len(PACK.features) <= 86


def test_features_know_everyone() -> None:
    """There are features of each kind of entity that acts, of pairs, and of every family of function."""
    by = {spec.by for spec in PACK.features}
    assert by >= {
        (name,)
        for name in (
            "user", "device", "ip", "card", "email", "phone", "address", "merchant", "product",
            "courier", "parcel", "staff", "session",
        )
    }  # fmt: skip
    assert by >= {("user", "device"), ("user", "card"), ("user", "merchant")}
    functions = {spec.function for spec in PACK.features}
    assert functions >= {
        "count", "sum", "mean", "std", "max", "distinct", "share", "label_rate", "last",
        "since_last", "age", "speed",
    }  # fmt: skip


@pytest.mark.parametrize("rule", PACK.rules, ids=lambda rule: rule.id)
def test_every_rule_is_complete(rule: RuleSpec) -> None:
    """Both languages with the same values, an owner, and at least one known threat id."""
    assert rule.en.text.endswith(".")
    assert rule.zh.text.endswith("。")
    assert HAN.search(rule.zh.text)
    assert not HAN.search(rule.en.text)
    assert set(rule.en.places) == set(rule.zh.places)
    assert rule.owner
    if rule.outcome != "allow":
        assert any(THREAT.fullmatch(tag) for tag in rule.tags), rule.tags


def test_texts_of_lists_are_bilingual() -> None:
    """Every list says in both languages what it holds."""
    for listed in PACK.lists:
        assert listed.en
        assert HAN.search(listed.zh)


@pytest.mark.parametrize("rule", PACK.rules, ids=lambda rule: rule.id)
def test_every_rule_can_fire(rule: RuleSpec) -> None:
    """For each event type of each rule there is an event and a vector that make it fire."""
    for type_name in rule.on:
        found = firing(rule, type_name)
        assert found is not None, f"{rule.id} never fired on {type_name}"
        [signal] = compiled(rule).evaluate(*found, lambda name, value: True)
        assert signal.rule == rule.id
        assert "{" not in signal.reason.en + signal.reason.zh


@pytest.mark.parametrize(
    "type_name",
    ["account.registered", "account.login", "session.started", "cart.changed", "order.placed",
     "payment.attempted", "payment.authorized", "review.posted", "message.sent", "parcel.shipped",
     "parcel.delivered", "refund.requested", "merchant.applied", "complaint.opened"],
)  # fmt: skip
def test_a_plain_event_of_someone_new_raises_nothing(type_name: str) -> None:
    """With nothing known of anybody, a well-behaved event fires no rule."""
    vector = [math.nan if spec.function in ("last", "mean", "std", "max", "share", "label_rate",
                                            "since_last", "speed", "age") else 0.0
              for spec in PACK.features]  # fmt: skip
    event = example(type_name)
    signals = compiled().evaluate(event, vector, lambda name, value: False)
    assert [signal.rule for signal in signals] == []


def test_a_broken_value_never_stops_the_others() -> None:
    """No rule raises on missing values: an event with nothing known gives no failed rule at all."""
    rules = compiled()
    for type_name in PACK.registry.types:
        signals = rules.evaluate(example(type_name), [math.nan] * len(INDEX), lambda n, v: False)
        assert not [signal for signal in signals if signal.error]


def test_it_is_the_same_pack_from_its_archive() -> None:
    """The archive gives the same pack back, and loading twice gives the same bytes."""
    again: Pack = load_archive(PACK.archive)
    assert (again.hash, again.archive) == (PACK.hash, load_pack(starter_path()).archive)


def test_nothing_in_it_is_idle() -> None:
    """No feature and no list is declared in vain, and no rule waits for what cannot come."""
    assert describe(PACK)["advice"] == []
