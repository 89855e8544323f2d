"""What is remembered beside windows: distinct values, the latest event, the first one."""

from __future__ import annotations

from kanhe.judge.features.arithmetic import (
    BIGGEST,
    F64,
    I64,
    U64,
    call_word,
    compiled,
    inlined,
    km_per_hour,
    mix,
)
from kanhe.judge.features.layout import (
    MISSING,
    R_CLOCK,
    READ_LAST,
    REMEMBER_FIRST,
    REMEMBER_NUMBER,
    REMEMBER_PLACE,
    REMEMBER_TEXT,
    REMEMBER_TIME,
    X_AT,
    X_BITS,
    X_VALUES,
)
from kanhe.judge.features.windows import give_block, take_block

_PART = 32
_LINES = 6


@compiled
def see_value(arena, meta, program, update, record, x):
    """Add the event's value to a set of distinct values, with the time it was last seen.

    A set is two words in the record (block, capacity class and length) and a block of `capacity`
    hashes followed by `capacity` times. It keeps the values seen last; see point 10 of the docs.
    """
    bit = program[update + 6]
    if bit >= 0 and (x[X_BITS] >> bit) & 1 == 0:
        return
    source = program[update + 1]
    if program[update + 2] == 0:
        value = x[source]
    else:
        value = x[X_VALUES + source]
        # Turned by a constant first: mix(0) is 0, and 0 stands for "left out" among hashes.
        value = I64(mix(U64(value) ^ U64(0x9E3779B97F4A7C15))) if value != MISSING else I64(0)
    if value == 0:
        return
    when = x[X_AT]
    most = program[update + 3]
    free = program[update + 4]
    window_ms = program[update + 5]
    place = record + program[update]
    block = arena[place]
    length = arena[place + 1] & 0xFFFF
    size_class = arena[place + 1] >> 16
    room = (I64(1) << size_class) if block != 0 else I64(0)
    i = _place_of(arena, block, length, value)
    if i < length:
        arena[block + room + i] = max(arena[block + room + i], when)
        return
    if length == room:
        length = _purged(arena, block, room, length, arena[record + R_CLOCK] - window_ms)
    if length < most:
        if length == room:
            wider = size_class + 1 if block != 0 else I64(0)
            fresh = take_block(arena, meta, free, I64(2) << wider, wider)
            if fresh == 0:
                return
            wide = I64(1) << wider
            for i in range(length):
                arena[fresh + i] = arena[block + i]
                arena[fresh + wide + i] = arena[block + room + i]
            if block != 0:
                give_block(arena, meta, free, size_class, block)
            block = fresh
            room = wide
            size_class = wider
            arena[place] = block
        arena[block + length] = value
        arena[block + room + length] = when
        arena[place + 1] = (size_class << 16) | (length + 1)
        return
    first = I64(BIGGEST)
    for i in range(length):
        first = min(first, arena[block + room + i])
    if first < when:
        oldest = _place_of(arena, block + room, length, first)
        arena[block + oldest] = value
        arena[block + room + oldest] = when
    arena[place + 1] = (size_class << 16) | length


@inlined
def _place_of(arena, block, length, value):
    """Where in a block the first such word stands; `length` if nowhere.

    Whether a part holds it at all is counted without a branch, several words at a time.
    """
    done = I64(0)
    while done < length:
        part = min(length - done, I64(_PART))
        found = 0
        for i in range(part):
            found += arena[block + done + i] == value
        if found != 0:
            while arena[block + done] != value:
                done += 1
            return done
        done += part
    return length


@inlined
def call_set(arena, place):
    """Call up the values of a set and their times, as far as the processor does not by itself."""
    block = arena[place]
    if block != 0:
        length = arena[place + 1] & 0xFFFF
        room = I64(1) << (arena[place + 1] >> 16)
        for line in range(min((length + 7) >> 3, I64(_LINES))):
            call_word(arena, block + 8 * line)
            call_word(arena, block + room + 8 * line)


@compiled
def _purged(arena, block, room, length, since):
    """Drop the values that no window reaches any more; returns how many are left."""
    kept = 0
    for i in range(length):
        if arena[block + room + i] >= since:
            arena[block + kept] = arena[block + i]
            arena[block + room + kept] = arena[block + room + i]
            kept += 1
    return kept


@inlined
def remember(arena, program, update, record, x, vector):
    """Keep the latest value, time or place (or the first time) of a stream of events.

    A speed is read here, between the remembered place and this one.
    """
    bit = program[update + 4]
    if bit >= 0 and (x[X_BITS] >> bit) & 1 == 0:
        return
    place = record + program[update]
    what = program[update + 1]
    slot = program[update + 2]
    when = x[X_AT]
    if what == REMEMBER_FIRST:
        if arena[place] == MISSING or when < arena[place]:
            arena[place] = when
        return
    value = I64(0)
    if what == REMEMBER_TEXT:
        value = x[slot]
        if value == 0:
            return
        value = I64(U64(value) >> U64(12))
    elif what == REMEMBER_NUMBER:
        value = x[X_VALUES + slot]
        if value == MISSING:
            return
    elif what == REMEMBER_PLACE:
        value = x[X_VALUES + slot]
        other = x[X_VALUES + program[update + 3]]
        if value == MISSING or other == MISSING:
            return
        if arena[place] != MISSING:
            vector[program[update + 5]] = km_per_hour(
                arena[place + 1], arena[place + 2], arena[place], value, other, when
            )
        if arena[place] == MISSING or when >= arena[place]:
            arena[place + 2] = other
    if arena[place] == MISSING or when >= arena[place]:
        arena[place] = when
        if what != REMEMBER_TIME:
            arena[place + 1] = value


@inlined
def read_before(arena, program, read, record, x, vector):
    """Read what speaks of earlier events only: `last` and `since_last`."""
    out = program[read]
    place = record + program[read + 2]
    over = program[read + 3]
    when = arena[place]
    if when == MISSING or (over > 0 and x[X_AT] - when > over):
        return
    if program[read + 1] == READ_LAST:
        vector[out] = F64(arena[place + 1])
    else:
        vector[out] = F64(max(x[X_AT] - when, 0)) / 1000.0
