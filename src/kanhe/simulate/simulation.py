"""The life of a simulated shop, day by day."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

from kanhe.core.errors import KanheError
from kanhe.core.time import DAY_MS
from kanhe.simulate.campaigns import write_campaigns
from kanhe.simulate.chance import Dice
from kanhe.simulate.diary import Diary, SimulatedEvent
from kanhe.simulate.honest import EVENTS_PER_JOURNEY, live_day, opening
from kanhe.simulate.people import Population
from kanhe.simulate.places import WEEKDAYS
from kanhe.simulate.shop import Shop

START_MS = 1_767_571_200_000
"""Monday, 2026-01-05 00:00 UTC: the first day that is simulated."""
LEAST_EVENTS = 5_000
"""The smallest shop in which every campaign finds its victims."""
_LATE_SHARE = 0.06
"""About how much of what campaigns write comes after the last day, such as chargebacks."""


class SimulationError(KanheError):
    """A simulation was asked for that cannot be made."""


def simulate(
    seed: int, events: int = 100_000, days: int = 30, start_ms: int = START_MS
) -> Iterator[SimulatedEvent]:
    """Exactly `events` events of one shop in order of time; the same arguments give the same bytes.

    The shop lives for about `days` days from `start_ms` (a midnight UTC). The first events are the
    accounts and merchants that existed before, with their true, earlier dates. Raises
    `SimulationError` for fewer than 5,000 events or fewer than 7 days.
    """
    _check(events, days, start_ms)
    return islice(_life(seed, events, days, start_ms), events)


def live(seed: int, events: int, days: int, start_ms: int) -> Iterator[SimulatedEvent]:
    """The same shop without an end: after the days planned, life goes on without new attacks."""
    _check(events, days, start_ms)
    return _life(seed, events, days, start_ms)


def _check(events: int, days: int, start_ms: int) -> None:
    if events < LEAST_EVENTS:
        raise SimulationError(
            f"a simulation needs at least {LEAST_EVENTS:,} events, not {events:,}"
        )
    if days < 7 or start_ms % DAY_MS:
        raise SimulationError(
            "a simulation needs at least 7 days and a start at midnight UTC; got "
            f"days={days}, start_ms={start_ms}"
        )


def _life(seed: int, events: int, days: int, start_ms: int) -> Iterator[SimulatedEvent]:
    """All events, without end."""
    dice = Dice(f"kanhe/{seed}")
    buyers, sellers = max(60, events // 36), max(12, events // 1300)
    people = Population(dice.split("people"), start_ms, days, buyers, sellers)
    sales = frozenset(dice.some(range(days), 2))
    shop = Shop(dice, Diary(), people, start_ms, days, events / 100_000, sales)
    opening(shop)
    write_campaigns(shop)
    yield from shop.diary.read(start_ms)
    left = events - shop.diary.written * (1 - _LATE_SHARE)
    usual = left / EVENTS_PER_JOURNEY / days
    for number in count():
        day_ms = start_ms + number * DAY_MS
        busy = WEEKDAYS[(day_ms // DAY_MS + 3) % 7] * (1.5 if number in sales else 1.0)
        live_day(shop, dice.split(f"day {number}"), day_ms, max(1, round(usual * busy)))
        yield from shop.diary.read(day_ms + DAY_MS)
