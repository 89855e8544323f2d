"""One connection, fed by hand: whatever way a request takes, its answer is the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from kanhe.core.settings import Settings
from kanhe.serve.api.access import Gate
from kanhe.serve.api.application import Application
from kanhe.serve.api.connection import Connection, connection_type
from kanhe.serve.api.grouping import MOST_EVENTS
from tests.api.conftest import TOKEN, event
from tests.api.fake_engine import FakeEngine, FakeKeys


class Wire(asyncio.Transport):
    """Keeps what a connection writes."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False

    def write(self, data: Any) -> None:
        """Keep it."""
        if not self.closed:
            self.sent += data

    def is_closing(self) -> bool:
        """Whether the connection was ended."""
        return self.closed

    def close(self) -> None:
        """End it."""
        self.closed = True

    abort = close

    def pause_reading(self) -> None:
        """Not needed: nothing is read by itself."""

    resume_reading = pause_reading


class Server:
    """An application over the fake engine, and connections to it without a network."""

    def __init__(self, **more: Any) -> None:
        self.engine, self.keys, self.now = FakeEngine(), FakeKeys(), 0.0
        self.keys.add(TOKEN, "shop-a")
        app = Application(
            self.engine, Settings(**more), Gate(self.keys, lambda: self.now), lambda: b"{}"
        )
        self.application = app
        self._kind: Callable[..., Connection] = connection_type(app, 1_000, 10.0, 10.0)
        self._config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None)
        self._config.load()
        self.state = ServerState()

    def connect(self) -> tuple[Connection, Wire]:
        """A new connection; must be called within a running loop."""
        connection, wire = self._kind(self._config, self.state, {}), Wire()
        connection.connection_made(wire)
        return connection, wire


async def _settled(connection: Connection) -> None:
    """Let the loop turn until everything that was sent is answered or waits for more."""
    quiet = 0
    while quiet < 20:
        await asyncio.sleep(0)
        cycle: Any = connection.cycle
        busy = cycle is not None and not cycle.response_complete and not connection.pipeline
        waits = busy and getattr(cycle, "more_body", False)
        quiet = 0 if busy and not waits and not connection.transport.is_closing() else quiet + 1


def _exchange(parts: Iterable[bytes], **more: Any) -> tuple[bytes, bool, list[tuple[str, str]]]:
    """What a new server writes when it gets these parts; whether it ends; what it has kept."""

    async def feed() -> tuple[bytes, bool, list[tuple[str, str]]]:
        server = Server(**more)
        connection, wire = server.connect()
        for part in parts:
            connection.data_received(part)
            await _settled(connection)
        sent, closed = wire.sent, wire.closed
        wire.close()
        connection.connection_lost(None)
        while server.state.tasks:
            await asyncio.sleep(0)
        assert server.application.counters.in_flight == 0
        return sent, closed, sorted(server.engine.kept)

    return asyncio.run(feed())


def _request(
    number: int,
    body: bytes | None = None,
    more: bytes = b"",
    length: bytes | None = None,
    path: bytes = b"/v1/decisions",
) -> bytes:
    raw = json.dumps(event(number)).encode() if body is None else body
    return (
        b"POST %b HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\n%bcontent-length: %b\r\n\r\n%b"
        % (path, TOKEN.encode(), more, b"%d" % len(raw) if length is None else length, raw)
    )


def _statuses(sent: bytes) -> list[int]:
    return [int(answer[:3]) for answer in sent.split(b"HTTP/1.1 ")[1:]]


def test_an_equal_head_is_not_parsed_again() -> None:
    """Further requests with the head of the first one are answered without the parser."""

    async def ask() -> None:
        server = Server()
        connection, wire = server.connect()
        connection.data_received(_request(1))
        await _settled(connection)
        connection.parser = None  # type: ignore[assignment]  # whoever parses now, fails
        for number in (2, 3_000):
            connection.data_received(_request(number))
            await _settled(connection)
        assert _statuses(wire.sent) == [200, 200, 200]
        assert len(server.engine.kept) == 3

    asyncio.run(ask())


