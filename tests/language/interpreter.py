"""A slow, plain reading of the language, written from its documentation and from nothing else.

Every missing value is `None` here, in features too, so that nothing leans on how NaN compares.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kanhe.judge.language import tree

COMPARE = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
ARITHMETIC = {
    "+": operator.add, "-": operator.sub, "*": operator.mul,
    "/": operator.truediv, "//": operator.floordiv, "%": operator.mod,
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """What one event looks like: fields, features (text features as their text), list entries."""

    fields: Mapping[str, Any]
    features: Mapping[str, Any]
    listed: frozenset[tuple[str, str]] = field(default_factory=frozenset)


def known(number: Any) -> Any:
    """Turn a result that is not a number into a missing one."""
    return None if isinstance(number, float) and math.isnan(number) else number


def evaluate(node: tree.Node, world: World) -> Any:
    """The value of a node, `None` where it is missing; a condition gives True or False."""
    match node:
        case tree.Literal():
            return node.value
        case tree.Field():
            return world.fields.get(node.name)
        case tree.Feature():
            return world.features.get(node.name)
        case tree.Arithmetic():
            left, right = evaluate(node.left, world), evaluate(node.right, world)
            if left is None or right is None:
                return None
            return known(ARITHMETIC[node.op](left, right))
        case tree.Negative():
            value = evaluate(node.operand, world)
            return None if value is None else -value
        case tree.Call():
            values = [evaluate(arg, world) for arg in node.args]
            if any(value is None for value in values):
                return False if node.type is tree.Type.BOOL else None
            return known(CALLS[node.function](*values))
    return condition(node, world)


def condition(node: tree.Node, world: World) -> bool:
    """Whether a condition holds."""
    match node:
        case tree.Logic("and"):
            return all(condition(part, world) for part in node.parts)
        case tree.Logic():
            return any(condition(part, world) for part in node.parts)
        case tree.Not():
            return not condition(node.operand, world)
        case tree.Comparison():
            return chain(node, world)
        case tree.AmongLiterals():
            value = evaluate(node.value, world)
            return value is not None and (value in node.literals) is not node.negated
        case tree.AmongIds():
            value, ids = evaluate(node.value, world), evaluate(node.ids, world)
            return value is not None and ids is not None and (value in ids) is not node.negated
        case tree.Listed():
            value = evaluate(node.value, world)
            found = (node.list_name, value) in world.listed
            return value is not None and found is not node.negated
        case tree.AnyAmong():
            ids = evaluate(node.ids, world) or ()
            if node.list_name:
                return any((node.list_name, one) in world.listed for one in ids)
            return any(one in node.literals for one in ids)
        case tree.Known():
            return (evaluate(node.operand, world) is None) is node.negated
    return bool(evaluate(node, world))


def chain(node: tree.Comparison, world: World) -> bool:
    """Each pair in turn; both sides are evaluated before either is looked at."""
    for index, op in enumerate(node.ops):
        left = evaluate(node.operands[index], world)
        right = evaluate(node.operands[index + 1], world)
        if left is None or right is None or not COMPARE[op](left, right):
            return False
    return True


def domain(email: str) -> str | None:
    """What follows the last @, lower case."""
    return email.split("@")[-1].lower() or None if "@" in email else None


CALLS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "round": lambda value, digits=0: round(value, digits) if isinstance(value, float) else value,
    "hour": lambda ms, offset=0: (ms + 60_000 * offset) // 3_600_000 % 24,
    "weekday": lambda ms, offset=0: ((ms + 60_000 * offset) // 86_400_000 + 3) % 7,
    "len": len,
    "lower": str.lower,
    "domain": domain,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "contains": lambda text, part: part in text,
}
