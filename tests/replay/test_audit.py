"""Old decisions come out again with the same bytes, and what was tampered with is named."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.errors import StorageError
from kanhe.core.event import Asked
from kanhe.judge.features.vectors import pack_vector, unpack_vector
from kanhe.record.journal.ports import NOTED
from kanhe.replay import Span, SpanError, span_of
from kanhe.stores.sqlite.reader import SqliteJournalReader
from tests.flow.packs import START_MS, opened, payment
from tests.flow.test_groups import asked
from tests.replay.pasts import (
    TEXTS,
    a_past,
    audited,
    judged,
    live,
    put_in_force,
    rows_of,
    tamper,
    tamper_with_packs,
)

lives = st.lists(
    st.tuples(st.integers(0, len(TEXTS) - 1), st.lists(asked, max_size=20), st.integers(1, 9)),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(lives)
def test_every_decision_comes_out_with_the_same_bytes(
    lived: list[tuple[int, list[Asked], int]],
) -> None:
    """Whatever came, in whatever groups, lives and packs: a replay finds no difference."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        for number, stream, size in lived:
            put_in_force(path, number)
            live(path, stream, size)
        found, differences = audited(path)
        assert differences == []
        assert found.fine
        assert found.equal == found.events == len(rows_of(path)) == found.decided + found.recorded


def test_each_pack_is_replayed_under_its_own_text(tmp_path: Path) -> None:
    """The report says for each pack where it stood and that all of its rows are equal."""
    a_past(tmp_path)
    found, differences = audited(tmp_path)
    assert differences == []
    assert [(p.first, p.last, p.events, p.equal) for p in found.packs] == [
        (1, 16, 9, 9),
        (7, 13, 7, 7),
    ]
    assert found.decided + found.recorded == len(rows_of(tmp_path))
    assert found.recorded == 2


def test_another_answer_is_found_and_named(tmp_path: Path) -> None:
    """A denial that was made an approval is found with its number, handle and both outcomes."""
    a_past(tmp_path)
    row = rows_of(tmp_path)[4]
    assert b'"outcome":"deny"' in row.answer
    tamper(tmp_path, row.seq, answer=row.answer.replace(b'"outcome":"deny"', b'"outcome":"allow"'))
    found, (difference,) = audited(tmp_path)
    assert (difference.seq, difference.differs) == (5, "answer")
    assert difference.decision_id.startswith("d5-")
    assert (difference.outcome_then, difference.outcome_now) == ("allow", "deny")
    assert not found.fine
    assert (found.different, found.answers_differ, found.vectors_differ) == (1, 1, 0)
    assert found.first_difference == 5


@pytest.mark.parametrize("answer", [b"", b"{", b"\xff", b'{"recorded":true}', b'["list_add"]',
                                    b'{"list_add":' + b"[" * 5000])  # fmt: skip
def test_an_answer_that_is_none_is_found(tmp_path: Path, answer: bytes) -> None:
    """Rubbish in the place of an answer is a difference, not a crash, even where lists are at stake.
    Nothing in its place stands for having been let through."""
    a_past(tmp_path)
    tamper(tmp_path, 2, answer=answer)
    _, differences = audited(tmp_path)
    assert [d.seq for d in differences] == [2]
    assert differences[0].outcome_then == ("" if answer else "allow")


def test_another_vector_is_found_and_said_to_lead_to_another_decision(tmp_path: Path) -> None:
    """The features that differ are named with both values."""
    a_past(tmp_path)
    row = rows_of(tmp_path)[2]
    card_n, user_n = unpack_vector(row.vector, 2)
    tamper(tmp_path, 3, vector=pack_vector((card_n - 2, user_n)))
    found, (difference,) = audited(tmp_path)
    assert (difference.seq, difference.differs, difference.same_answer) == (3, "vector", True)
    assert difference.follows is False
    assert [(f.name, f.then, f.now) for f in difference.features] == [("card_n_10m", 1.0, 3.0)]
    assert (found.vectors_differ, found.answers_differ, found.follow_served) == (1, 0, 0)


def test_a_vector_of_another_length_is_found(tmp_path: Path) -> None:
    """A vector that is none says so."""
    a_past(tmp_path)
    tamper(tmp_path, 3, vector=b"\x00\x00\x00")
    _, (difference,) = audited(tmp_path)
    assert (difference.seq, difference.differs) == (3, "vector")
    assert "3 bytes" in difference.why


