"""Signals in, one decision out: no clock, no state, no randomness.

(1) A rule that fired with an outcome asks for it; a rule that failed asks for what the pack's
    failures table says for this type of event (`open`: it asks for nothing).
(2) Of the outcomes asked for, the one that stands first in the pack's precedence is kept.
(3) An `allow` kept there ends the matter: the customer is let through, whatever the score.
(4) Else the score decides with it: the sum of points, held within 0 and `SCORE_MAX`, reaches
    thresholds, and the more severe of the two outcomes stands.
(5) Reasons are ranked: those that asked for just this outcome, then the more severe askers, then
    the heavier points, then the rule's id. What several have in common is said once.
(6) Actions are gathered in that order, each once, only those that fit the outcome.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import msgspec

from kanhe.core.decision import SEVERITY, Action, Decision, Outcome, Reason, Signal, Text

SCORE_MAX = 1000
"""The score never leaves 0 to this."""
_MILDEST = 1
"""The place, by severity, of a signal that asks for nothing: behind all that ask."""

Failure = Literal["open", "challenge", "review", "deny"]
"""What a failed rule means: nothing (`open`), or the outcome that it asks for in its stead."""

PRECEDENCE: tuple[Outcome, ...] = ("deny", "allow", "review", "challenge")
"""The order used where a pack names none: a denial beats a free pass, a free pass beats the rest."""


class VerdictTable(msgspec.Struct, frozen=True, kw_only=True):
    """How a pack turns signals into a decision.

    The three thresholds are scores in points, 1 to `SCORE_MAX`, and do not fall from `challenge`
    to `deny`. `precedence` holds all four outcomes once, strongest first.
    """

    challenge: int = 40
    review: int = 70
    deny: int = 100
    precedence: tuple[Outcome, ...] = PRECEDENCE
    default_challenge: str = "otp"
    """The step-up asked for when the outcome is `challenge` and no rule names one."""
    default_failure: Failure = "open"
    failures: dict[str, Failure] = {}
    """What a failed rule means, by event type, where that differs from `default_failure`."""

    def outcome_of(self, score: int) -> Outcome:
        """The outcome that this score reaches by itself."""
        if score < self.challenge:
            return "allow"
        if score < self.review:
            return "challenge"
        return "review" if score < self.deny else "deny"

    def mark_of(self, outcome: Outcome) -> int:
        """From which score on the outcome, or a more severe one, is reached: 0 to `SCORE_MAX`."""
        match outcome:
            case "deny":
                return self.deny
            case "review":
                return self.review
            case "challenge":
                return self.challenge
        return 0


def decide(
    signals: Sequence[Signal],
    table: VerdictTable,
    event_type: str,
    event_id: str,
    decision_id: str,
    policy: str,
) -> Decision:
    """The one decision these signals lead to under this table; the order of `signals` is of no account.

    `policy` is the content hash of the pack in force. Never raises for signals made by the rules
    of a pack that loaded.
    """
    if not signals:
        return Decision(decision_id, event_id, "allow", 0, policy)
    if any(s.outcome or s.error or s.actions or s.because for s in signals):
        found = _weighed(signals, table, event_type)
    else:
        found = _scored(signals, table)
    outcome, score, reasons, actions = found
    return Decision(decision_id, event_id, outcome, score, policy, reasons, actions)


_Found = tuple[Outcome, int, tuple[Reason, ...], tuple[Action, ...]]
"""Outcome, score, reasons and actions."""


def _scored(signals: Sequence[Signal], table: VerdictTable) -> _Found:
    """What signals lead to that hold nothing but points, as most do: the score decides alone, and
    nothing is asked for."""
    score = _held_in(score_of(signals))
    outcome = table.outcome_of(score)
    ranked = sorted(signals, key=_heaviest) if len(signals) > 1 else signals
    reasons = tuple([Reason(s.rule, s.points, s.reason, s.tags) for s in ranked])
    actions = (Action("challenge", table.default_challenge),) if outcome == "challenge" else ()
    return outcome, score, reasons, actions


def _weighed(signals: Sequence[Signal], table: VerdictTable, event_type: str) -> _Found:
    """Steps (1) to (6) for signals of every kind."""
    asked = _asked(signals, table, event_type)
    score = _held_in(score_of(signals))
    kept = _kept(asked, table)
    trusted = kept == "allow"
    outcome = _outcome(kept, score, table)
    ranked = _ranked(signals, asked, outcome)
    actions = _actions(ranked, outcome, trusted, table.default_challenge)
    return outcome, score, _reasons(ranked), actions


def outcome_of(signals: Sequence[Signal], table: VerdictTable, event_type: str) -> Outcome:
    """Steps (1) to (4) alone: what these signals lead to."""
    kept = _kept(_asked(signals, table, event_type), table)
    return _outcome(kept, _held_in(score_of(signals)), table)


def score_of(signals: Iterable[Signal]) -> int:
    """The sum of points, not yet held within its range."""
    return sum([signal.points for signal in signals if not signal.error])


def answerable(
    signals: Sequence[Signal], table: VerdictTable, event_type: str, outcome: Outcome
) -> list[str]:
    """The rules that an outcome is due to.

    Those that asked for it, or for worse, by themselves. If none did, the score did it: then those
    without whose points it would not have been reached; and if no single one was needed, all that
    added to it.
    """
    least, failed = SEVERITY[outcome], _failed(table, event_type)
    score = 0
    askers, heavy = [], []
    for signal in signals:
        wish = failed if signal.error else signal.outcome
        if wish is not None and SEVERITY[wish] >= least:
            askers.append(signal.rule)
        if not signal.error:
            score += signal.points
            if signal.points > 0:
                heavy.append(signal)
    if askers:
        return askers
    mark = table.mark_of(outcome)
    needed = [signal.rule for signal in heavy if _held_in(score - signal.points) < mark]
    return needed or [signal.rule for signal in heavy]


def softened(
    decision: Decision,
    signals: Sequence[Signal],
    table: VerdictTable,
    event_type: str,
    outcome: Outcome,
    silent: Collection[str],
    why: Reason,
) -> Decision:
    """The same decision with a milder outcome, `why` before its reasons, and of the `silent` rules
    no action but to notify somebody."""
    asked = _asked(signals, table, event_type)
    ranked = [
        msgspec.structs.replace(s, actions=tuple([a for a in s.actions if a.kind == "notify"]))
        if s.rule in silent
        else s
        for s in _ranked(signals, asked, decision.outcome)
    ]
    return msgspec.structs.replace(
        decision,
        outcome=outcome,
        reasons=(why, *decision.reasons),
        actions=_actions(ranked, outcome, False, table.default_challenge),
    )


def _asked(signals: Sequence[Signal], table: VerdictTable, event_type: str) -> list[Outcome | None]:
    """Step (1): the outcome that each signal asks for by itself."""
    failed = _failed(table, event_type)
    return [failed if signal.error else signal.outcome for signal in signals]


def _failed(table: VerdictTable, event_type: str) -> Outcome | None:
    """The outcome that a failed rule asks for."""
    failure = table.failures.get(event_type, table.default_failure)
    return None if failure == "open" else failure


def _kept(asked: Collection[Outcome | None], table: VerdictTable) -> Outcome | None:
    """Step (2)."""
    for outcome in table.precedence:
        if outcome in asked:
            return outcome
    return None


def _held_in(points: int) -> int:
    """A sum of points, held within the range of scores."""
    if points < 0:
        return 0
    return min(SCORE_MAX, points)


def _outcome(kept: Outcome | None, score: int, table: VerdictTable) -> Outcome:
    """Steps (3) and (4): the kept outcome and the score's, put together."""
    if kept == "allow":
        return "allow"
    scored = table.outcome_of(score)
    if kept is None or SEVERITY[scored] > SEVERITY[kept]:
        return scored
    return kept


