"""Webhooks of tenants, what is to be sent to each, and every attempt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_once

from kanhe.stores.desk.schema import METADATA

State = Literal["waiting", "delivered", "given_up"]

WEBHOOKS = Table(
    "webhooks",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("topics", Text, nullable=False),
    Column("secrets", LargeBinary, nullable=False),
    Column("created_ms", Integer, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("after_news", Integer, nullable=False),
    Column("off_ms", Integer, nullable=False, server_default="0"),
    Column("off_why", Text, nullable=False, server_default=""),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("rest_until_ms", Integer, nullable=False, server_default="0"),
    Column("good_ms", Integer, nullable=False, server_default="0"),
    Index("ix_webhooks_tenant", "tenant"),
)
"""`tenant` is empty for those of the whole platform, which hear of every tenant; `topics` are words;
`secrets` are sealed; `after_news` is the last news it is too young for; `off_ms` is 0 while it is on;
`failures` are those in a row, and until `rest_until_ms` it is left in peace; `good_ms` is when it last
took a message."""

DELIVERIES = Table(
    "webhook_deliveries",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("webhook", Text, ForeignKey("webhooks.id"), nullable=False),
    Column("message_id", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_ms", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_ms", Integer, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("first_ms", Integer, nullable=False, server_default="0"),
    UniqueConstraint("webhook", "message_id"),
    Index("ix_webhook_deliveries_due", "state", "webhook", "due_ms"),
)
"""One message to one webhook. `first_ms` is when it was first tried since it was last asked for."""

ATTEMPTS = Table(
    "webhook_attempts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("delivery", Integer, ForeignKey("webhook_deliveries.id"), nullable=False),
    Column("at_ms", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    Column("took_ms", Integer, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("problem", Text, nullable=False),
    Index("ix_webhook_attempts_delivery", "delivery"),
)


class Webhook(NamedTuple):
    """An endpoint, as it is kept."""

    id: str
    tenant: str
    url: str
    note: str
    topics: str
    secrets: bytes
    created_ms: int
    created_by: str
    after_news: int
    off_ms: int
    off_why: str
    failures: int
    rest_until_ms: int
    good_ms: int

    @property
    def hears_of(self) -> frozenset[str]:
        """The topics it asked for."""
        return frozenset(self.topics.split())


class Delivery(NamedTuple):
    """One message to one webhook."""

    id: int
    webhook: str
    message_id: str
    topic: str
    body: bytes
    created_ms: int
    state: State
    due_ms: int
    failures: int
    first_ms: int


class Attempt(NamedTuple):
    """One try."""

    at_ms: int
    status: int
    took_ms: int
    answer: bytes
    problem: str


# Endpoints


def add_webhook(connection: Connection, webhook: Webhook) -> None:
    """Keep a new endpoint."""
    connection.execute(insert(WEBHOOKS).values(webhook._asdict()))


def webhooks(connection: Connection, tenant: str = "") -> list[Webhook]:
    """All endpoints, of one tenant if asked, oldest first."""
    chosen = select(WEBHOOKS).order_by(WEBHOOKS.c.created_ms, WEBHOOKS.c.id)
    if tenant:
        chosen = chosen.where(WEBHOOKS.c.tenant == tenant)
    return [Webhook(*row) for row in connection.execute(chosen)]


def webhook(connection: Connection, id: str) -> Webhook | None:
    """One endpoint."""
    row = connection.execute(select(WEBHOOKS).where(WEBHOOKS.c.id == id)).one_or_none()
    return None if row is None else Webhook(*row)


def change_webhook(connection: Connection, id: str, **values: object) -> None:
    """Set columns of an endpoint."""
    connection.execute(update(WEBHOOKS).where(WEBHOOKS.c.id == id).values(values))


def remove_webhook(connection: Connection, id: str) -> None:
    """Forget an endpoint and all that was sent to it."""
    own = select(DELIVERIES.c.id).where(DELIVERIES.c.webhook == id)
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.delivery.in_(own)))
    connection.execute(delete(DELIVERIES).where(DELIVERIES.c.webhook == id))
    connection.execute(delete(WEBHOOKS).where(WEBHOOKS.c.id == id))


# Messages


def add_delivery(
    connection: Connection,
    webhook: str,
    message_id: str,
    topic: str,
    body: bytes,
    created_ms: int,
    now_ms: int,
) -> int:
    """Have a message sent to an endpoint; one that has it already is not given it twice. Gives its id."""
    statement = insert_once(DELIVERIES).values(
        webhook=webhook, message_id=message_id, topic=topic, body=body, created_ms=created_ms,
        state="waiting", due_ms=now_ms,
    )  # fmt: skip
    connection.execute(statement.on_conflict_do_nothing())
    chosen = select(DELIVERIES.c.id).where(
        DELIVERIES.c.webhook == webhook, DELIVERIES.c.message_id == message_id
    )
    return int(connection.execute(chosen).scalar_one())


def due(connection: Connection, now_ms: int, each: int) -> list[tuple[Webhook, list[Delivery]]]:
    """What is to be sent now: for each endpoint that is on and not at rest, its oldest messages."""
    found = []
    for row in connection.execute(
        select(WEBHOOKS).where(WEBHOOKS.c.off_ms == 0, WEBHOOKS.c.rest_until_ms <= now_ms)
    ).all():
        endpoint = Webhook(*row)
        chosen = select(DELIVERIES).where(
            DELIVERIES.c.state == "waiting",
            DELIVERIES.c.webhook == endpoint.id,
            DELIVERIES.c.due_ms <= now_ms,
        )
        # A receiver that fails is asked by one message; the others wait until it is well again.
        most = 1 if endpoint.failures else each
        own = connection.execute(chosen.order_by(DELIVERIES.c.due_ms, DELIVERIES.c.id).limit(most))
        if messages := [Delivery(*one) for one in own]:
            found.append((endpoint, messages))
    return found


def deliveries(
    connection: Connection, webhook: str, before: int = 0, most: int = 50, state: str = ""
) -> list[Delivery]:
    """Messages of one endpoint, the latest first; those with a smaller id than `before`."""
    chosen = select(DELIVERIES).where(DELIVERIES.c.webhook == webhook)
    if before:
        chosen = chosen.where(DELIVERIES.c.id < before)
    if state:
        chosen = chosen.where(DELIVERIES.c.state == state)
    found = connection.execute(chosen.order_by(DELIVERIES.c.id.desc()).limit(most))
    return [Delivery(*row) for row in found]


def delivery(connection: Connection, id: int) -> Delivery | None:
    """One message."""
    row = connection.execute(select(DELIVERIES).where(DELIVERIES.c.id == id)).one_or_none()
    return None if row is None else Delivery(*row)


def counts(connection: Connection, webhook: str) -> dict[str, int]:
    """How many messages of an endpoint stand how."""
    chosen = select(DELIVERIES.c.state, func.count()).where(DELIVERIES.c.webhook == webhook)
    rows = connection.execute(chosen.group_by(DELIVERIES.c.state)).all()
    return {str(row[0]): int(row[1]) for row in rows}


def attempts(connection: Connection, delivery: int) -> list[Attempt]:
    """Every try of a message, oldest first."""
    columns = (ATTEMPTS.c[name] for name in Attempt._fields)
    chosen = select(*columns).where(ATTEMPTS.c.delivery == delivery).order_by(ATTEMPTS.c.id)
    return [Attempt(*row) for row in connection.execute(chosen)]


def note_attempt(connection: Connection, delivery: int, attempt: Attempt) -> None:
    """Keep a try."""
    connection.execute(insert(ATTEMPTS).values(delivery=delivery, **attempt._asdict()))


def settle(connection: Connection, delivery: int, **values: object) -> None:
    """Set columns of a message."""
    connection.execute(update(DELIVERIES).where(DELIVERIES.c.id == delivery).values(values))


def again(
    connection: Connection, webhook: str, now_ms: int, *, ids: Iterable[int] = (),
    begin_ms: int = 0, end_ms: int = 0,
) -> int:  # fmt: skip
    """Have messages of an endpoint sent once more: these, or all of a span of time. Gives how many."""
    chosen = list(ids)
    which = (
        DELIVERIES.c.id.in_(chosen)
        if chosen
        else and_(DELIVERIES.c.created_ms >= begin_ms, DELIVERIES.c.created_ms < end_ms)
    )
    fresh = {"state": "waiting", "due_ms": now_ms, "failures": 0, "first_ms": 0}
    statement = update(DELIVERIES).where(DELIVERIES.c.webhook == webhook, which)
    return connection.execute(statement.values(fresh)).rowcount


def trim(connection: Connection, before_ms: int, most: int) -> int:
    """Forget messages from before then that wait no more, with their attempts; gives how many."""
    old = select(DELIVERIES.c.id).where(
        DELIVERIES.c.state != "waiting", DELIVERIES.c.created_ms < before_ms
    )
    gone = [row[0] for row in connection.execute(old.limit(most))]
    if gone:
        connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.delivery.in_(gone)))
        connection.execute(delete(DELIVERIES).where(DELIVERIES.c.id.in_(gone)))
    return len(gone)
