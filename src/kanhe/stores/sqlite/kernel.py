"""Machine code for finding events again: the keys of many events, and tables of keys in memory.

The keys are the beginnings of `BLAKE2s` digests (RFC 7693), eight at a time: what the standard says of
one word is done with a vector of eight, one for each of eight texts. `seen.event_key` is the same
through the standard library, and tests hold the two against each other.

A table of keys has parts, and the part of a key is `key >> shift`. A part has so many places, a power
of two, in which a key is looked for one after the other (Knuth, The Art of Computer Programming, 6.4,
algorithm L). A place is two words: a key, and the number of its row, which is 0 where nothing stands.
A key may stand in several places. Nothing is ever taken out: a part is emptied and filled anew.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from kanhe.judge.machine.compiling import compilers
from kanhe.judge.machine.memory import prefetch, trailing_zeros, unsigned_at, words_at

SOURCES = ("kernel.py",)
compiled, inlined = compilers(Path(__file__).parent, SOURCES)

U64 = np.uint64
I64 = np.int64

LANES = 8
"""Texts that are hashed at once."""
BLOCK_BYTES = 64
"""Longer texts take more than one step, and are left to the standard library. So many bytes behind
the last text may be read, and are not used."""
_BLOCK_WORDS = BLOCK_BYTES // 4

PART_WORDS = 6
ADDRESS, LAST, COUNT, MOST, FACTOR, SHIFT = range(PART_WORDS)
"""The words that tell of a part: where it begins, its last place, how many keys it holds, how many it
may hold before it is full; and the odd number that a key is multiplied by, and how far the product is
shifted, to give the place at which the key is looked for first."""

_IV = (
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
)  # fmt: skip
_SIGMA = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
)
_MIXED = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip
"""Which words of the state each of the eight steps of a round mixes (RFC 7693, 3.2)."""
_PARAMETERS = 0x01010020
"""A digest of 32 bytes, no key, no tree (RFC 7693, 2.5)."""


@intrinsic
def _hash_blocks(typing_context, blocks, sizes, digests):
    """Hash LANES texts of one block each, and write the first two words of their digests.

    All three are addresses of 32-bit words, for each of these one word per text: word by word of the
    block, the size of the text in bytes, word by word of the digest.
    """
    vector = ir.VectorType(ir.IntType(32), LANES)

    def constant(value):
        return ir.Constant(vector, [value] * LANES)

    def generate(context, builder, signature, args):
        def at(address, place):
            place = builder.add(address, ir.Constant(ir.IntType(64), 4 * LANES * place))
            return builder.inttoptr(place, vector.as_pointer())

        def rotated(x, bits):
            return builder.or_(builder.lshr(x, constant(bits)), builder.shl(x, constant(32 - bits)))

        def mix(a, b, c, d, x, y):
            """The function G (RFC 7693, 3.1)."""
            for word, turns in ((x, (16, 12)), (y, (8, 7))):
                v[a] = builder.add(builder.add(v[a], v[b]), word)
                v[d] = rotated(builder.xor(v[d], v[a]), turns[0])
                v[c] = builder.add(v[c], v[d])
                v[b] = rotated(builder.xor(v[b], v[c]), turns[1])

        m = [builder.load(at(args[0], word), align=4) for word in range(_BLOCK_WORDS)]
        h = [constant(_IV[0] ^ _PARAMETERS), *map(constant, _IV[1:])]
        v = [*h, *map(constant, _IV)]
        v[12] = builder.xor(v[12], builder.load(at(args[1], 0), align=4))
        v[14] = constant(_IV[6] ^ 0xFFFFFFFF)  # The first block is the last one.
        for order in _SIGMA:
            for step, words in enumerate(_MIXED):
                mix(*words, m[order[2 * step]], m[order[2 * step + 1]])
        for word in range(2):
            digest = builder.xor(h[word], builder.xor(v[word], v[word + 8]))
            builder.store(digest, at(args[2], word), align=4)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@inlined
def _swapped(word):
    """The four bytes of a word the other way round: a digest begins with its lowest byte."""
    w = U64(word)
    return (
        (w >> U64(24))
        | ((w >> U64(8)) & U64(0xFF00))
        | ((w & U64(0xFF00)) << U64(8))
        | ((w & U64(0xFF)) << U64(24))
    )


@inlined
def _text_size(address):
    """How many bytes there are from an address to the next zero, looked at eight at a time.

    The lowest bit set by the subtraction marks the first zero byte (Warren, Hacker's Delight, 6-1).
    """
    words = unsigned_at(address)
    size = I64(0)
    while True:
        word = words[size >> 3]
        found = (word - U64(0x0101010101010101)) & ~word & U64(0x8080808080808080)
        if found != U64(0):
            return size + I64(trailing_zeros(found) >> U64(3))
        size += 8


@inlined
def _lay_out(address, size, blocks, lane):
    """Write the block of one text, filled up with zeros, into its lane."""
    words = unsigned_at(address)
    for n in range(BLOCK_BYTES // 8):
        left = size - 8 * n
        word = U64(0)
        if left >= 8:
            word = words[n]
        elif left > 0:
            word = words[n] & ((U64(1) << U64(8 * left)) - U64(1))
        blocks[2 * n * LANES + lane] = np.uint32(word & U64(0xFFFFFFFF))
        blocks[(2 * n + 1) * LANES + lane] = np.uint32(word >> U64(32))


@compiled
def hash_texts(texts, keys):
    """The key of each text; -1 for one longer than a block.

    `texts` are UTF-8, a zero byte behind each, and BLOCK_BYTES more behind the last. Gives how many
    keys are -1, or -1 if there are not as many texts as keys, because one has a zero in it.
    """
    blocks = np.zeros(_BLOCK_WORDS * LANES, dtype=np.uint32)
    sizes = np.zeros(LANES, dtype=np.uint32)
    digests = np.zeros(2 * LANES, dtype=np.uint32)
    address, end, count = texts.ctypes.data, len(texts) - BLOCK_BYTES, len(keys)
    at, longer = I64(0), 0
    for begin in range(0, count, LANES):
        lanes = min(LANES, count - begin)
        for lane in range(lanes):
            size = _text_size(address + at)
            _lay_out(address + at, size, blocks, lane)
            sizes[lane] = np.uint32(size)
            at += size + 1
        _hash_blocks(blocks.ctypes.data, sizes.ctypes.data, digests.ctypes.data)
        for lane in range(lanes):
            key = (_swapped(digests[lane]) << U64(32)) | _swapped(digests[LANES + lane])
            keys[begin + lane] = I64(key >> U64(1))
            if sizes[lane] > BLOCK_BYTES:
                keys[begin + lane] = -1
                longer += 1
    return longer if at == end else -1


@inlined
def _place_of(key, parts, number):
    """The place of a part at which a key is looked for first: the highest bits of a product
    (Dietzfelbinger and others, A Reliable Randomized Algorithm for the Closest-Pair Problem, 1997)."""
    mixed = U64(key) * U64(parts[number, FACTOR])
    return I64(mixed >> U64(parts[number, SHIFT]))


@inlined
def _begin_of(key, parts, shift):
    """Where a key is looked for first: its part, the place, and the last place of the part."""
    number = key >> shift
    return words_at(parts[number, ADDRESS]), _place_of(key, parts, number), parts[number, LAST]


@compiled
def mark_known(keys, parts, shift, layers, patterns, word_shift):
    """Invert each key that stands in the table, or that a filter takes for known; gives how many.

    A layer is the address of the words of a filter, and its mask (`stores.sqlite.filter`).
    """
    # The memory around the places is fetched for all keys at once, not for one after the other.
    for key in keys:
        number = key >> shift
        prefetch(parts[number, ADDRESS] + 16 * _place_of(key, parts, number))
    known = 0
    for n in range(len(keys)):
        key = keys[n]
        part, place, last = _begin_of(key, parts, shift)
        while part[2 * place + 1] != 0 and part[2 * place] != key:
            place = (place + 1) & last
        found = part[2 * place + 1] != 0
        for layer in range(len(layers)):
            if found:
                break
            bits = patterns[key & (len(patterns) - 1)]
            words = unsigned_at(layers[layer, 0])
            found = words[(key >> word_shift) & layers[layer, 1]] & bits == bits
        if found:
            keys[n] = ~key
            known += 1
    return known


@compiled
def find_rows(key, parts, shift, seqs):
    """The numbers of the rows of a key, as many as fit into `seqs`; gives how many there are."""
    part, place, last = _begin_of(key, parts, shift)
    found = 0
    while part[2 * place + 1] != 0:
        if part[2 * place] == key:
            if found < len(seqs):
                seqs[found] = part[2 * place + 1]
            found += 1
        place = (place + 1) & last
    return found


@compiled
def take_rows(parts, number, after, until, keys, seqs):
    """Write those keys of a part whose rows are behind `after` and not behind `until`, and those rows;
    gives how many there are."""
    part = words_at(parts[number, ADDRESS])
    found = 0
    for place in range(parts[number, LAST] + 1):
        seq = part[2 * place + 1]
        if after < seq <= until:  # Nothing is behind 0 where nothing stands.
            keys[found] = part[2 * place]
            seqs[found] = seq
            found += 1
    return found


@compiled
def add_new(keys, first, parts, shift):
    """Put keys into the table, whose rows count on from `first`, up to one that is inverted or stands
    there already, or whose part is full; gives how many were put there."""
    for n in range(len(keys)):
        key = keys[n]
        number = key >> shift
        if key < 0 or parts[number, COUNT] >= parts[number, MOST]:
            return n
        part, place, last = _begin_of(key, parts, shift)
        while part[2 * place + 1] != 0:
            if part[2 * place] == key:
                return n
            place = (place + 1) & last
        part[2 * place] = key
        part[2 * place + 1] = first + n
        parts[number, COUNT] += 1
    return len(keys)


@compiled
def add_all(keys, seqs, parts, shift):
    """Put keys and the numbers of their rows into the table, whose parts must have room for them."""
    for n in range(len(keys)):
        key = keys[n]
        part, place, last = _begin_of(key, parts, shift)
        while part[2 * place + 1] != 0:
            place = (place + 1) & last
        part[2 * place] = key
        part[2 * place + 1] = seqs[n]
        parts[key >> shift, COUNT] += 1
