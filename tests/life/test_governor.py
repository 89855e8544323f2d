"""One bad rule can do so much harm and no more, whatever happens meanwhile."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from kanhe.app import open_history
from kanhe.core.decision import GOVERNOR
from kanhe.judge.language.source import PolicyErrors
from kanhe.judge.policy.pack import load_pack
from kanhe.judge.verdict.governor import Governor, GovernorError
from kanhe.record.journal.ports import NOTED
from kanhe.replay import Audit, Span, audit
from tests.life.mad import (
    LISTED,
    MAD,
    buyer,
    in_memory,
    mad_pack,
    opened,
    outcome,
    settings,
    write_mad,
)

LEAST = 50
"""So many people are refused under the caps that a pack has without saying so."""


def outcomes(kanhe, raws, minute: float = 0) -> Counter[str]:
    return Counter(outcome(kanhe, raw, minute)["outcome"] for raw in raws)


def test_a_rule_that_denies_everyone_is_held_after_its_cap(tmp_path: Path) -> None:
    """49 people are refused, everybody after them is looked at by a person, and nobody is let through."""
    with in_memory(mad_pack(tmp_path)) as kanhe:
        found = [outcome(kanhe, buyer(n))["outcome"] for n in range(500)]
    assert found == ["deny"] * (LEAST - 1) + ["review"] * 451


def test_what_a_held_rule_asks_for_beside_is_not_done_either(tmp_path: Path) -> None:
    """Whom a held rule would have put on a list is not put there; somebody is still notified."""
    with in_memory(mad_pack(tmp_path)) as kanhe:
        for n in range(100):
            last = outcome(kanhe, buyer(n))
        listed = dict(kanhe.lists().entries("stolen_cards", "shop"))
    assert len(listed) == LEAST - 1
    assert [action["kind"] for action in last["actions"]] == ["notify"]
    assert last["reasons"][0]["rule"] == GOVERNOR
    assert "mad" in last["reasons"][0]["text"]["zh"]


def test_other_rules_go_on(tmp_path: Path) -> None:
    """While one rule is held, another one still denies what it alone denies."""
    manual = b'{"id":"l1","type":"list.entry_added","at_ms":1767225600000,"list_name":"stolen_cards","value":"c400","staff":"s"}'
    with in_memory(mad_pack(tmp_path)) as kanhe:
        kanhe.record("shop", manual, frozenset({"lists"}))
        found = [outcome(kanhe, buyer(n)) for n in range(1_000)]
    assert found[400]["outcome"] == "deny"
    assert Counter(one["outcome"] for one in found) == {"deny": LEAST, "review": 950}


def test_the_alarm_is_raised_once(tmp_path: Path) -> None:
    """A rule that trips leaves one row for the log, one alert, and stands in the figures."""
    write_mad(tmp_path / "pack")
    with opened(tmp_path) as kanhe:
        outcomes(kanhe, map(buyer, range(300)))
        notes = [row for row in kanhe.journal.rows() if row.kind == NOTED]
        alerts = [m for _, m in kanhe.journal.outbox(limit=10_000) if b'"facts"' in m.payload]
        stats = kanhe.stats()
    assert [row.type for row in notes] == ["policy:governor:tripped"]
    assert [(m.topic, m.seq) for m in alerts] == [("alert", notes[0].seq)]
    assert b'"rule":"mad"' in notes[0].body and b'"people":"50"' in notes[0].body
    assert [(held.rule, held.outcome) for held in stats.governor] == [("mad", "deny")]
    assert stats.decisions_held == 251


def test_a_restart_holds_what_was_held(tmp_path: Path) -> None:
    """After a restart, with or without snapshots, the state is the same and the rule stays held."""
    write_mad(tmp_path / "pack")
    with opened(tmp_path) as kanhe:
        outcomes(kanhe, map(buyer, range(80)))
        before = kanhe.state()
    with opened(tmp_path) as kanhe:
        assert kanhe.state() == before
        assert outcome(kanhe, buyer(1_000))["outcome"] == "review"
    shutil.rmtree(tmp_path / "data" / "snapshots")
    with opened(tmp_path) as kanhe:
        assert outcome(kanhe, buyer(1_001))["outcome"] == "review"


def test_a_replay_gives_the_same_bytes(tmp_path: Path) -> None:
    """Held decisions, releases and all: `kanhe replay` finds nothing that differs."""
    write_mad(tmp_path / "pack", '[governor]\ncool = "5m"\n')
    rng = random.Random(5)
    with opened(tmp_path) as kanhe:
        number = 0
        for minute in range(60):
            for _ in range(rng.choice((0, 3, 60))):
                number += 1
                shared = {"ip": "10.0.0.1"} if rng.random() < 0.3 else {}
                outcome(kanhe, buyer(number, **shared), minute, rng.choice(("a", "b")))
            if minute in (17, 40):
                kanhe.release_rule("mad", "payment.attempted", "deny", minutes=2, by="ann")
    with open_history(settings(tmp_path)) as history:
        assert history is not None
        found = Audit()
        assert list(audit(history, Span(), found)) == []
        assert found.equal == number
        rows = Counter(row.type for row in history.journal.rows() if row.kind == NOTED)
    assert rows["policy:governor:released"] == 2 and rows["policy:governor:tripped"] > 3


def test_a_flood_by_a_few_does_not_use_up_the_cap(tmp_path: Path) -> None:
    """10,000 refusals of one device, and 2,000 from one address with new cards, count as 1 and 10."""
    rules = """
