"""A Kanhe for the programs that the pages show."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from kanhe.app import kanhe_in_memory
from kanhe.core.settings import Settings
from kanhe.serve.api.server import prepare_server


@pytest.fixture
def kanhe_url() -> Iterator[str]:
    """Where the starter pack judges, without keys, for one test: what one shop did, another does not
    suffer for."""
    with kanhe_in_memory(Settings(), lambda: time.time_ns() // 1_000_000) as engine:
        server, sock = prepare_server(engine, None, Settings(port=0), lambda: b"{}")

        def run() -> None:
            with sock:
                server.run(sockets=[sock])

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)
        asyncio.set_event_loop(None)
