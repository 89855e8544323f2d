"""What is asked of the index: who hangs together, what is normal, what happens now, and how fast."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from kanhe.app.looking import Asked, Looking, NotThereError, Span, Wanted
from kanhe.app.looking.judge_metrics import latency, quantile, samples, value_of
from kanhe.core.actor import Actor
from kanhe.core.settings import Settings
from kanhe.record.journal.ports import Row
from kanhe.record.traces import Trace
from kanhe.stores.sqlite.index_writer import IndexWriter
from kanhe.stores.sqlite.journal import SqliteJournal
from tests.index.shops import START_MS, event_row, index_all
from tests.index.shops import plain_meaning as plain_meaning

ANYONE = Actor(staff="lin", name="Lin")
SHOP = Actor(staff="mei", name="Mei", tenant="shop")
STALL = Actor(staff="otto", name="Otto", tenant="stall")
HOUR = 3_600_000


def _looking(folder: Path, rows: Sequence[Row], now_ms: int = START_MS) -> Looking:
    journal = SqliteJournal(folder / "journal.db")
    for row in rows:
        journal.append(row)
    journal.commit()
    journal.close()
    index_all(folder)
    return Looking(Settings(data_dir=str(folder)), lambda: now_ms)


def test_people_hang_together_by_what_they_share_and_not_by_a_hub(tmp_path: Path) -> None:
    """Two accounts on one device are linked; an address that hundreds use is shown, and leads nowhere."""
    bodies: list[dict[str, str]] = [
        {"user": "ann", "device": "d1", "ip": "192.0.2.1", "merchant": "m"},
        {"user": "bob", "device": "d1", "card": "c-bob", "ip": "192.0.2.1"},
        {"user": "bob", "card": "c-bob", "address": "a-bob"},
        *({"user": f"stranger-{n}", "ip": "192.0.2.1", "merchant": "m"} for n in range(300)),
    ]
    rows = [event_row(n, "shop", "payment.attempted", body, outcome="deny" if n < 4 else "allow")
            for n, body in enumerate(bodies, 1)]  # fmt: skip
    looking = _looking(tmp_path, rows)
    graph = looking.linked(SHOP, "shop", [("user", "ann")])
    found = {(node.kind, node.value): node for node in graph.nodes}
    assert graph.nodes[0].value == "ann"
    assert {("device", "d1"), ("user", "bob"), ("card", "c-bob")} <= set(found)
    assert found["ip", "192.0.2.1"].is_hub
    assert found["merchant", "m"].is_hub
    assert not any(node.value.startswith("stranger") for node in graph.nodes)
    assert found["user", "bob"].refused == 2
    assert found["device", "d1"].steps == 1
    assert found["user", "bob"].steps == found["card", "c-bob"].steps == 2
    # Whoever is further away is a matter of a page of their own.
    assert ("address", "a-bob") not in found
    places = {(graph.nodes[edge.one].value, graph.nodes[edge.other].value) for edge in graph.edges}
    assert ("ann", "d1") in places
    hub = looking.linked(SHOP, "shop", [("ip", "192.0.2.1")])
    assert len(hub.nodes) <= 30
    assert hub.is_cut
    with pytest.raises(NotThereError):
        looking.linked(STALL, "shop", [("user", "ann")])
    assert looking.linked(STALL, "stall", [("user", "ann")]).nodes == ()
    assert looking.linked(ANYONE, "shop", [("user", "nobody")]).nodes == ()
    looking.close()


def test_a_timeline_is_read_page_by_page(tmp_path: Path) -> None:
    """Every event stands on one page, in order, however many pages there are, and with any filter."""
    rows = [event_row(n, "shop", "order.placed" if n % 3 else "payment.attempted", {"user": "u"},
                      outcome="deny" if n % 5 == 0 else "allow") for n in range(1, 124)]  # fmt: skip
    looking = _looking(tmp_path, rows)
    for asked, wanted in (
        (Asked(most=10), list(range(123, 0, -1))),
        (Asked(type="payment.attempted", most=7), [n for n in range(123, 0, -1) if n % 3 == 0]),
        (Asked(outcome="deny", most=7), [n for n in range(123, 0, -1) if n % 5 == 0]),
        (Asked(type="no.such"), []),
    ):
        seen: list[int] = []
        before = 0
        while True:
            page = looking.timeline(SHOP, "user", "u", asked._replace(before=before))
            seen += [line.seq for line in page.lines]
            before = page.next_before
            if not before:
                break
        assert seen == wanted
    looking.close()


def test_analytics_count_what_happened(tmp_path: Path) -> None:
    """Steps, mistakes, money and rules are those of the events of the span, and of one tenant."""
    rows = [
        event_row(
            n, "shop" if n % 2 else "stall", "payment.attempted",
            {"payment": f"p{n}", "amount_minor": 100, "currency": "EUR"},
            outcome=("deny", "allow", "review")[n % 3], rules=["r1"] if n % 3 != 1 else [],
            at_ms=START_MS + n * HOUR,
        )
        for n in range(1, 61)
    ]  # fmt: skip
    rows += [
        event_row(60 + n, "shop", "label.assigned", {"payment": f"p{n}", "verdict": verdict},
                  at_ms=START_MS + (n + 10) * HOUR)
        for n, verdict in ((3, "fraud"), (9, "legitimate"), (7, "fraud"), (5, "legitimate"))
    ]  # fmt: skip
    rows = [row._replace(seq=seq) for seq, row in enumerate(rows, 1)]
    looking = _looking(tmp_path, rows)
    span = Span(START_MS, START_MS + 61 * HOUR, "payment.attempted")
    view = looking.analytics(SHOP, span)
    shown = [row for row in rows[:60] if row.tenant == "shop"]
    assert sum(step.events for step in view.steps) == len(shown)
    assert view.outcomes == {"deny": 10, "allow": 10, "review": 10}
    wrong = view.mistakes
    assert (wrong.stopped, wrong.stopped_known, wrong.stopped_legitimate) == (20, 3, 2)
    assert (wrong.denied_known, wrong.denied_legitimate) == (2, 1)
    assert (wrong.allowed_known, wrong.allowed_fraud) == (1, 1)
    assert wrong.delay_ms == 10 * HOUR
    (money,) = view.money
    assert money == ("XTS", 2_000, 4_000, 200, 200, 200)
    (rule,) = view.rules
    assert (rule.fired, rule.denied, rule.known, rule.fraud, rule.legitimate) == (20, 10, 3, 1, 2)
    assert rule.precision == pytest.approx(1 / 3)
    assert len(looking.analytics(ANYONE, span._replace(time_zone="Asia/Shanghai")).steps) == 62
    by_day = looking.analytics(ANYONE, Span(START_MS - 60 * 24 * HOUR, START_MS + 61 * HOUR))
    assert sum(step.events for step in by_day.steps) == 64
    assert len(by_day.steps) in (63, 64)
    assert looking.analytics(STALL, Span(0, 1)).steps
    looking.close()


def test_live_figures_are_those_of_the_last_seconds(tmp_path: Path) -> None:
    """Rates, outcomes, rules and countries count what was received just now, by the own tenant."""
    now = START_MS + 120_000
    rows = [
        event_row(n, "shop", "order.placed", {"ip_country": "CN" if n % 2 else "DE"},
                  outcome="deny" if n % 4 == 0 else "allow", rules=["r"] if n % 4 == 0 else [],
                  received_ms=now - 1_500 - 100 * n)
        for n in range(1, 81)
    ]  # fmt: skip
    rows.append(
        event_row(81, "stall", "order.placed", {"ip_country": "FR"}, received_ms=now - 2000)
    )
    looking = _looking(tmp_path, rows, now)
    live = looking.live(SHOP)
    assert live.events_per_s == pytest.approx(8.0)
    assert live.outcomes["deny"] == 20
    assert sum(sum(values) for values in live.by_outcome.values()) == 80
    assert len(live.seconds) == 120
    assert [(one.what, one.events, one.refused) for one in live.rules] == [("r", 20, 20)]
    assert {one.what: one.events for one in live.countries} == {"CN": 40, "DE": 40}
    assert {one.part: one.state for one in live.health}["judge"] == "bad"
    assert {one.part: one.figure for one in live.health}["index"] == 0
    assert looking.live(ANYONE).outcomes["recorded"] == 1
    looking.close()


def test_acts_are_found_by_who_what_and_whom(tmp_path: Path) -> None:
    """An audit is narrowed by person, act, subject and time, page by page, within the own tenant."""
    rows = [
        event_row(n, "shop" if n % 3 else "stall", "staff.action",
                  {"staff": f"s{n % 2}", "staff_action": ("viewed", "exported")[n % 4 == 0],
                   "user": f"u{n % 5}", "note": f"note {n}"}, at_ms=START_MS + n * HOUR)
        for n in range(1, 61)
    ]  # fmt: skip
    looking = _looking(tmp_path, rows)

    def asked(actor: Actor, **wanted: object) -> list[int]:
        found, before = [], 0
        while True:
            page = looking.audit(actor, Wanted(before=before, most=7, **wanted))  # type: ignore[arg-type]  # of tests
            found += [line.seq for line in page.lines]
            before = page.next_before
            if not before:
                return found

    everything = range(60, 0, -1)
    assert asked(ANYONE) == list(everything)
    assert asked(SHOP) == [n for n in everything if n % 3]
    assert asked(ANYONE, who="s1") == [n for n in everything if n % 2]
    assert asked(ANYONE, act="exported") == [n for n in everything if n % 4 == 0]
    assert asked(STALL, kind="user", value="u2") == [
        n for n in everything if n % 5 == 2 and n % 3 == 0
    ]
    assert asked(ANYONE, begin_ms=START_MS + 50 * HOUR, end_ms=START_MS + 55 * HOUR) == [
        54, 53, 52, 51, 50,
    ]  # fmt: skip
    assert asked(ANYONE, who="nobody") == []
    assert looking.audit(ANYONE, Wanted(most=1)).lines[0].told == {"note": "note 60"}
    looking.close()


def test_quantiles_are_those_between_two_readings() -> None:
    """The time below which 99% of answers lie is read from two scrapes, evenly between two bounds."""
    before = "\n".join((
        "# HELP kanhe_decision_seconds x", 'kanhe_decision_seconds_bucket{le="0.01"} 100',
        'kanhe_decision_seconds_bucket{le="0.1"} 100',
        'kanhe_decision_seconds_bucket{le="+Inf"} 100', "kanhe_log_waiting 7", "garbage {",
    ))  # fmt: skip
    after = before.replace('0.01"} 100', '0.01"} 190').replace('0.1"} 100', '0.1"} 199').replace(
        'Inf"} 100', 'Inf"} 200'
    )  # fmt: skip
    old, new = latency(samples(before)), latency(samples(after))
    assert value_of(samples(before), "kanhe_log_waiting") == 7
    assert quantile(old, new, 0.5) == pytest.approx(0.01 * 50 / 90)
    assert quantile(old, new, 0.95) == pytest.approx(0.01 + 0.09 * 5 / 9)
    assert quantile(old, new, 1.0) == pytest.approx(0.1)
    assert quantile(new, old, 0.5) is None
    assert quantile(new, new, 0.5) is None
    assert not math.isnan(quantile((), new, 0.99) or 0.0)


def test_lists_are_told_by_people_and_by_rules(tmp_path: Path) -> None:
    """What puts an entity on a list or takes it off is found, and the newest word says where it stands."""
    rows = [
        event_row(1, "shop", "list.entry_added", {"list_name": "bad_cards", "value": "c", "staff": "s"}),
        event_row(2, "shop", "payment.attempted", {"card": "c"}, outcome="deny", rules=["r"]),
        event_row(3, "shop", "list.entry_removed", {"list_name": "bad_cards", "value": "c",
                                                    "staff": "t"}),
        event_row(4, "shop", "list.entry_added", {"list_name": "other", "value": "c", "staff": "s"}),
    ]  # fmt: skip
    answer = rows[1].answer.replace(
        b'"reasons"',
        b'"actions": [{"kind": "list_add", "what": "watched", "value": "c", "for_ms": 5000},'
        b' {"kind": "list_add", "what": "elsewhere", "value": "x"}], "reasons"',
    )
    rows[1] = rows[1]._replace(answer=answer)
    looking = _looking(tmp_path, rows)
    found = looking.listings(SHOP, "card", "c")
    assert [(one.list_name, one.is_on, one.by) for one in found.changes] == [
        ("bad_cards", False, "t"), ("watched", True, "r"), ("bad_cards", True, "s"),
    ]  # fmt: skip
    assert [one.list_name for one in found.standing] == ["watched"]
    looking.close()
    later = Looking(Settings(data_dir=str(tmp_path)), lambda: START_MS + 5001)
    assert later.listings(SHOP, "card", "c").standing == ()
    later.close()


@pytest.mark.slow
def test_an_entity_with_a_hundred_thousand_events_is_shown_at_once(tmp_path: Path) -> None:
    """Everything that its page asks for takes less than 150 ms together."""
    SqliteJournal(tmp_path / "journal.db").close()
    (tmp_path / "index").mkdir()
    writer = IndexWriter(tmp_path / "index" / "index.db")
    truths = writer.truths(_NoRows())
    for begin in range(1, 100_001, 5_000):
        writer.add(
            [
                Trace(
                    n, "shop", f"e{n}", "payment.attempted", ("allow", "deny")[n % 50 == 0], "EUR",
                    START_MS + n * 20_000, START_MS + n * 20_000, 100, 0, "CN",
                    (("merchant", "m"), ("user", f"u{n % 9_000}"), ("ip", f"192.0.2.{n % 200}")),
                    ("r1",) if n % 50 == 0 else (),
                )
                for n in range(begin, begin + 5_000)
            ],
            truths,
        )  # fmt: skip
    writer.close()
    looking = Looking(Settings(data_dir=str(tmp_path)), lambda: START_MS)
    took = []
    for _ in range(4):
        took.append(_seconds_of_a_page(looking))
    entity = looking.entity(SHOP, "merchant", "m")
    page = looking.timeline(SHOP, "merchant", "m", Asked())
    rare = looking.timeline(SHOP, "merchant", "m", Asked(outcome="deny"))
    graph = looking.linked(SHOP, "shop", [("merchant", "m")])
    assert entity.events == 100_000
    assert entity.outcomes == {"allow": 98_000, "deny": 2_000}
    assert len(page.lines) == len(rare.lines) == 50
    assert len(graph.nodes) == 30
    assert min(took) < 0.15, took
    looking.close()


def _seconds_of_a_page(looking: Looking) -> float:
    begun = time.perf_counter()
    looking.entity(SHOP, "merchant", "m")
    looking.timeline(SHOP, "merchant", "m", Asked(outcome="deny"))
    looking.linked(SHOP, "shop", [("merchant", "m")])
    return time.perf_counter() - begun


class _NoRows:
    """A journal of which nobody asks anything here."""

    def row(self, seq: int) -> None:
        return None

    def find(self, tenant: str, event_id: str) -> None:
        return None
