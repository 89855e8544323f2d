"""The kernel's side of the comparison: the product as a shop uses it, fed with whole columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from kanhe.core.event import Arrival
from kanhe.core.money import Rates
from kanhe.judge.features.declare import read_features
from kanhe.judge.features.live import LiveFeatures
from kanhe.judge.intake.registry import builtin
from kanhe.judge.language.source import Source

from .declarations import Declared, pack_text
from .generate import BASE, RATES

KEY = bytes(range(16))
_CHUNK = 20_000
_BESIDE = frozenset({"seq", "tenant", "type", "at_ms", "amount_base"})


def live_features(features: Sequence[Declared], limit_bytes: int = 8 << 30) -> LiveFeatures:
    """Read the declarations as the text of a pack, and start from nothing."""
    registry = builtin()
    fields = {name: registry.fields_of(name) for name in registry.types}
    required = {name: registry.required_of(name) for name in registry.types}
    specs = read_features(Source("features.kanhe", pack_text(list(features))), fields)
    return LiveFeatures(specs, fields, required, Rates(BASE, RATES), KEY, limit_bytes)


def arrivals(table: pa.Table) -> Iterator[list[Arrival]]:
    """The rows as accepted events, some thousands at a time."""
    registry = builtin()
    named = [name for name in table.column_names if name not in _BESIDE]
    fields = {
        type_name: [name for name in named if name in registry.fields_of(type_name)]
        for type_name in registry.types
    }
    for batch in table.to_batches(max_chunksize=_CHUNK):
        columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
        some = []
        for i, type_name in enumerate(columns["type"]):
            values = {name: columns[name][i] for name in fields[type_name]}
            event = registry.struct(type_name)(
                id=f"e{columns['seq'][i]}", at_ms=columns["at_ms"][i], **values
            )
            some.append(Arrival(columns["tenant"][i], event, b"", columns["at_ms"][i]))
        yield some


def observed(live: LiveFeatures, table: pa.Table) -> npt.NDArray[np.float64]:
    """One row of features per event, through the batch entry."""
    vectors = np.empty((table.num_rows, len(live.names)), np.float64)
    done = 0
    for some in arrivals(table):
        vectors[done : done + len(some)] = live.observe_many(some)
        done += len(some)
    return vectors
