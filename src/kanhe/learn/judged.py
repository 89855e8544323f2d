"""A past decided under one pack, kept as columns: what backtests and tuning are worked out from.

(1) Read what was claimed about events, of the whole past: a claim stands behind what it is about.
(2) Take every row from the first one into memory under the pack and decide it, as if the pack had
    always been in force: its own decisions change its lists, and so do the list events of people.
(3) Of each event within the span keep what figures are made of: who, when, how much money, what was
    asked for by which rule, what is known about it, and what had been decided at the time.

This is the path of an event itself (`Flow`, with the kernel of the live path), so that nothing here can
decide otherwise than the live path would. Some fifty bytes are kept per event, and ten per rule that
fired; the reasons of the weightiest events that were not allowed are kept too, as examples.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from kanhe.core.decision import SEVERITY, Decision, Reason, Signal
from kanhe.core.event import Event
from kanhe.flow import Flow
from kanhe.judge.policy.pack import Pack
from kanhe.judge.verdict.decide import VerdictTable
from kanhe.judge.verdict.many import NOTHING, Severities, kept_of, outcomes_of
from kanhe.record.journal.ports import DECIDED, ERASED, Row
from kanhe.record.labels import NOTHING as UNSAID
from kanhe.record.labels import VERDICTS, Labels
from kanhe.replay.history import Progress, groups, recall
from kanhe.replay.span import Span

BUYERS = ("user", "card", "email", "phone", "device")
"""By which entity a buyer is known: the first of these that an event names."""
UNLABELLED = -1
"""The verdict of an event about which nothing is known; others are places in `labels.VERDICTS`."""
_MOST_EXAMPLES = 2_000
_ENDLESS = 2**63 - 1


class Past(Protocol):
    """Events of before, in the order in which they count, as often as they are asked for."""

    def claims(self, progress: Progress) -> Iterator[Row]:
        """At least the rows that may claim something about others (`Labels.take` picks them out)."""

    def rows(self, progress: Progress) -> Iterator[Row]:
        """All rows, numbered from 1 on without gaps."""

    def last_of(self, span: Span) -> int:
        """A number behind which no row of the span stands; known once `claims` was read to its end."""


class Example(NamedTuple):
    """An event that was not let through, with its reasons."""

    place: int
    """Which of the events of `Judged` it is."""
    row: Row
    buyer: tuple[str, str] | None
    """By what its buyer is known: the kind of entity and its id."""
    reasons: tuple[Reason, ...]


class Judged(msgspec.Struct, kw_only=True, eq=False):
    """The decided events of a span. Arrays have one element per event unless they say otherwise."""

    pack: Pack
    at_ms: npt.NDArray[np.int64]
    amount_minor: npt.NDArray[np.int64]
    """In minor units of the pack's base currency, 0 where there is none."""
    kind: npt.NDArray[np.int32]
    """The event type, a place in `kinds`."""
    buyer: npt.NDArray[np.int64]
    """A number for each buyer of each tenant; an event without one has a number of its own."""
    named: npt.NDArray[np.bool_]
    """Whether the event names a buyer."""
    verdict: npt.NDArray[np.int8]
    """What was known about it by `known_by_ms`: a place in `labels.VERDICTS`, or `UNLABELLED`."""
    then: Severities
    """What had been decided at the time, `NOTHING` where that is not known."""
    points: npt.NDArray[np.int64]
    """The sum of points, before it is held within the bounds of a score."""
    kept: Severities
    """The outcome kept by precedence."""
    starts: npt.NDArray[np.int64]
    """Where the signals of each event begin; one element more than there are events."""
    rule: npt.NDArray[np.int32]
    """Per signal: the rule, a place in `rules`."""
    rule_points: npt.NDArray[np.int64]
    """Per signal: its points; a rule that failed has none."""
    asks: Severities
    """Per signal: the outcome it asks for, or `NOTHING`."""
    failed: npt.NDArray[np.bool_]
    """Per signal: whether the rule failed instead of firing."""
    kinds: tuple[str, ...]
    rules: tuple[str, ...]
    examples: list[Example]
    """The events with the most money among those not allowed, and not known to be fraud."""
    known_by_ms: int
    """Until when what was known counts: the moment asked for, or the last arrival of the past."""
    rows: int = 0
    """All rows that were read, also those outside the span."""
    recorded: int = 0
    """Events of the span that nobody decided; they only count for others."""
    erased: int = 0
    unknown_types: dict[str, int] = {}
    """Events of the span that the pack cannot read, by type."""
    unconverted: int = 0
    """Events of the span with an amount in a currency for which the pack has no rate."""
    notified: npt.NDArray[np.bool_]
    """Whether a rule asked for somebody to be told."""

    @property
    def outcome(self) -> Severities:
        """The outcome of each event under the pack."""
        return self.outcome_under(self.pack.verdict)

    def outcome_under(self, table: VerdictTable) -> Severities:
        """The outcome of each event, had the pack had this verdict table of the same precedence.

        What rules put on lists does not hang on the thresholds, so that this is exact.
        """
        return outcomes_of(self.points, self.kept, table)

    @property
    def event_of(self) -> npt.NDArray[np.int64]:
        """Per signal: the event it belongs to."""
        return np.repeat(np.arange(len(self.at_ms)), np.diff(self.starts))


