"""Sockets, signals, and a tick a second: what every HTTP server of Kanhe has in common."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import threading
import time
from collections.abc import Generator, Sequence
from types import FrameType
from typing import Any

import uvicorn

from kanhe.core.errors import SettingsError

_log = logging.getLogger("kanhe.serve")
BACKLOG = 2_048
TICK_S = 1.0


def server_config(
    application: Any,
    connection: type[Any],
    keep_alive_s: int,
    stop_s: int,
    proxies: Sequence[str] = (),
) -> uvicorn.Config:
    """How every server runs: quiet, without web sockets, and believing no headers but those of its proxies.

    `connection` is a class of `serve.api.connection`; an idle connection is kept for `keep_alive_s`,
    and what is being answered has `stop_s` to end. Of `proxies`, addresses and networks, it is
    believed for whom they ask (`X-Forwarded-For`, read from its right end up to the first stranger).
    """
    return uvicorn.Config(
        application,
        loop="uvloop",
        http=connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        backlog=BACKLOG,
        timeout_keep_alive=keep_alive_s,
        timeout_graceful_shutdown=stop_s,
    )


class TickingServer(uvicorn.Server):
    """uvicorn, with a tick a second for the limits of its connections and without its re-raising of
    signals. The connections are of `serve.api.connection`."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ticker: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then the tick."""
        await super().startup(sockets)
        self._ticker = asyncio.create_task(self._tick())
        # What exists now lives as long as the process: never walk through it again.
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is in flight, then stop the tick."""
        _log.info("serve.stopping")
        await super().shutdown(sockets)
        if self._ticker is not None:
            self._ticker.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop on SIGTERM and SIGINT. Unlike uvicorn's own, the signal is not raised again after
        stopping: that would end the process before the caller has put its things away."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {s: signal.signal(s, self._stop) for s in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit and number == signal.SIGINT
        self.should_exit = True

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            self.sweep()
            for connection in list(self.server_state.connections):
                connection.sweep(now)  # type: ignore[union-attr]  # all are of serve.api.connection

    def sweep(self) -> None:
        """Whatever else is to be looked after once a second."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there; raises `SettingsError` if that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; choose another one "
            f"with --port or --host"
        ) from None


def url_of(sock: socket.socket) -> str:
    """The URL under which a listening socket is reached."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
