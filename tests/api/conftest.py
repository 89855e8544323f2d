"""A real server on a free port of this machine, over the fake engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import httpx
import pytest

from kanhe.core.settings import Settings
from kanhe.protect.desk_pass import DeskDoor
from kanhe.serve.api.server import ApiServer, prepare_server
from tests.api.fake_engine import FakeEngine, FakeKeys
from tests.api.listening import listening

TOKEN = "kanhe_aaaa"
OTHER = "kanhe_bbbb"


class Running(NamedTuple):
    """A server that listens."""

    engine: FakeEngine
    keys: FakeKeys
    server: ApiServer
    url: str
    """Where it listens."""
    ending: ExitStack

    @property
    def port(self) -> int:
        """The port of its address."""
        return int(self.url.rpartition(":")[2])

    def end(self) -> None:
        """Stop it, and wait until it has; once is enough."""
        self.ending.close()

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
        ending = ExitStack()
        url = ending.enter_context(listening(server, sock))
        running.append(Running(engine, keys, server, url, ending))
        return running[-1]

    yield begin
    for one in running:
        one.end()


@pytest.fixture
def running(start: Callable[..., Running]) -> Running:
    """One server with default settings."""
    return start()
