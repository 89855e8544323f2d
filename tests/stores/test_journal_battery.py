"""One battery for every journal: what the port promises, whatever keeps the rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kanhe.core.decision import allowed
from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import (
    DECIDED,
    RECORDED,
    Columns,
    Journal,
    Message,
    Row,
    columns_of,
    erased,
)
from kanhe.stores.memory import MemoryJournal
from kanhe.stores.sqlite import seen
from kanhe.stores.sqlite.journal import SqliteJournal
from tests.stores.rows import check, fill, message, row

Make = Callable[[Path], Journal]


def _memory(_: Path) -> Journal:
    return MemoryJournal()


def _sqlite(folder: Path) -> Journal:
    return SqliteJournal(folder / "journal.db")


ADAPTERS: dict[str, Make] = {"memory": _memory, "sqlite": _sqlite}


def _rows(journal: Journal, rows: Sequence[Row], messages: Sequence[Message]) -> None:
    journal.extend(rows, messages)


def _columns(journal: Journal, rows: Sequence[Row], messages: Sequence[Message]) -> None:
    journal.extend_columns(columns_of(rows), messages)


EXTEND = {"rows": _rows, "columns": _columns}
"""The ways in which a group is handed over."""


def find_all(journal: Journal, rows: Sequence[Row]) -> Sequence[Row | None]:
    """Ask a journal for the events of these rows."""
    return journal.find_each([one.tenant for one in rows], [one.event_id for one in rows])


@pytest.fixture(params=sorted(ADAPTERS))
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    """An empty journal of each kind."""
    made = ADAPTERS[request.param](tmp_path)
    yield made
    made.close()


def test_empty(journal: Journal) -> None:
    """An empty journal says so everywhere."""
    assert journal.last_seq() == 0
    assert journal.find("shop", "e1") is None
    assert journal.read(1) is None
    assert journal.read(0) is None
    assert journal.read(-1) is None
    assert list(journal.rows()) == []
    assert journal.outbox() == []
    journal.commit()
    assert journal.last_seq() == 0


def test_erasing_leaves_place_times_and_entry(journal: Journal) -> None:
    """Erased rows keep their numbers and times, hold their entry, and are found by no event any more;
    their neighbours, and what was sent because of them, stay as they are."""
    fill(journal, 25)
    entries = {seq: f"entry {seq}".encode() for seq in (3, 4, 12, 25)}
    for _ in range(2):  # a second time changes nothing
        journal.erase(entries)
    expected = [
        erased(row(seq), entries[seq]) if seq in entries else row(seq) for seq in range(1, 26)
    ]
    assert list(journal.rows()) == expected
    for seq in range(1, 26):
        assert journal.read(seq) == expected[seq - 1]
        found = journal.find(row(seq).tenant, row(seq).event_id)
        assert found == (None if seq in entries else row(seq))
    payloads = {sent.seq: sent.payload for _, sent in journal.outbox()}
    assert payloads == {
        seq: b"" if seq in entries else message(seq).payload for seq in range(3, 26, 3)
    }
    journal.append(row(26))
    journal.commit()
    assert journal.read(26) == row(26)


def test_only_what_is_there_and_committed_can_be_erased(journal: Journal) -> None:
    """A number that is not there, or rows that wait for their commit, are the caller's mistake."""
    fill(journal, 5)
    for seq in (0, 6, -1):
        with pytest.raises(ValueError, match="there is no row"):
            journal.erase({seq: b"e"})
    journal.append(row(6))
    with pytest.raises(ValueError, match="gathered"):
        journal.erase({1: b"e"})


def test_gathered_rows_are_found_but_not_committed(journal: Journal) -> None:
    """A gathered row answers a retry at once, and shows nowhere else before the commit."""
    journal.append(row(1), (message(1),))
    assert journal.find("shop", "event-1") == row(1)
    assert journal.last_seq() == 0
    assert journal.read(1) is None
    assert list(journal.rows()) == []
    assert journal.outbox() == []
    journal.commit()
    check(journal, [row(1)], [message(1)])


def test_many_groups(journal: Journal) -> None:
    """Rows come back byte for byte, in order, with their messages, over many commits."""
    fill(journal, 1_000, group=37)
    expected = [row(seq) for seq in range(1, 1_001)]
    check(journal, expected, [message(seq) for seq in range(1, 1_001) if seq % 3 == 0])
    assert list(journal.rows(after=990)) == expected[990:]
    assert list(journal.rows(after=1_000)) == []
    assert list(journal.rows(after=5_000)) == []


