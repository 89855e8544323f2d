"""Gathering what the kernel takes of an event from its cells, by the tables that `sources` writes.

The generated encoders of `encode` do the same from an event in Python; both give the same bits.
"""

from __future__ import annotations

from kanhe.judge.features.arithmetic import (
    I64,
    U64,
    compiled,
    hash_text,
    inlined,
    scaled,
)
from kanhe.judge.features.layout import (
    ABSOLUTE,
    ADD,
    AMOUNT_OF,
    AND,
    AT_MOST,
    BELOW,
    CONSTANT,
    EQUAL,
    F_OF,
    F_PART,
    F_WHOLE,
    FACTOR_WIDTH,
    FLOOR,
    HAS,
    IS_KNOWN,
    LEAST,
    MISSING,
    MULTIPLY,
    NEGATE,
    NOT,
    NUMBER_AMONG,
    NUMBER_OF,
    OR,
    REMAINDER,
    S_KIND,
    S_STEP_COUNT,
    S_SUBJECT,
    S_TEXT_COUNT,
    S_VALUE_COUNT,
    SET_BIT,
    SOURCE_HEAD,
    SOURCE_TEXT,
    SOURCE_VALUE,
    STEP_WIDTH,
    SUBTRACT,
    TEXT_AMONG,
    TEXTS_SAME,
    VALUE_MAX,
    X_AT,
    X_BITS,
    X_KIND,
    X_SUBJECT,
    X_VALUES,
)
from kanhe.judge.intake.cells import ABSENT, CELL_WORDS, NUMBER, SPAN, SPAN_SHIFT
from kanhe.judge.machine.memory import unsigned_at

_AT_SLOT = 1
"""`at_ms` is the second field of every type."""
_SIZE = (1 << SPAN_SHIFT) - 1


@inlined
def _number(cells, slot):
    return cells[slot * CELL_WORDS + NUMBER]


@inlined
def _span(cells, slot):
    return cells[slot * CELL_WORDS + SPAN]


@inlined
def _in_base(factors, amount, currency):
    """An amount (0 or more) in minor units of the base currency, halves rounded up."""
    if amount == MISSING or currency == MISSING:
        return I64(MISSING)
    factor = currency * FACTOR_WIDTH
    of = factors[factor + F_OF]
    if of == 0:
        return I64(MISSING)
    part = factors[factor + F_PART]
    value = amount * factors[factor + F_WHOLE]
    return value if part == 0 else value + scaled(amount, part, of)


@compiled
def gather(sources, head, factors, stack, cells, text, k0, k1, x):
    """Write all inputs of one event but its tenant: numbers, hashes of texts and condition bits.

    `head` is the place of its type in `sources`, `cells` the cells of its row, `text` the address
    that spans are counted from, `stack` room for what is worked out on the way.
    """
    x[X_AT] = _number(cells, _AT_SLOT)
    x[X_KIND] = sources[head + S_KIND]
    subject = sources[head + S_SUBJECT]
    x[X_SUBJECT] = _number(cells, subject) if subject >= 0 else I64(MISSING)
    place = head + SOURCE_HEAD
    for i in range(sources[head + S_VALUE_COUNT]):
        value = _number(cells, sources[place])
        currency = sources[place + 1]
        if currency >= 0:
            value = _in_base(factors, value, _number(cells, currency))
            if not -VALUE_MAX <= value <= VALUE_MAX:
                value = I64(MISSING)
        x[X_VALUES + i] = value
        place += SOURCE_VALUE
    for _ in range(sources[head + S_TEXT_COUNT]):
        span = _span(cells, sources[place])
        code = I64(0)
        if span != ABSENT:
            code = hash_text(text + (span >> SPAN_SHIFT), span & _SIZE, k0, k1)
        x[sources[place + 1]] = code
        place += SOURCE_TEXT
    count = sources[head + S_STEP_COUNT]
    bits = I64(0)
    if count != 0:
        bits = _bits(sources, place, count, factors, stack, cells, text)
    x[X_BITS] = bits