def test_a_decision_that_follows_from_what_was_served_says_so(tmp_path: Path) -> None:
    """If an earlier body was altered, memory comes out otherwise, while the later decision follows
    from the vector that it was made on."""
    a_past(tmp_path)
    body = rows_of(tmp_path)[0].body
    tamper(tmp_path, 1, body=body.replace(b'"c1"', b'"c9"'))
    found, differences = audited(tmp_path)
    later = [d for d in differences if d.seq == 3]
    assert later[0].follows is True
    assert (later[0].outcome_then, later[0].outcome_now) == ("challenge", "allow")
    assert found.follow_served >= 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"id":"a2"', b'"id":"a9"', "the body is of event a9"),
        (b"payment.attempted", b"payment.declined", "payment.declined"),
        (b'"currency":"EUR"', b'"currency":"EUX"', "currency"),
        (b'"user":"u1"', b'"user":"u1', "JSON"),
    ],
)
def test_a_body_that_does_not_belong_to_its_row_is_found(
    tmp_path: Path, old: bytes, new: bytes, said: str
) -> None:
    """A body with another id or type than its row, or that can be read no more, is named."""
    a_past(tmp_path)
    body = rows_of(tmp_path)[2].body
    assert old in body
    tamper(tmp_path, 3, body=body.replace(old, new))
    _, differences = audited(tmp_path)
    named = next(d for d in differences if d.seq == 3)
    assert named.differs == "row"
    assert said in named.why


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_byte_of_an_answer_or_vector_is_held_to(data: st.DataObject) -> None:
    """Whichever byte of whichever row's answer or vector was altered, that row is named."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        a_past(path)
        row = data.draw(st.sampled_from(rows_of(path)))
        name = data.draw(st.sampled_from(["answer", "vector"]))
        content = bytearray(getattr(row, name))
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        tamper(path, row.seq, **{name: bytes(content)})
        _, differences = audited(path)
        assert row.seq in [d.seq for d in differences]


def test_a_pack_that_is_not_kept_is_counted_and_named(tmp_path: Path) -> None:
    """Rows whose pack is lost are not compared, and the report says which and how many."""
    a_past(tmp_path)
    tamper_with_packs(tmp_path, None, rows_of(tmp_path)[6].policy)
    found, differences = audited(tmp_path)
    assert differences == []
    assert [(p.state, p.events) for p in found.packs] == [("replayed", 9), ("not_kept", 7)]
    assert (found.not_replayed, found.equal) == (7, 9)
    assert found.fine


@pytest.mark.parametrize("state", ["altered", "unreadable"])
def test_a_pack_that_was_exchanged_is_found(tmp_path: Path, state: str) -> None:
    """The text kept under a hash is held to that hash; what cannot be read is named."""
    a_past(tmp_path)
    rows = rows_of(tmp_path)
    with opened(tmp_path) as kanhe:
        other = kanhe.journal.policy(rows[0].policy)
    tamper_with_packs(tmp_path, other if state == "altered" else b"no pack", rows[6].policy)
    found, _ = audited(tmp_path)
    assert found.packs[1].state == state
    assert found.packs[1].why
    assert found.fine is (state == "unreadable")


def test_happenings_and_erased_rows_count_for_nothing(tmp_path: Path) -> None:
    """They are counted apart, and the report says how many were erased before the first difference."""
    a_past(tmp_path)
    with opened(tmp_path) as kanhe:
        kanhe.journal.erase({1: b"entry"})
    tamper(tmp_path, 8, kind=NOTED, body=b"", vector=b"", answer=b"")
    found, differences = audited(tmp_path)
    assert (found.erased, found.noted) == (1, 1)
    assert found.events == found.rows - 2
    assert (differences[0].seq, differences[0].follows) == (2, True)
    assert (found.first_difference, found.erased_before) == (2, 1)


def test_a_span_is_compared_with_all_that_came_before_it(tmp_path: Path) -> None:
    """Only rows of the span are compared, but memory is that of the whole journal."""
    a_past(tmp_path)
    found, differences = audited(tmp_path, Span(4, 9))
    assert differences == []
    assert (found.first, found.last, found.equal) == (4, 9, 6)
    tamper(tmp_path, 2, answer=b"{}")
    assert audited(tmp_path, Span(4, 9))[0].fine
    assert not audited(tmp_path, span_of("#2", "#2"))[0].fine
    nothing, _ = audited(tmp_path, span_of("2999-01-01"))
    assert (nothing.rows, nothing.fine) == (0, True)


def test_spans_are_numbers_or_times_and_include_their_ends() -> None:
    """A date as the end is the whole day; what is neither number nor time is refused with an example."""
    assert span_of("#12", "30") == Span(12, 30)
    day = 86_400_000
    span = span_of("2026-01-01", "2026-01-01")
    assert (span.from_ms, span.to_ms) == (START_MS, START_MS + day - 1)
    assert span_of("2026-01-01T08:00+08:00").from_ms == START_MS
    assert span_of("", "2026-01-01T00:00:00Z").to_ms == START_MS
    for begin, end in (("yesterday", ""), ("", "#x"), ("9", "3"), ("2026-02-01", "2026-01-01")):
        with pytest.raises(SpanError):
            span_of(begin, end)


def test_the_journal_is_read_beside_its_writer_and_never_written(tmp_path: Path) -> None:
    """A reader sees what was committed when it opened, while the writer goes on."""
    live(tmp_path, judged(payment("e0"), payment("e1", 1)))
    path = tmp_path / "data" / "journal.db"
    with opened(tmp_path) as kanhe:
        reader = SqliteJournalReader(path)
        kanhe.take(judged(payment("e2", 2)))
        kanhe.commit()
        assert [row.event_id for row in reader.rows()] == ["e0", "e1"]
        assert list(reader.rows(1)) == list(kanhe.journal.rows(1))[:1]
        assert reader.policy(kanhe.pack.hash) == kanhe.pack.archive
        assert reader.policy("sha256:none") is None
        reader.close()
        assert audited(tmp_path)[0].equal == 3
    (tmp_path / "other.db").write_bytes(b"no database at all, but long enough to be looked at")
    for name in ("other.db", "nowhere.db"):
        with pytest.raises(StorageError):
            SqliteJournalReader(tmp_path / name)
    assert not (tmp_path / "nowhere.db").exists()


def test_without_the_installations_key_nothing_is_replayed(tmp_path: Path) -> None:
    """A key that is gone is told, and none is made in its place."""
    live(tmp_path, judged(payment("e0")))
    (tmp_path / "data" / "state.key").unlink()
    with pytest.raises(StorageError, match=r"state\.key is missing"):
        audited(tmp_path)
    assert not (tmp_path / "data" / "state.key").exists()
