"""A fake Kanhe, and clients that are closed after the test."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kanhe.client import Kanhe
from tests.client.fake_kanhe import FakeKanhe

KEY = "kanhe_abcd_secretsecretsecret"


@pytest.fixture
def fake() -> Iterator[FakeKanhe]:
    """A server that does what a test tells it to."""
    one = FakeKanhe()
    yield one
    one.stop()


@pytest.fixture
def client(fake: FakeKanhe, tmp_path: Path) -> Iterator[Callable[..., Kanhe]]:
    """Makes clients of the fake server with a queue in the test's folder."""
    made: list[Kanhe] = []

    def make(url: str | None = None, **options: Any) -> Kanhe:
        options = {
            "queue": tmp_path / "queue.db", "fallback": {"*": "allow"}, "close_timeout": 0.05,
            "timeout": 20.0, **options,
        }  # fmt: skip
        made.append(Kanhe(url or fake.url, key=KEY, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def nowhere() -> str:
    """An address of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def eventually(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether something comes true in time."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True
