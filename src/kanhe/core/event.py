"""What happened: the event as every room sees it."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import msgspec

ENTITY_KINDS = (
    "user", "device", "ip", "card", "email", "phone", "address", "merchant",
    "product", "order", "parcel", "courier", "staff", "session",
)  # fmt: skip
"""The kinds of entity an event can name; each is a field of that name holding the shop's own id."""


class Event(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """The root of every event type; the registry makes one subclass per type.

    A subclass has one attribute per field of its type, `None` where the event left it out. `id` is
    the sender's own and makes a retry harmless; `at_ms` says when it happened (milliseconds since
    1970-01-01 UTC).
    """

    type: ClassVar[str] = ""

    id: str
    at_ms: int


class Arrival(NamedTuple):
    """An event that was read and accepted, with what the reader knows beside its body."""

    tenant: str
    event: Event
    body: bytes
    """The canonical JSON of the event: what is journaled, and what a replay reads again."""
    received_ms: int


class Asked(NamedTuple):
    """One event as somebody sends it, not yet read: who sends it, with which scopes, and whether a decision is wanted."""

    tenant: str
    raw: bytes
    scopes: frozenset[str]
    decide: bool
