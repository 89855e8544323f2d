"""Measure everything in one run: `python -m bench [--quick] [--only PART …]`.

Each part runs in a process of its own, held to one core where its figure is per core. A part that
cannot run here (a tool is missing) is shown as skipped, one that breaks as failed; the others go on.
Results go to `bench/results/latest.json`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from bench.machine import cores, describe, pinned

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).parent.parent


class Part(NamedTuple):
    """One measurement: its module, its arguments (in full and when quick), whether on one core."""

    module: str
    title: str
    full: tuple[str, ...]
    quick: tuple[str, ...]
    one_core: bool
    needs_folder: bool = False


PARTS = {
    "in-process": Part("in_process", "decisions in one process", ("5", "40000"), ("2", "10000"), True, True),
    "in-process-model": Part("in_process", "decisions in one process, with a model", ("5", "40000", "model"), ("2", "10000", "model"), True, True),
    "trees": Part("trees", "one row through 300 trees", ("9", "4000"), ("3", "1000"), True),
    "http": Part("over_http", "decisions over HTTP, two stacks", ("5", "5"), ("1", "2"), False, True),
    "ledger": Part("ledger", "the log", ("1000000", "2000", "200", "3"), ("120000", "300", "40", "1"), False, True),
    "rules": Part("conditions", "the same rules in three engines", ("9",), ("3",), True),
    "entities": Part("entities", "memory at a million entities", (), (), True),
    "backtest": Part("backtest", "a backtest from a file", ("1000000",), ("50000",), False, True),
    "desk": Part("desk", "the desk with many alerts open", ("50000", "400"), ("3000", "60"), False, True),
    "checkout": Part("checkout", "what asking adds to a checkout", ("80",), ("8",), False, True),
    "index": Part("index", "the index of the journal", ("300000",), ("30000",), True, True),
    "batch": Part("batch", "kernel and DuckDB on one batch", ("3", "500000"), ("1", "100000"), False),
}  # fmt: skip


class Figure(NamedTuple):
    """One row of the table."""

    key: str
    part: str
    what: str
    unit: str
    goal: float
    lower_is_better: bool = False


FIGURES = (
    Figure("in_process_per_s", "in-process", "a  one process, one core, durable", "decisions/s", 40_000),
    Figure("http_per_s", "http", "b  over HTTP, single events, 64 connections", "decisions/s", 15_000),
    Figure("http_p50_ms", "http", "b    median latency", "ms", 0),
    Figure("http_p99_ms", "http", "b    99th percentile", "ms", 15, lower_is_better=True),
    Figure("http_batch_per_s", "http", "b  over HTTP, batches of 100", "decisions/s", 35_000),
    Figure("rules_vs_zen", "rules", "c  100 rules: times faster than zen-engine", "×", 100),
    Figure("rules_vs_rule_engine", "rules", "c  100 rules: times faster than rule-engine", "×", 100),
    Figure("bytes_per_entity", "entities", "d  memory per entity, 1,000,000 entities", "bytes", 800, True),
    Figure("kernel_vs_duckdb", "batch", "e  60 features: times faster than DuckDB", "×", 1),
    Figure("vs_off_the_shelf", "http", "f  times faster than the off-the-shelf stack", "×", 40),
    Figure("trees_vs_lightgbm", "trees", "l  300 trees, one row: times faster than LightGBM", "×", 8),
    Figure("reasons_vs_lightgbm", "trees", "l    with reasons: times faster than LightGBM without", "×", 5),
    Figure("in_process_with_model_per_s", "in-process-model", "m  as (a), with a model of 300 trees", "decisions/s", 35_000),
    Figure("log_entries_per_s", "ledger", "g  sequenced on one core, decisions beside it", "entries/s", 20_000),
    Figure("receipt_p99_ms", "ledger", "h  a receipt, 99th percentile", "ms", 20, lower_is_better=True),
    Figure("audit_s_per_million", "ledger", "i  a whole audit, per million entries", "s", 60, lower_is_better=True),
    Figure("log_cost_share", "ledger", "j  of a decision's time, for the log", "%", 15, lower_is_better=True),
    Figure("queue_p95_ms", "desk", "n  the queue with 50,000 alerts open, 95th percentile", "ms", 200, lower_is_better=True),
    Figure("case_p95_ms", "desk", "n  a case page, 95th percentile", "ms", 150, lower_is_better=True),
    Figure("index_events_per_s", "index", "o  rows taken into the index on one core", "events/s", 10_000),
    Figure("entity_p95_ms", "index", "o  all of the largest entity's page, 95th percentile", "ms", 150, lower_is_better=True),
    Figure("checkout_added_p95_ms", "checkout", "p  added to a checkout by asking Kanhe, 95th percentile", "ms", 15, lower_is_better=True),
    Figure("backtest_s_per_million", "backtest", "k  a backtest of 100 rules, per million events", "s", 60, lower_is_better=True),
)  # fmt: skip


def main() -> None:
    """Parse the command line, measure, print, write; exits with 1 if a part broke."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short rounds, to see that all works")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--output", type=Path, default=RESULTS / "latest.json")
    options = parser.parse_args()
    console = Console()
    machine = describe()
    found: dict[str, dict[str, Any]] = {}
    begun = time.monotonic()
    for name in options.only:
        with console.status(f"measuring {PARTS[name].title}"):
            found[name] = _measured(PARTS[name], quick=options.quick)
        _tell_part(console, name, found[name])
    took = round(time.monotonic() - begun)
    results = _results(found) | {
        "machine": machine, "parts": found, "quick": options.quick, "seconds": took,
    }  # fmt: skip
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    console.print(_table(results, found, machine))
    console.print(f"{took} s; written to {options.output}", style="dim")
    sys.exit(1 if any("failed" in part for part in found.values()) else 0)


