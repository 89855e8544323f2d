"""The steps of `bench.ledger` that have a process of their own: judge, fold, audit, salts.

Each is told to go on by a line on its standard input and tells what it found as a line of JSON.
Times are those of the system's monotonic clock, which all processes share.
"""

from __future__ import annotations

import gc
import json
import os
import random
import select
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import workload
from bench.in_process import judge_all
from kanhe.app import Kanhe, audit_log, open_kanhe, open_sequencer
from kanhe.core.decision import decision_id
from kanhe.core.settings import Settings
from kanhe.record.log.sequencer import MOST_AT_ONCE, Sequencer

ROUND = 5_120
"""Events in one round of judging."""
PAIR_ROUND = 1_024
"""Events in each half of a pair that salts are measured with: so few that both halves fall into one
mood of the machine."""
_WARM_UP = 20
"""Rounds before the first pair."""
_SEED = 7


def judge(data: str, pack: str, events: int, receipts: int) -> None:
    """Judge events in rounds, tell when each began and ended; then make receipts of them."""
    bodies = workload.bodies(events, _SEED, workload.first_ms())
    settings = Settings(data_dir=data, policy=pack)
    with open_kanhe(settings, _now_ms) as kanhe:
        gc.collect()
        gc.freeze()
        judge_all(kanhe, bodies[:ROUND])
        _tell("ready")
        _wait()
        spans = []
        for begin in range(ROUND, events, ROUND):
            some = bodies[begin : begin + ROUND]
            began_s = time.monotonic()
            judge_all(kanhe, some)
            spans.append((began_s, time.monotonic(), len(some)))
        _tell(spans)
        _wait()
        _tell(_receipts(kanhe, Path(data), events, receipts))


def _receipts(kanhe: Kanhe, data: Path, events: int, count: int) -> dict[str, float]:
    """Milliseconds that a receipt takes, its event opened too."""
    _forget_files(data)
    rng = random.Random(_SEED)
    spent = []
    for _ in range(count):
        decision = decision_id(rng.randint(1, events))
        before = time.perf_counter()
        receipt = kanhe.receipt("shop", decision, with_event=True)
        spent.append((time.perf_counter() - before) * 1000)
        assert receipt, "every decision is folded by now"
    cuts = statistics.quantiles(spent, n=100)
    return {
        "receipt_p50_ms": cuts[49],
        "receipt_p99_ms": cuts[98],
        "receipt_most_ms": max(spent),
        "receipts": count,
    }


def _forget_files(folder: Path) -> None:
    """Have the system drop what it keeps of these files, so that they are read from the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def fold(data: str, events: int, spell_s: float) -> None:
    """Fold in spells until told that all is judged, and then to the end; tell the spells.

    A spell ends early when the sequencer has caught up: what it cannot do for want of entries is
    not held against it.
    """
    spans: list[tuple[float, float, int]] = []
    with open_sequencer(Settings(data_dir=data)) as sequencer:
        while not _told(spell_s):
            spans += _spell(sequencer, lambda began_s: time.monotonic() - began_s >= spell_s)
        while sequencer.size < events:
            spans += _spell(sequencer, lambda _: sequencer.size >= events)
    _tell(spans)


def _spell(
    sequencer: Sequencer, over: Callable[[float], bool]
) -> Iterator[tuple[float, float, int]]:
    """Fold until it is over or nothing more is there; none if there was too little to begin with."""
    began_s = ended_s = time.monotonic()
    count = 0
    while not over(began_s):
        folded = sequencer.fold()
        if folded is None or folded.added < MOST_AT_ONCE:
            break
        ended_s, count = time.monotonic(), count + folded.added
    if count:
        yield began_s, ended_s, count


def audit(data: str, pack: str) -> None:
    """Audit the whole log, and tell the seconds for each million entries."""
    before = time.perf_counter()
    audited = audit_log(Settings(data_dir=data, policy=pack), (), lambda done, total: None)
    took_s = time.perf_counter() - before
    _tell(
        {
            "audit_s_per_million": took_s / audited.size * 1e6,
            "audited": audited.size,
            "signed": audited.signed,
        }
    )


def salts(work: str, pack: str, pairs: int) -> None:
    """Judge with salts and with zeros for them, in turn, and tell what salts cost in percent.

    Nothing else of the log runs in the process that judges. Both sides share one journal and one
    memory, so that what is due now and then (a checkpoint, keys that are merged) meets either side
    as often: two of each differ by more than the salts.
    """
    bodies = workload.bodies((2 * pairs + _WARM_UP) * PAIR_ROUND, _SEED, workload.first_ms())
    rounds = [bodies[at : at + PAIR_ROUND] for at in range(0, len(bodies), PAIR_ROUND)]
    with open_kanhe(Settings(data_dir=str(Path(work) / "salts"), policy=pack), _now_ms) as kanhe:
        gc.collect()
        gc.freeze()
        for some in rounds[:_WARM_UP]:
            judge_all(kanhe, some)
        draws = {"salted": kanhe._flow._draw, "unsalted": bytes}
        spent: dict[str, list[float]] = {side: [] for side in draws}
        for number, some in enumerate(rounds[_WARM_UP:]):
            # Who comes second finds other things in the processor's caches: they take turns, as in
            # one, two, two, one.
            side = "salted" if number % 4 in (0, 3) else "unsalted"
            kanhe._flow._draw = draws[side]
            spent[side].append(judge_all(kanhe, some).wall_s)
    both = zip(spent["salted"], spent["unsalted"], strict=True)
    _tell(
        {
            "log_cost_share": statistics.median(100 * (1 - bare / full) for full, bare in both),
            "salted_per_s": PAIR_ROUND / statistics.median(spent["salted"]),
            "unsalted_per_s": PAIR_ROUND / statistics.median(spent["unsalted"]),
            "pairs": pairs,
        }
    )


def _now_ms() -> int:
    return int(time.time() * 1000)


def _tell(found: Any) -> None:
    print(json.dumps(found), flush=True)


def _wait() -> None:
    sys.stdin.readline()


def _told(within_s: float) -> bool:
    """Whether a line came within so many seconds."""
    return bool(select.select([sys.stdin], [], [], within_s)[0])


if __name__ == "__main__":
    step, *words = sys.argv[1:]
    if step == "judge":
        judge(words[0], words[1], int(words[2]), int(words[3]))
    elif step == "fold":
        fold(words[0], int(words[1]), float(words[2]))
    elif step == "audit":
        audit(words[0], words[1])
    else:
        salts(words[0], words[1], int(words[2]))
