"""(e) The feature kernel against DuckDB on the same batch of events.

`python -m bench.batch ROUNDS EVENTS` computes the 60 features of every event of a batch. The kernel
runs on one core and starts from accepted events, so turning them into its inputs is counted. DuckDB
has all cores, starts from its own table, and is asked in its natural way: windows over `RANGE`
between a time and now, `count(DISTINCT …)` over the same, `lag`. Its windows are exact where the
kernel's are bucketed and knows nothing of late events; tests/features/oracle compares exact values.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time

import duckdb
import msgspec
import pyarrow as pa

from bench import policy, workload
from bench.conditions import live_features
from kanhe.core.event import Arrival
from kanhe.core.money import Rates
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin

_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


def measure(rounds: int, count: int) -> dict[str, float]:
    """Seconds of each, median of rounds in turn, and how many times faster the kernel is."""
    reader = Reader(builtin())
    now = int(time.time() * 1000)
    start_ms = workload.first_ms()
    arrivals = [reader.read("shop", raw, now) for raw in workload.bodies(count, 3, start_ms)]
    # Both see the events in the order of their times.
    arrivals.sort(key=lambda arrival: arrival.event.at_ms)
    database = _database(arrivals)
    _kernel(arrivals[:1000])
    kernel, duck = [], []
    for _ in range(rounds):
        gc.collect()
        kernel.append(_kernel(arrivals))
        before = time.perf_counter()
        database.execute(f"CREATE OR REPLACE TEMP TABLE vectors AS {query()}")
        duck.append(time.perf_counter() - before)
    return {
        "kernel_vs_duckdb": statistics.median(d / k for d, k in zip(duck, kernel, strict=True)),
        "kernel_s": statistics.median(kernel),
        "duckdb_s": statistics.median(duck),
        "events": count,
        "features": len(policy.feature_lines()),
        "rounds": rounds,
    }


def _kernel(arrivals: list[Arrival]) -> float:
    """Seconds to compute all vectors from nothing."""
    live = live_features()
    before = time.perf_counter()
    live.observe_many(arrivals)
    return time.perf_counter() - before


def _database(arrivals: list[Arrival]) -> duckdb.DuckDBPyConnection:
    """DuckDB with the events in a table of its own; text ids stay text, as they came."""
    rates = Rates("EUR", workload.RATES)
    rows = [msgspec.structs.asdict(arrival.event) for arrival in arrivals]
    names = ("at_ms", *workload.ENTITIES)
    columns = {name: [row[name] for row in rows] for name in names}
    columns["amount_base"] = [rates.to_base(r["amount_minor"], r["currency"]) for r in rows]
    events = pa.table(columns | {"seq": range(len(rows))})
    database = duckdb.connect()
    database.execute("SET enable_progress_bar=false; SET preserve_insertion_order=false")
    database.execute("CREATE TABLE events AS SELECT * FROM events")
    assert events.num_rows == len(arrivals)
    return database


def query() -> str:
    """All features of all events as one SELECT."""
    windows, columns = [], []
    for entity in workload.ENTITIES:
        by = f"PARTITION BY {entity} ORDER BY at_ms"
        for over in policy.COUNTED:
            reach = int(over[:-1]) * _MS[over[-1]] - 1
            windows.append(
                f"{entity}_{over} AS ({by} RANGE BETWEEN {reach} PRECEDING AND CURRENT ROW)"
            )
        columns += [f"count(*) OVER {entity}_{w} AS {entity}_count_{w}" for w in policy.COUNTED]
        columns += [
            f"sum(amount_base) OVER {entity}_{w} AS {entity}_spent_{w}" for w in policy.SUMMED
        ]
        other = policy.COUNTERPART[entity]
        columns += [
            f"least(count(DISTINCT {other}) OVER {entity}_{w}, {most}) AS {entity}_{other}s_{w}"
            for w, most in policy.DIFFERENT.items()
        ]
        columns.append(f"(at_ms - lag(at_ms) OVER ({by})) / 1000.0 AS {entity}_since")
    return f"SELECT seq, {', '.join(columns)} FROM events WINDOW {', '.join(windows)}"


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
