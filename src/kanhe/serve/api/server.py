"""The process around the application: sockets, signals, sweeps.

(1) Bind, so that a port in use is told before anything else happens. (2) Serve until SIGTERM or
SIGINT. (3) Stop taking requests, answer those in flight. (4) Return: the caller writes the last
snapshot and closes the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import logging
import signal
import socket
import threading
from collections.abc import Callable, Generator
from types import FrameType

import uvicorn

from kanhe.core.errors import SettingsError, StorageError
from kanhe.core.settings import Settings
from kanhe.serve.api.access import Gate
from kanhe.serve.api.application import Application, note_fault
from kanhe.serve.api.connection import connection_type
from kanhe.serve.api.ports import Engine, Keys

_log = logging.getLogger("kanhe.serve")
_BACKLOG = 2_048
_TICK_S = 1.0


class ApiServer(uvicorn.Server):
    """uvicorn, with a tick a second and without its re-raising of signals."""

    def __init__(self, config: uvicorn.Config, application: Application) -> None:
        super().__init__(config)
        self._application = application
        self._ticker: asyncio.Task[None] | None = None
        self._trouble = ""

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
        stopping: that would end the process before the journal is closed."""
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
            await asyncio.sleep(_TICK_S)
            now = asyncio.get_running_loop().time()
            self._application.reading.sweep()
            for connection in list(self.server_state.connections):
                connection.sweep(now)  # type: ignore[union-attr]  # all are made by connection_type
            self._tend()

    def _tend(self) -> None:
        """Have the engine do what is due; what hinders it is logged once, until it changes."""
        told = ""
        try:
            self._application.engine.tend()
        except Exception as error:  # the boundary: the tick goes on, or slow clients would stay
            told = f"{type(error).__name__}: {error}"
            if told == self._trouble:
                pass
            elif isinstance(error, StorageError):
                _log.error("serve.tend_failed", extra={"cause": str(error)})
            else:
                note_fault("serve.tend_fault", error)
        self._trouble = told


def run_server(
    engine: Engine,
    keys: Keys | None,
    settings: Settings,
    describe: Callable[[], bytes],
    listening: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until told to stop. Raises `SettingsError` if the address cannot be listened on.

    Without `keys` every caller is let in, which is only accepted on a loopback address.
    `listening` is told the URL once the port is bound.
    """
    server, sock = prepare_server(engine, keys, settings, describe)
    with sock:
        url = _url(sock)
        _log.info("serve.listening", extra={"url": url, "keys": keys is not None})
        listening(url)
        server.run(sockets=[sock])


def prepare_server(
    engine: Engine, keys: Keys | None, settings: Settings, describe: Callable[[], bytes]
) -> tuple[ApiServer, socket.socket]:
    """A server and the socket it will listen on, already bound."""
    if keys is None and not is_loopback(settings.host):
        raise SettingsError(
            f"without API keys Kanhe only listens on this machine (127.0.0.1), not on "
            f"{settings.host}; make a key with 'kanhe keys create' and leave out --open"
        )
    application = Application(engine, settings, Gate(keys), describe)
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http=connection_type(
            application,
            settings.max_connections,
            settings.head_timeout_ms / 1000,
            settings.body_timeout_ms / 1000,
        ),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=settings.keep_alive_ms // 1000,
        timeout_graceful_shutdown=settings.stop_timeout_ms // 1000,
    )
    return ApiServer(config, application), _bind(settings.host, settings.port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; choose another one "
            f"with --port or --host"
        ) from None


def _url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
