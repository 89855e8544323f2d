"""Receipts: a proof file whose extra data holds the entry, and what opens it for whoever may see.

The extra data is JSON: `entry` is the entry's text; `event` and `event_salt` open its commitment to
the event, `answer` and `answer_salt` that to the answer. Each pair may be left out. None of it is
believed as it stands: the entry is what the inclusion proof proves, and the pairs are what the
entry's commitments fit.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import Row
from kanhe.record.log.checkpoint import parse_text
from kanhe.record.log.entry import commit_answer, commit_event, parse_entry, salt_halves
from kanhe.record.log.errors import FormatError, LogError, ProofError
from kanhe.record.log.merkle import leaf_hash, prove_inclusion, verify_inclusion
from kanhe.record.log.note import parse_note
from kanhe.record.log.proof import LogProof, encode_proof, parse_proof
from kanhe.record.log.tiles import TileNodes, TileReader


class Opening(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a receipt's extra data holds; `str` where bytes are UTF-8, hex for halves of salts."""

    entry: str
    event: str | None = None
    event_salt: str | None = None
    answer: str | None = None
    answer_salt: str | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Opening).decode


def opening_of(
    entry: bytes, salt: bytes = b"", event: bytes | None = None, answer: bytes | None = None
) -> Opening:
    """An entry, opened as far as event and answer are given; `salt` is the row's whole salt.

    Raises `ProofError` if what is given does not fit the entry.
    """
    first, second = salt_halves(salt)
    opening = Opening(
        entry.decode(),
        None if event is None else event.decode(),
        None if event is None else first.hex(),
        None if answer is None else answer.decode(),
        None if answer is None else second.hex(),
    )
    check_opening(opening)
    return opening


def check_opening(opening: Opening) -> None:
    """Check that what is opened fits the entry's commitments; raises `FormatError` or `ProofError`."""
    entry = parse_entry(opening.entry.encode())
    for what, text, salt, committed, commit in (
        ("event", opening.event, opening.event_salt, entry.event, commit_event),
        ("answer", opening.answer, opening.answer_salt, entry.answer, commit_answer),
    ):
        if (text is None) != (salt is None):
            raise FormatError(f"{what} and {what}_salt come together or not at all")
        if text is None or salt is None:
            continue
        try:
            half = bytes.fromhex(salt)
        except ValueError:
            raise FormatError(f"{what}_salt is written in hex") from None
        if len(half) != 16 or commit(half, text.encode()) != committed:
            raise ProofError(f"the {what} is not the one that the entry was made from")


def encode_receipt(
    index: int, hashes: Sequence[bytes], checkpoint: bytes, opening: Opening
) -> bytes:
    """The bytes of a receipt, a `.tlog-proof` file."""
    return encode_proof(LogProof(index, tuple(hashes), checkpoint, _encode(opening)))


def receipt_of(
    read: TileReader, checkpoint: bytes, row: Row, entry: bytes, *, with_event: bool
) -> bytes | None:
    """The receipt of one row, whose `entry` the log has; `None` if it is not folded yet.

    `checkpoint` is the published one. The answer is opened, and with `with_event` the event too; of
    a row that was erased neither can be. Raises `StorageError` if the log does not prove the entry:
    a receipt that would not verify is never given out.
    """
    signed = parse_text(parse_note(checkpoint).text)
    index = row.seq - 1
    if index >= signed.size:
        return None
    try:
        hashes = prove_inclusion(TileNodes(read, signed.size), index, signed.size)
        verify_inclusion(index, signed.size, leaf_hash(entry), signed.root, hashes)
        event = row.body if with_event and row.salt else None
        answer = row.answer if row.salt and row.answer else None
        return encode_receipt(index, hashes, checkpoint, opening_of(entry, row.salt, event, answer))
    except LogError as error:
        raise StorageError(
            f"the log does not prove the entry of row {row.seq} ({error}): run 'kanhe ledger audit'"
        ) from error


def parse_receipt(raw: bytes) -> tuple[LogProof, Opening]:
    """Read a receipt; raises `FormatError`. Nothing of it is verified: see `verify`."""
    proof = parse_proof(raw)
    if proof.extra is None:
        raise FormatError("the proof holds no entry; a receipt of Kanhe has one as extra data")
    try:
        opening = _decode(proof.extra)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise FormatError(f"the receipt's extra data cannot be read: {problem}") from None
    if _encode(opening) != proof.extra:
        raise FormatError("the receipt's extra data is not written in its one canonical way")
    return proof, opening
