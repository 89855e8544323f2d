"""Who does something at the desk."""

from __future__ import annotations

from typing import Literal

import msgspec

Language = Literal["en", "zh_CN"]
Theme = Literal["light", "dark", "system"]


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


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Whose session a request of the console came with, what they may do, and how they like to read."""

    actor: Actor
    permissions: frozenset[str] = frozenset()
    language: Language | None = None
    """`None` until they have chosen: then what their browser asks for."""
    theme: Theme = "system"
    time_zone: str = "UTC"
    """A name of the IANA time zone database."""

    def may(self, permission: str) -> bool:
        """Whether they have this permission."""
        return permission in self.permissions
