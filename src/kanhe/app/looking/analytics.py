"""How it went over days and weeks: outcomes, mistakes, money, rules, and the work of people.

What an event turned out to be is known of some only, and late: every figure of that kind stands beside
how many events it rests on, and how late labels come.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from kanhe.app.looking.sources import Sources
from kanhe.core.actor import Actor
from kanhe.core.time import DAY_MS, HOUR_MS
from kanhe.stores.sqlite.index_reader import Count, IndexReader, TruthRow
from kanhe.stores.sqlite.index_writer import HOUR, RULE_HOUR

LONGEST_MS = 400 * DAY_MS
BY_HOUR_UNTIL_MS = 3 * DAY_MS
"""Longer spans are shown by day."""
MOST_TRUTHS = 50_000
MONEY_TYPES = ("payment.attempted", "payout.requested", "refund.requested")
"""Types that ask for money: others speak of the same money once more."""
STOPPED = ("challenge", "review", "deny")
DECIDED = ("allow", *STOPPED)


class Span(NamedTuple):
    """From when to when, which type of event, and in which time zone days begin."""

    begin_ms: int
    end_ms: int
    type: str = ""
    time_zone: str = "UTC"

    @property
    def by_hour(self) -> bool:
        """Whether it is short enough to be shown by the hour."""
        return self.end_ms - self.begin_ms <= BY_HOUR_UNTIL_MS


class Step(NamedTuple):
    """One hour or day."""

    at_ms: int
    events: int
    outcomes: Mapping[str, int]


class Mistakes(NamedTuple):
    """What decisions turned out to be, as far as it is known."""

    stopped: int
    """Events that were challenged, reviewed or refused."""
    stopped_known: int
    """Of these, how many somebody has said something about."""
    stopped_legitimate: int
    """And how many were legitimate after all: false positives."""
    denied_known: int
    denied_legitimate: int
    allowed_known: int
    allowed_fraud: int
    """Fraud or abuse that was let through."""
    delay_ms: int | None
    """How long after an event its label came, the middle of all; `None` without one."""
    delay_late_ms: int | None
    """Nine of ten labels came sooner."""
    is_cut: bool
    """Whether there were more labels than were looked at."""


class Sums(NamedTuple):
    """Money in one currency, over `MONEY_TYPES`."""

    currency: str
    allowed_minor: int
    stopped_minor: int
    """Refused, or sent to a person."""
    saved_minor: int
    """Refused and known to be fraud or abuse."""
    lost_minor: int
    """Let through and known to be fraud or abuse."""
    wronged_minor: int
    """Refused and known to be legitimate."""


class RuleFigures(NamedTuple):
    """One rule over the span."""

    rule: str
    fired: int
    denied: int
    known: int
    fraud: int
    legitimate: int

    @property
    def precision(self) -> float | None:
        """The share of fraud and abuse among the events it fired on of which anything is known."""
        told = self.fraud + self.legitimate
        return self.fraud / told if told else None


class AnalyticsView(NamedTuple):
    """How it went."""

    span: Span
    steps: tuple[Step, ...]
    outcomes: Mapping[str, int]
    by_type: tuple[tuple[str, int, Mapping[str, int]], ...]
    mistakes: Mistakes
    money: tuple[Sums, ...]
    rules: tuple[RuleFigures, ...]
    upto: int


def analytics(sources: Sources, actor: Actor, span: Span) -> AnalyticsView:
    """How it went over a span, as far as this person sees it. Raises `NothingYetError`."""
    begin = max(0, span.begin_ms)
    span = span._replace(begin_ms=begin, end_ms=max(begin, min(span.end_ms, begin + LONGEST_MS)))
    with sources.index() as index:
        tenant = actor.tenant or None
        codes = index.codes_of(tenant, type_=span.type) if tenant or span.type else None
        first, last = span.begin_ms // HOUR_MS, -(-span.end_ms // HOUR_MS)
        counts = index.counts(HOUR, first, last, codes)
        truths = index.truths(span.begin_ms, span.end_ms, codes, MOST_TRUTHS + 1)
        is_cut, truths = len(truths) > MOST_TRUTHS, truths[:MOST_TRUTHS]
        return AnalyticsView(
            span=span,
            steps=_steps(counts, span),
            outcomes=_outcomes(counts),
            by_type=_by_type(counts),
            mistakes=_mistakes(counts, truths, is_cut=is_cut),
            money=_money(counts, truths),
            rules=_rules(index, first, last, codes, truths),
            upto=index.upto,
        )


def first_hour_ms(sources: Sources) -> int:
    """When the first event happened, to the hour; 0 if there is none. Raises `NothingYetError`."""
    with sources.index() as index:
        return index.oldest(HOUR) * HOUR_MS


def last_hour_ms(sources: Sources) -> int:
    """The end of the hour in which the last event happened. Raises `NothingYetError`."""
    with sources.index() as index:
        return (index.newest(HOUR) + 1) * HOUR_MS


def _steps(counts: Sequence[Count], span: Span) -> tuple[Step, ...]:
    zone = ZoneInfo(span.time_zone)

    def step_of(hour: int) -> int:
        at_ms = hour * HOUR_MS
        if span.by_hour:
            return at_ms
        day = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
        return int(day.replace(hour=0, minute=0, second=0).timestamp() * 1000)

    outcomes: dict[int, Counter[str]] = {
        step_of(hour): Counter()
        for hour in range(span.begin_ms // HOUR_MS, -(-span.end_ms // HOUR_MS))
    }
    by_hour: dict[int, int] = {}
    for one in counts:
        step = by_hour.setdefault(one.at, step_of(one.at))
        outcomes[step][one.code.outcome] += one.events
    return tuple(
        Step(at_ms, sum(found.values()), dict(found)) for at_ms, found in sorted(outcomes.items())
    )


def _outcomes(counts: Sequence[Count]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for one in counts:
        found[one.code.outcome] += one.events
    return dict(found)


def _by_type(counts: Sequence[Count]) -> tuple[tuple[str, int, Mapping[str, int]], ...]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for one in counts:
        found[one.code.type][one.code.outcome] += one.events
    ranked = sorted(found.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    return tuple((type_, sum(one.values()), dict(one)) for type_, one in ranked)


def _is_bad(truth: TruthRow) -> bool:
    return truth.verdict in ("fraud", "abuse")


def _mistakes(counts: Sequence[Count], truths: Sequence[TruthRow], *, is_cut: bool) -> Mistakes:
    told = [truth for truth in truths if _is_bad(truth) or truth.verdict == "legitimate"]
    stopped = [truth for truth in told if truth.code.outcome in STOPPED]
    denied = [truth for truth in told if truth.code.outcome == "deny"]
    allowed = [truth for truth in told if truth.code.outcome == "allow"]
    delays = sorted(max(0, truth.known_ms - truth.at_ms) for truth in told)
    return Mistakes(
        stopped=sum(one.events for one in counts if one.code.outcome in STOPPED),
        stopped_known=len(stopped),
        stopped_legitimate=sum(not _is_bad(truth) for truth in stopped),
        denied_known=len(denied),
        denied_legitimate=sum(not _is_bad(truth) for truth in denied),
        allowed_known=len(allowed),
        allowed_fraud=sum(_is_bad(truth) for truth in allowed),
        delay_ms=int(median(delays)) if delays else None,
        delay_late_ms=delays[min(len(delays) - 1, len(delays) * 9 // 10)] if delays else None,
        is_cut=is_cut,
    )


def _money(counts: Sequence[Count], truths: Sequence[TruthRow]) -> tuple[Sums, ...]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for one in counts:
        code = one.code
        if code.currency and code.type in MONEY_TYPES:
            if code.outcome == "allow":
                sums[code.currency][0] += one.amount_minor
            elif code.outcome in ("deny", "review"):
                sums[code.currency][1] += one.amount_minor
    for truth in truths:
        code = truth.code
        if not code.currency or code.type not in MONEY_TYPES:
            continue
        if code.outcome == "deny" and _is_bad(truth):
            sums[code.currency][2] += truth.amount_minor
        elif code.outcome == "allow" and _is_bad(truth):
            sums[code.currency][3] += truth.amount_minor
        elif code.outcome == "deny" and truth.verdict == "legitimate":
            sums[code.currency][4] += truth.amount_minor
    return tuple(Sums(currency, *five) for currency, five in sorted(sums.items()))


def _rules(
    index: IndexReader,
    first: int,
    last: int,
    codes: set[int] | None,
    truths: Sequence[TruthRow],
) -> tuple[RuleFigures, ...]:
    fired: Counter[str] = Counter()
    denied: Counter[str] = Counter()
    for one in index.sums(RULE_HOUR, first, last, codes):
        fired[one.what] += one.events
        if one.code.outcome == "deny":
            denied[one.what] += one.events
    known: Counter[str] = Counter()
    fraud: Counter[str] = Counter()
    legitimate: Counter[str] = Counter()
    by_seq = {truth.seq: truth for truth in truths}
    seqs = list(by_seq)
    for begin in range(0, len(seqs), 10_000):
        for seq, rules in index.rules_of(seqs[begin : begin + 10_000]).items():
            for rule in rules:
                known[rule] += 1
                fraud[rule] += _is_bad(by_seq[seq])
                legitimate[rule] += by_seq[seq].verdict == "legitimate"
    ranked = sorted(fired, key=lambda rule: (-fired[rule], rule))
    return tuple(
        RuleFigures(rule, fired[rule], denied[rule], known[rule], fraud[rule], legitimate[rule])
        for rule in ranked
    )
