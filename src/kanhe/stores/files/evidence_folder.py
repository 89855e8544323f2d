"""Files of cases, each under the SHA-256 of its content, in a folder that nothing serves."""

from __future__ import annotations

import hashlib
from pathlib import Path

from kanhe.core.errors import StorageError
from kanhe.respond.evidence import place_of
from kanhe.stores.files.durable import SECRET_MODE, replace_file


class EvidenceFolder:
    """Contents below `folder`, readable by its owner only. For one caller at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, digest: str, content: bytes) -> None:
        """Keep a content under its digest, durable when it returns. Raises `StorageError`."""
        path = self._path(digest)
        if path.exists():
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StorageError(f"cannot make {path.parent}: {error.strerror}") from error
        try:
            replace_file(path, content, SECRET_MODE)
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror}") from error

    def read(self, digest: str) -> bytes:
        """The content. Raises `StorageError` if it is missing or no longer what it was."""
        path = self._path(digest)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise StorageError(f"{path} is no longer what it was: restore it from a backup")
        return content

    def drop(self, digest: str) -> None:
        """Destroy a content; one that is not there is no error. Raises `StorageError`."""
        path = self._path(digest)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"cannot remove {path}: {error.strerror}") from error

    def _path(self, digest: str) -> Path:
        folder, name = place_of(digest)
        return self._folder / folder / name


class EvidenceInMemory:
    """The twin for a desk in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def keep(self, digest: str, content: bytes) -> None:
        """Keep a content under its digest."""
        place_of(digest)
        self._kept[digest] = content

    def read(self, digest: str) -> bytes:
        """The content. Raises `StorageError` if it is missing."""
        if digest not in self._kept:
            raise StorageError("there is no such file")
        return self._kept[digest]

    def drop(self, digest: str) -> None:
        """Destroy a content; one that is not there is no error."""
        self._kept.pop(digest, None)
