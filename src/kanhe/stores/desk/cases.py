"""Cases and their alerts, as tables: what is found again, and what is written where nobody else was quicker.

`case_entities` and `case_rules` say of each case whom and which rules its alerts name; they are made
from the alerts, and may be made again. `is_active` and `priority_minor` stand in the rows so that the
queue can be read in order from an index, whatever its length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_or

from kanhe.core.decision import Text as Words
from kanhe.respond.alerts import RANK, SEVERITIES, Alert, Severity
from kanhe.respond.cases import Case, CaseError
from kanhe.respond.joining import MOST_CANDIDATES, Candidate, headline, signs_of
from kanhe.respond.locking import Lease
from kanhe.respond.priority import priority_of
from kanhe.stores.desk.schema import METADATA

CASES = Table(
    "cases",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("is_active", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("queue", Text, nullable=False),
    Column("priority_minor", Integer, nullable=False),
    Column("loss_minor", Integer, nullable=False),
    Column("amount_minor", Integer, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("complaints", Integer, nullable=False, server_default="0"),
    Column("accounts", Integer, nullable=False),
    Column("opened_ms", Integer, nullable=False),
    Column("changed_ms", Integer, nullable=False),
    Column("due_ms", Integer, nullable=False),
    Column("since_ms", Integer, nullable=False),
    Column("warned", Integer, nullable=False, server_default="0"),
    Column("owner", Text, nullable=False, server_default=""),
    Column("holder", Text, nullable=False, server_default=""),
    Column("held_until_ms", Integer, nullable=False, server_default="0"),
    Column("wake_ms", Integer, nullable=False, server_default="0"),
    Column("level", Integer, nullable=False, server_default="0"),
    Column("escalated_by", Text, nullable=False, server_default=""),
    Column("resolved_by", Text, nullable=False, server_default=""),
    Column("resolved_ms", Integer, nullable=False, server_default="0"),
    Column("times_resolved", Integer, nullable=False, server_default="0"),
    Column("verdict", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("reviewed_by", Text, nullable=False, server_default=""),
    Column("merged_into", Integer, nullable=False, server_default="0"),
    Column("about_kind", Text, nullable=False, server_default=""),
    Column("about", Text, nullable=False, server_default=""),
    Column("title_en", Text, nullable=False, server_default=""),
    Column("title_zh", Text, nullable=False, server_default=""),
    Column("event_type", Text, nullable=False, server_default=""),
    # One index for each order of the queue, with the tenant and without.
    Index("ix_cases_priority", "is_active", "priority_minor", "number"),
    Index("ix_cases_due", "is_active", "due_ms", "number"),
    Index("ix_cases_opened", "is_active", "opened_ms", "number"),
    Index("ix_cases_tenant_priority", "tenant", "is_active", "priority_minor", "number"),
    Index("ix_cases_tenant_due", "tenant", "is_active", "due_ms", "number"),
    Index("ix_cases_owner", "owner", "is_active", "number"),
    Index("ix_cases_state", "state", "wake_ms"),
    # The counts of the queue are taken from this index alone.
    Index("ix_cases_facets", "is_active", "tenant", "severity", "state", "queue", "owner"),
)

ALERTS = Table(
    "alerts",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("case_number", Integer, ForeignKey("cases.number"), nullable=False),
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("at_ms", Integer, nullable=False),
    Column("received_ms", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("score", Integer, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("amount_minor", Integer),
    Column("currency", Text, nullable=False),
    Column("base_minor", Integer, nullable=False),
    Column("loss_minor", Integer, nullable=False),
    Column("rules", Text, nullable=False),
    Column("reason_en", Text, nullable=False),
    Column("reason_zh", Text, nullable=False),
    Column("entities", Text, nullable=False),
    Column("subject_event", Text, nullable=False),
    Column("is_forgotten", Integer, nullable=False, server_default="0"),
    Index("ix_alerts_case", "case_number", "seq"),
    Index("ix_alerts_event", "tenant", "event_id"),
)
"""`seq` is the row of the journal: there is one alert for a row. An alert that was forgotten keeps
its numbers and holds nothing about anybody."""

ENTITIES = Table(
    "case_entities",
    METADATA,
    Column("case_number", Integer, ForeignKey("cases.number"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("is_active", Integer, nullable=False),
    Column("alerts", Integer, nullable=False),
    Index("ix_case_entities_value", "kind", "value", "is_active", "tenant", "case_number"),
)

RULES = Table(
    "case_rules",
    METADATA,
    Column("case_number", Integer, ForeignKey("cases.number"), primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("is_active", Integer, nullable=False),
    Index("ix_case_rules_rule", "rule", "is_active", "case_number"),
)

LINKS = Table(
    "case_links",
    METADATA,
    Column("one", Integer, ForeignKey("cases.number"), primary_key=True),
    Column("other", Integer, ForeignKey("cases.number"), primary_key=True),
    Column("why", Text, nullable=False),
    Column("staff", Text, nullable=False),
    Column("at_ms", Integer, nullable=False),
    Index("ix_case_links_other", "other"),
)
"""`one` is the smaller number; `why` is `shares`, `split`, `merged` or `by_hand`."""

# Statements of the path of an alert are put together once: that costs more than running them.
_SHARING = (
    select(ENTITIES.c.case_number, ENTITIES.c.alerts)
    .where(
        ENTITIES.c.kind == bindparam("kind"),
        ENTITIES.c.value == bindparam("value"),
        ENTITIES.c.is_active == 1,
        ENTITIES.c.tenant == bindparam("tenant"),
    )
    .order_by(ENTITIES.c.case_number)
    .limit(MOST_CANDIDATES)
)
_CANDIDATES = (
    select(CASES.c.number, CASES.c.opened_ms, CASES.c.alerts, CASES.c.accounts)
    .where(CASES.c.number.in_(bindparam("numbers", expanding=True)), CASES.c.is_active == 1)
    .order_by(CASES.c.number)
)
MOST_ELSEWHERE = 99
_ELSEWHERE = select(func.count()).select_from(
    select(ENTITIES.c.case_number)
    .where(
        ENTITIES.c.kind == bindparam("kind"),
        ENTITIES.c.value == bindparam("value"),
        ENTITIES.c.is_active.in_([0, 1]),
        ENTITIES.c.tenant == bindparam("tenant"),
        ENTITIES.c.case_number != bindparam("number"),
    )
    .limit(MOST_ELSEWHERE)
    .subquery()
)
_ADD_CASE = insert(CASES)
_ADD_ALERT = insert(ALERTS)
_COUNT_ENTITY = insert_or(ENTITIES).on_conflict_do_update(
    index_elements=["case_number", "kind", "value"], set_={"alerts": ENTITIES.c.alerts + 1}
)
_ADD_RULE = insert_or(RULES).on_conflict_do_nothing()
_FIND = select(CASES).where(CASES.c.number == bindparam("number"))
_FIGURES = (
    "severity", "priority_minor", "loss_minor", "amount_minor", "alerts", "complaints", "accounts",
)  # fmt: skip
_HEADLINE = ("about_kind", "about", "title_en", "title_zh", "event_type")
_SET_FIGURES = (
    update(CASES)
    .where(CASES.c.number == bindparam("which"))
    .values({name: bindparam(f"new_{name}") for name in _FIGURES})
)
_SET_ALL = _SET_FIGURES.values({name: bindparam(f"new_{name}") for name in _HEADLINE})

_encode = msgspec.json.Encoder().encode
_rules = msgspec.json.Decoder(tuple[str, ...]).decode
_entities = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode


def case_of(row: Row[Any]) -> Case:
    """The case that stands in a row of `cases`."""
    return Case(
        number=row.number,
        tenant=row.tenant,
        state=row.state,
        version=row.version,
        severity=SEVERITIES[row.severity],
        opened_ms=row.opened_ms,
        due_ms=row.due_ms,
        owner=row.owner,
        lease=Lease(row.holder, row.held_until_ms),
        wake_ms=row.wake_ms,
        level=row.level,
        escalated_by=row.escalated_by,
        resolved_by=row.resolved_by,
        resolved_ms=row.resolved_ms,
        times_resolved=row.times_resolved,
        verdict=row.verdict,
        reason=row.reason,
        reviewed_by=row.reviewed_by,
        merged_into=row.merged_into,
    )


def alert_of(row: Row[Any]) -> Alert:
    """The alert that stands in a row of `alerts`."""
    return Alert(
        seq=row.seq,
        tenant=row.tenant,
        kind=row.kind,
        event_id=row.event_id,
        event_type=row.event_type,
        at_ms=row.at_ms,
        received_ms=row.received_ms,
        outcome=row.outcome,
        score=row.score,
        severity=SEVERITIES[row.severity],
        amount_minor=row.amount_minor,
        currency=row.currency,
        base_minor=row.base_minor,
        loss_minor=row.loss_minor,
        rules=_rules(row.rules),
        reason=Words(row.reason_en, row.reason_zh),
        entities=_entities(row.entities),
        subject_event=row.subject_event,
    )


def find(connection: Connection, number: int) -> Row[Any] | None:
    """The row of a case, whoever may see it."""
    return connection.execute(_FIND, {"number": number}).one_or_none()


def save(connection: Connection, before: Case, after: Case, now_ms: int) -> None:
    """Write a step where the case still stands as it was before it. Raises `CaseError`."""
    written = connection.execute(
        update(CASES)
        .where(CASES.c.number == before.number, CASES.c.version == before.version)
        .values(**_values_of(after), changed_ms=now_ms)
    )
    if written.rowcount != 1:
        raise CaseError("changed", "the case has changed since you looked at it")
    if before.is_active != after.is_active:
        for table in (ENTITIES, RULES):
            connection.execute(
                update(table)
                .where(table.c.case_number == after.number)
                .values(is_active=int(after.is_active))
            )


def hold(connection: Connection, case: Case) -> None:
    """Write a lease that was renewed, and nothing else."""
    connection.execute(
        update(CASES)
        .where(CASES.c.number == case.number)
        .values(holder=case.lease.holder, held_until_ms=case.lease.until_ms)
    )


def set_due(connection: Connection, number: int, since_ms: int, due_ms: int) -> None:
    """Have a case due at another moment, its time running from `since_ms` on; who was warned of the
    old one is warned anew."""
    connection.execute(
        update(CASES)
        .where(CASES.c.number == number)
        .values(due_ms=due_ms, since_ms=since_ms, warned=0)
    )


def open_case(connection: Connection, alert: Alert, queue: str, since_ms: int, due_ms: int) -> int:
    """Make a case for an alert that joins no other; gives its number. It has no alert yet.

    Its time runs from `since_ms` on, and is over at `due_ms`.
    """
    made = connection.execute(
        _ADD_CASE,
        {
            "tenant": alert.tenant,
            "state": "open",
            "is_active": 1,
            "version": 1,
            "severity": RANK[alert.severity],
            "queue": queue,
            "priority_minor": 0,
            "loss_minor": 0,
            "amount_minor": 0,
            "alerts": 0,
            "accounts": 0,
            "opened_ms": alert.received_ms,
            "changed_ms": alert.received_ms,
            "due_ms": due_ms,
            "since_ms": since_ms,
        },
    )
    number: int = made.inserted_primary_key[0]  # type: ignore[index] # a row was made
    return number


def add_alert(connection: Connection, alert: Alert, number: int) -> None:
    """Put an alert into a case; the figures of the case follow with `summed`."""
    connection.execute(
        _ADD_ALERT,
        {
            "seq": alert.seq,
            "case_number": number,
            "tenant": alert.tenant,
            "kind": alert.kind,
            "event_id": alert.event_id,
            "event_type": alert.event_type,
            "at_ms": alert.at_ms,
            "received_ms": alert.received_ms,
            "outcome": alert.outcome,
            "score": alert.score,
            "severity": RANK[alert.severity],
            "amount_minor": alert.amount_minor,
            "currency": alert.currency,
            "base_minor": alert.base_minor,
            "loss_minor": alert.loss_minor,
            "rules": _encode(alert.rules).decode(),
            "reason_en": alert.reason.en,
            "reason_zh": alert.reason.zh,
            "entities": _encode(alert.entities).decode(),
            "subject_event": alert.subject_event,
        },
    )


def alerts_in(connection: Connection, number: int) -> list[Alert]:
    """The alerts of a case, in the order of the journal."""
    found = connection.execute(
        select(ALERTS).where(ALERTS.c.case_number == number).order_by(ALERTS.c.seq)
    )
    return [alert_of(row) for row in found]


def summed(connection: Connection, number: int, is_active: bool) -> None:
    """Make the figures of a case, and whom and which rules it names, from its alerts anew."""
    alerts = alerts_in(connection, number)
    named = Counter(pair for alert in alerts for pair in alert.entities)
    rules = dict.fromkeys(rule for alert in alerts for rule in alert.rules)
    for table in (ENTITIES, RULES):
        connection.execute(delete(table).where(table.c.case_number == number))
    tenant = alerts[0].tenant if alerts else ""
    if named:
        connection.execute(
            insert(ENTITIES),
            [
                {"case_number": number, "kind": kind, "value": value, "tenant": tenant,
                 "is_active": int(is_active), "alerts": n}
                for (kind, value), n in named.items()
            ],
        )  # fmt: skip
    if rules:
        connection.execute(
            insert(RULES),
            [{"case_number": number, "rule": rule, "is_active": int(is_active)} for rule in rules],
        )
    _set(connection, number, _sums_of(alerts, named))


def add_up(connection: Connection, number: int, alert: Alert, before: Row[Any] | None) -> None:
    """Add one alert to the figures of an active case: what `summed` gives, without reading the others."""
    if alert.entities:
        connection.execute(
            _COUNT_ENTITY,
            [
                {"case_number": number, "kind": kind, "value": value, "tenant": alert.tenant,
                 "is_active": 1, "alerts": 1}
                for kind, value in alert.entities
            ],
        )  # fmt: skip
    if alert.rules:
        connection.execute(
            _ADD_RULE,
            [
                {"case_number": number, "rule": rule, "is_active": 1}
                for rule in dict.fromkeys(alert.rules)
            ],
        )
    if before is None or not before.alerts:
        _set(connection, number, _sums_of([alert], Counter(alert.entities)))
        return
    accounts = connection.execute(
        select(func.count())
        .select_from(ENTITIES)
        .where(ENTITIES.c.case_number == number, ENTITIES.c.kind == "user")
    ).scalar_one()
    severity: Severity = SEVERITIES[max(before.severity, RANK[alert.severity])]
    complaints = before.complaints + (alert.kind == "complaint")
    loss = before.loss_minor + alert.loss_minor
    # The headline is that of the alert by which most may be lost; of equals the first stays.
    worst = connection.execute(
        select(func.max(ALERTS.c.loss_minor)).where(
            ALERTS.c.case_number == number, ALERTS.c.seq != alert.seq
        )
    ).scalar_one()
    values: dict[str, object] = {
        "severity": RANK[severity],
        "priority_minor": priority_of(loss, severity, complaints > 0).total_minor,
        "loss_minor": loss,
        "amount_minor": before.amount_minor + alert.base_minor,
        "alerts": before.alerts + 1,
        "complaints": complaints,
        "accounts": accounts,
    }
    if worst is None or alert.loss_minor > worst:
        values |= _headline(alert)
    _set(connection, number, values)


def candidates(connection: Connection, alert: Alert) -> list[Candidate]:
    """The active cases of the same tenant that share something with an alert, the oldest first."""
    found: dict[int, list[tuple[str, str, int]]] = {}
    for kind, value in signs_of(alert):
        rows = connection.execute(_SHARING, {"kind": kind, "value": value, "tenant": alert.tenant})
        for number, alerts in rows:
            found.setdefault(number, []).append((kind, value, alerts))
    subject = 0
    if alert.subject_event:
        subject = case_about(connection, alert.tenant, alert.subject_event)
        if subject:
            found.setdefault(subject, [])
    if not found:
        return []
    rows_of_cases = connection.execute(_CANDIDATES, {"numbers": list(found)})
    return [
        Candidate(
            number=row.number,
            opened_ms=row.opened_ms,
            alerts=row.alerts,
            accounts=row.accounts,
            shares=tuple(found[row.number]),
            is_subject=row.number == subject,
        )
        for row in rows_of_cases
    ]


def named_in(
    connection: Connection, number: int, tenant: str, most: int = 60
) -> list[tuple[str, str, int, int]]:
    """Whom the alerts of a case name: kind, id, how many of them, and how many other cases do."""
    found = connection.execute(
        select(ENTITIES.c.kind, ENTITIES.c.value, ENTITIES.c.alerts)
        .where(ENTITIES.c.case_number == number)
        .order_by(ENTITIES.c.alerts.desc(), ENTITIES.c.kind, ENTITIES.c.value)
        .limit(most)
    ).all()
    return [
        (kind, value, alerts, _elsewhere(connection, kind, value, tenant, number))
        for kind, value, alerts in found
    ]


def _elsewhere(connection: Connection, kind: str, value: str, tenant: str, number: int) -> int:
    """How many other cases name it, up to `MOST_ELSEWHERE`: a merchant may stand in every one."""
    values = {"kind": kind, "value": value, "tenant": tenant, "number": number}
    return connection.execute(_ELSEWHERE, values).scalar_one()


def free_ones(
    connection: Connection, tenant: str, staff: str, now_ms: int, but: int = 0, most: int = 20
) -> list[int]:
    """The active cases that this person may take, the most urgent first: their own, and nobody's."""
    mine = CASES.c.owner.in_(["", staff])
    free = (CASES.c.held_until_ms <= now_ms) | (CASES.c.holder.in_(["", staff]))
    statement = select(CASES.c.number).where(
        CASES.c.is_active == 1, CASES.c.state != "waiting", CASES.c.number != but, mine, free
    )
    if tenant:
        statement = statement.where(CASES.c.tenant == tenant)
    ordered = statement.order_by(CASES.c.priority_minor.desc(), CASES.c.number.desc()).limit(most)
    return list(connection.execute(ordered).scalars())


