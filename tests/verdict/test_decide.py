"""The verdict: a pure function from signals to one decision."""

from __future__ import annotations

import timeit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.core.decision import (
    SEVERITY,
    Action,
    Decision,
    Outcome,
    Signal,
    Text,
    allowed,
    decision_id,
)
from kanhe.judge.verdict.decide import SCORE_MAX, Failure, VerdictTable, answerable, decide
from tests.verdict.plainly import POLICY
from tests.verdict.plainly import answerable as plainly_answerable
from tests.verdict.plainly import decided as plainly_decided

TABLE = VerdictTable()


def judge(*signals: Signal, table: VerdictTable = TABLE, type_: str = "order.placed") -> Decision:
    return decide(signals, table, type_, "e1", "d1", POLICY)


def fired(
    rule: str,
    points: int = 0,
    outcome: Outcome | None = None,
    *actions: Action,
    error: str = "",
) -> Signal:
    return Signal(rule, points, Text(rule, rule), outcome, actions, (), error)


ACTIONS = st.builds(
    Action,
    kind=st.sampled_from(["challenge", "hold", "list_add", "notify"]),
    what=st.sampled_from(["otp", "payout", "risk"]),
    value=st.sampled_from(["", "c1", "c2"]),
    for_ms=st.sampled_from([0, 60_000, 3_600_000]),
)


@given(st.integers(1, 1 << 62), st.text())
def test_without_a_signal_the_answer_follows_from_the_row(seq: int, event_id: str) -> None:
    """What is answered, and found again, without writing a decision out is that decision's JSON."""
    decision = decide((), TABLE, "order.placed", event_id, decision_id(seq), POLICY)
    assert allowed(seq, event_id, POLICY) == msgspec.json.encode(decision)


def test_the_answer_that_follows_from_a_row_never_changes() -> None:
    """Journals hold rows that leave it out, so these bytes are a format."""
    assert allowed(7, 'e"1', "sha256:ab") == (
        b'{"decision_id":"d7-8453d7","event_id":"e\\"1","outcome":"allow","score":0,"policy":"sha256:ab"}'
    )


OUTCOMES = st.sampled_from(["allow", "challenge", "review", "deny"])
SIGNALS = st.builds(
    Signal,
    rule=st.sampled_from(["r1", "r2", "r3", "r4"]),
    points=st.integers(-1000, 1000),
    reason=st.builds(Text, en=st.sampled_from(["a", "b"]), zh=st.sampled_from(["甲", "乙"])),
    outcome=st.none() | OUTCOMES,
    actions=st.lists(ACTIONS, max_size=3).map(tuple),
    tags=st.sampled_from([(), ("OAT-001",)]),
    error=st.sampled_from(["", "", "ZeroDivisionError: division by zero"]),
    because=st.sampled_from([(), (), (Text("a", "甲"),), (Text("b", "乙"), Text("a", "甲"))]),
)
BARE = st.builds(
    Signal,
    rule=st.sampled_from(["r1", "r2", "r3", "r4"]),
    points=st.integers(-60, 60),
    reason=st.builds(Text, en=st.sampled_from(["a", "b"]), zh=st.sampled_from(["甲", "乙"])),
    tags=st.sampled_from([(), ("OAT-001",)]),
)
"""Signals that hold nothing but points, as most do."""
TABLES = st.builds(
    VerdictTable,
    precedence=st.permutations(["allow", "challenge", "review", "deny"]).map(tuple),
    default_failure=st.sampled_from(["open", "challenge", "review", "deny"]),
)


def test_nothing_said_is_allowed() -> None:
    """Without a signal the event is allowed, with score 0 and nothing to explain."""
    assert judge() == Decision("d1", "e1", "allow", 0, POLICY)


@pytest.mark.parametrize(
    ("points", "outcome"),
    [(-5, "allow"), (0, "allow"), (39, "allow"), (40, "challenge"), (69, "challenge"),
     (70, "review"), (99, "review"), (100, "deny"), (1000, "deny")],
)  # fmt: skip
def test_thresholds_are_inclusive(points: int, outcome: str) -> None:
    """A score that reaches a threshold takes its outcome; one point less does not."""
    assert judge(fired("r", points)).outcome == outcome


