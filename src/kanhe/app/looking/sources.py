"""Where looking reads: the index, the journal, the packs it keeps, and whose they are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kanhe.app.indexing import INDEX, INDEX_FILE
from kanhe.app.kept_packs import KeptPacks
from kanhe.app.ledger import JOURNAL_FILE
from kanhe.core.actor import Actor
from kanhe.core.errors import KanheError, StorageError
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.judge.policy.pack import Pack
from kanhe.record.journal.ports import Row
from kanhe.stores.sqlite.finder import JournalFinder
from kanhe.stores.sqlite.index_reader import IndexReader


class NothingYetError(StorageError):
    """There is no index yet: nothing was ever judged here, or the first rows are being taken in."""


class NotThereError(KanheError):
    """What was asked for is not there, or is another tenant's: nobody is told which."""


class Sources:
    """The files of an installation, opened when they are needed. Safe to use from several threads."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self._folder = Path(settings.data_dir)
        self._turn = threading.Lock()
        self._finder: JournalFinder | None = None
        self._packs = KeptPacks()

    @contextmanager
    def index(self) -> Iterator[IndexReader]:
        """The index as it stands now. Raises `NothingYetError`."""
        path = self._folder / INDEX / INDEX_FILE
        if not path.exists():
            raise NothingYetError("the index of the journal is not there yet")
        reader = IndexReader(path)
        try:
            yield reader
        finally:
            reader.close()

    def journal(self) -> JournalFinder:
        """The journal. Raises `NothingYetError` if there is none."""
        with self._turn:
            if self._finder is None:
                path = self._folder / JOURNAL_FILE
                if not path.exists():
                    raise NothingYetError("nothing was ever judged in this installation")
                self._finder = JournalFinder(path)
            return self._finder

    def row(self, seq: int, actor: Actor) -> Row:
        """A row of the journal that this person may see. Raises `NotThereError`."""
        row = self.journal().row(seq)
        if row is None or not actor.sees(row.tenant):
            raise NotThereError(f"there is no row {seq}")
        return row

    def pack(self, policy: str) -> Pack | None:
        """The policy pack of this hash; `None` if it is not kept or cannot be read any more."""
        return self._packs.get(self.journal(), policy)

    def newest_pack(self) -> Pack | None:
        """The pack of the newest row; `None` without one."""
        journal = self.journal()
        row = journal.row(journal.last_seq())
        return None if row is None else self.pack(row.policy)

    def close(self) -> None:
        """Release the files."""
        with self._turn:
            if self._finder is not None:
                self._finder.close()
                self._finder = None


def tenants_of(index: IndexReader, actor: Actor) -> list[str]:
    """The tenants whose records a person may see, of those that the index knows."""
    return [actor.tenant] if actor.tenant else index.tenants()
