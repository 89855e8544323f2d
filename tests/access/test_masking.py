"""Personal data as those read it who may not see it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.judge.intake.registry import builtin
from kanhe.protect.access.masking import (
    DOTS,
    PERSONAL_FIELDS,
    is_personal,
    mask,
    mask_fields,
    shown,
)

KINDS = ("card", "email", "phone", "address", "name", "ip")


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        ("card", "4111 1111 1111 1234", "•••• 1234"),
        ("card", "tok_short", "•••"),
        ("email", "ana.li@example.com", "a•••@example.com"),
        ("email", "no address", "•••"),
        ("email", "@example.com", "•••"),
        ("phone", "+8613812345678", "+861•••78"),
        ("phone", "138 1234 5678", "138•••78"),
        ("phone", "1234567", "•••67"),
        ("phone", "110", "•••"),
        ("address", "浙江省杭州市西湖区文三路 1 号", "浙江省杭州市•••"),
        ("address", "北京市海淀区中关村大街 1 号", "北京市•••"),
        ("address", "12 Main Street, Springfield", "•••, Springfield"),
        ("address", "Hauptstrasse, 12", "•••"),
        ("address", "9f86d081884c7d65", "•••"),
        ("name", "王小明", "王•••"),
        ("name", "Ana Li", "A••• L•••"),
        ("ip", "203.0.113.77", "203.0.113.•"),
        ("ip", "2001:db8:0:7::1", "2001:db8:0::•"),
        ("ip", "nowhere", "•••"),
        ("prose", "mail ana@example.com or 138-1234-5678 today", "mail a•••@example.com or •••78 today"),
        ("device", "d-1", "d-1"),
    ],
)  # fmt: skip
def test_each_kind_is_masked_in_its_way(kind: str, value: str, masked: str) -> None:
    """What is left tells two apart, and does not find the person."""
    assert mask(kind, value) == masked
    assert shown(kind, value, clear=True) == value
    assert shown(kind, value, clear=False) == masked


@given(st.sampled_from(KINDS), st.text(min_size=1, max_size=200))
def test_no_value_comes_through_whole(kind: str, value: str) -> None:
    """Whatever the value is, even one that is not of its kind, it is never shown as it was."""
    masked = mask(kind, value)
    assert "•" in masked
    assert masked != value or "•" in value


@given(st.from_regex(r"[a-z]{3,20}@[a-z]{2,9}\.com", fullmatch=True), st.integers(10**9, 10**15))
def test_contacts_within_prose_do_not_come_through(mail: str, number: int) -> None:
    """A mail address or a long number in a review or note is masked wherever it stands."""
    masked = mask("prose", f"请联系 {mail}，电话{number}。")
    assert mail not in masked
    assert str(number) not in masked


def test_masking_takes_no_longer_for_hostile_text() -> None:
    """A long text made to slow a pattern down is masked at once."""
    for hostile in ("1-" * 100_000, "a@" * 100_000, "省" * 100_000, "+1 " * 100_000):
        for kind in (*KINDS, "prose"):
            mask(kind, hostile)


def test_the_fields_masked_are_fields_of_events() -> None:
    """Each field that is masked exists in the registry, and is of a kind that masking knows."""
    assert PERSONAL_FIELDS.keys() <= set(builtin().fields)
    assert all(is_personal(kind) for kind in PERSONAL_FIELDS.values())
    event = {"email": "ana@example.com", "amount_minor": 5, "user": "u-1", "phone": None}
    assert mask_fields(event) == {**event, "email": "a•••@example.com"}


@pytest.mark.parametrize("value", ["tok-9f3a", "ana@example.com", "203.0.113.9", "+8613800000000"])
def test_what_stands_on_a_list_is_masked(value: str) -> None:
    """A list may hold cards, addresses and names: whose kind is not known is masked as the strictest."""
    masked = mask_fields({"value": value, "list_name": "stolen_cards"})
    assert masked["list_name"] == "stolen_cards"
    assert str(masked["value"]).startswith(DOTS) and value[:-2] not in str(masked["value"])
