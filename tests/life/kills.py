"""Many short lives of one installation whose packs change all the time, each ended by kill -9.

Run as a program: `python kills.py FOLDER LIVES SEED`. Every life judges events of many people under a
pack that refuses too many of them, and takes random steps in the life of two packs: proposals, shares,
approvals, activations, rollbacks, releases. The parent kills it at a random moment, and in the end
checks:

(1) every answered event is in the journal once, with the bytes that were answered;
(2) memory after the last restart, the governor's counts among it, equals memory rebuilt without
    snapshots;
(3) every row comes out again with the same bytes under the pack it names;
(4) the moves in the journal are ones that could be taken, and nothing was live without approval.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from kanhe.app import Kanhe, open_history, open_kanhe
from kanhe.app.policies import read_life
from kanhe.core.event import Asked
from kanhe.core.settings import Settings
from kanhe.judge.policy.life import STEPS, LifeError
from kanhe.judge.policy.pack import Pack
from kanhe.replay import Audit, Span, audit
from tests.life.lives import ANN, BOB, candidate, walk
from tests.life.mad import LISTED, MAD, buyer, mad_pack, write_mad

NOW_MS = 1_800_000_000_000
SOME = MAD.replace("amount_minor >= 0", "amount_minor >= 900").replace("mad", "some")


def settings(folder: Path) -> Settings:
    """Snapshots are due all the time."""
    return Settings(
        data_dir=str(folder / "data"), policy=str(folder / "pack"), snapshot_every_events=200,
        snapshot_every_ms=1, state_limit_mib=256,
    )  # fmt: skip


def step(kanhe: Kanhe, rng: random.Random, packs: list[Pack]) -> None:
    """Something that people do with packs, possible or not."""
    pack = rng.choice(packs)
    with suppress(LifeError):
        what = rng.random()
        if what < 0.45:
            walk(kanhe, pack, rng.choice(("shared", "activated", "activated")))
        elif what < 0.55:
            kanhe.policies.rollback(BOB, "chance")
        elif what < 0.6:
            kanhe.policies.take("withdrawn", pack.hash, ANN)
        elif what < 0.7:
            kanhe.policies.propose(pack, ANN)
        elif what < 0.8:
            some = rng.choice(STEPS)
            facts = {"share_permille": str(rng.choice((0, 100, 500)))}
            kanhe.policies.take(some, pack.hash, rng.choice((ANN, BOB)), "", facts)
    for held in kanhe.stats().governor:
        if rng.random() < 0.2:
            stop = "deny" if held.outcome == "deny" else "challenge"
            kanhe.release_rule(held.rule, held.event_type, stop, minutes=1, by="bob")


def live(kanhe: Kanhe, rng: random.Random, out: int, packs: list[Pack]) -> None:
    """Judge and change until killed, and tell what was answered after each commit."""
    number = kanhe.stats().seq * 10
    while True:
        asked = []
        for _ in range(rng.choice((1, 5, 20))):
            number += 1
            asked.append(
                Asked("shop", buyer(number, amount_minor=rng.randrange(1_000)), frozenset(), True)
            )
        minute = number // 300
        outcomes = kanhe.take(asked, NOW_MS + minute * 60_000)
        kanhe.commit()
        lines = b""
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
            lines += (
                json.loads(outcome.answer)["event_id"].encode() + b"\t" + outcome.answer + b"\n"
            )
        os.write(out, lines)
        if rng.random() < 0.3:
            step(kanhe, rng, packs)
        if rng.random() < 0.5:
            kanhe.tend()
        if rng.random() < 0.05:
            kanhe.finish_changeover()


def one_life(folder: Path, rng: random.Random, packs: list[Pack]) -> list[tuple[str, bytes]]:
    """Fork, let it live for a while, kill it, and return what it had answered."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            with open_kanhe(settings(folder), lambda: NOW_MS) as kanhe:
                os.write(writer, b"\n")
                live(kanhe, rng, writer, packs)
        except BaseException:
            import traceback

            traceback.print_exc()
        os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        pipe.readline()
        time.sleep(rng.random() * 0.6)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), "a life ended by itself"
        whole = [line for line in pipe.read().splitlines(keepends=True) if line.endswith(b"\n")]
    pairs = (line.rstrip(b"\n").partition(b"\t") for line in whole)
    return [(name.decode(), answer) for name, _, answer in pairs]


def check(folder: Path, answered: list[tuple[str, bytes]]) -> tuple[int, int, int]:
    """The promises of the module; gives how many rows, moves and packs there are."""
    with open_kanhe(settings(folder), lambda: NOW_MS) as kanhe:
        rows = list(kanhe.journal.rows())
        state = kanhe.state()
        life = read_life(kanhe.journal)
    kept = {row.event_id: row.answer for row in rows}
    assert len(kept) == len(rows) == rows[-1].seq
    for name, answer in answered:
        assert kept.get(name) == answer, f"{name} was answered, and is not in the journal as such"
    shutil.rmtree(folder / "data" / "snapshots")
    with open_kanhe(settings(folder), lambda: NOW_MS) as kanhe:
        rebuilt = kanhe.state()
    differing = {name for name in state if state[name] != rebuilt[name]}
    assert differing == set(), f"memory is not what a start from the first row makes: {differing}"
    with open_history(settings(folder)) as history:
        assert history is not None
        found = Audit()
        differences = list(audit(history, Span(), found))
    assert differences == [], differences[:2]
    return len(rows), life.moves, len(found.packs)


def main() -> None:
    """Live, die and check."""
    folder, lives, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    write_mad(folder / "pack", '[governor]\ncool = "2m"\n', LISTED + SOME)
    packs = [candidate(folder), mad_pack(folder / "mad", '[governor]\nrollback_within = "1d"\n')]
    with open_kanhe(settings(folder), lambda: NOW_MS) as kanhe:
        kanhe.judge("shop", buyer(0))
        kanhe.commit()
    answered: list[tuple[str, bytes]] = []
    for _ in range(lives):
        answered += one_life(folder, random.Random(rng.random()), packs)
    rows, moves, seen = check(folder, answered)
    print(f"{lives} lives, {len(answered)} answers, {rows} rows, {moves} moves, {seen} packs")


if __name__ == "__main__":
    main()
