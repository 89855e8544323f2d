"""What must hold for a condition to be true, as far as tests of single numbers can tell.

`card_declines_10m >= 5 and currency in ("EUR", "USD")` is true only if a feature lies in an interval
and the number of a field is one of two. Such a demand is a *guard*: some tests, of which one must
hold. Where it holds nothing is decided. Where it does not, the condition is false, and whoever
evaluates it from the left finds that out before anything could fail: so a rule that divides by zero
still says so, unless its condition would have ended before the division.

(1) An `and` has the guards of its operands up to the first one that may fail, that one included.
(2) An `or` has one guard if each of its operands has any: that one of those holds.
(3) Comparisons of a feature or a field with literals, or of two fields of one kind, are tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import NamedTuple

from kanhe.core.countries import COUNTRIES
from kanhe.core.currencies import EXPONENT
from kanhe.judge.intake.declarations import FieldSpec
from kanhe.judge.language import tree
from kanhe.judge.language.tree import Node, Type

FEATURE, FIELD, ALIKE, UNLIKE = range(4)
"""Kinds of tests: a feature, or the number of a field, lies within bounds; the numbers of two fields
are equal, or differ. What is missing never passes."""

_Bounds = tuple[float, float]
_ANY: _Bounds = (-math.inf, math.inf)
_NONE: _Bounds = (math.inf, -math.inf)
_NUMBERS = frozenset({"int", "money", "time"})
_COUNTRIES, _CURRENCIES = tuple(sorted(COUNTRIES)), tuple(sorted(EXPONENT))
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


class Check(NamedTuple):
    """A test of one number, or of two numbers against each other."""

    kind: int
    at: int
    """The place of the feature in the vector, or of the field among those of the event's type."""
    low: float = 0.0
    high: float = 0.0
    """Bounds, both included."""
    other: int = 0
    """The place of the other field."""


Guard = tuple[Check, ...]


class Numbers(NamedTuple):
    """What tests can look at."""

    places: Mapping[str, int]
    """The place of each feature."""
    fields: Mapping[str, FieldSpec]
    """The fields of the event's type, in the order of their cells."""
    text_code: Callable[[str], float]
    """The number by which the vector remembers a text."""


def guards_of(condition: Node, numbers: Numbers) -> list[Guard]:
    """The guards of a condition, those first that look at one feature; none if it has none."""
    guards = _merged(_Reader(numbers).guards(condition))
    return sorted(guards, key=lambda guard: (not on_features(guard), len(guard)))


def on_features(guard: Guard) -> bool:
    """Whether a guard looks at features alone."""
    return all(test.kind == FEATURE for test in guard)


def _merged(guards: Iterable[Guard]) -> list[Guard]:
    """Guards of one test each that look at the same number become one."""
    found: list[Guard] = []
    single: dict[tuple[int, int], _Bounds] = {}
    for guard in guards:
        (first, *others) = guard
        if others or first.kind not in (FEATURE, FIELD):
            found.append(guard)
            continue
        low, high = single.get((first.kind, first.at), _ANY)
        single[first.kind, first.at] = max(low, first.low), min(high, first.high)
    return [(Check(kind, at, *bounds),) for (kind, at), bounds in single.items()] + found


