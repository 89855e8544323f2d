"""The check of an expression: from Python's syntax tree to a typed tree of our own, or an error.

What is allowed is listed in `docs/rules.md`; everything else is refused by name. The check bounds
depth and size before it descends, so that no text can exhaust the stack.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

from kanhe.core.event import ENTITY_KINDS
from kanhe.judge.language import tree
from kanhe.judge.language.literals import MAX_INT, text_of
from kanhe.judge.language.scope import Scope
from kanhe.judge.language.source import PolicyError, Source, suggestion
from kanhe.judge.language.tree import Node, Type

MAX_DEPTH = 50
"""How deep an expression may be nested."""
MAX_NODES = 500
"""How many names, values and operations an expression may hold."""

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
}  # fmt: skip
_FORBIDDEN: dict[type[ast.AST], tuple[str, str]] = {
    ast.Attribute: ("a dot after a name is not part of the language", "fields are plain names"),
    ast.Subscript: ("[…] after a name is not part of the language", ""),
    ast.Lambda: ("lambda is not part of the language", ""),
    ast.ListComp: ("loops are not part of the language", "declare a feature that counts"),
    ast.SetComp: ("loops are not part of the language", "declare a feature that counts"),
    ast.DictComp: ("loops are not part of the language", "declare a feature that counts"),
    ast.GeneratorExp: ("loops are not part of the language", "declare a feature that counts"),
    ast.NamedExpr: ("assignment is not part of the language", "write == to compare"),
    ast.IfExp: ("if … else is not part of the language", "write two rules, or use and, or"),
    ast.JoinedStr: ("f-texts are not part of the language", ""),
    ast.Dict: ("{…} is not part of an expression", ""),
    ast.List: ("a list can only stand after in", 'for example country in ["DE", "FR"]'),
    ast.Tuple: ("a list can only stand after in", 'for example country in ["DE", "FR"]'),
    ast.Set: ("a list can only stand after in", 'for example country in ["DE", "FR"]'),
    ast.Starred: ("* before a name is not part of the language", ""),
}
_FORBIDDEN_OPERATORS: dict[type[ast.AST], tuple[str, str]] = {
    ast.Pow: ("** is not part of the language", "write x * x"),
    ast.BitAnd: ("& is not part of the language", "write and"),
    ast.BitOr: ("| is not part of the language", "write or"),
    ast.BitXor: ("^ is not part of the language", "write !="),
    ast.LShift: ("<< is not part of the language", ""),
    ast.RShift: (">> is not part of the language", ""),
    ast.MatMult: ("@ is not part of the language", ""),
    ast.Invert: ("~ is not part of the language", "write not"),
    ast.Is: ("is is not part of the language", "write ==, or known(x) and missing(x)"),
    ast.IsNot: ("is not is not part of the language", "write !=, or known(x) and missing(x)"),
}
_NEAR_WORDS = {
    "true": "write True", "false": "write False", "TRUE": "write True", "FALSE": "write False",
    "null": "write missing(x)", "none": "write missing(x)", "nil": "write missing(x)",
    "AND": "write and", "OR": "write or", "NOT": "write not", "IN": "write in",
}  # fmt: skip
_LITERAL_SHAPES = {
    "country": (re.compile("[A-Z]{2}"), 'two capital letters (ISO 3166-1), such as "DE"'),
    "currency": (re.compile("[A-Z]{3}"), 'three capital letters (ISO 4217), such as "EUR"'),
}


@dataclass(frozen=True)
class Checked:
    """An expression that means something: its typed tree, what it uses, and how it was written."""

    node: Node
    type: Type
    fields: frozenset[str]
    features: frozenset[str]
    lists: frozenset[str]
    text: str


def check(node: ast.expr, scope: Scope, source: Source) -> Checked:
    """Check an expression of any type against the names in reach; raises `PolicyError`."""
    _bound(node, source)
    checker = _Checker(scope, source)
    typed = checker.visit(node)
    return Checked(
        typed,
        typed.type,
        frozenset(checker.fields),
        frozenset(checker.features),
        frozenset(checker.lists),
        source.text_at(node),
    )


def check_condition(node: ast.expr, scope: Scope, source: Source) -> Checked:
    """Check an expression that must be true or false."""
    checked = check(node, scope, source)
    if checked.type is not Type.BOOL:
        raise source.error(
            node,
            f"a condition must be true or false, and this is {checked.type.value}",
            "compare it, for example with > 0",
        )
    return checked


def check_held(part: ast.expr, field: str, list_name: str, scope: Scope, source: Source) -> None:
    """Refuse to look for one kind of entity in a list of another: no device is a card."""
    holds = scope.lists[list_name]
    if field != holds and field in ENTITY_KINDS and holds in ENTITY_KINDS:
        raise source.error(
            part, f"{list_name} holds {holds}, not {field}", f"use {holds} with {list_name}"
        )


def _bound(node: ast.expr, source: Source) -> None:
    """Refuse what is too deep or too large, without descending by recursion."""
    stack: list[tuple[ast.AST, int]] = [(node, 1)]
    count = 0
    while stack:
        inner, depth = stack.pop()
        count += isinstance(inner, ast.expr)
        if depth > MAX_DEPTH:
            raise source.error(
                node, f"this expression is nested deeper than {MAX_DEPTH}", "split it into rules"
            )
        if count > MAX_NODES:
            raise source.error(
                node,
                f"this expression holds more than {MAX_NODES} names, values and operations",
                "split it into rules, or put the values into a list",
            )
        stack += [
            (child, depth + isinstance(child, ast.expr)) for child in ast.iter_child_nodes(inner)
        ]


class _Checker:
    """One walk over one expression."""

    def __init__(self, scope: Scope, source: Source) -> None:
        self.scope = scope
        self.source = source
        self.fields: set[str] = set()
        self.features: set[str] = set()
        self.lists: set[str] = set()

    def visit(self, node: ast.expr) -> Node:
        """Type one node."""
        match node:
            case ast.Constant():
                return self._literal(node)
            case ast.Name():
                return self._name(node)
            case ast.BoolOp():
                op = "and" if isinstance(node.op, ast.And) else "or"
                return tree.Logic(op, tuple(self._expect(v, Type.BOOL, op) for v in node.values))
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.Compare():
                return self._compare(node)
            case ast.Call():
                return self._call(node)
        raise self._forbidden(node, _FORBIDDEN.get(type(node)))

    def _forbidden(self, node: ast.AST, words: tuple[str, str] | None) -> PolicyError:
        message, hint = words or ("this is not part of the language", "")
        return self.source.error(node, message, hint)

    def _expect(self, node: ast.expr, wanted: Type, who: str) -> Node:
        """Type a node that must be of one type; `who` wants it."""
        typed = self.visit(node)
        if typed.type is not wanted:
            raise self.source.error(
                node,
                f"{who} takes {wanted.value}, and this is {typed.type.value}",
                _remedy(typed, wanted),
            )
        return typed

    def _literal(self, node: ast.Constant) -> Node:
        value = node.value
        if isinstance(value, bool):
            return tree.Literal(value, Type.BOOL)
        if isinstance(value, int | float):
            if not abs(value) <= MAX_INT:
                raise self.source.error(node, "this number is too large", "numbers end at 10**15")
            return tree.Literal(value, Type.NUMBER)
        if isinstance(value, str):
            return tree.Literal(text_of(self.source, node), Type.TEXT)
        if value is None:
            raise self.source.error(
                node, "None is not part of the language", "write known(x) or missing(x)"
            )
        raise self.source.error(node, "this kind of value is not part of the language")

    def _name(self, node: ast.Name) -> Node:
        name, scope = node.id, self.scope
        if name in scope.fields:
            self.fields.add(name)
            return tree.Field(name, scope.fields[name])
        if name in scope.features:
            self.features.add(name)
            remembered = scope.features[name] is Type.TEXT
            return tree.Feature(name, Type.CODE if remembered else Type.NUMBER)
        if name in scope.lists:
            raise self.source.error(
                node, f"{name} is a list", f"write {scope.lists[name]} in {name}"
            )
        raise self._unknown(node)

    def _unknown(self, node: ast.Name) -> PolicyError:
        """Word the error for a name that is not in reach."""
        name, scope = node.id[:80], self.scope
        if name in scope.elsewhere:
            others = scope.elsewhere[name]
            more = f" and {len(others) - 3} more" if len(others) > 3 else ""
            lacking = ", ".join(scope.types) if len(scope.types) == 1 else "not every type here"
            verb = "has" if len(scope.types) > 1 else "has no"
            return self.source.error(
                node,
                f"{lacking} {verb} field {name}",
                f"it is a field of {', '.join(others[:3])}{more}",
            )
        if name in _NEAR_WORDS:
            return self.source.error(node, f"unknown word {name}", _NEAR_WORDS[name])
        names = {*scope.fields, *scope.features, *scope.lists}
        hint = suggestion(name, names)
        near = hint.removeprefix("did you mean ").removesuffix("?")
        what = "name"
        if near:
            what = "feature" if near in scope.features else "field"
            what = "list" if near in scope.lists else what
        if not hint:
            hint = "fields stand in docs/events.md, features and lists in the policy pack"
            if scope.event_only:
                hint = "only fields of the event can be used here; they stand in docs/events.md"
        return self.source.error(node, f"unknown {what} {name}", hint)

    def _unary(self, node: ast.UnaryOp) -> Node:
        match node.op:
            case ast.Not():
                return tree.Not(self._expect(node.operand, Type.BOOL, "not"))
            case ast.USub():
                return tree.Negative(self._expect(node.operand, Type.NUMBER, "-"))
            case ast.UAdd():
                return self._expect(node.operand, Type.NUMBER, "+")
        raise self._forbidden(node, _FORBIDDEN_OPERATORS.get(type(node.op)))

    def _arithmetic(self, node: ast.BinOp) -> Node:
        op = _ARITHMETIC.get(type(node.op))
        if op is None:
            raise self._forbidden(node, _FORBIDDEN_OPERATORS.get(type(node.op)))
        left = self._expect(node.left, Type.NUMBER, op)
        right = self._expect(node.right, Type.NUMBER, op)
        if op in {"/", "//", "%"} and isinstance(right, tree.Literal) and right.value == 0:
            raise self.source.error(node.right, f"{op} by zero always fails")
        return tree.Arithmetic(op, left, right)

    def _compare(self, node: ast.Compare) -> Node:
        for op in node.ops:
            if type(op) in _FORBIDDEN_OPERATORS:
                raise self._forbidden(node, _FORBIDDEN_OPERATORS[type(op)])
        if any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
            if len(node.ops) > 1:
                raise self.source.error(
                    node, "in cannot stand in a chain of comparisons", "split it with and"
                )
            return self._membership(node, isinstance(node.ops[0], ast.NotIn))
        parts = [node.left, *node.comparators]
        operands = tuple(self.visit(part) for part in parts)
        ops = tuple(_COMPARISONS[type(op)] for op in node.ops)
        for index, op_text in enumerate(ops):
            self._comparable(parts[index : index + 2], operands[index : index + 2], op_text)
        return tree.Comparison(operands, ops)

    def _comparable(self, parts: list[ast.expr], pair: tuple[Node, ...], op: str) -> None:
        """Both sides of a comparison must be of one type; only numbers have an order."""
        left, right = pair
        types = {left.type, right.type}
        if types - {Type.NUMBER} and op not in {"==", "!="}:
            wrong = 0 if left.type is not Type.NUMBER else 1
            raise self.source.error(
                parts[wrong],
                f"{op} compares numbers, and this is {pair[wrong].type.value}",
                _remedy(pair[wrong], Type.NUMBER),
            )
        if Type.IDS in types:
            wrong = 0 if left.type is Type.IDS else 1
            raise self.source.error(
                parts[wrong], "a list of ids cannot be compared", "write x in ids, or len(ids)"
            )
        if len(types) > 1 and types != {Type.TEXT, Type.CODE}:
            raise self.source.error(
                parts[1],
                f"{op} compares {left.type.value} with {right.type.value}",
                _remedy(right, left.type),
            )
        for part, value, other in ((parts[1], right, left), (parts[0], left, right)):
            if isinstance(value, tree.Literal):
                self._possible(part, other, value.value)

    def _possible(self, part: ast.expr, other: Node, value: int | float | str | bool) -> None:
        """A literal that the field can never hold is a mistake, not a condition."""
        if not isinstance(other, tree.Field) or not isinstance(value, str):
            return
        values = self.scope.values.get(other.name)
        if values and value not in values:
            hint = suggestion(value, values) or f"it can be {', '.join(sorted(values)[:12])}"
            raise self.source.error(part, f"{other.name} is never {value[:80]!r}", hint)
        shape = _LITERAL_SHAPES.get(self.scope.kinds.get(other.name, ""))
        if shape and not shape[0].fullmatch(value):
            raise self.source.error(
                part, f"{other.name} is never {value[:80]!r}", f"it is {shape[1]}"
            )

    def _membership(self, node: ast.Compare, negated: bool) -> Node:
        value, choices = self.visit(node.left), node.comparators[0]
        if value.type not in {Type.NUMBER, Type.TEXT, Type.CODE}:
            raise self.source.error(
                node.left,
                f"in takes a number or a text, and this is {value.type.value}",
                "write any_in(ids, list)" if value.type is Type.IDS else "",
            )
        if isinstance(choices, ast.Tuple | ast.List | ast.Set):
            return tree.AmongLiterals(value, self._literals(choices, value), negated)
        if isinstance(choices, ast.Name) and choices.id in self.scope.lists:
            return self._listed(node.left, value, choices.id, negated)
        ids = self.visit(choices)
        if not isinstance(ids, tree.Field) or ids.type is not Type.IDS:
            raise self.source.error(
                choices,
                f"in needs a list on its right, and this is {ids.type.value}",
                "write contains(text, part) to look inside a text"
                if ids.type is Type.TEXT
                else 'write a list such as ["DE", "FR"], or the name of a list',
            )
        if value.type is not Type.TEXT:
            raise self.source.error(
                node.left,
                f"ids are texts, and this is {value.type.value}",
                _remedy(value, Type.TEXT),
            )
        return tree.AmongIds(value, ids, negated)

    def _literals(
        self, choices: ast.Tuple | ast.List | ast.Set, value: Node
    ) -> tuple[int | float | str, ...]:
        """The literals after `in`, all of the value's type."""
        wanted = Type.TEXT if value.type is Type.CODE else value.type
        found: list[int | float | str] = []
        for element in choices.elts:
            match self._expect(element, wanted, "this list"):
                case tree.Literal(literal):
                    self._possible(element, value, literal)
                    found.append(literal)
                case tree.Negative(tree.Literal(int() | float() as literal)):
                    found.append(-literal)
                case _:
                    raise self.source.error(element, "a list after in holds plain values only")
        if not found:
            raise self.source.error(choices, "this list is empty")
        return tuple(dict.fromkeys(found))

    def _listed(self, part: ast.expr, value: Node, name: str, negated: bool) -> Node:
        """Whether a value stands in a list of the pack; the list must hold that kind of thing."""
        if value.type is not Type.TEXT:
            raise self.source.error(
                part, f"lists hold texts, and this is {value.type.value}", _remedy(value, Type.TEXT)
            )
        if isinstance(value, tree.Field):
            check_held(part, value.name, name, self.scope, self.source)
        self.lists.add(name)
        return tree.Listed(value, name, negated)

    def _call(self, node: ast.Call) -> Node:
        if not isinstance(node.func, ast.Name):
            raise self._forbidden(node.func, _FORBIDDEN.get(type(node.func)))
        name = node.func.id
        if name not in FUNCTIONS:
            hint = suggestion(name, FUNCTIONS) or f"functions are {', '.join(sorted(FUNCTIONS))}"
            raise self.source.error(node.func, f"unknown function {name[:80]}", hint)
        if node.keywords:
            raise self.source.error(node.keywords[0], f"{name} takes no arguments by name")
        fewest, most, build = FUNCTIONS[name]
        if not fewest <= len(node.args) <= most:
            count = str(fewest) if fewest == most else f"{fewest} to {most}"
            plural = "" if most == 1 else "s"
            raise self.source.error(
                node, f"{name} takes {count} argument{plural}, and got {len(node.args)}"
            )
        return build(self, name, node.args)

    # Each function below builds the typed call of one or more functions of the language.

    def _known(self, name: str, args: list[ast.expr]) -> Node:
        operand = self.visit(args[0])
        if operand.type is Type.BOOL and not isinstance(operand, tree.Field):
            raise self.source.error(
                args[0],
                f"{name} takes a field, a feature or a value",
                "a condition is never missing",
            )
        return tree.Known(operand, name == "missing")

    def _numbers(self, name: str, args: list[ast.expr]) -> Node:
        typed = tuple(self._expect(arg, Type.NUMBER, name) for arg in args)
        return tree.Call(name, typed, Type.NUMBER)

    def _rounded(self, name: str, args: list[ast.expr]) -> Node:
        if len(args) == 2:
            digits = args[1]
            value = digits.value if isinstance(digits, ast.Constant) else None
            if type(value) is not int or not 0 <= value <= 6:
                raise self.source.error(digits, "round takes 0 to 6 digits, as a plain number")
        return self._numbers(name, args)

    def _len(self, name: str, args: list[ast.expr]) -> Node:
        typed = self.visit(args[0])
        if typed.type not in {Type.TEXT, Type.IDS}:
            raise self.source.error(
                args[0], f"len takes a text or a list of ids, and this is {typed.type.value}"
            )
        return tree.Call(name, (typed,), Type.NUMBER)

    def _text(self, name: str, args: list[ast.expr]) -> Node:
        return tree.Call(name, (self._expect(args[0], Type.TEXT, name),), Type.TEXT)

    def _text_test(self, name: str, args: list[ast.expr]) -> Node:
        typed = tuple(self._expect(arg, Type.TEXT, name) for arg in args)
        return tree.Call(name, typed, Type.BOOL)

    def _any_in(self, name: str, args: list[ast.expr]) -> Node:
        ids = self._expect(args[0], Type.IDS, name)
        assert isinstance(ids, tree.Field)  # only a field can be a list of ids
        choices = args[1]
        if isinstance(choices, ast.Tuple | ast.List | ast.Set):
            literals = self._literals(choices, tree.Literal("", Type.TEXT))
            return tree.AnyAmong(ids, literals, "")
        if isinstance(choices, ast.Name) and choices.id in self.scope.lists:
            self.lists.add(choices.id)
            return tree.AnyAmong(ids, (), choices.id)
        raise self.source.error(choices, "any_in looks in a list of values or a list of the pack")


