"""The one kernel of all features: live, in replays and over batches.

State is words of 64 bits in one arena: a record per entity, and blocks of buckets or of distinct
values that the record points to. The program (see `program`) says what each event type touches.
`take_group` takes events in order: (1) find the entity, (2) move its windows to its clock, (3) read
what must not include the event, (4) add the event, (5) read the rest. Semantics: docs/features.md.

Entities lie scattered over memory, and waiting for them costs more than all that is computed. So the
events of a group are walked twice: first all keys are worked out and the index is called up; then,
while one event is taken, the records of those some places behind it are on their way.

The index of entities grows while events go on, so that none of them waits for the whole of it: (a) when
half full, a wider one is made ready, a page every few events; (b) it takes the place of the older one,
which is moved over, a few slots with each event. Who is not found in the wider one is looked for in the
older one, which stays as it was until all of it is moved: so nobody stands in the wider one twice.

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
    call_word,
    compiled,
    deviation,
    hash_text,
    inlined,
    mix,
    text_size,
)
from kanhe.judge.features.gather import gather
from kanhe.judge.features.layout import (
    AHEAD,
    ARENA_WORDS,
    ARRAY_HEAD,
    BUCKETS,
    BYTES_HEAD,
    DISTINCT_UPDATE,
    E_MEMO_COUNT,
    E_MEMOS,
    E_MOVED,
    E_MOVED_COUNT,
    E_PLAIN,
    E_PLAIN_COUNT,
    E_SET_COUNT,
    E_SETS,
    E_TABLE,
    E_UPDATE_COUNT,
    E_UPDATES,
    ENTITIES,
    ENTRY_WIDTH,
    FULL,
    G_DELAY_MS,
    G_WIDTH_MS,
    GAUGE_WIDTH,
    INDEX_SLOTS,
    K_COLUMNS,
    K_FREE,
    K_PLACE,
    KEEP_MS,
    LAST_UPDATE,
    MAX,
    MIN,
    MISSING,
    MOVED,
    MOVES,
    NEXT,
    OLDER_SLOTS,
    P_CONSTANTS_X,
    P_FEATURES,
    P_GAUGE_COUNT,
    P_GAUGE_X,
    P_GAUGES,
    P_INPUTS,
    P_KEYS_X,
    P_RECORDS_X,
    PAGE_WORDS,
    PLACE_ARENA,
    PLACE_CELL_BYTES,
    PLACE_CELL_TEXT,
    PLACE_CELL_TYPES,
    PLACE_CELLS,
    PLACE_FACTORS,
    PLACE_INDEX,
    PLACE_INPUTS,
    PLACE_META,
    PLACE_OLDER,
    PLACE_PACKED,
    PLACE_PROGRAM,
    PLACE_ROWS,
    PLACE_SALTS,
    PLACE_SIZE,
    PLACE_SOURCES,
    PLACE_STACK,
    PLACE_TEXTS,
    PLACE_VECTORS,
    PLACE_WIDER,
    PLAIN_COLUMN,
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
    SPARE_SLOTS,
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
    TEND,
    TOP,
    TOUCHED,
    TOUCHES,
    TRACK_WIDTH,
    U_COUNT,
    UPDATE_COLUMN,
    UPDATE_HEAD,
    X_AT,
    X_KIND,
    X_TENANT,
)
from kanhe.judge.features.memos import call_set, read_before, remember, see_value
from kanhe.judge.features.windows import (
    add_to_track,
    advance,
    block_class,
    call_track,
    extreme,
    give_block,
    take_plain,
)
from kanhe.judge.machine.memory import bytes_at, doubles_at, prefetch, unsigned_at, words_at

_FRESH = 6
"""How many records ahead of the last one made memory is called up."""
_RECORD = 0xFFFFFFFFFFFF
"""The bits of a slot of the index that say where the record stands; above them are bits of the key."""


@inlined
def _slot_of(arena, index, mask, key):
    """Where this key stands in an index, or the empty slot where it would."""
    tag = I64(key >> U64(48))
    pos = key & mask
    while True:
        slot = index[I64(pos)]
        if slot == 0:
            return I64(pos)
        if (slot >> 48) & 0xFFFF == tag and arena[slot & _RECORD] == I64(key):
            return I64(pos)
        pos = (pos + U64(1)) & mask


@compiled
def _find(arena, index, older, meta, program, table, key):
    """The record of this key in this table, made if it is new. 0 if the arena is full."""
    pos = _slot_of(arena, index, U64(meta[INDEX_SLOTS] - 1), key)
    if index[pos] != 0:
        return index[pos] & _RECORD
    if older != 0:
        slots = words_at(older)
        slot = slots[_slot_of(arena, slots, U64(meta[OLDER_SLOTS] - 1), key)]
        if slot != 0:
            return slot & _RECORD
    words = program[table + T_WORDS]
    record = meta[TOP]
    if record + words > meta[ARENA_WORDS]:
        meta[FULL] = 1
        return I64(0)
    meta[TOP] = record + words
    meta[ENTITIES] += 1
    index[pos] = (I64(key >> U64(48)) << 48) | record
    arena[record + R_KEY] = I64(key)
    _blank(arena, program, table, record)
    # Whoever is new next stands in memory that has never been touched.
    for line in range((words + 7) // 8):
        call_word(arena, record + _FRESH * words + 8 * line)
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
            free = program[track + K_FREE]
            give_block(arena, meta, free, block_class(arena[place + 1]), arena[place])
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
def _key(program, entry, x):
    """The key of the entity an event names in one table; 0 if it leaves a part of it out."""
    table = program[entry + E_TABLE]
    key = mix(U64(x[X_TENANT]) ^ U64(program[table + T_SALT]))
    for i in range(program[table + T_BY_COUNT]):
        part = x[program[table + T_BY + i]]
        if part == 0:
            return U64(0)
        key = mix((key + U64(0x9E3779B97F4A7C15)) ^ U64(part))
    return key if key != U64(0) else U64(1)


@compiled
def _entity(arena, meta, program, entry, record, x, vector):
    """Take one event into one entity: steps (2) to (5) of the module's docstring."""
    table = program[entry + E_TABLE]
    before = arena[record + R_CLOCK]
    if before >= 0 and x[X_AT] - before > KEEP_MS:
        _forget(arena, meta, program, table, record)
        before = I64(-1)
    clock = max(before, x[X_AT])
    arena[record + R_CLOCK] = clock
    # (2) move its windows to its clock, and (4) add the event where that is one step
    update = program[entry + E_PLAIN]
    for _ in range(program[entry + E_PLAIN_COUNT]):
        take_plain(arena, meta, program, update, record, x, clock)
        update += 1 + PLAIN_COLUMN * program[program[update] + K_COLUMNS]
    moved = program[entry + E_MOVED]
    for i in range(program[entry + E_MOVED_COUNT]):
        advance(arena, meta, program, program[moved + i], record, x, clock)
    # (3) read what must not include the event
    read = program[table + T_BEFORE]
    for _ in range(program[table + T_BEFORE_COUNT]):
        read_before(arena, program, read, record, x, vector)
        read += READ_WIDTH
    # (4) add the event elsewhere
    update = program[entry + E_UPDATES]
    for _ in range(program[entry + E_UPDATE_COUNT]):
        add_to_track(arena, meta, program, update, record, x, clock)
        update += UPDATE_HEAD + UPDATE_COLUMN * program[update + U_COUNT]
    update = program[entry + E_SETS]
    for _ in range(program[entry + E_SET_COUNT]):
        see_value(arena, meta, program, update, record, x)
        update += DISTINCT_UPDATE
    update = program[entry + E_MEMOS]
    for _ in range(program[entry + E_MEMO_COUNT]):
        remember(arena, program, update, record, x, vector)
        update += LAST_UPDATE
    # (5) read the rest
    read = program[table + T_AFTER]
    for _ in range(program[table + T_AFTER_COUNT]):
        _read_after(arena, program, read, record, x, vector)
        read += READ_WIDTH


