"""What `[governor]` of a pack says: how much one rule, and all rules together, may refuse.

Caps are for each tenant and each type of event by itself. Shares are parts in a million, so that
they are compared exactly.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Stop = Literal["deny", "challenge"]
"""The outcomes that are capped."""

RELEASED = "policy:governor:released"
"""The kind of the row by which a person lets go a rule that the governor held."""
STOPS: tuple[Stop, ...] = ("deny", "challenge")
MILLION = 1_000_000
MINUTES_MAX = 60
"""The longest window, in minutes; money is always counted over an hour."""


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """How much is tolerated of one outcome. 0 is no cap."""

    per_minute: int = 0
    """People refused within one minute."""
    share_ppm: int = 0
    """Of the decisions in the window, how many may be refusals of somebody, in millionths."""
    least: int = 50
    """The share says nothing before so many people were refused in the window."""
    money_per_hour_minor: int = 0
    """Refused within an hour, in minor units of the base currency."""


def _for_each() -> dict[Stop, Caps]:
    """Caps of one rule that any shop can live with: shares need no knowledge of its size."""
    return {
        "deny": Caps(share_ppm=100_000, least=50),
        "challenge": Caps(share_ppm=600_000, least=500),
    }


def _for_all() -> dict[Stop, Caps]:
    return {"deny": Caps(share_ppm=250_000, least=100), "challenge": Caps()}


class GovernorTable(msgspec.Struct, frozen=True, kw_only=True):
    """The caps of a pack."""

    window_min: int = 10
    """Over how many minutes shares are taken."""
    cool_min: int = 30
    """For how many minutes a rule must stay within half its caps before it is let go by itself."""
    rollback_within_ms: int = 0
    """How long after a pack went live a tripped cap brings the previous one back; 0: never."""
    rule: dict[Stop, Caps] = msgspec.field(default_factory=_for_each)
    """For each rule by itself."""
    overall: dict[Stop, Caps] = msgspec.field(default_factory=_for_all)
    """For all rules together."""
    rules: dict[str, dict[Stop, Caps]] = {}
    """For single rules, in place of `rule`."""

    def caps(self, rule: str, stop: Stop) -> Caps:
        """The caps of a rule; of all rules together if it is empty."""
        if not rule:
            return self.overall[stop]
        return self.rules.get(rule, self.rule)[stop]


class _Release(msgspec.Struct, gc=False):
    """The body of a row that lets a rule go."""

    class Facts(msgspec.Struct, gc=False):
        """Which rule (`*` for all together), and for how many minutes it has no cap."""

        rule: str
        event_type: str
        outcome: Stop
        minutes: Annotated[str, msgspec.Meta(pattern="^[0-9]{1,6}$")]

    facts: Facts


_release = msgspec.json.Decoder(_Release).decode


def read_release(body: bytes) -> tuple[str, str, Stop, int]:
    """Rule (empty: all together), event type, outcome and minutes of a row of the kind `RELEASED`.

    Raises `msgspec.DecodeError` for a damaged one.
    """
    told = _release(body).facts
    return "" if told.rule == "*" else told.rule, told.event_type, told.outcome, int(told.minutes)
