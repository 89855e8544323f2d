"""Every write of the SQLite journal broken twice, then a checker over the whole file."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import JournalFull, Message, Row
from kanhe.stores.sqlite import seen
from kanhe.stores.sqlite.journal import SqliteJournal
from tests.stores.rows import check, fill, merged, message, row


class Faulty:
    """A connection whose `nth` matching call fails, before or after it took effect."""

    def __init__(self, real: sqlite3.Connection, text: str, *, after: bool, code: int) -> None:
        self._real, self._text, self._after, self._code = real, text, after, code
        self.armed = True
        self.hits = 0

    def _call(self, name: str, sql: str, *values: Any) -> Any:
        hit = self.armed and sql.startswith(self._text)
        if hit:
            self.armed = False
            self.hits += 1
            if not self._after:
                raise self._error()
        result = getattr(self._real, name)(sql, *values)
        if hit:
            raise self._error()
        return result

    def _error(self) -> sqlite3.OperationalError:
        error = sqlite3.OperationalError("made to fail")
        error.sqlite_errorcode = self._code
        error.sqlite_errorname = "SQLITE_FULL" if self._code == 13 else "SQLITE_IOERR_FSYNC"
        return error

    def execute(self, sql: str, *values: Any) -> Any:
        return self._call("execute", sql, *values)

    def executemany(self, sql: str, *values: Any) -> Any:
        return self._call("executemany", sql, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class FaultySecond(Faulty):
    """The same, but the first matching call of each arming goes through."""

    def _call(self, name: str, sql: str, *values: Any) -> Any:
        if self.armed and sql.startswith(self._text) and not self._passed:
            self._passed = True
            return getattr(self._real, name)(sql, *values)
        if sql == "COMMIT":
            self._passed = False
        return super()._call(name, sql, *values)

    _passed = False


CALLS = (
    "BEGIN", "INSERT INTO tenants", "INSERT INTO types", "INSERT INTO policies",
    "INSERT INTO journal", "INSERT INTO outbox", "INSERT OR IGNORE INTO seen",
    "UPDATE progress", "COMMIT", "PRAGMA wal_checkpoint",
)  # fmt: skip


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("code", "rollback_fails"),
    [(13, False), (10 | 4 << 8, True)],
    ids=["full", "fsync-and-rollback"],
)
def test_each_write_fails_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    after: bool,
    code: int,
    rollback_fails: bool,
) -> None:
    """Whichever call of a commit fails, before or after it took effect, a group is there whole or
    not at all, the journal says which, and goes on at once; a new start finds the same."""
    monkeypatch.setattr(seen, "GENERATION", 128)
    monkeypatch.setattr(seen, "PARTS", 4)
    monkeypatch.setattr(seen, "PART_SHIFT", 61)
    monkeypatch.setattr("kanhe.stores.sqlite.journal._SLICE", 1)
    monkeypatch.setattr("kanhe.stores.sqlite.checkpoint.START_BYTES", 1)
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 200, group=50)
    expected = [row(seq) for seq in range(1, 201)]
    messages = [message(seq) for seq in range(1, 201) if seq % 3 == 0]
    faulty = Faulty(journal._db, call, after=after, code=code)
    journal._db = faulty  # type: ignore[assignment]
    if rollback_fails:
        second = Faulty(journal._db, "ROLLBACK", after=False, code=10 | 3 << 8)
        journal._db = second  # type: ignore[assignment]
    failures = 0
    for attempt in range(200):
        start = journal.last_seq() + 1
        group = [
            Row(seq, f"tenant {attempt}", f"{attempt}-{seq}", 0, f"type {attempt}", 1, 1,
                f"policy {attempt}", b"b", b"v", b"a")
            for seq in range(start, start + 18)
        ]  # fmt: skip
        for one in group:
            journal.append(one, (Message(one.seq, "alert", b"p"),))
        try:
            journal.commit()
        except JournalFull:
            failures += 1
            kept = journal.find(group[0].tenant, group[0].event_id) is not None
            assert kept == (call == "COMMIT" and after)
            assert journal.last_seq() == start - 1 + (18 if kept else 0)
        else:
            kept = True
        if kept:
            expected += group
            messages += [Message(one.seq, "alert", b"p") for one in group]
        else:
            assert all(journal.find(one.tenant, one.event_id) is None for one in group)
        if faulty.hits and attempt > 10:
            break
    assert faulty.hits == 1
    # A checkpoint that fails costs nothing: what was committed stays committed.
    assert failures == (0 if call.startswith("PRAGMA") else 1)
    check(journal, expected, messages)
    journal.close()
    again = SqliteJournal(tmp_path / "journal.db")
    check(again, expected, messages)
    fill(again, 10)
    again.close()


def test_failed_commits_leave_no_more_to_be_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a disk takes rows again after many attempts, the next commit merges no more than usual."""
    monkeypatch.setattr(seen, "GENERATION", 1_000)
    monkeypatch.setattr(seen, "PARTS", 1)
    monkeypatch.setattr(seen, "PART_SHIFT", 63)
    monkeypatch.setattr("kanhe.stores.sqlite.journal._SLICE", 1)
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 1_000, group=20)
    faulty = Faulty(journal._db, "COMMIT", after=False, code=13)
    journal._db = faulty  # type: ignore[assignment]
    for attempt in range(30):
        faulty.armed = True
        for seq in range(1_001, 1_021):
            journal.append(row(seq, f"{attempt}-{seq}"))
        with pytest.raises(JournalFull):
            journal.commit()
    faulty.armed = False
    before = merged(journal)
    journal.append(row(1_001))
    journal.commit()
    assert 0 < merged(journal) - before <= 2 * 20 + 2
    journal.close()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_group_of_many_segments_is_kept_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """If the second segment of a group cannot be written, the first one is not there either."""
    monkeypatch.setattr("kanhe.stores.sqlite.segments.SEGMENT_ROWS", 8)
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 20, group=20)
    real = journal._db
    faulty = FaultySecond(real, "INSERT INTO journal", after=after, code=13)
    journal._db = faulty  # type: ignore[assignment]
    for seq in range(21, 51):
        journal.append(row(seq), (message(seq),))
    with pytest.raises(JournalFull):
        journal.commit()
    assert faulty.hits == 1
    assert journal.last_seq() == 20
    assert all(journal.find("shop", f"event-{seq}") is None for seq in range(21, 51))
    journal._db = real
    fill(journal, 40, group=25)
    check(journal, [row(seq) for seq in range(1, 61)])
    journal.close()
    again = SqliteJournal(tmp_path / "journal.db")
    check(again, [row(seq) for seq in range(1, 61)])
    again.close()


