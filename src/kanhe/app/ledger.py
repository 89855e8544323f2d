"""Opening the log of an installation: for the sequencer, for readers, for audits, for its keys.

In the data folder: `log/` holds what is published, `keys/` the keys that sign and the key for
pseudonyms. The journal is only read here, beside the process that writes it.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from kanhe.core.errors import SettingsError, StorageError
from kanhe.core.settings import Settings
from kanhe.record.journal.ports import Row
from kanhe.record.log.checkpoint import read_checkpoint
from kanhe.record.log.entries import Entries
from kanhe.record.log.entry import PSEUDONYM_KEY_BYTES
from kanhe.record.log.errors import FormatError, LogError
from kanhe.record.log.note import check_name
from kanhe.record.log.receipt import receipt_of
from kanhe.record.log.sequencer import Sequencer, cosignatures
from kanhe.record.log.witness_list import ListedWitness, parse_witness_list
from kanhe.stores.files.key_files import LogKey, LogKeys, create_secret, read_secret
from kanhe.stores.files.log_folder import LogFolder, LogFolderReader
from kanhe.stores.http.witness_client import HttpWitness
from kanhe.stores.sqlite.reader import SqliteJournalReader

JOURNAL_FILE = "journal.db"
LOG = "log"
KEYS = "keys"
PSEUDONYM_KEY = "pseudonym.key"
ERASURES = "erasures"

Progress = Callable[[int, int], None]


class Ledger:
    """The published log of an installation and all that is needed to read it. Needs no lock."""

    def __init__(self, settings: Settings) -> None:
        folder = Path(settings.data_dir)
        self.settings = settings
        self.log = LogFolderReader(folder / LOG)
        self.keys = LogKeys(folder / KEYS, secrets.token_bytes)
        self.origin = origin_of(settings)
        self.witnesses = listed_witnesses(settings)
        self._counted: tuple[bytes, int, int] = (b"", 0, 0)

    @cached_property
    def entries(self) -> Entries:
        """Makes entries of rows. The key for pseudonyms is not touched before somebody needs it: who
        only looks makes nothing. Raises `StorageError`."""
        return Entries(pseudonym_key(Path(self.settings.data_dir)))

    def receipt(self, row: Row, *, with_event: bool) -> bytes | None:
        """The receipt of a row; `None` if it is not folded yet. Raises `StorageError`."""
        checkpoint = self.log.checkpoint()
        if checkpoint is None:
            return None
        entry = self.entries.of(row)
        return receipt_of(self.log.read, checkpoint, row, entry, with_event=with_event)

    def file(self, path: str) -> bytes | None:
        """A published file; raises `FormatError` for what is no path of one."""
        return self.log.read(path)

    def look(self) -> dict[str, Any]:
        """What somebody needs who wants to check the log: its name, size, root, keys, witnesses.

        Raises `StorageError` if the log or the journal cannot be read.
        """
        raw = self.log.checkpoint()
        checkpoint = read_checkpoint(raw) if raw else None
        size, cosigned = self.state()
        keys = self.keys.public()
        return {
            "origin": self.origin,
            "size": size,
            "waiting": max(0, last_row(self.settings) - size),
            "root": b64encode(checkpoint.root).decode() if checkpoint else "",
            "cosignatures": cosigned,
            "required": self.settings.log_cosignatures,
            "keys": [str(one.key) for one in keys if not one.retired],
            "retired_keys": [str(one.key) for one in keys if one.retired],
            "witnesses": [str(one.key) for one in self.witnesses],
        }

    def state(self) -> tuple[int, int]:
        """How many entries are published, and how many witnesses have cosigned them; 0 and 0 if the
        checkpoint cannot be read (which `kanhe ledger audit` explains)."""
        with suppress(StorageError, LogError):
            raw = self.log.checkpoint()
            if raw is not None and raw != self._counted[0]:
                keys = [witness.key for witness in self.witnesses]
                self._counted = raw, read_checkpoint(raw).size, cosignatures(raw, keys)
        _, size, cosigned = self._counted
        return size, cosigned


def pseudonym_key(folder: Path) -> bytes:
    """The key under which the log names entities, made at first use and kept for ever: with another
    one, nobody could tell any more which entries are about the same person.

    Raises `StorageError` if it cannot be read, or is missing beside a log that was made with it.
    """
    path = folder / KEYS / PSEUDONYM_KEY
    if not path.exists():
        if LogFolderReader(folder / LOG).checkpoint() is not None:
            raise StorageError(
                f"{path} is missing, and the log was made with it: restore it from a backup"
            )
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot make {path.parent}: {error.strerror}") from error
        # Two processes may start at once: the file of whoever comes first is everybody's.
        with suppress(StorageError):
            create_secret(path, secrets.token_bytes(PSEUDONYM_KEY_BYTES))
    key = read_secret(path)
    if len(key) != PSEUDONYM_KEY_BYTES:
        raise StorageError(
            f"{path} holds {len(key)} bytes, not {PSEUDONYM_KEY_BYTES}: restore it from a backup"
        )
    return key


def origin_of(settings: Settings) -> str:
    """The log's name; raises `SettingsError` unless a log can have it."""
    try:
        return check_name(settings.log_origin)
    except FormatError as error:
        raise SettingsError(
            f"log_origin: {error}; write a domain of yours and a path, such as shop.example/log"
        ) from None