def test_score_is_held_within_bounds() -> None:
    """The score is never below 0 nor above the maximum, whatever the points."""
    assert judge(fired("a", -300), fired("b", 20)).score == 0
    assert judge(fired("a", 900), fired("b", 900)).score == SCORE_MAX


def test_points_of_trust_are_taken_off() -> None:
    """Negative points lower the score before thresholds are looked up."""
    decision = judge(fired("a", 60), fired("known_customer", -30))
    assert (decision.score, decision.outcome) == (30, "allow")


def test_precedence_resolves_explicit_outcomes() -> None:
    """A listed denial beats a listed free pass, and a free pass beats a review and any score."""
    assert judge(fired("a", 0, "allow"), fired("d", 0, "deny")).outcome == "deny"
    assert judge(fired("a", 0, "allow"), fired("r", 500, "review")).outcome == "allow"
    first = VerdictTable(precedence=("allow", "deny", "review", "challenge"))
    assert judge(fired("a", 0, "allow"), fired("d", 0, "deny"), table=first).outcome == "allow"


def test_the_more_severe_of_outcome_and_score_stands() -> None:
    """An explicit challenge does not shield from a score that denies, nor the other way round."""
    assert judge(fired("c", 0, "challenge"), fired("p", 120)).outcome == "deny"
    assert judge(fired("d", 0, "deny"), fired("p", 10)).outcome == "deny"


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [("open", "allow"), ("challenge", "challenge"), ("review", "review"), ("deny", "deny")],
)
def test_a_failed_rule_means_what_the_pack_says(failure: Failure, outcome: str) -> None:
    """A rule that failed asks for the outcome of the failures table, and stands in the reasons."""
    table = VerdictTable(failures={"order.placed": failure})
    decision = judge(fired("r", 0, error="ZeroDivisionError: division by zero"), table=table)
    assert decision.outcome == outcome
    assert decision.reasons[0].error.startswith("ZeroDivisionError")
    assert judge(fired("r", error="E"), table=table, type_="review.posted").outcome == "allow"


def test_a_failed_rule_scores_nothing() -> None:
    """Points of a rule that failed do not count."""
    assert judge(fired("r", 500, error="ValueError")).score == 0


def test_an_allow_listed_customer_is_not_held_up_by_a_broken_rule() -> None:
    """Failures take part in the precedence: a free pass beats a review, a failure that denies beats it."""
    allow, broken = fired("a", 0, "allow"), fired("r", error="E")
    assert judge(allow, broken, table=VerdictTable(default_failure="review")).outcome == "allow"
    assert judge(allow, broken, table=VerdictTable(default_failure="deny")).outcome == "deny"


def test_reasons_stand_heaviest_first() -> None:
    """Those that asked for the outcome lead, then the severe, then points, then the id."""
    decision = judge(
        fired("b", 10),
        fired("a", 10),
        fired("z", 90),
        fired("c", 0, "challenge"),
        fired("d", 0, "deny"),
    )
    assert [reason.rule for reason in decision.reasons] == ["d", "c", "z", "a", "b"]
    decision = judge(fired("c", 0, "challenge"), fired("trusted", 0, "allow"))
    assert [reason.rule for reason in decision.reasons] == ["trusted", "c"]


def test_a_challenge_always_names_its_kind() -> None:
    """Without a rule that names the step-up, the pack's default one is asked for."""
    assert judge(fired("r", 50)).actions == (Action("challenge", "otp"),)
    named = judge(fired("r", 50, None, Action("challenge", "captcha")))
    assert named.actions == (Action("challenge", "captcha"),)
    table = VerdictTable(default_challenge="passkey")
    assert judge(fired("r", 50), table=table).actions == (Action("challenge", "passkey"),)


