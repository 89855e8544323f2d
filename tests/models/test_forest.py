"""Scores: the same as a plain walk, as LightGBM and as scikit-learn, alone and among others."""

from __future__ import annotations

import math
from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from kanhe.judge.models import kernel
from kanhe.judge.models.forest import Forest
from kanhe.judge.models.model import Isotonic, Model, Platt
from kanhe.judge.models.trees import (
    LEAF,
    ForeignModelError,
    Node,
    threshold_for_rounded,
    tree_of,
    trees_of_lightgbm,
)
from tests.models.samples import VALUES, boosted, model_of, models, table, truth, walked

ROWS = st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=20)


@given(models(), ROWS)
@settings(max_examples=100, deadline=None)
def test_the_kernel_walks_as_one_would_by_hand(model: Model, rows: list[list[float]]) -> None:
    """Ties, zeros, missing and endless values reach the leaf that a plain walk reaches."""
    expected = []
    for row in rows:
        total = model.base
        for tree in model.trees:
            total += walked(tree, row)
        expected.append(total)
    forest, given_rows = Forest(model), np.array(rows)
    assert forest.raw(given_rows).tolist() == expected
    raw, parts = forest.explain(given_rows)
    assert raw.tolist() == expected
    np.testing.assert_allclose(forest.expected + parts.sum(axis=1), raw, atol=1e-9)


@given(models(), ROWS, st.randoms())
@settings(max_examples=50, deadline=None)
def test_a_row_has_the_same_bits_alone_and_among_others(
    model: Model, rows: list[list[float]], chance: Any
) -> None:
    """Score and contributions do not hang on the neighbours or on where the inputs stand."""
    forest, given_rows = Forest(model), np.array(rows)
    together = forest.scores(given_rows)
    alone = [float(forest.scores(given_rows[n : n + 1])[0]) for n in range(len(rows))]
    columns = [0, 1, 2]
    chance.shuffle(columns)
    wide = np.full((len(rows), 5), math.nan)
    wide[:, columns] = given_rows
    assert together.tolist() == alone == forest.scores(wide, forest.columns(columns, 5)).tolist()
    parts = forest.explain(given_rows)[1]
    for n in range(len(rows)):
        assert parts[n].tobytes() == forest.explain(given_rows[n : n + 1])[1][0].tobytes()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"missing": 0.0},
        {"zero_as_missing": True},
        {"use_missing": False},
        {"num_leaves": 4, "max_depth": 2},
        {"bagging_fraction": 0.5, "bagging_freq": 1, "boost_from_average": False},
    ],
    ids=str,
)
def test_raw_scores_have_the_bits_of_lightgbm(settings: dict[str, Any]) -> None:
    """However missing values were treated in training, the raw score is LightGBM's own, to the bit."""
    booster, model = boosted(**settings)
    rows = table(3_000, 8, seed=2)
    rows[:200] = np.where(np.isnan(rows[:200]), 0.0, rows[:200])
    rows[200:260] *= 1e-36
    # Values that stand just at thresholds.
    places = [place for tree in model.trees for place in tree.input]
    thresholds = [threshold for tree in model.trees for threshold in tree.threshold]
    for n, (place, threshold) in enumerate(zip(places[:500], thresholds, strict=False)):
        rows[300 + n, place] = threshold
    forest = Forest(model)
    assert forest.raw(rows).tolist() == booster.predict(rows, raw_score=True).tolist()
    np.testing.assert_allclose(forest.scores(rows), booster.predict(rows), rtol=0, atol=1e-15)


def test_zero_counts_as_missing_where_the_training_took_it_so() -> None:
    """`zero_as_missing` reaches the model."""
    _, model = boosted(zero_as_missing=True)
    assert all(one.zero_is_missing for one in model.inputs)


