"""Which part of the journal is asked about: by number, or by the time at which events arrived."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from kanhe.core.errors import KanheError
from kanhe.core.time import DAY_MS
from kanhe.record.journal.ports import Row

_NUMBER = re.compile(r"#?([0-9]{1,18})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ENDLESS = 2**63 - 1


class SpanError(KanheError):
    """A beginning or an end is neither a number nor a time, or the end lies before the beginning."""


class Span(NamedTuple):
    """Rows from one number to another, of events that arrived from one moment to another, all
    included. Times of arrival need not rise with the numbers: imports and clocks see to that."""

    first_seq: int = 1
    last_seq: int = _ENDLESS
    from_ms: int = -_ENDLESS
    to_ms: int = _ENDLESS

    def holds(self, row: Row) -> bool:
        """Whether this row is asked about."""
        return (
            self.first_seq <= row.seq <= self.last_seq
            and self.from_ms <= row.received_ms <= self.to_ms
        )


def span_of(begin: str = "", end: str = "") -> Span:
    """Read `#123` or `123` (numbers of the journal), `2026-01-31` or `2026-01-31T12:00:00Z` (times of
    arrival, UTC unless they say otherwise); empty for everything.

    A date as the end includes the whole day. Raises `SpanError`.
    """
    first, from_ms = _bound(begin, "--from", 1, -_ENDLESS)
    last, to_ms = _bound(end, "--to", _ENDLESS, _ENDLESS)
    if _DATE.fullmatch(end):
        to_ms += DAY_MS - 1
    if first > last or from_ms > to_ms:
        raise SpanError(f"--to {end} lies before --from {begin}")
    return Span(first, last, from_ms, to_ms)


def _bound(text: str, option: str, any_seq: int, any_ms: int) -> tuple[int, int]:
    """A number and a moment, one of which is left open."""
    if not text:
        return any_seq, any_ms
    if number := _NUMBER.fullmatch(text):
        return int(number[1]), any_ms
    moment_ms = _moment(text)
    if moment_ms is None:
        raise SpanError(
            f"{option} {text[:40]!r} is neither a number of the journal nor a time; write #123,"
            " 2026-01-31 or 2026-01-31T12:00:00Z"
        )
    return any_seq, moment_ms


def day_begin_of(text: str, option: str) -> int:
    """Read a moment, in milliseconds, from which on everything is meant: a date is its first
    millisecond. Raises `SpanError` naming the option."""
    moment_ms = _moment(text)
    if moment_ms is None:
        raise SpanError(
            f"{option} {text[:40]!r} is no time; write 2026-01-31 or 2026-01-31T12:00:00Z"
        )
    return moment_ms


def day_end_of(text: str, option: str) -> int:
    """Read a moment, in milliseconds, of which everything up to it is meant: a date is its last
    millisecond. Raises `SpanError` naming the option."""
    moment_ms = day_begin_of(text, option)
    return moment_ms + DAY_MS - 1 if _DATE.fullmatch(text) else moment_ms


def _moment(text: str) -> int | None:
    """Milliseconds since 1970, UTC unless the text says otherwise; `None` if it is no time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
