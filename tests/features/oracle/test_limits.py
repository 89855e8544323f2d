"""The far ends of the number range, which random histories never reach."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from . import product
from .declarations import declared
from .generate import START_MS

PAID = "payment.attempted"
FEATURES = [
    declared("n", "count", PAID, "card", over="1h"),
    declared("s", "sum", PAID, "card", over="1h", field="amount_base"),
    declared("m", "mean", PAID, "card", over="1h", field="amount_base"),
    declared("d", "std", PAID, "card", over="1h", field="amount_base"),
    declared("least", "min", PAID, "card", over="1h", field="amount_base"),
    declared("most", "max", PAID, "card", over="1h", field="amount_base"),
]
HUGE = 854_700_854_700
"""In GBP, at the rate of the tests, just below the 10¹³ minor units that are still aggregated."""
SUM_MAX = 2**62


def _payments(amounts: list[int], at_ms: list[int]) -> pa.Table:
    rows = len(amounts)
    return pa.table(
        {
            "seq": range(1, rows + 1),
            "tenant": ["shop"] * rows,
            "type": [PAID] * rows,
            "at_ms": at_ms,
            "card": ["c"] * rows,
            "amount_minor": amounts,
            "currency": ["GBP"] * rows,
        }
    )


def _base(amount: int) -> int:
    return (2 * amount * 117 + 10) // 20


def test_sums_beyond_their_range_are_missing_and_come_back() -> None:
    """From 2⁶² on, sum, mean and std are missing; up to there std is exact; an hour later all is well."""
    live = product.live_features(FEATURES)
    arrivals = [
        one
        for some in product.arrivals(_payments([HUGE, HUGE - 9], [START_MS] * 2))
        for one in some
    ]
    one, other = _base(HUGE), _base(HUGE - 9)
    fits = SUM_MAX // (one + other)
    pairs = fits + 100
    vectors = live.observe_many(arrivals * pairs)
    n, s = 2 * fits, fits * (one + other)
    q = fits * (one * one + other * other)
    numerator = n * q - s * s
    wide = float(numerator >> 64) * 2.0**64 + float(numerator & (2**64 - 1))
    assert vectors[n - 1].tolist() == [
        n, float(s), float(s) / n, math.sqrt(wide / (float(n) * float(n - 1))), other, one,
    ]  # fmt: skip
    assert np.isnan(vectors[n + 1 :, 1:4]).all()
    assert not np.isnan(vectors[:, [0, 4, 5]]).any()
    later = product.arrivals(_payments([5], [START_MS + 2 * 3_600_000]))
    got = next(live.observe(arrival) for some in later for arrival in some)
    assert got[:3] == (1.0, float(_base(5)), float(_base(5)))


@pytest.mark.parametrize("field", ["delay_days", "items_count"])
def test_zero_is_a_value_like_any_other(field: str) -> None:
    """A zero counts as one value among the distinct ones."""
    kind = {"delay_days": "parcel.delivered", "items_count": PAID}[field]
    features = [declared("values", "distinct", kind, "user", over="1h", field=field)]
    live = product.live_features(features)
    rows = {
        "seq": [1, 2, 3], "tenant": ["shop"] * 3, "type": [kind] * 3, "at_ms": [START_MS] * 3,
        "user": ["u"] * 3, "parcel": ["p"] * 3, "amount_minor": [1] * 3, "currency": ["EUR"] * 3,
        field: [0, 0, 1],
    }  # fmt: skip
    assert product.observed(live, pa.table(rows))[:, 0].tolist() == [1, 1, 2]