def _ranked(
    signals: Sequence[Signal], asked: Sequence[Outcome | None], outcome: Outcome
) -> Sequence[Signal]:
    """Step (5)."""
    if len(signals) == 1:
        return signals
    weights = [
        (wish != outcome, _MILDEST if wish is None else -SEVERITY[wish], -s.points, s.rule, place)
        for place, (s, wish) in enumerate(zip(signals, asked, strict=True))
    ]
    weights.sort()
    if len({signal.rule for signal in signals}) < len(signals):
        # One rule speaks once; whoever hands over more than one signal of it gets an order too.
        weights.sort(key=lambda weight: (weight[:-1], _all_of(signals[weight[-1]])))
    return [signals[weight[-1]] for weight in weights]


def _reasons(ranked: Sequence[Signal]) -> tuple[Reason, ...]:
    """The reasons in their order; what weighed in a score is told with the first that read it."""
    told: set[tuple[Text, ...]] = set()
    reasons = []
    for s in ranked:
        because = s.because
        if because:
            because = () if because in told else because
            told.add(because)
        reasons.append(Reason(s.rule, s.points, s.reason, s.tags, s.error, because))
    return tuple(reasons)


def _heaviest(signal: Signal) -> tuple[int, str, str, str, tuple[str, ...]]:
    """The rank of a signal that holds nothing but points; beyond the rule only one rule's own differ."""
    return -signal.points, signal.rule, signal.reason.en, signal.reason.zh, signal.tags


def _all_of(signal: Signal) -> tuple[object, ...]:
    """Everything a signal holds beside its weight, so that no tie is left to chance."""
    return (
        signal.error,
        signal.reason.en,
        signal.reason.zh,
        signal.tags,
        tuple((a.kind, a.what, a.value, a.for_ms) for a in signal.actions),
        signal.outcome or "",
        tuple((text.en, text.zh) for text in signal.because),
    )


def _actions(
    ranked: Iterable[Signal], outcome: Outcome, trusted: bool, default_challenge: str
) -> tuple[Action, ...]:
    """Step (6).

    A step-up makes sense only where there is something left to step up to, so `challenge` goes
    with the outcomes `challenge` and `review`. For whom the pack lets through by name (`trusted`),
    only `notify` remains. Where two rules ask for the same with different durations, the longer one
    stands; 0 is without end.
    """
    gathered: dict[tuple[str, str, str], Action] = {}
    for signal in ranked:
        for action in signal.actions:
            if trusted and action.kind != "notify":
                continue
            if action.kind == "challenge" and outcome not in ("challenge", "review"):
                continue
            key = (action.kind, action.what, action.value)
            known = gathered.get(key)
            if known is None or _longer(action.for_ms, known.for_ms):
                gathered[key] = action
    if outcome == "challenge" and not any(key[0] == "challenge" for key in gathered):
        gathered["challenge", default_challenge, ""] = Action("challenge", default_challenge)
    return tuple(gathered.values())


def _longer(one_ms: int, other_ms: int) -> bool:
    """Whether the first duration outlasts the second; 0 is without end."""
    return other_ms != 0 and (one_ms == 0 or one_ms > other_ms)
