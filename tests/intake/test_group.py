"""A group of events as columns: what it says is what its arrivals say."""

from __future__ import annotations

from kanhe.core.event import Arrival
from kanhe.judge.intake.group import Events, group_of, types_of
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin

READER = Reader(builtin())
NOW = 1_800_000_000_000
LOGIN = b'{"type":"account.login","id":"a","at_ms":1767225600000,"user":"u1"}'
ORDER = b'{"type":"order.placed","id":"b","at_ms":1767225600001,"order":"o1","user":"u1","amount_minor":100,"currency":"EUR"}'


def arrivals() -> list[Arrival]:
    """Two events of two tenants."""
    return [READER.read("x", LOGIN, NOW), READER.read("y", ORDER, NOW + 1)]


def test_columns_say_what_arrivals_say() -> None:
    """Every arrival comes out as it went in."""
    read = arrivals()
    group = group_of(read)
    assert len(group) == 2
    assert [group.arrival(place) for place in range(2)] == read
    assert list(group.ids) == ["a", "b"] and list(group.types) == ["account.login", "order.placed"]
    assert list(group.times) == [one.event.at_ms for one in read]


def test_events_are_decoded_when_looked_at_and_only_once() -> None:
    """Nothing is decoded for somebody who asks only for the types."""
    read = arrivals()
    asked: list[bytes] = []

    def decode(body: bytes) -> object:
        asked.append(body)
        return next(one.event for one in read if one.body == body)

    bodies = [one.body for one in read]
    events = Events([one.event.type for one in read], bodies, decode, [None, None])  # type: ignore[arg-type]  # as above
    assert types_of(events) == ["account.login", "order.placed"] and not asked
    assert events[1] is events[1] and asked == [bodies[1]]
    assert list(events) == [one.event for one in read]
    assert events[0:2] == [one.event for one in read] and len(asked) == 2
    assert types_of([one.event for one in read]) == types_of(events)
