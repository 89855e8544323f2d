"""A prepared server that listens in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kanhe.serve.api.server import ApiServer


@contextmanager
def listening(server: ApiServer, sock: socket.socket) -> Iterator[str]:
    """Where it listens, once it does; at the end it has stopped, and left no loop behind."""

    def run() -> None:
        with sock:
            server.run(sockets=[sock])

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        asyncio.set_event_loop(None)
        assert not thread.is_alive()
