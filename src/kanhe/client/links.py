"""How the client reaches Kanhe: one pool of kept connections, for threads and for tasks."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
import weakref
from collections.abc import Sequence
from contextlib import nullcontext

import httpx

from kanhe.client.event import Outgoing
from kanhe.client.network import BoundedTransport
from kanhe.client.options import Options
from kanhe.client.queue.ports import Waiting
from kanhe.client.wire import (
    DECIDE,
    DECIDE_ALL,
    MOST_ANSWER_BYTES,
    READY,
    RECORD_ALL,
    Failure,
    Reply,
    headers_of,
    is_packed,
    lines_of,
)

_JSON = {"content-type": "application/json"}
_LINES = {"content-type": "application/x-ndjson"}
_LEFT_BEHIND: list[object] = []
"""What a child must neither use nor close, because it is its parent's."""


class Link:
    """For threads: each process has its own pool, made when it is first needed there.

    `transport` is for tests and for special ways, such as a proxy; then the total time is bounded as
    well as that transport keeps to httpx's timeouts.
    """

    def __init__(
        self, options: Options, verify: ssl.SSLContext | None, transport: httpx.BaseTransport | None
    ) -> None:
        self._options = options
        self._verify = verify
        self._given = transport
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._bounded: BoundedTransport | None = None
        self._process = 0

    def ask(self, event: Outgoing, timeout_s: float) -> Reply | Failure:
        """Have one event judged."""
        return self._post(DECIDE, event.body, _JSON, timeout_s)

    def deliver(
        self, events: Sequence[Waiting], timeout_s: float, *, judge: bool
    ) -> Reply | Failure:
        """Have events judged, or recorded."""
        path = DECIDE_ALL if judge else RECORD_ALL
        return self._post(path, lines_of(events), _LINES, timeout_s)

    def is_ready(self, timeout_s: float) -> Reply | Failure:
        """Ask whether Kanhe would take an event."""
        return self._send("GET", READY, b"", {}, timeout_s)

    def call(self, method: str, path: str, body: bytes, timeout_s: float) -> Reply | Failure:
        """Ask something else of Kanhe."""
        return self._send(method, path, body, _JSON if body else {}, timeout_s)

    def close(self) -> None:
        """Close what this process has opened."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None and self._process == os.getpid():
            client.close()

    def after_fork(self) -> None:
        """In a child: begin anew. The connections are the parent's."""
        self._lock = threading.Lock()
        if self._client is not None:
            _LEFT_BEHIND.append(self._client)
        self._client = None

    def _post(
        self, path: str, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Reply | Failure:
        return self._send("POST", path, body, headers, timeout_s)

    def _send(
        self, method: str, path: str, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Reply | Failure:
        client = self._opened()
        bound = nullcontext() if self._bounded is None else self._bounded.within(timeout_s)
        try:
            with bound:
                answer = client.request(
                    method, path, content=body, headers=headers, timeout=timeout_s
                )
        except httpx.HTTPError as error:
            return failure_of(error)
        return Reply(answer.status_code, answer.headers, answer.content)

    def _opened(self) -> httpx.Client:
        client = self._client
        if client is not None and self._process == os.getpid():
            return client
        with self._lock:
            if self._client is not None and self._process != os.getpid():
                _LEFT_BEHIND.append(self._client)
                self._client = None
            if self._client is None:
                if self._given is None:
                    self._bounded = BoundedTransport(
                        trust(self._options, self._verify), MOST_ANSWER_BYTES
                    )
                self._client = httpx.Client(
                    base_url=self._options.url,
                    headers=headers_of(self._options.key),
                    transport=self._given or self._bounded,
                    trust_env=False,
                )
                self._process = os.getpid()
            return self._client


class AsyncLink:
    """For tasks: each event loop has its own pool."""

    def __init__(
        self,
        options: Options,
        verify: ssl.SSLContext | None,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        self._options = options
        self._verify = verify
        self._given = transport
        self._begin()

    def _begin(self) -> None:
        self._clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient]
        self._clients = weakref.WeakKeyDictionary()
        self._process = os.getpid()

    async def ask(self, event: Outgoing, timeout_s: float) -> Reply | Failure:
        """Have one event judged."""
        return await self.call("POST", DECIDE, event.body, timeout_s)

    async def call(self, method: str, path: str, body: bytes, timeout_s: float) -> Reply | Failure:
        """Ask something else of Kanhe."""
        client, headers, found = self._opened(), _JSON if body else {}, bytearray()
        try:
            async with (
                asyncio.timeout(timeout_s),
                client.stream(
                    method, path, content=body, headers=headers, timeout=timeout_s
                ) as answer,
            ):
                if is_packed(answer.headers):
                    return Failure("the answer is packed")
                async for part in answer.aiter_raw():
                    found += part
                    if len(found) > MOST_ANSWER_BYTES:
                        return Failure("the answer is too long")
        except httpx.HTTPError as error:
            return failure_of(error)
        except TimeoutError:
            return Failure("timeout", timed_out=True)
        return Reply(answer.status_code, answer.headers, bytes(found))

    async def close(self) -> None:
        """Close the connections of the running loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _opened(self) -> httpx.AsyncClient:
        if self._process != os.getpid():
            _LEFT_BEHIND.append(self._clients)
            self._begin()
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = self._clients[loop] = httpx.AsyncClient(
                base_url=self._options.url,
                headers=headers_of(self._options.key),
                transport=self._given or self._transport(),
                trust_env=False,
            )
        return client

    def _transport(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=trust(self._options, self._verify),
            trust_env=False,
            limits=httpx.Limits(
                max_connections=100, max_keepalive_connections=100, keepalive_expiry=30.0
            ),
        )


def trust(options: Options, verify: ssl.SSLContext | None) -> ssl.SSLContext:
    """Whom to believe over TLS: what the shop says, else the authorities that httpx comes with."""
    if verify is not None:
        return verify
    if options.url.startswith("http://"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used; loading authorities takes long
    return httpx.create_ssl_context()


def failure_of(error: httpx.HTTPError) -> Failure:
    """What happened, in words that quote nothing of the request."""
    timed_out = isinstance(error, httpx.TimeoutException)
    return Failure("timeout" if timed_out else type(error).__name__, timed_out)
