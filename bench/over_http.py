"""(b) and (f): decisions per second over HTTP, Kanhe's and those of the off-the-shelf stack.

`python -m bench.over_http WORK ROUNDS SECONDS` starts `kanhe serve` and the stack of `bench.peer`,
each held to one core, and loads them in turn with wrk from the other core: single events over 64
connections, and for Kanhe batches of 100 over 8. Every event is new; an answer means it is durable
(SQLite with synchronous=FULL on both sides). Redis has the other core to itself, which wrk hardly
needs at the stack's speed.

Each round happens a month after the one before, so that all windows begin empty, as in (a), however
many events a fast server has taken. What happens when nobody stays away for long is measured behind
it: batches six hours apart, in which the same payments come back again and again, and rules fire for
half of them.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench import policy, workload
from bench.machine import cores, pinned, slow_share

CONNECTIONS = 64
BATCH = 100
BATCH_CONNECTIONS = 8
POOL = 200_000
"""Different bodies that are sent; ids never repeat."""
MONTH_MS = 31 * 86_400_000
"""More than the longest window of the benchmark's features."""
BUSY_ROUNDS = 5
BUSY_MS = 6 * 3_600_000
_SLOW_S = 10
"""How long the machine itself is watched before the rounds, and again behind them, at most."""
_START_S = 60
_SETTLE_S = 2
"""How long a server may take to know a new key."""


class Load(NamedTuple):
    """One thing that is measured: where, with how many connections and events per request."""

    port: int
    path: str
    token: str
    connections: int
    group: int
    counts: Callable[[], Counts] | None = None
    """Tells what was judged so far, where that can be told."""


class Counts(NamedTuple):
    """Events that were judged."""

    judged: float
    allowed: float


class Outcome(NamedTuple):
    """What wrk saw in one round, and which share of the events was not simply allowed."""

    events_per_s: float
    p50_ms: float
    p99_ms: float
    errors: int
    not_allowed: float


