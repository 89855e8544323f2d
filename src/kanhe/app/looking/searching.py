"""Search across everything: one box, and what is meant is found by what it looks like.

(1) A handle of a decision, or a number of a row. (2) The id of an event, as its sender spells it. (3)
`kind:value` and values of entities, whole and by how they begin; what is masked is found whole only. (4) Rules that ever fired, rules and
lists of the pack in force. Each kind gives few results, and nothing of another tenant's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from kanhe.app.looking.sources import NothingYetError, NotThereError, Sources, tenants_of
from kanhe.core.actor import Actor
from kanhe.core.decision import decision_id, seq_of
from kanhe.core.errors import StorageError
from kanhe.judge.rules.lists import spelled
from kanhe.protect.access.masking import PERSONAL_FIELDS
from kanhe.record.traces import KINDS
from kanhe.stores.sqlite.index_reader import IndexReader, NameRow

TEXT_MAX = 200
MOST_OF_A_KIND = 8
_LEAST_BEGINNING = 2
"""How many characters a beginning needs: one would find everybody."""
_MOST_TENANTS = 200


class Found(NamedTuple):
    """One result. `tenant` is empty for what belongs to none."""

    group: Literal["decision", "entity", "rule", "list"]
    kind: str
    """Of an entity its kind, of a decision the type of its event."""
    value: str
    """The handle, the entity's value, the rule's id or the list's name."""
    tenant: str
    hint: str
    """The outcome of a decision, what a list holds."""
    events: int = 0
    at_ms: int = 0


def search(sources: Sources, actor: Actor, text: str) -> list[Found]:
    """What a text may mean, the most certain first; nothing for a text that is empty or too long."""
    text = text.strip()
    if not text or len(text) > TEXT_MAX or not text.isprintable():
        return []
    found = list(_decisions(sources, actor, text))  # (1) and (2)
    try:
        with sources.index() as index:
            found += _entities(index, actor, text)  # (3)
            found += _rules(index, text)  # (4)
    except NothingYetError:
        pass
    found += _of_pack(sources, text, {one.value for one in found if one.group == "rule"})
    return list(dict.fromkeys(found))


def _decisions(sources: Sources, actor: Actor, text: str) -> Iterator[Found]:
    seqs = [seq_of(text)]
    if text.startswith("#") and text[1:].isascii() and text[1:].isdecimal() and len(text) < 20:
        seqs.append(int(text[1:]))
    try:
        for seq in seqs:
            if seq:
                yield _decision(sources, actor, seq)
    except (NotThereError, NothingYetError):
        pass
    try:
        journal = sources.journal()
        with sources.index() as index:
            tenants = tenants_of(index, actor)[:_MOST_TENANTS]
        for tenant in tenants:
            row = journal.find(tenant, text)
            if row is not None:
                yield _decision(sources, actor, row.seq)
    except (NotThereError, NothingYetError):
        return


def _decision(sources: Sources, actor: Actor, seq: int) -> Found:
    row = sources.row(seq, actor)
    try:
        with sources.index() as index:
            event = index.event(seq)
    except NothingYetError:
        event = None
    outcome = event.code.outcome if event else ""
    return Found("decision", row.type, decision_id(seq), row.tenant, outcome, 0, row.at_ms)


def _entities(index: IndexReader, actor: Actor, text: str) -> list[Found]:
    kind, colon, value = text.partition(":")
    wanted = kind.strip().lower()
    if colon and wanted in KINDS:
        return _of_kind(index, actor, wanted, value.strip())
    tenants = tenants_of(index, actor)[:_MOST_TENANTS]
    names = index.names_of_value(text, tenants, MOST_OF_A_KIND)
    for special in ("ip", "email"):
        also = spelled(special, text) if special == "ip" else text.lower()
        if also and also != text:
            names += [one for one in index.names_of_value(also, tenants, 2) if one.kind == special]
    if len(text) >= _LEAST_BEGINNING:
        names += _beginning(index.names_beginning(text, tenants, 4 * MOST_OF_A_KIND))
    return _shown(names)


def _of_kind(index: IndexReader, actor: Actor, kind: str, value: str) -> list[Found]:
    if not value:
        return []
    value = spelled(kind, value) or value
    tenants = tenants_of(index, actor)[:_MOST_TENANTS]
    whole = [one for t in tenants if (one := index.name(t, kind, value)) is not None]
    more = _beginning(index.names_beginning(value, tenants, 4 * MOST_OF_A_KIND))
    return _shown([*whole, *(name for name in more if name.kind == kind)])


def _beginning(names: list[NameRow]) -> list[NameRow]:
    """Those that may be found by how they begin: what is masked could be spelled out that way."""
    return [name for name in names if name.kind not in PERSONAL_FIELDS]


def _shown(names: list[NameRow]) -> list[Found]:
    found: dict[int, Found] = {}
    for name in names:
        if name.kind in KINDS and len(found) < 2 * MOST_OF_A_KIND:
            found[name.id] = Found(
                "entity", name.kind, name.value, name.tenant, "", name.events, name.last_ms
            )
    return list(found.values())


def _rules(index: IndexReader, text: str) -> list[Found]:
    if len(text) < _LEAST_BEGINNING:
        return []
    wanted = text.lower().replace(" ", "_")
    return [Found("rule", "", rule, "", "") for rule in index.rules_named(wanted, MOST_OF_A_KIND)]


def _of_pack(sources: Sources, text: str, known: set[str]) -> list[Found]:
    """Rules and lists of the newest pack, by their names and by what they say."""
    if len(text) < _LEAST_BEGINNING:
        return []
    try:
        pack = sources.newest_pack()
    except StorageError:
        return []
    if pack is None:
        return []
    wanted = text.lower()
    name = wanted.replace(" ", "_")
    rules = [
        Found("rule", "", rule.id, "", "")
        for rule in pack.rules
        if rule.id not in known and (name in rule.id or wanted in " ".join(rule.tags).lower())
    ]
    lists = [
        Found("list", "", one.name, "", one.holds)
        for one in pack.lists
        if name in one.name or wanted in one.en.lower() or text in one.zh
    ]
    return rules[:MOST_OF_A_KIND] + lists[:MOST_OF_A_KIND]
