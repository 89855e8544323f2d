"""Whether scores mean what they say: of events that scored 0.2, was one in five fraud?

Only events whose labels have had time to come are asked about. Over all of them the frauds expected
are the sum of the scores; how many there were differs from that by chance with a variance of at most
the sum of `s (1 - s)`, so that the difference over its root is a normal deviate (Spiegelhalter,
1986, for one group).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from kanhe.learn.drift.measure import CHANCE, RATE_LARGE, RATE_MODERATE, Counts, Floats, chi_square

LEAST_ROWS = 500
LEAST_FRAUDS = 20
"""How many frauds there must have been, or have been expected, to tell something."""


class ScoreBin(msgspec.Struct, frozen=True, kw_only=True):
    """Events whose scores lie in one interval."""

    low: float
    high: float
    events: int
    mean_score: float
    fraud_rate: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What scores said, and what came of it."""

    state: Literal["calibrated", "moderate", "large", "not_enough"]
    events: int
    expected: float
    """How many frauds the scores add up to."""
    observed: int
    ratio: float | None = None
    """Observed over expected: above 1 the scores say too little."""
    error: float | None = None
    """Mean distance between score and rate over the bins, weighted by events (expected calibration
    error)."""
    bins: tuple[ScoreBin, ...] = ()


def calibration(scores: Floats, labels: Counts, edges: Sequence[float] = ()) -> Calibration:
    """Hold scores (0 to 1) of events against their labels (0 or 1).

    `edges` cut the scores into bins, by default at tenths of the events; missing scores are left out.
    """
    known = np.isfinite(scores)
    scores, labels = scores[known], labels[known]
    events, expected, observed = len(scores), float(scores.sum()), int(labels.sum())
    if events < LEAST_ROWS or max(expected, observed) < LEAST_FRAUDS:
        return Calibration(state="not_enough", events=events, expected=expected, observed=observed)
    bins = _bins(scores, labels, edges)
    error = sum(b.events * abs(b.mean_score - b.fraud_rate) for b in bins) / events
    change = math.log((observed + 0.5) / (expected + 0.5))
    spread = float((scores * (1 - scores)).sum()) + 0.25
    state: Literal["calibrated", "moderate", "large"] = "calibrated"
    if (observed - expected) ** 2 / spread > chi_square(1, CHANCE):
        if abs(change) >= RATE_LARGE:
            state = "large"
        elif abs(change) >= RATE_MODERATE:
            state = "moderate"
    return Calibration(
        state=state, events=events, expected=expected, observed=observed, ratio=math.exp(change),
        error=error, bins=tuple(bins),
    )  # fmt: skip


def _bins(scores: Floats, labels: Counts, edges: Sequence[float]) -> list[ScoreBin]:
    cuts = np.asarray(edges or np.unique(np.quantile(scores, np.arange(1, 10) / 10)))
    places = np.searchsorted(cuts, scores, side="left")
    found = []
    for place in np.unique(places).tolist():
        some = places == place
        found.append(
            ScoreBin(
                low=float(cuts[place - 1]) if place else 0.0,
                high=float(cuts[place]) if place < len(cuts) else 1.0,
                events=int(some.sum()),
                mean_score=float(scores[some].mean()),
                fraud_rate=float(labels[some].mean()),
            )
        )
    return found
