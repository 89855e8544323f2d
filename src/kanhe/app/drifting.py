"""Drift of an installation: its journal, held against its baseline."""

from __future__ import annotations

from kanhe.app.opening import open_history
from kanhe.core.errors import KanheError
from kanhe.core.settings import Settings
from kanhe.learn.drift.baseline import Baseline, with_models
from kanhe.learn.drift.reading import Numbers
from kanhe.learn.drift.report import DriftReport, Follower, make_baseline, newest_pack
from kanhe.replay.history import History, Progress


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
    with open_history(settings) as found:
        history = _there(found, settings)
        numbers = _numbers(history)
        return make_baseline(history.journal, numbers, types, from_ms, to_ms, progress)


class Drifting:
    """Follows a journal from one look to the next, and starts anew when the pack changes.

    Without a `kept` baseline only what the models of the pack say of their training is held against.
    """

    def __init__(self, settings: Settings, kept: Baseline | None) -> None:
        self._settings = settings
        self._kept = kept
        self._follower: Follower | None = None

    def look(
        self, progress: Progress = lambda done, total: None, *, calibrate: bool = True
    ) -> DriftReport | None:
        """How everything stands by now; `None` if there is nothing to hold it against.

        `calibrate` has the scores of models held against labels anew, which takes two more passes
        over the journal. Raises `StorageError`, and `BaselineError` if the baseline does not fit the
        pack in force.
        """
        with open_history(self._settings) as found:
            history = _there(found, self._settings)
            journal = history.journal
            pack = newest_pack(journal)
            # Another pack may count otherwise, and a journal may have been restored to an earlier day.
            if (
                self._follower is None
                or self._follower.pack.hash != pack.hash
                or self._follower.last_seq > journal.last_seq()
            ):
                baseline = with_models(self._kept, pack)
                if baseline is None:
                    return None
                self._follower = Follower(baseline, Numbers(pack, history.wire(pack)))
                calibrate = True
            if calibrate:
                self._follower.calibrate(journal, progress)
            return self._follower.read_on(journal, progress)


def _numbers(history: History) -> Numbers:
    pack = newest_pack(history.journal)
    return Numbers(pack, history.wire(pack))


def _there(history: History | None, settings: Settings) -> History:
    if history is None:
        raise KanheError(f"there is no journal in {settings.data_dir}; see --data-dir")
    return history
