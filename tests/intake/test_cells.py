"""The slow reference of cells says what the events say."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given

from kanhe.judge.intake.cells import ABSENT, MISSING, SPAN_SHIFT
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin
from tests.intake.cells_of import group_with_cells
from tests.intake.events import NOW_MS, SCOPES, valid_events

READER = Reader(builtin())


@given(valid_events())
def test_every_value_is_found_where_its_cell_says(values: dict[str, Any]) -> None:
    """Texts stand at their spans, fields left out are missing, and bodies lie between the ends."""
    arrival = READER.read("shop", json.dumps(values).encode(), NOW_MS, SCOPES)
    group = group_with_cells(builtin(), [arrival, arrival])
    cells = group.cells
    assert cells is not None
    if list(group.rows) == [-1, -1]:
        assert b"\\" in arrival.body
        return
    assert list(group.rows) == [0, 1]
    text = cells.text.tobytes()
    assert text[cells.ends[0] : cells.ends[1]] == arrival.body
    for slot, name in enumerate(builtin().fields_of(arrival.event.type)):
        number, span = (int(word) for word in cells.words[1, slot])
        value = getattr(arrival.event, name)
        if value is None:
            assert (number, span) == (MISSING, ABSENT)
            continue
        written = text[span >> SPAN_SHIFT :][: span & (1 << SPAN_SHIFT) - 1]
        assert (
            written.decode() == value
            if isinstance(value, str)
            else json.loads(written) == _plain(value)
        )


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
