"""Snapshots: whole or not there."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kanhe.core.errors import StorageError
from kanhe.stores.files.background import BackgroundSnapshots
from kanhe.stores.files.snapshots import SnapshotFolder

PARTS = {"features": bytes(range(256)) * 50, "lists": b"", "勘合": b"x"}


def test_there_and_back(tmp_path: Path) -> None:
    """What was saved comes back byte for byte, from memory views too."""
    folder = SnapshotFolder(tmp_path / "new" / "snapshots")
    assert folder.newest(10**9) is None
    view = memoryview(bytearray(range(240))).cast("d")
    folder.save(7, {**PARTS, "view": view})
    assert folder.newest(7) == (7, {**PARTS, "view": bytes(range(240))})
    assert SnapshotFolder(tmp_path / "new" / "snapshots").newest(10**9) is not None
    assert folder.skipped == ()


def test_newest_is_not_ahead_of_the_journal(tmp_path: Path) -> None:
    """A snapshot of rows that the journal does not have is passed over and reported."""
    folder = SnapshotFolder(tmp_path)
    folder.save(10, {"a": b"10"})
    folder.save(20, {"a": b"20"})
    assert folder.newest(20) == (20, {"a": b"20"})
    assert folder.newest(19) == (10, {"a": b"10"})
    assert "ahead of the journal, which ends at row 19" in folder.skipped[0]
    assert folder.newest(9) is None


def test_two_are_kept(tmp_path: Path) -> None:
    """Only the last two stay; saving the same row again replaces its file."""
    folder = SnapshotFolder(tmp_path)
    for seq in (1, 2, 3, 10, 10):
        folder.save(seq, {"a": str(seq).encode()})
    assert sorted(os.listdir(tmp_path)) == [f"state-{n:020d}.snapshot" for n in (3, 10)]


def test_another_life_of_the_journal(tmp_path: Path) -> None:
    """After a journal was set back, snapshots of its lost future cannot be taken for new ones."""
    folder = SnapshotFolder(tmp_path)
    folder.save(10, {"a": b"old"})
    folder.save(100, {"a": b"old"})
    assert folder.drop_after(50) == ["state-00000000000000000100.snapshot"]
    assert folder.drop_after(50) == []
    assert folder.newest(1_000) == (10, {"a": b"old"})
    folder.save(100, {"a": b"other"})
    folder.save(60, {"a": b"new"})
    assert folder.newest(1_000) == (60, {"a": b"new"})


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    """Cut, lengthened or with any one byte changed: the file is passed over for the one before."""
    folder = SnapshotFolder(tmp_path)
    folder.save(1, {"a": b"before"})
    path = folder.save(2, PARTS)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    match data.draw(st.sampled_from(["flip", "cut", "grow", "zero"])):
        case "flip":
            content[place] ^= data.draw(st.integers(1, 255))
        case "cut":
            del content[place:]
        case "grow":
            content += b"\0"
        case "zero":
            if not any(content[place:]):
                place = 0
            content[place:] = bytes(len(content) - place)
    path.write_bytes(content)
    assert folder.newest(2) == (1, {"a": b"before"})
    assert len(folder.skipped) == 1
    assert path.name in folder.skipped[0]


def test_lengths_are_not_believed(tmp_path: Path) -> None:
    """A header that promises terabytes costs no memory."""
    folder = SnapshotFolder(tmp_path)
    header = b'{"seq":1,"parts":[{"name":"a","length":99999999999999}]}'
    (tmp_path / "state-00000000000000000001.snapshot").write_bytes(
        b"kanhe-snapshot 1\n" + len(header).to_bytes(8, "big") + header + bytes(40)
    )
    assert folder.newest(1) is None
    assert "99999999999999" not in folder.skipped[0] or "were written" in folder.skipped[0]


def test_renamed_and_foreign_files(tmp_path: Path) -> None:
    """A file under another row's name and files of others are reported, never used or removed."""
    folder = SnapshotFolder(tmp_path)
    path = folder.save(5, {"a": b"5"})
    path.rename(tmp_path / "state-00000000000000000009.snapshot")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "state-00000000000000000008.snapshot").mkdir()
    assert folder.newest(100) is None
    assert len(folder.skipped) == 3
    folder.save(10, {})
    assert (tmp_path / "notes.txt").exists()


def test_unfinished_files_are_swept(tmp_path: Path) -> None:
    """What a crash left half-written is not a snapshot and goes at the next start."""
    left = tmp_path / "state-00000000000000000009.snapshot.unfinished"
    left.write_bytes(b"half")
    assert SnapshotFolder(tmp_path).newest(9) is None
    assert not left.exists()


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_save_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """When the disk refuses, the error says so, nothing half stays, and the old snapshot serves."""
    folder = SnapshotFolder(tmp_path)
    folder.save(1, {"a": b"1"})

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(StorageError, match=r"No space left .* journal is not affected"):
            folder.save(2, {"a": b"2"})
    assert os.listdir(tmp_path) == ["state-00000000000000000001.snapshot"]
    assert folder.newest(2) == (1, {"a": b"1"})
    folder.save(2, {"a": b"2"})