def judge_past(
    past: Past,
    flow: Flow,
    span: Span | None = None,
    *,
    known_by_ms: int | None = None,
    tenant: str | None = None,
    progress: Progress = lambda done, total: None,
) -> Judged:
    """Decide a past along a path that is empty of events; see the steps above.

    `span` is of numbers and of the times at which events *happened*, because a past that was imported
    arrived all at once. Only claims received until `known_by_ms` are known. `tenant` leaves out the
    events of all others. Raises what reading the past raises.
    """
    span = span or Span()
    labels = Labels()
    gathered = _Gathered(flow, labels, known_by_ms)
    for row in past.claims(progress):  # (1)
        labels.take(row)
        gathered.hear(row)
    end = min(span.last_seq, past.last_of(span))
    everything = span == Span() and tenant is None
    for group in groups(_until(past.rows(progress), end), flow):  # (2)
        gathered.see(group.rows)
        screened = flow.rules.screen([arrival.event for _, arrival in group.read], group.vectors)
        for n, (row, arrival) in enumerate(group.read):
            decision, signals = None, _SILENCE
            if row.kind == DECIDED:
                # Whom no rule can say anything about is allowed, and most are.
                if screened.asks[n]:
                    signals, decision = flow.weigh(arrival, screened, n, row.seq)
                if everything or _within(span, row, tenant):
                    gathered.take(row, arrival.event, signals, decision)  # (3)
            elif _within(span, row, tenant):
                gathered.recorded += 1
            flow.change_lists(row.tenant, arrival.event, decision)
        for row, _ in group.unread:
            if _within(span, row, tenant):
                gathered.unknown_types[row.type] = gathered.unknown_types.get(row.type, 0) + 1
    return gathered.judged()


def _within(span: Span, row: Row, tenant: str | None) -> bool:
    return (
        span.first_seq <= row.seq <= span.last_seq
        and span.from_ms <= row.at_ms <= span.to_ms
        and (tenant is None or row.tenant == tenant)
    )


def _until(rows: Iterator[Row], last: int) -> Iterator[Row]:
    for row in rows:
        if row.seq > last:
            return
        yield row


class _Plan(NamedTuple):
    """What is kept of the events of one type."""

    kind: int
    priced: bool
    """Whether they can have an amount."""
    buyers: tuple[str, ...]
    """By which of their fields a buyer may be known."""


