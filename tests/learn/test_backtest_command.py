"""`kanhe backtest`: what people and programs read, its page, and its exit codes."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kanhe.core.decision import Reason, Text
from kanhe.judge.policy.pack import load_pack
from kanhe.learn.backtest import Report, measure
from kanhe.learn.judged import judge_past
from kanhe.learn.truth import Assumptions
from kanhe.serve.cli.reports import backtest_page
from kanhe.serve.cli.reports.plots import columns, ticks_to, two_sided
from kanhe.serve.cli.wording import use_language
from tests.cli.conftest import Kanhe
from tests.learn.shops import RowsPast, flow_of, label, pay, rows_of, write_shop
from tests.replay.pasts import judged, live

HOSTILE = "<script>alert('x')</script>\"'>&{{7*7}}<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def small_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kanhe: Kanhe) -> None:
    """A data folder below the test's own, and the shop's policy."""
    monkeypatch.setenv("KANHE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KANHE_STATE_LIMIT_MIB", "256")
    monkeypatch.setenv("COLUMNS", "170")
    write_shop(tmp_path / "pack")
    use_language("en")


def events() -> list[dict[str, Any]]:
    """A fortnight of payments; the dear ones of one user are fraud."""
    paid = [pay(f"e{n}", n / 4, f"u{1 + n % 7}", f"c{n % 9}", 6_000 if n % 7 == 0 else 500)
            for n in range(56)]  # fmt: skip
    told = [label(f"l{n}", n / 4, f"e{n}", "fraud") for n in range(0, 56, 14)]
    return sorted([*paid, *told], key=lambda e: e["at_ms"])


def lines(tmp_path: Path, some: list[dict[str, Any]]) -> str:
    """The events as a file."""
    path = tmp_path / "events.ndjson"
    path.write_text("".join(json.dumps(e) + "\n" for e in some), "utf-8")
    return str(path)


def report_of(tmp_path: Path, some: list[dict[str, Any]]) -> Report:
    """The backtest of these events."""
    past = judge_past(RowsPast(rows_of(some)), flow_of(load_pack(tmp_path / "pack")))
    return measure(past, Assumptions(delay_ms=0))


def test_a_file_is_measured_without_an_installation(kanhe: Kanhe, tmp_path: Path) -> None:
    """The command reports on a file, the same whether it is read beside the judging or not."""
    command = ["backtest", "--policy", "pack", "--data", lines(tmp_path, events()),
               "--label-delay", "0", "--json"]  # fmt: skip
    ran = kanhe(*command)
    assert ran.code == 0, ran.err
    found = ran.json()
    assert found == kanhe(*command, "--one-process").json()
    truth = found["report"]["truth"]
    assert (truth["measured"], truth["fraud"], truth["assumed_honest"]) == (56, 4, 52)
    review = found["report"]["now"]["reached"][1]
    # Eight are dear and are held; half of them are fraud. All others are left alone.
    assert (review["events"], review["fraud"], review["honest"]) == (8, 4, 4)
    assert found["report"]["now"]["money"]["saved"]["minor"] == 24_000
    assert found["files"]["events"] == 60
    assert not (tmp_path / "data").exists()


def test_the_journal_is_measured_as_its_rows_would_be(kanhe: Kanhe, tmp_path: Path) -> None:
    """Over an installation, the report is that of its events, with what was decided at the time."""
    raws = [json.dumps(e).encode() for e in events()]
    live(tmp_path, judged(*raws))
    asked = ("backtest", "--policy", "pack", "--label-delay", "0", "--json")
    ran = kanhe(*asked, "--from", "2000-01-01")
    assert ran.code == 0, ran.err
    report = ran.json()["report"]
    direct = report_of(tmp_path, events())
    assert report["now"]["reached"][1]["events"] == direct.now.reached[1].events == 8
    assert report["then"]["events"] == 56
    # The same pack decided then, so that what was stopped and has no label is unknown.
    assert report["truth"]["stopped_then"] == 4
    assert report["then"]["reached"] == report["now"]["reached"]
    part = kanhe(*asked, "--from", "#1", "--to", "#10").json()["report"]
    assert part["truth"]["decided"] == 10
    assert kanhe(*asked, "--from", "2030-01-01").json()["report"]["notes"] == ["no_events"]


@pytest.mark.parametrize("lang", ["en", "zh_CN"])
def test_people_read_what_was_measured(kanhe: Kanhe, tmp_path: Path, lang: str) -> None:
    """The terminal shows outcomes, money, rules, buyers and examples in both languages."""
    ran = kanhe("--lang", lang, "backtest", "--policy", "pack", "--label-delay", "0", "--data",
                lines(tmp_path, events()), "--html", str(tmp_path / "page.html"))  # fmt: skip
    assert ran.code == 0, ran.err
    for said in ("240.00 EUR", "dear", "50.0%", "100.0%", "payment.attempted", "u1"):
        assert said in ran.out
    assert ("precision" in ran.out) == (lang == "en")
    assert ("精确率" in ran.out) == (lang != "en")
    assert "page.html" in ran.err
    page = (tmp_path / "page.html").read_text("utf-8")
    assert f'lang="{"en" if lang == "en" else "zh-CN"}"' in page
    check_page(page)


def test_what_makes_no_sense_is_told_before_anything_is_read(kanhe: Kanhe, tmp_path: Path) -> None:
    """Wrong words, missing files and folders end with 2 and one line that says what to do."""
    data = ("--data", lines(tmp_path, events()))
    for arguments, said in (
        (("--unlabelled", "maybe"), "--unlabelled is one of honest, unknown"),
        (("--blocks", "hour"), "--blocks is one of buyer, day"),
        (("--on", "payment.atempted"), "is no event type"),
        (("--label-delay", "soon"), "not a duration"),
        (("--as-of", "soon"), "--as-of 'soon' is no time"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), "lies before"),
        (("--html", str(tmp_path / "no" / "page.html")), "its folder must exist"),
        (("--map", "pay.toml"), "give one for all of them"),
        (("--data", "nowhere.ndjson"), "nowhere.ndjson"),
    ):
        ran = kanhe("backtest", "--policy", "pack", *data, *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.err
    assert "nothing was ever judged" in kanhe("backtest", "--policy", "pack").err
    assert "give both" in kanhe("backtest", "--policy", "pack", "--map", "m.toml").err


def test_nothing_to_measure_is_said(kanhe: Kanhe, tmp_path: Path) -> None:
    """Without labels the command ends with 1, says why, and still counts alerts on its page."""
    data = lines(tmp_path, [e for e in events() if e["type"] == "payment.attempted"])
    page = tmp_path / "page.html"
    ran = kanhe("backtest", "--policy", "pack", "--data", data, "--html", str(page))
    assert ran.code == 1
    assert "No event has a label" in ran.out
    assert "No event has a label" in page.read_text("utf-8")
    check_page(page.read_text("utf-8"))


class _Tags(HTMLParser):
    """The elements and attributes of a page, and whether all are closed in order."""

    VOID = frozenset({"meta", "br", "rect", "line", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.values: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.values += [value or "" for name, value in attrs if name != "content"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def check_page(page: str) -> None:
    """Whole, of known elements only, with nothing from outside and nothing that runs."""
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert not tags.names & {"script", "img", "iframe", "link", "object", "form", "a", "use"}
    assert not {name for name in tags.attributes if name.startswith("on")}
    assert not tags.attributes & {"src", "href", "style", "xlink:href"}
    assert not any("://" in value for value in tags.values)
    assert "url(" not in page
    assert not re.search(r"\bnan\b|\binf\b|Undefined", re.sub(r"<[^>]*>", "", page))


def test_hostile_names_do_not_get_into_the_page(tmp_path: Path) -> None:
    """Ids of events and buyers, reasons and names of rules and types are text and stay text."""
    some = [*events(), pay("e" + HOSTILE, 9, HOSTILE, "c1", 9_999)]
    report = report_of(tmp_path, sorted(some, key=lambda e: e["at_ms"]))
    assert any(example.event_id == "e" + HOSTILE for example in report.examples)
    # A pack would not load with such names; the page must not hang on that.
    report.name = report.version = report.policy = report.base = HOSTILE
    report.types = (HOSTILE,)
    report.unknown_types = {HOSTILE: 1}
    report.rules = tuple(_renamed(rule, rule=HOSTILE) for rule in report.rules)
    report.pairs = tuple(_renamed(pair, one=HOSTILE, other=HOSTILE) for pair in report.pairs)
    reasons = (Reason(HOSTILE, 1, Text(HOSTILE, HOSTILE), (), ""),)
    report.examples = tuple(
        _renamed(example, reasons=reasons, type=HOSTILE, buyer_kind=HOSTILE)
        for example in report.examples
    )
    page = backtest_page(report)
    check_page(page)
    assert "&lt;script&gt;" in page
    assert "{{7*7}}" in page


def _renamed(struct: Any, **changed: Any) -> Any:
    return msgspec.structs.replace(struct, **changed)


def test_an_empty_report_is_a_page_too(tmp_path: Path) -> None:
    """Without any event the page is whole and says so."""
    page = backtest_page(report_of(tmp_path, []))
    check_page(page)
    assert "No event of this span" in page


def test_plots_are_drawn_to_scale() -> None:
    """Bars are as high as their values, ticks are round numbers that hold them, rows have one scale."""
    assert ticks_to(0) == [0, 1]
    assert ticks_to(7) == [0, 2, 4, 6, 8]
    assert ticks_to(1_000) == [0, 500, 1000]
    assert ticks_to(0.03) == [0, 0.01, 0.02, 0.03]
    plot = columns([[2.0], [4.0], [0.0]], ("alert",), [["a"], ["b"], ["c"]], [(0, "x")])
    assert len(plot.bars) == 2, "nothing is drawn for nothing"
    assert plot.bars[1].height == pytest.approx(2 * plot.bars[0].height)
    assert all(bar.y + bar.height == pytest.approx(plot.bottom) for bar in plot.bars)
    logs = columns([[0.001, 0.1]], ("fraud", "honest"), [["", ""]], [], logarithmic=True)
    assert [tick.label for tick in logs.y_ticks] == ["0.01%", "0.1%", "1%", "10%", "100%"]
    assert logs.bars[1].height == pytest.approx(3 * logs.bars[0].height)
    rows = two_sided([("a", 10, "", 5, ""), ("b", 0, "", 10, "")]).rows
    assert rows[0].left.width == pytest.approx(2 * rows[0].right.width)
    assert rows[0].left.width == pytest.approx(rows[1].right.width)


def a_season(tmp_path: Path) -> str:
    """Forty days of payments in which the dear ones are mostly fraud, as a file."""
    paid = [
        pay(f"e{n}", n / 30, f"u{100 + n % 300}", f"c{n}", 7_000 if n % 15 == 0 else 600)
        for n in range(1_200)
    ]
    told = [label(f"l{n}", n / 30, f"e{n}", "fraud") for n in range(0, 1_200, 15) if n % 75]
    return lines(tmp_path, sorted([*paid, *told], key=lambda e: e["at_ms"]))


TUNE = ("policy", "tune", "--review-cost", "1.50", "--refusal-loss", "20", "--label-delay", "0")
POINTS = """
rule("dear", on="payment.attempted", when=amount_minor > 5000, points=35,
     en="Dear.", zh="金额高。", tags=["OAT-001"], owner="risk")
