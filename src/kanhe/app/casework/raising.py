"""What a row of the journal raises: an alert, word that somebody was erased, or nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec

from kanhe.app.kept_packs import KeptPacks
from kanhe.core.decision import Decision
from kanhe.core.errors import StorageError
from kanhe.judge.policy.pack import Pack
from kanhe.record.journal.ports import DECIDED, ERASED, NOTED, JournalReader, Row
from kanhe.record.journal.recorded import ROLLED_BACK, TRIPPED, messages_of
from kanhe.record.log.entries import decode_happening
from kanhe.respond import alerts
from kanhe.respond.alerts import Alert, Amounts
from kanhe.respond.priority import Expectation
from kanhe.stores.desk.outgoing import PLATFORM

COMPLAINT = "complaint.opened"

_decision = msgspec.json.Decoder(Decision).decode
_event = msgspec.json.Decoder(dict[str, Any]).decode


class Raised(NamedTuple):
    """An alert and the tags of its rules."""

    alert: Alert
    tags: Collection[str] = ()


class Raising:
    """Makes alerts of rows, with the money and the rules of the pack of their time."""

    def __init__(self, packs: KeptPacks) -> None:
        self._packs = packs

    def alert_of(self, row: Row, journal: JournalReader) -> Raised | None:
        """The alert of a row. Raises `StorageError` if the row is damaged.

        What the journal sent into its outbox because of the row (`messages_of`) is what is taken up
        here, and complaints beside it.
        """
        if row.kind == ERASED:
            return None
        try:
            if row.kind == NOTED:
                return self._noted(row)
            if row.type == COMPLAINT:
                return self._complaint(row, journal)
            if row.kind == DECIDED and messages_of(row):
                return self._decided(row, journal)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StorageError(f"row {row.seq} of the journal is damaged: {error}") from error
        return None

    def _noted(self, row: Row) -> Raised | None:
        if row.type not in (TRIPPED, ROLLED_BACK):
            return None
        happening = decode_happening(row.body)
        make = alerts.of_trip if row.type == TRIPPED else alerts.of_rollback
        tenant = happening.tenant or PLATFORM
        return Raised(make(row.seq, tenant, row.event_id, row.type, row.at_ms, happening.facts))

    def _decided(self, row: Row, journal: JournalReader) -> Raised:
        decision = _decision(row.answer)
        event = _event(row.body)
        pack = self._packs.get(journal, row.policy)
        even = pack.verdict.deny if pack else Expectation().even_score
        alert = alerts.of_decision(
            row.seq, row.tenant, event, row.at_ms, row.received_ms, decision,
            _amounts(event, pack), Expectation(even),
        )  # fmt: skip
        tags = {tag for reason in decision.reasons for tag in reason.tags}
        return Raised(alert, tags)

    def _complaint(self, row: Row, journal: JournalReader) -> Raised:
        event = _event(row.body)
        pack = self._packs.get(journal, row.policy)
        return Raised(
            alerts.of_complaint(
                row.seq, row.tenant, event, row.at_ms, row.received_ms, _amounts(event, pack)
            )
        )


def _amounts(event: Mapping[str, Any], pack: Pack | None) -> Amounts:
    amount, currency = event.get("amount_minor"), event.get("currency")
    if not isinstance(amount, int) or not isinstance(currency, str):
        return Amounts()
    base = pack.rates.to_base(amount, currency) if pack else None
    return Amounts(amount, currency, base or 0)
