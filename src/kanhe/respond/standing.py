"""Standing orders of the desk: hours, deadlines, queues, routes, quality; read from one text file.

What the file does not name stays as built in. Every mistake is told with the place where it stands
and what would be right; a file with a mistake is not used.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from kanhe.core.decision import Text
from kanhe.core.errors import KanheError
from kanhe.respond.alerts import KINDS, SEVERITIES
from kanhe.respond.deadlines import PROMISES, Calendar, Promise, Window
from kanhe.respond.quality import Sampling
from kanhe.respond.routing import QUEUES, ROUTES, Queue, Route

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MOST = 200


class OrdersError(KanheError):
    """The file of standing orders cannot be used."""


class Orders(msgspec.Struct, frozen=True):
    """What holds for every case."""

    calendar: Calendar = Calendar()
    promises: Mapping[str, Promise] = msgspec.field(default_factory=lambda: PROMISES)
    sampling: Sampling = Sampling()
    queues: tuple[Queue, ...] = QUEUES
    routes: tuple[Route, ...] = ROUTES

    @property
    def rest(self) -> str:
        """The queue of what no route is for."""
        return self.queues[-1].name


def read_orders(text: str, place: str = "casework.toml") -> Orders:
    """Read the file. Raises `OrdersError` with the first mistake and its place."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OrdersError(f"{place}: {error}") from None
    reader = _Reader(place)
    reader.names(document, "", ("calendar", "deadline", "quality", "queue", "route"))
    queues = reader.queues(document.get("queue"))
    routes: tuple[Route, ...] = ROUTES if queues is QUEUES else ()
    if "route" in document:
        routes = reader.routes(document["route"], {queue.name for queue in queues})
    return Orders(
        reader.calendar(document.get("calendar", {})),
        reader.promises(document.get("deadline", {})),
        reader.sampling(document.get("quality", {})),
        queues,
        routes,
    )