def test_in_doubt_until_the_file_can_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the file cannot even be asked what became of a group, everything is refused until it can."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 10)
    journal.append(row(11))
    real = journal._db
    journal._db = Faulty(real, "COMMIT", after=True, code=13)  # type: ignore[assignment]

    def unreadable() -> int:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(journal, "_last_in_file", unreadable)
        with pytest.raises(JournalFull):
            journal.commit()
        for call in (journal.last_seq, lambda: journal.find("shop", "event-1"), journal.commit):
            with pytest.raises(StorageError):
                call()
    assert journal.last_seq() == 11
    check(journal, [row(seq) for seq in range(1, 12)])
    fill(journal, 5)
    journal.close()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_keeping_a_policy_fails(tmp_path: Path, after: bool) -> None:
    """A policy whose keeping failed may be kept again, and rows that name it are not harmed."""
    journal = SqliteJournal(tmp_path / "journal.db")
    journal._db = Faulty(  # type: ignore[assignment]
        journal._db, "INSERT INTO policies", after=after, code=13
    )
    journal.append(row(1))
    with pytest.raises(JournalFull):
        journal.keep_policy("sha256:new", b"text")
    journal.append(row(2)._replace(policy="sha256:new"))
    journal.commit()
    journal.keep_policy("sha256:new", b"text")
    assert journal.policy("sha256:new") == b"text"
    check(journal, [row(1), row(2)._replace(policy="sha256:new")])
    journal.close()


def _incompressible(seq: int) -> Row:
    """A row that takes the room it seems to take."""
    return row(seq)._replace(body=random.Random(seq).randbytes(20_000))


