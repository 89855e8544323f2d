"""What the path of an event asks of whatever keeps the journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from kanhe.core.decision import allowed
from kanhe.core.errors import StorageError

DECIDED = 0
"""Rules were asked."""
RECORDED = 1
"""The event was only taken in."""
NOTED = 2
"""No event but something that happened to the installation: a key of the log was added or retired,
somebody was erased. It counts for nothing, and has a number so that the log has it in its one order."""
ERASED = 3
"""An event whose content was destroyed. Its body is the entry that the log holds for it."""


class Row(NamedTuple):
    """One event as it stands in the journal."""

    seq: int
    """1, 2, 3, … without gaps: the one order of all events, live, replayed and in batches."""
    tenant: str
    event_id: str
    kind: int
    """`DECIDED`, `RECORDED`, `NOTED` or `ERASED`."""
    type: str
    at_ms: int
    received_ms: int
    policy: str
    """The content hash of the policy pack in force."""
    body: bytes
    """The canonical JSON of the event."""
    vector: bytes
    """The served feature vector in its journal form (`kanhe.judge.features.vectors`)."""
    answer: bytes
    """The bytes that were answered, and that a retry of the same event gets again. A decided row may
    be handed over with none, which stands for `kanhe.core.decision.allowed`; it is given back whole."""
    salt: bytes = b""
    """32 random bytes of this row alone, under which the log commits to body and answer. Empty in
    rows from before the log, and zeros stand for it."""

    @property
    def is_event(self) -> bool:
        """Whether it holds an event, which counts."""
        return self.kind <= RECORDED


class Columns(NamedTuple):
    """Rows that follow each other, column by column: each column has one value for each row.

    What is meant by a column is said at `Row`.
    """

    first: int
    """The number of the first row; the others count on from there."""
    tenants: Sequence[str]
    event_ids: Sequence[str]
    kinds: Sequence[int]
    types: Sequence[str]
    at_ms: Sequence[int]
    received_ms: Sequence[int]
    policies: Sequence[str]
    bodies: Sequence[bytes]
    vectors: Sequence[bytes]
    answers: Sequence[bytes]
    salts: Sequence[bytes]


def columns_of(rows: Sequence[Row]) -> Columns:
    """One or more rows, numbered without gaps (which is not checked), as columns."""
    seqs, *columns = zip(*rows, strict=True)
    return Columns(seqs[0], *columns)


def cut(columns: Columns, start: int, end: int) -> Columns:
    """The rows from place `start` up to `end` of those that stand in columns."""
    first, *rest = columns
    return Columns._make((first + start, *(column[start:end] for column in rest)))


def rows_of(columns: Columns) -> list[Row]:
    """The rows that stand in columns. Raises `ValueError` if one column is longer than another."""
    first, *rest = columns
    seqs = range(first, first + len(columns.event_ids))
    return list(map(Row._make, zip(seqs, *rest, strict=True)))


def whole(row: Row) -> Row:
    """The row with its answer, if that was left out because it follows from the rest."""
    if row.answer or row.kind != DECIDED:
        return row
    return row._replace(answer=allowed(row.seq, row.event_id, row.policy))


def erased(row: Row, entry: bytes) -> Row:
    """What is left of a row when its content is destroyed: its place, its times, its entry."""
    return row._replace(kind=ERASED, event_id="", body=entry, vector=b"", answer=b"", salt=b"")


class Message(NamedTuple):
    """Something to be delivered because of a row; leaves through the outbox exactly once."""

    seq: int
    topic: str
    payload: bytes


def check_messages(messages: Sequence[Message], committed: int, last: int) -> None:
    """Raise `ValueError` unless every message names a row gathered since the last commit."""
    for message in messages:
        if not committed < message.seq <= last:
            raise ValueError(
                f"a message of row {message.seq} came with the rows {committed + 1} to {last}"
            )


class JournalFull(StorageError):
    """The disk is full or the file cannot be written: nothing of the group was kept."""


class KeepsPolicies(Protocol):
    """Whatever keeps the text of policy packs."""

    def policy(self, policy: str) -> bytes | None:
        """The archive kept under this hash."""


class JournalReader(KeepsPolicies, Protocol):
    """What is committed, for those who only read: audits and replays, beside the one writer."""

    def last_seq(self) -> int:
        """The highest committed sequence number, 0 when empty."""

    def rows(self, after: int = 0) -> Iterator[Row]:
        """The committed rows with a number above `after`, in order."""


class ErasureReader(Protocol):
    """Which rows were erased, for those who keep something about rows."""

    def erased(self, after: int, most: int) -> Sequence[tuple[int, int]]:
        """Rows that were erased, as (line, number of the row), behind the line `after`, in order."""


class Journal(Protocol):
    """An append-only store of rows with one writer.

    Rows are gathered with `append`, `extend` or `extend_columns` and become durable together with
    `commit`: after it returns, they survive a crash of the process and of the machine. When it
    raises, nothing of the group may be answered. Normally none of it was kept; if the store failed
    so late that it holds the group all the same, it holds all of it, and `last_seq` and `find` say
    so. Either way the journal can be used again as soon as the cause is gone, and a retry of the
    same event gets one answer.
    """

    def last_seq(self) -> int:
        """The highest committed sequence number, 0 when empty."""

    def find(self, tenant: str, event_id: str) -> Row | None:
        """The row of this event, gathered rows included; `None` if it never arrived."""

    def find_each(self, tenants: Sequence[str], event_ids: Sequence[str]) -> Sequence[Row | None]:
        """The same for many events at once, in their order: their tenants and their ids."""

    def read(self, seq: int) -> Row | None:
        """The committed row with this number."""

    def rows(self, after: int = 0) -> Iterator[Row]:
        """The committed rows with a number above `after`, in order."""

    def extend(self, rows: Sequence[Row], messages: Sequence[Message] = ()) -> None:
        """Gather rows for the next commit, and what is to be sent because of them.

        Raises `ValueError` if the number of a row is not the next one, if its event is already
        there (then the rows before it are gathered, and no message is), or if a message belongs to
        no row gathered since the last commit (then nothing is).
        """

    def extend_columns(self, columns: Columns, messages: Sequence[Message] = ()) -> None:
        """The same as `extend` for rows that stand in columns, none of which is kept or changed.

        It costs least right after `find_each` was asked for these events. Raises what `extend`
        raises, and `ValueError` if one column is longer than another (then nothing is gathered).
        """

    def append(self, row: Row, messages: tuple[Message, ...] = ()) -> None:
        """Gather one row, and what is to be sent because of it; see `extend`."""

    def commit(self) -> None:
        """Make all gathered rows durable at once; raises `StorageError` if it cannot tell that they are."""

    def check_writable(self) -> None:
        """Raise `StorageError` while a commit could not succeed (full disk, read-only file)."""

    def keep_policy(self, policy: str, archive: bytes) -> None:
        """Keep the text of a policy pack under its content hash, durable at once; known hashes are left alone."""

    def policy(self, policy: str) -> bytes | None:
        """The archive kept under this hash."""

    def erase(self, entries: Mapping[int, bytes]) -> None:
        """Destroy the content of committed rows, durable at once, each row whole or not at all.

        `entries` gives by number the entry that the log holds for the row; see `erased`. What was
        sent because of the rows is emptied too. Rows that are erased already are left alone. Raises
        `ValueError` for a number that is not there, and while rows are gathered.
        """

    def outbox(self, after: int = 0, limit: int = 1000) -> list[tuple[int, Message]]:
        """Committed messages with their own running number above `after`, in order."""

    def close(self) -> None:
        """Release the file; gathered rows that were not committed are dropped."""
