"""Rows: members of an object, the checks between them, and their canonical form.

A row is read once, member by member: (1) the name says which field it is, and (2) the field how its
value is read, since a field means the same in all types. Then (3) the type is known, and with it
what must be there; and (4) the members are written in the order of its class.

Senders keep an order, so that the name which followed last time is tried first.

Nothing may be read or written out of bounds, whatever is sent. Reading: the cursor never passes the
end of the row before it is compared with that end, and what is read in blocks behind it lies in the
next rows or the padding. Writing: the canonical form of a row consists of the members as they were
sent without the white space between them, and so is never longer than the row.
"""

from __future__ import annotations

from kanhe.judge.intake.card_numbers import SHORTEST
from kanhe.judge.intake.cells import ABSENT, CELL_WORDS, MISSING, NUMBER, SPAN, SPAN_SHIFT
from kanhe.judge.intake.declarations import IDS_MAX
from kanhe.judge.intake.recognising.layout import (
    ADDRESS,
    AT_CELLS,
    AT_ENDS,
    AT_FIELDS,
    AT_FOLLOWS,
    AT_IDS,
    AT_KINDS,
    AT_MEMBERS,
    AT_POOL,
    AT_PRESENT,
    AT_SEEN,
    AT_SLOT_MEMBERS,
    AT_SLOTS,
    AT_TEXT,
    AT_TIMES,
    AT_TYPES,
    BOOL,
    CARD,
    DEGREES,
    EMAIL,
    F_CHECK,
    F_GREATEST,
    F_KIND,
    F_LEAST,
    F_LONGEST,
    F_MARKS,
    F_PREFIX,
    F_PREFIX_SIZE,
    F_WIDTH,
    F_WORDS,
    ID,
    IDS,
    IS_CURRENCY,
    IS_ENTITY,
    IS_MONEY,
    LARGEST,
    M_FIELD,
    M_LOOSE,
    M_NUMBER,
    M_SIZE,
    M_START,
    M_WIDTH,
    N_FIELDS,
    N_IDS,
    N_STAMP,
    N_WIDTH,
    NAMES,
    T_FIELDS,
    T_HEAD,
    T_HEAD_SIZE,
    T_NAMING,
    T_OPEN,
    T_REQUIRED,
    T_WIDTH,
    TEXT,
    TYPE,
    WHOLE,
    WORD,
)
from kanhe.judge.intake.recognising.texts import (
    I64,
    QUOTE,
    U64,
    compiled,
    find,
    inlined,
    plain_end,
    same,
    text_end,
)
from kanhe.judge.intake.recognising.values import (
    degrees,
    is_address,
    is_email,
    is_no_card_number,
    whole_number,
)
from kanhe.judge.machine.memory import (
    BLOCK,
    bytes_at,
    copy_block,
    trailing_zeros,
    word_at,
    words_at,
)

_COMMA, _COLON, _OPEN, _CLOSE, _OPEN_LIST, _CLOSE_LIST = 0x2C, 0x3A, 0x7B, 0x7D, 0x5B, 0x5D
_SPACE, _TAB, _LINE, _RETURN = 0x20, 0x09, 0x0A, 0x0D
_NULL, _TRUE, _FALSE = (int.from_bytes(text, "little") for text in (b"null", b"true", b"false"))
_FOUR, _FIVE = (1 << 32) - 1, (1 << 40) - 1
_DOUBT = -1
ID_END = 0x0A
"""What stands behind each id among the ids; no id holds it."""


