"""Old events under another policy: what would have been decided otherwise, and what that is worth.

(1) Look through the span: up to where events have to be taken in.
(2) Take every row from the first one into memory under the new pack, and decide it, as if that pack
    had always been in force: its own decisions change its lists, and so do the list events of people.
(3) Hold each new decision of the span against the recorded one; count everything, give out changes.
(4) For a change, take each rule away in turn and decide again: those whose absence would make
    another outcome were decisive. The same is done for the decision of the time, if its pack is kept.
(5) Read what was found out later: labels, of the whole journal, also those from after the span.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from kanhe.core.decision import SEVERITY, Decision, Reason, Signal, decision_id
from kanhe.core.event import Arrival, Event
from kanhe.flow import Flow
from kanhe.judge.policy.pack import Pack
from kanhe.judge.verdict.decide import VerdictTable, decide
from kanhe.record.journal.ports import DECIDED, JournalReader, Row
from kanhe.replay.history import (
    History,
    PackProblem,
    Progress,
    decoded,
    groups,
    kept_pack,
    recall,
    survey,
    upto,
)
from kanhe.replay.span import Span

_LABEL_TYPE = "label.assigned"
_MOST_KEPT = 20

Kept = Callable[[str], Pack | None]
"""Gives the pack behind a content hash, `None` if it is not kept."""


class Change(msgspec.Struct, frozen=True, kw_only=True, tag="change", tag_field="kind"):
    """One event that would have had another outcome."""

    seq: int
    tenant: str
    event_id: str
    decision_id: str
    event_type: str
    at_ms: int
    amount_minor: int | None
    """In minor units of the new pack's base currency; `None` without an amount, or without a rate."""
    outcome_then: str
    outcome_now: str
    score_then: int
    score_now: int
    reasons_then: tuple[Reason, ...]
    reasons_now: tuple[Reason, ...]
    decisive_then: tuple[str, ...] = ()
    decisive_now: tuple[str, ...] = ()
    """The rules without which that outcome would have been another."""


class Tally(msgspec.Struct):
    """How many events, and their money."""

    events: int = 0
    amount_minor: int = 0
    labels: dict[str, int] = {}
    """How many of them were labelled later, by verdict; the last label of an event counts."""

    def add(self, amount_minor: int | None) -> None:
        """Count one event."""
        self.events += 1
        self.amount_minor += amount_minor or 0


class RuleChange(msgspec.Struct):
    """One rule, before and now. A rule of one pack only has zeros for the other."""

    fired_then: int = 0
    fired_now: int = 0
    decisive_then: int = 0
    decisive_now: int = 0
    """Of the changed events, those whose outcome hung on it."""
    amount_minor: int = 0
    """The money of the changed events on whose outcome it was decisive, before or now."""


class Comparison(msgspec.Struct, kw_only=True, tag="summary", tag_field="kind"):
    """What came of a span under another pack, counted while `compare` goes on."""

    policy: str = ""
    name: str = ""
    version: str = ""
    base: str = ""
    """The currency of all money here: the base currency of the new pack."""
    first: int = 0
    last: int = 0
    decided: int = 0
    """Events that were decided then and now."""
    changed: int = 0
    outcomes: dict[str, dict[str, Tally]] = {}
    """Outcome then, outcome now: how many, and their money."""
    newly_denied: Tally = msgspec.field(default_factory=Tally)
    newly_let_through: Tally = msgspec.field(default_factory=Tally)
    """Events that are allowed now and were not."""
    rules: dict[str, RuleChange] = {}
    top: list[Change] = []
    """The changes with the most money, then the greatest step in severity, then the oldest."""
    labels: int = 0
    """Events in the whole journal that a label speaks of."""
    recorded: int = 0
    """Events of the span that were never decided; they only count."""
    unknown_types: dict[str, int] = {}
    """Events of the span that the new pack cannot read, by type; they count for nothing."""
    unreadable_answers: int = 0
    """Events of the span whose recorded answer cannot be read."""
    unconverted: int = 0
    """Events of the span with an amount in a currency for which the new pack has no rate."""
    packs_not_kept: list[str] = []
    """Packs of the time that are not kept or cannot be read: which of their rules were decisive is
    not known."""

    def facts(self) -> dict[str, str]:
        """What stands of it with the step of a pack that was backtested."""
        facts = {
            "first": self.first, "last": self.last, "decided": self.decided, "changed": self.changed,
            "newly_denied": self.newly_denied.events,
            "newly_denied_minor": self.newly_denied.amount_minor,
            "newly_let_through": self.newly_let_through.events,
            "newly_let_through_minor": self.newly_let_through.amount_minor,
            "labels": self.labels,
        }  # fmt: skip
        return {name: str(value) for name, value in facts.items()}


