"""A log's files in a folder that any web server can serve as it stands.

    checkpoint              what is published
    tile/…                  tiles and bundles (C2SP tlog-tiles)
    signed                  every checkpoint that was ever signed
    kanhe.lock, .unfinished the writer's own

`signed` is text: the notes one after the other, an empty line behind each. A note ends where a
signature line is followed by an empty one, so that the end of the last whole note is found from the
end of the file, however long it has become.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

from kanhe.core.errors import StorageError
from kanhe.record.log.checkpoint import Checkpoint, check_growth, check_published, read_checkpoint
from kanhe.record.log.errors import FormatError, LogError
from kanhe.record.log.ports import CHECKPOINT
from kanhe.record.log.tiles import WIDTH, Tile, TileFile, parse_path, tiles_for
from kanhe.stores.files.durable import (
    PUBLIC_MODE,
    remove_drafts,
    replace_file,
    seal_drafts,
    sync_folder,
    write_all,
    write_draft,
)
from kanhe.stores.files.lock import FolderLock

SIGNED = "signed"
_UNFINISHED = ".unfinished"
_USE = "write the log"
_NOTE_END = re.compile(rb"\n\xe2\x80\x94 [^\n]*\n(?=\n)")
"""The last signature line of a note, with its newline; the empty line behind it is not the note's."""
_TAIL_BYTES = 1 << 20
"""Room for at least three of the longest notes."""
_AT_ONCE = 256
"""How many files are open at once while they are written."""


