"""`kanhe serve` with its sequencer as a child, and what can be seen of both from outside."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from kanhe.serve.cli.entry import run
from tests.flow.packs import payment, write_pack

ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith(("KANHE_", "LANG", "LC_"))},
    "KANHE_CONSOLE": "false",
}
QUICK = (
    "from kanhe.serve.cli import sequencing as s; s._FIRST_PAUSE_S = s._LONGEST_PAUSE_S = 0.05; "
)
"""A sequencer that ended is started again at once, however often that happens."""
LIMIT_S = 10.0


def kanhe(*arguments: str, first: str = "") -> list[str]:
    """The command line in a process of its own."""
    return [sys.executable, "-c", f"{first}from kanhe.serve.cli import main; main()", *arguments]


def environment(folder: Path, **more: Any) -> dict[str, str]:
    """The settings of an installation below `folder`, as variables."""
    if not (folder / "pack").exists():
        write_pack(folder / "pack")
    known = {"data_dir": folder / "data", "policy": folder / "pack", "log_every_ms": 50, **more}
    return {**ENVIRONMENT, **{f"KANHE_{name.upper()}": str(value) for name, value in known.items()}}


def said(folder: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """What a command did; in this process, unless it would change how that one takes signals."""
    known = environment(folder, **more)
    if arguments[1] != "run":
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in known if name.startswith("KANHE_")]:
                patch.setenv(name, known[name])
            with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
                code = run(arguments)
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())
    return subprocess.run(
        kanhe(*arguments), env=known, cwd=folder, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def is_running(pid: int) -> bool:
    """Whether the process is there and has not ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def until(found: Callable[[], Any], what: str, limit_s: float = LIMIT_S) -> Any:
    """What `found` gives as soon as it gives something."""
    end = time.monotonic() + limit_s
    while not (it := found()):
        assert time.monotonic() < end, f"not within {limit_s:g} s: {what}"
        time.sleep(0.02)
    return it


class Server:
    """A running `kanhe serve`."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            kanhe("serve", "--port", "0", "--open", first=QUICK),
            stderr=subprocess.PIPE, text=True, env=environment(folder, **more), cwd=folder,
        )  # fmt: skip
        self.said: list[str] = []
        assert self.process.stderr
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r"listens on (http://\S+)", line):
                break
        else:
            raise AssertionError("".join(self.said))
        threading.Thread(target=self._read, daemon=True).start()
        self.client = httpx.Client(base_url=found[1], timeout=20)

    def _read(self) -> None:
        assert self.process.stderr
        with self.process.stderr as lines:
            self.said.extend(lines)

    def send(self, *event_ids: str, **fields: Any) -> dict[str, dict[str, Any]]:
        """Send payments as one batch; gives the answers by event id."""
        body = b"\n".join(payment(one, card=f"c-{one}", **fields) for one in event_ids)
        answer = self.client.post("/v1/decisions:batch", content=body)
        assert answer.status_code == 200, answer.text
        lines = [httpx.Response(200, content=line).json() for line in answer.content.splitlines()]
        return {line["event_id"]: line for line in lines}

    def sequencer(self) -> int:
        """The process id of the sequencer, 0 if none runs now."""
        for path in Path("/proc").glob("[0-9]*"):
            try:
                parent = path.joinpath("stat").read_text().rpartition(")")[2].split()[1]
                command = path.joinpath("cmdline").read_bytes()
            except OSError:
                continue
            if int(parent) == self.process.pid and b"--beside-parent" in command:
                return int(path.name) if is_running(int(path.name)) else 0
        return 0

    def metrics(self) -> dict[str, float]:
        """The numbers in `/metrics` without labels."""
        lines = self.client.get("/metrics").text.splitlines()
        pairs = [line.split(" ") for line in lines if re.match(r"kanhe_\w+ ", line)]
        return {name: float(value) for name, value in pairs}

    def folded(self) -> int:
        """How many entries the published log has."""
        return int(self.metrics()["kanhe_log_size"])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; gives the exit code."""
        self.client.close()
        self.process.send_signal(number)
        return self.process.wait(30)


class Watch:
    """Looks at the published files all the while: none may change, and only partial ones may go."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.seen: dict[Path, bytes] = {}
        self.changed: list[Path] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._ended.wait(0.03):
            self.look()

    def look(self) -> None:
        """Hold what is there now against what was seen before."""
        for path in sorted(self._log.glob("tile/**/*")):
            try:
                content = path.read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                continue
            if self.seen.setdefault(path, content) != content:
                self.changed.append(path)

    def end(self) -> None:
        """Look a last time; raises if published bytes have changed or gone."""
        self._ended.set()
        self._thread.join()
        self.look()
        assert not self.changed
        gone = [path for path in self.seen if not path.exists()]
        assert all(path.parent.suffix == ".p" for path in gone), gone
