"""Passing over, for many events at once, the rules that cannot fire.

Most conditions demand that a feature lies in an interval or that a field has one of a few values
(`guards` reads that off them), and for most events that is already false. All guards of a pack lie in
one table, and one call of a compiled kernel tells for a whole group of events which rules are left
to be asked. The table is data: a new pack needs no compilation.

Guards that look at fields count only where the recogniser has made cells of an event; for any other
event they are taken to hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kanhe.judge.intake.cells import CELL_WORDS, MISSING, NUMBER, Cells
from kanhe.judge.machine.compiling import compilers
from kanhe.judge.rules.guards import ALIKE, FEATURE, FIELD, Check, Guard, on_features

SOURCES = ("screen.py", "guards.py", "../intake/cells.py")
compiled, _ = compilers(Path(__file__).parent, SOURCES)

_ANYTHING = Check(FEATURE, -1)
"""Stands where a rule has no guard that looks at one feature."""
_NO_CELLS = np.zeros((1, 1, CELL_WORDS), dtype=np.int64)


class Guarded(NamedTuple):
    """One rule as the screen sees it."""

    guards: Sequence[Guard]
    alone: bool
    """Whether it is asked by itself. Else it is asked together with all others of its type that are
    not, as soon as one of them may fire."""


class Left(NamedTuple):
    """Which rules are left for each event of a group."""

    rules: list[int]
    """The numbers of the rules that are asked alone, of all events one behind the other."""
    ends: list[int]
    """Where those of each event end."""
    shared: list[bool]
    """For each event, whether the rules that are asked together are."""
    asks: list[bool]
    """For each event, whether any rule is left."""


class Screen:
    """The guards of the rules of all event types, rule by rule in the order of their numbers."""

    def __init__(self, rules: Mapping[str, Sequence[Guarded]], features: int) -> None:
        self._types = _TypeNumbers({name: number for number, name in enumerate(rules)})
        self._features = features
        starts, ends_of_guards, ends_of_checks = [0], [0], [0]
        numbers: list[int] = []
        firsts: list[Check] = []
        checks: list[Check] = []
        for of_type in rules.values():
            for number, rule in enumerate(of_type):
                numbers.append(number if rule.alone else -1)
                guards = list(rule.guards)
                quick = bool(guards) and len(guards[0]) == 1 and on_features(guards[0])
                firsts.append(guards.pop(0)[0] if quick else _ANYTHING)
                for guard in guards:
                    checks += guard
                    ends_of_checks.append(len(checks))
                ends_of_guards.append(len(ends_of_checks) - 1)
            starts.append(len(numbers))
        self._most = max((len(of_type) for of_type in rules.values()), default=0)
        whole = (starts, numbers, ends_of_guards, ends_of_checks, [check.at for check in firsts])
        self._table = (
            *(np.array(column, dtype=np.int64) for column in whole),
            np.array([(c.low, c.high) for c in firsts], dtype=np.float64).reshape(-1, 2),
            np.array([(c.kind, c.at, c.other) for c in checks], dtype=np.int64).reshape(-1, 3),
            np.array([(c.low, c.high) for c in checks], dtype=np.float64).reshape(-1, 2),
        )

    def pass_over(
        self,
        types: Sequence[str],
        vectors: npt.NDArray[np.float64],
        cells: Cells | None = None,
        rows: Sequence[int] = (),
    ) -> Left:
        """Which rules are left for each event of a group.

        `vectors` has one row per event (float64, C order), NaN where a feature is missing; `rows` the
        row of each event in `cells`, -1 for none. Raises `ValueError` for vectors of another shape.
        """
        count = len(types)
        if vectors.shape != (count, self._features):
            raise ValueError(
                f"vectors of the shape {vectors.shape} are not those of {count} events with"
                f" {self._features} features each"
            )
        kinds = np.array(list(map(self._types.__getitem__, types)), dtype=np.int64)
        words = _NO_CELLS if cells is None else cells.words
        places = np.full(count, -1) if cells is None else np.array(rows, dtype=np.int64)
        left = np.empty(count * self._most, dtype=np.int64)
        ends = np.empty(count, dtype=np.int64)
        shared = np.empty(count, dtype=np.bool_)
        asks = np.empty(count, dtype=np.bool_)
        size = _pass_over(kinds, vectors, places, words, *self._table, left, ends, shared, asks)
        return Left(left[:size].tolist(), ends.tolist(), shared.tolist(), asks.tolist())

    def warm(self) -> None:
        """Have the kernel's machine code in place before the first event waits for it."""
        self.pass_over([next(iter(self._types), "")], np.zeros((1, self._features)))


class _TypeNumbers(dict[str, int]):
    """The number of each type that has rules, -1 for every other."""

    def __missing__(self, name: str) -> int:
        return -1


@compiled
def _pass_over(
    kinds, vectors, rows, words,
    starts, rules, guards, checks, firsts, first_bounds, looks, bounds,
    left, ends, shared, asks,
):  # fmt: skip
    """Fill `left`, `ends`, `shared` and `asks`; returns how many rules are left in all."""
    count = 0
    for i in range(kinds.shape[0]):
        together = False
        before = count
        if kinds[i] >= 0:
            for rule in range(starts[kinds[i]], starts[kinds[i] + 1]):
                if firsts[rule] >= 0:
                    # NaN lies within no bounds.
                    value = vectors[i, firsts[rule]]
                    if not first_bounds[rule, 0] <= value <= first_bounds[rule, 1]:
                        continue
                if together and rules[rule] < 0:
                    continue
                may = True
                for guard in range(guards[rule], guards[rule + 1]):
                    begin, end = checks[guard], checks[guard + 1]
                    if not _holds(vectors, words, i, rows[i], looks, bounds, begin, end):
                        may = False
                        break
                if may:
                    if rules[rule] < 0:
                        together = True
                    else:
                        left[count] = rules[rule]
                        count += 1
        ends[i] = count
        shared[i] = together
        asks[i] = together or before < count
    return count


@compiled
def _holds(vectors, words, event, row, looks, bounds, begin, end):
    """Whether one of some checks holds for an event."""
    for check in range(begin, end):
        kind = looks[check, 0]
        at = looks[check, 1]
        if kind == FEATURE:
            if bounds[check, 0] <= vectors[event, at] <= bounds[check, 1]:
                return True
        elif row < 0:
            return True
        else:
            number = words[row, at, NUMBER]
            if number != MISSING:
                if kind == FIELD:
                    if bounds[check, 0] <= number <= bounds[check, 1]:
                        return True
                else:
                    other = words[row, looks[check, 2], NUMBER]
                    if other != MISSING and (number == other) == (kind == ALIKE):
                        return True
    return False
