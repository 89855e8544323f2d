"""Fitting what turns raw scores into probabilities, on rows the trees have not seen."""

from __future__ import annotations

from typing import Literal

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from kanhe.judge.models.model import Isotonic, Platt
from kanhe.learn.rows import Floats, Ints, LearningError

Way = Literal["platt", "isotonic"]
_MOST_POINTS = 1_000
_ONLY_JUST = 1e-6


def calibrate(raw: Floats, label: Ints, way: Way) -> Platt | Isotonic:
    """The calibration under which scores are nearest to what came.

    `platt` fits two numbers and keeps the order of all scores; `isotonic` follows any rising shape,
    wants some thousand rows with some hundred positives, and makes neighbouring scores equal. Raises
    `LearningError` if the raw scores say nothing, or the contrary.
    """
    return _platt(raw, label) if way == "platt" else _isotonic(raw, label)


def _platt(raw: Floats, label: Ints) -> Platt:
    """Logistic regression on one number (Platt, 1999), hardly regularised."""
    fitted = LogisticRegression(C=1e6, solver="lbfgs", max_iter=1_000).fit(raw[:, None], label)
    a, b = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if not a > _ONLY_JUST:
        raise LearningError(
            "what was learned from the earlier rows does not hold for the later ones (scores rise"
            " where fraud falls); widen the time that is learned from, or look at the labels"
        )
    return Platt(a=a, b=b)


def _isotonic(raw: Floats, label: Ints) -> Isotonic:
    """Isotonic regression (Zadrozny and Elkan, 2002), as the points of its straight lines."""
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(raw, label)
    x, y = np.asarray(fitted.X_thresholds_, float), np.asarray(fitted.y_thresholds_, float)
    if len(x) > _MOST_POINTS:
        keep = np.unique(np.linspace(0, len(x) - 1, _MOST_POINTS).round().astype(int))
        x, y = x[keep], y[keep]
    return Isotonic(raw=tuple(x.tolist()), score=tuple(y.tolist()))
