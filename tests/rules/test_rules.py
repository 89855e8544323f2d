"""Rules from text to signals."""

from __future__ import annotations

import math

import pytest

from kanhe.core.decision import Action, Signal, Text
from kanhe.judge.language.source import PolicyErrors, Source
from kanhe.judge.rules.declare import read_rules
from tests.rules.samples import (
    FEATURES,
    LISTS,
    REGISTRY,
    compiled,
    event,
    read,
    rule,
    text_code,
    vector,
)


def nothing(list_name: str, value: str) -> bool:
    """Lists without entries."""
    return False


def fired(text: str, listed=nothing, given=None, **features: float) -> list[str]:  # type: ignore[no-untyped-def]
    """The ids of the rules that fired on the example payment."""
    signals = compiled(text).evaluate(given or event(), vector(**features), listed)
    assert not any(signal.error for signal in signals)
    return [signal.rule for signal in signals]


def test_rule_becomes_signal() -> None:
    """Everything a rule says stands in its signal."""
    text = """rule(
    "card_testing",
    on=["payment.attempted", "payment.declined"],
    when=card_declines_10m >= 5 and amount_base < 500,
    points=60,
    outcome="deny",
    en="{card_declines_10m} declines in ten minutes",
    zh="十分钟内被拒 {card_declines_10m} 次",
    tags=["OAT-001", "F1018"],
    owner="payments",
    actions=[
        challenge("otp"),
        hold("payout", "24h"),
        list_add("stolen_cards", card, "7d"),
        notify("risk"),
    ],
)"""
    found = compiled(text).evaluate(
        event(amount_minor=300, currency="EUR", card="tok_9"), vector(card_declines_10m=7), nothing
    )
    assert found == [
        Signal(
            "card_testing",
            60,
            Text("7 declines in ten minutes", "十分钟内被拒 7 次"),
            "deny",
            (
                Action("challenge", "otp"),
                Action("hold", "payout", "", 86_400_000),
                Action("list_add", "stolen_cards", "tok_9", 7 * 86_400_000),
                Action("notify", "risk"),
            ),
            ("OAT-001", "F1018"),
        )
    ]


def test_order_of_declaration_is_kept() -> None:
    """Signals come in the order in which their rules are declared."""
    text = "".join(rule("True", name=name) for name in ("b", "a", "c"))
    assert fired(text) == ["b", "a", "c"]


def test_other_event_types_are_left_alone() -> None:
    """A rule is asked for the event types it names and for no other."""
    text = rule("True", name="a") + rule("True", name="b", on="account.login")
    assert fired(text) == ["a"]
    assert fired(text, given=event("account.login")) == ["b"]
    assert fired(text, given=event("review.posted")) == []


def test_failing_rule_says_so_and_spares_its_neighbours() -> None:
    """A division by zero becomes a signal of its own, without points, and all others are asked."""
    text = (
        rule("True", name="before")
        + rule("amount_base / card_declines_10m > 3", name="broken", more='points=90, outcome="deny"')
        + rule("True", name="after")
    )  # fmt: skip
    before, broken, after = compiled(text).evaluate(
        event(amount_minor=5, currency="EUR"), vector(card_declines_10m=0.0), nothing
    )
    assert (before.rule, after.rule) == ("before", "after")
    assert broken.rule == "broken"
    assert broken.points == 0
    assert broken.outcome is None
    assert broken.error.startswith("ZeroDivisionError")


def test_failing_list_fails_one_rule() -> None:
    """An error in what a rule asks is the rule's error, whatever its kind."""

    def unreadable(list_name: str, value: str) -> bool:
        raise OSError("the list is gone")

    text = rule("card in stolen_cards", name="asks") + rule("True", name="other")
    asks, other = compiled(text).evaluate(event(card="c"), vector(), unreadable)
    assert asks.error == "OSError: the list is gone"
    assert not other.error


