"""One case with all that belongs to it, for who looks at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row

from kanhe.app.casework.people import Colleague, People
from kanhe.app.casework.work import CaseNotFound
from kanhe.core.actor import Actor
from kanhe.core.time import MINUTE_MS, Clock
from kanhe.respond.alerts import Alert
from kanhe.respond.cases import Case
from kanhe.respond.priority import Priority, priority_of
from kanhe.stores.desk import case_history, cases, outgoing
from kanhe.stores.desk.case_history import Filed, Note, Step
from kanhe.stores.desk.cases import case_of
from kanhe.stores.desk.database import Desk

_TOLD_EVERY_MS = 10 * MINUTE_MS
_MOST_TOLD = 10_000


class Named(NamedTuple):
    """Somebody or something that the alerts of a case name."""

    kind: str
    value: str
    alerts: int
    elsewhere: int
    """How many other cases name it."""


class CaseView(NamedTuple):
    """A case as it is at one moment."""

    case: Case
    row: Row[Any]
    priority: Priority
    alerts: Sequence[Alert]
    entities: Sequence[Named]
    steps: Sequence[Step]
    notes: Sequence[Note]
    files: Sequence[Filed]
    links: Sequence[tuple[Row[Any], str]]
    names: Mapping[str, str]
    """Names of staff by id."""
    colleagues: Sequence[Colleague]
    """Whom it may be handed to."""
    now_ms: int


class Viewing:
    """Looks at cases; that somebody looked is told, once in a while."""

    def __init__(self, desk: Desk, clock: Clock, people: People) -> None:
        self._desk = desk
        self._clock = clock
        self._people = people
        self._told: dict[tuple[str, int], int] = {}

    def case(self, actor: Actor, number: int, is_look: bool = True) -> CaseView:
        """The case with this number. Raises `CaseNotFound`, also for what is another tenant's.

        `is_look` is false for what is asked without anybody looking, such as a renewal.
        """
        now = self._clock()
        if not 0 < number < 1 << 62:
            raise CaseNotFound(f"there is no case {number}")
        everybody = self._people.colleagues("")
        with self._desk.reading() as connection:
            row = cases.find(connection, number)
            if row is None or not actor.sees(row.tenant):
                raise CaseNotFound(f"there is no case {number}")
            links = [
                (other, why)
                for one, why in cases.linked(connection, number)
                if (other := cases.find(connection, one)) is not None
            ]
            colleagues = [person for person in everybody if person.sees(row.tenant)]
            view = CaseView(
                case_of(row),
                row,
                priority_of(row.loss_minor, _severity(row), row.complaints > 0),
                cases.alerts_in(connection, number),
                [Named(*one) for one in cases.named_in(connection, number, row.tenant)],
                case_history.steps_of(connection, number),
                case_history.notes_of(connection, number),
                case_history.files_of(connection, number),
                links,
                {person.staff: person.name for person in everybody},
                colleagues,
                now,
            )
        if is_look:
            self._tell(actor, number, row.tenant, now)
        return view

    def _tell(self, actor: Actor, number: int, tenant: str, now: int) -> None:
        """Have it told that somebody looked, unless that was told just now."""
        key = actor.staff, number
        if not 0 <= now - self._told.get(key, -_TOLD_EVERY_MS) < _TOLD_EVERY_MS:
            if len(self._told) >= _MOST_TOLD:
                self._told.clear()
            self._told[key] = now
            with self._desk.writing() as connection:
                outgoing.tell_of(
                    connection, actor, "viewed", "case", now,
                    tenant=tenant, ticket=f"case-{number}", note="case.viewed",
                )  # fmt: skip


def _severity(row: Row[Any]) -> str:
    return case_of(row).severity
