"""Notices and a server that is killed, and one that many wait for."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from kanhe.app.hooks import HookDesk
from kanhe.app.opening import kanhe_in_memory
from kanhe.core.settings import Settings
from kanhe.protect.inbound.credentials import Credential
from kanhe.serve.cli.serving import now_ms
from tests.hooks import requests as made
from tests.hooks.test_receiving import CHARGE, Time, running

ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith(("KANHE_", "LANG", "LC_"))},
    "KANHE_CONSOLE": "false", "KANHE_LOG_SEQUENCER": "false",
}  # fmt: skip


def _serve(folder: Path) -> tuple[subprocess.Popen[str], str]:
    words = [sys.executable, "-c", "from kanhe.serve.cli import main; main()", "serve", "--open",
             "--port", "0", "--data-dir", str(folder)]  # fmt: skip
    process = subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=folder
    )
    assert process.stderr
    for line in process.stderr:
        if "listens on http://" in line:
            return process, line[line.index("http://") :].split()[0].rstrip(",.;")
    raise AssertionError("the server did not start")


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    """A notice that its provider was told is taken is there after `kill -9`, and its redelivery to the
    next process is the same events."""
    desk = HookDesk(Settings(data_dir=str(tmp_path)), now_ms)
    desk.add("stripe", "shop", "stripe", [Credential("secret", made.STRIPE_SECRET)])
    desk.close()
    outcomes = []
    for ending in (signal.SIGKILL, signal.SIGTERM):
        process, url = _serve(tmp_path)
        try:
            at = now_ms() // 1_000
            case = made.stripe(json.dumps({**CHARGE, "created": at - 5}).encode(), at)
            answer = httpx.post(
                f"{url}/v1/hooks/stripe", content=case.request.body, headers=[*case.request.headers]
            )
            outcomes.append((answer.status_code, answer.headers["kanhe-hook"]))
        finally:
            process.send_signal(ending)
            process.wait(30)
            assert process.stderr
            process.stderr.close()
    assert outcomes == [(200, "taken"), (200, "repeated")]


def test_notices_do_not_take_the_places_of_decisions(tmp_path: Path) -> None:
    """Bodies that do not come fill the places of notices; decisions are made all the same."""
    clock = Time()
    settings = Settings(data_dir=str(tmp_path), port=0, require_keys=False, max_in_flight=8)
    desk = HookDesk(settings, clock)
    desk.add("stripe", "shop", "stripe", [Credential("secret", made.STRIPE_SECRET)])
    desk.close()
    for server in running(kanhe_in_memory(settings, clock), settings, clock):
        where = urlsplit(server.url)
        head = b"POST /v1/hooks/stripe HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"
        slow = [socket.create_connection((where.hostname, where.port)) for _ in range(2)]
        for one in slow:
            one.sendall(head)
        until = time.monotonic() + 10
        while (answer := server.post("stripe", made.stripe().request)).status_code != 503:
            assert time.monotonic() < until
        assert answer.headers["retry-after"] == "1"
        event = {"id": "e", "type": "account.login", "at_ms": made.NOW_MS, "user": "u"}
        assert httpx.post(f"{server.url}/v1/decisions", json=event).status_code == 200
        for one in slow:
            one.close()
        while server.post("stripe", made.stripe().request).status_code == 503:
            assert time.monotonic() < until


pytestmark = pytest.mark.slow
