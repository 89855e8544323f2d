"""The twin of a witness elsewhere: the same judgement, without a wire."""

from __future__ import annotations

from kanhe.core.time import Clock
from kanhe.record.log.cosignature import WitnessKey
from kanhe.record.log.note import Signature
from kanhe.record.log.witness import AddCheckpoint, Conflict, Witness, encode_request, read_answer


class MemoryWitness:
    """A `ports.CosigningWitness` around a `Witness` in this process."""

    def __init__(self, witness: Witness, key: WitnessKey, clock: Clock) -> None:
        self._witness = witness
        self._key = key
        self._clock = clock

    @property
    def key(self) -> WitnessKey:
        """The key that its cosignatures are checked with."""
        return self._key

    def cosign(self, request: AddCheckpoint) -> Signature | Conflict:
        """Ask for a cosignature; see `ports.CosigningWitness.cosign`."""
        answer = self._witness.add_checkpoint(encode_request(request), self._clock() // 1000)
        return read_answer(answer.status, answer.body, request, self._key)
