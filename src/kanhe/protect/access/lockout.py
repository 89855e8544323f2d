"""Slowing down those who guess, without letting them lock anybody out.

Failures are counted where they come from, never for an account alone:

- for (account, known device): a browser in which this account has signed in before holds a cookie that
  says so, and has an allowance that nobody else can use up (OWASP, *Slow down online guessing attacks
  with device cookies*);
- for (account, network): whoever comes without such a cookie shares with their neighbours of the same
  network (IPv4 /24, IPv6 /48), so that guessing one account from one place soon becomes slow;
- for the network alone: trying one password on many accounts becomes slow as well;
- for an account from everywhere that is not a known device: a hundred failures (SP 800-63B-4, 3.2.2),
  then new browsers have to wait, whatever network they come from.

A known device waits for nothing but its own failures. Passkeys cannot be guessed and never wait. A
wait is told to whoever must wait, whether the account exists or not.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kanhe.core.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS


class Allowance(NamedTuple):
    """How many failures are free, and how waiting grows behind them."""

    free: int
    first_wait_ms: int
    longest_wait_ms: int
    forget_ms: int
    """After so long without a failure, all is forgotten."""


KNOWN_DEVICE = Allowance(5, 15 * SECOND_MS, 15 * MINUTE_MS, DAY_MS)
ACCOUNT_AND_NETWORK = Allowance(5, 30 * SECOND_MS, HOUR_MS, DAY_MS)
NETWORK = Allowance(50, 30 * SECOND_MS, 15 * MINUTE_MS, HOUR_MS)
NEW_BROWSERS = Allowance(100, MINUTE_MS, HOUR_MS, DAY_MS)


class Count(NamedTuple):
    """Failures in a row, and when the last one was."""

    failures: int = 0
    last_ms: int = 0


class Bucket(NamedTuple):
    """One place where failures are counted."""

    key: bytes
    """A keyed hash: the store tells nobody which account or address was tried."""
    allowance: Allowance
    forgiven: bool
    """Whether a success empties it. What many share is not emptied by one of them: somebody who has an
    account could guess others' for ever."""


def buckets_of(key: bytes, account: str, ip: str, device: str) -> tuple[Bucket, ...]:
    """Where an attempt counts. `device` is the handle of a device known *for this account*, or empty."""
    if device:
        return (Bucket(_key(key, "device", account, device), KNOWN_DEVICE, True),)
    network = network_of(ip)
    return (
        Bucket(_key(key, "place", account, network), ACCOUNT_AND_NETWORK, True),
        Bucket(_key(key, "network", network), NETWORK, False),
        Bucket(_key(key, "account", account), NEW_BROWSERS, False),
    )


def wait_ms(buckets: Iterable[Bucket], counts: Mapping[bytes, Count], now_ms: int) -> int:
    """How long this attempt has to wait; 0 if it may be made now."""
    return max(
        (_wait(bucket.allowance, counts.get(bucket.key, Count()), now_ms) for bucket in buckets),
        default=0,
    )


def after_failure(bucket: Bucket, count: Count, now_ms: int) -> Count:
    """The count with one failure more."""
    kept = 0 if _is_forgotten(bucket.allowance, count, now_ms) else count.failures
    # A clock that was set back must not shorten a wait.
    return Count(kept + 1, max(now_ms, count.last_ms) if kept else now_ms)


def network_of(ip: str) -> str:
    """The network an address belongs to: /24 of IPv4, /48 of IPv6; the text itself if it is neither."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip[:64]
    mapped = getattr(address, "ipv4_mapped", None)
    found = mapped or address
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))


def _is_forgotten(allowance: Allowance, count: Count, now_ms: int) -> bool:
    return now_ms - count.last_ms >= allowance.forget_ms


def _wait(allowance: Allowance, count: Count, now_ms: int) -> int:
    over = count.failures - allowance.free
    if over < 0 or _is_forgotten(allowance, count, now_ms):
        return 0
    # Doubling: 2**20 is beyond the longest wait of every allowance.
    whole = min(allowance.first_wait_ms << min(over, 20), allowance.longest_wait_ms)
    return max(0, whole - max(0, now_ms - count.last_ms))


def _key(key: bytes, kind: str, *parts: str) -> bytes:
    text = "\0".join((kind, *parts)).encode("utf-8", "surrogatepass")
    return hmac.digest(key, text, hashlib.sha256)
