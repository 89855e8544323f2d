"""`kanhe replay`: old events again, under the policy of their time or under another one."""

from __future__ import annotations

import sys
from bisect import insort
from collections.abc import Iterator
from pathlib import Path

import msgspec

from kanhe.app import open_history
from kanhe.core.decision import SEVERITY, Reason
from kanhe.core.settings import Settings
from kanhe.judge.policy.pack import load_pack
from kanhe.judge.rules.reasons import MISSING, shown, shown_amount
from kanhe.replay import (
    Audit,
    Change,
    Comparison,
    Difference,
    PackAudit,
    Span,
    Tally,
    audit,
    backtest,
    span_of,
)
from kanhe.serve.cli.terminal import OK, REFUSED, print_table, rows_bar, say
from kanhe.serve.cli.wording import either, words

_MOST_FEATURES = 5
_HASH_SHOWN = 19
"""Characters of a content hash that tell packs apart at a glance: `sha256:` and twelve digits."""
_VERDICTS = ("fraud", "abuse", "legitimate", "unknown")


def replay(
    settings: Settings, begin: str, end: str, policy: Path | None, most: int, as_json: bool
) -> int:
    """Replay a part of the journal and report. Returns 1 if a decision of the time did not come out
    as it was; what another pack would change is no error."""
    span = span_of(begin, end)
    if policy is not None:
        return _compare(settings, span, policy, most, as_json)
    return _audit(settings, span, most, as_json)


def _audit(settings: Settings, span: Span, most: int, as_json: bool) -> int:
    found, first = Audit(), _First(most)
    with open_history(settings) as history, rows_bar(words("replay.progress")) as progress:
        if history is not None:
            for difference in audit(history, span, found, progress):
                if as_json:
                    _print_line(difference)
                else:
                    first.take(difference)
    if as_json:
        _print_line(found)
    else:
        _show_audit(found, first.kept)
    return OK if found.fine else REFUSED


def _compare(settings: Settings, span: Span, policy: Path, most: int, as_json: bool) -> int:
    # First of all, so that a mistake in the pack is told before anything begins.
    pack = load_pack(policy)
    found = Comparison(policy=pack.hash, name=pack.name, version=pack.version, base=pack.rates.base)
    with open_history(settings) as history, rows_bar(words("replay.progress")) as progress:
        if history is not None:
            for change in backtest(history, pack, span, found, progress, most):
                if as_json:
                    _print_line(change)
    if as_json:
        _print_line(found)
    else:
        _show_comparison(found)
    return OK


