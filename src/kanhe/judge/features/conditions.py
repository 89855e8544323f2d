"""Conditions on an event as steps that the kernel takes over its cells.

What cannot be said with exact whole numbers and whole texts is refused; such conditions stay with the
Python that `language.codegen` generates. Its meaning of missing values holds here too: a comparison
with one is false, and arithmetic with one is missing. None of these steps can fail, so that all of
them may be taken, where Python stops early.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from kanhe.core.money import AMOUNT_MAX_MINOR
from kanhe.judge.features import layout as at
from kanhe.judge.features.program import FRAUD_VERDICT
from kanhe.judge.features.spec import Condition
from kanhe.judge.intake.declarations import IDS_MAX, INT_MAX, TIME_MAX_MS
from kanhe.judge.language import tree
from kanhe.judge.language.scope import AMOUNT_BASE, FieldKind
from kanhe.judge.language.tree import Node, Type

NUMBER_MAX = 2**62
"""No number on the way may reach this."""

_GREATEST = {"int": INT_MAX, "money": AMOUNT_MAX_MINOR, "time": TIME_MAX_MS}
_MINUTE_MS, _HOUR_MS, _DAY_MS = 60_000, 3_600_000, 86_400_000
_ARITHMETIC = {"+": at.ADD, "-": at.SUBTRACT, "*": at.MULTIPLY}
_SWAPPED = {">": "<", ">=": "<="}
_ORDER = {"<": at.BELOW, "<=": at.AT_MOST, "==": at.EQUAL, "!=": at.UNEQUAL}


class NotExpressibleError(Exception):
    """The kernel has no steps for this condition."""


class Steps:
    """Writes the steps for the conditions of one event type.

    `fields` are the fields of the type in their order, `amount_max` the greatest amount in the base
    currency that an event can have (0: amounts cannot be converted here). `keep` puts words where
    steps can point to them, and returns their place.
    """

    def __init__(
        self,
        type_name: str,
        fields: Mapping[str, FieldKind],
        amount_max: int,
        keep: Callable[[Iterable[int]], int],
    ) -> None:
        self.words: list[int] = []
        """Three for each step."""
        self.deepest = 0
        """How much room the stack needs."""
        self._type = type_name
        self._fields = fields
        self._slots = {name: slot for slot, name in enumerate(fields)}
        self._amount_max = amount_max
        self._keep = keep
        self._depth = 0

    def write(self, bit: int, conditions: Sequence[Condition]) -> None:
        """The steps that set one bit where all conditions hold; without any, on labels of fraud.

        Raises `NotExpressibleError`.
        """
        if conditions:
            self._all(condition.checked.node for condition in conditions)
        else:
            self._among("verdict", (FRAUD_VERDICT,))
        self._step(at.SET_BIT, bit, grows=-1)

    def _step(self, what: int, one: int = 0, other: int = 0, *, grows: int = 0) -> None:
        self.words += (what, one, other)
        self._depth += grows
        self.deepest = max(self.deepest, self._depth)

    def _constant(self, value: int) -> None:
        self._step(at.CONSTANT, value, grows=1)

    def _all(self, nodes: Iterable[Node], step: int = at.AND) -> None:
        for n, node in enumerate(nodes):
            self._truth(node)
            if n:
                self._step(step, grows=-1)

    # Conditions

    def _truth(self, node: Node) -> None:
        """Steps that leave 1 where a condition holds, and 0 where it does not."""
        match node:
            case tree.Literal():
                self._constant(int(bool(node.value)))
            case tree.Field():
                # A truth value that was left out counts as false.
                self._step(at.NUMBER_OF, self._slots[node.name], grows=1)
                self._constant(1)
                self._step(at.EQUAL, grows=-1)
            case tree.Logic():
                self._all(node.parts, at.AND if node.op == "and" else at.OR)
            case tree.Not():
                self._truth(node.operand)
                self._step(at.NOT)
            case tree.Comparison():
                for n, op in enumerate(node.ops):
                    self._pair(node.operands[n], op, node.operands[n + 1])
                    if n:
                        self._step(at.AND, grows=-1)
            case tree.AmongLiterals():
                self._among_literals(node)
            case tree.Known():
                self._known(node.operand)
                if node.negated:
                    self._step(at.NOT)
            case _:
                raise NotExpressibleError

    def _pair(self, left: Node, op: str, right: Node) -> None:
        """One comparison of two values."""
        if op in _SWAPPED:
            left, op, right = right, _SWAPPED[op], left
        if left.type is Type.TEXT:
            self._texts(left, op, right)
        elif left.type is Type.BOOL:
            self._flag(left)
            self._flag(right)
            self._step(_ORDER[op], grows=-1)
        else:
            self._numbers(left, op, right)

    def _flag(self, node: Node) -> None:
        """A truth value as a number, missing where a field was left out."""
        if isinstance(node, tree.Field):
            self._step(at.NUMBER_OF, self._slots[node.name], grows=1)
        else:
            self._truth(node)

    def _numbers(self, left: Node, op: str, right: Node) -> None:
        """`left op right`. Between two whole numbers there is no third: an order with a fraction is
        one with a whole number, and none is equal to a fraction."""
        low, high = _fraction(left), _fraction(right)
        if low is None and high is None:
            self._operand(left)
            self._operand(right)
            self._step(_ORDER[op], grows=-1)
        elif low is not None and high is not None:
            raise NotExpressibleError
        elif op == "==":
            self._constant(0)
        elif op == "!=":
            self._known(left if low is None else right)
        elif low is not None:
            self._constant(math.ceil(low))
            self._operand(right)
            self._step(at.AT_MOST, grows=-1)
        elif high is not None:
            self._operand(left)
            self._by(at.AT_MOST, math.floor(high))

    def _operand(self, node: Node) -> None:
        """One side of a comparison: Python compares whole numbers and floats exactly."""
        constant = _constant(node)
        if constant is None:
            self._number(node)
        else:
            self._constant(int(constant))

    def _texts(self, left: Node, op: str, right: Node) -> None:
        one, other = self._text(left), self._text(right)
        if one is None and other is None:
            self._constant(int((self._fixed(left) == self._fixed(right)) == (op == "==")))
            return
        if one is None or other is None:
            field, text = (left, right) if other is None else (right, left)
            assert isinstance(field, tree.Field)
            self._among(field.name, (self._fixed(text),))
        else:
            self._step(at.TEXTS_SAME, one, other, grows=1)
        if op == "!=":
            self._step(at.NOT)
            for slot in (one, other):
                if slot is not None:
                    self._has(slot)
                    self._step(at.AND, grows=-1)

    def _among_literals(self, node: tree.AmongLiterals) -> None:
        value = node.value
        if value.type is Type.NUMBER:
            self._number(value)
            whole = [
                int(one) for one in node.literals if not isinstance(one, str) and one == one // 1
            ]
            self._step(at.NUMBER_AMONG, self._keep([len(whole), *whole]))
        else:
            texts = [str(one) for one in node.literals]
            if self._text(value) is None:
                self._constant(int(self._fixed(value) in texts))
            else:
                assert isinstance(value, tree.Field)
                self._among(value.name, texts)
        if node.negated:
            self._step(at.NOT)
            self._known(value)
            self._step(at.AND, grows=-1)

    def _known(self, node: Node) -> None:
        """Steps that leave 1 where a value is not missing."""
        if isinstance(node, tree.Field) and node.name in self._slots:
            self._has(self._slots[node.name])
        elif node.type is Type.NUMBER:
            self._number(node)
            self._step(at.IS_KNOWN)
        elif node.type is Type.TEXT and self._text(node) is None:
            self._constant(1)
        else:
            raise NotExpressibleError

    def _has(self, slot: int) -> None:
        self._step(at.HAS, slot, grows=1)

    # Texts

    def _text(self, node: Node) -> int | None:
        """The slot of a text of the event, `None` for a text that is known beforehand."""
        if isinstance(node, tree.Field) and node.name in self._slots:
            return self._slots[node.name]
        self._fixed(node)
        return None

    def _fixed(self, node: Node) -> str:
        if isinstance(node, tree.Literal):
            return str(node.value)
        if isinstance(node, tree.Field) and node.name == "type":
            return self._type
        raise NotExpressibleError

    def _among(self, field: str, texts: Iterable[str]) -> None:
        """Whether the text of a field is one of these; each is kept as its size, and its bytes."""
        coded = [text.encode() for text in texts]
        words = [len(coded)]
        for one in coded:
            words.append(len(one))
            words += [
                int.from_bytes(one[start : start + 8], "little", signed=len(one) >= start + 8)
                for start in range(0, len(one), 8)
            ]
        self._step(at.TEXT_AMONG, self._slots[field], self._keep(words), grows=1)

    # Numbers

    def _number(self, node: Node) -> int:
        """Steps that leave a whole number, missing where it is; gives the greatest magnitude."""
        constant = _constant(node)
        if constant is not None:
            if not isinstance(constant, int):
                raise NotExpressibleError  # what Python would compute in floats
            self._constant(constant)
            return abs(constant)
        match node:
            case tree.Field(name=name):
                return self._field(name)
            case tree.Negative():
                greatest = self._number(node.operand)
                self._step(at.NEGATE)
                return greatest
            case tree.Arithmetic() if node.op in _ARITHMETIC:
                left, right = self._number(node.left), self._number(node.right)
                self._step(_ARITHMETIC[node.op], grows=-1)
                return _bounded(left * right if node.op == "*" else left + right)
            case tree.Arithmetic() if node.op in ("//", "%"):
                return self._divided(node)
            case tree.Call():
                return self._called(node)
        raise NotExpressibleError

    def _field(self, name: str) -> int:
        if name == AMOUNT_BASE:
            if not self._amount_max:
                raise NotExpressibleError
            slots = self._slots["amount_minor"], self._slots["currency"]
            self._step(at.AMOUNT_OF, *slots, grows=1)
            return self._amount_max
        greatest = _GREATEST.get(self._fields[name].kind)
        if greatest is None:
            raise NotExpressibleError  # degrees are fractions
        self._step(at.NUMBER_OF, self._slots[name], grows=1)
        return greatest

    def _divided(self, node: tree.Arithmetic) -> int:
        """Whole division by a constant above zero, and what it leaves."""
        by = _constant(node.right)
        if not isinstance(by, int) or by <= 0:
            raise NotExpressibleError
        greatest = self._number(node.left)
        self._by(at.FLOOR if node.op == "//" else at.REMAINDER, by)
        return greatest if node.op == "//" else by

    def _by(self, what: int, constant: int) -> None:
        self._constant(constant)
        self._step(what, grows=-1)

    def _called(self, node: tree.Call) -> int:
        if node.function == "abs":
            greatest = self._number(node.args[0])
            self._step(at.ABSOLUTE)
            return greatest
        if node.function in ("min", "max"):
            step = at.LEAST if node.function == "min" else at.GREATEST
            greatest = self._number(node.args[0])
            for arg in node.args[1:]:
                greatest = max(greatest, self._number(arg))
                self._step(step, grows=-1)
            return greatest
        if node.function in ("hour", "weekday"):
            return self._time(node)
        if node.function == "len" and isinstance(ids := node.args[0], tree.Field):
            if self._fields[ids.name].kind == "ids":
                self._step(at.NUMBER_OF, self._slots[ids.name], grows=1)
                return IDS_MAX
        raise NotExpressibleError

    def _time(self, node: tree.Call) -> int:
        """The hour of the day or the day of the week, as `language.functions` computes them."""
        greatest = self._number(node.args[0])
        if len(node.args) > 1:
            offset = self._number(node.args[1])
            self._by(at.MULTIPLY, _MINUTE_MS)
            self._step(at.ADD, grows=-1)
            _bounded(greatest + _bounded(offset * _MINUTE_MS))
        if node.function == "hour":
            self._by(at.FLOOR, _HOUR_MS)
            self._by(at.REMAINDER, 24)
            return 24
        self._by(at.FLOOR, _DAY_MS)
        self._by(at.ADD, 3)
        self._by(at.REMAINDER, 7)
        return 7


def _bounded(greatest: int) -> int:
    if greatest >= NUMBER_MAX:
        raise NotExpressibleError
    return greatest


def _constant(node: Node) -> int | float | None:
    """A number that stands in the condition itself."""
    if isinstance(node, tree.Negative):
        inner = _constant(node.operand)
        return None if inner is None else -inner
    if isinstance(node, tree.Literal) and node.type is Type.NUMBER:
        assert not isinstance(node.value, str)
        return node.value
    return None


def _fraction(node: Node) -> float | None:
    """A constant that is not a whole number."""
    constant = _constant(node)
    return None if constant is None or constant == constant // 1 else float(constant)
