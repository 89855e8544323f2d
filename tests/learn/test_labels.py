"""What holds about an event: authority, time, subjects, tenants."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.judge.intake.registry import builtin
from kanhe.record.journal.ports import ERASED, Row
from kanhe.record.labels import (
    AUTHORITIES,
    NOTHING,
    SOURCES,
    SUBJECTS,
    VERDICTS,
    Subject,
    gather,
)
from tests.learn.pasts import about, day, event, paid, said, verdict


def disputed(seq: int, at: float, reason: str | None = "fraud", stage: str | None = "first",
             **fields: Any) -> Row:  # fmt: skip
    """A chargeback of the payment."""
    named = {"chargeback_reason": reason, "chargeback_stage": stage, **fields}
    return event(seq, f"cb{seq}", "chargeback.received", at,
                 **{"subject_event": "pay", **{k: v for k, v in named.items() if v}})  # fmt: skip


def resolved(seq: int, at: float, outcome: str, reason: str = "fraud", **fields: Any) -> Row:
    """A complaint about the payment that was closed."""
    return event(seq, f"cr{seq}", "complaint.resolved", at, complaint="cp", complaint_reason=reason,
                 complaint_outcome=outcome, **{"subject_event": "pay", **fields})  # fmt: skip


def test_every_source_of_the_registry_has_an_authority() -> None:
    """No label_source and no verdict that an event may carry is unknown to the order of authority."""
    fields = builtin().fields_of("label.assigned")
    assert set(fields["label_source"].choices) == set(SOURCES)
    assert set(fields["verdict"].choices) == set(VERDICTS)
    assert set(SOURCES.values()) == set(AUTHORITIES)


def test_every_subject_is_a_field_of_claims() -> None:
    """What a claim can name stands in the registry, and some event can be meant by it."""
    types = builtin().types
    for kind, prefixes in SUBJECTS.items():
        assert any(kind in builtin().fields_of(t) for t in ("label.assigned", "complaint.resolved"))
        for prefix in prefixes:
            assert any(kind in builtin().fields_of(t) for t in types if t.startswith(prefix))


def test_nobody_said_anything() -> None:
    """An event without claims has no label at any time."""
    assert about([], paid()) is NOTHING
    assert NOTHING.holding(day(10_000)) is None


@pytest.mark.parametrize("weaker", range(len(AUTHORITIES) - 1))
def test_a_greater_authority_holds_whenever_it_speaks(weaker: int) -> None:
    """A weaker word neither before nor after changes what a stronger one said."""
    source = {authority: source for source, authority in SOURCES.items()}
    low, high = (source[AUTHORITIES[rank]] for rank in (weaker, weaker + 1))
    rows = [said(2, "legitimate", 1, source=low), said(3, "fraud", 2, source=high),
            said(4, "legitimate", 3, source=low)]  # fmt: skip
    assert verdict(rows, paid()) == "fraud"
    assert verdict(rows, paid(), as_of=1.5) == "legitimate"


def test_within_an_authority_the_latest_holds() -> None:
    """Who cleared it later overturns; when it was established counts, not when we were told."""
    rows = [said(2, "fraud", 5, 5, "manual_review"), said(3, "legitimate", 3, 9, "manual_review")]
    assert verdict(rows, paid()) == "fraud"
    rows.append(said(4, "legitimate", 6, 10, "manual_review"))
    assert verdict(rows, paid(), as_of=9) == "fraud"
    assert verdict(rows, paid(), as_of=10) == "legitimate"


def test_equal_times_are_decided_by_the_journal() -> None:
    """Of two claims of one moment the one with the higher number holds."""
    assert verdict([said(2, "fraud", 1), said(3, "abuse", 1)], paid()) == "abuse"


def test_it_is_known_from_when_it_was_received() -> None:
    """What somebody found on day 1 and told on day 30 is not known on day 29."""
    rows = [said(2, "fraud", 1, 30)]
    assert verdict(rows, paid(), as_of=29.99) is None
    assert verdict(rows, paid(), as_of=30) == "fraud"


def test_nothing_is_known_of_an_event_before_it_arrived() -> None:
    """A claim that comes before its event counts from the event's arrival on."""
    late = event(9, "pay", "payment.attempted", 0, 20)
    rows = [said(2, "fraud", 1, 2)]
    assert verdict(rows, late, as_of=10) is None
    assert verdict(rows, late, as_of=20) == "fraud"


