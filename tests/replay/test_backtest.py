"""What another policy would have changed, held to judging the same events with it from the beginning."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.app import kanhe_in_memory
from kanhe.core.event import Asked
from kanhe.core.settings import Settings
from kanhe.judge.policy.pack import Pack, load_pack
from kanhe.record.journal.ports import DECIDED, ERASED, Row
from kanhe.replay import Span
from tests.flow.packs import FEATURES, MANIFEST, NOW_MS, RULES, decided, payment, write_pack
from tests.flow.test_groups import asked
from tests.replay.pasts import (
    SCOPES,
    TEXTS,
    a_past,
    compared,
    judged,
    label,
    listed,
    live,
    pack_of,
    put_in_force,
    recorded,
    rows_of,
    tamper,
    tamper_with_packs,
)


def from_the_beginning(rows: list[Row], pack: Pack) -> dict[int, dict[str, Any]]:
    """The decisions that an installation with this pack would have made, by number."""
    made = {}
    with kanhe_in_memory(Settings(state_limit_mib=256), lambda: NOW_MS, pack) as kanhe:
        for row in rows:
            take = kanhe.judge if row.kind == DECIDED else kanhe.record
            pending = take(row.tenant, row.body, SCOPES, row.received_ms)
            kanhe.commit()
            if row.kind == DECIDED:
                made[row.seq] = decided(pending.answer)
    return made


lived = st.lists(
    st.tuples(st.integers(0, len(TEXTS) - 1), st.lists(asked, max_size=25)), min_size=1, max_size=3
)


@settings(max_examples=30, deadline=None)
@given(lived, st.integers(0, len(TEXTS) - 1), st.integers(1, 12), st.integers(0, 40))
def test_the_report_agrees_with_judging_everything_anew(
    lives: list[tuple[int, list[Asked]]], other: int, first: int, more: int
) -> None:
    """Outcomes, money, firings and changes are those of an installation that always had the pack."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        for number, stream in lives:
            put_in_force(path, number)
            live(path, stream)
        pack = pack_of(path, other)
        found, changes = compared(path, pack, Span(first, first + more))
        rows = rows_of(path)
    made = from_the_beginning(rows, pack)
    counts, money, fired_then, fired_now = Counter(), Counter(), Counter(), Counter()  # type: ignore[var-annotated]  # four of a kind
    changed = []
    for row in rows:
        if row.kind != DECIDED or not first <= row.seq <= first + more:
            continue
        then, now = decided(row.answer), made[row.seq]
        cell = then["outcome"], now["outcome"]
        counts[cell] += 1
        money[cell] += decided(row.body).get("amount_minor") or 0
        fired_then.update(reason["rule"] for reason in then.get("reasons", ()))
        fired_now.update(reason["rule"] for reason in now.get("reasons", ()))
        if cell[0] != cell[1]:
            changed.append((row.seq, *cell, then["score"], now["score"]))
    told = {(a, b): tally for a, cells in found.outcomes.items() for b, tally in cells.items()}
    assert {cell: tally.events for cell, tally in told.items()} == counts
    assert {cell: tally.amount_minor for cell, tally in told.items()} == {
        cell: money[cell] for cell in counts
    }
    assert {rule: r.fired_then for rule, r in found.rules.items() if r.fired_then} == fired_then
    assert {rule: r.fired_now for rule, r in found.rules.items() if r.fired_now} == fired_now
    assert [
        (c.seq, c.outcome_then, c.outcome_now, c.score_then, c.score_now) for c in changes
    ] == changed
    assert found.changed == len(changes)
    assert found.newly_denied.events == sum(c.outcome_now == "deny" for c in changes)
    assert found.newly_let_through.events == sum(c.outcome_now == "allow" for c in changes)
    assert sorted(c.amount_minor or 0 for c in found.top) == sorted(
        sorted((c.amount_minor or 0 for c in changes), reverse=True)[:20]
    )


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_the_pack_of_the_time_changes_nothing(tmp_path: Path, number: int) -> None:
    """Under the only pack that was ever in force, every outcome stays."""
    put_in_force(tmp_path, number)
    live(tmp_path, judged(*(payment(f"e{i}", i) for i in range(6)), listed("l1", "c2")))
    live(tmp_path, recorded(payment("e7", 8, card="c2")) + judged(payment("e8", 9, card="c2")))
    found, changes = compared(tmp_path, pack_of(tmp_path, number))
    assert (found.decided, found.recorded, found.changed, changes) == (8, 1, 0, [])


def test_rules_are_decisive_where_their_absence_would_change_the_outcome(tmp_path: Path) -> None:
    """Before and now, for changed events only, with the money of those events."""
    put_in_force(tmp_path, 0)
    live(tmp_path, judged(*(payment(f"e{i}", i) for i in range(3))))
    found, changes = compared(tmp_path, pack_of(tmp_path, 2))
    assert [(c.event_id, c.outcome_then, c.outcome_now) for c in changes] == [
        ("e1", "allow", "review"), ("e2", "challenge", "review"),
    ]  # fmt: skip
    assert [(c.decisive_then, c.decisive_now) for c in changes] == [
        ((), ("fast",)), (("fast",), ("fast",)),
    ]  # fmt: skip
    fast = found.rules["fast"]
    assert (fast.fired_then, fast.fired_now, fast.decisive_then, fast.decisive_now) == (1, 2, 1, 2)
    assert fast.amount_minor == 2 * 1999
    assert found.rules["broken"].decisive_now == 0


