"""Folding the rows of the journal into the log, behind the answers.

One fold, step by step:

(1) read the rows after the last one that was folded, and make their entries;
(2) grow the tree, and have the files of its new size written: durable when `write` returns;
(3) sign the checkpoint, and keep it in the history of what was signed: durable before anybody sees it;
(4) ask the witnesses to cosign it; one that does not answer is left out, and told about;
(5) publish the checkpoint with the cosignatures that came.

Nothing is remembered that could be lost. Whoever starts, after whatever crash, takes the largest
tree that was ever signed, checks that the files still give its root, and goes on with (1). A crash
before (3) leaves files of which nobody was told, and the next fold writes the same bytes again or a
longer piece beside them; between (3) and (5), the signed tree is published with the next fold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import Row
from kanhe.record.log.checkpoint import (
    Checkpoint,
    parse_text,
    sign_checkpoint,
    with_signatures,
)
from kanhe.record.log.cosignature import WitnessKey, cosigners
from kanhe.record.log.entries import Entries
from kanhe.record.log.errors import LogError, SignatureError
from kanhe.record.log.merkle import prove_consistency
from kanhe.record.log.note import Note, NoteSigner, Signature, parse_note
from kanhe.record.log.ports import CosigningWitness, GrowingLog
from kanhe.record.log.tiles import Edge, TileNodes, grow, read_edge
from kanhe.record.log.witness import AddCheckpoint, Conflict

MOST_AT_ONCE = 16_384
"""Rows folded at a time: a sequencer that is far behind still publishes every second or so."""


Rows = Callable[[int], Iterator[Row]]
"""The committed rows with a number above the one given, in order."""


class Folded(NamedTuple):
    """What one fold did."""

    size: int
    """The size of the tree that is published now."""
    added: int
    """How many rows were folded."""
    cosigned: int
    """How many witnesses have cosigned it."""
    troubles: tuple[str, ...]
    """Why others have not."""


class Sequencer:
    """The one writer of a log. Two of them on one log would write the same, and one is refused.

    `signers` gives the keys in force at each fold: two of them while one takes the other's place.
    """

    def __init__(
        self,
        rows: Rows,
        entries: Entries,
        log: GrowingLog,
        origin: str,
        signers: Callable[[], Sequence[NoteSigner]],
        witnesses: Sequence[CosigningWitness],
    ) -> None:
        """Raises `StorageError` if the files do not give the root that was signed last."""
        self._rows = rows
        self._entries = entries
        self._log = log
        self._origin = origin
        self._signers = signers
        self._witnesses = tuple(witnesses)
        self._cosigned_size = [0] * len(self._witnesses)
        self._note: Note | None = None
        self._edge = self._last_signed()

    @property
    def size(self) -> int:
        """How many rows are folded."""
        return self._edge.size

    def fold(self, *, again: bool = False) -> Folded | None:
        """Fold what is new; `None` if nothing is.

        With `again`, witnesses that have not cosigned the last tree are asked once more although
        nothing is new. Raises `StorageError` if the journal or the files cannot be used; the next
        call tries again.
        """
        # (1) Read, and make entries.
        rows = islice(self._rows(self._edge.size), MOST_AT_ONCE)
        entries = [self._entries.of(row) for row in rows]
        signers = self._signers()
        if entries or not self._signed_by(signers):
            # (2) Grow.
            edge, files = grow(self._edge, entries)
            self._log.write(files)
            # (3) Sign. From here on this tree must be continued, whatever happens.
            note = sign_checkpoint(Checkpoint(self._origin, edge.size, edge.root()), signers)
            self._log.keep_signed(note.encode())
            self._edge, self._note = edge, note
        elif self._is_published() and not (again and self._lacks_cosignatures()):
            return None
        assert self._note is not None, "it is signed by these signers"
        # (4) Ask the witnesses.
        signatures, troubles = self._ask(self._note)
        # (5) Publish.
        self._log.publish(with_signatures(self._note, signatures).encode())
        self._log.sweep(self._edge.size)
        return Folded(self._edge.size, len(entries), len(signatures), tuple(troubles))

    def _last_signed(self) -> Edge:
        raw = self._log.last_signed()
        if raw is None:
            return Edge()
        try:
            self._note = parse_note(raw)
            signed = parse_text(self._note.text)
            edge = read_edge(self._log.read, signed.size)
        except LogError as error:
            raise StorageError(f"the log is damaged: {error}") from error
        if signed.origin != self._origin:
            raise StorageError(
                f"the log's name is {signed.origin!r}, and not {self._origin!r}: a log keeps its name"
                " (the setting log_origin) for ever"
            )
        if edge.root() != signed.root:
            raise StorageError(
                f"the log is damaged: its files do not give the root that was signed for"
                f" {signed.size} entries; restore them from a copy, or from whoever mirrors the log"
            )
        return edge

    def _signed_by(self, signers: Sequence[NoteSigner]) -> bool:
        """Whether just these keys have signed the last tree. An empty log is not signed at all."""
        if self._note is None:
            return self._edge.size == 0
        signed = {(signature.name, signature.key_id) for signature in self._note.signatures}
        return signed == {(signer.key.name, signer.key.key_id) for signer in signers}

    def _is_published(self) -> bool:
        """Whether the tree that was signed last is the published one."""
        if self._note is None:
            return True
        raw = self._log.checkpoint()
        return raw is not None and parse_note(raw).text == self._note.text

    def _lacks_cosignatures(self) -> bool:
        return any(size < self._edge.size for size in self._cosigned_size)

    def _ask(self, note: Note) -> tuple[list[Signature], list[str]]:
        signatures: list[Signature] = []
        troubles: list[str] = []
        for number, witness in enumerate(self._witnesses):
            try:
                signatures.append(self._cosigned(number, witness, note))
                self._cosigned_size[number] = self._edge.size
            except (StorageError, LogError) as error:
                troubles.append(f"{witness.key.name}: {error}")
        return signatures, troubles

    def _cosigned(self, number: int, witness: CosigningWitness, note: Note) -> Signature:
        """One witness's cosignature; asked a second time if it remembers another size."""
        size = self._edge.size
        answer = self._ask_from(self._cosigned_size[number], witness, note)
        if isinstance(answer, Conflict) and answer.size <= size:
            self._cosigned_size[number] = answer.size
            answer = self._ask_from(answer.size, witness, note)
        if isinstance(answer, Conflict):
            raise SignatureError(
                f"it has cosigned a tree of {answer.size} entries that this one of {size} does not"
                " continue: either the log was rolled back, or somebody else signs with its key"
            )
        return answer

    def _ask_from(self, old: int, witness: CosigningWitness, note: Note) -> Signature | Conflict:
        """Ask for a cosignature with the proof from a tree of `old` entries."""
        size = self._edge.size
        nodes = TileNodes(self._log.read, size)
        proof = prove_consistency(nodes, old, size) if 0 < old < size else ()
        return witness.cosign(AddCheckpoint(old, tuple(proof), note.encode()))


def cosignatures(raw: bytes, keys: Sequence[WitnessKey]) -> int:
    """How many of these witnesses have cosigned a published checkpoint; raises `LogError`."""
    return len(cosigners(parse_note(raw), keys, 0))
