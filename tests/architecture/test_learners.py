"""Whoever judges does not wait for what only learning needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

_LEARNERS = ("lightgbm", "sklearn", "scipy.stats")


@pytest.mark.parametrize(
    "module",
    ["kanhe.app.installation", "kanhe.flow", "kanhe.replay", "kanhe.learn.dataset",
     "kanhe.learn.labels", "kanhe.serve.api.application", "kanhe.serve.cli.commands"],
)  # fmt: skip
def test_judging_loads_no_learning_library(module: str) -> None:
    """Scoring a model needs numba alone; LightGBM and scikit-learn come with the commands that train."""
    code = f"import sys, {module}; print([m for m in {_LEARNERS} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
