"""One battery for every memory of a witness, and what its files hold when things go wrong."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kanhe.core.errors import StorageError
from kanhe.record.log.merkle import EMPTY_ROOT
from kanhe.record.log.witness import MemoryWitnessState, Seen, WitnessState
from kanhe.stores.files import durable
from kanhe.stores.files.witness_state import FileWitnessState
from tests.stores.faulty_os import FaultyOs, standing_in

ORIGIN = "shop.example/kanhe"
OLD, NEW = Seen(5, b"o" * 32), Seen(9, b"n" * 32)

ADAPTERS: dict[str, Callable[[Path], WitnessState]] = {
    "memory": lambda folder: MemoryWitnessState(),
    "files": FileWitnessState,
}


@pytest.fixture(params=sorted(ADAPTERS))
def state(request: pytest.FixtureRequest, tmp_path: Path) -> WitnessState:
    """An empty memory of each kind."""
    return ADAPTERS[request.param](tmp_path)


def test_what_was_stored_is_remembered(state: WitnessState) -> None:
    """Each log has its own memory, from nothing on; the same tree may be stored again."""
    assert state.load(ORIGIN) is None
    assert state.compare_and_store(ORIGIN, None, OLD)
    assert state.compare_and_store(ORIGIN, OLD, NEW)
    assert state.compare_and_store(ORIGIN, NEW, NEW)
    assert state.load(ORIGIN) == NEW
    assert state.load("other.example") is None


def test_whoever_comes_second_is_sent_back(state: WitnessState) -> None:
    """What was checked against another memory than there is now changes nothing."""
    assert not state.compare_and_store(ORIGIN, OLD, NEW)
    assert state.load(ORIGIN) is None
    state.compare_and_store(ORIGIN, None, OLD)
    for stale in (None, NEW, OLD._replace(root=NEW.root)):
        assert not state.compare_and_store(ORIGIN, stale, NEW)
    assert state.load(ORIGIN) == OLD


@pytest.mark.parametrize("origin", ["a/../../b", "日志.example", "x" * 500, "."])
def test_any_origin_has_a_place(state: WitnessState, origin: str) -> None:
    """No origin leads to another place than its own."""
    state.compare_and_store(ORIGIN, None, OLD)
    assert state.compare_and_store(origin, None, Seen(0, EMPTY_ROOT))
    assert state.load(origin) == Seen(0, EMPTY_ROOT)
    assert state.load(ORIGIN) == OLD


def test_memory_outlives_the_process(tmp_path: Path) -> None:
    """Another process finds what was stored, in one readable file and nothing beside it."""
    FileWitnessState(tmp_path).compare_and_store(ORIGIN, None, NEW)
    assert FileWitnessState(tmp_path).load(ORIGIN) == NEW
    (name,) = os.listdir(tmp_path)
    assert (tmp_path / name).read_text().splitlines()[:2] == [ORIGIN, "9"]


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_every_step_fails_once(tmp_path: Path, late: bool) -> None:
    """Whichever step fails, the old or the new is remembered, and storing it again works."""
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        FileWitnessState(folder).compare_and_store(ORIGIN, None, OLD)
        faulty = FaultyOs(number, late)
        with standing_in(faulty, durable):
            state = FileWitnessState(folder)
            with contextlib.suppress(StorageError):
                assert state.compare_and_store(ORIGIN, OLD, NEW)
                assert faulty.steps <= number
        found = state.load(ORIGIN)
        assert found in (OLD, NEW)
        assert state.compare_and_store(ORIGIN, found, NEW)
        assert FileWitnessState(folder).load(ORIGIN) == NEW
    assert 0 < faulty.steps <= number


def test_power_lost_after_storing(tmp_path: Path) -> None:
    """When storing has returned, the loss of power leaves what was stored."""
    faulty, folder = FaultyOs(), tmp_path / "seen"
    folder.mkdir()
    with standing_in(faulty, durable):
        FileWitnessState(folder).compare_and_store(ORIGIN, None, OLD)
        FileWitnessState(folder).compare_and_store(ORIGIN, OLD, NEW)
    faulty.after_power_loss(folder, tmp_path / "copy")
    assert FileWitnessState(tmp_path / "copy").load(ORIGIN) == NEW


def test_damage_is_never_taken_for_a_new_log(tmp_path: Path) -> None:
    """A file that is cut short, altered or another log's, and a folder that is gone, are told."""
    state = FileWitnessState(tmp_path)
    state.compare_and_store(ORIGIN, None, OLD)
    path = next(tmp_path.iterdir())
    whole = path.read_bytes()
    for spoilt in (
        b"",
        whole[:-1],
        whole.replace(b"5", b"05"),
        b"\xff",
        whole.replace(b"shop", b"else"),
    ):
        path.write_bytes(spoilt)
        with pytest.raises(StorageError, match="damaged"):
            state.load(ORIGIN)
        with pytest.raises(StorageError, match="damaged"):
            state.compare_and_store(ORIGIN, None, NEW)
        assert path.read_bytes() == spoilt
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageError, match="cannot read"):
        state.load(ORIGIN)
    path.rmdir()
    tmp_path.rmdir()
    with pytest.raises(StorageError, match="is gone"):
        state.load(ORIGIN)
    tmp_path.mkdir()
