"""The real thing: `kanhe witness run` as a process, asked over HTTP, stopped and killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from kanhe.record.log.cosignature import WitnessKey
from kanhe.record.log.note import NoteSigner, Signature
from kanhe.record.log.witness import AddCheckpoint, Conflict, RefusedError, encode_request
from kanhe.serve.cli.entry import run
from kanhe.stores.http.witness_client import HttpWitness
from tests.log.test_witness import FORKED, request
from tests.log.trees import LOG, Rows

OTHER = Rows([b"another"] * 100)
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("KANHE_", "LANG", "LC_"))}


class Running(NamedTuple):
    """A witness that listens."""

    process: subprocess.Popen[str]
    url: str
    said: list[str]
    folder: Path

    def cosign(self, what: AddCheckpoint) -> Signature | Conflict:
        """Ask it as a log does."""
        key = WitnessKey.parse(_said("show", self.folder).stdout.splitlines()[0])
        return HttpWitness(self.url, key, timeout_s=20).cosign(what)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; gives the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(30)
        assert self.process.stderr
        self.process.stderr.close()
        return code


def _witness(command: str, folder: Path, *arguments: str) -> list[str]:
    begin = "from kanhe.serve.cli import main; main()"
    return [sys.executable, "-c", begin, "witness", command, *arguments, "--data-dir", str(folder)]


def _said(command: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a command did; in this process, unless it would listen if it could."""
    if command != "run":
        words = _witness(command, folder, *arguments)[3:]
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            code = run(words, {})
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())
    return subprocess.run(
        _witness(command, folder, *arguments),
        capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False,
    )  # fmt: skip


