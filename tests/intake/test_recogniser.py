"""The recogniser: whatever it accepts, the reader accepts, with the same body; and what shops send is accepted."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.errors import Refusal
from kanhe.core.event import Asked
from kanhe.judge.intake.cells import ROWS, SPAN_SHIFT
from kanhe.judge.intake.declarations import IDS_MAX, EventType, FieldSpec
from kanhe.judge.intake.exact import _is_printable, same_address
from kanhe.judge.intake.group import Group
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.recogniser import Recogniser
from kanhe.judge.intake.recognising import layout as at
from kanhe.judge.intake.recognising.tables import tables_of
from kanhe.judge.intake.registry import Registry, builtin
from tests.intake.cells_of import cells_of
from tests.intake.damage import PIECES
from tests.intake.events import NOW_MS, SCOPES, spelled, valid_events

READER = Reader(builtin())
RECEIVED_MS = NOW_MS + 10**10
"""Later than any event of these tests."""
EXAMPLES = {name: dict(kind.example) for name, kind in builtin().types.items()}
OPEN = [name for name, kind in builtin().types.items() if not kind.restricted]
LOGIN = {"type": "account.login", "id": "1", "at_ms": NOW_MS, "user": "u"}


def read_group(raws: Sequence[bytes], reader: Reader = READER) -> Group:
    """Read a group, and hold all of it against the reader, one by one, and the slow cells."""
    asked = [Asked("shop", raw, SCOPES, True) for raw in raws]
    group, refused = reader.read_group(asked, RECEIVED_MS)
    found: dict[int, Any] = {place: refusal.problem for place, refusal in refused}
    found |= {place: group.arrival(n) for n, place in enumerate(group.places)}
    assert [found[place] for place in range(len(raws))] == [_outcome(reader, raw) for raw in raws]
    events = list(group.events)
    assert [(event.id, event.type, event.at_ms) for event in events] == list(
        zip(group.ids, group.types, group.times, strict=True)
    )
    _compare_cells(reader.registry, group)
    return group


def _outcome(reader: Reader, raw: bytes) -> Any:
    try:
        return reader.read("shop", raw, RECEIVED_MS, SCOPES)
    except Refusal as refused:
        return refused.problem


def _compare_cells(registry: Registry, group: Group) -> None:
    """The cells of rows that were recognised are those of their events, wherever their texts begin."""
    cells, slow = group.cells, cells_of(registry, group.events)
    if cells is None:
        return
    for n, row in enumerate(group.rows):
        if row < 0:
            continue
        slots = len(registry.fields_of(group.types[n]))
        begin, slow_begin = (
            int(each[k - 1]) if k else 0 for each, k in ((cells.ends, row), (slow.ends, n))
        )
        assert cells.text[begin : cells.ends[row]].tobytes() == group.bodies[n]
        assert cells.types[row] == slow.types[n]
        words, slow_words = cells.words[row, :slots].copy(), slow.words[n, :slots].copy()
        for each, start in ((words, begin), (slow_words, slow_begin)):
            each[:, 1] -= np.where(each[:, 1] >= 0, start << SPAN_SHIFT, 0)
        assert (words == slow_words).all()


def recognised(event: dict[str, Any] | bytes, reader: Reader = READER) -> bool:
    """Whether one event was recognised, after it has been held against the reader."""
    raw = event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()
    return list(read_group([raw], reader).rows) == [0]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\t", "\r\n:\n")])
def test_the_examples_are_recognised_however_they_are_spaced(
    separators: tuple[str, str], indent: int | None
) -> None:
    """Every example that any sender may send, with members in any order and white space anywhere."""
    draw = random.Random(1)
    for name in OPEN:
        members = list(EXAMPLES[name].items())
        draw.shuffle(members)
        raw = json.dumps(dict(members), ensure_ascii=False, separators=separators, indent=indent)
        assert recognised(f"\n{raw} \t".encode())


def test_restricted_types_are_left_to_the_reader() -> None:
    """What needs a scope is rare, and mighty."""
    for name in EXAMPLES.keys() - set(OPEN):
        assert not recognised(EXAMPLES[name])


@pytest.mark.parametrize(
    "more",
    [
        {"user": "张三", "user_agent": "浏览器，第二版 é ß"}, {"user": "a b", "device": None},
        {"ip": "203.0.113.7"}, {"ip": "2001:db8::1"}, {"ip": "::1"}, {"email": "王@example.cn"},
        {"lat": 52.520008, "lon": -0.127758}, {"lat": 1.0, "lon": 0.0}, {"card": "tok-1234567890123"},
        {"card": "123456789012"}, {"at_ms": RECEIVED_MS + 300_000}, {"is_vpn": True, "is_tor": False, "utc_offset_minutes": -120},
        {"user": "u" * 128, "user_agent": "x" * 256}, {"user": "张" * 128}, {"user_agent": "😀"},
    ],
)  # fmt: skip
def test_what_shops_send_is_recognised(more: dict[str, Any]) -> None:
    """Chinese, addresses of both kinds, tokens, places, and texts as long as they may be."""
    assert recognised(LOGIN | more)


@pytest.mark.parametrize(
    "more",
    [
        {"user": "😀"}, {"user": "a\"b"}, {"user": "u" * 129}, {"user": "张" * 129}, {"user": ""},
        {"user": None}, {"ip": "010.0.0.1"}, {"ip": "::ffff:102:304"}, {"ip": "2001:DB8::1"},
        {"card": "4242424242424242"}, {"card": "4242 4242 4242 4242"}, {"card": "１２３４５６７８９０１２３"},
        {"email": "a@"}, {"lat": 52}, {"lat": 1e-05}, {"lat": -0.0}, {"lat": 91.5}, {"bot_score": 101},
        {"at_ms": RECEIVED_MS + 300_001}, {"at_ms": None}, {"tenant": "shop"}, {"amount_minor": 1},
        {"user": ["u"]}, {"user": {}}, {"is_vpn": 1}, {"is_vpn": "true"}, {"bot_score": 1.0},
    ],
)  # fmt: skip
def test_what_is_wrong_or_odd_is_doubted(more: dict[str, Any]) -> None:
    """The reader then says what is wrong, or accepts it after all."""
    assert not recognised(LOGIN | more)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b"[]", b"null", b'{"id"}', b'{"id":}', b'{,}', b"{" * 8000, b"[" * 8000,
        b'{"a":' * 1000, b'{"id":"' + b"a" * 9000, b"\xef\xbb\xbf{}", b'{"type":"account.login",}',
        b"{" + b",".join([b'"id":"a"'] * 900) + b"}", b'{"type":null,"id":"1","at_ms":1,"user":"u"}',
    ],
)  # fmt: skip
def test_hostile_bytes_are_doubted(raw: bytes) -> None:
    """Nothing that is no event, however deep or long, is taken for one."""
    assert not recognised(raw)


def test_a_row_is_read_by_itself() -> None:
    """What an event leaves open is not closed by the next one."""
    whole = json.dumps(LOGIN).encode()
    for cut in range(len(whole)):
        group = read_group([whole[:cut], whole[cut:], whole])
        assert list(group.rows) == [2] if cut else [1, 2]


def test_a_group_may_be_full_and_not_fuller() -> None:
    """`ROWS` events are read at once, of any size; more are a mistake of the caller."""
    large = json.dumps(LOGIN | {"user_agent": "😀" * 250}, ensure_ascii=False).encode()
    beyond = large + b" " * at.LARGEST
    group = read_group([large, beyond] * (ROWS // 2))
    assert list(group.rows) == [row if row % 2 == 0 else -1 for row in range(ROWS)]
    with pytest.raises(ValueError, match="at most"):
        READER.read_group([Asked("shop", large, SCOPES, True)] * (ROWS + 1), RECEIVED_MS)
    assert len(READER.read_group([], RECEIVED_MS)[0]) == 0


def test_no_body_is_larger_than_the_reader_accepts() -> None:
    """The bound of the reader holds, where it is lower than that of the recogniser."""
    raw = json.dumps(LOGIN).encode()
    assert recognised(raw, Reader(builtin(), max_body_bytes=len(raw)))
    assert not recognised(raw, Reader(builtin(), max_body_bytes=len(raw) - 1))


def test_a_part_of_a_group_decodes_nothing() -> None:
    """Refusing one event of a group does not make the others be decoded."""
    group = read_group([b"{", json.dumps(LOGIN).encode()])
    assert list(group.places) == [1] and list(group.rows) == [1]
    asked = [Asked("shop", raw, SCOPES, True) for raw in (b"{", json.dumps(LOGIN).encode())]
    fresh, _ = READER.read_group(asked, RECEIVED_MS)
    assert fresh.events._made == [None]  # type: ignore[attr-defined]  # lazy, which is the promise


@pytest.mark.slow
@settings(max_examples=200)
@given(st.data(), st.integers(1, 4))
def test_groups_are_read_as_the_reader_reads(data: st.DataObject, size: int) -> None:
    """Valid events however they are spelled: same arrivals, same cells."""
    read_group([data.draw(spelled(data.draw(valid_events()))) for _ in range(size)])


@pytest.mark.slow
@settings(max_examples=400)
@given(st.data())
def test_damaged_events_are_answered_as_the_reader_answers(data: st.DataObject) -> None:
    """Bytes flipped, cut out, doubled or put in anywhere: the same arrival or the same problem."""
    kinds = st.sampled_from(sorted(EXAMPLES)).map(EXAMPLES.__getitem__) | valid_events()
    raws = []
    for _ in range(data.draw(st.integers(1, 3))):
        raw = bytearray(data.draw(spelled(data.draw(kinds))))
        for _ in range(data.draw(st.integers(0, 2))):
            start = data.draw(st.integers(0, len(raw)))
            stop = start + data.draw(st.sampled_from([0, 1, 1, 2, 9, 60]))
            piece = (
                st.sampled_from(PIECES) | st.binary(max_size=2) | st.just(bytes(raw[:start][-30:]))
            )
            raw[start:stop] = data.draw(piece)
        raws.append(bytes(raw))
    read_group(raws)


ADDRESS = (
    st.lists(st.sampled_from(["0", "0", "1", "ab", "ffff", "01", ""]), min_size=1, max_size=9).map(":".join)
    | st.ip_addresses().map(str)
    | st.ip_addresses(v=6).map(lambda each: each.exploded)
    | st.lists(st.integers(0, 300).map(str) | st.just("01"), min_size=3, max_size=5).map(".".join)
)  # fmt: skip


@settings(max_examples=500)
@given(ADDRESS)
def test_addresses_are_known_by_their_one_spelling(ip: str) -> None:
    """Exactly the addresses that the reader would not write otherwise are recognised."""
    assert recognised(LOGIN | {"ip": ip}) == (same_address(ip) == ip)


@given(st.floats(-180, 180) | st.decimals(-180, 180, places=6).map(float) | st.integers(-200, 200))
def test_degrees_are_known_by_their_shortest_spelling(lon: float) -> None:
    """Millionths as Python rounds them, and the text of the canonical form. At most 15 digits are read."""
    spelling = msgspec.json.encode(lon).decode()
    digits = sum(map(str.isdigit, spelling))
    known = recognised(json.dumps(LOGIN)[:-1].encode() + b',"lon":' + spelling.encode() + b"}")
    if 0.001 <= abs(lon) <= 180 and digits <= 15 and "." in spelling:
        assert known


def test_every_character_is_taken_as_the_reader_takes_it() -> None:
    """Of the first plane: in ids what can be printed, in texts all but controls, and nothing escaped."""
    reader = Reader(builtin())
    for first in range(0, at.POINTS, ROWS):
        points = [point for point in range(first, first + ROWS) if not 0xD800 <= point < 0xE000]
        for name in ("user", "user_agent"):
            raws = [
                json.dumps(LOGIN | {name: f"a{chr(point)}"}, ensure_ascii=False).encode()
                for point in points
            ]
            if not raws:
                continue
            asked = [Asked("shop", raw, SCOPES, True) for raw in raws]
            group, _ = reader.read_group(asked, RECEIVED_MS)
            kind = builtin().fields[name].kind
            plain = [
                b"\\" not in raw and _is_printable(kind, chr(point))
                for raw, point in zip(raws, points, strict=True)
            ]
            rows = dict(zip(group.places, group.rows, strict=True))
            assert [rows.get(place, -1) >= 0 for place in range(len(raws))] == plain


def test_lists_hold_as_many_ids_as_they_may() -> None:
    """Also with white space in them, which the canonical form does not have."""
    order = {**LOGIN, "type": "order.placed", "order": "o", "amount_minor": 1, "currency": "EUR"}
    for count, separator in ((0, ", "), (1, ","), (IDS_MAX, " , ")):
        raw = (
            json.dumps(order)[:-1]
            + ', "products": [ '
            + separator.join(['"p\u00b7"'] * count)
            + " ]}"
        )
        assert recognised(raw.encode())
    assert not recognised(order | {"products": ["p"] * (IDS_MAX + 1)})
    assert not recognised(order | {"products": ["p", ""]})


def test_a_packs_own_types_are_recognised() -> None:
    """Fields and types are data of the registry: more than 64 of them, choices in any script."""
    fields = [FieldSpec(f"gift_{n}", "int", "", "A.", "甲。") for n in range(150)]
    wrap = FieldSpec("wrap", "choice", "", "A.", "甲。", ("纸", "布", "none"))
    names = tuple(spec.name for spec in (*fields, wrap))
    gift = EventType("shop.gift", ("user", "wrap"), names[:-1], "A gift.", "礼物。", {})
    reader = Reader(builtin().extended((*fields, wrap), (gift,)))
    event = {**LOGIN, "type": "shop.gift", "wrap": "布", **dict.fromkeys(names[:-1], 7)}
    assert recognised(event, reader)
    assert not recognised(event | {"wrap": "皮"}, reader)
    assert recognised(LOGIN, reader)


def test_words_are_found_in_few_places() -> None:
    """However crowded, the table of words is large enough."""
    words = tables_of(builtin()).words
    taken = np.flatnonzero(words[:, at.W_NUMBER] >= 0)
    distance = (taken - words[taken, at.W_HASH]) % len(words)
    assert distance.max() < at.PROBES


def test_nothing_is_written_out_of_bounds() -> None:
    """Around every array that the kernel writes there are bytes that stay as they were."""
    recogniser = Recogniser(builtin(), at.LARGEST)
    margin = 4096
    guarded = {}
    for place, array in recogniser._arrays.items():
        room = np.full(array.nbytes + 2 * margin, 0xA5, dtype=np.uint8)
        room[margin:-margin] = np.ascontiguousarray(array).view(np.uint8).reshape(-1)
        recogniser._places[place] = room.ctypes.data + margin
        guarded[place] = room
    draw = random.Random(2)
    wide = [event for event in EXAMPLES.values() for _ in range(7)]
    for _ in range(20):
        raws = [
            json.dumps(each, separators=(",", ":")).encode() for each in draw.sample(wide, ROWS)
        ]
        broken = [raw[: draw.randrange(len(raw))] + draw.choice(PIECES) * 99 for raw in raws]
        full = raws[0][:-1] + b',"user_agent":"' + b"x" * 256 + b'"}'
        for group in (raws, broken, [full.ljust(at.LARGEST)] * ROWS):
            recogniser._recognise(group, 2**62)
    for room in guarded.values():
        assert (room[:margin] == 0xA5).all() and (room[-margin:] == 0xA5).all()


@pytest.mark.skipif(sys.platform != "linux", reason="walls are put up by mprotect")
def test_nothing_is_read_out_of_bounds() -> None:
    """Between pages that nobody may touch, damaged events are read as they are elsewhere."""
    command = [sys.executable, "-m", "tests.intake.walls", "3", "25"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2_000:] or done.returncode
    behind, before = json.loads(done.stdout)
    assert behind == before > 0