class _First:
    """The differences with the lowest numbers: packs come one after the other, numbers do not."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.kept: list[Difference] = []

    def take(self, difference: Difference) -> None:
        """Keep it if it is one of the first."""
        insort(self.kept, difference, key=lambda d: d.seq)
        del self.kept[self._most :]


def _print_line(content: msgspec.Struct) -> None:
    sys.stdout.write(msgspec.json.encode(content).decode() + "\n")


# Under the policy of the time


def _show_audit(found: Audit, first: list[Difference]) -> None:
    """For people: what was compared under which pack, and what differs how."""
    if not found.rows:
        say(words("replay.nothing"))
        return
    columns = [words(f"col.{c}") for c in ("pack", "first_row", "last_row", "events", "equal",
                                           "different", "state")]  # fmt: skip
    rows = [_pack_row(pack) for pack in found.packs]
    print_table(columns, rows, title=words("replay.packs"), right=(1, 2, 3, 4, 5))
    say(words("replay.compared", decided=found.decided, recorded=found.recorded))
    for kind, count in sorted(found.unknown_types.items()):
        say(words("replay.unknown_type", type=kind, count=count))
    if found.not_replayed:
        say(words("replay.not_replayed", count=found.not_replayed))
    if found.noted or found.erased:
        say(words("replay.no_events", noted=found.noted, erased=found.erased))
    if found.different:
        _show_differences(found, first)
    else:
        say(words("replay.all_equal" if found.equal else "replay.none_compared"))


def _pack_row(pack: PackAudit) -> tuple[object, ...]:
    state = words(f"replay.state.{pack.state}")
    return (
        f"{pack.name} {pack.version} {pack.policy[:_HASH_SHOWN]}".strip(),
        pack.first,
        pack.last,
        pack.events,
        pack.equal,
        pack.different,
        f"{state}: {pack.why}" if pack.why else state,
    )


def _show_differences(found: Audit, first: list[Difference]) -> None:
    columns = [words(f"col.{c}") for c in ("number", "decision", "outcome", "differs")]
    rows = [
        (f"#{d.seq}", d.decision_id or d.event_id, _outcomes(d.outcome_then, d.outcome_now),
         "\n".join(_told(d)))
        for d in first
    ]  # fmt: skip
    title = words("replay.differences", shown=len(first), count=found.different)
    print_table(columns, rows, title=title, whole=(0, 1))
    say(
        words(
            "replay.counted", different=found.different, answers=found.answers_differ,
            vectors=found.vectors_differ, follow=found.follow_served, rows=found.rows_differ,
        )
    )  # fmt: skip
    say(words("replay.first", seq=found.first_difference))
    if found.erased_before:
        say(words("replay.erased_before", count=found.erased_before))


def _told(difference: Difference) -> Iterator[str]:
    """What differs in one row, in sentences."""
    yield words(f"differs.{difference.differs}")
    if difference.why:
        yield difference.why
    for feature in difference.features[:_MOST_FEATURES]:
        yield f"  {feature.name}: {shown(feature.then)} → {shown(feature.now)}"
    if more := len(difference.features) - _MOST_FEATURES:
        if more > 0:
            yield words("differs.more", count=more)
    if difference.follows is not None:
        yield words("differs.follows" if difference.follows else "differs.follows_not")
    if difference.outcome_now and difference.rules_then != difference.rules_now:
        then, now = (
            ", ".join(rules) or MISSING for rules in (difference.rules_then, difference.rules_now)
        )
        yield words("differs.rules", then=then, now=now)
    if difference.same_answer:
        yield words("differs.same_answer")


# Under another policy


def _show_comparison(found: Comparison) -> None:
    """For people: outcomes, then what newly happens to whom, by which rule, and the dearest events."""
    if not found.decided:
        say(words("replay.nothing"))
        return
    title = words("compare.title", name=found.name, version=found.version,
                  first=found.first, last=found.last)  # fmt: skip
    columns = [words(f"col.{c}") for c in ("outcome_then", "outcome_now", "events", "money")]
    order = sorted(SEVERITY, key=SEVERITY.__getitem__)
    rows = [
        (words(f"outcome.{then}"), words(f"outcome.{now}"), tally.events, _money(found, tally))
        for then in order
        for now in order
        if (tally := found.outcomes.get(then, {}).get(now)) is not None
    ]
    print_table(columns, rows, title=title, right=(2, 3))
    share = found.changed / found.decided
    say(words("compare.changed", changed=found.changed, decided=found.decided, share=share))
    _show_tally(found, "compare.denied", found.newly_denied)
    _show_tally(found, "compare.let_through", found.newly_let_through)
    say(words("compare.labels", count=found.labels) if found.labels else words("compare.no_labels"))
    _show_rules(found)
    _show_top(found)
    for kind, count in sorted(found.unknown_types.items()):
        say(words("replay.unknown_type", type=kind, count=count))
    for key in ("unconverted", "unreadable_answers"):
        if count := getattr(found, key):
            say(words(f"compare.{key}", count=count))
    for policy in found.packs_not_kept:
        say(words("compare.pack_not_kept", policy=policy[:_HASH_SHOWN]))


def _show_tally(found: Comparison, key: str, tally: Tally) -> None:
    labels = ", ".join(
        f"{words(f'verdict.{verdict}')} {tally.labels[verdict]:,}"
        for verdict in _VERDICTS
        if verdict in tally.labels
    )
    told = words(key, events=tally.events, money=_money(found, tally))
    say(told + (words("compare.labelled", labels=labels) if labels else ""))


def _show_rules(found: Comparison) -> None:
    columns = [words(f"col.{c}") for c in ("rule", "fired_then", "fired_now", "decisive_then",
                                           "decisive_now", "money")]  # fmt: skip
    ranked = sorted(
        found.rules.items(),
        key=lambda pair: (-pair[1].decisive_then - pair[1].decisive_now, pair[0]),
    )
    rows = [
        (rule, r.fired_then, r.fired_now, r.decisive_then, r.decisive_now,
         shown_amount(r.amount_minor, found.base))
        for rule, r in ranked
    ]  # fmt: skip
    print_table(columns, rows, title=words("compare.rules"), right=(1, 2, 3, 4, 5), whole=(0,),
                caption=words("compare.decisive"))  # fmt: skip


def _show_top(found: Comparison) -> None:
    if not found.top:
        return
    columns = [words(f"col.{c}") for c in ("decision", "event", "money", "outcome", "why")]
    rows = [
        (c.decision_id, c.event_id, shown_amount(c.amount_minor, found.base),
         _outcomes(c.outcome_then, c.outcome_now), "\n".join(_why(c)))
        for c in found.top
    ]  # fmt: skip
    title = words("compare.top", shown=len(found.top), count=found.changed)
    print_table(columns, rows, title=title, right=(2,), whole=(0,))


def _why(change: Change) -> Iterator[str]:
    """The reasons of both decisions; a reason that both have is said once."""
    then, now = (
        [_said(reason) for reason in reasons]
        for reasons in (change.reasons_then, change.reasons_now)
    )
    yield from (f"− {reason}" for reason in then if reason not in now)
    yield from (f"+ {reason}" for reason in now if reason not in then)
    yield from (f"  {reason}" for reason in now if reason in then)


def _said(reason: Reason) -> str:
    return f"{reason.rule}: {either(reason.text.en, reason.text.zh)}"


def _outcomes(then: str, now: str) -> str:
    then, now = (words(f"outcome.{name}") if name in SEVERITY else MISSING for name in (then, now))
    return then if then == now else f"{then} → {now}"


def _money(found: Comparison, tally: Tally) -> str:
    return shown_amount(tally.amount_minor, found.base)
