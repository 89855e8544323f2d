"""Saving a snapshot while the path goes on: a forked child writes what memory held at the fork.

The operating system shares the pages and copies only those that change meanwhile, so the judging
process stops for the fork alone.
"""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from kanhe.core.errors import KanheError
from kanhe.stores.files.snapshots import SnapshotFolder

Dump = Callable[[], "Mapping[str, bytes | memoryview[Any]]"]
"""Gives the parts of a snapshot, by name."""

_NICE = 10
_FIRST_FREE_FD = 3
_SAVED = b"+"
"""The last word of a child that has saved; any other says why it could not."""
_MOST_WORDS = 1_000
"""In bytes: a pipe takes so many at once, whether or not somebody reads."""


class BackgroundSnapshots:
    """Saves into a `SnapshotFolder`, one snapshot at a time."""

    def __init__(self, folder: SnapshotFolder) -> None:
        self.folder = folder
        self.saved = 0
        """Up to which row the state is saved, by a child or otherwise; 0 if it is not."""
        self.trouble = ""
        """Empty, or why the child that ended last could not save it."""
        self._child = 0
        self._seq = 0
        self._words = -1
        self._to_tell = False

    def save(self, seq: int, dump: Dump) -> bool:
        """Start saving the parts that `dump` gives in the child; False if the one before is still
        being written, or if the system has no room for another process or pipe now. The next call
        tries again.

        What is being saved when this process dies may or may not be there afterwards; it is whole
        or absent (see `SnapshotFolder.save`), and the journal makes up for it.
        """
        if self.busy():
            return False
        try:
            words, telling = os.pipe()
        except OSError:
            return False
        os.set_blocking(words, False)  # Who is forked beside this one may hold the other end.
        with warnings.catch_warnings():
            # Python warns of forks beside threads; the child below touches no lock of theirs.
            warnings.simplefilter("ignore", DeprecationWarning)
            try:
                pid = os.fork()
            except OSError:
                os.close(words)
                os.close(telling)
                return False
        if pid:
            os.close(telling)
            self._child, self._seq, self._words, self._to_tell = pid, seq, words, True
            return True
        said = _SAVED
        try:
            # Neither the folder's lock nor a listening socket may outlive the parent in the child.
            os.dup2(telling, _FIRST_FREE_FD)
            os.closerange(_FIRST_FREE_FD + 1, os.sysconf("SC_OPEN_MAX"))
            os.nice(_NICE)
            gc.disable()  # Looking for garbage would copy pages that are shared.
            self.folder.save(seq, dump())
        except BaseException as error:
            why = (
                str(error) if isinstance(error, KanheError) else f"{type(error).__name__}: {error}"
            )
            said = why.encode(errors="replace")[:_MOST_WORDS]
        finally:
            with suppress(OSError):
                os.write(_FIRST_FREE_FD, said)
            os._exit(0)

    def save_here(self, seq: int, dump: Dump) -> None:
        """Save the parts in this process, behind the child that is writing. Raises `StorageError`."""
        self.wait()
        self.folder.save(seq, dump())
        self.saved = seq

    def drop_all(self) -> None:
        """Remove every snapshot, that of the child that is writing included."""
        self.wait()
        self.folder.drop_all()
        self.saved = 0

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
        status = 0
        try:
            ended, status = os.waitpid(self._child, options)
        except ChildProcessError:
            ended = self._child
        if ended:
            self._child = 0
            self._note(status)

    def _note(self, status: int) -> None:
        """Note what the child that has ended said last."""
        with open(self._words, "rb", buffering=0) as pipe:
            said = pipe.read() or b""
        if said == _SAVED:
            self.saved, self.trouble = self._seq, ""
        elif said:
            self.trouble = said.decode(errors="replace")
        elif os.WIFSIGNALED(status):
            self.trouble = f"the process that saved it was ended by signal {os.WTERMSIG(status)}"
        else:
            self.trouble = "the process that saved it ended early"
