"""Rows that were gathered and wait for their commit, as the columns of the segment they will be."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from kanhe.record.journal.ports import Columns
from kanhe.stores.sqlite.seen import Keys
from kanhe.stores.sqlite.segments import Packed, PackedColumns
from kanhe.stores.sqlite.words import Words


class Gathered:
    """The rows gathered since the last commit, with their keys.

    `words` number their tenants, types and policies, in this order.
    """

    def __init__(self, words: tuple[Words, Words, Words]) -> None:
        self._tenants, self._types, self._policies = words
        self._columns: tuple[list[Any], ...] = ([], [], [], [], [], [], [], [], [], [], [])
        self._keys: list[Keys] = []

    def __len__(self) -> int:
        return len(self._columns[0])

    @property
    def keys(self) -> Keys:
        """The keys of the rows; there must be one."""
        return np.concatenate(self._keys)

    @property
    def columns(self) -> PackedColumns:
        """The rows, to be read only and at once."""
        return cast(PackedColumns, self._columns)

    def row(self, place: int) -> Packed:
        """One row."""
        return cast(Packed, tuple(column[place] for column in self._columns))

    def extend(self, rows: Columns, keys: Keys) -> None:
        """Take up one or more rows; words that have no number yet get one."""
        packed = (
            self._tenants.numbers(rows.tenants), self._types.numbers(rows.types),
            self._policies.numbers(rows.policies), rows.kinds, rows.at_ms, rows.received_ms,
            rows.event_ids, rows.bodies, rows.vectors, rows.answers, rows.salts,
        )  # fmt: skip
        for column, values in zip(self._columns, packed, strict=True):
            column.extend(values)
        self._keys.append(keys)

    def clear(self) -> None:
        """The rows were committed, or are given up."""
        for column in self._columns:
            column.clear()
        self._keys.clear()
