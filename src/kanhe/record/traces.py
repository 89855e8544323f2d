"""What one row of the journal leaves behind for those who look for it later: a `Trace`.

(1) A row that holds an event names people and things (`names`), may have an amount, a country and
    rules that fired, and may be something that a member of staff did (`act`).
(2) A row that only notes something (a policy took a step, a key was added) is an act of whoever did it.
(3) Of a row that was erased its place, times, type, outcome, score and rules are left, as the log has
    them, and nothing that says whom it was about.

A trace is a function of its row and of the policy pack of its time (`Meaning`), so that an index made of
traces can be made anew from the journal at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import astuple

from kanhe.core.event import ENTITY_KINDS
from kanhe.record.journal.ports import DECIDED, ERASED, NOTED, Row
from kanhe.record.labels import CLAIM_TYPES
from kanhe.record.log.entries import decode_happening
from kanhe.record.log.entry import parse_entry
from kanhe.record.log.errors import FormatError

IDENTIFIERS = (
    "payment", "refund", "payout", "review", "message", "complaint", "bank_account", "coupon",
)  # fmt: skip
"""Fields beside the kinds of entity whose values are looked for."""
SUBJECT = "subject_event"
"""The kind of name under which an event is spoken of by others."""
KINDS = (*ENTITY_KINDS, *IDENTIFIERS)
"""What there are pages about."""
_ALSO = (("recipient", "user"), ("referrer_user", "user"), ("approver", "staff"))
_COUNTRIES = ("ip_country", "shipping_country", "account_country", "merchant_country",
              "card_country", "billing_country")  # fmt: skip
"""Where an event is from: by the first of these that it has."""
RECORDED_OUTCOME = "recorded"
NOTED_OUTCOME = "noted"
_LISTED = {"list.entry_added": "listed", "list.entry_removed": "unlisted"}
_LIST, _STAFF, _LABELLED = "list", "staff", "labelled"


class Meaning(NamedTuple):
    """What the policy pack of a row's time says about its words."""

    currency: str
    """The base currency."""
    to_base: Callable[[int | None, str | None], int | None]
    """An amount in minor units of it; `None` without a rate."""
    holds: dict[str, str]
    """The kind of what each list holds."""


UNKNOWN_MEANING = Meaning("", lambda amount, currency: None, {})
"""Of a row whose pack is not kept: its amount is not known, and neither is what its lists hold."""


class Act(NamedTuple):
    """What somebody of the staff did, or the program by itself."""

    who: str
    """The name of a member of staff; empty for what nobody did."""
    act: str
    resource: str


class Trace(NamedTuple):
    """What a row leaves behind."""

    seq: int
    tenant: str
    event_id: str
    type: str
    outcome: str
    """The outcome of the decision, else `recorded` or `noted`."""
    currency: str
    """Of the amount; empty where there is none."""
    at_ms: int
    received_ms: int
    amount_minor: int
    score: int
    country: str
    names: tuple[tuple[str, str], ...]
    """Kinds with their values, each once, in the order in which an event declares them."""
    rules: tuple[str, ...]
    act: Act | None = None


class _Reason(msgspec.Struct, gc=False):
    rule: str


class _Answer(msgspec.Struct, gc=False):
    outcome: str = ""
    score: int = 0
    reasons: tuple[_Reason, ...] = ()


_SINGLE = (*KINDS, SUBJECT)
_FIELDS = (*_SINGLE, *(field for field, _ in _ALSO))
_Said = msgspec.defstruct(
    "_Said",
    [
        *((name, str | None, None) for name in _FIELDS),
        ("products", tuple[str, ...], ()),
        *((name, str | None, None) for name in _COUNTRIES),
        *((name, str | None, None) for name in
          ("currency", "list_name", "value", "staff_action", "resource")),
        ("amount_minor", int | None, None),
    ],
    gc=False,
    module=__name__,
)  # fmt: skip
"""As much of an event as leaves a trace."""
_said = msgspec.json.Decoder(_Said).decode
_answered = msgspec.json.Decoder(_Answer).decode
_KINDS_OF_FIELDS = (*_SINGLE, *(kind for _, kind in _ALSO))
_NO_RULES: tuple[str, ...] = ()


