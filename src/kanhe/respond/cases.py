"""The life of a case: which step may follow which, who may take it, and why not.

```
 open ⇄ in_progress ⇄ waiting            resolved ──▶ closed
   ▲        │   ▲ └──────────▶ escalated     ▲           │
   │        ▼   └──────────────────┘         │           │
   │    (resolve) ───── not drawn ───────────┘           │
   │        └────────── drawn ────▶ in_review ──agrees──▶│
   └──────── disagrees ────────────────┘   reopen ◀──────┘     merged: its alerts are another case's
```

Every step is a pure function from the case as it was to the case as it is then, one version later,
or a `CaseError` that says why not. Whoever keeps cases writes the new one only where the old
version still stands, so that of two steps at once one is told that the case has changed.
"""

from __future__ import annotations

from typing import Literal, NoReturn

import msgspec

from kanhe.core.errors import KanheError
from kanhe.core.time import DAY_MS, MINUTE_MS
from kanhe.respond.alerts import Severity
from kanhe.respond.locking import FREE, Lease

State = Literal[
    "open", "in_progress", "waiting", "escalated", "in_review", "resolved", "closed", "merged"
]
STATES: tuple[State, ...] = (
    "open", "in_progress", "waiting", "escalated", "in_review", "resolved", "closed", "merged",
)  # fmt: skip
ACTIVE: frozenset[str] = frozenset({"open", "in_progress", "waiting", "escalated"})
"""Somebody still has to decide; new alerts join these only."""
DECIDED: frozenset[str] = frozenset({"in_review", "resolved", "closed"})

Verdict = Literal["fraud", "legitimate", "abuse", "unknown"]
VERDICTS: tuple[Verdict, ...] = ("fraud", "legitimate", "abuse", "unknown")
"""What the alerts of a case turned out to be; the choices of the registry's `verdict`."""

REASON_MAX = 2_000
"""How many characters a reason may have."""
SNOOZE_LEAST_MS = 5 * MINUTE_MS
SNOOZE_MOST_MS = 30 * DAY_MS
CLOSE_AFTER_MS = 7 * DAY_MS
"""After so long without a word, what was resolved is closed."""

Why = Literal[
    "changed", "held", "not_active", "not_decided", "not_in_review", "own_decision",
    "own_escalation", "not_yours", "no_reason", "reason_too_long", "bad_time", "same_case",
    "other_tenant", "full", "nothing_moved", "too_late", "not_undoable", "no_such_alert",
]  # fmt: skip
"""Why a step was refused, as a word that faces put into sentences."""


class CaseError(KanheError):
    """A step that this case, or this person, cannot take now."""

    def __init__(self, why: Why, text: str, **values: str) -> None:
        super().__init__(text)
        self.why = why
        self.values = values
        """What the sentence tells of, such as who holds the case."""


class Person(msgspec.Struct, frozen=True):
    """Who takes a step."""

    staff: str
    name: str = ""
    may_assign: bool = False
    """Whether they may hand over what is another's (`cases.assign`)."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case: what its life depends on."""

    number: int
    tenant: str
    state: State = "open"
    version: int = 1
    severity: Severity = "medium"
    opened_ms: int = 0
    due_ms: int = 0
    owner: str = ""
    lease: Lease = FREE
    wake_ms: int = 0
    """Until when it is put off, while `waiting`."""
    level: int = 0
    """How often it was escalated."""
    escalated_by: str = ""
    resolved_by: str = ""
    resolved_ms: int = 0
    times_resolved: int = 0
    verdict: str = ""
    reason: str = ""
    reviewed_by: str = ""
    merged_into: int = 0

    @property
    def is_active(self) -> bool:
        """Whether somebody still has to decide."""
        return self.state in ACTIVE


def take(case: Case, person: Person, now_ms: int) -> Case:
    """Work it: own it and hold it, if nobody else does."""
    _active(case)
    _free(case, person, now_ms)
    if case.state == "escalated" and case.escalated_by == person.staff and not person.may_assign:
        _refuse("own_escalation", "who passed a case on does not take it back")
    return _next(
        case,
        state="in_progress",
        owner=person.staff,
        lease=case.lease.renewed(person.staff, now_ms),
        wake_ms=0,
    )


def renew(case: Case, person: Person, now_ms: int) -> Case:
    """A sign of life of whoever holds it. No new version: nothing about the case has changed."""
    _active(case)
    if case.lease.holder != person.staff:
        _refuse("held", "the case is held by somebody else", who=case.lease.holder)
    return msgspec.structs.replace(case, lease=case.lease.renewed(person.staff, now_ms))


def release(case: Case, person: Person, now_ms: int) -> Case:
    """Put it back for anybody."""
    _active(case)
    _own(case, person, now_ms)
    state: State = "open" if case.state == "in_progress" else case.state
    return _next(case, state=state, owner="", lease=FREE)


def assign(case: Case, to: str, person: Person, now_ms: int) -> Case:
    """Hand it over to somebody, who finds it among their own."""
    _active(case)
    _own(case, person, now_ms)
    if not to:
        _refuse("nothing_moved", "name somebody to hand the case to")
    state: State = "open" if case.state == "in_progress" else case.state
    return _next(case, state=state, owner=to, lease=FREE)


