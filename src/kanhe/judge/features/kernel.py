"""The one kernel of all features: live, in replays and over batches.

State is words of 64 bits in one arena: a record per entity, and blocks of buckets or of distinct
values that the record points to. The program (see `program`) says what each event type touches.
`step` takes one event in order: (1) find the entity, (2) move its windows to its clock, (3) read
what must not include the event, (4) add the event, (5) read the rest. Semantics: docs/features.md.

Memory is handed over as addresses and used through plain pointers: arrays would be counted in and out
at every call, which was measured to cost more than the work itself. The callers (`live`, `memory`)
keep the arrays alive. Nothing here checks bounds; the program, which `program` writes, is trusted.

Everything here is integers until a value is read. `SipHash-2-4` (Aumasson and Bernstein, 2012) with
the installation's key makes the keys of entities, so that nobody outside can aim at a collision.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from kanhe.judge.features import layout as at

_U = np.uint64
_I = np.int64
_F = np.float64

MISSING = at.MISSING
VALUE_MAX = at.VALUE_MAX
SUM_MAX = at.SUM_MAX
BUCKETS = at.BUCKETS
KEEP_MS = at.KEEP_MS
CLASSES = at.CLASSES
FREE_LISTS = at.FREE_LISTS
TOP, ENTITIES, ARENA_WORDS, INDEX_SLOTS, FULL = (
    at.TOP, at.ENTITIES, at.ARENA_WORDS, at.INDEX_SLOTS, at.FULL,
)  # fmt: skip
SIP_K0, SIP_K1 = at.SIP_K0, at.SIP_K1
P_FEATURES, P_TYPES, P_TEXTS = at.P_FEATURES, at.P_TYPES, at.P_TEXTS
T_WORDS, T_SALT, T_BY_COUNT, T_BY = at.T_WORDS, at.T_SALT, at.T_BY_COUNT, at.T_BY
T_TRACKS, T_TRACK_COUNT = at.T_TRACKS, at.T_TRACK_COUNT
T_BEFORE, T_BEFORE_COUNT, T_AFTER, T_AFTER_COUNT = (
    at.T_BEFORE, at.T_BEFORE_COUNT, at.T_AFTER, at.T_AFTER_COUNT,
)  # fmt: skip
T_BLANKS, T_BLANK_COUNT = at.T_BLANKS, at.T_BLANK_COUNT
T_SETS, T_SET_COUNT = at.T_SETS, at.T_SET_COUNT
K_WIDTH_MS, K_DELAY_MS, K_PLACE, K_TOTALS, K_COLUMNS, K_FREE, K_KINDS = (
    at.K_WIDTH_MS, at.K_DELAY_MS, at.K_PLACE, at.K_TOTALS, at.K_COLUMNS, at.K_FREE, at.K_KINDS,
)  # fmt: skip
TRACK_WIDTH, READ_WIDTH = at.TRACK_WIDTH, at.READ_WIDTH
COUNT, SUM, SQUARES_LOW, SQUARES_HIGH, MIN, MAX = (
    at.COUNT, at.SUM, at.SQUARES_LOW, at.SQUARES_HIGH, at.MIN, at.MAX,
)  # fmt: skip
R_KEY, R_CLOCK, R_SLOTS = at.R_KEY, at.R_CLOCK, at.R_SLOTS
U_TRACK, U_TIME, U_COUNT, UPDATE_HEAD, UPDATE_COLUMN = (
    at.U_TRACK, at.U_TIME, at.U_COUNT, at.UPDATE_HEAD, at.UPDATE_COLUMN,
)  # fmt: skip
DISTINCT_UPDATE, LAST_UPDATE = at.DISTINCT_UPDATE, at.LAST_UPDATE
READ_COUNT, READ_SUM, READ_MEAN, READ_STD, READ_MIN, READ_MAX = (
    at.READ_COUNT, at.READ_SUM, at.READ_MEAN, at.READ_STD, at.READ_MIN, at.READ_MAX,
)  # fmt: skip
READ_DISTINCT, READ_SHARE, READ_RATE, READ_LAST, READ_SINCE, READ_FIRST, READ_AGE = (
    at.READ_DISTINCT, at.READ_SHARE, at.READ_RATE, at.READ_LAST, at.READ_SINCE,
    at.READ_FIRST, at.READ_AGE,
)  # fmt: skip
REMEMBER_TEXT, REMEMBER_NUMBER, REMEMBER_TIME, REMEMBER_PLACE, REMEMBER_FIRST = (
    at.REMEMBER_TEXT, at.REMEMBER_NUMBER, at.REMEMBER_TIME, at.REMEMBER_PLACE, at.REMEMBER_FIRST,
)  # fmt: skip
GROW = at.GROW
X_AT, X_TENANT, X_BITS, X_SUBJECT, X_VALUES = (
    at.X_AT, at.X_TENANT, at.X_BITS, at.X_SUBJECT, at.X_VALUES,
)  # fmt: skip

_TWO_64 = 18446744073709551616.0
_BIGGEST = 2**63 - 1
_RADIUS_KM = 6371.0088
_compiled = njit(nogil=True, cache=True, error_model="numpy", boundscheck=False)
_inlined = njit(nogil=True, cache=True, error_model="numpy", boundscheck=False, forceinline=True)


def _pointer(element):
    """An intrinsic that turns an address into a pointer to elements of this type."""

    @intrinsic
    def pointer(typing_context, address):
        def generate(context, builder, signature, args):
            target = context.get_value_type(signature.return_type)
            return builder.inttoptr(args[0], target)

        return types.CPointer(element)(types.int64), generate

    return pointer


_words = _pointer(types.int64)
_unsigned_words = _pointer(types.uint64)
_doubles = _pointer(types.float64)
_bytes = _pointer(types.uint8)


@_inlined
def _rotl(x, b):
    return (x << _U(b)) | (x >> _U(64 - b))


@_inlined
def _rounds(v0, v1, v2, v3, n):
    for _ in range(n):
        v0 = v0 + v1
        v1 = _rotl(v1, 13) ^ v0
        v0 = _rotl(v0, 32)
        v2 = v2 + v3
        v3 = _rotl(v3, 16) ^ v2
        v0 = v0 + v3
        v3 = _rotl(v3, 21) ^ v0
        v2 = v2 + v1
        v1 = _rotl(v1, 17) ^ v2
        v2 = _rotl(v2, 32)
    return v0, v1, v2, v3


@_compiled
def siphash(text, start, stop, k0, k1):
    """SipHash-2-4 of `text[start:stop]` (bytes or a uint8 array) under the key `(k0, k1)`."""
    v0 = k0 ^ _U(0x736F6D6570736575)
    v1 = k1 ^ _U(0x646F72616E646F6D)
    v2 = k0 ^ _U(0x6C7967656E657261)
    v3 = k1 ^ _U(0x7465646279746573)
    n = stop - start
    i = start
    while stop - i >= 8:
        m = _U(0)
        for j in range(8):
            m |= _U(text[i + j]) << _U(8 * j)
        v3 ^= m
        v0, v1, v2, v3 = _rounds(v0, v1, v2, v3, 2)
        v0 ^= m
        i += 8
    m = _U(n & 0xFF) << _U(56)
    j = 0
    while i < stop:
        m |= _U(text[i]) << _U(8 * j)
        i += 1
        j += 1
    v3 ^= m
    v0, v1, v2, v3 = _rounds(v0, v1, v2, v3, 2)
    v0 ^= m
    v2 ^= _U(0xFF)
    v0, v1, v2, v3 = _rounds(v0, v1, v2, v3, 4)
    return v0 ^ v1 ^ v2 ^ v3


@_inlined
def _mix(x):
    """The finalizer of MurmurHash3: a bijection of 64 bits."""
    x ^= x >> _U(33)
    x *= _U(0xFF51AFD7ED558CCD)
    x ^= x >> _U(33)
    x *= _U(0xC4CEB9FE1A85EC53)
    x ^= x >> _U(33)
    return x


@_inlined
def _multiply(a, b):
    """The 128-bit product of two uint64, as (high, low)."""
    mask = _U(0xFFFFFFFF)
    a0 = a & mask
    a1 = a >> _U(32)
    b0 = b & mask
    b1 = b >> _U(32)
    p00 = a0 * b0
    p01 = a0 * b1
    p10 = a1 * b0
    middle = (p00 >> _U(32)) + (p01 & mask) + (p10 & mask)
    high = a1 * b1 + (p01 >> _U(32)) + (p10 >> _U(32)) + (middle >> _U(32))
    return high, (middle << _U(32)) | (p00 & mask)


@_inlined
def _add_wide(arena, place, high, low):
    old = _U(arena[place])
    new = old + low
    carry = _U(1) if new < old else _U(0)
    arena[place] = _I(new)
    arena[place + 1] = _I(_U(arena[place + 1]) + high + carry)


@_inlined
def _subtract_wide(arena, place, high, low):
    old = _U(arena[place])
    borrow = _U(1) if old < low else _U(0)
    arena[place] = _I(old - low)
    arena[place + 1] = _I(_U(arena[place + 1]) - high - borrow)


@_inlined
def _take_block(arena, meta, free, words, size_class):
    """A block of `words` words from the free list of its size, or from the top of the arena."""
    head = FREE_LISTS + free * CLASSES + size_class
    block = meta[head]
    if block != 0:
        meta[head] = arena[block]
        return block
    block = meta[TOP]
    if block + words > meta[ARENA_WORDS]:
        meta[FULL] = 1
        return _I(0)
    meta[TOP] = block + words
    return block


@_inlined
def _give_block(arena, meta, free, size_class, block):
    head = FREE_LISTS + free * CLASSES + size_class
    arena[block] = meta[head]
    meta[head] = block


@_compiled
def _find(arena, index, meta, program, table, key):
    """The record of this key in this table, made if it is new. 0 if the arena is full."""
    mask = _U(meta[INDEX_SLOTS] - 1)
    tag = _I(key >> _U(48))
    pos = key & mask
    while True:
        slot = index[_I(pos)]
        if slot == 0:
            break
        if (slot >> 48) & 0xFFFF == tag:
            record = slot & 0xFFFFFFFFFFFF
            if arena[record] == _I(key):
                return record
        pos = (pos + _U(1)) & mask
    words = program[table + T_WORDS]
    record = meta[TOP]
    if record + words > meta[ARENA_WORDS]:
        meta[FULL] = 1
        return _I(0)
    meta[TOP] = record + words
    meta[ENTITIES] += 1
    index[_I(pos)] = (tag << 48) | record
    arena[record + R_KEY] = _I(key)
    _blank(arena, program, table, record)
    return record


@_compiled
def _blank(arena, program, table, record):
    """Make a record empty: zeros, and MISSING where a remembered value stands."""
    for i in range(R_CLOCK, program[table + T_WORDS]):
        arena[record + i] = 0
    arena[record + R_CLOCK] = -1
    blanks = program[table + T_BLANKS]
    for i in range(program[table + T_BLANK_COUNT]):
        arena[record + program[blanks + i]] = MISSING


@_compiled
def _forget(arena, meta, program, table, record):
    """Give the blocks of an entity back and make its record empty."""
    track = program[table + T_TRACKS]
    for _ in range(program[table + T_TRACK_COUNT]):
        place = record + program[track + K_PLACE]
        if arena[place] != 0:
            _give_block(arena, meta, program[track + K_FREE], arena[place + 1] >> 48, arena[place])
        track += TRACK_WIDTH
    sets = program[table + T_SETS]
    for i in range(program[table + T_SET_COUNT]):
        place = record + program[sets + 2 * i]
        if arena[place] != 0:
            free = program[sets + 2 * i + 1]
            _give_block(arena, meta, free, arena[place + 1] >> 16, arena[place])
    _blank(arena, program, table, record)


# A place of a track is two words: the block, and its class, entered, length and start (16 bits each).


@_inlined
def _packed(size_class, entered, length, start):
    return (size_class << 48) | (entered << 32) | (length << 16) | start


@_inlined
def _shift_totals(arena, program, track, totals, bucket, sign):
    """Add a bucket to the running totals, or take it away."""
    kinds = program[track + K_KINDS]
    for c in range(program[track + K_COLUMNS]):
        kind = program[kinds + c]
        if kind == COUNT or kind == SUM:
            arena[totals + c] += sign * arena[bucket + 1 + c]
        elif kind == SQUARES_LOW:
            low = _U(arena[bucket + 1 + c])
            high = _U(arena[bucket + 2 + c])
            if sign > 0:
                _add_wide(arena, totals + c, high, low)
            else:
                _subtract_wide(arena, totals + c, high, low)


@_inlined
def _advance(arena, meta, program, track, record, clock):
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
    last = (clock - program[track + K_DELAY_MS]) // program[track + K_WIDTH_MS]
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
            _give_block(arena, meta, program[track + K_FREE], size_class, block)
            arena[place] = 0
            size_class = 0
    arena[place + 1] = _packed(size_class, entered, length, start)


@_compiled
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
        block = _take_block(arena, meta, free, width, 0)
        if block == 0:
            return False
        arena[place] = block
        arena[place + 1] = 0
        return True
    if start + length < (_I(1) << size_class):
        return True
    target = block
    if start == 0:
        target = _take_block(arena, meta, free, width << (size_class + 1), size_class + 1)
        if target == 0:
            return False
    source = block + start * width
    for i in range(length * width):
        arena[target + i] = arena[source + i]
    if target != block:
        _give_block(arena, meta, free, size_class, block)
        size_class += 1
        arena[place] = target
    arena[place + 1] = _packed(size_class, entered, length, 0)
    return True


@_inlined
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
        return _I(0)
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
        arena[first + 1 + c] = _BIGGEST if kind == MIN else (MISSING if kind == MAX else 0)
    if number <= last:
        entered += 1
    arena[place + 1] = _packed(state >> 48, entered, length + 1, start)
    return first


@_inlined
def _add_value(arena, word, kind, value):
    """Add one event to one column, in a bucket or in the totals."""
    if kind == COUNT:
        arena[word] += 1
    elif kind == SUM:
        arena[word] += value
    elif kind == SQUARES_LOW:
        size = _U(value if value >= 0 else -value)
        high, low = _multiply(size, size)
        _add_wide(arena, word, high, low)
    elif kind == MIN:
        arena[word] = min(arena[word], value)
    else:
        arena[word] = max(arena[word], value)


@_inlined
def _add_to_track(arena, meta, program, update, record, x, clock):
    """Add the event to one track: find its bucket once, then every column it counts in."""
    when = x[X_AT] if program[update + U_TIME] == 0 else x[X_SUBJECT]
    if when == MISSING or when > clock:
        return
    track = program[update + U_TRACK]
    width_ms = program[track + K_WIDTH_MS]
    last = (clock - program[track + K_DELAY_MS]) // width_ms
    number = when // width_ms
    if number <= last - BUCKETS:
        return
    bucket = _I(0)
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
        value = _I(0)
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


@_compiled
def _see_value(arena, meta, program, update, record, x, hashes):
    """Add the event's value to a set of distinct values, with the time it was last seen.

    A set is two words in the record (block, capacity class and length) and a block of `capacity`
    hashes followed by `capacity` times. It keeps the values seen last; see point 10 of the docs.
    """
    bit = program[update + 6]
    if bit >= 0 and (x[X_BITS] >> bit) & 1 == 0:
        return
    source = program[update + 1]
    if program[update + 2] == 0:
        value = hashes[source]
    else:
        value = x[X_VALUES + source]
        # Turned by a constant first: _mix(0) is 0, and 0 stands for "left out" among hashes.
        value = _I(_mix(_U(value) ^ _U(0x9E3779B97F4A7C15))) if value != MISSING else _I(0)
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
    room = (_I(1) << size_class) if block != 0 else _I(0)
    for i in range(length):
        if arena[block + i] == value:
            arena[block + room + i] = max(arena[block + room + i], when)
            return
    if length == room:
        length = _purged(arena, block, room, length, arena[record + R_CLOCK] - window_ms)
    if length < most:
        if length == room:
            wider = size_class + 1 if block != 0 else _I(0)
            fresh = _take_block(arena, meta, free, _I(2) << wider, wider)
            if fresh == 0:
                return
            wide = _I(1) << wider
            for i in range(length):
                arena[fresh + i] = arena[block + i]
                arena[fresh + wide + i] = arena[block + room + i]
            if block != 0:
                _give_block(arena, meta, free, size_class, block)
            block = fresh
            room = wide
            size_class = wider
            arena[place] = block
        arena[block + length] = value
        arena[block + room + length] = when
        arena[place + 1] = (size_class << 16) | (length + 1)
        return
    oldest = 0
    for i in range(1, length):
        if arena[block + room + i] < arena[block + room + oldest]:
            oldest = i
    if arena[block + room + oldest] < when:
        arena[block + oldest] = value
        arena[block + room + oldest] = when
    arena[place + 1] = (size_class << 16) | length


@_compiled
def _purged(arena, block, room, length, since):
    """Drop the values that no window reaches any more; returns how many are left."""
    kept = 0
    for i in range(length):
        if arena[block + room + i] >= since:
            arena[block + kept] = arena[block + i]
            arena[block + room + kept] = arena[block + room + i]
            kept += 1
    return kept


@_inlined
def _km_per_hour(lat0, lon0, t0, lat1, lon1, t1):
    """Whole km/h between two places (microdegrees) by the haversine formula, over at least 1 s."""
    scale = math.pi / 180e6
    a = _F(lat0) * scale
    b = _F(lat1) * scale
    dlat = math.sin((b - a) / 2.0)
    dlon = math.sin((_F(lon1) - _F(lon0)) * scale / 2.0)
    h = dlat * dlat + math.cos(a) * math.cos(b) * dlon * dlon
    km = 2.0 * _RADIUS_KM * math.asin(math.sqrt(min(1.0, h)))
    hours = _F(max(t1 - t0, 1000)) / 3_600_000.0
    return math.floor(km / hours + 0.5)


@_inlined
def _remember(arena, program, update, record, x, hashes, vector):
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
    value = _I(0)
    if what == REMEMBER_TEXT:
        value = hashes[slot]
        if value == 0:
            return
        value = _I(_U(value) >> _U(12))
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
            vector[program[update + 5]] = _km_per_hour(
                arena[place + 1], arena[place + 2], arena[place], value, other, when
            )
        if arena[place] == MISSING or when >= arena[place]:
            arena[place + 2] = other
    if arena[place] == MISSING or when >= arena[place]:
        arena[place] = when
        if what != REMEMBER_TIME:
            arena[place + 1] = value


@_inlined
def _read_before(arena, program, read, record, x, vector):
    """Read what speaks of earlier events only: `last` and `since_last`."""
    out = program[read]
    place = record + program[read + 2]
    over = program[read + 3]
    when = arena[place]
    if when == MISSING or (over > 0 and x[X_AT] - when > over):
        return
    if program[read + 1] == READ_LAST:
        vector[out] = _F(arena[place + 1])
    else:
        vector[out] = _F(max(x[X_AT] - when, 0)) / 1000.0


@_inlined
def _deviation(n, total, low, high):
    """The sample standard deviation from exact integers; NaN if the numerator would not fit."""
    count = _U(n)
    if high != _U(0) and count > _U(_BIGGEST) // (high + _U(1)):
        return np.nan
    nq_high, nq_low = _multiply(count, low)
    nq_high += count * high
    size = _U(total if total >= 0 else -total)
    ss_high, ss_low = _multiply(size, size)
    borrow = _U(1) if nq_low < ss_low else _U(0)
    top = _F(nq_high - ss_high - borrow) * _TWO_64 + _F(nq_low - ss_low)
    return math.sqrt(top / (_F(n) * _F(n - 1)))


@_compiled
def _extreme(arena, program, track, record, column, kind):
    """The smallest or largest value over the buckets that are inside the window."""
    place = record + program[track + K_PLACE]
    state = arena[place + 1]
    width = program[track + K_COLUMNS] + 1
    bucket = arena[place] + (state & 0xFFFF) * width
    best = _I(_BIGGEST) if kind == MIN else _I(MISSING)
    for _ in range((state >> 32) & 0xFFFF):
        value = arena[bucket + 1 + column]
        if (kind == MIN and value < best) or (kind == MAX and value > best):
            best = value
        bucket += width
    return np.nan if best in (_BIGGEST, MISSING) else _F(best)


@_inlined
def _read_after(arena, program, read, record, x, vector):
    """Read one feature that includes this event."""
    out = program[read]
    kind = program[read + 1]
    a = record + program[read + 2]
    if kind == READ_COUNT:
        vector[out] = _F(arena[a])
    elif kind == READ_SUM:
        if -SUM_MAX <= arena[a] <= SUM_MAX:
            vector[out] = _F(arena[a])
    elif kind == READ_DISTINCT:
        block = arena[a]
        state = arena[a + 1]
        length = state & 0xFFFF
        since = (arena[record + R_CLOCK] // program[read + 3] - BUCKETS + 1) * program[read + 3]
        seen = 0
        times = block + (_I(1) << (state >> 16))
        for i in range(length):
            seen += arena[times + i] >= since
        vector[out] = _F(seen)
    elif kind == READ_FIRST or kind == READ_AGE:
        first = arena[a]
        if first != MISSING:
            if kind == READ_FIRST:
                vector[out] = _F(first)
            else:
                vector[out] = _F(max(x[X_AT] - first, 0)) / 1000.0
    elif kind == READ_MIN or kind == READ_MAX:
        vector[out] = _extreme(
            arena, program, program[read + 2], record, program[read + 3],
            MIN if kind == READ_MIN else MAX,
        )  # fmt: skip
    else:
        n = arena[a]
        b = record + program[read + 3]
        if kind == READ_MEAN:
            if n > 0 and -SUM_MAX <= arena[b] <= SUM_MAX:
                vector[out] = _F(arena[b]) / _F(n)
        elif kind == READ_STD:
            if n > 1 and -SUM_MAX <= arena[b] <= SUM_MAX:
                c = record + program[read + 4]
                vector[out] = _deviation(n, arena[b], _U(arena[c]), _U(arena[c + 1]))
        elif arena[b] > 0:
            ratio = _F(n) / _F(arena[b])
            vector[out] = ratio if kind == READ_SHARE else min(1.0, ratio)


@_compiled
def _entity(arena, index, meta, program, entry, x, hashes, vector):
    """Take one event into one entity: steps (1) to (5) of the module's docstring."""
    table = program[entry]
    key = _mix(_U(x[X_TENANT]) ^ _U(program[table + T_SALT]))
    for i in range(program[table + T_BY_COUNT]):
        part = hashes[program[table + T_BY + i]]
        if part == 0:
            return
        key = _mix((key + _U(0x9E3779B97F4A7C15)) ^ _U(part))
    # (1) find the entity
    record = _find(arena, index, meta, program, table, key)
    if record == 0:
        return
    before = arena[record + R_CLOCK]
    if before >= 0 and x[X_AT] - before > KEEP_MS:
        _forget(arena, meta, program, table, record)
        before = _I(-1)
    clock = max(before, x[X_AT])
    arena[record + R_CLOCK] = clock
    # (2) move its windows to its clock
    track = program[table + T_TRACKS]
    for _ in range(program[table + T_TRACK_COUNT]):
        _advance(arena, meta, program, track, record, clock)
        track += TRACK_WIDTH
    # (3) read what must not include the event
    read = program[table + T_BEFORE]
    for _ in range(program[table + T_BEFORE_COUNT]):
        _read_before(arena, program, read, record, x, vector)
        read += READ_WIDTH
    # (4) add the event
    update = program[entry + 1]
    for _ in range(program[entry + 2]):
        _add_to_track(arena, meta, program, update, record, x, clock)
        update += UPDATE_HEAD + UPDATE_COLUMN * program[update + U_COUNT]
    update = program[entry + 3]
    for _ in range(program[entry + 4]):
        _see_value(arena, meta, program, update, record, x, hashes)
        update += DISTINCT_UPDATE
    update = program[entry + 5]
    for _ in range(program[entry + 6]):
        _remember(arena, program, update, record, x, hashes, vector)
        update += LAST_UPDATE
    # (5) read the rest
    read = program[table + T_AFTER]
    for _ in range(program[table + T_AFTER_COUNT]):
        _read_after(arena, program, read, record, x, vector)
        read += READ_WIDTH


