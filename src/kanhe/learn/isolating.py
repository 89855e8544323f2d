"""An isolation forest where there are no labels: what lies apart from everything else is singular.

scikit-learn grows the trees (Liu, Ting and Zhou, "Isolation Forest", 2008); each becomes one of
Kanhe's, whose leaves hold their share of the path length, so that `2 ** raw` is the score of the
paper, and the kernel that scores boosted trees scores these too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.ensemble import IsolationForest

from kanhe.judge.models.model import Tree
from kanhe.judge.models.trees import LEAF, Node, threshold_for_rounded, tree_of
from kanhe.learn.rows import Floats

TREES = 200
ROWS_PER_TREE = 256
"""The subsample of the paper: more rows per tree hide what is singular."""


def isolate(inputs: Floats, seed: int, trees: int = TREES) -> tuple[Tree, ...]:
    """The trees of an isolation forest over these rows (NaN: missing); the base of their model is 0."""
    rows = min(ROWS_PER_TREE, len(inputs))
    forest = IsolationForest(n_estimators=trees, max_samples=rows, random_state=seed)
    # Numbers beyond 32 bits would become infinite, which scikit-learn refuses.
    edge = float(np.finfo(np.float32).max)
    forest.fit(np.clip(inputs, -edge, edge))
    usual = _average_path(rows)
    return tuple(
        _tree(one.tree_, places, trees * usual)
        for one, places in zip(forest.estimators_, forest.estimators_features_, strict=True)
    )


def _tree(grown: Any, places: Any, whole: float) -> Tree:
    """One tree of scikit-learn's; a leaf holds minus its depth and what its rows would go deeper."""
    nodes: list[Node] = []
    depths = {0: 0}
    for n in range(grown.node_count):
        left, right = int(grown.children_left[n]), int(grown.children_right[n])
        rows = int(grown.n_node_samples[n])
        if left < 0:
            path = depths[n] + _average_path(rows)
            nodes.append(Node(LEAF, value=-path / whole, cover=float(rows)))
            continue
        depths[left] = depths[right] = depths[n] + 1
        nodes.append(
            Node(
                int(places[grown.feature[n]]),
                threshold_for_rounded(float(grown.threshold[n])),
                bool(grown.missing_go_to_left[n]),
                left,
                right,
            )
        )
    return tree_of(nodes)


def _average_path(rows: int) -> float:
    """How deep a search that finds nothing goes in a binary tree over so many rows: c(n)."""
    if rows <= 1:
        return 0.0
    if rows == 2:
        return 1.0
    return 2.0 * (math.log(rows - 1.0) + np.euler_gamma) - 2.0 * (rows - 1.0) / rows
