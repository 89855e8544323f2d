"""`kanhe drift`: a planted change is found, dated, told once, and shown by the metrics."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kanhe.app.drift_files import REPORT_FILE, keep_report, kept_baseline, kept_report
from kanhe.app.drifting import Drifting
from kanhe.learn.drift.findings import Finding
from kanhe.learn.drift.report import DriftReport
from kanhe.serve.api.counters import Counters
from kanhe.serve.cli import drifting
from kanhe.serve.cli.drifting import Told
from kanhe.serve.cli.wording import use_language
from tests.api.fake_engine import FakeStats
from tests.cli.conftest import Kanhe
from tests.flow.packs import opened, payment
from tests.flow.packs import settings as settings_of
from tests.replay.pasts import judged, live, put_in_force, recorded

DAY_S = 86_400
WINDOW = ("--baseline-from", "2026-01-01", "--baseline-to", "2026-01-10")
FIRST_DAY = 20_454
"""2026-01-01, in days since 1970."""


def days(first: int, last: int, changed: bool = False) -> Iterator[bytes]:
    """A hundred payments a day; when everything has changed, each card pays four times in a row."""
    for day in range(first, last):
        for n in range(100):
            card = f"c{day}-{n // 4 if changed else n}"
            yield payment(f"p{day}-{n}", day * DAY_S + n * 60, card=card, user=f"u{day}-{n}")


@pytest.fixture(autouse=True)
def past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kanhe: Kanhe) -> None:
    """Twenty-two days, of which the last six are not like the others."""
    monkeypatch.setenv("KANHE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "150")
    put_in_force(tmp_path, 0)
    live(tmp_path, judged(*days(0, 16), *days(16, 22, changed=True)), 200)


def test_a_planted_change_is_found_and_dated(kanhe: Kanhe) -> None:
    """Feature, rule and outcome are named, with what moved and since when; code 1."""
    ran = kanhe("drift", *WINDOW, "--json")
    assert ran.code == 1
    found = {f["name"]: f for f in ran.json()["findings"]}
    assert found["card_n_10m"]["state"] == "large"
    assert abs(found["card_n_10m"]["since_day"] - (FIRST_DAY + 16)) <= 1
    assert found["card_n_10m"]["where"] == "= 1"
    assert found["fast"]["state"] == "large"
    assert found["user_n_1h"]["state"] == "stable"
    assert found["listed"]["state"] == "not_enough"
    assert ran.json()["events"] == 1200
    ran = kanhe("drift", *WINDOW)
    assert "2026-01-17" in ran.out and "card_n_10m (payment.attempted)" in ran.out
    assert "user_n_1h" not in ran.out
    assert "user_n_1h" in kanhe("drift", *WINDOW, "--all").out
    chinese = kanhe("drift", *WINDOW, "--lang", "zh_CN")
    use_language("en")
    assert "显著" in chinese.out and "变化最大之处" in chinese.out


def test_without_a_change_nothing_has_drifted(
    kanhe: Kanhe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days like those of the baseline: code 0, and it is said."""
    quiet = tmp_path / "quiet"
    quiet.mkdir()
    put_in_force(quiet, 0)
    live(quiet, judged(*days(0, 16)), 200)
    monkeypatch.setenv("KANHE_DATA_DIR", str(quiet / "data"))
    ran = kanhe("drift", *WINDOW)
    assert ran.code == 0
    assert "0 have drifted" in ran.out
    found = kanhe("drift", *WINDOW, "--json").json()["findings"]
    assert {f["state"] for f in found} == {"stable", "not_enough"}


def test_a_baseline_is_kept_and_used(kanhe: Kanhe, tmp_path: Path) -> None:
    """What was saved is what later looks hold against, also beside a server."""
    ran = kanhe("drift")
    assert ran.code == 2
    assert "there is no baseline yet; make one" in ran.err
    assert kanhe("drift", *WINDOW, "--save").code == 1
    with opened(tmp_path):
        ran = kanhe("drift", "--json")
    assert ran.code == 1
    assert ran.json()["baseline_from_ms"] == 1_767_225_600_000
    (tmp_path / "data" / "drift-baseline.json").write_bytes(b"{")
    ran = kanhe("drift")
    assert ran.code == 2
    assert "make it anew" in ran.err


def test_a_baseline_of_other_features_is_refused(kanhe: Kanhe, tmp_path: Path) -> None:
    """After a change of features nothing is compared that does not mean the same."""
    put_in_force(tmp_path, 1)
    live(tmp_path, judged(payment("z", 23 * DAY_S)))
    ran = kanhe("drift", *WINDOW)
    assert ran.code == 2
    assert "no event of type payment.attempted happened in the window" in ran.err
    put_in_force(tmp_path, 0)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--baseline-from", "soon"), "--baseline-from 'soon' is no time"),
        (("--baseline-from", "2026-02-01", "--baseline-to", "2026-01-01"), "lies before"),
        (("--baseline-to", "2020-01-01"), "see --baseline-from, --baseline-to and --type"),
        ((*WINDOW, "--type", "no.such"), "no such event type"),
        ((*WINDOW, "--data-dir", "none"), "there is no journal in none"),
    ],
)
def test_wrong_usage_is_told(kanhe: Kanhe, arguments: tuple[str, ...], told: str) -> None:
    """What was wrong, and what to do."""
    ran = kanhe("drift", *arguments)
    assert ran.code == 2
    assert told in ran.err


