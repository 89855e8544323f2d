"""The recogniser: most events of a group, read by one call of a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kanhe.core.event import Arrival, Event
from kanhe.judge.intake.cells import CELL_WORDS, ROWS, Bytes, Cells, Words
from kanhe.judge.intake.declarations import ID_MAX
from kanhe.judge.intake.recognising import layout as at
from kanhe.judge.intake.recognising.kernel import ID_END, recognise
from kanhe.judge.intake.recognising.tables import tables_of
from kanhe.judge.intake.registry import Registry

_PADDING = bytes(at.PADDING)
_MOST_BYTES = 4
"""How many bytes a character takes at most."""


class Columns(NamedTuple):
    """What was read of a group, by event; for an event that was doubted the first four say nothing
    until it is put in."""

    ids: list[str]
    types: list[str]
    times: list[int]
    bodies: list[bytes]
    rows: list[int]
    """By event: its row in the cells, -1 if it was doubted."""
    made: list[Event | None]
    """By event: the event itself, where it had to be made."""
    doubted: list[int]
    """The places of the events that were doubted, in their order."""

    def put(self, place: int, arrival: Arrival) -> None:
        """Put in an event that was read otherwise."""
        event = arrival.event
        self.ids[place] = event.id
        self.types[place] = event.type
        self.times[place] = event.at_ms
        self.bodies[place] = arrival.body
        self.made[place] = event


class Recogniser:
    """Reads groups of raw events of one registry, as far as it can.

    It never passes what `Reader.read` would refuse or write otherwise, but may doubt what is good.
    What it gives stands in memory that the next group is written to. Not safe for use from several
    threads.
    """

    def __init__(self, registry: Registry, limit: int) -> None:
        """`limit` is the size of the largest body that is accepted, in bytes."""
        tables = tables_of(registry)
        names = list(registry.types)
        width = max(map(len, map(registry.fields_of, names)), default=0)
        fields = len(registry.fields)
        self._names = names
        self._limit = min(limit, at.LARGEST)
        self._ids = np.zeros(ROWS * (_MOST_BYTES * ID_MAX + 1) + at.PADDING, dtype=np.uint8)
        self._times = np.zeros(ROWS, dtype=np.int64)
        self.cells = Cells(
            np.zeros(ROWS * at.LARGEST + at.PADDING, dtype=np.uint8),
            np.full(ROWS, -1, dtype=np.int64),
            np.zeros(ROWS, dtype=np.int64),
            np.zeros((ROWS, max(width, 1), CELL_WORDS), dtype=np.int64),
        )
        """Of the group that was read last."""
        self._arrays: dict[int, Words | Bytes] = {
            at.AT_FIELDS: tables.fields,
            at.AT_TYPES: tables.types,
            at.AT_SLOTS: tables.slots,
            at.AT_WORDS: tables.words,
            at.AT_POOL: tables.pool,
            at.AT_PRINTABLE: tables.printable,
            at.AT_MEMBERS: np.zeros((fields + 1, at.M_WIDTH), dtype=np.int64),
            at.AT_SEEN: np.zeros(fields + 1, dtype=np.int64),
            at.AT_FOLLOWS: np.zeros(fields + 2 + len(names), dtype=np.int64),
            at.AT_SLOT_MEMBERS: np.zeros(width + 1, dtype=np.int64),
            at.AT_PRESENT: np.zeros((width >> 6) + 1, dtype=np.int64),
            at.AT_TEXT: self.cells.text,
            at.AT_IDS: self._ids,
            at.AT_KINDS: self.cells.types,
            at.AT_ENDS: self.cells.ends,
            at.AT_TIMES: self._times,
            at.AT_CELLS: self.cells.words,
        }
        self._places = np.zeros(at.PLACES, dtype=np.int64)
        for place, array in self._arrays.items():
            self._places[place] = array.ctypes.data
        self._places[at.N_FIELDS] = fields
        self._places[at.N_WORDS] = len(tables.words)
        self._places[at.N_WIDTH] = max(width, 1)
        self._places_at = self._places.ctypes.data

    def read(self, raws: Sequence[bytes], latest_ms: int) -> Columns:
        """Read up to `ROWS` raw events into `cells`; raises `ValueError` for more.

        `latest_ms` is the latest `at_ms` that is accepted.
        """
        count = len(raws)
        known = self._recognise(raws, latest_ms)
        numbers = self.cells.types[:count].tolist()
        ends = self.cells.ends[:count].tolist()
        whole = self.cells.text[: ends[-1] if ends else 0].tobytes()
        ids = self._ids[: self._places[at.N_IDS]].tobytes().decode().split(chr(ID_END))
        ids.pop()  # what stands behind the last end
        rows = list(range(count))
        doubted = [] if known == count else [row for row in rows if numbers[row] < 0]
        for row in doubted:
            rows[row] = -1
        types = [self._names[number] for number in numbers]
        bodies = [whole[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
        times = self._times[:count].tolist()
        return Columns(ids, types, times, bodies, rows, [None] * count, doubted)

    def _recognise(self, raws: Sequence[bytes], latest_ms: int) -> int:
        """Have the kernel read raw events; gives how many were recognised."""
        if len(raws) > ROWS:
            raise ValueError(f"a group has at most {ROWS} events")
        sizes = np.fromiter(map(len, raws), np.int64, len(raws))
        if sizes.max(initial=0) > self._limit:
            raws = [raw if len(raw) <= self._limit else b"" for raw in raws]
            sizes = np.fromiter(map(len, raws), np.int64, len(raws))
        raw = np.frombuffer(b"".join((*raws, _PADDING)), dtype=np.uint8)
        known: int = recognise(self._places_at, raw, sizes, latest_ms)
        return known
