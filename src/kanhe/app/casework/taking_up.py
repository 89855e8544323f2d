"""From the journal to the desk: rows become alerts, alerts join cases, exactly once.

(1) Read the rows after the position, some at a time, beside whoever judges.
(2) Make an alert of each row that raises one.
(3) In one transaction: put each alert into a case, and move the position. A crash before it is
    durable leaves the desk as it was, and the same rows are read again; after it, they never are.
(4) Where somebody was erased, find which alerts were about their events, and forget those.

Rows are read rather than the journal's outbox: an alert needs its row anyway, what the outbox holds
is a function of the row (`messages_of`, which the audit holds it to), and complaints and erasures
have no message. Why: ADR 0019.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from sqlalchemy import Connection, delete, select, update

from kanhe.app.casework.raising import ERASED_SOMEBODY, Raised, Raising
from kanhe.app.kept_packs import KeptPacks
from kanhe.core.time import MINUTE_MS, Clock
from kanhe.record.journal.ports import ERASED, NOTED, JournalReader, Row
from kanhe.respond import cases as life
from kanhe.respond.alerts import RANK, Alert
from kanhe.respond.deadlines import due_ms
from kanhe.respond.joining import place_of
from kanhe.respond.routing import route_of
from kanhe.respond.standing import Orders
from kanhe.stores.desk import case_history, cases, outgoing, positions
from kanhe.stores.desk.database import Desk

READ = "journal"
"""The position up to which rows of the journal were taken up."""
_ASKED = "erasures.asked"
_DONE = "erasures.done"
LATE_MS = 10 * MINUTE_MS
"""What comes to the desk later than this was out of reach before: its time runs from now on."""
AT_ONCE = 500
"""How many rows are taken up in one transaction: it holds the desk for a moment only."""
_FORGOTTEN_AT_ONCE = 200


class TakingUp:
    """Takes up what the journal holds, and forgets what it holds no more."""

    def __init__(self, desk: Desk, clock: Clock, orders: Orders, packs: KeptPacks) -> None:
        self._desk = desk
        self._clock = clock
        self._orders = orders
        self._raising = Raising(packs)

    def take_up(self, journal: JournalReader, most: int = AT_ONCE) -> int:
        """Take up the next rows; gives how many there were. Raises `StorageError`."""
        with self._desk.reading() as connection:
            after = positions.position(connection, READ)
        rows = list(islice(journal.rows(after), most))  # (1)
        if not rows:
            return 0
        found = [raised for row in rows if (raised := self._raising.alert_of(row, journal))]  # (2)
        erased = [row.seq for row in rows if _tells_of_erasure(row)]
        with self._desk.writing() as connection:  # (3)
            if positions.position(connection, READ) != after:
                return 0
            for raised in found:
                self._put(connection, raised)
            if erased:
                positions.move(connection, _ASKED, erased[-1])
            positions.move(connection, READ, rows[-1].seq)
        return len(rows)

    def sweep(self, journal: JournalReader) -> int:
        """Step (4); gives how many alerts were forgotten, 0 if nobody was erased since.

        The rows of somebody are destroyed before the note about it is written, so that who has read
        the note finds them gone. A crash in between has it done again.
        """
        with self._desk.reading() as connection:
            asked = positions.position(connection, _ASKED)
            if asked <= positions.position(connection, _DONE):
                return 0
            known = connection.execute(
                select(cases.ALERTS.c.seq)
                .where(cases.ALERTS.c.is_forgotten == 0)
                .order_by(cases.ALERTS.c.seq)
            ).scalars()
            seqs = set(known)
        last = max(seqs, default=0)
        gone = []
        for row in journal.rows(min(seqs, default=1) - 1):
            if row.seq > last:
                break
            if row.kind == ERASED and row.seq in seqs:
                gone.append(row.seq)
        self.forget(gone)
        with self._desk.writing() as connection:
            positions.move(connection, _DONE, asked)
        return len(gone)

    def forget(self, seqs: Sequence[int]) -> None:
        """Empty all that the desk copied of these rows: ids, sentences, and what it told the journal."""
        for begin in range(0, len(seqs), _FORGOTTEN_AT_ONCE):
            with self._desk.writing() as connection:
                _forget(connection, seqs[begin : begin + _FORGOTTEN_AT_ONCE])

    def _put(self, connection: Connection, raised: Raised) -> None:
        """Put an alert where it belongs, and have it heard of."""
        alert, tags = raised
        found = cases.candidates(connection, alert)
        if alert.kind == "complaint" and not found and not _is_grave(alert):
            # Most complaints are about goods, not about what was decided: those are the shop's own.
            return
        place = place_of(alert, found)
        number, opened = place.case, False
        late = self._clock() - alert.received_ms > LATE_MS
        since = self._clock() if late else alert.received_ms
        before = None if number is None else cases.find(connection, number)
        if number is None or before is None:
            number = cases.open_case(
                connection,
                alert,
                route_of(alert, tags, self._orders.routes, self._orders.rest),
                since,
                due_ms(since, self._orders.promises[alert.severity], self._orders.calendar),
            )
            opened = True
        cases.add_alert(connection, alert, number)
        cases.add_up(connection, number, alert, before)
        others = list(place.links)
        if opened and alert.subject_event:
            others.append(cases.case_about(connection, alert.tenant, alert.subject_event))
        cases.link(connection, number, [n for n in others if n], "shares", "", alert.received_ms)
        if before is not None:
            self._stir(connection, number, alert, since)
        payload = {
            "case": number,
            "alert": alert.seq,
            "severity": alert.severity,
            "event_type": alert.event_type,
        }
        now = alert.received_ms
        if opened:
            case_history.tell(connection, number, "", "opened", now)
            outgoing.announce(connection, alert.tenant, "case.opened", payload, now)
        outgoing.announce(connection, alert.tenant, "alert.raised", payload, now)
        if alert.kind == "governor":
            outgoing.announce(
                connection, alert.tenant, "governor.tripped", {**payload, "rules": alert.rules}, now
            )

    def _stir(self, connection: Connection, number: int, alert: Alert, since: int) -> None:
        """What a new alert means for a case that was there: it may be more urgent, and wakes up."""
        row = cases.find(connection, number)
        assert row is not None
        case = cases.case_of(row)
        soon = due_ms(since, self._orders.promises[alert.severity], self._orders.calendar)
        if RANK[alert.severity] >= RANK[case.severity] and soon < case.due_ms:
            cases.set_due(connection, number, since, soon)
        if case.state == "waiting":
            now = alert.received_ms
            cases.save(connection, case, life.wake(case, now), now)
            case_history.tell(connection, number, "", "woken", now, {"alert": alert.seq})


def _tells_of_erasure(row: Row) -> bool:
    return row.kind == NOTED and row.type == ERASED_SOMEBODY


def _is_grave(alert: Alert) -> bool:
    return RANK[alert.severity] >= RANK["high"]


def _forget(connection: Connection, seqs: Iterable[int]) -> None:
    seqs = list(seqs)
    touched = connection.execute(
        select(cases.ALERTS.c.case_number)
        .where(cases.ALERTS.c.seq.in_(seqs), cases.ALERTS.c.is_forgotten == 0)
        .distinct()
    ).scalars()
    numbers = sorted(touched)
    connection.execute(
        update(cases.ALERTS)
        .where(cases.ALERTS.c.seq.in_(seqs))
        .values(
            is_forgotten=1,
            event_id="",
            subject_event="",
            entities="[]",
            reason_en="",
            reason_zh="",
        )
    )
    events = outgoing.EVENTS
    for seq in seqs:
        # Labels hold the ids of those they are about. What the journal has was erased there.
        about = events.c.event_id.like(f"label-{seq}-%")
        connection.execute(delete(events).where(about, events.c.sent_ms == 0))
        connection.execute(update(events).where(about).values(body=b"{}"))
    for number in numbers:
        row = cases.find(connection, number)
        assert row is not None
        cases.summed(connection, number, bool(row.is_active))
