"""Opening the desk: one SQLite file, written by one process, read by as many as like.

What `writing` has left without an exception survives a crash of the process and of the machine
(`synchronous=FULL`); of what an exception ended, nothing is kept. Times are milliseconds, money is
minor units, and texts are Unicode throughout.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from kanhe.core.errors import StorageError

APPLICATION_ID = 0x4B484432
WAIT_MS = 5_000
"""How long a transaction waits for another one before it gives up."""
_TURN_S = 30.0
"""How long a thread of this process waits for its turn to write."""
_CONNECTIONS = 16
_FOLDER = Path(__file__).parent / "migrations"


class Desk:
    """The open file at `path`; without one, a desk in memory that its last user takes with it.

    Safe to use from several threads. Raises `StorageError` if the file belongs to something else,
    was written by a newer Kanhe, or cannot be written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._place = "a desk in memory" if path is None else str(path)
        self._engine = create_engine(
            URL.create("sqlite", database=":memory:" if path is None else str(path)),
            # In memory a second connection would be a second desk: one is shared, in turns.
            **(
                {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
                if path is None
                else {"poolclass": QueuePool, "pool_size": _CONNECTIONS, "max_overflow": 0}
            ),
        )
        self._turns = _Turns()
        event.listen(self._engine, "connect", _prepare)
        try:
            with self._told(), self._engine.connect() as connection:
                self._check_owner(connection)
                self._migrate(connection)
        except BaseException:
            self._engine.dispose()
            raise

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may change the desk; it holds the only right to do so from its begin."""
        with self._turns.turn(self._place), self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees the desk at one moment, beside whoever writes."""
        with self._transaction("BEGIN") as connection:
            yield connection

    def close(self) -> None:
        """Release the file."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with self._told(), self._engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.execute(begin)
            try:
                yield connection
            except BaseException:
                if raw.in_transaction:
                    raw.execute("ROLLBACK")
                raise
            raw.execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say of a driver's error which file it is about, and what to do."""
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if isinstance(cause, sqlite3.IntegrityError):
                raise
            raise StorageError(f"{self._place} cannot be used: {cause}") from error

    def _check_owner(self, connection: Connection) -> None:
        owner = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
        used = connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar_one()
        if owner != APPLICATION_ID and (owner or used):
            raise StorageError(
                f"{self._place} is a SQLite file, but not a Kanhe desk: choose another data folder"
            )
        known = {step.revision for step in _scripts().walk_revisions()}
        found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found not in known:
            raise StorageError(
                f"{self._place} was written by a newer Kanhe (its schema is {found}): install that"
                " version, or restore a backup made before the upgrade"
            )

    def _migrate(self, connection: Connection) -> None:
        """Apply the steps that the file lacks, all of them or none."""
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.execute("BEGIN IMMEDIATE")
        try:
            current = MigrationContext.configure(connection).get_current_revision()
            if current != _scripts().get_current_head():
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            raw.execute("COMMIT")
        except BaseException:
            if raw.in_transaction:
                raw.execute("ROLLBACK")
            raise


class _Turns:
    """Writers of one process, one after the other in the order in which they came.

    SQLite's own waiting has no order: whoever writes again and again, such as a loop that takes up what
    has gathered, would keep a person's click out for seconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def turn(self, place: str) -> Iterator[None]:
        """Wait for one's turn, and have it until the end of the block."""
        mine = threading.Event()
        with self._lock:
            self._waiting.append(mine)
            if len(self._waiting) == 1:
                mine.set()
        if not mine.wait(_TURN_S):
            with self._lock:
                # It may have come just now.
                if not mine.is_set():
                    self._waiting.remove(mine)
                    raise StorageError(f"{place} has been written to without a pause for too long")
        try:
            yield
        finally:
            with self._lock:
                self._waiting.popleft()
                if self._waiting:
                    self._waiting[0].set()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _prepare(raw: Any, record: Any) -> None:
    """A new connection: transactions are begun by us alone, and references hold."""
    raw.isolation_level = None
    raw.execute(f"PRAGMA busy_timeout = {WAIT_MS}")
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("PRAGMA synchronous = FULL")
    raw.execute("PRAGMA foreign_keys = ON")
