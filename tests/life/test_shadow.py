"""A pack in shadow decides what the live one decides; nothing follows from it, nothing counts twice."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from kanhe.app import Follower, open_history, shadow_report
from kanhe.core.errors import StorageError
from kanhe.judge.intake.group import group_of
from kanhe.record.shadow import Verdict
from kanhe.replay.shadow import Shadow
from kanhe.stores.sqlite.shadow import ShadowBook, read_shadow
from tests.flow.packs import opened, settings
from tests.life.lives import candidate, walk
from tests.life.test_succession import judge, stream


def lived(tmp_path: Path, before: int = 100, after: int = 400) -> Any:
    """An installation with a pack in shadow since the row behind `before` events."""
    new = candidate(tmp_path)
    rng = random.Random(11)
    with opened(tmp_path) as kanhe:
        judge(kanhe, stream(rng, before))
        walk(kanhe, new, "shadowed")
        judge(kanhe, stream(rng, after, before))
    return new


def follow(tmp_path: Path, policy: str) -> int:
    follower = Follower(settings(tmp_path), policy)
    try:
        return follower.follow()
    finally:
        follower.close()


def test_the_shadow_is_what_would_have_been_answered(tmp_path: Path) -> None:
    """Every decided event behind the beginning is judged once, by the same path as if it were live; the
    journal, its answers and its outbox are as they were."""
    new = lived(tmp_path)
    with open_history(settings(tmp_path)) as history:
        assert history is not None
        rows = list(history.journal.rows())
        flow = history.wire(new)
        shadow = Shadow(history.wire(new))
        verdicts = {v.seq: v for batch in shadow.judge(rows) for v in batch.verdicts}
        flow.seq = 0
        began = next(r.seq for r in rows if r.type == "policy:pack:shadowed")
        expected: dict[int, tuple[str, int]] = {}
        for row in rows:
            if row.is_event:
                arrival = flow.reader.reread(row.tenant, row.body, row.received_ms)
                vectors, _ = flow.features.observe_group(group_of([arrival]))
                if row.kind == 0 and row.seq > began:
                    screened = flow.rules.screen([arrival.event], vectors)
                    signals, decision = flow.weigh(arrival, screened, 0, row.seq)
                    decision = flow.governor.hold(arrival, signals, decision)
                    flow.governor.take_up(arrival, decision)
                    expected[row.seq] = decision.outcome, decision.score
                from kanhe.record.journal.recorded import acting_decision

                flow.change_lists(row.tenant, arrival.event, acting_decision(row))
    assert {seq: (v.shadow, v.score) for seq, v in verdicts.items()} == expected
    assert {row.policy for row in rows} == {rows[0].policy}
    assert len({v.shadow != v.live for v in verdicts.values()}) == 2, "both agree and disagree"


def test_a_report_adds_up(tmp_path: Path) -> None:
    """What is told later is the sum of the verdicts: agreement, rules, money, examples."""
    new = lived(tmp_path)
    count = follow(tmp_path, new.hash)
    report = shadow_report(settings(tmp_path), new.hash, examples=5)
    assert report is not None
    assert sum(one.events for one in report.agreement) == count > 300
    assert report.upto == report.first + 400
    rules = {one.rule: one for one in report.rules}
    assert rules["many_cards"].fired > 0
    assert len(report.examples) == 5
    assert all(example.shadow != example.live for example in report.examples)
    assert shadow_report(settings(tmp_path), "sha256:other") is None


def test_a_follower_that_died_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it died before or after a batch became durable, no event is missing and none is twice."""
    new = lived(tmp_path, 30, 900)
    whole = tmp_path / "whole"
    monkeypatch.setattr("kanhe.app.shadowing._KEPT_TOGETHER", 100)
    real = ShadowBook.keep
    calls = 0

    def dying(self: ShadowBook, verdicts: Any, upto: int) -> None:
        nonlocal calls
        calls += 1
        if calls % 3 == 1:
            raise OSError("before")
        real(self, verdicts, upto)
        if calls % 3 == 2:
            raise OSError("after")

    monkeypatch.setattr(ShadowBook, "keep", dying)
    for _ in range(40):
        try:
            follow(tmp_path, new.hash)
            break
        except OSError:
            continue
    else:
        pytest.fail("it never came to the end")
    found = shadow_report(settings(tmp_path), new.hash)
    monkeypatch.setattr(ShadowBook, "keep", real)
    (tmp_path / "data" / "shadow.db").rename(whole)
    follow(tmp_path, new.hash)
    assert shadow_report(settings(tmp_path), new.hash) == found
    assert calls >= 6


def test_a_shadow_that_begins_anew_starts_over(tmp_path: Path) -> None:
    """The same pack, withdrawn and proposed again, is judged from its new beginning on."""
    new = lived(tmp_path)
    follow(tmp_path, new.hash)
    with opened(tmp_path) as kanhe:
        from tests.life.lives import ANN

        kanhe.policies.take("withdrawn", new.hash, ANN)
        kanhe.policies.propose(new, ANN)
        for step in ("backtested", "shadowed"):
            kanhe.policies.take(step, new.hash, ANN)  # type: ignore[arg-type]  # both are steps
        judge(kanhe, stream(random.Random(12), 50, 2_000))
    follow(tmp_path, new.hash)
    report = shadow_report(settings(tmp_path), new.hash)
    assert report is not None
    assert report.upto - report.first == 50
    assert sum(one.events for one in report.agreement) <= 50


def test_a_book_keeps_packs_apart(tmp_path: Path) -> None:
    """Two packs that were in shadow have a report each; another file than ours is not touched."""
    book = ShadowBook(tmp_path / "s.db")
    for policy, outcome in (("a", "deny"), ("b", "allow")):
        assert book.begin(policy, "EUR", 5) == 5
        book.keep([Verdict(6, "t", "allow", outcome, 1, 100, ("r",))], 6)
        assert book.begin(policy, "EUR", 5) == 6
    book.close()
    a, b = (read_shadow(tmp_path / "s.db", policy) for policy in "ab")
    assert a is not None and b is not None
    assert (a.rules[0].newly_denied, b.rules[0].newly_denied) == (1, 0)
    (tmp_path / "odd.db").write_bytes(b"no database" * 100)
    with pytest.raises(StorageError):
        read_shadow(tmp_path / "odd.db", "a")


def test_nothing_to_follow(tmp_path: Path) -> None:
    """Without a journal, or without the pack, it says what is missing."""
    with pytest.raises(StorageError, match="nothing was ever judged"):
        Follower(settings(tmp_path), "sha256:a")
    lived(tmp_path, 5, 5)
    with pytest.raises(StorageError, match="not_kept"):
        Follower(settings(tmp_path), "sha256:a")
