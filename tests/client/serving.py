"""`kanhe serve` as a process that a test starts, kills and starts again on the same port."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith(("KANHE_", "LANG", "LC_"))},
    "KANHE_CONSOLE": "false", "KANHE_LOG_SEQUENCER": "false",
}  # fmt: skip


def kanhe(*arguments: str) -> list[str]:
    """The command line of Kanhe in this environment."""
    return [sys.executable, "-c", "from kanhe.serve.cli import main; main()", *arguments]


class Served:
    """A server over a folder; `port` stays the same over restarts."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._folder = folder
        self._arguments = arguments
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return when it listens."""
        self._process = subprocess.Popen(
            kanhe(
                "serve", "--port", str(self.port), "--data-dir", str(self._folder), *self._arguments
            ),
            stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=self._folder,
        )  # fmt: skip
        said = []
        assert self._process.stderr
        for line in self._process.stderr:
            said.append(line)
            if found := re.search(r"listens on http://[^:]+:(\d+)", line):
                self.port = int(found[1])
                self._reader = threading.Thread(target=self._process.stderr.read, daemon=True)
                self._reader.start()
                return
        self._process.wait(30)
        self._process.stderr.close()
        raise AssertionError("".join(said))

    def end(self, number: int = signal.SIGTERM) -> None:
        """End it with a signal."""
        if self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(30)
        self._reader.join()
        assert self._process.stderr
        self._process.stderr.close()


def make_key(folder: Path, *arguments: str) -> str:
    """A key of the installation in this folder."""
    done = subprocess.run(
        kanhe("keys", "create", "--data-dir", str(folder), *arguments),
        capture_output=True, text=True, check=True, env=ENVIRONMENT, cwd=folder,
    )  # fmt: skip
    return done.stdout.strip()
