"""(p): the time that asking Kanhe adds to a checkout.

`python -m bench.checkout WORK SECONDS` lets buyers check out at a small shop, by turns with and without
Kanhe: `PER_S` a second, at up to `THREADS` at once, in one process on one core; `kanhe serve` has the
other. A checkout takes an order durably (SQLite, synchronous=FULL); with Kanhe it is preceded by a
decision on the payment and followed by telling of the order, through the client with a queue on disk.
What is added is the time inside the client, checkout by checkout.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from bench import policy
from bench.machine import cores
from bench.over_http import served
from kanhe.client import Kanhe, events

PER_S = 50
THREADS = 8
TURNS = 8
"""Turns with Kanhe, and as many without."""


class Took(NamedTuple):
    """One checkout: the whole of it and what of it was spent in the client, in milliseconds."""

    whole_ms: float
    added_ms: float


class Shop:
    """A table of orders."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE orders (id TEXT PRIMARY KEY, amount_minor INTEGER) STRICT")

    def take(self, order: str, amount_minor: int) -> None:
        """Take an order; it is on the disk when this returns."""
        with self._lock:
            self._db.execute("INSERT INTO orders VALUES (?, ?)", (order, amount_minor))

    def close(self) -> None:
        """Close the table."""
        self._db.close()


def measure(work: Path, seconds: float) -> dict[str, object]:
    """Medians over the turns of each turn's percentiles."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(cores()[1])})
    pack = policy.write_pack(work / "pack")
    shop = Shop(work / "shop.db")
    with served(str(work / "data"), pack) as (port, token):
        os.sched_setaffinity(0, {int(cores()[1])})
        with Kanhe(
            f"http://127.0.0.1:{port}", token, queue=work / "queue.db", fallback={"*": "allow"}
        ) as kanhe:
            with_kanhe, without = _by_turns(shop, kanhe, seconds / (2 * TURNS))
            stats = kanhe.stats
    shop.close()
    added = [[took.added_ms for took in turn] for turn in with_kanhe]
    whole = [[took.whole_ms for took in turn] for turn in with_kanhe]
    plain = [[took.whole_ms for took in turn] for turn in without]
    return {
        "checkout_added_p95_ms": _percentile(added, 95),
        "checkout_added_p50_ms": _percentile(added, 50),
        "checkout_added_p95_worst_ms": max(_percentile([turn], 95) for turn in added),
        "with_p50_ms": _percentile(whole, 50),
        "with_p95_ms": _percentile(whole, 95),
        "without_p50_ms": _percentile(plain, 50),
        "without_p95_ms": _percentile(plain, 95),
        "checkouts": sum(map(len, added)),
        "fallbacks": stats.fallbacks,
        "lost": stats.lost,
    }


def _by_turns(shop: Shop, kanhe: Kanhe, turn_s: float) -> tuple[list[list[Took]], list[list[Took]]]:
    """Checkouts with Kanhe and without, in turns; a short turn of each warms up."""
    taken: tuple[list[list[Took]], list[list[Took]]] = ([], [])
    for turn in range(2 * TURNS + 2):
        asks, is_warm = turn % 2 == 0, turn >= 2
        begun = _turn(shop, kanhe if asks else None, turn, turn_s if is_warm else 1.0)
        if is_warm:
            taken[0 if asks else 1].append(begun)
    return taken


def _turn(shop: Shop, kanhe: Kanhe | None, turn: int, turn_s: float) -> list[Took]:
    """One turn at an even pace: who comes while others are slow is not kept from coming."""
    with ThreadPoolExecutor(THREADS) as pool:
        begun, waiting = time.monotonic(), []
        for number in range(int(turn_s * PER_S)):
            time.sleep(max(0.0, begun + number / PER_S - time.monotonic()))
            waiting.append(pool.submit(_check_out, shop, kanhe, f"{turn}-{number}"))
        return [one.result() for one in waiting]


def _check_out(shop: Shop, kanhe: Kanhe | None, name: str) -> Took:
    """(1) Ask about the payment. (2) Take the order. (3) Tell of it."""
    begun, asked_s, told_s = time.perf_counter(), 0.0, 0.0
    buyer = hash(name) % 5000
    if kanhe is not None:  # (1)
        asked_s = _timed(
            lambda: kanhe.decide(
                events.PaymentAttempted(
                    id=f"pay-{name}", user=f"u-{buyer}", device=f"d-{buyer}", card=f"tok_{buyer}",
                    ip=f"10.0.{buyer // 250}.{buyer % 250}", email=f"{buyer}@example.com",
                    order=f"o-{name}", merchant=f"m-{buyer % 50}", amount_minor=1000 + buyer,
                    currency="EUR", card_country="DE", ip_country="DE", items_count=2,
                )
            )
        )  # fmt: skip
    shop.take(f"o-{name}", 1000 + buyer)  # (2)
    if kanhe is not None:  # (3)
        told_s = _timed(
            lambda: kanhe.record(
                events.OrderPlaced(
                    id=f"order-{name}", user=f"u-{buyer}", device=f"d-{buyer}", order=f"o-{name}",
                    merchant=f"m-{buyer % 50}", amount_minor=1000 + buyer, currency="EUR",
                )
            )
        )  # fmt: skip
    return Took((time.perf_counter() - begun) * 1e3, (asked_s + told_s) * 1e3)


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _percentile(turns: list[list[float]], percent: int) -> float:
    return statistics.median(
        statistics.quantiles(turn, n=100, method="inclusive")[percent - 1] for turn in turns
    )


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), float(sys.argv[2]))))
