"""The thread that copies the write-ahead log into the file."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from kanhe.stores.sqlite.journal import SqliteJournal


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a niceness of their own on Linux")
def test_the_thread_gives_way_to_the_writer(tmp_path: Path) -> None:
    """Where there is one processor for both, whoever waits for a commit comes first."""
    before, others = os.getpriority(os.PRIO_PROCESS, 0), set(threading.enumerate())
    journal = SqliteJournal(tmp_path / "journal.db")
    try:
        new = set(threading.enumerate()) - others
        (thread,) = (t for t in new if t.name == "kanhe-checkpoint")
        assert thread.native_id is not None
        end = time.monotonic() + 10
        while os.getpriority(os.PRIO_PROCESS, thread.native_id) == before < 19:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert os.getpriority(os.PRIO_PROCESS, 0) == before
    finally:
        journal.close()
