"""Measuring a model on rows it did not learn from."""

from __future__ import annotations

import msgspec
import numpy as np

from kanhe.core.time import DAY_MS
from kanhe.judge.models.forest import Forest
from kanhe.judge.models.model import Group, Model
from kanhe.learn.cards import groups_of
from kanhe.learn.measures import Bin, Measures, calibration, days, measured
from kanhe.learn.rows import Floats, Ints, Rows


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day of UTC: of its most suspicious events, how many were positive."""

    from_ms: int
    rows: int
    positives: int
    alerts: int
    found: int


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is worth on these rows."""

    model: str
    """The content hash of the model."""
    name: str
    from_ms: int
    until_ms: int
    overlaps_training: bool
    """Whether some rows lie inside the model's training window, so that the figures are too good."""
    unlabelled: int
    """Rows that were left out because nobody knows what they were."""
    measures: Measures
    days: list[Day]
    calibration: list[Bin]
    groups: list[Group]
    """How groups of people fare under one threshold for all; see `learn.cards`."""


def evaluate(model: Model, rows: Rows, alerts_per_day: int) -> Evaluation:
    """All figures of a model on the labelled of these rows. Raises `LearningError`."""
    known = rows.labelled()
    known.need_both("the rows to measure on")
    scores = Forest(model).scores(known.numbers_of(model.input_names))
    first, last = int(known.at_ms[0]), int(known.at_ms[-1]) + 1
    training = model.training
    return Evaluation(
        model=model.hash,
        name=model.name,
        from_ms=first,
        until_ms=last,
        overlaps_training=first < training.until_ms and training.from_ms < last,
        unlabelled=len(rows) - len(known),
        measures=measured(known.label, scores, known.at_ms, alerts_per_day),
        days=[
            _day(known, scores, np.flatnonzero(day), alerts_per_day) for day in days(known.at_ms)
        ],
        calibration=calibration(known.label, scores),
        groups=list(groups_of(known, scores, alerts_per_day)),
    )


def _day(known: Rows, scores: Floats, places: Ints, most: int) -> Day:
    top = places[np.argsort(-scores[places], kind="stable")[:most]]
    return Day(
        from_ms=int(known.at_ms[places[0]]) // DAY_MS * DAY_MS,
        rows=len(places),
        positives=int(known.label[places].sum()),
        alerts=len(top),
        found=int(known.label[top].sum()),
    )
