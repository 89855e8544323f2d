"""The typed tree of a condition: what the check produces and the code generator reads.

Every node knows its type. Nothing here refers to Python's own syntax tree any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Type(Enum):
    """What a value is. The words are those used in errors."""

    NUMBER = "a number"
    TEXT = "a text"
    BOOL = "true or false"
    IDS = "a list of ids"
    CODE = "a text feature"
    """A text remembered by a feature: the vector holds its code, so it can only be compared."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, text or truth value written in the policy."""

    value: int | float | str | bool
    type: Type


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the event."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature of the vector: `NUMBER`, or `CODE` for a remembered text."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left op right` with op one of + - * / // %."""

    op: str
    left: Node
    right: Node
    type: Type = Type.NUMBER


@dataclass(frozen=True, slots=True)
class Negative:
    """`-operand`."""

    operand: Node
    type: Type = Type.NUMBER


@dataclass(frozen=True, slots=True)
class Comparison:
    """`a op b op c …`, true if every neighbouring pair compares so; ops are == != < <= > >=."""

    operands: tuple[Node, ...]
    ops: tuple[str, ...]
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class AmongLiterals:
    """`value in ("a", "b")`, or `not in`."""

    value: Node
    literals: tuple[int | float | str, ...]
    negated: bool
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class AmongIds:
    """`value in ids`, or `not in`, where ids is a list field of the event."""

    value: Node
    ids: Field
    negated: bool
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class Listed:
    """`value in list_name`, or `not in`, where the list belongs to the policy pack."""

    value: Node
    list_name: str
    negated: bool
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class AnyAmong:
    """`any_in(ids, …)`: whether at least one id stands in the literals or in the list."""

    ids: Field
    literals: tuple[int | float | str, ...]
    list_name: str
    """Empty when literals are given."""
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class Logic:
    """`a and b and …` or `a or b or …`; evaluated from the left, stopping when decided."""

    op: str
    parts: tuple[Node, ...]
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class Not:
    """`not operand`."""

    operand: Node
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class Known:
    """`known(operand)`, or `missing(operand)` when negated."""

    operand: Node
    negated: bool
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one of the language's own functions."""

    function: str
    args: tuple[Node, ...]
    type: Type


Node = (
    Literal
    | Field
    | Feature
    | Arithmetic
    | Negative
    | Comparison
    | AmongLiterals
    | AmongIds
    | Listed
    | AnyAmong
    | Logic
    | Not
    | Known
    | Call
)
