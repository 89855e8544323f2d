"""(k) A backtest: a million events under a hundred rules, from a file to its report.

`python -m bench.backtest WORK EVENTS` writes EVENTS payments, and labels for a hundredth of them, as JSON
lines into the folder WORK, and measures the benchmark's pack on them as `kanhe backtest` does: the file
read and checked by a process of its own, all decided on the live path, every figure with its interval. What is
timed is all of it but starting Python and loading the kernel's machine code.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from pathlib import Path

from bench import policy, workload
from kanhe.app import EventFile, open_past
from kanhe.core.settings import Settings
from kanhe.judge.policy.pack import load_pack
from kanhe.learn.backtest import measure
from kanhe.learn.judged import judge_past
from kanhe.learn.truth import Assumptions

DAY_MS = 86_400_000
AGE_MS = 40 * DAY_MS
"""The first event lies so far back, so that labels a week later are no news from the future."""
LABELLED = 100
"""One event in so many gets a label."""
FRAUD_SHARE = 0.8


def write_events(path: Path, count: int) -> int:
    """Payments with labels in between, as JSON lines; returns how many labels there are."""
    chance = random.Random(5)
    labels = 0
    with path.open("wb") as file:
        # One by one: a million bodies at once would be half of this process's memory.
        for number, rest in enumerate(workload.rests(count, 5, workload.first_ms() - AGE_MS)):
            body = f'{{"id":"ev-{number:09d}",{rest}'.encode()
            file.write(body + b"\n")
            if number % LABELLED == 0:
                event = json.loads(body)
                verdict = "fraud" if chance.random() < FRAUD_SHARE else "legitimate"
                label = {
                    "type": "label.assigned", "id": f"label-{number}", "at_ms": event["at_ms"],
                    "subject_event": event["id"], "user": event["user"], "verdict": verdict,
                }  # fmt: skip
                file.write(json.dumps(label).encode() + b"\n")
                labels += 1
    return labels


def run(work: Path, count: int) -> dict[str, float]:
    """Seconds of the parts, and of the whole per million events."""
    pack = load_pack(policy.write_pack(work / "pack"))
    file = work / "events.ndjson"
    labels = write_events(file, count)
    with open_past(Settings(), pack, [EventFile(str(file))], "shop", beside=True) as past:
        assert past is not None
        past.flow.features.warm()
        past.flow.rules.warm()
        begun, cpu_begun = time.perf_counter(), time.process_time()
        judged = judge_past(past.past, past.flow)
        decided = time.perf_counter()
        report = measure(judged, Assumptions(delay_ms=0))
        ended, cpu_ended = time.perf_counter(), time.process_time()
    assert report.truth.measured == count, "not every event was measured"
    assert report.truth.fraud + report.truth.labelled_honest == labels
    return {
        "backtest_s_per_million": (ended - begun) / count * 1e6,
        "decided_s": decided - begun,
        "measured_s": ended - decided,
        "cpu_s": cpu_ended - cpu_begun,
        "events": count,
        "rules": len(report.rules),
        "signals": len(judged.rule),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), int(sys.argv[2]))))