def backtest(
    history: History,
    pack: Pack,
    span: Span,
    found: Comparison,
    progress: Progress = lambda done, total: None,
    keep: int = _MOST_KEPT,
) -> Iterator[Change]:
    """Decide the events of a span under another pack; gives each change and fills `found`, whose
    `top` holds at most `keep` of them."""
    journal = history.journal
    seen = survey(journal, span, progress)  # (1)
    found.first, found.last = seen.first, seen.last
    end = journal.last_seq()
    rows = upto(journal, end, progress, seen.last, seen.last + end)
    kept = _KeptPacks(journal, found)
    inside = span._replace(last_seq=seen.last)
    yield from compare(rows, history.wire(pack), inside, found, kept, keep)
    progress(seen.last + end, seen.last + end)


def compare(
    rows: Iterable[Row],
    flow: Flow,
    span: Span,
    found: Comparison,
    kept: Kept = lambda policy: None,
    keep: int = _MOST_KEPT,
) -> Iterator[Change]:
    """Decide rows of a journal, from its first one on, along a path that is empty of events.

    Gives each change of outcome within the span, in order, and fills `found`, whose `top` holds at
    most `keep` of them. Behind the span's last number only labels are read.
    """
    pack = flow.pack
    found.policy, found.name, found.version, found.base = (
        pack.hash, pack.name, pack.version, pack.rates.base,
    )  # fmt: skip
    yield from _Otherwise(flow, span, found, kept, keep).go(rows)


class _KeptPacks:
    """The packs of the time, each loaded once."""

    def __init__(self, journal: JournalReader, found: Comparison) -> None:
        self._journal = journal
        self._found = found
        self._packs: dict[str, Pack | None] = {}

    def __call__(self, policy: str) -> Pack | None:
        if policy not in self._packs:
            pack = kept_pack(self._journal, policy)
            if isinstance(pack, PackProblem):
                self._found.packs_not_kept.append(policy)
                self._packs[policy] = None
            else:
                self._packs[policy] = pack
        return self._packs[policy]


