"""Filling a desk with a past: alerts of a simulated shop, and simulated staff who decided most of them.

Everything goes through casework as it does beside the console, at the times at which it would have
happened: day after day, alerts are taken up, and what is older than a shift or two gets decided by the
truth of the simulation, now and then wrongly. What is recent stays open, for whoever looks.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Set
from pathlib import Path

from sqlalchemy import Connection, func, select

from kanhe.app.access import console_key
from kanhe.app.casework import Casework, open_casework
from kanhe.app.desk_file import open_desk
from kanhe.app.opening import open_journal
from kanhe.app.personnel import founder
from kanhe.app.staffing import Staffing, open_staffing
from kanhe.core.actor import Actor
from kanhe.core.settings import Settings
from kanhe.core.time import DAY_MS, HOUR_MS, Clock
from kanhe.respond.cases import Verdict
from kanhe.stores.desk import accounts, cases

ANALYSTS = ("Lin Yue 林悦 (simulated)", "Mateo Ruiz (simulated)", "Wang Min 王敏 (simulated)")
VISITOR = "demo@example.com"
_VISITOR_ROLES = ("risk_analyst", "engineer", "auditor")
_SHIFT_MS = 18 * HOUR_MS
"""What is younger than this has not been looked at yet."""
_DONE = 0.8
"""How much of what is older gets decided each day."""
_WRONG = 0.04
_AT_ONCE = 50

Progress = Callable[[int], None]
"""Told how many rows of the journal were taken up so far."""


class DemoDesk:
    """The desk of a demo while it is being filled."""

    def __init__(self, settings: Settings, clock: Clock, seed: int) -> None:
        folder = Path(settings.data_dir)
        self._settings = settings
        self._real_clock = clock
        self._now = 0
        self._desk = open_desk(settings)
        # Repeatable, as the shop is.
        self._dice = random.Random(seed)  # noqa: S311 (decides who decides in a simulation)
        self._staffing: Staffing = open_staffing(settings, self._desk, self._clock)
        self._casework: Casework = open_casework(
            self._desk, self._clock, folder, self._staffing.colleagues, console_key(folder)
        )

    def close(self) -> None:
        """Release the file."""
        self._desk.close()

    def fill(self, attacks: Set[str], reasons: tuple[str, str], progress: Progress) -> int:
        """Take up all alerts of the journal and have most decided; gives how many cases stay open.

        `attacks` are the ids of events that were part of an attack, `reasons` what staff write who
        decide that something was an attack, or was not.
        """
        staff = [self._hire(name, number) for number, name in enumerate(ANALYSTS, 1)]
        day = 0
        with open_journal(self._settings) as journal:
            if journal is None:
                return 0
            done = 0
            while taken := self._casework.take_up(journal):
                done += taken
                progress(done)
                self._now = max(self._now, self._latest())
                if self._now // DAY_MS > day:
                    day = self._now // DAY_MS
                    self._work_off(staff, attacks, reasons)
        self._now = 0
        with self._desk.reading() as connection:
            chosen = select(cases.CASES.c.number).where(cases.CASES.c.is_active == 1)
            urgent = chosen.order_by(cases.CASES.c.priority_minor.desc(), cases.CASES.c.number)
            left = list(connection.execute(urgent).scalars())
        self._begin(staff, left)
        return len(left)

    def let_in(self, name: str) -> str:
        """Make an account for whoever looks at the demo; gives the link that signs in once."""
        with self._desk.writing() as connection:
            found = accounts.account_of_mail(connection, VISITOR)
            if found is None:
                staff, _ = self._staffing.personnel.invite_as(
                    connection, founder("demo"), VISITOR, name, "", _VISITOR_ROLES
                )
                found = accounts.account(connection, staff)
            assert found is not None
            return self._staffing.personnel.sign_in_link_as(connection, founder("demo"), found)

    def _clock(self) -> int:
        """The time of the past that is being made; at the end, the real one."""
        return self._now or self._real_clock()

    def _hire(self, name: str, number: int) -> Actor:
        mail = f"simulated-{number}@example.com"
        with self._desk.writing() as connection:
            found = accounts.account_of_mail(connection, mail)
            staff = found.id if found else self._staffing.personnel.invite_as(
                connection, founder("demo"), mail, name, "", ("risk_analyst",)
            )[0]  # fmt: skip
        return Actor(staff=staff, name=name, roles=("risk_analyst",), device="simulated")

    def _latest(self) -> int:
        with self._desk.reading() as connection:
            latest = connection.execute(select(func.max(cases.ALERTS.c.received_ms))).scalar_one()
        return int(latest or 0)

    def _work_off(self, staff: list[Actor], attacks: Set[str], reasons: tuple[str, str]) -> None:
        """Decide what is older than a shift, each analyst a share of it."""
        with self._desk.reading() as connection:
            due = self._verdicts(connection, attacks)
        for verdict, reason in (("fraud", reasons[0]), ("legitimate", reasons[1])):
            numbers = [number for number, one in due if one == verdict]
            for start in range(0, len(numbers), _AT_ONCE):
                actor = self._dice.choice(staff)
                kind: Verdict = "fraud" if verdict == "fraud" else "legitimate"
                self._casework.work.resolve(actor, numbers[start : start + _AT_ONCE], kind, reason)

    def _begin(self, staff: list[Actor], left: list[int]) -> None:
        """Have staff be in the middle of their work: cases taken, handed over, put off, passed on."""
        work = self._casework.work
        first, second, third = staff
        for actor, number in zip(staff, left[3:6], strict=False):
            work.take(actor, [number])
            work.note(actor, number, "Simulated: asked the buyer by phone; waiting for an answer.")
        for number in left[8:10]:
            work.escalate(second, [number], "Simulated: beyond what I may decide.")
        for number in left[12:14]:
            work.snooze(third, [number], self._clock() + 4 * HOUR_MS)
        for number in left[16:20]:
            work.take(first, [number])
            work.release(first, [number])

    def _verdicts(self, connection: Connection, attacks: Set[str]) -> list[tuple[int, str]]:
        """The cases that are due, and what each gets decided."""
        chosen = (
            select(cases.CASES.c.number, cases.ALERTS.c.event_id)
            .join(cases.ALERTS, cases.ALERTS.c.case_number == cases.CASES.c.number)
            .where(cases.CASES.c.is_active == 1, cases.CASES.c.opened_ms < self._now - _SHIFT_MS)
            .order_by(cases.CASES.c.number)
        )
        is_attack: dict[int, bool] = {}
        for number, event in connection.execute(chosen):
            is_attack[number] = is_attack.get(number, False) or event in attacks
        return [
            (number, "fraud" if attack != (self._dice.random() < _WRONG) else "legitimate")
            for number, attack in is_attack.items()
            if self._dice.random() < _DONE
        ]
