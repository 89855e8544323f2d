"""Growing boosted trees with LightGBM, so that the same rows and seed give the same trees."""

from __future__ import annotations

from typing import Any

import lightgbm
import msgspec

from kanhe.judge.models.trees import Grown, trees_of_lightgbm
from kanhe.learn.rows import Floats, Ints


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """How trees are grown. The defaults are for few positives among many rows: small, slow trees.

    Small leaves would learn single cases by heart where there are some hundred positives only; see
    `docs/adr/0012-small-trees-and-a-later-week.md`.
    """

    learning_rate: float = 0.02
    leaves: int = 8
    most_trees: int = 600
    patience: int = 100
    """How many trees may bring no gain on the later rows before growing ends."""
    least_rows: int = 50
    """No leaf holds fewer rows."""
    input_share: float = 0.5
    """Which share of the inputs each tree may look at."""
    row_share: float = 0.8
    """Which share of the rows each tree learns from."""
    smoothing: float = 10.0
    """L2 regularisation of what a leaf says."""
    positive_weight: float = 1.0
    """How much a positive row weighs against a negative one; 0: the root of their ratio."""
    seed: int = 1
    threads: int = 1


class Sample(msgspec.Struct, frozen=True):
    """Inputs and labels to learn from, or to stop by."""

    inputs: Floats
    label: Ints


def weight_of(growth: Growth, label: Ints) -> float:
    """How much a positive row weighs: as told, or the square root of negatives per positive.

    By default none weighs more: measured, weights cost order among the most suspicious, which is what
    a queue is filled by. Calibration takes a weight out of the score again.
    """
    if growth.positive_weight:
        return growth.positive_weight
    positives = int(label.sum())
    return float(max(1.0, (len(label) - positives) / positives) ** 0.5)


def grow(names: tuple[str, ...], sample: Sample, growth: Growth, trees: int) -> Any:
    """A booster of exactly so many trees."""
    return lightgbm.train(
        _parameters(growth, weight_of(growth, sample.label)),
        _dataset(names, sample),
        num_boost_round=trees,
    )


def grow_until(names: tuple[str, ...], sample: Sample, later: Sample, growth: Growth) -> Any:
    """A booster that stopped growing when the later rows were told apart no better.

    Its `best_iteration` says how many trees are worth having.
    """
    parameters = _parameters(growth, weight_of(growth, sample.label))
    earlier = _dataset(names, sample)
    stop = lightgbm.early_stopping(growth.patience, verbose=False)
    return lightgbm.train(
        parameters,
        earlier,
        num_boost_round=growth.most_trees,
        valid_sets=[earlier.create_valid(later.inputs, later.label)],
        callbacks=[stop],
    )


def grown(booster: Any, trees: int) -> Grown:
    """The first so many trees of a booster as Kanhe's own."""
    return trees_of_lightgbm(booster.dump_model(num_iteration=trees))


def raw_scores(booster: Any, inputs: Floats, trees: int) -> Floats:
    """The raw score of each row by the first so many trees."""
    scores: Floats = booster.predict(inputs, raw_score=True, num_iteration=trees, num_threads=1)
    return scores


def _dataset(names: tuple[str, ...], sample: Sample) -> Any:
    return lightgbm.Dataset(
        sample.inputs,
        sample.label,
        feature_name=list(names),
        categorical_feature=[],
        params={"verbose": -1},
        free_raw_data=False,
    )


def _parameters(growth: Growth, weight: float) -> dict[str, Any]:
    return {
        "objective": "binary",
        "metric": "average_precision",
        "first_metric_only": True,
        "learning_rate": growth.learning_rate,
        "num_leaves": growth.leaves,
        "min_data_in_leaf": growth.least_rows,
        "feature_fraction": growth.input_share,
        "bagging_fraction": growth.row_share,
        "bagging_freq": 1,
        "lambda_l2": growth.smoothing,
        "scale_pos_weight": weight,
        "seed": growth.seed,
        "num_threads": growth.threads,
        # The same trees whatever the number of threads.
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
