"""The lock on the data folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kanhe.core.errors import StorageError
from kanhe.stores.files.lock import FolderInUse, FolderLock


def test_one_at_a_time(tmp_path: Path) -> None:
    """A held folder is refused with the holder's process id, and is free after release."""
    with FolderLock(tmp_path / "data") as held:
        with pytest.raises(FolderInUse, match=f"in use by process {os.getpid()}") as caught:
            FolderLock(tmp_path / "data")
        assert caught.value.pid == os.getpid()
        assert (held.folder / "kanhe.lock").read_text() == f"{os.getpid()}\n"
    held.release()
    FolderLock(tmp_path / "data").release()


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    """After kill -9 of the holder the folder is free at once, and its children do not hold it."""
    script = (
        "import subprocess, sys, time; from kanhe.stores.files.lock import FolderLock;"
        "lock = FolderLock(sys.argv[1]);"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(5)'],"
        " stdout=subprocess.DEVNULL);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    with pytest.raises(FolderInUse) as caught:
        FolderLock(tmp_path)
    assert caught.value.pid == holder.pid
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    FolderLock(tmp_path).release()
    os.kill(child, signal.SIGKILL)


def test_unreadable_holder(tmp_path: Path) -> None:
    """Without a readable process id the message is still clear."""
    with FolderLock(tmp_path):
        (tmp_path / "kanhe.lock").write_text("")
        with pytest.raises(FolderInUse, match="in use by another process"):
            FolderLock(tmp_path)


def test_not_a_folder(tmp_path: Path) -> None:
    """A file in the folder's place is named."""
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be used"):
        FolderLock(tmp_path / "file")
