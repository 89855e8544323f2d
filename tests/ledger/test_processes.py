"""The real thing: `kanhe serve` and its sequencer as processes, killed, stopped and watched."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kanhe.app import open_rows
from kanhe.core.settings import Settings
from kanhe.record.log.tiles import read_bundle
from kanhe.stores.files.log_folder import LogFolderReader
from tests.ledger.processes import Server, Watch, environment, is_running, kanhe, said, until
from tests.ledger.shops import audited
from tests.log.building import build_judge
from tests.witness.test_witness_process import _said as witness_said
from tests.witness.test_witness_process import _start as start_witness

KILLS = 15


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Go's own judge of the log."""
    return build_judge(tmp_path_factory.mktemp("judge") / "judge")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with its sequencer, stopped afterwards."""
    one = Server(tmp_path)
    yield one
    if one.process.poll() is None:
        one.stop()


def _settings(folder: Path) -> Settings:
    return Settings(data_dir=str(folder / "data"), policy=str(folder / "pack"))


def _folded_whole(folder: Path, answers: dict[str, dict[str, object]]) -> None:
    """Every answered event stands in the journal once, with its answer, and has its one entry."""
    once = said(folder, "ledger", "run", "--once")
    assert once.returncode == 0, once.stderr
    at = _settings(folder)
    fits = audited(at)
    assert fits.waiting == 0
    rows = {row.event_id: row for row in open_rows(at)(0) if row.is_event}
    assert rows.keys() >= answers.keys()
    log = LogFolderReader(folder / "data" / "log")
    entries = [
        entry
        for first in range(0, fits.size, 256)
        for entry in read_bundle(log.read, first // 256, min(256, fits.size - first))
    ]
    assert len(entries) == fits.size
    for event_id, answer in answers.items():
        row = rows[event_id]
        assert json.loads(row.answer) == answer
        assert json.loads(entries[row.seq - 1])["seq"] == row.seq


def _judged(judge: Path, folder: Path) -> None:
    """Go accepts checkpoint, bundles and tiles."""
    (key,) = json.loads(said(folder, "ledger", "show", "--json").stdout)["keys"]
    done = subprocess.run(
        [str(judge), str(folder / "data" / "log"), key], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_killed_sequencer_goes_on(judge: Path, server: Server) -> None:
    """However often it is killed while events come, it is started again, and the log is whole for Go."""
    watch = Watch(server.folder / "data" / "log")
    chance = random.Random(5)
    answers: dict[str, dict[str, object]] = {}
    ended = threading.Event()

    def load() -> None:
        while not ended.wait(0.05):
            begin = len(answers)
            answers.update(server.send(*(f"e{n}" for n in range(begin, begin + 40))))

    sender = threading.Thread(target=load)
    sender.start()
    try:
        for _ in range(KILLS):
            pid = until(server.sequencer, "a sequencer runs", 30)
            size = server.folded()
            # Some are killed in the middle of their work, some while they start.
            if chance.random() < 0.4:
                until(lambda size=size: server.folded() > size, "the log grows", 30)
            time.sleep(chance.random() * 0.2)
            os.kill(pid, signal.SIGKILL)
            until(lambda pid=pid: not is_running(pid), "it has ended")
    finally:
        ended.set()
        sender.join()
    rows = int(server.metrics()["kanhe_journal_seq"])
    until(lambda: server.folded() >= rows, "all is folded", 30)
    assert server.stop() == 0
    assert sum("sequencer.ended" in line for line in server.said) == KILLS
    watch.end()
    _folded_whole(server.folder, answers)
    _judged(judge, server.folder)


@pytest.mark.slow
def test_a_killed_server_leaves_nothing_running(judge: Path, tmp_path: Path) -> None:
    """After `kill -9` the sequencer ends by itself; the next start goes on, and no published byte changes."""
    watch = Watch(tmp_path / "data" / "log")
    answers: dict[str, dict[str, object]] = {}
    for life in range(2):
        server = Server(tmp_path)
        pid = until(server.sequencer, "a sequencer runs", 30)
        size = server.folded()
        for n in range(30):
            answers.update(server.send(*(f"k{life}-{n}-{i}" for i in range(20))))
        until(lambda server=server, size=size: server.folded() > size, "the log grows", 30)
        answers.update(server.send(f"last-{life}"))
        server.stop(signal.SIGKILL)
        until(lambda pid=pid: not is_running(pid), "the sequencer has ended")
    watch.end()
    _folded_whole(tmp_path, answers)
    _judged(judge, tmp_path)


def test_a_receipt_is_there_soon_and_sigterm_ends_both(server: Server) -> None:
    """A receipt is there within seconds of its answer; a stopped server takes its sequencer along."""
    until(lambda: server.send("first") and server.folded(), "the sequencer runs", 30)
    (answer,) = server.send("e2").values()
    codes = set()

    def receipt() -> bytes:
        got = server.client.get(f"/v1/decisions/{answer['decision_id']}/receipt")
        codes.add(got.status_code)
        return got.content if got.status_code == 200 else b""

    path = server.folder / "r.tlog-proof"
    path.write_bytes(until(receipt, "the receipt is there"))
    assert codes <= {200, 503}
    (key,) = json.loads(said(server.folder, "ledger", "show", "--json").stdout)["keys"]
    assert said(server.folder, "ledger", "verify", str(path), "--key", key).returncode == 0
    pid = server.sequencer()
    begun = time.monotonic()
    assert server.stop() == 0
    assert not is_running(pid)
    assert time.monotonic() - begun < 8
    assert not any("sequencer.ended" in line for line in server.said)


def test_only_one_sequencer_writes_a_log(tmp_path: Path) -> None:
    """The second one is refused, and told the process id of the first."""
    first = subprocess.Popen(
        kanhe("ledger", "run"), env=environment(tmp_path), stderr=subprocess.PIPE, cwd=tmp_path
    )
    try:
        lock = tmp_path / "data" / "log" / "kanhe.lock"
        until(lambda: lock.exists() and lock.read_text().strip() == str(first.pid), "it runs", 30)
        second = said(tmp_path, "ledger", "run", "--once")
        assert second.returncode == 3
        assert f"in use by process {first.pid}: only one may write the log" in second.stderr
        assert "Traceback" not in second.stderr
    finally:
        first.terminate()
        assert first.wait(20) == 0
        assert first.stderr
        first.stderr.close()


@pytest.mark.slow
def test_a_witness_goes_and_comes_back(tmp_path: Path) -> None:
    """While it is down the log goes on, and receipts, `show` and metrics say so; later it has cosigned all."""
    made = witness_said("init", tmp_path / "witness", "--name", "witness.example")
    assert made.returncode == 0, made.stderr
    vkey = made.stdout.strip()
    assert said(tmp_path, "ledger", "run", "--once").returncode == 0
    shown = json.loads(said(tmp_path, "ledger", "show", "--json").stdout)
    assert witness_said("add", tmp_path / "witness", shown["keys"][0]).returncode == 0
    witness = start_witness(tmp_path / "witness")
    (tmp_path / "witnesses").write_text(f"{vkey} {witness.url}\n")
    more = {"log_witnesses": tmp_path / "witnesses", "log_cosignatures": 1}
    server = Server(tmp_path, **more)

    def cosigned(number: int) -> bool:
        told = server.metrics()
        assert told["kanhe_log_cosignatures_required"] == 1
        rows = told["kanhe_journal_seq"]
        return told["kanhe_log_size"] == rows > 0 and told["kanhe_log_cosignatures"] == number

    def verified(event_id: str) -> int:
        (answer,) = server.send(event_id).values()
        receipt = server.client.get(f"/v1/decisions/{answer['decision_id']}/receipt")
        path = tmp_path / "r.tlog-proof"
        path.write_bytes(receipt.content)
        return said(
            tmp_path, "ledger", "verify", str(path), "--key", shown["keys"][0], "--witness", vkey
        ).returncode

    try:
        server.send("w1")
        until(lambda: cosigned(1), "it is cosigned", 30)
        assert said(tmp_path, "ledger", "show", **more).returncode == 0
        assert verified("w1") == 0
        witness.stop(signal.SIGKILL)
        server.send("w2")
        until(lambda: cosigned(0), "the log goes on alone", 30)
        assert said(tmp_path, "ledger", "show", **more).returncode == 1
        assert said(tmp_path, "ledger", "show", "--json", **more).returncode == 1
        assert verified("w2") == 1
        assert any("ledger.trouble" in line and "witness.example" in line for line in server.said)
        port = witness.url.rpartition(":")[2]
        back = subprocess.Popen(
            kanhe("witness", "run", "--port", port, "--data-dir", str(tmp_path / "witness")),
            stderr=subprocess.DEVNULL, env=environment(tmp_path), cwd=tmp_path,
        )  # fmt: skip
        try:
            # With the next event it is asked again, and cosigns all that it has missed.
            server.send("w3")
            until(lambda: cosigned(1), "it cosigns again", 30)
            assert said(tmp_path, "ledger", "show", **more).returncode == 0
            assert verified("w2") == 0
            audit = said(tmp_path, "ledger", "audit", "--json", **more)
            assert json.loads(audit.stdout)["waiting"] == 0, audit.stderr
        finally:
            back.terminate()
            back.wait(20)
    finally:
        server.stop()