@pytest.mark.parametrize("way", EXTEND)
def test_a_group_comes_at_once(journal: Journal, way: str) -> None:
    """Rows handed over together are the rows handed over one by one, and are looked for together."""
    fill(journal, 5)
    tenants, ids = zip(*((row(seq).tenant, row(seq).event_id) for seq in range(4, 12)), strict=True)
    assert journal.find_each(tenants, ids) == [row(4), row(5), *[None] * 6]
    assert journal.find_each(tenants[2:], ids[2:]) == [None] * 6
    assert journal.find_each([], []) == []
    EXTEND[way](journal, [row(seq) for seq in range(6, 12)], [message(6), message(9)])
    assert journal.find_each(tenants, ids) == [row(seq) for seq in range(4, 12)]
    journal.commit()
    check(journal, [row(seq) for seq in range(1, 12)], [message(seq) for seq in (3, 6, 9)])


@pytest.mark.parametrize(
    ("way", "wrong"),
    [("rows", row(3)), ("rows", row(2, "event-1")), ("columns", row(2, "event-1"))],
    ids=["number", "event", "event in columns"],
)
def test_a_wrong_row_in_a_group_leaves_those_before_it(
    journal: Journal, way: str, wrong: Row
) -> None:
    """What stands before a row that is refused is gathered, its messages are not."""
    with pytest.raises(ValueError, match=r"number 2|already there"):
        EXTEND[way](journal, [row(1), wrong], [message(1)])
    journal.commit()
    check(journal, [row(1)], [])
    journal.append(row(2), (message(2),))
    journal.commit()
    check(journal, [row(1), row(2)], [message(2)])


def test_columns_hold_an_event_once(journal: Journal) -> None:
    """An event that is there, whoever was asked about it before, is refused with all behind it."""
    fill(journal, 3)
    group = [row(seq) for seq in range(4, 8)]
    assert not any(find_all(journal, group))
    journal.extend_columns(columns_of(group[:2]))
    again = [one._replace(seq=seq) for seq, one in enumerate(group, 6)]
    for _ in range(2):
        with pytest.raises(ValueError, match="already there"):
            journal.extend_columns(columns_of(again))
    assert [one is not None for one in find_all(journal, group)] == [True, True, False, False]
    journal.extend_columns(columns_of(group[2:]))
    with pytest.raises(ValueError, match="already there"):
        journal.extend_columns(columns_of([row(8), row(9, "twin"), row(10, "twin"), row(11)]))
    journal.commit()
    check(journal, [row(seq) for seq in range(1, 9)] + [row(9, "twin")])


