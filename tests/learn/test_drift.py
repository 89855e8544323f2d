"""Drift: no false claims, planted changes dated, and nothing claimed of too few."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.time import DAY_MS
from kanhe.learn.drift.baseline import (
    MOST_ROWS,
    Baseline,
    BaselineError,
    BaselineMaker,
    Sampling,
    read_baseline,
    write_baseline,
)
from kanhe.learn.drift.calibration import calibration
from kanhe.learn.drift.findings import Finding, findings
from kanhe.learn.drift.measure import (
    by_chance,
    chi_square,
    counted,
    edges_of,
    stability_index,
)
from kanhe.learn.drift.watch import KEPT_DAYS, Watch

PAID = "payment.attempted"
Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]


def lognormal(dice: np.random.Generator, n: int) -> Floats:
    """Amounts."""
    return np.exp(dice.normal(3.0, 1.0, n))


def counts(dice: np.random.Generator, n: int) -> Floats:
    """Counts, mostly small."""
    return dice.poisson(0.7, n).astype(float)


def mostly_missing(dice: np.random.Generator, n: int) -> Floats:
    """A number that one event in fifty has."""
    values = dice.normal(0.0, 1.0, n)
    values[dice.random(n) > 0.02] = np.nan
    return values


def constant(dice: np.random.Generator, n: int) -> Floats:
    """Always the same."""
    return np.full(n, 7.0)


def missing(dice: np.random.Generator, n: int) -> Floats:
    """Never known."""
    return np.full(n, np.nan)


def baseline_of(draw: Draw, seed: int = 1, n: int = 20_000) -> Baseline:
    """A baseline of one number."""
    maker = BaselineMaker("sha256:x", ["f"], [PAID])
    values = draw(np.random.default_rng(seed), n)
    maker.take(PAID, np.zeros(n, dtype=np.int64), values.reshape(-1, 1), ["allow"] * n)
    return maker.baseline()


def watched(baseline: Baseline, days: dict[int, Floats]) -> Finding:
    """How the number of a baseline stands after these days."""
    watch = Watch(baseline, ["f"])
    for day, values in days.items():
        at_ms = np.full(len(values), day * DAY_MS, dtype=np.int64)
        watch.take(PAID, at_ms, values.reshape(-1, 1), ["allow"] * len(values))
    return next(f for f in findings(watch) if f.name == "f")


DRAWS: list[Draw] = [lognormal, counts, mostly_missing, constant, missing]


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("per_day", [60, 700, 5_000])
def test_the_same_distribution_has_not_drifted(draw: Draw, per_day: int) -> None:
    """Forty days of the same, over and over: no claim is ever made."""
    for seed in range(8):
        dice = np.random.default_rng(1000 + seed)
        days = {day: draw(dice, per_day) for day in range(40)}
        found = watched(baseline_of(draw, seed), days)
        assert found.state == "stable", found
        assert found.since_day is None


@pytest.mark.parametrize(
    ("draw", "changed"),
    [
        (lognormal, lambda dice, n: 1.6 * lognormal(dice, n)),
        (counts, lambda dice, n: counts(dice, n) + (dice.random(n) < 0.3)),
        (lognormal, lambda dice, n: np.where(dice.random(n) < 0.12, np.nan, lognormal(dice, n))),
        (
            mostly_missing,
            lambda dice, n: np.where(dice.random(n) < 0.2, 0.0, mostly_missing(dice, n)),
        ),
        (constant, lambda dice, n: constant(dice, n) + (dice.random(n) < 0.2)),
        (constant, lambda dice, n: constant(dice, n) - (dice.random(n) < 0.2)),
        (missing, lambda dice, n: np.where(dice.random(n) < 0.2, 1.0, np.nan)),
    ],
)
@pytest.mark.parametrize("per_day", [600, 4_000])
def test_a_planted_change_is_dated_to_the_day(draw: Draw, changed: Draw, per_day: int) -> None:
    """From day 23 on everything is different; it is found, and dated to within a day."""
    for seed in range(4):
        dice = np.random.default_rng(2000 + seed)
        days = {day: (changed if day >= 23 else draw)(dice, per_day) for day in range(30)}
        found = watched(baseline_of(draw, seed), days)
        assert found.state in ("moderate", "large"), found
        assert found.since_day is not None
        assert abs(found.since_day - 23) <= 1, found
        assert found.value is not None and found.value >= 0.1
        assert found.then is not None and found.now is not None and found.then != found.now


def test_what_is_over_is_no_drift_any_more() -> None:
    """Ten strange days, then five as ever."""
    dice = np.random.default_rng(3)
    days = {d: (3.0 if 10 <= d < 20 else 1.0) * lognormal(dice, 2_000) for d in range(25)}
    assert watched(baseline_of(lognormal), days).state == "stable"
    assert (
        watched(baseline_of(lognormal), {d: v for d, v in days.items() if d < 20}).since_day == 10
    )


@pytest.mark.parametrize(("then", "now"), [(20_000, 499), (499, 20_000), (10, 10)])
def test_few_events_tell_nothing(then: int, now: int) -> None:
    """However far apart they are, no claim is made of fewer than 500 events on either side."""
    found = watched(
        baseline_of(lognormal, n=then), {1: 100 * lognormal(np.random.default_rng(4), now)}
    )
    assert (found.state, found.value) == ("not_enough", None)


def test_a_large_index_of_few_events_is_chance() -> None:
    """With many bins and 500 events an index of nearly 0.1 says nothing."""
    then, now = np.full(11, 1000), np.full(11, 50)
    assert by_chance(then, now) > 0.09
    assert by_chance(then * 100, now * 100) < 0.002


def _rules(fired_then: int, fired_now: int, n: int = 10_000) -> Finding:
    maker = BaselineMaker("sha256:x", ["f"], [PAID])
    maker.take_rules(0, Counter(r=n), Counter(r=fired_then))
    watch = Watch(maker.baseline(), ["f"])
    for day in range(5):
        watch.take_rules(day, Counter(r=n // 5, new=3), Counter(r=fired_now // 5, new=3))
    (found,) = findings(watch)
    return found


def test_rules_are_held_to_how_often_they_fired() -> None:
    """Three times as often is large, also for a rule that fires once in a hundred events."""
    found = _rules(100, 300)
    assert (found.state, found.where, found.since_day) == ("large", "fired", 0)
    assert found.value == pytest.approx(3, rel=0.02)
    assert (found.then, found.now) == (0.01, 0.03)
    assert _rules(100, 105).state == "stable"
    assert _rules(300, 100).state == "large"
    assert _rules(3, 5).state == "not_enough"
    assert _rules(0, 200).state == "large"


def test_outcomes_are_held_to_their_shares() -> None:
    """If suddenly every fifth payment is denied, that is said, with the outcome."""
    maker = BaselineMaker("sha256:x", ["f"], [PAID])
    nothing = np.zeros((1000, 1))
    maker.take(PAID, np.zeros(1000, dtype=np.int64), nothing, ["allow"] * 990 + ["deny"] * 10)
    watch = Watch(maker.baseline(), ["f"])
    for day in range(3):
        outcomes = ["allow"] * 700 + ["review"] * 100 + ["deny"] * 200
        watch.take(PAID, np.full(1000, day * DAY_MS), nothing, outcomes)
    found = findings(watch)[0]
    assert (found.kind, found.state, found.where) == ("outcome", "large", "allow")


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60))
@settings(max_examples=200)
def test_every_value_falls_into_one_bin(values: list[float]) -> None:
    """Edges rise strictly, and nothing is lost: not infinities, not what is missing."""
    some = np.array(values, dtype=np.float64)
    edges = edges_of(some)
    assert all(a < b for a, b in pairwise(edges))
    found = counted(some, edges)
    assert len(found) == len(edges) + 2
    assert found.sum() == len(values)
    assert found[-1] == np.isnan(some).sum()


def test_frequent_values_have_bins_of_their_own() -> None:
    """Less and more than what nearly all have can be told from it."""
    edges = edges_of(np.array([0.0] * 800 + [1.0] * 200))
    found = counted(np.array([-1.0, 0.0, 0.5, 1.0, 2.0, np.nan]), edges)
    assert found.tolist() == [1, 1, 1, 1, 1, 1]


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_the_index_is_symmetric_and_never_negative(then: list[int], dice: object) -> None:
    """It is 0 for equal shares, and the same both ways."""
    one = np.array(then)
    other = np.array(then[::-1])
    assert stability_index(one, one) == pytest.approx(0, abs=1e-12)
    assert stability_index(one, other) >= 0
    assert stability_index(one, other) == pytest.approx(stability_index(other, one))


def test_the_index_by_hand() -> None:
    """Shares of 0.5 and 0.5 then, 0.25 and 0.75 now: 0.25 ln 2 + 0.25 ln 1.5."""
    found = stability_index(np.array([500_000, 500_000]), np.array([250_000, 750_000]))
    assert found == pytest.approx(0.25 * math.log(2) + 0.25 * math.log(1.5), rel=1e-4)


@pytest.mark.parametrize(("freedom", "chance", "exact"), [(1, 0.05, 3.841), (9, 0.01, 21.666),
                                                          (10, 1e-6, 46.86)])  # fmt: skip
def test_chi_square_is_close(freedom: int, chance: float, exact: float) -> None:
    """The approximation lies within a few hundredths of the tables."""
    assert chi_square(freedom, chance) == pytest.approx(exact, rel=0.03)


def test_samples_are_thinned_evenly() -> None:
    """Of a million rows about fifty thousand are kept, from all over the window, in order."""
    sample = Sampling(1)
    for begin in range(0, 1_000_000, 7_001):
        sample.take(np.arange(begin, min(begin + 7_001, 1_000_000), dtype=float).reshape(-1, 1))
    kept = sample.kept()[:, 0]
    assert sample.rows == 1_000_000
    assert MOST_ROWS / 2 <= len(kept) <= MOST_ROWS
    assert len(set(np.diff(kept).tolist())) == 1
    assert kept[-1] > 999_900


def test_old_days_are_forgotten() -> None:
    """A watch that runs for years holds the counts of its newest days."""
    watch = Watch(baseline_of(constant), ["f"])
    for day in range(400):
        watch.take(PAID, np.array([day * DAY_MS]), np.array([[7.0]]), [""])
    assert len(watch.days(0)) == KEPT_DAYS
    assert watch.days(0)[-1][0] == 399


def test_a_baseline_comes_back_whole() -> None:
    """What is written is read, and nothing else is."""
    made = baseline_of(lognormal, n=1000)
    raw = write_baseline(made)
    assert read_baseline(raw) == made
    for wrong in (b"", b"{}", raw[:-20], raw.replace(b'"edges":[', b'"edges":[1e9,'),
                  raw.replace(b"kanhe-baseline/1", b"kanhe-baseline/9"), b"\xff" * 9):  # fmt: skip
        with pytest.raises(BaselineError, match="make it anew"):
            read_baseline(wrong)
    with pytest.raises(BaselineError, match="see --baseline-from"):
        BaselineMaker("x", ["f"], [PAID]).baseline()


def test_calibration_tells_scores_that_lie() -> None:
    """Frauds that come as often as said are fine; twice as often are not; few say nothing."""
    dice = np.random.default_rng(5)
    scores = dice.beta(0.5, 20, 20_000)
    honest = (dice.random(20_000) < scores).astype(np.int64)
    found = calibration(scores, honest)
    assert found.state == "calibrated"
    assert found.error is not None and found.error < 0.01
    assert sum(b.events for b in found.bins) == 20_000
    doubled = (dice.random(20_000) < np.minimum(1, 2.2 * scores)).astype(np.int64)
    found = calibration(scores, doubled)
    assert found.state == "large"
    assert found.ratio is not None and found.ratio > 2
    assert calibration(scores[:400], honest[:400]).state == "not_enough"
    assert calibration(np.full(1000, np.nan), honest[:1000]).events == 0
    assert calibration(np.zeros(1000), np.zeros(1000, dtype=np.int64)).state == "not_enough"
