"""A quick look at a journal from outside, safe while another process writes it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from kanhe.core.errors import StorageError
from kanhe.stores.sqlite.faults import explained
from kanhe.stores.sqlite.schema import connect_read_only
from kanhe.stores.sqlite.segments import KEY_BYTES, unpacked

_WHOLE_CHECK_BYTES = 1 << 28
"""Up to this size every page and segment is looked at; beyond it that would take minutes."""
_NEWEST_ROWS = 1000
"""The rows that are looked at in any case."""
_RECEIVED_MS: Final = 5
"""Where a packed row has this value."""


class Checkup(NamedTuple):
    """What was found."""

    rows: int
    last_received_ms: int
    """When the last event arrived, 0 in an empty journal."""


def check_journal(path: Path) -> Checkup | None:
    """Look a journal over; `None` if there is none.

    Raises `StorageError` if it cannot be read, pages or segments are damaged, or numbers are missing.
    """
    if not path.exists():
        return None
    with explained(path):
        database = connect_read_only(path)
        try:
            whole = path.stat().st_size <= _WHOLE_CHECK_BYTES
            if whole:
                verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
                if verdict != "ok":
                    raise StorageError(f"{path} is damaged: {verdict}")
            last = _check_numbers(database, path)
            newest = max(last - _NEWEST_ROWS, 0)
            return Checkup(last, _check_rows(database, path, 0 if whole else newest, newest))
        finally:
            database.close()


def _check_numbers(database: sqlite3.Connection, path: Path) -> int:
    """Every segment begins where the one before it ends, and has as many keys as rows; the last row."""
    at = 0
    segments = "SELECT first, last, length(keys) FROM journal ORDER BY first"
    for first, last, size in database.execute(segments):
        if first != at + 1 or last < first:
            raise StorageError(
                f"{path} is damaged: rows are missing after number {at}; restore the last good backup"
            )
        if size != KEY_BYTES * (last - first + 1):
            raise StorageError(
                f"{path} is damaged: the segment of the rows {first} to {last} lacks keys; restore"
                " the last good backup"
            )
        at = last
    return at


def _check_rows(database: sqlite3.Connection, path: Path, after: int, newest: int) -> int:
    """Read all segments with rows above `after`; when the last row above `newest` arrived."""
    received_ms = 0
    segments = (
        "SELECT first, last, rows FROM journal WHERE first >="
        " coalesce((SELECT max(first) FROM journal WHERE first <= ?), 0) ORDER BY first"
    )
    for first, last, blob in database.execute(segments, (after + 1,)):
        rows = unpacked(path, first, last, blob)
        if last > newest:
            received_ms = max(received_ms, *(row[_RECEIVED_MS] for row in rows))
    return received_ms