@compiled
def recognise(places, raw, sizes, latest_ms):
    """Read rows that lie one behind the other in `raw`, which ends in padding.

    Fills the cells of each row that is recognised, and tells how many there are. `latest_ms` is the
    latest `at_ms` that is accepted.
    """
    table = words_at(places)
    kinds = words_at(table[AT_KINDS])
    ends = words_at(table[AT_ENDS])
    ids = bytes_at(table[AT_IDS])
    text = table[AT_TEXT]
    target = text
    at = I64(raw.ctypes.data)
    table[N_IDS] = 0
    known = 0
    for row in range(sizes.shape[0]):
        end = at + sizes[row]
        kind = I64(_DOUBT)
        if sizes[row] <= LARGEST:
            # (1) (2)
            count, kind = _members(places, at, end)
            if kind >= 0 and _belong(places, count, kind, latest_ms):  # (3)
                target = _write(places, row, kind, target)  # (4)
                known += 1
            else:
                kind = I64(_DOUBT)
        kinds[row] = kind
        ends[row] = target - text
        ids[table[N_IDS]] = ID_END
        table[N_IDS] += 1
        at = end
    return known


@inlined
def _space_end(at, end):
    """The address of the first byte from here on that is no white space, `end` at the latest."""
    text = bytes_at(at)
    i = I64(0)
    while at + i < end and (
        text[i] == _SPACE or text[i] == _LINE or text[i] == _RETURN or text[i] == _TAB
    ):
        i += 1
    return at + i


@inlined
def _byte(at):
    return I64(bytes_at(at)[0])


@compiled
def _members(places, at, end):
    """Steps (1) and (2) for all members of one object. Gives how many there are, and the number of
    the type; -1 if there is anything to doubt."""
    table = words_at(places)
    fields = words_at(table[AT_FIELDS])
    members = words_at(table[AT_MEMBERS])
    seen = words_at(table[AT_SEEN])
    follows = words_at(table[AT_FOLLOWS])
    pool = table[AT_POOL]
    table[N_STAMP] += 1
    stamp = table[N_STAMP]
    previous = table[N_FIELDS] + 1
    kind = I64(_DOUBT)
    count = I64(0)
    doubt = I64(0), I64(_DOUBT)
    at = _space_end(at, end)
    if at >= end or _byte(at) != _OPEN:
        return doubt
    while True:
        # (1) The name, behind the bracket or a comma.
        at += 1
        if _byte(at) <= _SPACE:
            at = _space_end(at, end)
        field = follows[previous]
        size = fields[field * F_WIDTH + F_PREFIX_SIZE] - 1
        if at + size <= end and same(at, pool + fields[field * F_WIDTH + F_PREFIX] + 1, size):
            at += size
        else:
            field, at = _name(places, at, end)
            if field < 0:
                return doubt
            follows[previous] = field
        if seen[field] == stamp:
            return doubt
        seen[field] = stamp
        # (2) The value.
        if _byte(at) <= _SPACE:
            at = _space_end(at, end)
        start = at
        number, loose, at = _value(places, fields, field, at, end)
        # Whatever is wrong with the value, or lies outside of the row, ends here.
        if at < 0 or at >= end:
            return doubt
        member = count * M_WIDTH
        members[member + M_FIELD] = field
        members[member + M_START] = start
        members[member + M_SIZE] = at - start
        members[member + M_NUMBER] = number
        members[member + M_LOOSE] = loose
        count += 1
        previous = field
        if field == table[N_FIELDS]:
            kind = number
            previous = field + 2 + number
        if _byte(at) <= _SPACE:
            at = _space_end(at, end)
            if at >= end:
                return doubt
        if _byte(at) == _CLOSE:
            break
        if _byte(at) != _COMMA:
            return doubt
    return (count, kind) if _space_end(at + 1, end) == end else doubt


@compiled
def _name(places, at, end):
    """The field whose name stands at an address, and where its value may begin; -1 for none."""
    if at >= end or _byte(at) != QUOTE:
        return I64(-1), at
    name_end = plain_end(at + 1)
    if name_end >= end or _byte(name_end) != QUOTE:
        return I64(-1), at
    field = find(places, NAMES, at + 1, name_end - at - 1)
    at = _space_end(name_end + 1, end)
    if at >= end or _byte(at) != _COLON:
        return I64(-1), at
    return field, at + 1


