"""A queue in an SQLite file, which survives the process and may be shared by several of them.

What survives what: an event that `put` has taken is in the file's write-ahead log, so it outlives any
end of the process, `kill -9` included. With `sync="full"` it is also on the disk itself and outlives a
power cut. With `sync="normal"`, the default, the log reaches the disk about once a second (`tend`),
because a sync costs a checkout milliseconds, and without it the same write costs about twenty
microseconds: a power cut takes at most the last second or so, and never damages the file.

Threads of a process share two connections: one to put, one to send, so that nobody who puts waits
for a sync of the sender. SQLite must not be carried through a fork: both are closed before one and
opened again after it, on either side.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kanhe.client.event import Outgoing, now_ms
from kanhe.client.queue.ports import QueueBroken, RefusedEvent, Refusing, Waiting

APPLICATION_ID = 0x4B514B31
"""Marks the file as a queue of this client ("KQK1"), in SQLite's header."""
_VERSION = 1
_BUSY_S = 2.0
_AGAIN_S = 0.01
_making = threading.Lock()
# Pages in the log before a `put` itself moves them into the file, should no sender do it.
_LOG_PAGES = 10_000

_SCHEMA = """
CREATE TABLE waiting (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  body BLOB NOT NULL,
  judge INTEGER NOT NULL,
  faults INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE refused (
  number INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  body BLOB NOT NULL,
  judge INTEGER NOT NULL,
  refused_ms INTEGER NOT NULL,
  problem TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE TABLE tally (waiting INTEGER NOT NULL) STRICT;
INSERT INTO tally VALUES (0);
CREATE TRIGGER one_more AFTER INSERT ON waiting BEGIN UPDATE tally SET waiting = waiting + 1; END;
CREATE TRIGGER one_less AFTER DELETE ON waiting BEGIN UPDATE tally SET waiting = waiting - 1; END;
"""


