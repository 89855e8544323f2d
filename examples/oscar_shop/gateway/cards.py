"""Test cards: what their numbers bring about, and how a number becomes a name that tells nothing."""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple


class Behaviour(NamedTuple):
    """What a card does. `decline` is empty where the bank agrees."""

    brand: str
    country: str
    funding: str = "credit"
    decline: str = ""
    cvc: str = "match"
    disputed: bool = False
    capture_fails: bool = False


TEST_CARDS: dict[str, tuple[str, Behaviour]] = {
    "4242424242424242": ("approved", Behaviour("visa", "DE")),
    "5555555555554444": ("approved", Behaviour("mastercard", "DE", "debit")),
    "6200000000000005": ("approved", Behaviour("unionpay", "CN", "debit")),
    "4000000760000002": ("approved, issued in Brazil", Behaviour("visa", "BR")),
    "4000000000000259": ("approved, disputed once captured", Behaviour("visa", "US", disputed=True)),
    "4000000000000341": ("approved, but cannot be captured", Behaviour("visa", "US", capture_fails=True)),
    "4000000000000002": ("declined: do_not_honor", Behaviour("visa", "US", decline="do_not_honor")),
    "4000000000009995": ("declined: insufficient_funds", Behaviour("visa", "US", decline="insufficient_funds")),
    "4000000000009987": ("declined: lost_card", Behaviour("visa", "US", decline="lost_card")),
    "4000000000009979": ("declined: stolen_card", Behaviour("visa", "US", decline="stolen_card")),
    "4000000000000069": ("declined: expired_card", Behaviour("visa", "US", decline="expired_card")),
    "4000000000000127": ("declined: invalid_cvv", Behaviour("visa", "US", decline="invalid_cvv", cvc="no_match")),
    "4000000000000119": ("declined: processing_error", Behaviour("visa", "US", decline="processing_error")),
}  # fmt: skip
"""By number: what people are told of it, and what it does. The codes are those of Kanhe's registry."""

_BRANDS = (("62", "unionpay"), ("34", "amex"), ("37", "amex"), ("5", "mastercard"), ("4", "visa"))


class CardRefused(ValueError):
    """This cannot be a card; `field` says which part of it."""

    def __init__(self, field: str, told: str) -> None:
        super().__init__(told)
        self.field = field


def digits_of(number: str) -> str:
    """The digits of a card number as people write it. Raises `CardRefused`."""
    digits = "".join(number.split()).replace("-", "")
    if (
        not digits.isascii()
        or not digits.isdigit()
        or not 12 <= len(digits) <= 19
        or not _luhn(digits)
    ):
        raise CardRefused("number", "this is not the number of a card")
    return digits


def behaviour_of(digits: str) -> Behaviour:
    """What this card does. A number that no bank has given out is declined as one."""
    if found := TEST_CARDS.get(digits):
        return found[1]
    brand = next((brand for start, brand in _BRANDS if digits.startswith(start)), "other")
    return Behaviour(brand, "US", decline="invalid_number")


def fingerprint(digits: str, key: bytes) -> str:
    """The same for the same card, and of no use to whoever lacks the key (HMAC-SHA-256)."""
    return "card_" + hmac.new(key, digits.encode(), hashlib.sha256).hexdigest()[:24]


def check_expiry(month: int, year: int, today: tuple[int, int]) -> None:
    """Raises `CardRefused` if the card is past its month; `today` is (year, month)."""
    year += 2000 if year < 100 else 0
    if not 1 <= month <= 12 or not 2000 <= year <= 2100:
        raise CardRefused("expiry", "this is not a month")
    if (year, month) < today:
        raise CardRefused("expiry", "the card has expired")


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = (int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0
