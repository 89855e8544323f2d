"""How far apart two counts of the same bins are, and whether chance alone could do it.

The population stability index of shares `p` (then) and `q` (now) is the sum of `(q - p) ln(q / p)`
over the bins, the symmetrised Kullback–Leibler divergence (Kullback and Leibler, 1951) under the
name of credit scoring, where 0.1 is read as moderate and 0.25 as large. Between two samples of one
distribution it is not 0: `n m / (n + m)` times it is about chi-square distributed with one degree
of freedom less than there are bins (Yurdakul, "Statistical Properties of Population Stability
Index", 2018). So a value counts as drift only where it is both large and beyond what chance gives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

BINS = 10
"""Into how many bins of equal share known values are put, before equal edges fall together."""
MODERATE, LARGE = 0.1, 0.25
"""From where a population stability index is moderate, and large."""
RATE_MODERATE, RATE_LARGE = math.log(1.5), math.log(2.0)
"""The same for the logarithm of how many times as often something happens: by half, twofold."""
CHANCE = 1e-6
"""How often one comparison may go beyond what chance gives although nothing has changed."""
_HALF = 0.5
"""Added to every bin, so that an empty one is rare and not impossible."""


def edges_of(values: Floats, bins: int = BINS) -> tuple[float, ...]:
    """Where to cut known values into bins of about equal share; strictly ascending.

    Bin `i` holds what is above edge `i - 1` and not above edge `i`. A value that a tenth or more of
    all have gets a bin of its own, so that more and less of it shows, and so do values beside it.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return ()
    # Values that occur are taken, never means of two, so that counts stay apart from each other.
    cuts = np.unique(np.quantile(known, np.arange(1, bins) / bins, method="inverted_cdf"))
    heavy = cuts[[(known == cut).mean() >= 1 / bins for cut in cuts.tolist()]]
    # Below the smallest of all numbers there is nothing to be told apart.
    heavy = heavy[heavy > np.finfo(np.float64).min]
    return tuple(np.unique(np.concatenate([cuts, np.nextafter(heavy, -np.inf)])).tolist())


def counted(values: Floats, edges: Sequence[float]) -> Counts:
    """How many values fall into each bin, with one bin more, the last, for missing ones."""
    missing = np.isnan(values)
    places = np.searchsorted(np.asarray(edges, dtype=np.float64), values, side="left")
    places[missing] = len(edges) + 1
    return np.bincount(places, minlength=len(edges) + 2).astype(np.int64)


def stability_index(then: Counts, now: Counts) -> float:
    """The population stability index between two counts of the same bins, 0 where one is empty."""
    if not then.sum() or not now.sum():
        return 0.0
    used = (then + now) > 0
    p, q = _shares(then[used]), _shares(now[used])
    return float(((q - p) * np.log(q / p)).sum())


def by_chance(then: Counts, now: Counts, chance: float = CHANCE) -> float:
    """The index that two samples of these sizes from one distribution reach with this chance."""
    n, m = int(now.sum()), int(then.sum())
    freedom = int(((then + now) > 0).sum()) - 1
    if not n or not m or freedom < 1:
        return math.inf
    return chi_square(freedom, chance) * (1 / n + 1 / m)


def rate_change(then: Counts, now: Counts) -> float:
    """How much more or less often the first of two bins is met: the logarithm of the ratio."""
    return math.log(float(_shares(now)[0] / _shares(then)[0]))


def chi_square(freedom: int, chance: float) -> float:
    """What a chi-square variable exceeds with this chance (Wilson and Hilferty, 1931)."""
    z = NormalDist().inv_cdf(1 - chance)
    spread = 2 / (9 * freedom)
    return freedom * (1 - spread + z * math.sqrt(spread)) ** 3


def likelihood_gain(then: Counts, now: Counts) -> float:
    """By how much shares of their own explain the counts of now better than those of then do, as a
    logarithm of likelihood."""
    if not now.sum():
        return 0.0
    p, q = _shares(then), now / now.sum()
    met = now > 0
    return float((now[met] * np.log(q[met] / p[met])).sum())


def _shares(counts: Counts) -> Floats:
    shares: Floats = (counts + _HALF) / (counts.sum() + _HALF * len(counts))
    return shares
