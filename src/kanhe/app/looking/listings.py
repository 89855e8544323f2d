"""Which lists an entity was put on and taken off, as its own events tell.

An entry is made by people (`list.entry_added`), or by a rule that fired on an event of the entity
(`list_add`). Both are read from the entity's newest events; the judging process, which holds the lists
themselves, is not asked for this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from kanhe.core.decision import Decision, decision_id
from kanhe.record.journal.ports import DECIDED, Row
from kanhe.stores.sqlite.finder import JournalFinder
from kanhe.stores.sqlite.index_reader import IndexReader, NameRow

LIST_EVENTS = ("list.entry_added", "list.entry_removed")
_MOST_BY_PEOPLE = 15
_MOST_LOOKED_AT = 300
_MOST_BY_RULES = 15
_decision = msgspec.json.Decoder(Decision).decode


class Listing(NamedTuple):
    """One change of a list that concerns an entity."""

    seq: int
    handle: str
    list_name: str
    is_on: bool
    """Whether it was put on, or taken off."""
    by: str
    """A member of staff, or the rules that did."""
    at_ms: int
    until_ms: int
    """0: without end."""
    note: str


class Listings(NamedTuple):
    """All changes found, the newest first, and on which lists it stands by the newest of them."""

    changes: tuple[Listing, ...]
    standing: tuple[Listing, ...]


def listings_of(index: IndexReader, journal: JournalFinder, name: NameRow, now_ms: int) -> Listings:
    """What the newest events of an entity say about lists."""
    found: list[Listing] = []
    codes = {code for type_ in LIST_EVENTS for code in index.codes_of(name.tenant, type_=type_)}
    if codes:
        for event in index.mentions(name.id, 0, _MOST_BY_PEOPLE, codes):
            row = journal.row(event.seq)
            if row is not None and (one := _by_people(row, name.value)) is not None:
                found.append(one)
    newest = [seq for seq, code in index.mention_codes(name.id, _MOST_LOOKED_AT)
              if code.type not in LIST_EVENTS]  # fmt: skip
    fired = sorted(index.rules_of(newest), reverse=True)[:_MOST_BY_RULES]
    for seq in fired:
        row = journal.row(seq)
        if row is not None and row.kind == DECIDED:
            found += _by_rules(row, name.value)
    found.sort(key=lambda one: -one.seq)
    return Listings(tuple(found), _standing(found, now_ms))


def _standing(changes: Sequence[Listing], now_ms: int) -> tuple[Listing, ...]:
    latest: dict[str, Listing] = {}
    for one in changes:
        latest.setdefault(one.list_name, one)
    return tuple(
        one for one in latest.values() if one.is_on and (not one.until_ms or one.until_ms > now_ms)
    )


def _by_people(row: Row, value: str) -> Listing | None:
    try:
        event = msgspec.json.decode(row.body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if row.type not in LIST_EVENTS or event.get("value") != value:
        return None
    return Listing(
        row.seq, decision_id(row.seq), str(event.get("list_name", "")), row.type == LIST_EVENTS[0],
        str(event.get("staff", "")), row.at_ms, int(event.get("expires_ms") or 0),
        str(event.get("note", "")),
    )  # fmt: skip


def _by_rules(row: Row, value: str) -> list[Listing]:
    try:
        decision = _decision(row.answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    rules = ", ".join(reason.rule for reason in decision.reasons[:3])
    return [
        Listing(row.seq, decision_id(row.seq), action.what, True, rules, row.at_ms,
                row.at_ms + action.for_ms if action.for_ms else 0, "")
        for action in decision.actions
        if action.kind == "list_add" and action.value == value
    ]  # fmt: skip
