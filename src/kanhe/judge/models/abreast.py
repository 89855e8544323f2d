"""Scoring many rows abreast: every split of every tree, for 32 rows at once, without a branch.

Walking sends one row from split to split, and each step waits for the one before. Here all splits
of a tree are asked, one after the other, by 32 rows in step; none waits, and the processor compares
eight rows with one instruction. A row keeps a bit for each leaf that it may still reach: where it
goes right, it loses those below on the left. The lowest bit that is left in the end is its leaf
(QuickScorer: Lucchese and others, 2015; with vectors of rows: Lucchese and others, 2016).

The values compared and the order of adding up are those of `kernel`, and so are the bits of every
score. A word has 64 bits, so that a tree may have as many leaves; models with larger ones are walked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kanhe.judge.machine.memory import doubles_at, words_at
from kanhe.judge.models.kernel import (
    P_INPUTS,
    P_SCALARS,
    P_ZERO,
    compiled,
    linked_score,
    write_row,
)
from kanhe.judge.models.lanes import LANES, NODE_BYTES, add_leaves
from kanhe.judge.models.model import Tree

LEAST = 12
"""Fewer rows than this are faster walked: 32 take as long as one."""

MOST_LEAVES = 64
"""How many leaves a tree may have to be scored so."""

_EVERY = (1 << MOST_LEAVES) - 1
_NODE = np.dtype([("threshold", "f8"), ("column", "i8"), ("keep", "u8")])
assert _NODE.itemsize == NODE_BYTES

# Where the parts lie, by their place among the words of a plan.
A_NODES, A_SPLITS, A_VALUES, A_LEAVES, A_COLUMNS, A_SUMS, A_TREES = 0, 1, 2, 3, 4, 5, 6


class Abreast(NamedTuple):
    """All trees in the order of the model, laid out for rows abreast."""

    nodes: npt.NDArray[np.void]
    """The splits, tree by tree: a row above `threshold` keeps of its leaves those in `keep`; `column`
    is the byte at which the values of 32 rows begin among all columns."""
    splits: npt.NDArray[np.int64]
    """How many splits each tree has."""
    values: npt.NDArray[np.float64]
    """What the leaves add, tree by tree from left to right."""
    leaves: npt.NDArray[np.int64]
    """How many leaves each tree has."""
    columns: npt.NDArray[np.float64]
    """Room for the values of 32 rows, input by input: first with missing values as minus infinity,
    then again with missing values as plus infinity."""
    sums: npt.NDArray[np.float64]
    """Room for the raw scores of 32 rows."""

    def plan(self) -> npt.NDArray[np.int64]:
        """What the kernel is told; good as long as the tables live."""
        at = [table.ctypes.data for table in self]
        return np.array([*at, len(self.splits)], dtype=np.int64)


def abreast_of(trees: Sequence[Tree], inputs: int) -> Abreast | None:
    """Lay all trees out; `None` if one of them has more leaves than a word has bits."""
    if any(len(tree.value) > MOST_LEAVES for tree in trees):
        return None
    nodes: list[tuple[float, int, int]] = []
    values: list[float] = []
    for tree in trees:
        below, leaves = _leaves(tree)
        values += [tree.value[leaf] for leaf in leaves]
        for n, (threshold, column) in enumerate(zip(tree.threshold, tree.input, strict=True)):
            shift = 0 if tree.missing_left[n] else inputs
            keep = _EVERY & ~below[tree.left[n]]
            nodes.append((threshold, 8 * LANES * (column + shift), keep))
    return Abreast(
        nodes=np.array(nodes, dtype=_NODE),
        splits=np.array([len(tree.input) for tree in trees], dtype=np.int64),
        values=np.array(values, dtype=np.float64),
        leaves=np.array([len(tree.value) for tree in trees], dtype=np.int64),
        columns=np.zeros(2 * inputs * LANES, dtype=np.float64),
        sums=np.zeros(LANES, dtype=np.float64),
    )


def _leaves(tree: Tree) -> tuple[dict[int, int], list[int]]:
    """A bit for each leaf below each split or leaf, and the leaves from left to right."""
    leaves: list[int] = []
    waiting = [0 if tree.input else -1]
    while waiting:
        node = waiting.pop()
        if node < 0:
            leaves.append(-1 - node)
        else:
            waiting += (tree.right[node], tree.left[node])
    below = {-1 - leaf: 1 << bit for bit, leaf in enumerate(leaves)}
    for node in range(len(tree.input) - 1, -1, -1):
        below[node] = below[tree.left[node]] | below[tree.right[node]]
    return below, leaves


@compiled
def score_abreast(plan_at, abreast_at, rows_at, count, width, columns_at, linked, out_at):
    """As `kernel.score_rows`, 32 rows at a time, as long as that pays; returns how many were scored."""
    plan, abreast = words_at(plan_at), words_at(abreast_at)
    rows, columns, out = doubles_at(rows_at), words_at(columns_at), doubles_at(out_at)
    zero_is_missing = words_at(plan[P_ZERO])
    room, sums = doubles_at(abreast[A_COLUMNS]), doubles_at(abreast[A_SUMS])
    splits, leaves = words_at(abreast[A_SPLITS]), words_at(abreast[A_LEAVES])
    begin = 0
    while count - begin >= LEAST:
        several = min(count - begin, LANES)
        for lane in range(several):
            row = (begin + lane) * width
            write_row(room, lane, LANES, rows, row, columns, plan[P_INPUTS], zero_is_missing)
        for lane in range(LANES):
            sums[lane] = doubles_at(plan[P_SCALARS])[0]
        node_at, value_at = abreast[A_NODES], abreast[A_VALUES]
        for tree in range(abreast[A_TREES]):
            add_leaves(node_at, splits[tree], abreast[A_COLUMNS], value_at, abreast[A_SUMS])
            node_at += NODE_BYTES * splits[tree]
            value_at += 8 * leaves[tree]
        for lane in range(several):
            out[begin + lane] = linked_score(plan, sums[lane]) if linked else sums[lane]
        begin += several
    return begin
