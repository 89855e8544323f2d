"""Who does something at the desk."""

from __future__ import annotations

import msgspec


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff, as they came in: what stands in every record of what they do."""

    staff: str
    """Their id, which stays the same when their name changes."""
    name: str
    tenant: str = ""
    """The only tenant whose records they may see; empty for staff of the whole platform."""
    roles: tuple[str, ...] = ()
    session: str = ""
    """The handle of the session, never its secret."""
    ip: str = ""
    device: str = ""
    second_factor: bool = False
    """Whether a second factor was shown when they signed in."""

    def sees(self, tenant: str) -> bool:
        """Whether records of this tenant are theirs to see."""
        return self.tenant in ("", tenant)
