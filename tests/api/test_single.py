"""One event over HTTP: answered once durable, the same bytes again, problems for everything else."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.api.conftest import OTHER, TOKEN, Running, event

PROBLEM = "application/problem+json"


def test_an_event_is_decided_and_durable_when_answered(running: Running) -> None:
    """The answer comes after the commit that holds its event."""
    with running.client() as client:
        answer = client.post("/v1/decisions", json=event())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["outcome"] == "allow"
    assert ("shop-a", "e1") in running.engine.kept


def test_the_same_event_gets_the_same_bytes(running: Running) -> None:
    """A retry is answered by the same bytes and says so in a header."""
    with running.client() as client:
        first = client.post("/v1/decisions", json=event())
        again = client.post("/v1/decisions", json=event())
    assert again.content == first.content
    assert "kanhe-repeated" not in first.headers
    assert again.headers["kanhe-repeated"] == "true"


def test_an_event_can_be_recorded_without_a_decision(running: Running) -> None:
    """`POST /v1/events` takes an event in."""
    with running.client() as client:
        assert client.post("/v1/events", json=event()).status_code == 200
    assert running.engine.kept["shop-a", "e1"].outcome == ""


def test_tenants_do_not_share_events_or_decisions(running: Running) -> None:
    """Another tenant's decision is not there, and its event ids are its own."""
    with running.client() as one, running.client(OTHER) as other:
        handle = one.post("/v1/decisions", json=event()).json()["decision_id"]
        assert one.get(f"/v1/decisions/{handle}").status_code == 200
        missing = other.get(f"/v1/decisions/{handle}")
        same_id = other.post("/v1/decisions", json=event())
    assert missing.status_code == 404
    assert missing.headers["content-type"] == PROBLEM
    assert "kanhe-repeated" not in same_id.headers
    assert same_id.json()["decision_id"] != handle


def test_a_tenant_cannot_be_named_by_the_caller(running: Running) -> None:
    """Only the key says whose event it is; headers and query are not listened to."""
    with running.client() as client:
        client.post(
            "/v1/decisions?tenant=shop-b",
            json=event(),
            headers={"kanhe-tenant": "shop-b", "x-tenant": "shop-b"},
        )
    assert list(running.engine.kept) == [("shop-a", "e1")]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer kanhe_wrong",
        "Basic dXNlcjpwYXNz",
        f"bearer{TOKEN}",
        "Bearer " + "x" * 5_000,
        b"Bearer \xff\xfe",
        "Bearer kanhe_aaaa' OR 1=1 --",
    ],
)
def test_bad_tokens_are_refused(running: Running, header: Any) -> None:
    """Without a valid key there is a 401 that says how to send one, and nothing is judged."""
    headers = {} if header is None else {"authorization": header}
    with running.client(None) as client:
        answer = client.post("/v1/decisions", json=event(), headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert not running.engine.kept


def test_a_key_does_only_what_its_scopes_say(running: Running) -> None:
    """A key that records may not decide, read, change lists or see metrics."""
    running.keys.add("kanhe_record", "shop-a", ("record",))
    with running.client("kanhe_record") as client:
        assert client.post("/v1/events", json=event()).status_code == 200
        for method, path in (
            ("POST", "/v1/decisions"),
            ("POST", "/v1/decisions:batch"),
            ("GET", "/v1/decisions/d1"),
            ("GET", "/v1/lists"),
            ("GET", "/metrics"),
        ):
            answer = client.request(method, path, content=json.dumps(event()))
            assert (path, answer.status_code) == (path, 403)
            assert answer.json()["type"] == "/problems/scope-missing"


def test_a_revoked_key_stops_working_soon(running: Running) -> None:
    """A token is trusted without a new look for at most about a second."""
    with running.client() as client:
        assert client.post("/v1/decisions", json=event(1)).status_code == 200
        running.keys.revoke(TOKEN)
        deadline = time.monotonic() + 5
        while client.post("/v1/decisions", json=event(2)).status_code != 401:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_known_token_is_not_looked_up_each_time(running: Running) -> None:
    """The keys are asked about once a second, not once a request."""
    with running.client() as client:
        for number in range(50):
            client.post("/v1/decisions", json=event(number))
    assert running.keys.lookups < 10


def test_a_rate_is_kept(running: Running) -> None:
    """Beyond its burst a key gets 429 and is told when to come back."""
    running.keys.add("kanhe_slow", "shop-a", rate_per_s=1, burst=3)
    with running.client("kanhe_slow") as client:
        codes = [client.post("/v1/decisions", json=event(n)).status_code for n in range(6)]
        late = client.post("/v1/decisions", json=event(9))
    assert codes[:3] == [200, 200, 200]
    assert codes[3:] == [429, 429, 429]
    assert int(late.headers["retry-after"]) >= 1
    assert late.json()["type"] == "/problems/rate-exceeded"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe\x00", 400),
        (b'{"id":"e1","type":"x","at_ms":NaN}', 400),
        (b"[]", 422),
        (b"null", 422),
        (b"{}", 422),
    ],
)
def test_what_is_no_event_is_a_problem(running: Running, body: bytes, status: int) -> None:
    """Broken input gets a problem, and the connection serves the next request."""
    with running.client() as client:
        answer = client.post("/v1/decisions", content=body)
        assert answer.status_code == status
        assert answer.headers["content-type"] == PROBLEM
        assert answer.json()["status"] == status
        assert client.post("/v1/decisions", json=event()).status_code == 200