def _measured(part: Part, *, quick: bool) -> dict[str, Any]:
    """Run one part in its own process, on a fresh folder of the disk the results are on."""
    work_root = RESULTS / "work"
    work_root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work_root) as folder:
        command = [sys.executable, "-m", f"bench.{part.module}"]
        command += [folder] if part.needs_folder else []
        command += part.quick if quick else part.full
        if part.one_core:
            command = pinned(command, cores()[0])
        out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    shutil.rmtree(work_root, ignore_errors=True)
    if out.returncode:
        return {"failed": out.stderr.strip()[-2000:] or f"exit code {out.returncode}"}
    result: dict[str, Any] = json.loads(out.stdout.strip().splitlines()[-1])
    return result


def _results(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The figures under their keys; null where they could not be measured."""
    return {figure.key: found.get(figure.part, {}).get(figure.key) for figure in FIGURES}


def _tell_part(console: Console, name: str, result: dict[str, Any]) -> None:
    if "failed" in result:
        console.print(f"[red]{name} failed[/red]")
        console.print(result["failed"], markup=False, highlight=False)
    elif result.get("missing"):
        console.print(f"[yellow]{name}: not all of it: {result['missing']}[/yellow]")


def _table(
    results: dict[str, Any], found: dict[str, dict[str, Any]], machine: dict[str, Any]
) -> Table:
    title = f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, Python {machine['python']}"
    table = Table(title=title, title_justify="left")
    table.add_column("what")
    table.add_column("measured", justify="right")
    table.add_column("goal", justify="right", style="dim")
    for figure in FIGURES:
        if figure.part not in found:
            continue
        goal = f"{'≤' if figure.lower_is_better else '≥'} {figure.goal:,g}" if figure.goal else ""
        table.add_row(figure.what, _shown(figure, results[figure.key], found[figure.part]), goal)
    for what, value in _beside(found):
        table.add_row(what, value, "", style="dim")
    return table


def _shown(figure: Figure, value: float | None, part: dict[str, Any]) -> str:
    if value is None:
        return "[red]failed[/red]" if "failed" in part else "[yellow]skipped[/yellow]"
    met = value <= figure.goal if figure.lower_is_better else value >= figure.goal
    colour = "green" if met or not figure.goal else "red"
    digits = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.1f}"
    return f"[{colour}]{digits} {figure.unit}[/{colour}]"


def _beside(found: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """What stands behind the figures."""
    rows: list[tuple[str, str, str, Callable[[float], str]]] = [
        ("in-process", "cpu_us", "   processor time per decision", lambda v: f"{v:.1f} µs"),
        ("rules", "kanhe_us", "   100 rules, one event: Kanhe", lambda v: f"{v:.1f} µs"),
        ("rules", "zen_table_us", "   zen-engine, decision table", lambda v: f"{v:.0f} µs"),
        ("rules", "zen_expressions_us", "   zen-engine, compiled expressions", lambda v: f"{v:.0f} µs"),
        ("rules", "rule_engine_us", "   rule-engine", lambda v: f"{v:.0f} µs"),
        ("entities", "events_per_entity", "   events that named each entity, on average", lambda v: f"{v:.1f}"),
        ("batch", "kernel_s", "   60 features, kernel on one core", lambda v: f"{v:.1f} s"),
        ("batch", "duckdb_s", "   60 features, DuckDB on all cores", lambda v: f"{v:.1f} s"),
        ("ledger", "entries", "   entries of the log", lambda v: f"{v:,.0f}"),
        ("ledger", "log_entries_alone_per_s", "   sequenced when nothing is judged", lambda v: f"{v:,.0f}/s"),
        ("ledger", "judged_beside_per_s", "   judged meanwhile on the other core", lambda v: f"{v:,.0f}/s"),
        ("ledger", "sequencer_cost_share", "   decisions lost to the sequencer beside", lambda v: f"{v:.1f} %"),
        ("ledger", "receipt_p50_ms", "   a receipt, median", lambda v: f"{v:.1f} ms"),
        ("ledger", "receipt_http_p99_ms", "   a receipt over HTTP, 99th percentile", lambda v: f"{v:.1f} ms"),
        ("desk", "cases", "   open cases that these alerts made", lambda v: f"{v:,.0f}"),
        ("desk", "queue_p50_ms", "   the queue, median", lambda v: f"{v:.1f} ms"),
        ("desk", "case_p50_ms", "   a case page, median", lambda v: f"{v:.1f} ms"),
        ("desk", "queue_cpu_ms", "   processor time of the console, the queue", lambda v: f"{v:.1f} ms"),
        ("desk", "case_cpu_ms", "   processor time of the console, a case page", lambda v: f"{v:.1f} ms"),
        ("desk", "taken_up_ms", "   an alert taken up", lambda v: f"{v:.1f} ms"),
        ("checkout", "checkout_added_p50_ms", "   added to a checkout, median", lambda v: f"{v:.1f} ms"),
        ("checkout", "without_p95_ms", "   the checkout without Kanhe, 95th percentile", lambda v: f"{v:.1f} ms"),
        ("checkout", "with_p95_ms", "   the checkout with Kanhe, 95th percentile", lambda v: f"{v:.1f} ms"),
        ("backtest", "decided_s", "   of it: read and decided", lambda v: f"{v:.1f} s"),
        ("backtest", "measured_s", "   of it: figures and intervals", lambda v: f"{v:.1f} s"),
        ("backtest", "cpu_s", "   of it: processor time of the deciding process", lambda v: f"{v:.1f} s"),
        ("backtest", "peak_mb", "   memory of the deciding process", lambda v: f"{v:,.0f} MB"),
        ("in-process-model", "cpu_us", "   processor time per decision, with a model", lambda v: f"{v:.1f} µs"),
        ("trees", "kanhe_score_us", "   300 trees, one row: Kanhe", lambda v: f"{v:.1f} µs"),
        ("trees", "kanhe_grouped_us", "   in a group", lambda v: f"{v:.1f} µs"),
        ("trees", "kanhe_reasons_us", "   one row with reasons", lambda v: f"{v:.1f} µs"),
        ("trees", "lightgbm_us", "   LightGBM, Booster.predict", lambda v: f"{v:.0f} µs"),
        ("trees", "trees_vs_lightgbm_fast", "   times faster than LightGBM's fast C path through ctypes", lambda v: f"{v:.1f}"),
        ("trees", "deep_trees_vs_lightgbm", "   without a limit of depth: times faster than LightGBM", lambda v: f"{v:.1f}"),
        ("trees", "deep_reasons_vs_lightgbm", "   the same with reasons", lambda v: f"{v:.1f}"),
        ("http", "machine_slow_share", "   time in which the idle machine had a third of its speed", lambda v: f"{v:.1%}"),
        ("http", "not_allowed_share", "   of these events, not simply allowed", lambda v: f"{v:.1%}"),
        ("http", "busy_batch_per_s", "   batches when everybody comes back within hours", lambda v: f"{v:,.0f}/s"),
        ("http", "busy_not_allowed_share", "   of those events, not simply allowed", lambda v: f"{v:.1%}"),
        ("http", "peer_per_s", "   off-the-shelf stack, 64 connections", lambda v: f"{v:,.0f}/s"),
        ("http", "peer_p99_ms", "   off-the-shelf stack, 99th percentile", lambda v: f"{v:.0f} ms"),
    ]  # fmt: skip
    return [
        (what, show(found[part][key]))
        for part, key, what, show in rows
        if key in found.get(part, {})
    ]
