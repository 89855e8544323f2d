"""From a row of the journal to its entry in the log.

An entry is a function of its row and of the key for pseudonyms, so that the transaction that makes
a row durable (flow step 6) makes its entry durable too, without writing it: whoever folds rows into
the log, now or after a crash, makes the same bytes. Of a row that was erased the entry itself is
left. Why: `docs/adr/0009-an-entry-is-its-row.md`.
"""

from __future__ import annotations

from functools import cache

import msgspec

from kanhe.core.errors import StorageError
from kanhe.core.event import ENTITY_KINDS
from kanhe.record.journal.ports import DECIDED, ERASED, NOTED, Row
from kanhe.record.log.entry import (
    SALT_BYTES,
    Pseudonyms,
    entry_of,
    happening_of,
    kind_of,
    parse_entry,
)

_NO_SALT = bytes(SALT_BYTES)
_MOST_REASONS = 500
"""A rule's id has at most 64 characters, and an entry has room for 65,535 bytes: of an answer with
more reasons than that the entry names the first ones, and commits to all."""


class Happening(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of a `NOTED` row."""

    facts: dict[str, str]
    """Words, counts and hashes; nothing about a person."""
    who: tuple[str, ...] = ()
    """Pseudonyms of those it is about."""
    tenant: str = ""
    """Whose it is, for those who read the journal: the log does not have it."""


class _Reason(msgspec.Struct, gc=False):
    rule: str


class _Answer(msgspec.Struct, gc=False):
    """What an entry takes from an answer; it leaves the rest alone."""

    outcome: str = ""
    score: int | None = None
    reasons: tuple[_Reason, ...] = ()


_Named = msgspec.defstruct(
    "_Named", [(kind, str | None, None) for kind in ENTITY_KINDS], gc=False, module=__name__
)
"""What an entry takes from an event."""

_named = msgspec.json.Decoder(_Named).decode
_answered = msgspec.json.Decoder(_Answer).decode
decode_happening = msgspec.json.Decoder(Happening).decode
"""Reads the body of a `NOTED` row; raises `msgspec.DecodeError`."""
_kind = cache(kind_of)


class Entries:
    """Makes entries under one key for pseudonyms (32 bytes, of this installation alone)."""

    def __init__(self, key: bytes) -> None:
        self.pseudonym = Pseudonyms(key, ENTITY_KINDS)

    def of(self, row: Row) -> bytes:
        """The entry of a row. Raises `StorageError` for a row that cannot have been written by us."""
        if row.kind == ERASED:
            return row.body
        try:
            if row.kind == NOTED:
                happening = decode_happening(row.body)
                return happening_of(row.type, row.seq, row.at_ms, happening.facts, happening.who)
            answer = _answered(row.answer)
            outcome = answer.outcome if row.kind == DECIDED else ""
            return entry_of(
                _kind("flow", row.type, outcome or "recorded"),
                row.seq,
                row.at_ms,
                row.received_ms,
                row.salt or _NO_SALT,
                row.body,
                row.answer,
                row.policy,
                "",
                outcome,
                answer.score,
                tuple([reason.rule for reason in answer.reasons[:_MOST_REASONS]]),
                self.who(row),
            )
        except msgspec.DecodeError as error:
            raise StorageError(f"row {row.seq} of the journal is damaged: {error}") from error

    def who(self, row: Row) -> tuple[str, ...]:
        """The pseudonyms of those whom an event names, in the order of `ENTITY_KINDS`."""
        return self.pseudonym.of_all(row.tenant, msgspec.structs.astuple(_named(row.body)))


def was_decided(row: Row) -> bool:
    """Whether rules were asked about the row's event, also if it was erased since."""
    return row.kind == DECIDED or (row.kind == ERASED and parse_entry(row.body).outcome != "")
