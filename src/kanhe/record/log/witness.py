"""The judgement of a witness (C2SP tlog-witness): may this checkpoint be cosigned?

A witness remembers, for each log, the largest tree it has cosigned, and cosigns only what continues
it. As long as one witness is honest, a log cannot show two histories to two people. HTTP and
storage are others' work: a request's bytes and the time come in, status and bytes go out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from kanhe.record.log.checkpoint import Checkpoint, decimal, parse_text
from kanhe.record.log.cosignature import WitnessKey, WitnessSigner, read_cosignatures
from kanhe.record.log.errors import FormatError, ProofError, SignatureError
from kanhe.record.log.merkle import HASH_BYTES, verify_consistency
from kanhe.record.log.note import (
    NoteKey,
    Signature,
    from_base64,
    parse_note,
    to_base64,
    verify_note,
)

MAX_PROOF_LINES = 63
SIZE_MEDIA_TYPE = "text/x.tlog.size"
TEXT_MEDIA_TYPE = "text/plain; charset=utf-8"


class Seen(NamedTuple):
    """The largest tree of one log that was cosigned."""

    size: int
    root: bytes


class WitnessState(Protocol):
    """What a witness remembers. Losing it, or restoring it from an old copy, ends its worth."""

    def load(self, origin: str) -> Seen | None:
        """The latest tree of this log; `None` if none was ever cosigned."""

    def compare_and_store(self, origin: str, old: Seen | None, new: Seen) -> bool:
        """Remember `new` if `old` is still what is remembered; durable when it returns True.

        False, and nothing changed, if another request came first.
        """


class MemoryWitnessState:
    """The twin of a stored state, for tests and throwaway runs."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    def load(self, origin: str) -> Seen | None:
        """The latest tree of this log; `None` if none was ever cosigned."""
        return self._seen.get(origin)

    def compare_and_store(self, origin: str, old: Seen | None, new: Seen) -> bool:
        """Remember `new` if `old` is still what is remembered."""
        if self._seen.get(origin) != old:
            return False
        self._seen[origin] = new
        return True


class AddCheckpoint(NamedTuple):
    """The body of a request to cosign."""

    old_size: int
    """The size of the tree that the witness is believed to have cosigned last; 0 for none."""
    proof: tuple[bytes, ...]
    """The consistency proof from there, empty from 0."""
    checkpoint: bytes
    """The signed checkpoint."""


class Answer(NamedTuple):
    """What a witness answers over HTTP."""

    status: int
    """200, or 400, 403, 404, 409, 422 for a refusal."""
    body: bytes
    media_type: str = TEXT_MEDIA_TYPE


def encode_request(request: AddCheckpoint) -> bytes:
    """The body of `POST <prefix>/add-checkpoint`."""
    lines = [f"old {request.old_size}", *map(to_base64, request.proof), "", ""]
    return "\n".join(lines).encode() + request.checkpoint


def parse_request(raw: bytes) -> AddCheckpoint:
    """Read such a body; raises `FormatError` unless every line is as the protocol says."""
    head, gap, checkpoint = raw.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise FormatError("the lines above the checkpoint are ASCII") from None
    if not gap or not first.startswith("old "):
        raise FormatError(
            "a request is a line such as 'old 7', a proof, an empty line, a checkpoint"
        )
    if len(lines) > MAX_PROOF_LINES:
        raise FormatError(f"a proof has at most {MAX_PROOF_LINES} lines, this one {len(lines)}")
    proof = tuple(map(from_base64, lines))
    if any(len(one) != HASH_BYTES for one in proof):
        raise FormatError(f"each line of the proof is a hash of {HASH_BYTES} bytes")
    return AddCheckpoint(decimal(first.removeprefix("old ")), proof, checkpoint)


