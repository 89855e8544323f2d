"""(d) Bytes of memory per entity at a million entities, all tables included.

`python -m bench.entities` feeds payments of a shop whose cards, users and devices are mostly quiet
(half of the cards pay once or twice) and a few merchants and addresses busy, over thirty days, until
a million entities have state. What is counted is the growth of the resident memory of the process
from the empty state on: records, buckets, sets of distinct values, the index, and whatever was
allocated in between and is free now.
"""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from bench import workload
from bench.conditions import live_features
from kanhe.core.event import Arrival
from kanhe.judge.intake.registry import builtin

ENTITIES = 1_000_000
CHUNK = 10_000
DAYS_MS = 30 * 86_400_000


def measure(entities: int = ENTITIES) -> dict[str, float]:
    """Grow the state to so many entities and divide."""
    # Compiled code and buffers are no entities: another state has them made first.
    live_features().observe_many(_payments(0, 100, entities))
    live = live_features()
    gc.collect()
    before = _resident()
    events = 0
    while live.memory.entities < entities:
        live.observe_many(_payments(events, CHUNK, entities))
        events += CHUNK
    gc.collect()
    grown = _resident() - before
    count = live.memory.entities
    return {
        "bytes_per_entity": grown / count,
        "state_bytes_per_entity": live.memory.used_bytes / count,
        "entities": count,
        "events": events,
        "events_per_entity": 5 * events / count,
    }


def _payments(begin: int, size: int, entities: int) -> list[Arrival]:
    """Payments spread over thirty days by as many people as make the wished number of entities."""
    rng = np.random.default_rng([4, begin])
    people = int(entities * 0.33)
    user = (people * rng.random(size) ** 1.6).astype(np.int64)
    card = np.where(rng.random(size) < 0.9, user, people + user)
    ip = np.where(rng.random(size) < 0.2, rng.integers(0, 2_000, size), 10_000 + user // 2)
    merchant = (5_000 * rng.random(size) ** 2).astype(np.int64)
    # About 0.63 payments for each entity there will be, so that they fill the thirty days.
    step = DAYS_MS * 100 // (entities * 63)
    at_ms = 1_764_547_200_000 + (begin + np.arange(size)) * step
    amount = np.exp(rng.normal(8.5, 1.2, size)).astype(np.int64) + 100
    columns = (user, card, ip, merchant, at_ms, amount)
    made: Any = builtin().struct(workload.TYPE)
    return [
        Arrival(
            "shop",
            made(
                id="", at_ms=at, user=f"u{u}", card=f"c{c}", device=f"d{u}",
                ip=f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", merchant=f"m{m}",
                amount_minor=a, currency="EUR",
            ),
            b"", at,
        )
        for u, c, i, m, at, a in zip(*(column.tolist() for column in columns), strict=True)
    ]  # fmt: skip


def _resident() -> int:
    """Bytes of physical memory this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    print(json.dumps(measure()))
