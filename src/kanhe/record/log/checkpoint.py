"""Checkpoints (C2SP tlog-checkpoint): how large a log is and what its root is, signed.

Whoever signs two checkpoints of which one is not the beginning of the other has shown that the log
was rewritten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kanhe.record.log.errors import FormatError, ProofError, RangeError, SignatureError
from kanhe.record.log.merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE
from kanhe.record.log.note import (
    Note,
    NoteKey,
    NoteSigner,
    Signature,
    from_base64,
    parse_note,
    sign_note,
    to_base64,
    verify_note,
)

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


class Checkpoint(NamedTuple):
    """What a log says about itself at one moment."""

    origin: str
    """The unique name of the log, such as `shop.example/kanhe`."""
    size: int
    root: bytes
    """32 bytes, the root of the tree of `size` leaves (RFC 6962)."""
    extensions: tuple[str, ...] = ()
    """Further lines, which nobody can audit; Kanhe writes none."""

    def text(self) -> str:
        """The text that is signed."""
        return "".join(
            f"{line}\n" for line in (self.origin, self.size, to_base64(self.root), *self.extensions)
        )


def parse_text(text: str) -> Checkpoint:
    """Read the text of a checkpoint; raises `FormatError`."""
    if not text.endswith("\n"):
        raise FormatError("a checkpoint ends in a newline")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise FormatError("a checkpoint has three lines or more, and none is empty")
    origin, size, root = lines[:3]
    checkpoint = Checkpoint(origin, decimal(size), from_base64(root), tuple(lines[3:]))
    if len(checkpoint.root) != HASH_BYTES:
        raise FormatError(f"the root of a log has {HASH_BYTES} bytes, not {len(checkpoint.root)}")
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise FormatError("an empty log has the root that RFC 6962 gives it, and no other")
    return checkpoint


def read_checkpoint(raw: bytes) -> Checkpoint:
    """The checkpoint in a signed note, believed without looking at the signatures.

    Only for what one has written oneself. Raises `FormatError`, also where a line of the text looks
    like a signature: then the end of the note could not be told from its middle.
    """
    note = parse_note(raw)
    if "\n\u2014 " in f"\n{note.text}":
        raise FormatError("no line of a checkpoint may look like a signature")
    return parse_text(note.text)


def check_growth(before: Checkpoint | None, after: Checkpoint) -> None:
    """Raise unless `after` can be a later checkpoint of the log that signed `before`.

    `FormatError` if it is another log's, `RangeError` if it is smaller, `ProofError` if it has
    another root at the same size. Whether a larger tree continues a smaller one takes a proof.
    """
    if before is None:
        return
    if after.origin != before.origin:
        raise FormatError(f"this is the log {before.origin[:80]!r}, not {after.origin[:80]!r}")
    if after.size < before.size:
        raise RangeError(f"a log only grows: it cannot go from {before.size} to {after.size}")
    if after.size == before.size and after.root != before.root:
        raise ProofError(
            f"the log had another root when it had {before.size} entries: it has been rewritten"
        )


def check_published(published: Checkpoint | None, signed: Checkpoint | None) -> None:
    """Raise as `check_growth` does unless what is published is among, or before, what was signed."""
    if published is not None and signed is None:
        raise RangeError("a checkpoint is kept as signed before it is published")
    if published is not None and signed is not None:
        check_growth(published, signed)


def sign_checkpoint(checkpoint: Checkpoint, signers: Iterable[NoteSigner]) -> Note:
    """The signed checkpoint. While a key is being replaced, the old and the new one both sign.

    The caller must never have signed a checkpoint that this one does not continue.
    """
    if parse_text(checkpoint.text()) != checkpoint:
        raise FormatError("the checkpoint cannot be written: a line of it is empty or breaks")
    return sign_note(checkpoint.text(), signers)


def open_checkpoint(raw: bytes, origin: str, keys: Sequence[NoteKey]) -> tuple[Checkpoint, Note]:
    """Read a checkpoint and check that the log `origin` has signed it with one of `keys`.

    Raises `FormatError` if it is malformed, `SignatureError` if it is another log's or not signed.
    """
    note = parse_note(raw)
    checkpoint = parse_text(note.text)
    if checkpoint.origin != origin:
        raise SignatureError(
            f"the checkpoint is of the log {checkpoint.origin[:80]!r}, not of {origin!r}"
        )
    if not verify_note(note, keys):
        raise SignatureError(
            f"no key that is trusted for {origin!r} has signed the checkpoint; is the key of the"
            " log still the one you have?"
        )
    return checkpoint, note


def with_signatures(note: Note, more: Iterable[Signature]) -> Note:
    """The same note with further signature lines; of one key only the last is kept."""
    last = {(one.name, one.key_id): one for one in (*note.signatures, *more)}
    return note._replace(signatures=tuple(last.values()))


def decimal(text: str) -> int:
    """A size or index as C2SP writes it: ASCII digits, no leading zero, at most 2**63 - 1."""
    if _DECIMAL.fullmatch(text) and (value := int(text)) <= MAX_SIZE:
        return value
    raise FormatError(f"{text[:40]!r} is no number from 0 to {MAX_SIZE} without leading zeros")
