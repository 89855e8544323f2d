"""Bodies within their size and time.

A client that sends slowly is found by one sweep a second over those being read, so that a request
that arrives whole costs two dictionary operations and no timer.
"""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from kanhe.serve.api.answers import Headers, Receive, Rejected, rejected

_DRAIN_BYTES = 1 << 20
"""How much of a body that is too large is still read, so that the client hears why."""

_CLEARLY_WRONG = (
    b"multipart/",
    b"image/",
    b"audio/",
    b"video/",
    b"text/html",
    b"text/xml",
    b"application/xml",
    b"application/zip",
    b"application/gzip",
    b"application/pdf",
)


class Disconnected(Exception):
    """The client went away before its body was complete: there is nobody to answer."""


class Head(NamedTuple):
    """The request headers that matter here."""

    authorization: bytes
    length: int
    """The announced length of the body, -1 if it comes in chunks."""


def read_head(headers: Headers) -> Head:
    """Pick what matters from the headers; raises 415 for what is clearly not JSON."""
    authorization, length = b"", -1
    for name, value in headers:
        if name == b"authorization":
            authorization = value
        elif name == b"content-length":
            length = int(value) if value.isdigit() and len(value) < 19 else -1
        elif name == b"content-type":
            if value != b"application/json" and value.lower().startswith(_CLEARLY_WRONG):
                raise _unsupported("Send JSON (application/json) or lines of JSON.")
        elif name == b"content-encoding" and value.lower() not in (b"", b"identity"):
            raise _unsupported("Send the body without content encoding.")
    return Head(authorization, length)


class Reading:
    """Reads bodies; knows who is being waited for, and since when."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._since: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()

    async def whole(self, receive: Receive, length: int, most: int) -> bytes:
        """The whole body, at most `most` bytes within the time limit.

        Raises 413, 408, or `Disconnected`.
        """
        if length > most:
            raise await self._too_large(receive, length, most)
        task = _this_task()
        self._since[task] = time.monotonic()
        try:
            message = await receive()
            body: bytes = message.get("body", b"")
            while message.get("more_body") and len(body) <= most:
                message = await receive()
                body += message.get("body", b"")
        except asyncio.CancelledError:
            self._raise_if_late(task)
            raise
        finally:
            del self._since[task]
        if message["type"] == "http.disconnect":
            raise Disconnected
        if len(body) > most:
            if message.get("more_body"):
                raise await self._too_large(receive, length, most)
            raise body_too_large(most)
        return body

    async def chunk(self, receive: Receive) -> tuple[bytes, bool]:
        """The next part of a body and whether more is to come; the time limit is for each part.

        Raises 408 or `Disconnected`.
        """
        task = _this_task()
        self._since[task] = time.monotonic()
        try:
            message = await receive()
        except asyncio.CancelledError:
            self._raise_if_late(task)
            raise
        finally:
            del self._since[task]
        if message["type"] == "http.disconnect":
            raise Disconnected
        return message.get("body", b""), bool(message.get("more_body"))

    def sweep(self) -> None:
        """Give up on those who are too slow. Called about once a second."""
        limit = time.monotonic() - self._timeout_s
        for task, since in list(self._since.items()):
            if since < limit and task not in self._late:
                self._late.add(task)
                task.cancel()

    def _raise_if_late(self, task: asyncio.Task[object]) -> None:
        if task in self._late:
            self._late.discard(task)
            task.uncancel()
            raise rejected(
                "body-too-slow",
                "The body took too long",
                408,
                f"The body was not received within {self._timeout_s:g} s.",
                close=True,
            ) from None

    async def _too_large(self, receive: Receive, length: int, most: int) -> Rejected:
        """The rejection, after reading on a little: a client that is still sending hears it then."""
        drained = 0
        if length <= most + _DRAIN_BYTES:
            more = True
            while more and drained < _DRAIN_BYTES:
                part, more = await self.chunk(receive)
                drained += len(part)
        return body_too_large(most)


def _this_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    assert task is not None
    return task


def body_too_large(most: int) -> Rejected:
    """The rejection of a body with more than `most` bytes; it ends the connection."""
    return rejected(
        "body-too-large",
        "The body is too large",
        413,
        f"At most {most} bytes are accepted.",
        close=True,
    )


def _unsupported(detail: str) -> Rejected:
    return rejected("media-type-unsupported", "The media type is not supported", 415, detail)
