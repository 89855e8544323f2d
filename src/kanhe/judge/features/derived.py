"""Derived numbers: `name = value(types, expression)`, a number made of an event and its features.

`amount_ratio = value("payment.attempted", amount_base / card_mean_30d)` counts nothing and remembers
nothing: it is an expression of the policy's own language over fields, features and the derived
numbers declared before it. So it needs no place in the journal, and whoever has event and vector
has it too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kanhe.judge.features.declare import FieldsByType, event_types, reserved_names
from kanhe.judge.features.spec import VALUE, FeatureSpec
from kanhe.judge.language.expression import Checked, check
from kanhe.judge.language.scope import scope_of
from kanhe.judge.language.source import Declaration, Mistakes, Source, parse_calls
from kanhe.judge.language.tree import Type

MAX_DERIVED = 300
"""How many derived numbers one pack may declare."""


@dataclass(frozen=True, slots=True)
class DerivedSpec:
    """One derived number: on which event types there is one, and of what it is made.

    The expression is a number, or a condition that gives 1 where it holds and 0 where it does not.
    """

    name: str
    types: tuple[str, ...]
    expression: Checked


def read_derived(
    source: Source, fields_by_type: FieldsByType, features: Iterable[FeatureSpec]
) -> list[DerivedSpec]:
    """Read all derived numbers of `features.kanhe`. Raises `PolicyErrors` naming every mistake.

    `features` are those of the same file, in reach of every expression.
    """
    mistakes = Mistakes()
    found: dict[str, DerivedSpec] = {}
    reader = _Reader(source, fields_by_type, features)
    for declaration in parse_calls(source):
        if declaration.function == VALUE:
            with mistakes.gathered():
                spec = reader.read(declaration)
                found[spec.name] = spec
    if len(found) > MAX_DERIVED:
        mistakes.found.append(
            source.error_at(1, 1, f"{len(found)} derived numbers; a pack may declare {MAX_DERIVED}")
        )
    mistakes.raise_any()
    return list(found.values())


class _Reader:
    """Reads one declaration at a time; each sees those before it."""

    def __init__(
        self, source: Source, fields_by_type: FieldsByType, features: Iterable[FeatureSpec]
    ) -> None:
        self.source = source
        self.fields_by_type = fields_by_type
        self.reserved = reserved_names(fields_by_type)
        self.known = {spec.name: Type.TEXT if spec.is_text else Type.NUMBER for spec in features}

    def read(self, declaration: Declaration) -> DerivedSpec:
        """Check one declaration; raises `PolicyError` at the place of the mistake."""
        name, source = declaration.name, self.source
        if name is None:
            raise declaration.error(
                "a derived number needs a name", f"write my_number = {VALUE}(…)"
            )
        if name in self.reserved:
            raise declaration.error(f"{name} is a field of events", "choose another name")
        if name in self.known:
            raise declaration.error(f"{name} is declared twice", "choose another name")
        given = declaration.bind(("types", "expression"))
        types = event_types(source, given["types"], self.fields_by_type)
        node = given["expression"]
        try:
            checked = check(node, scope_of(types, self.fields_by_type, self.known), source)
        finally:
            # Whatever is wrong inside, those after it may use the name: one slip is reported once.
            self.known[name] = Type.NUMBER
        if checked.type not in {Type.NUMBER, Type.BOOL}:
            raise source.error(
                node,
                f"a derived number is a number or a condition, and this is {checked.type.value}",
                "compare it, for example with ==",
            )
        return DerivedSpec(name, types, checked)
