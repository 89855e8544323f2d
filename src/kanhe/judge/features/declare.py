"""Reading `features.kanhe`: each declaration is checked against the registry before anything runs."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from kanhe.core.event import ENTITY_KINDS
from kanhe.core.time import DAY_MS, MINUTE_MS
from kanhe.judge.features import layout
from kanhe.judge.features.program import LABEL_TYPE, TypeFields
from kanhe.judge.features.spec import FUNCTIONS, OF_FIELD, VALUE, WINDOWED, Condition, FeatureSpec
from kanhe.judge.language.expression import check_condition
from kanhe.judge.language.literals import duration_of, int_of, text_of, texts_of
from kanhe.judge.language.scope import AMOUNT_BASE, FieldKind, scope_of
from kanhe.judge.language.source import (
    Declaration,
    Mistakes,
    PolicyError,
    Source,
    parse_calls,
    suggestion,
)

MAX_FEATURES = 500
"""How many features one pack may declare."""
MAX_CONDITIONS = 62
"""How many different conditions the features of one event type may use: each is a bit of one word,
of which the sign and the mark of fraud labels are taken."""
OVER_MIN_MS = MINUTE_MS
OVER_MAX_MS = 90 * DAY_MS
DISTINCT_DEFAULT = 100
DISTINCT_MOST = 1000
DELAY_FACTOR = 3
"""`delay` may be at most this many times `over`."""
_NUMBER_KINDS = frozenset({"int", "money", "time"})
_TEXT_KINDS = frozenset({"id", "text", "country", "currency", "choice"})

FieldsByType = Mapping[str, Mapping[str, FieldKind]]
"""The fields of every event type, by name."""


def type_fields(fields_by_type: FieldsByType) -> TypeFields:
    """Sort the fields of every type into those that are hashed and those that are numbers."""
    texts: dict[str, frozenset[str]] = {}
    numbers: dict[str, frozenset[str]] = {}
    for name, fields in fields_by_type.items():
        texts[name] = frozenset(n for n, spec in fields.items() if spec.kind in _TEXT_KINDS)
        found = {n for n, spec in fields.items() if spec.kind in _NUMBER_KINDS}
        if {"amount_minor", "currency"} <= fields.keys():
            found.add(AMOUNT_BASE)
        # Places are handed over in millionths of a degree, for `speed` alone.
        found |= {"lat", "lon"} & fields.keys()
        numbers[name] = frozenset(found)
    return TypeFields(texts, numbers)


def read_features(source: Source, fields_by_type: FieldsByType) -> list[FeatureSpec]:
    """Read the features of one file. Raises `PolicyErrors` naming every mistake in it."""
    mistakes = Mistakes()
    specs: dict[str, FeatureSpec] = {}
    conditions: dict[str, set[tuple[str, ...]]] = {}
    reader = _Reader(source, fields_by_type)
    for declaration in parse_calls(source):
        if declaration.function == VALUE:
            continue  # a derived number: see `kanhe.judge.features.derived`
        with mistakes.gathered():
            spec = reader.read(declaration)
            if spec.name in specs:
                raise declaration.error(f"feature {spec.name} is declared twice")
            for event_type in spec.types:
                if _adds_condition(conditions.setdefault(event_type, set()), spec):
                    raise declaration.error(
                        f"one condition too many on {event_type}",
                        f"features of one event type may use {MAX_CONDITIONS} different conditions",
                    )
            specs[spec.name] = spec
    if len(specs) > MAX_FEATURES:
        mistakes.found.append(
            source.error_at(1, 1, f"{len(specs)} features; a pack may declare {MAX_FEATURES}")
        )
    mistakes.raise_any()
    return list(specs.values())


def reserved_names(fields_by_type: FieldsByType) -> set[str]:
    """The names that mean something on events already."""
    taken = {name for fields in fields_by_type.values() for name in fields}
    return taken | {AMOUNT_BASE, "id", "type", "at_ms"}


def event_types(source: Source, node: ast.expr, fields_by_type: FieldsByType) -> tuple[str, ...]:
    """Read one event type or a list of them; each must be in the registry."""
    types = texts_of(source, node)
    for name in types:
        if name not in fields_by_type:
            hint = suggestion(name, fields_by_type)
            raise source.error(node, f"unknown event type {name[:80]}", hint)
    return types


def _adds_condition(known: set[tuple[str, ...]], spec: FeatureSpec) -> bool:
    """Note the conditions of a feature on one event type; True if they do not find room any more."""
    where = (spec.where.text,) if spec.where else ()
    wanted = {where, (*where, spec.of.text)} if spec.of else {where}
    known |= wanted - {()}
    return len(known) > MAX_CONDITIONS


class _Reader:
    """Reads one declaration at a time."""

    def __init__(self, source: Source, fields_by_type: FieldsByType) -> None:
        self.source = source
        self.fields_by_type = fields_by_type
        self.taken = reserved_names(fields_by_type)

    def read(self, declaration: Declaration) -> FeatureSpec:
        """Check one declaration; raises `PolicyError` at the place of the mistake."""
        name, function = declaration.name, declaration.function
        if name is None:
            raise declaration.error("a feature needs a name", f"write my_feature = {function}(…)")
        if name in self.taken:
            raise declaration.error(f"{name} is a field of events", "choose another name")
        if function not in FUNCTIONS:
            known = (*FUNCTIONS, VALUE)
            hint = suggestion(function, known) or f"there are: {', '.join(known)}"
            raise declaration.error(f"unknown feature function {function}", hint)
        given = declaration.bind(
            ("types", "field") if function in OF_FIELD else ("types",),
            required=self._required(function),
            optional=self._optional(function),
        )
        types = event_types(self.source, given["types"], self.fields_by_type)
        over_ms = self._over(given)
        field, is_text = self._field(function, types, given)
        return FeatureSpec(
            name=name,
            function=function,
            types=types,
            by=self._by(given["by"], types, function),
            over_ms=over_ms,
            field=field,
            where=self._condition(given.get("where"), types),
            of=self._condition(given.get("of"), types),
            delay_ms=self._delay(given, over_ms),
            most=self._most(function, given),
            is_text=is_text and function == "last",
        )

    def _required(self, function: str) -> tuple[str, ...]:
        if function in WINDOWED | {"distinct"}:
            return ("by", "of", "over") if function == "share" else ("by", "over")
        return ("by",)

    def _optional(self, function: str) -> tuple[str, ...]:
        extra: tuple[str, ...] = ("where",)
        if function in WINDOWED:
            extra += ("delay",)
        if function in {"last", "since_last"}:
            extra += ("over",)
        return (*extra, "most") if function == "distinct" else extra

    def _over(self, given: Mapping[str, ast.expr]) -> int:
        node = given.get("over")
        if node is None:
            return 0
        over = duration_of(self.source, node, least_ms=OVER_MIN_MS, most_ms=OVER_MAX_MS)
        if over % MINUTE_MS:
            raise self.source.error(node, "a window is a whole number of minutes")
        return over

    def _delay(self, given: Mapping[str, ast.expr], over_ms: int) -> int:
        node = given.get("delay")
        if node is None:
            return 0
        delay = duration_of(self.source, node, least_ms=MINUTE_MS)
        if delay > DELAY_FACTOR * over_ms or over_ms + delay > layout.KEEP_MS:
            raise self.source.error(
                node,
                f"the delay is longer than {DELAY_FACTOR} times the window, "
                "or reaches back more than 180 days",
                "shorten the delay or widen the window",
            )
        return delay

    def _most(self, function: str, given: Mapping[str, ast.expr]) -> int:
        if function != "distinct":
            return 0
        node = given.get("most")
        if node is None:
            return DISTINCT_DEFAULT
        return int_of(self.source, node, least=1, most=DISTINCT_MOST)

    def _by(self, node: ast.expr, types: Sequence[str], function: str) -> tuple[str, ...]:
        names = texts_of(self.source, node)
        if len(names) > layout.MAX_BY:
            raise self.source.error(node, f"by= takes at most {layout.MAX_BY} entities")
        counted = types if function != "label_rate" else (*types, LABEL_TYPE)
        for name in names:
            if name not in ENTITY_KINDS:
                hint = suggestion(name, ENTITY_KINDS) or f"entities: {', '.join(ENTITY_KINDS)}"
                raise self.source.error(node, f"{name[:80]} is not an entity", hint)
            for type_name in counted:
                if name not in self.fields_by_type[type_name]:
                    raise self.source.error(node, f"{type_name} names no {name}")
        return names

    def _field(
        self, function: str, types: Sequence[str], given: Mapping[str, ast.expr]
    ) -> tuple[str | None, bool]:
        if function == "speed":
            self._located(types, given["types"])
        if function not in OF_FIELD:
            return None, False
        node = given["field"]
        name = text_of(self.source, node)
        kinds = [self._kind(type_name, name, node) for type_name in types]
        if kinds[0] in _NUMBER_KINDS:
            return name, False
        if kinds[0] in _TEXT_KINDS and function in {"distinct", "last"}:
            return name, True
        raise self.source.error(
            node,
            f"{function} cannot aggregate {name}, which is of kind {kinds[0]}",
            "count with where= instead" if kinds[0] == "bool" else "",
        )

    def _kind(self, type_name: str, name: str, node: ast.expr) -> str:
        fields = self.fields_by_type[type_name]
        if name == AMOUNT_BASE and {"amount_minor", "currency"} <= fields.keys():
            return "money"
        if name not in fields:
            raise self._unknown_field(type_name, name, node)
        return fields[name].kind

    def _unknown_field(self, type_name: str, name: str, node: ast.expr) -> PolicyError:
        hint = suggestion(name, {*self.fields_by_type[type_name], AMOUNT_BASE})
        return self.source.error(node, f"{type_name} has no field {name[:80]}", hint)

    def _located(self, types: Sequence[str], node: ast.expr) -> None:
        for type_name in types:
            if not {"lat", "lon"} <= self.fields_by_type[type_name].keys():
                raise self.source.error(node, f"{type_name} has no lat and lon to measure speed by")

    def _condition(self, node: ast.expr | None, types: Sequence[str]) -> Condition | None:
        if node is None:
            return None
        checked = check_condition(node, scope_of(types, self.fields_by_type), self.source)
        return Condition(ast.unparse(node), checked)
