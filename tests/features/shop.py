"""Small things the feature tests share: the registry's fields, and events without JSON."""

from __future__ import annotations

from typing import Any

from kanhe.core.event import Arrival
from kanhe.core.money import Rates
from kanhe.judge.features.declare import read_features
from kanhe.judge.features.live import LiveFeatures
from kanhe.judge.features.spec import FeatureSpec
from kanhe.judge.intake.registry import builtin
from kanhe.judge.language.source import Source

REGISTRY = builtin()
FIELDS = {name: REGISTRY.fields_of(name) for name in REGISTRY.types}
REQUIRED = {name: REGISTRY.required_of(name) for name in REGISTRY.types}
KEY = b"0123456789abcdef"
START_MS = 1_767_225_600_000
RATES = Rates("EUR", {"USD": "0.9", "JPY": "0.0061"})


def declared(text: str) -> list[FeatureSpec]:
    """Read declarations as a pack would hold them."""
    return read_features(Source("features.kanhe", text), FIELDS)


def live(text: str, **options: Any) -> LiveFeatures:
    """A fresh state for these declarations."""
    return LiveFeatures(
        declared(text), FIELDS, REQUIRED, RATES, KEY, **{"limit_bytes": 1 << 28, **options}
    )


def arrival(type_name: str, at_s: float, *, tenant: str = "shop", **fields: Any) -> Arrival:
    """An event `at_s` seconds after the start, built without going through JSON."""
    required = {"amount_minor": 100, "currency": "EUR"} if "payment" in type_name else {}
    event = REGISTRY.struct(type_name)(
        id="e", at_ms=START_MS + round(at_s * 1000), **{**required, **fields}
    )
    return Arrival(tenant, event, b"", 0)


def watch(features: LiveFeatures, name: str, *arrivals: Arrival) -> list[float]:
    """The values of one feature as the events arrive."""
    return [features.observe(each)[features.index[name]] for each in arrivals]
