"""A witness over HTTP (C2SP tlog-witness): `POST /add-checkpoint`, and `GET /healthz` for whoever
watches over the witness.

Anybody may ask: what a checkpoint needs is the signature of a log that is known. So every request
is bounded in size and in time, and answered one after the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from kanhe.core.errors import KanheError
from kanhe.record.log.witness import TEXT_MEDIA_TYPE, Answer
from kanhe.serve.api.answers import Receive, Scope, Send
from kanhe.serve.api.connection import limited_connection
from kanhe.serve.listening import TickingServer, bind, server_config, url_of

_log = logging.getLogger("kanhe.witness")

MAX_BODY_BYTES = 65_536
"""A proof has at most 63 lines of 45 bytes, and a checkpoint some 200 bytes and its signatures."""
_BODY_TIMEOUT_S = 10.0
_HEAD_TIMEOUT_S = 10.0
_MOST_CONNECTIONS = 256
_KEEP_ALIVE_S = 75
_STOP_TIMEOUT_S = 10
_ROUTES = {"/add-checkpoint": ("POST",), "/healthz": ("GET", "HEAD")}


class Cosigner(Protocol):
    """What answers requests to cosign."""

    def add_checkpoint(self, raw: bytes) -> Answer:
        """The answer; raises `StorageError` if what was seen cannot be read or remembered."""


class WitnessApplication:
    """The ASGI application around one witness."""

    def __init__(self, witness: Cosigner) -> None:
        self._witness = witness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        methods = _ROUTES.get(scope["path"])
        if methods is None:
            answer = _told(404, "there are POST /add-checkpoint and GET /healthz here")
        elif scope["method"] not in methods:
            answer = _told(405, f"this is asked for with {' or '.join(methods)}")
        elif scope["path"] == "/healthz":
            answer = _told(200, "ok")
        else:
            answer = await self._cosign(receive)
        # A body that nobody has read would be taken for the next request.
        ends = answer.status in (404, 405, 408, 413)
        await _send(send, answer, ends, methods or (), scope["method"] == "HEAD")

    async def _cosign(self, receive: Receive) -> Answer:
        """(1) Take the body, within bounds. (2) Judge, durably: see `Witness.add_checkpoint`. There
        is no other request in between, as nothing is awaited. (3) Say in the log what became of it."""
        try:
            async with asyncio.timeout(_BODY_TIMEOUT_S):
                body = await _body(receive)  # (1)
        except TimeoutError:
            return _told(408, "the body came too slowly")
        if body is None:
            return _told(413, f"a request has at most {MAX_BODY_BYTES} bytes")
        try:
            answer = self._witness.add_checkpoint(body)  # (2)
        except KanheError as error:
            # It was not cosigned. What is wrong is for the operator and not for who asks.
            _log.error("witness.trouble", extra={"trouble": str(error)})
            return _told(503, "the witness cannot cosign now; its operator has been told why")
        # (3) A 409 is usual after a lost answer; a log that cannot prove its growth is not.
        level = {200: logging.INFO, 409: logging.INFO}.get(answer.status, logging.WARNING)
        _log.log(level, "witness.answered", extra={"status": answer.status, "bytes": len(body)})
        return answer


def run_witness(
    witness: Cosigner, host: str, port: int, listening: Callable[[str], None] = lambda url: None
) -> None:
    """Answer until SIGTERM or SIGINT; what is in flight is answered first.

    `listening` is told the URL once the port is bound. Raises `SettingsError` if it cannot be.
    """
    connection = limited_connection(_MOST_CONNECTIONS, _HEAD_TIMEOUT_S, _HEAD_TIMEOUT_S)
    config = server_config(WitnessApplication(witness), connection, _KEEP_ALIVE_S, _STOP_TIMEOUT_S)
    with bind(host, port) as sock:
        url = url_of(sock)
        _log.info("witness.listening", extra={"url": url})
        listening(url)
        TickingServer(config).run(sockets=[sock])


async def _body(receive: Receive) -> bytes | None:
    """The whole body; `None` if it is longer than it may be. Half of one is as good as none."""
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > MAX_BODY_BYTES:
            return None
        if message["type"] == "http.disconnect":
            return b""
        if not message.get("more_body", False):
            return b"".join(parts)


def _told(status: int, text: str) -> Answer:
    return Answer(status, f"{text}\n".encode())


async def _send(
    send: Send, answer: Answer, ends: bool, methods: tuple[str, ...], is_head: bool
) -> None:
    headers = [
        (b"content-type", (answer.media_type or TEXT_MEDIA_TYPE).encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if answer.status == 405:
        headers.append((b"allow", ", ".join(methods).encode()))
    if ends:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_head else answer.body})
