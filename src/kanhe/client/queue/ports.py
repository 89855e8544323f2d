"""The queue as the rest of the client sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from kanhe.client.event import Outgoing


class QueueBroken(Exception):
    """The queue cannot be read or written: a full disk, a file that is something else."""


class Waiting(NamedTuple):
    """One event in the queue."""

    number: int
    """Grows with each event; those with smaller numbers are sent first."""
    event_id: str
    body: bytes
    judge: bool
    faults: int
    """How often Kanhe failed on this event alone."""


class RefusedEvent(NamedTuple):
    """One event that Kanhe refused for good, kept apart so that somebody can look at it."""

    number: int
    event_id: str
    type: str
    body: bytes
    refused_ms: int
    problem: str
    """The kind of problem, such as `/problems/unknown-field`."""
    detail: str


class Refusing(NamedTuple):
    """What to note of an event that was refused."""

    number: int
    problem: str
    detail: str


class Queue(Protocol):
    """Events in the order in which they came. Safe to share between threads.

    An event is in it from the return of `put` until `settle` names it, and never twice under one id.
    Everything raises `QueueBroken` if it cannot be done.
    """

    def put(self, event: Outgoing) -> bool:
        """Keep an event; False if the queue is full. One that waits already is kept once."""

    def head(self, most: int, most_bytes: int) -> list[Waiting]:
        """The first events, at most so many and so many bytes, but at least one if there is one; all of
        them to be judged, or none."""

    def settle(self, taken: Sequence[int], refused: Sequence[Refusing]) -> int:
        """Let go of what Kanhe has, and keep apart what it refused: both at once, or neither.

        Returns how many of the refused kept apart earlier had to go to make room.
        """

    def blame(self, number: int) -> None:
        """Count one more failure of Kanhe on this event."""

    def waiting(self) -> int:
        """How many events wait."""

    def ends(self) -> tuple[int, int]:
        """The numbers of the first and the last event that wait; (0, 0) if none does."""

    def refused(self, most: int) -> list[RefusedEvent]:
        """The events kept apart, oldest first."""

    def refused_count(self) -> int:
        """How many events are kept apart."""

    def forgive(self, numbers: Iterable[int] | None) -> int:
        """Put refused events (None: all) back into the queue; returns how many."""

    def claim(self) -> bool:
        """Whether the caller may send now; nobody else can until `release`."""

    def release(self) -> None:
        """End a claim. Does nothing without one."""

    def tend(self) -> None:
        """Do what is due beside the events; called about once a second."""

    def before_fork(self) -> None:
        """Stand still and hold nothing open; the process is about to be split in two."""

    def after_fork(self, *, child: bool) -> None:
        """Go on, on either side."""

    def close(self) -> None:
        """Let go of everything. What waits in a file stays there."""
