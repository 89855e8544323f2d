"""The keys of the newest rows, in memory, until they are in the table `seen`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

import numpy as np

from kanhe.stores.sqlite import kernel
from kanhe.stores.sqlite.filter import PATTERN_ARRAY, WORD_SHIFT
from kanhe.stores.sqlite.seen import Keys, Layers, Looked, event_key

_PLACES: Final = 1 << 14
"""Places of a part at least: of half a million keys in 64 parts each part has 8,192 or so."""
_FULL = 0.75
"""A part that is fuller than that has twice the places from then on."""
_ROWS_OF_KEY = 8
_LAST: Final = (1 << 63) - 1
_NONE: Final = np.empty(0, dtype=np.int64)
_BEHIND = "\0" * kernel.BLOCK_BYTES


def keys_of(tenants: Sequence[str], event_ids: Sequence[str]) -> Keys:
    """The keys of events, by their tenants and ids: what `event_key` gives for each."""
    if len(tenants) != len(event_ids):
        raise ValueError("there must be a tenant for each id")
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

    The part of a key is `key >> shift`. A key may have several rows. Each part grows by itself, and a
    secret number has its say in the places of keys, so that whoever chooses ids for their keys makes
    it take no more memory than the keys of others do, and hardly more time.
    """

    def __init__(self, parts: int, shift: int) -> None:
        self._shift = shift
        self._parts = np.zeros((parts, kernel.PART_WORDS), dtype=np.int64)
        self._factor = secrets.randbits(63) | 1
        self._places = [np.empty(0, dtype=np.int64)] * parts
        for number in range(parts):
            self._refill(number, _NONE, _NONE)
        self._warm()

    def __len__(self) -> int:
        return int(self._parts[:, kernel.COUNT].sum())

    def look(self, tenants: Sequence[str], event_ids: Sequence[str], layers: Layers) -> Looked:
        """Look for events, by their tenants and ids, here and in filters."""
        keys = keys_of(tenants, event_ids)
        maybe = kernel.mark_known(keys, self._parts, self._shift, layers, PATTERN_ARRAY, WORD_SHIFT)
        return Looked(keys, maybe)

    def rows_of(self, key: int) -> list[int]:
        """The numbers of all rows with this key."""
        seqs = np.empty(_ROWS_OF_KEY, dtype=np.int64)
        while (count := kernel.find_rows(key, self._parts, self._shift, seqs)) > len(seqs):
            seqs = np.empty(count, dtype=np.int64)
        rows: list[int] = seqs[:count].tolist()
        return rows

    def part(self, number: int, after: int = 0, until: int = _LAST) -> tuple[Keys, Keys]:
        """The keys of a part, in no order, and the numbers of their rows: of those with numbers above
        `after` up to `until`."""
        size = int(self._parts[number, kernel.COUNT])
        keys, seqs = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
        found = kernel.take_rows(self._parts, number, after, until, keys, seqs)
        return keys[:found], seqs[:found]

    def add(self, keys: Keys, seqs: Keys) -> None:
        """Add keys and the numbers of their rows, whether the keys are here already or not."""
        counts = np.bincount(keys >> self._shift, minlength=len(self._parts))
        room = self._parts[:, kernel.MOST] - self._parts[:, kernel.COUNT]
        for number in np.flatnonzero(counts > room).tolist():
            self._refill(number, *self.part(number), more=int(counts[number]))
        kernel.add_all(keys, seqs, self._parts, self._shift)

    def add_new(self, keys: Keys, first: int) -> int:
        """Add keys whose rows count on from `first`, up to one that is inverted or here already; gives
        how many were added."""
        added: int = kernel.add_new(keys, first, self._parts, self._shift)
        while added < len(keys) and keys[added] >= 0:
            number = int(keys[added] >> self._shift)
            if self._parts[number, kernel.COUNT] < self._parts[number, kernel.MOST]:
                break
            self._refill(number, *self.part(number), more=1)
            added += kernel.add_new(keys[added:], first + added, self._parts, self._shift)
        return added

    def keep(self, number: int, after: int) -> None:
        """Take all rows up to `after` out of a part."""
        self._refill(number, *self.part(number, after=after))

    def forget(self, after: int) -> None:
        """Take out all rows behind `after`."""
        for number in range(len(self._parts)):
            keys, seqs = self.part(number, until=after)
            if len(keys) < self._parts[number, kernel.COUNT]:
                self._refill(number, keys, seqs)

    def _refill(self, number: int, keys: Keys, seqs: Keys, more: int = 0) -> None:
        """Have a part hold these rows alone, with room for some more."""
        size = _PLACES
        while len(keys) + more > (most := int(_FULL * size)):
            size *= 2
        places = self._places[number]
        if len(places) == 2 * size:
            places[:] = 0
        else:
            # Memory is taken from the system only as it is written to.
            places = self._places[number] = np.zeros(2 * size, dtype=np.int64)
        shift = 65 - size.bit_length()
        self._parts[number] = (places.ctypes.data, size - 1, 0, most, self._factor, shift)
        kernel.add_all(keys, seqs, self._parts, self._shift)

    def _warm(self) -> None:
        """Have the machine code ready before the first event waits for it."""
        self.look(("",), ("",), np.empty((0, 2), dtype=np.int64))
        self.add(_NONE, _NONE)
        self.add_new(_NONE, 1)
        self.rows_of(0)
        self.part(0)
