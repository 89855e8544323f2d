"""A small shop with fraud: its policy, its events, and what every figure of it is, worked out slowly."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kanhe.app.installation import wire
from kanhe.core.decision import SEVERITY, Decision, Signal
from kanhe.core.settings import Settings
from kanhe.core.time import DAY_MS
from kanhe.flow import Flow
from kanhe.judge.intake.group import group_of
from kanhe.judge.policy.pack import Pack, load_pack
from kanhe.judge.verdict.decide import decide
from kanhe.record.journal.ports import DECIDED, Row
from kanhe.replay.history import Progress
from kanhe.replay.span import Span
from kanhe.stores.memory.journal import MemoryJournal
from tests.flow.packs import MANIFEST

START_MS = 1_767_225_600_000

FEATURES = """
card_n_1d = count("payment.attempted", by="card", over="1d")
user_spent_2d = sum("payment.attempted", "amount_base", by="user", over="2d")
"""
RULES = """
rule("listed", on="payment.attempted", when=card in stolen_cards, outcome="deny", points=0,
     en="The card is on the list.", zh="该卡在名单上。", tags=["OAT-001"], owner="risk")
rule("friend", on="payment.attempted", when=user == "u0", outcome="allow", points=0,
     en="Known for years.", zh="多年老客户。", tags=["OAT-001"], owner="risk")
rule("busy", on="payment.attempted", when=card_n_1d >= 2, points=45,
     en="{card_n_1d} payments a day", zh="一天 {card_n_1d} 次支付", tags=["OAT-001"], owner="risk")
rule("busier", on="payment.attempted", when=card_n_1d >= 3, points=30,
     actions=[list_add("stolen_cards", card, "2d"), notify("risk")],
     en="Too many.", zh="过多。", tags=["OAT-001"], owner="risk")
rule("dear", on=["payment.attempted", "refund.requested"], when=amount_minor > 5000, points=35,
     outcome="review", en="Dear.", zh="金额高。", tags=["OAT-001"], owner="risk")
rule("calm", on="payment.attempted", when=user_spent_2d < 3000, points=-20,
     en="Little was spent.", zh="消费不多。", tags=["OAT-001"], owner="risk")
rule("broken", on="refund.requested", when=1 / (amount_minor - amount_minor) > 0, points=100,
     en="Never.", zh="从不。", tags=["OAT-001"], owner="risk")
"""


def write_shop(folder: Path, rules: str = RULES, manifest: str = MANIFEST) -> Path:
    """The policy of the shop as a folder."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "pack.toml").write_text(manifest, "utf-8")
    (folder / "features.kanhe").write_text(FEATURES, "utf-8")
    (folder / "rules" / "shop.kanhe").write_text(rules, "utf-8")
    return folder


def shop_pack(folder: Path, rules: str = RULES) -> Pack:
    """The policy of the shop."""
    return load_pack(write_shop(folder, rules))


def flow_of(pack: Pack) -> Flow:
    """The path under a pack, empty of events."""
    return wire(pack, Settings(), bytes(16), MemoryJournal())


def pay(
    id: str, day: float, user: str | None, card: str, minor: int, **fields: Any
) -> dict[str, Any]:
    """A payment, that many days after the start."""
    who = {} if user is None else {"user": user}
    return {"id": id, "type": "payment.attempted", "at_ms": START_MS + round(day * DAY_MS),
            "card": card, "amount_minor": minor, "currency": "EUR", **who, **fields}  # fmt: skip


def label(id: str, day: float, subject: str, verdict: str) -> dict[str, Any]:
    """What somebody says about an event, that many days after the start."""
    return {"id": id, "type": "label.assigned", "at_ms": START_MS + round(day * DAY_MS),
            "verdict": verdict, "subject_event": subject, "user": "u9"}  # fmt: skip


def rows_of(events: Sequence[dict[str, Any]], tenant: str = "t") -> list[Row]:
    """The events as rows of a journal in which nothing had been decided."""
    return [
        Row(n, tenant, e["id"], DECIDED, e["type"], e["at_ms"], e["at_ms"], "",
            json.dumps(e).encode(), b"", b"")
        for n, e in enumerate(events, 1)
    ]  # fmt: skip


class RowsPast:
    """Rows as they stand. Implements `kanhe.learn.judged.Past`."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.kept = rows

    def claims(self, progress: Progress) -> Iterator[Row]:
        """All of them."""
        return iter(self.kept)

    def rows(self, progress: Progress) -> Iterator[Row]:
        """All of them."""
        return iter(self.kept)

    def last_of(self, span: Span) -> int:
        """The last one."""
        return len(self.kept)


class Slow(NamedTuple):
    """One payment, decided by itself the slow way."""

    row: Row
    body: dict[str, Any]
    signals: Sequence[Signal]
    decision: Decision
    verdict: str
    """Empty without a label."""

    @property
    def severity(self) -> int:
        """How hard its outcome is."""
        return SEVERITY[self.decision.outcome]

    def without(self, rule: str, pack: Pack) -> int:
        """How hard its outcome would be without a rule."""
        rest = [signal for signal in self.signals if signal.rule != rule]
        return SEVERITY[decide(rest, pack.verdict, self.row.type, "", "", "").outcome]


def slowly(events: Sequence[dict[str, Any]], pack: Pack) -> list[Slow]:
    """Every event decided one by one along the live path; the last label of an event holds."""
    verdicts = {e["subject_event"]: e["verdict"] for e in events if e["type"] == "label.assigned"}
    flow, found = flow_of(pack), []
    for row in rows_of(events):
        arrival = flow.reader.reread(row.tenant, row.body, row.received_ms)
        vectors, _ = flow.features.observe_group(group_of([arrival]))
        signals, decision = flow.weigh(
            arrival, flow.rules.screen([arrival.event], vectors), 0, row.seq
        )
        flow.change_lists(row.tenant, arrival.event, decision)
        verdict = verdicts.get(row.event_id, "")
        found.append(Slow(row, json.loads(row.body), tuple(signals), decision, verdict))
    return found
