"""How values are shown: money, times, counts and shares, in the reader's language and time zone.

Every function is a filter of the templates under its own name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jinja2
from babel.core import Locale
from babel.dates import format_datetime
from babel.numbers import (
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_precision,
)
from markupsafe import Markup

from kanhe.core.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from kanhe.serve.console.language import gettext, spoken

_zone: ContextVar[str] = ContextVar("zone", default="UTC")
_LAST_MS = 253_402_300_799_000
"""The end of the year 9999: no later time can be shown."""


@contextmanager
def in_zone(name: str) -> Iterator[None]:
    """Show times as clocks in this time zone do, until the end of the block."""
    before = _zone.set(name)
    try:
        yield
    finally:
        _zone.reset(before)


@cache
def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name; UTC where nobody knows it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)


def _now_spoken() -> Locale:
    return _locale(spoken())


def _moment(at_ms: int) -> datetime | None:
    if not 0 <= at_ms <= _LAST_MS:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone_of(_zone.get()))


def money(amount_minor: int | None, currency: str | None = None) -> str:
    """An amount in minor units with its currency: `1,234.50 USD` as the language writes it."""
    if amount_minor is None:
        return "–"
    code = (currency or "").upper()
    digits = get_currency_precision(code) if code else 2
    amount = Decimal(amount_minor).scaleb(-digits)
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        return format_decimal(amount, locale=_now_spoken())
    return format_currency(amount, code, locale=_now_spoken())


def number(value: float | None, digits: int = 0) -> str:
    """A count with its separators; with `digits`, at most so many after the point."""
    if value is None:
        return "–"
    pattern = "#,##0" + ("." + "#" * digits if digits else "")
    return format_decimal(value, format=pattern, locale=_now_spoken())


def compact(value: float | None) -> str:
    """A large count in few characters: 12K, 1.2万."""
    if value is None:
        return "–"
    return format_compact_decimal(value, fraction_digits=1, locale=_now_spoken())


def share(value: float | None, digits: int = 1) -> str:
    """A share between 0 and 1 as a percentage."""
    if value is None:
        return "–"
    pattern = "#,##0" + ("." + "0" * digits if digits else "") + "%"
    return format_percent(value, format=pattern, locale=_now_spoken())


def date_time(at_ms: int | None, seconds: bool = False) -> str:
    """A moment as text, in the reader's time zone."""
    moment = None if at_ms is None else _moment(at_ms)
    if moment is None:
        return "–"
    pattern = "yyyy-MM-dd HH:mm:ss" if seconds else "yyyy-MM-dd HH:mm"
    return format_datetime(moment, pattern, locale=_now_spoken())


def when(at_ms: int | None, seconds: bool = False) -> Markup:
    """A moment as `<time>`, which a script may show as "5 min ago" beside the exact one."""
    moment = None if at_ms is None else _moment(at_ms)
    if moment is None:
        return Markup("–")
    exact = date_time(at_ms, seconds=True)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(timespec="seconds"), exact, date_time(at_ms, seconds)
    )


def ago(at_ms: int | None) -> Markup:
    """A moment as `<time>` that reads as an age where scripts run, and is kept current."""
    moment = None if at_ms is None else _moment(at_ms)
    if moment is None:
        return Markup("–")
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(
        moment.isoformat(timespec="seconds"),
        date_time(at_ms, seconds=True),
        date_time(at_ms),
    )


def left(at_ms: int | None) -> Markup:
    """A deadline as `<time>` that reads as the time left, or how long it has passed."""
    moment = None if at_ms is None else _moment(at_ms)
    if moment is None:
        return Markup("–")
    return Markup('<time datetime="{}" title="{}" data-left>{}</time>').format(
        moment.isoformat(timespec="seconds"),
        date_time(at_ms, seconds=True),
        date_time(at_ms),
    )


def duration(span_ms: int | None) -> str:
    """A span of time in its two largest units."""
    if span_ms is None:
        return "–"
    rest = abs(span_ms)
    if rest < SECOND_MS:
        return gettext("%(count)s ms") % {"count": rest}
    units = (
        (DAY_MS, gettext("%(count)s d")),
        (HOUR_MS, gettext("%(count)s h")),
        (MINUTE_MS, gettext("%(count)s min")),
        (SECOND_MS, gettext("%(count)s s")),
    )
    parts: list[str] = []
    for unit_ms, text in units:
        count, rest = divmod(rest, unit_ms)
        if count or parts:
            parts.append(text % {"count": count} if count else "")
        if len(parts) == 2:
            break
    return ("−" if span_ms < 0 else "") + " ".join(part for part in parts if part)


def install(environment: jinja2.Environment) -> None:
    """Make them filters."""
    for one in (money, number, compact, share, date_time, when, ago, left, duration):
        environment.filters[one.__name__] = one
