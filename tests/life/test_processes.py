"""The whole way with real processes: commands, a server, kill -9."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from kanhe.app import open_history
from kanhe.judge.policy.life import STEPS, State
from kanhe.replay import Audit, Span, audit
from kanhe.serve.cli import policy_life
from kanhe.serve.cli.phrases import CATALOGUE
from tests.flow.packs import settings
from tests.ledger.processes import until
from tests.life.lives import candidate
from tests.life.servers import KeyedServer, make_keys, policy, policy_json


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def in_force(folder: Path, **more: Any) -> str:
    time.sleep(0.5)
    found = policy_json(folder, "ann", "status", **more)
    return str(found["in_force"])


def compared_once(folder: Path, hash: str, port: int) -> bool:
    """Whether the shadow has judged anything yet. It gives way to those who ask all the time."""
    time.sleep(1)
    done = policy(folder, "ann", "compare", hash, port=port)
    assert done.returncode == 0 or "nothing is known" in done.stderr, done.stderr + done.stdout
    return done.returncode == 0


def equal_rows(folder: Path) -> int:
    with open_history(settings(folder)) as history:
        assert history is not None
        found = Audit()
        assert list(audit(history, Span(), found)) == []
        return found.equal


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_from_proposal_to_rollback_beside_a_running_server(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A pack goes its whole way while events come without a pause; nothing sent is lost, each decision
    names its pack, the shadow is compared, and kill -9 in the middle changes nothing."""
    new = candidate(tmp_path)
    tokens = make_keys(tmp_path)
    port = free_port()
    server = KeyedServer(tmp_path, tokens, port)
    request.addfinalizer(server.end)
    answers: list[dict[str, Any]] = []
    slowest = [0.0]
    stop = threading.Event()

    def shop() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            begun = time.monotonic()
            answers.append(server.send(f"e{number}", number, user=f"u{number % 100}",
                                       card=f"c{number % 400}"))  # fmt: skip
            slowest[0] = max(slowest[0], time.monotonic() - begun)
            time.sleep(0.002)

    sending = threading.Thread(target=shop)
    sending.start()
    try:
        folder = str(tmp_path / "candidate")
        old = in_force(tmp_path, port=port)
        told = policy_json(tmp_path, "ann", "propose", folder, "--why", "longer windows", port=port)
        assert (told["hash"], told["state"], told["author"]) == (new.hash, "checked", "ann")
        hash = new.hash[:20]
        assert policy(tmp_path, "ann", "shadow", hash, port=port).returncode == 1
        told = policy_json(tmp_path, "ann", "backtest", hash, port=port)
        assert int(told["moves"][-1]["facts"]["decided"]) > 0
        policy_json(tmp_path, "ann", "shadow", hash, port=port)
        until(lambda: compared_once(tmp_path, hash, port), "the shadow judges", 120)
        compared = policy_json(tmp_path, "ann", "compare", hash, port=port)
        assert compared["policy"] == new.hash and compared["first"] > 0
        assert policy(tmp_path, "ann", "share", hash, "--percent", "50", port=port).returncode == 1
        policy_json(tmp_path, "ann", "share", hash, "--percent", "10", port=port)
        until(lambda: any(a["policy"] == new.hash for a in answers), "a share is decided", 120)
        done = policy(tmp_path, "ann", "approve", hash, port=port)
        assert done.returncode == 1 and "somebody else" in done.stderr
        policy_json(tmp_path, "bob", "approve", hash, "--why", "looks right", port=port)
        policy_json(tmp_path, "ann", "activate", hash, port=port)
        until(lambda: in_force(tmp_path, port=port) == new.hash, "it is live", 120)
        until(lambda: answers[-1]["policy"] == new.hash, "it decides", 10)
        policy_json(tmp_path, "bob", "rollback", "--why", "drill", port=port)
        until(lambda: in_force(tmp_path, port=port) == old, "the old one is back", 120)
        until(lambda: answers[-1]["policy"] == old, "it decides", 10)
    finally:
        stop.set()
        sending.join()
    assert slowest[0] < 5, f"somebody waited {slowest[0]:.1f} s for an answer"
    server.stop(signal.SIGKILL)
    # What was answered is there, once, under the pack that it names; the life goes on as it stood.
    with open_history(settings(tmp_path)) as history:
        assert history is not None
        rows = {row.event_id: row for row in history.journal.rows() if row.is_event}
    assert len(rows) >= len(answers)
    for answer in answers:
        row = rows[answer["event_id"]]
        assert row.policy == answer["policy"] and json.loads(row.answer) == answer
    assert equal_rows(tmp_path) == len(rows)
    assert in_force(tmp_path) == old


