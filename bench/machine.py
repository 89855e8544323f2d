"""The machine a run was made on, and how work is tied to one core of it."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import shutil
import statistics
import subprocess
import time
from pathlib import Path

PACKAGES = (
    "kanhe", "numba", "numpy", "msgspec", "uvicorn", "uvloop", "httptools", "duckdb", "fastapi",
    "pydantic", "redis", "zen-engine", "rule-engine",
)  # fmt: skip


def describe() -> dict[str, object]:
    """Processor, cores, memory, versions and date: what a figure means nothing without."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 1,
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "wrk": _said(["wrk", "-v"]).split(" Copyright")[0],
        "redis_server": _said(["redis-server", "--version"]).split(" sha=")[0],
        "load_before": round(os.getloadavg()[0], 2),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def cores() -> tuple[str, str]:
    """One core for what is measured and another for what drives it (the same if there is but one)."""
    usable = sorted(os.sched_getaffinity(0))
    return str(usable[0]), str(usable[-1])


def pinned(command: list[str], core: str) -> list[str]:
    """The command, held to one core where the system can do that."""
    return ["taskset", "-c", core, *command] if shutil.which("taskset") else command


def slow_share(seconds: float) -> float:
    """The share of time in which this core ran at less than a third of its usual speed.

    It adds up numbers, in steps of about a millisecond, the median of which is the usual speed. On a
    virtual machine of its own whatever others take shows, and nothing measured beside it can be
    steadier than that.
    """
    steps = []
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        sum(range(40_000))
        steps.append(time.perf_counter() - begun)
    usual = statistics.median(steps)
    return sum(step for step in steps if step > 3 * usual) / sum(steps)


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _said(command: list[str]) -> str:
    """The first line a command says about itself, or that it is absent."""
    if shutil.which(command[0]) is None:
        return "absent"
    out = subprocess.run(command, capture_output=True, text=True, check=False)
    return (out.stdout + out.stderr).strip().partition("\n")[0]
