"""From the journal to the desk: rows become alerts, alerts join cases, exactly once.

(1) Read the rows after the position, some at a time, beside whoever judges.
(2) Make an alert of each row that raises one.
(3) In one transaction: put each alert into a case, and move the position. A crash before it is
    durable leaves the desk as it was, and the same rows are read again; after it, they never are.
(4) Forget what was made of rows that have been erased since, with each line in which the journal
    tells of one.

Rows are read rather than the journal's outbox: an alert needs its row anyway, what the outbox holds
is a function of the row (`messages_of`, which the audit holds it to), and complaints have no
message. Why: ADR 0019.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from sqlalchemy import Connection, update

from kanhe.app.casework.raising import Raised, Raising
from kanhe.app.kept_packs import KeptPacks
from kanhe.core.time import MINUTE_MS, Clock
from kanhe.record.journal.ports import ErasureReader, JournalReader
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
_FORGOTTEN = "journal.erased"
"""The position up to which lines about erased rows were heeded."""
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
        with self._desk.writing() as connection:  # (3)
            if positions.position(connection, READ) != after:
                return 0
            for raised in found:
                self._put(connection, raised)
            positions.move(connection, READ, rows[-1].seq)
        return len(rows)

    def sweep(self, journal: ErasureReader) -> int:
        """Step (4); gives how many alerts were forgotten, 0 if nobody was erased since.

        To be called after `take_up` and beside no other: an alert made of a row as it was before is
        in the desk by then, and one made later finds the row erased. A crash has it done again.
        """
        forgotten = 0
        with self._desk.reading() as connection:
            after = positions.position(connection, _FORGOTTEN)
        while lines := journal.erased(after, _FORGOTTEN_AT_ONCE):
            after = lines[-1][0]
            with self._desk.writing() as connection:
                forgotten += _forget(connection, [seq for _, seq in lines])
                positions.move(connection, _FORGOTTEN, after)
        return forgotten

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
            "event": alert.event_id,
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


def _is_grave(alert: Alert) -> bool:
    return RANK[alert.severity] >= RANK["high"]


def _forget(connection: Connection, seqs: Sequence[int]) -> int:
    """Empty all that the desk copied of these rows: ids, sentences, and what it told the journal."""
    alerts = cases.ALERTS
    found = connection.execute(
        update(alerts)
        .where(alerts.c.seq.in_(seqs), alerts.c.is_forgotten == 0)
        .values(
            is_forgotten=1, event_id="", subject_event="", entities="[]", reason_en="", reason_zh=""
        )
        .returning(alerts.c.seq, alerts.c.case_number)
    ).all()
    for seq, _ in found:
        # Labels hold the ids of those they are about. What the journal has was erased there.
        outgoing.forget(connection, f"label-{seq}-")
    for number in sorted({number for _, number in found}):
        row = cases.find(connection, number)
        assert row is not None
        cases.summed(connection, number, bool(row.is_active))
    return len(found)
