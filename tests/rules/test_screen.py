"""Passing rules over changes nothing but the time they take."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.decision import Signal
from kanhe.judge.rules import compile as compile_module
from kanhe.judge.rules.compile import RuleSet
from kanhe.judge.rules.screen import intervals_of
from tests.rules.samples import INDEX, compiled, event, read, rule, vector

PARTS = (
    "card_declines_10m >= 3", "card_declines_10m > 3", "3 <= card_declines_10m", "card_users_24h < 2",
    "2 > card_users_24h", "card_users_24h == 2", "card_users_24h != 2", "1 < user_mean_30d <= 7.5",
    "1 < card_declines_10m < card_users_24h", "user_mean_30d == 0.5", "known(user_mean_30d)",
    "missing(card_users_24h)", "amount_minor > 500", 'currency == "EUR"', 'card in ("a", "b")',
    "amount_base / card_declines_10m > 3", "card in stolen_cards", "card_declines_10m // 0.5 > 2",
    'user_country == "DE"', "not card_users_24h > 1", "(card_declines_10m > 2 or is_vpn)",
    "-card_users_24h < -1", "card_declines_10m % card_users_24h == 0", "is_vpn",
)  # fmt: skip
VALUES = (math.nan, 0.0, 1.0, 2.0, 3.0, 3.5, 7.0, -1.0, 1e15, 0.5, -0.0)

conjunctions = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map(" and ".join)
vectors = st.tuples(*[st.sampled_from(VALUES)] * len(INDEX))
events = st.builds(
    lambda **fields: event(currency="EUR", **fields),
    amount_minor=st.sampled_from([5, 900]),
    card=st.sampled_from([None, "a", "stolen"]),
    is_vpn=st.sampled_from([None, True, False]),
)


def stolen(list_name: str, value: str) -> bool:
    """One list with one entry, and an entry that cannot be looked up."""
    if value == "b":
        raise OSError("unreadable")
    return value == "stolen"


def unscreened(text: str) -> RuleSet:
    """The rules of a text, every one of them asked for every event."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compile_module, "intervals_of", lambda node, places: None)
        return compiled(text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(conjunctions, min_size=1, max_size=6),
    st.lists(st.tuples(events, vectors), min_size=1, max_size=5),
)
def test_signals_are_the_same_with_and_without_the_screen(
    conditions: list[str], cases: list[tuple[Any, tuple[float, ...]]]
) -> None:
    """Whatever the conditions and the values, failures included, each event gets the same signals."""
    text = "".join(rule(when, name=f"r{n}") for n, when in enumerate(conditions))
    plain, rules = unscreened(text), compiled(text)
    screened = rules.screen([each for each, _ in cases], np.array([v for _, v in cases]))
    for place, (each, values) in enumerate(cases):
        found: list[Signal] = rules.signals(each, screened, place, stolen)
        assert found == plain.evaluate(each, values, stolen)


@pytest.mark.parametrize(
    ("when", "interval"),
    [
        ("card_declines_10m >= 5", (5.0, math.inf)),
        ("card_declines_10m > 5", (math.nextafter(5.0, 6.0), math.inf)),
        ("5 > card_declines_10m", (-math.inf, math.nextafter(5.0, 4.0))),
        ("card_declines_10m >= 5 and card_declines_10m <= 9", (5.0, 9.0)),
        ("is_vpn and card_declines_10m >= 5", (5.0, math.inf)),
        ("card_declines_10m != 5", (-math.inf, math.inf)),
        ("2 <= card_declines_10m < 4", (2.0, math.nextafter(4.0, 3.0))),
    ],
)
def test_leading_comparisons_become_an_interval(when: str, interval: tuple[float, float]) -> None:
    """What a condition asks of a feature first is read off its text."""
    (spec,) = read(rule(when))
    assert intervals_of(spec.condition.node, INDEX) == {INDEX["card_declines_10m"]: interval}


@pytest.mark.parametrize(
    "when",
    [
        "amount_base / amount_minor > 1 and card_declines_10m >= 5",
        "card in stolen_cards and card_declines_10m >= 5",
        "card_declines_10m >= 5 or is_vpn",
        "not card_declines_10m >= 5",
        "is_vpn",
        'user_country == "DE"',
    ],
)
def test_what_may_fail_first_or_is_no_conjunction_is_always_asked(when: str) -> None:
    """A rule that could fail before its comparison is reached is never passed over."""
    (spec,) = read(rule(when))
    assert intervals_of(spec.condition.node, INDEX) is None


def test_only_rules_that_may_fire_are_left() -> None:
    """The screen names, event by event, the rules whose first comparisons hold."""
    text = rule("card_declines_10m > 1", name="a") + rule("card_users_24h > 1", name="b")
    rules = compiled(text)
    rows = np.array([vector(), vector(card_declines_10m=2), vector(card_users_24h=2)])
    screened = rules.screen([event(), event(), event("account.login")], rows)
    assert [screened.left(place) for place in range(3)] == [[], [0], []]
    assert screened.asks == [False, True, False]
