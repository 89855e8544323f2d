"""Windows: buckets of aggregates, kept sorted by time, with running totals of those inside.

A track is the buckets of one window and delay of one entity. A bucket is its number (time divided by
width) and its columns. The newest bucket stands in the entity's record, so that an entity with one
event, or a busy one within the same bucket, needs no other memory; older ones stand in a ring of 2ⁿ
buckets in a block. In the record a track is the block, a word of state, the newest bucket and the
totals. The state is (from the highest bits) how many numbers the oldest bucket lies behind the newest,
the block's size class n, how many buckets are inside the window, how many there are, and where in the
ring the oldest one stands.
"""

from __future__ import annotations

import numpy as np

from kanhe.judge.features.arithmetic import (
    BIGGEST,
    F64,
    I64,
    U64,
    add_wide,
    call_word,
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
    OPEN,
    PLAIN_COLUMN,
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
def _packed(span, size_class, entered, length, start):
    return (span << 48) | (size_class << 40) | (entered << 28) | (length << 16) | start


@inlined
def _start(state):
    return state & 0xFFFF


@inlined
def _length(state):
    return (state >> 16) & 0xFFF


@inlined
def _entered(state):
    return (state >> 28) & 0xFFF


@inlined
def block_class(state):
    """The size class of the block of a track."""
    return (state >> 40) & 0xFF


@inlined
def _at(arena, place, state, width, i):
    """Where the i-th oldest bucket stands: in the ring, or (the newest one) in the record."""
    if i == _length(state) - 1:
        return place + OPEN
    slot = (_start(state) + i) & ((I64(1) << block_class(state)) - 1)
    return arena[place] + slot * width


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
    """The newest bucket inside the window: from the gauge, unless this event is too late for it."""
    last = x[program[track + K_GAUGE]]
    if clock != x[X_AT]:
        time = clock - program[track + K_DELAY_MS]
        if time >= (last + 1) * program[track + K_WIDTH_MS]:
            return time // program[track + K_WIDTH_MS]
    return last


@inlined
def advance(arena, meta, program, track, record, x, clock):
    """Move a window to the clock: drop the buckets it has left, enter those it has reached."""
    place = record + program[track + K_PLACE]
    state = arena[place + 1]
    # Mostly nothing has left and nothing is to enter, or all has left: no block is looked at then.
    if _length(state) == 0:
        return
    last = _last_bucket(program, track, x, clock)
    newest = arena[place + OPEN]
    if newest <= last - BUCKETS:
        totals = record + program[track + K_TOTALS]
        for c in range(program[track + K_COLUMNS]):
            arena[totals + c] = 0
        size_class = block_class(state)
        if size_class > 1:
            give_block(arena, meta, program[track + K_FREE], size_class, arena[place])
            arena[place] = 0
            size_class = 0
        arena[place + 1] = _packed(0, size_class, 0, 0, 0)
    elif newest - (state >> 48) <= last - BUCKETS or _entered(state) != _length(state):
        _move(arena, program, track, record, last)


@compiled
def _move(arena, program, track, record, last):
    """Drop and enter the buckets of a window whose newest one stays."""
    place = record + program[track + K_PLACE]
    totals = record + program[track + K_TOTALS]
    state = arena[place + 1]
    size_class = block_class(state)
    start = _start(state)
    length = _length(state)
    entered = _entered(state)
    width = program[track + K_COLUMNS] + 1
    bucket = _at(arena, place, state, width, 0)
    while arena[bucket] <= last - BUCKETS:
        if entered > 0:
            _shift_totals(arena, program, track, totals, bucket, -1)
            entered -= 1
        start = (start + 1) & ((I64(1) << size_class) - 1)
        length -= 1
        state = _packed(0, size_class, entered, length, start)
        bucket = _at(arena, place, state, width, 0)
    span = arena[place + OPEN] - arena[bucket]
    while entered < length:
        bucket = _at(arena, place, state, width, entered)
        if arena[bucket] > last:
            break
        _shift_totals(arena, program, track, totals, bucket, 1)
        entered += 1
    arena[place + 1] = _packed(span, size_class, entered, length, start)


@compiled
def _room(arena, meta, program, track, place):
    """Make room for one more bucket in the ring of a track. False if the arena is full."""
    width = program[track + K_COLUMNS] + 1
    state = arena[place + 1]
    size_class = block_class(state)
    block = arena[place]
    held = _length(state) - 1
    free = program[track + K_FREE]
    if block == 0:
        arena[place] = take_block(arena, meta, free, width, 0)
        return arena[place] != 0
    if held < (I64(1) << size_class):
        return True
    target = take_block(arena, meta, free, width << (size_class + 1), size_class + 1)
    if target == 0:
        return False
    for i in range(held):
        source = _at(arena, place, state, width, i)
        for w in range(width):
            arena[target + i * width + w] = arena[source + w]
    give_block(arena, meta, free, size_class, block)
    arena[place] = target
    arena[place + 1] = _packed(state >> 48, size_class + 1, _entered(state), _length(state), I64(0))
    return True


@inlined
def _empty(arena, program, track, bucket, number):
    """Make a bucket empty."""
    arena[bucket] = number
    kinds = program[track + K_KINDS]
    for c in range(program[track + K_COLUMNS]):
        kind = program[kinds + c]
        arena[bucket + 1 + c] = BIGGEST if kind == MIN else (MISSING if kind == MAX else 0)


@compiled
def _push(arena, meta, program, track, place, number, last):
    """Begin a bucket newer than all others. False if the arena is full."""
    if not _room(arena, meta, program, track, place):
        return False
    width = program[track + K_COLUMNS] + 1
    state = arena[place + 1]
    length = _length(state)
    newest = place + OPEN
    span = (state >> 48) + number - arena[newest]
    entered = _entered(state) + (1 if number <= last else 0)
    longer = _packed(span, block_class(state), entered, length + 1, _start(state))
    target = _at(arena, place, longer, width, length - 1)
    for w in range(width):
        arena[target + w] = arena[newest + w]
    arena[place + 1] = longer
    _empty(arena, program, track, newest, number)
    return True


@compiled
def _late_bucket(arena, meta, program, track, place, number, last):
    """The bucket with a number below the newest, made in its place if new. 0 if the arena is full."""
    width = program[track + K_COLUMNS] + 1
    state = arena[place + 1]
    length = _length(state)
    i = length - 1
    while i > 0 and arena[_at(arena, place, state, width, i - 1)] > number:
        i -= 1
    if i > 0:
        bucket = _at(arena, place, state, width, i - 1)
        if arena[bucket] == number:
            return bucket
    if not _room(arena, meta, program, track, place):
        return I64(0)
    state = arena[place + 1]
    entered = _entered(state) + (1 if number <= last else 0)
    span = arena[place + OPEN] - number if i == 0 else state >> 48
    longer = _packed(span, block_class(state), entered, length + 1, _start(state))
    # Those behind the new one move by one, except for the newest, which stands apart.
    for j in range(length - 1, i, -1):
        source = _at(arena, place, state, width, j - 1)
        target = _at(arena, place, longer, width, j)
        for w in range(width):
            arena[target + w] = arena[source + w]
    arena[place + 1] = longer
    bucket = _at(arena, place, longer, width, i)
    _empty(arena, program, track, bucket, number)
    return bucket


@inlined
def _bucket(arena, meta, program, track, place, number, last):
    """The bucket with this number, made if it is new. 0 if the arena is full."""
    state = arena[place + 1]
    newest = place + OPEN
    if _length(state) == 0:
        entered = I64(1) if number <= last else I64(0)
        arena[place + 1] = _packed(0, block_class(state), entered, 1, 0)
        _empty(arena, program, track, newest, number)
        return newest
    if arena[newest] == number:
        return newest
    if arena[newest] > number:
        return _late_bucket(arena, meta, program, track, place, number, last)
    return newest if _push(arena, meta, program, track, place, number, last) else I64(0)


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
            place = record + program[track + K_PLACE]
            bucket = _bucket(arena, meta, program, track, place, number, last)
            if bucket == 0:
                return
        _add_value(arena, bucket + 1 + column, kind, value)
        if number <= last and kind < MIN:
            _add_value(arena, totals + column, kind, value)


@inlined
def take_plain(arena, meta, program, update, record, x, clock):
    """Move a track of counts and sums to the clock and add the event.

    Mostly the event falls into the newest bucket and none has left, or all have left and it begins
    anew. The two differ in what is kept, and share one way without branches, which nobody could
    foretell.
    """
    track = program[update]
    place = record + program[track + K_PLACE]
    state = arena[place + 1]
    last = _last_bucket(program, track, x, clock)
    number = x[program[track + K_GAUGE] + 1]
    newest = arena[place + OPEN]
    length = _length(state)
    gone = (length == 0) | (newest <= last - BUCKETS)
    same = (length != 0) & (newest == number) & (length == _entered(state))
    same &= newest - (state >> 48) > last - BUCKETS
    bucket = place + OPEN
    keep = I64(-1)
    if (number <= last) & (number > last - BUCKETS) & (same | (gone & (block_class(state) <= 1))):
        keep = I64(-1) if same else I64(0)
        arena[bucket] = number
        arena[place + 1] = state if same else _packed(0, block_class(state), 1, 1, 0)
    else:
        advance(arena, meta, program, track, record, x, clock)
        if number <= last - BUCKETS:
            return
        bucket = _bucket(arena, meta, program, track, place, number, last)
        if bucket == 0:
            return
    inside = I64(-1) if number <= last else I64(0)
    totals = record + program[track + K_TOTALS]
    item = update + 1
    for c in range(program[track + K_COLUMNS]):
        value = x[program[item]]
        field = x[program[item + 1]]
        bit = program[item + 2]
        item += PLAIN_COLUMN
        value = value if (field <= VALUE_MAX) & (field >= -VALUE_MAX) else I64(0)
        if bit >= 0:
            value &= -((x[X_BITS] >> bit) & 1)
        arena[bucket + 1 + c] = (arena[bucket + 1 + c] & keep) + value
        arena[totals + c] = (arena[totals + c] & keep) + (value & inside)


@compiled
def extreme(arena, program, track, record, column, kind):
    """The smallest or largest value over the buckets that are inside the window."""
    place = record + program[track + K_PLACE]
    state = arena[place + 1]
    width = program[track + K_COLUMNS] + 1
    best = I64(BIGGEST) if kind == MIN else I64(MISSING)
    for i in range(_entered(state)):
        value = arena[_at(arena, place, state, width, i) + 1 + column]
        if (kind == MIN and value < best) or (kind == MAX and value > best):
            best = value
    return np.nan if best in (BIGGEST, MISSING) else F64(best)


@inlined
def call_track(arena, program, track, record):
    """Call up the buckets of a track that are most likely to be touched: the oldest, the next free."""
    place = record + program[track + K_PLACE]
    block = arena[place]
    if block != 0:
        state = arena[place + 1]
        width = program[track + K_COLUMNS] + 1
        mask = (I64(1) << block_class(state)) - 1
        start = _start(state)
        call_word(arena, block + start * width)
        call_word(arena, block + ((start + _length(state) - 1) & mask) * width)
