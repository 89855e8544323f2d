"""A real server on a free port of this machine, over the fake engine."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from kanhe.core.settings import Settings
from kanhe.protect.desk_pass import DeskDoor
from kanhe.serve.api.server import ApiServer, prepare_server
from tests.api.fake_engine import FakeEngine, FakeKeys

TOKEN = "kanhe_aaaa"
OTHER = "kanhe_bbbb"


class Running(NamedTuple):
    """A server that listens."""

    engine: FakeEngine
    keys: FakeKeys
    server: ApiServer
    port: int
    thread: threading.Thread

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, token: str | None = TOKEN, **more: Any) -> httpx.Client:
        """An HTTP client with this token."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=20, **more)


def event(number: int | str = 1, **more: Any) -> dict[str, Any]:
    """A small event."""
    return {"id": f"e{number}", "type": "payment.attempted", "at_ms": 1_767_225_600_000, **more}


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Starts servers with given settings and stops them afterwards."""
    running: list[Running] = []

    def begin(with_keys: bool = True, desk: DeskDoor | None = None, **settings: Any) -> Running:
        engine, keys = FakeEngine(), FakeKeys()
        keys.add(TOKEN, "shop-a")
        keys.add(OTHER, "shop-b")
        server, sock = prepare_server(
            engine,
            keys if with_keys else None,
            Settings(port=0, **settings),
            lambda: b'{"openapi":"3.1.0"}',
            desk,
        )
        port = sock.getsockname()[1]

        def run() -> None:
            with sock:
                server.run(sockets=[sock])

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        running.append(Running(engine, keys, server, port, thread))
        return running[-1]

    yield begin
    for one in running:
        one.server.should_exit = True
        one.thread.join(10)
        assert not one.thread.is_alive()
    asyncio.set_event_loop(None)


@pytest.fixture
def running(start: Callable[..., Running]) -> Running:
    """One server with default settings."""
    return start()
