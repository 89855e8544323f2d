"""The journal in memory: the same promises as on disk, except that nothing survives the process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import (
    ERASED,
    Columns,
    Message,
    Row,
    check_messages,
    erased,
    rows_of,
    whole,
)


class MemoryJournal:
    """A `Journal` that lives as long as its process. Implements `kanhe.record.journal.ports.Journal`.

    "Committed" means what it means on disk: visible to `read`, `rows` and `outbox`. One thread
    writes; others may read.
    """

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._gathered: list[Row] = []
        self._gathered_messages: list[Message] = []
        self._messages: list[Message] = []
        self._seq_of: dict[tuple[str, str], int] = {}
        self._policies: dict[str, bytes] = {}
        self._erased: list[int] = []
        self._closed = False

    def last_seq(self) -> int:
        """The highest committed sequence number, 0 when empty."""
        self._check_open()
        return len(self._rows)

    def find(self, tenant: str, event_id: str) -> Row | None:
        """The row of this event, gathered rows included; `None` if it never arrived."""
        self._check_open()
        seq = self._seq_of.get((tenant, event_id))
        if seq is None:
            return None
        committed = len(self._rows)
        return self._rows[seq - 1] if seq <= committed else self._gathered[seq - committed - 1]

    def find_each(self, tenants: Sequence[str], event_ids: Sequence[str]) -> Sequence[Row | None]:
        """The rows of many events, by their tenants and ids."""
        return list(map(self.find, tenants, event_ids))

    def read(self, seq: int) -> Row | None:
        """The committed row with this number."""
        self._check_open()
        return self._rows[seq - 1] if 1 <= seq <= len(self._rows) else None

    def rows(self, after: int = 0) -> Iterator[Row]:
        """The rows with a number above `after` that were committed when the reading began, in order."""
        self._check_open()
        for index in range(max(after, 0), len(self._rows)):
            yield self._rows[index]

    def extend(self, rows: Sequence[Row], messages: Sequence[Message] = ()) -> None:
        """Gather rows for the next commit; see `Journal.extend`."""
        self._check_open()
        check_messages(messages, len(self._rows), len(self._rows) + len(self._gathered) + len(rows))
        for row in rows:
            due = len(self._rows) + len(self._gathered) + 1
            if row.seq != due:
                raise ValueError(f"the next row has the number {due}, not {row.seq}")
            if (row.tenant, row.event_id) in self._seq_of:
                raise ValueError(
                    f"event {row.event_id!r} of tenant {row.tenant!r} is already there"
                )
            self._gathered.append(whole(row))
            self._seq_of[row.tenant, row.event_id] = row.seq
        self._gathered_messages.extend(messages)

    def extend_columns(self, columns: Columns, messages: Sequence[Message] = ()) -> None:
        """Gather rows that stand in columns; see `Journal.extend_columns`."""
        self.extend(rows_of(columns), messages)

    def append(self, row: Row, messages: tuple[Message, ...] = ()) -> None:
        """Gather one row for the next commit; see `extend`."""
        self.extend((row,), messages)

    def commit(self) -> None:
        """Make all gathered rows visible at once."""
        self._check_open()
        self._rows.extend(self._gathered)
        self._messages.extend(self._gathered_messages)
        self._gathered.clear()
        self._gathered_messages.clear()

    def check_writable(self) -> None:
        """Memory can always be written."""
        self._check_open()

    def keep_policy(self, policy: str, archive: bytes) -> None:
        """Keep the text of a policy pack under its content hash; known hashes are left alone."""
        self._check_open()
        self._policies.setdefault(policy, archive)

    def policy(self, policy: str) -> bytes | None:
        """The archive kept under this hash."""
        self._check_open()
        return self._policies.get(policy)

    def erase(self, entries: Mapping[int, bytes]) -> None:
        """Destroy the content of committed rows; see `Journal.erase`."""
        self._check_open()
        if self._gathered:
            raise ValueError("rows are gathered: commit before erasing")
        for seq in entries:
            if not 1 <= seq <= len(self._rows):
                raise ValueError(f"there is no row {seq}")
        for seq, entry in entries.items():
            row = self._rows[seq - 1]
            if row.kind != ERASED:
                self._seq_of.pop((row.tenant, row.event_id), None)
                self._rows[seq - 1] = erased(row, entry)
                self._erased.append(seq)
        self._messages = [
            message._replace(payload=b"") if message.seq in entries else message
            for message in self._messages
        ]

    def erased(self, after: int, most: int) -> list[tuple[int, int]]:
        """Rows that were erased, as (line, number of the row), behind the line `after`, in order."""
        return list(enumerate(self._erased[after : after + most], after + 1))

    def outbox(self, after: int = 0, limit: int = 1000) -> list[tuple[int, Message]]:
        """Committed messages with their own running number above `after`, in order."""
        self._check_open()
        start = max(after, 0)
        return list(enumerate(self._messages[start : start + max(limit, 0)], start + 1))

    def close(self) -> None:
        """Drop everything; any later use raises `StorageError`."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError("this journal was closed; open it again before using it")
