"""What happens to cases by itself: they wake up, are passed on when their time runs out, are closed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select, update

from kanhe.core.time import Clock
from kanhe.respond import cases as life
from kanhe.respond.cases import CaseError
from kanhe.respond.deadlines import NEAR_SHARE
from kanhe.respond.undo import UNDO_MS
from kanhe.stores.desk import case_history, cases, outgoing
from kanhe.stores.desk.cases import CASES
from kanhe.stores.desk.database import Desk

AT_ONCE = 100
"""How many cases one round changes, so that it holds the desk for a moment only."""


class Chores:
    """Looks after cases beside the people."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def tend(self) -> int:
        """Do what is due, or a part of it; gives how many cases changed."""
        now = self._clock()
        with self._desk.reading() as connection:
            is_due = any(connection.execute(statement.limit(1)).first() for statement in _due(now))
        if not is_due:
            return 0
        changed = 0
        with self._desk.writing() as connection:
            woken, near, quiet = _due(now)
            for row in connection.execute(woken.limit(AT_ONCE)).all():
                changed += _wake(connection, row, now)
            for row in connection.execute(near.limit(AT_ONCE)).all():
                changed += _pass_on(connection, row, now)
            for row in connection.execute(quiet.limit(AT_ONCE)).all():
                changed += _close(connection, row, now)
            case_history.drop_done(connection, now - 10 * UNDO_MS)
        return changed


def _due(now: int) -> tuple[Any, Any, Any]:
    """Cases whose time to wake has come, whose deadline is near or past, which are to be closed."""
    woken = select(CASES).where(CASES.c.state == "waiting", CASES.c.wake_ms <= now)
    # A deadline is near when a quarter of its time is left, and told of once more when it is past.
    is_near = (CASES.c.due_ms - now) * NEAR_SHARE <= CASES.c.due_ms - CASES.c.since_ms
    near = (
        select(CASES)
        .where(
            CASES.c.is_active == 1,
            ((CASES.c.warned == 0) & is_near) | ((CASES.c.warned == 1) & (CASES.c.due_ms <= now)),
        )
        .order_by(CASES.c.due_ms)
    )
    quiet = select(CASES).where(
        CASES.c.state == "resolved", CASES.c.resolved_ms <= now - life.CLOSE_AFTER_MS
    )
    return woken, near, quiet


def _wake(connection: Connection, row: Row[Any], now: int) -> int:
    case = cases.case_of(row)
    cases.save(connection, case, life.wake(case, now), now)
    case_history.tell(connection, case.number, "", "woken", now)
    return 1


def _pass_on(connection: Connection, row: Row[Any], now: int) -> int:
    """Whoever is at it may finish; a case that nobody holds goes to those who can see to it."""
    case = cases.case_of(row)
    is_past = row.due_ms <= now
    if is_past and row.warned and case.lease.held_by(now):
        # Looked at again: once they have left it, somebody has to see to it.
        return 0
    connection.execute(
        update(CASES).where(CASES.c.number == row.number).values(warned=2 if is_past else 1)
    )
    case_history.tell(connection, case.number, "", "overdue" if is_past else "due_soon", now)
    if case.lease.held_by(now) or case.state == "escalated":
        return 1
    try:
        after = life.escalate(case, None, now)
    except CaseError:
        return 1
    cases.save(connection, case, after, now)
    case_history.tell(connection, case.number, "", "escalated", now)
    payload = {"case": case.number, "level": after.level, "by": ""}
    outgoing.announce(connection, case.tenant, "case.escalated", payload, now)
    return 1


def _close(connection: Connection, row: Row[Any], now: int) -> int:
    case = cases.case_of(row)
    cases.save(connection, case, life.close(case, now), now)
    case_history.tell(connection, case.number, "", "closed", now)
    return 1
