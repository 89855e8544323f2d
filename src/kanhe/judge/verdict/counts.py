"""What the governor has counted: people and money for each cap, and decisions, minute by minute.

An event's time is the moment of its arrival, in whole minutes; where clocks were set back, time
stands still.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from kanhe.core.time import MINUTE_MS
from kanhe.judge.verdict.caps import MILLION, MINUTES_MAX, Caps, GovernorTable, Stop
from kanhe.judge.verdict.persons import Sign, Signs

_REMEMBERED = 20_000
"""So many signs are kept for one rule and minute; whoever comes after is counted as a new person."""

Place = tuple[str, str]
"""A tenant, and a type of event."""


class Key(NamedTuple):
    """What has caps of its own: one rule (empty: all together) about one type of event of a tenant."""

    tenant: str
    type: str
    rule: str
    stop: Stop


class Count:
    """What was counted for the caps of one key. Each key has one of them, known by its identity."""

    __slots__ = ("caps", "key", "known", "money", "now", "people")

    def __init__(self, key: Key, caps: Caps) -> None:
        self.key = key
        self.caps = caps
        self.people = 0
        """In the window."""
        self.now = 0
        """In the current minute."""
        self.money = 0
        """In the hour, in the base currency's minor unit."""
        self.known: dict[Sign, int] | None = None
        """The signs of who was counted in the current minute, and for how many people each stood."""

    def is_new(self, signs: Signs) -> bool:
        """Whether somebody with these signs was not counted in this minute."""
        known = self.known
        if not known:
            return True
        if not known.keys().isdisjoint(signs.own):
            return False
        for sign, most in signs.shared:
            if known.get(sign, 0) >= most:
                return False
        return True

    def passed(self, seen: int, people: int, money: int, strict: int = 1) -> str:
        """Which cap is passed with so many more people and so much more money, or none, if there
        were so many decisions.

        `strict` 2 asks about half the caps.
        """
        caps = self.caps
        if caps.per_minute and strict * (self.now + people) > caps.per_minute:
            return "per_minute"
        if caps.money_per_hour_minor and strict * (self.money + money) > caps.money_per_hour_minor:
            return "money"
        in_window = self.people + people
        if caps.share_ppm and strict * in_window >= caps.least:
            if strict * in_window * MILLION > seen * caps.share_ppm:
                return "share"
        return ""


class _Minute:
    """What was counted in one minute."""

    __slots__ = ("money", "number", "people", "seen")

    def __init__(self, number: int, seen: dict[Place, int]) -> None:
        self.number = number
        self.seen = seen
        """Decisions, without repetitions."""
        self.people: dict[Count, int] = {}
        self.money: dict[Count, int] = {}


class SavedCounts(msgspec.Struct, array_like=True):
    """All that is counted, for a snapshot; mappings as pairs, because their keys are tuples."""

    raw: int
    now: int
    minutes: list[tuple[int, list[tuple[Place, int]], list[tuple[Key, int, int]]]]
    signs: list[tuple[Key, dict[int, int]]]