@pytest.mark.parametrize("op", ["==", "!=", "<", "<=", ">", ">="])
def test_missing_feature_compares_false(op: str) -> None:
    """A missing feature makes every comparison false, and `not` of it true."""
    assert fired(rule(f"card_declines_10m {op} 3")) == []
    assert fired(rule(f"not card_declines_10m {op} 3")) == ["r"]


def test_unknown_rate_is_missing_amount() -> None:
    """An amount in a currency without a rate has no `amount_base`, and its rules stay silent."""
    text = rule("amount_base > 0", name="worth") + rule("missing(amount_base)", name="no_rate")
    assert fired(text, given=event(amount_minor=100, currency="USD")) == ["worth"]
    assert fired(text, given=event(amount_minor=100, currency="CHF")) == ["no_rate"]


def test_amount_base_is_in_base_currency() -> None:
    """`amount_base` is in minor units of the pack's base currency."""
    assert fired(rule("amount_base == 50"), given=event(amount_minor=100, currency="USD")) == ["r"]


def test_text_feature_is_compared_by_code() -> None:
    """A remembered text equals the field and the literal with the same text, and no other."""
    code = text_code("DE")
    text = (
        rule('user_country == "DE"', name="literal")
        + rule("user_country == ip_country", name="field")
        + rule("user_country != ip_country", name="moved")
        + rule('user_country in ["FR", "DE"]', name="among")
    )
    assert fired(text, given=event(ip_country="DE"), user_country=code) == [
        "literal", "field", "among",
    ]  # fmt: skip
    assert fired(text, given=event(ip_country="FR"), user_country=code) == [
        "literal", "moved", "among",
    ]  # fmt: skip
    assert fired(text, given=event(ip_country=None), user_country=code) == ["literal", "among"]
    assert fired(text, given=event(ip_country="DE")) == []


def test_lists_are_asked_with_name_and_value() -> None:
    """`in` with a list asks whether the value stands in it; a missing value stands nowhere."""
    asked = []

    def listed(list_name: str, value: str) -> bool:
        asked.append((list_name, value))
        return True

    text = rule("card in stolen_cards") + rule("domain(email) in disposable_domains", name="d")
    assert fired(text, listed, event(card="c1", email="A@Mail.Test")) == ["r", "d"]
    assert asked == [("stolen_cards", "c1"), ("disposable_domains", "mail.test")]
    assert fired(text, listed, event(card=None, email=None)) == []


def test_missing_value_is_not_listed() -> None:
    """An action that would list a missing value is left out; the rest of the rule stands."""
    text = rule("True", more='points=1, actions=[list_add("stolen_cards", card), notify("risk")]')
    (found,) = compiled(text).evaluate(event(card=None), vector(), nothing)
    assert found.actions == (Action("notify", "risk"),)


def test_sentences_show_values() -> None:
    """Whole numbers are plain, others have one decimal, missing values are a dash."""
    text = rule("True").replace(
        "Why.", "{card_declines_10m} {user_mean_30d} {card_users_24h} {ip_country} {{{is_vpn}}} {email}"
    )  # fmt: skip
    given = event(ip_country="DE", is_vpn=True, email=None)
    features = vector(card_declines_10m=3.0, user_mean_30d=2.25, card_users_24h=math.nan)
    (found,) = compiled(text).evaluate(given, features, nothing)
    assert found.reason.en == "3 2.2 – DE {✓} –"


