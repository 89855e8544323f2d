"""Requests to erase somebody, handed from whoever asks to the process that writes the journal.

A request is a file that only its owner may read. It is durable when `ask` returns, is found again
after any crash, and is destroyed when it is done: carrying a request out twice changes nothing.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from kanhe.core.errors import StorageError
from kanhe.record.erasure import Erasure
from kanhe.stores.files.durable import SECRET_MODE, create_file, replace_file, sync_folder

_SUFFIX = ".erasure"


class ErasureFolder:
    """The open requests in a folder, which is made with the first one."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)

    def ask(self, erasure: Erasure) -> None:
        """Hand a request over; durable when it returns. Raises `StorageError`."""
        try:
            self._path.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self._path.parent)
            create_file(self._file(erasure.id), msgspec.json.encode(erasure), SECRET_MODE)
        except OSError as error:
            raise StorageError(f"cannot write into {self._path}: {error.strerror}") from error

    def keep(self, erasure: Erasure) -> None:
        """Keep what was found for an open request, durable when it returns. Raises `StorageError`."""
        try:
            replace_file(self._file(erasure.id), msgspec.json.encode(erasure), SECRET_MODE)
        except OSError as error:
            raise StorageError(f"cannot write into {self._path}: {error.strerror}") from error

    def open(self) -> list[Erasure]:
        """The requests that are not done, by id. Raises `StorageError` for one that cannot be read."""
        try:
            requests = [
                (path, path.read_bytes()) for path in sorted(self._path.glob(f"*{_SUFFIX}"))
            ]
        except OSError as error:
            raise StorageError(f"cannot read {self._path}: {error.strerror}") from error
        return [_request(path, raw) for path, raw in requests]

    def is_open(self, id: str) -> bool:
        """Whether the request is not done yet."""
        return self._file(id).exists()

    def done(self, id: str) -> None:
        """Destroy a request that was carried out."""
        try:
            self._file(id).unlink(missing_ok=True)
            sync_folder(self._path)
        except OSError as error:
            raise StorageError(f"cannot remove the request {id}: {error.strerror}") from error

    def _file(self, id: str) -> Path:
        return self._path / f"{id}{_SUFFIX}"


def _request(path: Path, raw: bytes) -> Erasure:
    try:
        return msgspec.json.decode(raw, type=Erasure)
    except msgspec.DecodeError as error:
        raise StorageError(
            f"{path} is no request to erase somebody ({error}): remove it and ask again"
        ) from error
