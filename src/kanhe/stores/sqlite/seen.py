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
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2s
from itertools import chain, islice, repeat
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kanhe.core.errors import StorageError
from kanhe.stores.sqlite.filter import PATTERN_MASK, PATTERNS, WORD_SHIFT, Filter
from kanhe.stores.sqlite.segments import KEY_BYTES

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

_Numbers = npt.NDArray[np.int64]


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

    rows: list[tuple[int, int, int]]
    """(epoch, key, seq) in key order."""
    upto: int
    parts: int
    """`progress` after this slice; both as before unless the slice ends a part."""
    ends_part: bool


class Seen:
    """Where each event stands: memory for the newest, the table `seen` behind filters for the rest.

    Rows are added when they are gathered (`add`) and taken back if they do not become durable
    (`forget`). `slice` and `merged` move the merging forward: the first says what the next
    transaction must write, the second that it became durable. `committed` is the last durable row.

    Memory is cut into parts by the high bits of the key, so that sorting, dropping and growing
    happen in small portions and no single event waits for them.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._memory: list[dict[int, int]] = [{} for _ in range(PARTS)]
        # Further rows of a key that is already in memory: next to impossible, and still right.
        self._twins: dict[int, list[int]] = {}
        self._filters: list[Filter] = []
        self._words: list[tuple[memoryview[int], int]] = []
        # The part that is being merged, in key order, and how many of it are through.
        self._queue: tuple[_Numbers, _Numbers] | None = None
        self._at = 0
        self._oldest = 0
        self._upto, self._parts = db.execute("SELECT upto, parts FROM progress").fetchone()
        self._fill_filters(db)
        self.committed = self._fill_memory(db)

    @property
    def unmerged(self) -> int:
        """How many keys are held in memory."""
        return sum(map(len, self._memory))

    def look_each(self, tenants: Sequence[str], event_ids: Sequence[str]) -> list[int]:
        """The keys of events, by their tenants and ids, in their order: a key as it is if surely no
        row has it, inverted (`~key`) if one may.

        Stands on the path of every event; that is why it is one function and repeats `event_key`
        and `Filter.__contains__`.
        """
        memory, words = self._memory, self._words
        keys = []
        for tenant, event_id in zip(tenants, event_ids, strict=True):
            key = _first_8(blake2s(f"{tenant}\x1f{event_id}".encode()).digest())[0] >> 1
            if key in memory[key >> PART_SHIFT]:
                key = ~key
            elif words:
                word, bits = key >> WORD_SHIFT, PATTERNS[key & PATTERN_MASK]
                for known, mask in words:
                    if known[word & mask] & bits == bits:
                        key = ~key
                        break
            keys.append(key)
        return keys

    def rows_of(self, key: int, db: sqlite3.Connection) -> list[int]:
        """The numbers of all rows with this key, newest first."""
        found = set(self._twins.get(key, ()))
        seq = self._memory[key >> PART_SHIFT].get(key)
        if seq is not None:
            found.add(seq)
        for epoch, layer in enumerate(self._filters):
            if key in layer:
                rows = db.execute("SELECT seq FROM seen WHERE epoch = ? AND key = ?", (epoch, key))
                found.update(chain.from_iterable(rows))
        return sorted(found, reverse=True)

    def add(self, key: int, seq: int) -> None:
        """Remember a gathered row."""
        if self._memory[key >> PART_SHIFT].setdefault(key, seq) != seq:
            self._twins.setdefault(key, []).append(seq)

    def add_each(self, keys: Sequence[int], first: int) -> int:
        """Remember gathered rows that count on from the number `first`, up to the first of them whose
        key is in memory already; returns how many were added."""
        memory = self._memory
        for place, key in enumerate(keys):
            seq = first + place
            if memory[key >> PART_SHIFT].setdefault(key, seq) != seq:
                return place
        return len(keys)

    def forget(self, gathered: Iterable[tuple[int, int]]) -> None:
        """Take back gathered (key, seq), newest first, that did not become durable."""
        for key, seq in gathered:
            twins = self._twins.get(key, [])
            if seq in twins:
                twins.remove(seq)
                if not twins:
                    del self._twins[key]
            else:
                del self._memory[key >> PART_SHIFT][key]

    def slice(self, size: int) -> Slice | None:
        """About `size` keys of the generation that is due, `None` if none is full yet."""
        end_row = self._upto + GENERATION
        if self.committed < end_row:
            return None
        if self._queue is None:
            self._queue = self._sorted_part(end_row)
            self._at = 0
        keys, seqs = self._queue
        end = self._at + size
        if end + size // 4 >= len(keys):
            end = len(keys)
        at = self._at
        rows = list(zip(repeat(epoch_of(end_row)), keys[at:end].tolist(), seqs[at:end].tolist()))
        upto, parts = self._upto, self._parts
        ends_part = end == len(keys)
        if ends_part:
            parts += 1
            if parts == PARTS:
                upto, parts = end_row, 0
        return Slice(rows, upto, parts, ends_part)

    def merged(self, done: Slice) -> None:
        """The slice is durable; with the last one of a part, its keys move behind their filter."""
        self._at += len(done.rows)
        if not done.ends_part or self._queue is None:
            return
        end_row, part = self._upto + GENERATION, self._memory[self._parts]
        # Only after the filter knows every key of the part may memory forget them.
        self._filter(epoch_of(end_row)).add(self._queue[0])
        self._memory[self._parts] = dict(islice(part.items(), self._oldest, None))
        for key in self._twins.keys() & part.keys():
            self._forget_merged_twins(key, end_row)
        self._queue = None
        self._upto, self._parts = done.upto, done.parts

    def pages_per_key(self) -> float:
        """About how many pages of the table a merged key touches, for guessing the log's growth."""
        earlier = sum(_epoch_size(epoch) for epoch in range(epoch_of(self._upto + 1)))
        pages = (self._upto - earlier + GENERATION) / _KEYS_PER_PAGE
        return float(min(1.0, pages / GENERATION))

    def _sorted_part(self, end_row: int) -> tuple[_Numbers, _Numbers]:
        """The part that is due, sorted: 4,096 keys on average, well under a millisecond."""
        part = self._memory[self._parts]
        seqs = np.fromiter(part.values(), dtype=np.int64, count=len(part))
        due = seqs <= end_row
        self._oldest = int(np.count_nonzero(due))
        if not due[: self._oldest].all():
            # Rows come in order, and so do the entries of a dictionary; only twins disturb that.
            part = dict(sorted(part.items(), key=itemgetter(1)))
            self._memory[self._parts] = part
            seqs = np.sort(seqs)
        seqs = seqs[: self._oldest]
        keys = np.fromiter(part.keys(), dtype=np.int64, count=self._oldest)
        twins = [
            (key, seq)
            for key in self._twins.keys() & part.keys()
            for seq in self._twins[key]
            if seq <= end_row
        ]
        if twins:
            keys = np.append(keys, [key for key, _ in twins])
            seqs = np.append(seqs, [seq for _, seq in twins])
        order = np.lexsort((seqs, keys)) if twins else np.argsort(keys)
        return keys[order], seqs[order]

    def _forget_merged_twins(self, key: int, end_row: int) -> None:
        """Rows of one key: the merged ones leave memory, the first of the rest takes their place."""
        rest = [seq for seq in self._twins.pop(key) if seq > end_row]
        if not rest:
            return
        self._memory[key >> PART_SHIFT].setdefault(key, rest[0])
        rest = [seq for seq in rest if seq != self._memory[key >> PART_SHIFT][key]]
        if rest:
            self._twins[key] = rest

    def _filter(self, epoch: int) -> Filter:
        while len(self._filters) <= epoch:
            layer = Filter(_epoch_size(len(self._filters)))
            self._filters.append(layer)
            self._words.append((layer.words, layer.mask))
        return self._filters[epoch]

    def _fill_filters(self, db: sqlite3.Connection) -> None:
        """Read every merged key once; also those of a part that is not through."""
        (last,) = db.execute("SELECT max(epoch) FROM seen").fetchone()
        for epoch in range(-1 if last is None else last, -1, -1):
            cursor = db.execute("SELECT key FROM seen WHERE epoch = ?", (epoch,))
            while rows := cursor.fetchmany(_SCAN):
                keys = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=len(rows))
                self._filter(epoch).add(keys)

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
            for seq, key in enumerate(np.frombuffer(blob, dtype="<i8").tolist(), first):
                if seq > at and (seq > end_row or key >> PART_SHIFT >= self._parts):
                    self.add(key, seq)
            at = max(at, last)
        return int(at)
