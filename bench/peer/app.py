"""The service: `uvicorn bench.peer.app:app`, with `PEER_REDIS` (a socket) and `PEER_FOLDER` set."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Annotated, Any, Literal

import redis
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from bench import policy, workload
from bench.peer.table import zen_hits
from kanhe.core.money import Rates

Id = Annotated[str, Field(min_length=1, max_length=128)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Payment(BaseModel):
    """The event, field by field; what is not declared is refused."""

    model_config = ConfigDict(extra="forbid")

    id: Id
    type: Literal["payment.attempted"]
    at_ms: Annotated[int, Field(ge=946_684_800_000, le=4_102_444_800_000)]
    user: Id
    device: Id
    ip: Annotated[str, Field(min_length=2, max_length=45)]
    session: Id
    card: Id
    email: Annotated[str, Field(min_length=3, max_length=254)]
    phone: Id
    merchant: Id
    order: Id
    amount_minor: Annotated[int, Field(ge=0, le=10**12)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    payment_method: Literal["card", "wallet", "bank_transfer"]
    card_bin: Annotated[str, Field(min_length=6, max_length=8)]
    card_brand: Literal["visa", "mastercard", "amex"]
    card_country: Country
    ip_country: Country
    billing_country: Country
    shipping_country: Country
    avs_result: Literal["match", "partial", "no_match"]
    cvv_result: Literal["match", "no_match", "not_given"]
    items_count: Annotated[int, Field(ge=0, le=100_000)]
    is_guest: bool
    attempt_no: Annotated[int, Field(ge=0, le=1000)]
    user_agent: Annotated[str, Field(max_length=256)]


class Reason(BaseModel):
    """Which rule fired, and what it weighs."""

    rule: str
    points: int


class Decision(BaseModel):
    """The answer."""

    decision_id: str
    event_id: str
    outcome: Literal["allow", "challenge", "review", "deny"]
    score: int
    reasons: list[Reason]


_redis = redis.Redis(unix_socket_path=os.environ["PEER_REDIS"])
_windows = _redis.register_script(Path(__file__).with_name("windows.lua").read_text())
_names = [line.partition(" =")[0] for line in policy.feature_lines()]
_points = {rule.id: rule.points for rule in policy.rules()}
_hits = zen_hits()
_rates = Rates("EUR", workload.RATES)
_journal = sqlite3.connect(
    Path(os.environ["PEER_FOLDER"]) / "journal.db", isolation_level=None, check_same_thread=False
)
_journal.execute("PRAGMA journal_mode=WAL")
_journal.execute("PRAGMA synchronous=FULL")
_journal.execute(
    "CREATE TABLE IF NOT EXISTS journal (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, event TEXT, answer TEXT)"
)

app = FastAPI()


@app.post("/v1/decisions")
async def decide(event: Payment) -> Decision:
    """Judge one payment: windows, rules, outcome, journal, answer."""
    values = _features(event)
    hits = _hits(values | event.model_dump())
    score = min(1000, sum(_points[rule] for rule in hits))
    outcome: Any = "allow"
    for least, name in ((40, "challenge"), (70, "review"), (100, "deny")):
        if score >= least:
            outcome = name
    decision = Decision(
        decision_id=f"d-{event.id}",
        event_id=event.id,
        outcome=outcome,
        score=score,
        reasons=[Reason(rule=rule, points=_points[rule]) for rule in hits],
    )
    _journal.execute(
        "INSERT INTO journal (id, event, answer) VALUES (?, ?, ?)",
        (event.id, event.model_dump_json(), decision.model_dump_json()),
    )
    return decision


def _features(event: Payment) -> dict[str, float | None]:
    """The sixty values, from one atomic call to Redis."""
    keys = [f"{name}:{getattr(event, name)}" for name in workload.ENTITIES]
    others = [getattr(event, policy.COUNTERPART[name]) for name in workload.ENTITIES]
    amount = _rates.to_base(event.amount_minor, event.currency)
    read: Any = _windows(keys=keys, args=[event.at_ms, amount or 0, *others])
    values: dict[str, float | None] = {}
    for name, value in zip(_names, read, strict=True):
        if name.endswith("_since"):
            values[name] = None if value < 0 else value / 1000
        else:
            values[name] = float(value)
    return values
