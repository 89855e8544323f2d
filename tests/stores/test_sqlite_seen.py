"""Finding events again: merging, restarts, equal keys, filters; and the write-ahead log's length."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import columns_of
from kanhe.stores.sqlite import checkpoint, recent, seen
from kanhe.stores.sqlite import journal as sqlite_journal
from kanhe.stores.sqlite.filter import Filter
from kanhe.stores.sqlite.insert import InsertNumbers
from kanhe.stores.sqlite.journal import SqliteJournal
from kanhe.stores.sqlite.seen import Keys, Looked
from tests.stores.rows import check, fill, merged, row


def _progress(journal: SqliteJournal) -> tuple[int, int]:
    found: tuple[int, int] = journal._db.execute("SELECT upto, parts FROM progress").fetchone()
    return found


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Generations and epochs small enough to go through many of them."""
    monkeypatch.setattr(seen, "GENERATION", 256)
    monkeypatch.setattr(seen, "PARTS", 4)
    monkeypatch.setattr(seen, "PART_SHIFT", 61)
    monkeypatch.setattr(seen, "_EPOCH_FIRST", 512)
    monkeypatch.setattr(seen, "_EPOCH_NEXT", 1024)
    monkeypatch.setattr(sqlite_journal, "_SLICE", 4)


def test_keys_that_were_just_looked_for_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever kinds of sequences the columns are, those who gather what they looked for pay once."""
    looked: list[Sequence[str]] = []
    look_each = seen.Seen.look_each

    def counted(self: seen.Seen, tenants: Sequence[str], event_ids: Sequence[str]) -> Looked:
        looked.append(event_ids)
        return look_each(self, tenants, event_ids)

    monkeypatch.setattr(seen.Seen, "look_each", counted)
    journal = SqliteJournal(tmp_path / "journal.db")
    columns = columns_of([row(1), row(2)])
    assert journal.find_each(tuple(columns.tenants), tuple(columns.event_ids)) == [None, None]
    journal.extend_columns(columns)
    assert len(looked) == 1
    # Others than those are looked for.
    journal.extend_columns(columns_of([row(3), row(4)]))
    assert len(looked) == 2
    journal.commit()
    check(journal, [row(seq) for seq in range(1, 5)])
    journal.close()


@pytest.mark.usefixtures("small")
def test_every_row_is_found_at_every_age(tmp_path: Path) -> None:
    """Rows are found while in memory, while being merged and when merged, through many epochs."""
    journal = SqliteJournal(tmp_path / "journal.db")
    for _ in range(40):
        fill(journal, 100)
        last = journal.last_seq()
        for seq in (*range(1, last, 37), last):
            assert journal.find("shop", f"event-{seq}") == row(seq)
        assert journal.find("shop", f"event-{last + 1}") is None
    upto, _ = _progress(journal)
    assert upto >= 3_000
    assert len(journal._seen._filters) >= 4
    # Memory holds the newest rows only.
    assert journal._seen.unmerged <= 4_000 - upto
    check(journal, [row(seq) for seq in range(1, 4_001)])
    journal.close()


@pytest.mark.usefixtures("small")
def test_restart_in_the_middle_of_merging(tmp_path: Path) -> None:
    """A start after any commit finds everything, and merging gets through however often it starts."""
    path = tmp_path / "journal.db"
    for step in range(60):
        journal = SqliteJournal(path)
        fill(journal, 50)
        last = journal.last_seq()
        for seq in range(1, last + 1, 13):
            assert journal.find("shop", f"event-{seq}") == row(seq), step
        assert journal.find("shop", f"event-{last + 1}") is None
        journal.close()
    journal = SqliteJournal(path)
    upto, _ = _progress(journal)
    assert upto >= 2_000
    keys = journal._db.execute("SELECT count(*), count(DISTINCT seq) FROM seen").fetchone()
    assert keys[0] == keys[1] >= upto
    check(journal, [row(seq) for seq in range(1, 3_001)])
    journal.close()


def _weak_keys(tenants: Sequence[str], event_ids: Sequence[str]) -> Keys:
    """Keys of eight values, so that nearly all of them are equal to others."""
    texts = [
        f"{tenant} {event_id}".encode() for tenant, event_id in zip(tenants, event_ids, strict=True)
    ]
    return np.array([sum(text) % 8 << 60 for text in texts], dtype=np.int64)


@pytest.mark.usefixtures("small")
def test_equal_keys_are_harmless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if almost all events share their key with others, each is found and none is mistaken."""
    monkeypatch.setattr(recent, "keys_of", _weak_keys)
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    journal.append(row(1))
    journal.append(row(2))
    journal._db.execute("PRAGMA query_only = ON")
    with pytest.raises(Exception, match="read-only"):
        journal.commit()
    journal._db.execute("PRAGMA query_only = OFF")
    assert journal.find("shop", "event-1") is None
    fill(journal, 900, group=30)
    assert merged(journal) > 256
    check(journal, [row(seq) for seq in range(1, 901)])
    assert journal.find("shop", "event-901") is None
    assert journal.find("other", "event-1") is None
    journal.close()
    journal = SqliteJournal(path)
    fill(journal, 300, group=30)
    check(journal, [row(seq) for seq in range(1, 1_201)])
    journal.close()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("looked_for", [True, False])
