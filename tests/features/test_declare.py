"""Declarations: what is accepted, and errors that show where and what to do."""

from __future__ import annotations

import pytest

from kanhe.judge.features.spec import FUNCTIONS
from kanhe.judge.language.source import PolicyErrors
from tests.features.shop import arrival, declared, live, watch

GOOD = {
    "count": 'f = count("payment.declined", by="card", over="10m")',
    "sum": 'f = sum("payment.attempted", "amount_base", by="card", over="24h")',
    "mean": 'f = mean("payment.attempted", "amount_minor", by="card", over="24h")',
    "std": 'f = std("payment.attempted", "amount_minor", by="card", over="90d", delay="90d")',
    "min": 'f = min("payment.attempted", "amount_minor", by="card", over="24h")',
    "max": 'f = max("payment.attempted", "amount_minor", by="card", over="24h")',
    "distinct": 'f = distinct("payment.attempted", "card", by="user", over="1h", most=5)',
    "share": 'f = share("payment.attempted", of=amount_base < 200, by="card", over="1h")',
    "label_rate": 'f = label_rate("payment.attempted", by="card", over="30d", delay="7d")',
    "last": 'f = last("account.login", "ip_country", by="user", over="90d")',
    "since_last": 'f = since_last(["account.login", "session.started"], by="user")',
    "first_seen": 'f = first_seen("account.login", by=("user", "device"))',
    "age": 'f = age("account.login", by="user", where=ip_country != "DE")',
    "speed": 'f = speed("account.login", by="user")',
}

BAD = {
    'f = count("payment.decline", by="card", over="10m")': (
        "features.kanhe:1:11: unknown event type payment.decline",
        "did you mean payment.declined?",
    ),
    'f = cuont("payment.declined", by="card", over="10m")': (
        "unknown feature function cuont",
        "did you mean count?",
    ),
    'f = count("payment.declined", by="crad", over="10m")': (
        "crad is not an entity",
        "did you mean card?",
    ),
    'f = count("payment.declined", by="card", over="30s")': ("30s is too short", ""),
    'f = count("payment.declined", by="card", over="91d")': ("91d is too long", ""),
    'f = count("payment.declined", by="card", over="90s")': ("whole number of minutes", ""),
    'f = count("payment.declined", by="card", over="ten")': ("is not a duration", "write 90s"),
    'f = count("payment.declined", by="card")': ("lacks over=", ""),
    'f = count("payment.declined", over="1h")': ("lacks by=", ""),
    'count("payment.declined", by="card", over="1h")': ("needs a name", ""),
    'card = count("payment.declined", by="card", over="1h")': ("is a field of events", ""),
    'f = sum("payment.declined", "ip_country", by="card", over="1h")': (
        "sum cannot aggregate ip_country",
        "",
    ),
    'f = sum("payment.declined", "is_guest", by="card", over="1h")': (
        "kind bool",
        "count with where=",
    ),
    'f = sum("payment.declined", "amonut_minor", by="card", over="1h")': (
        "payment.declined has no field amonut_minor",
        "did you mean amount_minor?",
    ),
    'f = count("payment.declined", by="card", over="1h", delay="4h")': ("longer than 3 times", ""),
    'f = distinct("payment.declined", "user", by="card", over="1h", most=5000)': (
        "from 1 to 1000",
        "",
    ),
    'f = distinct("payment.declined", "user", by="card", over="1h", delay="1h")': (
        "has no argument delay",
        "",
    ),
    'f = count("payment.declined", by="card", over="1h", where=amount_base)': (
        "a condition must be true or false",
        "",
    ),
    'f = count("payment.declined", by="card", over="1h", where=f > 3)': ("unknown", ""),
    'f = count("payment.declined", by=("user","card","device","ip"), over="1h")': (
        "at most 3 entities",
        "",
    ),
    'f = count("account.login", by="parcel", over="1h")': ("names no parcel", ""),
    "f = 3": ("expected", ""),
    'f = count("payment.declined", by="card", over="1h"': ("never closed", ""),
}


def test_every_function_is_read() -> None:
    """Each function of the language has a declaration that is accepted."""
    assert GOOD.keys() == FUNCTIONS.keys()
    for function, text in GOOD.items():
        assert declared(text)[0].function == function


@pytest.mark.parametrize("text", BAD)
def test_a_mistake_is_named_with_its_place_and_a_remedy(text: str) -> None:
    """Every mistake says what is wrong, where, and if possible what to write instead."""
    message, hint = BAD[text]
    with pytest.raises(Exception) as caught:
        declared(text)
    assert message in str(caught.value)
    assert hint in str(caught.value)
    assert "features.kanhe:1:" in str(caught.value)


def test_all_mistakes_are_shown_at_once_and_names_must_differ() -> None:
    """An author sees every mistake of a file, and two features of one name are one of them."""
    good = GOOD["count"]
    with pytest.raises(PolicyErrors) as caught:
        declared(f'{good}\n{good}\ng = cuont("x", by="card", over="1h")\n')
    assert len(caught.value.errors) == 2
    assert "f is declared twice" in str(caught.value)


def test_as_many_conditions_as_there_are_bits() -> None:
    """Sixty-two different conditions on one event type work; one more is refused at its place."""
    lines = [
        f'f{n} = count("payment.attempted", by="card", over="1h", where=amount_minor > {n})'
        for n in range(62)
    ]
    again = 'again = count("payment.attempted", by="user", over="1h", where=amount_minor > 3)'
    features = live("\n".join([*lines, again]))
    assert watch(features, "f61", arrival("payment.attempted", 0, card="c", user="u")) == [1.0]
    share = 'part = share("payment.attempted", of=is_vpn, by="card", over="1h")'
    with pytest.raises(PolicyErrors) as caught:
        declared("\n".join([*lines, share]))
    assert "features.kanhe:63" in str(caught.value)
    assert "one condition too many on payment.attempted" in str(caught.value)
