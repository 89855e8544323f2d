"""Making a model of labelled rows.

(1) The labelled rows, in the order of time; there must be both kinds.
(2) They are parted by time: trees learn from the earlier ones, the later ones say when to stop. An
    event never helps to judge one before it.
(3) Trees grow until the later rows are told apart no better.
(4) The raw scores of the later rows are calibrated.
(5) What the later rows say of all this is kept as the model's metrics.
(6) As many trees grow anew from all rows: the latest days know most of the frauds of tomorrow. The
    calibration of (4) is taken over, as a held-out one is for a model that was fitted again.
(7) Inputs and scores are measured as a baseline, and the card is written.

The same rows, growth and seed give the same model, hash and all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import lightgbm
import msgspec
import numpy as np
import sklearn

import kanhe
from kanhe.judge.models.forest import Forest
from kanhe.judge.models.model import Input, Model, Training
from kanhe.judge.models.portable import sealed
from kanhe.learn.boosting import Growth, Sample, grow, grow_until, grown, raw_scores, weight_of
from kanhe.learn.calibrating import Way, calibrate
from kanhe.learn.cards import card_of, groups_of
from kanhe.learn.isolating import TREES, isolate
from kanhe.learn.measures import measured
from kanhe.learn.rows import Ints, LearningError, Rows
from kanhe.learn.spreading import spread_of

LEAST_ROWS = 20
"""Fewer rows with a number in them make no isolation forest."""


class Plan(NamedTuple):
    """What is asked for beside the rows."""

    name: str
    types: tuple[str, ...]
    """The event types of the rows."""
    label_delay_ms: int = 0
    growth: Growth = Growth()
    calibration: Way = "platt"
    later_share: float = 0.25
    """Which share of the rows, the latest, says when to stop."""
    alerts_per_day: int = 100
    """How many events a day people can look at; for the metrics."""


def train(rows: Rows, plan: Plan) -> Model:
    """A calibrated model of boosted trees, by the steps above. Raises `LearningError`."""
    known = rows.labelled()  # (1)
    known.need_both("the training rows")
    earlier, later = parted(known, plan.later_share)  # (2)
    earlier.need_both("the earlier part of the training rows")
    later.need_both("the later part of the training rows, which says when to stop")
    growth = plan.growth
    first = grow_until(known.names, _sample(earlier), _sample(later), growth)  # (3)
    trees = int(first.best_iteration)
    raw = raw_scores(first, later.inputs, trees)
    calibration = calibrate(raw, later.label, plan.calibration)  # (4)
    whole = grow(known.names, _sample(known), growth, trees)  # (6)
    made, tried = grown(whole, trees), grown(first, trees)
    inputs = tuple(
        Input(name=name, spread=spread_of(known.inputs[:, n]), zero_is_missing=zero)
        for n, (name, zero) in enumerate(zip(known.names, made.zero_is_missing, strict=True))
    )
    model = Model(
        name=plan.name,
        kind="boosted",
        objective="binary",
        inputs=inputs,
        calibration=calibration,
        training=_training(known, plan, trees),
        trees=made.trees,
    )
    trial = msgspec.structs.replace(model, trees=tried.trees)
    scores = Forest(sealed(trial)).scores(later.inputs)
    found = measured(later.label, scores, later.at_ms, plan.alerts_per_day)  # (5)
    return sealed(
        msgspec.structs.replace(  # (7)
            model,
            score=spread_of(Forest(sealed(model)).scores(known.inputs)),
            metrics={f"later_{k}": float(v) for k, v in msgspec.structs.asdict(found).items()},
            card=card_of(model, groups_of(later, scores, plan.alerts_per_day)),
        )
    )


def detect(rows: Rows, plan: Plan, trees: int = TREES) -> Model:
    """An isolation forest over rows whose labels nobody needs. Raises `LearningError`."""
    told = rows.only(np.flatnonzero(np.isfinite(rows.inputs).any(axis=1)))
    if len(told) < LEAST_ROWS:
        raise LearningError(
            f"{len(told)} rows hold a number; a detector wants at least {LEAST_ROWS}: widen the time"
        )
    model = Model(
        name=plan.name,
        kind="isolation",
        objective="isolation",
        inputs=tuple(
            Input(name=name, spread=spread_of(told.inputs[:, n]))
            for n, name in enumerate(told.names)
        ),
        training=_training(told, plan, trees),
        trees=isolate(told.inputs, plan.growth.seed, trees),
    )
    scores = Forest(sealed(model)).scores(told.inputs)
    return sealed(msgspec.structs.replace(model, score=spread_of(scores), card=card_of(model, ())))


def parted(known: Rows, later_share: float) -> tuple[Rows, Rows]:
    """The earlier and the later rows of those that stand in the order of time.

    What happened in the same millisecond stays together.
    """
    at = int(len(known) * (1.0 - later_share))
    cut: Ints = known.at_ms[min(at, len(known) - 1)]
    at = int(np.searchsorted(known.at_ms, cut, side="left"))
    return known.only(np.arange(at)), known.only(np.arange(at, len(known)))


def _sample(rows: Rows) -> Sample:
    return Sample(rows.inputs, rows.label)


def _training(rows: Rows, plan: Plan, trees: int) -> Training:
    """Where the trees come from; nothing in it depends on when or where they were grown."""
    parameters: dict[str, str | int | float | bool] = {"trees": trees}
    if (rows.label == 1).any():
        told: Mapping[str, str | int | float | bool] = msgspec.structs.asdict(plan.growth)
        parameters |= {name: value for name, value in told.items() if name != "threads"}
        parameters["positive_weight"] = round(weight_of(plan.growth, rows.label), 6)
        parameters["calibration"] = plan.calibration
        parameters["later_share"] = plan.later_share
    return Training(
        from_ms=int(rows.at_ms.min()),
        until_ms=int(rows.at_ms.max()) + 1,
        label_delay_ms=plan.label_delay_ms,
        types=plan.types,
        rows=len(rows),
        positives=rows.positives,
        seed=plan.growth.seed,
        parameters=parameters,
        versions={
            "kanhe": kanhe.__version__,
            "lightgbm": lightgbm.__version__,
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
        },
    )
