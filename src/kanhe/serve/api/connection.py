"""One connection: uvicorn's, with a shorter way for single events and with limits on slow clients.

**The shorter way.** A request for a single event that arrives whole is put into the queue where its
last byte is read, and answered where its group became durable: no task, no ASGI messages. (1) A
head that is equal to the one before, which is the usual case, is not even parsed (see `heads`);
others are. (2) Who is calling, and may they? (3) The event waits for its group. (4) One write of
the answer. Whatever is not that simple (a body in parts, `Expect`, HTTP/1.0, `Connection: close`, a
client that does not read) goes the ordinary way through ASGI, which answers the same.

**Limits.** uvicorn waits for ever for the head of a request, and for ever for a client that does
not read its answer. Both are found by one sweep a second, and so are connections that stay idle
after an answer on the shorter way, so that a well-behaved request costs no timer.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from time import perf_counter
from typing import Any, ClassVar

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kanhe.core.errors import PROBLEM_MEDIA_TYPE, Problem
from kanhe.serve.api.application import Application, overloaded
from kanhe.serve.api.grouping import Result
from kanhe.serve.api.heads import KnownHead, learn_head
from kanhe.serve.api.single import Sender, SingleEvent

_HEAD_BYTES = 65_536
_UPGRADE = re.compile(rb"\r\nupgrade:[^\r\n]*(?=\r\n|\Z)", re.IGNORECASE)
_STATUS = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode() for s in HTTPStatus}
_PROBLEM = f"content-type: {PROBLEM_MEDIA_TYPE}\r\n".encode()


class Connection(HttpToolsProtocol):
    """A connection of the HTTP interface."""

    application: Application
    singles: Mapping[bytes, SingleEvent]
    most_connections = 4_096
    head_timeout_s = 10.0
    write_timeout_s = 10.0
    kept_headers: ClassVar[list[Any]] = [None, b""]

    _head_since = 0.0
    _head_bytes = 0
    _stalled_since = 0.0
    _idle_since = 0.0
    _single: SingleEvent | None = None
    _single_body = b""
    _known: KnownHead | None = None
    _begun = 0
    _alone: tuple[SingleEvent, Sender] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Take the connection, or turn it away when there are too many."""
        super().connection_made(transport)
        self._exchange = _Exchange(self)
        self._head_since = self.loop.time()
        if len(self.connections) > self.most_connections:
            self._turn_away(503, "overloaded", "Too many connections", b"retry-after: 1\r\n")

    def data_received(self, data: bytes) -> None:
        """Take what came: compared with the head before, or parsed."""
        if self.transport.is_closing():
            return
        self._idle_since = 0.0
        known = self._known  # (1)
        if known is not None:
            body = known.body_in(data)
            if body is not None and self._is_answered() and not self.flow.write_paused:
                self._take(known.single, known.sender, body)
                return
            # Only a parser that stands between two requests may be left out.
            self._known = None
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        """Parse what came, unless the head has grown beyond its bound."""
        if b"pgrade:" in data and not self._head_bytes and self._is_answered():
            data = _without_upgrade(data)
        if self._head_since:
            self._head_bytes += len(data)
        self._begun, self._alone = 0, None
        super().data_received(data)
        if self._single is not None:
            self._go_the_ordinary_way()
        elif self._head_since and self._head_bytes > _HEAD_BYTES:
            self._turn_away(431, "head-too-large", "The head of the request is too large")
        elif self._alone is not None and self._begun == 1:
            body, fields = self._single_body, len(self.headers)
            self._known = learn_head(data, self.url, fields, body, *self._alone)

    # The shorter way

    def on_message_begin(self) -> None:
        """A head begins. What only ASGI needs is made when the ordinary way is taken."""
        self._head_since = self.loop.time()
        self._begun += 1
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """A head is complete: choose the way."""
        self._head_since = 0.0
        self._head_bytes = 0
        single = self.singles.get(self.url)
        if single is not None and self._is_simple():
            self._single = single
            self._single_body = b""
        else:
            self._begin_ordinary()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self._single is None:
            super().on_body(body)
        else:
            self._single_body += body

    def on_message_complete(self) -> None:
        """The request is complete: on the shorter way its event is taken here."""
        single = self._single
        if single is None:
            super().on_message_complete()
            return
        self._single = None
        sender = self._take(single, None, self._single_body)
        # Only what began and ended in the same piece of data can be learned from it.
        if sender is not None and self._begun == 1:
            self._alone = single, sender

    def _take(self, single: SingleEvent, sender: Sender | None, body: bytes) -> Sender | None:
        """Put one event into the queue; gives back who sent it, `None` if it was turned away."""
        exchange = self._exchange
        exchange.begin()
        self.cycle = exchange  # type: ignore[assignment]  # what uvicorn asks of a cycle is there
        application = self.application
        application.counters.in_flight += 1
        try:
            if application.full():
                raise overloaded()
            sender = sender or single.admit(self.headers)  # (2)
            asked = single.ask(sender, body)
        except Exception as error:  # the boundary, as in `Application`
            exchange.fail(error)
            return None
        application.group.ask((asked,), exchange.told)  # (3)
        return sender

    def _is_simple(self) -> bool:
        parser = self.parser
        return (
            self._is_answered()
            and parser.get_method() == b"POST"
            and parser.should_keep_alive()
            and parser.get_http_version() == "1.1"
            and not self.expect_100_continue
            and not self.flow.write_paused
            and not parser.should_upgrade()
        )

    def _is_answered(self) -> bool:
        """Whether no earlier request of this connection still waits for its answer."""
        cycle: Any = self.cycle
        return cycle is None or bool(cycle.response_complete)

    def _go_the_ordinary_way(self) -> None:
        """The body has not arrived whole: begin an ASGI request after all."""
        self._single = None
        if self.transport.is_closing():
            return
        self._begin_ordinary()
        if self._single_body:
            super().on_body(self._single_body)

    def _begin_ordinary(self) -> None:
        """Hand the head over to uvicorn as if it had been listening from the start."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)  # the list that the ASGI scope made just now refers to
        super().on_headers_complete()

    def answered_shortly(self) -> None:
        """An exchange of the shorter way is over: go on with what was pipelined, or be idle."""
        if self.pipeline:
            self.on_response_complete()
            return
        self.server_state.total_requests += 1
        self._idle_since = self.loop.time()

    def common_headers(self) -> bytes:
        """The headers of every answer, as lines; uvicorn makes a new list of them each second."""
        kept = self.kept_headers
        if kept[0] is not self.server_state.default_headers:
            kept[0] = self.server_state.default_headers
            kept[1] = b"".join(b"%b: %b\r\n" % pair for pair in kept[0])
        lines: bytes = kept[1]
        return lines

    # Limits

    def pause_writing(self) -> None:
        """The client does not read."""
        self._stalled_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._stalled_since = 0.0
        super().resume_writing()

    def sweep(self, now: float) -> None:
        """Drop the connection if it is idle or slow for too long; `now` is loop time."""
        if self._idle_since and now - self._idle_since > self.timeout_keep_alive:
            self.transport.close()
            return
        slow_head = self._head_since and now - self._head_since > self.head_timeout_s
        slow_reader = self._stalled_since and now - self._stalled_since > self.write_timeout_s
        if slow_head or slow_reader:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP is told so in the same form as every other problem."""
        self._turn_away(400, "not-http", msg)

    def _turn_away(self, status: int, slug: str, title: str, header: bytes = b"") -> None:
        body = msgspec.json.encode(Problem(f"/problems/{slug}", title, status))
        self.transport.write(
            b"%b%b%bcontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (_STATUS[status], _PROBLEM, header, len(body), body)
        )
        self._head_since = 0.0
        self.transport.close()