@pytest.mark.parametrize(
    ("path", "method", "status", "allowed"),
    [
        ("/v1/decisions", "GET", 405, "POST"),
        ("/v1/events:batch", "PUT", 405, "POST"),
        ("/v1/decisions/d1", "DELETE", 405, "GET"),
        ("/healthz", "POST", 405, "GET"),
        ("/", "GET", 404, None),
        ("/v1/decisions/", "POST", 404, None),
        ("/v1//decisions", "POST", 404, None),
        ("/../etc/passwd", "GET", 404, None),
    ],
)
def test_wrong_paths_and_methods_are_problems(
    running: Running, path: str, method: str, status: int, allowed: str | None
) -> None:
    """404 and 405 are problems too; 405 says what is allowed."""
    with running.client() as client:
        answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    if allowed:
        assert allowed in answer.headers["allow"]


@pytest.mark.parametrize("wrong", ["multipart/form-data; boundary=x", "text/xml", "image/png"])
def test_only_clearly_wrong_media_types_are_refused(running: Running, wrong: str) -> None:
    """What a hurried client sends as a default is read; a picture is not."""
    with running.client() as client:
        for kind in ("application/json; charset=utf-8", "application/cloudevents+json",
                     "text/plain", "application/x-www-form-urlencoded"):  # fmt: skip
            body = json.dumps(event(kind))
            answer = client.post("/v1/decisions", content=body, headers={"content-type": kind})
            assert answer.status_code == 200
        answer = client.post("/v1/decisions", content=b"{}", headers={"content-type": wrong})
        assert answer.status_code == 415
        zipped = client.post("/v1/decisions", content=b"x", headers={"content-encoding": "gzip"})
        assert zipped.status_code == 415


def test_a_body_in_chunks_is_an_event_too(running: Running) -> None:
    """Chunked transfer, and a body that arrives in pieces, are read whole."""
    raw = json.dumps(event()).encode()
    with running.client() as client:
        answer = client.post("/v1/decisions", content=iter([raw[:5], raw[5:20], raw[20:]]))
        assert answer.status_code == 200
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        head = _head(len(raw)) + raw[:7]
        sock.sendall(head)
        time.sleep(0.1)
        sock.sendall(raw[7:])
        assert b"200 OK" in sock.recv(65_536)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_limit_is_refused(running: Running, chunked: bool) -> None:
    """A body over the limit gets 413, with its length announced or not, and is not kept."""
    body = b'{"id":"' + b"x" * 200_000 + b'"}'
    content = iter([body[:100_000], body[100_000:]]) if chunked else body
    with running.client() as client:
        answer = client.post("/v1/decisions", content=content)
    assert answer.status_code == 413
    assert answer.json()["type"] == "/problems/body-too-large"
    assert answer.headers["connection"] == "close"


