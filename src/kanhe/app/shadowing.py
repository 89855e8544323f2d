"""Following the judging with a pack in shadow, in a process of its own."""

from __future__ import annotations

from pathlib import Path

from kanhe.app.ledger import Progress
from kanhe.app.opening import open_history
from kanhe.app.resting import kept_policy
from kanhe.core.errors import StorageError
from kanhe.core.settings import Settings
from kanhe.record.shadow import ShadowReport, Verdict
from kanhe.replay.shadow import Batch, Shadow, last_beginning
from kanhe.stores.sqlite.shadow import ShadowBook, read_shadow

SHADOW_FILE = "shadow.db"
_KEPT_TOGETHER = 5_000


class Follower:
    """One pack in shadow, behind the process that judges. Call `follow` again and again."""

    def __init__(self, settings: Settings, policy: str) -> None:
        """Raises `StorageError` if the journal or the pack cannot be used."""
        self._settings = settings
        self._book: ShadowBook | None = None
        self._upto = self._began = 0
        with open_history(settings) as history:
            if history is None:
                raise StorageError(f"nothing was ever judged in {settings.data_dir}")
            pack = kept_policy(history, policy)
            began = last_beginning(history.journal.rows(), policy)
            self._shadow = Shadow(history.wire(pack), began)

    @property
    def pack(self) -> str:
        """The content hash of the pack."""
        return self._shadow.flow.pack.hash

    def follow(self, progress: Progress = lambda done, total: None) -> int:
        """Judge all rows that are there and keep what came of it; gives how many were judged."""
        count = 0
        kept: list[Verdict] = []
        with open_history(self._settings) as history:
            assert history is not None, "a journal does not go away"
            last = history.journal.last_seq()
            batch = None
            for batch in self._shadow.judge(history.journal.rows(self._shadow.flow.seq)):
                count += len(batch.verdicts)
                self._begin(batch)
                kept += batch.verdicts
                if len(kept) >= _KEPT_TOGETHER:
                    self._keep(kept, batch.upto)
                    kept = []
                progress(batch.upto, last)
            if batch is not None:
                self._keep(kept, batch.upto)
        return count

    def _begin(self, batch: Batch) -> None:
        if batch.began == self._began:
            return
        pack = self._shadow.flow.pack
        if self._book is None:
            self._book = ShadowBook(Path(self._settings.data_dir) / SHADOW_FILE)
        self._upto = self._book.begin(pack.hash, pack.rates.base, batch.began)
        self._began = batch.began

    def _keep(self, verdicts: list[Verdict], upto: int) -> None:
        if self._book is not None and upto > self._upto:
            # What was kept before, or is from before the shadow began anew, is left out.
            self._book.keep([one for one in verdicts if one.seq > self._upto], upto)
            self._upto = upto

    def close(self) -> None:
        """Release the file."""
        if self._book is not None:
            self._book.close()


def shadow_report(settings: Settings, policy: str, examples: int = 10) -> ShadowReport | None:
    """What is known of a pack in shadow; `None` if nothing yet. Raises `StorageError`."""
    return read_shadow(Path(settings.data_dir) / SHADOW_FILE, policy, examples)
