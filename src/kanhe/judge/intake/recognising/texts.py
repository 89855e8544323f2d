"""The characters of texts, and words that are looked up."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kanhe.judge.intake.recognising.layout import (
    AT_POOL,
    AT_PRINTABLE,
    AT_WORDS,
    N_WORDS,
    POINTS,
    PROBES,
    W_HASH,
    W_NUMBER,
    W_PLACE,
    W_SIZE,
    W_WIDTH,
)
from kanhe.judge.machine.compiling import compilers
from kanhe.judge.machine.memory import (
    BLOCK,
    alike,
    bytes_at,
    trailing_zeros,
    unusual,
    word_at,
    words_at,
)

SOURCES = (
    "layout.py", "texts.py", "values.py", "kernel.py", "../cells.py", "../declarations.py",
    "../card_numbers.py",
)  # fmt: skip
compiled, inlined = compilers(Path(__file__).parent, SOURCES)

U64 = np.uint64
I64 = np.int64
QUOTE = 0x22
_LAST_CONTROL, _LINE_SEPARATOR, _PARAGRAPH_SEPARATOR = 0x9F, 0x2028, 0x2029


@inlined
def plain_end(at):
    """The address of the first byte from here on that is no plain character (see `unusual`)."""
    found = unusual(at)
    while found == U64(0):
        at += BLOCK
        found = unusual(at)
    return at + I64(trailing_zeros(found))


@compiled
def text_end(places, at, end, is_id):
    """Where the quotation mark behind a text stands, and how many characters the text has.

    -1 if it has none, or a character that is escaped or not allowed, or one of which it is not known
    whether it is: ids hold what can be printed, other texts anything but controls. UTF-8 is checked
    as RFC 3629 prescribes.
    """
    printable = bytes_at(words_at(places)[AT_PRINTABLE])
    start = at
    spare = I64(0)  # bytes of characters beyond their first one
    while True:
        at = plain_end(at)
        if at >= end:
            return I64(-1), I64(0)
        text = bytes_at(at)
        first = I64(text[0])
        if first == QUOTE:
            return at, at - start - spare
        if first < 0xC2 or first > 0xF4:
            return I64(-1), I64(0)
        more = I64(1)
        if first >= 0xF0:
            more = I64(3)
        elif first >= 0xE0:
            more = I64(2)
        if at + more >= end:
            return I64(-1), I64(0)
        point = first & (0x3F >> more)
        for i in range(1, more + 1):
            byte = I64(text[i])
            if byte & 0xC0 != 0x80:
                return I64(-1), I64(0)
            point = point << 6 | (byte & 0x3F)
        if more == 2 and (point < 0x800 or 0xD800 <= point <= 0xDFFF):
            return I64(-1), I64(0)
        if more == 3 and (point < POINTS or point > 0x10FFFF):
            return I64(-1), I64(0)
        if is_id:
            if point >= POINTS or printable[point] == 0:
                return I64(-1), I64(0)
        elif point <= _LAST_CONTROL or _LINE_SEPARATOR <= point <= _PARAGRAPH_SEPARATOR:
            return I64(-1), I64(0)
        spare += more
        at += more + 1


@inlined
def same(one, other, size):
    """Whether two texts of a size are the same. Blocks are read: up to 31 bytes behind them too."""
    while size > BLOCK:
        if alike(one, other) != U64(0xFFFFFFFF):
            return False
        one += BLOCK
        other += BLOCK
        size -= BLOCK
    return alike(one, other) | (U64(0xFFFFFFFF) << U64(size)) & U64(0xFFFFFFFF) == U64(0xFFFFFFFF)


@inlined
def _stir(h, word):
    h = (h ^ word) * U64(0x9E3779B97F4A7C15)
    return h ^ (h >> U64(32))


@inlined
def _last_bytes(at, size):
    """The up to seven bytes at an address as a word."""
    return word_at(at) & ((U64(1) << U64(8 * size)) - U64(1))


@compiled
def hash_word(words, at, size):
    """A hash of a text as a word of some kind; other for the same text as a word of another kind.

    Whoever sends texts can make them collide: that is why `find` looks in few places only.
    """
    h = _stir(U64(words), U64(size))
    while size >= 8:
        h = _stir(h, word_at(at))
        at += 8
        size -= 8
    return I64(_stir(h, _last_bytes(at, size)))


@compiled
def find(places, words, at, size):
    """The number of a word of some kind, -1 if there is no such word."""
    table = words_at(places)
    entries = words_at(table[AT_WORDS])
    mask = table[N_WORDS] - 1
    if size < 8:
        text = _last_bytes(at, size)
        h = I64(_stir(_stir(U64(words), U64(size)), text))
    else:
        text = U64(0)
        h = hash_word(words, at, size)
    for probe in range(PROBES):
        entry = ((h + probe) & mask) * W_WIDTH
        if entries[entry + W_HASH] == h and entries[entry + W_SIZE] == size:
            place = entries[entry + W_PLACE]
            if U64(place) == text if size < 8 else same(at, table[AT_POOL] + place, size):
                return entries[entry + W_NUMBER]
        if entries[entry + W_NUMBER] < 0:
            return I64(-1)
    return I64(-1)
