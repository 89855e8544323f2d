"""The process around the application.

(1) Bind, so that a port in use is told before anything else happens. (2) Serve until SIGTERM or
SIGINT. (3) Stop taking requests, answer those in flight. (4) Return: the caller writes the last
snapshot and closes the journal.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn

from kanhe.core.errors import SettingsError, StorageError
from kanhe.core.settings import Settings
from kanhe.protect.desk_pass import DeskDoor
from kanhe.serve.api.access import Gate
from kanhe.serve.api.application import Application, note_fault
from kanhe.serve.api.connection import connection_type
from kanhe.serve.api.ports import Engine, Hooks, Keys
from kanhe.serve.listening import TickingServer, bind, server_config, url_of

if TYPE_CHECKING:
    from kanhe.app.stepping_up.opening import StepUps

_log = logging.getLogger("kanhe.serve")


class ApiServer(TickingServer):
    """The server of the HTTP interface."""

    def __init__(self, config: uvicorn.Config, application: Application) -> None:
        super().__init__(config)
        self._application = application
        self._trouble = ""

    def sweep(self) -> None:
        """Give up on bodies that come too slowly, and have the engine do what is due."""
        self._application.tick()
        self._tend()

    def close(self) -> None:
        """End the threads beside the loop."""
        self._application.close()

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
    desk: DeskDoor | None = None,
    step_ups: StepUps | None = None,
    hooks: Hooks | None = None,
) -> None:
    """Serve until told to stop. Raises `SettingsError` if the address cannot be listened on.

    Without `keys` every caller is let in, which is only accepted on a loopback address.
    `listening` is told the URL once the port is bound. `desk` is where the console's passes open,
    `step_ups` are those of buyers, `hooks` the sources of notices.
    """
    server, sock = prepare_server(engine, keys, settings, describe, desk, step_ups, hooks)
    with sock:
        url = url_of(sock)
        _log.info("serve.listening", extra={"url": url, "keys": keys is not None})
        listening(url)
        try:
            server.run(sockets=[sock])
        finally:
            server.close()


def prepare_server(
    engine: Engine,
    keys: Keys | None,
    settings: Settings,
    describe: Callable[[], bytes],
    desk: DeskDoor | None = None,
    step_ups: StepUps | None = None,
    hooks: Hooks | None = None,
) -> tuple[ApiServer, socket.socket]:
    """A server and the socket it will listen on, already bound."""
    if keys is None and not is_loopback(settings.host):
        raise SettingsError(
            f"without API keys Kanhe only listens on this machine (127.0.0.1), not on "
            f"{settings.host}; make a key with 'kanhe keys create' and leave out --open"
        )
    gate = Gate(keys, desk=desk)
    application = Application(engine, settings, gate, describe, step_ups, hooks)
    connection = connection_type(
        application,
        settings.max_connections,
        settings.head_timeout_ms / 1000,
        settings.body_timeout_ms / 1000,
    )
    config = server_config(
        application, connection, settings.keep_alive_ms // 1000, settings.stop_timeout_ms // 1000
    )
    return ApiServer(config, application), bind(settings.host, settings.port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