@compiled
def _take(arena, index, older, meta, program, x, vector):
    """One event whose keys are known: every table its type names, in turn."""
    for i in range(program[P_FEATURES]):
        vector[i] = np.nan
    kind = x[X_KIND]
    entry = program[kind + 2]
    keys = program[P_KEYS_X]
    records = program[P_RECORDS_X]
    for i in range(program[kind + 3]):
        key = U64(x[keys + i])
        if key != U64(0):
            # (1) find the entity: where it was called up, unless another one has its place or it is new
            record = x[records + i]
            if record == 0 or arena[record + R_KEY] != I64(key):
                table = program[entry + E_TABLE]
                record = _find(arena, index, older, meta, program, table, key)
            if record == 0:
                return
            _entity(arena, meta, program, entry, record, x, vector)
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


@inlined
def _array_head(out, count):
    """Write the head of an array of MessagePack with up to 65,535 items; gives its size."""
    out[0] = np.uint8(0xDC)
    out[1] = np.uint8(count >> 8)
    out[2] = np.uint8(count & 0xFF)
    return I64(ARRAY_HEAD)


@inlined
def _bytes_head(out, length):
    """Write the head of bytes in MessagePack."""
    out[0] = np.uint8(0xC6)
    for i in range(4):
        out[4 - i] = np.uint8((length >> (8 * i)) & 0xFF)


