"""Every event of the desk reaches the journal, in order, and once, whatever dies when."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from kanhe.app import kanhe_in_memory, open_journal
from kanhe.app.delivering import BATCH, FAULTS, KEPT_MS, EventDelivery, report
from kanhe.app.judge_link import JudgeDownError, JudgeLink, Taken
from kanhe.core.actor import Actor
from kanhe.core.errors import Problem
from kanhe.core.settings import Settings
from kanhe.judge.intake.registry import builtin
from kanhe.serve.console import naming
from kanhe.stores.desk import outgoing
from kanhe.stores.desk.database import Desk
from tests.ledger.processes import Server, environment

NOW = 1_767_225_600_000
ANA = Actor(staff="st-1", name="Ana", tenant="shop")


class FakeJudge:
    """Takes an id once; can be down, fail over an event, and refuse one."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.asked = 0
        self.sizes: list[int] = []
        self.down = False
        self.poison = ""
        self.refused = ""
        self.dies_after = False

    def record(self, tenant: str, events: Sequence[bytes]) -> list[Taken]:
        """As the judge does."""
        self.asked += 1
        self.sizes.append(len(events))
        if self.down:
            raise JudgeDownError("nobody there")
        ids = [json.loads(event)["id"] for event in events]
        if self.poison in ids:
            raise JudgeDownError("a fault", fault=True)
        results = []
        for one in ids:
            if one == self.refused:
                results.append(Taken(Problem("/problems/wrong-type", "No such type", 422)))
                continue
            if (tenant, one) not in self.taken:
                self.taken.append((tenant, one))
            results.append(Taken(None))
        if self.dies_after:
            raise JudgeDownError("the answer was lost")
        return results

    decide = record


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk in memory."""
    found = Desk()
    yield found
    found.close()


@pytest.fixture
def judge() -> FakeJudge:
    """A judge that takes everything."""
    return FakeJudge()


def time_ms() -> int:
    """The time of this machine."""
    return time.time_ns() // 1_000_000


def fill(desk: Desk, *events: str, tenant: str = "shop", type: str = "label.assigned") -> None:
    """Write events for the journal."""
    with desk.writing() as connection:
        for one in events:
            outgoing.tell_journal(connection, tenant, {"id": one, "type": type}, NOW)


def states(desk: Desk) -> dict[str, tuple[int, str]]:
    """What became of each event."""
    with desk.reading() as connection:
        rows = connection.execute(
            select(outgoing.EVENTS.c.event_id, outgoing.EVENTS.c.sent_ms, outgoing.EVENTS.c.problem)
        ).all()
    return {row[0]: (row[1], row[2]) for row in rows}


def test_events_go_in_order_and_are_marked(desk: Desk, judge: FakeJudge) -> None:
    """Neighbours of a tenant go together; the order is that of writing."""
    fill(desk, "a", "b")
    fill(desk, "c", tenant="other")
    fill(desk, "d", type="staff.action")
    assert not EventDelivery(desk, judge, lambda: NOW + 1).step()
    assert judge.taken == [("shop", "a"), ("shop", "b"), ("other", "c"), ("shop", "d")]
    assert judge.sizes == [2, 1, 1]
    assert set(states(desk).values()) == {(NOW + 1, "")}
    assert not EventDelivery(desk, judge, lambda: NOW + 2).step()
    assert judge.asked == 3


def test_more_than_a_page_goes_page_by_page(desk: Desk, judge: FakeJudge) -> None:
    """A long wait is worked off in batches that stay small."""
    fill(desk, *(f"e{n}" for n in range(BATCH + 5)))
    delivery = EventDelivery(desk, judge, lambda: NOW)
    assert delivery.step() and not delivery.step()
    assert judge.sizes == [BATCH, 5]


def test_while_the_judge_is_down_all_waits(desk: Desk, judge: FakeJudge) -> None:
    """Nothing is marked and nothing is lost; afterwards everything arrives."""
    fill(desk, "a", "b")
    judge.down = True
    delivery = EventDelivery(desk, judge, lambda: NOW)
    for _ in range(3):
        with pytest.raises(JudgeDownError):
            delivery.step()
    with desk.reading() as connection:
        assert outgoing.backlog(connection) == (2, NOW)
    judge.down = False
    delivery.step()
    assert judge.taken == [("shop", "a"), ("shop", "b")]


def test_a_lost_answer_has_the_batch_sent_again(desk: Desk, judge: FakeJudge) -> None:
    """What the judge took before the answer was lost is taken once."""
    fill(desk, "a", "b")
    judge.dies_after = True
    delivery = EventDelivery(desk, judge, lambda: NOW)
    with pytest.raises(JudgeDownError):
        delivery.step()
    judge.dies_after = False
    delivery.step()
    assert judge.taken == [("shop", "a"), ("shop", "b")]


def test_what_is_refused_is_kept_and_told(desk: Desk, judge: FakeJudge) -> None:
    """A refusal for good holds up nobody, stays with its reason, and becomes a finding."""
    fill(desk, "a", "b", "c")
    judge.refused = "b"
    delivery = EventDelivery(desk, judge, lambda: NOW + 1)
    delivery.step()
    assert [one for _, one in judge.taken] == ["a", "c"]
    with desk.reading() as connection:
        (kept,) = outgoing.undelivered(connection, "shop")
        assert outgoing.undelivered(connection, "other") == []
        (finding,) = outgoing.waiting(connection, 10)
    assert (kept.event_id, kept.problem) == ("b", "No such type")
    told = json.loads(finding.body)
    assert (told["type"], told["asset"], told["finding_kind"]) == (
        "finding.reported", "b", "installation",
    )  # fmt: skip
    judge.refused = told["id"]
    delivery.step()
    with desk.reading() as connection:
        assert outgoing.waiting(connection, 10) == []  # a refused finding makes no further one
    with desk.writing() as connection:
        assert not outgoing.send_again(connection, kept.id, "other")
        assert outgoing.send_again(connection, kept.id, "shop")
        assert not outgoing.send_again(connection, kept.id, "shop")
    delivery.step()
    assert ("shop", "b") in judge.taken


def test_one_event_that_the_judge_fails_over_is_put_aside(desk: Desk, judge: FakeJudge) -> None:
    """Those before and behind it arrive; it is kept with what was said."""
    fill(desk, "a", "b", "c")
    judge.poison = "b"
    delivery = EventDelivery(desk, judge, lambda: NOW)
    for _ in range(FAULTS - 1):
        with pytest.raises(JudgeDownError):
            delivery.step()
    delivery.step()
    assert [one for _, one in judge.taken][:2] == ["a", "c"]
    assert "a fault" in states(desk)["b"][1]


def test_old_events_are_forgotten_once_they_have_arrived(desk: Desk, judge: FakeJudge) -> None:
    """What was refused or still waits is kept, however old."""
    now = [NOW]
    fill(desk, "a", "b")
    judge.refused = "b"
    delivery = EventDelivery(desk, judge, lambda: now[0])
    delivery.step()
    fill(desk, "late")
    judge.down = True
    now[0] += KEPT_MS + 1
    with pytest.raises(JudgeDownError):
        delivery.step()
    assert "a" not in states(desk) and {"b", "late"} <= states(desk).keys()


@pytest.mark.parametrize("broken", ["before", "after"])
def test_a_mark_that_fails_loses_and_doubles_nothing(
    desk: Desk, judge: FakeJudge, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write of the delivery fails once, before and after it took effect."""
    fill(desk, "a", "b")
    writing = desk.writing
    failures = [1]

    @contextmanager
    def failing() -> Iterator[Connection]:
        if failures[0] and broken == "before":
            failures[0] -= 1
            raise OSError("no")
        with writing() as connection:
            yield connection
        if failures[0]:
            failures[0] -= 1
            raise OSError("no")

    delivery = EventDelivery(desk, judge, lambda: NOW)
    delivery.step()
    fill(desk, "c", "d")
    monkeypatch.setattr(desk, "writing", failing)
    with pytest.raises(OSError, match="no"):
        delivery.step()
    delivery.step()
    assert [one for _, one in judge.taken] == ["a", "b", "c", "d"]
    assert all(sent for sent, _ in states(desk).values())


