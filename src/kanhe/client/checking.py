"""Events are checked before they leave, and become the bytes that every attempt sends."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kanhe.client.errors import InvalidEvent
from kanhe.client.event import AnyEvent, AtMs, Event, Id, KnownEvent, Outgoing
from kanhe.client.events import BY_TYPE

MOST_BYTES = 1_048_576
"""No Kanhe can be set to take a larger event (its setting `max_body_bytes`)."""

_TYPE = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z"
_NAMES_OF_ALL = ("type", "id", "at_ms")
_encode = msgspec.json.encode


class _Own(msgspec.Struct):
    """What every event of a shop's own has to have; the rest is between it and its pack."""

    type: Annotated[str, Meta(pattern=_TYPE, min_length=3, max_length=80)]
    id: Id
    at_ms: AtMs


# All of them are made here, at import: msgspec works out what a class takes when the first decoder of
# it is made, and must not do so in two threads at once.
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {
    Event: msgspec.json.Decoder(_Own),
    **{kind: msgspec.json.Decoder(kind) for kind in BY_TYPE.values()},
}


def outgoing(event: AnyEvent, *, judge: bool = False) -> Outgoing:
    """Check an event and make the bytes that are sent; raises `InvalidEvent`, which names the field.

    Values are held against the registry this client was made with; what only Kanhe can tell, such
    as an amount without its currency, it says itself.
    """
    decoder = _DECODERS.get(type(event))
    if decoder is None:
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
        decoder.decode(body)
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


def _in_words(message: str) -> str:
    """`amount_minor: expected int, got str` from msgspec's own words."""
    said, _, where = message.replace("`", "").partition(" - at ")
    said = said[:1].lower() + said[1:]
    return f"{where.removeprefix('$.')}: {said}" if where else said
