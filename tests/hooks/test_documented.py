"""What is told about notices is what holds."""

from __future__ import annotations

import re

import pytest

from kanhe.judge.intake.hooks import built_in, read_hook_mapping
from kanhe.judge.intake.hooks.mapping import EVENT_KEYS
from kanhe.judge.intake.hooks.paths import ENVELOPE
from kanhe.judge.intake.registry import builtin
from kanhe.judge.language.source import Source
from kanhe.protect.inbound.providers import PROVIDERS
from tests.docs.pages import ROOT, blocks, named

PAGES = ["hooks.md", "zh-CN/hooks.md"]


@pytest.mark.parametrize("page", PAGES)
def test_the_mapping_of_the_page_is_one(page: str) -> None:
    """The mapping that the page shows is read without a mistake."""
    texts = [block.text for block in blocks(named(page)) if block.info == "toml"]
    assert texts
    for text in texts:
        assert read_hook_mapping(Source(page, text), builtin(), PROVIDERS).events


@pytest.mark.parametrize("page", PAGES)
def test_all_that_can_be_said_is_documented(page: str) -> None:
    """Every provider, every part of a mapping, every outcome and every event that comes of a notice
    stands on the page."""
    text = named(page)
    source = (ROOT / "src/kanhe/serve/api/hooks.py").read_text("utf-8")
    outcomes = set(
        re.findall(r'"(taken|repeated|set_aside|unknown|not_understood|ping|refused)"', source)
    )
    events = {
        event.map.type
        for source in built_in().values()
        for event in read_hook_mapping(source, builtin(), PROVIDERS).events
    }
    logs = set(re.findall(r'"(hook\.\w+)"', source))
    names = {*PROVIDERS, *outcomes, *events, *logs, *(f"@{name}" for name in ENVELOPE)}
    names |= set(EVENT_KEYS) - {"type", "fields"}
    assert len(outcomes) == 7 and len(logs) == 3
    assert sorted(name for name in names if f"`{name}" not in text) == []


KINDS = {
    "stripe": "type", "adyen": "eventCode", "shopify": "@topic", "wechat_pay": "event_type",
    "alipay": "trade_status", "standard": "type",
}  # fmt: skip
"""Where a notice says of what kind it is. WooCommerce has its webhooks chosen by words instead."""


@pytest.mark.parametrize("name", KINDS)
def test_kinds_of_notices_are_documented(name: str) -> None:
    """Every kind of notice that a mapping makes events of stands on both pages."""
    mapping = built_in()[name].text.split("[[event]]", 1)[1]
    tests = re.findall(rf'path = "{KINDS[name]}", (?:is|in) = (\[[^]]*\]|"[^"]*")', mapping)
    kinds = {found for test in tests for found in re.findall(r'"([^"]+)"', test)}
    assert kinds
    for page in PAGES:
        assert sorted(kind for kind in kinds if f"`{kind}`" not in named(page)) == []