class _Otherwise:
    """Steps (2) to (5)."""

    def __init__(self, flow: Flow, span: Span, found: Comparison, kept: Kept, keep: int) -> None:
        self._flow = flow
        self._span = span
        self._found = found
        self._kept = kept
        self._keep = keep
        self._top: list[tuple[tuple[int, int, int], Change]] = []
        self._labels: dict[tuple[str, str], str] = {}
        self._turned: list[tuple[tuple[str, str], Tally]] = []

    def go(self, rows: Iterable[Row]) -> Iterator[Change]:
        """All of it."""
        flow, rest = self._flow, iter(rows)
        beyond: list[Row] = []
        for group in groups(_until(rest, self._span.last_seq, beyond), flow):  # (2)
            screened = flow.rules.screen([a.event for _, a in group.read], group.vectors)
            for n, (row, arrival) in enumerate(group.read):
                if arrival.event.type == _LABEL_TYPE:
                    self._note_label(row.tenant, arrival.event)
                decision = None
                if row.kind == DECIDED:
                    signals, decision = flow.weigh(arrival, screened, n, row.seq)
                    if self._span.holds(row):
                        change = self._held_against(row, arrival, signals, decision)
                        if change is not None:
                            yield change
                elif self._span.holds(row):
                    self._found.recorded += 1
                flow.change_lists(row.tenant, arrival.event, decision)
            for row, _ in group.unread:
                if self._span.holds(row):
                    unknown = self._found.unknown_types
                    unknown[row.type] = unknown.get(row.type, 0) + 1
        for row in (*beyond, *rest):
            self._read_label(row)
        self._finish()

    def _held_against(
        self, row: Row, arrival: Arrival, signals: Sequence[Signal], now: Decision
    ) -> Change | None:
        """Step (3) for one event."""
        found = self._found
        then = recall(row.answer)
        if then is None or then.outcome not in SEVERITY:
            found.unreadable_answers += 1
            return None
        amount_minor = self._amount(arrival.event)
        found.decided += 1
        cell = found.outcomes.setdefault(then.outcome, {}).setdefault(now.outcome, Tally())
        cell.add(amount_minor)
        for fired in then.reasons:
            self._rule(fired.rule).fired_then += 1
        for signal in signals:
            self._rule(signal.rule).fired_now += 1
        if then.outcome == now.outcome:
            return None
        change = self._change(row, arrival.event, signals, now, amount_minor)
        self._count(change)
        return change

    def _change(
        self,
        row: Row,
        event: Event,
        signals: Sequence[Signal],
        now: Decision,
        amount_minor: int | None,
    ) -> Change:
        then: Decision | None = decoded(_decode, row.answer)
        reasons = then.reasons if then else ()
        recalled = recall(row.answer)
        assert recalled is not None, "it was read before"
        return Change(
            seq=row.seq,
            tenant=row.tenant,
            event_id=row.event_id,
            decision_id=decision_id(row.seq),
            event_type=row.type,
            at_ms=row.at_ms,
            amount_minor=amount_minor,
            outcome_then=recalled.outcome,
            outcome_now=now.outcome,
            score_then=recalled.score,
            score_now=now.score,
            reasons_then=reasons,
            reasons_now=now.reasons,
            decisive_then=self._decisive_then(row, reasons, recalled.outcome),
            decisive_now=_decisive(signals, self._flow.pack.verdict, event.type, now.outcome),
        )

    def _decisive_then(self, row: Row, reasons: Sequence[Reason], outcome: str) -> tuple[str, ...]:
        """Step (4) for the decision of the time, whose signals are made again from its reasons."""
        pack = self._kept(row.policy)
        if pack is None or not reasons:
            return ()
        asks = {rule.id: rule.outcome for rule in pack.rules}
        signals = [
            Signal(r.rule, r.points, r.text, asks.get(r.rule), (), r.tags, r.error) for r in reasons
        ]
        return _decisive(signals, pack.verdict, row.type, outcome)

    def _count(self, change: Change) -> None:
        found, amount_minor = self._found, change.amount_minor
        found.changed += 1
        for rule in change.decisive_then:
            self._rule(rule).decisive_then += 1
        for rule in change.decisive_now:
            self._rule(rule).decisive_now += 1
        for rule in {*change.decisive_then, *change.decisive_now}:
            self._rule(rule).amount_minor += amount_minor or 0
        for outcome, tally in (("deny", found.newly_denied), ("allow", found.newly_let_through)):
            if change.outcome_now == outcome:
                tally.add(amount_minor)
                self._turned.append(((change.tenant, change.event_id), tally))
        step = abs(SEVERITY[change.outcome_now] - SEVERITY[change.outcome_then])
        # No two changes have one number, so that the changes themselves are never compared.
        ranked = ((amount_minor or 0, step, -change.seq), change)
        if len(self._top) < self._keep:
            heapq.heappush(self._top, ranked)
        elif self._keep:
            heapq.heappushpop(self._top, ranked)

    def _rule(self, rule: str) -> RuleChange:
        found = self._found.rules.get(rule)
        if found is None:
            found = self._found.rules[rule] = RuleChange()
        return found

    def _amount(self, event: Event) -> int | None:
        amount_minor = getattr(event, "amount_minor", None)
        if amount_minor is None:
            return None
        converted = self._flow.pack.rates.to_base(amount_minor, getattr(event, "currency", None))
        self._found.unconverted += converted is None
        return converted

    def _read_label(self, row: Row) -> None:
        """A label from behind the span."""
        if row.type == _LABEL_TYPE and row.is_event:
            label = decoded(_decode_label, row.body)
            if label is not None:
                self._note_label(row.tenant, label)

    def _note_label(self, tenant: str, label: object) -> None:
        """Step (5) for one label; one that names no event says nothing about any decision."""
        subject = getattr(label, "subject_event", None)
        if subject:
            self._labels[tenant, subject] = getattr(label, "verdict", "unknown")

    def _finish(self) -> None:
        found = self._found
        found.top = [change for _, change in sorted(self._top, reverse=True, key=lambda r: r[0])]
        found.rules = dict(sorted(found.rules.items()))
        found.labels = len(self._labels)
        for name, tally in self._turned:
            verdict = self._labels.get(name)
            if verdict is not None:
                tally.labels[verdict] = tally.labels.get(verdict, 0) + 1


class _Label(msgspec.Struct, frozen=True):
    """As much of a label as is needed; read where the event itself is not."""

    verdict: str
    subject_event: str | None = None


_decode = msgspec.json.Decoder(Decision).decode
_decode_label = msgspec.json.Decoder(_Label).decode


def _decisive(
    signals: Sequence[Signal], table: VerdictTable, event_type: str, outcome: str
) -> tuple[str, ...]:
    """Step (4): the rules without which these signals lead to another outcome."""
    found = []
    for signal in signals:
        others = [other for other in signals if other is not signal]
        if decide(others, table, event_type, "", "", "").outcome != outcome:
            found.append(signal.rule)
    return tuple(found)


def _until(rows: Iterator[Row], last: int, beyond: list[Row]) -> Iterator[Row]:
    """Rows up to a number; the one behind it, which had to be read to know, goes into `beyond`."""
    for row in rows:
        if row.seq > last:
            beyond.append(row)
            return
        yield row
