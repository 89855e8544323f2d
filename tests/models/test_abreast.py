"""Rows abreast: the bits of a walk, whatever the trees, the values and the number of rows."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kanhe.judge.models.abreast import LEAST, MOST_LEAVES, abreast_of
from kanhe.judge.models.forest import BLOCK, Forest
from kanhe.judge.models.lanes import LANES
from kanhe.judge.models.model import Input, Model, Tree
from kanhe.judge.models.trees import LEAF, Node, tree_of
from tests.models.samples import VALUES, boosted, model_of, models, table, walked


def _alone(forest: Forest, rows: np.ndarray) -> list[float]:
    """The raw scores of rows one by one, which are walked."""
    return [float(forest.raw(rows[n : n + 1])[0]) for n in range(len(rows))]


@given(
    models(),
    st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=LEAST, max_size=3 * LANES),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
@settings(max_examples=100, deadline=None)
def test_many_rows_have_the_bits_of_rows_that_are_walked(
    model: Model, rows: list[list[float]], zeros: list[bool]
) -> None:
    """Ties, zeros that are missing, missing and endless values, in any number of rows."""
    inputs = tuple(Input(name=f"x{n}", zero_is_missing=zero) for n, zero in enumerate(zeros))
    forest, also = Forest(model), Forest(replace(model, inputs=inputs))
    given_rows = np.array(rows)
    assert forest.raw(given_rows).tolist() == [
        sum((walked(tree, row) for tree in model.trees), start=model.base) for row in rows
    ]
    assert also.raw(given_rows).tolist() == _alone(also, given_rows)


def _comb(leaves: int, *, rightward: bool) -> Tree:
    """A tree of so many leaves that is as deep as it can be."""
    nodes = []
    for n in range(leaves - 1):
        leaf, onward = 2 * n + 1, 2 * n + 2
        left, right = (leaf, onward) if rightward else (onward, leaf)
        nodes += [Node(n % 2, n / 7, n % 3 == 0, left, right), Node(LEAF, value=n + 0.5)]
    return tree_of([*nodes, Node(LEAF, value=-0.25)])


def test_trees_of_any_shape_fit_into_a_word_or_are_walked() -> None:
    """As many leaves as a word has bits, and one more; all on one side, and on the other."""
    rows = np.random.default_rng(3).uniform(-1, 11, (LANES + LEAST, 2))
    rows[::5, 0] = math.nan
    for leaves in (2, MOST_LEAVES - 1, MOST_LEAVES, MOST_LEAVES + 1):
        for rightward in (False, True):
            tree = _comb(leaves, rightward=rightward)
            assert (abreast_of([tree], 2) is None) == (leaves > MOST_LEAVES)
            forest = Forest(model_of(tree, tree))
            assert forest.raw(rows).tolist() == [2 * walked(tree, row) for row in rows.tolist()]


def test_groups_of_any_size_have_the_same_scores() -> None:
    """Whole sets of rows, a few left over, enough left over for one more set; raw or linked."""
    forest, rows = Forest(boosted()[1]), table(BLOCK + LANES, 8)
    raw = _alone(forest, rows)
    for count in (LEAST - 1, LEAST, LANES, LANES + 1, LANES + LEAST, BLOCK, BLOCK + LANES):
        assert forest.raw(rows[:count]).tolist() == raw[:count]
        assert forest.scores(rows[:count]).tolist() == forest.linked(np.array(raw[:count])).tolist()
