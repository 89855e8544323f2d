"""Snapshots of the state: files that are either whole or not there.

A snapshot only saves time. It can always be made again from the journal, so a file that is torn,
altered or of another make is passed over and reported, never repaired and never trusted.

A file holds, in this order: the line `kanhe-snapshot 1`; the length of the header, 8 bytes
big-endian; the header, JSON with `seq` and the names and lengths of the parts; the parts; and the
SHA-256 of everything before it, 32 bytes.

Saving, step by step: (1) write to a file of another name, a little at a time; (2) sync it; (3)
rename it, which is atomic; (4) sync the folder, after which the snapshot survives the loss of
power; (5) only now remove older ones.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from kanhe.core.errors import StorageError
from kanhe.stores.files.durable import sync_folder

_MAGIC = b"kanhe-snapshot 1\n"
_DIGEST_BYTES = 32
_HEADER_MAX = 1 << 20
_WRITE_BYTES = 1 << 20
"""So much is written and synced at a time: the journal shares the disk, and a commit waits for all
that was written before it."""
_NAME = re.compile(r"state-([0-9]{20})\.snapshot")
_UNFINISHED = ".unfinished"
KEPT = 2
"""So many snapshots stay: if the newest was spoilt by the disk, the one before it still serves."""


class _Part(msgspec.Struct, frozen=True):
    name: str
    length: int


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seq: int
    parts: tuple[_Part, ...]


class _Unusable(Exception):
    """Why a file is not a whole snapshot."""


class SnapshotFolder:
    """The snapshots in the folder `path`, which is made if it is missing.

    `skipped` says in words, after each `newest`, which files were passed over and why. One process
    at a time, which the data folder's lock sees to.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self.skipped: tuple[str, ...] = ()
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            for left in self._path.glob(f"*{_UNFINISHED}"):
                left.unlink()
        except OSError as error:
            raise self._explain(error) from error

    def save(self, seq: int, parts: Mapping[str, bytes | memoryview[Any]]) -> Path:
        """Save the state as it was right after row `seq`; returns the file.

        When it returns, the snapshot survives a crash of the machine. Raises `StorageError` if it
        could not be written; earlier snapshots are untouched then. Afterwards only this snapshot
        and the newest one before it are kept: one with a higher number would be from another life
        of the journal.
        """
        if not 0 <= seq < 10**18:
            raise ValueError(f"{seq} is not the number of a row")
        final = self._path / f"state-{seq:020d}.snapshot"
        # A child of a process that was killed may still be saving: it must not meet our file.
        unfinished = final.with_name(f"{final.name}.{os.getpid()}{_UNFINISHED}")
        try:
            try:
                with open(unfinished, "wb") as file:
                    _write(file, seq, parts)  # (1)
                    file.flush()
                    os.fsync(file.fileno())  # (2)
                os.replace(unfinished, final)  # (3)
                sync_folder(self._path)  # (4)
            except BaseException:
                with suppress(OSError):
                    unfinished.unlink()
                raise
            self._remove_others(seq)  # (5)
        except OSError as error:
            raise self._explain(error) from error
        return final

    def newest(self, max_seq: int) -> tuple[int, dict[str, bytes]] | None:
        """The newest whole snapshot that is not ahead of row `max_seq`, or `None`.

        Returns the number of its last row and its parts. Files that are not usable are passed over
        and named in `skipped`. Raises `StorageError` only if the folder itself cannot be read.
        """
        skipped: list[str] = []
        found = None
        for seq, path in reversed(self._files(skipped)):
            if seq > max_seq:
                skipped.append(f"{path.name}: ahead of the journal, which ends at row {max_seq}")
                continue
            try:
                found = seq, _read(path, seq)
                break
            except (_Unusable, OSError) as why:
                skipped.append(f"{path.name}: {why}")
        self.skipped = tuple(skipped)
        return found

    def drop_after(self, seq: int) -> list[str]:
        """Remove snapshots ahead of row `seq`, and return their names.

        To be called at the start with the journal's last row: after a journal was restored from a
        backup, a snapshot of its lost future would otherwise be taken for its own later on.
        """
        ahead = [path for number, path in self._files([]) if number > seq]
        try:
            for path in ahead:
                path.unlink()
            if ahead:
                sync_folder(self._path)
        except OSError as error:
            raise self._explain(error) from error
        return [path.name for path in ahead]

    def drop_all(self) -> None:
        """Remove every snapshot: they hold what must be forgotten."""
        self.drop_after(-1)

    def _files(self, skipped: list[str]) -> list[tuple[int, Path]]:
        """All files with a snapshot's name, by number; others are added to `skipped`."""
        found = []
        try:
            for path in self._path.iterdir():
                match = _NAME.fullmatch(path.name)
                if match and path.is_file():
                    found.append((int(match[1]), path))
                elif not path.name.endswith(_UNFINISHED):
                    skipped.append(f"{path.name}: not the name of a snapshot")
        except OSError as error:
            raise self._explain(error) from error
        skipped.sort()
        return sorted(found)

    def _remove_others(self, saved: int) -> None:
        files = self._files([])
        older = [path for number, path in files if number < saved]
        ahead = [path for number, path in files if number > saved]
        for path in older[: max(0, len(older) - (KEPT - 1))] + ahead:
            path.unlink()

    def _explain(self, error: OSError) -> StorageError:
        return StorageError(
            f"the snapshot folder {self._path} could not be used ({error.strerror}): look for a full"
            " disk and for missing permissions; the journal is not affected, and the next snapshot"
            " will be tried again"
        )


def _write(file: BinaryIO, seq: int, parts: Mapping[str, bytes | memoryview[Any]]) -> None:
    views = {name: memoryview(part).cast("B") for name, part in parts.items()}
    header = msgspec.json.encode(
        _Header(seq, tuple(_Part(name, view.nbytes) for name, view in views.items()))
    )
    if len(header) > _HEADER_MAX:
        raise ValueError("too many parts for one snapshot")
    digest = hashlib.sha256()
    for piece in (_MAGIC, len(header).to_bytes(8, "big"), header):
        digest.update(piece)
        file.write(piece)
    for view in views.values():
        for start in range(0, view.nbytes, _WRITE_BYTES):
            chunk = view[start : start + _WRITE_BYTES]
            digest.update(chunk)
            file.write(chunk)
            file.flush()
            os.fdatasync(file.fileno())
    file.write(digest.digest())


def _read(path: Path, seq: int) -> dict[str, bytes]:
    """The parts of a whole file. Lengths are checked against the file's size before they are believed."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if file.read(len(_MAGIC)) != _MAGIC:
            raise _Unusable("not a snapshot, or one of another version")
        raw_length = file.read(8)
        length = int.from_bytes(raw_length, "big")
        if length > _HEADER_MAX:
            raise _Unusable("its header is damaged")
        raw_header = file.read(length)
        try:
            header = msgspec.json.decode(raw_header, type=_Header)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise _Unusable("its header is damaged") from error
        lengths = [part.length for part in header.parts]
        whole = len(_MAGIC) + 8 + length + sum(lengths) + _DIGEST_BYTES
        if min(lengths, default=0) < 0 or size != whole:
            raise _Unusable(f"it has {size} bytes where {whole} were written")
        digest = hashlib.sha256(_MAGIC + raw_length + raw_header)
        parts = {}
        for part in header.parts:
            parts[part.name] = content = file.read(part.length)
            digest.update(content)
        if digest.digest() != file.read():
            raise _Unusable("its checksum is wrong")
    if header.seq != seq:
        raise _Unusable(f"its name says row {seq}, its content row {header.seq}")
    return parts
