"""What the desk's cases say about an entity, an event, and the people who work on them."""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import median
from typing import NamedTuple

from sqlalchemy import select

from kanhe.core.actor import Actor
from kanhe.core.decision import Text
from kanhe.core.time import DAY_MS
from kanhe.respond.alerts import SEVERITIES
from kanhe.stores.desk import cases
from kanhe.stores.desk.cases import CASES, ENTITIES
from kanhe.stores.desk.database import Desk

MOST_CASES = 20
MOST_WORKED = 50_000


class CaseLine(NamedTuple):
    """A case in a few words."""

    number: int
    tenant: str
    state: str
    severity: str
    title: Text
    opened_ms: int
    resolved_ms: int
    verdict: str


class Worker(NamedTuple):
    """What one person did over a span."""

    staff: str
    resolved: int
    median_ms: int
    """From a case's opening to its end, the middle of all."""


class Workload(NamedTuple):
    """How many cases came and went over a span, and how long people took."""

    opened: int
    resolved: int
    active: int
    """Open now."""
    late: int
    """Open now, and past their time."""
    median_ms: int | None
    late_ms: int | None
    """Nine of ten were done sooner."""
    workers: tuple[Worker, ...]
    opened_by_day: tuple[tuple[int, int, int], ...]
    """Day (in milliseconds), how many were opened, how many were resolved."""
    verdicts: dict[str, int]


def cases_naming(desk: Desk, actor: Actor, tenant: str, kind: str, value: str) -> list[CaseLine]:
    """The newest cases whose alerts name an entity."""
    if not actor.sees(tenant):
        return []
    wanted = (
        select(CASES)
        .join(ENTITIES, ENTITIES.c.case_number == CASES.c.number)
        .where(
            ENTITIES.c.kind == kind,
            ENTITIES.c.value == value,
            ENTITIES.c.is_active.in_([0, 1]),
            ENTITIES.c.tenant == tenant,
        )
        .order_by(CASES.c.number.desc())
        .limit(MOST_CASES)
    )
    with desk.reading() as connection:
        return [_line(row) for row in connection.execute(wanted)]


def case_of_event(desk: Desk, actor: Actor, tenant: str, event_id: str) -> int:
    """The number of the case in which an event raised an alert; 0 if there is none."""
    if not event_id or not actor.sees(tenant):
        return 0
    with desk.reading() as connection:
        return cases.case_about(connection, tenant, event_id)


def find_case(desk: Desk, actor: Actor, number: int) -> CaseLine | None:
    """A case by its number, if this person may see it."""
    if not 0 < number < 1 << 62:
        return None
    with desk.reading() as connection:
        row = cases.find(connection, number)
    return None if row is None or not actor.sees(row.tenant) else _line(row)


def workload(desk: Desk, actor: Actor, begin_ms: int, end_ms: int, now_ms: int) -> Workload:
    """How the work went, as far as this person sees it."""
    scope = [CASES.c.tenant == actor.tenant] if actor.tenant else []
    with desk.reading() as connection:
        opened = list(
            connection.execute(
                select(CASES.c.opened_ms)
                .where(CASES.c.opened_ms >= begin_ms, CASES.c.opened_ms < end_ms, *scope)
                .limit(MOST_WORKED)
            ).scalars()
        )
        resolved = connection.execute(
            select(CASES.c.opened_ms, CASES.c.resolved_ms, CASES.c.resolved_by, CASES.c.verdict)
            .where(CASES.c.resolved_ms >= begin_ms, CASES.c.resolved_ms < end_ms, *scope)
            .limit(MOST_WORKED)
        ).all()
        due = list(
            connection.execute(
                select(CASES.c.due_ms).where(CASES.c.is_active == 1, *scope).limit(MOST_WORKED)
            ).scalars()
        )
    took = sorted(max(0, row.resolved_ms - row.opened_ms) for row in resolved)
    by_person: dict[str, list[int]] = defaultdict(list)
    for row in resolved:
        by_person[row.resolved_by].append(max(0, row.resolved_ms - row.opened_ms))
    workers = [Worker(staff, len(all_), int(median(all_))) for staff, all_ in by_person.items()]
    days: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for at_ms in opened:
        days[at_ms // DAY_MS * DAY_MS][0] += 1
    for row in resolved:
        days[row.resolved_ms // DAY_MS * DAY_MS][1] += 1
    return Workload(
        opened=len(opened),
        resolved=len(resolved),
        active=len(due),
        late=sum(0 < at_ms < now_ms for at_ms in due),
        median_ms=int(median(took)) if took else None,
        late_ms=took[min(len(took) - 1, len(took) * 9 // 10)] if took else None,
        workers=tuple(sorted(workers, key=lambda one: (-one.resolved, one.staff))),
        opened_by_day=tuple((day, both[0], both[1]) for day, both in sorted(days.items())),
        verdicts=dict(Counter(row.verdict for row in resolved if row.verdict).most_common()),
    )


def _line(row: object) -> CaseLine:
    found = row._mapping  # type: ignore[attr-defined]  # a row of SQLAlchemy
    return CaseLine(
        found["number"], found["tenant"], found["state"], SEVERITIES[found["severity"]],
        Text(found["title_en"], found["title_zh"]), found["opened_ms"], found["resolved_ms"],
        found["verdict"],
    )  # fmt: skip
