"""The process that serves the console.

(1) Bind, so that a port in use is told before anything else happens, and the address is known. (2) Open
the desk. (3) Serve until SIGTERM or SIGINT, or until the parent has gone. (4) End the streams, answer
what is in flight. (5) Stop what runs beside, release the files.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

import msgspec
import uvicorn
from starlette.applications import Starlette

from kanhe.app.access import console_address
from kanhe.app.console import open_console
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.serve.api.connection import limited_connection
from kanhe.serve.console.application import console_app, origins_of, proxies_of
from kanhe.serve.listening import TickingServer, bind, server_config

_log = logging.getLogger("kanhe.console")
_STOP_TIMEOUT_S = 5
_MOST_CONNECTIONS = 1_024


class ConsoleServer(TickingServer):
    """The server of the console: open streams end as soon as it stops."""

    def __init__(self, config: uvicorn.Config, app: Starlette, stop: threading.Event) -> None:
        super().__init__(config)
        self._app = app
        self._stop_asked = stop

    def sweep(self) -> None:
        """Stop if the parent has gone."""
        if self._stop_asked.is_set():
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: tell the streams before anybody waits for them to end."""
        should_exit = await super().on_tick(counter) or self._stop_asked.is_set()
        if should_exit:
            stopping: asyncio.Event = self._app.state.stopping
            stopping.set()
        return should_exit


def run_console(
    settings: Settings,
    clock: Clock,
    listening: Callable[[str], None] = lambda url: None,
    stop: threading.Event | None = None,
) -> None:
    """Serve until told to stop, or until `stop` is set.

    `listening` is told the address once the port is bound. Raises `SettingsError` if it cannot be bound
    or the addresses of the console are not known, `StorageError` if the desk cannot be opened.
    """
    with bind(settings.console_host, settings.console_port) as sock:  # (1)
        settings = msgspec.structs.replace(settings, console_port=sock.getsockname()[1])
        origins_of(settings)
        proxies_of(settings)
        services = open_console(settings, clock)  # (2)
        try:
            app = console_app(services, settings)
            services.start()
            _log.info("console.listening", extra={"url": console_address(settings)})
            listening(console_address(settings))
            ConsoleServer(_config(app, settings), app, stop or threading.Event()).run([sock])  # (3)
        finally:
            services.close()  # (5)


def _config(app: Starlette, settings: Settings) -> uvicorn.Config:
    connection = limited_connection(
        _MOST_CONNECTIONS, settings.head_timeout_ms / 1000, settings.body_timeout_ms / 1000
    )
    proxies = proxies_of(settings)
    return server_config(
        app, connection, settings.keep_alive_ms // 1000, _STOP_TIMEOUT_S, proxies
    )  # (4)
