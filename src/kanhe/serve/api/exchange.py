"""The request on the shorter way and its answer, in one write."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from kanhe.core.errors import PROBLEM_MEDIA_TYPE
from kanhe.serve.api.grouping import Result
from kanhe.serve.api.whole import LinesRoute

if TYPE_CHECKING:
    from kanhe.serve.api.connection import Connection

STATUS = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode() for s in HTTPStatus}
PROBLEM = f"content-type: {PROBLEM_MEDIA_TYPE}\r\n".encode()
_OK = STATUS[200] + b"content-type: application/json\r\n"
_OK_AGAIN = _OK + b"kanhe-repeated: true\r\n"
_OK_LINES = STATUS[200] + b"content-type: application/x-ndjson\r\n"


class CommonHeads(dict[int, bytes]):
    """Everything before the body of a plain answer, by the length of that body.

    `common` are the headers of every answer. uvicorn makes a new list of them each second, because
    the date is among them; then this is made anew.
    """

    def __init__(self, common: list[tuple[bytes, bytes]]) -> None:
        super().__init__()
        self.common = common
        self.lines = b"".join(b"%b: %b\r\n" % pair for pair in common)

    def __missing__(self, length: int) -> bytes:
        """Write it once for each length."""
        head = self[length] = b"%b%bcontent-length: %d\r\n\r\n" % (_OK, self.lines, length)
        return head


class Exchange:
    """The request on the shorter way and its answer; to uvicorn, the connection's current cycle.

    A connection has one of them, because on the shorter way it has one request at a time.
    Implements `kanhe.serve.api.whole.Answering`.
    """

    __slots__ = (
        "connection",
        "counters",
        "disconnected",
        "keep_alive",
        "message_event",
        "response_complete",
        "started",
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.counters = connection.application.counters
        self.message_event = _NOBODY_WAITS
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = True
        self.started = 0.0

    def begin(self) -> None:
        """A request has arrived."""
        self.started = monotonic()
        self.response_complete = False
        self.keep_alive = True
        self.counters.in_flight += 1

    def withdraw(self) -> None:
        """It must go the ordinary way after all."""
        self.response_complete = True
        self.counters.in_flight -= 1

    def told(self, result: Result) -> None:
        """Answer with what became of the event."""
        if isinstance(result, Exception):
            self.fail(result)
            return
        if result.repeated or not self.keep_alive:
            self._write(_OK_AGAIN if result.repeated else _OK, result.answer)
            self.counters.took(monotonic() - self.started)
            return
        # The usual case, once for each event: `_write` without all that is not needed.
        now = monotonic()
        self.counters.took(now - self.started)
        self.counters.in_flight -= 1
        self.response_complete = True
        connection = self.connection
        transport = connection.transport
        if not transport.is_closing():
            answer = result.answer
            transport.write(connection.common_heads()[len(answer)] + answer)
            connection.answered_shortly(now)

    def told_lines(self, route: LinesRoute, results: Sequence[Result]) -> None:
        """Answer with what became of the lines."""
        try:
            joined = route.joined(results)
        except Exception as error:  # the boundary, as in `Application`
            self.fail(error)
        else:
            self._write(_OK_LINES, joined)

    def fail(self, error: Exception) -> None:
        """Answer with the problem that the error means."""
        problem, headers = self.connection.application.explain(error)
        start = [STATUS[problem.status], PROBLEM, b"cache-control: no-store\r\n"]
        for name, value in headers:
            if name == b"connection":
                self.keep_alive = False
            else:
                start.append(b"%b: %b\r\n" % (name, value))
        self._write(b"".join(start), msgspec.json.encode(problem))

    def _write(self, start: bytes, body: bytes) -> None:
        """Send status and headers, those of every answer among them, and the body, in one piece."""
        connection = self.connection
        self.counters.in_flight -= 1
        self.response_complete = True
        transport = connection.transport
        if transport.is_closing():
            return
        close = b"" if self.keep_alive else b"connection: close\r\n"
        transport.write(
            b"%b%b%bcontent-length: %d\r\n\r\n%b"
            % (start, connection.common_heads().lines, close, len(body), body)
        )
        if close:
            transport.close()
        else:
            connection.answered_shortly(monotonic())


class _Nobody:
    """Stands where uvicorn keeps the event on which an ASGI request waits."""

    def set(self) -> None:
        """Wake nobody."""


_NOBODY_WAITS = _Nobody()
