"""What was erased is gone from the files, and a fault on the way loses nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import erased
from kanhe.stores.sqlite.journal import SqliteJournal
from kanhe.stores.sqlite.segments import read_segment
from tests.stores.rows import fill, row
from tests.stores.test_sqlite_journal_faults import Faulty

SECRET = b"the person who asked to be forgotten"


def _with_secret(path: Path) -> SqliteJournal:
    """A journal whose row 7, the only one of its segment, holds the secret."""
    journal = SqliteJournal(path)
    fill(journal, 6)
    journal.append(row(7)._replace(body=SECRET))
    journal.commit()
    return journal


def test_nothing_of_it_is_left_in_the_files(tmp_path: Path) -> None:
    """Neither the file nor the log beside it holds the content of an erased row."""
    journal = _with_secret(tmp_path / "journal.db")
    files = [tmp_path / "journal.db", tmp_path / "journal.db-wal"]
    # A segment of one small row is hardly compressed: its words can be seen in the file.
    assert any(SECRET[:20] in file.read_bytes() for file in files)
    journal.erase({7: b"its entry"})
    assert not any(SECRET[:20] in file.read_bytes() for file in files)
    journal.close()
    assert SECRET[:20] not in files[0].read_bytes()
    again = SqliteJournal(tmp_path / "journal.db")
    assert again.read(7) == erased(row(7)._replace(body=SECRET), b"its entry")
    assert again.find("shop", "event-7") is None
    again.close()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "call", ["UPDATE outbox", "BEGIN", "UPDATE journal", "COMMIT", "PRAGMA wal_checkpoint"]
)
def test_each_step_fails_once(tmp_path: Path, call: str, after: bool) -> None:
    """Whatever breaks while rows are erased, every row is whole or erased, and trying again erases all."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 40, group=10)
    entries = {seq: f"entry {seq}".encode() for seq in (5, 15, 35)}
    whole = {seq: row(seq) for seq in range(1, 41)}
    gone = {seq: erased(row(seq), entry) for seq, entry in entries.items()}
    journal._db = Faulty(journal._db, call, after=after, code=13)  # type: ignore[assignment]
    with pytest.raises(StorageError):
        journal.erase(entries)
    for one in journal.rows():
        assert one in (whole[one.seq], gone.get(one.seq))
    journal.erase(entries)
    assert list(journal.rows()) == list((whole | gone).values())
    fill(journal, 5)
    journal.close()
    again = SqliteJournal(tmp_path / "journal.db")
    assert [one.seq for one in again.rows()] == list(range(1, 46))
    assert read_segment(
        again._db.execute("SELECT rows FROM journal WHERE first = 11").fetchone()[0]
    )
    again.close()
