"""What turned out to be true: claims about earlier events, and which of them holds when.

(1) Claim: an event that speaks of another one says what it says. `label.assigned` says its verdict;
    `chargeback.received` and `complaint.resolved` say fraud, or that there was none, where their reason
    is fraud, and nothing otherwise.
(2) Subject: what a claim is about, by the narrowest thing it names: one event (`subject_event`), else
    a payment, refund, payout, review, message, else an order. A subject that speaks of something
    itself (a complaint, a dispute, another label) is followed.
(3) Time: a claim is known from when it was received, and not before its event was. One that says it
    was made before its event happened is no knowledge and is refused.
(4) Authority: of what is known the highest authority holds, and the latest claim within it.

Claims are never dropped: whoever asks gets all of them. Tenants are kept apart: a claim is about its
own tenant's events only. Why this order: `docs/adr/0010-whose-word-holds.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from kanhe.record.journal.ports import Row

AUTHORITIES = ("system", "party", "analyst", "bank", "ruling")
"""From the least to the greatest: a program; buyer or merchant; somebody who looked into it; the bank
that takes the money back; a court, or the end of a dispute."""
SOURCES: dict[str, str] = {
    "system": "system",
    "customer_report": "party",
    "merchant_report": "party",
    "complaint": "party",
    "manual_review": "analyst",
    "chargeback": "bank",
    "bank": "bank",
    "police": "ruling",
}
"""The authority of each `label_source`. A label without one is the word of a program."""
VERDICTS = ("fraud", "abuse", "legitimate", "unknown")

LABEL, CHARGEBACK, COMPLAINT = "label.assigned", "chargeback.received", "complaint.resolved"
CLAIM_TYPES = frozenset({LABEL, CHARGEBACK, COMPLAINT})
"""The event types that say what turned out to be true."""
RELAY_TYPES = CLAIM_TYPES | {"complaint.opened"}
"""Types that speak of something else: a claim about one of them is about what that one is about."""
_MOST_STEPS = 8
"""How far subjects are followed; further on somebody built a circle."""
_RANK = {name: rank for rank, name in enumerate(AUTHORITIES)}

SUBJECTS: dict[str, tuple[str, ...]] = {
    "payment": ("payment.",),
    "refund": ("refund.",),
    "payout": ("payout.",),
    "review": ("review.",),
    "message": ("message.",),
    "order": ("order.", "payment."),
}
"""By which fields a claim can name its subject, narrowest first, and how the types of the events
begin that it is then about."""


class Subject(NamedTuple):
    """What a claim is about: `kind` is `event` or a key of `SUBJECTS`."""

    kind: str
    name: str
    card: str = ""
    """With an order: payments by another card are not meant."""


class Claim(NamedTuple):
    """One word about what earlier events turned out to be."""

    seq: int
    tenant: str
    event_id: str
    """The event that says so."""
    type: str
    at_ms: int
    """When it was established, as the sender says."""
    received_ms: int
    """When we were told: it is known from here on."""
    verdict: str
    """One of `VERDICTS`."""
    source: str
    """The `label_source`; empty where none was given."""
    authority: str
    by: str
    """The member of staff named, or empty."""
    subject: Subject

    @property
    def order(self) -> tuple[int, int, int, int]:
        """The claim with the greatest of these holds."""
        return _RANK[self.authority], self.at_ms, self.received_ms, self.seq


class About(NamedTuple):
    """All that was ever claimed about one event."""

    claims: tuple[Claim, ...]
    """In the order of the journal."""
    refused: tuple[Claim, ...]
    """Those that were made before the event happened, by their own time."""

    def holding(self, as_of_ms: int) -> Claim | None:
        """The claim that holds by what was known at that moment; `None` if nothing was."""
        known = [claim for claim in self.claims if claim.received_ms <= as_of_ms]
        return max(known, key=lambda claim: claim.order) if known else None


NOTHING = About((), ())
"""Nobody ever said anything."""


class _Said(msgspec.Struct, frozen=True, gc=False):
    """As much of an event as tells what it claims, and about what."""

    id: str
    at_ms: int
    subject_event: str | None = None
    payment: str | None = None
    refund: str | None = None
    payout: str | None = None
    review: str | None = None
    message: str | None = None
    order: str | None = None
    card: str | None = None
    staff: str | None = None
    verdict: str | None = None
    label_source: str | None = None
    chargeback_reason: str | None = None
    chargeback_stage: str | None = None
    complaint_reason: str | None = None
    complaint_outcome: str | None = None


_said = msgspec.json.Decoder(_Said).decode


class Labels:
    """All claims of one journal, and whom they are about.

    Give every row to `take`, in order, then ask with `about`. Memory grows with the number of claims
    and complaints, not with that of events.
    """

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self.silent = 0
        """Disputes and complaints that say nothing about fraud."""
        self.unaddressed = 0
        """Claims that name nothing they could be about."""
        self.unreadable = 0
        self._relays: dict[tuple[str, str], Subject | None] = {}
        self._index: dict[tuple[str, Subject], list[Claim]] = {}
        self._by_name = False
        self._stale = False

    def take(self, row: Row) -> Claim | None:
        """Steps (1) and (2) for one row; what claims nothing is passed over."""
        if row.type not in RELAY_TYPES or not row.is_event:
            return None
        try:
            said = _said(row.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.unreadable += 1
            return None
        subject = _subject(said)
        self._relays[row.tenant, row.event_id] = subject
        self._stale = True
        if row.type not in CLAIM_TYPES:
            return None
        told = _told(row.type, said)
        if told is None:
            self.silent += 1
            return None
        if subject is None:
            self.unaddressed += 1
            return None
        verdict, source, authority = told
        claim = Claim(
            row.seq, row.tenant, row.event_id, row.type, row.at_ms, row.received_ms, verdict, source,
            authority, said.staff or "", subject,
        )  # fmt: skip
        self.claims.append(claim)
        return claim

    def about(self, row: Row) -> About:
        """Steps (2) and (3): what was claimed about this event, be it before or after it arrived."""
        self._bring_up_to_date()
        if not self._index or not row.is_event:
            return NOTHING
        tenant = row.tenant
        found = list(self._index.get((tenant, Subject("event", row.event_id)), ()))
        if self._by_name:
            found += self._named(row)
        if not found:
            return NOTHING
        # Nobody knows anything about an event that has not arrived yet.
        known = [
            claim._replace(received_ms=max(claim.received_ms, row.received_ms)) for claim in found
        ]
        known.sort(key=lambda claim: claim.seq)
        return About(
            tuple(claim for claim in known if claim.at_ms >= row.at_ms),
            tuple(claim for claim in known if claim.at_ms < row.at_ms),
        )

    def _named(self, row: Row) -> Iterable[Claim]:
        """Claims about a payment, an order or the like that this event is part of."""
        kinds = _KINDS_OF.get(row.type.partition(".")[0], ())
        if not kinds:
            return
        try:
            said = _said(row.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        for kind in kinds:
            name = getattr(said, kind)
            if name is None:
                continue
            yield from self._index.get((row.tenant, Subject(kind, name)), ())
            if kind == "order":
                yield from self._of_order(row, name, said.card)

    def _of_order(self, row: Row, order: str, card: str | None) -> Iterable[Claim]:
        """Claims that name an order and a card: about the order, and its payments by that card."""
        for claim in self._index.get((row.tenant, Subject("order+card", order)), ()):
            if not row.type.startswith("payment.") or card == claim.subject.card:
                yield claim

    def _bring_up_to_date(self) -> None:
        """Index all claims anew if anything was taken: what they speak of may be known only now."""
        if not self._stale:
            return
        self._index, self._by_name, self._stale = {}, False, False
        for claim in self.claims:
            subject = self._followed(claim)
            if subject is None:
                continue
            key = Subject("order+card", subject.name) if subject.card else subject
            found = self._index.setdefault((claim.tenant, key), [])
            found.append(claim._replace(subject=subject))
            self._by_name = self._by_name or subject.kind != "event"

    def _followed(self, claim: Claim) -> Subject | None:
        """What a claim is about in the end; `None` where it leads nowhere, or in a circle."""
        subject: Subject | None = claim.subject
        for _ in range(_MOST_STEPS):
            if subject is None or subject.kind != "event":
                return subject
            key = claim.tenant, subject.name
            if key not in self._relays:
                return subject
            subject = self._relays[key]
        return None


def gather(rows: Iterable[Row]) -> Labels:
    """The claims of these rows."""
    labels = Labels()
    for row in rows:
        labels.take(row)
    return labels


def _told(kind: str, said: _Said) -> tuple[str, str, str] | None:
    """Step (1): verdict, source, authority; `None` if it says nothing about fraud."""
    if kind == LABEL:
        if said.verdict not in VERDICTS:
            return None
        source = said.label_source or ""
        return said.verdict, source, SOURCES.get(source, "system")
    if kind == CHARGEBACK:
        if said.chargeback_reason != "fraud" or said.chargeback_stage == "inquiry":
            return None
        # Won and lost are the shop's: a dispute it won is a payment that was the cardholder's own.
        verdict = "legitimate" if said.chargeback_stage == "won" else "fraud"
        final = said.chargeback_stage in ("won", "lost")
        return verdict, "chargeback", "ruling" if final else "bank"
    if said.complaint_reason != "fraud":
        return None
    found = {"upheld": "fraud", "partly_upheld": "fraud", "rejected": "legitimate"}.get(
        said.complaint_outcome or ""
    )
    if found is None:
        return None
    source = said.label_source or "complaint"
    return found, source, SOURCES.get(source, "party")


def _subject(said: _Said) -> Subject | None:
    """Step (2): the narrowest thing an event names as what it is about."""
    if said.subject_event:
        # An event about itself is about nothing.
        return None if said.subject_event == said.id else Subject("event", said.subject_event)
    for kind in SUBJECTS:
        name = getattr(said, kind)
        if name:
            return Subject(kind, name, (said.card or "") if kind == "order" else "")
    return None


def _kinds_of() -> dict[str, Sequence[str]]:
    kinds: dict[str, list[str]] = {}
    for kind, prefixes in SUBJECTS.items():
        for prefix in prefixes:
            kinds.setdefault(prefix.rstrip("."), []).append(kind)
    return dict(kinds)


_KINDS_OF = _kinds_of()
"""By the first word of an event's type: by which of its fields it may be named."""
