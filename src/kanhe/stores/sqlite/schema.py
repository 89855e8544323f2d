"""Opening a database file and bringing its schema up to date.

Each database has a folder of numbered SQL files. `PRAGMA user_version` counts the ones that were
applied; each is applied in one transaction together with the new count, so that a crash in between
leaves a file that the next start carries on with. `PRAGMA application_id` says whose file it is.
"""

from __future__ import annotations

import re
import sqlite3
from importlib import resources
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

from kanhe.core.errors import StorageError
from kanhe.stores.sqlite.faults import explained

Database = Literal["journal", "keys", "shadow", "index", "buyers"]

_APPLICATION_ID: dict[Database, int] = {
    "journal": 0x4B484A31,
    "keys": 0x4B484431,
    "shadow": 0x4B485331,
    "index": 0x4B484931,
    "buyers": 0x4B484231,
}
_FILE_NAME = re.compile(r"([0-9]{4})_[a-z0-9_]+\.sql")
PAGE_BYTES = 16_384
"""SQLite's own choice, 4,096, was measured to cost a third more for each byte that is written."""
WAIT_S = 2.0
"""How long a call waits for another connection's lock before it gives up."""
_OLDEST_SQLITE = (3, 37, 0)
"""STRICT tables came with this version."""


class Migration(NamedTuple):
    """One numbered step; `number` counts from 1 without gaps."""

    number: int
    name: str
    sql: str


def migrations(database: Database) -> list[Migration]:
    """The steps of a database in order. Raises `StorageError` if a number is missing or twice."""
    folder = resources.files("kanhe.stores.sqlite.migrations") / database
    found = []
    for entry in folder.iterdir():
        match = _FILE_NAME.fullmatch(entry.name)
        if match:
            found.append(Migration(int(match[1]), entry.name, entry.read_text(encoding="utf-8")))
    found.sort()
    if [step.number for step in found] != list(range(1, len(found) + 1)):
        names = ", ".join(step.name for step in found)
        raise StorageError(f"the migrations of {database} are not numbered 1, 2, 3, …: {names}")
    return found


def connect(path: Path) -> sqlite3.Connection:
    """A connection that leaves transactions to its user; it may be handed from thread to thread."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        wanted = ".".join(map(str, _OLDEST_SQLITE))
        raise StorageError(
            f"this Python brings SQLite {sqlite3.sqlite_version}, Kanhe needs {wanted} or newer:"
            " use a newer build of Python"
        )
    with explained(path):
        return sqlite3.connect(path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)


def open_database(path: Path, database: Database) -> sqlite3.Connection:
    """Open or create the file for writing: WAL, `synchronous=FULL`, schema up to date.

    Raises `StorageError` if the file belongs to something else, was written by a newer Kanhe, is
    damaged, or cannot be written.
    """
    connection = connect(path)
    try:
        with explained(path):
            _check_owner(connection, path, database)
            # Counts only while the file has no page yet.
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise StorageError(
                    f"{path} cannot use a write-ahead log (got {mode!r}): keep it on a local disk"
                )
            connection.execute("PRAGMA synchronous = FULL")
            migrate(connection, path, database)
    except BaseException:
        connection.close()
        raise
    return connection


def open_read_only(
    path: Path, database: Database, *, any_thread: bool = False
) -> sqlite3.Connection:
    """Open an existing file for reading, beside whoever writes it; nothing in it can be changed.

    With `any_thread` the connection may be handed from thread to thread.

    Raises `StorageError` if the file belongs to something else, or its schema is not the one that
    this Kanhe reads.
    """
    connection = connect_read_only(path, any_thread=any_thread)
    try:
        with explained(path):
            _check_owner(connection, path, database)
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version < len(migrations(database)):
            raise StorageError(
                f"{path} was written by an older Kanhe: open it once with this one, such as with"
                " `kanhe serve`, which brings it up to date"
            )
    except BaseException:
        connection.close()
        raise
    return connection


def connect_read_only(path: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """A connection that SQLite itself keeps from writing. Raises `StorageError`."""
    with explained(path):
        address = f"file:{quote(str(path.absolute()))}?mode=ro"
        return sqlite3.connect(
            address,
            timeout=WAIT_S,
            isolation_level=None,
            uri=True,
            check_same_thread=not any_thread,
        )


def migrate(connection: sqlite3.Connection, path: Path, database: Database) -> int:
    """Apply the steps that the file lacks, each in its own transaction; returns how many."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    missing = migrations(database)[version:]
    for step in missing:
        # Two processes may open a new file at once (keys are made while the server starts): the
        # lock is taken first and the count read again, so that no step is applied twice.
        connection.execute("BEGIN IMMEDIATE")
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] >= step.number:
                connection.execute("ROLLBACK")
                continue
            for statement in _statements(step.sql):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID[database]}")
            connection.execute(f"PRAGMA user_version = {step.number}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return len(missing)


def describe(connection: sqlite3.Connection) -> str:
    """The schema as SQLite keeps it, one statement per object, ordered by name."""
    found = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name"
    )
    return "".join(f"{sql};\n\n" for (sql,) in found)


def _check_owner(connection: sqlite3.Connection, path: Path, database: Database) -> None:
    """Refuse a file that something else made, or a newer Kanhe, before a byte of it is changed."""
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    used = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if owner != _APPLICATION_ID[database] and (owner or version or used):
        raise StorageError(
            f"{path} is a SQLite file, but not a Kanhe {database}: choose another data folder"
        )
    known = len(migrations(database))
    if version > known:
        raise StorageError(
            f"{path} was written by a newer Kanhe (its schema is {version}, this one knows up to"
            f" {known}): install that version, or restore a backup made before the upgrade"
        )


def _statements(sql: str) -> list[str]:
    """Cut a file into its statements; `executescript` would commit in the middle of our transaction."""
    statements, text = [], ""
    for line in sql.splitlines(keepends=True):
        if not text and (not line.strip() or line.startswith("--")):
            continue
        text += line
        if sqlite3.complete_statement(text):
            statements.append(text.strip())
            text = ""
    if text.strip():
        raise StorageError(f"a migration ends in the middle of a statement: {text.strip()[:60]!r}")
    return statements