def test_without_a_server(tmp_path: Path) -> None:
    """The same steps in the data folder, while nobody judges; a pack that was activated is in force
    when the next server begins."""
    new = candidate(tmp_path)
    tokens = make_keys(tmp_path)
    policy_json(tmp_path, "ann", "propose", str(tmp_path / "candidate"))
    for who, *words in (
        ("ann", "backtest"), ("ann", "shadow"), ("ann", "share", "--percent", "5"),
        ("bob", "approve"), ("bob", "activate"),
    ):  # fmt: skip
        policy_json(tmp_path, who, words[0], new.hash, *words[1:])
    told = policy_json(tmp_path, "ann", "status")
    assert told["wanted"] == new.hash != told["in_force"]
    server = KeyedServer(tmp_path, tokens)
    assert server.send("e1")["policy"] == new.hash
    server.stop()
    assert in_force(tmp_path) == new.hash
    done = policy(tmp_path, "ann", "status", new.hash)
    assert "bob" in done.stdout and done.returncode == 0


@pytest.mark.parametrize(
    ("who", "words", "said"),
    [
        ("bob", ("propose", "candidate"), "policy:propose"),
        ("shop", ("rollback",), "policy:approve"),
        ("nobody", ("rollback",), "KANHE_TOKEN"),
        ("wrong", ("rollback",), "unknown, revoked or expired"),
        ("ann", ("shadow", "abcdef0"), "no pack that was proposed"),
        ("ann", ("shadow", "a"), "no pack that was proposed"),
        ("ann", ("rollback",), "no pack was in force before"),
        ("ann", ("release", "mad", "--type", "payment.attempted"), "start it first"),
    ],
)
def test_who_may_not_is_told_why(
    tmp_path: Path, who: str, words: tuple[str, ...], said: str
) -> None:
    """A step that cannot be taken ends with 1 and says what is missing."""
    candidate(tmp_path)
    make_keys(tmp_path)
    (tmp_path / "nobody").write_text("")
    (tmp_path / "wrong").write_text("kanhe_" + "a" * 16 + "_" + "a" * 52)
    given = [str(tmp_path / word) if word == "candidate" else word for word in words]
    done = policy(tmp_path, who, *given)
    assert done.returncode == 1, done.stderr
    assert said in done.stderr


def test_over_http(tmp_path: Path) -> None:
    """Scopes, hostile bodies and unknown packs are answered with problems; a mistake names its place."""
    new = candidate(tmp_path)
    tokens = make_keys(tmp_path)
    server = KeyedServer(tmp_path, tokens)
    ann, bob = (
        httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {tokens[who]}"})
        for who in ("ann", "bob")
    )
    with ann, bob:
        assert bob.post("/v1/policy/packs", content=new.archive).status_code == 403
        assert server.client.get("/v1/policy").status_code == 403
        for body in (b"", b"x" * 600, new.archive[:700], b"\x00" * 10_240):
            answer = ann.post("/v1/policy/packs", content=body)
            assert answer.status_code == 422, answer.text
            assert answer.json()["type"] == "/problems/policy-invalid"
        assert ann.post("/v1/policy/packs", content=new.archive).status_code == 201
        again = ann.post("/v1/policy/packs", content=new.archive)
        assert again.status_code == 409
        path = f"/v1/policy/packs/{new.hash}"
        for body in (b"{", b"[]", b'{"why":5}', b'{"x":1}', b'{"share_permille":-1}', b"\xff"):
            assert ann.post(f"{path}/backtested", content=body).status_code == 422
        assert ann.post(f"{path}/backtested", json={"facts": {"pack": "x"}}).status_code == 409
        assert ann.post(f"{path}/in_force", json={}).status_code == 404
        assert ann.post("/v1/policy/packs/sha256:00/shadow", json={}).status_code == 404
        assert ann.post(f"{path}/shadow", json={}).status_code == 409
        assert ann.post(f"{path}/backtested", json={"why": "é" * 500}).status_code == 200
        assert ann.post(f"{path}/shadow", content=b"x" * 20_000).status_code == 413
        assert bob.post(f"{path}/shadow", json={}).status_code == 403
        assert ann.get(path).json()["moves"][0]["by"] == "ann"
        release = {"rule": "mad", "event_type": "payment.attempted", "outcome": "deny"}
        assert bob.post("/v1/policy/release", json=release).status_code == 404
        assert bob.post("/v1/policy/rollback", json={}).status_code == 409
        assert bob.get("/v1/policy/packs/" + "%2e" * 5).status_code == 404
    server.stop()


def test_without_keys_nobody_takes_a_step(tmp_path: Path) -> None:
    """A server that lets everybody in cannot tell two people apart, and says so."""
    from tests.ledger.processes import Server

    server = Server(tmp_path, log_sequencer="false")
    new = candidate(tmp_path)
    answer = server.client.post("/v1/policy/packs", content=new.archive)
    assert answer.status_code == 409 and "one key per person" in answer.text
    assert server.client.get("/v1/policy").json()["packs"] == []
    server.stop()


def test_every_column_and_state_has_its_words() -> None:
    """Words that are put together from a state, a step or a column stand in the catalogue."""
    named = [f"life.state.{state}" for state in get_args(State)]
    named += [f"life.step.{step}" for step in STEPS]
    source = Path(policy_life.__file__).read_text("utf-8")
    columns = re.findall(r"for c in\s*\(([^)]*)\)", source)
    assert len(columns) >= 5
    for found in columns:
        named += [f"col.{name}" for name in re.findall(r'"(\w+)"', found)]
    assert [name for name in named if name not in CATALOGUE] == []