@_compiled
def _hash_texts(program, kind, meta, hashes, text, size):
    """Hash the texts of one event, which stand joined by SEPARATOR, into their slots."""
    for i in range(program[P_TEXTS]):
        hashes[i] = 0
    k0 = _U(meta[SIP_K0])
    k1 = _U(meta[SIP_K1])
    slots = program[kind]
    start = _I(0)
    for i in range(program[kind + 1]):
        stop = start
        while stop < size and text[stop] != 0x1F:
            stop += 1
        if stop > start:
            value = siphash(text, start, stop, k0, k1)
            hashes[program[slots + i]] = _I(value) if value != _U(0) else _I(1)
        start = stop + 1


@_compiled
def _take(arena, index, meta, program, kind, x, hashes, vector):
    """One event whose texts are hashed: every table its type names, in turn."""
    for i in range(program[P_FEATURES]):
        vector[i] = np.nan
    entry = program[kind + 2]
    for _ in range(program[kind + 3]):
        _entity(arena, index, meta, program, entry, x, hashes, vector)
        entry += 7


@_compiled
def _compact(vector, words, n, out):
    """Write a vector in its journal form; returns the length. See `vectors` for the form."""
    body = (n + 3) // 4
    for i in range(body):
        out[i] = 0
    for i in range(n):
        v = vector[i]
        code = 3
        if v != v:
            code = 1
        elif v == 0.0:
            code = 0
        elif 0.0 < v < 65536.0 and v == math.floor(v):
            code = 2
            whole = _I(v)
            out[body] = np.uint8(whole & 0xFF)
            out[body + 1] = np.uint8(whole >> 8)
            body += 2
        else:
            word = words[i]
            for j in range(8):
                out[body + j] = np.uint8((word >> _U(8 * j)) & _U(0xFF))
            body += 8
        out[i >> 2] |= np.uint8(code << (2 * (i & 3)))
    return body