def test_a_claim_made_before_its_event_is_refused() -> None:
    """A label that lies before its event by its own time never holds, and can be seen."""
    found = about([said(2, "fraud", 1)], paid(at=2))
    assert found.claims == ()
    assert [claim.event_id for claim in found.refused] == ["l2"]
    assert found.holding(day(10_000)) is None


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (disputed(2, 1), "fraud"),
        (disputed(2, 1, stage=None), "fraud"),
        (disputed(2, 1, stage="inquiry"), None),
        (disputed(2, 1, stage="won"), "legitimate"),
        (disputed(2, 1, stage="lost"), "fraud"),
        (disputed(2, 1, reason="not_received"), None),
        (disputed(2, 1, reason="not_received", stage="won"), None),
        (disputed(2, 1, reason=None), None),
        (resolved(2, 1, "upheld"), "fraud"),
        (resolved(2, 1, "partly_upheld"), "fraud"),
        (resolved(2, 1, "rejected"), "legitimate"),
        (resolved(2, 1, "settled"), None),
        (resolved(2, 1, "withdrawn"), None),
        (resolved(2, 1, "upheld", reason="not_as_described"), None),
    ],
)
def test_what_disputes_and_complaints_say(row: Row, expected: str | None) -> None:
    """Where their reason is fraud they say whether it was; other disputes say nothing about it."""
    assert verdict([row], paid()) == expected
    assert gather([row]).silent == (expected is None)


def test_the_end_of_a_dispute_overrules_everybody() -> None:
    """A dispute that the shop won clears the payment, whatever the bank or an analyst said."""
    rows = [disputed(2, 1), said(3, "fraud", 2, source="manual_review"), disputed(4, 3, stage="won"),
            said(5, "fraud", 4, source="chargeback")]  # fmt: skip
    assert verdict(rows, paid(), as_of=2) == "fraud"
    assert verdict(rows, paid()) == "legitimate"


def test_an_analyst_can_clear_on_the_bank_s_behalf() -> None:
    """After a review of the dispute a label with its source replaces what the chargeback said."""
    rows = [disputed(2, 1), said(3, "legitimate", 2, source="manual_review")]
    assert verdict(rows, paid()) == "fraud"
    assert verdict([*rows, said(4, "abuse", 2, source="chargeback")], paid()) == "abuse"


@pytest.mark.parametrize(
    ("claim", "meant"),
    [
        ({"payment": "p1"}, {"pay", "auth"}),
        ({"order": "o1"}, {"pay", "auth", "other", "order"}),
        ({"order": "o1", "card": "c1"}, {"pay", "auth", "order"}),
        ({"order": "o1", "card": "c9"}, {"order"}),
        ({"payment": "p1", "order": "o1"}, {"pay", "auth"}),
        ({"refund": "r1"}, {"refund"}),
        ({"refund": "r1", "order": "o1"}, {"refund"}),
        ({"subject_event": "order", "payment": "p1"}, {"order"}),
        ({"payment": "p2", "tenant": "b"}, set()),
        ({"order": ""}, set()),
    ],
)
def test_the_narrowest_name_tells_what_is_meant(claim: dict[str, str], meant: set[str]) -> None:
    """An event by its id; a payment's own events by its number; an order with its payments."""
    tenant = claim.pop("tenant", "a")
    rows = [
        event(1, "order", "order.placed", 0, order="o1", user="u"),
        paid(2),
        event(3, "auth", "payment.authorized", 0, payment="p1", order="o1", card="c1"),
        paid(4, "other", payment="p2", card="c2"),
        paid(5, "elsewhere", payment="p3", order="o2"),
        event(6, "refund", "refund.requested", 0, refund="r1", order="o1", payment="p1"),
        event(7, "parcel", "parcel.shipped", 0, order="o1", parcel="x"),
        said(8, "fraud", 1, **claim)._replace(tenant=tenant),
    ]
    labels = gather(rows)
    assert {row.event_id for row in rows if labels.about(row).claims} == meant


