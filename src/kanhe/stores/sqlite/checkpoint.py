"""Moving the write-ahead log into the database file while the writer goes on writing.

A checkpoint copies pages from the log (WAL) into the file. SQLite never blocks the writer for it,
but the log starts over only when a checkpoint has caught up with it completely, which never happens
while somebody writes. So a thread with a connection of its own does the bulk, and the writer itself
does the short rest between two commits.

Nothing here decides what survives a crash: a committed row is in the log or in the file, and the
log is synced at every commit.

Source: https://www.sqlite.org/wal.html, "Avoiding Excessively Large WAL Files".
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from kanhe.stores.sqlite.schema import WAIT_S

START_BYTES = 16 << 20
"""The thread starts to work when about this much stands in the log."""
REST_BYTES = 1 << 20
"""The writer does the rest itself when the thread is this close behind it."""
STOP_BYTES = 64 << 20
"""Beyond this the writer waits for the thread: the log must not grow without bound."""
_PASSES = 6
_PASS_S = 10.0
_GIVES_WAY = 10
"""By how many steps of niceness the thread stands behind the writer."""


class Checkpointer:
    """Keeps the log of one database short. Used by the writer's thread only, except for `_work`.

    `connect` opens the thread's own connection; `reading` is held by whoever reads in this process
    with yet another one. What goes wrong in a checkpoint costs nothing that
    was committed, so it is noted in `trouble` and tried again after further growth.
    """

    def __init__(
        self, path: Path, connect: Callable[[], sqlite3.Connection], reading: threading.Lock
    ) -> None:
        self._reading = reading
        self._wal = path.with_name(path.name + "-wal")
        self._connect = connect
        self._bytes = 0
        self._next = START_BYTES
        self.trouble = ""
        self._wanted = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._nearly_done = False
        self._closing = threading.Event()
        # SQLite syncs the file only in a checkpoint that catches up with the log, that is, in the
        # writer's. With most of it synced before, by the thread, the writer waits little there.
        # Closing any descriptor of a file drops this process's POSIX locks on it, SQLite's too:
        # this one stays open until the last connection is closed (`release`).
        self._file = os.open(path, os.O_RDONLY)
        self._thread = threading.Thread(target=self._work, name="kanhe-checkpoint", daemon=True)
        self._thread.start()

    def wal_bytes(self) -> int:
        """The size of the log file now; it is reused from its start and does not shrink."""
        with suppress(OSError):
            return self._wal.stat().st_size
        return 0

    def written(self, size: int, writer: sqlite3.Connection) -> None:
        """The writer committed about `size` bytes; called between commits, never inside one."""
        self._bytes += size
        if self._bytes < self._next:
            return
        if not self._idle.is_set():
            if self._bytes < STOP_BYTES or not self._idle.wait(_PASS_S):
                return
        if self._nearly_done or self._bytes >= STOP_BYTES:
            self._finish(writer)
        else:
            self._idle.clear()
            self._wanted.set()

    def close(self) -> None:
        """Stop the thread; waits until the pass it is in is over."""
        self._closing.set()
        self._wanted.set()
        self._thread.join()

    def release(self) -> None:
        """To be called after `close`, when no connection to the file is open any more."""
        os.close(self._file)

    def _finish(self, writer: sqlite3.Connection) -> None:
        """Copy the rest in the writer's own thread; the next commit then starts the log over."""
        self._nearly_done = False
        try:
            # RESTART, unlike PASSIVE, says whether somebody still reads the log, in which case the
            # next commit cannot start it over. Readers of this process wait for that moment;
            # those of other processes are not waited for, they are asked again later.
            writer.execute("PRAGMA busy_timeout = 0")
            try:
                with self._reading:
                    busy = writer.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0]
            finally:
                writer.execute(f"PRAGMA busy_timeout = {round(WAIT_S * 1000)}")
        except sqlite3.Error as error:
            self.trouble = str(error)
            self._next = self._bytes + START_BYTES
            return
        if busy:
            self._next = self._bytes + REST_BYTES
        else:
            self._bytes, self._next, self.trouble = 0, START_BYTES, ""

    def _work(self) -> None:
        """The thread: sleeps without the interpreter lock, and works without it inside SQLite."""
        if sys.platform == "linux":
            # Copying takes tens of milliseconds of a processor, which the writer may need for those
            # who wait. On Linux a thread has a niceness of its own; elsewhere only a process has.
            os.nice(_GIVES_WAY)
        db = None
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closing.is_set():
                break
            try:
                if db is None:
                    db = self._connect()
                for _ in range(_PASSES):
                    before = self._bytes
                    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                    os.fdatasync(self._file)
                    if self._closing.is_set() or self._bytes - before < REST_BYTES:
                        break
            except (sqlite3.Error, OSError) as error:
                self.trouble = str(error)
                self._next = self._bytes + START_BYTES
            else:
                self._nearly_done = True
            self._idle.set()
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()
