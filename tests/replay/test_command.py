"""`kanhe replay`: what people and programs read, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kanhe.serve.cli.wording import use_language
from tests.cli.conftest import Kanhe
from tests.flow.packs import opened, payment
from tests.replay.pasts import (
    a_past,
    judged,
    label,
    live,
    pack_of,
    put_in_force,
    recorded,
    rows_of,
    tamper,
    tamper_with_packs,
)

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def small_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kanhe: Kanhe) -> None:
    """The settings of the installations in `pasts`."""
    monkeypatch.setenv("KANHE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KANHE_STATE_LIMIT_MIB", "256")
    monkeypatch.setenv("COLUMNS", "150")


def a_damaged_past(tmp_path: Path) -> None:
    """A past with a wrong vector, a wrong answer, a body that is none, and a pack that is lost."""
    a_past(tmp_path)
    rows = rows_of(tmp_path)
    tamper(tmp_path, 3, vector=rows[3].vector)
    tamper(tmp_path, 5, answer=rows[4].answer.replace(b'"deny"', b'"allow"'))
    tamper(tmp_path, 15, body=b"{}")
    tamper_with_packs(tmp_path, None, rows[6].policy)


def held_to_golden(name: str, text: str) -> None:
    """Golden files hold what people read; to change one, delete it and run the test twice."""
    path = GOLDEN / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        pytest.fail(f"{path.name} was written; look at it")
    assert text == path.read_text("utf-8")


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_people_read_what_differs(kanhe: Kanhe, tmp_path: Path, language: str) -> None:
    """Packs, counts and the first differences, in their language."""
    a_damaged_past(tmp_path)
    ran = kanhe("replay", "--lang", language)
    use_language("en")
    assert ran.code == 1
    held_to_golden(f"audit.{language}.txt", ran.out)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_people_read_what_would_change(kanhe: Kanhe, tmp_path: Path, language: str) -> None:
    """Outcomes, money, rules and the weightiest events, in their language."""
    a_past(tmp_path)
    put_in_force(tmp_path, 1)
    live(tmp_path, recorded(label("m1", "a2", "fraud"), label("m2", "d0", "legitimate")))
    pack_of(tmp_path, 3)
    ran = kanhe("replay", "--policy", "other3", "--show", "2", "--lang", language)
    use_language("en")
    assert ran.code == 0
    held_to_golden(f"compare.{language}.txt", ran.out)


def test_equal_is_code_0_and_said(kanhe: Kanhe, tmp_path: Path) -> None:
    """An audit without differences says so in one sentence."""
    a_past(tmp_path)
    ran = kanhe("replay", "--from", "#2", "--to", "9")
    assert ran.code == 0
    assert "Every one of them comes out with the same bytes." in ran.out


def test_programs_read_lines(kanhe: Kanhe, tmp_path: Path) -> None:
    """One object for each difference or change, then the summary."""
    a_damaged_past(tmp_path)
    ran = kanhe("replay", "--json")
    assert ran.code == 1
    *differences, summary = ran.lines()
    assert [(d["kind"], d["seq"], d["differs"]) for d in differences] == [
        ("difference", 3, "vector"), ("difference", 5, "answer"), ("difference", 15, "row"),
        ("difference", 16, "vector"),
    ]  # fmt: skip
    assert differences[0]["features"] == [
        {"name": "card_n_10m", "then": 4.0, "now": 3.0}, {"name": "user_n_1h", "then": 4.0, "now": 3.0},
    ]  # fmt: skip
    assert (summary["kind"], summary["different"], summary["not_replayed"]) == ("summary", 4, 7)
    pack_of(tmp_path, 3)
    *changes, summary = kanhe("replay", "--policy", "other3", "--json").lines()
    assert {change["kind"] for change in changes} == {"change"}
    assert summary["changed"] == len(changes) > 0
    assert summary["outcomes"]["allow"]["review"]["events"] >= 1


def test_only_the_first_are_shown_and_all_are_counted(kanhe: Kanhe, tmp_path: Path) -> None:
    """`--show` limits the table, not the counting; the first are those with the lowest numbers."""
    a_past(tmp_path)
    for seq in (2, 12, 16):
        tamper(tmp_path, seq, answer=b"{}")
    ran = kanhe("replay", "--show", "2")
    assert "The first 2 of 3 that differ" in ran.out
    assert "#2" in ran.out and "#12" in ran.out and "#16 " not in ran.out


def test_it_works_while_somebody_judges(kanhe: Kanhe, tmp_path: Path) -> None:
    """A replay needs no lock, and sees what is committed."""
    with opened(tmp_path) as engine:
        engine.take(judged(payment("e0"), payment("e1", 1)))
        engine.commit()
        ran = kanhe("replay", "--json")
        assert ran.code == 0
        assert json.loads(ran.out)["equal"] == 2
        assert engine.judge("a", payment("e2", 2)).seq == 3


@pytest.mark.parametrize("more", [(), ("--policy", "other1")])
def test_nothing_to_replay_is_said(kanhe: Kanhe, tmp_path: Path, more: tuple[str, ...]) -> None:
    """No data folder, and a journal without rows, are no errors; neither is made by looking."""
    pack_of(tmp_path, 1)
    ran = kanhe("replay", *more)
    assert (ran.code, ran.out) == (0, "There is nothing to replay here.\n")
    assert not (tmp_path / "data").exists()
    live(tmp_path, [])
    assert kanhe("replay", *more).out == ran.out
    assert kanhe("replay", *more, "--json").lines()[-1]["kind"] == "summary"


def test_wrong_usage_is_told(kanhe: Kanhe, tmp_path: Path) -> None:
    """A pack that cannot be read, a time that is none, and a damaged journal have their codes."""
    a_past(tmp_path)
    (tmp_path / "other").mkdir()
    assert kanhe("replay", "--policy", "other").code == 2
    ran = kanhe("replay", "--from", "yesterday")
    assert ran.code == 2
    assert "write #123" in ran.err
    (tmp_path / "data" / "journal.db").write_bytes(b"no database" * 1000)
    assert kanhe("replay").code == 3