class FileQueue:
    """At most `most` events wait, and as many are kept apart. `sync` is `normal` or `full`."""

    def __init__(self, path: Path, most: int, sync: str = "normal") -> None:
        self.path = path
        self._most = most
        self._sync = sync
        self._putting = _Connection(path, sync)
        self._sending = _Connection(path, sync)
        # No fork falls between a lock and the note of it: a child that did not know of its copy would
        # keep the lock for as long as it lives.
        self._claiming = threading.Lock()
        self._claim: int | None = None
        self._unsynced = False

    def put(self, event: Outgoing) -> bool:
        """See `Queue.put`."""
        with self._putting.transaction() as db:
            (waiting,) = db.execute("SELECT waiting FROM tally").fetchone()
            if waiting >= self._most:
                known = "SELECT 1 FROM waiting WHERE event_id = ?"
                return db.execute(known, (event.event_id,)).fetchone() is not None
            db.execute(
                "INSERT OR IGNORE INTO waiting (event_id, type, body, judge) VALUES (?, ?, ?, ?)",
                event,
            )
        self._unsynced = True
        return True

    def head(self, most: int, most_bytes: int) -> list[Waiting]:
        """See `Queue.head`."""
        found: list[Waiting] = []
        with self._sending.reading() as db:
            rows = db.execute(
                "SELECT number, event_id, body, judge, faults FROM waiting ORDER BY number LIMIT ?",
                (most,),
            )
            for row in rows:
                event = Waiting(*row)._replace(judge=bool(row[3]))
                most_bytes -= len(event.body) + 1
                if found and (most_bytes < 0 or event.judge != found[0].judge):
                    break
                found.append(event)
        return found

    def settle(self, taken: Sequence[int], refused: Sequence[Refusing]) -> int:
        """See `Queue.settle`."""
        gone = [(number,) for number in (*taken, *(one.number for one in refused))]
        with self._sending.transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO refused SELECT number, event_id, type, body, judge, ?, ?, ?"
                " FROM waiting WHERE number = ?",
                [(now_ms(), one.problem, one.detail, one.number) for one in refused],
            )
            db.executemany("DELETE FROM waiting WHERE number = ?", gone)
            if not refused:
                return 0
            return db.execute(
                "DELETE FROM refused WHERE number NOT IN"
                " (SELECT number FROM refused ORDER BY refused_ms DESC, number DESC LIMIT ?)",
                (self._most,),
            ).rowcount

    def blame(self, number: int) -> None:
        """See `Queue.blame`."""
        with self._sending.transaction() as db:
            db.execute("UPDATE waiting SET faults = faults + 1 WHERE number = ?", (number,))

    def waiting(self) -> int:
        """See `Queue.waiting`."""
        with self._sending.reading() as db:
            return int(db.execute("SELECT waiting FROM tally").fetchone()[0])

    def ends(self) -> tuple[int, int]:
        """See `Queue.ends`."""
        with self._sending.reading() as db:
            first, last = db.execute(
                "SELECT (SELECT min(number) FROM waiting), (SELECT max(number) FROM waiting)"
            ).fetchone()
        return (first or 0, last or 0)

    def refused(self, most: int) -> list[RefusedEvent]:
        """See `Queue.refused`."""
        with self._sending.reading() as db:
            rows = db.execute(
                "SELECT number, event_id, type, body, refused_ms, problem, detail FROM refused"
                " ORDER BY number LIMIT ?",
                (most,),
            ).fetchall()
        return [RefusedEvent(*row) for row in rows]

    def refused_count(self) -> int:
        """See `Queue.refused_count`."""
        with self._sending.reading() as db:
            return int(db.execute("SELECT count(*) FROM refused").fetchone()[0])

    def forgive(self, numbers: Iterable[int] | None) -> int:
        """See `Queue.forgive`."""
        with self._sending.transaction() as db:
            if numbers is None:
                chosen = [
                    row[0] for row in db.execute("SELECT number FROM refused ORDER BY number")
                ]
            else:
                chosen = list(numbers)
            back = 0
            for number in chosen:
                db.execute(
                    "INSERT OR IGNORE INTO waiting (event_id, type, body, judge)"
                    " SELECT event_id, type, body, judge FROM refused WHERE number = ?",
                    (number,),
                )
                back += db.execute("DELETE FROM refused WHERE number = ?", (number,)).rowcount
        return back

    def claim(self) -> bool:
        """See `Queue.claim`: a lock of the operating system, gone with the process that holds it."""
        with self._claiming:
            if self._claim is not None:
                return False
            try:
                lock = os.open(f"{self.path}.sender", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise QueueBroken(f"{self.path}.sender: {error.strerror}") from error
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                return False
            self._claim = lock
            return True

    def release(self) -> None:
        """See `Queue.release`."""
        with self._claiming:
            lock, self._claim = self._claim, None
            if lock is not None:
                os.close(lock)

    def tend(self) -> None:
        """Bring what was put since the last call onto the disk, and the log back to its beginning."""
        if self._unsynced:
            self._unsynced = False
            with self._sending.reading() as db:
                db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def before_fork(self) -> None:
        """See `Queue.before_fork`."""
        self._claiming.acquire()
        self._putting.before_fork()
        self._sending.before_fork()

    def after_fork(self, *, child: bool) -> None:
        """See `Queue.after_fork`. The parent keeps its claim: a copy of it is closed here."""
        if child:
            self._claiming = threading.Lock()
            self.release()
        else:
            self._claiming.release()
        self._sending.after_fork(child=child)
        self._putting.after_fork(child=child)

    def close(self) -> None:
        """See `Queue.close`."""
        self.release()
        self._putting.close()
        self._sending.close()


class _Connection:
    """One connection, opened when it is first used in this process, one thread at a time."""

    def __init__(self, path: Path, sync: str) -> None:
        self._path = path
        self._sync = sync
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._process = 0

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, alone, outside of any transaction."""
        with self._lock:
            try:
                yield self._opened()
            except sqlite3.Error as error:
                raise QueueBroken(f"{self._path}: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The same, with everything done at once or not at all."""
        with self.reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:  # some failures have rolled it back already
                    db.execute("ROLLBACK")
                raise

    def before_fork(self) -> None:
        """Close, and let nobody open until `after_fork`."""
        self._lock.acquire()
        self._put_down()

    def after_fork(self, *, child: bool) -> None:
        """Let others open again. In the child no other thread is left that could hold the lock."""
        if child:
            self._lock = threading.Lock()
        else:
            self._lock.release()

    def close(self) -> None:
        """Close; a later use opens again."""
        with self._lock:
            self._put_down()

    def _put_down(self) -> None:
        if self._db is not None and self._process == os.getpid():
            self._db.close()
            self._db = None

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = _open(self._path, self._sync)
            self._process = os.getpid()
        elif self._process != os.getpid():
            # Somebody forked without Python's knowledge. What SQLite holds belongs to the parent:
            # using it, closing it, and even opening the file again could damage it.
            raise QueueBroken(
                f"{self._path}: the process was split while the queue was open, by something that is "
                "not os.fork; make the client in the new process"
            )
        return self._db


def _open(path: Path, sync: str) -> sqlite3.Connection:
    """Open the file, or make it; it holds personal data, so nobody but its owner may read it."""
    try:
        # Only a file that nobody has is opened and closed here: closing would release the locks that
        # SQLite's other connection of this process has on it (they are POSIX locks).
        with _making:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        _keep_to_its_owner(path)
    except OSError as error:
        raise QueueBroken(f"{path}: {error.strerror}") from error
    db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(db, path)
        db.execute(f"PRAGMA synchronous = {'FULL' if sync == 'full' else 'NORMAL'}")
        db.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    except BaseException:
        db.close()
        raise
    return db


def _keep_to_its_owner(path: Path) -> None:
    """Take away what others may do with a file that somebody made, or copied, with more rights."""
    for name in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        try:
            if name.stat().st_mode & 0o077:
                name.chmod(0o600)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise QueueBroken(f"{name}: others may read it, and {error.strerror}") from error


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Make the tables in a new file; refuse one that is something else, or of a later client.

    Several processes may do so at the same moment: changing to the write-ahead log does not wait for
    the others by itself, so it is tried again.
    """
    until = time.monotonic() + _BUSY_S
    while not _is_ready(db, path):
        try:
            db.execute("PRAGMA journal_mode = WAL").fetchall()
            db.execute("BEGIN IMMEDIATE")
            if not _has_tables(db, path):
                for statement in _statements():
                    db.execute(statement)
                db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                db.execute(f"PRAGMA user_version = {_VERSION}")
            db.execute("COMMIT")
        except sqlite3.OperationalError:
            if db.in_transaction:
                db.execute("ROLLBACK")
            if time.monotonic() > until:
                raise
            time.sleep(_AGAIN_S)


def _is_ready(db: sqlite3.Connection, path: Path) -> bool:
    """`_has_tables`, with all that is looked at being of one moment."""
    db.execute("BEGIN")
    try:
        return _has_tables(db, path)
    finally:
        db.execute("ROLLBACK")


def _has_tables(db: sqlite3.Connection, path: Path) -> bool:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if application == APPLICATION_ID and version == _VERSION:
        return True
    if application == APPLICATION_ID:
        raise QueueBroken(f"{path}: the queue of another release of the client ({version})")
    if application or db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise QueueBroken(f"{path}: this is another database, not a queue")
    return False


def _statements() -> list[str]:
    """The statements of the schema; the triggers hold a semicolon of their own."""
    found, part = [], ""
    for piece in _SCHEMA.split(";"):
        part += piece + ";"
        if sqlite3.complete_statement(part):
            found.append(part)
            part = ""
    return found
