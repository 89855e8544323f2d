"""What an alert says: of a decision, of the governor, of a policy that was rolled back, of a complaint.

An alert keeps as little as is needed to put it into a case, to rank it and to find it: its number in
the journal, the ids by which it may belong to others, money, and the one sentence that says why.
Everything else is read from the journal when somebody looks, so that what is erased there is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from kanhe.core.decision import GOVERNOR, Decision, Text
from kanhe.core.event import ENTITY_KINDS
from kanhe.respond.priority import Expectation, expected_loss

Kind = Literal["decision", "governor", "rollback", "complaint"]
KINDS: tuple[Kind, ...] = ("decision", "governor", "rollback", "complaint")
Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
"""From the least to the greatest; the place of a severity is its rank, counted from 0."""
RANK: Mapping[str, int] = {name: rank for rank, name in enumerate(SEVERITIES)}

RULE = "rule"
"""The kind under which an alert about a rule itself is known again; no kind of entity has this name."""
MOST_RULES = 50
"""So many rules of a decision are kept with its alert, the heaviest first."""
_RAISE_FROM_MINOR = 100_000
"""From this expected loss on, in minor units of the base currency, an alert is one step more severe."""
_OF_OUTCOME: Mapping[str, Severity] = {
    "allow": "low",
    "challenge": "low",
    "review": "medium",
    "deny": "high",
}

Entities = tuple[tuple[str, str], ...]
"""Kinds with their ids, in the order of `ENTITY_KINDS`."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person should look at."""

    seq: int
    """Its row in the journal; there is one alert for a row at most."""
    tenant: str
    kind: Kind
    event_id: str
    event_type: str
    at_ms: int
    received_ms: int
    outcome: str = ""
    score: int = 0
    severity: Severity = "medium"
    amount_minor: int | None = None
    currency: str = ""
    base_minor: int = 0
    """The amount in minor units of the base currency, 0 where there is none or no rate."""
    loss_minor: int = 0
    """What is expected to be lost, in the same units."""
    rules: tuple[str, ...] = ()
    reason: Text = Text("", "")
    """The heaviest reason."""
    entities: Entities = ()
    subject_event: str = ""
    """Of a complaint: the event it is about."""


class Amounts(msgspec.Struct, frozen=True):
    """The money of an event, as sent and in the base currency."""

    amount_minor: int | None = None
    currency: str = ""
    base_minor: int = 0


def entities_of(event: Mapping[str, object]) -> Entities:
    """Whom an event names."""
    found = ((kind, event.get(kind)) for kind in ENTITY_KINDS)
    return tuple((kind, value) for kind, value in found if isinstance(value, str) and value)


def of_decision(
    seq: int,
    tenant: str,
    event: Mapping[str, object],
    at_ms: int,
    received_ms: int,
    decision: Decision,
    amounts: Amounts,
    expectation: Expectation,
) -> Alert:
    """The alert of a decision that stopped somebody, asks a person, or notifies."""
    loss = expected_loss(amounts.base_minor, decision.score, decision.outcome, expectation)
    # The governor stands first where it held a rule; what the rule says is the better headline.
    told = [r for r in decision.reasons if r.rule != GOVERNOR] or list(decision.reasons)
    return Alert(
        seq=seq,
        tenant=tenant,
        kind="decision",
        event_id=decision.event_id,
        event_type=str(event.get("type", "")),
        at_ms=at_ms,
        received_ms=received_ms,
        outcome=decision.outcome,
        score=decision.score,
        severity=raised(_OF_OUTCOME[decision.outcome], loss),
        amount_minor=amounts.amount_minor,
        currency=amounts.currency,
        base_minor=amounts.base_minor,
        loss_minor=loss,
        rules=tuple(reason.rule for reason in decision.reasons[:MOST_RULES]),
        reason=told[0].text if told else Text("", ""),
        entities=entities_of(event),
    )


