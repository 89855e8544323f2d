"""From the journal to the desk: every alert once, whatever dies when, and nothing of who was erased."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import event, select

from kanhe.app.casework.beside import Beside
from kanhe.core.errors import StorageError
from kanhe.core.settings import Settings
from kanhe.record.journal.recorded import ROLLED_BACK, TRIPPED
from kanhe.stores.desk import outgoing, positions
from kanhe.stores.desk.cases import ALERTS, CASES, ENTITIES
from kanhe.stores.desk.database import Desk
from kanhe.stores.sqlite.journal import SqliteJournal
from kanhe.stores.sqlite.reader import SqliteJournalReader
from tests.respond.desks import (
    ANA,
    POLICY,
    STARTER,
    Clock,
    add,
    casework,
    journal_of,
    noted,
    payment,
    row,
    take_all,
)


def kept(desk: Desk) -> list[tuple[int, int]]:
    """The alerts of a desk with the numbers of their cases."""
    with desk.reading() as connection:
        found = connection.execute(
            select(ALERTS.c.seq, ALERTS.c.case_number).order_by(ALERTS.c.seq)
        )
        return [(seq, number) for seq, number in found]


def test_what_raises_an_alert() -> None:
    """Refusals, reviews, notices, passed caps and roll-backs do; what was let through does not."""
    desk = Desk()
    journal = journal_of(
        row(1, "review", user="a"),
        row(2, "deny", 120, user="b"),
        row(3, "allow", 0, user="c"),
        row(4, "challenge", 50, user="d"),
        row(5, "allow", 0, user="e", recorded=True),
        noted(6, TRIPPED, "shop", rule="r", people="30", event_type="payment.attempted"),
        noted(7, ROLLED_BACK),
        noted(8, "log:key:added", key="k"),
        row(
            9, "review", user="f", type="complaint.opened", complaint="c", complaint_reason="fraud"
        ),
    )
    take_all(casework(desk), journal)
    assert [seq for seq, _ in kept(desk)] == [1, 2, 3, 6, 7, 9]
    with desk.reading() as connection:
        found = {r.seq: (r.kind, r.severity) for r in connection.execute(select(ALERTS))}
    assert found[1] == ("decision", 1)
    assert found[2] == ("decision", 2)
    assert found[6] == ("governor", 2)
    assert found[7] == ("rollback", 3)
    assert found[9] == ("complaint", 2)


def test_money_is_that_of_the_pack() -> None:
    """Amounts come in the base currency of the pack of the time, and more of it is more severe."""
    desk = Desk()
    journal = journal_of(
        row(1, "deny", 100, user="a", amount_minor=10_000, currency="CNY"),
        row(2, "deny", 100, user="b", amount_minor=1_000_000, currency="EUR"),
    )
    take_all(casework(desk), journal)
    with desk.reading() as connection:
        one, two = connection.execute(select(ALERTS).order_by(ALERTS.c.seq)).all()
    assert (one.base_minor, one.loss_minor) == (1_300, 650)
    assert (two.loss_minor, two.severity) == (500_000, 3)


def test_alerts_about_the_same_join() -> None:
    """By card, account or device; not by address of the network; never across tenants."""
    desk = Desk()
    journal = journal_of(
        payment(1, "c1", "u1", ip="192.0.2.1"),
        payment(2, "c1", "u2", device="d"),
        row(3, user="u9", device="d"),
        payment(4, "c1", "u1", tenant="other"),
        row(5, user="u7", ip="192.0.2.1"),
    )
    take_all(casework(desk), journal)
    assert dict(kept(desk)) == {1: 1, 2: 1, 3: 1, 4: 2, 5: 3}


def test_a_complaint_joins_what_it_is_about() -> None:
    """One about a decision goes to its case; one of fraud is heard by itself; others are the shop's."""
    desk = Desk()
    opened: dict[str, Any] = {"type": "complaint.opened", "recorded": True}
    journal = journal_of(
        payment(1, "c1", "u1"),
        row(
            2, user="u5", complaint="a", complaint_reason="no_refund", subject_event="e-1", **opened
        ),
        row(3, user="u6", complaint="b", complaint_reason="not_received", **opened),
        row(4, user="u7", complaint="c", complaint_reason="fraud", **opened),
    )
    work = casework(desk)
    take_all(work, journal)
    assert dict(kept(desk)) == {1: 1, 2: 1, 4: 2}
    view = work.viewing.case(ANA, 1)
    assert view.priority.complaint_minor > 0
    assert view.priority.total_minor == view.row.priority_minor
    work.work.resolve(ANA, [1], "fraud", "stolen card")
    add(
        journal,
        row(5, user="u1", complaint="d", complaint_reason="fraud", subject_event="e-1", **opened),
    )
    take_all(work, journal)
    assert kept(desk)[-1] == (5, 3)
    assert [(other.number, why) for other, why in work.viewing.case(ANA, 3).links] == [
        (1, "shares")
    ]


