"""(g) to (j) The log: sequencing beside decisions, receipts, audits, and what it adds to a decision.

`python -m bench.ledger WORK EVENTS RECEIPTS PAIRS SPELL_S` lets one process judge `EVENTS` events at
full speed on one core, and a sequencer on the other core fold its journal in spells of `SPELL_S`
seconds with as long pauses in between. So both are measured side by side: how much is folded while
decisions go on, and how much the decisions lose by it. No witness is asked. When all is folded, the
process that has judged makes `RECEIPTS` receipts of random decisions, of which the system has no
file in its memory any more; `kanhe serve` is asked for as many, and then the whole log is audited
against the journal. What salts cost is
measured last, in `bench.ledger_steps`, as are all steps that have a process of their own.
"""

from __future__ import annotations

import http.client
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench import policy
from bench.machine import cores, pinned
from bench.over_http import served
from kanhe.core.decision import decision_id

ROOT = Path(__file__).parent.parent


class Span(NamedTuple):
    """So many events judged or folded, between two readings of one clock that all processes share."""

    begin_s: float
    end_s: float
    events: int


class Step:
    """A process of `bench.ledger_steps` on one core, told when to go on and asked what it found."""

    def __init__(self, core: str, *arguments: object) -> None:
        command = [sys.executable, "-m", "bench.ledger_steps", *map(str, arguments)]
        self._process = subprocess.Popen(
            pinned(command, core),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Step:
        return self

    def __exit__(self, *problem: object) -> None:
        if problem[0] is not None:
            self._process.kill()
        self._process.communicate()

    def told(self) -> Any:
        """What it says next; raises `RuntimeError` if it ends without saying anything."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a step broke: {self._process.args!r}")
        return json.loads(line)

    def go_on(self) -> None:
        """Let it do the next thing."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()


def measure(
    work: Path, events: int, receipts: int, pairs: int, spell_s: float
) -> dict[str, float | str]:
    """The figures of one journal of `events` rows, and the cost of salts over `pairs` of rounds."""
    pack, data = policy.write_pack(work / "pack"), work / "data"
    ours, other = cores()
    result: dict[str, float | str] = {"entries": events, "witnesses": 0}
    with Step(ours, "judge", data, pack, events, receipts) as judge:
        judge.told()
        if ours == other:
            result["missing"] = "a second core, for a sequencer beside the decisions"
            judge.go_on()
            judge.told()
            with Step(other, "fold", data, events, 0) as fold:
                fold.go_on()
                fold.told()
        else:
            judge.go_on()
            with Step(other, "fold", data, events, spell_s) as fold:
                judged = [Span(*span) for span in judge.told()]
                fold.go_on()
                result |= beside([Span(*span) for span in fold.told()], judged)
        judge.go_on()
        result |= judge.told()
    result |= over_http(data, pack, events, receipts)
    with Step(ours, "audit", data, pack) as audit:
        result |= audit.told()
    with Step(ours, "salts", work, pack, pairs) as salts:
        result |= salts.told()
    return result


def over_http(data: Path, pack: Path, events: int, receipts: int) -> dict[str, float]:
    """Milliseconds that a receipt takes from `kanhe serve`, asked for one after the other."""
    rng = random.Random(events)
    spent = []
    with served(str(data), pack) as (port, token):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for _ in range(receipts):
            path = f"/v1/decisions/{decision_id(rng.randint(1, events))}/receipt"
            before = time.perf_counter()
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            body = response.read()
            spent.append((time.perf_counter() - before) * 1000)
            if response.status != 200:
                raise RuntimeError(f"no receipt: {response.status} {body[:500]!r}")
        connection.close()
    cuts = statistics.quantiles(spent, n=100)
    return {"receipt_http_p50_ms": cuts[49], "receipt_http_p99_ms": cuts[98]}


def beside(folds: Sequence[Span], judged: Sequence[Span]) -> dict[str, float]:
    """What two processes did to each other: of spells of folding and of judging, medians.

    `folds` are spells in which the sequencer had more to do than it did; the ones that begin when
    nothing is judged any more count by themselves. `judged` are short rounds of judging.
    """
    end_s = judged[-1].end_s
    during = [_per_s(one) for one in folds if one.end_s <= end_s]
    after = [_per_s(one) for one in folds if one.begin_s >= end_s]
    with_folds = [_per_s(one) for one in judged if _share(one, folds) == 1]
    without = [_per_s(one) for one in judged if _share(one, folds) == 0]
    found = {
        "log_entries_per_s": during,
        "log_entries_alone_per_s": after,
        "judged_beside_per_s": with_folds,
        "judged_alone_per_s": without,
    }
    result = {name: statistics.median(values) for name, values in found.items() if values}
    if with_folds and without:
        lost = 1 - result["judged_beside_per_s"] / result["judged_alone_per_s"]
        result["sequencer_cost_share"] = 100 * lost
    return result | {"spells": len(during)}


def _per_s(span: Span) -> float:
    return span.events / (span.end_s - span.begin_s)


def _share(span: Span, others: Sequence[Span]) -> float:
    """Which part of a span lies within others, which do not overlap each other."""
    within = sum(
        max(0.0, min(span.end_s, one.end_s) - max(span.begin_s, one.begin_s)) for one in others
    )
    return round(within / (span.end_s - span.begin_s), 6)


if __name__ == "__main__":
    words = sys.argv[1:]
    print(
        json.dumps(
            measure(Path(words[0]), int(words[1]), int(words[2]), int(words[3]), float(words[4]))
        )
    )