class Witness:
    """One witness: its keys, the logs it knows with their keys, and its memory."""

    def __init__(
        self,
        signers: Sequence[WitnessSigner],
        logs: Mapping[str, Sequence[NoteKey]],
        state: WitnessState,
    ) -> None:
        self._signers = tuple(signers)
        self._logs = logs
        self._state = state

    def add_checkpoint(self, raw: bytes, at_s: int) -> Answer:
        """Answer a request that came at `at_s` seconds since 1970-01-01 UTC.

        (1) Read the request: 400 if it is malformed. (2) Know the log: 404. (3) Find its signature:
        403. (4) The old size is not above the new: 400. (5) The old size is the remembered one: 409
        and the remembered size, so that the log can try again from there. (6) Trees of one size
        have one root: 409. (7) The proof shows that the new tree continues the old: 422.
        (8) Remember it, or 409 if another request came first. (9) Cosign.
        """
        # (1) Read.
        try:
            request = parse_request(raw)
            note = parse_note(request.checkpoint)
            checkpoint = parse_text(note.text)
        except FormatError as problem:
            return _refusal(400, problem)
        # (2) The log.
        keys = self._logs.get(checkpoint.origin)
        if keys is None:
            return _refusal(404, "this witness does not know the log; ask its operator to add it")
        # (3) Its signature.
        try:
            if not verify_note(note, keys):
                return _refusal(403, "no key known for this log has signed the checkpoint")
        except SignatureError as problem:
            return _refusal(403, problem)
        # (4) to (7) Does it continue what was cosigned before?
        seen = self._state.load(checkpoint.origin)
        if refusal := _discontinued(request, checkpoint, seen):
            return refusal
        # (8) Remember. The cosignature must not exist before this is durable: after a crash in
        # between, the log asks again with the size that is remembered, and gets it then.
        new = Seen(checkpoint.size, checkpoint.root)
        if not self._state.compare_and_store(checkpoint.origin, seen, new):
            return _conflict(self._state.load(checkpoint.origin))
        # (9) Cosign.
        lines = [f"{signer.cosign(note.text, at_s).line()}\n" for signer in self._signers]
        return Answer(200, "".join(lines).encode())


class Conflict(NamedTuple):
    """The witness remembers another size than the request believed: try again from this one."""

    size: int


class RefusedError(SignatureError):
    """A witness will not cosign, and asking again with another proof will not change that."""


def read_answer(
    status: int, body: bytes, request: AddCheckpoint, key: WitnessKey
) -> Signature | Conflict:
    """What the answer of a witness means to the log that sent `request`.

    Gives the cosignature by `key`, verified, or a `Conflict`. Raises `RefusedError` for every
    other status, and where the witness has seen another root at the very size that was believed:
    one of both then holds a log that was rewritten. Raises `FormatError` or `SignatureError` for
    an answer that is not one.
    """
    if status == 200:
        return read_cosignatures(body, parse_note(request.checkpoint).text, [key])[-1]
    text = body[:200].decode("ascii", "replace").strip()
    if status == 409:
        size = decimal(text)
        if size != request.old_size:
            return Conflict(size)
        text = f"it has seen another tree of {size} entries"
    raise RefusedError(f"the witness {key.name} refuses to cosign (status {status}): {text!a}")


def _discontinued(
    request: AddCheckpoint, checkpoint: Checkpoint, seen: Seen | None
) -> Answer | None:
    """Steps (4) to (7): the refusal, or `None` if the checkpoint continues what was seen."""
    if request.old_size > checkpoint.size:
        return _refusal(400, "the old size is above the size of the checkpoint")
    if request.old_size != (seen.size if seen else 0):
        return _conflict(seen)
    if seen and seen.size == checkpoint.size and seen.root != checkpoint.root:
        return _conflict(seen)
    if request.old_size == 0 or seen is None:
        return _refusal(422, "from size 0 the proof is empty") if request.proof else None
    try:
        verify_consistency(seen.size, checkpoint.size, seen.root, checkpoint.root, request.proof)
    except ProofError as problem:
        return _refusal(422, problem)
    return None


def _refusal(status: int, reason: object) -> Answer:
    return Answer(status, f"{reason}\n".encode())


def _conflict(seen: Seen | None) -> Answer:
    return Answer(409, f"{seen.size if seen else 0}\n".encode(), SIZE_MEDIA_TYPE)
