"""What is known of everyone an event names: the features as the path of an event uses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
from kanhe.judge.features.spec import FeatureSpec
from kanhe.judge.features.vectors import packed_size

DEFAULT_LIMIT_BYTES = 64 << 30
"""Address space reserved for the state; memory is used only as it fills."""
TEXT_ROOM = 2048
"""Bytes of room for each text of one event; the longest text takes 256 characters of UTF-8."""
Floats = npt.NDArray[np.float64]
_SPARE_BYTES = 1 << 20
_MASK_52 = (1 << 52) - 1
_join = at.SEPARATOR.join


class LiveFeatures:
    """The feature state of one installation, fed in the order of the journal.

    `key` is the installation's secret of 16 bytes: with another key the same events give the same
    features, but other text codes. Not safe for use from several threads.
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
        self._packed = np.zeros(max(1, rows * packed_size(len(specs))), dtype=np.uint8)
        self._packed_bytes = self._packed.data
        self._ends = np.zeros(rows, dtype=np.int64)
        self._ends_words = self._ends.data
        self._places = np.zeros(at.PLACES, dtype=np.int64)
        self._places_at = self._places.ctypes.data
        self._take_group = kernel.take_group
        self._tenants: dict[str, int] = {}
        self._last = b""
        self.memory = Memory(limit_bytes, self.program.free_lists, key)
        self._aim()

    def _aim(self) -> None:
        """Tell the kernel where everything lies; to be done again whenever memory has moved."""
        memory = self.memory
        self._places[at.PLACE_ARENA] = memory.arena_at
        self._places[at.PLACE_INDEX] = memory.index_at
        self._places[at.PLACE_META] = memory.meta_at
        self._places[at.PLACE_PROGRAM] = self.program.words.ctypes.data
        self._places[at.PLACE_INPUTS] = self._inputs.ctypes.data
        self._places[at.PLACE_TEXTS] = self._texts.ctypes.data
        self._places[at.PLACE_VECTORS] = self._vectors.ctypes.data
        self._places[at.PLACE_PACKED] = self._packed.ctypes.data
        self._places[at.PLACE_ENDS] = self._ends.ctypes.data

    def warm(self) -> None:
        """Have the kernel's machine code in place before the first event waits for it.

        Loading it takes most of a second, compiling it after an upgrade some ten seconds. Runs an
        event without entities over a memory of its own.
        """
        spare = Memory(_SPARE_BYTES, self.program.free_lists, self._key)
        places = self._places.copy()
        places[at.PLACE_ARENA] = spare.arena_at
        places[at.PLACE_INDEX] = spare.index_at
        places[at.PLACE_META] = spare.meta_at
        self._inputs[0] = 0
        self._inputs[0, at.X_KIND] = next(iter(self.program.plans.values())).kind
        self._texts[: self.program.text_slots + 1] = ord(at.SEPARATOR)
        kernel.take_group(places.ctypes.data, 0, 1, 1)

    def observe_group(self, arrivals: Sequence[Arrival]) -> tuple[Floats, list[bytes]]:
        """Take up to `layout.GROUP` events into the state, in order.

        Returns the vectors that they are judged on (a row of float64 per event, NaN: missing), and
        the journal form of each (see `vectors`). The rows stand in memory that the next group is
        written to. Raises `MemoryFullError` when the state has reached its limit; it must then be
        rebuilt.
        """
        count = len(arrivals)
        self._take(arrivals, 1)
        vectors = self._vectors[:count, : len(self.specs)]
        if count == 0 or not self.specs:
            return vectors, [b""] * count
        whole = self._packed_bytes[: self._ends_words[count - 1]].tobytes()
        return vectors, [whole] if count == 1 else self._parts(whole, count)

    def _parts(self, whole: bytes, count: int) -> list[bytes]:
        """Cut what the kernel packed at the places it gave."""
        packed, start = [], 0
        for end in self._ends_words[:count]:
            packed.append(whole[start:end])
            start = end
        return packed

    def observe(self, arrival: Arrival) -> tuple[float, ...]:
        """Take one event into the state and return its vector: a group of one."""
        vectors, (self._last,) = self.observe_group((arrival,))
        return tuple(vectors[0].tolist())

    def packed(self) -> bytes:
        """The journal form of the vector that `observe` returned last."""
        return self._last

    def observe_many(self, arrivals: Sequence[Arrival]) -> Floats:
        """Take any number of events; returns one row of features per event."""
        rows = np.empty((len(arrivals), len(self.specs)), dtype=np.float64)
        for start in range(0, len(arrivals), at.GROUP):
            group = arrivals[start : start + at.GROUP]
            self._take(group, 0)
            rows[start : start + len(group)] = self._vectors[: len(group), : len(self.specs)]
        return rows

    def _take(self, arrivals: Sequence[Arrival], packing: int) -> None:
        """Encode the events of a group and have the kernel take them."""
        encoders, inputs, tenants = self._encoders, self._inputs_bytes, self._tenants
        width, offset = self._row_bytes, 0
        texts: list[str] = []
        for tenant, event, _, _ in arrivals:
            salt = tenants.get(tenant) or self._salt(tenant)
            texts += encoders[event.type](event, salt, inputs, offset)
            offset += width
        # The last text, too, ends where a separator stands.
        texts.append("")
        joined = _join(texts).encode()
        self._texts_bytes[: len(joined)] = joined
        count = len(arrivals)
        taken = self._take_group(self._places_at, 0, count, packing)
        while taken != count:
            self.memory.check()
            self.memory.grow()
            self._aim()
            taken = self._take_group(self._places_at, taken - at.GROW, count, packing)

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
        return {"program": memoryview(self.program.fingerprint.encode()), **self.memory.dump()}

    def load(self, parts: Mapping[str, bytes]) -> bool:
        """Take over a snapshot; False if it was made for other declarations."""
        if bytes(parts["program"]) != self.program.fingerprint.encode():
            return False
        self.memory.load(dict(parts))
        self._aim()
        return True
