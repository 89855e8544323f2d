"""Cosignatures (C2SP tlog-cosignature, Ed25519): a witness says when it saw which tree.

A cosignature is the statement that, at its time, this was the largest tree of this log that the
witness had seen, and that it continues every tree the witness had seen before.
"""

from __future__ import annotations

from collections.abc import Sequence

from kanhe.record.log.errors import FormatError, SignatureError
from kanhe.record.log.note import (
    Ed25519Key,
    Ed25519Signer,
    Note,
    Signature,
    parse_signature,
    signed_by,
    verify_note,
)

COSIGNATURE_V1 = 0x04
"""The signature type of a timestamped Ed25519 cosignature."""

_TIME_BYTES = 8
_VALUE_BYTES = _TIME_BYTES + 64
_MAX_TIME_S = 2**63 - 1


class WitnessKey(Ed25519Key):
    """A key that checks the cosignatures of one witness."""

    algorithm = COSIGNATURE_V1

    def verifies(self, text: str, value: bytes) -> bool:
        """Whether `value` is this witness's time and signature over a checkpoint's text."""
        if len(value) != _VALUE_BYTES or value[0] & 0x80:
            return False
        message = _message(int.from_bytes(value[:_TIME_BYTES], "big"), text)
        return signed_by(self._key, message, value[_TIME_BYTES:])


class WitnessSigner(Ed25519Signer):
    """The key of a witness.

    The signed message does not name the witness, so each witness needs a key of its own.
    """

    algorithm = COSIGNATURE_V1

    def __init__(self, name: str, seed: bytes) -> None:
        """See `Ed25519Signer`."""
        super().__init__(name, seed)
        self.key = WitnessKey(name, self.public)

    def cosign(self, text: str, at_s: int) -> Signature:
        """Cosign a checkpoint's text at `at_s` seconds since 1970-01-01 UTC.

        Only `kanhe.record.log.witness` may do so, after its checks.
        """
        if not 0 <= at_s <= _MAX_TIME_S:
            raise FormatError(f"a cosignature cannot be made at {at_s} s; is the clock set?")
        value = at_s.to_bytes(_TIME_BYTES, "big") + self._secret.sign(_message(at_s, text))
        return Signature(self.key.name, self.key.key_id, value)


def cosigned_at(signature: Signature) -> int:
    """When a verified cosignature was made, in seconds since 1970-01-01 UTC."""
    return int.from_bytes(signature.value[:_TIME_BYTES], "big")


def cosigners(note: Note, keys: Sequence[WitnessKey], required: int) -> tuple[WitnessKey, ...]:
    """The witnesses among `keys` that cosigned a checkpoint.

    Raises `SignatureError` if they are fewer than `required`, or if one of their signatures does
    not hold. Two names of one key count once.
    """
    found = verify_note(note, keys)
    distinct = {key.public: key for key in keys if key in found}
    if len(distinct) < required:
        names = ", ".join(key.name for key in distinct.values()) or "none"
        raise SignatureError(
            f"{required} witnesses must have cosigned the checkpoint, but only these have: {names}"
        )
    return tuple(distinct.values())


def read_cosignatures(
    answer: bytes, text: str, keys: Sequence[WitnessKey]
) -> tuple[Signature, ...]:
    """The signatures of known witnesses in a witness's answer; those of unknown keys are left out.

    Raises `FormatError` if the answer is malformed, `SignatureError` if a known witness's signature
    does not hold, or none is there.
    """
    try:
        lines = answer.decode()
    except UnicodeDecodeError:
        raise FormatError("the answer of a witness is not UTF-8") from None
    if not lines.endswith("\n"):
        raise FormatError("the answer of a witness ends in a newline")
    given = tuple(map(parse_signature, lines[:-1].split("\n")))
    known = {(key.name, key.key_id) for key in verify_note(Note(text, given), keys)}
    if not known:
        raise SignatureError("the witness has answered with no signature of a key that is known")
    return tuple(one for one in given if (one.name, one.key_id) in known)


def _message(at_s: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()