class LogFolderReader:
    """The published files in the folder `path`, for reading beside a writer or without one."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)

    def read(self, path: str, /) -> bytes | None:
        """The bytes at this path below the log's prefix; see `ports.PublishedLog.read`."""
        if path != CHECKPOINT:
            parse_path(path)
        try:
            return (self._path / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._explain(error, path) from error

    def checkpoint(self) -> bytes | None:
        """The published checkpoint; `None` before the first."""
        return self.read(CHECKPOINT)

    def signed(self) -> Iterator[bytes]:
        """Every checkpoint that was ever signed, oldest first; what is torn at the end is left out."""
        with self._reading():
            try:
                file = open(self._path / SIGNED, "rb")  # noqa: SIM115 - closed below, and may be absent
            except FileNotFoundError:
                return
            with file:
                rest = b""
                while block := file.read(_TAIL_BYTES):
                    rest += block
                    at = 0
                    for end in _NOTE_END.finditer(rest):
                        yield rest[at : end.end()]
                        at = end.end() + 1
                    rest = rest[at:]

    def torn(self) -> bytes:
        """What stands behind the last whole note of `signed`; see `ports.PublishedLog.torn`."""
        with self._reading():
            try:
                descriptor = os.open(self._path / SIGNED, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return b""
            try:
                history = self._history(descriptor)
                return os.pread(descriptor, _TAIL_BYTES, history.whole)
            finally:
                os.close(descriptor)

    def _history(self, descriptor: int) -> _History:
        size = os.fstat(descriptor).st_size
        begin = max(0, size - _TAIL_BYTES)
        tail = os.pread(descriptor, _TAIL_BYTES, begin)
        ends = [end.end() + 1 for end in _NOTE_END.finditer(tail)]
        if not ends and begin:
            raise StorageError(
                f"{self._path / SIGNED} is damaged: its last {_TAIL_BYTES} bytes hold no signed"
                " checkpoint; restore it from a copy"
            )
        start = ends[-2] if len(ends) > 1 else 0
        return _History(begin + ends[-1], tail[start : ends[-1] - 1]) if ends else _History(0, b"")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._explain(error, SIGNED) from error

    def _explain(self, error: OSError, path: str = "") -> StorageError:
        return StorageError(
            f"{self._path / path} could not be used ({error.strerror}): look for a full disk and for"
            " missing permissions; what is published stays as it is, and doing it again is right"
        )


class _History(NamedTuple):
    """How far `signed` is whole, and the note that ends there."""

    whole: int
    last: bytes


class LogFolder(LogFolderReader):
    """The files of one log for their one writer, exclusive by the folder's lock; a `GrowingLog`.

    Opening it makes the folder if it is missing, removes unfinished files, and cuts off what a
    crash has torn at the end of `signed`. Raises `FolderInUse` if another process writes there, and
    `StorageError` if the folder cannot be used or its history does not reach what is published.
    """

    def __init__(self, path: Path | str) -> None:
        super().__init__(path)
        self._lock = FolderLock(self._path, _USE)
        self._draft = count()
        self._swept: int | None = None
        try:
            self._descriptor = self._open()
        except BaseException:
            self._lock.release()
            raise

    def _open(self) -> int:
        try:
            (self._path / _UNFINISHED).mkdir(exist_ok=True)
            remove_drafts((self._path / _UNFINISHED).iterdir())
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(self._path / SIGNED, flags, PUBLIC_MODE)
        except OSError as error:
            raise self._explain(error) from error
        try:
            history = self._history(descriptor)
            self._signed_bytes = history.whole
            self._last = history.last
            self._signed = self._own(history.last, SIGNED)
            self._published = self._own(self.checkpoint() or b"", CHECKPOINT)
            self._check_history()
            self._cut(descriptor)
            # The names of the folder and of `signed` in it survive from here on.
            sync_folder(self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            os.close(descriptor)
            raise self._explain(error) from error
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _own(self, note: bytes, name: str) -> Checkpoint | None:
        """A checkpoint that this log has written itself; `None` if it has not yet."""
        try:
            return read_checkpoint(note) if note else None
        except FormatError as problem:
            raise StorageError(
                f"{self._path / name} is damaged ({problem}): keep it for those who look into it,"
                " and restore it from a copy"
            ) from problem

    def _check_history(self) -> None:
        """A torn end was never published. Where more is missing than that, nothing may be cut off."""
        try:
            check_published(self._published, self._signed)
        except LogError as problem:
            raise StorageError(
                f"{self._path / SIGNED} does not reach the published checkpoint ({problem}): it was"
                " cut short or altered; keep it for those who look into it, and restore it from a"
                " copy"
            ) from problem

    def _cut(self, descriptor: int) -> None:
        """Cut off what stands behind the last whole note, so that the next one begins a line."""
        if os.fstat(descriptor).st_size != self._signed_bytes:
            os.ftruncate(descriptor, self._signed_bytes)
            os.fdatasync(descriptor)

    def write(self, files: Sequence[TileFile]) -> None:
        """Keep tiles and bundles, durable when it returns; see `ports.GrowingLog.write`.

        (1) Files that are there already must have the same bytes. (2) The others are written under
        a temporary name, and (3) synced. (4) Each is renamed into its place. (5) The folders on the
        way to each file, those that were there already included, are synced, each once.
        """
        for file in files:
            if file.path == CHECKPOINT:
                raise FormatError("a checkpoint is published, not written like a tile")
        new = [file for file in files if not self._stands(file)]  # (1)
        try:
            for at in range(0, len(new), _AT_ONCE):
                self._place(new[at : at + _AT_ONCE])  # (2) to (4)
            # (5) A file that was there may have been renamed by a call that failed, or by a process
            # that died, before its name was durable. Up to here nothing is promised: after the loss
            # of power some files may be there and others not, each of them whole.
            for folder in _folders(file.path for file in files):
                sync_folder(self._path / folder)
        except OSError as error:
            raise self._explain(error, "tile") from error

    def _stands(self, file: TileFile) -> bool:
        there = self.read(file.path)
        if there is None or there == file.content:
            return there is not None
        raise StorageError(
            f"{self._path / file.path} holds other bytes than the journal gives now: published"
            " bytes never change, so one of both was altered; stop, and audit the log"
        )

    def _place(self, files: Sequence[TileFile]) -> None:
        unfinished = self._path / _UNFINISHED
        # Names never come again, so that a draft which could not be removed is in nobody's way.
        drafts = {unfinished / str(next(self._draft)): file for file in files}
        unsealed: list[int] = []
        try:
            # (2) All are written before the first is synced, so that the disk has them to order.
            for draft, file in drafts.items():
                unsealed.append(write_draft(draft, file.content))
            # (3) The bytes survive the loss of power from here on, under names nobody looks at.
            sealing, unsealed = unsealed, []
            seal_drafts(sealing)
            # (4) A crash of the process in between leaves some of the files in place, each whole.
            for draft, file in drafts.items():
                place = self._path / file.path
                os.makedirs(place.parent, exist_ok=True)
                os.replace(draft, place)
        except BaseException:
            for descriptor in unsealed:
                os.close(descriptor)
            remove_drafts(drafts)
            raise

    def keep_signed(self, note: bytes) -> None:
        """Add a checkpoint to `signed`, durable when it returns; see `ports.GrowingLog.keep_signed`.

        (1) It must be able to follow the last one. (2) What a call that failed has left is cut off.
        (3) The note is appended: a crash here leaves a torn end, which the next opening cuts off.
        (4) It is synced. Only now is it counted as signed.
        """
        after = read_checkpoint(note)  # (1)
        check_growth(self._signed, after)
        record = note + b"\n"
        try:
            self._cut(self._descriptor)  # (2)
            write_all(self._descriptor, record, self._signed_bytes)  # (3)
            os.fdatasync(self._descriptor)  # (4)
        except OSError as error:
            raise self._explain(error, SIGNED) from error
        self._signed_bytes += len(record)
        self._last, self._signed = note, after

    def last_signed(self) -> bytes | None:
        """The newest checkpoint that was kept as signed; see `ports.GrowingLog.last_signed`."""
        return self._last or None

    def publish(self, checkpoint: bytes) -> None:
        """Replace `checkpoint`, durable when it returns; see `ports.GrowingLog.publish`.

        A crash at any moment leaves the old or the new one, and everything that either needs was
        durable before.
        """
        after = read_checkpoint(checkpoint)
        check_growth(self._published, after)
        check_published(after, self._signed)
        try:
            replace_file(self._path / CHECKPOINT, checkpoint)
        except OSError as error:
            raise self._explain(error, CHECKPOINT) from error
        self._published = after

    def sweep(self, size: int) -> int:
        """Remove partial tiles and bundles that a full one has replaced; see `ports.GrowingLog.sweep`.

        The first call looks at the whole folder, later ones only at what has grown since. A crash
        in between leaves partial files that are in nobody's way, and the next first call finds
        them.
        """
        size = min(size, self._published.size if self._published else 0)
        swept = 0
        try:
            for tile in self._partial() if self._swept is None else tiles_for(self._swept, size):
                swept += self._remove_partial(tile._replace(width=WIDTH), size)
        except OSError as error:
            raise self._explain(error, "tile") from error
        self._swept = max(size, self._swept or 0)
        return swept

    def _partial(self) -> list[Tile]:
        """Every tile and bundle that has a folder of partial ones."""
        found = []
        for where, folders, _ in os.walk(self._path / "tile"):
            for name in folders:
                full = (Path(where) / name.removesuffix(".p")).relative_to(self._path)
                # What is not the log's own is left alone; the audit speaks of it.
                with suppress(FormatError):
                    found += [parse_path(full.as_posix())] if name.endswith(".p") else []
        return found

    def _remove_partial(self, tile: Tile, size: int) -> int:
        """Remove the partial files of a tile if it is full in the tree of `size`."""
        full = self._path / tile.path
        partial = full.with_name(f"{full.name}.p")
        is_full = (tile.number + 1) * WIDTH <= size >> 8 * max(tile.level, 0)
        # The full one was durable before the checkpoint that covers it was published; it is looked
        # for all the same, as what is removed here cannot be had back.
        if not is_full or not partial.is_dir() or not full.is_file():
            return 0
        names = os.listdir(partial)
        for name in names:
            os.unlink(partial / name)
        os.rmdir(partial)
        return len(names)

    def close(self) -> None:
        """Give the folder free; doing so twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._lock.release()


def _folders(paths: Iterable[str]) -> list[str]:
    """The folders on the way to these files, each once, the log's own last."""
    found = {""}
    for folder in {os.path.dirname(path) for path in paths}:
        while folder:
            found.add(folder)
            folder = os.path.dirname(folder)
    return sorted(found, reverse=True)