@inlined
def _value(places, fields, field, at, end):
    """The number of a field's value, how much white space is in it, and where it ends; -1 for one
    to be doubted. The number of null is `MISSING`."""
    doubt = I64(0), I64(0), I64(-1)
    spec = field * F_WIDTH
    kind = fields[spec + F_KIND]
    first = _byte(at)
    if first == QUOTE:
        number, at = _text(places, fields, field, kind, at + 1, end)
        return number, I64(0), at
    if kind == WHOLE and first != _NULL & 0xFF:
        number, at = whole_number(at)
        if number < fields[spec + F_LEAST] or number > fields[spec + F_GREATEST]:
            return doubt
        return number, I64(0), at
    if kind == BOOL and word_at(at) & U64(_FOUR) == U64(_TRUE):
        return I64(1), I64(0), at + 4
    if kind == BOOL and word_at(at) & U64(_FIVE) == U64(_FALSE):
        return I64(0), I64(0), at + 5
    if kind == IDS and first == _OPEN_LIST:
        return _list(places, at, end, fields[spec + F_LONGEST])
    if word_at(at) & U64(_FOUR) == U64(_NULL) and kind != TYPE:
        return I64(MISSING), I64(0), at + 4
    if kind == DEGREES:
        number, at = degrees(at, fields[spec + F_LEAST], fields[spec + F_GREATEST])
        return number, I64(0), at
    return doubt


@inlined
def _text(places, fields, field, kind, start, end):
    """The number of a text that begins at an address, and what stands behind its quotation mark;
    -1 for one to be doubted."""
    doubt = I64(0), I64(-1)
    spec = field * F_WIDTH
    at = plain_end(start)
    if at >= end:
        return doubt
    size = at - start
    if _byte(at) != QUOTE:
        at, size = text_end(places, start, end, kind == ID)
        if at < 0:
            return doubt
    if kind <= TEXT:
        if size == 0 or size > fields[spec + F_LONGEST]:
            return doubt
        check = fields[spec + F_CHECK]
        if check != 0 and not _passes(check, start, at, size):
            return doubt
        return I64(0), at + 1
    if kind < WORD or kind == IDS:
        return doubt
    number = find(places, fields[spec + F_WORDS], start, at - start)
    return number, at + 1 if number >= 0 else I64(-1)


@inlined
def _passes(check, at, end, characters):
    """Whether a text is also what its field means."""
    if check == ADDRESS:
        return is_address(at, end - at)
    if check == EMAIL:
        return is_email(at, end - at)
    return check == CARD and (characters < SHORTEST or is_no_card_number(at, end - at))


@compiled
def _list(places, at, end, longest):
    """A list of ids: how many there are, whether there is white space in it, and where it ends
    (-1 if there is anything to doubt)."""
    doubt = I64(0), I64(0), I64(-1)
    count = I64(0)
    text = I64(0)
    start = at
    at = _space_end(at + 1, end)
    if at < end and _byte(at) == _CLOSE_LIST:
        return I64(0), at - start - 1, at + 1
    while True:
        if at >= end or _byte(at) != QUOTE or count == IDS_MAX:
            return doubt
        id_end, size = text_end(places, at + 1, end, True)
        if id_end < 0 or size == 0 or size > longest:
            return doubt
        count += 1
        text += id_end + 1 - at
        at = _space_end(id_end + 1, end)
        if at >= end:
            return doubt
        if _byte(at) == _CLOSE_LIST:
            # With a comma between any two, and two brackets.
            return count, at + 1 - start - text - (count - 1) - 2, at + 1
        if _byte(at) != _COMMA:
            return doubt
        at = _space_end(at + 1, end)


