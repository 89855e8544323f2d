"""A small world for the tests of rules: features, lists, and events of the built-in registry."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from kanhe.core.event import Event
from kanhe.core.money import Rates
from kanhe.judge.features.spec import FeatureSpec
from kanhe.judge.intake.registry import builtin
from kanhe.judge.language.source import Source
from kanhe.judge.rules.compile import RuleSet, compile_rules
from kanhe.judge.rules.declare import RuleSpec, read_rules
from kanhe.judge.rules.lists import ListSpec

REGISTRY = builtin()
FEATURES = [
    FeatureSpec("card_declines_10m", "count", ("payment.declined",), ("card",), 600_000),
    FeatureSpec("card_users_24h", "distinct", ("payment.attempted",), ("card",), 86_400_000),
    FeatureSpec("user_mean_30d", "mean", ("payment.attempted",), ("user",), 30 * 86_400_000),
    FeatureSpec("user_country", "last", ("account.login",), ("user",), is_text=True),
]
INDEX = {spec.name: place for place, spec in enumerate(FEATURES)}
LISTS = [
    ListSpec("stolen_cards", "card", "deny"),
    ListSpec("disposable_domains", "domain", "watch"),
]
RATES = Rates("EUR", {"USD": "0.5"})
NOTHING_LISTED = {"stolen_cards": set[str](), "disposable_domains": set[str]()}


def text_code(text: str) -> float:
    """A stand-in for the features' code of a text."""
    return float(sum((place + 1) * ord(char) for place, char in enumerate(text)))


def read(text: str) -> list[RuleSpec]:
    """The rules of a text."""
    return read_rules(Source("rules/payments.kanhe", text), REGISTRY, FEATURES, LISTS)


def compiled(text: str) -> RuleSet:
    """The rules of a text, ready to run."""
    return compile_rules(read(text), REGISTRY, INDEX, RATES, text_code)


def rule(when: str, name: str = "r", on: str = "payment.attempted", more: str = "points=10") -> str:
    """The text of one rule with a given condition."""
    return f'rule("{name}", on="{on}", when={when}, {more}, en="Why.", zh="原因。")\n'


def event(type_name: str = "payment.attempted", **fields: Any) -> Event:
    """The example event of a type, with other fields (`None` leaves one out)."""
    body = {**REGISTRY.types[type_name].example, "id": "e1", "at_ms": 1_767_225_600_000, **fields}
    body.pop("type", None)
    struct = REGISTRY.struct(type_name)
    present = {name: value for name, value in body.items() if value is not None}
    return msgspec.convert({"type": type_name, **present}, struct)


def vector(**features: float) -> tuple[float, ...]:
    """A vector with the given features, all others missing."""
    return tuple(features.get(name, math.nan) for name in INDEX)
