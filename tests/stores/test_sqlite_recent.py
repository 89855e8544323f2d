"""Keys of events at once, and the table that holds the newest: the same as the plain way, one by one."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.stores.sqlite import recent
from kanhe.stores.sqlite.filter import Filter
from kanhe.stores.sqlite.recent import Recent, keys_of
from kanhe.stores.sqlite.seen import event_key

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80) | st.text(
    "a\0\x1f勘", max_size=70
)
_NO_LAYERS = np.empty((0, 2), dtype=np.int64)
# Few keys in few places of few parts, so that they meet, and wrap around at the end of a part.
_PARTS, _SHIFT = 4, 61
_KEYS = st.builds(
    lambda part, low: part << _SHIFT | low, st.integers(0, 3), st.integers(0, 2) | st.integers(6, 8)
)


@given(st.data())
def test_keys_at_once_are_those_one_by_one(data: st.DataObject) -> None:
    """Whatever the names are, and however long, the keys of many events are those of each."""
    tenants = data.draw(st.lists(_TEXT, max_size=30))
    if data.draw(st.booleans()):
        tenants = tenants[:1] * len(tenants)
    ids = [data.draw(_TEXT) for _ in tenants]
    expected = [event_key(tenant, event_id) for tenant, event_id in zip(tenants, ids, strict=True)]
    assert keys_of(tenants, ids).tolist() == expected


def test_keys_of_every_length() -> None:
    """Up to the block of the hash and beyond it, in every lane of the machine code."""
    ids = ["x" * (n * 7 % 140) for n in range(300)]
    assert keys_of(["t"] * 300, ids).tolist() == [event_key("t", one) for one in ids]


def test_names_that_are_no_text_are_refused() -> None:
    """Half a character has no bytes to be hashed."""
    with pytest.raises(UnicodeEncodeError):
        keys_of(["t"], ["\ud800"])


class _Plain:
    """What `Recent` promises, as a list."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int]] = []

    def add_new(self, keys: list[int], first: int) -> int:
        for place, key in enumerate(keys):
            if key < 0 or any(key == known for known, _ in self.rows):
                return place
            self.rows.append((key, first + place))
        return len(keys)


@settings(max_examples=200)
@given(data=st.data())
def test_the_table_is_a_set_of_rows(data: st.DataObject) -> None:
    """Adding, finding, taking out and growing leave what they leave in a plain list."""
    secret = data.draw(st.sampled_from([0, 3 << 60]) | st.integers(0, (1 << 63) - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recent, "_PLACES", 8)
        patch.setattr("secrets.randbits", lambda _: secret)
        _agree(Recent(_PARTS, _SHIFT), _Plain(), data)


def _agree(table: Recent, plain: _Plain, data: st.DataObject) -> None:
    seq = 0
    for _ in range(data.draw(st.integers(1, 8))):
        keys = data.draw(st.lists(_KEYS, max_size=12))
        match data.draw(st.sampled_from(["add_new", "add", "keep", "forget"])):
            case "add_new":
                keys = [~key if data.draw(st.integers(0, 9)) == 0 else key for key in keys]
                added = table.add_new(np.array(keys, np.int64), seq + 1)
                assert added == plain.add_new(keys, seq + 1)
                seq += added
                keys = [max(key, ~key) for key in keys]
            case "add":
                seqs = list(range(seq + 1, seq + 1 + len(keys)))
                table.add(np.array(keys, np.int64), np.array(seqs, np.int64))
                plain.rows += zip(keys, seqs, strict=True)
                seq += len(keys)
            case "keep":
                part, after = data.draw(st.integers(0, 3)), data.draw(st.integers(0, seq))
                table.keep(part, after)
                plain.rows = [r for r in plain.rows if r[0] >> _SHIFT != part or r[1] > after]
            case _:
                seq = data.draw(st.integers(0, seq))
                table.forget(seq)
                plain.rows = [row for row in plain.rows if row[1] <= seq]
        assert len(table) == len(plain.rows)
        for key in {key for key, _ in plain.rows} | set(keys):
            expected = sorted(row for known, row in plain.rows if known == key)
            assert sorted(table.rows_of(key)) == expected
        parts = [table.part(number) for number in range(_PARTS)]
        held = [row for part in parts for row in zip(*map(np.ndarray.tolist, part), strict=True)]
        assert sorted(held) == sorted(plain.rows)
        after, until = data.draw(st.integers(0, seq)), data.draw(st.integers(0, seq))
        held = list(zip(*map(np.ndarray.tolist, table.part(1, after, until)), strict=True))
        assert sorted(held) == sorted(
            row for row in plain.rows if row[0] >> _SHIFT == 1 and after < row[1] <= until
        )


def test_a_part_grows_and_shrinks_by_itself() -> None:
    """Ids that were chosen so that all keys lie in one part do not make the others larger."""
    table = Recent(_PARTS, _SHIFT)
    before = [len(places) for places in table._places]
    keys = np.arange(100_000) * 7 + (2 << _SHIFT)
    assert table.add_new(keys[:60_000], 1) == 60_000
    table.add(keys[60_000:], np.arange(60_001, 100_001))
    after = [len(places) for places in table._places]
    assert before[2] * 4 < after[2] <= 2 * 2 * 100_000 / 0.75
    assert after[:2] + after[3:] == before[:2] + before[3:]
    assert all(table.rows_of(int(keys[n])) == [n + 1] for n in range(0, 100_000, 999))
    table.keep(2, 99_990)
    assert [len(places) for places in table._places] == before
    assert sorted(table.part(2)[1].tolist()) == list(range(99_991, 100_001))


@pytest.mark.parametrize(
    "keys", [np.arange(12_000) << low for low in (0, 14, 40)], ids=["low", "middle", "high"]
)
def test_chosen_keys_do_not_crowd(keys: recent.Keys) -> None:
    """Whatever bits the keys of a part have in common, no long row of places is taken."""
    longest = []
    for _ in range(9):
        table = Recent(_PARTS, _SHIFT)
        table.add(keys, np.arange(1, len(keys) + 1))
        taken = table._places[0][1::2] != 0
        free = np.flatnonzero(~taken)
        longest.append(int(np.diff(free).max()))
    assert sorted(longest)[4] < 1_000, longest


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_looking_marks_what_may_be_there(monkeypatch: pytest.MonkeyPatch, layers: int) -> None:
    """A key is inverted exactly if it is in the table or one of the filters takes it for known."""
    draw = random.Random(layers)
    keys = [draw.getrandbits(63) for _ in range(3_000)]
    filters = [Filter(1 << 10) for _ in range(layers)]
    for number, one in enumerate(filters):
        one.add(np.array(keys[number * 500 : number * 500 + 500], np.int64))
    table = Recent(64, 57)
    held = set(keys[2_000:])
    table.add(np.array(keys[2_000:], np.int64), np.arange(1, 1_001))
    monkeypatch.setattr(recent, "keys_of", lambda _, ids: np.array([int(one) for one in ids]))
    layer_words = [(one.address, one.mask) for one in filters]
    looked = table.look([""] * 3_000, [*map(str, keys)], np.array(layer_words or _NO_LAYERS))
    known = [key in held or any(key in one for one in filters) for key in keys]
    expected = [~key if there else key for key, there in zip(keys, known, strict=True)]
    assert looked.keys.tolist() == expected
    assert looked.maybe == sum(known) >= 1_000 + 500 * layers
