"""The registry: every field and event type there is, checked, and made into classes.

The built-in catalogue and a shop's own declarations pass through the same checks here.
"""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from kanhe.core.countries import COUNTRIES
from kanhe.core.currencies import EXPONENT
from kanhe.core.errors import KanheError
from kanhe.core.event import Event
from kanhe.judge.intake.catalogue import FIELDS, TYPES
from kanhe.judge.intake.declarations import (
    ALWAYS,
    FIELD_KINDS,
    IDS_MAX,
    RESERVED,
    EventType,
    FieldSpec,
)

__all__ = ["EventType", "FieldSpec", "Registry", "RegistryError", "builtin"]

_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TYPE_NAME = re.compile(r"(?=.{3,80}\Z)[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_CHOICE = re.compile(r"[^\s\"\\\x00-\x1f\x7f-\x9f]{1,64}")
_CHOICES_MAX = 500


class RegistryError(KanheError):
    """A declaration of a field or an event type contradicts itself or another one."""


class Registry:
    """Fields and event types, immutable once made.

    Raises `RegistryError` if a name is malformed or taken, if a type uses a field that is not
    declared, or if it has amounts without a currency.
    """

    def __init__(
        self,
        fields: Iterable[FieldSpec],
        types: Iterable[EventType],
        *,
        parent: Registry | None = None,
    ) -> None:
        """`parent` is a registry whose classes are taken over for types that did not change."""
        self._fields: dict[str, FieldSpec] = {spec.name: spec for spec in ALWAYS}
        self._types: dict[str, EventType] = {}
        self._specs: dict[str, dict[str, FieldSpec]] = {}
        self._structs: dict[str, type[Event]] = {}
        for spec in fields:
            self._add_field(spec)
        for event_type in types:
            self._add_type(event_type)
            if parent and parent._types.get(event_type.name) is event_type:
                self._structs[event_type.name] = parent.struct(event_type.name)

    @property
    def fields(self) -> Mapping[str, FieldSpec]:
        """Every field by name, `id` and `at_ms` first."""
        return MappingProxyType(self._fields)

    @property
    def types(self) -> Mapping[str, EventType]:
        """Every event type by name, in the order of declaration."""
        return MappingProxyType(self._types)

    def struct(self, type_name: str) -> type[Event]:
        """The class of a type: one attribute per field, `None` where an event left it out."""
        if type_name not in self._structs:
            self._structs[type_name] = _struct(self._types[type_name], self._specs[type_name])
        return self._structs[type_name]

    def structs(self) -> tuple[type[Event], ...]:
        """The classes of all types, in the order of `types`."""
        return tuple(self.struct(name) for name in self._types)

    def fields_of(self, type_name: str) -> dict[str, FieldSpec]:
        """The fields of one type, in the order of its class: `id`, `at_ms`, required, optional."""
        return dict(self._specs[type_name])

    def required_of(self, type_name: str) -> tuple[str, ...]:
        """The fields an event of this type cannot leave out, `id` and `at_ms` included."""
        return ("id", "at_ms", *self._types[type_name].requires)

    def extended(
        self,
        fields: Iterable[FieldSpec] = (),
        types: Iterable[EventType] = (),
        additions: Mapping[str, Iterable[str]] | None = None,
    ) -> Registry:
        """A new registry with more fields and types, and more optional fields on existing types.

        `additions` maps a type's name to the fields it may have besides. Raises `RegistryError`.
        """
        changed = dict(self._types)
        more = {name: tuple(names) for name, names in (additions or {}).items()}
        for event_type in types:
            if event_type.name in changed:
                raise RegistryError(f"the event type {event_type.name} is already declared")
            changed[event_type.name] = event_type
        for name, names in more.items():
            if name not in changed:
                raise RegistryError(f"unknown event type {name}{nearest(name, changed)}")
            before = changed[name]
            if repeated := set(names) & {*before.requires, *before.may}:
                raise RegistryError(f"{name} already has {', '.join(sorted(repeated))}")
            changed[name] = msgspec.structs.replace(before, may=(*before.may, *names))
        known = [spec for name, spec in self._fields.items() if name not in ("id", "at_ms")]
        return Registry([*known, *fields], changed.values(), parent=self)

    def _add_field(self, spec: FieldSpec) -> None:
        if problem := field_mistake(spec):
            raise RegistryError(f"field {spec.name}: {problem}")
        if spec.name in self._fields:
            raise RegistryError(f"the field {spec.name} is already declared")
        self._fields[spec.name] = spec

    def _add_type(self, event_type: EventType) -> None:
        name = event_type.name
        if problem := self._type_mistake(event_type):
            raise RegistryError(f"event type {name}: {problem}")
        names = ("id", "at_ms", *event_type.requires, *event_type.may)
        self._types[name] = event_type
        self._specs[name] = {field: self._fields[field] for field in names}

    def _type_mistake(self, event_type: EventType) -> str:
        """What is wrong with a type, or an empty text."""
        if not _TYPE_NAME.fullmatch(event_type.name):
            return "a name is at least two lower-case words joined by dots, such as shop.gift_sent"
        if event_type.name in self._types:
            return "already declared"
        names = (*event_type.requires, *event_type.may)
        for name in names:
            if name not in self._fields:
                return f"unknown field {name}{nearest(name, self._fields)}"
            if name in ("id", "at_ms"):
                return f"every type has {name}; leave it out"
        if len(set(names)) < len(names):
            return "a field stands twice"
        if "currency" not in names:
            for name in names:
                if self._fields[name].kind == "money":
                    return f"{name} is an amount, so currency must be a field of the type too"
        if not event_type.en.strip() or not event_type.zh.strip():
            return "descriptions in English (en) and Chinese (zh) are needed"
        return ""


def field_mistake(spec: FieldSpec) -> str:
    """What is wrong with the declaration of a field, or an empty text."""
    if not _FIELD_NAME.fullmatch(spec.name) or keyword.iskeyword(spec.name):
        return "a name is lower-case letters, digits and _, at most 64, letter first"
    if spec.name in RESERVED:
        return "this name means something else in every event; choose another"
    if spec.kind not in FIELD_KINDS:
        return f"unknown kind {spec.kind}; choose from {', '.join(FIELD_KINDS)}"
    if not spec.en.strip() or not spec.zh.strip():
        return "descriptions in English (en) and Chinese (zh) are needed"
    if (spec.kind == "choice") != bool(spec.choices):
        return "choices belong to kind choice, and to it alone"
    if len(set(spec.choices)) < len(spec.choices) or len(spec.choices) > _CHOICES_MAX:
        return f"choices must differ, and be at most {_CHOICES_MAX}"
    if not all(_CHOICE.fullmatch(choice) for choice in spec.choices):
        return "each choice is 1 to 64 characters without space, quote or backslash"
    bounded = spec.minimum is not None or spec.maximum is not None
    if bounded and spec.kind not in ("int", "money", "time", "degrees"):
        return f"minimum and maximum mean nothing for kind {spec.kind}"
    if spec.least > spec.greatest:
        return "the minimum is above the maximum"
    unbounded = FieldSpec(spec.name, spec.kind, "", "", "")
    if spec.least < unbounded.least or spec.greatest > unbounded.greatest:
        return f"bounds must lie within {unbounded.least} and {unbounded.greatest}"
    if spec.kind == "degrees" and not (spec.least >= -360 and spec.greatest <= 360):
        return "degrees need a minimum and a maximum within -360 and 360"
    return ""


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?` if a known name is near, else an empty text."""
    near = difflib.get_close_matches(name[:50], list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _struct(event_type: EventType, fields: Mapping[str, FieldSpec]) -> type[Event]:
    """The msgspec class of a type; JSON is decoded straight into it."""
    attributes: list[Any] = []
    for name, spec in fields.items():
        kind = _annotation(spec)
        if name in event_type.requires or name in ("id", "at_ms"):
            attributes.append((name, kind))
        else:
            attributes.append((name, kind | None, None))
    made = msgspec.defstruct(
        "".join(part.title() for part in re.split(r"[._]", event_type.name)),
        attributes,
        bases=(Event,),
        namespace={"type": event_type.name, "__doc__": event_type.en},
        module=__name__,
        tag_field="type",
        tag=event_type.name,
        kw_only=True,
        frozen=True,
        forbid_unknown_fields=True,
        omit_defaults=True,
        gc=False,
    )
    return made  # type: ignore[return-value]  # defstruct is typed as type[Struct]


def _annotation(spec: FieldSpec) -> Any:
    """The type msgspec checks a field by."""
    match spec.kind:
        case "id" | "text" | "prose":
            return Annotated[str, Meta(min_length=1, max_length=spec.longest)]
        case "ids":
            one = Annotated[str, Meta(min_length=1, max_length=spec.longest)]
            return Annotated[tuple[one, ...], Meta(max_length=IDS_MAX)]
        case "int" | "money" | "time":
            return Annotated[int, Meta(ge=spec.least, le=spec.greatest)]
        case "degrees":
            return Annotated[float, Meta(ge=spec.least, le=spec.greatest)]
        case "bool":
            return bool
        case "choice":
            return Literal[spec.choices]
        case "country":
            return _COUNTRY
        case "currency":
            return _CURRENCY


_COUNTRY = Literal[tuple(sorted(COUNTRIES))]  # type: ignore[valid-type]  # made from data
_CURRENCY = Literal[tuple(sorted(EXPONENT))]  # type: ignore[valid-type]  # made from data

_BUILTIN = Registry(FIELDS, TYPES)


def builtin() -> Registry:
    """The registry of the built-in types."""
    return _BUILTIN
