"""Inserting many rows with few statements.

Starting a statement, and letting go of the interpreter lock for it, costs about as much as a small
row; with 16 rows to a statement it was measured to take a quarter off the journal's rows and half
off the keys of `seen`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

_AT_ONCE = 16


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
