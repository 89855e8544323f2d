"""Promises of the reader for any bytes at all."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kanhe.core.errors import Refusal
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin
from tests.intake.events import NOW_MS, SCOPES, escaped, spelled, valid_events

READER = Reader(builtin())
EXACT = READER._read_exactly

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def _outcome(read: Any, raw: bytes) -> Any:
    """The arrival, or the problem it was refused with; anything else raised fails the test."""
    try:
        return read("shop", raw, NOW_MS, SCOPES)
    except Refusal as refused:
        return refused.problem


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(raw: bytes) -> None:
    """No bytes make the reader fail otherwise than by a refusal."""
    assert not isinstance(_outcome(READER.read, raw), tuple)


@given(st.data())
def test_valid_events_are_accepted_however_they_are_spelled(data: st.DataObject) -> None:
    """Every valid event arrives unchanged; fast and exact path agree; the body is a fixed point."""
    event = data.draw(valid_events())
    arrival = READER.read("shop", data.draw(spelled(event)), NOW_MS, SCOPES)
    assert json.loads(arrival.body) == event
    assert EXACT("shop", json.dumps(event).encode(), NOW_MS, SCOPES) == arrival
    assert READER.read("shop", arrival.body, NOW_MS, SCOPES) == arrival
    assert READER.reread("shop", arrival.body, NOW_MS) == arrival


@settings(max_examples=300)
@given(st.data())
def test_both_paths_agree_on_damaged_events(data: st.DataObject) -> None:
    """An event with a field changed to anything gets the same answer from the fast and exact path."""
    event = data.draw(valid_events())
    specs = builtin().fields_of(event["type"])
    names = st.sampled_from([*event, *specs]) | st.text(max_size=8)
    for name in data.draw(st.lists(names, min_size=1, max_size=2)):
        event[name] = data.draw(ANYTHING)
    raw = data.draw(spelled(event))
    assert _outcome(READER.read, raw) == _outcome(EXACT, raw)


@given(st.data())
def test_damaged_bytes_get_one_answer(data: st.DataObject) -> None:
    """Bytes flipped, cut out or put in are refused, or accepted alike by both paths."""
    raw = bytearray(data.draw(spelled(data.draw(valid_events()))))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        piece = data.draw(st.binary(max_size=2) | st.sampled_from([b'"', b":", b"\\", b",", b"e9"]))
        raw[at : at + data.draw(st.integers(0, 2))] = piece
    assert _outcome(READER.read, bytes(raw)) == _outcome(EXACT, bytes(raw))


@given(st.data())
def test_events_cut_short_are_refused(data: st.DataObject) -> None:
    """No part of an event from its beginning is taken for a whole one."""
    raw = data.draw(spelled(data.draw(valid_events()))).rstrip()
    cut = raw[: data.draw(st.integers(0, len(raw) - 1))]
    assert not isinstance(_outcome(READER.read, cut), tuple)


@settings(max_examples=200)
@given(st.data())
def test_no_name_may_stand_twice(data: st.DataObject) -> None:
    """A member repeated anywhere, with any value and any escape of its name, refuses the event."""
    event = data.draw(valid_events())
    name = data.draw(st.sampled_from(sorted(event)))
    value = data.draw(st.just(event[name]) | st.none() | st.text(max_size=9) | st.just(1e-5))
    spelling = data.draw(st.sampled_from([json.dumps(name), escaped(name), f"{json.dumps(name)} "]))
    separators = data.draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    members = [
        json.dumps(k) + separators[1] + json.dumps(v, ensure_ascii=data.draw(st.booleans()))
        for k, v in event.items()
    ]
    at = data.draw(st.integers(0, len(members)))
    members.insert(at, f"{spelling}{separators[1]}{json.dumps(value)}")
    raw = ("{" + separators[0].join(members) + "}").encode()
    problem = _outcome(READER.read, raw)
    assert not isinstance(problem, tuple)
    assert problem.type == "/problems/duplicate-key"


@given(st.lists(st.tuples(st.floats(-90, 90), st.sampled_from("eEf.0")), min_size=1, max_size=1))
def test_places_are_kept_to_the_bit(drawn: list[tuple[float, str]]) -> None:
    """A latitude comes back from the canonical body as the same number."""
    lat = drawn[0][0]
    assume(lat == lat)
    event = {"id": "1", "type": "account.login", "at_ms": NOW_MS, "user": "u", "lat": lat}
    arrival = READER.read("shop", json.dumps(event).encode(), NOW_MS)
    again = READER.reread("shop", arrival.body, NOW_MS)
    assert again.event.lat.hex() == lat.hex()  # type: ignore[attr-defined]  # made from the registry
