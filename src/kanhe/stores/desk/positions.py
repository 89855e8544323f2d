"""How far the desk has read what others write, such as the outbox of the journal.

A position moves in the transaction that keeps what was read up to it, so that a crash in between
neither loses a message nor takes one up twice.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, Integer, Table, Text, select
from sqlalchemy.dialects.sqlite import insert

from kanhe.stores.desk.schema import METADATA

POSITIONS = Table(
    "positions",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("position", Integer, nullable=False),
)


def position(connection: Connection, name: str) -> int:
    """The last number that was read of `name`, 0 at the beginning."""
    found = connection.execute(select(POSITIONS.c.position).where(POSITIONS.c.name == name))
    return found.scalar_one_or_none() or 0


def move(connection: Connection, name: str, to: int) -> None:
    """Have read up to `to`."""
    statement = insert(POSITIONS).values(name=name, position=to)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"position": to})
    )
