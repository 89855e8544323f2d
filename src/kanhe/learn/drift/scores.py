"""The scores of a pack's models, held against what turned out to be true.

(1) Read all claims. (2) Take the events of the models' types that happened after the training window,
within the newest `WINDOW_MS` whose labels have had time to come. (3) Score them again, from event and
served vector, by the function of the live path. (4) Hold scores against labels as known by now; an
event about which nobody said anything was honest.
"""

from __future__ import annotations

import msgspec
import numpy as np

from kanhe.core.time import DAY_MS
from kanhe.judge.models.scoring import ScoredModel
from kanhe.learn.drift.calibration import Calibration, calibration
from kanhe.learn.drift.reading import BATCH_ROWS, Numbers, Reading
from kanhe.record.journal.ports import JournalReader, Row
from kanhe.record.labels import Labels
from kanhe.replay.history import Progress

WINDOW_MS = 28 * DAY_MS
DELAY_MS = 7 * DAY_MS
"""How long labels are waited for where the model does not say."""
_TELL_EVERY = 8_192


class ModelCalibration(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the scores of one model mean what they say."""

    model: str
    from_ms: int
    """When the first of the events could have happened."""
    to_ms: int
    """When the last one could."""
    found: Calibration


class _Gathering:
    """The scores and labels of one model."""

    def __init__(self, spec: ScoredModel, arrived_ms: int) -> None:
        training = spec.model.training
        self.spec = spec
        self.to_ms = arrived_ms - (training.label_delay_ms or DELAY_MS)
        self.from_ms = max(training.until_ms, self.to_ms - WINDOW_MS + 1)
        self.scores: list[float] = []
        self.labels: list[int] = []
        self.due: list[tuple[Row, int]] = []

    def is_due(self, row: Row) -> bool:
        """Whether an event is asked about."""
        return row.type in self.spec.on and self.from_ms <= row.at_ms <= self.to_ms

    def score(self, numbers: Numbers) -> None:
        """Step (3) for what was gathered."""
        labels = {row.seq: label for row, label in self.due}
        rows, found = numbers.of([row for row, _ in self.due])
        place = numbers.names.index(self.spec.name)
        self.scores += found[:, place].tolist()
        self.labels += [labels[row.seq] for row in rows]
        self.due = []


def calibrations(
    journal: JournalReader, numbers: Numbers, progress: Progress = lambda done, total: None
) -> list[ModelCalibration]:
    """How the scores of every model of the pack stand."""
    if not numbers.pack.models:
        return []
    end, arrived_ms, labels = journal.last_seq(), 0, Labels()
    for row in journal.rows():  # (1)
        if row.seq % _TELL_EVERY == 0:
            progress(row.seq, 2 * end)
        labels.take(row)
        arrived_ms = max(arrived_ms, row.received_ms)
    gathering = [_Gathering(spec, arrived_ms) for spec in numbers.pack.models]
    alike = Reading(journal, numbers, ()).is_alike
    for row in journal.rows():  # (2)
        if row.seq % _TELL_EVERY == 0:
            progress(end + row.seq, 2 * end)
        due = [one for one in gathering if row.is_event and one.is_due(row)]
        if not due or not alike(row):
            continue
        label = _label(labels, row, arrived_ms)
        if label is None:
            continue
        for one in due:
            one.due.append((row, label))
            if len(one.due) >= BATCH_ROWS:
                one.score(numbers)
    for one in gathering:
        one.score(numbers)
    progress(2 * end, 2 * end)
    return [
        ModelCalibration(
            model=one.spec.name,
            from_ms=one.from_ms,
            to_ms=one.to_ms,
            found=calibration(  # (4)
                np.array(one.scores),
                np.array(one.labels, dtype=np.int64),
                one.spec.model.score.edges,
            ),
        )
        for one in gathering
    ]


def _label(labels: Labels, row: Row, as_of_ms: int) -> int | None:
    holds = labels.about(row).holding(as_of_ms)
    if holds is None:
        return 0
    return {"fraud": 1, "legitimate": 0}.get(holds.verdict)