def _foreign(forest: IsolationForest) -> Model:
    """An isolation forest of scikit-learn's as a model."""
    unit = len(forest.estimators_) * _average_path(forest.max_samples_)
    made = []
    for estimator in forest.estimators_:
        tree = estimator.tree_
        depth = {0: 0}
        nodes = []
        for n in range(tree.node_count):
            if tree.children_left[n] == LEAF:
                length = depth[n] + _average_path(tree.n_node_samples[n])
                nodes.append(Node(LEAF, value=-length / unit, cover=float(tree.n_node_samples[n])))
                continue
            left, right = int(tree.children_left[n]), int(tree.children_right[n])
            depth[left] = depth[right] = depth[n] + 1
            threshold = threshold_for_rounded(float(tree.threshold[n]))
            nodes.append(Node(int(tree.feature[n]), threshold, True, left, right))
        made.append(tree_of(nodes))
    return model_of(*made, inputs=forest.n_features_in_, kind="isolation", objective="isolation")


def _average_path(count: float) -> float:
    if count <= 1:
        return 0.0
    return (
        1.0 if count == 2 else 2 * (math.log(count - 1) + np.euler_gamma) - 2 * (count - 1) / count
    )


def test_an_isolation_forest_scores_as_scikit_learn_does() -> None:
    """Path lengths as values of leaves, averaged and normalised, give the same anomaly score."""
    rows = np.nan_to_num(table(3_000, 6, missing=0.0), posinf=9.0, neginf=-9.0)
    theirs = IsolationForest(n_estimators=50, max_samples=128, random_state=1).fit(rows)
    ours = Forest(_foreign(theirs))
    np.testing.assert_allclose(ours.scores(rows), -theirs.score_samples(rows), atol=1e-12)


@given(st.floats(-1e30, 1e30), st.floats(-1e30, 1e30), st.booleans())
def test_rounded_thresholds_part_as_32_bits_do(threshold: float, x: float, near: bool) -> None:
    """Comparing 64 bits with the moved threshold is comparing 32 bits with the given one."""
    moved = threshold_for_rounded(threshold)
    for value in (x, threshold, moved, math.nextafter(moved, math.inf)) if near else (x,):
        assert (value <= moved) == bool(np.float64(np.float32(value)) <= threshold)


def test_scores_come_from_raw_scores_as_the_calibration_says() -> None:
    """The logistic curve, Platt's, straight lines between points, and a power of two."""
    rows = np.array([[1.0, 0.0], [4.0, 0.0], [math.nan, 0.0]])

    def scored(**more: Any) -> list[float]:
        return Forest(model_of(**more)).scores(rows).tolist()

    assert scored() == pytest.approx([1 / (1 + math.e), 1 / (1 + math.exp(-2)), 1 / (1 + math.e)])
    platt = 1 / (1 + math.exp(-(0.5 * 2 - 3)))
    assert scored(calibration=Platt(a=0.5, b=-3.0))[1] == pytest.approx(platt, abs=1e-15)
    lines = Isotonic(raw=(-2.0, 0.0, 3.0), score=(0.0, 0.3, 0.9))
    assert scored(calibration=lines) == pytest.approx([0.15, 0.7, 0.15])
    level = Isotonic(raw=(-0.5, 0.5), score=(0.2, 0.4))
    assert scored(calibration=level) == [0.2, 0.4, 0.2]
    assert scored(kind="isolation")[0] == 0.5


@given(st.floats(-700, 700))
def test_the_kernels_exp_is_that_of_the_library(x: float) -> None:
    """Within one unit in the last place of the system's own, over the whole range."""
    assert kernel.exp(x) == pytest.approx(math.exp(x), rel=2.3e-16)


@given(st.floats(-1e300, 1e300))
def test_scores_stay_between_0_and_1(raw: float) -> None:
    """Whatever the raw score, the score is a number from 0 to 1."""
    for kind in ("boosted", "isolation"):
        assert 0.0 <= Forest(model_of(kind=kind)).linked(np.array([raw]))[0] <= 1.0


