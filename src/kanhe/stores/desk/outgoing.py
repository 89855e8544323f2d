"""What leaves the desk: events for the journal, and news for webhooks and mail.

Both are written in the transaction of what they tell of, so that neither can be without the other.
Whoever delivers sends each event until the journal has it; the event's id makes a second sending
harmless.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import msgspec
from sqlalchemy import Column, Connection, Index, Integer, LargeBinary, Table, Text, insert

from kanhe.core.actor import Actor
from kanhe.stores.desk.schema import METADATA

PLATFORM = "platform"
"""The tenant of what staff do that concerns no tenant by itself, such as changing a role."""

EVENTS = Table(
    "outgoing_events",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_ms", Integer, nullable=False),
    Column("sent_ms", Integer, nullable=False, server_default="0"),
    Column("problem", Text, nullable=False, server_default=""),
    Index("ix_outgoing_events_unsent", "sent_ms", "id"),
)
"""Events of the registry, as JSON. `sent_ms` is 0 until the journal has it; `problem` is why it was
refused for good."""

NEWS = Table(
    "news",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("created_ms", Integer, nullable=False),
)
"""What happened at the desk, as JSON, for those who asked to hear of the topic."""

_encode = msgspec.json.Encoder(order="deterministic").encode


def tell_journal(
    connection: Connection, tenant: str, event: Mapping[str, object], now_ms: int
) -> str:
    """Have an event of the registry sent to the journal; gives its id, made if it has none.

    `event` holds `type` and the fields of that type; `at_ms` is `now_ms` if it is not there.
    """
    event_id = str(event.get("id") or f"desk-{uuid.uuid4()}")
    whole = {"at_ms": now_ms, **event, "id": event_id}
    connection.execute(
        insert(EVENTS).values(
            tenant=tenant, event_id=event_id, body=_encode(whole), created_ms=now_ms
        )
    )
    return event_id


def tell_of(
    connection: Connection,
    actor: Actor,
    action: str,
    resource: str,
    now_ms: int,
    *,
    tenant: str = "",
    **fields: object,
) -> str:
    """Have the journal told that somebody of the staff did something (`staff.action`); gives the id.

    `action` and `resource` are choices of the registry's `staff_action` and `resource`; `fields` are
    other fields of the type, such as `user`, `note`, `ticket`, `subject_event`. `tenant` is that of
    what it was done to, empty for what belongs to none.
    """
    known = {
        "type": "staff.action",
        "staff": actor.staff,
        "staff_action": action,
        "resource": resource,
        "staff_role": " ".join(actor.roles),
        "session": actor.session,
        "ip": actor.ip,
        "device": actor.device,
        "mfa_used": actor.second_factor,
    }
    event = {name: value for name, value in {**known, **fields}.items() if value not in ("", None)}
    return tell_journal(connection, tenant or actor.tenant or PLATFORM, event, now_ms)


def announce(
    connection: Connection, tenant: str, topic: str, payload: Mapping[str, object], now_ms: int
) -> None:
    """Have those told who asked for this topic, such as `case.opened` or `case.mentioned`.

    `payload` is JSON that an outsider may read: no secret, and personal data only as the topic says.
    """
    connection.execute(
        insert(NEWS).values(
            tenant=tenant, topic=topic, payload=_encode(dict(payload)), created_ms=now_ms
        )
    )
