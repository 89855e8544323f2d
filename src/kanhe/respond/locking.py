"""Who works a case: taken for a while, held as long as they are at it, free again when they left.

A lease is a promise to one person, so that two never work the same case. It runs out by itself:
whoever closes the laptop holds nobody up. The page renews it while it is open. Owning a case and
holding it are two things: the owner keeps the case over night, and somebody else may take it over
once the lease has run out.
"""

from __future__ import annotations

import msgspec

from kanhe.core.time import MINUTE_MS

LEASE_MS = 5 * MINUTE_MS
"""How long a case is held without a sign of life."""
RENEW_EVERY_MS = MINUTE_MS
"""How often the page of a case renews its lease."""


class Lease(msgspec.Struct, frozen=True):
    """Who holds a case, and until when; nobody: an empty name."""

    holder: str = ""
    until_ms: int = 0

    def held_by(self, now_ms: int) -> str:
        """Who holds it at this moment; empty if nobody does."""
        return self.holder if now_ms < self.until_ms else ""

    def free_for(self, staff: str, now_ms: int) -> bool:
        """Whether this person may take it."""
        return self.held_by(now_ms) in ("", staff)

    def renewed(self, staff: str, now_ms: int) -> Lease:
        """Held by this person from now on. Time that goes back never shortens what they were promised."""
        until = now_ms + LEASE_MS
        return Lease(staff, max(until, self.until_ms) if self.holder == staff else until)


FREE = Lease()
"""Held by nobody."""
