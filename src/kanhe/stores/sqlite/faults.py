"""What SQLite's errors mean for the person who has to do something about them.

Source: the result codes of https://www.sqlite.org/rescode.html.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import JournalFull

_FULL = 13
_READONLY = 8
_IOERR = 10
_BUSY, _LOCKED = 5, 6
_CORRUPT, _NOTADB = 11, 26
_CANTOPEN = 14
_WRITING = frozenset({"WRITE", "FSYNC", "DIR_FSYNC", "TRUNCATE", "SHMSIZE", "SHMMAP"})
"""The I/O errors in which a write was refused; the others concern reading."""


def explain(error: sqlite3.Error, path: Path) -> StorageError:
    """Say in words what SQLite met at `path` and what to do about it.

    A full disk, a refused write and a read-only file become `JournalFull`, which says that the same
    call may succeed later without anything being restarted; everything else a `StorageError`.
    """
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    primary = None if code is None else code & 0xFF
    what = f"{name}: {error}"
    if primary == _FULL:
        return JournalFull(
            f"no room left to write {path} ({_free(path)}; {what}): free some space on that disk,"
            " then writing goes on by itself"
        )
    if primary == _READONLY:
        return JournalFull(
            f"{path} cannot be written, it is read-only ({what}): give this user write permission"
            " on the file and on its folder, or mount the disk writable"
        )
    if primary == _IOERR and name.removeprefix("SQLITE_IOERR_") in _WRITING:
        return JournalFull(
            f"the operating system refused to write {path} ({_free(path)}; {what}): look for a full"
            " disk, a quota, a file-size limit (ulimit -f) or a failing disk"
        )
    if primary == _IOERR:
        return StorageError(
            f"the operating system could not read {path} ({what}): look for a failing or vanished"
            " disk in the system's log"
        )
    if primary in (_BUSY, _LOCKED):
        return StorageError(
            f"{path} is being written by another process ({what}): only one may; stop the other"
            " one and try again"
        )
    if primary in (_CORRUPT, _NOTADB):
        return StorageError(
            f"{path} is damaged or not a SQLite file ({what}): stop Kanhe, keep a copy, look with"
            f' `sqlite3 {path} "PRAGMA integrity_check"`, and restore the last good backup'
        )
    if primary == _CANTOPEN:
        return StorageError(
            f"{path} cannot be opened ({what}): see that its folder exists and that this user may"
            " write in it"
        )
    return StorageError(f"{path} could not be used ({what})")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn every SQLite error inside the block into the `StorageError` that `explain` gives."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error, path) from error


def _free(path: Path) -> str:
    try:
        free = shutil.disk_usage(os.path.dirname(path) or ".").free
    except OSError:
        return "free space unknown"
    return f"{free / 2**20:,.1f} MiB free"
