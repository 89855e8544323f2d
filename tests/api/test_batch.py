"""Lines in, lines out: every line answered in order, whatever its neighbours are like."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.serve.api.lines import LineCutter
from tests.api.conftest import OTHER, TOKEN, Running, event


def _lines(*numbers: int | str) -> bytes:
    return b"".join(json.dumps(event(n)).encode() + b"\n" for n in numbers)


def _answers(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def test_each_line_is_answered_in_order(running: Running) -> None:
    """A thousand lines get a thousand answers, in the order of the lines."""
    with running.client() as client:
        answer = client.post("/v1/decisions:batch", content=_lines(*range(1_000)))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [a["event_id"] for a in _answers(answer.content)] == [f"e{n}" for n in range(1_000)]
    assert len(running.engine.kept) == 1_000
    assert len(running.engine.commits) < 100


def test_a_bad_line_costs_only_itself(running: Running) -> None:
    """A broken line becomes a problem with its number; blank lines are counted and passed over."""
    body = _lines(1) + b"\n  \r\n{broken\n" + _lines(2) + b"\xff\xfe\n" + b'{"no":"id"}\r\n'
    with running.client() as client:
        answers = _answers(client.post("/v1/decisions:batch", content=body).content)
    assert [a.get("line") for a in answers] == [None, 4, None, 6, 7]
    assert [a.get("event_id") for a in answers] == ["e1", None, "e2", None, None]
    assert all(a["type"].startswith("/problems/") for a in answers if "line" in a)


def test_a_last_line_without_newline_is_a_line(running: Running) -> None:
    """The end of the body ends the last line."""
    with running.client() as client:
        answer = client.post("/v1/events:batch", content=_lines(1, 2).rstrip(b"\n"))
    assert len(_answers(answer.content)) == 2


def test_an_empty_batch_has_an_empty_answer(running: Running) -> None:
    """Nothing in, nothing out."""
    with running.client() as client:
        for body in (b"", b"\n\n \n"):
            answer = client.post("/v1/decisions:batch", content=body)
            assert (answer.status_code, answer.content) == (200, b"")


def test_a_line_sent_twice_counts_once(running: Running) -> None:
    """The same event twice in one batch, and again in the next, has one decision."""
    with running.client() as client:
        first = client.post("/v1/decisions:batch", content=_lines(1, 1)).content.splitlines()
        again = client.post("/v1/decisions:batch", content=_lines(1)).content.splitlines()
    assert first[0] == first[1] == again[0]
    assert len(running.engine.kept) == 1


def test_a_line_too_long_is_reported(running: Running) -> None:
    """A line beyond the limit is a problem; the lines around it are judged."""
    body = _lines(1) + b"x" * 300_000 + b"\n" + _lines(2)
    with running.client() as client:
        answers = _answers(client.post("/v1/decisions:batch", content=body).content)
    assert [a.get("event_id") for a in answers] == ["e1", None, "e2"]
    assert answers[1]["line"] == 2
    assert answers[1]["type"] == "/problems/body-too-large"


def test_answers_come_while_lines_are_still_sent(running: Running) -> None:
    """The first answer is there before the last line is."""
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.settimeout(5)
        sock.sendall(_head("transfer-encoding: chunked"))
        first = _lines(1)
        sock.sendall(b"%x\r\n%b\r\n" % (len(first), first))
        got = b""
        while b'"e1"' not in got:
            got += sock.recv(65_536)
        last = _lines(2)
        sock.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(last), last))
        while not got.endswith(b"0\r\n\r\n"):
            got += sock.recv(65_536)
    assert b'"e2"' in got


def test_a_client_that_reads_last_is_served(running: Running) -> None:
    """Many clients send everything before they read a byte: they get every answer."""
    count = 20_000
    body = _lines(*range(count))
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        sock.settimeout(30)
        sock.sendall(_head(f"content-length: {len(body)}") + body)
        got = bytearray()
        while not got.endswith(b"0\r\n\r\n"):
            got += sock.recv(1 << 20)
    assert got.count(b"decision_id") == count
    assert len(running.engine.kept) == count


def test_a_cut_connection_keeps_the_complete_lines(running: Running) -> None:
    """What arrived whole is judged; the line that was cut is not."""
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.sendall(_head("content-length: 100000") + _lines(1, 2) + _lines(3)[:20])
        time.sleep(0.2)
    deadline = time.monotonic() + 5
    while len(running.engine.kept) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sorted(key for _, key in running.engine.kept) == ["e1", "e2"]


def test_a_pause_too_long_ends_the_batch(start: Callable[..., Running]) -> None:
    """A client that stops sending is given up; its earlier lines were answered."""
    running = start(body_timeout_ms=300)
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.settimeout(5)
        sock.sendall(_head("content-length: 100000") + _lines(1))
        got = b""
        while not got.endswith(b"0\r\n\r\n"):
            got += sock.recv(65_536)
    assert b'"e1"' in got
    assert b"body-too-slow" in got


def test_too_many_lines_are_refused_by_number(start: Callable[..., Running]) -> None:
    """Lines within the limit are judged; the first one beyond it is named."""
    running = start(max_batch_lines=10)
    with running.client() as client:
        answers = _answers(client.post("/v1/decisions:batch", content=_lines(*range(15))).content)
    assert [a["event_id"] for a in answers[:10]] == [f"e{n}" for n in range(10)]
    assert answers[10]["line"] == 11
    assert answers[10]["status"] == 413
    assert len(running.engine.kept) == 10


def test_a_batch_too_large_is_refused(start: Callable[..., Running]) -> None:
    """The limit in bytes holds for announced and for chunked bodies."""
    running = start(max_batch_bytes=10_000)
    body = _lines(*range(1_000))
    with running.client() as client:
        assert client.post("/v1/decisions:batch", content=body).status_code == 413
        assert not running.engine.kept
        parts = [body[at : at + 4_000] for at in range(0, len(body), 4_000)]
        answer = client.post("/v1/decisions:batch", content=iter(parts))
    last = _answers(answer.content)[-1]
    assert last["type"] == "/problems/batch-too-large"
    assert len(running.engine.kept) < 1_000


def test_a_full_disk_ends_the_batch(running: Running) -> None:
    """Nobody is told yes for a group that was not stored."""
    running.engine.disk_full = True
    with running.client() as client:
        answer = client.post("/v1/decisions:batch", content=_lines(1, 2))
        assert answer.status_code == 503
        assert answer.json()["type"] == "/problems/storage-unavailable"
        running.engine.disk_full = False
        assert client.post("/v1/decisions:batch", content=_lines(1, 2)).status_code == 200


def test_a_disk_that_fills_midway_is_told_with_the_line(running: Running) -> None:
    """After the first answers a full disk is told as a last line: from where to send again."""
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.settimeout(5)
        body = _lines(1, 2)
        sock.sendall(_head(f"content-length: {len(body)}") + body[: len(_lines(1))])
        got = b""
        while b'"e1"' not in got:
            got += sock.recv(65_536)
        running.engine.disk_full = True
        sock.sendall(body[len(_lines(1)) :])
        while not got.endswith(b"0\r\n\r\n"):
            got += sock.recv(65_536)
    assert b"storage-unavailable" in got
    assert b'"line":2' in got


def test_batches_of_tenants_stay_apart(running: Running) -> None:
    """Two tenants with the same ids in their batches have their own decisions."""
    with running.client() as one, running.client(OTHER) as other:
        one.post("/v1/decisions:batch", content=_lines(1, 2))
        other.post("/v1/decisions:batch", content=_lines(1, 2))
    assert len(running.engine.kept) == 4


def test_a_rate_slows_a_batch_down(running: Running) -> None:
    """A batch within its rate's reach is slowed rather than refused."""
    running.keys.add("kanhe_paced", "shop-a", rate_per_s=1_000, burst=100)
    with running.client("kanhe_paced") as client:
        begun = time.monotonic()
        answer = client.post("/v1/decisions:batch", content=_lines(*range(600)))
        took = time.monotonic() - begun
    assert len(_answers(answer.content)) == 600
    assert took > 0.3


