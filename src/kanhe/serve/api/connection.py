"""One connection: uvicorn's, with a shorter way for events and with limits on slow clients.

**The shorter way.** A request for a single event, or for a batch that fits into one group, that
arrives whole is put into the queue where its last byte is read, and answered where its group became
durable: no task, no ASGI messages. (1) A head that is equal to the one before, which is the usual
case, is not even parsed (see `heads`); others are. (2) Who is calling, and may they? (3) The events
wait for their group. (4) One write of the answer. Whatever is not that simple (a body in parts,
`Expect`, HTTP/1.0, `Connection: close`, a client that does not read, a long batch) goes the
ordinary way through ASGI, which answers the same.

**Limits.** uvicorn waits for ever for the head of a request, and for ever for a client that does
not read its answer. Both are found by one sweep a second, and so are connections that stay idle
after an answer on the shorter way, so that a well-behaved request costs no timer.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from time import monotonic
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kanhe.core.errors import Problem
from kanhe.serve.api.application import Application, overloaded
from kanhe.serve.api.exchange import PROBLEM, STATUS, CommonHeads, Exchange
from kanhe.serve.api.heads import KnownHead, KnownHeads
from kanhe.serve.api.whole import Sender, WholeRoute

_HEAD_BYTES = 65_536
_UPGRADE = re.compile(rb"\r\nupgrade:[^\r\n]*(?=\r\n|\Z)", re.IGNORECASE)


class Connection(HttpToolsProtocol):
    """A connection of the HTTP interface."""

    application: Application
    routes: Mapping[bytes, WholeRoute]
    heads: KnownHeads
    most_connections = 4_096
    head_timeout_s = 10.0
    write_timeout_s = 10.0

    # All times are of the monotonic clock.
    _head_since = 0.0
    _head_bytes = 0
    _stalled_since = 0.0
    _idle_since = 0.0
    _route: WholeRoute | None = None
    _route_body = b""
    _known: KnownHead | None = None
    _ready: KnownHead | None = None
    """The known head, while a request that begins with it can be taken at once."""
    _begun = 0
    _alone: tuple[WholeRoute, Sender] | None = None
    _common = CommonHeads([])

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Take the connection, or turn it away when there are too many."""
        super().connection_made(transport)
        if self.routes:
            self._exchange = Exchange(self)
        self._head_since = monotonic()
        if len(self.connections) > self.most_connections:
            self._turn_away(503, "overloaded", "Too many connections", b"retry-after: 1\r\n")

    def data_received(self, data: bytes) -> None:
        """Take what came: compared with the head before, or parsed."""
        ready = self._ready  # (1)
        if ready is not None:
            body = ready.body_in(data)
            if body is not None:
                self._ready = None
                if self._take(ready.route, ready.sender, body):
                    return
        if self.transport.is_closing():
            return
        self._idle_since = 0.0
        # Only a parser that stands between two requests may be left out.
        self._known = self._ready = None
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        """Parse what came, unless the head has grown beyond its bound."""
        if not self._head_bytes and self._is_answered():
            data = _without_upgrade(data)
        if self._head_since:
            self._head_bytes += len(data)
        self._begun, self._alone = 0, None
        super().data_received(data)
        if self._route is not None:
            self._go_the_ordinary_way()
        elif self._head_since and self._head_bytes > _HEAD_BYTES:
            self._turn_away(431, "head-too-large", "The head of the request is too large")
        elif self._alone is not None and self._begun == 1:
            body, fields = self._route_body, len(self.headers)
            self._known = self.heads.learn(data, self.url, fields, body, *self._alone)
        self._route_body = b""

    # The shorter way

    def on_message_begin(self) -> None:
        """A head begins. What only ASGI needs is made when the ordinary way is taken."""
        self._head_since = monotonic()
        self._begun += 1
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """A head is complete: choose the way."""
        self._head_since = 0.0
        self._head_bytes = 0
        route = self.routes.get(self.url)
        if route is not None and self._is_simple():
            self._route = route
            self._route_body = b""
        else:
            self._begin_ordinary()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self._route is None:
            super().on_body(body)
        else:
            self._route_body += body

    def on_message_complete(self) -> None:
        """The request is complete: on the shorter way its events are taken here."""
        route, self._route = self._route, None
        if route is not None:
            if self._take(route, None, self._route_body):
                return
            self._begin_ordinary()
            super().on_body(self._route_body)
        super().on_message_complete()

    def _take(self, route: WholeRoute, sender: Sender | None, body: bytes) -> bool:
        """Put the events of one request into the queue, or turn it away; false, and nothing has
        happened, if it must go the ordinary way."""
        exchange = self._exchange
        exchange.begin()
        self.cycle = exchange  # type: ignore[assignment]  # what uvicorn asks of a cycle is there
        try:
            if self.application.full():
                raise overloaded()
            known = sender or route.admit(self.headers)  # (2)
            taken = route.take(known, body, exchange)  # (3)
        except Exception as error:  # the boundary, as in `Application`
            exchange.fail(error)
            return True
        if not taken:
            exchange.withdraw()
        elif sender is None and self._begun == 1:
            # Only what began and ended in the same piece of data can be learned from it.
            self._alone = route, known
        return taken

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
        self._route = None
        if self.transport.is_closing():
            return
        self._begin_ordinary()
        if self._route_body:
            super().on_body(self._route_body)

    def _begin_ordinary(self) -> None:
        """Hand the head over to uvicorn as if it had been listening from the start."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)  # the list that the ASGI scope made just now refers to
        super().on_headers_complete()

    def answered_shortly(self, now: float) -> None:
        """An exchange of the shorter way is over: go on with what was pipelined, or be idle."""
        if self.pipeline:
            self.on_response_complete()
            return
        self._idle_since = now
        if not self.flow.write_paused:
            self._ready = self._known

    def common_heads(self) -> CommonHeads:
        """What stands before the bodies of plain answers just now."""
        kept = self._common
        if kept.common is not self.server_state.default_headers:
            kept = type(self)._common = CommonHeads(self.server_state.default_headers)
        return kept

    # Limits

    def pause_writing(self) -> None:
        """The client does not read."""
        self._stalled_since = monotonic()
        self._ready = None
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._stalled_since = 0.0
        super().resume_writing()
        if self._is_answered():
            self._ready = self._known

    def sweep(self, now: float) -> None:
        """Drop the connection if it is idle or slow for too long; `now` is monotonic."""
        idle_since = self._idle_since if self._is_answered() else 0.0
        if idle_since and now - idle_since > self.timeout_keep_alive:
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
            % (STATUS[status], PROBLEM, header, len(body), body)
        )
        self._head_since = 0.0
        self.transport.close()


def _without_upgrade(data: bytes) -> bytes:
    """The start of a request without its `Upgrade` header.

    A server may ignore the offer (RFC 9110, 7.8), and Java's HTTP client makes it with every first
    request (`h2c`). The parser would end HTTP there and leave the body unread.
    """
    end = data.find(b"\r\n\r\n")
    if data.find(b"pgrade:", 0, end if end >= 0 else None) < 0:
        return data
    head, blank, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"", head) + blank + rest


def connection_type(
    application: Application, most: int, head_timeout_s: float, write_timeout_s: float
) -> type[Any]:
    """A connection class for this application with these limits (uvicorn makes the instances)."""
    attributes = {
        "application": application,
        "routes": {path.encode(): route for path, route in application.events.items()},
        "heads": KnownHeads(),
    }
    limited = limited_connection(most, head_timeout_s, write_timeout_s)
    return type("ApiConnection", (limited,), attributes)


def limited_connection(most: int, head_timeout_s: float, write_timeout_s: float) -> type[Any]:
    """A connection class with these limits, in which everything goes the ordinary way."""
    attributes = {
        "routes": {},
        "most_connections": most,
        "head_timeout_s": head_timeout_s,
        "write_timeout_s": write_timeout_s,
    }
    return type("LimitedConnection", (Connection,), attributes)
