"""What casework asks about the people who work here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from kanhe.core.actor import Actor


class Colleague(msgspec.Struct, frozen=True):
    """Somebody who works on cases."""

    staff: str
    name: str
    email: str = ""
    tenant: str = ""

    def sees(self, tenant: str) -> bool:
        """Whether cases of this tenant are theirs to see."""
        return self.tenant in ("", tenant)


class People(Protocol):
    """Who works here, and what they may."""

    def colleagues(self, tenant: str) -> Sequence[Colleague]:
        """Those who may be given cases of this tenant; of all tenants where it is empty."""

    def may_assign(self, actor: Actor) -> bool:
        """Whether they may hand over what is another's (`cases.assign`)."""


class Nobody:
    """No staff is known: nobody can be mentioned or given a case. For a desk without accounts."""

    def colleagues(self, tenant: str) -> Sequence[Colleague]:
        """Nobody."""
        return ()

    def may_assign(self, actor: Actor) -> bool:
        """By role, as they came in."""
        return "security_manager" in actor.roles
