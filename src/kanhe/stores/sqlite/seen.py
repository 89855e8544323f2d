"""Finding an event again by its key, at any age, without an index that random keys would scatter.

The keys of the newest rows live in memory. As soon as there is a *generation* of 262,144 of them it
is merged into the table `seen` part by part in key order, each commit carrying a slice of it, so
that each page of the table is touched once per generation. The table is cut into *epochs* of rows;
every epoch has a filter in memory that answers "never seen" without touching the disk.

What survives a crash: the journal rows, and what was merged. Everything here is rebuilt from them.
Why this shape: `docs/adr/0003-finding-an-event-again.md`.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Sequence
from hashlib import blake2s
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from kanhe.core.errors import StorageError
from kanhe.stores.sqlite.filter import Filter
from kanhe.stores.sqlite.segments import KEY_BYTES

if TYPE_CHECKING:
    # Whoever only reads a journal needs neither a memory of keys nor the compiler behind it.
    from kanhe.stores.sqlite.recent import Recent

GENERATION = 1 << 18
_PARTS_BITS = 6
PARTS = 1 << _PARTS_BITS
PART_SHIFT = 63 - _PARTS_BITS
_EPOCH_FIRST = 1 << 22
_EPOCH_NEXT = 1 << 24
_SCAN = 65_536
"""How many keys are fetched at a time while rebuilding."""
_KEYS_PER_PAGE = 560
_first_8: Callable[[bytes], tuple[int]] = struct.Struct(">Q").unpack_from

Keys = npt.NDArray[np.int64]
"""Keys, or the numbers of the rows that belong to them."""
Layers = npt.NDArray[np.int64]
"""For each filter the address of its words, and its mask."""


def event_key(tenant: str, event_id: str) -> int:
    """63 bits of BLAKE2s for an event. Two events may share a key; the row itself tells them apart."""
    return _first_8(blake2s(f"{tenant}\x1f{event_id}".encode()).digest())[0] >> 1


def epoch_of(seq: int) -> int:
    """The epoch of a row: 2^22 rows in the first, 2^24 in each later one; whole generations."""
    return (seq - 1 - _EPOCH_FIRST) // _EPOCH_NEXT + 1 if seq > _EPOCH_FIRST else 0


def _epoch_size(epoch: int) -> int:
    return _EPOCH_NEXT if epoch else _EPOCH_FIRST


class Slice(NamedTuple):
    """Keys to be merged with the next commit, and how far the table is when that is done."""

    epoch: int
    rows: Keys
    """(key, seq) in key order."""
    upto: int
    parts: int
    """`progress` after this slice; both as before unless the slice ends a part."""
    ends_part: bool


class Looked(NamedTuple):
    """What was found of some events without asking the disk."""

    keys: Keys
    """The keys of the events in their order; inverted (`~key`) if a row may have the key."""
    maybe: int
    """How many are inverted."""


class Seen:
    """Where each event stands: memory for the newest, the table `seen` behind filters for the rest.

    Rows are added when they are gathered (`add`) and taken back if they do not become durable
    (`forget`). `slice` and `merged` move the merging forward: the first says what the next
    transaction must write, the second that it became durable. `committed` is the last durable row.

    Memory is cut into parts by the high bits of the key, so that sorting and dropping happen in small
    portions and no single event waits for them. Two rows may have one key, if an event came again
    after it was erased, for one.
    """

    def __init__(self, db: sqlite3.Connection, recent: type[Recent]) -> None:
        self._recent = recent(PARTS, PART_SHIFT)
        self._filters: list[Filter] = []
        self._layers: Layers = np.empty((0, 2), dtype=np.int64)
        # The part that is being merged, in key order, and how many of it are through.
        self._queue: Keys | None = None
        self._at = 0
        self._upto, self._parts = db.execute("SELECT upto, parts FROM progress").fetchone()
        self._fill_filters(db)
        self.committed = self._fill_memory(db)

    @property
    def unmerged(self) -> int:
        """How many keys are held in memory."""
        return len(self._recent)

    def look_each(self, tenants: Sequence[str], event_ids: Sequence[str]) -> Looked:
        """Look for events, by their tenants and ids, in memory and in the filters."""
        return self._recent.look(tenants, event_ids, self._layers)

    def rows_of(self, key: int, db: sqlite3.Connection) -> list[int]:
        """The numbers of all rows with this key, newest first."""
        found = set(self._recent.rows_of(key))
        for epoch, layer in enumerate(self._filters):
            if key in layer:
                rows = db.execute("SELECT seq FROM seen WHERE epoch = ? AND key = ?", (epoch, key))
                found.update(chain.from_iterable(rows))
        return sorted(found, reverse=True)

    def add(self, key: int, seq: int) -> None:
        """Remember a gathered row."""
        self._recent.add(np.array([key]), np.array([seq]))

    def add_each(self, keys: Keys, first: int) -> int:
        """Remember gathered rows that count on from the number `first`, up to the first of them whose
        key is inverted or in memory already; gives how many were added."""
        return self._recent.add_new(keys, first)

    def forget(self) -> None:
        """Take back all gathered rows: they did not become durable."""
        self._recent.forget(self.committed)

    def slice(self, size: int) -> Slice | None:
        """About `size` keys of the generation that is due, `None` if none is full yet."""
        end_row = self._upto + GENERATION
        if self.committed < end_row:
            return None
        if self._queue is None:
            self._queue = self._sorted_part(end_row)
            self._at = 0
        end = self._at + size
        if end + size // 4 >= len(self._queue):
            end = len(self._queue)
        rows = self._queue[self._at : end]
        upto, parts = self._upto, self._parts
        ends_part = end == len(self._queue)
        if ends_part:
            parts += 1
            if parts == PARTS:
                upto, parts = end_row, 0
        return Slice(epoch_of(end_row), rows, upto, parts, ends_part)

    def merged(self, done: Slice) -> None:
        """The slice is durable; with the last one of a part, its keys move behind their filter."""
        self._at += len(done.rows)
        if not done.ends_part or self._queue is None:
            return
        end_row = self._upto + GENERATION
        # Only after the filter knows every key of the part may memory forget them.
        self._add_to_filter(done.epoch, self._queue[:, 0])
        self._recent.keep(self._parts, end_row)
        self._queue = None
        self._upto, self._parts = done.upto, done.parts

    def pages_per_key(self) -> float:
        """About how many pages of the table a merged key touches, for guessing the log's growth."""
        earlier = sum(_epoch_size(epoch) for epoch in range(epoch_of(self._upto + 1)))
        pages = (self._upto - earlier + GENERATION) / _KEYS_PER_PAGE
        return float(min(1.0, pages / GENERATION))

    def _sorted_part(self, end_row: int) -> Keys:
        """The part that is due as (key, seq) in key order: 4,096 on average, some 0.2 ms."""
        keys, seqs = self._recent.part(self._parts, until=end_row)
        order = np.argsort(keys)
        return np.column_stack((keys[order], seqs[order]))

    def _add_to_filter(self, epoch: int, keys: Keys) -> None:
        while len(self._filters) <= epoch:
            self._filters.append(Filter(_epoch_size(len(self._filters))))
            layers = [(layer.address, layer.mask) for layer in self._filters]
            self._layers = np.array(layers, dtype=np.int64)
        self._filters[epoch].add(keys)

    def _fill_filters(self, db: sqlite3.Connection) -> None:
        """Read every merged key once; also those of a part that is not through."""
        (last,) = db.execute("SELECT max(epoch) FROM seen").fetchone()
        for epoch in range(-1 if last is None else last, -1, -1):
            cursor = db.execute("SELECT key FROM seen WHERE epoch = ?", (epoch,))
            while rows := cursor.fetchmany(_SCAN):
                keys = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=len(rows))
                self._add_to_filter(epoch, keys)

    def _fill_memory(self, db: sqlite3.Connection) -> int:
        """Read the keys of the rows that are not merged; returns the last row's number."""
        at, end_row = self._upto, self._upto + GENERATION
        cursor = db.execute(
            "SELECT first, last, keys FROM journal WHERE first >="
            " coalesce((SELECT max(first) FROM journal WHERE first <= ?), 0) ORDER BY first",
            (at + 1,),
        )
        for first, last, blob in cursor:
            if len(blob) != KEY_BYTES * (last - first + 1):
                raise StorageError(
                    f"the journal is damaged: the segment of the rows {first} to {last} lacks keys;"
                    " restore the last good backup"
                )
            keys, seqs = np.frombuffer(blob, dtype="<i8"), np.arange(first, last + 1)
            due = (seqs > at) & ((seqs > end_row) | (keys >> PART_SHIFT >= self._parts))
            self._recent.add(keys[due], seqs[due])
            at = max(at, last)
        return int(at)
