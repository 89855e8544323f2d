"""The log's folder when things go wrong: failing steps, lost power, killed writers, altered files."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from itertools import count
from pathlib import Path

import pytest

from kanhe.core.errors import StorageError
from kanhe.stores.files import durable, log_folder
from kanhe.stores.files.lock import FolderInUse
from kanhe.stores.files.log_folder import LogFolder, LogFolderReader
from tests.stores.faulty_os import FaultyOs, standing_in
from tests.stores.logs import check_log, grow_to, published_size

SIZES = (2, 256, 258)


def _grow(folder: Path) -> None:
    """A whole life: open, grow in steps, close."""
    log = LogFolder(folder)
    try:
        for size in SIZES:
            if size > published_size(log):
                grow_to(log, size)
        log.sweep(SIZES[-1])
    finally:
        log.close()


def _steps(folder: Path) -> int:
    with standing_in(FaultyOs(), durable, log_folder) as faulty:
        _grow(folder)
    return faulty.steps


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_every_step_fails_once(tmp_path: Path, late: bool) -> None:
    """Whichever step fails, before or after its effect: readers see a whole log, and going on works."""
    total = _steps(tmp_path / "counted")
    assert total > 100
    for number in range(total):
        folder = tmp_path / str(number)
        failures = 0
        with standing_in(FaultyOs(number, late), durable, log_folder):
            while True:
                try:
                    _grow(folder)
                    break
                except StorageError:
                    failures += 1
                    check_log(LogFolderReader(folder))
        assert failures <= 1
        assert check_log(LogFolderReader(folder), [0, 255]) == SIZES[-1], number
        LogFolder(folder).close()
        assert _names(folder) == _names(tmp_path / "counted")
        shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_the_same_call_again_is_always_right(tmp_path: Path, late: bool) -> None:
    """After a failure the same writer makes the same call again, without being opened anew."""
    for number in count(_opening(tmp_path / "opened")):
        folder = tmp_path / str(number)
        with standing_in(FaultyOs(number, late), durable, log_folder) as faulty:
            log = LogFolder(folder)
            for size in SIZES:
                try:
                    grow_to(log, size)
                except StorageError:
                    grow_to(log, size)
            log.close()
        assert check_log(log, [0, 255]) == SIZES[-1], number
        if faulty.steps <= number:
            break
        shutil.rmtree(folder)


def _opening(folder: Path) -> int:
    with standing_in(FaultyOs(), durable, log_folder) as faulty:
        LogFolder(folder).close()
    return faulty.steps


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.slow
def test_the_loss_of_power_at_any_step(tmp_path: Path) -> None:
    """What is certain to survive is at every moment a whole log, and one that can be grown further."""
    folder, seen = tmp_path / "log", set()
    total = _steps(tmp_path / "counted")
    for number in range(total + 1):
        with standing_in(FaultyOs(number, late=False), durable, log_folder) as faulty:
            with contextlib.suppress(StorageError):
                _grow(folder)
            copy = tmp_path / "copy"
            faulty.after_power_loss(folder, copy) if folder.exists() else copy.mkdir()
            seen.add(check_log(LogFolderReader(copy), [0, 255]))
        with standing_in(FaultyOs(), durable, log_folder):
            _grow(copy)
        assert check_log(LogFolderReader(copy), [0, 255]) == SIZES[-1], number
        shutil.rmtree(copy)
        shutil.rmtree(folder, ignore_errors=True)
    assert seen == {0, *SIZES}


def test_one_writer_and_any_number_of_readers(tmp_path: Path) -> None:
    """A second writer is refused with what it would have done; readers need no lock."""
    log = LogFolder(tmp_path)
    grow_to(log, 300)
    with pytest.raises(FolderInUse, match="only one may write the log at a time"):
        LogFolder(tmp_path)
    assert check_log(LogFolderReader(tmp_path), [0]) == 300
    log.close()
    log.close()
    LogFolder(tmp_path).close()


def test_a_torn_end_is_told_and_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much of an append arrived, readers hear of it, and the next writer begins a line."""
    log = LogFolder(tmp_path)
    grow_to(log, 5)
    whole = (tmp_path / "signed").read_bytes()
    grow_to(log, 9)
    log.close()
    more = (tmp_path / "signed").read_bytes()
    (tmp_path / "checkpoint").unlink()
    monkeypatch.setattr(log_folder, "os", FaultyOs())
    monkeypatch.setattr(durable, "os", FaultyOs())
    for length in [*range(len(whole), len(more)), len(more) + 50]:
        (tmp_path / "signed").write_bytes(more[:length].ljust(length, b"\0"))
        kept = whole if length < len(more) else more
        reader = LogFolderReader(tmp_path)
        assert reader.torn() == more[:length].ljust(length, b"\0")[len(kept) :]
        assert b"".join(note + b"\n" for note in reader.signed()) == kept
        LogFolder(tmp_path).close()
        assert (tmp_path / "signed").read_bytes() == kept
        assert reader.torn() == b""


