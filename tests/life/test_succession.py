"""Packs change while events come: nothing is lost, no window is wrong, and each row names its pack."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kanhe.app import open_history
from kanhe.app.policies import Who, read_life
from kanhe.core.errors import StorageError
from kanhe.core.event import Asked
from kanhe.judge.policy.life import LifeError
from kanhe.judge.policy.sharing import Share
from kanhe.record.journal.ports import NOTED
from kanhe.replay import Audit, Span, audit
from tests.flow.packs import opened, payment, settings
from tests.life.lives import ANN, BOB, candidate, walk
from tests.life.mad import LISTED, MAD, mad_pack
from tests.replay.pasts import tamper

SCOPES = frozenset({"decide", "record", "lists"})


def stream(rng: random.Random, count: int, start: int = 0) -> list[Asked]:
    """Events of few people, so that windows are busy; some are only recorded, some change a list."""
    asked = []
    for n in range(start, start + count):
        who = rng.randrange(40)
        raw = payment(f"e{n}", n, user=f"u{who}", card=f"c{rng.randrange(50)}")
        if rng.random() < 0.02:
            raw = json.dumps({
                "id": f"e{n}", "type": "list.entry_added", "at_ms": 1_767_225_600_000 + n,
                "list_name": "stolen_cards", "value": f"c{rng.randrange(50)}", "staff": "s",
            }).encode()  # fmt: skip
        asked.append(Asked("shop", raw, SCOPES, rng.random() < 0.9))
    return asked


def judge(kanhe: Any, asked: list[Asked], size: int = 7) -> list[dict[str, Any]]:
    found = []
    for begin in range(0, len(asked), size):
        outcomes = kanhe.take(asked[begin : begin + size])
        kanhe.commit()
        found += [json.loads(outcome.answer) for outcome in outcomes]
    return found


def check_replay(tmp_path: Path) -> Audit:
    """Every row comes out of the journal again with the same bytes, under the pack it names."""
    with open_history(settings(tmp_path)) as history:
        assert history is not None
        found = Audit()
        assert list(audit(history, Span(), found)) == []
        return found


def test_a_pack_goes_live_between_two_groups(tmp_path: Path) -> None:
    """Rows before the row that says so are of the old pack, rows after it of the new one, and the new
    one knows all windows; a restart goes on with it, whatever the settings say."""
    rng = random.Random(1)
    new = candidate(tmp_path)
    with opened(tmp_path) as kanhe:
        old = kanhe.pack.hash
        judge(kanhe, stream(rng, 400))
        walk(kanhe, new, "activated")
        judge(kanhe, stream(rng, 50, 400))
        kanhe.finish_changeover()
        assert kanhe.pack.hash == new.hash
        answers = judge(kanhe, stream(rng, 400, 450))
        assert {a["policy"] for a in answers if "policy" in a} == {new.hash}
        state = kanhe.state()
        rows = list(kanhe.journal.rows())
    swap = next(row.seq for row in rows if row.type == "policy:pack:in_force")
    assert all((row.policy == old) == (row.seq <= swap) for row in rows)
    assert len({row.event_id for row in rows}) == len(rows) == rows[-1].seq
    with opened(tmp_path) as kanhe:
        assert kanhe.pack.hash == new.hash and kanhe.state() == state
    assert check_replay(tmp_path).equal == 850


def test_a_restart_finishes_what_was_due(tmp_path: Path) -> None:
    """A pack that was activated and not yet in force when the process ended is in force after."""
    new = candidate(tmp_path)
    with opened(tmp_path) as kanhe:
        judge(kanhe, stream(random.Random(2), 60))
        walk(kanhe, new, "activated")
        assert kanhe.pack.hash != new.hash
    with opened(tmp_path) as kanhe:
        assert kanhe.pack.hash == new.hash == kanhe.policies.life.in_force
        assert kanhe.policies.life.packs[new.hash].state == "live"
        judge(kanhe, stream(random.Random(2), 60, 60))
    check_replay(tmp_path)


def test_rolled_back_by_hand(tmp_path: Path) -> None:
    """The pack before comes back with its windows, and somebody is alerted."""
    new = candidate(tmp_path)
    with opened(tmp_path) as kanhe:
        old = kanhe.pack.hash
        judge(kanhe, stream(random.Random(3), 60))
        walk(kanhe, new, "activated")
        kanhe.finish_changeover()
        judge(kanhe, stream(random.Random(4), 60, 60))
        assert kanhe.policies.rollback(BOB, "too strict") == old
        kanhe.finish_changeover()
        assert kanhe.pack.hash == old
        judge(kanhe, stream(random.Random(5), 60, 120))
        alerts = [m for _, m in kanhe.journal.outbox(limit=10_000) if b"too strict" in m.payload]
        assert len(alerts) == 1
    with opened(tmp_path) as kanhe:
        assert kanhe.pack.hash == old
    assert check_replay(tmp_path).equal == 180


def test_a_share_is_stable_and_exact(tmp_path: Path) -> None:
    """The same buyer always gets the same pack, every row names the one that decided, and both
    memories come out of the journal again."""
    rng = random.Random(6)
    new = candidate(tmp_path)
    with opened(tmp_path) as kanhe:
        judge(kanhe, stream(rng, 100))
        walk(kanhe, new, "approved")
        kanhe.policies.take("shared", new.hash, ANN, "", {"share_permille": "500"})
        kanhe.finish_changeover()
        judge(kanhe, stream(rng, 900, 100), 17)
        packs: dict[str, Counter[str]] = {}
        for row in kanhe.journal.rows(150):
            if row.kind == 0 and b'"user"' in row.body:
                user = json.loads(row.body)["user"]
                packs.setdefault(user, Counter())[row.policy] += 1
        mine = [user for user, found in packs.items() if new.hash in found]
        assert all(len(found) == 1 for found in packs.values())
        assert 8 <= len(mine) <= 32
        # A share that is taken back is taken back at once.
        kanhe.policies.take("shared", new.hash, ANN, "", {"share_permille": "0"})
        kanhe.tend()
        last = kanhe.stats().seq
        judge(kanhe, stream(rng, 100, 1_000))
        assert all(row.policy != new.hash for row in kanhe.journal.rows(last))
    found = check_replay(tmp_path)
    assert found.equal == 1_100 and len(found.packs) == 2


def test_going_live_from_a_share_takes_no_time(tmp_path: Path) -> None:
    """A candidate that has a share is where the journal is, and goes live at the next tick."""
    new = candidate(tmp_path)
    with opened(tmp_path) as kanhe:
        judge(kanhe, stream(random.Random(7), 100))
        walk(kanhe, new, "shared", 100)
        kanhe.finish_changeover()
        judge(kanhe, stream(random.Random(8), 200, 100))
        walk(kanhe, new, "activated")
        kanhe.tend()
        assert kanhe.pack.hash == new.hash
        judge(kanhe, stream(random.Random(9), 100, 300))
        state = kanhe.state()
    with opened(tmp_path) as kanhe:
        assert kanhe.state() == state
    check_replay(tmp_path)


@pytest.mark.parametrize("permille", [1, 50, 100, 500])
def test_a_share_is_as_large_as_it_says_and_grows(permille: int) -> None:
    """Of 20,000 buyers about so many are in the share, and all of them stay when it grows."""
    share, more = (Share("sha256:a", p, b"k" * 16) for p in (permille, 2 * permille))
    mine = {n for n in range(20_000) if share.of("t", "user", f"u{n}")}
    assert abs(len(mine) - 20 * permille) < 5 * (20 * permille) ** 0.5 + 1
    assert mine <= {n for n in range(20_000) if more.of("t", "user", f"u{n}")}


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'{"user":5}', b'{"user":""}', b"\xff", b'{"data":[1]}', b"{}"]
)
def test_who_cannot_be_told_is_in_no_share(raw: bytes) -> None:
    """What cannot be read, or names nobody, is left to the live pack, which says what is wrong."""
    assert not Share("sha256:a", 1_000, b"k" * 16).holds(Asked("t", raw, SCOPES, True))


def test_an_envelope_is_of_the_same_buyer() -> None:
    """An event by itself and in a CloudEvents envelope go to the same pack."""
    share = Share("sha256:a", 500, b"k" * 16)
    for n in range(50):
        plain = Asked("t", b'{"user":"u%d"}' % n, SCOPES, True)
        wrapped = Asked("t", b'{"specversion":"1.0","data":{"user":"u%d"}}' % n, SCOPES, True)
        assert share.holds(plain) == share.holds(wrapped)


def test_a_candidate_that_breaks_costs_one_event(tmp_path: Path, monkeypatch: Any) -> None:
    """If the path of the candidate raises, the event gets an error, everything else an answer, and
    both memories are right after."""
    rng = random.Random(10)
    new = candidate(tmp_path)
    with opened(tmp_path) as kanhe:
        judge(kanhe, stream(rng, 50))
        walk(kanhe, new, "approved")
        kanhe.policies.take("shared", new.hash, ANN, "", {"share_permille": "500"})
        kanhe.finish_changeover()
        sharing = kanhe._succession.sharing
        real, calls = sharing.candidate.weigh, []

        def weigh(*arguments: Any) -> Any:
            calls.append(1)
            if len(calls) == 3:
                raise RuntimeError("broken")
            return real(*arguments)

        monkeypatch.setattr(sharing.candidate, "weigh", weigh)
        found: list[Any] = []
        events = stream(rng, 200, 50)
        for begin in range(0, 200, 20):
            found += kanhe.take(events[begin : begin + 20])
            kanhe.commit()
        assert sum(isinstance(one, Exception) for one in found) <= 1
        assert len(calls) >= 3
        kanhe.finish_changeover()
        judge(kanhe, stream(rng, 100, 300))
        state = kanhe.state()
    with opened(tmp_path) as kanhe:
        assert kanhe.state() == state
    check_replay(tmp_path)


def test_a_mad_pack_is_rolled_back_by_itself(tmp_path: Path) -> None:
    """In its first days, a pack that the governor holds makes way for the one before."""
    mad = mad_pack(tmp_path / "mad", '[governor]\nrollback_within = "3d"\n', LISTED + MAD)
    with opened(tmp_path) as kanhe:
        old = kanhe.pack.hash
        walk(kanhe, mad, "activated")
        kanhe.finish_changeover()
        assert kanhe.pack.hash == mad.hash
        events = [
            Asked("shop", payment(f"p{n}", user=f"u{n}", card=f"c{n}"), SCOPES, True)
            for n in range(200)
        ]
        found = Counter(one["outcome"] for one in judge(kanhe, events))
        assert found == {"deny": 49, "review": 151}
        kanhe.finish_changeover()
        assert kanhe.pack.hash == old
        moves = kanhe.policies.life.packs[mad.hash].moves
        assert (moves[-1].step, moves[-1].by) == ("rolled_back", "kanhe")
        assert "mad" in moves[-1].why
    check_replay(tmp_path)


def test_a_mad_candidate_is_withdrawn(tmp_path: Path) -> None:
    """A candidate that the governor holds loses its share at the next tick."""
    mad = mad_pack(tmp_path / "mad", "[governor.rule]\ndeny = { share = 0.01, least = 5 }\n")
    with opened(tmp_path) as kanhe:
        walk(kanhe, mad, "shared", 100)
        kanhe.finish_changeover()
        events = [
            Asked("shop", payment(f"p{n}", user=f"u{n}", card=f"c{n}"), SCOPES, True)
            for n in range(600)
        ]
        found = Counter(one["outcome"] for one in judge(kanhe, events))
        assert found["deny"] == 4
        kanhe.tend()
        kanhe.tend()
        assert kanhe.policies.life.packs[mad.hash].state == "withdrawn"
        assert kanhe._succession.sharing is None


def test_moves_are_rows_and_entries(tmp_path: Path) -> None:
    """Who, when, why, from which hash to which hash: each step stands in the journal."""
    new = candidate(tmp_path)
    with opened(tmp_path) as kanhe:
        old = kanhe.pack.hash
        walk(kanhe, new, "activated")
        kanhe.finish_changeover()
        rows = [row for row in kanhe.journal.rows() if row.kind == NOTED]
    steps = [row.type.rpartition(":")[2] for row in rows]
    assert steps == ["proposed", "checked", "backtested", "shadowed", "shared", "approved",
                     "activated", "in_force"]  # fmt: skip
    told = json.loads(rows[0].body)["facts"]
    assert told["by"] == "ann" and told["why"] == "because" and told["key"] == "k-ann"
    assert {json.loads(row.body)["facts"]["pack"] for row in rows} == {new.hash}
    assert {json.loads(row.body)["facts"]["live"] for row in rows} == {old}


def test_nobody_goes_on_with_a_life_that_was_altered(tmp_path: Path) -> None:
    """If the row of the approval is made one of the author's own, no process starts with it."""
    new = candidate(tmp_path)
    with opened(tmp_path) as kanhe:
        walk(kanhe, new, "activated")
        body = next(r.body for r in kanhe.journal.rows() if r.type == "policy:pack:approved")
        seq = next(r.seq for r in kanhe.journal.rows() if r.type == "policy:pack:approved")
    tamper(tmp_path, seq, body=body.replace(b'"bob"', b'"ann"'))
    with pytest.raises(StorageError, match="no step that a policy can take"):
        opened(tmp_path)


def test_a_refused_step_leaves_no_row(tmp_path: Path) -> None:
    """What is refused is not written; the life is as it was, also after a restart."""
    new = candidate(tmp_path)
    with opened(tmp_path) as kanhe:
        walk(kanhe, new, "shared")
        last = kanhe.stats().seq
        for step, who, facts in (
            ("approved", ANN, {}), ("activated", BOB, {}), ("in_force", Who("kanhe"), {}),
            ("approved", Who("  "), {}), ("approved", BOB, {"by": "x"}),
            ("approved", BOB, {"x": "y" * 300}),
        ):  # fmt: skip
            with pytest.raises(LifeError):
                kanhe.policies.take(step, new.hash, who, "", facts)  # type: ignore[arg-type]
        assert kanhe.stats().seq == last
        assert read_life(kanhe.journal) == kanhe.policies.life
