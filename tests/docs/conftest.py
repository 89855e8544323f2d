"""A Kanhe for the programs that the pages show."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from kanhe.app import kanhe_in_memory
from kanhe.core.settings import Settings
from kanhe.serve.api.server import prepare_server
from tests.api.listening import listening


@pytest.fixture
def kanhe_url() -> Iterator[str]:
    """Where the starter pack judges, without keys, for one test: what one shop did, another does not
    suffer for."""
    with kanhe_in_memory(Settings(), lambda: time.time_ns() // 1_000_000) as engine:
        server, sock = prepare_server(engine, None, Settings(port=0), lambda: b"{}")
        with listening(server, sock) as url:
            yield url