BATCH = b"/v1/decisions:batch"


def _lines(*numbers: int) -> bytes:
    return b"".join(json.dumps(event(number)).encode() + b"\n" for number in numbers)


def test_an_equal_head_of_a_batch_is_not_parsed_again() -> None:
    """Further batches with the head of the first one are answered without the parser."""

    async def ask() -> None:
        server = Server()
        connection, wire = server.connect()
        connection.data_received(_request(0, body=_lines(1, 2), path=BATCH))
        await _settled(connection)
        connection.parser = None  # type: ignore[assignment]  # whoever parses now, fails
        for numbers in (range(3, 6), range(6, 206)):
            connection.data_received(_request(0, body=_lines(*numbers), path=BATCH))
            await _settled(connection)
        assert _statuses(wire.sent) == [200, 200, 200]
        assert server.engine.commits == [2, 3, 200]

    asyncio.run(ask())


BATCHES: dict[str, bytes] = {
    "one": _lines(1),
    "a group": _lines(*range(256)),
    "more than a group": _lines(*range(257)),
    "more than is allowed": _lines(*range(301)),
    "no newline at the end": _lines(1, 2)[:-1],
    "a broken line": _lines(1) + b"{broken\n" + _lines(2),
    "nothing but broken lines": b"{\n[\n",
    "a blank line": _lines(1) + b" \r\n" + _lines(2),
    "an empty line": _lines(1) + b"\n\n" + _lines(2),
    "an empty line at the end": _lines(1) + b"\n",
    "nothing": b"",
    "a newline": b"\n",
    "a line too long": _lines(1) + b"x" * 2_001 + b"\n" + _lines(2),
    "a batch too large": _lines(*range(200)) + b" " * 100_000,
    "twice the same": _lines(1, 1),
    "returns": _lines(1, 2).replace(b"\n", b"\r\n"),
}


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize("disk_full", [False, True])
def test_a_batch_is_answered_the_same_on_both_ways(name: str, disk_full: bool) -> None:
    """Whatever its lines are, the shorter way answers a batch as the ordinary one does, to the byte."""

    async def ask(path: bytes) -> tuple[Any, Any]:
        server = Server(max_body_bytes=2_000, max_batch_bytes=100_000, max_batch_lines=300)
        server.engine.disk_full = disk_full
        connection, wire = server.connect()
        connection.data_received(_request(0, body=BATCHES[name], path=path))
        await _settled(connection)
        assert server.application.counters.in_flight == 0
        return _answers((wire.sent, wire.closed, sorted(server.engine.kept))), _counts(server)

    # Only the spelling that every client uses is known to the shorter way.
    assert asyncio.run(ask(BATCH)) == asyncio.run(ask(b"/v1/decisions%3Abatch"))


def _counts(server: Server) -> list[str]:
    """What the metrics say of events and refusals."""
    lines = server.application.counters.exposition().decode().splitlines()
    return [line for line in lines if line.startswith(("kanhe_events", "kanhe_refused"))]


def test_a_batch_beyond_its_rate_is_slowed_down() -> None:
    """What the rate does not grant at once waits on the ordinary way."""

    async def ask() -> list[int]:
        server = Server()
        server.keys.add(TOKEN, "shop-a", rate_per_s=1_000, burst=10)
        connection, wire = server.connect()
        for numbers in (range(8), range(8, 16)):
            connection.data_received(_request(0, body=_lines(*numbers), path=BATCH))
            for _ in range(20):
                await asyncio.sleep(0.002)
                server.now += 0.002
        assert len(server.engine.kept) == 16
        return _statuses(wire.sent)

    assert asyncio.run(ask()) == [200, 200]


