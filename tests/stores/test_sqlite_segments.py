"""Segments: how rows lie in the file, how they are cut, read back, kept in memory and found damaged."""

from __future__ import annotations

import random
import re
import sqlite3
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import erased
from kanhe.stores.sqlite import seen, segments
from kanhe.stores.sqlite.checkup import Checkup, check_journal
from kanhe.stores.sqlite.journal import SqliteJournal
from kanhe.stores.sqlite.segments import (
    Packed,
    PackedColumns,
    Segment,
    SegmentEncoder,
    read_segment,
)
from tests.stores.rows import check, fill, row

_INT = st.integers(-(2**63), 2**63 - 1)
_PACKED: st.SearchStrategy[Packed] = st.tuples(
    _INT, _INT, _INT, _INT, _INT, _INT,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=40),
)  # fmt: skip


def _packed(size: int = 10) -> Packed:
    return (1, 2, 3, 0, 4, 5, "e", b"b" * size, b"v", b"a", b"s" * 32)


def _columns(rows: list[Packed]) -> PackedColumns:
    return cast(PackedColumns, tuple(map(list, zip(*rows, strict=True))))


def _segments(rows: list[Packed]) -> list[Segment]:
    return list(SegmentEncoder().segments(1, np.full(len(rows), 7), _columns(rows)))


def _shrunk(plain: object) -> bytes:
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    return compressor.compress(msgspec.msgpack.encode(plain))


@given(
    first=st.integers(1, 2**40),
    rows=st.lists(_PACKED, min_size=1, max_size=40),
    most=st.integers(1, 50),
    size=st.integers(1, 5_000),
)
def test_cutting_loses_nothing(first: int, rows: list[Packed], most: int, size: int) -> None:
    """Whatever the limits, the segments of a group hold all its rows and keys, in order, once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "SEGMENT_ROWS", most)
        patch.setattr(segments, "SEGMENT_BYTES", size)
        keys = list(range(first * 3, first * 3 + len(rows)))
        made = list(SegmentEncoder().segments(first, np.array(keys), _columns(rows)))
    at, found, found_keys = first, [], []
    for segment in made:
        assert segment.first == at
        held = read_segment(segment.rows)
        assert len(held) == segment.last - segment.first + 1 <= most
        assert len(held) == 1 or len(msgspec.msgpack.encode([2, *_columns(held)])) <= size
        found += held
        found_keys += struct.unpack(f"<{len(held)}q", segment.keys)
        at = segment.last + 1
    assert (found, found_keys) == (rows, keys)


@given(st.lists(_PACKED, min_size=1, max_size=14))
def test_segments_of_older_forms_are_read(rows: list[Packed]) -> None:
    """Rows one after the other are read as they were; those of ten values have no salt."""
    assert read_segment(_shrunk(rows)) == rows
    assert read_segment(_shrunk([row[:10] for row in rows])) == [(*row[:10], b"") for row in rows]


def test_a_file_of_the_older_form_goes_on(tmp_path: Path) -> None:
    """A journal whose segments hold rows is opened, read, erased from and written on; an older Kanhe
    refuses it from then on."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    fill(journal, 40)
    for first, blob in journal._db.execute("SELECT first, rows FROM journal").fetchall():
        older = _shrunk(read_segment(blob))
        journal._db.execute("UPDATE journal SET rows = ? WHERE first = ?", (older, first))
    journal._db.execute("PRAGMA user_version = 2")
    journal.close()
    journal = SqliteJournal(path)
    assert journal._db.execute("PRAGMA user_version").fetchone() == (3,)
    check(journal, [row(seq) for seq in range(1, 41)])
    fill(journal, 20)
    journal.erase({7: b"entry"})
    expected = [row(seq) if seq != 7 else erased(row(7), b"entry") for seq in range(1, 61)]
    assert list(journal.rows()) == expected
    assert check_journal(path) == Checkup(60, row(60).received_ms)
    journal.close()


@given(st.lists(_PACKED, min_size=1, max_size=14))
def test_a_segment_is_the_form_and_eleven_columns(rows: list[Packed]) -> None:
    """Any MessagePack library reads a segment; with a column too short it is damaged, as it is with
    another number for its form."""
    value = SegmentEncoder().value(rows)
    assert _plain(value) == [2, *map(list, zip(*rows, strict=True))]
    _, *columns = _plain(value)
    for wrong in ([3, *columns], [2, *columns[:-1]], [2, *columns[:-1], columns[-1][1:]]):
        with pytest.raises(ValueError, match=r"."):
            read_segment(_shrunk(wrong))


def test_limits() -> None:
    """A usual group is one segment; many rows or large ones are cut below the limits."""
    assert len(_segments([_packed(1_000)] * 256)) == 1
    many = _segments([_packed()] * 2_000)
    assert [s.last - s.first + 1 for s in many] == [512, 512, 512, 464]
    large = _segments([_packed(60_000)] * 100)
    assert all(len(segment.rows) <= 1 << 20 for segment in large)
    assert len(large) <= 8
    assert len(_segments([_packed(3 << 20)])) == 1


