"""The real thing: `kanhe serve` as a process, over the real journal, stopped and killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith(("KANHE_", "LANG", "LC_"))},
    "KANHE_CONSOLE": "false",
}
ENVIRONMENT["KANHE_LOG_SEQUENCER"] = (
    "false"  # the log and its process are held to theirs in tests/ledger
)


class Served(NamedTuple):
    """A running server."""

    process: subprocess.Popen[str]
    url: str
    said: list[str]


def _kanhe(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from kanhe.serve.cli import main; main()", *arguments]


def _start(folder: Path, *arguments: str) -> Served:
    process = subprocess.Popen(
        _kanhe("serve", "--port", "0", "--data-dir", str(folder), *arguments),
        stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=folder,
    )  # fmt: skip
    said: list[str] = []
    assert process.stderr
    for line in process.stderr:
        said.append(line)
        found = re.search(r"listens on (http://\S+)", line)
        if found:
            reader = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
            reader.start()
            return Served(process, found[1], said)
    raise AssertionError("".join(said))


def _stop(served: Served, number: int = signal.SIGTERM) -> int:
    served.process.send_signal(number)
    code = served.process.wait(30)
    if served.process.stderr:
        served.process.stderr.close()
    return code


def _token(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        _kanhe("keys", "create", "--data-dir", str(folder), *arguments),
        capture_output=True, text=True, check=True, env=ENVIRONMENT, cwd=folder,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """An open server, stopped afterwards."""
    one = _start(tmp_path, "--open")
    yield one
    if one.process.poll() is None:
        _stop(one)


def _event(number: int, **more: object) -> dict[str, object]:
    return {
        "id": f"e{number}", "type": "payment.attempted", "at_ms": 1_767_225_600_000 + number,
        "user": "u1", "card": "tok_9", "order": "o1", "amount_minor": 1999, "currency": "EUR", **more,
    }  # fmt: skip


def test_a_stopped_server_knows_everything_again(tmp_path: Path) -> None:
    """After SIGTERM the exit code is 0, and the next start gives the same answers."""
    first = _start(tmp_path, "--open")
    answers = [httpx.post(first.url + "/v1/decisions", json=_event(n)).content for n in range(5)]
    assert _stop(first) == 0
    second = _start(tmp_path, "--open")
    again = [httpx.post(second.url + "/v1/decisions", json=_event(n)) for n in range(5)]
    assert [a.content for a in again] == answers
    assert all(a.headers["kanhe-repeated"] == "true" for a in again)
    handle = json.loads(answers[2])["decision_id"]
    assert httpx.get(f"{second.url}/v1/decisions/{handle}").content == answers[2]
    assert _stop(second, signal.SIGINT) == 0


def test_a_killed_server_knows_what_it_answered(tmp_path: Path) -> None:
    """After `kill -9` every answered event is there, once."""
    first = _start(tmp_path, "--open")
    answers = [httpx.post(first.url + "/v1/decisions", json=_event(n)).content for n in range(20)]
    _stop(first, signal.SIGKILL)
    second = _start(tmp_path, "--open")
    again = [httpx.post(second.url + "/v1/decisions", json=_event(n)).content for n in range(20)]
    assert again == answers
    metrics = httpx.get(second.url + "/metrics").text
    assert "kanhe_journal_seq 20.0" in metrics
    _stop(second)


def test_keys_of_the_command_line_open_the_server(tmp_path: Path) -> None:
    """A key made by another process works, keeps its tenant apart, and stops when revoked."""
    shop, other = _token(tmp_path, "--tenant", "shop"), _token(tmp_path, "--tenant", "other")
    server = _start(tmp_path)
    with httpx.Client(base_url=server.url) as client:
        as_shop, as_other = ({"authorization": f"Bearer {t}"} for t in (shop, other))
        assert client.post("/v1/decisions", json=_event(1)).status_code == 401
        mine = client.post("/v1/decisions", json=_event(1), headers=as_shop)
        theirs = client.post("/v1/decisions", json=_event(1), headers=as_other)
        assert "kanhe-repeated" not in theirs.headers
        handle = mine.json()["decision_id"]
        assert client.get(f"/v1/decisions/{handle}", headers=as_shop).content == mine.content
        assert client.get(f"/v1/decisions/{handle}", headers=as_other).status_code == 404
        assert client.get("/v1/lists", headers=as_shop).status_code == 403
    subprocess.run(
        _kanhe("keys", "revoke", shop.split("_")[1], "--data-dir", str(tmp_path)),
        check=True, env=ENVIRONMENT, capture_output=True,
    )  # fmt: skip
    codes = {httpx.post(server.url + "/v1/events", json=_event(2), headers=as_shop).status_code}
    for _ in range(100):
        codes.add(
            httpx.post(server.url + "/v1/events", json=_event(2), headers=as_shop).status_code
        )
        if 401 in codes:
            break
        threading.Event().wait(0.05)
    assert 401 in codes
    _stop(server)
    assert shop.split("_")[2] not in "".join(server.said)


def test_tenants_do_not_count_for_each_other(tmp_path: Path) -> None:
    """A burst of one tenant does not raise the score of another tenant's same card."""
    one, other = _token(tmp_path, "--tenant", "one"), _token(tmp_path, "--tenant", "other")
    server = _start(tmp_path)
    burst = "\n".join(
        json.dumps(_event(n, type="payment.declined", decline_reason="stolen_card"))
        for n in range(50)
    )
    with httpx.Client(base_url=server.url) as client:
        sent = client.post(
            "/v1/decisions:batch", content=burst, headers={"authorization": f"Bearer {one}"}
        )
        assert sent.status_code == 200
        hot = client.post(
            "/v1/decisions", json=_event(99), headers={"authorization": f"Bearer {one}"}
        ).json()
        cold = client.post(
            "/v1/decisions", json=_event(99), headers={"authorization": f"Bearer {other}"}
        ).json()
    _stop(server)
    assert cold["score"] < hot["score"]


