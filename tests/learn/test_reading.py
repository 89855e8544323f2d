"""Files of events come out the same, read in this process or beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanhe.app import EventFile, FileAccount, open_past
from kanhe.app.reading import CLAIM_PREFIXES, Job, ReadingError, Told, read_beside, read_events
from kanhe.core.errors import KanheError
from kanhe.core.settings import Settings
from kanhe.judge.policy.pack import Pack
from kanhe.learn.backtest import Report, measure
from kanhe.learn.judged import judge_past
from kanhe.learn.truth import Assumptions
from kanhe.record.labels import CLAIM_TYPES
from tests.flow.packs import NOW_MS
from tests.learn.shops import START_MS, label, pay, shop_pack

PAYMENTS = """
name = "payments"
en = "Payments"
zh = "支付"

[[set_aside]]
kind = "test"
when = [{ column = "user", is = "nobody" }]
en = "tests of the shop"
zh = "店铺自测"

[[event]]
type = "payment.attempted"

[event.fields]
id = { column = "id" }
at_ms = { column = "at", as = "time", zone = "UTC" }
user = { column = "user" }
card = { column = "card" }
amount_minor = { column = "minor", as = "integer" }
currency = { constant = "EUR" }
"""
LABELS = """
name = "labels"
en = "Labels"
zh = "标注"

[[set_aside]]
kind = "unlabelled"
when = [{ column = "fraud", is = 0 }]
en = "nothing is known"
zh = "没有标注"

[[event]]
type = "label.assigned"

