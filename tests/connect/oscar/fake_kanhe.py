"""Kanhe's routes on loopback, scripted: what a test says is what is answered, and what came is kept."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

Answer = str | Callable[[dict[str, Any]], str]
CODE = "123456"


class FakeKanhe:
    """`outcomes["payment.attempted"] = "deny"` has payments denied; `down = True` has nobody answer."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.begin()

    def begin(self) -> None:
        """Forget everything: everybody may do everything."""
        self.outcomes: dict[str, Answer] = {}
        self.refused: set[str] = set()
        self.no_email = False
        self.down = False
        self.no_step_up = False
        self.slow_s = 0.0
        self.events: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.confirms: list[dict[str, Any]] = []
        self.redeemed: list[dict[str, Any]] = []
        self.methods = ["totp"]
        self.enrolled: list[dict[str, Any]] = []
        self.attempts = 3

    def __enter__(self) -> FakeKanhe:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, type: str) -> list[dict[str, Any]]:
        """The events of a type, in the order in which they came; those on their way are waited for."""
        if not self.down:
            from kanhe.connect.oscar.connection import client

            assert client().flush(10)
        return [one for one in self.events if one["type"] == type]

    def answer(self, path: str, body: bytes) -> tuple[int, Any]:
        """What is answered."""
        if self.slow_s:
            time.sleep(self.slow_s)
        if path.endswith(":batch"):
            lines = [json.loads(line) for line in body.splitlines() if line]
            self.events += lines
            if path.startswith("/v1/decisions"):
                return 200, [self._decision(one) for one in lines]
            return 200, [{"event_id": one["id"], "recorded": True, "seq": 1} for one in lines]
        said = json.loads(body or b"{}")
        if path.endswith("/factors"):
            self.enrolled.append(said)
            return 201, {
                "factor_id": "fa-1", "kind": said["kind"], "expires_ms": 1, "secret": "JBSWY3DP",
                "link": "otpauth://totp/x",
            }  # fmt: skip
        if path.startswith("/v1/step-ups"):
            return self._step_up(path, said)
        if said.get("type") in self.refused or ("email" in said and self.no_email):
            return 422, {
                "type": "/problems/unknown-field", "title": "no", "status": 422, "detail": "refused",
            }  # fmt: skip
        self.events.append(said)
        return 200, self._decision(said)

    def _decision(self, said: dict[str, Any]) -> dict[str, Any]:
        """What is decided about an event."""
        outcome = self.outcomes.get(said["type"], "allow")
        return {
            "decision_id": f"d-{said['id']}", "event_id": said["id"], "score": 0, "policy": "sha256:0",
            "outcome": outcome if isinstance(outcome, str) else outcome(said), "reasons": [],
            "actions": [],
        }  # fmt: skip

    def _step_up(self, path: str, said: dict[str, Any]) -> tuple[int, Any]:
        if self.no_step_up:
            return 503, {"type": "/problems/storage", "title": "no", "status": 503}
        if path == "/v1/step-ups":
            self.asked.append({**said, "left": self.attempts})
            return 201, {
                "step_up_id": f"su-{len(self.asked)}", "methods": self.methods, "attempts_left": 3,
                "expires_ms": 1, "sent_to": "m•••@example.com",
            }  # fmt: skip
        id, _, step = path.removeprefix("/v1/step-ups/").partition(":")
        asked = self.asked[int(id.removeprefix("su-")) - 1]
        bound = ("order", "payee", "amount_minor", "currency")
        if asked.get("purpose") == "login":
            bound = ()
        if step == "redeem":
            if said["confirmation"] != f"c-{id}" or any(said[k] != asked[k] for k in bound):
                return 409, {"type": "/problems/step-up-closed", "title": "no", "status": 409}
            self.redeemed.append(said)
            return 200, {"redeemed": True, "step_up_id": id}
        if step == "send":
            return 200, {"sent_to": "m•••", "expires_ms": 1, "sends_left": 2, "again_ms": 1}
        self.confirms.append(said)
        if said["code"] == CODE and all(said.get(k) == asked.get(k) for k in bound):
            return 200, {"outcome": "passed", "attempts_left": 3, "confirmation": f"c-{id}"}
        asked["left"] -= 1
        return 200, {"outcome": "failed", "attempts_left": asked["left"], "reason": "wrong_code"}


def _handler(kanhe: FakeKanhe) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            self._say(*((503, {}) if kanhe.down else (200, {"factors": []})))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            self._say(*((503, {}) if kanhe.down else kanhe.answer(self.path, body)))

        def _say(self, status: int, answer: Any) -> None:
            if isinstance(answer, list):
                raw = b"".join(json.dumps(one).encode() + b"\n" for one in answer)
            else:
                raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