def test_a_body_a_little_too_large_is_refused(start: Callable[..., Running]) -> None:
    """The limit holds on the shorter way as well."""
    running = start(max_body_bytes=1_024)
    with running.client() as client:
        assert client.post("/v1/decisions", content=b" " * 1_025).status_code == 413
        assert client.post("/v1/decisions", json=event()).status_code == 200


def test_a_huge_announced_body_is_refused_at_once(running: Running) -> None:
    """A body of a terabyte is refused by its announcement."""
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.sendall(_head(10**12))
        assert b" 413 " in sock.recv(65_536).split(b"\r\n")[0]


def test_expect_continue_is_answered(running: Running) -> None:
    """A client that asks before sending its body is told to go on."""
    raw = json.dumps(event()).encode()
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.sendall(_head(len(raw), b"expect: 100-continue\r\n"))
        assert sock.recv(1_000).startswith(b"HTTP/1.1 100")
        sock.sendall(raw)
        assert sock.recv(65_536).startswith(b"HTTP/1.1 200")


def test_a_slow_body_is_given_up(start: Callable[..., Running]) -> None:
    """A body that does not come in time gets 408, and other clients are served meanwhile."""
    running = start(body_timeout_ms=300)
    with socket.create_connection(("127.0.0.1", running.port)) as sock, running.client() as client:
        sock.sendall(_head(50) + b"{")
        assert client.post("/v1/decisions", json=event()).status_code == 200
        sock.settimeout(5)
        assert sock.recv(65_536).startswith(b"HTTP/1.1 408")


def test_a_slow_head_is_dropped(start: Callable[..., Running]) -> None:
    """A client that never finishes its request line loses its connection."""
    running = start(head_timeout_ms=300)
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.sendall(b"POST /v1/deci")
        sock.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(100) == b""


def test_an_endless_head_is_refused(running: Running) -> None:
    """Headers without end get 431 and no memory."""
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.settimeout(5)
        got = b""
        try:
            sock.sendall(b"POST /v1/decisions HTTP/1.1\r\nhost: x\r\n")
            for _ in range(200):
                sock.sendall(b"x-more: " + b"y" * 2_000 + b"\r\n")
                time.sleep(0.001)
            got = sock.recv(65_536)
        except OSError:
            return
        assert got.startswith(b"HTTP/1.1 431")


def test_what_is_not_http_is_told_so(running: Running) -> None:
    """Noise gets a 400 problem and the end of the connection."""
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.sendall(b"\x16\x03\x01\x02\x00noise\r\n\r\n")
        got = sock.recv(65_536)
    assert got.startswith(b"HTTP/1.1 400")
    assert PROBLEM.encode() in got


def test_pipelined_requests_are_answered_in_order(running: Running) -> None:
    """Requests sent without waiting get their answers in the order they were sent, good or bad."""
    raw = b""
    for number in range(20):
        body = json.dumps(event(number)).encode() if number % 3 else b"{broken"
        raw += _head(len(body)) + body
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.settimeout(5)
        sock.sendall(raw)
        got = b""
        while got.count(b"HTTP/1.1 ") < 20 or not got.endswith(b"}"):
            got += sock.recv(65_536)
    answers = got.split(b"HTTP/1.1 ")[1:]
    for number, answer in enumerate(answers):
        if number % 3:
            assert f'"e{number}"'.encode() in answer
        else:
            assert answer.startswith(b"400")