@compiled
def _key_group(places, count):
    """Gather the inputs of all events, work out bucket numbers and keys, and call up the index."""
    at = words_at(places)
    meta = words_at(at[PLACE_META])
    program = words_at(at[PLACE_PROGRAM])
    sources = words_at(at[PLACE_SOURCES])
    factors = words_at(at[PLACE_FACTORS])
    stack = words_at(at[PLACE_STACK])
    rows = words_at(at[PLACE_ROWS])
    salts = words_at(at[PLACE_SALTS])
    types = words_at(at[PLACE_CELL_TYPES])
    index = at[PLACE_INDEX]
    older = at[PLACE_OLDER]
    inputs = at[PLACE_INPUTS]
    texts = at[PLACE_TEXTS]
    cells = at[PLACE_CELLS]
    cell_text = at[PLACE_CELL_TEXT]
    k0 = U64(meta[SIP_K0])
    k1 = U64(meta[SIP_K1])
    mask = U64(meta[INDEX_SLOTS] - 1)
    older_mask = U64(meta[OLDER_SLOTS] - 1)
    keys = program[P_KEYS_X]
    for n in range(count):
        x = words_at(inputs + 8 * n * program[P_INPUTS])
        before = words_at(inputs + 8 * max(n - 1, 0) * program[P_INPUTS])
        row = rows[n]
        if row >= 0:
            x[X_TENANT] = salts[n]
            here = words_at(cells + row * at[PLACE_CELL_BYTES])
            gather(sources, sources[types[row]], factors, stack, here, cell_text, k0, k1, x)
        else:
            texts = _hash_texts(program, texts, k0, k1, x)
        x[program[P_CONSTANTS_X]] = 1
        x[program[P_CONSTANTS_X] + 1] = MISSING
        gauge = program[P_GAUGES]
        place = program[P_GAUGE_X]
        for _ in range(program[P_GAUGE_COUNT]):
            width_ms = program[gauge + G_WIDTH_MS]
            # Mostly the event before lies in the same bucket; a division costs as much as a hash.
            number = before[place + 1]
            if not 0 <= x[X_AT] - number * width_ms < width_ms:
                number = x[X_AT] // width_ms
            x[place + 1] = number
            if program[gauge + G_DELAY_MS] != 0:
                number = (x[X_AT] - program[gauge + G_DELAY_MS]) // width_ms
            x[place] = number
            gauge += GAUGE_WIDTH
            place += 2
        kind = x[X_KIND]
        entry = program[kind + 2]
        for i in range(program[kind + 3]):
            key = _key(program, entry, x)
            x[keys + i] = I64(key)
            prefetch(index + I64(key & mask) * 8)
            if older != 0:
                prefetch(older + I64(key & older_mask) * 8)
            entry += ENTRY_WIDTH


@inlined
def _hash_texts(program, texts, k0, k1, x):
    """Hash the texts of an event that was encoded in Python; gives where those of the next begin."""
    kind = x[X_KIND]
    slots = program[kind]
    for i in range(program[kind + 1]):
        size = text_size(texts)
        x[program[slots + i]] = hash_text(texts, size, k0, k1) if size > 0 else I64(0)
        texts += size + 1
    return texts


@inlined
def _likely(slots, mask, key):
    """The record that an index most likely has for a key, by the bits that stand in it; 0 if none."""
    pos = key & mask
    while slots[I64(pos)] != 0 and (slots[I64(pos)] >> 48) & 0xFFFF != I64(key >> U64(48)):
        pos = (pos + U64(1)) & mask
    return slots[I64(pos)] & _RECORD


