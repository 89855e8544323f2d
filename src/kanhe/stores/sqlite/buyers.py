"""Factors and step-ups of buyers, kept in `buyers.db`.

What `writing` has left without an exception survives a crash of the process and of the machine
(`synchronous=FULL`); of what an exception ended, nothing is kept. So a code that was taken, an attempt
that failed and the event that tells of either are durable together, before anybody is answered.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from kanhe.core.errors import StorageError
from kanhe.protect.access.lockout import Count
from kanhe.protect.access.step_up.records import Factor, StepUp
from kanhe.stores.sqlite.faults import explained
from kanhe.stores.sqlite.schema import open_database

_FACTOR_COLUMNS = ", ".join(Factor._fields)
_STEP_UP_COLUMNS = ", ".join(StepUp._fields)
_SWEPT = 50
"""How many old rows one call of `sweep` takes away of each kind: it runs within somebody's request."""


_NAMED = {
    "user": "user",
    "device": "device",
    "ip": "ip",
    "session": "session",
    "order": "order_ref",
}
"""The columns of a step-up that name somebody, by kind of entity."""


class AlreadyThere(StorageError):
    """Another row has this passkey or address already."""


class Undelivered(NamedTuple):
    """An event that waits for the journal."""

    number: int
    tenant: str
    event_id: str
    body: bytes