def _without_upgrade(data: bytes) -> bytes:
    """The start of a request without its `Upgrade` header.

    A server may ignore the offer (RFC 9110, 7.8), and Java's HTTP client makes it with every first
    request (`h2c`). The parser would end HTTP there and leave the body unread.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"", head) + end + rest


class _Exchange:
    """The request on the shorter way and its answer; to uvicorn, the connection's current cycle.

    A connection has one of them, because on the shorter way it has one request at a time.
    """

    __slots__ = (
        "connection",
        "disconnected",
        "keep_alive",
        "message_event",
        "response_complete",
        "started",
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.message_event = _NOBODY_WAITS
        self.disconnected = False
        self.begin()

    def begin(self) -> None:
        """A request has arrived."""
        self.started = perf_counter()
        self.response_complete = False
        self.keep_alive = True

    def told(self, results: Sequence[Result]) -> None:
        """Answer with what became of the event."""
        (result,) = results
        if isinstance(result, Exception):
            self.fail(result)
            return
        self._write(_OK_AGAIN if result.repeated else _OK, result.answer)
        self.connection.application.counters.took(perf_counter() - self.started)

    def fail(self, error: Exception) -> None:
        """Answer with the problem that the error means."""
        problem, headers = self.connection.application.explain(error)
        start = [_STATUS[problem.status], _PROBLEM, b"cache-control: no-store\r\n"]
        for name, value in headers:
            if name == b"connection":
                self.keep_alive = False
            else:
                start.append(b"%b: %b\r\n" % (name, value))
        self._write(b"".join(start), msgspec.json.encode(problem))

    def _write(self, start: bytes, body: bytes) -> None:
        """Send status and headers, those of every answer among them, and the body, in one piece."""
        connection = self.connection
        connection.application.counters.in_flight -= 1
        self.response_complete = True
        transport = connection.transport
        if transport.is_closing():
            return
        close = b"" if self.keep_alive else b"connection: close\r\n"
        transport.write(
            b"%b%b%bcontent-length: %d\r\n\r\n%b"
            % (start, connection.common_headers(), close, len(body), body)
        )
        if close:
            transport.close()
        connection.answered_shortly()


class _Nobody:
    """Stands where uvicorn keeps the event on which an ASGI request waits."""

    def set(self) -> None:
        """Wake nobody."""


_NOBODY_WAITS = _Nobody()
_OK = _STATUS[200] + b"content-type: application/json\r\n"
_OK_AGAIN = _OK + b"kanhe-repeated: true\r\n"


def connection_type(
    application: Application, most: int, head_timeout_s: float, write_timeout_s: float
) -> type[Any]:
    """A connection class for this application with these limits (uvicorn makes the instances)."""
    attributes = {
        "application": application,
        "singles": {path.encode(): route for path, route in application.singles.items()},
    }
    limited = limited_connection(most, head_timeout_s, write_timeout_s)
    return type("ApiConnection", (limited,), attributes)


def limited_connection(most: int, head_timeout_s: float, write_timeout_s: float) -> type[Any]:
    """A connection class with these limits, in which everything goes the ordinary way."""
    attributes = {
        "singles": {},
        "most_connections": most,
        "head_timeout_s": head_timeout_s,
        "write_timeout_s": write_timeout_s,
    }
    return type("LimitedConnection", (Connection,), attributes)
