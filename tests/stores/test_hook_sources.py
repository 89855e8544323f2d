"""Sources of notices in `keys.db`: durable, unique, and changed by one at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from kanhe.core.errors import StorageError
from kanhe.stores.sqlite.hook_sources import HookSources, SourceRow
from kanhe.stores.sqlite.keys import ApiKeys

ROW = SourceRow("stripe", "shop", "stripe", "stripe", "", 100.0, b"sealed", 1, 1)


class Clock:
    """A clock that stands until it is moved."""

    now = 1_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of the stores."""
    return Clock()


def test_a_source_is_kept_and_unique(tmp_path: Path, clock: Clock) -> None:
    """A source is there after the file was closed; a second one of its name changes nothing."""
    store = HookSources(tmp_path / "keys.db", clock)
    assert store.add(ROW)
    assert not store.add(ROW._replace(tenant="other"))
    store.close()
    again = HookSources(tmp_path / "keys.db", clock)
    assert again.rows() == {"stripe": ROW}
    assert again.remove("stripe") and not again.remove("stripe")
    assert again.rows() == {}
    again.close()


def test_a_change_is_of_what_was_seen(tmp_path: Path, clock: Clock) -> None:
    """Of two who change the same row, the second is told that it is no longer as it was, even where
    the clock stands still or goes back."""
    store = HookSources(tmp_path / "keys.db", clock)
    store.add(ROW)
    assert store.change(ROW, b"first")
    assert not store.change(ROW, b"second")
    clock.now = 1
    first = store.rows()["stripe"]
    assert store.change(first, b"third") and store.rows()["stripe"].sealed == b"third"
    assert store.rows()["stripe"].changed_ms > first.changed_ms > ROW.changed_ms
    store.close()


def test_changes_by_others_are_noticed(tmp_path: Path, clock: Clock) -> None:
    """What another process changes is seen after a moment at most, or at once if asked."""
    ours, theirs = (HookSources(tmp_path / "keys.db", clock) for _ in range(2))
    assert ours.rows() == {}
    theirs.add(ROW)
    assert ours.rows() == {}
    assert ours.rows(at_once=True) == {"stripe": ROW}
    theirs.remove("stripe")
    clock.now += 251
    assert ours.rows() == {}
    theirs.add(ROW)
    clock.now -= 10_000
    assert ours.rows() == {"stripe": ROW}, "a clock that was set back must not stop the looking"
    ours.close()
    theirs.close()


def test_nobody_loses_a_change(tmp_path: Path, clock: Clock) -> None:
    """Of many who change one row at once, each that was told yes is the one that the next saw."""
    path = tmp_path / "keys.db"
    store = HookSources(path, clock)
    store.add(ROW._replace(sealed=b""))
    done: list[int] = []

    def change(number: int) -> None:
        own = HookSources(path, clock)
        for _ in range(200):
            row = own.rows(at_once=True)["stripe"]
            if own.change(row, row.sealed + bytes([number])):
                done.append(number)
                break
        own.close()

    threads = [threading.Thread(target=change, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(store.rows(at_once=True)["stripe"].sealed) == sorted(done) == [0, 1, 2, 3, 4, 5]
    store.close()


def test_faults_are_told(tmp_path: Path, clock: Clock) -> None:
    """A store that was closed, or a file that is none, is a `StorageError`; API keys stay beside."""
    store = HookSources(tmp_path / "keys.db", clock)
    store.add(ROW)
    keys = ApiKeys(tmp_path / "keys.db", clock, bytes)
    assert keys.list() == []
    keys.close()
    store.close()
    with pytest.raises(StorageError, match="closed"):
        store.rows()
    (tmp_path / "no.db").write_bytes(b"not a database, but a text of some length" * 100)
    with pytest.raises(StorageError):
        HookSources(tmp_path / "no.db", clock)
