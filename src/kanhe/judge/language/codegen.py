"""From a checked expression to Python text that is fast and keeps the meaning of missing values.

The meaning, which the documentation promises and a small interpreter in the tests checks:

(1) a comparison, `in` or text test with a missing operand is false, `!=` and `not in` included;
(2) arithmetic and functions with a missing operand give a missing value;
(3) the operands of one operation are all evaluated, so that a division by zero is never hidden by
    a missing neighbour; only `and`, `or` and the links of a chain stop early, from left to right.

How it is kept: a missing feature is NaN, for which Python's own comparisons are false already
(except `!=`); a missing field is `None`, which needs a guard unless it meets `==` or `in` on
something that is never `None`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from kanhe.judge.language import tree
from kanhe.judge.language.expression import Checked
from kanhe.judge.language.functions import RUNTIME
from kanhe.judge.language.scope import ALWAYS, AMOUNT_BASE
from kanhe.judge.language.tree import Node, Type

__all__ = ["RUNTIME", "Naming", "naming", "python_of", "python_with"]


@dataclass(frozen=True)
class Naming:
    """How names of the language are spelled in the generated text.

    `field` and `feature` give an expression that is cheap to repeat (a local variable, an
    attribute, an element). `required` are the fields that are never `None`. `amount_base` is the
    local variable that holds it, or empty to call `to_base` in place. `text_code` codes literals.
    """

    field: Callable[[str], str]
    feature: Callable[[str], str]
    required: Collection[str] = ()
    amount_base: str = ""
    text_code: Callable[[str], float] | None = None


def naming(
    event: str = "e",
    vector: str = "v",
    index: Mapping[str, int] | None = None,
    required: Collection[str] = (),
    text_code: Callable[[str], float] | None = None,
) -> Naming:
    """Fields are attributes of the variable `event`, features elements of `vector` at `index`."""
    places = index or {}
    return Naming(
        field=lambda name: f"{event}.{name}",
        feature=lambda name: f"{vector}[{places[name]}]",
        required=required,
        text_code=text_code,
    )


def python_of(
    checked: Checked,
    event: str = "e",
    vector: str = "v",
    index: Mapping[str, int] | None = None,
    *,
    required: Collection[str] = (),
    text_code: Callable[[str], float] | None = None,
) -> str:
    """Python text of an expression, to be compiled in a namespace that holds `RUNTIME`.

    A condition gives something true or false (not always a `bool`), a number gives an int, float or
    NaN, a text gives a `str` or `None`. The text may assign to local variables `_t1`, `_t2`, …
    """
    return python_with(checked, naming(event, vector, index, required, text_code))


def python_with(checked: Checked, names: Naming) -> str:
    """As `python_of`, with names spelled by `names`."""
    writer = _Writer(names)
    if checked.type is Type.BOOL:
        return writer.truth(checked.node)
    if checked.type is Type.NUMBER:
        return writer.number(checked.node).text
    return writer.value(checked.node).text


@dataclass(frozen=True, slots=True)
class _Value:
    """A piece of generated text and what is known of its value."""

    text: str
    none: bool = False
    """It may be None."""
    nan: bool = False
    """It may be NaN."""
    simple: bool = True
    """It costs next to nothing to write it twice."""
    fails: bool = False
    """Evaluating it may raise."""


class _Writer:
    """Writes one expression. Everything compound it returns is in parentheses."""

    def __init__(self, names: Naming) -> None:
        self.names = names
        self.temporaries = 0

    def fresh(self) -> str:
        """A new local variable."""
        self.temporaries += 1
        return f"_t{self.temporaries}"

    # Values

    def value(self, node: Node) -> _Value:
        """Text whose value is the node's value, or None or NaN where it is missing."""
        match node:
            case tree.Literal():
                return _Value(repr(node.value) if _positive(node.value) else f"({node.value!r})")
            case tree.Field():
                return self._field(node)
            case tree.Feature():
                return _Value(self.names.feature(node.name), nan=True)
            case tree.Arithmetic():
                return self._arithmetic(node)
            case tree.Negative():
                inner = self.number(node.operand)
                return _Value(f"(-{inner.text})", nan=inner.nan, simple=False, fails=inner.fails)
            case tree.Call() if node.type is not Type.BOOL:
                return self._function(node)
        fails = _fails(node)
        return _Value(f"(True if {self.truth(node)} else False)", simple=False, fails=fails)

    def number(self, node: Node) -> _Value:
        """As `value`, with a missing number always as NaN."""
        value = self.value(node)
        if not value.none:
            return value
        if value.simple:
            return _Value(
                f"(NAN if {value.text} is None else {value.text})", nan=True, simple=False
            )
        name = self.fresh()
        return _Value(
            f"(NAN if ({name} := {value.text}) is None else {name})", nan=True, simple=False
        )

    def _field(self, node: tree.Field) -> _Value:
        if node.name == AMOUNT_BASE:
            if self.names.amount_base:
                return _Value(self.names.amount_base, none=True)
            amount, currency = self.names.field("amount_minor"), self.names.field("currency")
            return _Value(f"to_base({amount}, {currency})", none=True, simple=False)
        known = node.name in ALWAYS or node.name in self.names.required
        return _Value(self.names.field(node.name), none=not known)

    def _arithmetic(self, node: tree.Arithmetic) -> _Value:
        left, right = self.number(node.left), self.number(node.right)
        fails = left.fails or right.fails
        nonzero = isinstance(node.right, tree.Literal)
        if node.op in "+-*" or nonzero:
            text = f"({left.text} {node.op} {right.text})"
        elif right.fails:
            text = f"{_DIVISIONS[node.op]}({left.text}, {right.text})"
        elif not left.nan:
            text = f"({left.text} {node.op} {right.text})"
        elif left.simple:
            text = f"({left.text} {node.op} {right.text} if {left.text} == {left.text} else NAN)"
        else:
            name = self.fresh()
            text = f"({name} {node.op} {right.text} if ({name} := {left.text}) == {name} else NAN)"
        # Even two known numbers can make NaN: infinity less infinity.
        return _Value(
            text, nan=True, simple=False, fails=fails or (node.op not in "+-*" and not nonzero)
        )

    def _function(self, node: tree.Call) -> _Value:
        name = node.function
        if name == "len":
            return self._length(node)
        if name in {"lower", "domain"}:
            inner = self.value(node.args[0])
            none = inner.none or name == "domain"
            return _Value(f"{name}({inner.text})", none=none, simple=False)
        args = [self.number(arg) for arg in node.args]
        text = ", ".join(arg.text for arg in args)
        return _Value(
            f"{_SPELLED.get(name, name)}({text})",
            nan=True,
            simple=False,
            fails=any(arg.fails for arg in args),
        )

    def _length(self, node: tree.Call) -> _Value:
        inner = self.value(node.args[0])
        if not inner.none:
            return _Value(f"len({inner.text})", simple=False)
        first, again = self._twice(inner)
        text = f"(NAN if {first} is None else len({again}))"
        return _Value(text, nan=True, simple=False)

    def _twice(self, value: _Value) -> tuple[str, str]:
        """Texts for the first and for every later use of a value."""
        if value.simple:
            return value.text, value.text
        name = self.fresh()
        return f"({name} := {value.text})", name

    # Conditions

    def truth(self, node: Node) -> str:
        """Text that is true where the condition holds."""
        match node:
            case tree.Logic():
                return "(" + f" {node.op} ".join(self.truth(part) for part in node.parts) + ")"
            case tree.Not():
                return f"(not {self.truth(node.operand)})"
            case tree.Comparison():
                return self._comparison(node)
            case tree.AmongLiterals():
                return self._among_literals(node)
            case tree.AmongIds():
                return self._among_ids(node)
            case tree.Listed():
                return self._listed(node)
            case tree.AnyAmong():
                return self._any_among(node)
            case tree.Known():
                return self._known(node)
            case tree.Call():
                return self._text_test(node)
        # A truth value of the event: None counts as false.
        return self.value(node).text

    def _comparison(self, node: tree.Comparison) -> str:
        """Guard and compare, pair by pair; each operand is written out once, then named."""
        operands = self._comparable(node.operands)
        uses = [_Use(self, operand) for operand in operands]
        terms: list[str] = []
        for index, op in enumerate(node.ops):
            left, right = uses[index], uses[index + 1]
            left.later = right.later = len(operands) > 2
            guards = self._guards(left, right, op)
            if guards:
                # (3): what may raise is evaluated before a guard can end the comparison.
                terms += [f"({use.text()},)" for use in (left, right) if use.must_come_first()]
                for guard in guards:
                    terms.append(guard.known())
            terms.append(f"{left.text()} {op} {right.text()}")
        return "(" + " and ".join(terms) + ")"

    def _guards(self, left: _Use, right: _Use, op: str) -> list[_Use]:
        """Which operands of one pair must be tested for None or NaN first."""
        unknown = [use for use in (left, right) if not use.guarded]
        if op == "!=":
            return [use for use in unknown if use.value.none or use.value.nan]
        nones = [use for use in unknown if use.value.none]
        if op == "==":
            # None == something known is false by itself; only two Nones would be equal.
            return nones[:1] if len(nones) == 2 else []
        return nones

    def _comparable(self, operands: tuple[Node, ...]) -> list[_Value]:
        """The operands as values of one kind: where a text feature takes part, all are codes."""
        if any(isinstance(operand, tree.Feature) for operand in operands):
            # A feature is a float, and Python compares floats with floats at twice the speed.
            # Whole numbers of the language stay below 10**15, so nothing is lost.
            operands = tuple(_as_float(operand) for operand in operands)
        if not any(operand.type is Type.CODE for operand in operands):
            return [self.value(operand) for operand in operands]
        return [self._coded(operand) for operand in operands]

    def _coded(self, node: Node) -> _Value:
        """The code of a text, NaN where it is missing."""
        if node.type is Type.CODE:
            return self.value(node)
        if isinstance(node, tree.Literal):
            return _Value(repr(self._code(str(node.value))))
        value = self.value(node)
        if not value.none:
            return _Value(f"text_code({value.text})", simple=False)
        first, again = self._twice(value)
        text = f"(NAN if {first} is None else text_code({again}))"
        return _Value(text, nan=True, simple=False)

    def _code(self, text: str) -> float:
        if self.names.text_code is None:
            raise ValueError("comparing a text feature needs text_code")
        return float(self.names.text_code(text))

    def _among_literals(self, node: tree.AmongLiterals) -> str:
        literals: tuple[int | float | str, ...] = node.literals
        if node.value.type is Type.CODE:
            literals = tuple(self._code(str(literal)) for literal in literals)
        use = _Use(self, self.value(node.value))
        if not node.negated:
            return f"({use.text()} in {_choices(literals)})"
        guard = f"{use.known()} and " if use.value.none or use.value.nan else ""
        return f"({guard}{use.text()} not in {_choices(literals)})"

    def _among_ids(self, node: tree.AmongIds) -> str:
        ids, use = _Use(self, self.value(node.ids)), _Use(self, self.value(node.value))
        guards = [ids.known()] if ids.value.none else []
        if node.negated and use.value.none:
            guards.append(use.known())
        op = "not in" if node.negated else "in"
        return "(" + " and ".join([*guards, f"{use.text()} {op} {ids.text()}"]) + ")"

    def _listed(self, node: tree.Listed) -> str:
        use = _Use(self, self.value(node.value))
        guard = f"{use.known()} and " if use.value.none else ""
        call = f"listed({node.list_name!r}, {use.text()})"
        return f"({guard}not {call})" if node.negated else f"({guard}{call})"

    def _any_among(self, node: tree.AnyAmong) -> str:
        use = _Use(self, self.value(node.ids))
        guard = f"{use.known()} and " if use.value.none else ""
        if node.list_name:
            return f"({guard}any_listed(listed, {node.list_name!r}, {use.text()}))"
        return f"({guard}any_of({use.text()}, {node.literals!r}))"

    def _known(self, node: tree.Known) -> str:
        use = _Use(self, self.value(node.operand))
        known = use.known() if use.value.none or use.value.nan else ""
        if not known:
            # Never missing; a length is still evaluated by nobody, because it cannot fail.
            return "False" if node.negated else "True"
        return f"(not {known})" if node.negated else f"({known})"

    def _text_test(self, node: tree.Call) -> str:
        whole, part = (_Use(self, self.value(arg)) for arg in node.args)
        guards = [use.known() for use in (whole, part) if use.value.none]
        if node.function == "contains":
            test = f"{part.text()} in {whole.text()}"
        else:
            method = node.function.replace("_", "")
            test = f"{whole.text()}.{method}({part.text()})"
        return "(" + " and ".join([*guards, test]) + ")"


