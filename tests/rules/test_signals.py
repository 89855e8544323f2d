"""What a rule says is what its sentences say, however they are written out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.decision import Action, Text
from kanhe.core.event import Event
from kanhe.judge.rules.reasons import (
    FORMS,
    Language,
    Origin,
    Place,
    Sentence,
    shown,
    shown_amount,
    shown_number,
)
from tests.rules.samples import INDEX, RATES, compiled, event, read, rule, vector

PIECES = (
    "{card_declines_10m}", "{card_users_24h:duration}", "{user_mean_30d:percent}", "{card}",
    "{items_count}", "{items_count:duration}", "{is_vpn}", "{products}", "{lat}", "{amount_minor}",
    "{shipping_minor}", "{amount_base}", "{{", "}}", "%", "%s", "'", "拒付 ", " ", "\\n",
)  # fmt: skip
NUMBERS = st.one_of(
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, 999.0, 1000.0, 1e22, -3.0]),
    st.integers(-5, 2_000).map(float),
    st.floats(),
)
EVENTS = st.builds(
    event,
    amount_minor=st.integers(0, 10**12),
    currency=st.sampled_from(["EUR", "USD", "JPY", "KWD"]),
    card=st.none() | st.text(min_size=1, max_size=100),
    items_count=st.none() | st.integers(0, 100_000),
    is_vpn=st.sampled_from([None, True, False]),
    products=st.none() | st.lists(st.text(min_size=1, max_size=9), max_size=30),
    lat=st.none() | st.floats(-90, 90),
    shipping_minor=st.none() | st.integers(0, 10**6),
)
WRITTEN = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)


def plainly(sentence: Sentence, given: Event, values: tuple[float, ...]) -> str:
    """The sentence with its values, place by place."""

    def value(place: Place, language: Language) -> str:
        if place.origin is Origin.BASE:
            paid = getattr(given, "amount_minor"), getattr(given, "currency")  # noqa: B009
            return shown_amount(RATES.to_base(*paid), RATES.base)
        if place.origin is Origin.FEATURE:
            found: object = values[INDEX[place.name]]
        else:
            found = getattr(given, place.name)
        if place.form:
            return FORMS[place.form](found, language)
        if place.origin is Origin.AMOUNT:
            return shown_amount(found, getattr(given, "currency"))  # type: ignore[arg-type]  # noqa: B009
        return shown(found)

    return "".join(
        part if isinstance(part, str) else value(part, sentence.language) for part in sentence.parts
    )


@settings(deadline=None)
@given(WRITTEN, WRITTEN, EVENTS, st.tuples(*[NUMBERS] * len(INDEX)))
def test_reasons_are_their_sentences_with_values(
    en: str, zh: str, given: Event, values: tuple[float, ...]
) -> None:
    """Generated text says what its sentence says, in both languages, to the letter."""
    text = rule("True").replace("Why.", f"a{en}").replace("原因。", f"因{zh}")
    (spec,) = read(text)
    (signal,) = compiled(text).evaluate(given, values, lambda *_: False)
    try:
        told = Text(plainly(spec.en, given, values), plainly(spec.zh, given, values))
    except OverflowError as error:  # An endless duration.
        assert signal.error == f"OverflowError: {error}"
    else:
        assert (signal.reason, signal.error) == (told, "")


@given(NUMBERS)
def test_a_number_is_shown_alike_in_both_ways(value: float) -> None:
    """What is kept ready for small counts is what would be written."""
    assert shown_number(value) == shown(value)


@pytest.mark.parametrize("card", [None, "tok_9"])
def test_what_is_to_be_listed_may_be_missing(card: str | None) -> None:
    """A value that is not there is put on no list; the rule's other actions stand."""
    more = 'points=10, actions=[list_add("stolen_cards", card, "1h"), notify("risk")]'
    (signal,) = compiled(rule("True", more=more)).evaluate(
        event(card=card), vector(), lambda *_: False
    )
    listed = (Action("list_add", "stolen_cards", card, 3_600_000),) if card else ()
    assert signal.actions == (*listed, Action("notify", "risk"))