@pytest.mark.parametrize("path", ["/v1/decisions:batch", "/v1/decisions%3Abatch"])
def test_the_colon_may_be_escaped(running: Running, path: str) -> None:
    """Clients that escape the colon reach the same route."""
    with running.client() as client:
        assert client.post(path, content=_lines(1)).status_code == 200


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_lines_do_not_depend_on_how_the_body_is_cut(body: bytes, cuts: list[int]) -> None:
    """However the network cuts a body into parts, the lines and their numbers are the same."""
    whole = LineCutter(50)
    wanted = whole.cut(body) + whole.last()
    cutter, got, start = LineCutter(50), [], 0
    for cut in [*sorted(cuts), len(body)]:
        got += cutter.cut(body[start:cut])
        start = max(start, cut)
    assert got + cutter.last() == wanted
    assert [number for number, _ in wanted] == sorted({number for number, _ in wanted})
    assert all(text is None or 0 < len(text) <= 50 for _, text in wanted)


def _head(length: str) -> bytes:
    return (
        f"POST /v1/decisions:batch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n"
        f"{length}\r\n\r\n"
    ).encode()


def test_a_key_revoked_during_a_batch_stops_it(running: Running) -> None:
    """A batch that goes on for long ends about a second after its key was revoked, and says where."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as peer:
        head = f"POST /v1/decisions:batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        peer.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        answer = b""
        for number in range(2):
            line = _lines(number)
            peer.sendall(b"%x\r\n%s\r\n" % (len(line), line))
            if number == 0:
                while b'"e0"' not in answer:
                    answer += peer.recv(65_536)
                running.keys.revoke(TOKEN)
                time.sleep(1.1)
        while b"not-authenticated" not in answer:
            part = peer.recv(65_536)
            assert part, answer
            answer += part
    assert b'"line":2' in answer
    assert len(running.engine.kept) == 1
