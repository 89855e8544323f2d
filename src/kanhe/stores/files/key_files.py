"""Secrets in files: whole or not there, readable by their owner only, never overwritten.

Nothing here logs or prints a secret, and no error quotes one.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from kanhe.core.errors import StorageError
from kanhe.record.log.cosignature import WitnessSigner
from kanhe.record.log.errors import FormatError
from kanhe.record.log.note import KEY_BYTES, NoteKey, NoteSigner
from kanhe.stores.files.durable import SECRET_MODE, create_file, sync_folder

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MAX_BYTES = 4_096
_NAME = re.compile(r"log-([0-9]{4})\.(key|retired)")
_MOST_KEYS = 9_999

Chance = Callable[[int], bytes]
"""Draws so many bytes from a source fit for keys, such as `secrets.token_bytes`."""


def create_secret(path: Path, secret: bytes) -> None:
    """Keep a secret at `path`, mode 0600, durable when it returns.

    Raises `StorageError`, also if anything is there already: who overwrites a key has lost it.
    """
    try:
        create_file(path, secret, SECRET_MODE)
    except FileExistsError as error:
        raise StorageError(
            f"{path} is there already, and a key is never overwritten: keep it, or move it away"
        ) from error
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def read_secret(path: Path) -> bytes:
    """The secret at `path`; raises `StorageError` if it cannot be read or others could read it."""
    try:
        # What is asked about is the very file that is read, whatever the name stands for next.
        with open(path, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            secret = file.read(_MAX_BYTES)
    except OSError as error:
        raise StorageError(f"cannot read the key {path}: {error.strerror}") from error
    if mode & _OTHERS:
        raise StorageError(
            f"the key {path} can be used by others than its owner (mode {mode:04o}): run"
            f" chmod 600 {path}, and replace the key if anybody may have read it"
        )
    return secret


def kept_secret(path: Path, size: int, random_bytes: Chance, without: str) -> bytes:
    """The secret of `size` bytes at `path`, made if there is none. Raises `StorageError`, which says what
    has to be done `without` it."""
    if not path.exists():
        # Another process may have been faster; then its key is the one.
        with suppress(StorageError):
            create_secret(path, random_bytes(size))
    key = read_secret(path)
    if len(key) != size:
        raise StorageError(
            f"{path} is damaged: restore it from a backup, or remove it, and {without}"
        )
    return key


def read_note_signer(path: Path) -> NoteSigner:
    """The signing key of a log; raises `StorageError`."""
    try:
        return NoteSigner.parse(_line(read_secret(path)))
    except FormatError as problem:
        raise _damaged(path, problem) from problem


def read_witness_signer(path: Path) -> WitnessSigner:
    """The signing key of a witness; raises `StorageError`."""
    try:
        return WitnessSigner.parse(_line(read_secret(path)))
    except FormatError as problem:
        raise _damaged(path, problem) from problem


def create_signer(path: Path, signer: NoteSigner | WitnessSigner) -> None:
    """Keep a signing key as its text; raises `StorageError` as `create_secret` does."""
    create_secret(path, f"{signer.secret_text()}\n".encode())


class LogKey(NamedTuple):
    """One key of a log, without its secret."""

    number: int
    """1, 2, 3, … in the order in which they were made; never given twice."""
    key: NoteKey
    retired: bool
    """It signs no more, and is still needed to check what it once signed."""


class LogKeys:
    """The keys of one log: `log-0001.key`, `log-0002.key`, … in a folder, made if it is missing.

    While a key is being replaced, the old and the new one are there and both sign. A retired key
    leaves `log-0001.retired`, which holds its public key; its secret is destroyed.
    """

    def __init__(self, folder: Path | str, chance: Chance) -> None:
        self._folder = Path(folder)
        self._chance = chance

    def signers(self) -> tuple[NoteSigner, ...]:
        """The keys that sign, oldest first; raises `StorageError`. Empty before the first `add`."""
        return tuple(read_note_signer(self._path(number)) for number in self._numbers()[0])

    def public(self) -> tuple[LogKey, ...]:
        """All keys that ever signed, retired ones included, in the order of their numbers."""
        signing, retired = self._numbers()
        found = [
            LogKey(number, read_note_signer(self._path(number)).key, False) for number in signing
        ]
        found += [LogKey(number, self._public(number), True) for number in retired]
        return tuple(sorted(found))

    def add(self, name: str) -> LogKey:
        """Make a key that signs under `name`, durable when it returns.

        Raises `FormatError` for a name that no key may have, `StorageError` if it cannot be kept.
        """
        signer = NoteSigner(name, self._chance(KEY_BYTES))
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(self._folder.parent)
        except OSError as error:
            raise StorageError(f"cannot make {self._folder}: {error.strerror}") from error
        signing, retired = self._numbers()
        number = max([*signing, *retired], default=0) + 1
        if number > _MOST_KEYS:
            raise StorageError(f"{self._folder} holds {_MOST_KEYS} keys already: begin a new log")
        create_signer(self._path(number), signer)
        return LogKey(number, signer.key, False)

    def retire(self, number: int) -> LogKey:
        """Let a key sign no more: keep its public key and destroy its secret.

        (1) The public key is durable under the name that makes it retired: from here on the key
        does not sign. (2) The secret is removed. After a crash in between, call it again. Raises
        `StorageError` for the last key that signs, or a number that is not there.
        """
        signing, retired = self._numbers()
        path = self._path(number)
        if number in retired:
            key = self._public(number)
        elif number not in signing:
            raise StorageError(f"{self._folder} holds no key with the number {number}")
        elif signing == [number]:
            raise StorageError(
                f"key {number} is the only one that signs: add another one, let both sign until"
                " everybody has its public key, and retire this one then"
            )
        else:
            key = read_note_signer(path).key
        try:
            if number not in retired:
                create_file(self._path(number, "retired"), f"{key}\n".encode())  # (1)
            path.unlink(missing_ok=True)  # (2)
            sync_folder(self._folder)
        except OSError as error:
            raise StorageError(f"cannot retire {path}: {error.strerror}") from error
        return LogKey(number, key, True)

    def _numbers(self) -> tuple[list[int], list[int]]:
        """The numbers of the keys that sign, and of those that are retired."""
        found: dict[str, set[int]] = {"key": set(), "retired": set()}
        try:
            names = os.listdir(self._folder)
        except FileNotFoundError:
            names = []
        except OSError as error:
            raise StorageError(f"cannot read {self._folder}: {error.strerror}") from error
        for name in names:
            if match := _NAME.fullmatch(name):
                found[match[2]].add(int(match[1]))
        return sorted(found["key"] - found["retired"]), sorted(found["retired"])

    def _path(self, number: int, kind: str = "key") -> Path:
        return self._folder / f"log-{number:04d}.{kind}"

    def _public(self, number: int) -> NoteKey:
        path = self._path(number, "retired")
        try:
            return NoteKey.parse(_line(path.read_bytes()))
        except OSError as error:
            raise StorageError(f"cannot read the key {path}: {error.strerror}") from error
        except FormatError as problem:
            raise _damaged(path, problem) from problem


def _line(content: bytes) -> str:
    """The one line of a key file; what is no ASCII is no key either."""
    return content.decode("ascii", "replace").removesuffix("\n")


def _damaged(path: Path, problem: FormatError) -> StorageError:
    return StorageError(f"{path} holds no key of its kind ({problem}): restore it from a copy")
