"""What every event of the client is: an id, a time, and JSON that was checked before it left."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from kanhe.client.errors import InvalidEvent

MOST_BYTES = 1_048_576
"""No Kanhe can be set to take a larger event (its setting `max_body_bytes`)."""

_TYPE = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z"
Id = Annotated[str, Meta(min_length=1, max_length=128)]
AtMs = Annotated[int, Meta(ge=946_684_800_000, le=253_402_300_799_999)]

_NAMES_OF_ALL = ("type", "id", "at_ms")
_encode = msgspec.json.encode


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


class _Own(msgspec.Struct):
    """What every event of a shop's own has to have; the rest is between it and its pack."""

    type: Annotated[str, Meta(pattern=_TYPE, min_length=3, max_length=80)]
    id: Id
    at_ms: AtMs


AnyEvent = KnownEvent | Event
"""What can be sent."""


def outgoing(event: AnyEvent, *, judge: bool = False) -> Outgoing:
    """Check an event and make the bytes that are sent; raises `InvalidEvent`, which names the field.

    Values are held against the registry this client was made with; what only Kanhe can tell, such
    as an amount without its currency, it says itself.
    """
    given: object = event
    if not isinstance(given, KnownEvent | Event) or type(given) is KnownEvent:
        raise InvalidEvent(
            f"expected an event such as events.PaymentAttempted(…), got {type(event).__name__}"
        )
    kind = type_of(event)
    try:
        body = _encode(event) if isinstance(event, KnownEvent) else _encode(_flat(event))
    except (TypeError, UnicodeEncodeError, RecursionError, OverflowError) as error:
        raise InvalidEvent(f"{kind}: this cannot be written as JSON: {error}") from None
    if len(body) > MOST_BYTES:
        raise InvalidEvent(f"{kind}: {len(body)} bytes; an event is at most 64 KiB of JSON")
    try:
        _decoder(type(event) if isinstance(event, KnownEvent) else _Own).decode(body)
    except msgspec.ValidationError as error:
        raise InvalidEvent(f"{kind}: {_in_words(str(error))}") from None
    return Outgoing(event.id, kind, body, judge)


def type_of(event: AnyEvent) -> str:
    """The name of the event's type, such as `payment.attempted`."""
    return event.type if isinstance(event, Event) else str(event.__struct_config__.tag)


def _flat(event: Event) -> dict[str, Any]:
    """The one object that is sent for an event of the shop's own."""
    for name in event.fields:
        if name in _NAMES_OF_ALL:
            raise InvalidEvent(f"{event.type}: {name} stands beside fields, not in them")
    return {"type": event.type, "id": event.id, "at_ms": event.at_ms, **event.fields}


@cache
def _decoder(kind: type[KnownEvent | _Own]) -> msgspec.json.Decoder[KnownEvent | _Own]:
    return msgspec.json.Decoder(kind)


def _in_words(message: str) -> str:
    """`amount_minor: expected int, got str` from msgspec's own words."""
    said, _, where = message.replace("`", "").partition(" - at ")
    said = said[:1].lower() + said[1:]
    return f"{where.removeprefix('$.')}: {said}" if where else said
