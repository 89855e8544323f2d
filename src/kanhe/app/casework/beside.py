"""Casework beside a journal that another process writes: what its loops do, and why an event was decided so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from kanhe.app.casework import Casework
from kanhe.app.kept_packs import KeptPacks
from kanhe.app.ledger import JOURNAL_FILE
from kanhe.core.settings import Settings
from kanhe.stores.sqlite.reader import SqliteJournalReader

if TYPE_CHECKING:
    from kanhe.app.explaining import Explaining, Explanation
    from kanhe.judge.rules.lists import ListSpec

_GROUPS = 20
"""So many groups of rows are taken up before the journal is opened anew."""
_BASE_S = 30.0
"""For so long the base currency is not looked up again."""


class Beside:
    """The journal of an installation, read for its casework. Safe to use from several threads."""

    def __init__(self, settings: Settings, casework: Casework) -> None:
        self._settings = settings
        self._path = Path(settings.data_dir) / JOURNAL_FILE
        self._casework = casework
        self._explaining: Explaining | None = None
        self._packs = KeptPacks()
        self._base = ""
        self._base_until = 0.0
        self._turn = Lock()

    def take_up(self) -> bool:
        """One round: what is new becomes alerts, and who was erased is forgotten. Whether there is more.

        Raises `StorageError`.
        """
        if not self._path.exists():
            return False
        journal = SqliteJournalReader(self._path)
        try:
            taken = 1
            for _ in range(_GROUPS):
                if not (taken := self._casework.take_up(journal)):
                    break
            # Not only when all is read: where events never cease, it would never be.
            self._casework.sweep(journal)
            return taken > 0
        finally:
            journal.close()

    def tend(self) -> bool:
        """One round of what happens to cases by itself. Whether anything did."""
        return self._casework.tend() > 0

    def explain(self, seq: int) -> Explanation | None:
        """Why the event of a row was decided so; `None` for what was not decided, or was erased.

        The caller has checked that it is theirs to see. Raises `StorageError`.
        """
        from kanhe.app.explaining import row_at

        if not self._path.exists():
            return None
        journal = SqliteJournalReader(self._path)
        try:
            row = row_at(journal, seq)
            return None if row is None else self._explainer().explain(row, journal)
        finally:
            journal.close()

    def lists_of(self, seq: int) -> Sequence[ListSpec]:
        """The lists of the pack under which a row was decided; none if that is not kept."""
        from kanhe.app.explaining import row_at

        if not self._path.exists():
            return ()
        journal = SqliteJournalReader(self._path)
        try:
            row = row_at(journal, seq)
            pack = None if row is None else self._packs.get(journal, row.policy)
            return pack.lists if pack is not None else ()
        finally:
            journal.close()

    def base_currency(self) -> str:
        """The currency in which the pack in force counts; empty where no event was judged yet."""
        now = monotonic()
        if now < self._base_until:
            return self._base
        self._base_until = now + _BASE_S
        if self._path.exists():
            journal = SqliteJournalReader(self._path)
            try:
                row = next(journal.rows(journal.last_seq() - 1), None)
                pack = None if row is None else self._packs.get(journal, row.policy)
                self._base = pack.rates.base if pack is not None else self._base
            finally:
                journal.close()
        return self._base

    def warm(self) -> bool:
        """Have what explains in place before somebody waits for it, by explaining the last event."""
        if self._path.exists():
            journal = SqliteJournalReader(self._path)
            try:
                last = journal.last_seq()
            finally:
                journal.close()
            self.explain(last)
        return False

    def _explainer(self) -> Explaining:
        # Imported here: it asks rules again, and what they are compiled with takes seconds to load.
        from kanhe.app.explaining import Explaining
        from kanhe.app.opening import installation_key

        with self._turn:
            if self._explaining is None:
                key = installation_key(Path(self._settings.data_dir))
                self._explaining = Explaining(self._settings, key)
            return self._explaining
