"""Measures mean what the field means by them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.time import DAY_MS
from kanhe.learn import measures

_CASES = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 5), st.integers(0, 2)), min_size=4, max_size=40
).filter(lambda rows: {label for label, _, _ in rows} == {0, 1})


def _arrays(rows: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    label, score, day = (np.array(column) for column in zip(*rows, strict=True))
    return label.astype(np.int64), score / 5.0, day.astype(np.int64) * DAY_MS


@given(_CASES)
@settings(deadline=None)
def test_the_area_under_the_curve_is_the_chance_that_fraud_scores_higher(
    rows: list[tuple[int, int, int]],
) -> None:
    """ROC AUC is the share of pairs in which the positive scores higher; ties count half."""
    label, score, at_ms = _arrays(rows)
    pairs = list(itertools.product(score[label == 1], score[label == 0]))
    expected = sum((a > b) + 0.5 * (a == b) for a, b in pairs) / len(pairs)
    assert measures.measured(label, score, at_ms, 3).roc_auc == pytest.approx(expected)


@given(_CASES, st.integers(1, 5))
@settings(deadline=None)
def test_nobody_gets_more_alerts_than_were_asked_for(
    rows: list[tuple[int, int, int]], budget: int
) -> None:
    """Each day has its own alerts, the day's highest scores; recall counts what is among them."""
    label, score, at_ms = _arrays(rows)
    found = measures.alerted(score, at_ms, budget)
    for day in np.unique(at_ms):
        of_day = at_ms == day
        assert found[of_day].sum() == min(budget, of_day.sum())
        if 0 < found[of_day].sum() < of_day.sum():
            assert score[of_day & found].min() >= score[of_day & ~found].max()
    told = measures.measured(label, score, at_ms, budget)
    assert told.recall_at_budget == pytest.approx(label[found].sum() / label.sum())


def test_a_score_that_says_what_comes_is_calibrated() -> None:
    """The error is 0 where a tenth of the rows scored 0.1 are positive, and large where all are."""
    label = np.tile(np.array([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 200)
    at_ms = np.zeros(len(label), dtype=np.int64)
    good = measures.measured(label, np.full(len(label), 0.1), at_ms, 5)
    bad = measures.measured(label, np.full(len(label), 0.9), at_ms, 5)
    assert good.calibration_error == pytest.approx(0.0, abs=1e-12)
    assert bad.calibration_error == pytest.approx(0.8)
    assert good.brier < bad.brier


def test_a_group_is_held_to_the_same_threshold() -> None:
    """False positives are a share of the honest, recall a share of the positives."""
    label, score = np.array([0, 0, 0, 1, 1]), np.array([0.1, 0.6, 0.2, 0.9, 0.3])
    told = measures.fairness(label, score, 0.5)
    assert (told.flagged, told.false_positive_rate, told.recall, told.came) == (
        0.4, pytest.approx(1 / 3), 0.5, 0.4,
    )  # fmt: skip
    assert np.isnan(measures.fairness(label[:3], score[:3], 0.5).recall)
