"""Rows for the tests of the stores, and the checker that walks a whole journal."""

from __future__ import annotations

from kanhe.record.journal.ports import Journal, Message, Row
from kanhe.stores.sqlite.journal import SqliteJournal


def row(seq: int, event_id: str | None = None, tenant: str = "shop", size: int = 20) -> Row:
    """A row whose every field follows from its number, its event and its tenant."""
    name = f"event-{seq}" if event_id is None else event_id
    return Row(
        seq, tenant, name, seq % 2, f"type.{seq % 5}", 1_760_000_000_000 + seq,
        1_760_000_000_500 + seq, f"sha256:{seq // 1000}", f"body {seq} ".encode() * (size // 5),
        bytes(8 * (seq % 7)), f"answer {tenant} {name}".encode(), bytes([seq % 256]) * 32,
    )  # fmt: skip


def message(seq: int, topic: str = "alert") -> Message:
    """A message of one row."""
    return Message(seq, topic, f"payload {seq}".encode())


def fill(journal: Journal, count: int, group: int = 10) -> None:
    """Append and commit `count` further rows in groups."""
    for seq in range(journal.last_seq() + 1, journal.last_seq() + count + 1):
        journal.append(row(seq), (message(seq),) if seq % 3 == 0 else ())
        if seq % group == 0:
            journal.commit()
    journal.commit()


def merged(journal: SqliteJournal) -> int:
    """How many keys are in the table of older ones."""
    return int(journal._db.execute("SELECT count(*) FROM seen").fetchone()[0])


def check(journal: Journal, expected: list[Row], messages: list[Message] | None = None) -> None:
    """Walk everything: each expected row is there once, is found by its event, and nothing else is."""
    assert journal.last_seq() == len(expected)
    assert list(journal.rows()) == expected
    for one in expected:
        assert journal.find(one.tenant, one.event_id) == one
        assert journal.read(one.seq) == one
    assert journal.read(len(expected) + 1) is None
    if messages is not None:
        found = journal.outbox(0, len(messages) + 10)
        assert [sent for _, sent in found] == messages
        assert [number for number, _ in found] == list(range(1, len(messages) + 1))
