"""Models for tests: small ones by hand, random ones, and a plain walk over a tree to compare with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import lightgbm
import numpy as np
from hypothesis import strategies as st

from kanhe.judge.models.model import Input, Model, Tree
from kanhe.judge.models.trees import LEAF, Node, tree_of, trees_of_lightgbm

STUMP = tree_of(
    [
        Node(0, threshold=3.0, missing_left=True, left=1, right=2),
        Node(LEAF, value=-1.0, cover=90),
        Node(LEAF, value=2.0, cover=10),
    ]
)
"""Up to 3, or missing: -1; above: 2."""


def model_of(*trees: Tree, inputs: int = 2, **more: Any) -> Model:
    """A model of these trees."""
    named = tuple(Input(name=f"x{n}") for n in range(inputs))
    said = {"name": "risk", "kind": "boosted", "objective": "binary", "inputs": named} | more
    return Model(trees=trees or (STUMP,), **said)


def walked(tree: Tree, row: Sequence[float]) -> float:
    """The leaf that a row reaches, found the plain way."""
    node = 0 if tree.input else -1
    while node >= 0:
        value = row[tree.input[node]]
        if -float(np.float32(1e-35)) <= value <= float(np.float32(1e-35)):
            value = 0.0
        value = min(max(value, -1e300), 1e300)
        left = tree.missing_left[node] if math.isnan(value) else value <= tree.threshold[node]
        node = tree.left[node] if left else tree.right[node]
    return tree.value[-1 - node]


NUMBERS = st.sampled_from([-2.0, -1.0, -0.0, 0.0, 1e-36, 0.5, 1.0, 1.5, 2.0, 1e9])
"""Few enough that values often meet thresholds."""
VALUES = st.one_of(NUMBERS, st.sampled_from([math.nan, math.inf, -math.inf]))


@st.composite
def trees(draw: st.DrawFn, inputs: int, depth: int = 4) -> Tree:
    """Any tree up to a depth."""
    nodes: list[Node] = []

    def grow(left_depth: int) -> int:
        place = len(nodes)
        if left_depth == 0 or draw(st.integers(0, 3)) == 0:
            nodes.append(Node(LEAF, value=draw(st.floats(-4, 4)), cover=draw(st.integers(1, 100))))
            return place
        nodes.append(Node(0))
        left, right = grow(left_depth - 1), grow(left_depth - 1)
        at = draw(st.integers(0, inputs - 1))
        nodes[place] = Node(at, draw(NUMBERS), draw(st.booleans()), left, right)
        return place

    grow(depth)
    return tree_of(nodes)


@st.composite
def models(draw: st.DrawFn, inputs: int = 3) -> Model:
    """Any model of up to twelve trees."""
    several = draw(st.lists(trees(inputs), min_size=1, max_size=12))
    return model_of(*several, inputs=inputs, base=draw(st.floats(-2, 2)))


def table(rows: int, columns: int, seed: int = 1, missing: float = 0.1) -> np.ndarray:
    """Counts, amounts and shares, with values missing and some without end."""
    chance = np.random.default_rng(seed)
    made = chance.normal(size=(rows, columns))
    made[:, ::3] = chance.poisson(2.0, (rows, len(range(0, columns, 3))))
    made[:, 1::3] = np.round(made[:, 1::3], 1)
    made[chance.random(made.shape) < missing] = np.nan
    made[chance.random(made.shape) < 0.01] = np.inf
    made[chance.random(made.shape) < 0.01] = -np.inf
    return made


def truth(rows: np.ndarray) -> np.ndarray:
    """A label that hangs on the first columns, missing values too."""
    known = np.nan_to_num(rows, nan=-1.0, posinf=5.0, neginf=-5.0)
    return (known[:, 0] + known[:, 1] * known[:, 2] > 2.5).astype(int)


@cache
def boosted(trees: int = 40, columns: int = 8, **settings: Any) -> tuple[Any, Model]:
    """A LightGBM booster, and the same as a model."""
    rows = table(4_000, columns, missing=settings.pop("missing", 0.1))
    asked = {"objective": "binary", "verbose": -1, "num_threads": 1, "seed": 7} | settings
    finite = np.clip(rows, -1e6, 1e6)
    booster = lightgbm.train(asked, lightgbm.Dataset(finite, truth(rows)), trees)
    grown = trees_of_lightgbm(booster.dump_model())
    inputs = tuple(
        Input(name=f"x{n}", zero_is_missing=zero) for n, zero in enumerate(grown.zero_is_missing)
    )
    return booster, Model(
        name="risk", kind="boosted", objective="binary", inputs=inputs, trees=grown.trees
    )
