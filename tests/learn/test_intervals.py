"""How sure a figure is."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.learn.intervals import share_of, sums_of


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(10, 20, 0.299298, 0.700702), (1, 10, 0.017876, 0.404150), (0, 10, 0.0, 0.277533),
     (10, 10, 0.722467, 1.0)],
)  # fmt: skip
def test_shares_have_the_interval_of_wilson(count: int, of: int, low: float, high: float) -> None:
    """The interval of a share is the one that textbooks give."""
    share = share_of(count, of)
    assert share.low == pytest.approx(low, abs=2e-6)
    assert share.high == pytest.approx(high, abs=2e-6)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_share_lies_within_its_interval(one: int, other: int) -> None:
    """The interval holds the share, and lies within 0 and 1."""
    share = share_of(one, one + other)
    if share.of == 0:
        assert (share.value, share.low, share.high) == (None, None, None)
    else:
        assert share.value is not None and share.low is not None and share.high is not None
        assert 0 <= share.low <= share.value <= share.high <= 1
        # The bounds are the shares from which this one lies just so many standard errors away.
        for bound in {share.low, share.high} - {0.0, 1.0}:
            error = sqrt(bound * (1 - bound) / share.of)
            assert abs(share.value - bound) == pytest.approx(1.959964 * error, rel=1e-5, abs=1e-9)


def test_sums_are_exact_and_their_intervals_fit_the_blocks() -> None:
    """A sum is exact; its interval is as wide as drawing whole blocks makes it."""
    blocks = np.repeat(np.arange(400), 5)
    minor = np.random.default_rng(3).integers(1_000, 9_000, 2_000)
    (found,) = sums_of([(blocks, minor)])
    by_block = np.bincount(blocks, minor)
    spread = 1.96 * sqrt(float((by_block**2).sum()))
    assert found.minor == int(minor.sum())
    assert found.blocks == 400
    assert found.low is not None and found.high is not None
    assert (found.high - found.low) / 2 == pytest.approx(spread, rel=0.1)
    # Drawn one by one, the same money would look surer than it is.
    (loose,) = sums_of([(np.arange(2_000), minor)])
    assert loose.low is not None and loose.low > found.low


def test_sums_without_money_have_no_interval() -> None:
    """Where there is no money there is nothing to draw, be it alone or beside other sums."""
    nothing = np.array([], dtype=np.int64)
    some = np.array([1, 2]), np.array([10**17, -5])
    empty, zeros, found = sums_of([(nothing, nothing), (np.array([4]), np.array([0])), some])
    assert (empty.minor, empty.low, empty.high, empty.blocks) == (0, None, None, 0)
    assert (zeros.minor, zeros.low, zeros.high, zeros.blocks) == (0, None, None, 0)
    assert found.minor == 10**17 - 5


def test_the_same_seed_gives_the_same_interval() -> None:
    """Chance comes from the seed alone."""
    data = [(np.arange(50), np.arange(50) + 1)]
    assert sums_of(data, seed=4) == sums_of(data, seed=4)
    assert sums_of(data, seed=4) != sums_of(data, seed=5)