def test_doubts_about_some_of_a_group_are_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looked_for: bool
) -> None:
    """Rows in columns whose keys filters or other rows have are taken up; an event that is there not."""
    monkeypatch.setattr(recent, "keys_of", _weak_keys)
    journal = SqliteJournal(tmp_path / "journal.db")
    for first in range(1, 900, 30):
        rows = [row(seq) for seq in range(first, first + 30)]
        if looked_for:
            journal.find_each(["shop"] * 30, [each.event_id for each in rows])
        if first == 601:
            with pytest.raises(ValueError, match="'event-7' of tenant 'shop' is already there"):
                journal.extend_columns(columns_of([*rows[:20], row(621, "event-7")]))
            rows = rows[20:]
        journal.extend_columns(columns_of(rows))
        journal.commit()
    assert merged(journal) > 256
    check(journal, [row(seq) for seq in range(1, 901)])
    journal.close()


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200])
def test_numbers_are_inserted_in_order_however_many(count: int) -> None:
    """Whether rows fill a long statement or not, each one is inserted, behind what they share."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE numbers (shared, one, other)")
    rows = np.arange(2 * count).reshape(count, 2)
    InsertNumbers("INSERT INTO numbers (shared, one, other)", 3)(db, 7, rows)
    found = db.execute("SELECT * FROM numbers ORDER BY rowid").fetchall()
    assert found == [(7, 2 * n, 2 * n + 1) for n in range(count)]
    db.close()


def test_epochs_are_whole_generations() -> None:
    """No generation lies in two epochs, with the sizes that are shipped."""
    for generation in (0, 1, 15, 16, 17, 79, 80, 500):
        first = generation * seen.GENERATION + 1
        assert seen.epoch_of(first) == seen.epoch_of(first + seen.GENERATION - 1)
    assert [seen.epoch_of(n) for n in (1, 1 << 22, (1 << 22) + 1, (1 << 22) + (1 << 24))] == [
        0, 0, 1, 1]  # fmt: skip
    assert seen.epoch_of((1 << 22) + (1 << 24) + 1) == 2


def test_key_is_stable() -> None:
    """The key of an event is part of the file format and never changes."""
    assert seen.event_key("shop", "e1") == 2234087040510083858
    assert 0 <= seen.event_key("勘合", "事件") < 1 << 63


def test_filter_forgets_nothing_and_says_no_often() -> None:
    """A full filter knows all its keys, and takes fewer than one in 100 strangers for known."""
    draw = random.Random(3)
    keys = [draw.getrandbits(63) for _ in range(1 << 16)]
    filled = Filter(1 << 16)
    filled.add(np.array(keys, dtype=np.int64))
    assert all(key in filled for key in keys)
    strangers = sum(draw.getrandbits(63) in filled for _ in range(20_000))
    assert strangers < 200
    for wrong in (0, 3, 12):
        with pytest.raises(ValueError, match="power of two"):
            Filter(wrong)


def test_log_stays_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under continuous load, with readers walking along, the write-ahead log does not keep growing."""
    monkeypatch.setattr(checkpoint, "START_BYTES", 1 << 20)
    monkeypatch.setattr(checkpoint, "REST_BYTES", 1 << 17)
    monkeypatch.setattr(checkpoint, "STOP_BYTES", 4 << 20)
    journal = SqliteJournal(tmp_path / "journal.db")
    stop = threading.Event()

    def walk() -> None:
        while not stop.is_set():
            for one in journal.rows():
                assert one.seq
                if stop.is_set():
                    return
            time.sleep(0.01)

    reader = threading.Thread(target=walk)
    reader.start()
    longest = written = 0
    while written < 40 << 20:
        first = journal.last_seq() + 1
        for seq in range(first, first + 64):
            journal.append(row(seq, size=1_000))
            written += 1_000 * 2
        journal.commit()
        longest = max(longest, journal._checkpoints.wal_bytes())
    stop.set()
    reader.join()
    assert journal.trouble == ""
    assert longest < 12 << 20
    journal.close()
    assert not (tmp_path / "journal.db-wal").exists()


