"""Erasing a person: which rows speak of them, and what is left.

A request names a person by one or more entities of one tenant (`user=u-42`, `email=…`). Every row
whose event names one of them loses its content and its salt; its place, its times, its type and the
log's entry stay, so that every proof stays valid. Entries of lists are destroyed with them.

What others were counted with stays counted in memory, which holds keyed hashes and no ids, until
memory is next built from the first row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from kanhe.core.errors import KanheError
from kanhe.core.event import ENTITY_KINDS
from kanhe.record.journal.ports import Row

MOST_NAMES = 100
"""How many entities one request may name."""
MOST_WORDS = 500
"""How many characters the reason of a request may have."""
_ALSO = {"user": ("recipient", "referrer_user"), "staff": ("approver",)}
"""Fields of further kinds that hold the id of an entity."""
_LIST_TYPES = frozenset({"list.entry_added", "list.entry_removed"})

Holds = Mapping[str, str]
"""What the entries of each list are, such as `card`."""


class ErasureError(KanheError):
    """A request that cannot be carried out."""


class Erasure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request to erase somebody. It is personal itself, and destroyed when it is done."""

    id: str
    """Random, so that it can be told apart and tells nothing."""
    tenant: str
    names: tuple[tuple[str, str], ...]
    """Kinds of entity with their ids."""
    reason: str
    """Why, for the record: the ticket, or the law. Nothing about the person."""
    by: str
    """Who asked for it."""
    at_ms: int
    upto: int = 0
    """Up to which row the journal was searched before the request was handed over."""
    rows: tuple[int, ...] = ()
    """The rows found there."""

    def check(self) -> None:
        """Raise `ErasureError` unless it names somebody in a way that can be looked for."""
        if not 1 <= len(self.names) <= MOST_NAMES:
            raise ErasureError(f"name 1 to {MOST_NAMES} entities, such as user=u-42")
        for kind, id in self.names:
            if kind not in ENTITY_KINDS:
                raise ErasureError(
                    f"{kind[:40]!r} is no kind of entity; there are {', '.join(ENTITY_KINDS)}"
                )
            if not id or len(id) > 256 or not id.isprintable():
                raise ErasureError(f"the id of the {kind} is empty, too long, or cannot be printed")
        for what, text in (("reason", self.reason), ("name of who asks", self.by)):
            # They become part of an entry, which has to fit into the log for ever.
            if len(text) > MOST_WORDS or not (text.isprintable() or not text):
                raise ErasureError(f"the {what} is longer than {MOST_WORDS} characters, or no text")


Names = Callable[[Row], bool]
"""Whether a row speaks of the person."""


def names_of(erasure: Erasure, holds: Holds) -> Names:
    """The test of rows for one request."""
    wanted: dict[str, set[str]] = {}
    for kind, id in erasure.names:
        wanted.setdefault(kind, set()).add(id)
    # As an id is written inside JSON: most rows are passed over by looking for these bytes.
    marks = [msgspec.json.encode(id)[1:-1] for _, id in erasure.names]
    tenant = erasure.tenant

    def named(row: Row) -> bool:
        body = row.body
        if row.tenant != tenant or not row.is_event or not any(mark in body for mark in marks):
            return False
        return _speaks_of(msgspec.json.decode(body), wanted, holds)

    return named


def _speaks_of(event: Mapping[str, Any], wanted: Mapping[str, set[str]], holds: Holds) -> bool:
    for kind, ids in wanted.items():
        if any(event.get(field) in ids for field in (kind, *_ALSO.get(kind, ()))):
            return True
    if event["type"] in _LIST_TYPES:
        return event.get("value") in wanted.get(holds.get(event.get("list_name", ""), ""), ())
    return False


def find_rows(rows: Iterable[Row], names: Names) -> Iterator[int]:
    """The numbers of the rows that speak of the person, in order."""
    return (row.seq for row in rows if names(row))