def test_labels_of_the_whole_journal_say_which_changes_are_right(tmp_path: Path) -> None:
    """Also those from behind the span; the last label of an event counts, and each tenant's own."""
    put_in_force(tmp_path, 0)
    live(tmp_path, judged(*(payment(f"e{i}", i) for i in range(8))))
    live(tmp_path, [
        *recorded(label("m1", "e3", "legitimate"), label("m2", "e3", "fraud"), label("m3", "e5", "legitimate")),
        *recorded(label("m4", "e4", "fraud"), tenant="b"),
    ])  # fmt: skip
    kind = write_pack(tmp_path / "kind", FEATURES, RULES.replace('outcome="deny", points=0', "points=40")
                      .replace("points=60", "points=1").replace("points=50", "points=1"))  # fmt: skip
    found, changes = compared(tmp_path, load_pack(kind), Span(1, 5))
    assert [c.event_id for c in changes] == ["e2", "e3", "e4"]
    assert (found.labels, found.last) == (3, 5)
    assert found.newly_let_through.labels == {"fraud": 1}
    whole, _ = compared(tmp_path, load_pack(kind))
    assert whole.newly_let_through.labels == {"fraud": 1}
    assert whole.changed == 6
    strict = write_pack(tmp_path / "strict", FEATURES, RULES.replace("points=50", "points=100"))
    live(tmp_path, recorded(label("m5", "e2", "legitimate")))
    denied, _ = compared(tmp_path, load_pack(strict), Span(1, 5))
    assert denied.newly_denied.events == 1
    assert denied.newly_denied.labels == {"legitimate": 1}


def test_money_is_in_the_new_packs_base_currency(tmp_path: Path) -> None:
    """Amounts are converted with the new pack's rates, and those without a rate are counted."""
    put_in_force(tmp_path, 0)
    live(tmp_path, judged(
        payment("e0", 0, currency="EUR", amount_minor=1000), payment("e1", 1, currency="USD", amount_minor=500),
        payment("e2", 2, currency="JPY", amount_minor=70), payment("e3", 3, currency=None, amount_minor=None),
    ))  # fmt: skip
    folder = write_pack(tmp_path / "dollars", FEATURES, RULES)
    manifest = MANIFEST.replace('base = "EUR"', 'base = "USD"\n[money.rates]\nEUR = "1.5"')
    (folder / "pack.toml").write_text(manifest)
    found, _ = compared(tmp_path, load_pack(folder))
    assert found.base == "USD"
    total = sum(t.amount_minor for cells in found.outcomes.values() for t in cells.values())
    assert (total, found.unconverted) == (1500 + 500, 1)


def test_the_weightiest_changes_are_kept(tmp_path: Path) -> None:
    """At most as many as asked for, those with the most money first."""
    put_in_force(tmp_path, 0)
    live(tmp_path, judged(*(payment(f"e{i}", 2 * i, card=f"c{i // 2}", amount_minor=100 * i + 1)
                            for i in range(12))))  # fmt: skip
    found, changes = compared(tmp_path, pack_of(tmp_path, 2), keep=3)
    assert len(changes) == 6
    assert [c.amount_minor for c in found.top] == [1101, 901, 701]
    assert compared(tmp_path, pack_of(tmp_path, 2), keep=0)[0].top == []


def test_what_cannot_be_compared_is_counted(tmp_path: Path) -> None:
    """Types the new pack does not know, answers that are none, packs that are lost, erased rows."""
    pack = put_in_force(tmp_path, 0)
    (pack / "events.kanhe").write_text(
        'field("gift_note", kind="text", en="A note.", zh="留言。")\n'
        'extend("payment.attempted", may=["gift_note"])\n'
    )
    live(
        tmp_path,
        judged(payment("e0", 0, gift_note="hi"), *(payment(f"e{i}", i) for i in (1, 2, 3, 4))),
    )
    rows = rows_of(tmp_path)
    tamper(tmp_path, 2, answer=b"[]")
    tamper(tmp_path, 3, kind=ERASED, event_id="", body=b"", vector=b"", answer=b"")
    tamper_with_packs(tmp_path, None, rows[0].policy)
    found, _ = compared(tmp_path, pack_of(tmp_path, 0))
    assert found.unknown_types == {"payment.attempted": 1}
    assert (found.unreadable_answers, found.decided, found.changed) == (1, 2, 2)
    assert found.packs_not_kept == [rows[0].policy]


def test_an_empty_journal_changes_nothing(tmp_path: Path) -> None:
    """No rows, no changes."""
    live(tmp_path, [])
    found, changes = compared(tmp_path, pack_of(tmp_path, 1))
    assert (found.decided, changes, found.name) == (0, [], "small")


def test_a_past_of_several_packs_is_held_against_one(tmp_path: Path) -> None:
    """The same past, checked against judging everything anew."""
    a_past(tmp_path)
    pack = pack_of(tmp_path, 3)
    made = from_the_beginning(rows_of(tmp_path), pack)
    _, changes = compared(tmp_path, pack)
    assert {c.seq: c.outcome_now for c in changes}.items() <= {
        seq: decision["outcome"] for seq, decision in made.items()
    }.items()
    assert len(changes) == 3