def test_log_recovers_from_a_long_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that reads for long makes the log grow; when it ends, the log is used from its start."""
    monkeypatch.setattr(checkpoint, "START_BYTES", 1 << 18)
    monkeypatch.setattr(checkpoint, "REST_BYTES", 1 << 16)
    monkeypatch.setattr(checkpoint, "STOP_BYTES", 1 << 20)
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 10)
    other = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    other.execute("BEGIN")
    assert other.execute("SELECT max(last) FROM journal").fetchone() == (10,)
    fill(journal, 20_000, group=100)
    grown = journal._checkpoints.wal_bytes()
    assert other.execute("SELECT max(last) FROM journal").fetchone() == (10,)
    other.execute("COMMIT")
    other.close()
    fill(journal, 20_000, group=100)
    assert journal._checkpoints.wal_bytes() <= grown + (2 << 20)
    journal.close()


def test_checkpoint_trouble_is_told_and_passes(tmp_path: Path) -> None:
    """When the log cannot be copied the commits go on, the reason can be read, and it passes."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 10)

    class Refusing:
        def execute(self, _: str) -> None:
            raise sqlite3.OperationalError("database or disk is full")

    journal._checkpoints._finish(Refusing())  # type: ignore[arg-type]
    assert "full" in journal.trouble
    fill(journal, 10)
    journal._checkpoints._finish(journal._db)
    assert journal.trouble == ""
    journal.close()


def test_many_open_and_close_threads(tmp_path: Path) -> None:
    """Opening and closing leaves no thread behind."""
    before = threading.active_count()
    for _ in range(5):
        SqliteJournal(tmp_path / "journal.db").close()
    assert threading.active_count() == before


def test_a_missing_row_is_damage(tmp_path: Path) -> None:
    """A row that should be there and is not is reported, never taken for a new event."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 10, group=2)
    journal._db.execute("DELETE FROM journal WHERE first = 5")
    for call in (lambda: journal.find("shop", "event-5"), lambda: journal.read(5)):
        with pytest.raises(StorageError, match="row 5 is missing"):
            call()
    read = []
    with pytest.raises(StorageError, match="rows are missing after number 4"):
        read.extend(journal.rows())
    with pytest.raises(StorageError, match="rows are missing after number 5"):
        read.extend(journal.rows(after=5))
    assert list(journal.rows(after=6)) == [row(seq) for seq in range(7, 11)]
    assert journal.find("shop", "event-7") == row(7)
    journal.close()


@pytest.mark.usefixtures("small")
def test_a_journal_cut_short_is_damage(tmp_path: Path) -> None:
    """A journal that ends before what was merged of it is refused at the start."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 600)
    assert _progress(journal)[0] >= 256
    journal._db.execute("DELETE FROM journal WHERE last > 100")
    journal.close()
    with pytest.raises(StorageError, match="`seen` is ahead of the journal"):
        SqliteJournal(tmp_path / "journal.db")
