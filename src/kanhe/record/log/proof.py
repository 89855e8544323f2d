"""Proofs as files (C2SP tlog-proof): one entry's place in a log, for checking without the log.

The entry itself is not part of the format. Whoever checks has it from elsewhere, or from the extra
data, which is not authenticated by the format: see `kanhe.record.log.receipt`.
"""

from __future__ import annotations

from typing import NamedTuple

from kanhe.record.log.checkpoint import decimal
from kanhe.record.log.errors import FormatError
from kanhe.record.log.merkle import HASH_BYTES
from kanhe.record.log.note import from_base64, to_base64

HEADER = "c2sp.org/tlog-proof@v1"
MEDIA_TYPE = "text/plain; charset=utf-8"
SUFFIX = ".tlog-proof"
MAX_HASHES = 63
"""No tree of fewer than 2**63 leaves is deeper."""


class LogProof(NamedTuple):
    """What a `.tlog-proof` file holds."""

    leaf_index: int
    """The place of the entry in the log, from 0."""
    hashes: tuple[bytes, ...]
    """The inclusion proof, from the leaf's sibling up."""
    checkpoint: bytes
    """The signed checkpoint as the log published it, cosignatures included."""
    extra: bytes | None = None
    """Whatever belongs to the application."""


def encode_proof(proof: LogProof) -> bytes:
    """The bytes of a `.tlog-proof` file."""
    lines = [HEADER]
    if proof.extra is not None:
        lines.append(f"extra {to_base64(proof.extra)}")
    lines.append(f"index {proof.leaf_index}")
    lines += map(to_base64, proof.hashes)
    return "\n".join([*lines, "", ""]).encode() + proof.checkpoint


def parse_proof(raw: bytes) -> LogProof:
    """Read a `.tlog-proof` file; raises `FormatError` unless every line is as the format says.

    The checkpoint is taken as it stands; `checkpoint.open_checkpoint` reads it.
    """
    head, gap, checkpoint = raw.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise FormatError("the head of a proof is ASCII") from None
    if not gap or lines.pop(0) != HEADER:
        raise FormatError(f"a proof begins with the line {HEADER} and has a checkpoint at its end")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = from_base64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise FormatError("a proof says at which index its entry stands: a line such as 'index 7'")
    index = decimal(lines.pop(0).removeprefix("index "))
    if len(lines) > MAX_HASHES:
        raise FormatError(f"a proof has at most {MAX_HASHES} hashes, this one {len(lines)}")
    hashes = tuple(map(from_base64, lines))
    if any(len(one) != HASH_BYTES for one in hashes):
        raise FormatError(f"each hash of a proof has {HASH_BYTES} bytes")
    return LogProof(index, hashes, checkpoint, extra)
