"""The keys of the newest rows, in memory, until they are in the table `seen`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from kanhe.stores.sqlite import kernel
from kanhe.stores.sqlite.filter import PATTERN_ARRAY, WORD_SHIFT
from kanhe.stores.sqlite.seen import Keys, Layers, Looked, event_key

_PLACES: Final = 1 << 14
"""Places of a part at first: of half a million keys in 64 parts each part has 8,192 or so."""
_FULL = 0.75
"""A part that is fuller than that has twice the places from then on."""
_ROWS_OF_KEY = 8
_LAST: Final = (1 << 63) - 1
_BEHIND = "\0" * kernel.BLOCK_BYTES


def keys_of(tenants: Sequence[str], event_ids: Sequence[str]) -> Keys:
    """The keys of events, by their tenants and ids: what `event_key` gives for each."""
    keys = np.empty(len(event_ids), dtype=np.int64)
    if not len(keys):
        return keys
    tenant = tenants[0]
    if tenants.count(tenant) == len(tenants):
        begin = f"{tenant}\x1f"
        text = begin + f"\0{begin}".join(event_ids) + "\0" + _BEHIND
    else:
        names = map("\x1f".join, zip(tenants, event_ids, strict=True))
        text = "\0".join(names) + "\0" + _BEHIND
    left = kernel.hash_texts(np.frombuffer(text.encode(), dtype=np.uint8), keys)
    if left:
        # Texts longer than a block of the hash; or a zero in one of them, and no key is right.
        for place in range(len(keys)) if left < 0 else np.flatnonzero(keys == -1).tolist():
            keys[place] = event_key(tenants[place], event_ids[place])
    return keys


class Recent:
    """A set of (key, number of the row) in parts, which are taken out whole.

    The part of a key is `key >> shift`. A key may have several rows.
    """

    def __init__(self, parts: int, shift: int) -> None:
        self._shift = shift
        # Memory is taken from the system only as it is written to.
        self._table = np.zeros((parts, _PLACES, 2), dtype=np.int64)
        self._counts = np.zeros(parts, dtype=np.int64)
        self._warm()

    def __len__(self) -> int:
        return int(self._counts.sum())

    def look(self, tenants: Sequence[str], event_ids: Sequence[str], layers: Layers) -> Looked:
        """Look for events, by their tenants and ids, here and in filters."""
        keys = keys_of(tenants, event_ids)
        maybe = kernel.mark_known(keys, self._table, self._shift, layers, PATTERN_ARRAY, WORD_SHIFT)
        return Looked(keys, maybe)

    def rows_of(self, key: int) -> list[int]:
        """The numbers of all rows with this key."""
        seqs = np.empty(_ROWS_OF_KEY, dtype=np.int64)
        while (count := kernel.find_rows(key, self._table, self._shift, seqs)) > len(seqs):
            seqs = np.empty(count, dtype=np.int64)
        rows: list[int] = seqs[:count].tolist()
        return rows

    def part(self, number: int, after: int = 0, until: int = _LAST) -> tuple[Keys, Keys]:
        """The keys of a part, in no order, and the numbers of their rows: of those with numbers above
        `after` up to `until`."""
        size = int(self._counts[number])
        keys, seqs = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
        found = kernel.take_rows(self._table[number], after, until, keys, seqs)
        return keys[:found], seqs[:found]

    def add(self, keys: Keys, seqs: Keys) -> None:
        """Add keys and the numbers of their rows, whether the keys are here already or not."""
        wanted = self._counts + np.bincount(keys >> self._shift, minlength=len(self._counts))
        while int(wanted.max()) > self._most():
            self._grow()
        kernel.add_all(keys, seqs, self._table, self._shift, self._counts)

    def add_new(self, keys: Keys, first: int) -> int:
        """Add keys whose rows count on from `first`, up to one that is inverted or here already; gives
        how many were added."""
        added: int = 0
        while True:
            added += kernel.add_new(
                keys[added:], first + added, self._table, self._shift, self._counts, self._most()
            )
            if added == len(keys) or keys[added] < 0:
                break
            if self._counts[keys[added] >> self._shift] < self._most():
                break
            self._grow()
        return added

    def keep(self, number: int, after: int) -> None:
        """Take all rows up to `after` out of a part."""
        self._refill(number, *self.part(number, after=after))

    def forget(self, after: int) -> None:
        """Take out all rows behind `after`."""
        for number in range(len(self._counts)):
            keys, seqs = self.part(number, until=after)
            if len(keys) < self._counts[number]:
                self._refill(number, keys, seqs)

    def _refill(self, number: int, keys: Keys, seqs: Keys) -> None:
        self._table[number] = 0
        self._counts[number] = 0
        kernel.add_all(keys, seqs, self._table, self._shift, self._counts)

    def _most(self) -> int:
        return int(_FULL * self._table.shape[1])

    def _grow(self) -> None:
        parts = [self.part(number) for number in range(len(self._counts))]
        shape = (len(self._counts), 2 * self._table.shape[1], 2)
        self._table = np.zeros(shape, dtype=np.int64)
        self._counts[:] = 0
        for keys, seqs in parts:
            kernel.add_all(keys, seqs, self._table, self._shift, self._counts)

    def _warm(self) -> None:
        """Have the machine code ready before the first event waits for it."""
        none = self.look(("",), ("",), np.empty((0, 2), dtype=np.int64)).keys[:0]
        self.add(none, none)
        self.add_new(none, 1)
        self.rows_of(0)
        self.part(0)
