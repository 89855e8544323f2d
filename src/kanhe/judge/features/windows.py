"""Windows: buckets of aggregates, kept sorted by time, with running totals of those inside.

A track is the buckets of one window and delay of one entity. Its place in the entity's record is two
words: the block that holds the buckets, and (16 bits each) its size class, how many buckets are
inside the window, how many there are, and where the first one stands.
"""

from __future__ import annotations

import numpy as np

from kanhe.judge.features.arithmetic import (
    BIGGEST,
    F64,
    I64,
    U64,
    add_wide,
    compiled,
    inlined,
    multiply,
    subtract_wide,
)
from kanhe.judge.features.layout import (
    ARENA_WORDS,
    BUCKETS,
    CLASSES,
    COUNT,
    FREE_LISTS,
    FULL,
    K_COLUMNS,
    K_DELAY_MS,
    K_FREE,
    K_GAUGE,
    K_KINDS,
    K_PLACE,
    K_TOTALS,
    K_WIDTH_MS,
    MAX,
    MIN,
    MISSING,
    SQUARES_LOW,
    SUM,
    TOP,
    U_COUNT,
    U_TIME,
    U_TRACK,
    UPDATE_COLUMN,
    UPDATE_HEAD,
    VALUE_MAX,
    X_AT,
    X_BITS,
    X_SUBJECT,
    X_VALUES,
)


@inlined
def take_block(arena, meta, free, words, size_class):
    """A block of `words` words from the free list of its size, or from the top of the arena."""
    head = FREE_LISTS + free * CLASSES + size_class
    block = meta[head]
    if block != 0:
        meta[head] = arena[block]
        return block
    block = meta[TOP]
    if block + words > meta[ARENA_WORDS]:
        meta[FULL] = 1
        return I64(0)
    meta[TOP] = block + words
    return block


@inlined
def give_block(arena, meta, free, size_class, block):
    """Put a block on the free list of its size; its first word points to the next one."""
    head = FREE_LISTS + free * CLASSES + size_class
    arena[block] = meta[head]
    meta[head] = block


@inlined
def _packed(size_class, entered, length, start):
    return (size_class << 48) | (entered << 32) | (length << 16) | start


@inlined
def _shift_totals(arena, program, track, totals, bucket, sign):
    """Add a bucket to the running totals, or take it away."""
    kinds = program[track + K_KINDS]
    for c in range(program[track + K_COLUMNS]):
        kind = program[kinds + c]
        if kind == COUNT or kind == SUM:
            arena[totals + c] += sign * arena[bucket + 1 + c]
        elif kind == SQUARES_LOW:
            low = U64(arena[bucket + 1 + c])
            high = U64(arena[bucket + 2 + c])
            if sign > 0:
                add_wide(arena, totals + c, high, low)
            else:
                subtract_wide(arena, totals + c, high, low)


@inlined
def _last_bucket(program, track, x, clock):
    """The newest bucket inside the window: from the gauge, unless this event is late."""
    if clock == x[X_AT]:
        return x[program[track + K_GAUGE]]
    return (clock - program[track + K_DELAY_MS]) // program[track + K_WIDTH_MS]


@inlined
def advance(arena, meta, program, track, record, x, clock):
    """Move a window to the clock: drop the buckets it has left, enter those it has reached."""
    place = record + program[track + K_PLACE]
    block = arena[place]
    if block == 0:
        return
    state = arena[place + 1]
    start = state & 0xFFFF
    length = (state >> 16) & 0xFFFF
    entered = (state >> 32) & 0xFFFF
    size_class = state >> 48
    if length == 0:
        return
    width = program[track + K_COLUMNS] + 1
    last = _last_bucket(program, track, x, clock)
    totals = record + program[track + K_TOTALS]
    bucket = block + start * width
    while length > 0 and arena[bucket] <= last - BUCKETS:
        if entered > 0:
            _shift_totals(arena, program, track, totals, bucket, -1)
            entered -= 1
        start += 1
        length -= 1
        bucket += width
    while entered < length and arena[block + (start + entered) * width] <= last:
        _shift_totals(arena, program, track, totals, block + (start + entered) * width, 1)
        entered += 1
    if length == 0:
        start = 0
        if size_class > 1:
            give_block(arena, meta, program[track + K_FREE], size_class, block)
            arena[place] = 0
            size_class = 0
    arena[place + 1] = _packed(size_class, entered, length, start)