def test_the_form_is_stable() -> None:
    """How rows are encoded is part of the file format and never changes, in any of its forms."""
    row = (1, 2, 3, 0, 1_000, -1, "勘合", b"{}", b"\0", b"ok", b"salt")
    (segment,) = SegmentEncoder().segments(9, np.array([5]), _columns([row]))
    packed = zstandard.ZstdDecompressor().decompress(segment.rows)
    assert packed.hex() == (
        "9c02910191029103910091cd03e891ff91a6e58b98e5908891c4027b7d91c4010091c4026f6b91c40473616c74"
    )
    assert segment.rows[:4].hex() == "28b52ffd"  # a Zstandard frame (RFC 8878, 3.1.1)
    assert segment.keys.hex() == "0500000000000000"
    assert (segment.first, segment.last) == (9, 9)
    assert read_segment(segment.rows) == [row]
    older = bytes.fromhex("919a01020300cd03e8ffa6e58b98e59088c4027b7dc40100c4026f6b")
    assert read_segment(zstandard.ZstdCompressor().compress(older)) == [(*row[:10], b"")]


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_damage(blob: bytes) -> None:
    """Bytes that are no segment raise `ValueError`, nothing else."""
    with suppress(ValueError):
        assert isinstance(read_segment(blob), list)


def test_a_cut_or_altered_segment_is_rows_or_damage() -> None:
    """Every shortening of a segment is noticed, and an altered byte is noticed or changes nothing."""
    (segment,) = _segments([_packed(40)] * 5)
    for end in range(len(segment.rows)):
        with pytest.raises(ValueError, match=r"."):
            read_segment(segment.rows[:end])
    rows = read_segment(segment.rows)
    draw = random.Random(11)
    for at in range(len(segment.rows)):
        altered = bytearray(segment.rows)
        altered[at] ^= draw.randint(1, 255)
        with suppress(ValueError):
            # A few bits of the frame's head are of no consequence for what it holds.
            assert read_segment(bytes(altered)) == rows


def _damage_nothing(_: bytes) -> bytes:
    return msgspec.msgpack.encode([])


def _damage_cut(blob: bytes) -> bytes:
    return blob[:-3]


def _plain(blob: bytes) -> list[Any]:
    held: list[Any] = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(blob))
    return held


def _damage_type(blob: bytes) -> bytes:
    held = _plain(blob)
    held[7][2] = 17
    return _shrunk(held)


def _damage_one_row_less(blob: bytes) -> bytes:
    form, *columns = _plain(blob)
    return _shrunk([form, *(column[:-1] for column in columns)])


@pytest.mark.parametrize(
    "damage", [_damage_nothing, _damage_cut, _damage_type, _damage_one_row_less]
)
def test_a_damaged_segment_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """Whoever meets a damaged segment is told which rows it is; all the others can be read."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    fill(journal, 50, group=10)
    (blob,) = journal._db.execute("SELECT rows FROM journal WHERE first = 21").fetchone()
    journal._db.execute("UPDATE journal SET rows = ? WHERE first = 21", (damage(blob),))
    told = "damaged: the segment of the rows 21 to 30 cannot be read"
    for call in (
        lambda: journal.read(25),
        lambda: journal.find("shop", "event-21"),
        lambda: list(journal.rows()),
        lambda: check_journal(path),
    ):
        with pytest.raises(StorageError, match=told):
            call()
    for seq in (1, 20, 31, 50):
        assert journal.read(seq) == row(seq)
    assert list(journal.rows(after=30)) == [row(seq) for seq in range(31, 51)]
    journal.close()


def test_an_unknown_word_is_damage(tmp_path: Path) -> None:
    """A row whose tenant's number has no word is reported by its number."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    fill(journal, 5)
    journal._db.execute("DELETE FROM types WHERE word = 'type.3'")
    journal.close()
    journal = SqliteJournal(path)
    assert journal.read(2) == row(2)
    with pytest.raises(StorageError, match="row 3 names a word that is not there"):
        journal.read(3)
    journal.close()


@pytest.mark.parametrize("size", [0, 72, 75])
def test_missing_keys_are_damage(tmp_path: Path, size: int) -> None:
    """A segment with fewer keys than rows is named at the start and by a checkup."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    fill(journal, 20)
    journal._db.execute("UPDATE journal SET keys = substr(keys, 1, ?) WHERE first = 11", (size,))
    journal.close()
    with pytest.raises(StorageError, match="segment of the rows 11 to 20 lacks keys"):
        SqliteJournal(path)
    with pytest.raises(StorageError, match="segment of the rows 11 to 20 lacks keys"):
        check_journal(path)


def test_checkup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkup counts rows, tells when the last one came, and names the first gap; large files too."""
    path = tmp_path / "journal.db"
    assert check_journal(path) is None
    journal = SqliteJournal(path)
    assert check_journal(path) == Checkup(0, 0)
    fill(journal, 1_500, group=37)
    fine = Checkup(1_500, row(1_500).received_ms)
    assert check_journal(path) == fine
    monkeypatch.setattr("kanhe.stores.sqlite.checkup._WHOLE_CHECK_BYTES", 0)
    assert check_journal(path) == fine
    journal._db.execute("DELETE FROM journal WHERE first = 38")
    with pytest.raises(StorageError, match="rows are missing after number 37"):
        check_journal(path)
    journal.close()


