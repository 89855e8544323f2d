"""Who did what: acts of staff as the journal has them, and what the installation noted of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from kanhe.app.looking.sources import NotThereError, Sources, tenants_of
from kanhe.core.actor import Actor
from kanhe.core.decision import decision_id
from kanhe.judge.rules.lists import spelled
from kanhe.record.journal.ports import ERASED, NOTED, Row
from kanhe.record.log.entries import decode_happening
from kanhe.record.traces import KINDS
from kanhe.stores.sqlite.index_reader import ActRow, IndexReader

PAGE = 50
MOST_PAGE = 5_000
_TOLD = (
    "note", "ticket", "list_name", "value", "verdict", "approver", "subject_event", "changed",
    "record_count", "is_own_record",
)  # fmt: skip
"""Fields of an act that say more about it."""


class Wanted(NamedTuple):
    """Which acts are wanted; what is empty does not limit."""

    before: int = 0
    who: str = ""
    act: str = ""
    kind: str = ""
    value: str = ""
    """With `kind`: whom or what they are about."""
    begin_ms: int = 0
    end_ms: int = 0
    most: int = PAGE


class Act(NamedTuple):
    """One thing that somebody did."""

    seq: int
    handle: str
    tenant: str
    at_ms: int
    who: str
    """A member of staff; empty for what the program did by itself."""
    act: str
    resource: str
    about: tuple[tuple[str, str], ...]
    """The entities that it names beside the member of staff."""
    told: Mapping[str, Any]
    """What else the event or the note says."""
    event_id: str


class Acts(NamedTuple):
    """A page of them, the newest first."""

    lines: tuple[Act, ...]
    next_before: int
    kinds: tuple[str, ...]
    """All kinds of acts there are, to choose from."""


def acts(sources: Sources, actor: Actor, wanted: Wanted) -> Acts:
    """A page of what was done, as far as this person sees it. Raises `NothingYetError`."""
    most = max(1, min(wanted.most, MOST_PAGE))
    with sources.index() as index:
        who = _numbers(index, actor, "staff", wanted.who) if wanted.who else None
        about = _numbers(index, actor, wanted.kind, wanted.value) if wanted.value else None
        rows: list[ActRow] = []
        if who != [] and about != []:
            rows = index.acts(
                wanted.before, most + 1, tenant=actor.tenant or None, who=who, act=wanted.act,
                about=about, begin_ms=wanted.begin_ms, end_ms=wanted.end_ms,
            )  # fmt: skip
        kinds = tuple(index.acts_known())
    lines = tuple(_told(sources, row) for row in rows[:most])
    return Acts(lines, rows[most - 1].seq if len(rows) > most else 0, kinds)


def _numbers(index: IndexReader, actor: Actor, kind: str, value: str) -> list[int]:
    """The names of this kind and value, of every tenant that the person sees."""
    if kind not in KINDS:
        raise NotThereError("there is no such kind of entity")
    value = spelled(kind, value) or value
    tenants = [*tenants_of(index, actor), *(() if actor.tenant else ("",))]
    return [name.id for t in tenants if (name := index.name(t, kind, value)) is not None]


def _told(sources: Sources, act: ActRow) -> Act:
    row = sources.journal().row(act.seq)
    about, told = ((), {}) if row is None else _read(row)
    event_id = row.event_id if row is not None and row.kind != ERASED else ""
    return Act(act.seq, decision_id(act.seq), act.tenant, act.at_ms, act.who, act.act,
               act.resource, about, told, event_id)  # fmt: skip


def _read(row: Row) -> tuple[tuple[tuple[str, str], ...], Mapping[str, Any]]:
    try:
        if row.kind == NOTED:
            facts = decode_happening(row.body).facts
            return (), {name: value for name, value in facts.items() if name != "by" and value}
        if row.kind == ERASED:
            return (), {}
        event = msgspec.json.decode(row.body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return (), {}
    about = tuple(
        (kind, event[kind]) for kind in KINDS
        if kind not in ("staff", "session", "device", "ip") and isinstance(event.get(kind), str)
    )  # fmt: skip
    return about, {name: event[name] for name in _TOLD if event.get(name) not in (None, "", False)}
