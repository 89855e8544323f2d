"""Small sets of rows in which something can be learned, made by a seed."""

from __future__ import annotations

import numpy as np

from kanhe.core.time import DAY_MS
from kanhe.learn.boosting import Growth
from kanhe.learn.rows import Rows
from kanhe.learn.training import Plan

FIRST_MS = 1_767_225_600_000
"""2026-01-01."""
QUICK = Growth(learning_rate=0.1, most_trees=60, patience=10, least_rows=10)
PLAN = Plan(name="risk", types=("payment.attempted",), growth=QUICK, alerts_per_day=20)


def rows(count: int = 4_000, seed: int = 1, days: int = 8, share: float = 0.05) -> Rows:
    """Fraud mostly where `ratio` is high and `known` is missing; `noise` says nothing."""
    rng = np.random.default_rng(seed)
    label = (rng.random(count) < share).astype(np.int64)
    ratio = rng.normal(1.0, 0.5, count) + 2.0 * label * (rng.random(count) < 0.8)
    known = rng.normal(0.0, 1.0, count)
    known[(rng.random(count) < 0.2 + 0.5 * label)] = np.nan
    at_ms = FIRST_MS + np.sort(rng.integers(0, days * DAY_MS, count))
    return Rows(
        names=("ratio", "known", "noise"),
        inputs=np.column_stack([ratio, known, rng.normal(size=count)]),
        label=label,
        at_ms=at_ms,
        groups={
            "country": rng.choice(np.array(["DE", "CN", ""]), count, p=(0.6, 0.3, 0.1)),
            "buyer": rng.choice(np.array(["new", "returning"]), count),
        },
    )
