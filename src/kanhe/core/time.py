"""Durations as people write them (`10m`, `24h`, `7d`) and the clock port."""

from __future__ import annotations

import re
from collections.abc import Callable

from kanhe.core.errors import KanheError

Clock = Callable[[], int]
"""Returns the time now, in milliseconds since 1970-01-01 UTC."""

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_UNIT_MS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhd])")


class DurationError(KanheError):
    """A duration is not a whole number followed by s, m, h or d."""


def duration_ms(text: str) -> int:
    """Read `90s`, `10m`, `24h` or `7d` as milliseconds; raises `DurationError` for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise DurationError(
            f"not a duration: {text!r}; write a whole number and s, m, h or d, such as 10m or 7d"
        )
    return int(match[1]) * _UNIT_MS[match[2]]