def test_full_disk(tmp_path: Path) -> None:
    """On a full file a commit says so and keeps nothing; with room again the same rows go in."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 50)
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    for _ in range(3):
        for seq in range(51, 71):
            journal.append(_incompressible(seq))
        with pytest.raises(JournalFull, match=r"no room left .* free some space"):
            journal.commit()
        assert journal.last_seq() == 50
        assert journal.find("shop", "event-60") is None
        assert journal.find("shop", "event-50") == row(50)
    journal._db.execute("PRAGMA max_page_count = 1073741823")
    for seq in range(51, 71):
        journal.append(_incompressible(seq))
    journal.commit()
    expected = [row(seq) for seq in range(1, 51)] + [_incompressible(s) for s in range(51, 71)]
    check(journal, expected)
    journal.close()


def test_file_size_limit(tmp_path: Path) -> None:
    """When the system refuses to let the file grow, the journal reports it, and goes on afterwards."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from kanhe.record.journal.ports import JournalFull
        from kanhe.stores.sqlite.journal import SqliteJournal
        from tests.stores.rows import check, row
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        journal = SqliteJournal(Path(sys.argv[1]))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
        refused = 0
        while refused < 3:
            first = journal.last_seq() + 1
            try:
                for seq in range(first, first + 10):
                    journal.append(row(seq, size=2000))
                journal.commit()
            except JournalFull as error:
                assert "file-size limit" in str(error) or "no room" in str(error), error
                refused += 1
                assert journal.last_seq() == first - 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        first = journal.last_seq() + 1
        for seq in range(first, first + 10):
            journal.append(row(seq, size=2000))
        journal.commit()
        check(journal, [row(seq, size=2000) for seq in range(1, first + 10)])
        journal.close()
        check(SqliteJournal(Path(sys.argv[1])), [row(s, size=2000) for s in range(1, first + 10)])
        print("went on after", refused)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "journal.db")],
        capture_output=True, text=True, timeout=120, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "went on after 3" in done.stdout


def test_read_only(tmp_path: Path) -> None:
    """A file that may not be written gives a clear error, and works when it may again."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 5)
    journal._db.execute("PRAGMA query_only = ON")
    journal.append(row(6))
    with pytest.raises(JournalFull, match=r"read-only .* write permission"):
        journal.commit()
    assert journal.last_seq() == 5
    journal._db.execute("PRAGMA query_only = OFF")
    journal.append(row(6))
    journal.commit()
    check(journal, [row(seq) for seq in range(1, 7)])
    journal.close()


def test_locked_by_another_process(tmp_path: Path) -> None:
    """While somebody else holds the file's write lock, a commit says so and keeps nothing."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 5)
    journal._db.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    journal.append(row(6))
    with pytest.raises(StorageError, match="another process"):
        journal.commit()
    other.execute("ROLLBACK")
    other.close()
    journal.append(row(6))
    journal.commit()
    check(journal, [row(seq) for seq in range(1, 7)])
    journal.close()


def test_written_by_somebody_else(tmp_path: Path) -> None:
    """Rows that another program wrote behind our back stop the journal instead of mixing with ours."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 5, group=1)
    other = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    for seq in (8, 6):
        other.execute(
            "INSERT INTO journal SELECT ?, ?, substr(keys, 1, 8), rows FROM journal WHERE first = 1",
            (seq, seq),
        )
    other.close()
    journal.append(row(6))
    with pytest.raises(StorageError):
        journal.commit()
    with pytest.raises(StorageError, match="something else has written it"):
        journal.last_seq()
    journal.close()
    with pytest.raises(StorageError, match="rows are missing"):
        list(SqliteJournal(tmp_path / "journal.db").rows())


def test_damaged_file(tmp_path: Path) -> None:
    """A file whose pages were overwritten is refused in words, at the start or when it is met."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    fill(journal, 500)
    journal.close()
    content = bytearray(path.read_bytes())
    content[: len(content)] = content[:100] + b"\xa5" * (len(content) - 100)
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"damaged .* restore the last good backup"):
        SqliteJournal(path)


@pytest.mark.parametrize("content", [b"hello " * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_not_a_journal(tmp_path: Path, content: bytes) -> None:
    """Something that is no database is refused and left as it is."""
    path = tmp_path / "journal.db"
    path.write_bytes(content)
    with pytest.raises(StorageError):
        SqliteJournal(path)
    assert path.read_bytes() == content


def test_no_such_folder(tmp_path: Path) -> None:
    """A folder that is not there is named."""
    with pytest.raises(StorageError, match=r"cannot be opened .* folder exists"):
        SqliteJournal(tmp_path / "missing" / "journal.db")


def test_writability_is_known_beforehand(tmp_path: Path) -> None:
    """While a commit could not succeed, asking says why; afterwards it says nothing."""
    journal = SqliteJournal(tmp_path / "journal.db")
    fill(journal, 3)
    journal._db.execute("PRAGMA query_only = ON")
    with pytest.raises(JournalFull, match="read-only"):
        journal.check_writable()
    journal._db.execute("PRAGMA query_only = OFF")
    journal.check_writable()
    check(journal, [row(seq) for seq in range(1, 4)])
    journal.close()
