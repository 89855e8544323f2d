"""What leaves the desk: events for the journal, and news for webhooks and mail.

Both are written in the transaction of what they tell of, so that neither can be without the other.
Whoever delivers sends each event until the journal has it; the event's id makes a second sending
harmless.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

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
    Index("ix_outgoing_events_event_id", "event_id"),
)
"""Events of the registry, as JSON. `sent_ms` is 0 until the journal has it, or has refused it for
good; then `problem` says why."""

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


# For whoever delivers


class Waiting(NamedTuple):
    """An event that the journal does not have yet."""

    id: int
    tenant: str
    event_id: str
    body: bytes


class Undelivered(NamedTuple):
    """An event that was refused for good."""

    id: int
    tenant: str
    event_id: str
    body: bytes
    created_ms: int
    refused_ms: int
    problem: str


def waiting(connection: Connection, most: int) -> list[Waiting]:
    """The oldest events that wait, in the order in which they were written."""
    chosen = select(EVENTS.c.id, EVENTS.c.tenant, EVENTS.c.event_id, EVENTS.c.body)
    chosen = chosen.where(EVENTS.c.sent_ms == 0).order_by(EVENTS.c.id).limit(most)
    return [Waiting(*row) for row in connection.execute(chosen)]


def mark(connection: Connection, ids: Iterable[int], now_ms: int) -> None:
    """The journal has these."""
    _settle(connection, ((one, "") for one in ids), now_ms)


def mark_refused(connection: Connection, event: int, problem: str, now_ms: int) -> None:
    """The journal will not have this one, and why."""
    _settle(connection, [(event, problem or "refused without a reason")], now_ms)


def _settle(connection: Connection, settled: Iterable[tuple[int, str]], now_ms: int) -> None:
    rows = [{"event": event, "why": why, "at": max(now_ms, 1)} for event, why in settled]
    if rows:
        statement = update(EVENTS).where(EVENTS.c.id == bindparam("event"))
        connection.execute(
            statement.values(sent_ms=bindparam("at"), problem=bindparam("why")), rows
        )


def undelivered(
    connection: Connection, tenant: str | None = None, most: int = 200
) -> list[Undelivered]:
    """What was refused for good, the latest first; of one tenant if asked."""
    columns = (EVENTS.c.id, EVENTS.c.tenant, EVENTS.c.event_id, EVENTS.c.body, EVENTS.c.created_ms)
    chosen = select(*columns, EVENTS.c.sent_ms, EVENTS.c.problem)
    chosen = chosen.where(EVENTS.c.sent_ms > 0, EVENTS.c.problem != "")
    if tenant is not None:
        chosen = chosen.where(EVENTS.c.tenant == tenant)
    found = connection.execute(chosen.order_by(EVENTS.c.id.desc()).limit(most))
    return [Undelivered(*row) for row in found]


def send_again(connection: Connection, event: int, tenant: str | None = None) -> bool:
    """Have a refused event tried once more; False if there is none such."""
    statement = update(EVENTS).where(EVENTS.c.id == event, EVENTS.c.problem != "")
    if tenant is not None:
        statement = statement.where(EVENTS.c.tenant == tenant)
    return connection.execute(statement.values(sent_ms=0, problem="")).rowcount > 0


def backlog(connection: Connection) -> tuple[int, int]:
    """How many events wait, and since when the oldest does (0 if none)."""
    chosen = select(func.count(), func.min(EVENTS.c.created_ms)).where(EVENTS.c.sent_ms == 0)
    count, oldest = connection.execute(chosen).one()
    return count, oldest or 0


def trim(connection: Connection, before_ms: int, most: int) -> int:
    """Forget events that the journal had before then, at most so many; gives how many.

    What was refused stays until somebody has sent it again.
    """
    old = select(EVENTS.c.id).where(
        EVENTS.c.sent_ms > 0, EVENTS.c.sent_ms < before_ms, EVENTS.c.problem == ""
    )
    return connection.execute(delete(EVENTS).where(EVENTS.c.id.in_(old.limit(most)))).rowcount


def forget(connection: Connection, begin: str) -> None:
    """Drop the events whose id begins so, which must end with `-`, or empty those that the journal had."""
    # A range, because LIKE ignores case and so cannot use the index; "." comes next after "-".
    about = (EVENTS.c.event_id >= begin) & (EVENTS.c.event_id < begin[:-1] + ".")
    connection.execute(delete(EVENTS).where(about, EVENTS.c.sent_ms == 0))
    connection.execute(update(EVENTS).where(about).values(body=b"{}"))


class News(NamedTuple):
    """Something that was announced."""

    id: int
    tenant: str
    topic: str
    payload: bytes
    created_ms: int


def news_after(
    connection: Connection, position: int, most: int, topics: Collection[str]
) -> tuple[Sequence[News], int]:
    """What was announced of these topics after a position, in order, and how far that reads.

    Beyond the last of `most`, nothing was read; if there were fewer, all there is was.
    """
    if not topics:
        return (), max(last_news(connection), position)
    chosen = select(NEWS).where(NEWS.c.id > position, NEWS.c.topic.in_(topics))
    found = [News(*row) for row in connection.execute(chosen.order_by(NEWS.c.id).limit(most))]
    return found, found[-1].id if len(found) == most else max(last_news(connection), position)


def last_news(connection: Connection) -> int:
    """The number of the latest news, 0 before there was any."""
    return connection.execute(select(func.max(NEWS.c.id))).scalar_one() or 0


def trim_news(connection: Connection, up_to: int, before_ms: int) -> int:
    """Forget what all who deliver have read, and that is older than then; gives how much."""
    gone = delete(NEWS).where(NEWS.c.id <= up_to, NEWS.c.created_ms < before_ms)
    return connection.execute(gone).rowcount
