"""What generated code may call: the language's functions, with their meaning for missing values.

A missing number is NaN here and a missing text is `None`; every function of numbers gives NaN when
one of its numbers is missing, every function of a text gives `None` when the text is missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

Number = int | float

_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000
_MINUTE_MS = 60_000


def divided(left: Number, right: Number) -> Number:
    """`left / right`; missing if either is missing, otherwise division by zero raises."""
    return left / right if left == left else math.nan


def floored(left: Number, right: Number) -> Number:
    """`left // right`, rounding towards minus infinity; missing as in `divided`."""
    return left // right if left == left else math.nan


def remainder(left: Number, right: Number) -> Number:
    """`left % right`, with the sign of `right`; missing as in `divided`."""
    return left % right if left == left else math.nan


def least(*values: Number) -> Number:
    """The smallest value; missing if any is missing."""
    for value in values:
        if value != value:
            return math.nan
    return min(values)


def greatest(*values: Number) -> Number:
    """The largest value; missing if any is missing."""
    for value in values:
        if value != value:
            return math.nan
    return max(values)


def rounded(value: Number, digits: int = 0) -> Number:
    """To the given number of decimals, halves to the even neighbour (IEEE 754)."""
    return round(value, digits) if isinstance(value, float) else value


def hour(at_ms: Number, offset_minutes: Number = 0) -> Number:
    """The hour of the day, 0 to 23, in UTC or at an offset from it in minutes."""
    return (at_ms + offset_minutes * _MINUTE_MS) // _HOUR_MS % 24


def weekday(at_ms: Number, offset_minutes: Number = 0) -> Number:
    """The day of the week, 0 for Monday to 6 for Sunday, in UTC or at an offset in minutes."""
    # 1970-01-01 was a Thursday.
    return ((at_ms + offset_minutes * _MINUTE_MS) // _DAY_MS + 3) % 7


def lower(text: str | None) -> str | None:
    """The text in lower case (Unicode)."""
    return None if text is None else text.lower()


def domain(email: str | None) -> str | None:
    """What follows the last @, in lower case; missing if there is no @ or nothing follows it."""
    if email is None:
        return None
    return email.rpartition("@")[2].lower() or None if "@" in email else None


def any_of(ids: Collection[str], literals: tuple[str, ...]) -> bool:
    """Whether one of the ids is one of the literals."""
    return not frozenset(ids).isdisjoint(literals)


def any_listed(listed: Callable[[str, str], bool], list_name: str, ids: Collection[str]) -> bool:
    """Whether one of the ids stands in the list."""
    return any(listed(list_name, value) for value in ids)


RUNTIME: Mapping[str, Any] = {
    "NAN": math.nan,
    "abs": abs,
    "len": len,
    "divided": divided,
    "floored": floored,
    "remainder": remainder,
    "least": least,
    "greatest": greatest,
    "rounded": rounded,
    "hour": hour,
    "weekday": weekday,
    "lower": lower,
    "domain": domain,
    "any_of": any_of,
    "any_listed": any_listed,
}
"""The names that generated text may use, to be put into the namespace it is compiled in.

Beside them it may use, where the expression asks for it: `to_base` (amount_minor, currency →
amount in the base currency or `None`; needed for `amount_base`), `text_code` (text → code; needed
where a text feature meets a text field) and `listed` (list name, value → bool).
"""
