"""A witness at home: its key, the logs that it knows, and its memory, in a folder of its own.

witness.key   the secret key, made once
logs/         a file for each verifier key of a log that is known
seen/         what was cosigned, see `witness_state`
kanhe.lock    held by the one process that cosigns
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from kanhe.core.errors import StorageError
from kanhe.core.time import Clock
from kanhe.record.log.cosignature import WitnessKey, WitnessSigner
from kanhe.record.log.errors import FormatError
from kanhe.record.log.note import KEY_BYTES, NoteKey, check_name
from kanhe.record.log.witness import Answer, Seen, Witness
from kanhe.stores.files.durable import create_file, sync_folder
from kanhe.stores.files.key_files import Chance, create_signer, read_witness_signer
from kanhe.stores.files.lock import FolderLock
from kanhe.stores.files.witness_state import FileWitnessState

_KEY = "witness.key"
_LOGS = "logs"
_SEEN = "seen"
_USE = "witness with it"


class KnownLog(NamedTuple):
    """A log that the witness knows."""

    origin: str
    keys: tuple[NoteKey, ...]
    seen: Seen | None
    """The largest tree of it that was cosigned."""


class WitnessFolder:
    """The folder of one witness. Needs no lock: `RunningWitness` takes it to cosign."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.state = FileWitnessState(self.path / _SEEN)

    def create(self, name: str, chance: Chance) -> WitnessKey:
        """Make a witness with a new key; raises `StorageError` if there is one already.

        The key comes last: a folder that a crash has left without one can be made anew.
        """
        signer = WitnessSigner(name, chance(KEY_BYTES))
        try:
            for folder in (self.path, self.path / _LOGS, self.path / _SEEN):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                sync_folder(folder.parent)
        except OSError as error:
            raise StorageError(f"cannot make {self.path}: {error.strerror}") from error
        create_signer(self.path / _KEY, signer)
        return signer.key

    def signer(self) -> WitnessSigner:
        """The key of the witness; raises `StorageError`."""
        if not (self.path / _KEY).exists():
            raise StorageError(
                f"there is no witness in {self.path}: make one with 'kanhe witness init'"
            )
        return read_witness_signer(self.path / _KEY)

    def trust(self, origin: str, key: NoteKey) -> bool:
        """Know a log by a key, from the next request on; False if it was known by it already.

        A log may have several keys, as one follows another. Raises `FormatError` for an origin that
        no log has, `StorageError` if it cannot be kept.
        """
        # An origin is no key name, but C2SP asks that it be fit for one.
        check_name(origin)
        self.signer()
        text = f"{origin}\n{key}\n".encode()
        path = self.path / _LOGS / f"{sha256(text).hexdigest()}.log"
        try:
            create_file(path, text)
        except FileExistsError:
            return False
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror}") from error
        return True

    def logs(self) -> dict[str, tuple[NoteKey, ...]]:
        """The logs that are known, with their keys; raises `StorageError`."""
        found: dict[str, tuple[NoteKey, ...]] = {}
        folder = self.path / _LOGS
        try:
            for name in sorted(os.listdir(folder)):
                if name.endswith(".log"):
                    origin, key = _known(folder / name)
                    found[origin] = (*found.get(origin, ()), key)
        except OSError as error:
            raise StorageError(f"cannot read {folder}: {error.strerror}") from error
        return found

    def known(self) -> list[KnownLog]:
        """The logs that are known, with what was cosigned of them; raises `StorageError`."""
        return [
            KnownLog(origin, keys, self.state.load(origin)) for origin, keys in self.logs().items()
        ]


class RunningWitness:
    """A witness that cosigns, alone on its folder. Not safe for use from several threads.

    Raises `FolderInUse` if another process cosigns there, `StorageError` if there is no witness or
    some of its files cannot be read.
    """

    def __init__(self, folder: WitnessFolder, clock: Clock) -> None:
        self._folder = folder
        self._signer = folder.signer()
        self._clock = clock
        self._lock = FolderLock(folder.path, _USE)
        try:
            folder.known()  # Whatever is damaged is told now and not to the first log that asks.
        except BaseException:
            self._lock.release()
            raise

    @property
    def key(self) -> WitnessKey:
        """The key that its cosignatures are checked with."""
        return self._signer.key

    def add_checkpoint(self, raw: bytes) -> Answer:
        """Answer a request to cosign; see `witness.Witness.add_checkpoint`. Raises `StorageError`.

        The known logs are read each time, so that one added meanwhile counts.
        """
        witness = Witness([self._signer], self._folder.logs(), self._folder.state)
        return witness.add_checkpoint(raw, self._clock() // 1000)

    def close(self) -> None:
        """Give the folder free."""
        self._lock.release()


def _known(path: Path) -> tuple[str, NoteKey]:
    try:
        origin, key = path.read_text("utf-8").splitlines()
        return check_name(origin), NoteKey.parse(key)
    except (ValueError, FormatError) as problem:
        raise StorageError(
            f"{path} is damaged ({problem}): remove it and add the log again"
        ) from problem
