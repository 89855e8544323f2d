"""A small pure-Python model of the feature semantics: it keeps every event and counts from scratch.

Slow and plain on purpose: each function below is one sentence of `docs/features.md`. Hypothesis
compares it with the kernel and with the oracle's SQL.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .conditions import CONDITIONS
from .declarations import Declared

Values = Mapping[str, Any]
NAN = math.nan
BUCKETS = 60
KEEP_MS = 180 * 86_400_000
VALUE_MAX = 10**13
SUM_MAX = 2**62


@dataclass
class Entity:
    """Everything that happened to one entity since it started (anew)."""

    clock: int
    events: list[Values] = field(default_factory=list)
    labels: list[Values] = field(default_factory=list)
    """The labels that spoke of a time this entity's clock had reached when they came."""


class Reference:
    """Takes events one by one, in order, and says what every feature is for each of them.

    An event is a dict of its fields with `type`, `tenant`, `at_ms` and, if it can be known,
    `amount_base`; a missing field is `None` or absent. `text_code` codes a text for `last`.
    """

    def __init__(self, features: Sequence[Declared], text_code: Callable[[str], float]) -> None:
        self.features = features
        self.text_code = text_code
        self.entities: dict[tuple[object, ...], Entity] = {}

    def observe(self, event: Values) -> list[float]:
        """Take one event in; returns one number per feature, NaN where it is missing."""
        named = {by: self._named(by, event) for by in {f.by for f in self.features}}
        return [self._value(f, named[f.by], event) for f in self.features]

    def _named(self, by: tuple[str, ...], event: Values) -> Entity | None:
        parts = tuple(event.get(part) for part in by)
        if None in parts:
            return None
        key = (event["tenant"], by, parts)
        entity = self.entities.get(key)
        if entity is None or event["at_ms"] - entity.clock > KEEP_MS:
            entity = self.entities[key] = Entity(event["at_ms"])
        entity.clock = max(entity.clock, event["at_ms"])
        entity.events.append(event)
        if _is_fraud_label(event) and event["subject_at_ms"] <= entity.clock:
            entity.labels.append(event)
        return entity

    def _value(self, feature: Declared, entity: Entity | None, event: Values) -> float:
        if entity is None:
            return NAN
        if feature.function in ("last", "since_last", "first_seen", "age", "speed"):
            return self._from_history(feature, entity, event)
        return self._from_window(feature, entity)

    def _from_window(self, feature: Declared, entity: Entity) -> float:
        width = feature.over_ms // BUCKETS
        newest = (entity.clock - feature.delay_ms) // width

        def inside(at_ms: int) -> bool:
            return newest - BUCKETS < at_ms // width <= newest

        events = [e for e in entity.events if counts(feature, e) and inside(e["at_ms"])]
        name = feature.function
        if name == "count":
            return float(len(events))
        if name == "share":
            met = sum(1 for e in events if CONDITIONS[feature.of].holds(e))
            return float(met) / float(len(events)) if events else NAN
        if name == "label_rate":
            known = sum(1 for e in entity.labels if inside(e["subject_at_ms"]))
            return min(1.0, float(known) / float(len(events))) if events else NAN
        values = [e[feature.field] for e in events]
        if name == "distinct":
            return float(min(len(set(values)), feature.most))
        return _aggregate(name, values)

    def _from_history(self, feature: Declared, entity: Entity, event: Values) -> float:
        at_ms = event["at_ms"]
        if feature.function in ("first_seen", "age"):
            times = [e["at_ms"] for e in entity.events if counts(feature, e)]
            if not times:
                return NAN
            first = min(times)
            return float(first) if feature.function == "first_seen" else _seconds(at_ms - first)
        earlier = [e for e in entity.events[:-1] if counts(feature, e)]
        if not earlier or (feature.function == "speed" and not counts(feature, event)):
            return NAN
        # `max` keeps the first of equals, so look from the newest number backwards.
        latest = max(reversed(earlier), key=lambda e: e["at_ms"])
        if feature.function == "speed":
            return _speed(latest, event)
        if feature.over_ms and at_ms - latest["at_ms"] > feature.over_ms:
            return NAN
        if feature.function == "since_last":
            return _seconds(at_ms - latest["at_ms"])
        value = latest[feature.field]
        return self.text_code(value) if isinstance(value, str) else float(value)


def counts(feature: Declared, event: Values) -> bool:
    """Whether this event is one the feature speaks of, and carries what it needs."""
    if event["type"] not in feature.types or not CONDITIONS[feature.where].holds(event):
        return False
    if feature.function == "speed":
        return event.get("lat") is not None and event.get("lon") is not None
    if not feature.field:
        return True
    value = event.get(feature.field)
    return value is not None and (isinstance(value, str) or abs(value) <= VALUE_MAX)


def _is_fraud_label(event: Values) -> bool:
    return (
        event["type"] == "label.assigned"
        and event.get("verdict") == "fraud"
        and event.get("subject_at_ms") is not None
    )


def _aggregate(name: str, values: list[int]) -> float:
    if name in ("min", "max"):
        return float(min(values) if name == "min" else max(values)) if values else NAN
    n, s = len(values), sum(values)
    if abs(s) > SUM_MAX:
        return NAN
    if name == "sum":
        return float(s)
    if name == "mean":
        return float(s) / float(n) if n else NAN
    if n < 2:
        return NAN
    numerator = n * sum(v * v for v in values) - s * s
    wide = float(numerator >> 64) * 2.0**64 + float(numerator & (2**64 - 1))
    return math.sqrt(wide / (float(n) * float(n - 1)))


def _seconds(ms: int) -> float:
    return float(max(ms, 0)) / 1000.0


def _speed(before: Values, now: Values) -> float:
    lat0, lon0, lat1, lon1 = (math.radians(e[f]) for e in (before, now) for f in ("lat", "lon"))
    h = (
        math.sin((lat1 - lat0) / 2) ** 2
        + math.cos(lat0) * math.cos(lat1) * math.sin((lon1 - lon0) / 2) ** 2
    )
    km = 2 * 6371.0088 * math.asin(math.sqrt(min(1.0, h)))
    hours = max(now["at_ms"] - before["at_ms"], 1000) / 3_600_000
    return float(math.floor(km / hours + 0.5))
