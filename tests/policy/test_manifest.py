"""`pack.toml`: read strictly, every mistake with its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.core.decision import Text
from kanhe.core.errors import KanheError
from kanhe.judge.language.source import PolicyErrors, Source
from kanhe.judge.policy.manifest import Manifest, read_manifest

WHOLE = """\
[pack]
name = "mine"
version = "1.2.0"
description_en = "Ours"
description_zh = "我们的"

[money]
base = "EUR"
[money.rates]
USD = "0.92"
JPY = 0.0062

[verdict]
challenge = 30
review = 60
deny = 90
precedence = ["allow", "deny", "review", "challenge"]
default_challenge = "passkey"

[failures]
default = "open"
"payment.attempted" = "review"

[lists.stolen_cards]
holds = "card"
kind = "deny"
en = "Stolen"
zh = "被盗"
file = "lists/stolen.csv"
"""
SMALLEST = '[pack]\nname = "a"\nversion = "1"\n[money]\nbase = "EUR"\n'


def read(text: str) -> Manifest:
    return read_manifest(Source("pack.toml", text))


def mistakes(text: str) -> list[tuple[int, str]]:
    with pytest.raises(PolicyErrors) as caught:
        read(text)
    return [(error.line, error.message) for error in caught.value.errors]


def test_everything_is_read() -> None:
    """Name, money, thresholds, failures and lists arrive as written."""
    found = read(WHOLE)
    assert (found.name, found.version, found.description) == (
        "mine",
        "1.2.0",
        Text("Ours", "我们的"),
    )
    assert (found.base, found.rates) == ("EUR", {"USD": "0.92", "JPY": "0.0062"})
    verdict = found.verdict
    assert (verdict.challenge, verdict.review, verdict.deny) == (30, 60, 90)
    assert verdict.precedence == ("allow", "deny", "review", "challenge")
    assert verdict.default_challenge == "passkey"
    assert (verdict.default_failure, verdict.failures) == ("open", {"payment.attempted": "review"})
    [listed] = found.lists
    assert (listed.name, listed.holds, listed.kind) == ("stolen_cards", "card", "deny")
    assert found.list_files == {"stolen_cards": "lists/stolen.csv"}


def test_the_smallest_manifest_has_defaults() -> None:
    """Name, version and base currency are enough; the rest has documented defaults."""
    found = read(SMALLEST)
    verdict = found.verdict
    assert (verdict.challenge, verdict.review, verdict.deny) == (40, 70, 100)
    assert verdict.precedence == ("deny", "allow", "review", "challenge")
    assert verdict.default_failure == "open"


@pytest.mark.parametrize(
    ("before", "after", "line", "message"),
    [
        ('name = "mine"', 'nam = "mine"', 2, "nam is not known here"),
        ('name = "mine"', 'name = "Mine!"', 2, "'Mine!' cannot be a pack name"),
        ('version = "1.2.0"', "version = 1", 3, "version is a text in quotes"),
        ('base = "EUR"', 'base = "EURO"', 8, "'EURO' is not an ISO 4217 currency"),
        ('USD = "0.92"', 'USD = "free"', 10, "a rate is a number above 0"),
        ('USD = "0.92"', "USD = -1", 10, "a rate is a number above 0"),
        ('USD = "0.92"', "USD = nan", 10, "a rate is a number above 0"),
        ('USD = "0.92"', 'US = "0.92"', 10, "'US' is not an ISO 4217 currency"),
        ('USD = "0.92"', 'EUR = "1"', 10, "EUR is the base currency; its rate is 1"),
        ("challenge = 30", "challenge = 0", 14, "challenge is a whole number from 1 to 1000"),
        ("challenge = 30", "challenge = true", 14, "challenge is a whole number from 1 to 1000"),
        ("deny = 90", "deny = 10", 13, "thresholds must not fall from challenge over review to deny"),
        ('"review", "challenge"]', '"review"]', 17,
         "precedence holds deny, allow, review and challenge, each once"),
        ('default = "open"', 'default = "shut"', 21, "'shut' is not known here"),
        ('attempted" = "review"', 'attempted" = "allow"', 22, "'allow' is not known here"),
        ("[lists.stolen_cards]", "[lists.Stolen]", 24, "'Stolen' cannot be the name of a list"),
        ('kind = "deny"', 'kind = "denny"', 26, "'denny' is not known here"),
        ('zh = "被盗"', "", 24, "zh is missing in [lists.stolen_cards]"),
        ("[failures]", "[failurs]", 20, "failurs is not known here"),
        ("[money]", "[[money]]", 7, "money is a table, written [money]"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_line(before: str, after: str, line: int, message: str) -> None:
    """A mistake is reported at the line it stands on."""
    assert before in WHOLE
    text = WHOLE.replace(before, after)
    if after == "[[money]]":
        text = (
            text.replace("[money.rates]\n", "")
            .replace('USD = "0.92"\n', "")
            .replace("JPY = 0.0062\n", "")
        )
    assert (line, message) in mistakes(text)


def test_all_mistakes_are_gathered() -> None:
    """Several mistakes are reported together."""
    text = WHOLE.replace('"mine"', '"Mine"').replace('"EUR"', '"EUX"').replace('"0.92"', '"-1"')
    assert len(mistakes(text)) == 3


def test_what_is_missing_altogether_is_named() -> None:
    """An empty manifest says which tables it needs."""
    assert {message for _, message in mistakes("")} >= {"[pack] is missing", "[money] is missing"}


@pytest.mark.parametrize(
    "text", ["[pack", "name = ", "a = 1\na = 2", "x = " + "[" * 3000, "x = " + "9" * 5000, "\0"]
)
def test_broken_toml_is_a_mistake_like_any_other(text: str) -> None:
    """Text that is no TOML gives an error with a place."""
    with pytest.raises(KanheError, match=r"pack\.toml:"):
        read(text)


@given(st.text(max_size=200))
def test_no_text_crashes_the_reader(text: str) -> None:
    """Whatever follows a valid manifest, it is read or refused with a place."""
    said = "pack.toml:"
    try:
        read(SMALLEST + text)
    except KanheError as error:
        said = str(error)
    assert "pack.toml:" in said
