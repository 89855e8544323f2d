"""Opening an installation and what lies beside it: settings in, adapters picked."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kanhe.app.installation import Kanhe, Progress, wire
from kanhe.app.ledger import ERASURES, JOURNAL_FILE, Ledger
from kanhe.app.policies import kept_pack_of, read_life
from kanhe.app.upkeep import Upkeep
from kanhe.core.errors import StorageError
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.judge.policy.life import Life
from kanhe.judge.policy.pack import Pack, load_pack, starter_path
from kanhe.record.journal.ports import JournalReader
from kanhe.replay import History
from kanhe.stores.files.erasures import ErasureFolder
from kanhe.stores.files.key_files import create_secret
from kanhe.stores.files.lock import FolderLock
from kanhe.stores.files.snapshots import SnapshotFolder
from kanhe.stores.memory.journal import MemoryJournal
from kanhe.stores.sqlite.checkup import Checkup, check_journal
from kanhe.stores.sqlite.journal import SqliteJournal
from kanhe.stores.sqlite.keys import ApiKeys
from kanhe.stores.sqlite.reader import SqliteJournalReader

if TYPE_CHECKING:
    from kanhe.judge.intake.mapping import TableFormat
    from kanhe.stores.files.tabular import Table

KEYS_FILE = "keys.db"
KEY_FILE = "state.key"
SNAPSHOTS = "snapshots"
_KEY_BYTES = 16

_log = logging.getLogger("kanhe.app")


def open_kanhe(settings: Settings, clock: Clock, progress: Progress | None = None) -> Kanhe:
    """Open the installation in `settings.data_dir`, made if it is new.

    Raises `StorageError` if another process judges there or the folder cannot be used,
    `PolicyErrors` if the policy pack has mistakes.
    """
    folder = Path(settings.data_dir)
    lock = FolderLock(folder)
    try:
        journal = SqliteJournal(folder / JOURNAL_FILE)
        try:
            life = read_life(journal)
            pack = _pack_due(settings, journal, life)
            snapshots = SnapshotFolder(folder / SNAPSHOTS)
            # After a journal was restored from a backup, a snapshot of its lost future must go. If
            # nobody restored one, rows are gone that had been answered: somebody must hear of it.
            if ahead := snapshots.drop_after(journal.last_seq()):
                _log.warning(
                    "journal.shorter_than_snapshot",
                    extra={"snapshots": ", ".join(ahead), "journal_ends_at": journal.last_seq()},
                )
            upkeep = Upkeep(Ledger(settings), ErasureFolder(folder / ERASURES))
            return Kanhe(
                settings, clock, journal, pack, installation_key(folder), snapshots, lock, progress,
                upkeep, life,
            )  # fmt: skip
        except BaseException:
            journal.close()
            raise
    except BaseException:
        lock.release()
        raise


def _pack_due(settings: Settings, journal: SqliteJournal, life: Life) -> Pack:
    """The pack to judge with: that of the settings, until one was activated."""
    if not life.begun:
        return settings_pack(settings)
    if settings.policy:
        _log.warning(
            "policy.settings_ignored",
            extra={"settings": settings.policy, "in_force": life.wanted},
        )
    return kept_pack_of(journal, life.wanted)


def settings_pack(settings: Settings) -> Pack:
    """The pack that the settings name. Raises `PolicyErrors`."""
    return load_pack(Path(settings.policy) if settings.policy else starter_path())


def open_keys(settings: Settings, clock: Clock) -> ApiKeys:
    """The API keys of the installation, beside its journal; works while another process serves.

    Raises `StorageError` if the folder or the file cannot be used.
    """
    return ApiKeys(data_folder(settings) / KEYS_FILE, clock, secrets.token_bytes)


def data_folder(settings: Settings) -> Path:
    """The folder of the installation, made if it is new. Raises `StorageError`."""
    folder = Path(settings.data_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make {folder}: {error.strerror}") from error
    return folder


def open_shop_table(path: Path, form: TableFormat) -> Table:
    """Open a shop's CSV or Parquet file; raises `KanheError` if it cannot be read."""
    # Imported here: the library behind it is large, and judging does not need it.
    from kanhe.stores.files.tabular import open_table

    return open_table(path, form)


def look_over_journal(settings: Settings) -> Checkup | None:
    """Check the journal from outside, in use or not; `None` if there is none yet.

    Raises `StorageError` saying what is wrong with it.
    """
    return check_journal(Path(settings.data_dir) / JOURNAL_FILE)


@contextmanager
def open_history(settings: Settings) -> Iterator[History | None]:
    """The past of the installation in `settings.data_dir`, to be read beside a running server; `None`
    if nothing was ever judged there.

    Raises `StorageError` if the journal or the installation's key cannot be read.
    """
    folder = Path(settings.data_dir)
    if not (folder / JOURNAL_FILE).exists():
        yield None
        return
    key = _kept_key(folder / KEY_FILE)
    if key is None:
        raise StorageError(
            f"{folder / KEY_FILE} is missing: without it the codes that vectors hold for texts come"
            " out otherwise; restore it from a backup"
        )
    journal = SqliteJournalReader(folder / JOURNAL_FILE)
    try:
        yield History(journal, lambda pack: wire(pack, settings, key, MemoryJournal()))
    finally:
        journal.close()


@contextmanager
def open_journal(settings: Settings) -> Iterator[JournalReader | None]:
    """The journal in `settings.data_dir`, to be read beside a running server; `None` if there is none.

    Raises `StorageError` if it cannot be read.
    """
    path = Path(settings.data_dir) / JOURNAL_FILE
    if not path.exists():
        yield None
        return
    journal = SqliteJournalReader(path)
    try:
        yield journal
    finally:
        journal.close()


def tenants_of(settings: Settings) -> list[str]:
    """The tenants whose events the journal in `settings.data_dir` holds. Raises `StorageError`."""
    path = Path(settings.data_dir) / JOURNAL_FILE
    if not path.exists():
        return []
    journal = SqliteJournalReader(path)
    try:
        return [name for name in journal.tenants() if name]
    finally:
        journal.close()


def kanhe_in_memory(settings: Settings, clock: Clock, pack: Pack | None = None) -> Kanhe:
    """An installation that keeps nothing: for trying a pack out, and for tests."""
    return Kanhe(
        settings, clock, MemoryJournal(), pack or load_pack(starter_path()), secrets.token_bytes(16)
    )


def installation_key(folder: Path) -> bytes:
    """The installation's own secret of 16 bytes, made at first use, readable by its owner only."""
    path = folder / KEY_FILE
    key = _kept_key(path)
    if key is None:
        key = secrets.token_bytes(_KEY_BYTES)
        create_secret(path, key)
    return key


def _kept_key(path: Path) -> bytes | None:
    """The secret that was made before; `None` if there is none yet."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    if len(key) != _KEY_BYTES:
        raise StorageError(
            f"{path} holds {len(key)} bytes, not {_KEY_BYTES}; restore it from a backup, or remove "
            "it together with the snapshots to have memory rebuilt under a new key"
        )
    return key
