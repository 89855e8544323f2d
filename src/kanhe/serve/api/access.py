"""Who is calling, what they may do, and how fast: API keys, scopes, token buckets.

A token is looked up once a second and in between known by its hash, so a revoked key stops working
within about a second. A key says which tenant its holder is: nothing in a request can. The console
alone has a pass (`protect.desk_pass`), which names the tenant and the person it asks for.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable

from kanhe.protect.desk_pass import MOST_BYTES as MOST_PASS_BYTES
from kanhe.protect.desk_pass import PREFIX as PASS_PREFIX
from kanhe.protect.desk_pass import DeskDoor
from kanhe.serve.api.answers import Rejected, rejected, retry_after
from kanhe.serve.api.ports import Keys

SCOPES = (
    "decide", "record", "read", "evidence", "lists", "metrics", "policy:read", "policy:propose",
    "policy:approve", "step_up",
)  # fmt: skip
"""`decide` and `record` send events, `read` reads decisions, their receipts and the log, `evidence`
has receipts open the event itself, `lists` shows and changes list entries, `metrics` reads the
metrics; `policy:read` shows policy packs, `policy:propose` leads one of them up to a share of the
traffic, `policy:approve` approves, activates and rolls back; `step_up` asks buyers to show that it is
they, and changes their factors."""

OPEN_TENANT = "default"
"""The tenant of every caller when no keys are required."""

_TRUSTED_S = 1.0
_MOST_CACHED = 10_000
_MOST_KEY_BYTES = 512
_PASS = b"bearer " + PASS_PREFIX.encode()
_CHALLENGE = (b"www-authenticate", b'Bearer realm="kanhe"')


class Bucket:
    """A token bucket: `rate_per_s` events flow in, at most `burst` are kept."""

    __slots__ = ("_burst", "_left", "_monotonic", "_rate", "_seen")

    def __init__(self, rate_per_s: float, burst: float, monotonic: Callable[[], float]) -> None:
        self._rate = rate_per_s
        self._burst = max(1.0, float(burst))
        self._left = self._burst
        self._monotonic = monotonic
        self._seen = monotonic()

    def take(self, events: int = 1) -> float:
        """Take so many events; returns 0.0 when granted, else seconds until they could be.

        More than the burst is granted once the bucket is full, and then owed, so that a large
        group is slowed down rather than refused for ever.
        """
        now = self._monotonic()
        self._left = min(self._burst, self._left + max(0.0, now - self._seen) * self._rate)
        self._seen = now
        needed = min(float(events), self._burst)
        if self._left + 1e-9 >= needed:
            self._left -= events
            return 0.0
        return (needed - self._left) / self._rate


class Caller:
    """One authenticated caller, known without a new look until `trusted_until` (monotonic)."""

    __slots__ = ("bucket", "key_id", "name", "scopes", "staff", "tenant", "trusted_until")

    def __init__(
        self,
        key_id: str,
        tenant: str,
        scopes: frozenset[str],
        bucket: Bucket | None,
        trusted_until: float,
        name: str = "",
        staff: str = "",
    ) -> None:
        self.key_id = key_id
        self.name = name
        self.staff = staff
        self.tenant = tenant
        self.scopes = scopes
        self.bucket = bucket
        self.trusted_until = trusted_until


class Gate:
    """Lets callers in. Without `keys` everybody is the caller of one open tenant, but for whoever
    shows a pass: it must be a good one, and then it is for whom it says."""

    def __init__(
        self,
        keys: Keys | None,
        monotonic: Callable[[], float] = time.monotonic,
        desk: DeskDoor | None = None,
    ) -> None:
        self._keys = keys
        self._monotonic = monotonic
        self._desk = desk or DeskDoor()
        self._open = Caller("open", OPEN_TENANT, frozenset(SCOPES), None, math.inf)
        self._known: dict[bytes, Caller] = {}
        self._buckets: dict[str, tuple[float, int, Bucket]] = {}

    @property
    def is_open(self) -> bool:
        """Whether everybody is let in, because there are no keys."""
        return self._keys is None

    def is_nobody(self, caller: Caller) -> bool:
        """Whether this caller was let in unknown, because there are no keys."""
        return caller is self._open

    def admit(self, authorization: bytes, scope: str) -> Caller:
        """The caller behind an `Authorization` header who may use `scope`.

        Raises a rejection: 401 without a valid token, 403 without the scope.
        """
        if self._keys is None and not _is_pass(authorization):
            caller = self._open
        else:
            caller = self._caller(authorization)
        if scope not in caller.scopes:
            raise rejected(
                "scope-missing",
                "The key may not do this",
                403,
                f"This key lacks the scope {scope!r}; it has: {', '.join(sorted(caller.scopes)) or 'none'}.",
            )
        return caller

    def readmit(self, caller: Caller, authorization: bytes, scope: str) -> Caller:
        """The same as `admit` where it let in `caller` before: looked up again once it is time to."""
        if self._monotonic() < caller.trusted_until:
            return caller
        return self.admit(authorization, scope)

    def spend(self, caller: Caller) -> None:
        """Charge one event to the caller's rate; raises 429 with `Retry-After` when it is used up."""
        if caller.bucket is not None:
            wait_s = caller.bucket.take()
            if wait_s > 0.0:
                raise rejected(
                    "rate-exceeded",
                    "Too many requests",
                    429,
                    f"This key has used up its rate; try again in {wait_s:.3f} s.",
                    retry_after(wait_s),
                )

    def _caller(self, authorization: bytes) -> Caller:
        size = len(authorization)
        # A pass is longer than a key may be; whoever has a key should not be asked about it.
        is_long = size > _MOST_KEY_BYTES and (size > MOST_PASS_BYTES or not _is_pass(authorization))
        if is_long or authorization[:7].lower() != b"bearer ":
            raise _unauthorized("Send the header 'Authorization: Bearer kanhe_…'.")
        token = authorization[7:].strip()
        digest = hashlib.sha256(token).digest()
        known = self._known.get(digest)
        now = self._monotonic()
        if known is not None and now < known.trusted_until:
            return known
        return self._look_up(token, digest, now)

    def _look_up(self, token: bytes, digest: bytes, now: float) -> Caller:
        self._known.pop(digest, None)
        caller = self._of_pass(token, now) or self._of_key(token, now)
        if caller is None:
            raise _unauthorized("The token is unknown, revoked or expired.")
        if len(self._known) >= _MOST_CACHED:
            self._known.clear()
        self._known[digest] = caller
        return caller

    def _of_key(self, token: bytes, now: float) -> Caller | None:
        """The holder of an API key."""
        holder = None if self._keys is None else self._keys.authenticate(token.decode("latin-1"))
        if holder is None:
            return None
        bucket = self._bucket(holder.id, holder.rate_per_s, holder.burst)
        scopes = frozenset(holder.scopes)
        return Caller(holder.id, holder.tenant, scopes, bucket, now + _TRUSTED_S, holder.name)

    def _of_pass(self, token: bytes, now: float) -> Caller | None:
        """Whom the console asks for: what they may do there was decided there."""
        behalf = self._desk.opened_by(token)
        if behalf is None:
            return None
        key_id = f"staff:{behalf.staff}" if behalf.staff else "desk"
        return Caller(
            key_id,
            behalf.tenant,
            frozenset(SCOPES),
            None,
            now + _TRUSTED_S,
            behalf.name,
            behalf.staff,
        )

    def _bucket(self, key_id: str, rate_per_s: float, burst: int) -> Bucket | None:
        """One bucket per key for as long as its limits are the same."""
        if rate_per_s <= 0:
            return None
        kept = self._buckets.get(key_id)
        if kept is None or kept[:2] != (rate_per_s, burst):
            kept = (rate_per_s, burst, Bucket(rate_per_s, burst, self._monotonic))
            self._buckets[key_id] = kept
        return kept[2]


def _is_pass(authorization: bytes) -> bool:
    return authorization[: len(_PASS)].lower() == _PASS


def _unauthorized(detail: str) -> Rejected:
    return rejected("not-authenticated", "No valid API key", 401, detail, _CHALLENGE)
