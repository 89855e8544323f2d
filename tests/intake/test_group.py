"""A group of events as columns: what it says is what its arrivals say."""

from __future__ import annotations

from kanhe.core.errors import Problem, Refusal
from kanhe.core.event import Arrival, Asked
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


def test_a_group_is_read_like_its_events_one_by_one() -> None:
    """What is refused is told with its place, and what is accepted knows the place it came from."""
    raws = [LOGIN, b"{", ORDER, b'{"id":"x"}']
    asked = [Asked("x", raw, frozenset({"decide"}), True) for raw in raws]
    group, refused = READER.read_group(asked, NOW)
    assert list(group.places) == [0, 2]
    assert [group.arrival(n) for n in range(2)] == [READER.read("x", raw, NOW) for raw in raws[::2]]
    assert [(place, refusal.problem) for place, refusal in refused] == [
        (place, problem_of(raws[place])) for place in (1, 3)
    ]


def problem_of(raw: bytes) -> Problem:
    """Why one event is refused."""
    try:
        READER.read("x", raw, NOW)
    except Refusal as refusal:
        return refusal.problem
    raise AssertionError(raw)


def test_a_part_of_a_group_keeps_its_places() -> None:
    """The events with these numbers, and nothing of the others."""
    part = group_of(arrivals(), [3, 5]).only([1])
    assert len(part) == 1 and part.arrival(0) == arrivals()[1] and list(part.places) == [5]
