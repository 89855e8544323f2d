"""The one kernel of all features: live, in replays and over batches.

State is words of 64 bits in one arena: a record per entity, and blocks of buckets or of distinct
values that the record points to. The program (see `program`) says what each event type touches.
`step` takes one event in order: (1) find the entity, (2) move its windows to its clock, (3) read
what must not include the event, (4) add the event, (5) read the rest. Semantics: docs/features.md.

Memory is handed over as addresses and used through plain pointers: arrays would be counted in and out
at every call, which was measured to cost more than the work itself. The callers (`live`, `memory`)
keep the arrays alive. Nothing here checks bounds; the program, which `program` writes, is trusted.
Everything is integers until a value is read.
"""

from __future__ import annotations

import math

import numpy as np

from kanhe.judge.features.arithmetic import (
    F64,
    I64,
    U64,
    bytes_at,
    compiled,
    deviation,
    doubles_at,
    inlined,
    mix,
    prefetch,
    siphash,
    unsigned_at,
    words_at,
)
from kanhe.judge.features.layout import (
    ARENA_WORDS,
    BUCKETS,
    DISTINCT_UPDATE,
    ENTITIES,
    ENTRY_WIDTH,
    FULL,
    G_DELAY_MS,
    G_WIDTH_MS,
    GAUGE_WIDTH,
    GROW,
    INDEX_SLOTS,
    K_FREE,
    K_PLACE,
    KEEP_MS,
    LAST_UPDATE,
    MAX,
    MIN,
    MISSING,
    P_FEATURES,
    P_GAUGE_COUNT,
    P_GAUGE_X,
    P_GAUGES,
    P_KEYS_X,
    P_TEXTS,
    PLACE_ARENA,
    PLACE_HASHES,
    PLACE_INDEX,
    PLACE_META,
    PLACE_PACKED,
    PLACE_PROGRAM,
    PLACE_SCRATCH,
    PLACE_VECTOR,
    PLACE_X,
    R_CLOCK,
    R_KEY,
    READ_AGE,
    READ_COUNT,
    READ_DISTINCT,
    READ_FIRST,
    READ_MAX,
    READ_MEAN,
    READ_MIN,
    READ_SHARE,
    READ_STD,
    READ_SUM,
    READ_WIDTH,
    SIP_K0,
    SIP_K1,
    SUM_MAX,
    T_AFTER,
    T_AFTER_COUNT,
    T_BEFORE,
    T_BEFORE_COUNT,
    T_BLANK_COUNT,
    T_BLANKS,
    T_BY,
    T_BY_COUNT,
    T_SALT,
    T_SET_COUNT,
    T_SETS,
    T_TRACK_COUNT,
    T_TRACKS,
    T_WORDS,
    TOP,
    TRACK_WIDTH,
    U_COUNT,
    UPDATE_COLUMN,
    UPDATE_HEAD,
    X_AT,
    X_TENANT,
)
from kanhe.judge.features.memos import read_before, remember, see_value
from kanhe.judge.features.windows import add_to_track, advance, extreme, give_block


@compiled
def _find(arena, index, meta, program, table, key):
    """The record of this key in this table, made if it is new. 0 if the arena is full."""
    mask = U64(meta[INDEX_SLOTS] - 1)
    tag = I64(key >> U64(48))
    pos = key & mask
    while True:
        slot = index[I64(pos)]
        if slot == 0:
            break
        if (slot >> 48) & 0xFFFF == tag:
            record = slot & 0xFFFFFFFFFFFF
            if arena[record] == I64(key):
                return record
        pos = (pos + U64(1)) & mask
    words = program[table + T_WORDS]
    record = meta[TOP]
    if record + words > meta[ARENA_WORDS]:
        meta[FULL] = 1
        return I64(0)
    meta[TOP] = record + words
    meta[ENTITIES] += 1
    index[I64(pos)] = (tag << 48) | record
    arena[record + R_KEY] = I64(key)
    _blank(arena, program, table, record)
    return record