def trace_of(row: Row, meaning: Meaning) -> Trace:
    """The trace of a row. What cannot be read of a damaged row is left out."""
    if row.kind == NOTED:
        return _of_note(row)
    if row.kind == ERASED:
        return _of_erased(row)
    outcome, score, rules = RECORDED_OUTCOME, 0, _NO_RULES
    if row.kind == DECIDED:
        outcome, score, rules = _of_answer(row.answer)
    try:
        said: Any = _said(row.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Trace(row.seq, row.tenant, row.event_id, row.type, outcome, "", row.at_ms, row.received_ms, 0,
                     score, "", (), rules)  # fmt: skip
    amount = meaning.to_base(said.amount_minor, said.currency)
    return Trace(
        row.seq, row.tenant, row.event_id, row.type, outcome, "" if amount is None else meaning.currency,
        row.at_ms, row.received_ms, amount or 0, score, _country(said), _names(row, said, meaning),
        rules, _act(row.type, said),
    )  # fmt: skip


def _of_answer(answer: bytes) -> tuple[str, int, tuple[str, ...]]:
    try:
        told = _answered(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", 0, ()
    # A rule can stand twice: by itself, and held by the governor.
    return told.outcome, told.score, tuple(dict.fromkeys([r.rule for r in told.reasons]))


def _names(row: Row, said: Any, meaning: Meaning) -> tuple[tuple[str, str], ...]:
    found = [
        (kind, value)
        for kind, value in zip(_KINDS_OF_FIELDS, astuple(said), strict=False)
        if value is not None
    ]
    products: tuple[str, ...] = said.products
    for product in products:
        found.append(("product", product))
    if row.type in _LISTED:
        kind = meaning.holds.get(said.list_name or "", "")
        if kind in _SINGLE:
            found.append((kind, said.value or ""))
    return tuple(dict.fromkeys(found))


def _country(said: Any) -> str:
    for field in _COUNTRIES:
        value: str | None = getattr(said, field)
        if value is not None:
            return value
    return ""


def _act(type_: str, said: Any) -> Act | None:
    """What somebody did, if the event says that a member of staff did something."""
    who: str | None = getattr(said, _STAFF)
    if who is None:
        return None
    if type_ == "staff.action":
        act, resource = said.staff_action, said.resource
        return Act(who, act or "other", resource or "")
    if type_ in _LISTED:
        return Act(who, _LISTED[type_], _LIST)
    return Act(who, _LABELLED, "") if type_ in CLAIM_TYPES else None


def _of_note(row: Row) -> Trace:
    """Step (2). The kind of a note reads `source:subject:action`."""
    who, tenant = "", ""
    try:
        happening = decode_happening(row.body)
        who, tenant = happening.facts.get("by", ""), happening.tenant
    except msgspec.DecodeError:
        pass
    source, _, rest = row.type.partition(":")
    act = Act(who, rest or row.type, source)
    names = ((_STAFF, who),) if who else ()
    return Trace(row.seq, tenant, row.event_id, row.type, NOTED_OUTCOME, "", row.at_ms, row.received_ms, 0, 0, "",
                 names, (), act)  # fmt: skip


def _of_erased(row: Row) -> Trace:
    """Step (3)."""
    outcome, score, rules = RECORDED_OUTCOME, 0, _NO_RULES
    try:
        entry = parse_entry(row.body)
        outcome, score = entry.outcome or RECORDED_OUTCOME, entry.score or 0
        rules = tuple(dict.fromkeys(entry.reasons))
    except FormatError:
        pass
    return Trace(row.seq, row.tenant, row.event_id, row.type, outcome, "", row.at_ms, row.received_ms, 0, score,
                 "", (), rules)  # fmt: skip
