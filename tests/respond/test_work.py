"""What people do with cases: on file and in memory, two at once, of two shops, and taken back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from kanhe.app.casework import CaseNotFound, Casework, Colleague, Listing, ViewError, open_casework
from kanhe.core.errors import StorageError
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin
from kanhe.respond.alerts import of_trip
from kanhe.respond.cases import CaseError
from kanhe.respond.evidence import EvidenceError
from kanhe.respond.locking import LEASE_MS
from kanhe.respond.searching import FIELDS, SearchError
from kanhe.respond.standing import OrdersError
from kanhe.stores.desk import outgoing
from kanhe.stores.desk.cases import CASES
from kanhe.stores.desk.database import Desk
from kanhe.stores.files.evidence_folder import EvidenceFolder
from tests.respond.desks import (
    ANA,
    BEN,
    LEAD,
    NOON,
    Clock,
    Team,
    actor,
    add,
    casework,
    journal_of,
    payment,
    row,
    take_all,
)

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
HOUR = 3_600_000


@pytest.fixture(params=["file", "memory"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path / "desk.db" if request.param == "file" else None)
    yield found
    found.close()


def begun(desk: Desk, clock: Clock | None = None, **how: Any) -> Casework:
    """Three cases of one shop, the third by far the most urgent, and one of another shop."""
    work = casework(desk, clock, **how)
    journal = journal_of(
        payment(1, "c1", "u1", 10_000),
        payment(2, "c2", "u2", 20_000),
        payment(3, "c3", "u3", 90_000, outcome="deny", score=150),
        payment(4, "c3", "u9", 1_000),
        payment(5, "c1", "u1", 1_000, tenant="other"),
    )
    take_all(work, journal)
    return work


def test_who_listens_hears_which_events_were_decided(desk: Desk) -> None:
    """A resolved case names its events, so that a shop finds what it holds because of them."""
    work = begun(desk)
    work.work.resolve(ANA, [1], "legitimate", "the buyer was called")
    with desk.reading() as connection:
        news = select(outgoing.NEWS.c.payload).where(outgoing.NEWS.c.topic == "case.resolved")
        found = [msgspec.json.decode(one) for one in connection.execute(news).scalars()]
    assert found == [{"case": 1, "verdict": "legitimate", "alerts": 1, "events": ["e-1"]}]


def told(desk: Desk, type: str) -> list[dict[str, Any]]:
    """What was told to the journal of one type; every one of it is accepted there."""
    reader = Reader(builtin())
    with desk.reading() as connection:
        rows = connection.execute(select(outgoing.EVENTS).order_by(outgoing.EVENTS.c.id)).all()
    found = []
    for one in rows:
        read = reader.read(one.tenant, one.body, NOON + 90 * 24 * HOUR, frozenset({"lists"}))
        if read.event.type == type:
            found.append({"tenant": one.tenant, **msgspec.json.decode(one.body)})
    return found


def topics(desk: Desk) -> list[str]:
    with desk.reading() as connection:
        return list(connection.execute(select(outgoing.NEWS.c.topic)).scalars())


def test_the_most_urgent_case_comes_first_and_is_decided(desk: Desk) -> None:
    """Taken, resolved with a reason: one label for each alert, accepted by the registry, and the next."""
    work = begun(desk)
    assert [r.number for r in work.queues.page(ANA).cases] == [3, 2, 1, 4]
    assert work.work.take_next(ANA) == 3
    assert work.work.take_next(BEN) == 2
    result = work.work.resolve(ANA, [3], "fraud", " stolen cards ")
    assert result.done == (3,)
    labels = told(desk, "label.assigned")
    assert [
        (one["tenant"], one["subject_event"], one["verdict"], one["label_source"], one["card"], one["staff"])
        for one in labels
    ] == [("shop", f"e-{seq}", "fraud", "manual_review", "c3", "ana") for seq in (3, 4)]  # fmt: skip
    assert work.work.take_next(ANA) == 1
    assert [one["note"] for one in told(desk, "staff.action")] == [
        "case.taken", "case.taken", "case.resolved", "case.taken",
    ]  # fmt: skip
    assert topics(desk)[-1] == "case.resolved"


def test_two_analysts_at_once_never_get_one_case(tmp_path: Path) -> None:
    """However many ask for the next case at the same moment, each gets another one, until none is left."""
    desk = Desk(tmp_path / "desk.db")
    work = casework(desk)
    take_all(work, journal_of(*(payment(n, f"c{n}", f"u{n}") for n in range(1, 25))))
    got: dict[str, list[int]] = {name: [] for name in ("ana", "ben", "cy", "dee")}
    gate = threading.Barrier(len(got))

    def analyst(name: str) -> None:
        gate.wait()
        while number := work.work.take_next(actor(name)):
            got[name].append(number)
            work.work.resolve(actor(name), [number], "legitimate", "fine")

    threads = [threading.Thread(target=analyst, args=(name,)) for name in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(n for numbers in got.values() for n in numbers) == list(range(1, 25))
    desk.close()


def test_who_holds_a_case_keeps_others_off_until_they_leave(desk: Desk) -> None:
    """A lease runs out by itself, a sign of life renews it, and a version that has passed is refused."""
    clock = Clock()
    work = begun(desk, clock)
    work.work.take(ANA, [1])
    with pytest.raises(CaseError) as error:
        work.work.take(BEN, [1])
    assert (error.value.why, error.value.values) == ("held", {"who": "ana"})
    with pytest.raises(CaseError):
        work.work.resolve(BEN, [1], "fraud", "mine")
    clock.now_ms += LEASE_MS - 1
    assert work.work.renew(ANA, 1) == clock() + LEASE_MS
    with pytest.raises(CaseError):
        work.work.renew(BEN, 1)
    clock.now_ms += LEASE_MS
    seen = work.viewing.case(BEN, 1).case.version
    work.work.take(BEN, [1], seen)
    with pytest.raises(CaseError) as error:
        work.work.resolve(ANA, [1], "fraud", "late", seen=seen)
    assert error.value.why == "changed"


def test_what_is_of_another_shop_is_not_there(desk: Desk) -> None:
    """Every way to a case, a file or a view ends in "not found" for whoever belongs elsewhere."""
    work = begun(desk)
    stranger = actor("eve", "other")
    id = work.files.add(ANA, 1, "a.png", PNG)
    ways = [
        lambda: work.viewing.case(stranger, 1),
        lambda: work.work.take(stranger, [1]),
        lambda: work.work.take(stranger, [4, 1]),
        lambda: work.work.renew(stranger, 1),
        lambda: work.work.release(stranger, [1]),
        lambda: work.work.assign(stranger, [1], "ana"),
        lambda: work.work.snooze(stranger, [1], NOON + HOUR),
        lambda: work.work.escalate(stranger, [1]),
        lambda: work.work.resolve(stranger, [1], "fraud", "x"),
        lambda: work.work.reopen(stranger, 1),
        lambda: work.work.review(stranger, 1, True, ""),
        lambda: work.work.merge(stranger, 1, 4),
        lambda: work.work.merge(stranger, 4, 1),
        lambda: work.work.split(stranger, 1, [1]),
        lambda: work.work.link(stranger, 4, 1),
        lambda: work.work.note(stranger, 1, "hi"),
        lambda: work.files.add(stranger, 1, "a.png", PNG),
        lambda: work.files.read(stranger, 1, id),
        lambda: work.files.read(ANA, 2, id),
        lambda: work.files.remove(stranger, 1, id),
    ]  # fmt: skip
    for way in ways:
        with pytest.raises(CaseNotFound):
            way()
    assert [r.number for r in work.queues.page(stranger).cases] == [4]
    assert work.queues.page(stranger, "tenant:shop").cases == []
    assert work.queues.page(stranger, "card:c1").counts.total == 1  # type: ignore[union-attr]
    assert work.work.take_next(stranger) == 4
    assert work.work.take_next(stranger, after=4) == 0
    # Of all those attempts nothing was kept.
    assert work.viewing.case(LEAD, 1).case.version == 1
    with pytest.raises(CaseError) as error:
        work.work.merge(LEAD, 1, 4)
    assert error.value.why == "other_tenant"


def test_what_was_done_is_taken_back_for_a_while(desk: Desk) -> None:
    """Many at once, by who did it, where nobody came between; the journal hears of it, each time anew."""
    clock = Clock()
    work = begun(desk, clock)
    result = work.work.resolve(ANA, [1, 2, 3], "fraud", "a ring")
    assert result.done == (1, 2, 3)
    with pytest.raises(CaseError):
        work.work.undo(BEN, result.undo)
    work.work.reopen(BEN, 2)
    undone = work.work.undo(ANA)
    assert undone.done == (1, 3)
    assert [(number, error.why) for number, error in undone.refused] == [(2, "changed")]
    assert work.viewing.case(ANA, 1).case.state == "open"
    assert work.viewing.case(ANA, 2).case.owner == "ben"
    work.work.resolve(ANA, [1], "legitimate", "looked again")
    found = [
        (one["id"], one["verdict"])
        for one in told(desk, "label.assigned")
        if one["subject_event"] == "e-1"
    ]
    assert found == [
        ("label-1-1", "fraud"),
        ("label-1-1-back", "unknown"),
        ("label-1-2", "legitimate"),
    ]
    clock.now_ms += HOUR
    with pytest.raises(CaseError) as error:
        work.work.undo(ANA)
    assert error.value.why == "too_late"


def test_of_several_those_that_can_are_done(desk: Desk) -> None:
    """A case that another holds is refused with its reason; what was half done to it is not kept."""
    work = begun(desk)
    work.work.take(BEN, [2])
    result = work.work.resolve(ANA, [1, 2, 3], "fraud", "x")
    assert result.done == (1, 3)
    assert [(number, error.why) for number, error in result.refused] == [(2, "held")]
    assert {one["subject_event"] for one in told(desk, "label.assigned")} == {"e-1", "e-3", "e-4"}


def test_a_second_person_looks_at_what_was_drawn(desk: Desk) -> None:
    """Never the one who decided; who disagrees says why, and the case is open again."""
    work = begun(desk, permille=1000)
    work.work.resolve(ANA, [1, 2], "legitimate", "fine")
    assert [r.number for r in work.queues.page(BEN, "is:in_review").cases] == [2, 1]
    with pytest.raises(CaseError) as error:
        work.work.review(ANA, 1, True, "")
    assert error.value.why == "own_decision"
    with pytest.raises(CaseError):
        work.work.review(BEN, 1, False, "  ")
    work.work.review(BEN, 1, False, "the address is a reshipper's")
    work.work.review(BEN, 2, True, "")
    one, two = work.viewing.case(ANA, 1), work.viewing.case(ANA, 2)
    assert (one.case.state, one.case.verdict, two.case.state) == ("open", "", "closed")
    assert [s["verdict"] for s in told(desk, "label.assigned")] == [
        "legitimate",
        "legitimate",
        "unknown",
    ]


def test_merge_and_split_move_alerts_and_keep_history(desk: Desk) -> None:
    """Figures follow, notes and files come along, links lead back, nothing is lost."""
    work = begun(desk)
    work.work.note(ANA, 1, "first")
    work.files.add(ANA, 1, "a.png", PNG)
    work.work.merge(ANA, 1, 3)
    grown, gone = work.viewing.case(ANA, 3), work.viewing.case(ANA, 1)
    assert [a.seq for a in grown.alerts] == [1, 3, 4]
    assert (len(grown.notes), len(grown.files), gone.case.merged_into) == (1, 1, 3)
    assert [step.what for step in gone.steps] == ["opened", "filed", "merged"]
    assert (gone.row.alerts, gone.row.priority_minor) == (0, 0)
    made = work.work.split(ANA, 3, [4])
    assert [a.seq for a in work.viewing.case(ANA, made).alerts] == [4]
    assert [a.seq for a in work.viewing.case(ANA, 3).alerts] == [1, 3]
    assert {n for n, _ in [(r.number, w) for r, w in work.viewing.case(ANA, 3).links]} == {1, made}
    for seqs, why in (([1, 3], "nothing_moved"), ([99], "no_such_alert")):
        with pytest.raises(CaseError) as error:
            work.work.split(ANA, 3, seqs)
        assert error.value.why == why


def test_alerts_that_came_in_meanwhile_are_not_decided_unseen(desk: Desk) -> None:
    """They go on in a case of their own, without a label."""
    work = casework(desk)
    journal = journal_of(payment(1, "c1", "u1"))
    take_all(work, journal)
    work.work.take(ANA, [1])
    add(journal, payment(2, "c1", "u1"))
    take_all(work, journal)
    work.work.resolve(ANA, [1], "fraud", "x", upto=1)
    assert [one["subject_event"] for one in told(desk, "label.assigned")] == ["e-1"]
    (left,) = work.queues.page(ANA).cases
    assert [a.seq for a in work.viewing.case(ANA, left.number).alerts] == [2]


def test_what_a_case_names_can_go_on_a_list(desk: Desk) -> None:
    """And nothing else can; the entry leaves with the decision, by the same transaction."""
    work = begun(desk)
    with pytest.raises(CaseError):
        work.work.resolve(ANA, [1], "fraud", "x", listings=[Listing("blocked_users", "somebody")])
    assert told(desk, "label.assigned") == []
    work.work.resolve(ANA, [1], "fraud", "known", listings=[Listing("blocked_users", "u1")])
    (entry,) = told(desk, "list.entry_added")
    assert (entry["list_name"], entry["value"], entry["staff"], entry["ticket"]) == (
        "blocked_users", "u1", "ana", "case-1",
    )  # fmt: skip


def test_cases_are_handed_over_and_passed_on(desk: Desk) -> None:
    """By who owns them or leads; who passed a case on does not take it back."""
    work = begun(desk)
    work.work.take(ANA, [1])
    with pytest.raises(CaseError):
        work.work.assign(BEN, [1], "ben")
    with pytest.raises(CaseError):
        work.work.assign(ANA, [1], "stranger")
    work.work.assign(ANA, [1], "ben")
    assert [r.number for r in work.queues.page(BEN, "owner:me").cases] == [1]
    assert [r.number for r in work.queues.page(ANA, "owner:Ben").cases] == [1]
    work.work.assign(LEAD, [1], "ana")
    work.work.take(ANA, [1])
    work.work.escalate(ANA, [1], "beyond me")
    with pytest.raises(CaseError) as error:
        work.work.take(ANA, [1])
    assert error.value.why == "own_escalation"
    work.work.take(LEAD, [1])
    assert topics(desk)[-3:] == ["case.assigned", "case.assigned", "case.escalated"]


def test_only_who_may_see_a_case_is_given_it() -> None:
    """Staff of one shop can neither be handed nor be told of what is another's."""
    team = Team(Colleague("ana", "Ana"), Colleague("eve", "Eve", "eve@x.example", "other"))
    desk = Desk()
    work = begun(desk, team=team)
    with pytest.raises(CaseError):
        work.work.assign(ANA, [1], "eve")
    work.work.note(ANA, 1, "@eve look")
    assert "case.mentioned" not in topics(desk)
    work.work.note(ANA, 4, "@eve look")
    assert topics(desk)[-1] == "case.mentioned"