@compiled
def _blank(arena, program, table, record):
    """Make a record empty: zeros, and MISSING where a remembered value stands."""
    for i in range(R_CLOCK, program[table + T_WORDS]):
        arena[record + i] = 0
    arena[record + R_CLOCK] = -1
    blanks = program[table + T_BLANKS]
    for i in range(program[table + T_BLANK_COUNT]):
        arena[record + program[blanks + i]] = MISSING


@compiled
def _forget(arena, meta, program, table, record):
    """Give the blocks of an entity back and make its record empty."""
    track = program[table + T_TRACKS]
    for _ in range(program[table + T_TRACK_COUNT]):
        place = record + program[track + K_PLACE]
        if arena[place] != 0:
            give_block(arena, meta, program[track + K_FREE], arena[place + 1] >> 48, arena[place])
        track += TRACK_WIDTH
    sets = program[table + T_SETS]
    for i in range(program[table + T_SET_COUNT]):
        place = record + program[sets + 2 * i]
        if arena[place] != 0:
            free = program[sets + 2 * i + 1]
            give_block(arena, meta, free, arena[place + 1] >> 16, arena[place])
    _blank(arena, program, table, record)


@inlined
def _read_after(arena, program, read, record, x, vector):
    """Read one feature that includes this event."""
    out = program[read]
    kind = program[read + 1]
    a = record + program[read + 2]
    if kind == READ_COUNT:
        vector[out] = F64(arena[a])
    elif kind == READ_SUM:
        if -SUM_MAX <= arena[a] <= SUM_MAX:
            vector[out] = F64(arena[a])
    elif kind == READ_DISTINCT:
        block = arena[a]
        state = arena[a + 1]
        length = state & 0xFFFF
        last = x[program[read + 4]]
        if arena[record + R_CLOCK] != x[X_AT]:
            last = arena[record + R_CLOCK] // program[read + 3]
        since = (last - BUCKETS + 1) * program[read + 3]
        seen = 0
        times = block + (I64(1) << (state >> 16))
        for i in range(length):
            seen += arena[times + i] >= since
        vector[out] = F64(seen)
    elif kind == READ_FIRST or kind == READ_AGE:
        first = arena[a]
        if first != MISSING:
            if kind == READ_FIRST:
                vector[out] = F64(first)
            else:
                vector[out] = F64(max(x[X_AT] - first, 0)) / 1000.0
    elif kind == READ_MIN or kind == READ_MAX:
        vector[out] = extreme(
            arena, program, program[read + 2], record, program[read + 3],
            MIN if kind == READ_MIN else MAX,
        )  # fmt: skip
    else:
        n = arena[a]
        b = record + program[read + 3]
        if kind == READ_MEAN:
            if n > 0 and -SUM_MAX <= arena[b] <= SUM_MAX:
                vector[out] = F64(arena[b]) / F64(n)
        elif kind == READ_STD:
            if n > 1 and -SUM_MAX <= arena[b] <= SUM_MAX:
                c = record + program[read + 4]
                vector[out] = deviation(n, arena[b], U64(arena[c]), U64(arena[c + 1]))
        elif arena[b] > 0:
            ratio = F64(n) / F64(arena[b])
            vector[out] = ratio if kind == READ_SHARE else min(1.0, ratio)


@inlined
def _key(program, entry, x, hashes):
    """The key of the entity an event names in one table; 0 if it leaves a part of it out."""
    table = program[entry]
    key = mix(U64(x[X_TENANT]) ^ U64(program[table + T_SALT]))
    for i in range(program[table + T_BY_COUNT]):
        part = hashes[program[table + T_BY + i]]
        if part == 0:
            return U64(0)
        key = mix((key + U64(0x9E3779B97F4A7C15)) ^ U64(part))
    return key if key != U64(0) else U64(1)


