"""The verdict written down step by step, without a thought for speed: what `decide` is held to."""

from __future__ import annotations

from collections.abc import Sequence

from kanhe.core.decision import SEVERITY, Action, Decision, Outcome, Reason, Signal, Text
from kanhe.judge.verdict.decide import SCORE_MAX, VerdictTable

POLICY = "sha256:" + "0" * 64


def decided(signals: Sequence[Signal], table: VerdictTable, event_type: str) -> Decision:
    """The decision `d1` about the event `e1`, by the steps in the docstring of `kanhe.judge.verdict.decide`."""
    wishes = [_wish(signal, table, event_type) for signal in signals]  # (1)
    kept = next((outcome for outcome in table.precedence if outcome in wishes), None)  # (2)
    score = min(max(sum(s.points for s in signals if not s.error), 0), SCORE_MAX)
    outcome: Outcome = kept or "allow"
    if kept != "allow":  # (3), (4)
        outcome = max(outcome, table.outcome_of(score), key=SEVERITY.__getitem__)
    ranked = sorted(signals, key=lambda s: _rank(s, _wish(s, table, event_type), outcome))  # (5)
    reasons = []
    told: list[tuple[Text, ...]] = []
    for s in ranked:
        because = () if s.because in told else s.because
        told.append(s.because)
        reasons.append(Reason(s.rule, s.points, s.reason, s.tags, s.error, because))
    actions = _actions(ranked, outcome, kept == "allow", table)  # (6)
    return Decision("d1", "e1", outcome, score, POLICY, tuple(reasons), actions)


def answerable(signals: Sequence[Signal], table: VerdictTable, outcome: Outcome) -> list[str]:
    """The rules that an outcome is due to, for events that no failure table names."""

    def without(one: Signal) -> Outcome:
        points = sum(s.points for s in signals if s is not one and not s.error)
        return table.outcome_of(min(max(points, 0), SCORE_MAX))

    least = SEVERITY[outcome]
    askers = [s.rule for s in signals if SEVERITY.get(_wish(s, table, "") or "", -1) >= least]
    heavy = [s for s in signals if s.points > 0 and not s.error]
    needed = [s.rule for s in heavy if SEVERITY[without(s)] < least]
    return askers or needed or [s.rule for s in heavy]


def _wish(signal: Signal, table: VerdictTable, event_type: str) -> Outcome | None:
    if not signal.error:
        return signal.outcome
    failure = table.failures.get(event_type, table.default_failure)
    return None if failure == "open" else failure


def _rank(signal: Signal, wish: Outcome | None, outcome: Outcome) -> tuple[object, ...]:
    severity = -1 if wish is None else SEVERITY[wish]
    actions = [(a.kind, a.what, a.value, a.for_ms) for a in signal.actions]
    because = [(text.en, text.zh) for text in signal.because]
    return (
        wish != outcome, -severity, -signal.points, signal.rule, signal.error,
        signal.reason.en, signal.reason.zh, signal.tags, actions, signal.outcome or "", because,
    )  # fmt: skip


def _actions(
    ranked: Sequence[Signal], outcome: Outcome, trusted: bool, table: VerdictTable
) -> tuple[Action, ...]:
    found: dict[tuple[str, str, str], list[int]] = {}
    for action in (action for signal in ranked for action in signal.actions):
        fits = action.kind != "challenge" or outcome in ("challenge", "review")
        if fits and (not trusted or action.kind == "notify"):
            found.setdefault((action.kind, action.what, action.value), []).append(action.for_ms)
    if outcome == "challenge" and not any(kind == "challenge" for kind, _, _ in found):
        found["challenge", table.default_challenge, ""] = [0]
    return tuple(
        Action(kind, what, value, 0 if 0 in times else max(times))  # type: ignore[arg-type]
        for (kind, what, value), times in found.items()
    )