def test_time_moves_cases(desk: Desk) -> None:
    """They wake, are passed on when their deadline nears unless somebody is at it, and are closed."""
    clock = Clock()
    work = begun(desk, clock)
    work.work.snooze(ANA, [1], clock() + HOUR)
    assert work.tend() == 0
    clock.now_ms += HOUR
    work.tend()
    assert work.viewing.case(ANA, 1).case.state == "in_progress"
    clock.now_ms = work.viewing.case(ANA, 3).case.due_ms - 10 * 60_000
    work.work.take(BEN, [3])
    work.tend()
    assert work.viewing.case(ANA, 3).case.state == "in_progress"
    clock.now_ms += HOUR
    work.tend()
    case = work.viewing.case(ANA, 3)
    assert (case.case.state, case.case.level) == ("escalated", 1)
    assert [step.what for step in case.steps][-3:] == ["due_soon", "overdue", "escalated"]
    before = len(case.steps)
    work.tend()
    assert len(work.viewing.case(ANA, 3).steps) == before
    work.work.resolve(LEAD, [3], "fraud", "x")
    clock.now_ms += 8 * 24 * HOUR
    work.tend()
    assert work.viewing.case(ANA, 3).case.state == "closed"


def test_pages_of_the_queue_join_without_a_gap(desk: Desk) -> None:
    """In every order, and whatever changes between two pages, no case is shown twice."""
    work = casework(desk)
    take_all(work, journal_of(*(payment(n, f"c{n}", f"u{n}", 100 * (n % 5)) for n in range(1, 60))))
    work.work.resolve(ANA, [5, 6], "fraud", "x")
    for query in (
        "",
        "is:open,resolved",
        "is:resolved",
        "-is:resolved",
        "severity:medium -card:c7",
    ):
        whole = [r.number for r in work.queues.page(ANA, query, limit=1000).cases]
        for sort in ("priority", "due", "newest"):
            found: list[int] = []
            after = ""
            while True:
                page = work.queues.page(ANA, query, sort, after, 7)
                found += [r.number for r in page.cases]
                if not page.after:
                    break
                after = page.after
            assert sorted(found) == sorted(whole)
            assert len(set(found)) == len(found)
            keys = [page_key(work, number, sort) for number in found]
            assert keys == sorted(keys, reverse=sort != "due")
    assert work.queues.page(ANA, after="; DROP TABLE cases").cases


