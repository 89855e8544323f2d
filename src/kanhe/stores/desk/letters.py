"""Mail that is to be written to staff, and what each of them wants to be written to about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_once

from kanhe.stores.desk.schema import METADATA

LETTERS = Table(
    "letters",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("staff", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("created_ms", Integer, nullable=False),
    Column("due_ms", Integer, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("sent_ms", Integer, nullable=False, server_default="0"),
    Column("problem", Text, nullable=False, server_default=""),
    Index("ix_letters_due", "sent_ms", "due_ms"),
)
"""Something to tell one member of staff. What is due for somebody at one time goes into one letter."""

CHOICES = Table(
    "mail_choices",
    METADATA,
    Column("staff", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("wanted", Integer, nullable=False),
)
"""Where somebody wants it otherwise than is usual."""


class Letter(NamedTuple):
    """Something to tell somebody."""

    id: int
    staff: str
    topic: str
    payload: bytes
    created_ms: int
    failures: int


_LETTER = tuple(LETTERS.c[name] for name in Letter._fields)


def add_letter(
    connection: Connection, staff: str, topic: str, payload: bytes, created_ms: int, due_ms: int
) -> None:
    """Have something told to somebody."""
    connection.execute(
        insert(LETTERS).values(
            staff=staff, topic=topic, payload=payload, created_ms=created_ms, due_ms=due_ms
        )
    )


def due_letters(connection: Connection, now_ms: int, most: int) -> list[Letter]:
    """The oldest of what is due."""
    chosen = select(*_LETTER).where(LETTERS.c.sent_ms == 0, LETTERS.c.due_ms <= now_ms)
    return [Letter(*row) for row in connection.execute(chosen.order_by(LETTERS.c.id).limit(most))]


def sent_since(connection: Connection, staff: str, since_ms: int) -> int:
    """How many letters somebody has had since then: those that went together are one."""
    chosen = select(LETTERS.c.sent_ms).where(
        LETTERS.c.staff == staff, LETTERS.c.sent_ms > since_ms, LETTERS.c.problem == ""
    )
    return len(set(connection.execute(chosen).scalars()))


def mark_letters(
    connection: Connection, ids: Iterable[int], now_ms: int, problem: str = ""
) -> None:
    """These were sent, or given up."""
    chosen = update(LETTERS).where(LETTERS.c.id.in_(list(ids)))
    connection.execute(chosen.values(sent_ms=max(now_ms, 1), problem=problem[:500]))


def postpone_letters(
    connection: Connection, ids: Iterable[int], due_ms: int, *, failed: bool
) -> None:
    """These are tried later."""
    chosen = update(LETTERS).where(LETTERS.c.id.in_(list(ids)))
    connection.execute(chosen.values(due_ms=due_ms, failures=LETTERS.c.failures + int(failed)))


def trim_letters(connection: Connection, before_ms: int) -> int:
    """Forget what was sent or given up before then."""
    gone = delete(LETTERS).where(LETTERS.c.sent_ms > 0, LETTERS.c.sent_ms < before_ms)
    return connection.execute(gone).rowcount


def choices(connection: Connection, staff: str) -> dict[str, bool]:
    """What somebody has chosen, by topic."""
    chosen = select(CHOICES.c.topic, CHOICES.c.wanted).where(CHOICES.c.staff == staff)
    return {topic: bool(wanted) for topic, wanted in connection.execute(chosen)}


def choose(connection: Connection, staff: str, topic: str, wanted: bool) -> None:
    """Keep a choice."""
    statement = insert_once(CHOICES).values(staff=staff, topic=topic, wanted=int(wanted))
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["staff", "topic"], set_={"wanted": int(wanted)}
        )
    )
