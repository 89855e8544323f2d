"""By when a case is due: working time is counted as the calendar of the people who work has it.

A promise of so many working minutes is counted in local time, window by window, so that an hour is
an hour where clocks are set forward or back, a weekend counts nothing, and a holiday neither. A
promise that runs around the clock is counted in plain minutes. Pure: time zones come from the tz
database, "now" from whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from kanhe.core.time import MINUTE_MS

_MOST_DAYS = 3_660
"""A calendar that has no working hour for ten years is a mistake."""
_MIDNIGHT = 24 * 60


class Window(msgspec.Struct, frozen=True):
    """Working hours of a day of the week (0: Monday), in minutes of local time."""

    weekday: int
    begin_min: int
    end_min: int


class Promise(msgspec.Struct, frozen=True):
    """How soon a case of some severity is to be decided."""

    minutes: int
    around_the_clock: bool = False


class Calendar(msgspec.Struct, frozen=True):
    """When people work."""

    time_zone: str = "UTC"
    windows: tuple[Window, ...] = tuple(Window(day, 9 * 60, 18 * 60) for day in range(5))
    holidays: frozenset[date] = frozenset()
    extra_days: frozenset[date] = frozenset()
    """Weekend days that are worked in exchange for a holiday, with the hours of the first working day."""

    def of_day(self, day: date) -> tuple[Window, ...]:
        """The hours of one day, in order."""
        if day in self.extra_days:
            first = min((window.weekday for window in self.windows), default=0)
            return tuple(window for window in self.windows if window.weekday == first)
        if day in self.holidays:
            return ()
        return tuple(window for window in self.windows if window.weekday == day.weekday())


PROMISES: Mapping[str, Promise] = {
    "critical": Promise(30, around_the_clock=True),
    "high": Promise(4 * 60, around_the_clock=True),
    "medium": Promise(9 * 60),
    "low": Promise(27 * 60),
}
"""What is promised where nobody said otherwise: half an hour, four hours, one and three working days."""
NEAR_SHARE = 4
"""A deadline is near when a quarter of the time that was given is left."""


def due_ms(opened_ms: int, promise: Promise, calendar: Calendar) -> int:
    """The moment by which a case that was opened then is to be decided."""
    if promise.around_the_clock:
        return opened_ms + promise.minutes * MINUTE_MS
    left = promise.minutes * MINUTE_MS
    zone = ZoneInfo(calendar.time_zone)
    day = datetime.fromtimestamp(opened_ms / 1000, zone).date()
    for _ in range(_MOST_DAYS):
        for window in calendar.of_day(day):
            begin = max(_moment(day, window.begin_min, zone), opened_ms)
            end = _moment(day, window.end_min, zone)
            if end <= begin:
                continue
            if begin + left <= end:
                return begin + left
            left -= end - begin
        day += timedelta(days=1)
    raise ValueError("the calendar has too few working hours to keep this promise")


def _moment(day: date, minute: int, zone: ZoneInfo) -> int:
    """A minute of a local day as a moment. One that does not exist (clocks set forward) is the one
    at which the hands would have stood."""
    if minute >= _MIDNIGHT:
        day, minute = day + timedelta(days=1), minute - _MIDNIGHT
    local = datetime.combine(day, time(minute // 60, minute % 60), zone)
    return int(local.astimezone(UTC).timestamp() * 1000)
