"""What every event of the client is: an id, a time, and what it says."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

Id = Annotated[str, Meta(min_length=1, max_length=128)]
AtMs = Annotated[int, Meta(ge=946_684_800_000, le=253_402_300_799_999)]


def fresh_id() -> str:
    """An id that no other event has: 32 hex digits of chance (RFC 9562, version 4)."""
    return uuid.uuid4().hex


def now_ms() -> int:
    """The time of this machine, in milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


class Outgoing(NamedTuple):
    """One event on its way: what was checked, and the bytes that every attempt sends."""

    event_id: str
    type: str
    body: bytes
    judge: bool = False
    """Whether Kanhe is to judge it, or only to take note of it, when it arrives from the queue."""


class KnownEvent(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="type",
):
    """The root of the generated classes, one per type of Kanhe's registry.

    `id` is the sender's own and names the event once and for all: whoever sends it again gets the
    first answer, and nothing counts twice. Left out, it is fresh, so that a second attempt of a
    buyer is a second event. `at_ms` is when it happened; left out, it is now.
    """

    id: Id = msgspec.field(default_factory=fresh_id)
    at_ms: AtMs = msgspec.field(default_factory=now_ms)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a type, or with fields, that a shop's own policy pack declares.

    `fields` stand beside `type`, `id` and `at_ms` in one flat object. Kanhe alone knows whether
    they fit the type.
    """

    type: str
    fields: Mapping[str, Any] = msgspec.field(default_factory=dict)
    id: str = msgspec.field(default_factory=fresh_id)
    at_ms: int = msgspec.field(default_factory=now_ms)


AnyEvent = KnownEvent | Event
"""What can be sent."""
