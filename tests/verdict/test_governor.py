"""The governor by itself: what it remembers, however it is told."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kanhe.core.event import Arrival, Event
from kanhe.core.money import Rates
from kanhe.core.time import MINUTE_MS
from kanhe.judge.intake.registry import builtin
from kanhe.judge.verdict.caps import GovernorTable
from kanhe.judge.verdict.decide import VerdictTable
from kanhe.judge.verdict.governor import Governor

NEEDED = {
    "payment.attempted": {"amount_minor": 100, "currency": "EUR"},
    "review.posted": {"user": "u"},
}
"""Two types, each with the fields that it must have."""


def governor() -> Governor:
    return Governor(GovernorTable(), VerdictTable(), {}, Rates("EUR", {}), b"key")


def event_of(event_type: str, **fields: Any) -> Event:
    made = NEEDED[event_type] | {"id": "e", "at_ms": 0} | fields
    return builtin().struct(event_type)(**made)


QUIET = st.tuples(
    st.sampled_from(["a", "b"]),
    st.sampled_from(sorted(NEEDED)),
    st.integers(0, 70).map(lambda minute: minute * MINUTE_MS),
    st.integers(1, 5),
)


@given(st.lists(QUIET, max_size=20))
def test_decisions_that_refused_nobody_are_counted_together_as_one_by_one(
    found: list[tuple[str, str, int, int]],
) -> None:
    """Passing many by in one call leaves the same state as taking up each decision by itself."""
    together, single = governor(), governor()
    for tenant, event_type, received_ms, count in found:
        together.pass_by(tenant, event_type, received_ms, count)
        for _ in range(count):
            single.take_up(Arrival(tenant, event_of(event_type), b"", received_ms), None)
    assert together.dump() == single.dump()
