"""An entry follows from its row, and from nothing else that could be lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import Row, erased
from kanhe.record.log.entries import Entries
from kanhe.record.log.entry import fits, parse_entry
from tests.flow.packs import opened, payment

KEY = bytes(range(32))


def _rows(tmp_path: Path) -> list[Row]:
    """Five decisions (the fourth denied), one recorded event, one happening."""
    with opened(tmp_path) as kanhe:
        for i in range(5):
            kanhe.judge("a", payment(f"e{i}", i, email="m@example.com", merchant="m1"))
        kanhe.record("a", payment("r1", 9))
        kanhe._flow.note("log:key:added", "k1", b'{"facts":{"key":"x"}}', 7)
        kanhe.commit()
        return list(kanhe.journal.rows())


def test_an_entry_says_what_was_decided_and_about_whom_without_telling_who(tmp_path: Path) -> None:
    """Outcome, score, rules, policy, times and pseudonyms are there; ids, mails and texts are not."""
    rows = _rows(tmp_path)
    raw = Entries(KEY).of(rows[3])
    entry = parse_entry(raw)
    assert entry.kind == "flow:payment.attempted:deny"
    assert (entry.seq, entry.outcome, entry.policy) == (4, "deny", rows[3].policy)
    assert entry.reasons[:2] == ("faster", "fast")
    assert [who.partition(":")[0] for who in entry.who] == ["user", "card", "email", "merchant"]
    assert fits(entry, rows[3].salt, rows[3].body, rows[3].answer)
    for secret in (b"m@example.com", b'"e3"', b'"c1"', b'"u1"', b"Too fast"):
        assert secret not in raw


def test_the_same_row_makes_the_same_entry_and_each_row_has_its_own_salt(tmp_path: Path) -> None:
    """Whoever makes the entry, and however often, makes the same bytes; no two rows share a salt."""
    rows = _rows(tmp_path)
    with opened(tmp_path) as kanhe:
        again = list(kanhe.journal.rows())
    assert [Entries(KEY).of(row) for row in rows] == [Entries(KEY).of(row) for row in again]
    salts = {row.salt for row in rows if row.is_event}
    assert len(salts) == 6 and {len(salt) for salt in salts} == {32}


def test_recorded_events_and_happenings_have_entries(tmp_path: Path) -> None:
    """An event without a decision, and a key that was added, stand in the log by their kind."""
    recorded, noted = map(parse_entry, map(Entries(KEY).of, _rows(tmp_path)[5:]))
    assert (recorded.kind, recorded.outcome, recorded.score) == (
        "flow:payment.attempted:recorded", "", None,
    )  # fmt: skip
    assert (noted.kind, noted.seq, noted.at_ms, noted.facts) == (
        "log:key:added",
        7,
        7,
        {"key": "x"},
    )


def test_an_erased_row_keeps_its_entry(tmp_path: Path) -> None:
    """Destroying a row's content changes nothing in the log."""
    row = _rows(tmp_path)[0]
    entry = Entries(KEY).of(row)
    assert Entries(KEY).of(erased(row, entry)) == entry


def test_pseudonyms_keep_tenants_and_installations_apart(tmp_path: Path) -> None:
    """One id is another person at another tenant, and cannot be followed to another installation."""
    row = _rows(tmp_path)[0]
    mine = Entries(KEY).who(row)
    assert set(mine).isdisjoint(Entries(KEY).who(row._replace(tenant="b")))
    assert set(mine).isdisjoint(Entries(bytes(32)).who(row))


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    """A body that is no event is an error with the row's number, not an entry."""
    row = _rows(tmp_path)[1]
    with pytest.raises(StorageError, match="row 2 of the journal is damaged"):
        Entries(KEY).of(row._replace(body=b"{"))
