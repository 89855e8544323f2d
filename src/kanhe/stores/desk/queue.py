"""The queue: cases in order, page by page, and how many there are of which.

A page is read from an index in its order and goes on from the last case of the page before (keyset),
so that the hundredth costs what the first does. Counts by what one index holds are whole; of a search
by anything else they end at `MOST_COUNTED`: beyond it nobody reads the exact number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, func, not_, or_, select

from kanhe.core.event import ENTITY_KINDS
from kanhe.respond.alerts import RANK
from kanhe.respond.cases import ACTIVE, STATES
from kanhe.respond.joining import WEIGHT
from kanhe.respond.searching import ANY, Term
from kanhe.stores.desk.case_history import STEPS, VIEWS
from kanhe.stores.desk.cases import ALERTS, CASES, ENTITIES, RULES

Sort = Literal["priority", "due", "newest"]
SORTS: tuple[Sort, ...] = ("priority", "due", "newest")
PAGE = 50
MOST_COUNTED = 10_000
FACETS = ("severity", "state", "queue", "owner")
_INDEXED = frozenset({"severity", "is", "queue", "owner", "tenant"})
"""Terms that `ix_cases_facets` answers by itself."""


class Place(NamedTuple):
    """Where a page ended: the value it is ordered by, and the number of the case."""

    value: int
    number: int


class Counts(NamedTuple):
    """How many cases there are, by value, for each of `FACETS`; `is_more`: only so many were counted."""

    total: int
    is_more: bool
    by: dict[str, Counter[Any]]


class Asked(NamedTuple):
    """Which cases are wanted."""

    tenant: str
    """The only one whose cases may be seen; empty for all."""
    terms: Sequence[Term]
    staff: str
    """Who asks, for `owner:me`."""
    now_ms: int


def page(
    connection: Connection,
    asked: Asked,
    sort: Sort = "priority",
    after: Place | None = None,
    limit: int = PAGE,
) -> list[Row[Any]]:
    """The cases in order, from after a place on."""
    column = {
        "priority": CASES.c.priority_minor,
        "due": CASES.c.due_ms,
        "newest": CASES.c.opened_ms,
    }[sort]
    rising = sort == "due"
    found: list[Row[Any]] = []
    for flag in _flags(asked.terms):
        statement = select(CASES).where(*_where(asked, flag))
        if after is not None:
            beyond = column > after.value if rising else column < after.value
            further = CASES.c.number > after.number if rising else CASES.c.number < after.number
            statement = statement.where(or_(beyond, and_(column == after.value, further)))
            # Stated once more by itself, so that the index is entered at the place.
            statement = statement.where(column >= after.value if rising else column <= after.value)
        order = (
            (column.asc(), CASES.c.number.asc()) if rising else (column.desc(), CASES.c.number.desc())
        )  # fmt: skip
        found += connection.execute(statement.order_by(*order).limit(limit))
    if len(_flags(asked.terms)) > 1:
        found.sort(key=lambda row: (getattr(row, column.name), row.number), reverse=not rising)
    return found[:limit]


def place_after(row: Row[Any], sort: Sort) -> Place:
    """The place of a case in an order."""
    name = {"priority": "priority_minor", "due": "due_ms", "newest": "opened_ms"}[sort]
    return Place(getattr(row, name), row.number)


def counts(connection: Connection, asked: Asked) -> Counts:
    """How many cases there are of which."""
    by: dict[str, Counter[Any]] = {name: Counter() for name in FACETS}
    total = 0
    is_whole = all(term.field in _INDEXED for term in asked.terms)
    for flag in _flags(asked.terms):
        inner = (
            select(*(CASES.c[name] for name in FACETS))
            .where(*_where(asked, flag))
            .limit(None if is_whole else MOST_COUNTED + 1)
            .subquery()
        )
        columns = [inner.c[name] for name in FACETS]
        for *values, n in connection.execute(select(*columns, func.count()).group_by(*columns)):
            total += n
            for name, value in zip(FACETS, values, strict=True):
                by[name][value] += n
    is_more = not is_whole and total > MOST_COUNTED
    return Counts(MOST_COUNTED if is_more else total, is_more, by)


def newer(connection: Connection, asked: Asked, than: int, most: int = 99) -> int:
    """How many of the wanted cases came after the case with this number, up to `most`."""
    found = 0
    for flag in _flags(asked.terms):
        inner = (
            select(CASES.c.number)
            .where(CASES.c.number > than, *_where(asked, flag))
            .limit(most)
            .subquery()
        )
        found += connection.execute(select(func.count()).select_from(inner)).scalar_one()
    return min(found, most)


def newest(connection: Connection) -> int:
    """The number of the newest case of all, 0 if there is none."""
    found: int = connection.execute(select(func.coalesce(func.max(CASES.c.number), 0))).scalar_one()
    return found


def changes(connection: Connection) -> int:
    """A number that grows with everything that happens to cases."""
    steps: int = connection.execute(select(func.coalesce(func.max(STEPS.c.id), 0))).scalar_one()
    alerts: int = connection.execute(select(func.coalesce(func.max(ALERTS.c.seq), 0))).scalar_one()
    return steps + alerts


def _flags(terms: Sequence[Term]) -> tuple[int, ...]:
    """Whether active cases are meant, or decided ones: each is read from its own part of an index."""
    wanted: set[str] = set(ACTIVE)
    for term in terms:
        if term.field == "is":
            named = set(STATES) if ANY in term.values else set(term.values)
            wanted = {state for state in STATES if (state in named) != term.negated}
    return tuple(
        flag for flag, states in ((1, ACTIVE), (0, set(STATES) - ACTIVE)) if wanted & states
    )


def _where(asked: Asked, flag: int) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [CASES.c.is_active == flag]
    if asked.tenant:
        found.append(CASES.c.tenant == asked.tenant)
    for term in asked.terms:
        condition = _condition(term, asked, flag)
        found.append(not_(condition) if term.negated else condition)
    return found


def _condition(term: Term, asked: Asked, flag: int) -> ColumnElement[bool]:
    values = term.values
    match term.field:
        case "severity":
            return CASES.c.severity.in_([RANK[value] for value in values])
        case "is":
            return CASES.c.state.in_(STATES if ANY in values else values)
        case "queue" | "verdict" | "tenant":
            return CASES.c[term.field].in_(values)
        case "owner":
            names = {"me": asked.staff, "none": ""}
            return CASES.c.owner.in_([names.get(value.lower(), value) for value in values])
        case "type":
            return or_(*(_like(CASES.c.event_type, value) for value in values))
        case "rule":
            return CASES.c.number.in_(
                select(RULES.c.case_number).where(
                    RULES.c.is_active == flag,
                    or_(*(_like(RULES.c.rule, value) for value in values)),
                )
            )
        case "kind":
            return CASES.c.number.in_(select(ALERTS.c.case_number).where(ALERTS.c.kind.in_(values)))
        case "case":
            return CASES.c.number.in_([_number(value) for value in values])
        case "shares":
            return or_(*(_sharing(value, asked, flag) for value in values))
        case "event":
            return CASES.c.number.in_(
                select(ALERTS.c.case_number).where(ALERTS.c.event_id.in_(values))
            )
        case "amount":
            return _compared(CASES.c.amount_minor, term)
        case "loss":
            return _compared(CASES.c.loss_minor, term)
        case "alerts":
            return _compared(CASES.c.alerts, term)
        case "age":
            return _compared(asked.now_ms - CASES.c.opened_ms, term)
        case "left":
            return _compared(CASES.c.due_ms - asked.now_ms, term)
        case "":
            (word,) = values
            kinds = ENTITIES.c.kind.in_(ENTITY_KINDS)
            named = _naming(flag, kinds, word)
            number = _number(word)
            return or_(CASES.c.number == number, named) if number >= 0 else named
        case kind:
            return _naming(flag, ENTITIES.c.kind == kind, *values)


def _naming(flag: int, kind: ColumnElement[bool], *values: str) -> ColumnElement[bool]:
    return CASES.c.number.in_(
        select(ENTITIES.c.case_number).where(
            kind, ENTITIES.c.value.in_(values), ENTITIES.c.is_active == flag
        )
    )


def _sharing(value: str, asked: Asked, flag: int) -> ColumnElement[bool]:
    """For `117` the cases that have a sign in common with case 117; for `117/ip` that kind of entity."""
    number, _, kind = value.partition("/")
    source = ENTITIES.alias()
    kinds = [kind] if kind else list(WEIGHT)
    statement = (
        select(ENTITIES.c.case_number)
        .join(
            source,
            and_(
                source.c.kind == ENTITIES.c.kind,
                source.c.value == ENTITIES.c.value,
                source.c.tenant == ENTITIES.c.tenant,
            ),
        )
        .where(
            source.c.case_number == _number(number),
            source.c.kind.in_(kinds),
            ENTITIES.c.is_active == flag,
            ENTITIES.c.case_number != _number(number),
        )
    )
    if asked.tenant:
        statement = statement.where(source.c.tenant == asked.tenant)
    return CASES.c.number.in_(statement)


def _compared(column: ColumnElement[Any], term: Term) -> ColumnElement[bool]:
    match term.op:
        case "<":
            return column < term.number
        case "<=":
            return column <= term.number
        case ">":
            return column > term.number
        case ">=":
            return column >= term.number
        case _:
            return column == term.number


def _like(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    """Equal, or for `velocity*` beginning so; a word without a star is found at any place in a name."""
    if value.endswith("*"):
        return column.startswith(value[:-1], autoescape=True)
    return column.contains(value, autoescape=True)


def _number(text: str) -> int:
    digits = text.removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 16 else -1


def views_of(connection: Connection, staff: str, tenant: str) -> list[Row[Any]]:
    """The saved searches somebody sees: their own, and what others of the same tenant share."""
    shared = and_(VIEWS.c.is_shared == 1, VIEWS.c.tenant == tenant)
    return list(
        connection.execute(
            select(VIEWS)
            .where(or_(VIEWS.c.staff == staff, shared))
            .order_by(VIEWS.c.name, VIEWS.c.id)
        )
    )