def test_reading_starts_anywhere(tmp_path: Path) -> None:
    """Whatever the groups were, a reading after any row begins with the next one."""
    journal = SqliteJournal(tmp_path / "journal.db")
    draw, seq = random.Random(5), 0
    while seq < 120:
        for _ in range(draw.choice((1, 1, 2, 7, 20))):
            seq += 1
            journal.append(row(seq))
        journal.commit()
    expected = [row(n) for n in range(1, seq + 1)]
    for after in range(-1, seq + 2):
        assert list(journal.rows(after)) == expected[max(after, 0) :]
    journal.close()


def test_many_segments_per_group_are_found_at_every_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groups that are cut, generations that end in the middle of a segment, and restarts in between."""
    monkeypatch.setattr(segments, "SEGMENT_ROWS", 12)
    monkeypatch.setattr(seen, "GENERATION", 64)
    monkeypatch.setattr("kanhe.stores.sqlite.journal._SLICE", 4)
    path = tmp_path / "journal.db"
    for done in range(0, 1_000, 100):
        journal = SqliteJournal(path)
        fill(journal, 100, group=50)
        check(journal, [row(seq) for seq in range(1, done + 101)])
        journal.close()


def test_few_segments_are_kept(tmp_path: Path) -> None:
    """Reading here and there keeps a few decoded segments, the ones that were used last."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 300)
    for seq in (*range(1, 301), 1, 291, 1):
        assert journal.read(seq) == row(seq)
    kept = [first for first, _ in journal._segments._kept]
    assert kept == [1, 291, *range(281, 221, -10)]
    statements: list[str] = []
    journal._reader.set_trace_callback(statements.append)
    assert journal.read(5) == row(5)
    assert journal.find("shop", "event-299") == row(299)
    assert statements == []
    journal.close()


def test_reading_rows_from_many_threads(tmp_path: Path) -> None:
    """Threads that read single rows while commits go on get the rows they asked for."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 500, group=7)
    wrong: list[int] = []

    def look(seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(500):
            seq = draw.randint(1, 500)
            if journal.read(seq) != row(seq):
                wrong.append(seq)

    threads = [threading.Thread(target=look, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    fill(journal, 500, group=7)
    for thread in threads:
        thread.join()
    assert wrong == []
    journal.close()


def test_a_row_that_cannot_be_written_harms_no_other(tmp_path: Path) -> None:
    """A number beyond 64 bits refuses its group in words; the next group is written."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 3)
    journal.append(row(4))
    journal.append(row(5)._replace(at_ms=1 << 70))
    with pytest.raises(StorageError, match="cannot be written"):
        journal.commit()
    assert journal.last_seq() == 3
    assert journal.find("shop", "event-4") is None
    fill(journal, 3)
    check(journal, [row(seq) for seq in range(1, 7)])
    journal.close()


_PAGE = Path(__file__).parents[2] / "docs" / "journal.md"


def _shown(language: str) -> str:
    block = re.search(rf"```{language}\n(.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
    assert block is not None
    return block[1]


def test_the_documented_program_reads_the_file(tmp_path: Path) -> None:
    """The lines of Python in the docs print what stands in a journal that is in use."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 30)
    ran = subprocess.run(
        [sys.executable, "-c", _shown("python")],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = sorted(ran.stdout.splitlines(), key=lambda line: int(line.split()[0]))
    assert lines == [
        f"{one.seq} {one.event_id} {one.at_ms} {one.answer.decode()}"
        for one in map(row, range(1, 31))
    ]
    journal.close()


def test_the_documented_queries_answer(tmp_path: Path) -> None:
    """The SQL in the docs counts, finds gaps, a segment and a message, and only reads."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 50)
    other = sqlite3.connect(f"file:{tmp_path / 'journal.db'}?mode=ro", uri=True)
    sql = _shown("sql").replace("1234", "33")
    queries = [query for query in sql.split(";") if query.strip()]
    numbers, segment, messages = (other.execute(query).fetchall() for query in queries)
    assert numbers == [(50, None)]
    assert segment[0][:2] == (31, 40)
    assert messages == [(11, "alert", "payload 33")]
    journal._db.execute("DELETE FROM journal WHERE first IN (11, 31)")
    assert other.execute(queries[0]).fetchall() == [(50, "21,41")]
    other.close()
    journal.close()
