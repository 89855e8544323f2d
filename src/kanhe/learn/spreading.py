"""How numbers are spread in the training window: the baseline for reasons and for drift."""

from __future__ import annotations

import numpy as np

from kanhe.judge.models.model import Spread
from kanhe.learn.rows import Floats

_PARTS = 10


def spread_of(values: Floats) -> Spread:
    """Median, share of missing values, and the shares between deciles (equal ones stand once)."""
    known = values[np.isfinite(values)]
    missing = 1.0 - len(known) / len(values) if len(values) else 0.0
    if not len(known):
        return Spread(missing=missing)
    edges = np.unique(np.quantile(known, np.arange(1, _PARTS) / _PARTS, method="lower"))
    # The first edge that is not below a value is the one it counts under.
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    return Spread(
        typical=float(np.median(known)),
        missing=missing,
        edges=tuple(edges.tolist()),
        shares=tuple((counts / len(known)).tolist()),
    )
