"""A quick look at a journal from outside, safe while another process writes it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from kanhe.core.errors import StorageError
from kanhe.stores.sqlite.faults import explained

_WHOLE_CHECK_BYTES = 1 << 28
"""Up to this size every page is looked at; beyond it that would take minutes."""


class Checkup(NamedTuple):
    """What was found."""

    rows: int
    last_received_ms: int
    """When the last event arrived, 0 in an empty journal."""


def check_journal(path: Path) -> Checkup | None:
    """Look a journal over; `None` if there is none.

    Raises `StorageError` if it cannot be read, pages are damaged, or numbers are missing.
    """
    if not path.exists():
        return None
    with explained(path):
        database = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
        try:
            if path.stat().st_size <= _WHOLE_CHECK_BYTES:
                verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
                if verdict != "ok":
                    raise StorageError(f"{path} is damaged: {verdict}")
            first, last = database.execute("SELECT min(seq), max(seq) FROM journal").fetchone()
            if last is None:
                return Checkup(0, 0)
            rows = database.execute("SELECT count(*) FROM journal").fetchone()[0]
            if first != 1 or rows != last:
                raise StorageError(f"{path} is damaged: it has {rows} rows and ends at {last}")
            received = database.execute("SELECT max(received_ms) FROM journal WHERE seq > ?",
                                        (last - 1000,)).fetchone()[0]  # fmt: skip
            return Checkup(rows, received)
        finally:
            database.close()