def test_actions_fit_the_outcome() -> None:
    """A denied or allowed event is not challenged; a trusted customer is only reported."""
    step_up, hold, tell = (
        Action("challenge", "otp"),
        Action("hold", "payout", "", 5),
        Action("notify", "risk"),
    )
    assert judge(fired("d", 0, "deny", step_up, hold, tell)).actions == (hold, tell)
    assert judge(fired("r", 0, "review", step_up, hold)).actions == (step_up, hold)
    assert judge(fired("w", 1, None, step_up, hold)).actions == (hold,)
    assert judge(fired("a", 0, "allow"), fired("r", 90, None, step_up, hold, tell)).actions == (
        tell,
    )


def test_the_longest_of_equal_actions_stands() -> None:
    """The same action asked for twice is done once, for the longer time; 0 is without end."""
    short, long, endless = (Action("list_add", "watched_cards", "c", ms) for ms in (5, 9, 0))
    assert judge(fired("a", 1, None, short), fired("b", 2, None, long)).actions == (long,)
    assert judge(fired("a", 1, None, endless), fired("b", 2, None, long)).actions == (endless,)


@given(st.lists(SIGNALS, max_size=8) | st.lists(BARE, max_size=8), TABLES)
def test_the_verdict_is_what_its_steps_say(signals: list[Signal], table: VerdictTable) -> None:
    """The bytes are those of the steps, taken one by one."""
    plainly = plainly_decided(signals, table, "order.placed")
    assert msgspec.json.encode(judge(*signals, table=table)) == msgspec.json.encode(plainly)


@given(st.lists(SIGNALS, max_size=8) | st.lists(BARE, max_size=8), TABLES, OUTCOMES)
def test_those_answer_for_an_outcome_without_whom_it_would_not_be(
    signals: list[Signal], table: VerdictTable, outcome: Outcome
) -> None:
    """Who asked for it; else who was needed; else all that added to it."""
    found = answerable(signals, table, "order.placed", outcome)
    assert found == plainly_answerable(signals, table, outcome)


@given(st.lists(SIGNALS | BARE, max_size=8), TABLES, st.randoms())
def test_the_order_of_signals_is_of_no_account(
    signals: list[Signal], table: VerdictTable, random: object
) -> None:
    """Any order of the same signals gives the same bytes."""
    shuffled = list(signals)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one = msgspec.json.encode(judge(*signals, table=table))
    assert one == msgspec.json.encode(judge(*shuffled, table=table))


@given(st.lists(SIGNALS, max_size=8), TABLES)
def test_adding_a_denial_never_softens(signals: list[Signal], table: VerdictTable) -> None:
    """One more rule that denies leaves the outcome as severe as it was, or more."""
    before = judge(*signals, table=table).outcome
    after = judge(*signals, fired("new", 0, "deny"), table=table).outcome
    if table.precedence.index("allow") > table.precedence.index("deny") or before != "allow":
        assert SEVERITY[after] >= SEVERITY[before]
    if table.precedence[0] == "deny":
        assert after == "deny"


@given(st.lists(SIGNALS, max_size=8), TABLES)
def test_a_decision_is_sound(signals: list[Signal], table: VerdictTable) -> None:
    """Score in bounds, every signal explained, no action twice, a challenge always has a kind."""
    decision = judge(*signals, table=table)
    assert 0 <= decision.score <= SCORE_MAX
    assert sorted(r.rule for r in decision.reasons) == sorted(s.rule for s in signals)
    keys = [(a.kind, a.what, a.value) for a in decision.actions]
    assert len(keys) == len(set(keys))
    challenged = any(a.kind == "challenge" for a in decision.actions)
    assert challenged or decision.outcome != "challenge"
    assert decision.outcome in ("challenge", "review") or not challenged


def test_allowing_costs_next_to_nothing() -> None:
    """An event without signals is decided in a fraction of a microsecond beside building the answer."""
    rounds = 20_000
    build = min(timeit.repeat(lambda: Decision("d", "e", "allow", 0, POLICY), number=rounds))
    whole = min(timeit.repeat(lambda: decide((), TABLE, "t", "e", "d", POLICY), number=rounds))
    assert (whole - build) / rounds < 2e-6