@pytest.mark.parametrize(
    ("amount_minor", "currency", "shown"),
    [
        (199_900, "USD", "1,999.00 USD = 999.50 EUR"),
        (5, "EUR", "0.05 EUR = 0.05 EUR"),
        (1_200, "JPY", "1,200 JPY = –"),
        (1_234_567, "KWD", "1,234.567 KWD = –"),
    ],
)
def test_sentences_show_amounts(amount_minor: int, currency: str, shown: str) -> None:
    """Amounts are shown in major units with their currency, `amount_base` in the base currency."""
    text = rule("True").replace("Why.", "{amount_minor} = {amount_base}")
    given = event(amount_minor=amount_minor, currency=currency)
    (found,) = compiled(text).evaluate(given, vector(), nothing)
    assert found.reason.en == shown


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0, "0 seconds", "0 秒"),
        (1, "1 second", "1 秒"),
        (119, "119 seconds", "119 秒"),
        (120, "2 minutes", "2 分钟"),
        (7_199, "119 minutes", "119 分钟"),
        (7_200, "2 hours", "2 小时"),
        (30 * 86_400, "30 days", "30 天"),
        (math.nan, "–", "–"),
    ],
)
def test_sentences_show_durations(seconds: float, en: str, zh: str) -> None:
    """`{name:duration}` shows seconds as people say them, in the language of the sentence."""
    text = 'rule("r", on="payment.attempted", when=True, points=1, en="{X}", zh="{X}")'
    text = text.replace("X", "card_users_24h:duration")
    found = compiled(text).evaluate(event(), vector(card_users_24h=seconds), nothing)
    assert found[0].reason == Text(en, zh)


def test_sentences_show_percentages() -> None:
    """`{name:percent}` shows a share as a percentage."""
    text = 'rule("r", on="payment.attempted", when=True, points=1, en="{X}", zh="{X}")'
    text = text.replace("X", "user_mean_30d:percent")
    found = compiled(text).evaluate(event(), vector(user_mean_30d=0.256), nothing)
    assert found[0].reason == Text("26%", "26%")


@pytest.mark.parametrize(
    "place", ["card_users_24h:hours", "ip_country:duration", "amount_minor:percent"]
)
def test_wrong_forms_are_refused(place: str) -> None:
    """An unknown form, and a form for something that is no plain number, is a mistake."""
    text = 'rule("r", on="payment.attempted", when=True, points=1, en="{X}", zh="a")'
    with pytest.raises(PolicyErrors):
        read(text.replace("X", place))


def test_sentence_without_values_is_one_constant() -> None:
    """A rule whose signal never changes gives the same object each time: nothing is built."""
    rules = compiled(rule("True"))
    (one,), (two,) = (rules.evaluate(event(), vector(), nothing) for _ in range(2))
    assert one is two


def test_vector_of_wrong_length_is_an_error_of_the_caller() -> None:
    """A vector that was laid out for other features is refused rather than misread."""
    with pytest.raises(ValueError, match="not those of 1 events with 4 features"):
        compiled(rule("card_declines_10m > 1")).evaluate(event(), (1.0,), nothing)


def test_declaration_remembers_its_place() -> None:
    """Each rule knows where it stands and how its condition was written."""
    first, second = read(rule("is_vpn", name="a") + "\n" + rule("known( card )", name="b"))
    assert (first.path, first.line, second.line) == ("rules/payments.kanhe", 1, 3)
    assert second.condition.text == "known( card )"
    assert second.condition.fields == {"card"}


def test_same_id_in_another_file_is_refused() -> None:
    """An id stands once in a pack, whichever files its rules are in."""
    taken = {spec.id: spec for spec in read(rule("is_vpn"))}
    with pytest.raises(PolicyErrors, match=r"the first stands at rules/payments\.kanhe:1"):
        read_rules(Source("rules/b.kanhe", rule("True")), REGISTRY, FEATURES, LISTS, taken)


def test_rule_on_several_types_sees_the_type() -> None:
    """`type` tells the types of one rule apart, and can only be one of them."""
    text = (
        'rule("r", on=["payment.attempted", "payment.declined"], '
        'when=type == "payment.declined", points=1, en="a", zh="b")'
    )
    assert fired(text) == []
    assert fired(text, given=event("payment.declined")) == ["r"]
    with pytest.raises(PolicyErrors, match="type is never"):
        read(text.replace('== "payment.declined"', '== "account.login"'))


def test_many_rules_compile_quickly_and_run() -> None:
    """Two thousand rules for one event type are no trouble."""
    text = "".join(rule(f"card_declines_10m > {n}", name=f"r{n}") for n in range(2_000))
    assert fired(text, card_declines_10m=2.0) == ["r0", "r1"]
