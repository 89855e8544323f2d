"""`kanhe index` killed at any moment, told to stop, and run twice at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kanhe.core.errors import StorageError
from kanhe.stores.sqlite.journal import SqliteJournal
from kanhe.stores.sqlite.schema import open_read_only
from tests.index.shops import START_MS, compare, erase, event_row, index_all
from tests.index.shops import plain_meaning as plain_meaning

_START = (
    "from kanhe.app import indexing; from tests.index.shops import MEANING;"
    " indexing.BATCH = 20; indexing.Indexing._read_meaning = lambda self, policy: MEANING;"
    " from kanhe.serve.cli import indexing as command; command._EVERY_S = 0.01;"
    " from kanhe.serve.cli import main; main()"
)


@contextmanager
def _watching(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process, which is gone at the end, however the test ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", _START, "index", "--watch", "--beside-parent", "--data-dir",
         str(folder)],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _fill(journal: SqliteJournal, count: int, draw: random.Random) -> None:
    first = journal.last_seq() + 1
    for seq in range(first, first + count):
        body = {"user": f"u{draw.randint(1, 9)}", "payment": f"p{draw.randint(1, 200)}",
                "amount_minor": seq, "currency": "EUR"}  # fmt: skip
        kind = draw.choice(["payment.attempted", "payment.attempted", "label.assigned"])
        more = {"verdict": "fraud"} if kind == "label.assigned" else {}
        journal.append(event_row(seq, "shop", kind, {**body, **more}, outcome="deny", rules=["r"],
                                 at_ms=START_MS + seq * 60_000))  # fmt: skip
    journal.commit()


def _upto(folder: Path) -> int:
    """How far an index goes that another process is writing; 0 if it has not been made yet."""
    try:
        db = open_read_only(folder / "index" / "index.db", "index")
    except StorageError:
        return 0
    found: int = db.execute("SELECT upto FROM progress").fetchone()[0]
    db.close()
    return found


def _until(folder: Path, upto: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        if _upto(folder) >= upto:
            return
        time.sleep(0.02)
    raise AssertionError(f"the index does not reach row {upto}")


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path) -> None:
    """After kills at any moment the index goes on, and is what it would be if nothing had happened."""
    draw = random.Random(3)
    journal = SqliteJournal(tmp_path / "journal.db")
    for _ in range(3):
        _fill(journal, 150, draw)
        erase(journal, draw.sample(range(1, journal.last_seq() + 1), 8))
        with _watching(tmp_path) as process:
            _until(tmp_path, min(_upto(tmp_path) + 20, journal.last_seq()), process)
            time.sleep(draw.uniform(0.0, 0.05))
            process.send_signal(signal.SIGKILL)
    with _watching(tmp_path) as process:
        _until(tmp_path, journal.last_seq(), process)
        # The end of its standard input tells it to finish.
        process.communicate(timeout=60)
        assert process.returncode == 0
    journal.close()
    index_all(tmp_path)
    compare(tmp_path)


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    """While one process keeps the index, another one is told so and changes nothing."""
    journal = SqliteJournal(tmp_path / "journal.db")
    _fill(journal, 5, random.Random(1))
    journal.close()
    with _watching(tmp_path) as process:
        _until(tmp_path, 5, process)
        second = subprocess.run(
            [sys.executable, "-m", "kanhe.serve.cli", "index", "--rebuild", "--data-dir",
             str(tmp_path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert second.returncode == 3, second.stderr
        assert f"process {process.pid}" in second.stderr
        process.terminate()
        process.communicate(timeout=60)
        assert process.returncode == 0
    compare(tmp_path)


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="there is no such policy here")
def test_it_gives_way_to_its_parent(tmp_path: Path) -> None:
    """Beside a server it stands behind it wherever both want the same processor."""
    SqliteJournal(tmp_path / "journal.db").close()
    with _watching(tmp_path) as process:
        end = time.monotonic() + 60
        while os.sched_getscheduler(process.pid) != os.SCHED_BATCH:
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.02)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) > os.getpriority(os.PRIO_PROCESS, 0)
