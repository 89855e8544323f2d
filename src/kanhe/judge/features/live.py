"""What is known of everyone an event names: the features as the path of an event uses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from kanhe.core.event import Arrival
from kanhe.core.money import Rates
from kanhe.judge.features import arithmetic, kernel
from kanhe.judge.features import layout as at
from kanhe.judge.features.declare import FieldsByType, type_fields
from kanhe.judge.features.encode import encoders
from kanhe.judge.features.memory import Memory
from kanhe.judge.features.program import Program, compile_program
from kanhe.judge.features.sources import sources_of
from kanhe.judge.features.spec import FeatureSpec
from kanhe.judge.features.vectors import packed_size
from kanhe.judge.intake.cells import Cells
from kanhe.judge.intake.group import Group, group_of

DEFAULT_LIMIT_BYTES = 64 << 30
"""Address space reserved for the state; memory is used only as it fills."""
TEXT_ROOM = 2048
"""Bytes of room for each text of one event; the longest text takes 256 characters of UTF-8."""
Floats = npt.NDArray[np.float64]
_SPARE_BYTES = 1 << 20
_MASK_52 = (1 << 52) - 1
_join = at.SEPARATOR.join
_packed_forms = msgspec.msgpack.Decoder(list[bytes]).decode


class LiveFeatures:
    """The feature state of one installation, fed in the order of the journal.

    `key` is the installation's secret of 16 bytes: with another key the same events give the same
    features, but other text codes. `fields_by_type` has types and fields in the order of the registry,
    which is the order of cells. Not safe for use from several threads.
    """

    def __init__(
        self,
        specs: Sequence[FeatureSpec],
        fields_by_type: FieldsByType,
        required: Mapping[str, Sequence[str]],
        rates: Rates,
        key: bytes,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
    ) -> None:
        self.specs = tuple(specs)
        self.names = tuple(spec.name for spec in specs)
        self.index = {name: i for i, name in enumerate(self.names)}
        self.program: Program = compile_program(specs, type_fields(fields_by_type))
        self._key = key
        rows = at.GROUP
        self._encoders = encoders(self.program, required, rates)
        self._inputs = np.zeros((rows, self.program.input_words), dtype=np.int64)
        self._inputs_bytes = self._inputs.data.cast("B")
        self._row_bytes = 8 * self.program.input_words
        self._texts = np.zeros(
            rows * self.program.text_slots * TEXT_ROOM + at.SLACK, dtype=np.uint8
        )
        self._texts_bytes = self._texts.data
        self._vectors = np.zeros((rows, max(1, len(specs))), dtype=np.float64)
        self._packed = np.zeros(
            at.ARRAY_HEAD + rows * (at.BYTES_HEAD + packed_size(len(specs))), dtype=np.uint8
        )
        self._packed_bytes = self._packed.data
        self._packed_size = np.zeros(1, dtype=np.int64)
        self._sources = sources_of(self.program, fields_by_type, rates)
        self._stack = np.zeros(max(1, self._sources.room), dtype=np.int64)
        self._every_type = len(self._sources.types) == len(fields_by_type)
        self._rows = np.zeros(rows, dtype=np.int64)
        self._salts = np.zeros(rows, dtype=np.int64)
        self._cells: Cells | None = None
        self._places = np.zeros(at.PLACES, dtype=np.int64)
        self._places_at = self._places.ctypes.data
        self._take_group = kernel.take_group
        self._tenants: dict[str, int] = {}
        self._last = b""
        self.memory = Memory(limit_bytes, self.program.free_lists, key)
        self._aim()

    def _aim(self) -> None:
        """Tell the kernel where everything lies."""
        self.memory.aim(self._places)
        self._places[at.PLACE_PROGRAM] = self.program.words.ctypes.data
        self._places[at.PLACE_INPUTS] = self._inputs.ctypes.data
        self._places[at.PLACE_TEXTS] = self._texts.ctypes.data
        self._places[at.PLACE_VECTORS] = self._vectors.ctypes.data
        self._places[at.PLACE_PACKED] = self._packed.ctypes.data
        self._places[at.PLACE_SIZE] = self._packed_size.ctypes.data
        self._places[at.PLACE_SOURCES] = self._sources.words.ctypes.data
        self._places[at.PLACE_FACTORS] = self._sources.factors.ctypes.data
        self._places[at.PLACE_STACK] = self._stack.ctypes.data
        self._places[at.PLACE_ROWS] = self._rows.ctypes.data
        self._places[at.PLACE_SALTS] = self._salts.ctypes.data

    def _aim_at(self, cells: Cells) -> None:
        """Tell the kernel where the cells lie; mostly they lie where those of the last group did."""
        self._cells = cells
        self._places[at.PLACE_CELLS] = cells.words.ctypes.data
        self._places[at.PLACE_CELL_TEXT] = cells.text.ctypes.data
        self._places[at.PLACE_CELL_TYPES] = cells.types.ctypes.data
        self._places[at.PLACE_CELL_BYTES] = cells.words.strides[0]

    def warm(self) -> None:
        """Have the kernel's machine code in place before the first event waits for it.

        Loading it takes most of a second, compiling it after an upgrade some ten seconds. Runs an
        event without entities over a memory of its own.
        """
        spare = Memory(_SPARE_BYTES, self.program.free_lists, self._key)
        places = self._places.copy()
        spare.aim(places)
        self._rows[0] = -1
        self._inputs[0] = 0
        self._inputs[0, at.X_KIND] = next(iter(self.program.plans.values())).kind
        self._texts[: self.program.text_slots + 1] = ord(at.SEPARATOR)
        kernel.take_group(places.ctypes.data, 0, 1, 1)
        kernel.move_all(places.ctypes.data)

    def observe_group(self, group: Group) -> tuple[Floats, list[bytes]]:
        """Take up to `layout.GROUP` events into the state, in order.

        Returns the vectors that they are judged on (a row of float64 per event, NaN: missing), and
        the journal form of each (see `vectors`). The rows stand in memory that the next group is
        written to. The cells of the group, if it has any, must be of the registry whose fields this
        was made with. Raises `MemoryFullError` when the state has reached its limit; it must then be
        rebuilt.
        """
        count = len(group)
        self._take(group, 1)
        vectors = self._vectors[:count, : len(self.specs)]
        if count == 0 or not self.specs:
            return vectors, [b""] * count
        return vectors, _packed_forms(self._packed_bytes[: self._packed_size[0]])

    def observe(self, arrival: Arrival) -> tuple[float, ...]:
        """Take one event into the state and return its vector: a group of one."""
        vectors, (self._last,) = self.observe_group(group_of((arrival,)))
        return tuple(vectors[0].tolist())

    def packed(self) -> bytes:
        """The journal form of the vector that `observe` returned last."""
        return self._last

    def observe_many(self, arrivals: Sequence[Arrival]) -> Floats:
        """Take any number of events; returns one row of features per event."""
        rows = np.empty((len(arrivals), len(self.specs)), dtype=np.float64)
        for start in range(0, len(arrivals), at.GROUP):
            group = group_of(arrivals[start : start + at.GROUP])
            self._take(group, 0)
            rows[start : start + len(group)] = self._vectors[: len(group), : len(self.specs)]
        return rows

    def _take(self, group: Group, packing: int) -> None:
        """Have the kernel take the events of a group, after encoding those that it cannot read."""
        count = len(group)
        self._encode(group, self._unread(group, group.cells) if group.cells else range(count))
        taken = self._take_group(self._places_at, 0, count, packing)
        while taken != count:
            self.memory.check()
            try:
                self.memory.tend()
            finally:  # Even if there was no memory for a wider index, the older one may be gone.
                self.memory.aim(self._places)
            taken = self._take_group(self._places_at, taken - at.TEND, count, packing)

    def _unread(self, group: Group, cells: Cells) -> Sequence[int]:
        """Point the kernel to the cells of a group; gives the events that it cannot read there."""
        count, tenants = len(group), group.tenants
        if cells is not self._cells:
            self._aim_at(cells)
        rows = self._rows
        rows[:count] = group.rows
        if count and tenants.count(tenants[0]) == count:
            self._salts[:count] = self._salt(tenants[0])
        else:
            self._salts[:count] = [self._salt(tenant) for tenant in tenants]
        if self._every_type and (rows[:count] >= 0).all():
            return ()
        known = self._sources.types
        return [n for n, row in enumerate(group.rows) if row < 0 or group.types[n] not in known]

    def _encode(self, group: Group, places: Sequence[int]) -> None:
        """Encode the events at these places in Python."""
        if not places:
            return
        encoders, inputs, tenants = self._encoders, self._inputs_bytes, group.tenants
        types, events, width = group.types, group.events, self._row_bytes
        texts: list[str] = []
        for n in places:
            salt = self._tenants.get(tenants[n]) or self._salt(tenants[n])
            texts += encoders[types[n]](events[n], salt, inputs, n * width)
        texts.append("")
        joined = _join(texts).encode()
        self._texts_bytes[: len(joined)] = joined
        self._rows[places] = -1

    def text_code(self, text: str) -> float:
        """The code that `last` keeps for a text; equal texts have equal codes."""
        return float(self._hash(text.encode()) >> 12 & _MASK_52)

    def _salt(self, tenant: str) -> int:
        """The number that keeps the entities of one tenant apart from those of all others."""
        salt = self._tenants.get(tenant)
        if salt is None:
            salt = self._tenants[tenant] = self._hash(b"tenant\x00" + tenant.encode())
        return salt

    def _hash(self, text: bytes) -> int:
        """The 64-bit hash of a text under the installation's key."""
        padded = np.frombuffer(text + bytes(at.SLACK), dtype=np.uint8)
        k0, k1 = np.frombuffer(self._key, dtype="<u8")
        return int(arithmetic.hash_text(padded.ctypes.data, len(text), k0, k1))

    def dump(self) -> dict[str, memoryview]:
        """The whole state as named parts, for a snapshot; valid until the next event."""
        parts = {"program": memoryview(self.program.fingerprint.encode()), **self.memory.dump()}
        self.memory.aim(self._places)
        return parts

    def content(self) -> dict[str, bytes]:
        """A copy of the whole state, for comparing two; see `Memory.content`."""
        content = self.memory.content()
        self.memory.aim(self._places)
        return {"program": self.program.fingerprint.encode(), **content}

    def load(self, parts: Mapping[str, bytes]) -> bool:
        """Take over a snapshot; False if it was made for other declarations."""
        if bytes(parts["program"]) != self.program.fingerprint.encode():
            return False
        self.memory.load(dict(parts))
        self.memory.aim(self._places)
        return True