@compiled
def _call_up(arena, index, meta, program, kind, x, hashes):
    """Work out all keys of an event and have its records brought closer before they are used.

    Entities lie scattered over memory; asking for all of them at once costs one wait, not many.
    """
    mask = U64(meta[INDEX_SLOTS] - 1)
    entry = program[kind + 2]
    keys = program[P_KEYS_X]
    count = program[kind + 3]
    for i in range(count):
        key = _key(program, entry, x, hashes)
        x[keys + i] = I64(key)
        if key != U64(0):
            prefetch(index + I64(key & mask) * 8)
        entry += ENTRY_WIDTH
    slots = words_at(index)
    entry = program[kind + 2]
    for i in range(count):
        key = U64(x[keys + i])
        if key != U64(0):
            slot = slots[I64(key & mask)]
            if slot != 0:
                record = arena + (slot & 0xFFFFFFFFFFFF) * 8
                # The blocks an entity began with stand right behind its record.
                for line in range((2 * program[program[entry] + T_WORDS] + 7) // 8):
                    prefetch(record + 64 * line)
        entry += ENTRY_WIDTH


@compiled
def _entity(arena, index, meta, program, entry, key, x, hashes, vector):
    """Take one event into one entity: steps (1) to (5) of the module's docstring."""
    table = program[entry]
    # (1) find the entity
    record = _find(arena, index, meta, program, table, key)
    if record == 0:
        return
    before = arena[record + R_CLOCK]
    if before >= 0 and x[X_AT] - before > KEEP_MS:
        _forget(arena, meta, program, table, record)
        before = I64(-1)
    clock = max(before, x[X_AT])
    arena[record + R_CLOCK] = clock
    # (2) move its windows to its clock
    track = program[table + T_TRACKS]
    for _ in range(program[table + T_TRACK_COUNT]):
        advance(arena, meta, program, track, record, x, clock)
        track += TRACK_WIDTH
    # (3) read what must not include the event
    read = program[table + T_BEFORE]
    for _ in range(program[table + T_BEFORE_COUNT]):
        read_before(arena, program, read, record, x, vector)
        read += READ_WIDTH
    # (4) add the event
    update = program[entry + 1]
    for _ in range(program[entry + 2]):
        add_to_track(arena, meta, program, update, record, x, clock)
        update += UPDATE_HEAD + UPDATE_COLUMN * program[update + U_COUNT]
    update = program[entry + 3]
    for _ in range(program[entry + 4]):
        see_value(arena, meta, program, update, record, x, hashes)
        update += DISTINCT_UPDATE
    update = program[entry + 5]
    for _ in range(program[entry + 6]):
        remember(arena, program, update, record, x, hashes, vector)
        update += LAST_UPDATE
    # (5) read the rest
    read = program[table + T_AFTER]
    for _ in range(program[table + T_AFTER_COUNT]):
        _read_after(arena, program, read, record, x, vector)
        read += READ_WIDTH


@compiled
def _hash_texts(program, kind, meta, hashes, text, size):
    """Hash the texts of one event, which stand joined by SEPARATOR, into their slots."""
    for i in range(program[P_TEXTS]):
        hashes[i] = 0
    k0 = U64(meta[SIP_K0])
    k1 = U64(meta[SIP_K1])
    slots = program[kind]
    start = I64(0)
    for i in range(program[kind + 1]):
        stop = start
        while stop < size and text[stop] != 0x1F:
            stop += 1
        if stop > start:
            value = siphash(text, start, stop, k0, k1)
            hashes[program[slots + i]] = I64(value) if value != U64(0) else I64(1)
        start = stop + 1


@compiled
def _take(arena, index, meta, program, kind, x, hashes, vector):
    """One event whose texts are hashed: every table its type names, in turn.

    `arena` and `index` are addresses, the rest are pointers.
    """
    for i in range(program[P_FEATURES]):
        vector[i] = np.nan
    gauge = program[P_GAUGES]
    place = program[P_GAUGE_X]
    for _ in range(program[P_GAUGE_COUNT]):
        width_ms = program[gauge + G_WIDTH_MS]
        x[place] = (x[X_AT] - program[gauge + G_DELAY_MS]) // width_ms
        x[place + 1] = x[X_AT] // width_ms
        gauge += GAUGE_WIDTH
        place += 2
    _call_up(arena, index, meta, program, kind, x, hashes)
    entry = program[kind + 2]
    keys = program[P_KEYS_X]
    for i in range(program[kind + 3]):
        key = U64(x[keys + i])
        if key != U64(0):
            _entity(words_at(arena), words_at(index), meta, program, entry, key, x, hashes, vector)
        entry += ENTRY_WIDTH


@compiled
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
            whole = I64(v)
            out[body] = np.uint8(whole & 0xFF)
            out[body + 1] = np.uint8(whole >> 8)
            body += 2
        else:
            word = words[i]
            for j in range(8):
                out[body + j] = np.uint8((word >> U64(8 * j)) & U64(0xFF))
            body += 8
        out[i >> 2] |= np.uint8(code << (2 * (i & 3)))
    return body


@compiled
def step(places, kind, text):
    """Take one event of the type whose program starts at `kind`; `text` is its joined texts (bytes).

    `places` is the address of the addresses of everything else, in the order of PLACE_ARENA and so
    on. Fills vector (float64) and packed (its journal form); returns the length of the latter, with
    GROW added when the index wants to grow, or a negative number if the memory is full.
    """
    at = words_at(places)
    counters = words_at(at[PLACE_META])
    program = words_at(at[PLACE_PROGRAM])
    hashes = words_at(at[PLACE_HASHES])
    vector = doubles_at(at[PLACE_VECTOR])
    room = bytes_at(at[PLACE_SCRATCH])
    size = len(text)
    for i in range(size):
        room[i] = text[i]
    _hash_texts(program, kind, counters, hashes, room, size)
    _take(
        at[PLACE_ARENA], at[PLACE_INDEX], counters, program, kind, words_at(at[PLACE_X]), hashes,
        vector,
    )  # fmt: skip
    if counters[FULL] != 0:
        return I64(-1)
    bits = unsigned_at(at[PLACE_VECTOR])
    length = _compact(vector, bits, program[P_FEATURES], bytes_at(at[PLACE_PACKED]))
    if counters[ENTITIES] * 2 + 64 > counters[INDEX_SLOTS]:
        return I64(length | GROW)
    return I64(length)


@compiled
def run(arena, index, meta, program, kinds, xs, hashes, vectors, first):
    """Take many events in order, from `first` until done or until the index wants to grow.

    `arena`, `index`, `meta` and `program` are addresses; `xs`, `hashes` and `vectors` are arrays
    with one row per event. Returns the number of the first event not taken.
    """
    counters = words_at(meta)
    plan = words_at(program)
    for i in range(first, kinds.shape[0]):
        if counters[ENTITIES] * 2 + 64 > counters[INDEX_SLOTS] or counters[FULL] != 0:
            return i
        _take(
            arena, index, counters, plan, kinds[i],
            words_at(xs.ctypes.data + i * xs.strides[0]),
            words_at(hashes.ctypes.data + i * hashes.strides[0]),
            doubles_at(vectors.ctypes.data + i * vectors.strides[0]),
        )  # fmt: skip
    return kinds.shape[0]


@compiled
def hash_many(program, kinds, meta, hashes, texts, ends):
    """Hash the texts of many events into the rows of `hashes`, for `run`.

    `program` and `meta` are addresses; `texts` holds the joined texts of all events one behind the
    other (uint8), and those of event i end at `ends[i]`.
    """
    start = I64(0)
    for i in range(kinds.shape[0]):
        row = words_at(hashes.ctypes.data + i * hashes.strides[0])
        text = bytes_at(texts.ctypes.data + start)
        _hash_texts(words_at(program), kinds[i], words_at(meta), row, text, ends[i] - start)
        start = ends[i]


@compiled
def rebuild_index(arena, old, new):
    """Move every entity from one index to a larger one. All three are arrays."""
    mask = U64(new.shape[0] - 1)
    for i in range(old.shape[0]):
        slot = old[i]
        if slot != 0:
            key = U64(arena[slot & 0xFFFFFFFFFFFF])
            pos = key & mask
            while new[pos] != 0:
                pos = (pos + U64(1)) & mask
            new[pos] = slot
