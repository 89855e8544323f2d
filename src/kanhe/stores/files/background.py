"""Saving a snapshot while the path goes on: a forked child writes what memory held at the fork.

The operating system shares the pages and copies only those that change meanwhile, so the judging
process stops for the fork alone.
"""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from kanhe.stores.files.snapshots import SnapshotFolder

_NICE = 10
_FIRST_FREE_FD = 3


class BackgroundSnapshots:
    """Saves into a `SnapshotFolder`, one snapshot at a time."""

    def __init__(self, folder: SnapshotFolder) -> None:
        self.folder = folder
        self._child = 0
        self._to_tell = False

    def save(self, seq: int, dump: Callable[[], Mapping[str, bytes | memoryview[Any]]]) -> bool:
        """Start saving the parts that `dump` gives in the child; False if the one before is still
        being written, or if the system has no room for another process now. The next call tries
        again.

        What is being saved when this process dies may or may not be there afterwards; it is whole
        or absent (see `SnapshotFolder.save`), and the journal makes up for it.
        """
        if self.busy():
            return False
        with warnings.catch_warnings():
            # Python warns of forks beside threads; the child below touches no lock of theirs.
            warnings.simplefilter("ignore", DeprecationWarning)
            try:
                pid = os.fork()
            except OSError:
                return False
        if pid:
            self._child, self._to_tell = pid, True
            return True
        status = 1
        try:
            # Neither the folder's lock nor a listening socket may outlive the parent in the child.
            os.closerange(_FIRST_FREE_FD, os.sysconf("SC_OPEN_MAX"))
            os.nice(_NICE)
            gc.disable()  # Looking for garbage would copy pages that are shared.
            self.folder.save(seq, dump())
            status = 0
        finally:
            os._exit(status)

    def busy(self) -> bool:
        """Whether a child is still writing."""
        self._reap(os.WNOHANG)
        return self._child != 0

    def has_ended(self) -> bool:
        """Whether a child has ended since this was last true: once for each of them."""
        ended = self._to_tell and not self.busy()
        if ended:
            self._to_tell = False
        return ended

    def wait(self) -> None:
        """Wait for the child that is writing, if there is one."""
        self._reap(0)

    def _reap(self, options: int) -> None:
        """Note the child's end. Where SIGCHLD is ignored the system has buried it already."""
        if not self._child:
            return
        try:
            ended = os.waitpid(self._child, options)[0]
        except ChildProcessError:
            ended = self._child
        if ended:
            self._child = 0