def case_about(connection: Connection, tenant: str, event_id: str) -> int:
    """The number of the case that an event raised an alert in, 0 if none."""
    found = connection.execute(
        select(ALERTS.c.case_number)
        .where(ALERTS.c.tenant == tenant, ALERTS.c.event_id == event_id)
        .order_by(ALERTS.c.seq.desc())
        .limit(1)
    ).scalar_one_or_none()
    return found or 0


def link(
    connection: Connection, number: int, others: Iterable[int], why: str, staff: str, now_ms: int
) -> None:
    """Note that cases have to do with each other; those linked already stay as they are."""
    for other in others:
        if other != number:
            one, two = sorted((number, other))
            connection.execute(
                insert_or(LINKS)
                .values(one=one, other=two, why=why, staff=staff, at_ms=now_ms)
                .on_conflict_do_nothing()
            )


def linked(connection: Connection, number: int) -> list[tuple[int, str]]:
    """The cases linked to one, with the reason, by number."""
    found = connection.execute(
        select(LINKS).where((LINKS.c.one == number) | (LINKS.c.other == number))
    )
    pairs = [(row.other if row.one == number else row.one, row.why) for row in found]
    return sorted(pairs)


def move_alerts(connection: Connection, seqs: Sequence[int], to: int) -> None:
    """Put alerts into another case; the figures of both follow with `summed`."""
    connection.execute(update(ALERTS).where(ALERTS.c.seq.in_(seqs)).values(case_number=to))


