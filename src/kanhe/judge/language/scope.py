"""Which names an expression may use: fields of the event, features, lists."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kanhe.judge.language.tree import Type

KIND_TYPES: Mapping[str, Type] = {
    "id": Type.TEXT,
    "text": Type.TEXT,
    "prose": Type.TEXT,
    "country": Type.TEXT,
    "currency": Type.TEXT,
    "choice": Type.TEXT,
    "int": Type.NUMBER,
    "money": Type.NUMBER,
    "time": Type.NUMBER,
    "degrees": Type.NUMBER,
    "bool": Type.BOOL,
    "ids": Type.IDS,
}
"""The type of an expression that names a field, by the field's kind."""

AMOUNT_BASE = "amount_base"
"""The amount in minor units of the pack's base currency, on every event with an amount."""

ALWAYS = frozenset({"id", "at_ms", "type"})
"""Fields that every event has."""


class FieldKind(Protocol):
    """What this room asks of a field's declaration."""

    @property
    def kind(self) -> str:
        """One of the keys of `KIND_TYPES`."""

    @property
    def choices(self) -> Collection[str]:
        """The values a `choice` field may have; empty for other kinds."""


@dataclass(frozen=True)
class Scope:
    """The names in reach of one expression.

    `fields` are those that every event type in question has. `features` are `NUMBER` or `TEXT`
    (`TEXT`: remembered text, held as a code). `lists` maps a list to what it holds, such as `card`.
    `values` gives, for a choice field, what it can be. `elsewhere` maps fields of other event types
    to the types that have them, for the wording of errors. With `event_only` the expression sees
    nothing but the event, as in a feature's `where=`.
    """

    fields: Mapping[str, Type]
    features: Mapping[str, Type] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Collection[str]] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, Sequence[str]] = field(default_factory=dict)
    types: tuple[str, ...] = ()
    event_only: bool = False


def scope_of(
    types: Sequence[str],
    fields_by_type: Mapping[str, Mapping[str, FieldKind]],
    features: Mapping[str, Type] | None = None,
    lists: Mapping[str, str] | None = None,
) -> Scope:
    """The scope of an expression over events of the given types.

    `fields_by_type` covers every type of the registry. Without `features` (`None`, rather than an
    empty mapping) the expression sees only the event.
    """
    shared = set.intersection(*(set(fields_by_type[name]) for name in types))
    specs = {name: fields_by_type[types[0]][name] for name in shared}
    fields = {name: KIND_TYPES[spec.kind] for name, spec in specs.items()}
    fields |= {"id": Type.TEXT, "at_ms": Type.NUMBER, "type": Type.TEXT}
    if {"amount_minor", "currency"} <= shared:
        fields[AMOUNT_BASE] = Type.NUMBER
    values = {name: spec.choices for name, spec in specs.items() if spec.choices}
    elsewhere: dict[str, list[str]] = {}
    for type_name, known in fields_by_type.items():
        for name in known:
            if name not in fields:
                elsewhere.setdefault(name, []).append(type_name)
    return Scope(
        fields=fields,
        features=features or {},
        lists=lists or {},
        values=values | {"type": tuple(types)},
        kinds={name: spec.kind for name, spec in specs.items()},
        elsewhere=elsewhere,
        types=tuple(types),
        event_only=features is None,
    )
