"""Sources of notices, kept in `keys.db` beside the API keys: who may send what, for which tenant.

Their secrets must be known again to check a signature, so unlike API keys they are kept: sealed, by
whoever uses this store. What survives a crash: whatever `add`, `change` and `remove` returned from.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from kanhe.core.errors import StorageError
from kanhe.core.time import Clock
from kanhe.stores.sqlite.faults import explained
from kanhe.stores.sqlite.keys import CHECK_MS
from kanhe.stores.sqlite.schema import open_database

_COLUMNS = "name, tenant, provider, mapping, account, rate_per_s, sealed, created_ms, changed_ms"


class SourceRow(NamedTuple):
    """One source as it is kept."""

    name: str
    """Unique in the installation: it is what a provider calls."""
    tenant: str
    provider: str
    mapping: str
    account: str
    rate_per_s: float
    """Notices per second in the long run; 0 means without limit."""
    sealed: bytes
    """Its secrets and keys."""
    created_ms: int
    changed_ms: int


class HookSources:
    """The sources in the file `path`, with a copy in memory that follows the file.

    Sources may be changed by another process while a server runs: at most every 250 ms `rows` asks
    SQLite whether somebody else changed the file. Safe to use from several threads. Raises
    `StorageError` if the file cannot be used.
    """

    def __init__(self, path: Path | str, clock: Clock) -> None:
        self._path = Path(path)
        self._clock = clock
        self._lock = threading.Lock()
        self._rows: Mapping[str, SourceRow] = {}
        self._version = -1
        self._checked_ms = 0
        self._closed = False
        self._db = open_database(self._path, "keys")

    def rows(self, *, at_once: bool = False) -> Mapping[str, SourceRow]:
        """All sources by name; the same object for as long as nothing changed."""
        now = self._clock()
        with self._lock, explained(self._path):
            self._check_open()
            # A clock that was set back must not stop the looking.
            if at_once or self._version < 0 or not 0 <= now - self._checked_ms < CHECK_MS:
                version = self._db.execute("PRAGMA data_version").fetchone()[0]
                if version != self._version:
                    self._read()
                    # If a change slips in between the two, the version differs next time.
                    self._version = version
                self._checked_ms = now
            return self._rows

    def add(self, row: SourceRow) -> bool:
        """Keep a new source; False if there is one of this name."""
        return self._write(
            f"INSERT INTO hook_sources ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO NOTHING",
            tuple(row),
        )

    def change(self, before: SourceRow, sealed: bytes) -> bool:
        """Give a source other secrets; False if it is no longer as it was before."""
        # Two changes within one millisecond of a clock that stands still are told apart, too.
        changed = max(self._clock(), before.changed_ms + 1)
        return self._write(
            "UPDATE hook_sources SET sealed = ?, changed_ms = ? WHERE name = ? AND changed_ms = ?",
            (sealed, changed, before.name, before.changed_ms),
        )

    def remove(self, name: str) -> bool:
        """Forget a source and its secrets; False if there is none."""
        return self._write("DELETE FROM hook_sources WHERE name = ?", (name,))

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._closed = True
            self._db.close()

    def _write(self, statement: str, values: tuple[object, ...]) -> bool:
        with self._lock, explained(self._path):
            self._check_open()
            done = self._db.execute(statement, values).rowcount > 0
            self._read()
        return done

    def _read(self) -> None:
        found = self._db.execute(f"SELECT {_COLUMNS} FROM hook_sources ORDER BY name").fetchall()
        self._rows = {row[0]: SourceRow._make(row) for row in found}

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError(f"{self._path} was closed; open it again before using it")
