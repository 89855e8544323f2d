"""By what the person of an event is known again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

from kanhe.core.event import Event

_SIGNS = ("user", "device", "card", "email", "phone", "session", "staff", "ip")
"""By these a person is known again; if an event has none of them, by those below."""
_OTHERS = ("merchant", "courier", "product", "order", "parcel", "address")
_SHARED = {"ip": 10}
"""How many people such a sign may stand for within a minute: many may share an address of the
network. Any other stands for one."""

Sign = str | int
"""A sign as text; as its code, for as long as a minute lasts whose signs came out of a snapshot."""


class Signs(NamedTuple):
    """The signs of one event."""

    own: dict[Sign, int]
    """Those that stand for one person, and that number."""
    shared: list[tuple[Sign, int]]
    """Those that may stand for more, and for how many."""


class Persons:
    """Reads the signs of events."""

    def __init__(self) -> None:
        self._named: dict[type[Event], _Named] = {}

    def signs_of(self, tenant: str, event: Event) -> Signs:
        """The signs of an event as texts."""
        try:
            named = self._named[type(event)]
        except KeyError:
            named = self._named[type(event)] = _Named(type(event))
        return named.signs_of(tenant, event)


class _Named:
    """Where the signs of a person stand in the events of one type."""

    def __init__(self, event_type: type[Event]) -> None:
        self._first = _reader_of(event_type, _SIGNS)
        self._else = _reader_of(event_type, _OTHERS)

    def signs_of(self, tenant: str, event: Event) -> Signs:
        for kinds, values_of in (self._first, self._else):
            own: dict[Sign, int] = {}
            shared: list[tuple[Sign, int]] = []
            for (kind, most), value in zip(kinds, values_of(event), strict=True):
                if value is None:
                    continue
                if most == 1:
                    own[f"{tenant}{kind}{value}"] = 1
                else:
                    shared.append((f"{tenant}{kind}{value}", most))
            if own or shared:
                return Signs(own, shared)
        return Signs({}, [])


def _reader_of(
    event_type: type[Event], kinds: Sequence[str]
) -> tuple[list[tuple[str, int]], Callable[[Event], Sequence[str | None]]]:
    """Those of the kinds that events of a type can have, and what reads all of them at once."""
    own = [kind for kind in kinds if kind in event_type.__struct_fields__]
    # Of a single name, `attrgetter` does not give a tuple.
    read = attrgetter(*own) if len(own) > 1 else lambda event: [getattr(event, k) for k in own]
    return [(f"\0{kind}\0", _SHARED.get(kind, 1)) for kind in own], read
