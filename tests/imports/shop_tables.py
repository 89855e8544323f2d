"""What the import tests share: a small shop's mapping, and helpers that apply it to rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kanhe.judge.intake.importing import Chunk, MappedEvent, Result, SetAside, apply
from kanhe.judge.intake.mapping import Mapping
from kanhe.judge.intake.mapping_reader import read_mapping
from kanhe.judge.intake.registry import builtin
from kanhe.judge.language.source import Source

ROOT = Path(__file__).parents[2]
ONLINE_RETAIL = ROOT / "examples" / "online_retail" / "mapping.toml"

HEAD = """
name = "small"
en = "A small shop"
zh = "一家小店"
"""
LINES = (
    HEAD
    + """
[[set_aside]]
kind = "no-price"
when = [{ column = "price", at_most = 0 }]
en = "nothing was sold"
zh = "没有成交"

[[note]]
kind = "guest"
when = [{ column = "who", missing = true }]
en = "no customer"
zh = "没有顾客"

[[event]]
type = "order.placed"
when = [{ column = "kind", is = "sale" }]
group = { by = "no", rows_apart = 3, same = ["who"] }

[event.fields]
id = { column = "no", prefix = "o-" }
order = { column = "no" }
at_ms = { column = "when", as = "time", zone = "UTC" }
user = { column = "who" }
currency = { constant = "EUR" }
amount_minor = { multiply = ["count", "price"], as = "minor", total = true }
items_count = { count = "lines" }
products = { collect = "item", most = 3 }
is_guest = { missing = "who" }
"""
)
COLUMNS = ("no", "kind", "when", "who", "count", "price", "item")


def mapping(text: str = LINES) -> Mapping:
    """Read a mapping against the built-in events."""
    return read_mapping(Source("map.toml", text), builtin())


def row(no: str = "1", **cells: Any) -> dict[str, Any]:
    """One line of the small shop."""
    usual = {"no": no, "kind": "sale", "when": "2026-01-05 10:00:00", "who": "u1", "count": "2",
             "price": "1.50", "item": "tea"}  # fmt: skip
    return {**usual, **cells}


def imported(rows: list[dict[str, Any]], text: str = LINES, size: int = 1000) -> list[Result]:
    """What a mapping makes of rows, handed over in chunks of `size`."""
    made = mapping(text)
    chunks = []
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        lines = range(start + 1, start + len(part) + 1)
        chunks.append(Chunk(lines, [[r.get(name) for r in part] for name in made.columns]))
    return list(apply(made, chunks))


def events(results: list[Result]) -> list[dict[str, Any]]:
    """The bodies of the events."""
    return [json.loads(result.body) for result in results if isinstance(result, MappedEvent)]


def asides(results: list[Result]) -> list[tuple[int, int, str]]:
    """Line, number of lines and kind of what was set aside."""
    return [(r.line, r.lines, r.kind) for r in results if isinstance(r, SetAside)]
