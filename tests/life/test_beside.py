"""The life of packs beside what else happens to an installation: erasing, failing disks, snapshots."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from kanhe.app import find_person
from kanhe.app.changeover import drop_warmed, warmed_folder
from kanhe.app.policies import read_life
from kanhe.app.resting import warm_policy
from kanhe.core.errors import StorageError
from kanhe.record.erasure import Erasure
from kanhe.stores.files.snapshots import SnapshotFolder
from tests.flow.packs import opened, settings
from tests.life.lives import ANN, BOB, candidate, walk
from tests.life.test_succession import check_replay, judge, stream


class Warmer:
    """Makes memory ready in this process. Implements `kanhe.app.changeover.Helper`."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self.warmed: list[str] = []
        self.shadowed: list[str] = []

    def start(self, policy: str) -> None:
        warm_policy(settings(self.tmp_path), policy, lambda done, total: None)
        self.warmed.append(policy)

    def busy(self) -> bool:
        return False

    def stop(self) -> None:
        pass

    def shadow(self, policy: str) -> None:
        self.shadowed.append(policy)


def test_memory_that_was_made_ready_elsewhere_is_the_same(tmp_path: Path) -> None:
    """A pack that another process made ready has the memory that a rebuild gives, and what was made is
    gone from the disk when it is in force."""
    new = candidate(tmp_path)
    rng = random.Random(21)
    with opened(tmp_path) as kanhe:
        helper = Warmer(tmp_path)
        kanhe.help_with(helper)
        judge(kanhe, stream(rng, 300))
        walk(kanhe, new, "activated")
        kanhe.tend()
        assert helper.warmed == [new.hash]
        judge(kanhe, stream(rng, 100, 300))
        kanhe.finish_changeover()
        assert kanhe.pack.hash == new.hash
        assert not (tmp_path / "data" / "warm").exists()
        judge(kanhe, stream(rng, 100, 400))
        state = kanhe.state()
    with opened(tmp_path) as kanhe:
        assert kanhe.state() == state
    check_replay(tmp_path)


@pytest.mark.parametrize("spoil", ["torn", "gone", "other"])
def test_spoilt_memory_is_made_again(tmp_path: Path, spoil: str) -> None:
    """If what was made ready is torn, gone, or of another pack, all rows are taken in here."""
    new = candidate(tmp_path)
    rng = random.Random(22)

    class Spoiler(Warmer):
        def start(self, policy: str) -> None:
            super().start(policy)
            folder = warmed_folder(tmp_path / "data", policy)
            (file,) = folder.glob("*.snapshot")
            if spoil == "torn":
                file.write_bytes(file.read_bytes()[:-40])
            elif spoil == "gone":
                drop_warmed(tmp_path / "data")
            else:
                found = SnapshotFolder(folder).newest(10**9)
                assert found is not None
                SnapshotFolder(folder).save(found[0], {**found[1], "pack": b"sha256:other"})

    with opened(tmp_path) as kanhe:
        kanhe.help_with(Spoiler(tmp_path))
        judge(kanhe, stream(rng, 200))
        walk(kanhe, new, "activated")
        kanhe.finish_changeover()
        assert kanhe.pack.hash == new.hash
        judge(kanhe, stream(rng, 50, 200))
        state = kanhe.state()
    with opened(tmp_path) as kanhe:
        assert kanhe.state() == state


def test_the_shadow_is_started_and_ended(tmp_path: Path) -> None:
    """The helper is told which pack is in shadow, for as long as it is."""
    new = candidate(tmp_path)
    with opened(tmp_path) as kanhe:
        helper = Warmer(tmp_path)
        kanhe.help_with(helper)
        kanhe.tend()
        walk(kanhe, new, "shadowed")
        kanhe.tend()
        kanhe.policies.take("withdrawn", new.hash, ANN)
        kanhe.tend()
    assert helper.shadowed == ["", new.hash, ""]


def test_after_a_write_that_failed_the_journal_says_what_was_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a step was kept although its write failed is read from the journal, never guessed, and
    what was not kept can be taken again."""
    new = candidate(tmp_path)
    with opened(tmp_path) as kanhe:
        judge(kanhe, stream(random.Random(23), 20))
        walk(kanhe, new, "shared")
        real = kanhe.journal.commit
        monkeypatch.setattr(kanhe.journal, "commit", lambda: _fail())
        with pytest.raises(StorageError):
            kanhe.policies.take("approved", new.hash, BOB)
        monkeypatch.setattr(kanhe.journal, "commit", real)
        judge(kanhe, stream(random.Random(24), 20, 20))
        assert kanhe.policies.life == read_life(kanhe.journal)
        state = kanhe.policies.life.packs[new.hash].state
        if state == "sharing":
            kanhe.policies.take("approved", new.hash, BOB)
    with opened(tmp_path) as kanhe:
        assert kanhe.policies.life.packs[new.hash].state == "approved"
    check_replay(tmp_path)


def _fail() -> Any:
    raise StorageError("the disk is full")


def test_erasing_knows_the_lists_in_force(tmp_path: Path) -> None:
    """Who is to be erased is looked for with the lists of the pack in force, not of the settings; and
    memory that was made ready before does not outlive them."""
    new = candidate(tmp_path)
    with opened(tmp_path) as kanhe:
        judge(kanhe, stream(random.Random(25), 200))
        walk(kanhe, new, "activated")
        kanhe.finish_changeover()
        warm_policy(settings(tmp_path), new.hash, lambda done, total: None)
        kanhe.forget("shop", [("card", "c1")])
        assert not (tmp_path / "data" / "warm").exists()
    for path in (tmp_path / "pack").rglob("*"):
        if path.is_file():
            path.write_text("nothing that could be read as a pack")
    request = Erasure("r1", "shop", (("card", "c1"),), "asked", "bob", 1)
    assert find_person(settings(tmp_path), request, lambda done, total: None).rows
