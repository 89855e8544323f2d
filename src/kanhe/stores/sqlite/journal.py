"""The journal in one SQLite file, `journal.db`: one row per event, made durable in groups.

A commit, step by step:

(1) begin; (2) words never used before (tenants, types, policies); (3) the rows; (4) their messages;
(5) a slice of older keys into `seen`; (6) how far `seen` is complete; (7) commit, after which the
write-ahead log is synced to the disk and the rows survive the loss of power.

Until (7) returns nothing of the group exists for anybody but this process. If any step raises, the
file itself is asked what became of the group: see `_settle`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import Message, Row
from kanhe.stores.sqlite.checkpoint import Checkpointer
from kanhe.stores.sqlite.faults import explain, explained
from kanhe.stores.sqlite.insert import Insert
from kanhe.stores.sqlite.schema import connect, open_database
from kanhe.stores.sqlite.seen import Seen, Slice
from kanhe.stores.sqlite.words import Words

_COLUMNS = (
    "seq, key, tenant, type, policy, kind, at_ms, received_ms, event_id, body, vector, answer"
)
_insert_rows = Insert(f"INSERT INTO journal ({_COLUMNS})", 12)
_insert_messages = Insert("INSERT INTO outbox (seq, topic, payload)", 3)
# A slice may be written again when a crash came between it and `progress`.
_insert_seen = Insert("INSERT OR IGNORE INTO seen (epoch, key, seq)", 3)
_CHUNK = 256
"""Rows per read: little enough that a reader never holds the log for long."""
_CHUNK_BYTES = 8 << 20
_SLICE = 128
"""Keys are merged in slices of at least this many; smaller ones would only touch more pages."""
_CACHE_KIB = 64 << 10
_ROW_OVERHEAD = 64
_PAGE = 4096

_Values = tuple[int, int, int, int, int, int, int, int, str, bytes, bytes, bytes]


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
        self._gathered: list[Row] = []
        self._values: list[_Values] = []
        self._messages: list[Message] = []
        self._missed: tuple[str, str, int] | None = None
        self._due = 0
        self._bytes = 0
        self._db = self._open_writer()
        try:
            with explained(self._path):
                self._reader = self._connect()
                self._reader.execute("PRAGMA query_only = ON")
                self._load()
        except BaseException:
            self._db.close()
            raise
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
        key = self._look(tenant, event_id)
        if key < 0:
            key = ~key
            row = self._find(key, tenant, event_id)
            if row is not None:
                return row
        self._missed = (tenant, event_id, key)
        return None

    def read(self, seq: int) -> Row | None:
        """The committed row with this number."""
        self._check_usable()
        if not 1 <= seq <= self._last:
            return None
        found = self._read(f"SELECT {_COLUMNS} FROM journal WHERE seq = ?", (seq,))
        return self._row(found[0]) if found else None

    def rows(self, after: int = 0) -> Iterator[Row]:
        """The rows with a number above `after` that were committed when the reading began, in order.

        Reads some hundred rows at a time and holds neither a transaction nor a lock in between, so
        that the writer goes on and the log is not kept from starting over.
        """
        self._check_usable()
        last, at, chunk = self._last, max(after, 0), _CHUNK
        while at < last:
            found = self._read(
                f"SELECT {_COLUMNS} FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
                (at, last, chunk),
            )
            if not found or found[0][0] != at + 1 or found[-1][0] != at + len(found):
                raise StorageError(
                    f"{self._path} is damaged: rows are missing after number {at}; restore the"
                    " last good backup"
                )
            yield from map(self._row, found)
            at += len(found)
            size = sum(len(v[9]) + len(v[10]) + len(v[11]) for v in found) // len(found)
            chunk = max(1, min(_CHUNK, _CHUNK_BYTES // (size + 1)))

    def policy(self, policy: str) -> bytes | None:
        """The archive kept under this hash."""
        self._check_usable()
        found = self._read("SELECT archive FROM policies WHERE word = ?", (policy,))
        return found[0][0] if found else None

    def outbox(self, after: int = 0, limit: int = 1000) -> list[tuple[int, Message]]:
        """Committed messages with their own running number above `after`, in order."""
        self._check_usable()
        found = self._read(
            "SELECT id, seq, topic, payload FROM outbox WHERE id > ? ORDER BY id LIMIT ?",
            (after, max(limit, 0)),
        )
        return [(number, Message(seq, topic, payload)) for number, seq, topic, payload in found]

    # Writing

    def append(self, row: Row, messages: tuple[Message, ...] = ()) -> None:
        """Gather one row for the next commit.

        Raises `ValueError` if its number is not the next one, if its event is already there, or if
        a message belongs to another row.
        """
        if not self._usable:
            self._check_usable()
        seq, tenant, event_id, kind, type_, at_ms, received_ms, policy, body, vector, answer = row
        if seq != self._due:
            raise ValueError(f"the next row has the number {self._due}, not {seq}")
        missed = self._missed
        if missed is None or missed[1] != event_id or missed[0] != tenant:
            if self.find(tenant, event_id) is not None:
                raise ValueError(f"event {event_id!r} of tenant {tenant!r} is already there")
            missed = self._missed
            assert missed is not None
        if messages:
            for message in messages:
                if message.seq != seq:
                    raise ValueError(f"a message of row {message.seq} came with row {seq}")
            self._messages.extend(messages)
        tenants, types, policies = self._tenants, self._types, self._policies
        values = (
            seq,
            missed[2],
            tenants.number.get(tenant) or tenants.coin(tenant),
            types.number.get(type_) or types.coin(type_),
            policies.number.get(policy) or policies.coin(policy),
            kind,
            at_ms,
            received_ms,
            event_id,
            body,
            vector,
            answer,
        )
        self._seen.add(missed[2], seq)
        self._values.append(values)
        self._gathered.append(row)
        self._bytes += len(body) + len(vector) + len(answer) + _ROW_OVERHEAD
        self._due = seq + 1
        self._missed = None

    def commit(self) -> None:
        """Make all gathered rows durable at once.

        Raises `JournalFull` if the disk is full or cannot be written, `StorageError` for anything
        else; nothing of the group may then be answered. Normally none of it is kept; if the disk
        failed so late that the file holds the group all the same, `find` and `last_seq` say so.
        """
        self._check_usable()
        if not self._gathered:
            return
        keys = self._slice()
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")  # (1)
            for words in self._words:
                if words.fresh:
                    db.executemany(words.insert, words.fresh)  # (2)
            _insert_rows(db, self._values)  # (3)
            if self._messages:
                _insert_messages(db, self._messages)  # (4)
            if keys is not None:
                _insert_seen(db, keys.rows)  # (5)
                if keys.ends_part:
                    db.execute(  # (6)
                        "UPDATE progress SET upto = ?, parts = ?", (keys.upto, keys.parts)
                    )
            db.execute("COMMIT")  # (7)
        except sqlite3.Error as error:
            # What is durable here: all of the group or nothing of it. Only the file knows.
            self._in_doubt, self._usable = True, False
            with suppress(StorageError):
                self._settle(keys)
            raise explain(error, self._path) from error
        self._kept(keys)

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
        self._seen = Seen(self._db)
        self._look = self._seen.look
        self._last = self._last_in_file()
        if self._last != self._seen.committed:
            raise StorageError(f"{self._path} is damaged: `seen` is ahead of the journal")
        self._due = self._last + 1
        self._debt = 0

    def _last_in_file(self) -> int:
        last: int | None = self._db.execute("SELECT max(seq) FROM journal").fetchone()[0]
        return last or 0

    def _slice(self) -> Slice | None:
        """What this commit merges: two older keys for each row, so that merging keeps ahead."""
        self._debt += 2 * len(self._gathered)
        if self._debt < _SLICE:
            return None
        keys = self._seen.slice(self._debt)
        if keys is None:
            self._debt = 0
        return keys

    def _kept(self, keys: Slice | None) -> None:
        """The group is durable: move everything in memory on."""
        self._last = self._due - 1
        self._seen.committed = self._last
        written = self._bytes
        if keys is not None:
            self._seen.merged(keys)
            self._debt -= len(keys.rows)
            written += int(len(keys.rows) * self._seen.pages_per_key() * _PAGE)
        for words in self._words:
            if words.fresh:
                words.kept()
        self._clear()
        self._checkpoints.written(written + 2 * _PAGE, self._db)

    def _dropped(self) -> None:
        """The group is not durable: forget it, so that its events may come again."""
        self._seen.forget((values[1], values[0]) for values in reversed(self._values))
        for words in self._words:
            words.forget()
        self._due = self._last + 1
        self._clear()

    def _clear(self) -> None:
        self._gathered.clear()
        self._values.clear()
        self._messages.clear()
        self._missed = None
        self._bytes = 0

    def _settle(self, keys: Slice | None = None) -> None:
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
            self._kept(keys)
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

    def _find(self, key: int, tenant: str, event_id: str) -> Row | None:
        """Look into every row with this key: another event may have the same one."""
        with explained(self._path):
            for seq in self._seen.rows_of(key, self._db):
                if seq > self._last:
                    row = self._gathered[seq - self._last - 1]
                else:
                    found = self._db.execute(
                        f"SELECT {_COLUMNS} FROM journal WHERE seq = ?", (seq,)
                    ).fetchone()
                    if found is None:
                        raise StorageError(
                            f"{self._path} is damaged: row {seq} is missing; restore the last good"
                            " backup"
                        )
                    row = self._row(found)
                if row.event_id == event_id and row.tenant == tenant:
                    return row
        return None

    def _read(self, sql: str, values: tuple[object, ...]) -> list[Any]:
        with self._reading, explained(self._path):
            return self._reader.execute(sql, values).fetchall()

    def _row(self, values: _Values) -> Row:
        seq, _, tenant, type_, policy, kind, at_ms, received_ms, event_id, body, vector, answer = (
            values
        )
        return Row(
            seq,
            self._tenants.word(tenant),
            event_id,
            kind,
            self._types.word(type_),
            at_ms,
            received_ms,
            self._policies.word(policy),
            body,
            vector,
            answer,
        )