class _Reader:
    """Checks one part after the other; every complaint names where it stands."""

    def __init__(self, place: str) -> None:
        self.place = place

    def wrong(self, where: str, text: str) -> OrdersError:
        """The complaint about one place."""
        return OrdersError(f"{self.place}, {where}: {text}")

    def names(self, table: Any, where: str, known: tuple[str, ...]) -> dict[str, Any]:
        """A table that holds nothing but what is known."""
        if not isinstance(table, dict):
            raise self.wrong(where, "must be a table")
        for name in table:
            if name not in known:
                raise self.wrong(
                    where or "top", f"unknown name {name!r}; there are {', '.join(known)}"
                )
        return table

    def calendar(self, table: Any) -> Calendar:
        """`[calendar]`: time zone, hours by day, holidays, worked weekend days."""
        known = self.names(table, "calendar", ("time_zone", "holidays", "workdays", *_DAYS))
        zone = known.get("time_zone", "UTC")
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            raise self.wrong(
                "calendar.time_zone", f"{zone!r} is no time zone; write one such as Asia/Shanghai"
            ) from None
        windows = Calendar().windows
        if any(day in known for day in _DAYS):
            windows = tuple(
                window
                for number, day in enumerate(_DAYS)
                for window in self._windows(known.get(day, []), f"calendar.{day}", number)
            )
            if not windows:
                raise self.wrong("calendar", "no day has any hours: nothing would ever be due")
        return Calendar(
            zone,
            windows,
            self._dates(known.get("holidays", []), "calendar.holidays"),
            self._dates(known.get("workdays", []), "calendar.workdays"),
        )

    def _windows(self, texts: Any, where: str, weekday: int) -> list[Window]:
        found: list[Window] = []
        for text in self._texts(texts, where):
            match = _HOURS.fullmatch(text)
            begin, end = (0, 0)
            if match is not None:
                begin = int(match[1]) * 60 + int(match[2])
                end = int(match[3]) * 60 + int(match[4])
            if not begin < end <= 24 * 60 or (found and begin < found[-1].end_min):
                raise self.wrong(
                    where, f"{text!r}: write hours in order, such as 09:00-12:00, 13:00-18:00"
                )
            found.append(Window(weekday, begin, end))
        return found

    def _dates(self, dates: Any, where: str) -> frozenset[date]:
        if not isinstance(dates, list) or not all(type(one) is date for one in dates):
            raise self.wrong(where, "write dates, such as 2026-10-01")
        return frozenset(dates)

    def promises(self, table: Any) -> Mapping[str, Promise]:
        """`[deadline.<severity>]`: minutes, around_the_clock."""
        known = self.names(table, "deadline", SEVERITIES)
        found = dict(PROMISES)
        for severity, given in known.items():
            where = f"deadline.{severity}"
            self.names(given, where, ("minutes", "around_the_clock"))
            minutes = self._int(given.get("minutes"), f"{where}.minutes", 1, 525_600)
            clock = given.get("around_the_clock", False)
            if not isinstance(clock, bool):
                raise self.wrong(f"{where}.around_the_clock", "must be true or false")
            found[severity] = Promise(minutes, clock)
        return found

    def sampling(self, table: Any) -> Sampling:
        """`[quality]`: permille, always_from_minor."""
        known = self.names(table, "quality", ("permille", "always_from_minor"))
        default = Sampling()
        return Sampling(
            self._int(known.get("permille", default.permille), "quality.permille", 0, 1_000),
            self._int(
                known.get("always_from_minor", default.always_from_minor),
                "quality.always_from_minor",
                0,
                10**15,
            ),
        )

    def queues(self, tables: Any) -> tuple[Queue, ...]:
        """`[[queue]]`: name, en, zh."""
        if tables is None:
            return QUEUES
        found: dict[str, Queue] = {}
        for where, table in self._tables(tables, "queue"):
            self.names(table, where, ("name", "en", "zh"))
            name = self._text(table.get("name"), f"{where}.name")
            if not _NAME.fullmatch(name) or name in found:
                raise self.wrong(
                    f"{where}.name",
                    f"{name!r}: lower-case letters, digits and _, a letter first, each name once",
                )
            en, zh = (self._text(table.get(key), f"{where}.{key}") for key in ("en", "zh"))
            found[name] = Queue(name, Text(en, zh))
        return tuple(found.values())

    def routes(self, tables: Any, queues: set[str]) -> tuple[Route, ...]:
        """`[[route]]`: queue, and what goes there."""
        found = []
        for where, table in self._tables(tables, "route"):
            self.names(
                table,
                where,
                ("queue", "tenants", "kinds", "types", "severity", "amount_from_minor", "rules", "tags"),
            )  # fmt: skip
            queue = self._text(table.get("queue"), f"{where}.queue")
            if queue not in queues:
                raise self.wrong(
                    f"{where}.queue",
                    f"no queue is {queue!r}; there are {', '.join(sorted(queues))}",
                )
            severity = table.get("severity", "")
            if severity not in ("", *SEVERITIES):
                raise self.wrong(f"{where}.severity", f"one of {', '.join(SEVERITIES)}")
            kinds = self._texts(table.get("kinds", []), f"{where}.kinds")
            if not set(kinds) <= set(KINDS):
                raise self.wrong(f"{where}.kinds", f"some of {', '.join(KINDS)}")
            several = {
                name: tuple(self._texts(table.get(name, []), f"{where}.{name}"))
                for name in ("tenants", "types", "rules", "tags")
            }
            least = self._int(
                table.get("amount_from_minor", 0), f"{where}.amount_from_minor", 0, 10**15
            )
            found.append(
                Route(queue=queue, kinds=tuple(kinds), severity=severity, amount_from_minor=least, **several)
            )  # fmt: skip
        return tuple(found)

    def _tables(self, tables: Any, name: str) -> list[tuple[str, Any]]:
        if not isinstance(tables, list) or not 1 <= len(tables) <= _MOST:
            raise self.wrong(name, f"write [[{name}]], 1 to {_MOST} times")
        return [(f"{name} {number}", table) for number, table in enumerate(tables, 1)]

    def _texts(self, texts: Any, where: str) -> list[str]:
        if not isinstance(texts, list) or len(texts) > _MOST:
            raise self.wrong(where, "must be a list of texts")
        return [self._text(text, where) for text in texts]

    def _text(self, text: Any, where: str) -> str:
        if not isinstance(text, str) or not text.strip() or len(text) > 200:
            raise self.wrong(where, "must be a text of 1 to 200 characters")
        return text

    def _int(self, number: Any, where: str, least: int, most: int) -> int:
        if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
            raise self.wrong(where, f"must be a whole number from {least} to {most}")
        return number
