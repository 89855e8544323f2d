"""What happened to a case, what people wrote about it, what they added, and what can be taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from kanhe.respond.cases import Case
from kanhe.respond.evidence import Evidence
from kanhe.respond.undo import Done
from kanhe.stores.desk.schema import METADATA

STEPS = Table(
    "case_steps",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("case_number", Integer, ForeignKey("cases.number"), nullable=False),
    Column("at_ms", Integer, nullable=False),
    Column("staff", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default="{}"),
    Index("ix_case_steps_case", "case_number", "id"),
    Index("ix_case_steps_staff", "staff", "at_ms"),
)
"""`staff` is empty for what happened by itself; `detail` is JSON of words and numbers."""

NOTES = Table(
    "case_notes",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("case_number", Integer, ForeignKey("cases.number"), nullable=False),
    Column("at_ms", Integer, nullable=False),
    Column("staff", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("mentions", Text, nullable=False),
    Index("ix_case_notes_case", "case_number", "id"),
)

EVIDENCE = Table(
    "case_evidence",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("case_number", Integer, ForeignKey("cases.number"), nullable=False),
    Column("at_ms", Integer, nullable=False),
    Column("staff", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Index("ix_case_evidence_case", "case_number", "id"),
    Index("ix_case_evidence_digest", "digest"),
)

DONE = Table(
    "case_undo",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("staff", Text, nullable=False),
    Column("at_ms", Integer, nullable=False),
    Column("what", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("undone_ms", Integer, nullable=False, server_default="0"),
    Index("ix_case_undo_staff", "staff", "id"),
)

VIEWS = Table(
    "queue_views",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("staff", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("sort", Text, nullable=False),
    Column("is_shared", Integer, nullable=False, server_default="0"),
    Index("uq_queue_views_name", "staff", "name", unique=True),
)
"""Searches that somebody gave a name; shared ones are seen by everybody of the same tenant."""

_ADD_STEP = insert(STEPS)
_encode = msgspec.json.Encoder(order="deterministic").encode
_details = msgspec.json.Decoder(dict[str, Any]).decode
_mentions = msgspec.json.Decoder(tuple[str, ...]).decode
_cases = msgspec.json.Decoder(tuple[Case, ...]).decode
_versions = msgspec.json.Decoder(tuple[int, ...]).decode


class Step(msgspec.Struct, frozen=True):
    """Something that happened to a case."""

    at_ms: int
    staff: str
    what: str
    detail: dict[str, Any]


class Note(msgspec.Struct, frozen=True):
    """Something that somebody wrote."""

    id: int
    at_ms: int
    staff: str
    text: str
    mentions: tuple[str, ...]


class Filed(msgspec.Struct, frozen=True):
    """A file of a case."""

    id: int
    at_ms: int
    staff: str
    evidence: Evidence


def tell(
    connection: Connection,
    number: int,
    staff: str,
    what: str,
    now_ms: int,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Keep that something happened to a case."""
    connection.execute(
        _ADD_STEP,
        {
            "case_number": number,
            "at_ms": now_ms,
            "staff": staff,
            "what": what,
            "detail": _encode(dict(detail or {})).decode(),
        },
    )


def steps_of(connection: Connection, number: int, most: int = 500) -> list[Step]:
    """The last steps of a case, in their order."""
    found = connection.execute(
        select(STEPS).where(STEPS.c.case_number == number).order_by(STEPS.c.id.desc()).limit(most)
    ).all()
    return [Step(r.at_ms, r.staff, r.what, _details(r.detail)) for r in reversed(found)]


def write_note(
    connection: Connection,
    number: int,
    staff: str,
    text: str,
    mentions: Sequence[str],
    now_ms: int,
) -> int:
    """Keep a note; gives its id."""
    made = connection.execute(
        insert(NOTES).values(
            case_number=number,
            at_ms=now_ms,
            staff=staff,
            text=text,
            mentions=_encode(tuple(mentions)).decode(),
        )
    )
    return made.inserted_primary_key[0]  # type: ignore[index, no-any-return] # a row was made


