"""The audit of an installation: the log against the journal, and the journal against itself.

(1) The file: pages, indexes, schema, words (`stores.sqlite.examination`). (2) The text of every
policy is there, and hashes to the name under which it is kept. (3) Each row is held against its key
and its messages, and what the log commits to only in part against what it is made of; then it makes
its entry, and `record.log.audit` holds that against files and signatures. (4) The rows that are not
folded yet are read in the same way.

Which bytes each of these finds, and which bytes mean nothing: `docs/log.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from kanhe.app.ledger import JOURNAL_FILE, Ledger
from kanhe.core.errors import StorageError
from kanhe.core.settings import Settings
from kanhe.judge.language.source import PolicyError
from kanhe.judge.policy.files import archive, content_hash, unarchive
from kanhe.record.journal.ports import ERASED, NOTED, Message, Row
from kanhe.record.journal.recorded import messages_of
from kanhe.record.log.audit import Audited, Misfit, Progress, audit
from kanhe.record.log.entry import parse_entry
from kanhe.record.log.errors import FormatError
from kanhe.record.log.note import NoteKey
from kanhe.stores.sqlite.examination import Examination


class _Id(msgspec.Struct, gc=False):
    """What stands in an event's own JSON beside the row."""

    id: str
    type: str
    at_ms: int


_id = msgspec.json.Decoder(_Id).decode


def audit_log(settings: Settings, trusted: Sequence[NoteKey], progress: Progress) -> Audited:
    """Audit the log and the journal; raises `Misfit` for the first thing that does not fit, and
    `StorageError` for what cannot be read.

    `trusted` are the keys that somebody noted in time; without any, those that lie beside the log
    are believed.
    """
    ledger = Ledger(settings)
    path = Path(settings.data_dir) / JOURNAL_FILE
    if not path.exists():
        raise StorageError(f"there is no journal {path}: nothing was ever judged here")
    keys = list(trusted) or [one.key for one in ledger.keys.public()]
    examination = Examination(path)  # (1)
    try:
        kept = _check_policies(examination)  # (2)
        rows = _checked(examination, kept)  # (3)
        found = audit(
            ledger.log, rows, examination.last, ledger.entries, ledger.origin,
            keys, [one.key for one in ledger.witnesses], progress,
        )  # fmt: skip
        for row in rows:  # (4)
            ledger.entries.of(row)
        return found
    finally:
        examination.close()


def _check_policies(examination: Examination) -> frozenset[str]:
    """Step (2): the hashes whose text is kept, each with just the bytes that were kept."""
    kept = set()
    for policy, text in examination.archives():
        if text is None:
            continue
        try:
            files = unarchive(text)
        except PolicyError as error:
            raise Misfit(f"the text of the policy {policy} cannot be read: {error}") from error
        if content_hash(files) != policy or archive(files) != text:
            raise Misfit(f"the text kept for the policy {policy} is not that of the policy")
        kept.add(policy)
    return frozenset(kept)


def _checked(examination: Examination, kept: frozenset[str]) -> Iterator[Row]:
    """Step (3), as far as the log does not do it."""
    for row, messages in examination.rows():
        if row.policy not in kept:
            raise Misfit(f"the text of the policy of row {row.seq} is not kept", row.seq)
        try:
            why = _misfit(row, messages)
        except (msgspec.DecodeError, FormatError) as error:
            why = str(error)
        if why:
            raise Misfit(f"row {row.seq} of the journal was altered: {why}", row.seq)
        yield row


def _misfit(row: Row, messages: tuple[Message, ...]) -> str:
    """What of a row does not fit the rest of it; empty if all does."""
    if row.kind == ERASED:
        entry = parse_entry(row.body)
        committed = (entry.seq, entry.at_ms, entry.received_ms, entry.policy)
        if committed != (row.seq, row.at_ms, row.received_ms, row.policy):
            return "its times or its policy are not those of its entry"
        if entry.kind.split(":")[1] != row.type:
            return "its type is not that of its entry"
        if row.event_id or row.vector or row.answer or row.salt:
            return "it was erased, and holds what was to be destroyed"
        return "what left because of it was not emptied" if any(m.payload for m in messages) else ""
    if row.kind == NOTED:
        if row.tenant or row.vector or row.answer or row.salt or row.received_ms != row.at_ms:
            return "it tells of no event, and holds what only events have"
    else:
        event = _id(row.body)
        if (event.id, event.type, event.at_ms) != (row.event_id, row.type, row.at_ms):
            return "its id, type or time is not that of its event"
    if messages != messages_of(row):
        return "the outbox does not hold what left because of it"
    return ""
