"""Cells made of events the slow way: what the recogniser must write, and what features are fed in tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from kanhe.core.countries import COUNTRIES
from kanhe.core.currencies import EXPONENT
from kanhe.core.event import Arrival, Event
from kanhe.judge.intake.cells import ABSENT, CELL_WORDS, MISSING, ROWS, SPAN_SHIFT, Cells
from kanhe.judge.intake.declarations import FieldSpec
from kanhe.judge.intake.group import Group, group_of
from kanhe.judge.intake.registry import Registry

_ROOM = 64
_encode = msgspec.json.Encoder().encode


def cells_of(registry: Registry, events: Sequence[Event]) -> Cells:
    """The cells of up to `ROWS` events.

    An event with an escape in its canonical JSON is never recognised, and its row stays empty.
    """
    width = max(len(registry.fields_of(name)) for name in registry.types)
    types = np.full(ROWS, -1, dtype=np.int64)
    ends = np.zeros(ROWS, dtype=np.int64)
    words = np.zeros((ROWS, width, CELL_WORDS), dtype=np.int64)
    numbers = {name: number for number, name in enumerate(registry.types)}
    text = bytearray()
    for row, event in enumerate(events):
        if b"\\" not in _encode(event):
            types[row] = numbers[event.type]
            _write(registry, event, text, words[row])
        ends[row] = len(text)
    return Cells(np.frombuffer(bytes(text) + bytes(_ROOM), dtype=np.uint8), types, ends, words)


def group_with_cells(registry: Registry, arrivals: Sequence[Arrival]) -> Group:
    """A group of up to `ROWS` arrivals with the cells of those that can have them."""
    group = group_of(arrivals)
    group.cells = cells_of(registry, group.events)
    group.rows = [row if group.cells.types[row] >= 0 else -1 for row in range(len(arrivals))]
    return group


def number_of(spec: FieldSpec, value: Any) -> int:
    """The number that stands in the cell of a value, `None` for a field that was left out."""
    if value is None:
        return MISSING
    match spec.kind:
        case "int" | "money" | "time" | "bool":
            return int(value)
        case "degrees":
            return round(value * 1e6)
        case "choice":
            return spec.choices.index(value)
        case "country":
            return sorted(COUNTRIES).index(value)
        case "currency":
            return sorted(EXPONENT).index(value)
        case "ids":
            return len(value)
        case "id" | "text" | "prose":
            return 0


def _write(registry: Registry, event: Event, text: bytearray, row: Any) -> None:
    """Append the canonical JSON of an event member by member, and fill its row."""
    start = len(text)
    text += b'{"type":' + _encode(event.type)
    for slot, (name, spec) in enumerate(registry.fields_of(event.type).items()):
        value = getattr(event, name)
        span = ABSENT
        if value is not None:
            text += f',"{name}":'.encode()
            written = _encode(value)
            at, size = len(text), len(written)
            if isinstance(value, str):
                at, size = at + 1, size - 2
            span = at << SPAN_SHIFT | size
            text += written
        row[slot] = number_of(spec, value), span
    text += b"}"
    assert bytes(text[start:]) == _encode(event), event
