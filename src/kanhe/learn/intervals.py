"""How sure a figure is: intervals in which it would lie in 95 of 100 histories like this one.

- A share (precision, recall) has the Wilson score interval (Wilson, 1927), which stays within 0 and 1
  and is honest for few cases. It takes events for independent.
- A sum of money has a bootstrap interval over blocks (Efron & Tibshirani, 1993): what one buyer did, or
  what happened on one day, is drawn together, because fraud comes in series. Each block is drawn a
  number of times that follows Poisson's law with mean 1, so that blocks without money need not be
  drawn at all.

Chance comes from a seed: the same events give the same intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import msgspec
import numpy as np
import numpy.typing as npt
from numpy.random import default_rng

CONFIDENCE = 0.95
_Z = 1.959963984540054
REPLICATES = 1_000
"""How often blocks are drawn, unless there is so much to draw that fewer do."""
_LEAST_REPLICATES = 200
_MOST_DRAWN = 150_000_000
"""About how many sums are made over all replicates: some seconds of work."""

Ints = npt.NDArray[np.int64]


class Share(msgspec.Struct, frozen=True):
    """`count` of `of`, and the Wilson interval; `None` where there is nothing to take a share of."""

    count: int
    of: int
    value: float | None
    low: float | None
    high: float | None


class Sum(msgspec.Struct, frozen=True):
    """Money in minor units with its bootstrap interval; `None` where no block holds any."""

    minor: int
    low: int | None
    high: int | None
    blocks: int
    """Buyers or days that it is made of; with fewer than some ten, no interval is to be trusted."""


def share_of(count: int, of: int) -> Share:
    """A share with its interval. `count` lies within 0 and `of`."""
    if of == 0:
        return Share(count, of, None, None, None)
    share, square = count / of, _Z * _Z / of
    middle = (share + square / 2) / (1 + square)
    reach = _Z / (1 + square) * sqrt(share * (1 - share) / of + square / (4 * of))
    low = 0.0 if count == 0 else max(0.0, middle - reach)
    high = 1.0 if count == of else min(1.0, middle + reach)
    return Share(count, of, share, low, high)


def sums_of(
    amounts: Sequence[tuple[Ints, Ints]], seed: int = 0, replicates: int = REPLICATES
) -> list[Sum]:
    """Sums with their intervals, all from the same draws.

    Each of `amounts` holds a block and an amount per event; blocks are numbers from 0 on. Amounts are
    exact integers; the sum of one does not exceed 2**63.
    """
    gathered = [_by_block(blocks, minor) for blocks, minor in amounts]
    filled = [place for place, (blocks, _) in enumerate(gathered) if len(blocks)]
    bounds: dict[int, tuple[int | None, int | None]] = {}
    if filled:
        used, numbers = np.unique(
            np.concatenate([gathered[place][0] for place in filled]), return_inverse=True
        )
        values = np.concatenate([gathered[place][1] for place in filled]).astype(np.float64)
        lengths = [len(gathered[place][0]) for place in filled]
        starts = np.concatenate([[0], np.cumsum(lengths[:-1])]).astype(np.int64)
        rounds = max(_LEAST_REPLICATES, min(replicates, _MOST_DRAWN // (len(values) + len(used))))
        drawn = _drawn(len(used), numbers, values, starts, rounds, seed)
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
        bounds = {
            place: (round(float(low[n])), round(float(high[n]))) for n, place in enumerate(filled)
        }
    return [
        Sum(int(minor.sum()), low, high, len(blocks))
        for place, (blocks, minor) in enumerate(gathered)
        for low, high in [bounds.get(place, (None, None))]
    ]


def _by_block(blocks: Ints, minor: Ints) -> tuple[Ints, Ints]:
    """The blocks that hold any money, and what each holds."""
    held = minor != 0
    found, places = np.unique(blocks[held], return_inverse=True)
    totals = np.zeros(len(found), dtype=np.int64)
    np.add.at(totals, places, minor[held])
    return found, totals


def _drawn(
    blocks: int,
    numbers: npt.NDArray[np.intp],
    values: npt.NDArray[np.float64],
    starts: Ints,
    rounds: int,
    seed: int,
) -> npt.NDArray[np.float64]:
    """One row of sums for each time the blocks are drawn."""
    chance = default_rng(seed)
    found = np.empty((rounds, len(starts)), dtype=np.float64)
    for row in range(rounds):
        times = chance.poisson(1.0, blocks)
        found[row] = np.add.reduceat(times[numbers] * values, starts)
    return found
