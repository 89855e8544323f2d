"""Passing rules over changes nothing but the time they take."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.countries import COUNTRIES
from kanhe.core.decision import Signal
from kanhe.core.event import Arrival
from kanhe.judge.intake.group import group_of
from kanhe.judge.rules import compile as compile_module
from kanhe.judge.rules.compile import RuleSet
from kanhe.judge.rules.guards import FEATURE, FIELD, UNLIKE, Check, Guard, Numbers, guards_of
from tests.intake.cells_of import group_with_cells
from tests.rules.samples import INDEX, REGISTRY, compiled, event, read, rule, text_code, vector

PARTS = (
    "card_declines_10m >= 3", "card_declines_10m > 3", "3 <= card_declines_10m", "card_users_24h < 2",
    "2 > card_users_24h", "card_users_24h == 2", "card_users_24h != 2", "1 < user_mean_30d <= 7.5",
    "1 < card_declines_10m < card_users_24h", "user_mean_30d == 0.5", "known(user_mean_30d)",
    "missing(card_users_24h)", "amount_minor > 500", 'currency == "EUR"', 'card in ("a", "b")',
    "amount_base / card_declines_10m > 3", "card in stolen_cards", "card_declines_10m // 0.5 > 2",
    'user_country == "DE"', "not card_users_24h > 1", "(card_declines_10m > 2 or is_vpn)",
    "-card_users_24h < -1", "card_declines_10m % card_users_24h == 0", "is_vpn",
    "amount_minor in (5, 7)", "amount_minor not in (5, 6)", "5 <= amount_minor < 900",
    "amount_minor != 5 != card_users_24h", 'ip_country == "DE"', 'ip_country != "XX"',
    'ip_country not in ("DE", "FR")', "ip_country == card_country", "ip_country != card_country",
    "ip_country == currency", 'avs_result in ("match", "no_match")', 'avs_result != "match"',
    "known(avs_result)", "known(card)", "missing(ip_country)", "not is_vpn", "amount_base > 100",
    'user_country in ("DE", "FR")', 'user_country != "DE"', "user_country == ip_country",
    "card_declines_10m in (3, 7)", "card_declines_10m not in (3, 7)", "lat > 0.5", "lat == 52.5000001",
    "(card_declines_10m > 2 or card_users_24h > 2)", "shipping_minor == amount_minor",
    "(card_users_24h > 2 and amount_base // items_count > 1 or avs_result == \"match\")",
    "(is_vpn or 1 // items_count > 0)", "items_count % amount_minor == 0",
    "(is_vpn and card_declines_10m > 2 or ip_country == \"DE\" and not is_vpn)",
)  # fmt: skip
VALUES = (math.nan, 0.0, 1.0, 2.0, 3.0, 3.5, 7.0, -1.0, 1e15, 0.5, -0.0)

conjunctions = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map(" and ".join)
vectors = st.tuples(*[st.sampled_from(VALUES)] * len(INDEX))
events = st.builds(
    lambda **fields: event(currency="EUR", **fields),
    amount_minor=st.sampled_from([0, 5, 7, 900]),
    card=st.sampled_from([None, "a", "stolen", "\n"]),
    is_vpn=st.sampled_from([None, True, False]),
    ip_country=st.sampled_from([None, "DE", "FR", "AD"]),
    card_country=st.sampled_from([None, "DE", "FR"]),
    avs_result=st.sampled_from([None, "match", "no_match"]),
    items_count=st.sampled_from([None, 0, 1, 2]),
    shipping_minor=st.sampled_from([None, 0, 5]),
    lat=st.sampled_from([None, 0.0, 52.50000012]),
)


def stolen(list_name: str, value: str) -> bool:
    """One list with one entry, and an entry that cannot be looked up."""
    if value == "b":
        raise OSError("unreadable")
    return value == "stolen"


def unscreened(text: str) -> RuleSet:
    """The rules of a text, every one of them asked for every event."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compile_module, "guards_of", lambda node, numbers: [])
        return compiled(text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(conjunctions, min_size=1, max_size=6),
    st.lists(st.tuples(events, vectors), min_size=1, max_size=5),
    st.booleans(),
)
def test_signals_are_the_same_with_and_without_the_screen(
    conditions: list[str], cases: list[tuple[Any, tuple[float, ...]]], with_cells: bool
) -> None:
    """Whatever the conditions and the values, failures included, each event gets the same signals,
    with cells of the events or without."""
    text = "".join(rule(when, name=f"r{n}") for n, when in enumerate(conditions))
    plain, rules = unscreened(text), compiled(text)
    seen = [Arrival("shop", each, b"", 0) for each, _ in cases]
    group = group_with_cells(REGISTRY, seen) if with_cells else group_of(seen)
    values = np.array([v for _, v in cases])
    screened = rules.screen(group.events, values, group.cells, group.rows)
    for place, (each, row) in enumerate(cases):
        found: list[Signal] = rules.signals(each, screened, place, stolen)
        assert found == plain.evaluate(each, row, stolen)