def test_folder_cannot_be_made(tmp_path: Path) -> None:
    """A file where the folder should be gives a clear error."""
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="snapshot folder"):
        SnapshotFolder(tmp_path / "file")


def test_impossible_rows(tmp_path: Path) -> None:
    """A snapshot belongs to a row."""
    with pytest.raises(ValueError, match="not the number of a row"):
        SnapshotFolder(tmp_path).save(-1, {})


def test_no_room_for_another_process_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system cannot fork, the snapshot waits for better times and the path goes on."""
    background = BackgroundSnapshots(SnapshotFolder(tmp_path))

    def refuse() -> int:
        raise OSError(11, "Resource temporarily unavailable")

    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for call in ("fork", "pipe"):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, refuse)
            assert not background.save(1, lambda: {"a": b"1"})
        assert not background.busy()
    if before:
        assert len(os.listdir("/proc/self/fd")) == before
    assert background.save(1, lambda: {"a": b"1"})
    background.wait()
    assert background.folder.newest(1) == (1, {"a": b"1"})


def test_a_child_that_somebody_else_reaped_has_ended(tmp_path: Path) -> None:
    """Where SIGCHLD is ignored there is no status to wait for, and the next snapshot can be made."""
    background = BackgroundSnapshots(SnapshotFolder(tmp_path))
    assert not background.has_ended()
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        for seq in (1, 2):
            assert background.save(seq, lambda: {"a": b"1"})
            background.wait()
            assert not background.busy()
            assert background.has_ended()
            assert not background.has_ended()
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert background.folder.newest(2) == (2, {"a": b"1"})


def test_what_is_saved_is_put_together_beside_the_path(tmp_path: Path) -> None:
    """The child dumps what memory held at the fork; the process that judges spends no time on it."""
    background = BackgroundSnapshots(SnapshotFolder(tmp_path))
    state, by = [1], []

    def dump() -> dict[str, bytes]:
        by.append(os.getpid())
        state.append(3)
        return {"state": repr(state).encode(), "by": str(os.getpid() != parent).encode()}

    parent = os.getpid()
    assert background.save(1, dump)
    state.append(2)
    background.wait()
    assert background.folder.newest(1) == (1, {"state": b"[1, 3]", "by": b"True"})
    assert (state, by) == ([1, 2], [])


def test_a_dump_that_breaks_leaves_the_earlier_snapshot(tmp_path: Path) -> None:
    """Nothing half made is left, and the next one is made as if nothing had been."""
    background = BackgroundSnapshots(SnapshotFolder(tmp_path))
    assert background.save(1, lambda: {"a": b"1"})
    background.wait()

    def broken() -> dict[str, bytes]:
        raise RuntimeError("made to fail")

    assert background.save(2, broken)
    background.wait()
    assert (background.saved, background.trouble) == (1, "RuntimeError: made to fail")
    assert background.folder.newest(2) == (1, {"a": b"1"})
    assert [path.name for path in tmp_path.iterdir()] == ["state-00000000000000000001.snapshot"]


def test_a_child_says_why_it_could_not_save(tmp_path: Path) -> None:
    """What the disk refused is told in words, as long as no later snapshot was saved."""
    background = BackgroundSnapshots(SnapshotFolder(tmp_path / "here"))
    assert background.save(1, lambda: {"a": b"1"})
    background.wait()
    assert (background.saved, background.trouble) == (1, "")
    (tmp_path / "here").rename(tmp_path / "there")
    assert background.save(2, lambda: {"a": b"1"})
    background.wait()
    assert background.saved == 1
    assert str(tmp_path / "here") in background.trouble
    (tmp_path / "there").rename(tmp_path / "here")
    assert background.save(3, lambda: {"a": b"1"})
    background.wait()
    assert (background.saved, background.trouble) == (3, "")


def test_a_child_that_was_killed_has_not_saved(tmp_path: Path) -> None:
    """Nobody takes for saved what was ended before it could say so."""
    background = BackgroundSnapshots(SnapshotFolder(tmp_path))

    def killed() -> dict[str, bytes]:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    assert background.save(1, killed)
    background.wait()
    assert (background.saved, background.trouble) == (
        0, "the process that saved it was ended by signal 9",
    )  # fmt: skip

    def gone() -> dict[str, bytes]:
        os._exit(3)

    assert background.save(1, gone)
    background.wait()
    assert (background.saved, background.trouble) == (0, "the process that saved it ended early")


def test_the_end_of_a_long_story_is_left_out(tmp_path: Path) -> None:
    """However much a fault has to say, the child does not wait for a reader."""
    background = BackgroundSnapshots(SnapshotFolder(tmp_path))

    def talkative() -> dict[str, bytes]:
        raise RuntimeError("嘘" * 100_000)

    assert background.save(1, talkative)
    background.wait()
    assert 300 < len(background.trouble) < 1_000
    assert background.trouble.startswith("RuntimeError: 嘘嘘")