class _Gathered:
    """Step (3): the columns while they grow."""

    def __init__(self, flow: Flow, labels: Labels, known_by_ms: int | None) -> None:
        self._pack = flow.pack
        self._to_base = flow.pack.rates.to_base
        self._labels = labels
        self._known_by_ms = known_by_ms
        self._as_of_ms = _ENDLESS if known_by_ms is None else known_by_ms
        self._latest_ms = 0
        self._plans: dict[str, _Plan] = {}
        self._rules = {rule.id: number for number, rule in enumerate(flow.pack.rules)}
        self._buyers: dict[tuple[str, str, str], int] = {}
        self._at_ms, self._amount = array("q"), array("q")
        self._kind, self._buyer = array("i"), array("q")
        self._verdict, self._then, self._told = array("b"), array("b"), array("b")
        self._starts = array("q", [0])
        self._rule, self._points = array("i"), array("q")
        self._asks, self._failed = array("b"), array("b")
        self._heap: list[tuple[int, int, int, Example]] = []
        self.rows = self.recorded = self.erased = self.unconverted = 0
        self.unknown_types: dict[str, int] = {}

    def see(self, rows: Sequence[Row]) -> None:
        """Any rows of the past, be they of the span or not."""
        self.rows += len(rows)
        self.erased += [row.kind for row in rows].count(ERASED)
        self._latest_ms = max(self._latest_ms, *[row.received_ms for row in rows])

    def hear(self, row: Row) -> None:
        """How late it is by now."""
        if row.received_ms > self._latest_ms:
            self._latest_ms = row.received_ms

    def take(
        self, row: Row, event: Event, signals: Sequence[Signal], decision: Decision | None
    ) -> None:
        """Keep one decided event of the span; without a decision it is allowed."""
        plan = self._plans.get(row.type) or self._plan(row.type, event)
        amount_minor = self._money(event) if plan.priced else 0
        self._at_ms.append(row.at_ms)
        self._amount.append(amount_minor)
        self._kind.append(plan.kind)
        self._buyer.append(self._who(row.tenant, event, plan.buyers))
        about = self._labels.about(row)
        holds = None if about is UNSAID else about.holding(self._as_of_ms)
        verdict = UNLABELLED if holds is None else _PLACES.get(holds.verdict, UNLABELLED)
        self._verdict.append(verdict)
        self._then.append(_recalled(row.answer) if row.answer else NOTHING)
        if decision is None:
            self._told.append(0)
        else:
            self._told.append(any(action.kind == "notify" for action in decision.actions))
            for signal in signals:
                self._signal(row.type, signal)
            if decision.outcome != "allow" and verdict != _FRAUD:
                self._keep(amount_minor, row, event, decision)
        self._starts.append(len(self._rule))

    def _signal(self, kind: str, signal: Signal) -> None:
        table, asked = self._pack.verdict, signal.outcome
        if signal.error:
            failure = table.failures.get(kind, table.default_failure)
            asked = None if failure == "open" else failure
        self._rule.append(self._rules[signal.rule])
        self._points.append(0 if signal.error else signal.points)
        self._asks.append(NOTHING if asked is None else SEVERITY[asked])
        self._failed.append(bool(signal.error))

    def _keep(self, amount_minor: int, row: Row, event: Event, decision: Decision) -> None:
        # No two events have one place, so that examples themselves are never compared.
        place = len(self._at_ms) - 1
        example = Example(place, row, buyer_of(event), decision.reasons)
        ranked = (SEVERITY[decision.outcome], amount_minor, -place, example)
        if len(self._heap) < _MOST_EXAMPLES:
            heapq.heappush(self._heap, ranked)
        else:
            heapq.heappushpop(self._heap, ranked)

    def _money(self, event: Event) -> int:
        minor, currency = _priced(event)
        if minor is None:
            return 0
        converted = self._to_base(minor, currency)
        self.unconverted += converted is None
        return converted or 0

    def _who(self, tenant: str, event: Event, buyers: Sequence[str]) -> int:
        for kind in buyers:
            name = getattr(event, kind)
            if name is not None:
                return self._buyers.setdefault((tenant, kind, name), len(self._buyers))
        return _NOBODY

    def _plan(self, name: str, event: Event) -> _Plan:
        """What there is to look at in events of a type, worked out from the first one."""
        fields = event.__struct_fields__
        plan = self._plans[name] = _Plan(
            len(self._plans),
            "amount_minor" in fields and "currency" in fields,
            tuple(kind for kind in BUYERS if kind in fields),
        )
        return plan

    def judged(self) -> Judged:
        """The columns, whole."""
        events = len(self._at_ms)
        points = np.array(self._points, dtype=np.int64)
        starts = np.array(self._starts, dtype=np.int64)
        asks = np.array(self._asks, dtype=np.int8)
        event_of = np.repeat(np.arange(events), np.diff(starts))
        asked = np.zeros((events, len(SEVERITY)), dtype=np.bool_)
        asked[event_of[asks != NOTHING], asks[asks != NOTHING]] = True
        buyer = np.array(self._buyer, dtype=np.int64)
        nobody = buyer == _NOBODY
        buyer[nobody] = len(self._buyers) + np.arange(int(nobody.sum()))
        examples = sorted(self._heap, key=lambda kept: kept[:3], reverse=True)
        return Judged(
            pack=self._pack,
            at_ms=np.array(self._at_ms, dtype=np.int64),
            amount_minor=np.array(self._amount, dtype=np.int64),
            kind=np.array(self._kind, dtype=np.int32),
            buyer=buyer,
            named=~nobody,
            verdict=np.array(self._verdict, dtype=np.int8),
            then=np.array(self._then, dtype=np.int8),
            points=_summed(points, starts),
            kept=kept_of(asked, self._pack.verdict),
            starts=starts,
            rule=np.array(self._rule, dtype=np.int32),
            rule_points=points,
            asks=asks,
            failed=np.array(self._failed, dtype=np.bool_),
            kinds=tuple(self._plans),
            rules=tuple(self._rules),
            examples=[kept[3] for kept in examples],
            known_by_ms=self._latest_ms if self._known_by_ms is None else self._known_by_ms,
            rows=self.rows,
            recorded=self.recorded,
            erased=self.erased,
            unknown_types=dict(sorted(self.unknown_types.items())),
            unconverted=self.unconverted,
            notified=np.array(self._told, dtype=np.bool_),
        )


_NOBODY = -1
_priced = attrgetter("amount_minor", "currency")
_SILENCE: Sequence[Signal] = ()
_PLACES = {verdict: place for place, verdict in enumerate(VERDICTS)}
_FRAUD = _PLACES["fraud"]


def _summed(points: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The sum of each event's stretch of signals."""
    ends = np.concatenate([[0], np.cumsum(points)])
    sums: npt.NDArray[np.int64] = ends[starts[1:]] - ends[starts[:-1]]
    return sums


def _recalled(answer: bytes) -> int:
    """The outcome that was answered at the time, as far as it can be read."""
    then = recall(answer)
    return NOTHING if then is None else SEVERITY.get(then.outcome, NOTHING)


def buyer_of(event: Event) -> tuple[str, str] | None:
    """By what an event's buyer is known: the kind of entity and its id."""
    for kind in BUYERS:
        name = getattr(event, kind, None)
        if name is not None:
            return kind, name
    return None