def page_key(work: Casework, number: int, sort: str) -> tuple[int, int]:
    r = work.viewing.case(ANA, number, is_look=False).row
    return {"priority": r.priority_minor, "due": r.due_ms, "newest": r.opened_ms}[sort], number


def test_every_field_of_a_search_can_be_asked(desk: Desk) -> None:
    """Each gives what it says, and its opposite the rest; hostile words are only words."""
    work = begun(desk)
    some = {
        "severity": "high", "is": "open", "kind": "decision", "verdict": "fraud", "amount": ">100",
        "loss": ">1", "alerts": ">1", "age": "<1h", "left": "<5h", "owner": "none", "queue": "payments",
        "rule": "velocity", "type": "payment.*", "tenant": "shop", "case": "#3", "event": "e-3",
        "card": "c3",
    }  # fmt: skip
    whole = {r.number for r in work.queues.page(LEAD).cases}
    for field in FIELDS:
        value = some.get(field, "x")
        found = {r.number for r in work.queues.page(LEAD, f"{field}:{value}").cases}
        rest = {r.number for r in work.queues.page(LEAD, f"-{field}:{value}").cases}
        if field != "is":
            assert found | rest == whole, field
            assert not found & rest, field
    assert [r.number for r in work.queues.page(LEAD, "severity:high left:<5h alerts:2").cases] == [
        3
    ]
    for hostile in ("rule:%", "rule:_____", "card:'--", '"\' OR 1=1"', "type:%*"):
        assert work.queues.page(LEAD, hostile).cases == []
    with pytest.raises(SearchError):
        work.queues.page(LEAD, "severity:urgent")