def test_a_new_alert_wakes_a_case_and_brings_its_deadline_forward() -> None:
    """What was put off is looked at again when something happens."""
    desk, clock = Desk(), Clock()
    work = casework(desk, clock)
    journal = journal_of(payment(1, "c1", "u1"))
    take_all(work, journal)
    work.work.snooze(ANA, [1], clock() + 86_400_000)
    before = work.viewing.case(ANA, 1)
    add(journal, payment(2, "c1", "u1", 900_000, outcome="deny", score=200))
    take_all(work, journal)
    after = work.viewing.case(ANA, 1)
    assert (before.case.state, after.case.state) == ("waiting", "in_progress")
    assert after.case.due_ms < before.case.due_ms
    assert after.case.severity == "critical"


PROGRAM = """
import sys
from pathlib import Path
from kanhe.app.casework import open_casework
from kanhe.stores.desk.database import Desk
from kanhe.stores.sqlite.reader import SqliteJournalReader
from kanhe.app.casework import taking_up
folder = Path(sys.argv[1])
desk = Desk(folder / "desk.db")
work = open_casework(desk, lambda: 0, folder, None, b"k" * 16)
reader = SqliteJournalReader(folder / "journal.db")
print("ready", flush=True)
while work._taking_up.take_up(reader, 7):
    pass
print("done", flush=True)
"""


def test_killed_anywhere_every_alert_is_there_once(tmp_path: Path) -> None:
    """However often the process is killed while it takes up, the end is that of an undisturbed one."""
    journal = SqliteJournal(tmp_path / "journal.db")
    journal.keep_policy(POLICY, STARTER.archive)
    rows = [payment(seq, f"c{seq % 37}", f"u{seq % 53}", seq) for seq in range(1, 401)]
    journal.extend(rows)
    journal.commit()
    journal.close()
    kills = 0
    for attempt in range(40):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if attempt < 4:
            time.sleep(0.05 + 0.09 * attempt)
            process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        process.stdout.close()
        if process.wait() == 0:
            assert rest == "done\n"
            break
        kills += 1
    assert kills >= 1
    desk, whole = Desk(tmp_path / "desk.db"), Desk()
    reader = SqliteJournalReader(tmp_path / "journal.db")
    work = casework(whole)
    while work.take_up(reader):
        pass
    reader.close()
    assert kept(desk) == kept(whole)
    assert [seq for seq, _ in kept(desk)] == list(range(1, 401))
    with desk.reading() as one, whole.reading() as two:
        columns = [c for c in CASES.c if c.name != "changed_ms"]
        assert one.execute(select(*columns)).all() == two.execute(select(*columns)).all()
        news = select(outgoing.NEWS.c.topic, outgoing.NEWS.c.payload)
        assert one.execute(news).all() == two.execute(news).all()
    desk.close()


