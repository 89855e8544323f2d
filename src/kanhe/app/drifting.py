"""Drift of an installation: its journal, held against its baseline."""

from __future__ import annotations

from kanhe.app.opening import open_journal
from kanhe.core.errors import KanheError
from kanhe.core.settings import Settings
from kanhe.learn.drift.baseline import Baseline
from kanhe.learn.drift.report import DriftReport, Follower, make_baseline, newest_pack
from kanhe.record.journal.ports import JournalReader
from kanhe.replay.history import Progress


def baseline_of(
    settings: Settings,
    types: list[str],
    from_ms: int,
    to_ms: int,
    progress: Progress = lambda done, total: None,
) -> Baseline:
    """How events of the journal that happened within a window were spread, under the newest pack.

    Raises `KanheError` without a journal, and `BaselineError`.
    """
    with open_journal(settings) as journal:
        return make_baseline(
            _there(journal, settings), newest_pack(_there(journal, settings)), types, from_ms,
            to_ms, progress,
        )  # fmt: skip


class Drifting:
    """Follows a journal from one look to the next, and starts anew when the pack changes."""

    def __init__(self, settings: Settings, baseline: Baseline) -> None:
        self._settings = settings
        self._baseline = baseline
        self._follower: Follower | None = None

    def look(self, progress: Progress = lambda done, total: None) -> DriftReport:
        """How everything stands by now. Raises `StorageError`, and `BaselineError` if the baseline
        does not fit the pack in force."""
        with open_journal(self._settings) as found:
            journal = _there(found, self._settings)
            pack = newest_pack(journal)
            # Another pack may count otherwise, and a journal may have been restored to an earlier day.
            if (
                self._follower is None
                or self._follower.pack.hash != pack.hash
                or self._follower.last_seq > journal.last_seq()
            ):
                self._follower = Follower(self._baseline, pack)
            return self._follower.read_on(journal, progress)


def _there(journal: JournalReader | None, settings: Settings) -> JournalReader:
    if journal is None:
        raise KanheError(f"there is no journal in {settings.data_dir}; see --data-dir")
    return journal
