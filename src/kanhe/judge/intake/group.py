"""A group of events that walk the path together, as columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import overload

from kanhe.core.event import Arrival, Event
from kanhe.judge.intake.cells import Cells

Decode = Callable[[bytes], Event]


class Events(Sequence[Event]):
    """The events of a group, each made from its canonical JSON when somebody looks at it.

    Most events are decided without anybody looking.
    """

    __slots__ = ("_bodies", "_decode", "_made", "types")

    def __init__(
        self,
        types: Sequence[str],
        bodies: Sequence[bytes],
        decode: Decode,
        made: list[Event | None],
    ) -> None:
        self.types = types
        """The type of each event."""
        self._bodies = bodies
        self._decode = decode
        self._made = made

    def __len__(self) -> int:
        return len(self._made)

    def only(self, numbers: Sequence[int]) -> Events:
        """Those with these numbers; what nobody has looked at is not decoded."""
        return Events(
            [self.types[n] for n in numbers],
            [self._bodies[n] for n in numbers],
            self._decode,
            [self._made[n] for n in numbers],
        )

    @overload
    def __getitem__(self, place: int) -> Event: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Event]: ...
    def __getitem__(self, place: int | slice) -> Event | Sequence[Event]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        event = self._made[place]
        if event is None:
            event = self._made[place] = self._decode(self._bodies[place])
        return event

    def __iter__(self) -> Iterator[Event]:
        for place in range(len(self._made)):
            yield self[place]


def types_of(events: Sequence[Event]) -> Sequence[str]:
    """The type of each event, without making events that nobody has looked at yet."""
    return events.types if isinstance(events, Events) else [event.type for event in events]


class Group:
    """Events that were read and accepted, in their order.

    `rows` has for each event its row in `cells`, -1 if it has none; without `cells` no event has.
    """

    __slots__ = (
        "bodies", "cells", "events", "ids", "places", "received_ms", "rows", "tenants", "times", "types",
    )  # fmt: skip

    def __init__(
        self,
        tenants: Sequence[str],
        ids: Sequence[str],
        types: Sequence[str],
        times: Sequence[int],
        bodies: Sequence[bytes],
        received_ms: Sequence[int],
        events: Sequence[Event],
        places: Sequence[int],
        cells: Cells | None = None,
        rows: Sequence[int] = (),
    ) -> None:
        self.tenants = tenants
        self.ids = ids
        self.types = types
        self.times = times
        """`at_ms` of each event."""
        self.bodies = bodies
        """The canonical JSON of each event."""
        self.received_ms = received_ms
        self.events = events
        self.places = places
        """The place of each event among those that were asked for."""
        self.cells = cells
        self.rows = rows

    def __len__(self) -> int:
        return len(self.ids)

    def arrival(self, place: int) -> Arrival:
        """One event of the group by itself."""
        return Arrival(
            self.tenants[place], self.events[place], self.bodies[place], self.received_ms[place]
        )

    def only(self, numbers: Sequence[int]) -> Group:
        """Those of its events that have these numbers, as a group of their own."""
        events = self.events
        return Group(
            [self.tenants[n] for n in numbers],
            [self.ids[n] for n in numbers],
            [self.types[n] for n in numbers],
            [self.times[n] for n in numbers],
            [self.bodies[n] for n in numbers],
            [self.received_ms[n] for n in numbers],
            events.only(numbers) if isinstance(events, Events) else [events[n] for n in numbers],
            [self.places[n] for n in numbers],
            self.cells,
            [self.rows[n] for n in numbers] if self.cells else (),
        )


def group_of(arrivals: Sequence[Arrival], places: Sequence[int] | None = None) -> Group:
    """A group of events that were read one by one; `places` says where each stood among those asked."""
    events = [arrival.event for arrival in arrivals]
    return Group(
        [arrival.tenant for arrival in arrivals],
        [event.id for event in events],
        [event.type for event in events],
        [event.at_ms for event in events],
        [arrival.body for arrival in arrivals],
        [arrival.received_ms for arrival in arrivals],
        events,
        range(len(arrivals)) if places is None else places,
    )