def test_a_history_behind_the_published_checkpoint_is_not_cut(tmp_path: Path) -> None:
    """What was published was signed: where that is missing, the writer stops and removes nothing."""
    log = LogFolder(tmp_path)
    for size in (5, 9):
        grow_to(log, size)
    log.close()
    whole = (tmp_path / "signed").read_bytes()
    for spoilt in (b"", whole[:-1], whole[:-2] + b"x\n", whole[: len(whole) // 2]):
        (tmp_path / "signed").write_bytes(spoilt)
        with pytest.raises(StorageError, match="signed does not reach"):
            LogFolder(tmp_path)
        assert (tmp_path / "signed").read_bytes() == spoilt
    (tmp_path / "signed").write_bytes(whole)
    LogFolder(tmp_path).close()


def test_a_history_of_any_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening looks at the end of the history only, and reading goes through it in pieces."""
    monkeypatch.setattr(log_folder, "_TAIL_BYTES", 700)
    monkeypatch.setattr(log_folder, "os", FaultyOs())
    monkeypatch.setattr(durable, "os", FaultyOs())
    log = LogFolder(tmp_path)
    for size in range(1, 40):
        grow_to(log, size)
    log.close()
    log = LogFolder(tmp_path)
    grow_to(log, 40)
    log.close()
    assert len(list(log.signed())) == 40
    check_log(log)
    with (tmp_path / "signed").open("ab") as file:
        file.write(b"x" * 1_000)
    with pytest.raises(StorageError, match="is damaged"):
        LogFolder(tmp_path)


@pytest.mark.parametrize("name", ["signed", "checkpoint"])
def test_damage_is_told(tmp_path: Path, name: str) -> None:
    """A file of the writer's own that cannot be read again stops it, with the file's name."""
    log = LogFolder(tmp_path)
    grow_to(log, 5)
    log.close()
    text = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(text.replace(b"\n5\n", b"\nx\n"))
    with pytest.raises(StorageError, match=f"{name} is damaged"):
        LogFolder(tmp_path)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    """Trouble with the folder is told as such."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError):
        LogFolder(tmp_path / "file")
    reader = LogFolderReader(tmp_path / "absent")
    assert (reader.checkpoint(), list(reader.signed()), reader.torn()) == (None, [], b"")
    (tmp_path / "checkpoint").mkdir()
    with pytest.raises(StorageError, match="could not be used"):
        LogFolderReader(tmp_path).checkpoint()


def test_what_is_not_of_the_log_is_left_alone(tmp_path: Path) -> None:
    """Sweeping passes over folders that no log has made."""
    log = LogFolder(tmp_path)
    grow_to(log, 10)
    (tmp_path / "tile" / "odd.p").mkdir()
    (tmp_path / "tile" / "0" / "000.p" / "7").write_bytes(b"left")
    log.close()
    log = LogFolder(tmp_path)
    grow_to(log, 256)
    assert (tmp_path / "tile" / "odd.p").is_dir()
    assert not (tmp_path / "tile" / "0" / "000.p").exists()
    log.close()


_WRITER = textwrap.dedent(
    """
    import random, sys
    from kanhe.stores.files.log_folder import LogFolder
    from tests.stores.logs import grow_to, published_size, signed_size
    draw = random.Random(int(sys.argv[2]))
    log = LogFolder(sys.argv[1])
    print("ready", flush=True)
    while True:
        grow_to(log, signed_size(log) + draw.randint(1, 300))
        print(published_size(log), flush=True)
    """
)


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path) -> None:
    """After each of 20 kills a reader finds a whole log that holds all that was published."""
    draw, size = random.Random(11), 0
    for round_ in range(20):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path), str(round_)],
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(draw.uniform(0.0, 0.15))
        writer.send_signal(signal.SIGKILL)
        said = [int(line) for line in writer.stdout.read().splitlines(keepends=True)
                if line.endswith("\n")]  # fmt: skip
        writer.wait()
        writer.stdout.close()
        before, size = size, check_log(LogFolderReader(tmp_path), [0, size // 2])
        assert size >= max(said, default=before)
    assert size > 1_000