[event.fields]
id = { column = "id", prefix = "l-" }
at_ms = { column = "at", as = "time", zone = "UTC" }
user = { column = "user" }
subject_event = { column = "id" }
verdict = { constant = "fraud" }
"""


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """The policy of the shop."""
    return shop_pack(tmp_path_factory.mktemp("shop"))


def write_lines(path: Path, events: list[Any]) -> EventFile:
    """A file of JSON lines; bytes stand as they are."""
    lines = [e if isinstance(e, bytes) else json.dumps(e).encode() for e in events]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return EventFile(str(path))


def some_events(count: int = 3_000) -> list[dict[str, Any]]:
    """Payments and labels, in the order of their times."""
    events = [pay(f"e{n}", n / 100, f"u{n % 50}", f"c{n % 70}", 100 + n) for n in range(count)]
    events += [label(f"l{n}", n / 100, f"e{n}", "fraud") for n in range(0, count, 30)]
    return sorted(events, key=lambda e: e["at_ms"])


def both_ways(
    pack: Pack, files: list[EventFile], only_claims: bool = False
) -> tuple[list[Told], FileAccount]:
    """What is read in this process, which must be what is read beside it."""
    job = Job(files, pack.archive, only_claims, NOW_MS)
    here, beside = FileAccount(), FileAccount()
    told = list(read_events(job, here))
    assert list(read_beside(job, beside)) == told
    assert beside == here
    return told, here


def table_of(path: Path, **columns: list[Any]) -> str:
    """A Parquet file."""
    pq.write_table(pa.table(columns), path)
    return str(path)


def mapping(path: Path, text: str) -> str:
    """A mapping as a file."""
    path.write_text(text, "utf-8")
    return str(path)


def report_of(pack: Pack, files: list[EventFile], beside: bool) -> Report:
    """The backtest of files."""
    settings = Settings(state_limit_mib=256)
    with open_past(settings, pack, files, "t", beside) as past:
        assert past is not None
        return measure(judge_past(past.past, past.flow), Assumptions(delay_ms=0))


def test_one_process_and_two_give_the_same_report(pack: Pack, tmp_path: Path) -> None:
    """Reading beside the judging changes speed and nothing else."""
    files = [write_lines(tmp_path / "e.ndjson", some_events())]
    here = report_of(pack, files, beside=False)
    assert here == report_of(pack, files, beside=True)
    assert (here.truth.fraud, here.truth.measured) == (100, 3_000)


def test_lines_and_tables_give_the_same_report(pack: Pack, tmp_path: Path) -> None:
    """A Parquet file and a mapping say the same as the events themselves."""
    events = some_events(300)
    paid = [e for e in events if e["type"] == "payment.attempted"]
    frauds = {e["subject_event"] for e in events if e["type"] == "label.assigned"}
    table = table_of(
        tmp_path / "e.parquet",
        id=[e["id"] for e in paid], user=[e["user"] for e in paid], card=[e["card"] for e in paid],
        at=pa.array([e["at_ms"] for e in paid], pa.timestamp("ms")),
        minor=[e["amount_minor"] for e in paid], fraud=[int(e["id"] in frauds) for e in paid],
    )  # fmt: skip
    files = [
        EventFile(table, mapping(tmp_path / "pay.toml", PAYMENTS)),
        EventFile(table, mapping(tmp_path / "lab.toml", LABELS)),
    ]
    _, account = both_ways(pack, files)
    assert (account.lines, account.events) == (600, 310)
    assert account.set_aside["unlabelled"].lines == 290
    lines = report_of(pack, [write_lines(tmp_path / "e.jsonl", events)], beside=False)
    assert report_of(pack, files, beside=True).now == lines.now


def test_files_are_put_together_by_time(pack: Pack, tmp_path: Path) -> None:
    """Events of several files come in the order of their times, each file in its own order."""
    one = write_lines(tmp_path / "a.ndjson", [pay("a0", 0, "u", "c", 1), pay("a2", 2, "u", "c", 1)])
    other = write_lines(tmp_path / "b.ndjson",
                        [pay("b1", 1, "u", "c", 1), pay("b0", 0.5, "u", "c", 1)])  # fmt: skip
    told, _ = both_ways(pack, [one, other])
    assert [t.event_id for t in told] == ["a0", "b1", "b0", "a2"]


def test_hostile_lines_are_counted_and_harm_nobody(pack: Pack, tmp_path: Path) -> None:
    """What is no event is refused with its reason and the number of its first line; the rest is read."""
    good, twin = pay("good", 0, "u", "c", 1), pay("good", 1, "u2", "c", 2)
    future = pay("future", 0, "u", "c", 1) | {"at_ms": 4_000_000_000_000}
    file = write_lines(tmp_path / "e.ndjson", [
        b"\xef\xbb\xbf" + json.dumps(good).encode(), b"", b"{", b"\xff\xfe", b"[" * 5_000,
        twin, future, {**good, "id": "x", "amount_minor": float("nan")},
        b'{"id":"' + b"x" * 3_000_000 + b'"}', {**good, "id": "t", "tenant": "other"},
        {"id": "strange", "type": "our.own", "at_ms": START_MS}, pay("last", 2, "u", "c", 1),
    ])  # fmt: skip
    told, account = both_ways(pack, [file])
    assert [t.event_id for t in told] == ["good", "last"]
    assert (account.lines, account.events, account.repeated) == (12, 2, 1)
    assert sum(why.lines for why in account.refused.values()) == 8
    assert account.refused["future-event"].first == 7
    assert account.refused["body-too-large"].first == 9
    assert account.refused["wrong-tenant"].first == 10
    assert account.refused["unknown-type"].first == 11


def test_claims_are_all_found_and_little_else_is_read(pack: Pack, tmp_path: Path) -> None:
    """The first look at a file finds every claim, also one whose type is written with escapes."""
    assert all(name.startswith(CLAIM_PREFIXES) for name in CLAIM_TYPES)
    escaped = json.dumps(label("l2", 2, "e", "fraud")).replace("label.a", "\\u006cabel.a").encode()
    events = [pay("e", 0, "u", "c", 1), label("l1", 1, "e", "fraud"), escaped,
              pay("label", 2, "u", "c", 1)]  # fmt: skip
    told, account = both_ways(pack, [write_lines(tmp_path / "e.ndjson", events)], only_claims=True)
    assert [t.event_id for t in told] == ["l1", "l2"]
    assert account.lines == 4
    # The same without spaces, inside an envelope, and with an escape in the name of the field.
    tight = [json.dumps(json.loads(e) if isinstance(e, bytes) else e, separators=(",", ":")).encode()
             for e in events]  # fmt: skip
    tight[2] = tight[2].replace(b'"type":"l', b'"type":"\\u006c')
    third = label("l3", 3, "e", "fraud")
    tight.append(
        json.dumps(third, separators=(",", ":")).replace('"type"', '"t\\u0079pe"').encode()
    )
    told, _ = both_ways(pack, [write_lines(tmp_path / "t.ndjson", tight)], only_claims=True)
    assert [t.event_id for t in told] == ["l1", "l2", "l3"]


@pytest.mark.parametrize("beside", [False, True])
def test_files_that_cannot_be_read_say_why(pack: Pack, tmp_path: Path, beside: bool) -> None:
    """A missing file, a table without a mapping, a broken table or mapping: one clear error each."""
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing more")
    good = mapping(tmp_path / "pay.toml", PAYMENTS)
    bad = mapping(tmp_path / "bad.toml", "name = 1")
    table = table_of(tmp_path / "e.parquet", id=["a"], fraud=[1])
    cases = {
        "nowhere.ndjson": EventFile(str(tmp_path / "nowhere.ndjson")),
        "--map": EventFile(table),
        "not a whole Parquet": EventFile(str(tmp_path / "broken.parquet"), good),
        "bad.toml": EventFile(table, bad),
        "no column": EventFile(table, good),
        "cannot read the mapping": EventFile(table, str(tmp_path / "none.toml")),
    }
    read = read_beside if beside else read_events
    for said, file in cases.items():
        with pytest.raises(KanheError, match=said):
            list(read(Job([file], pack.archive, False, NOW_MS), FileAccount()))


def _noted_children(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The processes that are started from now on."""
    children: list[Any] = []
    popen = read_beside.__globals__["subprocess"].Popen

    def noted(*args: Any, **named: Any) -> Any:
        children.append(popen(*args, **named))
        return children[-1]

    monkeypatch.setattr(read_beside.__globals__["subprocess"], "Popen", noted)
    return children


def test_a_reader_that_is_killed_is_noticed(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the process that reads dies, nobody takes the events so far for all of them."""
    file = write_lines(tmp_path / "e.ndjson", some_events(20_000))
    children = _noted_children(monkeypatch)
    told = read_beside(Job([file], pack.archive, False, NOW_MS), FileAccount())
    next(told)
    os.kill(children[0].pid, 9)
    with pytest.raises(ReadingError, match="ended early"):
        list(told)


def test_a_reader_that_nobody_listens_to_ends(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stops half-way leaves no process behind."""
    children = _noted_children(monkeypatch)
    file = write_lines(tmp_path / "e.ndjson", some_events(20_000))
    told = read_beside(Job([file], pack.archive, False, NOW_MS), FileAccount())
    next(told)
    told.close()
    assert [child.returncode is None for child in children] == [False]
