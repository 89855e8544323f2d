"""Streams of server-sent events (WHATWG HTML, 9.2): for what changes while a page is open.

A stream ends when its reader leaves, when the server stops (an open stream would hold that up), and
after a while anyway: the browser connects again, and is asked anew whether it may.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import StreamingResponse

HEARTBEAT_S = 15.0
LONGEST_S = 600.0
_RETRY_MS = 2_000


class Message(msgspec.Struct, frozen=True):
    """One message: with `event`, an event of the page; without, HTML that htmx puts in place."""

    data: str
    event: str = ""
    id: str = ""

    @classmethod
    def of(cls, event: str, value: Any) -> Message:
        """An event whose data is JSON."""
        return cls(json.dumps(value, ensure_ascii=False, separators=(",", ":")), event)

    def encoded(self) -> bytes:
        """As it goes over the wire. Line breaks cannot end a message early."""
        lines = [f"id: {_one_line(self.id)}"] if self.id else []
        if self.event:
            lines.append(f"event: {_one_line(self.event)}")
        lines += [f"data: {line}" for line in self.data.splitlines() or [""]]
        return ("\n".join(lines) + "\n\n").encode()


def stream(
    request: Request,
    look: Callable[[], Awaitable[list[Message]]],
    every_s: float = 1.0,
) -> StreamingResponse:
    """Send what `look` gives, asked every `every_s` seconds while somebody reads.

    `look` is awaited in the loop of the server: have it read stores by `run_in_threadpool`.
    """
    return StreamingResponse(
        _messages(request, look, every_s),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _messages(
    request: Request, look: Callable[[], Awaitable[list[Message]]], every_s: float
) -> AsyncIterator[bytes]:
    stopping: asyncio.Event = request.app.state.stopping
    loop = asyncio.get_running_loop()
    until = loop.time() + LONGEST_S
    said_at = loop.time()
    yield f"retry: {_RETRY_MS}\n\n".encode()
    while not stopping.is_set() and loop.time() < until:
        for message in await look():
            said_at = loop.time()
            yield message.encoded()
        if loop.time() - said_at > HEARTBEAT_S:
            # A comment: it keeps proxies from closing, and finds out that the reader has left.
            said_at = loop.time()
            yield b": still here\n\n"
        try:
            async with asyncio.timeout(every_s):
                await stopping.wait()
        except TimeoutError:
            continue


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ").replace("\0", "")