class Writing:
    """One transaction that may change everything here; nobody else's is open beside it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    # Factors

    def factors(self, tenant: str, user: str) -> list[Factor]:
        """All of a user, the oldest first, those included that nobody has confirmed."""
        found = self._db.execute(
            f"SELECT {_FACTOR_COLUMNS} FROM factors WHERE tenant = ? AND user = ?"
            " ORDER BY created_ms, id",
            (tenant, user),
        )
        return [Factor._make(row) for row in found]

    def factor(self, tenant: str, user: str, id: str) -> Factor | None:
        """One of a user."""
        row = self._db.execute(
            f"SELECT {_FACTOR_COLUMNS} FROM factors WHERE id = ? AND tenant = ? AND user = ?",
            (id, tenant, user),
        ).fetchone()
        return None if row is None else Factor._make(row)

    def add_factor(self, factor: Factor) -> None:
        """Keep a new one."""
        marks = ", ".join("?" * len(factor))
        self._db.execute(f"INSERT INTO factors ({_FACTOR_COLUMNS}) VALUES ({marks})", factor)

    def change_factor(self, id: str, **columns: Any) -> None:
        """Change columns of one. Raises `AlreadyThere`."""
        self._change("factors", id, columns)

    def remove_factor(self, id: str) -> None:
        """Take one away for good."""
        self._db.execute("DELETE FROM factors WHERE id = ?", (id,))

    # Step-ups

    def step_up(self, tenant: str, id: str) -> StepUp | None:
        """One of a shop."""
        row = self._db.execute(
            f"SELECT {_STEP_UP_COLUMNS} FROM step_ups WHERE id = ? AND tenant = ?", (id, tenant)
        ).fetchone()
        return None if row is None else StepUp._make(row)

    def add_step_up(self, step_up: StepUp) -> None:
        """Keep a new one."""
        marks = ", ".join("?" * len(step_up))
        self._db.execute(f"INSERT INTO step_ups ({_STEP_UP_COLUMNS}) VALUES ({marks})", step_up)

    def change_step_up(self, id: str, **columns: Any) -> None:
        """Change columns of one."""
        self._change("step_ups", id, columns)

    # What is counted

    def counts(self, places: Sequence[bytes]) -> Mapping[bytes, Count]:
        """Failures in a row by place; a place without any is left out."""
        found: dict[bytes, Count] = {}
        for place in places:
            row = self._db.execute(
                "SELECT failures, last_ms FROM failures WHERE place = ?", (place,)
            ).fetchone()
            if row is not None:
                found[place] = Count._make(row)
        return found

    def set_count(self, place: bytes, count: Count) -> None:
        """Keep a count; one without failures is forgotten."""
        if not count.failures:
            self._db.execute("DELETE FROM failures WHERE place = ?", (place,))
            return
        self._db.execute(
            "INSERT INTO failures (place, failures, last_ms) VALUES (?, ?, ?) ON CONFLICT (place)"
            " DO UPDATE SET failures = excluded.failures, last_ms = excluded.last_ms",
            (place, *count),
        )

    def happened(self, place: bytes, after_ms: int, until_ms: int) -> list[int]:
        """When something happened here between the two, the oldest first."""
        found = self._db.execute(
            "SELECT at_ms FROM happenings WHERE place = ? AND at_ms > ? AND at_ms <= ?"
            " ORDER BY at_ms",
            (place, after_ms, until_ms),
        )
        return [at_ms for (at_ms,) in found]

    def note(self, place: bytes, at_ms: int) -> None:
        """It happened once more."""
        self._db.execute("INSERT INTO happenings (place, at_ms) VALUES (?, ?)", (place, at_ms))

    # Devices

    def knows_device(self, place: bytes, since_ms: int) -> bool:
        """Whether a user has passed with the device of this place since then."""
        row = self._db.execute(
            "SELECT 1 FROM devices WHERE place = ? AND seen_ms >= ?", (place, since_ms)
        ).fetchone()
        return row is not None

    def remember_device(self, place: bytes, tenant: str, user: str, now_ms: int) -> None:
        """A user has passed with it."""
        self._db.execute(
            "INSERT INTO devices (place, tenant, user, seen_ms) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (place) DO UPDATE SET seen_ms = excluded.seen_ms",
            (place, tenant, user, now_ms),
        )

    def forget(self, tenant: str, kind: str, id: str, address: bytes = b"") -> int:
        """Take away what is kept of an entity; gives how many factors and step-ups that were.

        `address` is what an enrolled address is found by, for an `email`. Events that wait for the
        journal and name it go too.
        """
        gone = 0
        if kind == "user":
            gone += self._delete("factors", "user", tenant, id)
            self.forget_devices(tenant, id)
        if kind == "email":
            gone += self._delete("factors", "credential", tenant, address)
        if column := _NAMED.get(kind):
            gone += self._delete("step_ups", column, tenant, id)
        self._db.execute(
            "DELETE FROM outbox WHERE tenant = ? AND json_extract(CAST(body AS TEXT), ?) = ?",
            (tenant, f"$.{kind}", id),
        )
        return gone

    def _delete(self, table: str, column: str, tenant: str, value: str | bytes) -> int:
        statement = f"DELETE FROM {table} WHERE tenant = ? AND {column} = ?"
        return self._db.execute(statement, (tenant, value)).rowcount

    def forget_devices(self, tenant: str, user: str) -> None:
        """No device of this user is a known one any more."""
        self._db.execute("DELETE FROM devices WHERE tenant = ? AND user = ?", (tenant, user))

    # The way to the journal

    def tell(self, tenant: str, event_id: str, body: bytes) -> None:
        """Have an event journaled, once this transaction is durable."""
        self._db.execute(
            "INSERT INTO outbox (tenant, event_id, body, problem) VALUES (?, ?, ?, '')",
            (tenant, event_id, body),
        )

    def told(self, numbers: Sequence[int]) -> None:
        """The journal has these."""
        self._db.executemany("DELETE FROM outbox WHERE number = ?", [(one,) for one in numbers])

    def put_aside(self, number: int, problem: str) -> None:
        """The journal will never have this one."""
        self._db.execute("UPDATE outbox SET problem = ? WHERE number = ?", (problem, number))

    def sweep(self, before_ms: int, failures_before_ms: int, devices_before_ms: int) -> None:
        """Take some of what is long over away: step-ups, unconfirmed factors and happenings from
        before the first time, failures and devices from before the others."""
        for statement, limit in (
            ("DELETE FROM step_ups WHERE id IN"
             " (SELECT id FROM step_ups WHERE expires_ms < ? LIMIT ?)", before_ms),
            ("DELETE FROM factors WHERE id IN (SELECT id FROM factors"
             " WHERE confirmed_ms = 0 AND expires_ms < ? LIMIT ?)", before_ms),
            ("DELETE FROM happenings WHERE rowid IN"
             " (SELECT rowid FROM happenings WHERE at_ms < ? LIMIT ?)", before_ms),
            ("DELETE FROM failures WHERE place IN"
             " (SELECT place FROM failures WHERE last_ms < ? LIMIT ?)", failures_before_ms),
            ("DELETE FROM devices WHERE place IN"
             " (SELECT place FROM devices WHERE seen_ms < ? LIMIT ?)", devices_before_ms),
        ):  # fmt: skip
            self._db.execute(statement, (limit, _SWEPT))

    def _change(self, table: str, id: str, columns: Mapping[str, Any]) -> None:
        sets = ", ".join(f"{name} = ?" for name in columns)
        try:
            self._db.execute(f"UPDATE {table} SET {sets} WHERE id = ?", (*columns.values(), id))
        except sqlite3.IntegrityError as error:
            raise AlreadyThere(f"{table}: {error}") from error


class SqliteBuyers:
    """The file at `path`. Safe to use from several threads, and beside `kanhe buyers`.

    Raises `StorageError` saying what to do if the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._db = open_database(path, "buyers")
        # What was erased must not be left lying in the file's free pages.
        with explained(path):
            self._db.execute("PRAGMA secure_delete = ON")

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """A transaction, durable when the block has ended; an exception leaves nothing of it."""
        with self._lock, explained(self._path):
            # The lock is taken before anything is read: what is checked is still so when it changes.
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield Writing(self._db)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def cut(self) -> None:
        """Empty the write-ahead log, which may hold what was just taken away; as far as nobody reads."""
        with self._lock, explained(self._path):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def undelivered(self, most: int) -> list[Undelivered]:
        """The events that wait for the journal, the oldest first."""
        with self._lock, explained(self._path):
            found = self._db.execute(
                "SELECT number, tenant, event_id, body FROM outbox WHERE problem = ''"
                " ORDER BY number LIMIT ?",
                (most,),
            ).fetchall()
        return [Undelivered._make(row) for row in found]

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()
