"""What people do with cases: every step checked, written, told of, and able to be taken back.

Each method is one transaction of the desk. It (1) finds the case, for who may see it, (2) has the
step taken by `respond.cases`, (3) writes it where nobody was quicker, (4) keeps what happened, and
(5) has the journal told. None of it can be without the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from kanhe.app.casework.people import People
from kanhe.core.actor import Actor
from kanhe.core.errors import KanheError
from kanhe.core.time import Clock
from kanhe.respond import cases as life
from kanhe.respond import notes, undo
from kanhe.respond.alerts import SEVERITIES, Alert
from kanhe.respond.cases import Case, CaseError, Person, Verdict
from kanhe.respond.deadlines import due_ms
from kanhe.respond.quality import is_drawn
from kanhe.respond.standing import Orders
from kanhe.stores.desk import case_history, cases, outgoing
from kanhe.stores.desk.database import Desk

_LINK = "by_hand"
_ACTS = {
    "taken": "assigned", "released": "assigned", "assigned": "assigned", "escalated": "escalated",
    "resolved": "decided", "reviewed": "decided", "noted": "noted",
}  # fmt: skip
"""Which `staff_action` of the registry a step is; all others are `changed`."""
_LISTED_MOST = 20
_TOLD_MOST = 500
"""So many events of a resolved case are named to those who listen."""


class CaseNotFound(KanheError):
    """There is no such case, or it is not this person's to see: the two are not told apart."""


class Result(NamedTuple):
    """What an action did."""

    done: tuple[int, ...]
    """The cases it changed."""
    refused: tuple[tuple[int, CaseError], ...] = ()
    """Those it did not change, and why."""
    undo: int = 0
    """Under which id it can be taken back; 0: it cannot."""


class Listing(NamedTuple):
    """An entity that is to be put on a list with a decision."""

    list_name: str
    value: str


_Step = Callable[[Connection, Row[Any], Case, Person, int], Case]