def measure(work: Path, rounds: int, seconds: int) -> dict[str, object]:
    """Medians over rounds in which every load has its turn."""
    if shutil.which("wrk") is None:
        return {"missing": "wrk"}
    lines = work / "bodies.txt"
    with lines.open("w") as file:
        for rest in workload.rests(POOL, 5, workload.first_ms()):
            file.write(rest + "\n")
        # The system would write it back half a minute later, and a round's commits would wait for it.
        file.flush()
        os.fsync(file.fileno())
    with contextlib.ExitStack() as running:
        loads = running.enter_context(_kanhe(work / "kanhe"))
        missing = ""
        try:
            loads["peer"] = running.enter_context(_peer(work / "peer"))
        except (ImportError, FileNotFoundError) as error:
            missing = f"the off-the-shelf stack: {error}"
        seen: dict[str, list[Outcome]] = {name: [] for name in loads}
        count = (rounds + 1) * len(loads) + 1
        first_ms = int(time.time() * 1000) - count * MONTH_MS
        slow = [slow_share(min(_SLOW_S, rounds * seconds))]
        for number in range(rounds + 1):
            for name, load in loads.items():
                first_ms += MONTH_MS
                prefix = f"{name}-{number}-"
                outcome = _wrk(lines, load, prefix, seconds, number * POOL // 7, first_ms)
                if number:  # the first round warms up
                    seen[name].append(outcome)
        busy = [
            _wrk(lines, loads["batch"], f"busy-{n}-", seconds, 0, first_ms + n * BUSY_MS)
            for n in range(1, BUSY_ROUNDS + 1)
        ]
        slow.append(slow_share(min(_SLOW_S, rounds * seconds)))
    return _summary(seen, busy[-1]) | {
        "machine_slow_share": statistics.mean(slow),
        "rounds": rounds, "seconds": seconds, "connections": CONNECTIONS, "missing": missing,
    }  # fmt: skip


def _summary(seen: dict[str, list[Outcome]], busy: Outcome) -> dict[str, object]:
    """The keys of `latest.json`, and the peer's own figures beside them."""
    single, batch = seen["single"], seen["batch"]
    errors = sum(outcome.errors for outcomes in (*seen.values(), [busy]) for outcome in outcomes)
    result: dict[str, object] = {
        "http_per_s": statistics.median(one.events_per_s for one in single),
        "http_p50_ms": statistics.median(one.p50_ms for one in single),
        "http_p99_ms": statistics.median(one.p99_ms for one in single),
        "http_batch_per_s": statistics.median(one.events_per_s for one in batch),
        "batch_p99_ms": statistics.median(one.p99_ms for one in batch),
        "not_allowed_share": statistics.median(one.not_allowed for one in batch),
        "busy_batch_per_s": busy.events_per_s,
        "busy_not_allowed_share": busy.not_allowed,
        "errors": errors,
    }
    if peer := seen.get("peer"):
        result |= {
            "peer_per_s": statistics.median(one.events_per_s for one in peer),
            "peer_p50_ms": statistics.median(one.p50_ms for one in peer),
            "peer_p99_ms": statistics.median(one.p99_ms for one in peer),
            "vs_off_the_shelf": statistics.median(
                ours.events_per_s / theirs.events_per_s
                for ours, theirs in zip(single, peer, strict=True)
            ),
        }
    return result


def _wrk(lines: Path, load: Load, prefix: str, seconds: int, skip: int, first_ms: int) -> Outcome:
    """One round of load, from the core the server does not have."""
    script = Path(__file__).with_name("load.lua")
    url = f"http://127.0.0.1:{load.port}{load.path}"
    command = [
        "wrk", "-t1", f"-c{load.connections}", f"-d{seconds}s", "--timeout", "30s", "--latency",
        "-s", str(script), url, "--", str(lines), prefix, str(load.group), load.token, str(skip),
        str(first_ms),
    ]  # fmt: skip
    before = load.counts() if load.counts else Counts(0, 0)
    out = subprocess.run(
        pinned(command, cores()[1]), capture_output=True, text=True, check=True
    ).stdout
    after = load.counts() if load.counts else Counts(1, 1)
    line = next(line for line in out.splitlines() if line.startswith("RESULT "))
    got = json.loads(line.removeprefix("RESULT "))
    rate = got["requests"] * load.group / got["seconds"]
    allowed = (after.allowed - before.allowed) / (after.judged - before.judged)
    return Outcome(rate, got["p50_ms"], got["p99_ms"], got["errors"], 1 - allowed)


@contextlib.contextmanager
def _kanhe(folder: Path) -> Iterator[dict[str, Load]]:
    """`kanhe serve` on the benchmark's pack, and what is asked of it."""
    folder.mkdir()
    with served(str(folder / "data"), policy.write_pack(folder / "pack")) as (port, token):
        _check(port, token)
        reading = _key(str(folder / "data"), "--scope", "metrics")
        time.sleep(_SETTLE_S)
        counts = partial(_counts, port, reading)
        yield {
            "single": Load(port, "/v1/decisions", token, CONNECTIONS, 1, counts),
            "batch": Load(port, "/v1/decisions:batch", token, BATCH_CONNECTIONS, BATCH, counts),
        }


def _counts(port: int, token: str) -> Counts:
    """What the server's metrics say of the events so far."""
    answer = httpx.get(
        f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    samples = [
        sample
        for family in text_string_to_metric_families(answer.raise_for_status().text)
        for sample in family.samples
        if sample.name == "kanhe_events_total"
    ]
    allowed = sum(sample.value for sample in samples if sample.labels["outcome"] == "allow")
    return Counts(sum(sample.value for sample in samples), allowed)


def _key(data: str, *options: str) -> str:
    """The token of a new API key."""
    kanhe = str(Path(sys.executable).with_name("kanhe"))
    command = [kanhe, "keys", "create", "--data-dir", data, "--tenant", "shop", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@contextlib.contextmanager
def served(data: str, pack: Path) -> Iterator[tuple[int, str]]:
    """`kanhe serve` on one core, as a shop would run it: its port, and the token of an API key.

    The sequencer of the log is a process of its own, because a child of this server would be held to
    the server's core. It has the other one, beside wrk, and steps back whenever wrk wants it: a load
    generator that is kept waiting for a processor counts that as latency of the server.
    """
    kanhe, port = [str(Path(sys.executable).with_name("kanhe"))], _free_port()
    token = _key(data)
    command = [*kanhe, "serve", "--data-dir", data, "--policy", str(pack), "--port", str(port)]
    gives_way = ["chrt", "--idle", "0"] if shutil.which("chrt") else ["nice", "-n", "19"]
    sequencer = [*gives_way, *kanhe, "ledger", "run", "--data-dir", data]
    environment = os.environ | {
        "KANHE_LOG_SEQUENCER": "false", "KANHE_CONSOLE": "false",
        "KANHE_STATE_RESERVE_MIB": str(policy.RESERVE_MIB),
    }  # fmt: skip
    with (
        _running(pinned(command, cores()[0]), port, pack.parent / "log.txt", environment),
        _process(pinned(sequencer, cores()[1]), pack.parent / "sequencer.txt", os.environ.copy()),
    ):
        yield port, token


@contextlib.contextmanager
def _peer(folder: Path) -> Iterator[Load]:
    """The off-the-shelf stack: uvicorn with the service on one core, Redis on the other."""
    import fastapi
    import redis
    import zen

    del fastapi, redis, zen
    if shutil.which("redis-server") is None:
        raise FileNotFoundError("redis-server")
    folder.mkdir()
    store, port = folder / "redis.sock", _free_port()
    redis_command = [
        "redis-server", "--port", "0", "--unixsocket", str(store), "--dir", str(folder),
        "--save", "", "--appendonly", "no",
    ]  # fmt: skip
    command = [
        sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), "--loop",
        "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "error",
        "bench.peer.app:app",
    ]  # fmt: skip
    environment = os.environ | {"PEER_REDIS": str(store), "PEER_FOLDER": str(folder)}
    with (
        _process(pinned(redis_command, cores()[1]), folder / "redis.txt", os.environ.copy()),
        _running(pinned(command, cores()[0]), port, folder / "log.txt", environment),
    ):
        _check(port, "")
        yield Load(port, "/v1/decisions", "", CONNECTIONS, 1)


@contextlib.contextmanager
def _process(command: list[str], log: Path, environment: dict[str, str]) -> Iterator[None]:
    """Keep a process running, and end it for sure."""
    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment) as process,
    ):
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def _running(
    command: list[str], port: int, log: Path, environment: dict[str, str] | None = None
) -> Iterator[None]:
    """Keep a server running that listens on the port."""
    with _process(command, log, environment or os.environ.copy()):
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        else:
            raise RuntimeError(f"not listening after {_START_S} s: {log.read_text()[-2000:]}")
        yield


def _check(port: int, token: str) -> None:
    """One event by hand: an answer that is a decision, or the run is worth nothing."""
    rest = next(workload.rests(1, 6, workload.first_ms()))
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/v1/decisions", '{"id":"check",' + rest, headers)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200 or json.loads(body)["outcome"] not in (
        "allow",
        "challenge",
        "review",
        "deny",
    ):
        raise RuntimeError(f"the server does not judge: {response.status} {body[:500]!r}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