@pytest.mark.parametrize("fails_at", [1, 3, 6, 9, 12])
def test_a_write_that_fails_leaves_nothing_and_is_done_again(tmp_path: Path, fails_at: int) -> None:
    """Whichever statement of the transaction breaks, the next round finds the desk as it was."""
    desk = Desk(tmp_path / "desk.db")
    work = casework(desk)
    journal = journal_of(payment(1, "c1", "u1"), payment(2, "c1", "u2"))
    count = 0

    def failing(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        nonlocal count
        if statement.startswith(("INSERT", "UPDATE")):
            count += 1
            if count == fails_at:
                raise OSError("no space left on device")

    event.listen(desk._engine, "before_cursor_execute", failing)
    with pytest.raises(OSError, match="no space"):
        work.take_up(journal)
    event.remove(desk._engine, "before_cursor_execute", failing)
    assert kept(desk) == []
    with desk.reading() as connection:
        assert positions.position(connection, "journal") == 0
        assert connection.execute(select(outgoing.NEWS)).all() == []
    take_all(work, journal)
    assert kept(desk) == [(1, 1), (2, 1)]
    desk.close()


def test_a_damaged_row_stops_there_and_is_named() -> None:
    """Nothing is skipped in silence: what comes after waits until somebody has seen to it."""
    desk = Desk()
    broken = payment(1, "c", "u")._replace(answer=b'{"outcome":"deny"')
    with pytest.raises(StorageError, match="row 1 of the journal is damaged"):
        casework(desk).take_up(journal_of(broken))
    assert kept(desk) == []


def test_who_was_erased_is_forgotten() -> None:
    """Ids, sentences and unsent or sent labels go; numbers stay; others of the same case stay whole."""
    desk = Desk()
    work = casework(desk)
    rows = [payment(1, "c1", "u1", 5_000), payment(2, "c1", "u2", 7_000)]
    journal = journal_of(*rows)
    take_all(work, journal)
    work.work.resolve(ANA, [1], "fraud", "stolen")
    with desk.writing() as connection:
        connection.execute(outgoing.EVENTS.update().values(sent_ms=1))
    journal.erase({1: b"entry"})
    add(journal, noted(3, "privacy:person:erased", request="x", rows="1"))
    take_all(work, journal)
    assert work.sweep(journal) == 1
    assert work.sweep(journal) == 0
    view = work.viewing.case(ANA, 1)
    gone, stays = view.alerts
    assert (gone.entities, gone.event_id, gone.reason.en, gone.base_minor) == ((), "", "", 5_000)
    assert dict(stays.entities) == {"user": "u2", "card": "c1"}
    with desk.reading() as connection:
        everything = "".join(
            str(tuple(r))
            for table in (ALERTS, CASES, ENTITIES)
            for r in connection.execute(select(table))
        )
        bodies = b"".join(connection.execute(select(outgoing.EVENTS.c.body)).scalars())
        news = b"".join(connection.execute(select(outgoing.NEWS.c.payload)).scalars())
    assert "'u1'" not in everything
    assert "e-1" not in everything
    assert b'"u1"' not in bodies + news
    assert b'"u2"' in bodies
    # The case can still be worked with.
    work.work.reopen(ANA, 1)
    work.work.resolve(ANA, [1], "legitimate", "the other one was fine")


def test_who_was_erased_is_forgotten_while_events_go_on(tmp_path: Path) -> None:
    """One round reads what is new, and forgets all the same."""
    journal = SqliteJournal(tmp_path / "journal.db")
    journal.keep_policy(POLICY, STARTER.archive)
    journal.extend([payment(1, "c1", "u1"), payment(2, "c2", "u2")])
    journal.commit()
    desk = Desk()
    work = casework(desk)
    beside = Beside(Settings(data_dir=str(tmp_path)), work)
    beside.take_up()
    journal.erase({1: b"entry"})
    journal.extend([noted(3, "privacy:person:erased", request="x"), payment(4, "c4", "u4")])
    journal.commit()
    beside.take_up()
    journal.close()
    assert [seq for seq, _ in kept(desk)] == [1, 2, 4]
    assert work.viewing.case(ANA, 1).alerts[0].entities == ()
    assert beside.base_currency() == "EUR"


def test_rows_erased_before_they_are_read_raise_nothing() -> None:
    """They are passed over, and the position moves on."""
    desk = Desk()
    journal = journal_of(payment(1, "c1", "u1"), payment(2, "c2", "u2"))
    journal.erase({1: b"entry"})
    take_all(casework(desk), journal)
    assert kept(desk) == [(2, 1)]


def test_news_tell_nothing_of_persons() -> None:
    """What leaves by webhook and mail names cases, not people."""
    desk = Desk()
    work = casework(desk)
    take_all(work, journal_of(payment(1, "card-secret", "user-secret", email="a@b.example")))
    with desk.reading() as connection:
        found = connection.execute(select(outgoing.NEWS.c.topic, outgoing.NEWS.c.payload)).all()
    assert [topic for topic, _ in found] == ["case.opened", "alert.raised"]
    for _, payload in found:
        assert b"secret" not in payload
        assert b"@" not in payload
        news = msgspec.json.decode(payload)
        assert (news["case"], news["event"]) == (1, "e-1")
