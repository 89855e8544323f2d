"""The console as a process: it starts, answers, and stops with open streams."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from kanhe.core.errors import SettingsError
from kanhe.core.settings import Settings
from kanhe.serve.console.application import address_of, origins_of

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
    assert address_of(Settings(console_port=9)) == "http://localhost:9"