def _values_of(case: Case) -> dict[str, object]:
    return {
        "state": case.state,
        "is_active": int(case.is_active),
        "version": case.version,
        "owner": case.owner,
        "holder": case.lease.holder,
        "held_until_ms": case.lease.until_ms,
        "wake_ms": case.wake_ms,
        "level": case.level,
        "escalated_by": case.escalated_by,
        "resolved_by": case.resolved_by,
        "resolved_ms": case.resolved_ms,
        "times_resolved": case.times_resolved,
        "verdict": case.verdict,
        "reason": case.reason,
        "reviewed_by": case.reviewed_by,
        "merged_into": case.merged_into,
    }


def _set(connection: Connection, number: int, values: Mapping[str, object]) -> None:
    """Write the figures of a case, and its headline where that is among them."""
    statement = _SET_ALL if "about" in values else _SET_FIGURES
    named = {f"new_{name}": value for name, value in values.items()}
    connection.execute(statement, {"which": number, **named})


def _headline(alert: Alert) -> dict[str, object]:
    kind, about = headline(alert.entities)
    return {
        "about_kind": kind,
        "about": about,
        "title_en": alert.reason.en,
        "title_zh": alert.reason.zh,
        "event_type": alert.event_type,
    }


def _sums_of(alerts: Sequence[Alert], named: Counter[tuple[str, str]]) -> dict[str, object]:
    if not alerts:
        return {
            "priority_minor": 0, "loss_minor": 0, "amount_minor": 0, "alerts": 0,
            "complaints": 0, "accounts": 0, "severity": 0,
        }  # fmt: skip
    rank = max(RANK[alert.severity] for alert in alerts)
    complaints = sum(alert.kind == "complaint" for alert in alerts)
    loss = sum(alert.loss_minor for alert in alerts)
    worst = max(alerts, key=lambda alert: (alert.loss_minor, -alert.seq))
    return {
        "severity": rank,
        "priority_minor": priority_of(loss, SEVERITIES[rank], complaints > 0).total_minor,
        "loss_minor": loss,
        "amount_minor": sum(alert.base_minor for alert in alerts),
        "alerts": len(alerts),
        "complaints": complaints,
        "accounts": sum(kind == "user" for kind, _ in named),
        **_headline(worst),
    }
