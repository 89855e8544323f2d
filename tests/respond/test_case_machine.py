"""No sequence of actions by any people breaks what casework promises."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from kanhe.core.actor import Actor
from kanhe.respond.cases import ACTIVE, VERDICTS, CaseError
from kanhe.stores.desk import cases
from kanhe.stores.desk.cases import ALERTS, CASES, ENTITIES
from kanhe.stores.desk.database import Desk
from tests.respond.desks import ANA, BEN, LEAD, Clock, add, casework, journal_of, payment, take_all

PEOPLE = st.sampled_from([ANA, BEN, LEAD])
NUMBERS = st.integers(0, 11)
"""Chooses one of the cases there are."""


class Casework(RuleBasedStateMachine):
    """Some people, some cases, and what they do with them in any order."""

    @initialize()
    def begin(self) -> None:
        self.desk = Desk()
        self.clock = Clock()
        self.work = casework(self.desk, self.clock, permille=1000)
        self.journal = journal_of(*(payment(n, f"b{n}", f"b{n}") for n in (1, 2, 3)))
        self.alerts = 3
        take_all(self.work, self.journal)
        self.holders: dict[int, tuple[str, int]] = {}

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            self.desk.close()

    def tried(self, action: Any, *args: Any, **more: Any) -> Any:
        """What an action gives; a refusal is an answer too."""
        try:
            return action(*args, **more)
        except CaseError:
            return None

    @rule(card=st.integers(1, 4), user=st.integers(1, 4), minor=st.integers(0, 500_000))
    @precondition(lambda self: self.alerts < 20)
    def alert(self, card: int, user: int, minor: int) -> None:
        self.alerts += 1
        add(self.journal, payment(self.alerts, f"c{card}", f"u{user}", minor, at_ms=self.clock()))
        take_all(self.work, self.journal)

    @rule(ms=st.sampled_from([1_000, 60_000, 400_000, 7_200_000, 8 * 86_400_000, -30_000]))
    def time(self, ms: int) -> None:
        self.clock.now_ms += ms
        self.work.tend()

    @rule(who=PEOPLE, number=NUMBERS)
    def take(self, who: Actor, number: int) -> None:
        number = self.chosen(number)
        held = self.holders.get(number)
        if self.tried(self.work.work.take, who, [number]) is not None:
            # Nobody else had it: that is what taking promises.
            assert held is None or held[0] == who.staff or held[1] <= self.clock()

    @rule(who=PEOPLE)
    def take_next(self, who: Actor) -> None:
        number = self.work.work.take_next(who)
        if number:
            held = self.holders.get(number)
            assert held is None or held[0] == who.staff or held[1] <= self.clock()

    @rule(
        who=PEOPLE,
        numbers=st.lists(NUMBERS, min_size=1, max_size=4),
        verdict=st.sampled_from(VERDICTS),
    )
    def resolve(self, who: Actor, numbers: list[int], verdict: Any) -> None:
        known = [self.chosen(n) for n in numbers]
        self.tried(self.work.work.resolve, who, known, verdict, "looked at")

    @rule(who=PEOPLE, number=NUMBERS, to=st.sampled_from(["ana", "ben", "nobody"]),
          what=st.sampled_from(["release", "snooze", "escalate", "assign", "reopen"]))  # fmt: skip
    def step(self, who: Actor, number: int, to: str, what: str) -> None:
        number, work = self.chosen(number), self.work.work
        match what:
            case "release":
                self.tried(work.release, who, [number])
            case "snooze":
                self.tried(work.snooze, who, [number], self.clock() + 3_600_000)
            case "escalate":
                self.tried(work.escalate, who, [number])
            case "assign":
                self.tried(work.assign, who, [number], to)
            case _:
                self.tried(work.reopen, who, number)

    @rule(who=PEOPLE, number=NUMBERS, agrees=st.booleans())
    def review(self, who: Actor, number: int, agrees: bool) -> None:
        number = self.chosen(number)
        row = self.row(number)
        if self.tried(self.work.work.review, who, number, agrees, "because") is not None:
            assert row.state == "in_review"
            assert row.resolved_by != who.staff

    @rule(who=PEOPLE, number=NUMBERS, into=NUMBERS)
    def merge(self, who: Actor, number: int, into: int) -> None:
        self.tried(self.work.work.merge, who, self.chosen(number), self.chosen(into))

    @rule(who=PEOPLE, number=NUMBERS, seqs=st.sets(st.integers(1, 8), min_size=1, max_size=3))
    def split(self, who: Actor, number: int, seqs: set[int]) -> None:
        self.tried(self.work.work.split, who, self.chosen(number), sorted(seqs))

    @rule(who=PEOPLE)
    def undo(self, who: Actor) -> None:
        self.tried(self.work.work.undo, who)

    def chosen(self, number: int) -> int:
        """One of the cases there are."""
        with self.desk.reading() as connection:
            return 1 + number % len(connection.execute(select(CASES.c.number)).all())

    def row(self, number: int) -> Any:
        with self.desk.reading() as connection:
            return cases.find(connection, number)

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every alert stands in one case; figures are those of its alerts; flags are those of its state."""
        if not hasattr(self, "desk"):
            return
        with self.desk.reading() as connection:
            alerts = connection.execute(select(ALERTS.c.seq, ALERTS.c.case_number)).all()
            found = connection.execute(select(CASES)).all()
            named = connection.execute(select(ENTITIES.c.case_number, ENTITIES.c.is_active)).all()
        assert sorted(seq for seq, _ in alerts) == list(range(1, self.alerts + 1))
        states = {row.number: row for row in found}
        for row in found:
            assert row.is_active == (row.state in ACTIVE)
            assert row.alerts == sum(number == row.number for _, number in alerts)
            assert (row.state == "merged") == bool(row.merged_into)
            if row.state == "merged":
                assert row.alerts == 0
            if row.state in ("resolved", "in_review", "closed"):
                assert row.verdict
                assert row.resolved_by
            if row.state == "closed" and row.reviewed_by:
                assert row.reviewed_by != row.resolved_by
        assert all(active == states[number].is_active for number, active in named)

    @invariant()
    def nobody_shares_a_case(self) -> None:
        """Whoever holds a case owns it, and was not given it while another held it."""
        if not hasattr(self, "desk"):
            return
        with self.desk.reading() as connection:
            found = connection.execute(select(CASES)).all()
        now = self.clock()
        holders = {}
        for row in found:
            if row.holder and row.held_until_ms > now:
                assert row.owner == row.holder
                assert row.is_active
                holders[row.number] = (row.holder, row.held_until_ms)
        for number, (holder, until) in holders.items():
            before = self.holders.get(number)
            assert before is None or before[0] == holder or before[1] <= now or until != before[1]
        self.holders = holders


TestCasework = Casework.TestCase
TestCasework.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
