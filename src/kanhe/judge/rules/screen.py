"""Passing over, for many events at once, the rules that cannot fire.

Most conditions begin with a feature held against a number (`card_declines_10m >= 5 and …`), and for
most events that is already false. Such beginnings are laid out as intervals in one table, and one
call of a compiled kernel tells for a whole group of events which rules are left to be asked. The
table is data: a new pack needs no compilation.

A rule is passed over only if evaluating its condition from the left would have ended with false
before anything could fail: only the leading operands of its outermost `and` are looked at, up to
the first one that may raise. So a rule that divides by zero still says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kanhe.judge.language import tree
from kanhe.judge.language.tree import Node, Type
from kanhe.judge.machine.compiling import compilers

SOURCES = ("screen.py",)
compiled, _ = compilers(Path(__file__).parent, SOURCES)

Interval = tuple[float, float]
"""The least and the greatest value that do not rule a rule out, both included."""

_ANY: Interval = (-math.inf, math.inf)


class Screen:
    """The intervals of the rules of all event types; `None` for a rule that is always asked.

    `intervals` holds for each event type, rule by rule, the interval of each feature by its place in
    the vector.
    """

    def __init__(
        self, intervals: Mapping[str, Sequence[Mapping[int, Interval] | None]], features: int
    ) -> None:
        self.types = {name: number for number, name in enumerate(intervals)}
        self._features = features
        starts, tests, most = [0], [0], 0
        rules: list[int] = []
        at: list[int] = []
        low: list[float] = []
        high: list[float] = []
        for of_type in intervals.values():
            before = len(rules)
            for number, each in enumerate(of_type):
                if each is None:
                    continue
                rules.append(number)
                for place, (least, greatest) in each.items():
                    at.append(place)
                    low.append(least)
                    high.append(greatest)
                tests.append(len(at))
            starts.append(len(rules))
            most = max(most, len(rules) - before)
        self._most = most
        whole = (np.array(numbers, dtype=np.int64) for numbers in (starts, rules, tests, at))
        self._table = (*whole, np.array(low, dtype=np.float64), np.array(high, dtype=np.float64))

    def pass_over(
        self, types: Sequence[str], vectors: npt.NDArray[np.float64]
    ) -> tuple[list[int], list[int]]:
        """Which rules are left for each event of a group.

        `vectors` has one row per event (float64, C order), NaN where a feature is missing. Returns
        the numbers of the rules of all events one behind the other, and where each event's end. Raises `ValueError` for vectors of another
        shape.
        """
        if vectors.shape != (len(types), self._features):
            raise ValueError(
                f"vectors of the shape {vectors.shape} are not those of {len(types)} events with"
                f" {self._features} features each"
            )
        if not self._most:
            return [], [0] * len(types)
        kinds = np.array([self.types.get(name, -1) for name in types], dtype=np.int64)
        left = np.empty(len(types) * self._most, dtype=np.int64)
        ends = np.empty(len(types), dtype=np.int64)
        count = _pass_over(kinds, vectors, *self._table, left, ends)
        return left[:count].tolist(), ends.tolist()

    def warm(self) -> None:
        """Have the kernel's machine code in place before the first event waits for it."""
        if self._most:
            self.pass_over([next(iter(self.types))], np.zeros((1, self._features)))


@compiled
def _pass_over(kinds, vectors, starts, rules, tests, at, low, high, left, ends):
    """Fill `left` and `ends`; returns how many rules are left in all. NaN lies in no interval."""
    count = 0
    for i in range(kinds.shape[0]):
        if kinds[i] >= 0:
            for rule in range(starts[kinds[i]], starts[kinds[i] + 1]):
                may = True
                for test in range(tests[rule], tests[rule + 1]):
                    value = vectors[i, at[test]]
                    if not (low[test] <= value <= high[test]):
                        may = False
                        break
                if may:
                    left[count] = rules[rule]
                    count += 1
        ends[i] = count
    return count


def intervals_of(condition: Node, places: Mapping[str, int]) -> dict[int, Interval] | None:
    """What a condition asks of features before anything else can fail; `None` if of none.

    The keys are places in the vector, the intervals say which values leave the condition open.
    """
    found: dict[int, Interval] = {}
    for part in _conjuncts(condition):
        if (test := _test(part)) is not None:
            name, (low, high) = test
            known = found.get(places[name], _ANY)
            found[places[name]] = (max(known[0], low), min(known[1], high))
        elif not _harmless(part):
            break
    return found or None


def _conjuncts(node: Node) -> Iterator[Node]:
    """The operands of the outermost `and`, from the left."""
    if isinstance(node, tree.Logic) and node.op == "and":
        for part in node.parts:
            yield from _conjuncts(part)
    else:
        yield node


def _test(node: Node) -> tuple[str, Interval] | None:
    """A chain of comparisons between one feature and numbers, as the interval that it leaves."""
    if not isinstance(node, tree.Comparison):
        return None
    names = {o.name for o in node.operands if isinstance(o, tree.Feature)}
    if len(names) != 1 or any(o.type is not Type.NUMBER for o in node.operands):
        return None
    low, high = _ANY
    for op, left, right in zip(node.ops, node.operands, node.operands[1:], strict=False):
        if isinstance(left, tree.Feature) and isinstance(right, tree.Literal):
            bounds = _bounds(op, float(right.value))
        elif isinstance(left, tree.Literal) and isinstance(right, tree.Feature):
            bounds = _bounds(_MIRRORED[op], float(left.value))
        else:
            return None
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return names.pop(), (low, high)


_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def _bounds(op: str, number: float) -> Interval:
    """Which values compare so with a number; `!=` leaves all that are not missing."""
    match op:
        case "<":
            return -math.inf, math.nextafter(number, -math.inf)
        case "<=":
            return -math.inf, number
        case ">":
            return math.nextafter(number, math.inf), math.inf
        case ">=":
            return number, math.inf
        case "==":
            return number, number
    return _ANY


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