rule("tested", on="payment.attempted", when=amount_minor <= 100, outcome="deny", points=0,
     en="Testing.", zh="试卡。", tags=["OAT-001"], owner="risk")
"""
    with in_memory(mad_pack(tmp_path, rules=rules)) as kanhe:
        one = (buyer(n, device="bot", amount_minor=100) for n in range(10_000))
        assert outcomes(kanhe, one) == {"deny": 10_000}
        many = (buyer(n, ip="203.0.113.9", amount_minor=100) for n in range(10_000, 12_000))
        assert outcomes(kanhe, many) == {"deny": 2_000}
        counts = kanhe._flow.governor._counts
        (count,) = [one for one in counts.each() if one.key.rule == "tested"]
        assert count.people == 11
        # They are no traffic either: a mad rule cannot hide behind them.
        assert counts.seen(("shop", "payment.attempted")) == 11


def test_a_rule_within_its_cap_is_left_alone(tmp_path: Path) -> None:
    """A rule that refuses one person in twenty refuses every one of them, all day."""
    rules = MAD.replace("amount_minor >= 0", "amount_minor == 666").replace(
        'list_add("stolen_cards", card, "1h"), ', ""
    )
    with in_memory(mad_pack(tmp_path, rules=rules)) as kanhe:
        for minute in range(120):
            raws = (
                buyer(40 * minute + n, amount_minor=666 if n % 20 == 7 else 50) for n in range(40)
            )
            assert outcomes(kanhe, raws, minute) == {"deny": 2, "allow": 38}


def test_a_held_rule_does_not_flap(tmp_path: Path) -> None:
    """As long as it wants to refuse everybody it is held, for hours; when it is quiet, it is let go."""
    with in_memory(mad_pack(tmp_path, '[governor]\ncool = "30m"\n', MAD)) as kanhe:
        number = 0
        for minute in range(240):
            raws = [buyer(number := number + 1) for _ in range(30)]
            found = outcomes(kanhe, raws, minute)
            if minute >= 2:
                assert found == {"review": 30}
        # Ten minutes empty the window, and then it has to be quiet for half an hour.
        assert outcome(kanhe, buyer(90_000), 265)["outcome"] == "review"
        assert outcome(kanhe, buyer(90_001), 272)["outcome"] == "deny"


def test_a_person_lets_a_rule_go(tmp_path: Path) -> None:
    """Released, it refuses again, without a cap for as long as was said, and trips again after."""
    caps = "[governor.overall]\ndeny = { share = 0 }\n"
    with in_memory(mad_pack(tmp_path, caps, MAD)) as kanhe:
        assert outcomes(kanhe, map(buyer, range(200)))["review"] == 151
        assert kanhe.release_rule("mad", "payment.attempted", "deny", minutes=3, by="ann")
        assert outcomes(kanhe, map(buyer, range(200, 400)), 1) == {"deny": 200}
        assert outcomes(kanhe, map(buyer, range(400, 600)), 5)["review"] == 200
        assert not kanhe.release_rule("other", "payment.attempted", "deny", minutes=0, by="ann")


@pytest.mark.parametrize(
    ("caps", "denied"),
    [
        ("deny = { per_minute = 20, share = 0 }", 20),
        ("deny = { money_per_hour_minor = 12_500, share = 0 }", 12),
        ("deny = { share = 0.5, least = 5 }", 4),
    ],
)
def test_each_cap_bounds_the_harm(tmp_path: Path, caps: str, denied: int) -> None:
    """People by the minute, money by the hour, share of the traffic: each holds to the unit."""
    with in_memory(mad_pack(tmp_path, f"[governor.rule]\n{caps}\n", MAD)) as kanhe:
        assert outcomes(kanhe, map(buyer, range(100))) == {"deny": denied, "review": 100 - denied}


def test_all_rules_together_have_caps_too(tmp_path: Path) -> None:
    """Ten rules that each stay within their own cap cannot refuse everybody together."""
    rules = "".join(
        MAD.replace('"mad"', f'"mad_{n}"').replace("amount_minor >= 0", f"amount_minor % 10 == {n}")
        for n in range(10)
    )
    caps = "[governor.rule]\ndeny = { share = 0.2 }\n[governor.overall]\ndeny = { share = 0.5 }\n"
    with in_memory(mad_pack(tmp_path, caps, rules)) as kanhe:
        found = outcomes(kanhe, (buyer(n, amount_minor=n) for n in range(1_000)))
        assert found == {"deny": 99, "review": 901}
        assert [held.rule for held in kanhe.stats().governor] == [""]


def test_a_challenge_that_everybody_meets_is_held(tmp_path: Path) -> None:
    """Challenges have caps of their own; held ones go to a person."""
    rules = MAD.replace('outcome="deny"', 'outcome="challenge"')
    with in_memory(mad_pack(tmp_path, rules=rules)) as kanhe:
        assert outcomes(kanhe, map(buyer, range(600))) == {"challenge": 499, "review": 101}


def test_points_are_answered_for_by_those_who_gave_them(tmp_path: Path) -> None:
    """If the score denies, the rule whose points were needed is held, and not the one beside it."""
    rules = MAD.replace('outcome="deny", points=0', "points=90") + MAD.replace(
        '"mad"', '"small"'
    ).replace('outcome="deny", points=0', "points=15")
    with in_memory(mad_pack(tmp_path, rules=rules)) as kanhe:
        assert outcomes(kanhe, map(buyer, range(200))) == {"deny": 49, "review": 151}
        # Without the 15 points it would not be a denial either: both were needed.
        assert [held.rule for held in kanhe.stats().governor] == ["mad", "small"]


def test_tenants_do_not_use_up_each_others_caps(tmp_path: Path) -> None:
    """A tenant whose buyers are all refused leaves the caps of another as they were."""
    with in_memory(mad_pack(tmp_path, rules=MAD)) as kanhe:
        for n in range(200):
            outcome(kanhe, buyer(n), tenant="a")
        assert [outcome(kanhe, buyer(n), tenant="b")["outcome"] for n in range(49)] == ["deny"] * 49


def test_clocks_that_go_back_only_stop_the_time(tmp_path: Path) -> None:
    """A clock that jumps ahead by a day and back neither frees a rule by itself twice nor holds it for a day."""
    with in_memory(mad_pack(tmp_path, '[governor]\ncool = "5m"\n', MAD)) as kanhe:
        assert outcomes(kanhe, map(buyer, range(60)))["review"] == 11
        assert outcome(kanhe, buyer(61), -600)["outcome"] == "review"
        assert outcome(kanhe, buyer(62), -590)["outcome"] == "deny"


def test_the_state_can_be_saved_at_any_moment(tmp_path: Path) -> None:
    """Whoever goes on from a saved state decides as whoever went on without."""
    pack = mad_pack(tmp_path, '[governor]\nwindow = "3m"\ncool = "2m"\n')
    rng = random.Random(3)
    with in_memory(pack) as kanhe:
        minute = 0.0
        for number in range(3_000):
            minute += rng.choice((0, 0, 0, 0, 0.1, 0.3, 2, -1)) if number % 50 == 0 else 0.01
            outcome(kanhe, buyer(rng.randrange(2_000), id=f"e{number}"), minute)
            if rng.random() < 0.02:
                governor = kanhe._flow.governor
                saved = governor.dump()
                asks = {rule.id: rule.outcome for rule in pack.rules}
                fresh = Governor(pack.governor, pack.verdict, asks, pack.rates, kanhe._key)
                fresh.load(saved)
                assert fresh.dump() == saved
                kanhe._flow.governor = fresh
                if rng.random() < 0.5:
                    kanhe._flow.governor = governor
        kept = [row.answer for row in kanhe.journal.rows() if row.kind != NOTED]
        raws = [(row.tenant, row.body, row.received_ms) for row in kanhe.journal.rows()
                if row.kind != NOTED]  # fmt: skip
    with in_memory(pack) as again:
        seqs = []
        for tenant, body, at_ms in raws:
            seqs.append(again.judge(tenant, body, frozenset(), at_ms).answer)
        assert seqs == kept


@pytest.mark.parametrize("saved", [b"", b"{}", b"[1,2]", b"\xff", b"[5,9,[],[],[],[]]"])
def test_a_damaged_state_is_not_taken_over(tmp_path: Path, saved: bytes) -> None:
    """A saved state that cannot be read raises, so that memory is rebuilt from the journal."""
    pack = mad_pack(tmp_path)
    governor = Governor(pack.governor, pack.verdict, {}, pack.rates, bytes(16))
    with pytest.raises(GovernorError):
        governor.load(saved)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[governor]\nwindow = "90m"', "window is at most 60m"),
        ('[governor]\nwindow = "30s"', "window is whole minutes"),
        ('[governor]\ncool = "soon"', "not a duration"),
        ("[governor]\nwindw = 1", "windw is not known here"),
        ("[governor.rule]\ndeny = { share = 2 }", "share is a number from 0"),
        ("[governor.rule]\ndeny = { share = nan }", "share is a number from 0"),
        ("[governor.rule]\ndeny = { share = true }", "share is a number from 0"),
        ("[governor.rule]\ndeny = { per_minute = -1 }", "per_minute is a whole number"),
        ("[governor.rule]\ndeny = 5", "deny is a table"),
        ("[governor.rules.nobody]\ndeny = { share = 1 }", "no rule is nobody"),
    ],
)
def test_mistakes_in_caps_are_shown_with_their_place(tmp_path: Path, text: str, said: str) -> None:
    """Every mistake under [governor] has its line and says what would do."""
    with pytest.raises(PolicyErrors, match=said) as caught:
        load_pack(write_mad(tmp_path, text + "\n", LISTED))
    assert "pack.toml" in str(caught.value)
