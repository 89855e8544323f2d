"""Exact Shapley values: as LightGBM has them, and as their definition says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.judge.models.forest import Forest, covers
from kanhe.judge.models.model import Model, Tree
from kanhe.judge.models.shap import Shapley
from tests.models.samples import VALUES, boosted, models, table


@pytest.mark.parametrize(
    "settings", [{}, {"missing": 0.0}, {"zero_as_missing": True}, {"num_leaves": 120}], ids=str
)
def test_the_values_are_those_of_lightgbm(settings: dict[str, Any]) -> None:
    """Missing values, zeros and deep trees included, to nine digits."""
    booster, model = boosted(**settings)
    rows = table(150, 8, seed=3)
    theirs = booster.predict(rows, pred_contrib=True)
    np.testing.assert_allclose(Shapley(model).values(rows), theirs[:, :-1], atol=1e-9)
    np.testing.assert_allclose(Forest(model).expected, theirs[0, -1], atol=1e-9)


def _known(tree: Tree, row: Sequence[float], known: frozenset[int]) -> float:
    """What a tree expects of a row of which only these inputs are known."""
    seen = covers(tree)

    def expect(node: int) -> float:
        if node < 0:
            return tree.value[-1 - node]
        ways = []
        for child, left in ((tree.left[node], True), (tree.right[node], False)):
            cover = seen[child] if child >= 0 else tree.cover[-1 - child]
            x = row[tree.input[node]]
            goes = tree.missing_left[node] if math.isnan(x) else x <= tree.threshold[node]
            share = float(goes == left) if tree.input[node] in known else cover / seen[node]
            ways.append(share * expect(child))
        return sum(ways)

    return expect(0 if tree.input else -1)


@given(models(), st.lists(VALUES, min_size=3, max_size=3))
@settings(max_examples=40, deadline=None)
def test_the_values_are_what_their_definition_says(model: Model, row: list[float]) -> None:
    """The mean over all orders of what an input changes, computed the long way."""
    row = [0.0 if abs(x) < 1e-35 else min(max(x, -1e300), 1e300) for x in row]
    found = Shapley(model).values(np.array([row]))[0]
    for place in range(3):
        others = [n for n in range(3) if n != place]
        expected = 0.0
        for size in range(3):
            for known in combinations(others, size):
                weight = math.factorial(size) * math.factorial(2 - size) / math.factorial(3)
                with_it = frozenset({*known, place})
                for tree in model.trees:
                    change = _known(tree, row, with_it) - _known(tree, row, frozenset(known))
                    expected += weight * change
        assert found[place] == pytest.approx(expected, abs=1e-9)
    total = Forest(model).expected + found.sum()
    assert total == pytest.approx(Forest(model).raw(np.array([row]))[0], abs=1e-9)


def test_rows_of_another_shape_are_refused() -> None:
    """What does not hold the inputs is refused."""
    with pytest.raises(ValueError, match="do not hold"):
        Shapley(boosted()[1]).values(np.zeros((1, 3)))
