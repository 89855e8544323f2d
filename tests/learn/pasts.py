"""Rows of a journal in which people and banks say what turned out to be true."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from kanhe.core.time import DAY_MS
from kanhe.record.journal.ports import RECORDED, Row
from kanhe.record.labels import About, gather

START_MS = 1_767_225_600_000


def day(number: float) -> int:
    """That many days after the start, in milliseconds."""
    return START_MS + round(number * DAY_MS)


def event(seq: int, id: str, kind: str, at: float, received: float | None = None, *,
          tenant: str = "a", **fields: Any) -> Row:  # fmt: skip
    """A row; times in days after the start."""
    body = {"type": kind, "id": id, "at_ms": day(at), **fields}
    received_ms = day(at if received is None else received)
    return Row(seq, tenant, id, RECORDED, kind, day(at), received_ms, "", json.dumps(body).encode(),
               b"", b"")  # fmt: skip


def paid(seq: int = 1, id: str = "pay", at: float = 0, **fields: Any) -> Row:
    """A payment of an order by a card."""
    fields = {"payment": "p1", "order": "o1", "card": "c1", **fields}
    return event(seq, id, "payment.attempted", at, **fields)


def said(seq: int, verdict: str, at: float, received: float | None = None, source: str | None = None,
         **fields: Any) -> Row:  # fmt: skip
    """A label about the event `pay`, unless something else is named."""
    names = ("subject_event", "payment", "refund", "payout", "review", "message", "order")
    if not any(name in fields for name in names):
        fields["subject_event"] = "pay"
    if source:
        fields["label_source"] = source
    return event(seq, f"l{seq}", "label.assigned", at, received, verdict=verdict, **fields)


def about(rows: Iterable[Row], subject: Row) -> About:
    """What these rows claim about one of them."""
    return gather([*rows, subject]).about(subject)


def verdict(rows: Iterable[Row], subject: Row, as_of: float = 10_000) -> str | None:
    """What holds about an event as of a day."""
    holds = about(rows, subject).holding(day(as_of))
    return holds.verdict if holds else None
