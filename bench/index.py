"""(o) The index of the journal: `python -m bench.index WORK EVENTS`.

Events are judged under the benchmark's pack, then the index is made of their journal from the first row
on, as a process beside the server makes it, on one core. The page of the entity that is named most
often, everything that it asks for, is read forty times.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

from bench import policy, workload
from bench.in_process import judge_all
from kanhe.app import open_kanhe
from kanhe.app.indexing import INDEX, INDEX_FILE, Indexing
from kanhe.app.ledger import JOURNAL_FILE
from kanhe.app.looking import Asked, Looking
from kanhe.core.actor import Actor
from kanhe.core.settings import Settings
from kanhe.stores.sqlite.schema import open_read_only

_ROUNDS = 40
_STAFF = Actor(staff="bench", name="bench")


def measure(work: Path, count: int) -> dict[str, float]:
    """Judge, index, look."""
    pack = policy.write_pack(work / "pack", b"")
    settings = Settings(data_dir=str(work / "data"), policy=str(pack))
    events = workload.bodies(count, 1, workload.first_ms())
    with open_kanhe(settings, lambda: int(time.time() * 1000)) as kanhe:
        judge_all(kanhe, events)
    wall, cpu = time.perf_counter(), time.process_time()
    keeping = Indexing(settings)
    keeping.run(lambda done, total: None, lambda: False)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    rows = keeping.upto
    keeping.close()
    index, journal = work / "data" / INDEX / INDEX_FILE, work / "data" / JOURNAL_FILE
    took, largest = _pages(settings, index)
    return {
        "index_events_per_s": rows / wall,
        "index_cpu_us": cpu / rows * 1e6,
        "index_bytes_per_event": index.stat().st_size / rows,
        "journal_bytes_per_event": journal.stat().st_size / rows,
        "entity_p95_ms": statistics.quantiles(took, n=20)[-1] * 1000,
        "entity_events": largest,
        "events": rows,
    }


def _pages(settings: Settings, index: Path) -> tuple[list[float], int]:
    """How long each look at the entity named most often took, and how often it was named."""
    db = open_read_only(index, "index")
    tenant, kind, value, events = db.execute(
        "SELECT t.word, k.word, n.value, n.events FROM names n JOIN words t ON t.id = n.tenant"
        " JOIN words k ON k.id = n.kind ORDER BY n.events DESC LIMIT 1"
    ).fetchone()
    db.close()
    looking = Looking(settings, lambda: int(time.time() * 1000))
    took = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        looking.entity(_STAFF, kind, value, tenant)
        looking.timeline(_STAFF, kind, value, Asked(), tenant)
        looking.linked(_STAFF, tenant, [(kind, value)])
        looking.listings(_STAFF, kind, value, tenant)
        took.append(time.perf_counter() - begun)
    looking.close()
    return took, events


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))))
