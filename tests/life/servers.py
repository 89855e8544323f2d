"""`kanhe serve` with keys of people, and the commands by which they lead a pack to live."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import httpx

from tests.flow.packs import payment
from tests.ledger.processes import QUICK, environment, kanhe, said

SCOPES = {
    "ann": ("policy:read", "policy:propose", "policy:approve"),
    "bob": ("policy:read", "policy:approve"),
    "shop": ("decide", "record", "read", "metrics", "lists"),
}


def make_keys(folder: Path) -> dict[str, str]:
    """A key for each; gives the tokens by name, which also lie in files of that name."""
    tokens = {}
    for name, scopes in SCOPES.items():
        words = [word for scope in scopes for word in ("--scope", scope)]
        done = said(folder, "keys", "create", "--name", name, *words)
        assert done.returncode == 0, done.stderr
        tokens[name] = done.stdout.strip()
        (folder / name).write_text(tokens[name])
    return tokens


def policy(folder: Path, who: str, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """`kanhe policy …` by somebody."""
    return said(folder, "policy", *words, "--token-file", str(folder / who), **more)


def policy_json(folder: Path, who: str, *words: str, **more: Any) -> dict[str, Any]:
    """The same, as data; it must have been done."""
    done = policy(folder, who, *words, "--json", **more)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class KeyedServer:
    """A running server that asks for keys."""

    def __init__(self, folder: Path, tokens: dict[str, str], port: int = 0, **more: Any) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            kanhe("serve", "--port", str(port), first=QUICK),
            stderr=subprocess.PIPE, text=True, cwd=folder,
            env=environment(folder, log_sequencer="false", **more),
        )  # fmt: skip
        assert self.process.stderr
        self.said: list[str] = []
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r"listens on (http://\S+)", line):
                break
        else:
            raise AssertionError("".join(self.said))
        self.url = found[1]
        threading.Thread(target=self._read, daemon=True).start()
        headers = {"authorization": f"Bearer {tokens['shop']}"}
        self.client = httpx.Client(base_url=self.url, timeout=20, headers=headers)

    def _read(self) -> None:
        assert self.process.stderr
        with self.process.stderr as lines:
            self.said.extend(lines)

    def send(self, event_id: str, second: float = 0, **fields: Any) -> dict[str, Any]:
        """Judge one payment."""
        answer = self.client.post("/v1/decisions", content=payment(event_id, second, **fields))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; gives the exit code."""
        self.client.close()
        self.process.send_signal(number)
        return self.process.wait(30)

    def end(self) -> None:
        """Whatever happened in the test, nothing is left running."""
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