@compiled
def _call_records(arena, index, older, meta, program, x):
    """Call up the records that the index points to, which has come by now."""
    mask = U64(meta[INDEX_SLOTS] - 1)
    kind = x[X_KIND]
    entry = program[kind + 2]
    keys = program[P_KEYS_X]
    records = program[P_RECORDS_X]
    for i in range(program[kind + 3]):
        key = U64(x[keys + i])
        place = _likely(words_at(index), mask, key)
        if place == 0 and older != 0:
            place = _likely(words_at(older), U64(meta[OLDER_SLOTS] - 1), key)
        x[records + i] = place
        if place != 0:
            record = arena + place * 8
            # The sets an entity began with stand right behind its record.
            for line in range((program[program[entry + E_TABLE] + T_WORDS] + 15) // 8):
                prefetch(record + 64 * line)
        entry += ENTRY_WIDTH


@compiled
def _call_blocks(arena, program, x):
    """Call up the blocks that the records point to, which have come by now."""
    kind = x[X_KIND]
    entry = program[kind + 2]
    keys = program[P_KEYS_X]
    records = program[P_RECORDS_X]
    for i in range(program[kind + 3]):
        record = x[records + i]
        if record != 0 and arena[record + R_KEY] == x[keys + i]:
            table = program[entry + E_TABLE]
            track = program[table + T_TRACKS]
            for _ in range(program[table + T_TRACK_COUNT]):
                call_track(arena, program, track, record)
                track += TRACK_WIDTH
            sets = program[table + T_SETS]
            for n in range(program[table + T_SET_COUNT]):
                call_set(arena, record + program[sets + 2 * n])
        entry += ENTRY_WIDTH


@compiled
def take_group(places, first, count, packing):
    """Take the events of a group in order, from `first` on, until its index is to be tended.

    `places` is the address of the addresses of everything else, in the order of PLACE_ARENA and so
    on. An event that has a row is gathered from its cells; the inputs of others stand there already.
    Fills one row of vectors (float64) per event and, if `packing`, their journal forms, as an array
    of MessagePack with its size. Returns the number of the first event not taken, with
    TEND added when the next step of changing the index is due, or a negative number if the memory is full.
    """
    at = words_at(places)
    arena = at[PLACE_ARENA]
    index = at[PLACE_INDEX]
    older = at[PLACE_OLDER]
    wider = at[PLACE_WIDER]
    meta = words_at(at[PLACE_META])
    program = words_at(at[PLACE_PROGRAM])
    inputs = at[PLACE_INPUTS]
    packed = at[PLACE_PACKED]
    size = words_at(at[PLACE_SIZE])
    n_features = program[P_FEATURES]
    if first == 0:
        _key_group(places, count)
        size[0] = _array_head(bytes_at(packed), count)
    row = 8 * program[P_INPUTS]
    for i in range(first, min(first + AHEAD, count)):
        _call_records(arena, index, older, meta, program, words_at(inputs + i * row))
    for i in range(first, min(first + NEXT, count)):
        _call_blocks(words_at(arena), program, words_at(inputs + i * row))
    for i in range(first, count):
        if i + AHEAD < count:
            ahead = words_at(inputs + (i + AHEAD) * row)
            _call_records(arena, index, older, meta, program, ahead)
        if i + NEXT < count:
            _call_blocks(words_at(arena), program, words_at(inputs + (i + NEXT) * row))
        vector = at[PLACE_VECTORS] + 8 * i * n_features
        _take(words_at(arena), words_at(index), older, meta, program, words_at(inputs + i * row),
              doubles_at(vector))  # fmt: skip
        if packing:
            target = packed + size[0]
            length = _compact(
                doubles_at(vector), unsigned_at(vector), n_features, bytes_at(target + BYTES_HEAD)
            )
            _bytes_head(bytes_at(target), length)
            size[0] += BYTES_HEAD + length
        if meta[FULL] != 0:
            return I64(-1)
        if _tends(words_at(arena), words_at(index), older, wider, meta):
            return I64(TEND + i + 1)
    return I64(count)


@inlined
def _tends(arena, index, older, wider, meta):
    """Go on with the change of the index, if one is under way; True when its next step is due."""
    if wider != 0:
        meta[TOUCHED] += 1
        page, rest = meta[TOUCHED] // TOUCHES, meta[TOUCHED] % TOUCHES
        if rest == 0:
            words_at(wider)[(page - 1) * PAGE_WORDS] = 0
        ready = page * PAGE_WORDS >= 2 * meta[INDEX_SLOTS]
        return ready or meta[ENTITIES] * 4 + SPARE_SLOTS > meta[INDEX_SLOTS] * 3
    if older != 0:
        _move(arena, index, words_at(older), meta, MOVES)
        if meta[MOVED] == meta[OLDER_SLOTS]:
            return True
    return meta[ENTITIES] * 2 + SPARE_SLOTS > meta[INDEX_SLOTS]


@compiled
def _move(arena, index, older, meta, most):
    """Move the next slots of the older index to the wider one, and call up what the next ones need."""
    mask = U64(meta[INDEX_SLOTS] - 1)
    first = meta[MOVED]
    last = min(first + most, meta[OLDER_SLOTS])
    for i in range(first, last):
        slot = older[i]
        if slot != 0:
            pos = U64(arena[slot & _RECORD]) & mask
            while index[I64(pos)] != 0:
                pos = (pos + U64(1)) & mask
            index[I64(pos)] = slot
    for i in range(last, min(last + MOVES, meta[OLDER_SLOTS])):
        call_word(arena, older[i] & _RECORD)
    meta[MOVED] = last


@compiled
def move_all(places):
    """Move all that is left of the older index to the wider one."""
    at = words_at(places)
    meta = words_at(at[PLACE_META])
    arena = words_at(at[PLACE_ARENA])
    while meta[MOVED] < meta[OLDER_SLOTS]:
        _move(arena, words_at(at[PLACE_INDEX]), words_at(at[PLACE_OLDER]), meta, MOVES)
