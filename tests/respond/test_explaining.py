"""Why an event was decided so: the values of conditions, and what would have changed the outcome."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kanhe.app import kanhe_in_memory
from kanhe.app.explaining import Explaining, Explanation, row_at
from kanhe.core.settings import Settings
from kanhe.judge.policy.pack import build_pack
from kanhe.record.journal.ports import Journal

NOON = 1_767_607_200_000
PACK = {
    "pack.toml": b"""
[pack]
name = "small"
version = "1"
description_en = "a"
description_zh = "b"
[money]
base = "EUR"
[verdict]
challenge = 40
review = 70
deny = 100
[lists.bad_cards]
holds = "card"
kind = "deny"
en = "Bad cards"
zh = "\xe5\x9d\x8f\xe5\x8d\xa1"
""",
    "features.kanhe": b"""
card_payments_1h = count("payment.attempted", by="card", over="1h")
cents = value("payment.attempted", amount_minor % 100)
""",
    "rules/all.kanhe": """
rule("busy", on="payment.attempted", when=card_payments_1h >= 3, points=80, en="Busy: {card_payments_1h}.", zh="频繁：{card_payments_1h}。")
rule("large", on="payment.attempted", when=amount_base > 100000 and currency == "EUR", points=30, en="Large.", zh="大额。")
rule("round", on="payment.attempted", when=cents == 0 and not (card in bad_cards), points=5, en="Round.", zh="整数。")
rule("listed", on="payment.attempted", when=card in bad_cards, outcome="deny", en="Listed.", zh="名单。")
""".encode(),
}  # fmt: skip


class Shop:
    """Some payments, judged by a small pack."""

    def __init__(self) -> None:
        self.pack = build_pack(PACK)
        self.kanhe = kanhe_in_memory(Settings(), lambda: NOON, self.pack)
        self.explaining = Explaining(Settings(), self.kanhe._key)

    @property
    def journal(self) -> Journal:
        return self.kanhe.journal

    def pay(self, n: int, minor: int, card: str = "c1", **more: Any) -> Explanation:
        event = {
            "type": "payment.attempted", "id": f"p{n}", "at_ms": NOON + n * 1000, "user": f"u{n}",
            "card": card, "amount_minor": minor, "currency": "EUR", **more,
        }  # fmt: skip
        self.kanhe.judge("shop", msgspec.json.encode(event))
        self.kanhe.commit()
        row = row_at(self.journal, self.journal.last_seq())
        assert row is not None
        found = self.explaining.explain(row, self.journal)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


def test_what_would_have_changed_it(shop: Shop) -> None:
    """Values beside thresholds, the sets of rules without which it were milder, and the nearest value."""
    for n in (1, 2):
        assert shop.pay(n, 150_000).outcome == "allow"
    found = shop.pay(3, 150_000)
    assert (found.outcome, found.score) == ("deny", 115)
    busy = next(one for one in found.fired if one.rule == "busy")
    (check,) = busy.checks
    assert (check.text, check.values, check.holds) == (
        "card_payments_1h >= 3", (("card_payments_1h", "3"),), True,
    )  # fmt: skip
    large = next(one for one in found.fired if one.rule == "large")
    assert [(*c.values, c.holds) for c in large.checks] == [
        (("amount_base", "150000"), True), (("currency", "EUR"), True),
    ]  # fmt: skip
    assert [(c.without, c.outcome) for c in found.changes if c.without] == [
        (("busy",), "allow"), (("large",), "review"),
    ]  # fmt: skip
    (other,) = [c for c in found.changes if c.name]
    assert (other.name, other.value, other.other, other.outcome) == (
        "card_payments_1h", "3", "2", "allow",
    )  # fmt: skip
    # Held against the judge itself: an event that had this value was let through.
    assert dict(found.features)["card_payments_1h"] == "3"


def test_a_list_is_named(shop: Shop) -> None:
    """What stood on a list at the time is told by the rule that found it there."""
    event = {
        "type": "list.entry_added", "id": "l1", "at_ms": NOON, "list_name": "bad_cards",
        "value": "c9", "staff": "s",
    }  # fmt: skip
    shop.kanhe.record("shop", msgspec.json.encode(event), scopes=frozenset({"lists"}))
    shop.kanhe.commit()
    found = shop.pay(20, 999, card="c9")
    (fired,) = found.fired
    assert (fired.rule, fired.outcome, fired.lists[0][1].en) == ("listed", "deny", "Bad cards")
    assert [c.without for c in found.changes] == [("listed",)]


def test_derived_numbers_have_their_values(shop: Shop) -> None:
    """What no feature holds is computed as it was."""
    found = shop.pay(30, 500, card="c30")
    (fired,) = found.fired
    assert [(*c.values, c.holds) for c in fired.checks] == [
        (("cents", "0"), True), (("card", "c30"), None),
    ]  # fmt: skip
    assert found.changes == ()


def test_what_is_not_kept_is_not_guessed(shop: Shop) -> None:
    """Without the text of the pack the recorded reasons are all there is; of what was erased, nothing."""
    shop.pay(40, 500, card="c40")
    row = row_at(shop.journal, shop.journal.last_seq())
    assert row is not None
    alone = shop.explaining.explain(row._replace(policy="sha256:" + "1" * 64), shop.journal)
    assert alone is not None
    assert (alone.pack, alone.changes, alone.fired[0].checks) == ("", (), ())
    assert shop.explaining.explain(row._replace(kind=3), shop.journal) is None
    assert row_at(shop.journal, 10**9) is None
