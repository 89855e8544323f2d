"""From the desk's outbox to the journal: every event, in order, and once.

(1) The oldest events that wait are read, in the order in which they were written. (2) Neighbours of
one tenant that go the same way make one batch. (3) The judge takes them; what it answers for is
durable there. (4) What it took is marked, and what it refuses for good is kept with the reason.

A crash after (3) and before (4) sends the batch again: each event has its id, and the journal takes
an id once. While the judge is down nothing is marked, so nothing is lost; whoever runs this waits
longer each time.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import groupby
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from kanhe.app.judge_link import JudgeDownError, Taken
from kanhe.core.errors import Problem, Refusal
from kanhe.core.time import Clock
from kanhe.stores.desk import outgoing
from kanhe.stores.desk.database import Desk
from kanhe.stores.desk.outgoing import PLATFORM, Waiting

BATCH = 200
FAULTS = 3
"""How often the judge may fail over one event by itself before the event is put aside."""
KEPT_MS = 7 * 86_400_000
"""How long an event is kept here after the journal has it."""
TRIM_EVERY_MS = 600_000
_TRIMMED = 5_000

_log = logging.getLogger("kanhe.console")


class Judge(Protocol):
    """Who takes events; `kanhe.app.judge_link.JudgeLink` is one."""

    def record(self, tenant: str, events: Sequence[bytes], /) -> list[Taken]:
        """Have events taken in."""

    def decide(self, tenant: str, events: Sequence[bytes], /) -> list[Taken]:
        """Have them judged, too."""


class EventDelivery:
    """Delivers a desk's events to the judge. For one thread."""

    def __init__(self, desk: Desk, judge: Judge, clock: Clock) -> None:
        self._desk = desk
        self._judge = judge
        self._clock = clock
        self._faults: dict[int, int] = {}
        self._trimmed_ms = 0

    def step(self) -> bool:
        """Send one page of events; gives whether there may be more. Raises `JudgeDownError`."""
        self._trim()
        with self._desk.reading() as connection:
            page = outgoing.waiting(connection, BATCH)  # (1)
        for (tenant, judged), run in groupby(page, lambda event: (event.tenant, _is_judged(event))):
            self._send(tenant, judged, list(run))  # (2)
        return len(page) == BATCH

    def _send(self, tenant: str, judged: bool, events: list[Waiting]) -> None:
        """One batch; one by one, if the judge fails over all of them together."""
        ask = self._judge.decide if judged else self._judge.record
        try:
            taken = ask(tenant, [event.body for event in events])  # (3)
        except Refusal as refusal:
            if len(events) == 1:
                self._settle(events, [Taken(refusal.problem)])
                return
        except JudgeDownError as error:
            if not error.fault:
                raise
            if len(events) == 1:
                self._note_fault(events[0], error)
                return
        else:
            self._settle(events, taken)
            return
        for event in events:
            self._send(tenant, judged, [event])

    def _settle(self, events: Sequence[Waiting], taken: Sequence[Taken]) -> None:
        """(4) Durable when it returns. Before, a crash has the same batch sent again."""
        now_ms = self._clock()
        refused = [(e, one.problem) for e, one in zip(events, taken, strict=True) if one.problem]
        with self._desk.writing() as connection:
            gone = {event.id for event, _ in refused}
            outgoing.mark(connection, (e.id for e in events if e.id not in gone), now_ms)
            for event, problem in refused:
                outgoing.mark_refused(connection, event.id, _told(problem), now_ms)
                if not _is_finding(event):
                    report(connection, event.tenant, "An event of the desk was refused", event.event_id,
                           _told(problem), now_ms)  # fmt: skip
        for event in events:
            self._faults.pop(event.id, None)
        for event, problem in refused:
            _log.error("delivery.refused", extra={"row": event.id, "problem": problem.type})

    def _note_fault(self, event: Waiting, error: JudgeDownError) -> None:
        """The judge failed over this one alone: put it aside when that keeps happening, so that those
        behind it go on."""
        self._faults[event.id] = self._faults.get(event.id, 0) + 1
        if self._faults[event.id] < FAULTS:
            raise error
        self._settle([event], [Taken(Problem("/problems/internal", str(error), 500))])

    def _trim(self) -> None:
        now_ms = self._clock()
        # A clock that was set back must not stop the trimming.
        if 0 <= now_ms - self._trimmed_ms < TRIM_EVERY_MS:
            return
        with self._desk.writing() as connection:
            more = outgoing.trim(connection, now_ms - KEPT_MS, _TRIMMED) == _TRIMMED
        self._trimmed_ms = 0 if more else now_ms


def report(
    connection: Connection, tenant: str, title: str, asset: str, why: str, now_ms: int
) -> None:
    """Have the judge told that something of the installation itself needs somebody: an alert, by the
    rules of the pack, like what any other tool finds."""
    finding = {
        "type": "finding.reported",
        "source": "kanhe",
        "severity": "high",
        "title": title,
        "asset": asset[:64],
        "description": why[:500],
        "finding_kind": "installation",
    }
    outgoing.tell_journal(connection, tenant or PLATFORM, finding, now_ms)


class _Type(msgspec.Struct):
    type: str = ""


def _type_of(event: Waiting) -> str:
    try:
        return msgspec.json.decode(event.body, type=_Type).type
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _is_judged(event: Waiting) -> bool:
    """Whether rules look at it: at what staff do, and at what tools find."""
    return _type_of(event) in ("staff.action", "finding.reported")


def _is_finding(event: Waiting) -> bool:
    return _type_of(event) == "finding.reported"


def _told(problem: Problem | None) -> str:
    """A problem in a line."""
    if problem is None:
        return ""
    fields = "; ".join(f"{e.field}: {e.expected}, got {e.got}" for e in problem.errors)
    return ": ".join(part for part in (problem.title, problem.detail or fields) if part)[:500]
