"""Reading a journal that another process may be writing: no lock on the folder, no write to the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import Row, whole
from kanhe.stores.sqlite.faults import explained
from kanhe.stores.sqlite.schema import open_read_only
from kanhe.stores.sqlite.segments import Packed, Segments
from kanhe.stores.sqlite.words import Words

# Named tuples are made through their own `__new__`, which costs three times as much.
_new = tuple.__new__

Read = Callable[[str, tuple[object, ...]], list[Any]]
"""Runs one query and returns all it found."""


class SqliteJournalReader:
    """The rows that are committed when it is opened. Implements `record.journal.ports.JournalReader`.

    Raises `StorageError` if there is no such file, it is damaged, or it is no journal. For one thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = open_read_only(path, "journal")
        try:
            with explained(path):
                self._last = last_in(self._db)
                # Read after the last number: a word is durable with the first row that uses it.
                self._words = (
                    Words(self._db, "tenants"),
                    Words(self._db, "types"),
                    Words(self._db, "policies"),
                )
        except BaseException:
            self._db.close()
            raise
        self._segments = Segments(path, self._read)

    def last_seq(self) -> int:
        """The highest number that was committed at opening, 0 when empty."""
        return self._last

    def rows(self, after: int = 0) -> Iterator[Row]:
        """The rows with a number above `after`, in order; no transaction stays open between reads."""
        for seq, packed in self._segments.rows(max(after, 0), self.last_seq()):
            yield row_of(self._path, self._words, seq, packed)

    def erased(self, after: int, most: int) -> list[tuple[int, int]]:
        """Rows that were erased, as (line, number of the row), behind the line `after`, in order."""
        return erased_lines(self._read, after, most)

    def policy(self, policy: str) -> bytes | None:
        """The archive kept under this hash."""
        return kept_archive(self._read, policy)

    def tenants(self) -> list[str]:
        """Whose events there are, by name."""
        return sorted(self._words[0].number)

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def _read(self, sql: str, values: tuple[object, ...]) -> list[Any]:
        with explained(self._path):
            return self._db.execute(sql, values).fetchall()


def last_in(db: sqlite3.Connection) -> int:
    """The highest number in the file, 0 when it is empty."""
    last = "SELECT last FROM journal ORDER BY first DESC LIMIT 1"
    found: tuple[int] | None = db.execute(last).fetchone()
    return found[0] if found else 0


def row_of(path: Path, words: tuple[Words, Words, Words], seq: int, packed: Packed) -> Row:
    """The row behind a packed one; `words` are those of tenants, types and policies.

    Raises `StorageError` if it names a word that is not there.
    """
    tenant, type_, policy, kind, at_ms, received_ms, event_id, body, vector, answer, salt = packed
    tenants, types, policies = words
    try:
        row: Row = _new(
            Row,
            (
                seq, tenants.word(tenant), event_id, kind, types.word(type_), at_ms, received_ms,
                policies.word(policy), body, vector, answer, salt,
            ),
        )  # fmt: skip
    except KeyError as error:
        raise StorageError(
            f"{path} is damaged: row {seq} names a word that is not there ({error});"
            " restore the last good backup"
        ) from error
    return whole(row)


def erased_lines(read: Read, after: int, most: int) -> list[tuple[int, int]]:
    """Rows that were erased, as (line, number of the row), behind the line `after`, in order."""
    return read("SELECT id, seq FROM erased WHERE id > ? ORDER BY id LIMIT ?", (after, most))


def kept_archive(read: Read, policy: str) -> bytes | None:
    """The archive kept under this hash of a policy pack."""
    found = read("SELECT archive FROM policies WHERE word = ?", (policy,))
    return found[0][0] if found else None