def snooze(case: Case, until_ms: int, person: Person, now_ms: int) -> Case:
    """Put it off until a moment, to wait for somebody else's word; its deadline stays."""
    _active(case)
    _free(case, person, now_ms)
    if not SNOOZE_LEAST_MS <= until_ms - now_ms <= SNOOZE_MOST_MS:
        _refuse("bad_time", "a case can be put off by five minutes to thirty days")
    return _next(case, state="waiting", owner=person.staff, lease=FREE, wake_ms=until_ms)


def wake(case: Case, now_ms: int) -> Case:
    """The time it was put off to has come, or something new came in."""
    if case.state != "waiting":
        _refuse("not_active", "the case was not put off")
    return _next(case, state="in_progress" if case.owner else "open", wake_ms=0)


def escalate(case: Case, person: Person | None, now_ms: int) -> Case:
    """Pass it on to those who decide what others cannot; without a person: its deadline did."""
    _active(case)
    if person is not None:
        _free(case, person, now_ms)
    elif case.state == "escalated":
        _refuse("nothing_moved", "the case is escalated already")
    return _next(
        case,
        state="escalated",
        level=case.level + 1,
        escalated_by=person.staff if person else "",
        owner="",
        lease=FREE,
        wake_ms=0,
    )


def resolve(
    case: Case, verdict: Verdict, reason: str, drawn: bool, person: Person, now_ms: int
) -> Case:
    """Decide it. `drawn` says that a second person is to look at the decision."""
    _active(case)
    _free(case, person, now_ms)
    _reasoned(reason)
    return _next(
        case,
        state="in_review" if drawn else "resolved",
        owner=person.staff,
        lease=FREE,
        wake_ms=0,
        verdict=verdict,
        reason=reason.strip(),
        resolved_by=person.staff,
        resolved_ms=now_ms,
        times_resolved=case.times_resolved + 1,
        reviewed_by="",
    )


def review(case: Case, agrees: bool, person: Person, now_ms: int) -> Case:
    """A second person's word about a decision: it stands, or the case is open again for a third."""
    if case.state != "in_review":
        _refuse("not_in_review", "this case is not waiting for a second look")
    if person.staff == case.resolved_by:
        _refuse("own_decision", "nobody reviews a decision of their own")
    if agrees:
        return _next(case, state="closed", reviewed_by=person.staff)
    return _next(case, state="open", owner="", verdict="", reason="", reviewed_by=person.staff)


def reopen(case: Case, person: Person, now_ms: int) -> Case:
    """Decide anew what was decided. What waits for a second look is answered there."""
    if case.state not in ("resolved", "closed"):
        _refuse("not_decided", "only what was resolved or closed is opened again")
    return _next(
        case,
        state="in_progress",
        owner=person.staff,
        lease=Lease().renewed(person.staff, now_ms),
        verdict="",
        reason="",
    )


def close(case: Case, now_ms: int) -> Case:
    """Nobody came back to it."""
    if case.state != "resolved" or now_ms - case.resolved_ms < CLOSE_AFTER_MS:
        _refuse("not_decided", "the case was not resolved long enough ago")
    return _next(case, state="closed")


def merge(case: Case, into: Case, person: Person, now_ms: int) -> tuple[Case, Case]:
    """Have another case take over all of this one; gives both as they are then."""
    if case.number == into.number:
        _refuse("same_case", "a case cannot be merged with itself")
    if case.tenant != into.tenant:
        _refuse("other_tenant", "cases of two shops stay apart")
    for one in (case, into):
        _active(one)
        _free(one, person, now_ms)
    merged = _next(case, state="merged", merged_into=into.number, owner="", lease=FREE, wake_ms=0)
    return merged, touched(into)


def touched(case: Case) -> Case:
    """The same case with something in it changed: alerts came or went, somebody wrote a note."""
    return _next(case)


def check_version(case: Case, seen: int) -> None:
    """Raise `CaseError` if the case has changed since somebody looked at it."""
    if case.version != seen:
        _refuse("changed", "the case has changed since you looked at it")


def _next(case: Case, **changes: object) -> Case:
    return msgspec.structs.replace(case, version=case.version + 1, **changes)


def _active(case: Case) -> None:
    if not case.is_active:
        _refuse("not_active", "the case is decided already", state=case.state)


def _free(case: Case, person: Person, now_ms: int) -> None:
    if not case.lease.free_for(person.staff, now_ms):
        _refuse("held", "somebody else works this case", who=case.lease.holder)


def _own(case: Case, person: Person, now_ms: int) -> None:
    """Whether they may give it away: the owner, whoever holds it, and who leads them."""
    if person.may_assign or person.staff == case.owner:
        return
    if not case.owner and case.lease.free_for(person.staff, now_ms):
        return
    _refuse("not_yours", "the case is another's", who=case.owner)


def _reasoned(reason: str) -> None:
    if not reason.strip():
        _refuse("no_reason", "say why: the reason stays with the decision")
    if len(reason) > REASON_MAX:
        _refuse("reason_too_long", f"a reason has at most {REASON_MAX} characters")


def _refuse(why: Why, text: str, **values: str) -> NoReturn:
    raise CaseError(why, text, **values)
