"""What rows say by themselves: what left because of them, and which of them acted on what comes after."""

from __future__ import annotations

import re

import msgspec

from kanhe.core.decision import GOVERNOR, Decision
from kanhe.record.journal.ports import DECIDED, Message, Row

TRIPPED = "policy:governor:tripped"
"""The kind of the row by which the log has it that a cap of the governor was passed."""
ROLLED_BACK = "policy:pack:rolled_back"
_ALARMING = frozenset({TRIPPED, ROLLED_BACK})
_ACTS = re.compile(rb'"list_add"|"outcome":"(?:deny|challenge)"|"%s"' % GOVERNOR.encode())


class _Told(msgspec.Struct, gc=False):
    """What tells of a recorded answer whether somebody was alerted."""

    class Act(msgspec.Struct, gc=False):
        """An action, by its kind."""

        kind: str

    outcome: str
    actions: tuple[Act, ...] = ()


_told = msgspec.json.Decoder(_Told).decode
_decode = msgspec.json.Decoder(Decision).decode


def alerts(seq: int, decision: Decision | _Told, answer: bytes) -> tuple[Message, ...]:
    """An alert for every decision that stopped somebody, asks a person, or says that it notifies."""
    if decision.outcome in ("review", "deny"):
        return (Message(seq, "alert", answer),)
    if decision.actions and any(action.kind == "notify" for action in decision.actions):
        return (Message(seq, "alert", answer),)
    return ()


def messages_of(row: Row) -> tuple[Message, ...]:
    """What leaves because of a row. Raises `msgspec.DecodeError` for a damaged answer."""
    if row.kind == DECIDED:
        return alerts(row.seq, _told(row.answer), row.answer)
    return (Message(row.seq, "alert", row.body),) if row.type in _ALARMING else ()


def acting_decision(row: Row) -> Decision | None:
    """The recorded decision, if it may have changed lists, or counts for the governor."""
    if row.kind == DECIDED and _ACTS.search(row.answer):
        return _decode(row.answer)
    return None