class Counts:
    """The counts of one pack's caps, and of the decisions that they are a share of."""

    def __init__(self, table: GovernorTable) -> None:
        self._table = table
        self._begin_ms, self._end_ms = 0, 0
        self._raw = -1
        self.now = 0
        """The current minute; it counts on where clocks go back."""
        self._minute = _Minute(0, {})
        self._seen = self._minute.seen
        self._seen_before: dict[Place, int] = {}
        self._window: deque[_Minute] = deque([self._minute])
        self._hour: deque[_Minute] = deque([self._minute])
        self._counts: dict[tuple[Place, Stop], dict[str, Count]] = {}

    # On the path

    def is_now(self, received_ms: int) -> bool:
        """Whether a moment lies in the current minute; if not, `turn`."""
        return self._begin_ms <= received_ms < self._end_ms

    def see(self, place: Place, decisions: int) -> None:
        """Count decisions; a negative number takes them back."""
        self._seen[place] = self._seen.get(place, 0) + decisions

    def seen(self, place: Place) -> int:
        """How many decisions there were in the window."""
        return self._seen_before.get(place, 0) + self._seen.get(place, 0)

    def of(self, place: Place, stop: Stop, rule: str) -> Count:
        """The count of one key."""
        try:
            return self._counts[place, stop][rule]
        except KeyError:
            key = Key(*place, rule, stop)
            made = Count(key, self._table.caps(rule, stop))
            self._counts.setdefault((place, stop), {})[rule] = made
            return made

    def add(self, count: Count, signs: Signs, money: int) -> None:
        """Count a new person, and what it is about, for one cap."""
        known = count.known
        if known is None:
            known = count.known = {}
        if len(known) < _REMEMBERED:
            known.update(signs.own)  # A new person has none of them yet.
            for sign, _ in signs.shared:
                known[sign] = known.get(sign, 0) + 1
        count.people += 1
        count.now += 1
        count.money += money
        minute = self._minute
        minute.people[count] = minute.people.get(count, 0) + 1
        if money:
            minute.money[count] = minute.money.get(count, 0) + money

    def turn(self, received_ms: int) -> bool:
        """Another minute may have begun; says whether one has."""
        raw = received_ms // MINUTE_MS
        if self._raw >= 0:
            self.now += max(0, raw - self._raw)
        self._set_clock(raw)
        if self.now == self._minute.number:
            return False
        for place, count in self._seen.items():
            self._seen_before[place] = self._seen_before.get(place, 0) + count
        while self._window and self._window[0].number <= self.now - self._table.window_min:
            _less(self._seen_before, (gone := self._window.popleft()).seen)
            for each, people in gone.people.items():
                each.people -= people
        while self._hour and self._hour[0].number <= self.now - MINUTES_MAX:
            for each, money in self._hour.popleft().money.items():
                each.money -= money
        self._counts = {
            of_what: counts for of_what, all in self._counts.items() if (counts := _begun_anew(all))
        }
        self._begin(_Minute(self.now, {}))
        self._window.append(self._minute)
        self._hour.append(self._minute)
        return True

    def _set_clock(self, raw: int) -> None:
        self._raw = raw
        self._begin_ms = raw * MINUTE_MS
        self._end_ms = self._begin_ms + MINUTE_MS

    def _begin(self, minute: _Minute) -> None:
        self._minute, self._seen = minute, minute.seen

    # Beside the path

    def each(self) -> Iterator[Count]:
        """Every count that there is."""
        for counts in self._counts.values():
            yield from counts.values()

    def forget(self, rule: str, event_type: str, stop: Stop) -> None:
        """Count anew for a rule, for every tenant; who was counted in this minute stays known."""
        for count in self.each():
            key = count.key
            if (key.type, key.rule, key.stop) != (event_type, rule, stop):
                continue
            if not (count.people or count.money):
                continue
            # A count that nothing was left of may have been made anew within the hour.
            for minute in {id(one): one for one in (*self._window, *self._hour)}.values():
                for old in [one for one in minute.people if one.key == key]:
                    del minute.people[old]
                    minute.money.pop(old, None)
            count.people = count.now = count.money = 0

    def saved(self, code: Callable[[Sign], int]) -> SavedCounts:
        """All that is counted, with codes in place of signs."""
        minutes = {minute.number: minute for minute in (*self._window, *self._hour)}
        known = {one.key: one.known for one in self.each() if one.known is not None}
        codes = {sign: code(sign) for signs in known.values() for sign in signs}
        kept = [
            (
                number,
                sorted(minute.seen.items()),
                sorted((one.key, n, minute.money.get(one, 0)) for one, n in minute.people.items()),
            )
            for number, minute in sorted(minutes.items())
        ]
        signs = sorted(
            (key, dict(sorted((codes[sign], n) for sign, n in people.items())))
            for key, people in known.items()
        )
        return SavedCounts(self._raw, self.now, kept, signs)

    def restore(self, saved: SavedCounts) -> bool:
        """Take over what `saved` gave, into counts that are new; false if its last minute is missing."""
        self.now = saved.now
        self._set_clock(saved.raw)
        self._window.clear()
        self._hour.clear()
        for number, seen, people in saved.minutes:
            self._take_over(_Minute(number, dict(seen)), people)
        for key, known in saved.signs:
            self._of(key).known = dict(known.items())
        return bool(self._hour) and self._hour[-1].number == self.now

    def _take_over(self, minute: _Minute, people: list[tuple[Key, int, int]]) -> None:
        is_now = minute.number == self.now
        in_window = minute.number > self.now - self._table.window_min
        self._hour.append(minute)
        for key, number, money in people:
            count = self._of(key)
            minute.people[count] = number
            count.money += money
            if money:
                minute.money[count] = money
            if is_now:
                count.now = number
            if in_window:
                count.people += number
        if in_window:
            self._window.append(minute)
            if is_now:
                self._begin(minute)
            else:
                for place, seen in minute.seen.items():
                    self._seen_before[place] = self._seen_before.get(place, 0) + seen

    def _of(self, key: Key) -> Count:
        return self.of((key.tenant, key.type), key.stop, key.rule)


def _begun_anew(counts: Mapping[str, Count]) -> dict[str, Count]:
    """Those of which anything is left in another minute."""
    left = {}
    for rule, count in counts.items():
        count.known, count.now = None, 0
        if count.people or count.money:
            left[rule] = count
    return left


def _less(counts: dict[Place, int], gone: Mapping[Place, int]) -> None:
    for place, count in gone.items():
        left = counts[place] - count
        if left:
            counts[place] = left
        else:
            del counts[place]
