"""Keeping the index of an installation: its journal in, `index.db` out, beside whoever judges.

(1) New rows, a batch at a time, become traces (`record.traces`) under the pack of their time. (2) The
batch and the position become durable together (`IndexWriter.add`). (3) Rows that were erased since are
taken back (`IndexWriter.erase`). What is not there yet is only late, and the index says how far it goes.

An index that goes on another journal than the one beside it (one was restored from a backup) is dropped
and made anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from kanhe.app.ledger import JOURNAL_FILE, Progress
from kanhe.core.errors import StorageError
from kanhe.core.settings import Settings
from kanhe.record.traces import UNKNOWN_MEANING, Meaning, trace_of
from kanhe.replay.history import PackProblem, kept_pack
from kanhe.stores.files.lock import FolderLock
from kanhe.stores.sqlite.finder import JournalFinder
from kanhe.stores.sqlite.index_writer import IndexWriter

INDEX = "index"
"""The folder of the index within the data folder; its lock lets one process write."""
INDEX_FILE = "index.db"
BATCH = 4_096
"""Rows per transaction: few enough that a reader sees the newest after a moment, enough that a page
written twice within a batch is written once."""
_ERASED_AT_ONCE = 256
_USE = "write the index"

_log = logging.getLogger("kanhe.index")


class Indexing:
    """The one writer of the index of an installation.

    With `anew` an index that is there is dropped first. Raises `StorageError` if there is no journal yet,
    another process writes the index, or a file cannot be used.
    """

    def __init__(self, settings: Settings, *, anew: bool = False) -> None:
        folder = Path(settings.data_dir)
        self._folder = folder / INDEX
        with ExitStack() as opened:
            self._journal = JournalFinder(folder / JOURNAL_FILE)
            opened.callback(self._journal.close)
            self._lock = opened.enter_context(FolderLock(self._folder, _USE))
            if anew:
                self._drop()
            self._index = IndexWriter(self._folder / INDEX_FILE)
            if not self._fits():
                _log.warning("index.of_another_journal", extra={"upto": self._index.upto})
                self._index.close()
                self._drop()
                self._index = IndexWriter(self._folder / INDEX_FILE)
            opened.pop_all()
        self._truths = self._index.truths(self._journal)
        self._meanings: dict[str, Meaning] = {}

    @property
    def upto(self) -> int:
        """The last row of the journal that the index has."""
        return self._index.upto

    def behind(self) -> int:
        """How many rows of the journal it does not have yet."""
        return self._journal.last_seq() - self._index.upto

    def step(self) -> bool:
        """Steps (1) to (3) once; whether there was anything to do. Raises `StorageError`."""
        rows = self._journal.rows(self._index.upto, BATCH)
        if rows:
            self._index.add(
                [trace_of(row, self._meaning(row.policy)) for row in rows], self._truths
            )
        return self._drop_erased() or bool(rows)

    def run(self, progress: Progress, stopped: Callable[[], bool]) -> None:
        """Step until nothing is left to do, or `stopped`."""
        while not stopped() and self.step():
            progress(self.upto, self._journal.last_seq())

    def close(self) -> None:
        """Release both files."""
        self._index.close()
        self._lock.release()
        self._journal.close()

    def _drop(self) -> None:
        for ending in ("", "-wal", "-shm"):
            (self._folder / f"{INDEX_FILE}{ending}").unlink(missing_ok=True)

    def _fits(self) -> bool:
        """Whether the last row that it has is a row of this journal."""
        if self._index.upto == 0:
            return True
        row = self._journal.row(self._index.upto)
        return row is not None and self._index.last_times() == (row.at_ms, row.received_ms)

    def _drop_erased(self) -> bool:
        lines = self._journal.erased(self._index.erased_upto, _ERASED_AT_ONCE)
        if not lines:
            return False
        gone = []
        for line, seq in lines:
            row = self._journal.row(seq)
            if row is None:
                raise StorageError(f"row {seq} was erased, and the journal does not have it")
            gone.append((line, trace_of(row, self._meaning(row.policy))))
        self._index.erase(gone, self._truths)
        return True

    def _meaning(self, policy: str) -> Meaning:
        found = self._meanings.get(policy)
        if found is None:
            found = self._meanings[policy] = self._read_meaning(policy)
        return found

    def _read_meaning(self, policy: str) -> Meaning:
        pack = kept_pack(self._journal, policy)
        if isinstance(pack, PackProblem):
            if pack.state != "not_kept":
                _log.warning("index.pack_unreadable", extra={"policy": policy, "cause": pack.why})
            return UNKNOWN_MEANING
        holds = {spec.name: spec.holds for spec in pack.lists}
        return Meaning(pack.rates.base, pack.rates.to_base, holds)
