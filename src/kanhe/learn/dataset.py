"""A training set from history: a row per event, with its features as they were and its label as known.

(1) Look through the journal once: who claimed what, which packs decided, when the last row arrived.
(2) Choose the features: those of the pack of the time, whose served vectors stand in the rows; or
    those of another pack, for which memory is rebuilt from the first row, as a replay does. Derived
    numbers are made of event and vector by the function that the live path uses.
(3) For each event asked about: what is known beside the vector, from row and body.
(4) Its label, by what had been received as of the day asked about. An event younger than the delay
    has none, whatever was said already: what is known so early is not what will be known.
(5) Rows go out in blocks; memory grows with accounts and claims, not with rows.

Whatever is left out is counted under its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

import kanhe
from kanhe.core.errors import KanheError, Refusal
from kanhe.core.event import Event
from kanhe.core.money import Rates
from kanhe.flow import Flow
from kanhe.judge.features.vectors import unpack_vectors
from kanhe.judge.intake.reader import Reader
from kanhe.judge.policy.beside import derivation_of
from kanhe.judge.policy.pack import Pack
from kanhe.record.journal.ports import NOTED, Row
from kanhe.record.labels import CLAIM_TYPES, Labels
from kanhe.replay.history import (
    History,
    PackProblem,
    Progress,
    decoded,
    groups,
    kept_pack,
    recall,
    same_features,
    upto,
)
from kanhe.replay.span import Span

BLOCK_ROWS = 16_384
"""How many rows go out together."""
COLUMNS: dict[str, str] = {
    "seq": "int64", "tenant": "text", "event_id": "text", "type": "text", "at_ms": "int64",
    "received_ms": "int64", "outcome": "text", "label": "int8", "label_source": "text",
    "label_known_ms": "int64", "amount_minor": "int64", "country": "text", "new_buyer": "bool",
}  # fmt: skip
"""What stands before the features, by name and kind; every one of them may be missing in a row."""
COUNTRIES = ("billing_country", "card_country", "shipping_country", "ip_country", "account_country")
"""The country of an event is the first of these that it names."""
_TELL_EVERY = 8_192


class DatasetError(KanheError):
    """A training set cannot be made of this history."""


class Wanted(NamedTuple):
    """What a training set is to hold."""

    span: Span
    types: Collection[str]
    label_delay_ms: int
    as_of_ms: int | None = None
    """`None`: when the last row of the journal arrived."""
    positive: Collection[str] = ("fraud",)
    """The verdicts that are label 1."""
    tenant: str | None = None
    pack: Pack | None = None
    """`None`: the pack that decided the last of these events."""


class Sheet(Protocol):
    """Where the rows go: `COLUMNS`, then one float64 column per feature."""

    def write(
        self, columns: Mapping[str, Sequence[Any]], features: npt.NDArray[np.float64]
    ) -> None:
        """Take a block of rows. Raises `StorageError`."""

    def finish(self, facts: bytes) -> None:
        """All rows were written: keep them with these facts (JSON), durable when it returns."""


class DatasetFacts(msgspec.Struct, kw_only=True):
    """What a training set is, kept in its file, and what was left out of it."""

    kanhe: str
    policy: str = ""
    """The content hash of the pack whose features these are."""
    pack: str = ""
    """Its name and version."""
    recomputed: bool = False
    """Whether the vectors were computed anew; else they are those that were served."""
    features: list[str] = []
    derived: list[str] = []
    """Derived numbers; their columns stand behind those of the features."""
    text_features: list[str] = []
    """Features whose numbers are codes of texts: equal or not, and neither more nor less."""
    types: list[str] = []
    positive: list[str] = []
    tenant: str | None = None
    base: str = ""
    """The currency of `amount_minor`."""
    from_ms: int | None = None
    to_ms: int | None = None
    first_seq: int = 0
    last_seq: int = 0
    label_delay_ms: int = 0
    as_of_ms: int = 0
    rows: int = 0
    positives: int = 0
    negatives: int = 0
    unlabelled: int = 0
    """Rows without a label: `unripe`, or by a verdict that is neither."""
    unripe: int = 0
    """Events younger than the label delay."""
    silent: int = 0
    """Of the negatives, those about which nobody said anything."""
    unconverted: int = 0
    """Rows with an amount in a currency without a rate in the pack."""
    left_out: dict[str, int] = {}
    """Rows of the span that are not in it, by reason; see `docs/dataset.md`."""


class _Glance(msgspec.Struct, frozen=True, gc=False):
    """As much of an event as stands beside its features."""

    user: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    is_first_order: bool | None = None
    billing_country: str | None = None
    card_country: str | None = None
    shipping_country: str | None = None
    ip_country: str | None = None
    account_country: str | None = None


_glance = msgspec.json.Decoder(_Glance).decode


def build(
    history: History,
    wanted: Wanted,
    open_sheet: Callable[[Sequence[str]], Sheet],
    progress: Progress = lambda done, total: None,
) -> DatasetFacts:
    """Write a training set into the sheet that `open_sheet` gives for these features.

    Raises `DatasetError` if nothing of the span can be a row; then nothing is kept.
    """
    seen = _look(history, wanted, progress)  # (1)
    pack = wanted.pack or _pack_of_the_time(history, seen, wanted)  # (2)
    unknown = sorted(name for name in wanted.types if name not in pack.registry.types)
    if unknown:
        raise DatasetError(
            f"{', '.join(unknown)}: no such event type in the pack {pack.name}; see kanhe events list"
        )
    facts = _facts(wanted, seen, pack)
    names = [*facts.features, *facts.derived]
    if taken := sorted(COLUMNS.keys() & set(names)):
        raise DatasetError(
            f"the pack declares a feature {taken[0]}, which is a column of every training set;"
            " give the feature another name"
        )
    making = _Making(wanted, seen.labels, facts, pack.rates)
    rows = upto(history.journal, seen.last, progress, seen.end, seen.end + seen.last)
    path = history.wire(pack)
    derivation = derivation_of(pack, path.features.text_code)
    batches = (
        _recomputed(path, rows, making)
        if wanted.pack is not None
        else _served(history, path.reader if pack.derived else None, rows, making, pack)
    )
    widened = (
        (due, derivation.widened([one.read for one in due if one.read is not None], vectors))
        if pack.derived
        else (due, vectors)
        for due, vectors in batches
    )
    sheet = open_sheet(names)
    for columns, features in _blocks(widened, making, len(names)):  # (5)
        sheet.write(columns, features)
    if not facts.rows:
        raise DatasetError(_why_empty(facts))
    facts.left_out = dict(sorted(facts.left_out.items()))
    sheet.finish(msgspec.json.encode(facts))
    progress(seen.end + seen.last, seen.end + seen.last)
    return facts


class _Seen(NamedTuple):
    labels: Labels
    as_of_ms: int
    end: int
    """The last number of the journal."""
    last: int
    """The last row of the span, 0 if there is none."""
    policy: str
    """The pack that decided the last event asked about; empty if there is none."""


def _look(history: History, wanted: Wanted, progress: Progress) -> _Seen:
    """Step (1)."""
    journal, labels = history.journal, Labels()
    end, arrived_ms, last, policy = journal.last_seq(), 0, 0, ""
    for row in journal.rows():
        if row.seq % _TELL_EVERY == 0:
            progress(row.seq, 2 * end)
        labels.take(row)
        arrived_ms = max(arrived_ms, row.received_ms)
        if _asked(row, wanted):
            last = row.seq
            if row.is_event and row.type in wanted.types:
                policy = row.policy
    as_of_ms = arrived_ms if wanted.as_of_ms is None else wanted.as_of_ms
    # Of files the number of events is known only now.
    return _Seen(labels, as_of_ms, journal.last_seq(), last, policy)


def _asked(row: Row, wanted: Wanted) -> bool:
    return wanted.span.holds(row) and (wanted.tenant is None or row.tenant == wanted.tenant)


def _pack_of_the_time(history: History, seen: _Seen, wanted: Wanted) -> Pack:
    """Step (2) without another pack."""
    if not seen.policy:
        raise DatasetError(
            f"no event of type {', '.join(sorted(wanted.types))} arrived there; see --from, --to,"
            " --type and --tenant"
        )
    pack = kept_pack(history.journal, seen.policy)
    if isinstance(pack, PackProblem):
        raise DatasetError(
            f"the text of the pack {seen.policy[:19]} of the time cannot be used ({pack.state}); name"
            " one with --policy to have the features computed anew"
        )
    return pack


def _facts(wanted: Wanted, seen: _Seen, pack: Pack) -> DatasetFacts:
    span, everything = wanted.span, Span()
    return DatasetFacts(
        kanhe=kanhe.__version__,
        policy=pack.hash,
        pack=f"{pack.name} {pack.version}",
        recomputed=wanted.pack is not None,
        features=[spec.name for spec in pack.features],
        derived=[spec.name for spec in pack.derived],
        text_features=[spec.name for spec in pack.features if spec.is_text],
        types=sorted(wanted.types),
        positive=sorted(wanted.positive),
        tenant=wanted.tenant,
        base=pack.rates.base,
        from_ms=None if span.from_ms == everything.from_ms else span.from_ms,
        to_ms=None if span.to_ms == everything.to_ms else span.to_ms,
        label_delay_ms=wanted.label_delay_ms,
        as_of_ms=seen.as_of_ms,
    )


class _Due(NamedTuple):
    """An event that is asked about."""

    row: Row
    glance: _Glance
    new_buyer: bool | None
    read: Event | None = None
    """The whole event, where derived numbers are made of it."""


_Batch = tuple[list[_Due], npt.NDArray[np.float64]]


def _served(
    history: History, reader: Reader | None, rows: Iterator[Row], making: _Making, pack: Pack
) -> Iterator[_Batch]:
    """Step (2): the vectors that were served, as they stand in the rows."""
    same = {pack.hash: True}
    due: list[_Due] = []
    for row in rows:
        one = making.due(row)
        if one is None:
            continue
        if row.policy not in same:
            other = kept_pack(history.journal, row.policy)
            same[row.policy] = not isinstance(other, PackProblem) and same_features(other, pack)
        if not same[row.policy]:
            making.leave_out("other_features")
            continue
        if reader is not None:
            try:
                arrival = reader.reread(row.tenant, row.body, row.received_ms)
            except Refusal:
                making.leave_out("unreadable")
                continue
            one = one._replace(read=arrival.event)
        due.append(one)
        if len(due) == BLOCK_ROWS:
            yield _unpacked(due, making, len(pack.features))
            due = []
    yield _unpacked(due, making, len(pack.features))


def _unpacked(due: list[_Due], making: _Making, n: int) -> _Batch:
    vectors, fits = unpack_vectors([one.row.vector for one in due], n)
    if fits.all():
        return due, vectors
    making.leave_out("unreadable", int((~fits).sum()))
    return [one for one, fit in zip(due, fits.tolist(), strict=True) if fit], vectors[fits]


def _recomputed(path: Flow, rows: Iterator[Row], making: _Making) -> Iterator[_Batch]:
    """Step (2): the vectors that another pack would have served."""
    for group in groups(rows, path):
        due = {one.row.seq: one for one in map(making.due, group.rows) if one is not None}
        making.leave_out("unreadable", sum(row.seq in due for row, _ in group.unread))
        places = [n for n, (row, _) in enumerate(group.read) if row.seq in due]
        if places:
            found = [
                due[row.seq]._replace(read=arrival.event)
                for row, arrival in (group.read[n] for n in places)
            ]
            yield found, group.vectors[places]


class _Making:
    """Steps (3) and (4): which rows are asked about, and what stands beside their features."""

    def __init__(self, wanted: Wanted, labels: Labels, facts: DatasetFacts, rates: Rates) -> None:
        self._wanted = wanted
        self._labels = labels
        self._facts = facts
        self._rates = rates
        self._buyers: set[tuple[str, str]] = set()

    def leave_out(self, why: str, count: int = 1) -> None:
        """Count rows that are not in the set."""
        if count:
            left_out = self._facts.left_out
            left_out[why] = left_out.get(why, 0) + count

    def due(self, row: Row) -> _Due | None:
        """What is known of a row that is asked about; `None` for others. Has to be given every row
        from the first one on, in order."""
        asked = _asked(row, self._wanted)
        if row.type not in self._wanted.types or not row.is_event:
            if asked:
                self.leave_out(_why_not(row, self._wanted))
            return None
        event = decoded(_glance, row.body) or _Glance()
        # An event before the span counts too: the account has been here.
        new_buyer = self._is_new(row.tenant, event)
        if not asked:
            return None
        if row.received_ms > self._facts.as_of_ms:
            self.leave_out("after_as_of")
            return None
        return _Due(row, event, new_buyer)

    def columns(self, rows: Sequence[_Due]) -> dict[str, list[Any]]:
        """What stands before the features."""
        columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        for row in rows:
            for name, value in zip(columns, self._row(row), strict=True):
                columns[name].append(value)
        facts = self._facts
        facts.rows += len(rows)
        if rows:
            facts.first_seq = facts.first_seq or rows[0].row.seq
            facts.last_seq = rows[-1].row.seq
        return columns

    def _row(self, due: _Due) -> tuple[object, ...]:
        """Step (3) for one row, in the order of `COLUMNS`."""
        row, event, new_buyer, _ = due
        amount_minor = self._rates.to_base(event.amount_minor, event.currency)
        self._facts.unconverted += amount_minor is None and event.amount_minor is not None
        answered = recall(row.answer)
        country = next((c for c in map(event.__getattribute__, COUNTRIES) if c), None)
        return (
            row.seq, row.tenant, row.event_id, row.type, row.at_ms, row.received_ms,
            (answered.outcome if answered else "") or None, *self._label(row), amount_minor,
            country, new_buyer,
        )  # fmt: skip

    def _label(self, row: Row) -> tuple[int | None, str | None, int | None]:
        """Step (4): label, who said so, since when it was known."""
        facts = self._facts
        if row.at_ms > facts.as_of_ms - facts.label_delay_ms:
            facts.unripe += 1
            facts.unlabelled += 1
            return None, None, None
        holds = self._labels.about(row).holding(facts.as_of_ms)
        if holds is None:
            facts.negatives += 1
            facts.silent += 1
            return 0, None, None
        source = holds.source or holds.authority
        if holds.verdict in self._wanted.positive:
            facts.positives += 1
            return 1, source, holds.received_ms
        if holds.verdict == "legitimate":
            facts.negatives += 1
            return 0, source, holds.received_ms
        facts.unlabelled += 1
        return None, source, holds.received_ms

    def _is_new(self, tenant: str, event: _Glance) -> bool | None:
        """Whether the account does this for the first time; `None` for who has no account."""
        if event.user is None:
            return None
        buyer = tenant, event.user
        new = buyer not in self._buyers
        if new:
            self._buyers.add(buyer)
        return new if event.is_first_order is None else event.is_first_order


def _blocks(
    batches: Iterator[_Batch], making: _Making, width: int
) -> Iterator[tuple[dict[str, list[Any]], npt.NDArray[np.float64]]]:
    """Step (5): batches of any size as blocks that are worth writing."""
    rows: list[_Due] = []
    features = np.empty((BLOCK_ROWS, width))
    for batch, vectors in batches:
        at = 0
        while at < len(batch):
            taken = min(len(batch) - at, BLOCK_ROWS - len(rows))
            features[len(rows) : len(rows) + taken] = vectors[at : at + taken]
            rows += batch[at : at + taken]
            at += taken
            if len(rows) == BLOCK_ROWS:
                yield making.columns(rows), features
                rows = []
    if rows:
        yield making.columns(rows), features[: len(rows)]


def _why_not(row: Row, wanted: Wanted) -> str:
    """Why a row of the span can be none of the set."""
    if row.kind == NOTED:
        return "no_event"
    if row.type in wanted.types:
        return "erased"
    return "claims" if row.type in CLAIM_TYPES else "other_type"


def _why_empty(facts: DatasetFacts) -> str:
    reasons = ", ".join(f"{why}: {count}" for why, count in sorted(facts.left_out.items()))
    return (
        f"nothing is left for a training set of {', '.join(facts.types)} ({reasons or 'no rows'})"
    )
