"""One process per data folder: a lock that the system itself takes back when its holder dies."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from types import TracebackType

from kanhe.core.errors import StorageError

LOCK_NAME = "kanhe.lock"
JUDGING = "judge with it"


class FolderInUse(StorageError):
    """Another process holds the data folder. `pid` is its process id, 0 if it cannot be read."""

    def __init__(self, folder: Path, pid: int, use: str = JUDGING) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(
            f"the data folder {folder} is in use by {who}: only one may {use} at a time; stop that"
            " one, or choose another data folder"
        )
        self.pid = pid


class FolderLock:
    """An exclusive `flock` on `<folder>/kanhe.lock`, held until `release` or the process's end.

    The folder is made if it is missing. The file holds the holder's process id for people and for
    error messages; what counts is the lock, which no crash leaves behind. The file itself is never
    removed: removing it would let two processes lock two files of the same name. `use` says for
    messages what only one may do with the folder. Raises
    `FolderInUse`, or `StorageError` if the folder cannot be made or written.
    """

    def __init__(self, folder: Path | str, use: str = JUDGING) -> None:
        self.folder = Path(folder)
        path = self.folder / LOCK_NAME
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Not inherited by child processes (PEP 446), which would keep the lock beyond our end.
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageError(
                f"the data folder {self.folder} cannot be used ({error.strerror}): see that it is a"
                " folder and that this user may write in it"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        except OSError as error:
            pid = _pid(descriptor)
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise FolderInUse(self.folder, pid, use) from error
            raise StorageError(
                f"the data folder {self.folder} cannot be locked ({error.strerror}): it must lie on"
                " a disk with free space whose file system knows locks"
            ) from error
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Give the folder free; doing so twice is harmless."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _pid(descriptor: int) -> int:
    try:
        return int(os.pread(descriptor, 32, 0).split()[0])
    except (OSError, ValueError, IndexError):
        return 0