def test_a_claim_about_a_complaint_is_about_what_that_is_about() -> None:
    """Complaints, disputes and labels are followed to the event in the end, in any order of arrival."""
    opened = event(3, "cp", "complaint.opened", 1, complaint="c", payment="p1")
    closed = resolved(4, 2, "upheld", subject_event="cp")
    label = said(5, "legitimate", 3, source="police", subject_event="cr4")
    for rows in ([opened, closed, label], [label, closed, opened]):
        assert verdict(rows, paid()) == "legitimate"
        assert len(about(rows, paid()).claims) == 2
        assert about(rows, opened).claims == ()


def test_circles_lead_nowhere() -> None:
    """Labels about each other, or about themselves, say nothing, and end."""
    rows = [said(2, "fraud", 1, subject_event="l3"), said(3, "fraud", 1, subject_event="l2"),
            said(4, "fraud", 1, subject_event="l4")]  # fmt: skip
    labels = gather(rows)
    assert all(labels.about(row) is NOTHING for row in rows)
    assert labels.unaddressed == 1


def test_tenants_are_kept_apart() -> None:
    """One tenant says nothing about another one's events, whatever ids they share."""
    mine, other = paid(), paid()._replace(tenant="b")
    rows = [said(2, "fraud", 1), said(3, "abuse", 1, payment="p1")._replace(tenant="b")]
    assert verdict(rows, mine) == "fraud"
    assert verdict(rows, other) == "abuse"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b'{"id":1}', b"[" * 100_000])
def test_damaged_labels_are_counted(body: bytes) -> None:
    """A label whose body was tampered with is no claim, and hinders no other one."""
    labels = gather([said(2, "fraud", 1)._replace(body=body), said(3, "fraud", 1)])
    assert labels.unreadable == 1
    assert [claim.seq for claim in labels.claims] == [3]
    assert labels.about(paid()._replace(body=body)).holding(day(9)) is not None


def test_what_was_erased_says_nothing() -> None:
    """Neither an erased label nor an erased event takes part."""
    gone = said(2, "fraud", 1)._replace(kind=ERASED, event_id="", body=b"")
    assert verdict([gone], paid()) is None
    assert gather([said(2, "fraud", 1)]).about(paid()._replace(kind=ERASED)) is NOTHING


def test_asking_between_two_rows_changes_nothing() -> None:
    """What is taken after a question counts for the next one."""
    labels, subject = gather([]), paid()
    assert labels.about(subject) is NOTHING
    labels.take(said(2, "fraud", 1, subject_event="cp"))
    assert labels.about(subject) is NOTHING
    labels.take(event(3, "cp", "complaint.opened", 1, complaint="c", subject_event="pay"))
    assert [claim.subject for claim in labels.about(subject).claims] == [Subject("event", "pay")]


_CLAIMS = st.lists(
    st.tuples(
        st.sampled_from(VERDICTS), st.integers(-3, 20), st.integers(0, 20),
        st.sampled_from([*SOURCES, ""]),
    ),
    max_size=8,
)  # fmt: skip


@given(_CLAIMS, st.integers(-5, 25), st.randoms(use_true_random=False))
def test_what_holds_is_a_function_of_what_is_known(
    drawn: list[tuple[str, int, int, str]], as_of: int, shuffled: Any
) -> None:
    """Later arrivals and the order of taking in never change what held as of a day."""
    rows = [
        said(n + 2, what, at, max(at, got), source or None)
        for n, (what, at, got, source) in enumerate(drawn)
    ]
    known = [row for row in rows if row.received_ms <= day(as_of)]
    expected = verdict(known, paid(), as_of)
    shuffled.shuffle(rows)
    assert verdict(rows, paid(), as_of) == expected
    ranked = [
        (AUTHORITIES.index(SOURCES.get(source, "system")), at, max(at, got), n, what)
        for n, (what, at, got, source) in enumerate(drawn)
        if at >= 0 and max(at, got) <= as_of
    ]
    assert expected == (max(ranked)[-1] if ranked else None)
