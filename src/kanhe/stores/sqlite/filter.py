"""A filter that says of most new keys at once that they were never seen.

Source: Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters" (2007): all bits
of a key lie in one word, so that one look is enough. Here a word has 64 bits, a key sets 5 of them,
and four keys share a word on average (16 bits per key): about one new key in 250 is sent to the
disk in vain when a filter is full.
"""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt

KEYS_PER_WORD = 4
_PATTERN_BITS = 14
_BITS_PER_KEY = 5


def _patterns() -> list[int]:
    """The bit patterns that a key can set: fixed, so that a filter means the same in every process."""
    draw = random.Random(0x6B616E68)  # noqa: S311 - a table of constants, not a secret
    return [
        sum(1 << bit for bit in draw.sample(range(64), _BITS_PER_KEY))
        for _ in range(1 << _PATTERN_BITS)
    ]


PATTERNS = _patterns()
PATTERN_ARRAY = np.array(PATTERNS, dtype=np.uint64)
PATTERN_MASK = (1 << _PATTERN_BITS) - 1
WORD_SHIFT = _PATTERN_BITS


class Filter:
    """A Bloom filter of fixed size for `capacity` keys (a power of two) of 63 uniform bits.

    `address`, where its words begin, and `mask` are open to the machine code that looks many keys up
    in all filters; the memory is taken from the system only as it is written to.
    """

    __slots__ = ("_array", "_words", "address", "mask")

    def __init__(self, capacity: int) -> None:
        size = capacity // KEYS_PER_WORD
        if size < 1 or size & (size - 1):
            raise ValueError(f"a capacity of {capacity} is not a power of two from 4 up")
        self._array = np.zeros(size, dtype=np.uint64)
        self._words: memoryview[int] = self._array.data
        self.address: int = self._array.ctypes.data
        self.mask = size - 1

    def add(self, keys: npt.NDArray[np.int64]) -> None:
        """Add many keys at once."""
        unsigned = keys.astype(np.uint64)
        where = ((unsigned >> np.uint64(WORD_SHIFT)) & np.uint64(self.mask)).astype(np.int64)
        bits = PATTERN_ARRAY[keys & PATTERN_MASK]
        # Of keys that share a word only one gets its bits each time round; few do, and it is still
        # much faster than the one call that does it right at once (`np.bitwise_or.at`).
        while where.size:
            self._array[where] |= bits
            left = self._array[where] & bits != bits
            where, bits = where[left], bits[left]

    def __contains__(self, key: int) -> bool:
        """False: surely never added. True: probably added."""
        bits = PATTERNS[key & PATTERN_MASK]
        return self._words[key >> WORD_SHIFT & self.mask] & bits == bits
