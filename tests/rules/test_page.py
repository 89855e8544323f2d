"""The page about rules is true: its examples are valid, and what it says of them happens."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from kanhe.judge.features.declare import read_features
from kanhe.judge.features.spec import FeatureSpec
from kanhe.judge.language.source import PolicyErrors, Source
from kanhe.judge.rules.compile import RuleSet, compile_rules
from kanhe.judge.rules.declare import RuleSpec, read_rules
from kanhe.judge.rules.lists import ListSpec, read_list_file
from tests.rules.samples import RATES, REGISTRY, event, rule, text_code

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"en": DOCS / "rules.md", "zh": DOCS / "zh-CN" / "rules.md"}
LISTS = [
    ListSpec("stolen_cards", "card", "deny"),
    ListSpec("watched_cards", "card", "watch"),
    ListSpec("disposable_domains", "domain", "watch"),
]


def blocks(language: str, info: str = "python") -> list[str]:
    """The code of a page."""
    text = PAGES[language].read_text("utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [code for kind, code in found if kind == info]


def features() -> list[FeatureSpec]:
    """The features that the page declares."""
    (declared,) = (block for block in blocks("en") if "count(" in block)
    fields = {name: REGISTRY.fields_of(name) for name in REGISTRY.types}
    return read_features(Source("features.kanhe", declared), fields)


def read(text: str) -> list[RuleSpec]:
    """Rules over what the page declares."""
    return read_rules(Source("rules/payments.kanhe", text), REGISTRY, features(), LISTS)


def compiled(text: str) -> RuleSet:
    """The same, ready to run."""
    index = {spec.name: place for place, spec in enumerate(features())}
    return compile_rules(read(text), REGISTRY, index, RATES, text_code)


def test_every_rule_of_the_page_is_valid() -> None:
    """All rules that the page shows can stand in one file of one pack."""
    text = "\n".join(block for block in blocks("en") if block.startswith("rule("))
    assert len(read(text)) == 7
    (guarded,) = (block for block in blocks("en") if block.startswith("user_orders_30d > 0"))
    assert read(rule(guarded.strip()))


def test_both_pages_show_the_same_code() -> None:
    """The Chinese page has the same examples, to the letter."""
    assert blocks("zh") == blocks("en")
    assert blocks("zh", "") == blocks("en", "")


def test_mistake_of_the_page_is_what_an_author_sees() -> None:
    """The error on the page is the one that is shown, character for character."""
    wrong = blocks("en")[0].replace("when=card_declines_10m", "when=card_declines_1m")
    with pytest.raises(PolicyErrors) as caught:
        read(wrong)
    (shown,) = (block for block in blocks("en", "") if "did you mean" in block)
    assert f"{caught.value}\n" == shown


def test_list_file_of_the_page_is_valid() -> None:
    """The list file on the page can be read."""
    (shown,) = (block for block in blocks("en", "") if block.startswith("value,"))
    entries = read_list_file(Source("lists/stolen_cards.csv", shown), LISTS[0])
    assert [entry.reason for entry in entries] == ["reported stolen", "test card, never sold"]


@pytest.mark.parametrize("coupon", ["A", "B", None])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_table_of_missing_values_is_true(language: str, coupon: str | None) -> None:
    """Each cell of the table about missing values is what the condition gives."""
    column = {"A": 1, "B": 2, None: 3}[coupon]
    rows = re.findall(
        r"^\| `([^`]*coupon[^`]*)` \| (.*?) \| (.*?) \| (.*?) \|$",
        PAGES[language].read_text("utf-8"),
        re.MULTILINE,
    )
    assert len(rows) == 5
    vector = [math.nan] * len(features())
    for row in rows:
        signals = compiled(rule(row[0])).evaluate(
            event(coupon=coupon), vector, lambda name, value: False
        )
        assert bool(signals) == (row[column].strip("*") in {"true", "真"})
