"""One entity, and everything about it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from kanhe.app.looking.sources import NotThereError, Sources, tenants_of
from kanhe.core.actor import Actor
from kanhe.core.decision import decision_id
from kanhe.core.time import DAY_MS
from kanhe.judge.rules.lists import spelled
from kanhe.record.traces import KINDS
from kanhe.stores.sqlite.index_reader import EventRow, IndexReader, NameRow, Tally, TruthRow

PAGE = 50
MOST_PAGE = 200
VALUE_MAX = 256
"""No event holds a longer id."""
SPARK_DAYS = 60
_LABELLED = 400


class Line(NamedTuple):
    """One event of a timeline."""

    seq: int
    handle: str
    """The handle of its decision."""
    tenant: str
    type: str
    outcome: str
    at_ms: int
    received_ms: int
    amount_minor: int
    currency: str
    score: int
    country: str
    rules: tuple[str, ...]
    verdict: str
    """What it turned out to be; empty if nobody knows."""
    names: tuple[tuple[str, str], ...]
    """Whom else it names."""


class Timeline(NamedTuple):
    """A page of a timeline, the newest first."""

    lines: tuple[Line, ...]
    next_before: int
    """For the page that follows; 0 if this is the last one."""


class Money(NamedTuple):
    """A sum in one currency."""

    currency: str
    amount_minor: int
    events: int


class TypeCount(NamedTuple):
    """Events of one type, by outcome."""

    type: str
    events: int
    outcomes: dict[str, int]


class Day(NamedTuple):
    """Events of one day (since 1970, UTC)."""

    day: int
    events: int
    refused: int


class Entity(NamedTuple):
    """One entity of one tenant."""

    tenant: str
    other_tenants: tuple[str, ...]
    """Others, among those that the person sees, that know an entity of this kind and value."""
    kind: str
    value: str
    events: int
    first_ms: int
    last_ms: int
    types: tuple[TypeCount, ...]
    outcomes: dict[str, int]
    money: tuple[Money, ...]
    days: tuple[Day, ...]
    """The last two months up to its newest event, without gaps."""
    labels: dict[str, int]
    """What its newest events turned out to be, by verdict."""
    upto: int
    """The last row of the journal that was taken into account."""


class Asked(NamedTuple):
    """Which events of a timeline are wanted."""

    before: int = 0
    type: str = ""
    outcome: str = ""
    most: int = PAGE


def known_kind(kind: str) -> str:
    """The kind, if there are such entities. Raises `NotThereError`."""
    if kind not in KINDS:
        raise NotThereError("there is no such kind of entity")
    return kind


def find_name(
    index: IndexReader, actor: Actor, kind: str, value: str, tenant: str = ""
) -> tuple[NameRow, tuple[str, ...]]:
    """The entity and the other tenants that have one of the same kind and value.

    Without a tenant it is that of the most events. Raises `NotThereError`, also for what is another
    tenant's.
    """
    if not value or len(value) > VALUE_MAX:
        raise NotThereError("there is no such entity")
    value = spelled(kind, value) or value
    known = tenants_of(index, actor)
    names = [one for t in known if (one := index.name(t, known_kind(kind), value)) is not None]
    if tenant:
        chosen = [name for name in names if name.tenant == tenant]
    else:
        chosen = sorted(names, key=lambda name: -name.events)
    if not chosen:
        raise NotThereError("there is no such entity")
    one = chosen[0]
    return one, tuple(name.tenant for name in names if name.tenant != one.tenant)


def entity_of(sources: Sources, actor: Actor, kind: str, value: str, tenant: str = "") -> Entity:
    """Everything that is counted about an entity. Raises `NotThereError`."""
    with sources.index() as index:
        name, others = find_name(index, actor, kind, value, tenant)
        tallies = index.tallies(name)
        newest = [seq for seq, _ in index.mention_codes(name.id, _LABELLED)]
        labels = Counter(truth.verdict for truth in index.truth_of(newest).values())
        return Entity(
            tenant=name.tenant,
            other_tenants=others,
            kind=name.kind,
            value=name.value,
            events=name.events,
            first_ms=name.first_ms,
            last_ms=name.last_ms,
            types=_types(tallies),
            outcomes=_outcomes(tallies),
            money=_money(tallies),
            days=_days(tallies, name.last_ms),
            labels=dict(labels.most_common()),
            upto=index.upto,
        )


def timeline_of(
    sources: Sources, actor: Actor, kind: str, value: str, asked: Asked, tenant: str = ""
) -> Timeline:
    """A page of the events that name an entity, the newest first. Raises `NotThereError`."""
    most = max(1, min(asked.most, MOST_PAGE))
    with sources.index() as index:
        name, _ = find_name(index, actor, kind, value, tenant)
        codes = None
        if asked.type or asked.outcome:
            codes = index.codes_of(name.tenant, type_=asked.type, outcome=asked.outcome)
        rows = index.mentions(name.id, asked.before, most + 1, codes)
        return Timeline(
            lines_of(index, rows[:most], without=name.id),
            rows[most - 1].seq if len(rows) > most else 0,
        )


def lines_of(index: IndexReader, rows: Sequence[EventRow], without: int = 0) -> tuple[Line, ...]:
    """Rows as lines of a timeline."""
    seqs = [row.seq for row in rows]
    rules, truths = index.rules_of(seqs), index.truth_of(seqs)
    names = index.names_by_id({id for row in rows for id in row.names} - {without})
    return tuple(_line(row, rules, truths, names) for row in rows)


def _line(
    row: EventRow,
    rules: dict[int, list[str]],
    truths: dict[int, TruthRow],
    names: dict[int, NameRow],
) -> Line:
    code = row.code
    beside = [names[id] for id in row.names if id in names]
    return Line(
        row.seq, decision_id(row.seq), code.tenant, code.type, code.outcome, row.at_ms,
        row.received_ms, row.amount_minor, code.currency, row.score, row.country,
        tuple(rules.get(row.seq, ())), truths[row.seq].verdict if row.seq in truths else "",
        tuple((name.kind, name.value) for name in beside if name.kind in KINDS),
    )  # fmt: skip


def _types(tallies: Sequence[Tally]) -> tuple[TypeCount, ...]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for tally in tallies:
        found[tally.code.type][tally.code.outcome] += tally.events
    return tuple(
        TypeCount(type_, sum(outcomes.values()), dict(outcomes.most_common()))
        for type_, outcomes in sorted(found.items(), key=lambda item: -sum(item[1].values()))
    )


def _outcomes(tallies: Sequence[Tally]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for tally in tallies:
        found[tally.code.outcome] += tally.events
    return dict(found.most_common())


def _money(tallies: Sequence[Tally]) -> tuple[Money, ...]:
    """Amounts of payments that were asked for: other events speak of the same money again."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for tally in tallies:
        if tally.code.currency and tally.code.type == "payment.attempted":
            sums[tally.code.currency][0] += tally.amount_minor
            sums[tally.code.currency][1] += tally.events
    return tuple(Money(currency, *both) for currency, both in sorted(sums.items()))


def _days(tallies: Sequence[Tally], last_ms: int) -> tuple[Day, ...]:
    end = last_ms // DAY_MS
    events: Counter[int] = Counter()
    refused: Counter[int] = Counter()
    for tally in tallies:
        events[tally.day] += tally.events
        if tally.code.outcome in ("deny", "review"):
            refused[tally.day] += tally.events
    return tuple(
        Day(day, events[day], refused[day]) for day in range(end - SPARK_DAYS + 1, end + 1)
    )
