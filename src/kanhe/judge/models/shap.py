"""Exact Shapley values of a model's inputs for one row, for a closer look at one case.

The value of an input is its mean contribution over all orders in which inputs could become known,
where what is not known follows the training rows: *path-dependent* TreeSHAP (Lundberg and others,
"From local explanations to global understanding with explainable AI for trees", 2020, algorithm 2),
as in LightGBM's `pred_contrib`. Together with `Forest.expected` the values are the raw score, but for
rounding.

Every leaf is looked at by itself: which inputs the way to it asks about, within which bounds, and
which share of the training rows went that way at their splits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kanhe.judge.models.checks import MAX_DEPTH
from kanhe.judge.models.forest import covers
from kanhe.judge.models.kernel import FURTHEST, NEAR_ZERO, compiled
from kanhe.judge.models.model import Model, Tree

Floats = npt.NDArray[np.float64]


class _Ask(NamedTuple):
    """What the splits on one input ask on the way to a leaf: above `low`, up to `high`; whether a
    missing value comes through; which share of the training rows does."""

    low: float = -math.inf
    high: float = math.inf
    missing: bool = True
    share: float = 1.0


class Shapley:
    """A model laid out for exact contributions. Making one takes longer than asking it."""

    def __init__(self, model: Model) -> None:
        self.inputs = len(model.inputs)
        self._zero = [one.zero_is_missing for one in model.inputs]
        value: list[float] = []
        begin, places = [0], list[int]()
        asks: list[_Ask] = []
        for tree in model.trees:
            for leaf, way in _ways(tree):
                value.append(leaf)
                places += way.keys()
                asks += way.values()
                begin.append(len(places))
        self._table = (
            np.array(value),
            np.array(begin, dtype=np.int64),
            np.array(places, dtype=np.int64),
            np.array([ask.low for ask in asks]),
            np.array([ask.high for ask in asks]),
            np.array([ask.missing for ask in asks], dtype=np.bool_),
            np.array([ask.share for ask in asks]),
        )

    def values(self, rows: Floats) -> Floats:
        """The value of each input (columns) for each row; NaN in `rows` is missing.

        Raises `ValueError` for rows that do not hold the model's inputs.
        """
        if rows.ndim != 2 or rows.shape[1] != self.inputs:
            raise ValueError(
                f"rows of the shape {rows.shape} do not hold {self.inputs} inputs each"
            )
        taken = np.array(rows, dtype=np.float64)
        zero = np.abs(taken) <= NEAR_ZERO
        taken[zero] = 0.0
        taken[zero & np.array(self._zero)] = np.nan
        taken = np.clip(taken, -FURTHEST, FURTHEST)
        found = np.zeros(taken.shape)
        _values(taken, *self._table, found)
        return found


def _ways(tree: Tree) -> list[tuple[float, dict[int, _Ask]]]:
    """The leaves of a tree, each with what is asked of every input on the way to it."""
    seen = covers(tree)
    found = []
    waiting: list[tuple[int, dict[int, _Ask]]] = [(0 if tree.input else -1, {})]
    while waiting:
        node, way = waiting.pop()
        if node < 0:
            found.append((tree.value[-1 - node], way))
            continue
        place, threshold = tree.input[node], tree.threshold[node]
        before = way.get(place, _Ask())
        for child, left in ((tree.left[node], True), (tree.right[node], False)):
            cover = seen[child] if child >= 0 else tree.cover[-1 - child]
            ask = _Ask(
                before.low if left else max(before.low, threshold),
                min(before.high, threshold) if left else before.high,
                before.missing and tree.missing_left[node] == left,
                before.share * cover / seen[node],
            )
            waiting.append((child, {**way, place: ask}))
    return found


@compiled
def _values(rows, value, begin, places, low, high, missing, share, found):
    """Add up what each leaf contributes to each input, row by row."""
    weights = np.empty(MAX_DEPTH + 2)
    passes = np.empty(MAX_DEPTH + 2, dtype=np.bool_)
    for row in range(rows.shape[0]):
        for leaf in range(value.shape[0]):
            start, count = begin[leaf], begin[leaf + 1] - begin[leaf]
            for k in range(count):
                x = rows[row, places[start + k]]
                if x != x:
                    passes[k] = missing[start + k]
                else:
                    passes[k] = low[start + k] < x <= high[start + k]
            # The weights of all subsets of the inputs asked, by their size (EXTEND).
            weights[0] = 1.0
            for k in range(count):
                size = k + 1
                weights[size] = 0.0
                for i in range(size - 1, -1, -1):
                    if passes[k]:
                        weights[i + 1] += weights[i] * (i + 1) / (size + 1)
                    weights[i] = share[start + k] * weights[i] * (size - i) / (size + 1)
            for k in range(count):
                # The same without this one (UNWIND), all sizes together.
                total = 0.0
                part = share[start + k]
                following = weights[count]
                for i in range(count - 1, -1, -1):
                    if passes[k]:
                        taken = following * (count + 1) / (i + 1)
                        total += taken
                        following = weights[i] - taken * part * (count - i) / (count + 1)
                    else:
                        total += weights[i] / part * (count + 1) / (count - i)
                at = places[start + k]
                found[row, at] += total * ((1.0 if passes[k] else 0.0) - part) * value[leaf]