def _start(folder: Path) -> Running:
    process = subprocess.Popen(
        _witness("run", folder, "--port", "0"), stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
        cwd=folder,
    )  # fmt: skip
    said: list[str] = []
    assert process.stderr
    for line in process.stderr:
        said.append(line)
        if found := re.search(r"listens on (http://\S+)\. ", line):
            threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True).start()
            return Running(process, found[1], said, folder)
    raise AssertionError("".join(said))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A witness that knows one log."""
    made = _said("init", tmp_path / "witness", "--name", "witness.example")
    assert made.returncode == 0, made.stderr
    assert WitnessKey.parse(made.stdout.strip()).name == "witness.example"
    assert _said("add", tmp_path / "witness", str(LOG.key)).returncode == 0
    return tmp_path / "witness"


@pytest.fixture
def witness(folder: Path) -> Iterator[Running]:
    """That witness, listening."""
    one = _start(folder)
    yield one
    if one.process.poll() is None:
        one.stop()


def test_forks_and_rollbacks_are_refused(witness: Running) -> None:
    """Growth is cosigned; another history or a smaller tree is not, and the log is not forgotten for it."""
    assert isinstance(witness.cosign(request(0, 50)), Signature)
    with pytest.raises(RefusedError, match="422"):
        witness.cosign(request(50, 60, FORKED))
    with pytest.raises(RefusedError, match="another tree"):
        witness.cosign(request(50, 50, FORKED))
    assert witness.cosign(request(0, 60, FORKED)) == Conflict(50)
    assert witness.cosign(request(0, 40)) == Conflict(50)
    assert witness.cosign(request(40, 45)) == Conflict(50)
    assert isinstance(witness.cosign(request(50, 60)), Signature)
    assert witness.stop() == 0
    assert "Stopped" in "".join(witness.said)


@pytest.mark.slow
def test_a_killed_witness_remembers(folder: Path) -> None:
    """After each `kill -9` what was cosigned is remembered: the log goes on, and a fork does not."""
    size = 0
    for step in (10, 65, 100):
        witness = _start(folder)
        assert isinstance(witness.cosign(request(size, step)), Signature)
        witness.stop(signal.SIGKILL)
        witness = _start(folder)
        assert witness.cosign(request(size, step) if size else request(1, step)) == Conflict(step)
        with pytest.raises(RefusedError):
            witness.cosign(request(step, step, OTHER))
        witness.stop(signal.SIGKILL)
        size = step
    shown = _said("show", folder, "--json").stdout
    assert '"size": 100' in shown


def test_two_witnesses_on_one_folder(witness: Running) -> None:
    """The second is refused and told who is there; adding and looking work all the while."""
    second = _said("run", witness.folder, "--port", "0")
    assert second.returncode == 3
    assert f"in use by process {witness.process.pid}: only one may witness with it" in second.stderr
    assert "Traceback" not in second.stderr
    other = NoteSigner("other.example", b"o" * 32)
    asked = request(0, 7, signer=other, origin="other.example")
    with pytest.raises(RefusedError, match="404"):
        witness.cosign(asked)
    assert _said("add", witness.folder, str(other.key)).returncode == 0
    assert isinstance(witness.cosign(asked), Signature)
    shown = _said("show", witness.folder)
    assert "other.example" in shown.stdout
    assert "7" in shown.stdout


def test_over_http(witness: Running) -> None:
    """Routes, methods and bounds; hostile bodies do not stop it."""
    with httpx.Client(base_url=witness.url, timeout=20) as client:
        assert client.get("/healthz").text == "ok\n"
        assert client.head("/healthz").content == b""
        assert client.get("/add-checkpoint").status_code == 405
        assert client.post("/healthz").headers["allow"] == "GET, HEAD"
        assert client.get("/").status_code == 404
        assert client.post("/add-checkpoint", content=b"x" * 65_537).status_code == 413
        assert client.post("/add-checkpoint", content=iter([b"y" * 40_000] * 2)).status_code == 413
        for body in (b"", b"\0", b"old 0\n\n", b"\xff" * 65_536, b"\n" * 65_536):
            assert client.post("/add-checkpoint", content=body).status_code == 400
        good = client.post("/add-checkpoint", content=encode_request(request(0, 5)))
        assert good.status_code == 200
        assert good.text.startswith("\u2014 witness.example ")
        stale = client.post("/add-checkpoint", content=encode_request(request(3, 6)))
        assert (stale.status_code, stale.text) == (409, "5\n")
        assert stale.headers["content-type"] == "text/x.tlog.size"


def test_a_damaged_memory_cosigns_nothing(witness: Running) -> None:
    """The one who asks hears that it cannot be now; the operator hears why, and the next start says so."""
    witness.cosign(request(0, 5))
    (path,) = (witness.folder / "seen").iterdir()
    path.write_text("x")
    answer = httpx.post(f"{witness.url}/add-checkpoint", content=encode_request(request(5, 6)))
    assert answer.status_code == 503
    assert str(witness.folder) not in answer.text
    witness.stop()
    again = _said("run", witness.folder, "--port", "0")
    assert again.returncode == 3
    assert "damaged" in again.stderr
    path.unlink()
    (witness.folder / "seen").rmdir()
    assert "make a new witness" in _said("run", witness.folder, "--port", "0").stderr
    assert any("witness.trouble" in line for line in witness.said)


def test_the_secret_stays_in_its_file(witness: Running) -> None:
    """No command prints the key, others cannot read it, and a key that others can read is refused."""
    secret = (witness.folder / "witness.key").read_text().strip()
    assert secret.startswith("PRIVATE+KEY+")
    assert (witness.folder / "witness.key").stat().st_mode & 0o777 == 0o600
    witness.cosign(request(0, 5))
    again = _said("init", witness.folder, "--name", "other.example")
    assert again.returncode == 3
    outputs = [_said("show", witness.folder, "--json"), again]
    witness.stop()
    said = "".join([*witness.said, *(one.stdout + one.stderr for one in outputs)])
    assert secret.rpartition("+")[2] not in said
    (witness.folder / "witness.key").chmod(0o640)
    refused = _said("run", witness.folder, "--port", "0")
    assert refused.returncode == 3
    assert "chmod 600" in refused.stderr


def test_usage(tmp_path: Path) -> None:
    """What is missing or mistyped is told in one line, with what to do."""
    shown = _said("show", tmp_path)
    assert (shown.returncode, "kanhe witness init" in shown.stderr) == (3, True)
    assert _said("init", tmp_path, "--name", "two words").returncode == 2
    assert _said("init", tmp_path, "--name", "witness.example", "--json").returncode == 0
    assert "kanhe witness add" in _said("show", tmp_path).stdout
    key = str(LOG.key)
    assert _said("add", tmp_path, key[:-4]).returncode == 2
    assert _said("add", tmp_path, key, "--origin", "two words").returncode == 2
    assert '"added": true' in _said("add", tmp_path, key, "--json").stdout
    assert "already" in _said("add", tmp_path, key).stdout
    (tmp_path / "logs" / "x.log").write_text("x")
    assert _said("show", tmp_path).returncode == 3
