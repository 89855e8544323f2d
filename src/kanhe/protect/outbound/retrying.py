"""When an outgoing message is tried again: soon, then ever later, for about a day."""

from __future__ import annotations

from kanhe.core.time import HOUR_MS, MINUTE_MS, SECOND_MS

PAUSES_MS = (
    5 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS, 8 * HOUR_MS,
    10 * HOUR_MS,
)  # fmt: skip
"""After the first, second, … failure. After the last one nothing follows: some 26 hours in all."""
LONGEST_REST_MS = 30 * MINUTE_MS
"""How long a receiver that does not answer is left in peace at most, whoever waits."""
LONGEST_WISH_MS = 2 * HOUR_MS
"""How long a receiver may ask to wait (`Retry-After`)."""
_SPREAD = 0.2


def pause_ms(failures: int, chance: float, wished_ms: int = 0) -> int | None:
    """How long to wait after so many failures, `None` if that was the last attempt.

    `chance` from 0 to 1 spreads it by a fifth either way, so that what failed together does not come
    back together. `wished_ms` is what the receiver asked for.
    """
    if failures > len(PAUSES_MS):
        return None
    pause = PAUSES_MS[max(failures, 1) - 1] * (1 - _SPREAD + 2 * _SPREAD * chance)
    return round(max(pause, min(wished_ms, LONGEST_WISH_MS)))


def rest_ms(failures: int, chance: float, wished_ms: int = 0) -> int:
    """How long a receiver is left in peace after so many failures in a row."""
    pause = pause_ms(min(failures, len(PAUSES_MS)), chance, wished_ms)
    return min(pause or LONGEST_REST_MS, max(LONGEST_REST_MS, min(wished_ms, LONGEST_WISH_MS)))
