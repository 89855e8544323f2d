"""The demo to its end: the desk is filled, served, lived beside, and stopped."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from pathlib import Path

import httpx
import pytest

from kanhe.app import open_journal
from kanhe.core.settings import Settings
from kanhe.serve.cli.demo import ends_by_itself
from kanhe.serve.cli.demo_desk import past_until_now
from tests.ledger.processes import ENVIRONMENT, kanhe, until


def test_whoever_asks_for_an_end_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """`KANHE_DEMO_EXIT` set to anything but 0."""
    for value, ends in (("1", True), ("true", True), ("0", False), ("", False)):
        monkeypatch.setenv("KANHE_DEMO_EXIT", value)
        assert ends_by_itself() == ends
    monkeypatch.delenv("KANHE_DEMO_EXIT")
    assert not ends_by_itself()


def test_a_shop_lives_until_now() -> None:
    """About as many events as were asked for, in order, the last of them a moment ago."""
    past = past_until_now(5_000, 1)
    times = [event.at_ms for event in past.lived()]
    assert times == sorted(times) and times[-1] <= past.until_ms < times[-1] + 6 * 3_600_000
    assert 3_000 < len(times) < 7_000


@pytest.mark.slow
def test_a_demo_ends_in_a_desk_that_can_be_visited(tmp_path: Path) -> None:
    """The link leads in once, cases are open, the shop goes on, and a signal ends all of it."""
    process = subprocess.Popen(
        kanhe("demo", "--events", "5000", "--data-dir", str(tmp_path / "demo")),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**ENVIRONMENT, "KANHE_LOG_SEQUENCER": "false"},
    )  # fmt: skip
    said: list[str] = []
    assert process.stdout and process.stderr
    out, err = process.stdout, process.stderr
    readers = [threading.Thread(target=lambda s=s: said.extend(s), daemon=True) for s in (out, err)]  # type: ignore[misc]  # each its own
    for reader in readers:
        reader.start()
    try:
        until(lambda: "The console is at" in "".join(said), "the console listens", 120)
        text = "".join(said)
        link = re.search(r"http://localhost:\d+/sign-in/link/\S+", text)
        assert link and re.search(r"(\d+) cases are open", text)
        with httpx.Client(follow_redirects=True, timeout=30) as visitor:
            page = visitor.get(link[0])
            token = re.search(r'name="csrf" value="([^"]+)"', page.text)
            assert page.status_code == 200 and token
            origin = link[0].partition("/sign-in")[0]
            headers = {"origin": origin, "sec-fetch-site": "same-origin"}
            inside = visitor.post(link[0], data={"csrf": token[1]}, headers=headers)
            assert inside.status_code == 200 and inside.url.path == "/queue"
            again = httpx.post(link[0], data={"csrf": token[1]}, headers=headers)
            assert again.status_code >= 400

        def lived_on() -> bool:
            settings = Settings(data_dir=str(tmp_path / "demo"))
            with open_journal(settings) as journal:
                assert journal is not None
                rows = list(journal.rows(max(journal.last_seq() - 40, 0)))
            told = {
                json.loads(row.body)["type"] for row in rows if row.event_id.startswith("desk-")
            }
            return "staff.action" in told and rows[-1].received_ms > 0

        until(lived_on, "what staff did stands in the journal", 60)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
    for reader in readers:
        reader.join(10)
    out.close()
    err.close()
    assert code == 0, "".join(said)
