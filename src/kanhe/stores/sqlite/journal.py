"""The journal in one SQLite file, `journal.db`: events become durable in groups, a segment each.

A commit, step by step:

(1) begin; (2) words never used before (tenants, types, policies); (3) the rows, as one segment or,
if they are many, a few; (4) their messages;
(5) a slice of older keys into `seen`; (6) how far `seen` is complete; (7) commit, after which the
write-ahead log is synced to the disk and the rows survive the loss of power.

Until (7) returns nothing of the group exists for anybody but this process. If any step raises, the
file itself is asked what became of the group: see `_settle`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import (
    ERASED,
    Columns,
    Message,
    Row,
    check_messages,
    columns_of,
    cut,
)
from kanhe.stores.sqlite.checkpoint import Checkpointer
from kanhe.stores.sqlite.faults import explain, explained
from kanhe.stores.sqlite.gathered import Gathered
from kanhe.stores.sqlite.insert import Insert, InsertNumbers
from kanhe.stores.sqlite.reader import kept_archive, last_in, row_of
from kanhe.stores.sqlite.recent import Recent
from kanhe.stores.sqlite.schema import PAGE_BYTES, WAIT_S, connect, open_database
from kanhe.stores.sqlite.seen import Keys, Looked, Seen, Slice
from kanhe.stores.sqlite.segments import Packed, Segment, SegmentEncoder, Segments
from kanhe.stores.sqlite.words import Words

_INSERT_SEGMENT = "INSERT INTO journal (first, last, keys, rows) VALUES (?, ?, ?, ?)"
_EMPTY_MESSAGES = "UPDATE outbox SET payload = x'' WHERE id = ?"
_insert_messages = Insert("INSERT INTO outbox (seq, topic, payload)", 3)
# A slice may be written again when a crash came between it and `progress`.
_insert_seen = InsertNumbers("INSERT OR IGNORE INTO seen (epoch, key, seq)", 3)
_SLICE = 512
"""Keys are merged in slices of at least this many, which take some 0.3 ms. Each slice writes the pages
where it begins and ends, and the one above, again: of smaller ones most would be that."""
_CACHE_KIB = 64 << 10
_CUT_WAIT_MS = 50
_NOTHING_ASKED: tuple[list[str], list[str], Looked] = ([], [], Looked(np.empty(0, np.int64), 0))


class SqliteJournal:
    """A `Journal` in the file `path`. Implements `kanhe.record.journal.ports.Journal`.

    One process writes it (the data folder's lock sees to that), from one thread at a time; `read`,
    `rows`, `outbox` and `policy` may be called from other threads meanwhile.

    Opening creates the file or brings its schema up to date, and reads the keys of the rows that
    are not in `seen` yet (at most about half a million) and all keys that are (about four seconds
    for ten million). Raises `StorageError` saying what to do if the file cannot be used.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._reading = threading.Lock()
        self._closed = False
        self._in_doubt = False
        self._usable = True  # Neither closed nor in doubt: one look for the two.
        self._messages: list[Message] = []
        self._due = 0
        self._db = self._open_writer()
        try:
            with explained(self._path):
                self._reader = self._connect()
                self._reader.execute("PRAGMA query_only = ON")
                self._load()
        except BaseException:
            self._db.close()
            raise
        self._encoder = SegmentEncoder()
        self._checkpoints = Checkpointer(self._path, self._connect, self._reading)

    # Reading

    def last_seq(self) -> int:
        """The highest committed sequence number, 0 when empty."""
        self._check_usable()
        return self._last

    def find(self, tenant: str, event_id: str) -> Row | None:
        """The row of this event, gathered rows included; `None` if it never arrived."""
        if not self._usable:
            self._check_usable()
        looked = self._seen.look_each((tenant,), (event_id,))
        return self._find(~int(looked.keys[0]), tenant, event_id) if looked.maybe else None

    def find_each(self, tenants: Sequence[str], event_ids: Sequence[str]) -> Sequence[Row | None]:
        """The rows of many events, by their tenants and ids."""
        if not self._usable:
            self._check_usable()
        looked = self._seen.look_each(tenants, event_ids)
        self._asked = (list(tenants), list(event_ids), looked)
        if not looked.maybe:
            return [None] * len(event_ids)
        return [
            self._find(~key, tenant, event_id) if key < 0 else None
            for key, tenant, event_id in zip(looked.keys.tolist(), tenants, event_ids, strict=True)
        ]

    def read(self, seq: int) -> Row | None:
        """The committed row with this number."""
        self._check_usable()
        if not 1 <= seq <= self._last:
            return None
        return self._row(seq, self._segments.row(seq))

    def rows(self, after: int = 0) -> Iterator[Row]:
        """The rows with a number above `after` that were committed when the reading began, in order.

        Holds neither a transaction nor a lock between two reads, so that the writer goes on and the
        log is not kept from starting over.
        """
        self._check_usable()
        for seq, packed in self._segments.rows(max(after, 0), self._last):
            yield self._row(seq, packed)

    def policy(self, policy: str) -> bytes | None:
        """The archive kept under this hash."""
        self._check_usable()
        return kept_archive(self._read, policy)

    def outbox(self, after: int = 0, limit: int = 1000) -> list[tuple[int, Message]]:
        """Committed messages with their own running number above `after`, in order."""
        self._check_usable()
        found = self._read(
            "SELECT id, seq, topic, payload FROM outbox WHERE id > ? ORDER BY id LIMIT ?",
            (after, max(limit, 0)),
        )
        return [(number, Message(seq, topic, payload)) for number, seq, topic, payload in found]

    # Writing

    def extend(self, rows: Sequence[Row], messages: Sequence[Message] = ()) -> None:
        """Gather rows for the next commit; see `Journal.extend`."""
        if not self._usable:
            self._check_usable()
        if messages:
            check_messages(messages, self._last, self._due + len(rows) - 1)
        due = sum(takewhile(bool, (row.seq == seq for seq, row in enumerate(rows, self._due))))
        if due == len(rows):
            if rows:
                self.extend_columns(columns_of(rows), messages)
            return
        if due:
            self.extend_columns(columns_of(rows[:due]))
        raise ValueError(f"the next row has the number {self._due}, not {rows[due].seq}")

    def extend_columns(self, columns: Columns, messages: Sequence[Message] = ()) -> None:
        """Gather rows that stand in columns; see `Journal.extend_columns`."""
        if not self._usable:
            self._check_usable()
        count = len(columns.event_ids)
        if messages:
            check_messages(messages, self._last, self._due + count - 1)
        if not count:
            return
        if columns.first != self._due:
            raise ValueError(f"the next row has the number {self._due}, not {columns.first}")
        if set(map(len, columns[1:])) != {count}:
            raise ValueError("one column is longer than another")
        keys = self._looked(columns.tenants, columns.event_ids).keys
        place = 0
        while True:
            # Nearly always no event is there, no two of them are the same, and this adds them all.
            end = place + self._seen.add_each(keys[place:], self._due)
            if end > place:
                new = columns if end - place == count else cut(columns, place, end)
                self._gather(new, keys[place:end])
            if end == count:
                break
            self._add_doubtful(cut(columns, end, end + 1), int(keys[end]))
            place = end + 1
        if messages:
            self._messages.extend(messages)

    def append(self, row: Row, messages: tuple[Message, ...] = ()) -> None:
        """Gather one row for the next commit; see `extend`."""
        self.extend((row,), messages)

    def commit(self) -> None:
        """Make all gathered rows durable at once.

        Raises `JournalFull` if the disk is full or cannot be written, `StorageError` for anything
        else; nothing of the group may then be answered. Normally none of it is kept; if the disk
        failed so late that the file holds the group all the same, `find` and `last_seq` say so.
        """
        self._check_usable()
        if not self._gathered:
            return
        segments = self._encoded()
        keys = self._slice()
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")  # (1)
            for words in self._words:
                if words.fresh:
                    db.executemany(words.insert, words.fresh)  # (2)
            for segment in segments:
                db.execute(_INSERT_SEGMENT, segment)  # (3)
            if self._messages:
                _insert_messages(db, self._messages)  # (4)
            if keys is not None:
                _insert_seen(db, keys.epoch, keys.rows)  # (5)
                if keys.ends_part:
                    db.execute(  # (6)
                        "UPDATE progress SET upto = ?, parts = ?", (keys.upto, keys.parts)
                    )
            db.execute("COMMIT")  # (7)
        except sqlite3.Error as error:
            # What is durable here: all of the group or nothing of it. Only the file knows.
            self._in_doubt, self._usable = True, False
            with suppress(StorageError):
                self._settle(keys, segments)
            raise explain(error, self._path) from error
        self._kept(keys, segments)

    def erase(self, entries: Mapping[int, bytes]) -> None:
        """Destroy the content of committed rows; see `Journal.erase`.

        (1) Each segment that holds one of them is written anew, and what was sent because of them is
        emptied with it, in a transaction of its own: a crash leaves every row either whole or
        erased, and erasing again does the rest. (2) SQLite overwrites with zeros what it frees
        meanwhile. (3) The log beside the file, which still holds the old pages, is copied into the
        file and cut to nothing. Raises `StorageError` while somebody reads it: until erasing again
        goes through, be it of no rows at all, the old pages are still there. The disk itself may
        keep old blocks for a while, as disks do: that is what disk encryption is for.
        """
        self._check_usable()
        if self._gathered:
            raise ValueError("rows are gathered: commit before erasing")
        for seq in entries:
            if not 1 <= seq <= self._last:
                raise ValueError(f"there is no row {seq}")
        due = sorted(entries)
        db = self._db
        try:
            with explained(self._path):
                db.execute("PRAGMA secure_delete = ON")  # (2)
                while due:  # (1)
                    first, rows = self._segments.holding(due[0])
                    some = [seq for seq in due if seq < first + len(rows)]
                    due = due[len(some) :]
                    self._erase_some(first, rows, {seq: entries[seq] for seq in some})
                self._cut_log()  # (3)
        finally:
            with suppress(sqlite3.Error):
                db.execute("PRAGMA secure_delete = OFF")

    def check_writable(self) -> None:
        """Write a page and sync it, as a commit would; raises what a commit would raise."""
        self._check_usable()
        with explained(self._path):
            try:
                # A transaction of its own that changes nothing but proves that one can.
                self._db.execute("UPDATE progress SET upto = upto")
            except sqlite3.Error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def keep_policy(self, policy: str, archive: bytes) -> None:
        """Keep the text of a policy pack under its content hash, durable at once."""
        self._check_usable()
        if self.policy(policy) is not None:
            return
        policies = self._policies
        number = policies.number.get(policy) or policies.coin(policy)
        with explained(self._path):
            try:
                # A transaction of its own: the gathered rows stay gathered.
                self._db.execute(
                    "INSERT INTO policies (id, word, archive) VALUES (?, ?, ?)"
                    " ON CONFLICT (id) DO UPDATE SET archive = excluded.archive",
                    (number, policy, archive),
                )
            except sqlite3.Error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        policies.fresh[:] = [fresh for fresh in policies.fresh if fresh[0] != number]

    def close(self) -> None:
        """Release the file; gathered rows that were not committed are dropped."""
        if self._closed:
            return
        self._closed, self._usable = True, False
        self._checkpoints.close()
        with self._reading:
            self._reader.close()
        # Closing the last connection copies the log into the file and removes it. Were that cut
        # short, the next start would do it: the log is as durable as the file.
        with suppress(sqlite3.Error):
            self._db.close()
        self._checkpoints.release()

    @property
    def trouble(self) -> str:
        """Empty, or why the log could not be copied into the file lately (nothing is lost by it)."""
        return self._checkpoints.trouble

    # Inside

    def _looked(self, tenants: Sequence[str], event_ids: Sequence[str]) -> Looked:
        """What `Seen.look_each` says of these events.

        It was asked a moment ago if somebody wanted to find each of them. That counts for once: then
        the events are there.
        """
        asked_tenants, asked_ids, looked = self._asked
        self._asked = _NOTHING_ASKED
        if list(event_ids) == asked_ids and list(tenants) == asked_tenants:
            return looked
        return self._seen.look_each(tenants, event_ids)

    def _add_doubtful(self, columns: Columns, key: int) -> None:
        """Gather one row whose key another row may have, or a filter took for one that it knows."""
        (tenant,), (event_id,) = columns.tenants, columns.event_ids
        key = key if key >= 0 else ~key
        if self._find(key, tenant, event_id) is not None:
            raise ValueError(f"event {event_id!r} of tenant {tenant!r} is already there")
        self._seen.add(key, self._due)
        self._gather(columns, np.array([key]))

    def _gather(self, columns: Columns, keys: Keys) -> None:
        """Keep rows, whose keys `seen` has by now, for the next commit."""
        self._gathered.extend(columns, keys)
        self._due += len(keys)

    def _open_writer(self) -> sqlite3.Connection:
        db = open_database(self._path, "journal")
        try:
            with explained(self._path):
                db.execute("PRAGMA wal_autocheckpoint = 0")
                db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        except BaseException:
            db.close()
            raise
        return db

    def _connect(self) -> sqlite3.Connection:
        """A further connection of this process, which never checkpoints by itself."""
        db = connect(self._path)
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        return db

    def _load(self) -> None:
        """Build everything in memory from the file."""
        self._tenants = Words(self._db, "tenants")
        self._types = Words(self._db, "types")
        self._policies = Words(self._db, "policies")
        self._words = (self._tenants, self._types, self._policies)
        self._seen = Seen(self._db, Recent)
        self._asked = _NOTHING_ASKED
        self._gathered = Gathered(self._words)
        self._segments = Segments(self._path, self._read)
        self._last = self._last_in_file()
        if self._last != self._seen.committed:
            raise StorageError(f"{self._path} is damaged: `seen` is ahead of the journal")
        self._due = self._last + 1
        self._debt = 0

    def _last_in_file(self) -> int:
        return last_in(self._db)

    def _encoded(self) -> list[Segment]:
        """The gathered rows as they will stand in the file."""
        try:
            gathered = self._gathered
            return list(self._encoder.segments(self._last + 1, gathered.keys, gathered.columns))
        except (OverflowError, ValueError) as error:
            # One row that cannot be written must not stand in the way of all later ones.
            self._dropped()
            raise StorageError(f"a row of the group cannot be written: {error}") from error

    def _slice(self) -> Slice | None:
        """What this commit merges: two older keys for each row, so that merging keeps ahead."""
        debt = self._debt + 2 * len(self._gathered)
        if debt < _SLICE:
            return None
        keys = self._seen.slice(debt)
        if keys is None:
            self._debt = 0
        return keys

    def _kept(self, keys: Slice | None, segments: Sequence[Segment]) -> None:
        """The group is durable: move everything in memory on."""
        self._last = self._due - 1
        self._seen.committed = self._last
        written = sum(len(segment.rows) for segment in segments)
        self._debt += 2 * len(self._gathered)
        if keys is not None:
            self._seen.merged(keys)
            self._debt -= len(keys.rows)
            written += int(len(keys.rows) * self._seen.pages_per_key() * PAGE_BYTES)
        for words in self._words:
            if words.fresh:
                words.kept()
        self._clear()
        self._checkpoints.written(written + 2 * PAGE_BYTES, self._db)

    def _dropped(self) -> None:
        """The group is not durable: forget it, so that its events may come again."""
        self._seen.forget()
        for words in self._words:
            words.forget()
        self._due = self._last + 1
        self._clear()

    def _clear(self) -> None:
        self._gathered.clear()
        self._messages.clear()

    def _settle(self, keys: Slice | None = None, segments: Sequence[Segment] = ()) -> None:
        """After a failed commit: ask the file whether the group is in it, and believe the file.

        The failed transaction is rolled back, by giving up the connection if need be. A group is
        one transaction, so its last row is in the file exactly if all of it is. Raises
        `StorageError` if the file cannot be asked; the journal then stays in doubt, refuses
        everything, and asks again at the next call.
        """
        with explained(self._path):
            try:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                last = self._last_in_file()
            except sqlite3.Error:
                with suppress(sqlite3.Error):
                    self._db.close()
                self._db = self._open_writer()
                last = self._last_in_file()
        if last == self._due - 1:
            self._kept(keys, segments)
        elif last == self._last:
            self._dropped()
        else:
            raise StorageError(
                f"{self._path} holds {last} rows where {self._last} were expected: something else"
                " has written it; stop Kanhe and find out what"
            )
        self._in_doubt, self._usable = False, True

    def _check_usable(self) -> None:
        if self._closed:
            raise StorageError(f"{self._path} was closed; open it again before using it")
        if self._in_doubt:
            self._settle()

    def _cut_log(self) -> None:
        """Leave nothing of older pages in the log; raises `StorageError` if somebody reads it."""
        # Those who read take milliseconds, and nobody who waits for a decision shall wait for others.
        self._db.execute(f"PRAGMA busy_timeout = {_CUT_WAIT_MS}")
        try:
            with self._reading:
                busy = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {round(WAIT_S * 1000)}")
        if busy:
            raise StorageError(
                f"what was erased still stands in the log beside {self._path}, because another"
                " program reads it: end that program's transaction, then erasing goes on by itself"
            )

    def _erase_some(self, first: int, rows: list[Packed], entries: Mapping[int, bytes]) -> None:
        """Write one segment anew without the content of some of its rows, and empty their messages."""
        left = [
            (*row[:3], ERASED, *row[4:6], "", entries[seq], b"", b"", b"")
            if seq in entries and row[3] != ERASED
            else row
            for seq, row in enumerate(rows, first)
        ]
        blob = self._encoder.value(left)
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            messages = [(number,) for seq in entries for number in self._messages_of(seq)]
            db.executemany(_EMPTY_MESSAGES, messages)
            db.execute("UPDATE journal SET rows = ? WHERE first = ?", (blob, first))
            gone = [(seq,) for seq, row in enumerate(rows, first) if row is not left[seq - first]]
            db.executemany("INSERT INTO erased (seq) VALUES (?)", gone)
            db.execute("COMMIT")
        except sqlite3.Error:
            # Erasing again what was erased changes nothing, so there is no doubt to settle.
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        finally:
            self._segments.forget()

    def _messages_of(self, seq: int) -> list[int]:
        """The numbers of the messages of a row. Messages are in the order of their rows, and numbered
        without gaps: halving the table finds them without an index that each event would pay for."""
        low, high = 1, self._db.execute("SELECT coalesce(max(id), 0) FROM outbox").fetchone()[0] + 1
        while low < high:
            middle = (low + high) // 2
            found = self._db.execute("SELECT seq FROM outbox WHERE id >= ? LIMIT 1", (middle,))
            low, high = (middle + 1, high) if found.fetchone()[0] < seq else (low, middle)
        numbers = []
        for number, of in self._db.execute("SELECT id, seq FROM outbox WHERE id >= ?", (low,)):
            if of != seq:
                break
            numbers.append(number)
        return numbers

    def _find(self, key: int, tenant: str, event_id: str) -> Row | None:
        """Look into every row with this key: another event may have the same one."""
        with explained(self._path):
            seqs = self._seen.rows_of(key, self._db)
        for seq in seqs:
            gathered = seq - self._last - 1
            packed = self._gathered.row(gathered) if gathered >= 0 else self._segments.row(seq)
            row = self._row(seq, packed)
            if row.event_id == event_id and row.tenant == tenant:
                return row
        return None

    def _read(self, sql: str, values: tuple[object, ...]) -> list[Any]:
        with self._reading, explained(self._path):
            return self._reader.execute(sql, values).fetchall()

    def _row(self, seq: int, packed: Packed) -> Row:
        return row_of(self._path, self._words, seq, packed)
