"""The diary of a simulated shop: events are written down in any order and read in order of time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from kanhe.core.time import DAY_MS

Role = Literal["buyer", "merchant", "courier", "staff", "platform", "attacker"]


class Mark(NamedTuple):
    """The truth about who is behind an event."""

    campaign: str | None
    """The name of the attack campaign it is part of; `None` for everything honest."""
    role: Role
    actor: str
    """Who acted: the account of an honest buyer, or the attacker's name in the ground truth."""


class SimulatedEvent(NamedTuple):
    """One event of the simulated shop, with the ground truth beside it, never in it."""

    at_ms: int
    body: bytes
    """Flat JSON, as a shop would send it."""
    campaign: str | None
    role: Role
    actor: str

    @property
    def honest_user(self) -> bool:
        """Whether an honest buyer did this."""
        return self.role == "buyer" and self.campaign is None


PLATFORM = Mark(None, "platform", "platform")
"""Banks, support and the platform itself telling later what turned out to be true."""

Body = dict[str, Any]


class Diary:
    """Events by day. What lies after the end is not kept, as the shop has not lived it yet."""

    def __init__(self) -> None:
        self._days: dict[int, list[tuple[int, int, bytes, Mark]]] = {}
        self._encode = msgspec.json.Encoder().encode
        self.written = 0
        self._read_until = -(10**18)

    def write(self, at_ms: float, mark: Mark, body: Body) -> str:
        """Write an event down and return its id. The body is taken over and gets `id` and `at_ms`."""
        at = int(at_ms)
        # Nobody can act in a past that was already told: such an event happens now instead.
        if at < self._read_until:
            at = self._read_until
        self.written = number = self.written + 1
        name = body["id"] = f"ev-{number}"
        body["at_ms"] = at
        day = self._days.get(at // DAY_MS)
        if day is None:
            day = self._days[at // DAY_MS] = []
        day.append((at, number, self._encode(body), mark))
        return name

    def read(self, until_ms: int) -> Iterator[SimulatedEvent]:
        """Take out every event of the days before `until_ms`, a midnight UTC, in order of time."""
        for day in sorted(day for day in self._days if day < until_ms // DAY_MS):
            for at, _, body, mark in sorted(self._days.pop(day)):
                yield SimulatedEvent(at, body, mark.campaign, mark.role, mark.actor)
        self._read_until = until_ms