def test_columns_are_equally_long_and_not_kept(journal: Journal) -> None:
    """Columns that do not fit together are refused; those that do belong to the caller afterwards."""
    group = [row(1), row(2)]
    columns = Columns(1, *map(list, columns_of(group)[1:]))
    for name in Columns._fields[1:]:
        for wrong in (getattr(columns, name)[:1], getattr(columns, name) * 2):
            with pytest.raises(ValueError, match=r"longer|shorter"):
                journal.extend_columns(columns._replace(**{name: wrong}))
    with pytest.raises(ValueError, match="the next row has the number 1"):
        journal.extend_columns(columns._replace(first=2))
    with pytest.raises(ValueError, match="message of row 3"):
        journal.extend_columns(columns, [message(1), message(3)])
    journal.extend_columns(columns, [message(2)])
    for column in columns[1:]:
        column.clear()
    journal.extend_columns(Columns(3, *columns[1:]))
    journal.commit()
    check(journal, group, [message(2)])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_columns_do_what_rows_do(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Groups in columns leave in every adapter what the same rows leave that come one by one."""
    one_by_one = MemoryJournal()
    made = [make(tmp_path_factory.mktemp("columns")) for make in ADAPTERS.values()]
    names = st.tuples(
        st.sampled_from(["shop", "other", "勘合"]), st.sampled_from("abcdefgh\x1f\0é")
    )
    for _ in range(data.draw(st.integers(1, 5))):
        first = one_by_one.last_seq() + 1
        drawn = data.draw(st.lists(names, min_size=1, max_size=6))
        group = [row(seq, name, tenant) for seq, (tenant, name) in enumerate(drawn, first)]
        asked = data.draw(st.booleans())
        refused = False
        for one in group:
            try:
                one_by_one.append(one)
            except ValueError:
                refused = True
                break
        for journal in made:
            if asked:
                find_all(journal, group)
            if refused:
                with pytest.raises(ValueError, match="already there"):
                    journal.extend_columns(columns_of(group))
            else:
                journal.extend_columns(columns_of(group))
        for journal in (one_by_one, *made):
            journal.commit()
    expected = list(one_by_one.rows())
    for journal in made:
        check(journal, expected)
        journal.close()


def test_an_answer_that_follows_from_its_row_is_given_back(journal: Journal) -> None:
    """A decided row without an answer was let through: everybody reads that decision, once and later."""
    bare = row(2)._replace(kind=DECIDED, answer=b"", event_id='"\\ é')
    expected = bare._replace(answer=allowed(2, bare.event_id, bare.policy))
    recorded = row(3)._replace(kind=RECORDED, answer=b"")
    journal.extend([row(1), bare, recorded])
    assert journal.find(bare.tenant, bare.event_id) == expected
    journal.commit()
    check(journal, [row(1), expected, recorded])


def test_tenants_do_not_see_each_other(journal: Journal) -> None:
    """The same event id of two tenants is two events."""
    journal.append(row(1, "e1", "shop"))
    assert journal.find("other", "e1") is None
    journal.append(row(2, "e1", "other"))
    journal.commit()
    assert journal.find("shop", "e1") == row(1, "e1", "shop")
    assert journal.find("other", "e1") == row(2, "e1", "other")
    assert journal.find("", "shope1") is None


def test_numbers_have_no_gaps(journal: Journal) -> None:
    """A row with any number but the next one is refused and changes nothing."""
    for wrong in (0, 2, -1):
        with pytest.raises(ValueError, match="the next row has the number 1"):
            journal.append(row(wrong))
    fill(journal, 3)
    for wrong in (1, 3, 5):
        with pytest.raises(ValueError, match="the next row has the number 4"):
            journal.append(row(wrong, "new"))
    check(journal, [row(1), row(2), row(3)])
    assert journal.find("shop", "new") is None


def test_an_event_stands_once(journal: Journal) -> None:
    """An event that is already there, committed or gathered, cannot be appended again."""
    fill(journal, 2)
    with pytest.raises(ValueError, match="already there"):
        journal.append(row(3, "event-1"))
    journal.append(row(3, "new"))
    with pytest.raises(ValueError, match="already there"):
        journal.append(row(4, "new"))
    assert journal.find("shop", "newer") is None
    with pytest.raises(ValueError, match="already there"):
        journal.append(row(4, "new"))
    journal.commit()
    check(journal, [row(1), row(2), row(3, "new")])


def test_a_message_belongs_to_its_row(journal: Journal) -> None:
    """A message of another row is refused together with the row."""
    with pytest.raises(ValueError, match="message of row 2"):
        journal.append(row(1), (message(1), message(2)))
    assert journal.find("shop", "event-1") is None
    journal.append(row(1), (message(1),))
    journal.commit()
    check(journal, [row(1)], [message(1)])


def test_outbox_is_read_in_pieces(journal: Journal) -> None:
    """Following the running number yields each message exactly once."""
    for seq in range(1, 8):
        journal.append(row(seq), (message(seq, "a"), message(seq, "b")))
    journal.commit()
    seen_messages: list[Message] = []
    after = 0
    while piece := journal.outbox(after, 3):
        assert len(piece) <= 3
        seen_messages += [sent for _, sent in piece]
        after = piece[-1][0]
    assert seen_messages == [message(seq, topic) for seq in range(1, 8) for topic in "ab"]
    assert journal.outbox(0, 0) == []


def test_policies(journal: Journal) -> None:
    """The first archive under a hash stays; gathered rows are not touched by keeping one."""
    assert journal.policy("sha256:0") is None
    journal.append(row(1))
    journal.keep_policy("sha256:0", b"first")
    journal.keep_policy("sha256:0", b"second")
    journal.keep_policy("sha256:x", b"")
    assert journal.last_seq() == 0
    journal.commit()
    assert journal.policy("sha256:0") == b"first"
    assert journal.policy("sha256:x") == b""
    journal.append(row(2)._replace(policy="sha256:later"))
    journal.commit()
    assert journal.policy("sha256:later") is None
    journal.keep_policy("sha256:later", b"text")
    assert journal.policy("sha256:later") == b"text"
    check(journal, [row(1), row(2)._replace(policy="sha256:later")])


def test_reading_while_writing(journal: Journal) -> None:
    """A reading sees the rows there were when it began, and neither waits for the other."""
    fill(journal, 700)
    reading = journal.rows()
    first = [next(reading) for _ in range(10)]
    fill(journal, 700)
    rest = list(reading)
    assert first + rest == [row(seq) for seq in range(1, 701)]
    assert journal.last_seq() == 1_400


def test_reading_from_another_thread(journal: Journal) -> None:
    """Another thread may walk the rows while commits go on; what it sees has no gap."""
    fill(journal, 300)
    problems: list[str] = []

    def walk() -> None:
        for _ in range(5):
            seqs = [one.seq for one in journal.rows()]
            if seqs != list(range(1, len(seqs) + 1)) or len(seqs) < 300:
                problems.append(f"{len(seqs)} rows")

    thread = threading.Thread(target=walk)
    thread.start()
    fill(journal, 1_000)
    thread.join()
    assert problems == []


def test_closed(journal: Journal) -> None:
    """A closed journal refuses everything, and closing twice is harmless."""
    fill(journal, 3)
    journal.close()
    journal.close()
    for call in (
        journal.last_seq,
        journal.commit,
        journal.outbox,
        lambda: journal.find("shop", "event-1"),
        lambda: journal.read(1),
        lambda: list(journal.rows()),
        lambda: journal.append(row(4)),
        lambda: journal.keep_policy("sha256:0", b""),
        lambda: journal.policy("sha256:0"),
    ):
        with pytest.raises(StorageError):
            call()


@pytest.mark.parametrize("adapter", sorted(ADAPTERS))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    event_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50),
    tenant=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    body=st.binary(max_size=20_000),
    vector=st.binary(max_size=100),
    at_ms=st.integers(-(2**62), 2**62),
)
def test_any_bytes(
    adapter: str,
    tmp_path_factory: pytest.TempPathFactory,
    event_id: str,
    tenant: str,
    body: bytes,
    vector: bytes,
    at_ms: int,
) -> None:
    """Whatever text, bytes and times a row has, they come back as they were."""
    made = ADAPTERS[adapter](tmp_path_factory.mktemp("any"))
    one = Row(1, tenant, event_id, 1, "t", at_ms, -at_ms, "p", body, vector, body[::-1])
    made.append(one)
    made.commit()
    check(made, [one])
    made.close()


class _Agreement(RuleBasedStateMachine):
    """Both adapters are asked the same things and must say the same."""

    @initialize(data=st.data())
    def open(self, data: st.DataObject) -> None:
        self.memory = MemoryJournal()
        self.sqlite = SqliteJournal(self.path)
        self.fresh = 0

    path: Path

    @rule(count=st.integers(1, 40), chatty=st.booleans())
    def append(self, count: int, chatty: bool) -> None:
        for _ in range(count):
            self.fresh += 1
            one = row(self.fresh)
            messages = (message(self.fresh),) if chatty else ()
            self.memory.append(one, messages)
            self.sqlite.append(one, messages)

    @rule()
    def commit(self) -> None:
        self.memory.commit()
        self.sqlite.commit()

    @precondition(lambda self: self.memory.last_seq() == self.fresh)
    @rule()
    def reopen(self) -> None:
        self.sqlite.close()
        self.sqlite = SqliteJournal(self.path)

    @rule(number=st.integers(0, 400))
    def find(self, number: int) -> None:
        for tenant in ("shop", "other"):
            event = f"event-{number}"
            assert self.memory.find(tenant, event) == self.sqlite.find(tenant, event)

    @rule(after=st.integers(0, 400))
    def rows(self, after: int) -> None:
        assert list(self.memory.rows(after)) == list(self.sqlite.rows(after))
        assert self.memory.outbox(after) == self.sqlite.outbox(after)

    @invariant()
    def same_end(self) -> None:
        if hasattr(self, "memory"):
            assert self.memory.last_seq() == self.sqlite.last_seq()

    def teardown(self) -> None:
        if hasattr(self, "sqlite"):
            self.sqlite.close()
        for left in self.path.parent.iterdir():
            left.unlink()


def test_adapters_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any sequence of calls gives the same answers from memory and from disk, reopened or not."""
    monkeypatch.setattr(seen, "GENERATION", 64)
    machine = type("Machine", (_Agreement,), {"path": tmp_path / "journal.db"})
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        machine, settings=settings(max_examples=15, stateful_step_count=25, deadline=None)
    )


def test_checking_writability_changes_nothing(journal: Journal) -> None:
    """Asking whether one could write neither commits nor drops what was gathered."""
    fill(journal, 3)
    journal.append(row(4))
    journal.check_writable()
    assert journal.last_seq() == 3
    assert journal.find("shop", "event-4") == row(4)
    journal.commit()
    check(journal, [row(seq) for seq in range(1, 5)])
