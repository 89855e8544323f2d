"""A server that answers what a test tells it to, and remembers what it was sent."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """One request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def ids(self) -> list[str]:
        """The ids of the events in it."""
        return [json.loads(line)["id"] for line in self.body.splitlines()]


Answer = tuple[int, dict[str, str], bytes]
Script = Callable[[Asked], "Answer | None"]
"""Answers one request; None closes the connection without a word."""


def decision(event_id: str, outcome: str = "allow", **more: Any) -> bytes:
    """A decision as Kanhe writes it."""
    return json.dumps(
        {
            "decision_id": "d1-9e3779", "event_id": event_id, "outcome": outcome, "score": 0,
            "policy": "sha256:" + 64 * "0", **more,
        }
    ).encode()  # fmt: skip


def problem(slug: str, status: int, **more: Any) -> bytes:
    """A problem as Kanhe writes it."""
    return json.dumps(
        {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": slug, **more}
    ).encode()


def good(asked: Asked) -> Answer:
    """What a healthy Kanhe answers."""
    if asked.path == "/v1/decisions":
        return 200, {}, decision(asked.ids[0])
    if asked.path == "/v1/decisions:batch":
        return 200, {}, b"".join(decision(one) + b"\n" for one in asked.ids)
    lines = [
        json.dumps({"event_id": one, "seq": number, "recorded": True}).encode()
        for number, one in enumerate(asked.ids, 1)
    ]
    return 200, {}, b"".join(line + b"\n" for line in lines)


class FakeKanhe:
    """Listens on a free port of this machine; `script` may be changed at any time."""

    def __init__(self, sealed: ssl.SSLContext | None = None) -> None:
        """`sealed` has it speak TLS."""
        self.script: Script = good
        self.asked: list[Asked] = []
        self.connections = 0
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                fake.connections += 1

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                asked = Asked(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                fake.asked.append(asked)
                answer = fake.script(asked)
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _answer  # noqa: N815 (the names that http.server calls)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *_: object) -> None:
                """A client that went away in the middle is part of the tests."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if sealed:
            self._server.socket = sealed.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if sealed else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    def of(self, path: str) -> list[Asked]:
        """The requests to one path."""
        return [one for one in self.asked if one.path == path]

    @property
    def recorded(self) -> list[str]:
        """The ids of all events that came in batches to be recorded, in order, repetitions included."""
        return [event for one in self.of("/v1/events:batch") for event in one.ids]

    @property
    def judged_late(self) -> list[str]:
        """The ids of all events that came in batches to be judged."""
        return [event for one in self.of("/v1/decisions:batch") for event in one.ids]

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