class Work:
    """The work on cases. `key` is the installation's, for drawing those that are looked at again."""

    def __init__(
        self, desk: Desk, clock: Clock, orders: Orders, people: People, key: bytes
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._orders = orders
        self._people = people
        self._key = key

    # One case, or several at once

    def take(self, actor: Actor, numbers: Sequence[int], seen: int | None = None) -> Result:
        """Own and hold cases."""
        return self._all(
            actor, numbers, "taken", seen, lambda c, row, case, who, now: life.take(case, who, now)
        )

    def take_next(self, actor: Actor, after: int = 0) -> int:
        """Take the case that is most urgent of those nobody holds; gives its number, 0 if none is left.

        `after` is a case not to be given again, because it was just left.
        """
        now, person = self._clock(), self._person(actor)
        with self._desk.writing() as connection:
            for number in cases.free_ones(connection, actor.tenant, actor.staff, now, after):
                try:
                    self._one(connection, actor, person, number, "taken", None, _taken, now)
                except CaseError:
                    continue
                return number
        return 0

    def renew(self, actor: Actor, number: int) -> int:
        """A sign of life from the page of a case; gives until when it is held. Raises `CaseError`."""
        person = self._person(actor)
        with self._desk.writing() as connection:
            case = cases.case_of(self._find(connection, actor, number))
            renewed = life.renew(case, person, self._clock())
            cases.hold(connection, renewed)
            return renewed.lease.until_ms

    def release(self, actor: Actor, numbers: Sequence[int], seen: int | None = None) -> Result:
        """Put cases back."""
        return self._all(
            actor,
            numbers,
            "released",
            seen,
            lambda c, row, case, who, now: life.release(case, who, now),
        )

    def assign(
        self, actor: Actor, numbers: Sequence[int], to: str, seen: int | None = None
    ) -> Result:
        """Hand cases over to somebody who may see them."""
        known = {person.staff: person for person in self._people.colleagues(actor.tenant)}

        def step(c: Connection, row: Row[Any], case: Case, who: Person, now: int) -> Case:
            person = known.get(to)
            if person is None or not person.sees(case.tenant):
                raise CaseError("nothing_moved", "nobody of this name works here")
            after = life.assign(case, to, who, now)
            payload = {"case": case.number, "staff": to, "by": who.staff}
            outgoing.announce(c, case.tenant, "case.assigned", payload, now)
            return after

        return self._all(actor, numbers, "assigned", seen, step, {"to": to})

    def snooze(
        self, actor: Actor, numbers: Sequence[int], until_ms: int, seen: int | None = None
    ) -> Result:
        """Put cases off."""
        return self._all(
            actor,
            numbers,
            "snoozed",
            seen,
            lambda c, row, case, who, now: life.snooze(case, until_ms, who, now),
            {"until_ms": until_ms},
        )

    def escalate(
        self, actor: Actor, numbers: Sequence[int], why: str = "", seen: int | None = None
    ) -> Result:
        """Pass cases on to those who decide what others cannot."""

        def step(c: Connection, row: Row[Any], case: Case, who: Person, now: int) -> Case:
            after = life.escalate(case, who, now)
            _announce_escalation(c, after, now)
            return after

        return self._all(
            actor, numbers, "escalated", seen, step, {"why": why[: life.REASON_MAX]} if why else {}
        )

    def resolve(
        self,
        actor: Actor,
        numbers: Sequence[int],
        verdict: Verdict,
        reason: str,
        *,
        seen: int | None = None,
        upto: int | None = None,
        listings: Sequence[Listing] = (),
    ) -> Result:
        """Decide cases: each of their alerts gets the verdict as its label.

        `upto` is the last alert that was looked at: those that came in since go on in a case of
        their own. `listings` are entities of the case for lists of the policy.
        """
        if verdict not in life.VERDICTS:
            raise CaseError("no_reason", f"a verdict is one of {', '.join(life.VERDICTS)}")

        def step(c: Connection, row: Row[Any], case: Case, who: Person, now: int) -> Case:
            drawn = is_drawn(
                self._key, case.number, case.times_resolved + 1, verdict, row.loss_minor,
                self._orders.sampling,
            )  # fmt: skip
            after = life.resolve(case, verdict, reason, drawn, who, now)
            alerts = cases.alerts_in(c, case.number)
            late = [a for a in alerts if upto is not None and a.seq > upto]
            if late and len(late) < len(alerts):
                self._part(c, row, case, late, "late", who.staff, now)
                alerts = [a for a in alerts if a not in late]
            _label(c, alerts, verdict, after.times_resolved, who.staff, now)
            self._put_on_lists(c, case, alerts, listings, reason, who.staff, now)
            payload = {
                "case": case.number,
                "verdict": verdict,
                "alerts": len(alerts),
                "events": [alert.event_id for alert in alerts if alert.event_id][:_TOLD_MOST],
            }
            outgoing.announce(c, case.tenant, "case.resolved", payload, now)
            return after

        detail = {"verdict": verdict, "lists": [one.list_name for one in listings[:_LISTED_MOST]]}
        return self._all(actor, numbers, "resolved", seen, step, detail)

    def reopen(self, actor: Actor, number: int, seen: int | None = None) -> Result:
        """Decide anew what was decided; what was said about its events is taken back."""

        def step(c: Connection, row: Row[Any], case: Case, who: Person, now: int) -> Case:
            after = life.reopen(case, who, now)
            self._taken_back(c, row, case, who.staff, now)
            return after

        return self._all(actor, [number], "reopened", seen, step, can_undo=False)

    def review(
        self, actor: Actor, number: int, agrees: bool, remark: str, seen: int | None = None
    ) -> Result:
        """A second person's word about a decision."""

        def step(c: Connection, row: Row[Any], case: Case, who: Person, now: int) -> Case:
            after = life.review(case, agrees, who, now)
            if not agrees:
                if not remark.strip():
                    raise CaseError("no_reason", "say what was wrong with the decision")
                self._taken_back(c, row, case, who.staff, now)
            return after

        detail = {"agrees": agrees, "verdict": "", "remark": remark.strip()[: life.REASON_MAX]}
        return self._all(actor, [number], "reviewed", seen, step, detail, can_undo=False)

    # Two cases, or parts of one

    def merge(self, actor: Actor, number: int, into: int, seen: int | None = None) -> Result:
        """Have one case take over all of another: alerts, notes, files. Each keeps its history."""
        now, person = self._clock(), self._person(actor)
        with self._desk.writing() as connection:
            row, other = (self._find(connection, actor, one) for one in (number, into))
            case, target = cases.case_of(row), cases.case_of(other)
            if seen is not None:
                life.check_version(case, seen)
            merged, grown = life.merge(case, target, person, now)
            alerts = cases.alerts_in(connection, number)
            cases.save(connection, case, merged, now)
            cases.save(connection, target, grown, now)
            cases.move_alerts(connection, [alert.seq for alert in alerts], into)
            case_history.move_all(connection, number, into)
            cases.summed(connection, number, is_active=False)
            cases.summed(connection, into, is_active=True)
            if case.due_ms < target.due_ms:
                cases.set_due(connection, into, row.since_ms, case.due_ms)
            cases.link(connection, number, [into], "merged", actor.staff, now)
            case_history.tell(connection, number, actor.staff, "merged", now, {"into": into})
            count = {"from": number, "alerts": len(alerts)}
            case_history.tell(connection, into, actor.staff, "took_over", now, count)
            self._tell(connection, actor, case, "merged", now)
        return Result((number, into))

    def split(self, actor: Actor, number: int, seqs: Sequence[int], seen: int | None = None) -> int:
        """Have some alerts of a case go on in a case of their own; gives its number."""
        now, person = self._clock(), self._person(actor)
        with self._desk.writing() as connection:
            row = self._find(connection, actor, number)
            case = cases.case_of(row)
            if seen is not None:
                life.check_version(case, seen)
            if not case.is_active or not case.lease.free_for(person.staff, now):
                life.take(case, person, now)  # says why not
            alerts = cases.alerts_in(connection, number)
            chosen = [alert for alert in alerts if alert.seq in set(seqs)]
            if len(chosen) != len(set(seqs)):
                raise CaseError("no_such_alert", "an alert is not, or no longer, in this case")
            if not chosen or len(chosen) == len(alerts):
                raise CaseError("nothing_moved", "choose some of the alerts, and leave some")
            made = self._part(connection, row, case, chosen, "split", actor.staff, now)
            cases.save(connection, case, life.touched(case), now)
            self._tell(connection, actor, case, "split", now)
            return made

    def link(self, actor: Actor, number: int, other: int) -> None:
        """Note that two cases have to do with each other."""
        now = self._clock()
        with self._desk.writing() as connection:
            case, with_it = (
                cases.case_of(self._find(connection, actor, one)) for one in (number, other)
            )
            if number == other:
                raise CaseError("same_case", "a case has always to do with itself")
            if case.tenant != with_it.tenant:
                raise CaseError("other_tenant", "cases of two shops stay apart")
            cases.link(connection, number, [other], _LINK, actor.staff, now)
            for one, two in ((number, other), (other, number)):
                case_history.tell(connection, one, actor.staff, "linked", now, {"case": two})
            self._tell(connection, actor, case, "linked", now)

    # Notes

    def note(self, actor: Actor, number: int, text: str) -> int:
        """Write a note; whom it mentions hears of it. Raises `NoteError`. Works for decided cases too."""
        now = self._clock()
        kept = notes.cleaned(text)
        everybody = self._people.colleagues(actor.tenant)
        with self._desk.writing() as connection:
            case = cases.case_of(self._find(connection, actor, number))
            colleagues = [person for person in everybody if person.sees(case.tenant)]
            known = notes.handles((p.staff, p.name, p.email) for p in colleagues)
            mentioned = notes.mentioned(kept, known)
            id = case_history.write_note(connection, number, actor.staff, kept, mentioned, now)
            for staff in mentioned:
                payload = {"case": number, "staff": staff, "by": actor.staff}
                outgoing.announce(connection, case.tenant, "case.mentioned", payload, now)
            self._tell(connection, actor, case, "noted", now)
            return id

    # Taking back

    def undoable(self, actor: Actor) -> tuple[int, str, int] | None:
        """What this person could take back now: its id, what it was, and how many cases it changed."""
        with self._desk.reading() as connection:
            found = case_history.last_done(connection, actor.staff, None)
        if found is None or not 0 <= self._clock() - found[2].at_ms <= undo.UNDO_MS:
            return None
        return found[0], found[1], len(found[2].after)

    def undo(self, actor: Actor, id: int | None = None) -> Result:
        """Take back what this person did last, or under this id; what others changed since stays."""
        now = self._clock()
        with self._desk.writing() as connection:
            found = case_history.last_done(connection, actor.staff, id)
            if found is None:
                raise CaseError("not_undoable", "there is nothing to take back")
            id, what, done = found
            undo.check_undo(done, actor.staff, now)
            changed, refused = [], []
            for before, version in zip(done.before, done.after, strict=True):
                row = self._find(connection, actor, before.number)
                case = cases.case_of(row)
                restored = undo.restored(before, version, case)
                if restored is None:
                    error = CaseError("changed", "the case has changed since")
                    refused.append((before.number, error))
                    continue
                if what == "resolved":
                    self._taken_back(connection, row, case, actor.staff, now, is_undo=True)
                cases.save(connection, case, restored, now)
                case_history.tell(
                    connection, case.number, actor.staff, "undone", now, {"what": what}
                )
                self._tell(connection, actor, case, f"undone.{what}", now)
                changed.append(case.number)
            case_history.mark_undone(connection, id, now)
        return Result(tuple(changed), tuple(refused))

    # Behind all of them

    def _all(
        self,
        actor: Actor,
        numbers: Sequence[int],
        what: str,
        seen: int | None,
        step: _Step,
        detail: Mapping[str, object] | None = None,
        can_undo: bool = True,
    ) -> Result:
        """One step for each of these cases, in one transaction.

        Of one case a refusal is raised as `CaseError`; of several those that can take the step do.
        """
        now = self._clock()
        wanted = tuple(dict.fromkeys(numbers))[: undo.MOST_AT_ONCE]
        before, after, refused = [], [], []
        # Asked beforehand: who somebody is stands in the same desk, and a transaction holds it.
        person = self._person(actor)
        with self._desk.writing() as connection:
            for number in wanted:
                try:
                    was, is_now = self._one(
                        connection, actor, person, number, what, seen, step, now, detail or {}
                    )
                except CaseError as error:
                    if len(wanted) == 1:
                        raise
                    refused.append((number, error))
                    continue
                before.append(was)
                after.append(is_now.version)
            id = 0
            if before and can_undo:
                done = undo.Done(actor.staff, now, tuple(before), tuple(after))
                id = case_history.keep_done(connection, done, what)
        return Result(tuple(case.number for case in before), tuple(refused), id)

    def _one(
        self,
        connection: Connection,
        actor: Actor,
        person: Person,
        number: int,
        what: str,
        seen: int | None,
        step: _Step,
        now: int,
        detail: Mapping[str, object] | None = None,
    ) -> tuple[Case, Case]:
        row = self._find(connection, actor, number)  # (1)
        before = cases.case_of(row)
        if seen is not None:
            life.check_version(before, seen)
        # What a step wrote before it was refused must not stay: others of the same action do.
        with connection.begin_nested():
            after = step(connection, row, before, person, now)  # (2)
            cases.save(connection, before, after, now)  # (3)
            case_history.tell(connection, number, actor.staff, what, now, detail)  # (4)
            self._tell(connection, actor, after, what, now)  # (5)
        return before, after

    def _find(self, connection: Connection, actor: Actor, number: int) -> Row[Any]:
        row = cases.find(connection, number) if 0 < number < 1 << 62 else None
        if row is None or not actor.sees(row.tenant):
            raise CaseNotFound(f"there is no case {number}")
        return row

    def _person(self, actor: Actor) -> Person:
        return Person(actor.staff, actor.name, self._people.may_assign(actor))

    def _tell(self, connection: Connection, actor: Actor, case: Case, what: str, now: int) -> None:
        outgoing.tell_of(
            connection, actor, _ACTS.get(what, "changed"), "case", now,
            tenant=case.tenant, ticket=f"case-{case.number}", note=f"case.{what}",
        )  # fmt: skip

    def _part(
        self,
        connection: Connection,
        row: Row[Any],
        case: Case,
        chosen: Sequence[Alert],
        why: str,
        staff: str,
        now: int,
    ) -> int:
        """Move alerts into a new case in the same queue; both keep word of it."""
        worst = max(chosen, key=lambda alert: SEVERITIES.index(alert.severity))
        promise = self._orders.promises[worst.severity]
        made = cases.open_case(
            connection, worst, row.queue, now, due_ms(now, promise, self._orders.calendar)
        )
        cases.move_alerts(connection, [alert.seq for alert in chosen], made)
        cases.summed(connection, case.number, case.is_active)
        cases.summed(connection, made, is_active=True)
        cases.link(connection, made, [case.number], "split", staff, now)
        count = {"case": made, "alerts": len(chosen), "why": why}
        case_history.tell(connection, case.number, staff, "split", now, count)
        case_history.tell(connection, made, staff, "split_off", now, {"from": case.number})
        return made

    def _taken_back(
        self,
        connection: Connection,
        row: Row[Any],
        case: Case,
        staff: str,
        now: int,
        is_undo: bool = False,
    ) -> None:
        """A later word about the same events: it is open again what they were."""
        alerts = cases.alerts_in(connection, case.number)
        _label(connection, alerts, "unknown", case.times_resolved, staff, now, again="back")
        if not is_undo:
            promise = self._orders.promises[SEVERITIES[row.severity]]
            cases.set_due(connection, case.number, now, due_ms(now, promise, self._orders.calendar))
        outgoing.announce(connection, case.tenant, "case.reopened", {"case": case.number}, now)

    def _put_on_lists(
        self,
        connection: Connection,
        case: Case,
        alerts: Sequence[Alert],
        listings: Sequence[Listing],
        reason: str,
        staff: str,
        now: int,
    ) -> None:
        """List entries leave for the journal with the decision. Only what the case names may be listed."""
        named = {value: alert for alert in alerts for _, value in alert.entities}
        for list_name, value in dict.fromkeys(listings[:_LISTED_MOST]):
            if value not in named:
                raise CaseError("no_such_alert", "only what the case names can be put on a list")
            event = {
                "type": "list.entry_added",
                "list_name": list_name,
                "value": value,
                "staff": staff,
                "ticket": f"case-{case.number}",
                "note": reason.strip()[:500],
            }
            if about := named[value].event_id:
                event["subject_event"] = about
            outgoing.tell_journal(connection, case.tenant, event, now)


def _taken(connection: Connection, row: Row[Any], case: Case, person: Person, now: int) -> Case:
    return life.take(case, person, now)


def _announce_escalation(connection: Connection, case: Case, now: int) -> None:
    payload = {"case": case.number, "level": case.level, "by": case.escalated_by}
    outgoing.announce(connection, case.tenant, "case.escalated", payload, now)


def _label(
    connection: Connection,
    alerts: Sequence[Alert],
    verdict: str,
    time: int,
    staff: str,
    now: int,
    again: str = "",
) -> None:
    """Have the journal told what each event turned out to be; its id makes a second telling harmless."""
    for alert in alerts:
        # What was forgotten has no event any more; caps and roll-backs are no events.
        if alert.kind not in ("decision", "complaint") or not alert.event_id:
            continue
        outgoing.tell_journal(
            connection,
            alert.tenant,
            {
                **dict(alert.entities),
                "id": f"label-{alert.seq}-{time}{'-' if again else ''}{again}",
                "type": "label.assigned",
                "verdict": verdict,
                "label_source": "manual_review",
                "subject_event": alert.event_id,
                "subject_at_ms": alert.at_ms,
                "staff": staff,
                # A word about an event cannot be older than the event, whatever our clock says.
                "at_ms": max(now, alert.at_ms),
            },
            now,
        )
