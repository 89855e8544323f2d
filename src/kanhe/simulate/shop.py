"""The shop as everybody in the simulation shares it: people, clock, diary and chance."""

from __future__ import annotations

from dataclasses import dataclass, field

from kanhe.core.time import DAY_MS, MINUTE_MS
from kanhe.simulate.chance import Dice
from kanhe.simulate.diary import Diary
from kanhe.simulate.people import Makers, Population
from kanhe.simulate.places import BUYING_MINUTES, WORKING_MINUTES, Place


@dataclass(slots=True)
class Shop:
    """What journeys and campaigns are written with."""

    dice: Dice
    diary: Diary
    people: Population
    start_ms: int
    days: int
    size: float
    """How large the shop is: 1 is 100,000 events in the time simulated."""
    sales: frozenset[int] = field(default_factory=frozenset)
    """The numbers of the days with a sale, when honest buyers come in crowds."""

    @property
    def make(self) -> Makers:
        """Makes people and things with names of their own."""
        return self.people.make

    @property
    def end_ms(self) -> int:
        """The end of the last planned day."""
        return self.start_ms + self.days * DAY_MS

    def many(self, count: int, least: int = 1) -> int:
        """How many of something a campaign has in a shop of this size."""
        return max(least, round(count * self.size))

    def moment(self, fraction: float) -> int:
        """The instant at a fraction of the time simulated."""
        return self.start_ms + int(fraction * self.days * DAY_MS)

    def waking(self, day_ms: int, place: Place, dice: Dice) -> float:
        """An instant of the day that begins at `day_ms`, as buyers of a place are awake."""
        return _local(day_ms, place, dice.pick(BUYING_MINUTES), dice)

    def working(self, day_ms: int, place: Place, dice: Dice) -> float:
        """The same for people at work."""
        return _local(day_ms, place, dice.pick(WORKING_MINUTES), dice)


def _local(day_ms: int, place: Place, minute: int, dice: Dice) -> float:
    # The day is that of UTC; local hours that fall outside wrap around, so that no one lives
    # before the day begins.
    within = (minute - place.offset_min + dice.random() * 15) % 1440
    return day_ms + within * MINUTE_MS
