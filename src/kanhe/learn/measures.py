"""How good scores are, in the field's own measures. Labels are 0 or 1; a higher score is more suspicious.

- *ROC AUC*: how probable it is that a positive scores above a negative.
- *average precision*: the precision over all recalls, the area under the precision-recall curve.
- *precision at k per day*: of the k most suspicious events of a day, the share that is positive.
- *recall at an alert budget*: of all positives, the share among the k most suspicious of their day.
- *Brier score*: the mean squared distance between score and label; *calibration*: in tenths of the
  rows by score, what was said and what came.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
from sklearn import metrics

from kanhe.core.time import DAY_MS
from kanhe.learn.rows import Bools, Floats, Ints

BINS = 10
"""Into how many parts of equal size the rows are put to look at their calibration."""


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of like score: what the model said on average, and what came."""

    rows: int
    said: float
    came: float


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """The measures of one set of rows. A share is from 0 to 1."""

    rows: int
    positives: int
    roc_auc: float
    average_precision: float
    brier: float
    calibration_error: float
    """The mean distance between said and came, weighted by rows."""
    alerts_per_day: int
    precision_at_budget: float
    """The mean over days of the share of positives among the day's most suspicious events."""
    recall_at_budget: float


def measured(label: Ints, score: Floats, at_ms: Ints, alerts_per_day: int) -> Measures:
    """All measures. There must be labels of both kinds; days are days of UTC."""
    alarmed = alerted(score, at_ms, alerts_per_day)
    precisions = [float(label[day & alarmed].mean()) for day in days(at_ms)]
    bins = calibration(label, score)
    return Measures(
        rows=len(label),
        positives=int(label.sum()),
        roc_auc=float(metrics.roc_auc_score(label, score)),
        average_precision=float(metrics.average_precision_score(label, score)),
        brier=float(metrics.brier_score_loss(label, score)),
        calibration_error=sum(b.rows * abs(b.said - b.came) for b in bins) / len(label),
        alerts_per_day=alerts_per_day,
        precision_at_budget=math.fsum(precisions) / len(precisions),
        recall_at_budget=float(label[alarmed].sum() / label.sum()),
    )


def days(at_ms: Ints) -> Iterator[Bools]:
    """For each day of UTC on which something happened, which rows are of it, in their order."""
    day = at_ms // DAY_MS
    for one in np.unique(day):
        yield day == one


def alerted(score: Floats, at_ms: Ints, alerts_per_day: int) -> Bools:
    """Which rows are among the most suspicious of their day; among equals the earlier in the array."""
    found = np.zeros(len(score), dtype=np.bool_)
    for day in days(at_ms):
        places = np.flatnonzero(day)
        found[places[np.argsort(-score[places], kind="stable")[:alerts_per_day]]] = True
    return found


def calibration(label: Ints, score: Floats) -> list[Bin]:
    """What was said and what came, in parts of equal size by score; ties stay as they stand."""
    order = np.argsort(score, kind="stable")
    return [
        Bin(rows=len(part), said=float(score[part].mean()), came=float(label[part].mean()))
        for part in np.array_split(order, min(BINS, len(order)))
    ]


class Fairness(NamedTuple):
    """How a group fares under one threshold for all. NaN where there is nothing to divide by."""

    rows: int
    positives: int
    flagged: float
    """The share of its events that would be flagged."""
    false_positive_rate: float
    """The share of its honest events that would be flagged."""
    recall: float
    """The share of its positives that would be flagged."""
    said: float
    """The mean score."""
    came: float
    """The share of positives."""


def fairness(label: Ints, score: Floats, threshold: float) -> Fairness:
    """How the people behind these rows fare if what scores at least `threshold` is flagged."""
    flagged = score >= threshold
    good, bad = label == 0, label == 1
    return Fairness(
        rows=len(label),
        positives=int(bad.sum()),
        flagged=_share(flagged),
        false_positive_rate=_share(flagged[good]),
        recall=_share(flagged[bad]),
        said=float(score.mean()) if len(score) else math.nan,
        came=_share(bad),
    )


def _share(which: Bools) -> float:
    return float(which.mean()) if len(which) else math.nan