_Build = Callable[[_Checker, str, list[ast.expr]], Node]

FUNCTIONS: dict[str, tuple[int, int, _Build]] = {
    "known": (1, 1, _Checker._known),
    "missing": (1, 1, _Checker._known),
    "abs": (1, 1, _Checker._numbers),
    "min": (2, 10, _Checker._numbers),
    "max": (2, 10, _Checker._numbers),
    "round": (1, 2, _Checker._rounded),
    "hour": (1, 2, _Checker._numbers),
    "weekday": (1, 2, _Checker._numbers),
    "len": (1, 1, _Checker._len),
    "lower": (1, 1, _Checker._text),
    "domain": (1, 1, _Checker._text),
    "starts_with": (2, 2, _Checker._text_test),
    "ends_with": (2, 2, _Checker._text_test),
    "contains": (2, 2, _Checker._text_test),
    "any_in": (2, 2, _Checker._any_in),
}
"""The functions of the language: fewest and most arguments, and how a call of it is typed."""


def _remedy(typed: Node, wanted: Type) -> str:
    """What an author who mixed up two types probably wants."""
    match typed.type, wanted:
        case Type.CODE, _:
            return "a text feature can only be compared with == or !=, or looked up with in"
        case Type.NUMBER, Type.BOOL:
            return "compare it, for example with > 0"
        case Type.TEXT, Type.NUMBER if isinstance(typed, tree.Literal):
            return "write the number without quotes"
        case Type.NUMBER, Type.TEXT if isinstance(typed, tree.Literal):
            return "write the text in quotes"
        case Type.TEXT, Type.BOOL:
            return "compare it with ==, or write known(x)"
        case Type.IDS, Type.NUMBER:
            return "write len(ids)"
    return ""