def test_in_portions_it_is_the_same(kanhe: Kanhe, tmp_path: Path) -> None:
    """Rows that come in between two looks are counted once, by day."""
    kanhe("drift", *WINDOW, "--save")
    settings = settings_of(tmp_path)
    baseline = kept_baseline(settings)
    assert baseline is not None
    watching = Drifting(settings, baseline)
    watching.look()
    live(tmp_path, [*judged(*days(22, 23, changed=True)), *recorded(payment("x", 23 * DAY_S))], 60)
    later, anew = watching.look(), Drifting(settings, baseline).look()
    assert later == anew
    assert later.last_seq == 2301


def test_what_begins_and_ends_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """A warning when something drifts, another when it grows, a word when it is over, and no more."""

    def report(state: str, since: int | None) -> DriftReport:
        finding = Finding(kind="number", type="payment.attempted", name="f", state=state, value=0.3,  # type: ignore[arg-type]  # drawn from the states
                          moderate=0.1, large=0.25, since_day=since)  # fmt: skip
        return DriftReport(
            baseline_policy="", baseline_from_ms=0, baseline_to_ms=0, findings=[finding]
        )

    told = Told()
    with caplog.at_level(logging.INFO, "kanhe.drift"):
        for state, since in (("stable", None), ("moderate", 20_470), ("moderate", 20_470),
                             ("large", 20_470), ("not_enough", None), ("stable", None)):  # fmt: skip
            told.tell(report(state, since))
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("WARNING", "drift.moderate"), ("WARNING", "drift.large"), ("INFO", "drift.over"),
    ]  # fmt: skip
    assert vars(caplog.records[0])["since"] == "2026-01-17"


def test_looking_on_leaves_a_report_and_outlives_trouble(
    kanhe: Kanhe, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each look leaves what it found; a journal that is gone is told once, and looked for again."""
    kanhe("drift", *WINDOW, "--save")
    settings = settings_of(tmp_path)
    baseline = kept_baseline(settings)
    assert baseline is not None

    class Stop(threading.Event):
        looks = 0

        def wait(self, timeout: float | None = None) -> bool:
            """Between the looks the journal goes away, and comes back."""
            self.looks += 1
            journal, aside = tmp_path / "data" / "journal.db", tmp_path / "aside"
            if self.looks == 1:
                journal.rename(aside)
            if self.looks == 3:
                aside.rename(journal)
            if self.looks == 4:
                self.set()
            return self.is_set()

    with caplog.at_level(logging.INFO, "kanhe.drift"):
        drifting._look_on(settings, baseline, Stop())
    messages = [r.message for r in caplog.records]
    assert messages.count("drift.cannot_look") == 1
    assert "drift.large" in messages
    left = kept_report(settings)
    assert left is not None
    assert [f.name for f in left.drifted][:1] != []


def test_the_metrics_show_the_newest_report(kanhe: Kanhe, tmp_path: Path) -> None:
    """Value, state and beginning of everything that can be told; damage costs only these."""
    kanhe("drift", *WINDOW, "--save")
    settings = settings_of(tmp_path)
    baseline = kept_baseline(settings)
    assert baseline is not None
    with opened(tmp_path) as engine:
        assert engine.stats().drift == ()
        report = Drifting(settings, baseline).look()
        keep_report(settings, report)
        stats = engine.stats()
        (tmp_path / "data" / REPORT_FILE).write_bytes(b"\xff")
        assert engine.stats().drift == ()
    text = Counters(lambda: FakeStats(1, drift=stats.drift)).exposition().decode()
    labels = 'kind="number",name="card_n_10m",type="payment.attempted"'
    assert f"kanhe_drift_state{{{labels}}} 2.0" in text
    since = float(text.split(f"kanhe_drift_since_seconds{{{labels}}} ")[1].split()[0])
    assert abs(since / DAY_S - (FIRST_DAY + 16)) <= 1
    assert 'name="user_n_1h",type="payment.attempted"} 0.0' in text
    assert 'name="listed"' not in text


def test_it_runs_beside_a_server_until_that_is_gone(kanhe: Kanhe, tmp_path: Path) -> None:
    """The process leaves reports while its parent lives, and ends with it, however that goes."""
    kanhe("drift", *WINDOW, "--save")
    words = [sys.executable, "-m", "kanhe.serve.cli", "drift", "--watch", "--beside-parent"]
    where = os.environ | {"KANHE_DATA_DIR": str(tmp_path / "data"), "KANHE_LOG_FORMAT": "json"}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=where) as child:
        end = time.monotonic() + 30
        while not (tmp_path / "data" / REPORT_FILE).exists() and time.monotonic() < end:
            time.sleep(0.05)
        _, told = child.communicate(timeout=20)
    assert child.returncode == 0
    assert b'"event": "drift.large"' in told
    left = kept_report(settings_of(tmp_path))
    assert left is not None and left.drifted