@compiled
def _belong(places, count, kind, latest_ms):
    """Step (3): whether the members make an event of the type. Sorts them by its slots."""
    table = words_at(places)
    fields = words_at(table[AT_FIELDS])
    members = words_at(table[AT_MEMBERS])
    of_slot = words_at(table[AT_SLOT_MEMBERS])
    present = words_at(table[AT_PRESENT])
    row = words_at(table[AT_TYPES] + 8 * T_WIDTH * kind)
    slots = words_at(table[AT_SLOTS] + 8 * table[N_FIELDS] * kind)
    type_field = table[N_FIELDS]
    for i in range((row[T_FIELDS] >> 6) + 1):
        present[i] = 0
    marks = I64(0)
    required = I64(0)
    for i in range(count):
        member = i * M_WIDTH
        field = members[member + M_FIELD]
        if field == type_field:
            continue
        slot = slots[field]
        if slot < 0:
            return False
        if members[member + M_NUMBER] == MISSING:
            continue
        of_slot[slot] = member
        present[slot >> 6] |= I64(1) << (slot & 63)
        marks |= fields[field * F_WIDTH + F_MARKS]
        if slot < row[T_REQUIRED]:
            required += 1
    return (
        required == row[T_REQUIRED]
        and row[T_OPEN] != 0
        and (row[T_NAMING] == 0 or marks & IS_ENTITY != 0)
        and marks & (IS_MONEY | IS_CURRENCY) != IS_MONEY
        and members[of_slot[1] + M_NUMBER] <= latest_ms
    )


@inlined
def _copy(target, source, size):
    """Copy a text. Blocks are copied: up to 31 bytes behind it are written too."""
    copy_block(target, source)
    done = I64(BLOCK)
    while done < size:
        copy_block(target + done, source + done)
        done += BLOCK


@compiled
def _write(places, row, kind, target):
    """Step (4): the canonical form at `target`, and the cells. Gives where the form ends."""
    table = words_at(places)
    fields = words_at(table[AT_FIELDS])
    members = words_at(table[AT_MEMBERS])
    of_slot = words_at(table[AT_SLOT_MEMBERS])
    present = words_at(table[AT_PRESENT])
    pool = table[AT_POOL]
    text = table[AT_TEXT]
    head = words_at(table[AT_TYPES] + 8 * T_WIDTH * kind)
    cells = words_at(table[AT_CELLS] + 8 * CELL_WORDS * table[N_WIDTH] * row)
    for i in range(head[T_FIELDS]):
        cells[CELL_WORDS * i + NUMBER] = MISSING
        cells[CELL_WORDS * i + SPAN] = ABSENT
    _copy(target, pool + head[T_HEAD], head[T_HEAD_SIZE])
    target += head[T_HEAD_SIZE]
    for i in range((head[T_FIELDS] >> 6) + 1):
        left = U64(present[i])
        while left != U64(0):
            slot = I64(trailing_zeros(left)) + 64 * i
            left &= left - U64(1)
            member = of_slot[slot]
            spec = members[member + M_FIELD] * F_WIDTH
            size = fields[spec + F_PREFIX_SIZE]
            _copy(target, pool + fields[spec + F_PREFIX], size)
            target += size
            start = members[member + M_START]
            size = members[member + M_SIZE]
            if members[member + M_LOOSE] != 0:
                size = _copy_tight(target, start, size)
            else:
                _copy(target, start, size)
            quoted = I64(1) if _byte(start) == QUOTE else I64(0)
            cells[CELL_WORDS * slot + NUMBER] = members[member + M_NUMBER]
            cells[CELL_WORDS * slot + SPAN] = (target - text + quoted) << SPAN_SHIFT | (
                size - 2 * quoted
            )
            target += size
    bytes_at(target)[0] = _CLOSE
    words_at(table[AT_TIMES])[row] = members[of_slot[1] + M_NUMBER]
    size = members[of_slot[0] + M_SIZE] - 2
    _copy(table[AT_IDS] + table[N_IDS], members[of_slot[0] + M_START] + 1, size)
    table[N_IDS] += size
    return target + 1


@compiled
def _copy_tight(target, source, size):
    """Copy a list of texts without the white space between them; gives how large it is then."""
    text = bytes_at(source)
    out = bytes_at(target)
    written = I64(0)
    inside = False
    for i in range(size):
        byte = text[i]
        if byte == QUOTE:
            inside = not inside
        if inside or byte > _SPACE:
            out[written] = byte
            written += 1
    return written
