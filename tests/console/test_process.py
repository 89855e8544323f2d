"""The console as a process: it starts, answers, and stops with open streams."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from kanhe.app.access import console_address
from kanhe.core.errors import SettingsError
from kanhe.core.settings import Settings
from kanhe.serve.api.connection import limited_connection
from kanhe.serve.console.application import origins_of, proxies_of
from kanhe.serve.listening import server_config

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("KANHE_", "LC_", "LANG"))}


def start(folder: Path, *arguments: str) -> tuple[subprocess.Popen[bytes], str]:
    """A running `kanhe console` and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kanhe.serve.cli", "console", "--port", "0", *arguments],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, env=ENVIRONMENT,
    )  # fmt: skip
    assert process.stderr
    for line in process.stderr:
        if found := re.search(rb"console is at (http://\S+[0-9])", line):
            return process, found[1].decode()
    raise AssertionError("the console did not start")


def test_the_console_serves_and_stops(tmp_path: Path) -> None:
    """`kanhe console` makes the desk, answers under its address, and ends with the signal."""
    process, url = start(tmp_path)
    with httpx.Client(base_url=url) as client:
        assert client.get("/healthz").text == "ok\n"
        assert client.get("/queue", headers={"host": "other.example"}).status_code == 421
    assert (tmp_path / "kanhe-data" / "desk.db").exists()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.communicate()


def test_the_console_ends_with_its_parent(tmp_path: Path) -> None:
    """Beside a server, the end of standard input ends the console, whatever became of the server."""
    process, _ = start(tmp_path, "--beside-parent")
    assert process.stdin
    process.stdin.close()
    assert process.wait(20) == 0
    assert process.stderr
    process.stderr.close()


def test_others_reach_the_console_under_a_name_only() -> None:
    """On an address that others reach, the console needs to know its name; a path is no part of it."""
    with pytest.raises(SettingsError, match="set console_url"):
        origins_of(Settings(console_host="0.0.0.0"))
    for url in (
        "desk.example.com",
        "ftp://desk.example.com",
        "https://desk.example.com/kanhe",
        "https://",
    ):
        with pytest.raises(SettingsError, match="console_url must be"):
            origins_of(Settings(console_url=url))
    named = Settings(console_host="0.0.0.0", console_url="https://Desk.example.com/")
    assert origins_of(named) == {"https://desk.example.com"}
    assert console_address(Settings(console_port=9)) == "http://localhost:9"


def seen_by(proxies: str, peer: str, forwarded: str) -> str:
    """From where a request seems to come that `peer` sends on, with this `X-Forwarded-For`."""

    async def told(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["client"][0].encode()})

    trusted = proxies_of(Settings(console_proxies=proxies))
    config = server_config(told, limited_connection(8, 1.0, 1.0), 5, 5, trusted)
    config.load()

    async def asked() -> str:
        transport = httpx.ASGITransport(config.loaded_app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
            return (await client.get("/", headers={"x-forwarded-for": forwarded})).text

    return asyncio.run(asked())


def test_only_proxies_say_where_somebody_is() -> None:
    """A named proxy is believed as far as it wrote itself; nobody else is, and by default nobody."""
    assert seen_by("", "127.0.0.1", "203.0.113.7") == "127.0.0.1"
    assert seen_by("127.0.0.1", "127.0.0.1", "203.0.113.7") == "203.0.113.7"
    assert seen_by("127.0.0.1", "198.51.100.9", "203.0.113.7") == "198.51.100.9"
    # What the visitor wrote stands to the left of what the proxies added.
    spoofed = "192.0.2.1, 203.0.113.7, 10.1.2.3"
    assert seen_by("127.0.0.1, 10.0.0.0/8", "127.0.0.1", spoofed) == "203.0.113.7"


@pytest.mark.parametrize(
    "proxies", ["*", "nginx", "10.0.0.1/8", "0.0.0.0/0", "::/0", "127.0.0.1;::1"]
)
def test_proxies_are_addresses(proxies: str) -> None:
    """A name, everybody, or a network with a slip in it is refused by name."""
    with pytest.raises(SettingsError, match="console_proxies"):
        proxies_of(Settings(console_proxies=proxies))
