"""The index says what the journal holds, whatever was erased, in whatever batches it was made."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.record.journal.ports import Row
from kanhe.stores.sqlite import index_writer
from kanhe.stores.sqlite.journal import SqliteJournal
from tests.index.shops import START_MS, compare, erase, event_row, index_all, note_row
from tests.index.shops import plain_meaning as plain_meaning

_FEW = st.sampled_from(["a", "b", "c"])
_TENANTS = st.sampled_from(["shop", "stall"])
_WHEN = st.integers(-400, 400).map(lambda n: START_MS + n * 977_000)
_OUTCOMES = st.sampled_from(["", "allow", "review", "deny"])


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_PAYMENT = _some(
    user=_FEW, card=_FEW, ip=_FEW, payment=_FEW, order=_FEW, recipient=_FEW, coupon=_FEW,
    products=st.lists(_FEW, max_size=3), amount_minor=st.integers(0, 999),
    currency=st.sampled_from(["EUR", "JPY"]), ip_country=st.sampled_from(["CN", "DE"]),
    shipping_country=st.just("FR"),
)  # fmt: skip
_EVENT_ID = st.integers(1, 25).map(lambda n: f"e{n}")
_CLAIM = _some(
    subject_event=_EVENT_ID, payment=_FEW, order=_FEW, card=_FEW, user=_FEW, staff=_FEW,
    verdict=st.sampled_from(["fraud", "legitimate"]),
    label_source=st.sampled_from(["manual_review", "police"]),
    complaint_reason=st.just("fraud"), complaint_outcome=st.sampled_from(["upheld", "rejected"]),
)  # fmt: skip
_STAFF = st.fixed_dictionaries(
    {"staff": _FEW, "staff_action": st.sampled_from(["viewed", "exported"])},
    optional={"resource": st.just("order"), "user": _FEW, "approver": _FEW},
)
_LISTED = st.fixed_dictionaries(
    {"staff": _FEW, "value": _FEW, "list_name": st.sampled_from(["bad_cards", "other"])}
)
_BODIES = st.one_of(
    st.tuples(st.sampled_from(["payment.attempted", "order.placed", "refund.requested"]), _PAYMENT),
    st.tuples(st.sampled_from(["label.assigned", "complaint.opened", "complaint.resolved"]), _CLAIM),
    st.tuples(st.just("staff.action"), _STAFF),
    st.tuples(st.sampled_from(["list.entry_added", "list.entry_removed"]), _LISTED),
    st.tuples(st.just("policy:pack:live"), st.just({"by": "mei"})),
)  # fmt: skip
_RULES = st.lists(st.sampled_from(["r1", "r2", "r3"]), unique=True, max_size=3)
_EVENTS = st.lists(
    st.tuples(_TENANTS, _BODIES, _OUTCOMES, _RULES, _WHEN, _WHEN), min_size=1, max_size=25
)


def _row(seq: int, drawn: Any) -> Row:
    tenant, (type_, body), outcome, rules, at_ms, received_ms = drawn
    if ":" in type_:
        return note_row(seq, type_, body["by"])
    return event_row(seq, tenant, type_, body, outcome=outcome, rules=rules, at_ms=at_ms,
                     received_ms=received_ms)  # fmt: skip


@settings(max_examples=60)
@given(
    events=_EVENTS,
    batch=st.integers(1, 9),
    heavy_from=st.integers(1, 5),
    first=st.integers(0, 25),
    gone=st.sets(st.integers(1, 25), max_size=6),
    later=st.sets(st.integers(1, 25), max_size=6),
)
def test_index_says_what_the_journal_holds(
    events: list[Any], batch: int, heavy_from: int, first: int, gone: set[int], later: set[int]
) -> None:
    """In any batches, with rows erased before and after they were taken in, it equals a search of all."""
    held, index_writer.HEAVY_FROM = index_writer.HEAVY_FROM, heavy_from
    try:
        with TemporaryDirectory() as name:
            folder = Path(name)
            journal = SqliteJournal(folder / "journal.db")
            rows = [_row(seq, drawn) for seq, drawn in enumerate(events, 1)]
            for row in rows[:first]:
                journal.append(row)
            journal.commit()
            index_all(folder, batch)
            erase(journal, [seq for seq in gone if seq <= min(first, len(rows))])
            for row in rows[first:]:
                journal.append(row)
            journal.commit()
            if later:
                index_all(folder, batch)
                erase(journal, [seq for seq in later if seq <= len(rows)])
            journal.close()
            index_all(folder, batch)
            compare(folder)
            index_all(folder, anew=True)
            compare(folder)
    finally:
        index_writer.HEAVY_FROM = held


def test_nothing_of_an_erased_person_is_left(tmp_path: Path) -> None:
    """After a person was erased, their values stand nowhere in the files, and others' stay."""
    journal = SqliteJournal(tmp_path / "journal.db")
    secret = "the-one-who-asked"
    for seq in range(1, 2_001):
        user = f"{secret}-{seq}" if seq % 5 == 0 else f"other-{seq}"
        body = {"user": user, "card": f"card-of-{user}", "ip": "192.0.2.1", "staff": "st-1"}
        journal.append(event_row(seq, "shop", "payment.attempted", body, outcome="allow"))
    journal.commit()
    index_all(tmp_path, 64)
    files = [tmp_path / "index" / "index.db", tmp_path / "index" / "index.db-wal"]
    assert any(secret.encode() in file.read_bytes() for file in files if file.exists())
    erase(journal, range(5, 2_001, 5))
    journal.close()
    index_all(tmp_path)
    compare(tmp_path)
    for file in files:
        assert not file.exists() or secret.encode() not in file.read_bytes()
    assert b"other-1999" in files[0].read_bytes()


@pytest.mark.parametrize("rows", [0, 2, 5])
def test_index_of_another_journal_is_made_anew(tmp_path: Path, rows: int) -> None:
    """After a journal was restored from a backup, be it shorter or longer by now, its index is dropped."""
    for count, at_ms in ((3, START_MS), (rows, START_MS + 1)):
        (tmp_path / "journal.db").unlink(missing_ok=True)
        journal = SqliteJournal(tmp_path / "journal.db")
        for seq in range(1, count + 1):
            row = event_row(seq, "shop", "order.placed", {"user": f"u{at_ms}"}, at_ms=at_ms)
            journal.append(row)
        journal.commit()
        journal.close()
        index_all(tmp_path)
        compare(tmp_path)
