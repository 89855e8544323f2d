"""(a) Decisions per second in one process, durable, with group commit.

`python -m bench.in_process WORK ROUNDS EVENTS` opens an installation on the benchmark's pack in the
folder WORK and judges events as the server would, without the network: bytes in, durable decision
out. With `model` behind it, the pack has a model of 300 trees over all 60 features, learned from
events like these, whose score two of the rules read: (m).
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

from bench import policy, trees, workload
from bench.conditions import live_features
from kanhe.app import Kanhe, open_kanhe
from kanhe.core.event import Asked
from kanhe.core.settings import Settings
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin
from kanhe.judge.models.portable import write_model

GROUP = 256
"""Events that become durable together; an import or a batch of lines hands over as many."""
_SCOPES = frozenset({"decide"})


def measure(work: Path, rounds: int, per_round: int, *, scored: bool) -> dict[str, float]:
    """Judge `rounds` times `per_round` new events after a warm-up of the same length."""
    pack = policy.write_pack(work / "pack", _model() if scored else b"")
    settings = Settings(
        data_dir=str(work / "data"), policy=str(pack), state_reserve_mib=policy.RESERVE_MIB
    )
    start_ms = workload.first_ms()
    events = workload.bodies((rounds + 1) * per_round, 1, start_ms)
    with open_kanhe(settings, lambda: int(time.time() * 1000)) as kanhe:
        gc.collect()
        gc.freeze()
        judge_all(kanhe, events[:per_round])
        spent = [
            judge_all(kanhe, events[i * per_round : (i + 1) * per_round])
            for i in range(1, rounds + 1)
        ]
        stats = kanhe.stats()
    assert stats.seq == len(events), "not every event is in the journal"
    wall = statistics.median(one.wall_s for one in spent)
    return {
        "in_process_with_model_per_s" if scored else "in_process_per_s": per_round / wall,
        "cpu_us": statistics.median(one.cpu_s for one in spent) / per_round * 1e6,
        "not_allowed_share": spent[-1].stopped / per_round,
        "entities": stats.entities,
        "event_bytes": statistics.mean(map(len, events)),
        "rounds": rounds,
        "per_round": per_round,
        "group": GROUP,
    }


def _model() -> bytes:
    """A model over the features of events like those that are judged."""
    live = live_features()
    reader = Reader(builtin())
    start_ms, now = workload.first_ms(), int(time.time() * 1000)
    arrivals = [reader.read("shop", raw, now) for raw in workload.bodies(20_000, 4, start_ms)]
    _, model = trees.trained(live.observe_many(arrivals), live.names)
    return write_model(model)


class Spent(NamedTuple):
    """One round."""

    wall_s: float
    cpu_s: float
    stopped: int
    """How many events were not allowed."""


def judge_all(kanhe: Kanhe, events: list[bytes]) -> Spent:
    """Judge events in groups, each durable before the next."""
    wall = cpu = 0.0
    stopped = 0
    for i in range(0, len(events), GROUP):
        # As from a socket: bytes that were written a moment ago, and not minutes.
        asked = [
            Asked("shop", bytes(bytearray(raw)), _SCOPES, True) for raw in events[i : i + GROUP]
        ]
        before, cpu_before = time.perf_counter(), time.process_time()
        outcomes = kanhe.take(asked)
        kanhe.commit()
        wall += time.perf_counter() - before
        cpu += time.process_time() - cpu_before
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
            stopped += outcome.outcome != "allow"
    return Spent(wall, cpu, stopped)


if __name__ == "__main__":
    print(
        json.dumps(
            measure(
                Path(sys.argv[1]),
                int(sys.argv[2]),
                int(sys.argv[3]),
                scored="model" in sys.argv[4:],
            )
        )
    )
