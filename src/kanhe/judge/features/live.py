"""What is known of everyone an event names: the features as the path of an event uses them."""

from __future__ import annotations

import struct
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
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_SPARE_BYTES = 1 << 20
_MASK_52 = (1 << 52) - 1


class LiveFeatures:
    """The feature state of one installation, fed one event at a time in the order of the journal.

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
        self._k0, self._k1 = (int(word) for word in np.frombuffer(key, dtype="<i8"))
        self._x = np.zeros(self.program.input_words, dtype=np.int64)
        self._hashes = np.zeros(max(1, self.program.text_slots), dtype=np.int64)
        self._vector = np.zeros(max(1, len(specs)), dtype=np.float64)
        self._packed = np.zeros(max(1, packed_size(len(specs))), dtype=np.uint8)
        self._packed_bytes = self._packed.data
        self._vector_bytes = self._vector.data.cast("B")
        self._unpack = struct.Struct(f"<{len(specs)}d").unpack_from
        self._encoders = encoders(self.program, required, rates, self._x.data.cast("B"))
        texts = max(1, self.program.text_slots) * TEXT_ROOM
        self._scratch = np.zeros(texts, dtype=np.uint8)
        self._program_at = self.program.words.ctypes.data
        self._places = np.zeros(at.PLACES, dtype=np.int64)
        self._places_at = self._places.ctypes.data
        self._step = kernel.step
        self._kinds = {name: plan.kind for name, plan in self.program.plans.items()}
        self._tenants: dict[str, int] = {}
        self._length = 0
        self.memory = Memory(limit_bytes, self.program.free_lists, key)
        self._aim()

    def _aim(self) -> None:
        """Tell the kernel where everything lies; to be done again whenever memory has moved."""
        memory = self.memory
        self._places[at.PLACE_ARENA] = memory.arena_at
        self._places[at.PLACE_INDEX] = memory.index_at
        self._places[at.PLACE_META] = memory.meta_at
        self._places[at.PLACE_PROGRAM] = self._program_at
        self._places[at.PLACE_X] = self._x.ctypes.data
        self._places[at.PLACE_HASHES] = self._hashes.ctypes.data
        self._places[at.PLACE_VECTOR] = self._vector.ctypes.data
        self._places[at.PLACE_PACKED] = self._packed.ctypes.data
        self._places[at.PLACE_SCRATCH] = self._scratch.ctypes.data

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
        kernel.step(places.ctypes.data, next(iter(self._kinds.values())), b"")

    def observe(self, arrival: Arrival) -> tuple[float, ...]:
        """Take one event into the state and return the vector it is judged on (NaN: missing).

        Raises `MemoryFullError` when the state has reached its limit; it must then be rebuilt.
        """
        event = arrival.event
        memory = self.memory
        text = self._encoders[event.type](event, self._salt(arrival.tenant))
        length = self._step(self._places_at, self._kinds[event.type], text)
        if length < 0:
            memory.check()
        elif length >= at.GROW:
            memory.grow()
            self._aim()
            length -= at.GROW
        self._length = length
        return self._unpack(self._vector_bytes)

    def packed(self) -> bytes:
        """The vector of the last event in its journal form (see `vectors`)."""
        return self._packed_bytes[: self._length].tobytes()

    def text_code(self, text: str) -> float:
        """The code that `last` keeps for a text; equal texts have equal codes."""
        value = int(arithmetic.hash_text(text.encode(), self._k0, self._k1))
        return float(value >> 12 & _MASK_52)

    def _salt(self, tenant: str) -> int:
        """The number that keeps the entities of one tenant apart from those of all others."""
        salt = self._tenants.get(tenant)
        if salt is None:
            salt = int(arithmetic.hash_text(b"tenant\x00" + tenant.encode(), self._k0, self._k1))
            self._tenants[tenant] = salt
        return salt

    def observe_many(self, arrivals: Sequence[Arrival]) -> Floats:
        """Take many events at once; returns one row of features per event, as `observe` would."""
        kinds, xs, hashes = self.encode_many(arrivals)
        vectors = np.empty((len(arrivals), len(self.specs)), dtype=np.float64)
        self.run_encoded(kinds, xs, hashes, vectors)
        return vectors

    def encode_many(self, arrivals: Sequence[Arrival]) -> tuple[Integers, Integers, Integers]:
        """The kernel's inputs for many events: type offsets, numbers and hashed texts."""
        count = len(arrivals)
        xs = np.empty((count, len(self._x)), dtype=np.int64)
        hashes = np.empty((count, len(self._hashes)), dtype=np.int64)
        plans = {name: (self._encoders[name], kind) for name, kind in self._kinds.items()}
        numbers = xs.data.cast("B") if count else memoryview(bytearray())
        inputs, width, start = self._x.data.cast("B"), self._x.nbytes, 0
        kinds: list[int] = []
        texts: list[bytes] = []
        last_tenant, salt = "", 0
        for tenant, event, _, _ in arrivals:
            if tenant != last_tenant:
                last_tenant, salt = tenant, self._salt(tenant)
            encode, kind = plans[event.type]
            texts.append(encode(event, salt))
            kinds.append(kind)
            numbers[start : start + width] = inputs
            start += width
        found = np.array(kinds, dtype=np.int64)
        joined = np.frombuffer(b"".join(texts), dtype=np.uint8)
        ends = np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=count))
        kernel.hash_many(self._program_at, found, self.memory.meta_at, hashes, joined, ends)
        return found, xs, hashes

    def run_encoded(self, kinds: Integers, xs: Integers, hashes: Integers, vectors: Floats) -> None:
        """Run the kernel over encoded events, growing the index when it asks for it."""
        done = 0
        while done < len(kinds):
            memory = self.memory
            memory.check()
            memory.grow()
            done = kernel.run(
                memory.arena_at, memory.index_at, memory.meta_at, self._program_at, kinds, xs, hashes,
                vectors, done,
            )  # fmt: skip
        self.memory.check()
        self.memory.grow()
        self._aim()

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