@compiled
def _room(arena, meta, program, track, place):
    """Make room for one more bucket at the end of the block of a track. False if the arena is full."""
    width = program[track + K_COLUMNS] + 1
    state = arena[place + 1]
    start = state & 0xFFFF
    length = (state >> 16) & 0xFFFF
    entered = (state >> 32) & 0xFFFF
    size_class = state >> 48
    block = arena[place]
    free = program[track + K_FREE]
    if block == 0:
        block = take_block(arena, meta, free, width, 0)
        if block == 0:
            return False
        arena[place] = block
        arena[place + 1] = 0
        return True
    if start + length < (I64(1) << size_class):
        return True
    target = block
    if start == 0:
        target = take_block(arena, meta, free, width << (size_class + 1), size_class + 1)
        if target == 0:
            return False
    source = block + start * width
    for i in range(length * width):
        arena[target + i] = arena[source + i]
    if target != block:
        give_block(arena, meta, free, size_class, block)
        size_class += 1
        arena[place] = target
    arena[place + 1] = _packed(size_class, entered, length, 0)
    return True


@inlined
def _bucket(arena, meta, program, track, record, number, last):
    """The bucket with this number, made in its place if new. 0 if the arena is full."""
    place = record + program[track + K_PLACE]
    width = program[track + K_COLUMNS] + 1
    state = arena[place + 1]
    start = state & 0xFFFF
    length = (state >> 16) & 0xFFFF
    i = length
    block = arena[place]
    while i > 0 and arena[block + (start + i - 1) * width] > number:
        i -= 1
    if i > 0 and arena[block + (start + i - 1) * width] == number:
        return block + (start + i - 1) * width
    if not _room(arena, meta, program, track, place):
        return I64(0)
    block = arena[place]
    state = arena[place + 1]
    start = state & 0xFFFF
    entered = (state >> 32) & 0xFFFF
    first = block + (start + i) * width
    for j in range((length - i) * width - 1, -1, -1):
        arena[first + width + j] = arena[first + j]
    arena[first] = number
    kinds = program[track + K_KINDS]
    for c in range(width - 1):
        kind = program[kinds + c]
        arena[first + 1 + c] = BIGGEST if kind == MIN else (MISSING if kind == MAX else 0)
    if number <= last:
        entered += 1
    arena[place + 1] = _packed(state >> 48, entered, length + 1, start)
    return first


@inlined
def _add_value(arena, word, kind, value):
    """Add one event to one column, in a bucket or in the totals."""
    if kind == COUNT:
        arena[word] += 1
    elif kind == SUM:
        arena[word] += value
    elif kind == SQUARES_LOW:
        size = U64(value if value >= 0 else -value)
        high, low = multiply(size, size)
        add_wide(arena, word, high, low)
    elif kind == MIN:
        arena[word] = min(arena[word], value)
    else:
        arena[word] = max(arena[word], value)


@inlined
def add_to_track(arena, meta, program, update, record, x, clock):
    """Add the event to one track: find its bucket once, then every column it counts in."""
    when = x[X_AT] if program[update + U_TIME] == 0 else x[X_SUBJECT]
    if when == MISSING or when > clock:
        return
    track = program[update + U_TRACK]
    last = _last_bucket(program, track, x, clock)
    number = x[program[track + K_GAUGE] + 1]
    if program[update + U_TIME] != 0:
        number = when // program[track + K_WIDTH_MS]
    if number <= last - BUCKETS:
        return
    bucket = I64(0)
    totals = record + program[track + K_TOTALS]
    item = update + UPDATE_HEAD
    for _ in range(program[update + U_COUNT]):
        column = program[item]
        kind = program[item + 1]
        slot = program[item + 2]
        bit = program[item + 3]
        item += UPDATE_COLUMN
        if bit >= 0 and (x[X_BITS] >> bit) & 1 == 0:
            continue
        value = I64(0)
        if slot >= 0:
            value = x[X_VALUES + slot]
            if value > VALUE_MAX or value < -VALUE_MAX:
                continue
        if bucket == 0:
            bucket = _bucket(arena, meta, program, track, record, number, last)
            if bucket == 0:
                return
        _add_value(arena, bucket + 1 + column, kind, value)
        if number <= last and kind < MIN:
            _add_value(arena, totals + column, kind, value)


@compiled
def extreme(arena, program, track, record, column, kind):
    """The smallest or largest value over the buckets that are inside the window."""
    place = record + program[track + K_PLACE]
    state = arena[place + 1]
    width = program[track + K_COLUMNS] + 1
    bucket = arena[place] + (state & 0xFFFF) * width
    best = I64(BIGGEST) if kind == MIN else I64(MISSING)
    for _ in range((state >> 32) & 0xFFFF):
        value = arena[bucket + 1 + column]
        if (kind == MIN and value < best) or (kind == MAX and value > best):
            best = value
        bucket += width
    return np.nan if best in (BIGGEST, MISSING) else F64(best)
