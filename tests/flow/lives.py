"""Many short lives of one installation, each ended by kill -9 at a random moment.

Run as a program: `python lives.py FOLDER LIVES SEED`. Every life is a forked child that judges and
records random events, retries some it has sent before, and writes to a pipe which events were
answered, only after the commit. The parent kills it, and in the end checks the whole journal:

(1) every answered event is in the journal once, with the bytes that were answered;
(2) the numbers of the rows have no gap, and no event stands there twice;
(3) memory after the last restart equals memory rebuilt from the journal alone, without snapshots.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from kanhe.app import Kanhe, kanhe_in_memory, open_kanhe
from kanhe.core.settings import Settings

START_MS = 1_767_225_600_000


def settings(folder: Path) -> Settings:
    """Snapshots are due all the time, so that a kill often meets one half written."""
    return Settings(
        data_dir=str(folder), snapshot_every_events=200, snapshot_every_ms=1, state_limit_mib=256
    )


def event(rng: random.Random, number: int) -> bytes:
    """One random event; few entities, so that windows are busy, and some events are late."""
    who = rng.randrange(30)
    body: dict[str, object] = {
        "id": f"e{number}",
        "type": rng.choice(("payment.attempted", "payment.declined")),
        "at_ms": START_MS + number * 400 - rng.choice((0, 0, 0, 5_000, 600_000)),
        "user": f"u{who}",
        "card": f"c{rng.randrange(40)}",
        "device": f"d{who % 7}",
        "ip": f"10.0.0.{who % 5}",
        "amount_minor": rng.randrange(1, 50_000),
        "currency": "EUR",
    }
    return json.dumps(body).encode()


def live(kanhe: Kanhe, rng: random.Random, out: int) -> None:
    """Take in events in groups of random size until killed, and tell what was answered."""
    seq = kanhe.stats().seq
    sent: list[bytes] = []
    number = seq * 10
    while True:
        answered = []
        for _ in range(rng.choice((1, 2, 7, 40))):
            number += 1
            raw = rng.choice(sent) if sent and rng.random() < 0.1 else event(rng, number)
            sent = [*sent[-50:], raw]
            take = kanhe.judge if rng.random() < 0.8 else kanhe.record
            answered.append((json.loads(raw)["id"], take("shop", raw).answer))
        kanhe.commit()
        lines = b"".join(name.encode() + b"\t" + answer + b"\n" for name, answer in answered)
        os.write(out, lines)


def one_life(folder: Path, rng: random.Random) -> list[tuple[str, bytes]]:
    """Fork, let it live for a while, kill it, and return what it had answered."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        with open_kanhe(settings(folder), lambda: START_MS + 10**9) as kanhe:
            os.write(writer, b"\n")
            live(kanhe, rng, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        pipe.readline()
        time.sleep(rng.random() ** 2 * 0.25)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        # A line without its end was being written at the moment of death: it was not answered.
        whole = [line for line in pipe.read().splitlines(keepends=True) if line.endswith(b"\n")]
    answered = []
    for line in whole:
        name, _, answer = line.rstrip(b"\n").partition(b"\t")
        answered.append((name.decode(), answer))
    return answered


def check(folder: Path, answered: list[tuple[str, bytes]]) -> int:
    """The three promises of the module; returns how many rows the journal holds."""
    with open_kanhe(settings(folder), lambda: START_MS + 10**9) as kanhe:
        rows = list(kanhe.journal.rows())
        recovered = kanhe.state()
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1)), "a gap in the journal"
    kept = {row.event_id: row.answer for row in rows}
    assert len(kept) == len(rows), "an event stands in the journal twice"
    for name, answer in answered:
        assert kept.get(name) == answer, f"{name} was answered, and is not in the journal as such"
    shutil.rmtree(folder / "snapshots")
    with open_kanhe(settings(folder), lambda: START_MS + 10**9) as kanhe:
        rebuilt = kanhe.state()
    assert rebuilt.keys() == recovered.keys()
    for name in rebuilt:
        assert rebuilt[name] == recovered[name], f"{name} differs from what the journal says"
    return len(rows)


def main() -> None:
    """Live, die and check."""
    folder, lives, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    # The kernel is compiled once here; forked children find it ready.
    with kanhe_in_memory(settings(folder), lambda: START_MS + 10**9) as warm:
        warm.judge("shop", event(rng, 1))
    answered: list[tuple[str, bytes]] = []
    snapshots = 0
    for _ in range(lives):
        answered += one_life(folder, random.Random(rng.random()))
        snapshots += any((folder / "snapshots").glob("*"))
    rows = check(folder, answered)
    print(f"{lives} lives, {len(answered)} answers, {rows} rows, {snapshots} with snapshots")


if __name__ == "__main__":
    main()