def test_rows_of_another_shape_are_refused() -> None:
    """The kernel is not sent where there is nothing to read."""
    forest = Forest(model_of())
    for rows, columns in (
        (np.zeros((2, 3)), None),
        (np.zeros(2), None),
        (np.zeros((2, 3)), forest.columns([0, 3], 4)),
    ):
        with pytest.raises(ValueError, match="do not hold"):
            forest.scores(rows, columns)
    assert forest.scores(np.zeros((0, 2))).shape == (0,)
    for places in ([0], [-1, 0], [0, 1, 2]):
        with pytest.raises(ValueError, match="are not those of 2 inputs"):
            forest.columns(places, 2)
    for row in (np.zeros(3), np.zeros(2, dtype=np.float32), np.zeros((1, 2))):
        with pytest.raises(ValueError, match="different structures"):
            forest.weighed(row.data)
    turned = np.zeros((2, 4), dtype=np.float32)[:, ::2]
    assert forest.scores(turned).tolist() == forest.scores(np.zeros((2, 2))).tolist()


def test_batches_of_any_size_are_scored() -> None:
    """More rows than the kernel takes at once have the same scores and contributions."""
    forest, rows = Forest(boosted()[1]), table(1_000, 8)
    raw, parts = forest.explain(rows)
    assert raw.tolist() == forest.raw(rows).tolist()
    assert parts[-1].tobytes() == forest.explain(rows[-1:])[1][0].tobytes()
    assert forest.scores(rows)[999] == forest.scores(rows[999:])[0]


def test_a_model_of_one_leaf_says_the_same_of_everyone() -> None:
    """A booster that found nothing to split on is a model too."""
    rows = table(100, 2)
    booster = lightgbm.train(
        {"objective": "binary", "verbose": -1, "min_data_in_leaf": 90},
        lightgbm.Dataset(np.clip(rows, -9, 9), [0, 1] * 50), 3,
    )  # fmt: skip
    grown = trees_of_lightgbm(booster.dump_model())
    forest = Forest(model_of(*grown.trees))
    assert forest.raw(rows).tolist() == booster.predict(rows, raw_score=True).tolist()


def _dump(**settings: Any) -> dict[str, Any]:
    rows = np.abs(np.clip(np.nan_to_num(table(500, 4)), -9, 9)).astype(int).astype(float)
    labels = truth(rows) if "num_class" not in settings else np.arange(500) % 3
    told = {"objective": "binary", "verbose": -1, "num_threads": 1} | settings
    categories = told.pop("categories", "auto")
    data = lightgbm.Dataset(rows, labels, categorical_feature=categories)
    found: dict[str, Any] = lightgbm.train(told, data, 4).dump_model()
    return found


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"categories": [0]}, "split by category"),
        ({"objective": "multiclass", "num_class": 3}, "several classes"),
        ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "random forest"),
        ({"linear_tree": True}, "linear trees"),
    ],
)
def test_what_trees_of_numbers_cannot_say_is_refused(settings: dict[str, Any], said: str) -> None:
    """Categories, classes, averages and linear leaves are refused with what to do."""
    with pytest.raises(ForeignModelError, match=said):
        trees_of_lightgbm(_dump(**settings))


def test_nodes_that_are_no_tree_are_refused() -> None:
    """A child that is not there, and one that is reached twice."""
    for left, right in ((1, 9), (1, 1), (0, 1)):
        with pytest.raises(ForeignModelError, match="no tree"):
            tree_of([Node(0, 1.0, False, left, right), Node(LEAF)])


def test_inputs_of_which_nothing_is_known_can_be_scored() -> None:
    """A row with every value missing has a score, and contributions that add up."""
    _, model = boosted()
    raw, parts = Forest(model).explain(np.full((1, 8), math.nan))
    assert raw[0] == pytest.approx(Forest(model).expected + parts.sum(), abs=1e-9)
