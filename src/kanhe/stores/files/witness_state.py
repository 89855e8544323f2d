"""What a witness remembers, in a file per log: the text of the largest checkpoint it has cosigned.

A file's name is the SHA-256 of the log's origin, which may hold characters that no file name can.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from kanhe.core.errors import StorageError
from kanhe.record.log.checkpoint import Checkpoint, parse_text
from kanhe.record.log.errors import FormatError
from kanhe.record.log.witness import Seen
from kanhe.stores.files.durable import replace_file


class FileWitnessState:
    """A `witness.WitnessState` in a folder that is there. One process and thread at a time.

    What cannot be read is an error and never taken for a log that was not seen yet: the witness
    would cosign a second history of it.
    """

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)

    def load(self, origin: str) -> Seen | None:
        """The latest tree of this log; `None` if none was ever cosigned. Raises `StorageError`."""
        path = self._path(origin)
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            if not self._folder.is_dir():
                raise StorageError(_gone(self._folder)) from None
            return None
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror}") from error
        try:
            found = parse_text(raw.decode())
            if found.origin != origin:
                raise FormatError("it is of another log")
        except (FormatError, UnicodeDecodeError) as problem:
            raise StorageError(
                f"{path} is damaged ({problem}), and this witness does not know any more what it has"
                f" cosigned of {origin!a}: make a new witness with a new key"
            ) from problem
        return Seen(found.size, found.root)

    def compare_and_store(self, origin: str, old: Seen | None, new: Seen) -> bool:
        """Remember `new` if `old` is still what is remembered; durable when it returns True.

        If it raises `StorageError`, either of the two may be remembered, and neither may be
        cosigned on the strength of this call. The next one begins with what `load` finds then, and
        writes it anew before it returns True.
        """
        if self.load(origin) != old:
            return False
        path = self._path(origin)
        try:
            replace_file(path, Checkpoint(origin, new.size, new.root).text().encode())
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror}") from error
        return True

    def _path(self, origin: str) -> Path:
        return self._folder / f"{sha256(origin.encode()).hexdigest()}.seen"


def _gone(folder: Path) -> str:
    return (
        f"{folder} is gone, and with it all that this witness has cosigned: make a new witness with"
        " a new key, for one that has forgotten could be made to cosign a second history"
    )