def of_complaint(
    seq: int,
    tenant: str,
    event: Mapping[str, object],
    at_ms: int,
    received_ms: int,
    amounts: Amounts,
) -> Alert:
    """The alert of a complaint: whoever complains of fraud or of harm is heard sooner."""
    why = str(event.get("complaint_reason") or "other")
    grave = why in ("fraud", "unsafe", "counterfeit", "harassment")
    return Alert(
        seq=seq,
        tenant=tenant,
        kind="complaint",
        event_id=str(event.get("id", "")),
        event_type=str(event.get("type", "")),
        at_ms=at_ms,
        received_ms=received_ms,
        severity=raised("high" if grave else "medium", amounts.base_minor),
        amount_minor=amounts.amount_minor,
        currency=amounts.currency,
        base_minor=amounts.base_minor,
        reason=Text(*_COMPLAINTS.get(why, _COMPLAINTS["other"])),
        entities=entities_of(event),
        subject_event=str(event.get("subject_event") or ""),
    )


def of_trip(
    seq: int, tenant: str, event_id: str, type: str, at_ms: int, facts: Mapping[str, str]
) -> Alert:
    """The alert of a cap that was passed: a rule refuses more people than it may."""
    rule = facts.get("rule", "*")
    people = facts.get("people", "?")
    about = facts.get("event_type", "")
    all_of_them = rule == "*"
    return Alert(
        seq=seq,
        tenant=tenant,
        kind="governor",
        event_id=event_id,
        event_type=type,
        at_ms=at_ms,
        received_ms=at_ms,
        severity="critical" if all_of_them else "high",
        rules=() if all_of_them else (rule,),
        reason=Text(
            f"{'All rules together' if all_of_them else f'The rule {rule}'} wanted to stop {people}"
            f" people ({about}): above the cap, so people look instead.",
            f"{'全部规则合计' if all_of_them else f'规则 {rule}'} 拟拦截 {people} 人（{about}），超出上限，"
            "已转为人工审核。",
        ),
        entities=((RULE, rule),),
    )


def of_rollback(
    seq: int, tenant: str, event_id: str, type: str, at_ms: int, facts: Mapping[str, str]
) -> Alert:
    """The alert of a policy pack that was taken back."""
    why = facts.get("reason") or facts.get("why") or ""
    named = f" ({why})" if why else ""
    return Alert(
        seq=seq,
        tenant=tenant,
        kind="rollback",
        event_id=event_id,
        event_type=type,
        at_ms=at_ms,
        received_ms=at_ms,
        severity="critical",
        reason=Text(
            f"The policy in force was rolled back to the one before{named}.",
            f"当前生效的策略已回滚到上一版本{f'（{why}）' if why else ''}。",
        ),
        entities=((RULE, "policy"),),
    )


def raised(severity: Severity, loss_minor: int) -> Severity:
    """One step more severe where much is to be lost."""
    rank = RANK[severity] + (loss_minor >= _RAISE_FROM_MINOR)
    return SEVERITIES[min(rank, len(SEVERITIES) - 1)]


_COMPLAINTS: Mapping[str, tuple[str, str]] = {
    "not_received": ("Complaint: the goods did not arrive.", "投诉：未收到商品。"),
    "not_as_described": ("Complaint: not as described.", "投诉：商品与描述不符。"),
    "counterfeit": ("Complaint: the goods are counterfeit.", "投诉：商品为假货。"),
    "unsafe": ("Complaint: the goods are unsafe.", "投诉：商品存在安全隐患。"),
    "wrong_price": ("Complaint: the price was wrong.", "投诉：价格有误。"),
    "no_refund": ("Complaint: no refund came.", "投诉：未收到退款。"),
    "rude_service": ("Complaint: rude service.", "投诉：服务态度恶劣。"),
    "privacy": ("Complaint: privacy.", "投诉：隐私问题。"),
    "fraud": ("Complaint: fraud.", "投诉：遭遇欺诈。"),
    "harassment": ("Complaint: harassment.", "投诉：遭到骚扰。"),
    "other": ("A complaint.", "收到一起投诉。"),
}
