"""Telling card numbers, which Kanhe must never hold, from tokens."""

from __future__ import annotations

SHORTEST, LONGEST = 13, 19
"""How many digits card numbers have."""


def is_card_number(text: str) -> bool:
    """Whether a text is 13 to 19 digits, however spaced, that satisfy Luhn (ISO/IEC 7812-1)."""
    # Most tokens begin with a letter and leave here, or have one elsewhere and differ in its case.
    if len(text) < SHORTEST or text[0].isalpha() or text.lower() != text.upper():
        return False
    digits = "".join(filter(str.isalnum, text))
    if not SHORTEST <= len(digits) <= LONGEST or not digits.isdecimal():
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