def test_counts_are_whole_or_say_that_they_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what an index holds all are counted; of other searches only so many, and that is said."""
    monkeypatch.setattr("kanhe.stores.desk.queue.MOST_COUNTED", 2)
    work = begun(Desk())
    counts = work.queues.page(LEAD, "severity:medium,high").counts
    assert counts is not None
    assert (counts.total, counts.is_more, sum(counts.by["severity"].values())) == (4, False, 4)
    counts = work.queues.page(LEAD, "amount:>=0").counts
    assert counts is not None
    assert (counts.total, counts.is_more) == (2, True)


def test_searches_are_saved_by_name(desk: Desk) -> None:
    """One's own, and what others of the same shop share; another's cannot be removed."""
    work = begun(desk)
    work.queues.save_view(ANA, " My  cards ", "card:c1", "priority", is_shared=True)
    work.queues.save_view(ANA, "My cards", "card:c2", "due", is_shared=True)
    work.queues.save_view(ANA, "secret", "", "due")
    (view,) = work.queues.views(BEN)
    assert (view.name, view.query, view.sort) == ("My cards", "card:c2", "due")
    assert work.queues.views(actor("eve", "other")) == []
    work.queues.drop_view(BEN, view.id)
    assert len(work.queues.views(ANA)) == 2
    work.queues.drop_view(ANA, view.id)
    assert [v.name for v in work.queues.views(ANA)] == ["secret"]
    for name, query, sort in (("", "", "due"), ("x" * 61, "", "due"), ("x", "", "random")):
        with pytest.raises(ViewError):
            work.queues.save_view(ANA, name, query, sort)


def test_files_of_cases(tmp_path: Path) -> None:
    """Kept once under their content, handed out whole, destroyed with the last case that has them."""
    desk = Desk(tmp_path / "desk.db")
    work = Casework(desk, Clock(), casework().orders, Team(), EvidenceFolder(tmp_path / "evidence"), b"k" * 16)  # fmt: skip
    take_all(work, journal_of(payment(1, "c1", "u1"), payment(2, "c2", "u2")))
    one = work.files.add(ANA, 1, "../../shot.png", PNG)
    two = work.files.add(BEN, 2, "same.png", PNG)
    found, content = work.files.read(ANA, 1, one)
    assert (found.name, found.media_type, content) == ("shot.png", "image/png", PNG)
    stored = [p for p in (tmp_path / "evidence").rglob("*") if p.is_file()]
    assert [p.name for p in stored] == [found.digest]
    assert stored[0].stat().st_mode & 0o077 == 0
    with pytest.raises(EvidenceError):
        work.files.add(ANA, 1, "x.png", b"<html>")
    work.files.remove(ANA, 1, one)
    assert stored[0].exists()
    stored[0].write_bytes(b"altered")
    with pytest.raises(StorageError, match="no longer what it was"):
        work.files.read(BEN, 2, two)
    work.files.remove(BEN, 2, two)
    assert not stored[0].exists()
    desk.close()


def test_a_case_has_so_many_files_and_no_more() -> None:
    """The limit holds, whatever the files are called."""
    work = begun(Desk())
    for n in range(50):
        work.files.add(ANA, 1, "a.png", PNG + bytes([n]))
    with pytest.raises(EvidenceError) as error:
        work.files.add(ANA, 1, "a.png", PNG + b"\xff")
    assert error.value.wrong == "too_many"


def test_mistaken_standing_orders_keep_the_desk_closed(tmp_path: Path) -> None:
    """Better no queue than one under other rules than were written."""
    (tmp_path / "casework.toml").write_text("[deadline.high]\nminutes = 0\n")
    with pytest.raises(OrdersError, match=r"casework\.toml, deadline\.high\.minutes"):
        open_casework(Desk(), Clock(), tmp_path, None, b"k" * 16)
    (tmp_path / "casework.toml").unlink()
    assert open_casework(Desk(), Clock(), tmp_path, None, b"k" * 16).orders.rest == "general"


def test_what_the_desk_counts_up_is_what_it_would_sum(desk: Desk) -> None:
    """Adding one alert after the other gives the figures that all of them give."""
    work = begun(desk)
    from kanhe.stores.desk import cases

    take_all(
        work, journal_of(*[payment(n, f"c{n % 3}", f"u{n}", n * 911 % 7000) for n in range(1, 6)])
    )
    with desk.writing() as connection:
        before = connection.execute(select(CASES)).all()
        for one in before:
            cases.summed(connection, one.number, bool(one.is_active))
        assert connection.execute(select(CASES)).all() == before


def test_an_alert_about_all_rules_is_the_gravest() -> None:
    """When everything together is held, everything is affected."""
    assert of_trip(1, "shop", "g", "t", 0, {"rule": "*", "people": "9"}).severity == "critical"


def test_a_row_that_raises_nothing_moves_on() -> None:
    """The position passes what is no alert, so that it is not read again."""
    desk = Desk()
    work = casework(desk)
    journal = journal_of(row(1, "allow", 0, user="u"))
    assert work.take_up(journal) == 1
    assert work.take_up(journal) == 0
