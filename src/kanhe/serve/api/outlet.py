"""The way out of a streamed answer: bounded memory, whatever the client does.

Many clients send their whole body before they read a byte of the answer. If the server stopped
reading as soon as its answers are not taken, both would wait for ever. So answers that are not
taken while the body still comes in are kept in memory up to a bound, and then in a temporary file.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from typing import IO

from kanhe.core.errors import StorageError
from kanhe.serve.api.answers import Headers, Send

_MEMORY_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16


class Outlet:
    """Sends what is put in, in order, at the client's pace; `put` itself never waits."""

    def __init__(self, send: Send, content_type: bytes) -> None:
        self._send = send
        self._headers: Headers = [(b"content-type", content_type)]
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._file: IO[bytes] | None = None
        self._file_left = 0
        self._file_at = 0
        self._wake = asyncio.Event()
        self._ended = False
        self._writer: asyncio.Task[None] | None = None

    @property
    def started(self) -> bool:
        """Whether anything was promised to the client, so that the status cannot change any more."""
        return self._writer is not None or bool(self._held) or bool(self._file_left)

    def put(self, data: bytes, more: bool) -> None:
        """Queue bytes; with `more` to come they are sent at once, else with the end."""
        if self._file_left or self._held + len(data) > _MEMORY_BYTES:
            self._spill(data)
        else:
            self._chunks.append(data)
            self._held += len(data)
        if more and self._writer is None:
            self._writer = asyncio.create_task(self._write())
        self._wake.set()

    async def finish(self) -> None:
        """Send the rest and end the answer."""
        if self._writer is None and not self._file_left:
            body = b"".join(self._chunks)
            await self._start((b"content-length", b"%d" % len(body)))
            await self._send({"type": "http.response.body", "body": body})
            return
        self._ended = True
        self._wake.set()
        await (self._writer or self._write())

    def close(self) -> None:
        """Let go of the file and of the writer; what was not sent is dropped."""
        if self._writer is not None and not self._writer.done():
            self._writer.cancel()
        if self._file is not None:
            self._file.close()

    async def _start(self, *more: tuple[bytes, bytes]) -> None:
        headers = [*self._headers, *more]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def _write(self) -> None:
        await self._start()
        while True:
            data = self._next()
            if data:
                await self._send({"type": "http.response.body", "body": data, "more_body": True})
            elif self._ended:
                await self._send({"type": "http.response.body", "body": b""})
                return
            else:
                self._wake.clear()
                await self._wake.wait()

    def _next(self) -> bytes:
        if self._chunks:
            data = self._chunks.popleft()
            self._held -= len(data)
            return data
        if not self._file_left or self._file is None:
            return b""
        self._file.seek(self._file_at)
        data = self._file.read(_CHUNK_BYTES)
        self._file_at += len(data)
        self._file_left -= len(data)
        if not self._file_left:
            self._file.truncate(0)
            self._file_at = 0
        return data

    def _spill(self, data: bytes) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
            self._file.seek(0, 2)
            self._file.write(data)
        except OSError as error:
            raise StorageError(f"answers could not be kept until they are read: {error}") from error
        self._file_left += len(data)