HOSTILE: dict[str, bytes] = {
    "two lengths": _request(2, more=b"content-length: 5\r\n"),
    "two equal lengths": _request(2, more=b"content-length: %d\r\n" % len(json.dumps(event(2)))),
    "length and chunks": _request(2, more=b"transfer-encoding: chunked\r\n"),
    "chunks after the length": _request(2).replace(
        b"\r\n\r\n", b"\r\ntransfer-encoding: chunked\r\n\r\n"
    ),
    "a sign": _request(2, length=b"+%d" % len(json.dumps(event(2)))),
    "minus": _request(2, length=b"-1"),
    "hex": _request(2, length=b"0x40"),
    "space in the number": _request(2, length=b"6 4"),
    "no number": _request(2, length=b""),
    "list": _request(2, length=b"64, 64"),
    "leading zeros": _request(2, length=b"000%d" % len(json.dumps(event(2)))),
    "longer than any body": _request(2, length=b"9" * 30),
    "other digits": _request(2, length="٦٤".encode()),
    "shorter than the body": _request(2, length=b"10"),
    "longer than the body": _request(2, length=b"100000"),
    "no body": _request(2, body=b""),
    "broken body": _request(2, body=b"{"),
    "body too large": _request(2, body=b"x" * 3_000),
    "continued line": _request(2, more=b"x: 1\r\n 2\r\n"),
    "length continued": _request(2).replace(b"\r\n\r\n", b"\r\n 0\r\n\r\n"),
    "bare newline": _request(2, more=b"x: 1\n"),
    "bare return": _request(2, more=b"x: 1\ry: 2\r\n"),
    "space before the colon": _request(2).replace(b"length:", b"length :"),
    "a length within a value": _request(2, more=b"x: content-length: 5\r\n"),
    "a request within a body": _request(2, body=_request(3)),
    "a line before": b"\r\n" + _request(2),
    "lines after": _request(2) + b"\r\n\r\n",
    "two at once": _request(2) + _request(3),
    "one and a half": _request(2) + _request(3)[:50],
    "close": _request(2, more=b"connection: close\r\n"),
    "close and more": _request(2, more=b"connection: close\r\n") + _request(3),
    "old": _request(2).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "expect": _request(2, more=b"expect: 100-continue\r\n"),
    "other path": _request(2, path=b"/v1/events"),
    "other query": _request(2, path=b"/v1/decisions?a=b"),
    "absolute": _request(2, path=b"http://x/v1/decisions"),
    "batch": _request(2, path=b"/v1/decisions:batch"),
    "batch of three": _request(0, body=_lines(2, 3, 4), path=BATCH),
    "get": b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
    "wrong token": _request(2).replace(TOKEN.encode(), b"kanhe_zzzz"),
    "no token": _request(2).replace(b"authorization", b"x-authorized"),
    "picture": _request(2, more=b"content-type: image/png\r\n"),
    "zipped": _request(2, more=b"content-encoding: gzip\r\n"),
    "again": _request(1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_known_head_changes_no_answer(name: str) -> None:
    """After an honest request, and before another, hostile ones get the answer the parser gives."""
    one, hostile, last = _request(1), HOSTILE[name], _request(9)
    for parts in ([one, hostile, last], [hostile, hostile, last]):
        by_parser = [half for part in parts for half in (part[:7], part[7:])]
        shortly, parsed = (_exchange(way, max_body_bytes=2_000) for way in (parts, by_parser))
        assert _answers(shortly) == _answers(parsed)


REQUESTS = [
    _request(1),
    _request(2),
    _request(1),
    _request(3, more=b"x-request-id: 7\r\n"),
    _request(4, body=b"{broken"),
    _request(5, path=b"/v1/events"),
    _request(0, body=_lines(21, 22), path=BATCH),
    _request(0, body=_lines(23) + b"{\n", path=BATCH),
    b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
    b"POST /v1/decisions HTTP/1.1\r\nauthorization: Bearer %b\r\ntransfer-encoding: chunked\r\n\r\n"
    b"50\r\n%b\r\n0\r\n\r\n" % (TOKEN.encode(), json.dumps(event(60)).encode().ljust(0x50)),
    _request(7).replace(TOKEN.encode(), b"kanhe_zzzz"),
]


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_answers_do_not_depend_on_how_requests_are_cut(data: st.DataObject) -> None:
    """However the network cuts the bytes of several requests, the answers are the same."""
    chosen = data.draw(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=6))
    stream = b"".join(chosen)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    # Cuts between requests are what the shorter way lives on, and random ones would rarely find them.
    ends = [sum(map(len, chosen[: n + 1])) for n in range(len(chosen))]
    cuts += data.draw(st.lists(st.sampled_from(ends), max_size=8))
    places = sorted({0, len(stream), *cuts})
    parts = [stream[a:b] for a, b in pairwise(places)]
    assert _unframed(_exchange(parts)) == _unframed(_exchange([stream]))


def _unframed(exchange: tuple[bytes, bool, list[tuple[str, str]]]) -> Any:
    """The same as `_answers`, however the bodies are framed: a batch that comes in parts is answered
    in parts."""
    found, closed, kept = _answers(exchange)
    plain = []
    for head, body in found:
        if b"transfer-encoding: chunked" in head:
            whole = b""
            while body:
                size, _, body = body.partition(b"\r\n")
                whole += body[: int(size, 16)]
                body = body[int(size, 16) + 2 :]
            body = whole
        plain.append(([line for line in head if not line.startswith(_FRAMING)], body))
    return plain, closed, kept


_FRAMING = (b"content-length", b"transfer-encoding")


def _answers(exchange: tuple[bytes, bool, list[tuple[str, str]]]) -> Any:
    """What was answered, with the headers of each answer in no particular order."""
    sent, closed, kept = exchange
    found = []
    for answer in sent.split(b"HTTP/1.1 ")[1:]:
        head, _, body = answer.partition(b"\r\n\r\n")
        found.append((sorted(head.split(b"\r\n")), body))
    return found, closed, kept


def test_a_known_head_is_let_in_anew_after_a_second() -> None:
    """A key that was revoked opens no longer than its trust lasts, on the shortest way too."""

    async def ask() -> list[int]:
        server = Server()
        connection, wire = server.connect()
        for number, now in enumerate((0.0, 0.5, 0.9, 1.1)):
            if number == 1:
                server.keys.revoke(TOKEN)
            server.now = now
            connection.data_received(_request(number))
            await _settled(connection)
        return _statuses(wire.sent)

    assert asyncio.run(ask()) == [200, 200, 200, 401]


def test_a_known_head_is_charged_to_its_rate() -> None:
    """Requests on the shortest way use up the key's burst like all others."""

    async def ask() -> list[int]:
        server = Server()
        server.keys.add(TOKEN, "shop-a", rate_per_s=1, burst=3)
        connection, wire = server.connect()
        for number in range(5):
            connection.data_received(_request(number))
            await _settled(connection)
        return _statuses(wire.sent)

    assert asyncio.run(ask()) == [200, 200, 200, 429, 429]


def test_a_stopping_server_answers_and_closes() -> None:
    """A request in flight on the shortest way is answered, told that the connection ends, and closed."""

    async def ask() -> tuple[list[int], bytes, bool]:
        server = Server()
        connection, wire = server.connect()
        connection.data_received(_request(1))
        await _settled(connection)
        connection.data_received(_request(2))
        connection.shutdown()
        await _settled(connection)
        return _statuses(wire.sent), wire.sent, wire.closed

    statuses, sent, closed = asyncio.run(ask())
    assert statuses == [200, 200]
    assert sent.count(b"connection: close") == 1
    assert closed


def test_more_than_a_group_is_taken_in_groups() -> None:
    """What waits beyond the size of a group is taken in the next one, and everybody is answered."""

    async def ask() -> tuple[list[int], list[int]]:
        server = Server()
        connections = [server.connect() for _ in range(600)]
        for number, (connection, _) in enumerate(connections):
            connection.data_received(_request(number))
        for connection, _ in connections:
            await _settled(connection)
        return server.engine.commits, [s for _, wire in connections for s in _statuses(wire.sent)]

    commits, statuses = asyncio.run(ask())
    assert sum(commits) == 600
    assert max(commits) <= MOST_EVENTS
    assert statuses.count(200) == 600