class _Use:
    """One operand while it is written: out in full the first time, by name after that."""

    def __init__(self, writer: _Writer, value: _Value) -> None:
        self.writer = writer
        self.value = value
        self.name = value.text if value.simple else ""
        self.guarded = not (value.none or value.nan)
        self.later = False

    def text(self) -> str:
        """The operand; named on the way if it will be written again."""
        if self.name:
            return self.name
        if not self.later:
            return self.value.text
        self.name = self.writer.fresh()
        return f"({self.name} := {self.value.text})"

    def must_come_first(self) -> bool:
        """Whether it may raise and has not been evaluated yet."""
        waiting = self.value.fails and not self.name
        self.later = self.later or waiting
        return waiting

    def known(self) -> str:
        """A test that it is not missing; afterwards it counts as guarded."""
        self.later = True
        self.guarded = True
        if self.value.none:
            return f"{self.text()} is not None"
        first = self.text()
        return f"{first} == {self.text()}"


_DIVISIONS = {"/": "divided", "//": "floored", "%": "remainder"}
_SPELLED = {"min": "least", "max": "greatest", "round": "rounded"}


def _as_float(node: Node) -> Node:
    """A whole number written in the policy as the float that compares alike; others as they are."""
    if isinstance(node, tree.Literal) and type(node.value) is int:
        return tree.Literal(float(node.value), Type.NUMBER)
    return node


def _positive(value: int | float | str | bool) -> bool:
    return isinstance(value, str | bool) or not value < 0


def _choices(literals: tuple[int | float | str, ...]) -> str:
    """A set display, which Python keeps as one constant; a short one as a tuple."""
    text = ", ".join(repr(literal) for literal in literals)
    return f"{{{text}}}" if len(literals) > 3 else f"({text},)"


def _fails(node: Node) -> bool:
    """Whether a division that may be by zero stands anywhere below this node."""
    match node:
        case tree.Arithmetic():
            divides = node.op in {"/", "//", "%"} and not isinstance(node.right, tree.Literal)
            return divides or _fails(node.left) or _fails(node.right)
        case tree.Negative() | tree.Not() | tree.Known():
            return _fails(node.operand)
        case tree.Comparison():
            return any(_fails(operand) for operand in node.operands)
        case tree.Logic():
            return any(_fails(part) for part in node.parts)
        case tree.Call():
            return any(_fails(arg) for arg in node.args)
        case tree.AmongLiterals():
            return _fails(node.value)
    return False
