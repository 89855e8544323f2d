"""Drafts of policy packs: what somebody changes of a pack's files before it is proposed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    insert,
    select,
    update,
)
from sqlalchemy import delete as _delete

from kanhe.stores.desk.schema import METADATA

DRAFTS = Table(
    "policy_drafts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("title", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("author_name", Text, nullable=False),
    Column("files", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_ms", Integer, nullable=False),
    Column("updated_ms", Integer, nullable=False),
    Column("proposed", Text, nullable=False, server_default=""),
    Index("ix_policy_drafts_proposed_updated_ms", "proposed", "updated_ms"),
)
"""`base` is the hash of the pack that is changed, `files` the changed files as JSON (null: removed),
`proposed` the hash under which it was proposed, empty before."""

_decode = msgspec.json.Decoder(dict[str, str | None]).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One draft."""

    id: int
    title: str
    base: str
    author: str
    author_name: str
    files: dict[str, str | None]
    version: int
    created_ms: int
    updated_ms: int
    proposed: str = ""


def add_draft(
    connection: Connection, title: str, base: str, author: str, author_name: str, now_ms: int
) -> int:
    """Begin a draft; gives its number."""
    done = connection.execute(
        insert(DRAFTS).values(
            title=title, base=base, author=author, author_name=author_name, files=b"{}", version=1,
            created_ms=now_ms, updated_ms=now_ms,
        )
    )  # fmt: skip
    key = done.inserted_primary_key
    assert key is not None
    return int(key[0])


def find_draft(connection: Connection, number: int) -> Draft | None:
    """The draft of this number."""
    row = connection.execute(select(DRAFTS).where(DRAFTS.c.id == number)).first()
    return None if row is None else _draft(row)


def open_drafts(connection: Connection, most: int) -> list[Draft]:
    """Drafts that were not proposed, the one changed last first."""
    query = (
        select(DRAFTS)
        .where(DRAFTS.c.proposed == "")
        .order_by(DRAFTS.c.updated_ms.desc(), DRAFTS.c.id.desc())
        .limit(most)
    )
    return [_draft(row) for row in connection.execute(query)]


def change_draft(
    connection: Connection, draft: Draft, files: Mapping[str, str | None], now_ms: int
) -> bool:
    """Keep other files in place of those of the draft as it was read; false if it has changed since."""
    done = connection.execute(
        update(DRAFTS)
        .where(DRAFTS.c.id == draft.id, DRAFTS.c.version == draft.version, DRAFTS.c.proposed == "")
        .values(files=_encode(dict(files)), version=draft.version + 1, updated_ms=now_ms)
    )
    return done.rowcount == 1


def mark_proposed(connection: Connection, number: int, hash: str, now_ms: int) -> None:
    """Note the hash under which a draft was proposed; from then on it does not change."""
    connection.execute(
        update(DRAFTS).where(DRAFTS.c.id == number).values(proposed=hash, updated_ms=now_ms)
    )


def drop_draft(connection: Connection, number: int) -> None:
    """Throw a draft away."""
    connection.execute(_delete(DRAFTS).where(DRAFTS.c.id == number))


def _draft(row: Any) -> Draft:
    return Draft(
        id=row.id, title=row.title, base=row.base, author=row.author, author_name=row.author_name,
        files=_decode(row.files), version=row.version, created_ms=row.created_ms,
        updated_ms=row.updated_ms, proposed=row.proposed,
    )  # fmt: skip