class _Reader:
    """Reads guards off a condition."""

    def __init__(self, numbers: Numbers) -> None:
        self.places, self.fields, self.text_code = numbers
        self.slots = {name: slot for slot, name in enumerate(numbers.fields)}

    def guards(self, node: Node) -> list[Guard]:
        """Steps (1) to (3)."""
        match node:
            case tree.Logic(op="and"):
                return self._all(node.parts)  # (1)
            case tree.Logic():
                each = [self.guards(part) for part in node.parts]
                firsts = [guards[0] for guards in each if guards]  # (2)
                return [tuple(chain(*firsts))] if len(firsts) == len(each) else []
            case tree.Comparison() if _harmless(node):
                pairs = zip(node.ops, node.operands, node.operands[1:], strict=False)
                found = (self._pair(*pair) for pair in pairs)
                return [guard for guard in found if guard]
            case tree.AmongLiterals():
                return self._among(node)
            case tree.Field(type=Type.BOOL):
                return self._tests_of(node, [(1.0, 1.0)])
            case tree.Known(negated=False):
                return self._tests_of(node.operand, [_ANY])
        return []

    def _all(self, parts: Iterable[Node]) -> list[Guard]:
        guards: list[Guard] = []
        for part in parts:
            guards += self.guards(part)
            if not _harmless(part):
                break
        return guards

    def _pair(self, op: str, left: Node, right: Node) -> Guard:
        """One link of a chain of comparisons; empty if it is no test."""
        if isinstance(left, tree.Literal):
            op, left, right = _MIRRORED[op], right, left
        if isinstance(right, tree.Literal):
            number = self._number(left, right.value)
            bounds = [] if number is None else _bounds(op, number)
            return tuple(chain(*self._tests_of(left, bounds)))
        if isinstance(left, tree.Field) and isinstance(right, tree.Field) and op in ("==", "!="):
            one, other = (self.fields.get(field.name) for field in (left, right))
            if one and other and _domain(one) == _domain(other) != ():
                kind = ALIKE if op == "==" else UNLIKE
                slots = self.slots
                return (Check(kind, slots[left.name], other=slots[right.name]),)
        return ()

    def _among(self, node: tree.AmongLiterals) -> list[Guard]:
        numbers = [self._number(node.value, literal) for literal in node.literals]
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers):
            return []
        if node.negated:
            return [
                guard
                for number in known
                for guard in self._tests_of(node.value, _bounds("!=", number))
            ]
        return self._tests_of(node.value, [_bounds("==", number)[0] for number in known])

    def _tests_of(self, node: Node, bounds: Iterable[_Bounds]) -> list[Guard]:
        """The guard that the number of a feature or a field lies within one of some bounds."""
        if isinstance(node, tree.Feature):
            kind, at = FEATURE, self.places[node.name]
        elif isinstance(node, tree.Field) and node.name in self.slots:
            kind, at = FIELD, self.slots[node.name]
        else:
            return []
        tests = tuple(Check(kind, at, low, high) for low, high in bounds)
        return [tests] if tests else []

    def _number(self, node: Node, value: float | str) -> float | None:
        """By which number a literal stands where it meets a feature or a field: NaN if it can never
        be met, `None` if there are no such numbers."""
        if isinstance(node, tree.Feature):
            if node.type is Type.NUMBER:
                return None if isinstance(value, str) else float(value)
            return self.text_code(value) if isinstance(value, str) else None
        spec = self.fields.get(node.name) if isinstance(node, tree.Field) else None
        if spec is None or isinstance(value, bool):
            return None
        if isinstance(value, str):
            choices = _domain(spec) if spec.kind in ("choice", "country", "currency") else ()
            if not choices:
                return None
            return float(choices.index(value)) if value in choices else math.nan
        return float(value) if spec.kind in _NUMBERS else None


def _domain(spec: FieldSpec) -> tuple[str, ...]:
    """What the numbers of a field stand for; fields with the same can be held against each other."""
    match spec.kind:
        case "country":
            return _COUNTRIES
        case "currency":
            return _CURRENCIES
        case "choice":
            return spec.choices
    return ("numbers",) if spec.kind in _NUMBERS else ()


def _bounds(op: str, number: float) -> list[_Bounds]:
    """Which values compare so with a number; one that is not a number, none is equal to."""
    below = (-math.inf, math.nextafter(number, -math.inf))
    above = (math.nextafter(number, math.inf), math.inf)
    if number != number:
        return [_ANY] if op == "!=" else [_NONE]
    match op:
        case "<":
            return [below]
        case "<=":
            return [(-math.inf, number)]
        case ">":
            return [above]
        case ">=":
            return [(number, math.inf)]
        case "==":
            return [(number, number)]
    return [below, above]


def _harmless(node: Node) -> bool:
    """Whether evaluating a condition can surely not fail: it holds fields, features and literals
    against one another, and calls and computes nothing."""
    match node:
        case tree.Literal() | tree.Field() | tree.Feature():
            return True
        case tree.Comparison():
            return all(map(_harmless, node.operands))
        case tree.AmongLiterals() | tree.AmongIds():
            return _harmless(node.value)
        case tree.Logic():
            return all(map(_harmless, node.parts))
        case tree.Not() | tree.Known():
            return _harmless(node.operand)
    return False
