"""How long, how often, and who waits.

Guesses are bounded twice: five for each step-up, and over time for each user (SP 800-63B-4, section
3.2.2). What is counted over time never shuts a buyer out for good, whoever guesses:

- a device with which this user has passed before counts by itself (as the device cookies of OWASP's
  *Slow down online guessing attacks*), so that no stranger uses up its allowance: after five failures
  in a row waits double from fifteen seconds to fifteen minutes;
- all others share one: after ten failures in a row waits double from a minute to an hour;
- after a hundred, on either, there is one guess a day, until somebody passes or a month has gone by;
- passkeys cannot be guessed, and never wait.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from kanhe.core.errors import KanheError
from kanhe.core.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from kanhe.protect.access.lockout import Allowance, Bucket, Count

ATTEMPTS = 5
"""Of one step-up, or of confirming one factor."""
LIFE_MS = 10 * MINUTE_MS
"""Of a step-up, and of a code that was sent for it."""
REDEEM_MS = 5 * MINUTE_MS
"""How long a confirmation can be redeemed."""
PENDING_MS = 10 * MINUTE_MS
"""How long a new factor can be confirmed."""
UNPROVEN_MS = DAY_MS
"""How long the first factor of an account answers nothing, if nobody vouched for it."""
SENDS = 3
"""Codes for one step-up."""
SEND_PAUSE_MS = 30 * SECOND_MS
MOST_FACTORS = 20
"""Of one user, those that wait to be confirmed included."""
KEPT_MS = DAY_MS
"""How long a step-up is kept after its end, so that a late question gets a true answer."""
FAILURES_KEPT_MS = 31 * DAY_MS
DEVICE_KNOWN_MS = 180 * DAY_MS
"""How long a device is a known one after somebody passed with it."""
CLOCK_BACK_MS = MINUTE_MS
"""How far a clock may be set back before what was made after is worth nothing."""

_KNOWN_DEVICE = Allowance(5, 15 * SECOND_MS, 15 * MINUTE_MS, DAY_MS)
_OTHERS = Allowance(10, MINUTE_MS, HOUR_MS, DAY_MS)
_IN_ALL = Allowance(100, DAY_MS, DAY_MS, 30 * DAY_MS)


NO_FAILURES = Count()


class StepUpWait(KanheError):
    """Too much was tried or asked for; the same may be tried again after `wait_ms`."""

    def __init__(self, wait_ms: int, why: str) -> None:
        super().__init__(why)
        self.wait_ms = wait_ms


class Quota(NamedTuple):
    """At most so many within a trailing window."""

    most: int
    window_ms: int


ASKED_PER_USER = Quota(60, HOUR_MS)
ENROLLED_PER_USER = Quota(20, HOUR_MS)
SENT_PER_USER = Quota(10, HOUR_MS)
SENT_PER_ADDRESS = Quota(10, HOUR_MS)


def buckets_of(key: bytes, tenant: str, user: str, known_device: str) -> tuple[Bucket, ...]:
    """Where a failure of this user counts. `known_device` is one the user has passed with, or empty."""
    if known_device:
        return (
            Bucket(place(key, "device", tenant, user, known_device), _KNOWN_DEVICE, True),
            Bucket(place(key, "all device", tenant, user, known_device), _IN_ALL, True),
        )
    return (
        Bucket(place(key, "others", tenant, user), _OTHERS, True),
        Bucket(place(key, "all others", tenant, user), _IN_ALL, True),
    )


def place(key: bytes, kind: str, *parts: str) -> bytes:
    """Where something is counted: a keyed hash, so that the store names nobody by it."""
    whole = hmac.new(key, kind.encode(), hashlib.sha256)
    for part in parts:
        text = part.encode("utf-8", "surrogatepass")
        whole.update(len(text).to_bytes(8, "big") + text)
    return whole.digest()


def is_alive(created_ms: int, until_ms: int, now_ms: int) -> bool:
    """Whether something made then and good until then is good now. A clock that was set back far
    makes nothing live longer: what seems to be made in the future is worth nothing."""
    return created_ms - CLOCK_BACK_MS <= now_ms < until_ms
