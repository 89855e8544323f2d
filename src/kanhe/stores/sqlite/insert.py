"""Inserting many rows with few statements.

Starting a statement, and letting go of the interpreter lock for it, costs about as much as a small
row; with 16 rows to a statement it was measured to take half off the keys of `seen`, and with 64 that
share their first value a third of the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

_AT_ONCE = 16
_NUMBERS_AT_ONCE = 64


class Insert:
    """An `INSERT` up to its `VALUES`, prepared for rows of so many columns."""

    def __init__(self, sql: str, columns: int) -> None:
        row = f"({', '.join('?' * columns)})"
        self._one = f"{sql} VALUES {row}"
        self._many = f"{sql} VALUES {', '.join([row] * _AT_ONCE)}"

    def __call__(self, db: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert all rows in order. Inside a transaction of the caller's: it is not atomic itself."""
        whole = len(rows) - len(rows) % _AT_ONCE
        if whole:
            db.executemany(
                self._many,
                [
                    tuple(chain.from_iterable(rows[start : start + _AT_ONCE]))
                    for start in range(0, whole, _AT_ONCE)
                ],
            )
        if whole < len(rows):
            db.executemany(self._one, rows[whole:])


class InsertNumbers:
    """The same for rows of whole numbers, the first of which is the same in all of them."""

    def __init__(self, sql: str, columns: int) -> None:
        self._own = columns - 1
        self._one, self._many = (self._statement(sql, rows) for rows in (1, _NUMBERS_AT_ONCE))

    def _statement(self, sql: str, rows: int) -> str:
        numbers = iter(range(2, 2 + rows * self._own))
        row = (
            f"(?1, {', '.join(f'?{next(numbers)}' for _ in range(self._own))})" for _ in range(rows)
        )
        return f"{sql} VALUES {', '.join(row)}"

    def __call__(self, db: sqlite3.Connection, shared: int, rows: npt.NDArray[np.int64]) -> None:
        """Insert all rows in order, each of them behind what they share; it is not atomic either."""
        whole = len(rows) - len(rows) % _NUMBERS_AT_ONCE
        many = rows[:whole].reshape(-1, _NUMBERS_AT_ONCE * self._own)
        for sql, values in ((self._many, many), (self._one, rows[whole:])):
            if len(values):
                db.executemany(sql, [(shared, *row) for row in values.tolist()])