@_compiled
def step(arena, index, meta, program, kind, x, hashes, vector, packed, scratch, text):
    """Take one event. All but `kind` (the offset of its type) and `text` are addresses.

    `x` holds the event's numbers, `text` (bytes) its joined texts, for which `scratch` has room.
    Fills `vector` (float64) and `packed` (its journal form); returns the length of the latter, with
    GROW added when the index wants to grow, or a negative number if the memory is full.
    """
    counters = _words(meta)
    plan = _words(program)
    room = _bytes(scratch)
    size = len(text)
    for i in range(size):
        room[i] = text[i]
    _hash_texts(plan, kind, counters, _words(hashes), room, size)
    _take(
        _words(arena), _words(index), counters, plan, kind, _words(x), _words(hashes),
        _doubles(vector),
    )  # fmt: skip
    if counters[FULL] != 0:
        return _I(-1)
    length = _compact(_doubles(vector), _unsigned_words(vector), plan[P_FEATURES], _bytes(packed))
    if counters[ENTITIES] * 2 + 64 > counters[INDEX_SLOTS]:
        return _I(length | GROW)
    return _I(length)


@_compiled
def run(arena, index, meta, program, kinds, xs, hashes, vectors, first):
    """Take many events in order, from `first` until done or until the index wants to grow.

    `arena`, `index`, `meta` and `program` are addresses; `xs`, `hashes` and `vectors` are arrays
    with one row per event. Returns the number of the first event not taken.
    """
    counters = _words(meta)
    plan = _words(program)
    for i in range(first, kinds.shape[0]):
        if counters[ENTITIES] * 2 + 64 > counters[INDEX_SLOTS] or counters[FULL] != 0:
            return i
        _take(
            _words(arena), _words(index), counters, plan, kinds[i],
            _words(xs.ctypes.data + i * xs.strides[0]),
            _words(hashes.ctypes.data + i * hashes.strides[0]),
            _doubles(vectors.ctypes.data + i * vectors.strides[0]),
        )  # fmt: skip
    return kinds.shape[0]


@_compiled
def hash_text(text, k0, k1):
    """The 64-bit key of one text (bytes), as the path makes it (never 0)."""
    value = siphash(text, 0, len(text), _U(k0), _U(k1))
    return _I(value) if value != _U(0) else _I(1)


@_compiled
def hash_row(program, kind, meta, hashes, scratch, text):
    """Hash the texts of one event into one row (an address), for `run`."""
    room = _bytes(scratch)
    size = len(text)
    for i in range(size):
        room[i] = text[i]
    _hash_texts(_words(program), kind, _words(meta), _words(hashes), room, size)


@_compiled
def rebuild_index(arena, old, new):
    """Move every entity from one index to a larger one. All three are arrays."""
    mask = _U(new.shape[0] - 1)
    for i in range(old.shape[0]):
        slot = old[i]
        if slot != 0:
            key = _U(arena[slot & 0xFFFFFFFFFFFF])
            pos = key & mask
            while new[pos] != 0:
                pos = (pos + _U(1)) & mask
            new[pos] = slot
