"""Customer service at the command line, and erasing somebody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kanhe.app.stepping_up.opening import StepUps
from kanhe.core.settings import Settings
from kanhe.serve.cli import buyers
from kanhe.serve.cli.entry import run
from tests.step_up.building import House, about_factors, code_at, question
from tests.step_up.serving import clock


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation that nobody used yet."""
    return Settings(data_dir=str(tmp_path / "data"))


def _enrol(settings: Settings, user: str) -> str:
    step_ups = StepUps(settings, clock)
    made = step_ups.enrolling.begin("default", user, "totp")
    code = code_at(made.secret, clock())
    step_ups.enrolling.confirm("default", user, made.id, code, "")
    step_ups.close()
    return made.id


def test_customer_service_looks_and_removes(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`kanhe buyers` lists and removes, beside a server or without one, and leaves who did it."""
    monkeypatch.setenv("KANHE_DATA_DIR", settings.data_dir)
    monkeypatch.setenv("KANHE_LANG", "en")
    assert run(["buyers", "factors", "u-1"]) == 0
    assert "no factors" in capsys.readouterr().out
    assert not (Path(settings.data_dir) / "buyers.db").exists()
    assert run(["buyers", "remove", "u-1", "fa-x", "--why", "lost"]) != 0
    capsys.readouterr()
    id = _enrol(settings, "u-1")
    assert run(["buyers", "factors", "u-1", "--json"]) == 0
    [shown] = json.loads(capsys.readouterr().out)
    assert (shown["id"], shown["confirmed"]) == (id, True)
    assert "secret" not in shown
    told = ["--why", "lost phone, passport seen", "--ticket", "T-1", "--by", "st-5"]
    assert run(["buyers", "remove", "u-1", id, *told]) == 0
    step_ups = StepUps(settings, clock)
    events = [json.loads(one.body) for one in step_ups.waiting()]
    step_ups.close()
    assert [one["type"] for one in events] == [
        "account.factor_added", "account.factor_removed", "staff.action"
    ]  # fmt: skip
    assert events[1]["staff"] == events[2]["staff"] == "st-5"


def test_nobody_removes_for_another_tenant(settings: Settings) -> None:
    """A factor is found in its own tenant only."""
    from kanhe.core.errors import Refusal

    id = _enrol(settings, "u-1")
    with pytest.raises(Refusal):
        buyers.remove(settings, "u-1", id, "other", "st-5", "lost", "", as_json=True)


def test_erasing_somebody_reaches_what_they_confirm_with(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`kanhe erase` destroys factors, step-ups and events that still wait, of nobody else."""
    monkeypatch.setenv("KANHE_DATA_DIR", settings.data_dir)
    # Names that no id ("su-1f…" holds "u-1") and no sealed secret can hold by chance.
    _enrol(settings, "mei-lin")
    other = _enrol(settings, "bob-ray")
    assert run(["erase", "user=mei-lin", "--dry-run"]) != 0
    assert run(["erase", "user=mei-lin"]) == 0
    capsys.readouterr()
    kept = b"".join(path.read_bytes() for path in Path(settings.data_dir).glob("buyers.db*"))
    assert b"mei-lin" not in kept
    assert b"bob-ray" in kept
    step_ups = StepUps(settings, clock)
    assert step_ups.enrolling.factors("default", "mei-lin") == []
    assert [one.id for one in step_ups.enrolling.factors("default", "bob-ray")] == [other]
    assert {json.loads(one.body)["user"] for one in step_ups.waiting()} == {"bob-ray"}
    step_ups.close()


def test_every_name_of_somebody_is_forgotten(house: House) -> None:
    """By an address, a device or a session what names it goes, in its own tenant."""
    made = house.enrolling.begin("shop", "u-1", "mail", mail="Mei@example.com")
    house.enrolling.confirm("shop", "u-1", made.id, house.mailbox.code, "")
    house.asking.begin(question(device="d-1", session="s-1"))
    house.asking.begin(about_factors("u-3"))
    place = house.room.address_place("shop", "mei@example.com")
    with house.room.store.writing() as writing:
        assert writing.forget("other", "email", "mei@example.com", place) == 0
        assert writing.forget("shop", "email", "mei@example.com", place) == 1
        assert writing.forget("shop", "device", "d-1") == 1
        assert writing.forget("shop", "session", "s-1") == 0
        assert writing.forget("shop", "card", "d-1") == 0
    assert [one.get("user") for one in house.events()] == ["u-1", "u-3"]