def test_hostile_bodies_do_not_stop_the_server(served: Served) -> None:
    """Each hostile body gets a problem; the next honest event is decided."""
    deep = b"[" * 50_000
    bodies = [
        b"", b"\x00", b"\xff" * 100, deep, b'{"a":' * 9_000, b'{"id":NaN}', b"Infinity", b"1e999",
        b'{"id":"e1","id":"e2","type":"account.login","at_ms":1767225600000,"user":"u"}',
        json.dumps(_event(1, card="4111111111111111")).encode(),
        json.dumps(_event(1, amount_minor=10**30)).encode(),
        json.dumps(_event(1, at_ms=10**16)).encode(),
        json.dumps(_event(1, surprise=1)).encode(),
        b'{"id":"\\ud800","type":"account.login","at_ms":1767225600000,"user":"u"}',
    ]  # fmt: skip
    with httpx.Client(base_url=served.url) as client:
        for body in bodies:
            answer = client.post("/v1/decisions", content=body)
            assert 400 <= answer.status_code < 500, body[:40]
            assert answer.headers["content-type"] == "application/problem+json"
        lines = b"\n".join(body for body in bodies if b"\n" not in body)
        batch = client.post(
            "/v1/decisions:batch", content=lines + b"\n" + json.dumps(_event(7)).encode()
        )
        assert json.loads(batch.content.splitlines()[-1])["event_id"] == "e7"
        assert client.post("/v1/decisions", json=_event(8)).status_code == 200


def test_a_second_server_on_the_same_folder_is_refused(served: Served, tmp_path: Path) -> None:
    """Two processes never judge with one folder; the second says who holds it."""
    done = subprocess.run(
        _kanhe("serve", "--open", "--port", "0", "--data-dir", str(tmp_path)),
        capture_output=True, text=True, env=ENVIRONMENT, cwd=tmp_path, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert str(served.process.pid) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_told(served: Served, tmp_path: Path) -> None:
    """A port that is taken is told in one line, with what to do."""
    port = served.url.rpartition(":")[2]
    done = subprocess.run(
        _kanhe("serve", "--open", "--port", port, "--data-dir", str(tmp_path / "other")),
        capture_output=True, text=True, env=ENVIRONMENT, cwd=tmp_path, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--port" in done.stderr
