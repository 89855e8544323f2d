"""A backtest says of a policy what counting by hand says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.time import DAY_MS
from kanhe.judge.policy.pack import Pack
from kanhe.learn.backtest import Blocks, Report, measure
from kanhe.learn.judged import judge_past
from kanhe.learn.truth import Assumptions, Unlabelled
from kanhe.record.journal.ports import DECIDED, ERASED, RECORDED, Row
from kanhe.replay.span import Span
from tests.learn.shops import (
    START_MS,
    RowsPast,
    Slow,
    flow_of,
    label,
    pay,
    rows_of,
    shop_pack,
    slowly,
)

LAST_DAY = 40.0


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """The policy of the shop."""
    return shop_pack(tmp_path_factory.mktemp("shop"))


def report_of(pack: Pack, events: list[dict[str, Any]], **asked: Any) -> Report:
    """The backtest of these events."""
    judged = judge_past(RowsPast(rows_of(events)), flow_of(pack))
    return measure(judged, Assumptions(**{"delay_ms": 0, **asked}))


_payments = st.lists(
    st.tuples(
        st.floats(0, 30),
        st.sampled_from([None, "u0", "u1", "u2", "u3"]),
        st.sampled_from(["c1", "c2"]),
        st.sampled_from([0, 100, 2_900, 5_001, 90_000]),
        st.sampled_from(["", "fraud", "abuse", "legitimate", "unknown"]),
    ),
    min_size=1,
    max_size=40,
)


def _shop(payments: list[Any]) -> list[dict[str, Any]]:
    events = []
    for n, (day, user, card, minor, verdict) in enumerate(payments):
        events.append(pay(f"e{n}", day, user, card, minor))
        if verdict:
            events.append(label(f"l{n}", day + 5, f"e{n}", verdict))
    return sorted(events, key=lambda e: e["at_ms"])


@settings(deadline=None, max_examples=60)
@given(_payments, st.sampled_from(["honest", "unknown"]), st.sampled_from([0, 7 * DAY_MS]))
def test_every_figure_is_what_counting_gives(
    pack: Pack, payments: list[Any], unlabelled: Unlabelled, delay_ms: int
) -> None:
    """Counts, shares, money, rules, buyers and days are those of a slow count, one by one."""
    events = _shop(payments)
    report = report_of(pack, events, unlabelled=unlabelled, delay_ms=delay_ms)
    slow = [one for one in slowly(events, pack) if one.row.type == "payment.attempted"]
    latest = max(e["at_ms"] for e in events)
    saying = any(one.verdict in ("fraud", "abuse", "legitimate") for one in slow)
    measured = [one for one in slow if saying and one.row.at_ms <= latest - delay_ms]
    fraud = [one for one in measured if one.verdict in ("fraud", "abuse")]
    honest = [
        one for one in measured
        if one.verdict == "legitimate" or (one.verdict == "" and unlabelled == "honest")
    ]  # fmt: skip
    assert (report.truth.measured, report.truth.fraud) == (len(measured), len(fraud))
    assert report.truth.labelled_honest + report.truth.assumed_honest == len(honest)
    _check_steps(report, measured, fraud, honest)
    _check_money(report, fraud, honest)
    _check_rules(report, pack, slow, fraud, honest)
    _check_buyers(report, honest)
    assert sum(day.events for day in report.days) == len(events)
    alerts = [
        one for one in slow
        if one.severity >= 2 or any(a.kind == "notify" for a in one.decision.actions)
    ]  # fmt: skip
    assert report.alerts.total == sum(day.alerts for day in report.days) == len(alerts)
    assert sum(day.caught for day in report.days) == sum(one.severity >= 2 for one in fraud)


def _check_steps(
    report: Report, measured: list[Slow], fraud: list[Slow], honest: list[Slow]
) -> None:
    for step, reached in enumerate(report.now.reached, 1):
        caught = [one for one in fraud if one.severity >= step]
        wrong = [one for one in honest if one.severity >= step]
        assert reached.events == sum(one.severity >= step for one in measured)
        assert (reached.fraud, reached.honest) == (len(caught), len(wrong))
        assert (reached.precision.count, reached.precision.of) == (
            len(caught), len(caught) + len(wrong),
        )  # fmt: skip
        assert (reached.recall.count, reached.recall.of) == (len(caught), len(fraud))
        assert (reached.false_positives.count, reached.false_positives.of) == (
            len(wrong), len(honest),
        )  # fmt: skip
        assert reached.fraud_money.minor == _money(caught)
        assert reached.honest_money.minor == _money(wrong)


def _check_money(report: Report, fraud: list[Slow], honest: list[Slow]) -> None:
    money = report.now.money
    assert money.fraud.minor == _money(fraud)
    assert money.saved.minor == _money([one for one in fraud if one.severity >= 2])
    assert money.missed.minor == money.fraud.minor - money.saved.minor
    for name, severity in (("refused", 3), ("held", 2), ("challenged", 1)):
        wrong = [one for one in honest if one.severity == severity]
        assert getattr(money, name).minor == _money(wrong)


def _check_rules(
    report: Report, pack: Pack, slow: list[Slow], fraud: list[Slow], honest: list[Slow]
) -> None:
    for found in report.rules:
        rule = found.rule
        fired = [one for one in slow if any(s.rule == rule and not s.error for s in one.signals)]
        spoke = [one for one in slow if any(s.rule == rule for s in one.signals)]
        decisive = [one for one in spoke if one.severity > one.without(rule, pack)]
        stopping = [one for one in decisive if one.severity >= 2 > one.without(rule, pack)]
        assert found.events == len(fired)
        assert found.failed == len(spoke) - len(fired)
        assert found.fraud == sum(one in fraud for one in fired)
        assert found.honest == sum(one in honest for one in fired)
        assert found.decisive == len(decisive)
        assert found.decisive_fraud == sum(one in fraud for one in decisive)
        assert found.decisive_honest == sum(one in honest for one in decisive)
        assert found.softened == sum(one.severity < one.without(rule, pack) for one in spoke)
        assert found.saved.minor == _money([one for one in stopping if one in fraud])
        assert found.refused.minor == _money([one for one in stopping if one in honest])
        assert found.recall.of == len(fraud)
    counted = {(pair.one, pair.other): pair.together for pair in report.pairs}
    for (one, other), together in counted.items():
        both = [
            s for s in slow if {one, other} <= {signal.rule for signal in s.signals if not signal.error}
        ]  # fmt: skip
        assert together == len(both)


def _check_buyers(report: Report, honest: list[Slow]) -> None:
    everyone = {_buyer(one) for one in honest}
    for step, hit in enumerate(report.hits, 1):
        wrong = [one for one in honest if one.severity >= step]
        assert (hit.buyers.count, hit.buyers.of) == (len({_buyer(o) for o in wrong}), len(everyone))
        assert (hit.events, hit.money.minor) == (len(wrong), _money(wrong))
    told = {one.row.event_id: one for one in honest}
    for example in report.examples:
        one = told[example.event_id]
        assert example.outcome == one.decision.outcome != "allow"
        assert example.reasons == one.decision.reasons
        assert (example.buyer_kind, example.buyer) == _buyer(one)
    hit_buyers = {_buyer(one) for one in honest if one.severity >= 1}
    assert len(report.examples) == min(20, len(hit_buyers))


def _buyer(one: Slow) -> tuple[str, str]:
    kind = "user" if "user" in one.body else "card"
    return kind, one.body[kind]


def _money(some: list[Slow]) -> int:
    return sum(one.body["amount_minor"] for one in some)


def test_a_label_counts_only_once_it_was_known(pack: Pack) -> None:
    """What was said after the stated day is not known, and events younger than the delay are left out."""
    events = [
        pay("old", 0, "u1", "c1", 100), pay("late", 1, "u2", "c2", 100),
        label("l1", 3, "old", "fraud"), label("l2", 20, "late", "fraud"),
        pay("young", 29, "u3", "c3", 100), label("l3", 29.5, "young", "fraud"),
    ]  # fmt: skip
    past = RowsPast(rows_of(events))
    early = judge_past(past, flow_of(pack), known_by_ms=START_MS + 10 * DAY_MS)
    counts = measure(early, Assumptions(delay_ms=7 * DAY_MS)).truth
    assert (counts.fraud, counts.assumed_honest, counts.young) == (1, 1, 1)
    late = judge_past(past, flow_of(pack), known_by_ms=START_MS + 30 * DAY_MS)
    counts = measure(late, Assumptions(delay_ms=7 * DAY_MS)).truth
    assert (counts.fraud, counts.assumed_honest, counts.young) == (2, 0, 1)


def test_what_was_stopped_at_the_time_is_never_taken_for_honest(pack: Pack) -> None:
    """A denied payment gets no chargeback: without a label nothing is known about it."""
    rows = rows_of([pay("denied", 0, "u1", "c1", 9_900), pay("paid", 1, "u2", "c2", 9_900),
                    pay("cleared", 1, "u3", "c3", 9_900),
                    label("l1", 2, "cleared", "legitimate")])  # fmt: skip
    rows[0] = rows[0]._replace(answer=b'{"outcome":"deny","score":0}')
    rows[1] = rows[1]._replace(answer=b'{"outcome":"allow","score":0}')
    rows[2] = rows[2]._replace(answer=b'{"outcome":"review","score":0}')
    report = measure(judge_past(RowsPast(rows), flow_of(pack)), Assumptions(delay_ms=0))
    truth = report.truth
    assert (truth.stopped_then, truth.assumed_honest, truth.labelled_honest) == (1, 1, 1)
    # All three would be held now; then, one of two honest ones was.
    assert report.then is not None
    assert [r.honest for r in report.then.reached] == [1, 1, 0]
    assert [r.honest for r in report.now.reached] == [2, 2, 0]
    assert report.then.money.held.minor == 9_900


def test_only_the_span_is_measured_and_all_of_the_past_counts(pack: Pack) -> None:
    """Events before the span count in windows and lists and for labels; none outside is measured."""
    events = [pay(f"e{n}", n / 10, "u1", "c1", 100) for n in range(4)]
    events += [pay("inside", 0.5, "u1", "c1", 100), pay("after", 3, "u1", "c1", 100),
               label("l", 9, "inside", "fraud")]  # fmt: skip
    rows = rows_of(events)
    for span in (
        Span(first_seq=5, last_seq=5),
        Span(from_ms=START_MS + DAY_MS * 45 // 100, to_ms=START_MS + DAY_MS),
    ):
        judged = judge_past(RowsPast(rows), flow_of(pack), span)
        report = measure(judged, Assumptions(delay_ms=0))
        assert report.truth.decided == 1
        assert [r.fraud for r in report.now.reached] == [1, 1, 1], "the list holds the card by now"


def test_tenants_are_kept_apart(pack: Pack) -> None:
    """A buyer is a buyer of one tenant, and only the tenant asked for is measured."""
    events = [pay("a", 0, "u1", "c1", 9_000), label("l", 1, "a", "legitimate")]
    rows = rows_of(events, "t") + [
        row._replace(seq=row.seq + 2) for row in rows_of(events, "other")
    ]  # fmt: skip
    both = measure(judge_past(RowsPast(rows), flow_of(pack)), Assumptions(delay_ms=0))
    assert [hit.buyers.of for hit in both.hits] == [2, 2, 2]
    one = measure(judge_past(RowsPast(rows), flow_of(pack), tenant="t"), Assumptions(delay_ms=0))
    assert [hit.buyers.of for hit in one.hits] == [1, 1, 1]


def test_what_is_no_decision_is_counted_apart(pack: Pack) -> None:
    """Recorded events, erased rows, unknown types and money without a rate have their own counts."""
    rows = rows_of([pay("a", 0, "u1", "c1", 100), pay("b", 0, "u1", "c1", 100),
                    pay("c", 0, "u1", "c1", 100, currency="JPY"), pay("d", 0, "u1", "c1", 1)])  # fmt: skip
    rows[1] = rows[1]._replace(kind=RECORDED)
    rows[3] = rows[3]._replace(kind=ERASED, event_id="", body=b"\0")
    strange = Row(5, "t", "x", DECIDED, "our.own", START_MS, START_MS, "", b'{"type":"our.own"}',
                  b"", b"")  # fmt: skip
    report = measure(judge_past(RowsPast([*rows, strange]), flow_of(pack)))
    assert (report.rows, report.recorded, report.erased, report.unconverted) == (5, 1, 1, 1)
    assert report.unknown_types == {"our.own": 1}
    assert report.truth.decided == 2


def test_an_empty_past_gives_an_empty_report(pack: Pack) -> None:
    """Without events, or without labels, there are no figures but a note that says why."""
    empty = measure(judge_past(RowsPast([]), flow_of(pack)))
    assert empty.notes == ("no_events",)
    assert empty.now.reached[0].precision.value is None
    bare = report_of(pack, [pay("a", 0, "u1", "c1", 100)])
    assert bare.notes == ("no_labels",)
    young = report_of(pack, [pay("a", 0, "u1", "c1", 1), label("l", 0, "a", "fraud")],
                      delay_ms=DAY_MS)  # fmt: skip
    assert young.notes == ("all_young",)
    some = report_of(pack, [pay("a", 0, "u1", "c1", 1), label("l", 1, "a", "fraud")])
    assert some.notes == ("few_fraud", "no_honest")


def test_types_can_be_named(pack: Pack) -> None:
    """Asked for by name, types without any label are measured as well."""
    refund = {**pay("r", 0, "u1", "c1", 100), "type": "refund.requested", "order": "o1"}
    events = [refund, pay("a", 0, "u1", "c1", 100), label("l", 1, "a", "fraud")]
    assert report_of(pack, events).truth.other_types == {"label.assigned": 1, "refund.requested": 1}
    named = report_of(pack, events, types=("refund.requested",))
    assert named.truth.measured == 1
    broken = next(rule for rule in named.rules if rule.rule == "broken")
    assert (broken.failed, broken.decisive) == (1, 1), (
        "a failed rule asks for review of refunds here"
    )


@pytest.mark.parametrize("blocks", ["buyer", "day"])
def test_intervals_hold_the_sums(pack: Pack, blocks: Blocks) -> None:
    """Money stands within its interval, by buyers as well as by days, and repeats exactly."""
    chance = np.random.default_rng(1)
    events = []
    for n in range(600):
        day = n / 20
        events.append(pay(f"e{n}", day, f"u{chance.integers(1, 80)}", f"c{n}",
                          int(chance.integers(100, 9_000))))  # fmt: skip
        if n % 3 == 0:
            events.append(label(f"l{n}", day, f"e{n}", "fraud" if n % 2 else "legitimate"))
    judged = judge_past(RowsPast(rows_of(events)), flow_of(pack))
    report = measure(judged, Assumptions(delay_ms=0), blocks=blocks)
    for money in (report.now.money.fraud, report.now.money.saved, report.now.money.held):
        assert money.low is not None and money.high is not None
        assert money.low < money.minor < money.high
        assert money.blocks <= (80 if blocks == "buyer" else 30)
    assert report == measure(judged, Assumptions(delay_ms=0), blocks=blocks)
