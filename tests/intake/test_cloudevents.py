"""CloudEvents 1.0 in structured JSON mode."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from kanhe.core.errors import Problem, Refusal
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin
from tests.intake.events import NOW_MS

READER = Reader(builtin())
ENVELOPE: dict[str, Any] = {
    "specversion": "1.0", "id": "ce-1", "source": "/shop/eu", "type": "account.login",
    "time": "2026-01-01T00:00:00Z", "datacontenttype": "application/json",
    "data": {"user": "u1", "ip": "203.0.113.7", "mfa_used": True},
}  # fmt: skip
MIDNIGHT_MS = 1_767_225_600_000


def _raw(**changed: Any) -> bytes:
    return json.dumps({k: v for k, v in {**ENVELOPE, **changed}.items() if v is not ...}).encode()


def _problem(**changed: Any) -> Problem:
    with pytest.raises(Refusal) as caught:
        READER.read("shop", _raw(**changed), NOW_MS)
    return caught.value.problem


def test_the_envelope_is_taken_off() -> None:
    """The event is the same as if it had been sent flat, and so is its canonical body."""
    flat = {"type": "account.login", "id": "ce-1", "at_ms": MIDNIGHT_MS, **ENVELOPE["data"]}
    arrival = READER.read("shop", _raw(), NOW_MS)
    assert arrival == READER.read("shop", json.dumps(flat).encode(), NOW_MS)
    assert json.loads(arrival.body) == flat


@pytest.mark.parametrize(
    ("time", "ms"),
    [
        ("2026-01-01T00:00:00.1Z", 100),
        ("2026-01-01T00:00:00.123999999Z", 123),
        ("2026-01-01t08:00:00+08:00", 0),
        ("2025-12-31T19:00:00.5-05:00", 500),
        ("2025-12-31T23:59:60Z", 0),
        ("2026-01-01T00:00:00-00:00", 0),
    ],
)
def test_times_are_read_as_rfc_3339(time: str, ms: int) -> None:
    """Offsets, fractions and leap seconds give the millisecond they mean."""
    assert READER.read("shop", _raw(time=time), NOW_MS).event.at_ms == MIDNIGHT_MS + ms


@pytest.mark.parametrize(
    "time",
    ["2026-01-01", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", 1767225600,
     "2026-01-01T24:00:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00+24:00", "now", "",
     "0001-01-01T00:00:00+01:00", "２０２６-01-01T00:00:00Z", "2026-01-01T00:00:00+08:60"],
)  # fmt: skip
def test_other_times_are_refused(time: object) -> None:
    """A time that is not RFC 3339, or does not exist, is refused by name."""
    problem = _problem(time=time)
    assert problem.errors[0].field == "time"
    assert problem.type == "/problems/wrong-value"


@pytest.mark.parametrize(
    ("slug", "field", "changed"),
    [
        ("wrong-value", "specversion", {"specversion": "0.3"}),
        ("missing-field", "id", {"id": ...}),
        ("missing-field", "source", {"source": None}),
        ("missing-field", "type", {"type": ...}),
        ("unknown-type", "type", {"type": "com.example.login"}),
        ("wrong-value", "source", {"source": ""}),
        ("wrong-value", "subject", {"subject": 5}),
        ("wrong-value", "datacontenttype", {"datacontenttype": "text/xml"}),
        ("unknown-field", "user", {"user": "u1"}),
        ("unknown-field", "myextension", {"myextension": "x"}),
        ("wrong-type", "data", {"data": "text"}),
        ("wrong-type", "data", {"data": [1]}),
        ("wrong-value", "data_base64", {"data_base64": "e30="}),
        ("wrong-value", "data_base64", {"data": ..., "data_base64": "!"}),
        ("wrong-value", "data_base64", {"data": ..., "data_base64": "é"}),
        ("wrong-value", "data_base64", {"data": ..., "data_base64": 7}),
        ("not-json", "", {"data": ..., "data_base64": "e30"[:2] + "=="}),
        ("wrong-value", "data.id", {"data": {"id": "other", "user": "u1"}}),
        ("wrong-value", "data.at_ms", {"data": {"at_ms": 5, "user": "u1"}}),
        ("missing-field", "at_ms", {"time": ...}),
        ("missing-field", "user", {"data": {}}),
        ("missing-field", "user", {"data": ...}),
        ("unknown-field", "colour", {"data": {"user": "u1", "colour": "red"}}),
        ("wrong-tenant", "tenant", {"data": {"user": "u1", "tenant": "other"}}),
        ("unknown-field", "specversion", {"data": {"user": "u1", "specversion": "1.0"}}),
        ("future-event", "at_ms", {"time": "2030-01-01T00:00:00Z"}),
        ("wrong-type", "id", {"id": 7}),
    ],
)
def test_each_mistake_in_an_envelope_is_named(
    slug: str, field: str, changed: dict[str, Any]
) -> None:
    """What the standard does not allow, or the event does not hold, is refused by name."""
    problem = _problem(**changed)
    assert problem.type == f"/problems/{slug}"
    assert problem.errors[0].field == field


def test_data_may_come_as_base64() -> None:
    """Base64 of the same object gives the same event."""
    encoded = base64.b64encode(json.dumps(ENVELOPE["data"]).encode()).decode()
    assert READER.read("shop", _raw(data=..., data_base64=encoded), NOW_MS) == READER.read(
        "shop", _raw(), NOW_MS
    )


def test_duplicates_inside_data_are_refused() -> None:
    """A name that stands twice is refused at any depth, also behind base64."""
    twice = b'{"user":"u1","\\u0075ser":"u2"}'
    plain = _raw(data=...)[:-1] + b', "data": ' + twice + b"}"
    hidden = _raw(data=..., data_base64=base64.b64encode(twice).decode())
    for raw in (plain, hidden):
        with pytest.raises(Refusal) as caught:
            READER.read("shop", raw, NOW_MS)
        assert caught.value.problem.type == "/problems/duplicate-key"


def test_traces_travel_along() -> None:
    """Attributes about the message's way are accepted, and are no part of the event."""
    arrival = READER.read("shop", _raw(traceparent="00-abc-def-01", partitionkey="u1"), NOW_MS)
    assert arrival == READER.read("shop", _raw(), NOW_MS)


def test_data_may_repeat_the_envelope() -> None:
    """Where data holds id, type and time as well, they only have to agree."""
    same = {"id": "ce-1", "type": "account.login", "at_ms": MIDNIGHT_MS, **ENVELOPE["data"]}
    assert READER.read("shop", _raw(data=same), NOW_MS) == READER.read("shop", _raw(), NOW_MS)
    assert READER.read("shop", _raw(data=same, time=...), NOW_MS).event.at_ms == MIDNIGHT_MS
