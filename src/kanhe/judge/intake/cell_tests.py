"""Tests of single cells, of which the conditions of a mapping are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from kanhe.judge.intake.transforms import Cell, CellError, is_missing, number_of, text_of

WORDS = (
    "is", "is_not", "in", "not_in", "starts_with", "not_starts_with",
    "missing", "below", "above", "at_least", "at_most",
)  # fmt: skip
"""Every test a mapping can ask for."""

_KEPT = 65_536
_LONGEST_KEPT = 256


class _Verdicts(dict[Cell, bool]):
    """Remembers what a test said of each different cell: columns repeat themselves a lot."""

    def __init__(self, holds: Callable[[Cell], bool]) -> None:
        self._holds = holds

    def __missing__(self, cell: Cell) -> bool:
        verdict = self._holds(cell)
        if isinstance(cell, str) and len(cell) > _LONGEST_KEPT:
            return verdict  # such texts do not repeat themselves, and would fill the memory
        if len(self) >= _KEPT:
            self.clear()
        self[cell] = verdict
        return verdict


class CellTest:
    """A test of the cells of one column, numbered as in `Mapping.columns`."""

    def __init__(self, column: int, holds: Callable[[Cell], bool]) -> None:
        self.column = column
        self._verdicts = _Verdicts(holds)

    def holds(self, cell: Cell) -> bool:
        """Whether the test holds for one cell."""
        return self._verdicts[cell]

    def of_all(self, cells: Sequence[Cell]) -> list[bool]:
        """Whether the test holds, for each cell of a column."""
        return list(map(self._verdicts.__getitem__, cells))


def all_hold(tests: Sequence[CellTest], columns: Sequence[Sequence[Cell]], rows: int) -> list[bool]:
    """For each row, whether every test holds; with no tests, they all do."""
    if not tests:
        return [True] * rows
    found = [test.of_all(columns[test.column]) for test in tests]
    return found[0] if len(found) == 1 else list(map(all, zip(*found, strict=True)))


def compile_test(word: str, column: int, wanted: Any) -> CellTest:
    """Compile one test; raises `TypeError` or `CellError` where `wanted` makes no sense for `word`.

    A missing cell fails every test but `missing = true` and the negated ones.
    """
    return CellTest(column, _holds(word, wanted))


def _holds(word: str, wanted: Any) -> Callable[[Cell], bool]:
    if word == "missing":
        if not isinstance(wanted, bool):
            raise TypeError
        return lambda cell: is_missing(cell) is wanted
    if word in ("below", "above", "at_least", "at_most"):
        if isinstance(wanted, bool) or not isinstance(wanted, int | float):
            raise TypeError
        return _number_test(word, number_of(wanted))
    if word in ("starts_with", "not_starts_with"):
        if not isinstance(wanted, str) or not wanted:
            raise TypeError
        return _text_test(lambda text: text.startswith(wanted), word == "starts_with")
    entries = wanted if word in ("in", "not_in") else [wanted]
    if not isinstance(entries, list) or not entries:
        raise TypeError
    if any(isinstance(e, bool) or not isinstance(e, str | int | float) for e in entries):
        raise TypeError
    return _entry_test(entries, word in ("is", "in"))


def _text_test(holds: Callable[[str], bool], expected: bool) -> Callable[[Cell], bool]:
    def test(cell: Cell) -> bool:
        return not expected if is_missing(cell) else holds(text_of(cell)) is expected

    return test


def _entry_test(entries: list[Any], expected: bool) -> Callable[[Cell], bool]:
    """Texts are compared as texts and numbers as numbers: 0 is also found in a cell holding 0.00."""
    texts = frozenset(entry for entry in entries if isinstance(entry, str))
    numbers = frozenset(number_of(entry) for entry in entries if not isinstance(entry, str))

    def found(cell: Cell) -> bool:
        if is_missing(cell):
            return False
        if text_of(cell) in texts:
            return True
        try:
            return bool(numbers) and number_of(cell) in numbers
        except CellError:
            return False

    return lambda cell: found(cell) is expected


def _number_test(word: str, bound: Decimal) -> Callable[[Cell], bool]:
    below = word in ("below", "at_most")
    strict = word in ("below", "above")

    def test(cell: Cell) -> bool:
        """A cell that is no number fails here; the field that needs it says why."""
        if is_missing(cell):
            return False
        try:
            number = number_of(cell)
        except CellError:
            return False
        if number == bound:
            return not strict
        return (number < bound) is below

    return test
