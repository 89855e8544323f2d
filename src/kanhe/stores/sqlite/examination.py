"""Reading every byte of a journal that means something, for an audit, beside whoever writes it.

(1) SQLite's own look at all pages, indexes and constraints; the schema, which is the sum of the
migrations; the words, whose numbers have no gaps. (2) The archives of policies. (3) The rows in
order, each with its key and its messages; no tenant and no type is there that no row uses. (4) What
`seen` and `progress` say of the keys.

Rows and words are those that were committed when the examination began; rows that are erased
meanwhile are read as the one or the other. Only (1) and (4) read in one transaction what takes
longer than some milliseconds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import ERASED, Message, Row
from kanhe.stores.sqlite import seen
from kanhe.stores.sqlite.faults import explained
from kanhe.stores.sqlite.reader import last_in, row_of
from kanhe.stores.sqlite.schema import migrate, open_read_only
from kanhe.stores.sqlite.segments import KEY_BYTES, Packed, unpacked
from kanhe.stores.sqlite.words import Words

_SEGMENTS = "SELECT first, last, keys, rows FROM journal WHERE first > ? ORDER BY first LIMIT ?"
_MESSAGES = "SELECT id, seq, topic, payload FROM outbox WHERE id > ? ORDER BY id"
_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
_AT_ONCE = 32
"""Segments per transaction: little enough that a reader never holds the log for long."""
_SCAN = 65_536


class Examined(NamedTuple):
    """One row, and what the outbox holds because of it."""

    row: Row
    messages: tuple[Message, ...]


class Examination:
    """One examination of the journal at `path`; opening it does (1).

    Each step raises `StorageError` for the first thing that is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = open_read_only(path, "journal")
        try:
            with self._at_once():
                self._check_file()  # (1)
                self.last = last_in(self._db)
                self._words = (
                    Words(self._db, "tenants"), Words(self._db, "types"), Words(self._db, "policies"),
                )  # fmt: skip
        except BaseException:
            self._db.close()
            raise
        for words in self._words:
            if sorted(words.number.values()) != list(range(1, len(words.number) + 1)):
                raise self._damaged("the numbers of its words have gaps")
        self._unused = [set(words.number) for words in self._words[:2]]
        self._keys: list[bytes] = []
        self._message = 0

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def archives(self) -> Iterator[tuple[str, bytes | None]]:
        """Step (2): every policy with its archive; `None` if its text was never handed over."""
        with explained(self._path):
            yield from self._db.execute("SELECT word, archive FROM policies ORDER BY id").fetchall()

    def rows(self) -> Iterator[Examined]:
        """Steps (3) and (4): all rows with their messages, in order."""
        at = 0
        while at < self.last:
            with self._at_once():
                # Together, because erasing writes a segment anew and empties its messages together.
                segments = self._db.execute(_SEGMENTS, (at, _AT_ONCE)).fetchall()
                messages = self._messages(segments[-1][1]) if segments else []
            if not segments:
                raise self._damaged(f"rows are missing after number {at}")
            due = iter(messages)
            message = next(due, None)
            for first, last, keys, blob in segments:
                if first != at + 1 or last < first or len(keys) != KEY_BYTES * (last - at):
                    raise self._damaged(f"rows or keys are missing after number {at}")
                for row in self._segment(first, unpacked(self._path, first, last, blob), keys):
                    mine = []
                    while message is not None and message.seq <= row.seq:
                        mine.append(message)
                        message = next(due, None)
                    yield Examined(row, tuple(mine))
                at = last
        for unused in self._unused:
            if unused:
                raise self._damaged(f"no row uses the word {min(unused)[:80]!r}")
        with self._at_once():
            self._check_seen()

    def _check_file(self) -> None:
        (verdict,) = self._db.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise self._damaged(str(verdict))
        wanted = sqlite3.connect(":memory:", isolation_level=None)
        try:
            migrate(wanted, self._path, "journal")
            if self._db.execute(_SCHEMA).fetchall() != wanted.execute(_SCHEMA).fetchall():
                raise self._damaged("its schema is not the one that Kanhe makes")
        finally:
            wanted.close()

    def _messages(self, upto: int) -> list[Message]:
        """The messages that follow, of rows up to `upto`."""
        found = []
        before = 0
        for number, seq, topic, payload in self._db.execute(_MESSAGES, (self._message,)):
            if seq > upto:
                break
            if number != self._message + 1 or seq < before:
                raise self._damaged(f"message {self._message + 1} is missing or out of its order")
            self._message, before = number, seq
            found.append(Message(seq, topic, payload))
        return found

    def _segment(self, first: int, packed: list[Packed], keys: bytes) -> Iterator[Row]:
        """The rows of one segment, each held against its key."""
        tenants, types = self._unused
        self._keys.append(keys)
        for seq, (one, key) in enumerate(
            zip(packed, np.frombuffer(keys, "<i8").tolist(), strict=True), first
        ):
            row = row_of(self._path, self._words, seq, one)
            # The key of an erased row stays, so that `seen` keeps its order, and finds nothing.
            if row.kind != ERASED and key != seen.event_key(row.tenant, row.event_id):
                raise self._damaged(f"the key of row {seq} is not that of its tenant and event id")
            tenants.discard(row.tenant)
            types.discard(row.type)
            yield row

    def _check_seen(self) -> None:
        """Step (4): every key that must be in `seen` is there, at its place, and no other one."""
        rows_of_progress = self._db.execute("SELECT upto, parts FROM progress").fetchall()
        if len(rows_of_progress) != 1:
            raise self._damaged("`progress` is missing")
        ((upto, parts),) = rows_of_progress
        last = last_in(self._db)
        full = upto + seen.GENERATION <= last
        if upto % seen.GENERATION or not 0 <= parts < (seen.PARTS if full else 1) or upto > last:
            raise self._damaged("`progress` says what cannot be")
        keys = np.frombuffer(b"".join(self._keys), "<i8")
        seqs = np.arange(1, len(keys) + 1)
        part = np.where(
            seqs <= upto,
            -1,
            np.where(seqs <= upto + seen.GENERATION, keys >> seen.PART_SHIFT, seen.PARTS),
        )
        found = np.zeros(len(keys), bool)
        cursor = self._db.execute("SELECT epoch, key, seq FROM seen ORDER BY epoch, key, seq")
        while rows := cursor.fetchmany(_SCAN):
            for epoch, key, seq in rows:
                # Rows that came since the examination began are not its business.
                if seq > len(keys) and seq <= last:
                    continue
                if not 1 <= seq <= last or keys[seq - 1] != key or epoch != seen.epoch_of(seq):
                    raise self._damaged(f"`seen` has a key that is not that of row {seq}")
                found[seq - 1] = True
        if (~found & (part < parts)).any() or (found & (part > parts)).any():
            raise self._damaged("`seen` does not hold the keys that `progress` says")
        # A part that is complete is counted in the same transaction.
        begun = part == parts
        if full and begun.any() and found[begun].all():
            raise self._damaged("`progress` is behind what `seen` holds")

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """One read transaction: what is read inside stood in the file together."""
        with explained(self._path):
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._db.execute("COMMIT")

    def _damaged(self, what: Any) -> StorageError:
        return StorageError(f"{self._path} is damaged: {what}; restore the last good backup")