def notes_of(connection: Connection, number: int, most: int = 500) -> list[Note]:
    """The last notes of a case, in their order."""
    found = connection.execute(
        select(NOTES).where(NOTES.c.case_number == number).order_by(NOTES.c.id.desc()).limit(most)
    ).all()
    return [Note(r.id, r.at_ms, r.staff, r.text, _mentions(r.mentions)) for r in reversed(found)]


def count_files(connection: Connection, number: int) -> int:
    """How many files a case has."""
    statement = select(func.count()).where(EVIDENCE.c.case_number == number)
    return connection.execute(statement).scalar_one()


def add_file(
    connection: Connection, number: int, staff: str, evidence: Evidence, now_ms: int
) -> int:
    """Keep that a file belongs to a case; gives its id."""
    made = connection.execute(
        insert(EVIDENCE).values(
            case_number=number,
            at_ms=now_ms,
            staff=staff,
            name=evidence.name,
            media_type=evidence.media_type,
            size=evidence.size,
            digest=evidence.digest,
        )
    )
    return made.inserted_primary_key[0]  # type: ignore[index, no-any-return] # a row was made


def files_of(connection: Connection, number: int) -> list[Filed]:
    """The files of a case, in their order."""
    found = connection.execute(
        select(EVIDENCE).where(EVIDENCE.c.case_number == number).order_by(EVIDENCE.c.id)
    )
    return [_filed(row) for row in found]


def find_file(connection: Connection, number: int, id: int) -> Filed | None:
    """A file of this case; `None` if it has none with this id."""
    row = connection.execute(
        select(EVIDENCE).where(EVIDENCE.c.case_number == number, EVIDENCE.c.id == id)
    ).one_or_none()
    return None if row is None else _filed(row)


def drop_file(connection: Connection, number: int, id: int) -> str:
    """Take a file from a case; gives its digest if no other case has the same file, else nothing."""
    filed = find_file(connection, number, id)
    if filed is None:
        return ""
    connection.execute(
        delete(EVIDENCE).where(EVIDENCE.c.case_number == number, EVIDENCE.c.id == id)
    )
    digest = filed.evidence.digest
    left = connection.execute(select(func.count()).where(EVIDENCE.c.digest == digest)).scalar_one()
    return "" if left else digest


def _filed(row: Row[Any]) -> Filed:
    return Filed(
        row.id, row.at_ms, row.staff, Evidence(row.name, row.media_type, row.size, row.digest)
    )


def move_all(connection: Connection, number: int, to: int) -> None:
    """Notes and files of a case become another's; what happened to it stays its own."""
    for table in (NOTES, EVIDENCE):
        connection.execute(
            update(table).where(table.c.case_number == number).values(case_number=to)
        )


def keep_done(connection: Connection, done: Done, what: str) -> int:
    """Keep what can be taken back; gives its id. What the same person did before stays as it is."""
    made = connection.execute(
        insert(DONE).values(
            staff=done.staff,
            at_ms=done.at_ms,
            what=what,
            before=_encode(done.before).decode(),
            after=_encode(done.after).decode(),
        )
    )
    return made.inserted_primary_key[0]  # type: ignore[index, no-any-return] # a row was made


def last_done(connection: Connection, staff: str, id: int | None) -> tuple[int, str, Done] | None:
    """What somebody did last, or under this id, if it was not taken back yet."""
    statement = select(DONE).where(DONE.c.staff == staff, DONE.c.undone_ms == 0)
    if id is not None:
        statement = statement.where(DONE.c.id == id)
    row = connection.execute(statement.order_by(DONE.c.id.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    done = Done(row.staff, row.at_ms, _cases(row.before), _versions(row.after))
    return row.id, row.what, done


def mark_undone(connection: Connection, id: int, now_ms: int) -> None:
    """It was taken back."""
    connection.execute(update(DONE).where(DONE.c.id == id).values(undone_ms=now_ms))


def drop_done(connection: Connection, before_ms: int) -> None:
    """Forget what can no longer be taken back."""
    connection.execute(delete(DONE).where(DONE.c.at_ms < before_ms))
