"""What is said of an input: in both languages, from the declaration, with what is usual."""

from __future__ import annotations

import math

import pytest

from kanhe.core.decision import Text
from kanhe.judge.features.declare import read_features
from kanhe.judge.features.derived import read_derived
from kanhe.judge.features.spec import FUNCTIONS
from kanhe.judge.language.source import Source
from kanhe.judge.models.words import _NOUNS, sentences_of
from tests.features.shop import FIELDS
from tests.features.test_declare import GOOD

TEXT = """
cards = distinct("payment.attempted", "card", by="device", over="24h")
names = distinct("payment.attempted", "card_brand", by=("user", "device"), over="1h")
tries = count(["payment.attempted", "payment.declined"], by="card", over="10m", where=amount_base < 200)
spent = sum("payment.attempted", "amount_base", by="user", over="30d")
seen = since_last("account.login", by="user")
first = first_seen("account.login", by="user")
small = share("payment.attempted", of=amount_base < 200, by="card", over="1h")
bad = label_rate("payment.attempted", by="ip", over="30d", delay="7d")
fast = speed("account.login", by="user")
ratio = value("payment.attempted", spent / (tries + 1))
"""


def said(name: str, value: float, usual: float | None = 1.0) -> Text:
    source = Source("features.kanhe", TEXT)
    features = read_features(source, FIELDS)
    derived = read_derived(source, FIELDS, features)
    return sentences_of(features, derived, "EUR")(name, usual)(value)


@pytest.mark.parametrize(
    ("name", "value", "usual", "en", "zh"),
    [
        ("cards", 7, 1.0, "7 different cards for this device in 24 hours; usually 1",
         "该设备 24 小时内出现 7 个不同的银行卡；通常为 1 个"),
        ("cards", 7, None, "7 different cards for this device in 24 hours",
         "该设备 24 小时内出现 7 个不同的银行卡"),
        ("cards", math.nan, 1.0, "number of different cards for this device in 24 hours: unknown; usually 1",
         "该设备 24 小时内不同银行卡的个数：未知；通常为 1"),
        ("names", 2, 1.0, "2 different values of card_brand for this account and device in 60 minutes; usually 1",
         "该账号与设备 60 分钟内出现 2 个不同的 card_brand 值；通常为 1 个"),
        ("tries", 1234, 2.5,
         "1,234 × payment.attempted or payment.declined for this card in 10 minutes where amount_base < 200; usually 2.5",
         "该银行卡 10 分钟内（amount_base < 200）payment.attempted 或 payment.declined 1,234 次；通常为 2.5 次"),
        ("spent", 123456.0, 2000.0,
         "sum of amount_base over payment.attempted for this account in 30 days: 1,234.56 EUR; usually 20.00 EUR",
         "该账号 30 天内 payment.attempted 的 amount_base 合计：1,234.56 EUR；通常为 20.00 EUR"),
        ("seen", 90.0, 172_800.0,
         "time since the latest earlier account.login for this account: 90 seconds; usually 2 days",
         "该账号距上一次 account.login 的时间：90 秒；通常为 2 天"),
        ("first", 1_767_225_600_000.0, None, "time of the first account.login for this account: 2026-01-01",
         "该账号首次 account.login 的时间：2026-01-01"),
        ("small", 0.9, 0.1,
         "share of payment.attempted with amount_base < 200 for this card in 60 minutes: 90%; usually 10%",
         "该银行卡 60 分钟内 payment.attempted 中满足 amount_base < 200 的占比：90%；通常为 10%"),
        ("bad", 0.5, 0.0,
         "share of payment.attempted known to be fraud for this IP address in 30 days, up to 7 days ago: 50%; usually 0%",
         "该 IP 地址 30 天内（截至 7 天前）payment.attempted 中已确认欺诈的占比：50%；通常为 0%"),
        ("fast", 900.0, 3.0,
         "speed since the latest earlier account.login, in km/h for this account: 900; usually 3",
         "该账号距上一次 account.login 的移动速度（公里/小时）：900；通常为 3"),
        ("ratio", 0.123456, 12345.678, "ratio (spent / (tries + 1)): 0.123; usually 12,346",
         "ratio（spent / (tries + 1)）：0.123；通常为 12,346"),
    ],
)  # fmt: skip
def test_a_value_is_said_as_people_say_it(
    name: str, value: float, usual: float | None, en: str, zh: str
) -> None:
    """Counts, amounts, times, shares, derived numbers, and what is missing."""
    assert said(name, float(value), usual) == Text(en, zh)


def test_every_function_has_its_words() -> None:
    """Whatever a pack may declare can be said, with any value."""
    assert _NOUNS.keys() == FUNCTIONS.keys()
    for text in GOOD.values():
        features = read_features(Source("features.kanhe", text), FIELDS)
        sentence = sentences_of(features, (), "EUR")("f", 1.0)
        for value in (0.0, 1e308, -1e308, 3.25, math.nan, 1e15):
            found = sentence(value)
            assert found.en and found.zh and "{" not in found.en + found.zh