_DELIVER = """
import os, pathlib, signal, sys, time
from kanhe.app.delivering import EventDelivery
from kanhe.app.judge_link import JudgeLink
from kanhe.stores.desk.database import Desk
folder, deadly = pathlib.Path(sys.argv[1]), sys.argv[2]
desk = Desk(folder / "desk.db")
link = JudgeLink(folder)
if deadly == "sent":
    ask = link.decide
    def decide(*asked):
        ask(*asked)
        os.kill(os.getpid(), signal.SIGKILL)
    link.decide = decide
elif deadly == "unsent":
    link.decide = lambda *asked: os.kill(os.getpid(), signal.SIGKILL)
EventDelivery(desk, link, lambda: time.time_ns() // 1_000_000).step()
"""


@pytest.mark.slow
def test_exactly_once_in_the_journal_whoever_is_killed(tmp_path: Path) -> None:
    """The console is killed before and after sending, and the judge is restarted: the journal has
    every event once, in order."""
    server = Server(tmp_path, log_sequencer="false")
    data = tmp_path / "data"
    desk = Desk(data / "desk.db")
    now = time_ms()

    def deliver(deadly: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", _DELIVER, str(data), deadly],
            env=environment(tmp_path), capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        return done.returncode

    def act(number: int, **fields: Any) -> None:
        with desk.writing() as connection:
            outgoing.tell_of(connection, ANA, "unmasked", "customer", now + number, tenant="shop",
                             user=f"u-{number}", **fields)  # fmt: skip

    for number in range(3):
        act(number)
    assert deliver("unsent") == -9
    assert deliver("sent") == -9
    act(3)
    server.stop(9)
    link = JudgeLink(data)
    with pytest.raises(JudgeDownError):  # nobody judges
        EventDelivery(desk, link, time_ms).step()
    server = Server(tmp_path, log_sequencer="false")
    for _ in range(2):
        assert not EventDelivery(desk, link, time_ms).step()
    link.close()
    server.stop()
    with open_journal(Settings(data_dir=str(data))) as journal:
        assert journal is not None
        rows = [row for row in journal.rows() if row.type == "staff.action"]
    assert [json.loads(row.body)["user"] for row in rows] == ["u-0", "u-1", "u-2", "u-3"]
    assert {row.tenant for row in rows} == {"shop"}
    assert all(b'"outcome"' in (row.answer or b"") for row in rows)
    desk.close()


def test_what_staff_do_has_names() -> None:
    """Every act and every thing it is done to that the registry knows can be said in words."""
    fields = builtin().fields
    assert set(fields["staff_action"].choices) <= naming.ACTS.keys()
    assert set(fields["resource"].choices) <= naming.RESOURCES.keys()


def test_the_rules_look_at_what_staff_do() -> None:
    """What somebody does at the desk, as it leaves the desk, sets off the rules about staff."""
    desk = Desk()
    with desk.writing() as connection:
        for number in range(4):
            outgoing.tell_of(connection, ANA, "unmasked", "customer", NOW + number, tenant="shop",
                             user=f"u-{number}", note="the buyer asked")  # fmt: skip
        outgoing.tell_of(connection, ANA, "exported", "case", NOW + 5, record_count=600)
        report(connection, "shop", "A webhook was switched off", "wh-1", "410 Gone", NOW + 6)
    with desk.reading() as connection:
        waiting = outgoing.waiting(connection, 10)
    desk.close()
    kanhe = kanhe_in_memory(Settings(), lambda: NOW)
    answers = [kanhe.judge(e.tenant, e.body, frozenset({"decide"}), NOW).answer for e in waiting]
    rules = [{reason["rule"] for reason in json.loads(a).get("reasons", ())} for a in answers]
    assert "staff_unmasking" in rules[3] and "staff_unmasking" not in rules[0]
    assert "staff_export" in rules[4]
    assert rules[5] == {"finding_of_the_installation"}
    assert json.loads(answers[5])["outcome"] == "review"
    kanhe.close()


def test_a_desk_link_that_nobody_wrote_is_said_so(tmp_path: Path) -> None:
    """Before anything judged here, whoever delivers hears what to do."""
    link = JudgeLink(tmp_path)
    with pytest.raises(JudgeDownError, match="start `kanhe serve`"):
        link.record("shop", [b"{}"])
    link.close()
