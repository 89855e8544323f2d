"""The queue as somebody sees it: a page of cases, the counts beside it, saved searches, what is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, delete
from sqlalchemy.dialects.sqlite import insert

from kanhe.app.casework.people import People
from kanhe.core.actor import Actor
from kanhe.core.errors import KanheError
from kanhe.core.time import Clock
from kanhe.respond.searching import SearchError, Term, parse
from kanhe.respond.standing import Orders
from kanhe.stores.desk import queue
from kanhe.stores.desk.case_history import VIEWS
from kanhe.stores.desk.database import Desk
from kanhe.stores.desk.queue import SORTS, Asked, Counts, Place, Sort

MOST_VIEWS = 50
"""How many searches one person may save."""
NAME_MAX = 60


class ViewError(KanheError):
    """A search cannot be saved under this name."""


class Page(NamedTuple):
    """A page of the queue."""

    cases: Sequence[Row[Any]]
    counts: Counts | None
    after: str
    """Where the next page begins; empty at the end."""
    newest: int
    """The number of the newest case there was: what comes later is new."""


class Queues:
    """What is to be done, in order."""

    def __init__(
        self, desk: Desk, clock: Clock, orders: Orders, people: People, scale: int = 100
    ) -> None:
        self.orders = orders
        self._desk = desk
        self._clock = clock
        self._people = people
        self._scale = scale

    def page(
        self,
        actor: Actor,
        query: str = "",
        sort: Sort = "priority",
        after: str = "",
        limit: int = queue.PAGE,
        with_counts: bool = True,
    ) -> Page:
        """The cases that fit a search, from a place on. Raises `SearchError`."""
        asked = self._asked(actor, query)
        with self._desk.reading() as connection:
            found = queue.page(connection, asked, sort, _place(after), limit + 1)
            counts = queue.counts(connection, asked) if with_counts else None
            newest = queue.newest(connection)
        shown = found[:limit]
        goes_on = ""
        if len(found) > limit:
            place = queue.place_after(shown[-1], sort)
            goes_on = f"{place.value}.{place.number}"
        return Page(shown, counts, goes_on, newest)

    def newer(self, actor: Actor, query: str, than: int) -> int:
        """How many cases that fit a search came after the one with this number, up to 99."""
        asked = self._asked(actor, query)
        with self._desk.reading() as connection:
            return queue.newer(connection, asked, than)

    def mark(self, actor: Actor) -> tuple[int, int]:
        """A number that changes when the queue does, for who watches it; and the newest case."""
        with self._desk.reading() as connection:
            return queue.changes(connection), queue.newest(connection)

    def views(self, actor: Actor) -> list[Row[Any]]:
        """The saved searches they see."""
        with self._desk.reading() as connection:
            return queue.views_of(connection, actor.staff, actor.tenant)

    def save_view(
        self, actor: Actor, name: str, query: str, sort: str, is_shared: bool = False
    ) -> None:
        """Give a search a name; one of the same name is replaced. Raises `ViewError`, `SearchError`."""
        name = " ".join(name.split())
        if not name or len(name) > NAME_MAX or not name.isprintable():
            raise ViewError(f"a name has 1 to {NAME_MAX} characters")
        if sort not in SORTS:
            raise ViewError(f"an order is one of {', '.join(SORTS)}")
        parse(query, self._scale)
        with self._desk.writing() as connection:
            own = [
                v
                for v in queue.views_of(connection, actor.staff, actor.tenant)
                if v.staff == actor.staff
            ]
            if len(own) >= MOST_VIEWS and name not in {view.name for view in own}:
                raise ViewError(f"at most {MOST_VIEWS} searches can be saved: remove one first")
            values = {
                "query": query,
                "sort": sort,
                "is_shared": int(is_shared),
                "tenant": actor.tenant,
            }
            connection.execute(
                insert(VIEWS)
                .values(staff=actor.staff, name=name, **values)
                .on_conflict_do_update(index_elements=["staff", "name"], set_=values)
            )

    def drop_view(self, actor: Actor, id: int) -> None:
        """Forget a search of their own; another's stays."""
        with self._desk.writing() as connection:
            connection.execute(delete(VIEWS).where(VIEWS.c.id == id, VIEWS.c.staff == actor.staff))

    def names(self, actor: Actor) -> Mapping[str, str]:
        """Names of staff by id."""
        return {person.staff: person.name for person in self._people.colleagues("")}

    def _asked(self, actor: Actor, query: str) -> Asked:
        terms = parse(query, self._scale)
        if any(term.field == "owner" for term in terms):
            by_name = {p.name.lower(): p.staff for p in self._people.colleagues(actor.tenant)}
            terms = tuple(
                _with_ids(term, by_name) if term.field == "owner" else term for term in terms
            )
        return Asked(actor.tenant, terms, actor.staff, self._clock())


def _with_ids(term: Term, by_name: Mapping[str, str]) -> Term:
    """The same term with people's ids for their names."""
    values = tuple(by_name.get(value.lower(), value) for value in term.values)
    return msgspec.structs.replace(term, values=values)


def _place(text: str) -> Place | None:
    """Where a page begins, as an address says it; anything else begins at the top."""
    value, _, number = text.partition(".")
    digits = value.removeprefix("-")
    if not (digits.isdecimal() and number.isdecimal() and text.isascii() and len(text) < 40):
        return None
    if int(digits) >= 1 << 62 or int(number) >= 1 << 62:
        return None
    return Place(int(value), int(number))


__all__ = ["Page", "Queues", "SearchError", "ViewError"]
