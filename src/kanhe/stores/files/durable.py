"""Files that are whole or not there, whatever dies when: draft, sync, rename, sync the folder.

A name in a folder and the bytes behind it become durable by different calls: `fdatasync` of the
file makes its bytes survive the loss of power, and only `fsync` of the folder makes the name
survive it (fsync(2)). A rename within one file system is atomic (rename(2)).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

PUBLIC_MODE = 0o644
SECRET_MODE = 0o600
_AT_A_TIME = 8
"""How many files are synced side by side: enough that a file system takes them together."""


def write_draft(draft: Path, content: bytes, mode: int = PUBLIC_MODE) -> int:
    """Write a file that must not be there yet; returns its descriptor, for `seal_draft`.

    Nothing survives yet. If it raises `OSError`, the draft may be there in part.
    """
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        write_all(descriptor, content, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_all(descriptor: int, content: bytes, at: int) -> None:
    """Write all of `content` at that offset, however many calls it takes."""
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, at)
        view, at = view[written:], at + written


def seal_draft(descriptor: int) -> None:
    """Make the bytes survive the loss of power, and close the file.

    After a failed sync the system may take unwritten pages for clean, so that a second one would
    succeed and say nothing: whoever gets an `OSError` here writes the whole file anew.
    """
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def seal_drafts(descriptors: Sequence[int]) -> None:
    """As `seal_draft` for each of them, in whatever order; raises the first `OSError` there was.

    One after the other, each sync would wait for a commit of the file system's own journal, and
    while another process syncs all the time (as whoever judges does) for the other's commits too.
    Side by side they share them.
    """
    for descriptor in descriptors:
        # On Linux this begins to write what is not written yet and waits for nothing. It is a hint
        # alone: nothing survives by it, and where it does not exist nothing is lost.
        with suppress(OSError, AttributeError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        # The end of this block waits for all of them, also when one has failed: each file is closed.
        sealed = [threads.submit(seal_draft, descriptor) for descriptor in descriptors]
    for one in sealed:
        one.result()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive the loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes, mode: int = PUBLIC_MODE) -> None:
    """Put `content` at `path` at once; durable when it returns. One writer per path at a time.

    (1) A draft of another name is written and (2) synced: a crash up to here leaves what was at
    `path`. (3) It is renamed, after which a crash of the process leaves the new file, and the loss
    of power either the old or the new one. (4) The folder is synced: now it is the new one.
    """
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.unlink(missing_ok=True)
        seal_draft(write_draft(draft, content, mode))  # (1) (2)
        os.replace(draft, path)  # (3)
    except BaseException:
        remove_drafts([draft])
        raise
    sync_folder(path.parent)  # (4)


def create_file(path: Path, content: bytes, mode: int = PUBLIC_MODE) -> None:
    """Put `content` at `path`, which must be free; whole, and durable when it returns.

    As `replace_file`, but raises `FileExistsError` rather than take the place of anything, also
    when two processes try at once.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        draft.unlink(missing_ok=True)
        seal_draft(write_draft(draft, content, mode))
        # A second name for a whole file; unlike a rename it fails where the name is taken.
        os.link(draft, path)
    finally:
        remove_drafts([draft])
    sync_folder(path.parent)


def remove_drafts(drafts: Iterable[Path]) -> None:
    """Remove what is left of drafts; what cannot be removed is in nobody's way."""
    for draft in drafts:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
