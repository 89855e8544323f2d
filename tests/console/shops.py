"""A shop that was judged, indexed and folded into its log, and people of the desk who look at it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kanhe.app.indexing import Indexing
from kanhe.core.actor import Actor, Visitor
from kanhe.core.settings import Settings
from kanhe.protect.access.permissions import NAMES
from tests.console.doors import Door, person
from tests.ledger.shops import event, fold, opened, payment, send, settings

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
MAIL = "mei.lin@example.com"
CARD = "tok-4111222233334444"


def shop(tmp_path: Path) -> Settings:
    """Payments of two tenants, staff at work, claims, somebody who writes markup wherever they can."""
    at = settings(tmp_path)
    with opened(tmp_path) as kanhe:
        kanhe.tend()
        for n in range(30):
            send(kanhe, payment(f"e{n}", n, card=f"c{n % 3}", user=f"u{n % 5}", device=f"d{n % 2}",
                                ip="203.0.113.7", ip_country="CN"))  # fmt: skip
        send(kanhe, payment("mine", 40, user="u-mei", email=MAIL, card=CARD, phone="+8613800138000",
                            address="a-9", merchant="m-7", order="o-1"))  # fmt: skip
        send(kanhe, payment("theirs", 41, user="secret-user", card="secret-card"), tenant="other")
        send(kanhe, payment("evil", 42, user=EVIL, device=EVIL, order=EVIL, user_agent=EVIL))
        send(
            kanhe,
            event("s1", "staff.action", 50, staff="ana", staff_action="unmasked",
                  resource="customer", user="u-mei", note="called in, asked for help", ticket="T-1"),
            event("s2", "staff.action", 51, staff="bo", staff_action="viewed", resource="order",
                  order="o-1", note=EVIL),
            event("l1", "label.assigned", 60, verdict="fraud", subject_event="mine", staff="ana",
                  label_source="manual_review"),
            event("m1", "message.sent", 61, user="u-mei", text=f"write to {MAIL} {EVIL}"),
            record=True,
        )  # fmt: skip
        send(kanhe, event("s3", "staff.action", 52, staff="st-foreign", staff_action="viewed",
                          user="secret-user"), tenant="other", record=True)  # fmt: skip
    fold(at)
    index(at)
    return at


def index(at: Settings) -> None:
    """Bring the index up to date."""
    keeping = Indexing(at)
    keeping.run(lambda done, total: None, lambda: False)
    keeping.close()


class Desk(Door):
    """A door whose people may ask to see personal data."""

    def __init__(self, **people: Visitor) -> None:
        super().__init__(**people)
        self.clear: set[tuple[str, str]] = set()
        self.reasons: list[tuple[str, str, dict[str, Any]]] = []
        self.personnel = SimpleNamespace(people=lambda actor: [])

    def sees_clear(self, visitor: Visitor, subject: str) -> bool:
        """Whether they gave a reason."""
        return (visitor.actor.staff, subject) in self.clear

    def reveal(self, visitor: Visitor, subject: str, reason: str, **fields: Any) -> None:
        """Keep it."""
        self.clear.add((visitor.actor.staff, subject))
        self.reasons.append((subject, reason, fields))


def desk() -> Desk:
    """Somebody who may do all, and somebody of each tenant; one who may only look at entities."""
    return Desk(
        lin=person("Lin Yue", *NAMES, time_zone="Asia/Shanghai"),
        mei=person("Mei", *NAMES, tenant="shop"),
        otto=person("Otto", *NAMES, tenant="other"),
        kai=person("Kai", "entities.read"),
    )


LIN = Actor(staff="lin", name="Lin")
OTTO = Actor(staff="otto", name="Otto", tenant="other")
MEI = Actor(staff="mei", name="Mei", tenant="shop")