@compiled
def _bits(sources, step, count, factors, stack, cells, text):
    """Work the conditions out; each is a bit. Missing values mean what `language.codegen` says."""
    bits = I64(0)
    top = I64(-1)
    for _ in range(count):
        what = sources[step]
        one = sources[step + 1]
        other = sources[step + 2]
        step += STEP_WIDTH
        if what <= TEXTS_SAME:
            top += 1
            stack[top] = _found(sources, what, one, other, factors, cells, text)
        elif what == SET_BIT:
            bits |= stack[top] << one
            top -= 1
        elif what == NOT:
            stack[top] = 1 - stack[top]
        elif what == IS_KNOWN:
            stack[top] = I64(1) if stack[top] != MISSING else I64(0)
        elif what == NEGATE:
            # MISSING is its own negative.
            stack[top] = -stack[top]
        elif what == ABSOLUTE:
            value = stack[top]
            stack[top] = value if value >= 0 or value == MISSING else -value
        elif what == NUMBER_AMONG:
            stack[top] = _number_among(sources, one, stack[top])
        else:
            top -= 1
            stack[top] = _combined(what, stack[top], stack[top + 1])
    return bits


@inlined
def _found(sources, what, one, other, factors, cells, text):
    """What a step finds in the cells."""
    if what == NUMBER_OF:
        return _number(cells, one)
    if what == AMOUNT_OF:
        return _in_base(factors, _number(cells, one), _number(cells, other))
    if what == CONSTANT:
        return one
    if what == HAS:
        return I64(1) if _number(cells, one) != MISSING else I64(0)
    if what == TEXT_AMONG:
        return _text_among(sources, other, text, _span(cells, one))
    return _same(text, _span(cells, one), _span(cells, other))


@inlined
def _combined(what, left, right):
    """What a step makes of two numbers; of a missing one, a missing number or no truth."""
    if what == AND:
        return left & right
    if what == OR:
        return left | right
    known = left != MISSING and right != MISSING
    if what >= BELOW:
        holds = False
        if what == BELOW:
            holds = left < right
        elif what == AT_MOST:
            holds = left <= right
        elif what == EQUAL:
            holds = left == right
        else:
            holds = left != right
        return I64(1) if known and holds else I64(0)
    if not known:
        return I64(MISSING)
    if what == ADD:
        return left + right
    if what == SUBTRACT:
        return left - right
    if what == MULTIPLY:
        return left * right
    if what == FLOOR:
        return left // right
    if what == REMAINDER:
        return left % right
    if what == LEAST:
        return min(left, right)
    return max(left, right)


@inlined
def _number_among(sources, place, value):
    """Whether a number is one of those that stand at a place behind their count."""
    for i in range(sources[place]):
        if sources[place + 1 + i] == value:
            return I64(1)
    return I64(0)


@inlined
def _text_among(sources, place, text, span):
    """Whether a text is one of those that stand at a place: each its size, and its bytes in words."""
    if span == ABSENT:
        return I64(0)
    size = span & _SIZE
    words = unsigned_at(text + (span >> SPAN_SHIFT))
    last = (U64(1) << U64(8 * (size & 7))) - U64(1)
    count = sources[place]
    place += 1
    for _ in range(count):
        length = sources[place]
        place += 1
        if length == size:
            differ = U64(0)
            for i in range(size >> 3):
                differ |= words[i] ^ U64(sources[place + i])
            if size & 7 != 0:
                differ |= (words[size >> 3] & last) ^ U64(sources[place + (size >> 3)])
            if differ == U64(0):
                return I64(1)
        place += (length + 7) >> 3
    return I64(0)


@inlined
def _same(text, one, other):
    """Whether two texts that are there are the same."""
    size = one & _SIZE
    if one == ABSENT or other == ABSENT or size != other & _SIZE:
        return I64(0)
    left = unsigned_at(text + (one >> SPAN_SHIFT))
    right = unsigned_at(text + (other >> SPAN_SHIFT))
    differ = U64(0)
    for i in range(size >> 3):
        differ |= left[i] ^ right[i]
    last = (U64(1) << U64(8 * (size & 7))) - U64(1)
    differ |= (left[size >> 3] ^ right[size >> 3]) & last
    return I64(1) if differ == U64(0) else I64(0)