INFINITE = math.inf
A_CARD, A_USER = INDEX["card_declines_10m"], INDEX["card_users_24h"]
FIELDS = REGISTRY.fields_of("payment.attempted")
SLOTS = {name: slot for slot, name in enumerate(FIELDS)}
BELOW_4, BELOW_5, ABOVE_5 = (
    math.nextafter(n, to) for n, to in ((4.0, 0.0), (5.0, 0.0), (5.0, 9.0))
)
DE, FR = (float(sorted(COUNTRIES).index(code)) for code in ("DE", "FR"))


def feature(at: int, low: float, high: float) -> Check:
    return Check(FEATURE, at, low, high)


def field(name: str, low: float, high: float) -> Check:
    return Check(FIELD, SLOTS[name], low, high)


def guards(when: str) -> list[Guard]:
    """The guards of a condition on a payment."""
    (spec,) = read(rule(when))
    return guards_of(spec.condition.node, Numbers(INDEX, FIELDS, text_code))


@pytest.mark.parametrize(
    ("when", "demanded"),
    [
        ("card_declines_10m >= 5", [(feature(A_CARD, 5.0, INFINITE),)]),
        ("card_declines_10m > 5", [(feature(A_CARD, ABOVE_5, INFINITE),)]),
        ("5 > card_declines_10m", [(feature(A_CARD, -INFINITE, BELOW_5),)]),
        ("card_declines_10m >= 5 and card_declines_10m <= 9", [(feature(A_CARD, 5.0, 9.0),)]),
        ("2 <= card_declines_10m < 4", [(feature(A_CARD, 2.0, BELOW_4),)]),
        (
            "card_declines_10m != 5",
            [(feature(A_CARD, -INFINITE, BELOW_5), feature(A_CARD, ABOVE_5, INFINITE))],
        ),
        (
            "is_vpn and card_declines_10m >= 5",
            [(feature(A_CARD, 5.0, INFINITE),), (field("is_vpn", 1.0, 1.0),)],
        ),
        (
            "card_declines_10m >= 5 or card_users_24h == 2",
            [(feature(A_CARD, 5.0, INFINITE), feature(A_USER, 2.0, 2.0))],
        ),
        (
            'ip_country in ("DE", "FR")',
            [(field("ip_country", DE, DE), field("ip_country", FR, FR))],
        ),
        (
            "ip_country != card_country",
            [(Check(UNLIKE, SLOTS["ip_country"], other=SLOTS["card_country"]),)],
        ),
        ("known(card)", [(field("card", -INFINITE, INFINITE),)]),
        ("card_declines_10m >= 5 and amount_base / amount_minor > 1 and is_vpn",
         [(feature(A_CARD, 5.0, INFINITE),)]),
        ("(card_declines_10m >= 5 and 1 // items_count > 0) and is_vpn",
         [(feature(A_CARD, 5.0, INFINITE),)]),
    ],
)  # fmt: skip
def test_what_a_condition_demands_is_read_off_its_text(when: str, demanded: list[Guard]) -> None:
    """Each demand is some tests of which one must hold; those that look at one feature come first."""
    assert guards(when) == demanded


@pytest.mark.parametrize(
    "when",
    [
        "amount_base / amount_minor > 1 and card_declines_10m >= 5",
        "card in stolen_cards and card_declines_10m >= 5",
        "not card_declines_10m >= 5",
        "card_declines_10m >= 5 or amount_base > 3",
        'card == "a"',
        "lat > 0.5",
        "amount_base > 3",
        "user_country == ip_country",
        "ip_country == currency",
    ],
)
def test_what_may_fail_first_or_is_no_single_number_demands_nothing(when: str) -> None:
    """A rule that could fail before its comparison is reached is never passed over; and texts, degrees
    and converted amounts are not told by one number."""
    assert guards(when) == []


def test_only_rules_that_may_fire_are_left() -> None:
    """The screen names, event by event, the rules whose first comparisons hold."""
    text = rule("card_declines_10m > 1", name="a") + rule("card_users_24h > 1", name="b")
    rules = compiled(text)
    rows = np.array([vector(), vector(card_declines_10m=2), vector(card_users_24h=2)])
    screened = rules.screen([event(), event(), event("account.login")], rows)
    assert [screened.left(place) for place in range(3)] == [[], [0], []]
    assert screened.asks == [False, True, False]


def test_rules_on_fields_are_passed_over_where_there_are_cells() -> None:
    """The rules that are asked together are asked if one of them may fire; without cells, always."""
    rules = compiled(rule("is_vpn", name="a") + rule("amount_minor > 500 and is_tor", name="b"))
    cases = ({"is_vpn": True}, {"is_vpn": False}, {"amount_minor": 501, "is_tor": True})
    seen = [Arrival("shop", event(**fields), b"", 0) for fields in cases]
    values = np.array([vector()] * 3)
    group = group_with_cells(REGISTRY, seen)
    assert rules.screen(group.events, values, group.cells, group.rows).asks == [True, False, True]
    assert rules.screen(group.events, values).asks == [True] * 3
