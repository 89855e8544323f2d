"""`kanhe label`: what people and programs read, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kanhe.serve.cli.wording import use_language
from tests.cli.conftest import Kanhe
from tests.flow.packs import START_MS, payment
from tests.replay.pasts import judged, live, put_in_force, recorded

DAY_MS = 86_400_000
SHOP = ("--tenant", "a")
LATER = ("--as-of", "2027-12-31")
"""After everything was received, by the clock of these installations."""


def _said(event_id: str, subject: str, verdict: str, day: int, source: str = "") -> bytes:
    body = {"id": event_id, "type": "label.assigned", "at_ms": START_MS + day * DAY_MS, "user": "u1",
            "verdict": verdict, "subject_event": subject, "staff": "st-5"}  # fmt: skip
    return json.dumps(body | ({"label_source": source} if source else {})).encode()


@pytest.fixture(autouse=True)
def past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kanhe: Kanhe) -> None:
    """Three payments, of which one is disputed; everything was received at one moment."""
    monkeypatch.setenv("KANHE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "160")
    put_in_force(tmp_path, 0)
    live(tmp_path, [
        *judged(payment("a0"), payment("a1", 5), payment("a2", 9)),
        *recorded(_said("m1", "a1", "fraud", 3, "manual_review"), _said("m2", "a1", "legitimate", 4),
                  _said("m3", "a0", "fraud", -2), _said("m4", "gone", "fraud", 2),
                  _said("m5", "a2", "legitimate", 2, "chargeback")),
    ])  # fmt: skip


def test_history_and_what_holds(kanhe: Kanhe) -> None:
    """Who said what when, what was overruled, and what holds as of now."""
    ran = kanhe("label", "show", "a1", *SHOP, *LATER)
    assert ran.code == 0
    assert "As of" in ran.out and ": fraud, by analyst (m1)" in ran.out
    assert "outranked" in ran.out and "st-5" in ran.out and "manual_review" in ran.out
    chinese = kanhe("label", "show", "a1", *SHOP, *LATER, "--lang", "zh_CN")
    use_language("en")
    assert "欺诈" in chinese.out and "人工审核" in chinese.out and "级别较低" in chinese.out


def test_as_of_an_earlier_day_nothing_was_known(kanhe: Kanhe) -> None:
    """What had not been received by a day is shown as not known then."""
    ran = kanhe("label", "show", "a1", *SHOP, "--as-of", "2026-01-10")
    assert "Nothing was known of it by 2026-01-10 23:59." in ran.out
    assert ran.out.count("not known yet") == 2
    found = kanhe("label", "show", "a1", *SHOP, "--as-of", "2026-01-10", "--json").json()
    assert found["verdict"] is None


def test_programs_read_all_claims(kanhe: Kanhe) -> None:
    """Every claim with its state, its authority and what it named."""
    found = kanhe("label", "show", "a1", *SHOP, *LATER, "--json").json()
    assert (found["verdict"], found["outcome"], found["seq"]) == ("fraud", "allow", 2)
    assert [(c["event_id"], c["state"], c["authority"]) for c in found["claims"]] == [
        ("m1", "holds", "analyst"), ("m2", "weaker", "system"),
    ]  # fmt: skip
    refused = kanhe("label", "show", "a0", *SHOP, *LATER, "--json").json()
    assert [(c["event_id"], c["state"]) for c in refused["claims"]] == [("m3", "refused")]


def test_other_tenants_and_unknown_events_are_not_found(kanhe: Kanhe) -> None:
    """Whoever asks for another tenant's event is told what to check; code 1."""
    for arguments in (("nothing", *SHOP), ("a1", "--tenant", "b")):
        ran = kanhe("label", "show", *arguments)
        assert (ran.code, ran.out) == (1, "")
        assert "there is no event" in ran.err


def test_the_summary_accounts_for_every_claim(kanhe: Kanhe) -> None:
    """Claims count, are refused, or are about nothing, each with its number and examples."""
    found = kanhe("label", "summary", *LATER, "--json").json()
    assert found["labelled"] == 2
    assert found["verdicts"] == {"fraud": 1, "legitimate": 1}
    assert found["authorities"] == {"bank": 1, "analyst": 1}
    assert (found["claims"], found["before_event"], found["no_such_event"]) == (3, 1, 1)
    assert found["before_event_examples"] == ["m3"]
    assert found["no_such_event_examples"] == ["m4"]
    assert (found["contradicted"], found["overruled"]) == (1, 1)
    assert set(found["delay_days"]) == {"0.5", "0.9", "0.99"}
    ran = kanhe("label", "summary", *LATER)
    assert "2 of 8 events had a label" in ran.out
    assert "made before their event happened (m3)" in ran.out
    assert kanhe("label", "summary", "--tenant", "b").out == "There are no events here.\n"


def test_without_a_journal_there_is_nothing(kanhe: Kanhe, tmp_path: Path) -> None:
    """No data folder is no error for the summary, and none is made."""
    where = ("--data-dir", str(tmp_path / "none"))
    assert kanhe("label", "summary", *where).out == "There are no events here.\n"
    assert kanhe("label", "show", "a1", *where).code == 1
    assert not (tmp_path / "none").exists()


def test_a_day_that_is_none_is_told(kanhe: Kanhe) -> None:
    """Wrong usage names the option and what to write."""
    ran = kanhe("label", "summary", "--as-of", "yesterday")
    assert ran.code == 2
    assert "--as-of 'yesterday' is no time; write 2026-01-31" in ran.err
