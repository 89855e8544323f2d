"""The governor by itself: what it remembers, however it is told."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.decision import Decision, Outcome, Signal, Text
from kanhe.core.event import Arrival, Event
from kanhe.core.money import Rates
from kanhe.core.time import MINUTE_MS
from kanhe.judge.intake.registry import builtin
from kanhe.judge.verdict.caps import Caps, GovernorTable, Stop
from kanhe.judge.verdict.decide import VerdictTable, decide
from kanhe.judge.verdict.governor import Governor
from tests.verdict.plain_governor import PlainGovernor

NEEDED: dict[str, dict[str, Any]] = {
    "payment.attempted": {"amount_minor": 100, "currency": "EUR"},
    "review.posted": {"user": "u"},
}
"""Two types, each with the fields that it must have."""


RULES: dict[str, tuple[int, Outcome | None]] = {
    "ask": (0, "challenge"),
    "heavy": (60, None),
    "light": (45, None),
    "mad": (0, "deny"),
}
"""The points of each rule, and the outcome that it asks for by itself."""
TABLE = VerdictTable()
CAPS = GovernorTable(
    window_min=3,
    cool_min=2,
    rule={
        "deny": Caps(share_ppm=200_000, least=3),
        "challenge": Caps(per_minute=4, money_per_hour_minor=2_000),
    },
    overall={"deny": Caps(share_ppm=500_000, least=4), "challenge": Caps(share_ppm=700_000)},
)
"""Caps that a handful of events reach."""


def governor() -> Governor:
    asks = {rule: outcome for rule, (_, outcome) in RULES.items()}
    return Governor(CAPS, TABLE, asks, Rates("EUR", {}), b"key")


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


ARRIVALS = st.builds(
    lambda tenant, fields, received_ms: Arrival(
        tenant, event_of("payment.attempted", **fields), b"", received_ms
    ),
    st.sampled_from(["a", "a", "b"]),
    st.fixed_dictionaries(
        {"amount_minor": st.integers(0, 900)},
        optional={
            kind: st.sampled_from([f"{kind}1", f"{kind}2", f"{kind}3"])
            for kind in ("user", "card", "ip", "session", "order")
        },
    ),
    st.integers(0, 5).map(lambda minute: minute * MINUTE_MS),
)
FIRED = st.sets(st.sampled_from(sorted(RULES)), max_size=3)


@settings(deadline=None)
@given(st.lists(st.tuples(ARRIVALS, FIRED), max_size=60))
def test_whoever_comes_back_after_every_event_goes_on_alike(
    found: list[tuple[Arrival, set[str]]],
) -> None:
    """Counting what was just held gives the same as counting it from the journal, in a process that
    took over a saved state, and that knows nobody but by codes."""
    live = governor()
    for n, (arrival, fired) in enumerate(sorted(found, key=lambda one: one[0].received_ms)):
        again = governor()
        again.load(live.dump())
        signals = [
            Signal(rule, RULES[rule][0], Text("", ""), RULES[rule][1]) for rule in sorted(fired)
        ]
        weighed = decide(signals, TABLE, arrival.event.type, "e", f"d{n}", "")
        held, held_again = (each.hold(arrival, signals, weighed) for each in (live, again))
        assert held == held_again
        journaled = msgspec.json.decode(msgspec.json.encode(held), type=Decision)
        trips, trips_again = live.take_up(arrival, held), again.take_up(arrival, journaled)
        assert list(trips) == list(trips_again)
        assert live.dump() == again.dump()


STEPS_MIN = (0,) * 30 + (1, 1, 1, 2, 5, 58, -1)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32))
def test_the_governor_does_what_a_plain_one_does(seed: int) -> None:
    """Through an hour or two of refusals: the same is held, the same caps trip and let go."""
    draw = random.Random(seed)
    governed, plain = governor(), PlainGovernor(CAPS, TABLE)
    rules, minute = sorted(RULES), 10
    stops: list[Stop] = ["deny", "challenge"]
    for n in range(150):
        minute += draw.choice(STEPS_MIN)
        if draw.random() < 0.04:
            let_go = draw.choice([*rules, ""]), "payment.attempted", draw.choice(stops)
            minutes = draw.choice([0, 0, 2])
            assert governed.release(*let_go, minutes) == plain.release(*let_go, minutes)
        fields = {
            kind: f"{kind}{draw.randrange(most)}"
            for kind, most in (("user", 40), ("card", 40), ("ip", 2), ("session", 40), ("order", 4))
            if draw.random() < 0.6
        }
        event = event_of("payment.attempted", amount_minor=draw.randrange(400), **fields)
        arrival = Arrival(draw.choice("aaab"), event, b"", minute * MINUTE_MS)
        fired = [rule for rule in rules if draw.random() < 0.3]
        signals = [Signal(rule, RULES[rule][0], Text("", ""), RULES[rule][1]) for rule in fired]
        weighed = decide(signals, TABLE, event.type, "e", f"d{n}", "")
        held = governed.hold(arrival, signals, weighed)
        assert held.outcome == (plain.hold(arrival, signals, weighed.outcome) or weighed.outcome)
        trips = governed.take_up(arrival, held)
        assert [trip.key for trip in trips] == plain.take_up(arrival, signals, weighed.outcome)
        latched = [(h.tenant, h.event_type, h.rule, h.outcome) for h in governed.in_effect()]
        assert latched == sorted(plain.latched)