def listed_witnesses(settings: Settings) -> tuple[ListedWitness, ...]:
    """The witnesses that the settings name; raises `SettingsError`."""
    if not settings.log_witnesses:
        if settings.log_cosignatures:
            raise SettingsError(
                f"log_cosignatures asks for {settings.log_cosignatures}, and no witness is named:"
                " list them in a file, and name it with log_witnesses"
            )
        return ()
    path = Path(settings.log_witnesses)
    try:
        found = parse_witness_list(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the list of witnesses {path}: {error}") from None
    except FormatError as error:
        raise SettingsError(f"{path}: {error}") from None
    if settings.log_cosignatures > len(found):
        raise SettingsError(
            f"log_cosignatures asks for {settings.log_cosignatures}, and {path} names {len(found)}"
        )
    return found


@contextmanager
def open_sequencer(settings: Settings) -> Iterator[Sequencer]:
    """The one writer of the log; its first key is made if there is none.

    Raises `StorageError` if another sequencer has the log, or the log is damaged.
    """
    origin = origin_of(settings)
    folder = Path(settings.data_dir)
    keys = LogKeys(folder / KEYS, secrets.token_bytes)
    log = LogFolder(folder / LOG)
    try:
        if not keys.public():
            keys.add(origin)
        witnesses = [HttpWitness(one.url, one.key) for one in listed_witnesses(settings)]
        yield Sequencer(
            open_rows(settings), Entries(pseudonym_key(folder)), log,
            origin, keys.signers, witnesses,
        )  # fmt: skip
    finally:
        log.close()


def _rows_of(path: Path) -> Callable[[int], Iterator[Row]]:
    """The committed rows as they stand at each call; none as long as there is no journal."""

    def rows(after: int) -> Iterator[Row]:
        if not path.exists():
            return
        journal = SqliteJournalReader(path)
        try:
            yield from journal.rows(after)
        finally:
            journal.close()

    return rows


def open_rows(settings: Settings) -> Callable[[int], Iterator[Row]]:
    """The committed rows with a number above the one given, read beside whoever writes the journal."""
    return _rows_of(Path(settings.data_dir) / JOURNAL_FILE)


def last_row(settings: Settings) -> int:
    """The number of the newest committed row, 0 if there is no journal. Raises `StorageError`."""
    path = Path(settings.data_dir) / JOURNAL_FILE
    if not path.exists():
        return 0
    journal = SqliteJournalReader(path)
    try:
        return journal.last_seq()
    finally:
        journal.close()


def add_log_key(settings: Settings) -> LogKey:
    """Make a further key, which signs beside the others from the next checkpoint on."""
    return LogKeys(Path(settings.data_dir) / KEYS, secrets.token_bytes).add(origin_of(settings))


def retire_log_key(settings: Settings, number: int) -> LogKey:
    """Let a key sign no more, and destroy its secret; raises `StorageError` for the last one."""
    return LogKeys(Path(settings.data_dir) / KEYS, secrets.token_bytes).retire(number)
