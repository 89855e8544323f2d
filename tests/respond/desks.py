"""Desks for tests of casework: rows as a journal holds them, people, a clock that is told the time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kanhe.app.casework import Casework, Colleague
from kanhe.core.actor import Actor
from kanhe.core.decision import Action, Decision, Outcome, Reason, Text, decision_id
from kanhe.judge.policy.pack import load_pack, starter_path
from kanhe.record.journal.ports import DECIDED, NOTED, RECORDED, Row
from kanhe.record.log.entries import Happening
from kanhe.respond.quality import Sampling
from kanhe.respond.standing import Orders
from kanhe.stores.desk.database import Desk
from kanhe.stores.files.evidence_folder import EvidenceInMemory
from kanhe.stores.memory.journal import MemoryJournal

NOON = 1_767_607_200_000
"""Monday 2026-01-05, 10:00 UTC."""
KEY = b"k" * 16
STARTER = load_pack(starter_path())
POLICY = STARTER.hash


class Clock:
    """Tells what it was told."""

    def __init__(self, now_ms: int = NOON) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


class Team:
    """Some people: whoever is named `lead` may assign."""

    def __init__(self, *people: Colleague) -> None:
        self.people = people or tuple(
            Colleague(name, name.title(), f"{name}@shop.example") for name in ("ana", "ben", "lead")
        )

    def colleagues(self, tenant: str) -> Sequence[Colleague]:
        return [person for person in self.people if not tenant or person.sees(tenant)]

    def may_assign(self, actor: Actor) -> bool:
        return actor.staff == "lead"


def actor(name: str, tenant: str = "") -> Actor:
    return Actor(staff=name, name=name.title(), tenant=tenant, roles=("risk_analyst",), session="s")


ANA, BEN, LEAD = actor("ana"), actor("ben"), actor("lead")


def row(
    seq: int,
    outcome: Outcome = "review",
    score: int = 80,
    *,
    tenant: str = "shop",
    type: str = "payment.attempted",
    at_ms: int = NOON,
    rule: str = "velocity_card",
    recorded: bool = False,
    **fields: Any,
) -> Row:
    """A row for an event with these fields, decided so by one rule."""
    event_id = fields.pop("id", f"e-{seq}")
    event = {"type": type, "id": event_id, "at_ms": at_ms, **fields}
    reason = Reason(rule, score, Text(f"Because of {rule}.", f"命中 {rule}。"), ("OAT-001",))
    actions = (Action("notify", "team"),) if outcome == "allow" else ()
    decision = Decision(
        decision_id(seq), event_id, outcome, score, POLICY, (reason,) if score else (), actions
    )
    answer = b"{}" if recorded else msgspec.json.encode(decision)
    kind = RECORDED if recorded else DECIDED
    return Row(
        seq, tenant, event_id, kind, type, at_ms, at_ms, POLICY, msgspec.json.encode(event), b"",
        answer, b"s" * 32,
    )  # fmt: skip


def payment(seq: int, card: str, user: str, minor: int = 10_000, **more: Any) -> Row:
    """A payment that a person is to look at."""
    return row(seq, card=card, user=user, amount_minor=minor, currency="EUR", **more)


def noted(seq: int, type: str, tenant: str = "", at_ms: int = NOON, **facts: str) -> Row:
    """A row that is no event."""
    body = msgspec.json.encode(Happening(facts, tenant=tenant))
    return Row(seq, "", f"note-{seq}", NOTED, type, at_ms, at_ms, POLICY, body, b"", b"")


def journal_of(*rows: Row) -> MemoryJournal:
    """A journal that holds these rows."""
    journal = MemoryJournal()
    journal.keep_policy(POLICY, STARTER.archive)
    add(journal, *rows)
    return journal


def add(journal: MemoryJournal, *rows: Row) -> None:
    journal.extend(rows)
    journal.commit()


def casework(
    desk: Desk | None = None,
    clock: Clock | None = None,
    team: Team | None = None,
    permille: int = 0,
    orders: Orders | None = None,
) -> Casework:
    """Casework over a desk, in memory if none is given; nothing is drawn for review by default."""
    orders = orders or Orders(sampling=Sampling(permille, 0))
    return Casework(
        desk or Desk(), clock or Clock(), orders, team or Team(), EvidenceInMemory(), KEY
    )


def take_all(work: Casework, journal: MemoryJournal) -> None:
    """Take up everything."""
    while work.take_up(journal):
        pass