"""


@pytest.mark.parametrize("lang", ["en", "zh_CN"])
def test_thresholds_are_proposed_in_words(kanhe: Kanhe, tmp_path: Path, lang: str) -> None:
    """The command shows what both tables cost, how sure that is, and what to write into the pack."""
    write_shop(tmp_path / "pack", POINTS)
    ran = kanhe("--lang", lang, *TUNE, "--policy", "pack", "--data", a_season(tmp_path))
    assert ran.code == 0, ran.err
    for said in ("EUR", "100%", "[verdict]", "review = 35", "95"):
        assert said in ran.out
    assert ("bear the proposal out" in ran.out) == (lang == "en")
    assert ("检验结果支持" in ran.out) == (lang != "en")


def test_thresholds_are_proposed_to_programs(kanhe: Kanhe, tmp_path: Path) -> None:
    """With --json everything is there, costs in minor units."""
    write_shop(tmp_path / "pack", POINTS)
    ran = kanhe(*TUNE, "--policy", "pack", "--data", a_season(tmp_path), "--json",
                "--reviews-per-day", "1", "--loss-per-fraud", "90")  # fmt: skip
    assert ran.code == 0, ran.err
    tuning = ran.json()["tuning"]
    assert tuning["costs"] == {
        "review_minor": 150, "refusal_minor": 2_000, "fraud_minor": 9_000, "reviews_per_day": 1,
        "challenge_stops": 0.0, "challenge_loses": 0.0,
    }  # fmt: skip
    # Two dear payments a day are too many for one review: they are denied.
    assert tuning["proposed"]["deny"] == 35
    assert tuning["verdict"] == "better"


def test_too_few_labels_and_wrong_costs_are_told(kanhe: Kanhe, tmp_path: Path) -> None:
    """Too little to go by ends with 1 and says what is lacking; what is no money or share, with 2."""
    data = ("--policy", "pack", "--data", lines(tmp_path, events()))
    ran = kanhe(*TUNE, *data)
    assert ran.code == 1
    assert "20 are needed in each" in ran.out or "for 7 days" in ran.out
    assert kanhe("--lang", "zh_CN", *TUNE, *data).out.count("标注不足") == 1
    for arguments, said in (
        (("--loss-per-fraud", "much"), "'much' is no amount of EUR"),
        (("--loss-per-fraud", "1.234"), "at most 2 decimal places"),
        (("--loss-per-fraud", "-1"), "is no amount"),
        (("--loss-per-fraud", "NaN"), "is no amount"),
        (("--loss-per-fraud", "1e999999999"), "is no amount"),
        (("--challenge-stops", "1.5"), "--challenge-stops is a share from 0 to 1"),
        (("--challenge-loses", "nan"), "--challenge-loses is a share from 0 to 1"),
        (("--later-share", "1"), "--later-share"),
    ):
        wrong = kanhe(*TUNE, *data, *arguments)
        assert (wrong.code, wrong.out) == (2, ""), arguments
        assert said in wrong.err
