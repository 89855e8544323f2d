"""A snapshot is a shortcut: taking it, losing it and finding a foreign one all give the same state."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from kanhe.core.errors import StorageError
from kanhe.judge.features.memory import Memory
from kanhe.stores.files.snapshots import SnapshotFolder
from tests.flow.packs import opened, payment


def _shop(tmp_path: Path, count: int = 30) -> dict[str, bytes]:
    """An installation that took some events and was closed; returns its state."""
    with opened(tmp_path) as kanhe:
        for i in range(count):
            kanhe.judge("a", payment(f"e{i}", i * 40, card=f"c{i % 3}"))
        kanhe.commit()
        return kanhe.state()


def test_closing_saves_what_opening_takes_over(tmp_path: Path) -> None:
    """After a clean stop the next start replays nothing and knows everything."""
    state = _shop(tmp_path)
    with opened(tmp_path) as kanhe:
        assert kanhe.stats().snapshot_seq == 30
        assert kanhe.state() == state


def test_without_snapshots_the_journal_alone_gives_the_same(tmp_path: Path) -> None:
    """Removing all snapshots costs time, nothing else."""
    state = _shop(tmp_path)
    shutil.rmtree(tmp_path / "data" / "snapshots")
    with opened(tmp_path) as kanhe:
        assert kanhe.stats().snapshot_seq == 0
        assert kanhe.state() == state


@pytest.mark.parametrize("broken", ["pack", "lists", "meta", "index", "arena", "program"])
def test_a_part_that_does_not_fit_is_passed_over_whole(tmp_path: Path, broken: str) -> None:
    """A snapshot with one missing or foreign part is not taken over at all, and start-up goes on."""
    state = _shop(tmp_path)
    folder = SnapshotFolder(tmp_path / "data" / "snapshots")
    for damage in (_without, _foreign):
        found = folder.newest(30)
        assert found
        folder.save(30, damage(found[1], broken))
        with opened(tmp_path) as kanhe:
            assert kanhe.stats().snapshot_seq == 0
            assert kanhe.state() == state


def _without(parts: Mapping[str, bytes], name: str) -> dict[str, bytes]:
    return {key: value for key, value in parts.items() if key != name}


def _foreign(parts: Mapping[str, bytes], name: str) -> dict[str, bytes]:
    return {**parts, name: b"\xc1 something else \x00\x01\x02"}


def test_memory_is_tidied_once_after_each_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the child that saved has left of the pages is put together, beside the path."""
    tidied: list[str] = []
    done = threading.Semaphore(0)

    def gather(memory: Memory) -> None:
        tidied.append(threading.current_thread().name)
        done.release()

    monkeypatch.setattr(Memory, "gather_pages", gather)
    with opened(tmp_path) as kanhe:
        for number in (1, 2):
            kanhe.judge("a", payment(f"e{number}", number))
            kanhe.commit()
            kanhe.snapshot()
            while kanhe.is_saving():
                time.sleep(0.01)
            kanhe.tend()
            kanhe.tend()
            assert done.acquire(timeout=10)
            assert tidied == ["kanhe-pages"] * number


def test_a_snapshot_that_could_not_be_saved_is_told_and_made_later(tmp_path: Path) -> None:
    """The metric stays where it was, whoever looks after the server hears why, and events go on."""
    folder, away = tmp_path / "data" / "snapshots", tmp_path / "away"
    with opened(tmp_path) as kanhe:
        for number in range(4):
            kanhe.judge("a", payment(f"e{number}", number))
            kanhe.commit()
            if number == 1:
                folder.rename(away)
            kanhe.snapshot()
            while kanhe.is_saving():
                time.sleep(0.01)
            if number == 0:
                kanhe.tend()
                assert kanhe.stats().snapshot_seq == 1
            else:
                assert kanhe.stats().snapshot_seq == 1
                with pytest.raises(StorageError, match=r"a snapshot could not be saved.*snapshots"):
                    kanhe.tend()
        away.rename(folder)
    with opened(tmp_path) as kanhe:
        assert kanhe.stats().snapshot_seq == 4


def test_memory_that_is_needed_next_is_taken_beside_the_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread at a time is asked for it, as long as the state runs short of it."""
    asked: list[str] = []
    go_on, done = threading.Event(), threading.Semaphore(0)

    def make_ready(memory: Memory) -> None:
        asked.append(threading.current_thread().name)
        done.release()
        assert go_on.wait(timeout=10)

    with opened(tmp_path) as kanhe:
        kanhe.judge("a", payment("e0", 0))
        kanhe.commit()
        monkeypatch.setattr(Memory, "make_ready", make_ready)
        monkeypatch.setattr(Memory, "runs_short", True)
        for number in (1, 2):
            kanhe.judge("a", payment(f"e{number}", number))
            kanhe.commit()
        assert done.acquire(timeout=10)
        assert asked == ["kanhe-pages"]
        go_on.set()
        monkeypatch.setattr(Memory, "runs_short", False)
        kanhe.judge("a", payment("e3", 3))
        kanhe.commit()
        assert asked == ["kanhe-pages"]


def test_no_room_for_a_thread_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that cannot be taken beforehand comes when it is touched; what was committed stands."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with opened(tmp_path) as kanhe:
        kanhe.judge("a", payment("e0", 0))
        kanhe.commit()
        monkeypatch.setattr(Memory, "runs_short", True)
        monkeypatch.setattr(threading.Thread, "start", refuse)
        for number in (1, 2):
            kanhe.judge("a", payment(f"e{number}", number))
            kanhe.commit()
        assert kanhe.stats().seq == 3


def test_memory_is_reserved_at_the_start_and_not_while_events_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the settings ask for is taken before anybody waits; another memory grows as it may."""
    reserved: list[int] = []
    monkeypatch.setattr(Memory, "reserve", lambda memory, size: reserved.append(size))
    with opened(tmp_path, state_reserve_mib=3) as kanhe:
        kanhe.judge("a", payment("e0", 0))
        kanhe.commit()
        kanhe.recover()
        kanhe.judge("a", payment("e1", 1))
        kanhe.commit()
    assert reserved == [3 << 20]


def test_another_key_rebuilds_rather_than_mixes(tmp_path: Path) -> None:
    """With a new state key the old snapshot is left, and the features are the same numbers."""
    _shop(tmp_path)
    (tmp_path / "data" / "state.key").write_bytes(b"another sixteen!")
    with opened(tmp_path) as kanhe:
        assert kanhe.stats().snapshot_seq == 0
        assert kanhe.stats().entities == 4