def test_a_full_disk_is_a_503_and_passes(running: Running) -> None:
    """While nothing can be stored nobody is told yes; when space returns the same event goes in."""
    with running.client() as client:
        running.engine.disk_full = True
        answer = client.post("/v1/decisions", json=event())
        assert answer.status_code == 503
        assert answer.json()["type"] == "/problems/storage-unavailable"
        assert int(answer.headers["retry-after"]) >= 1
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
        running.engine.disk_full = False
        again = client.post("/v1/decisions", json=event())
        assert again.status_code == 200
        assert "kanhe-repeated" not in again.headers
        assert client.get("/readyz").status_code == 200


def test_a_fault_of_the_program_tells_nothing(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault is a 500 problem; neither answer nor log quotes what was sent."""
    with running.client() as client:
        running.engine.broken = True
        answer = client.post("/v1/decisions", json=event())
        running.engine.broken = False
        assert client.post("/v1/decisions", json=event()).status_code == 200
    assert answer.status_code == 500
    assert "4111" not in answer.text
    fault = next(r for r in caplog.records if r.message == "request.fault")
    assert "4111" not in str(vars(fault))
    assert "fake_engine.py" in vars(fault)["where"]


def test_neighbours_share_one_write(running: Running) -> None:
    """Requests that wait at the same time become durable together."""
    raw = [json.dumps(event(number)).encode() for number in range(30)]
    socks = [socket.create_connection(("127.0.0.1", running.port)) for _ in raw]
    try:
        for sock, body in zip(socks, raw, strict=True):
            sock.sendall(_head(len(body)) + body)
        for sock in socks:
            assert sock.recv(65_536).startswith(b"HTTP/1.1 200")
    finally:
        for sock in socks:
            sock.close()
    assert sum(running.engine.commits) == 30


def test_too_many_connections_are_turned_away(start: Callable[..., Running]) -> None:
    """A connection over the limit is told to come back later."""
    running = start(max_connections=2)
    kept = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(2)]
    try:
        time.sleep(0.2)
        with socket.create_connection(("127.0.0.1", running.port)) as sock:
            sock.settimeout(5)
            assert sock.recv(1_000).startswith(b"HTTP/1.1 503")
    finally:
        for sock in kept:
            sock.close()


def test_without_keys_everyone_is_the_open_tenant(start: Callable[..., Running]) -> None:
    """An open server on this machine needs no token."""
    running = start(with_keys=False)
    answer = httpx.post(running.url + "/v1/decisions", json=event())
    assert answer.status_code == 200
    assert list(running.engine.kept) == [("default", "e1")]


def test_a_last_connection_is_answered_while_stopping(running: Running) -> None:
    """Told to stop, the server ends and lets go of its port."""
    with running.client() as client:
        assert client.post("/v1/decisions", json=event()).status_code == 200
        running.end()  # within ten seconds
        with pytest.raises(httpx.HTTPError):
            client.post("/v1/decisions", json=event(2))


def _head(length: int, more: bytes = b"") -> bytes:
    return (
        b"POST /v1/decisions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\n"
        b"content-type: application/json\r\n%bcontent-length: %d\r\n\r\n"
        % (TOKEN.encode(), more, length)
    )


def test_an_idle_connection_is_closed_after_its_time(start: Callable[..., Running]) -> None:
    """Answered on the shorter way and then silent: closed by the sweep, not kept for ever."""
    server = start(keep_alive_ms=1_000)
    raw = json.dumps(event()).encode()
    request = (
        b"POST /v1/decisions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
        % (TOKEN.encode(), len(raw), raw)
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        for _ in range(2):
            sock.sendall(request)
            assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
        began = time.monotonic()
        assert sock.recv(100) == b""
        assert time.monotonic() - began < 8


def test_an_offer_to_upgrade_is_ignored(running: Running) -> None:
    """Java's HTTP client offers h2c with its first request; the event is judged all the same."""
    raw = json.dumps(event("java")).encode()
    request = (
        b"POST /v1/decisions HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nhost: x\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
        b"authorization: Bearer %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
        % (TOKEN.encode(), len(raw), raw)
    )
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as sock:
        for _ in range(2):
            sock.sendall(request)
            assert sock.recv(65_536).startswith(b"HTTP/1.1 200 ")
