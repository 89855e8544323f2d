"""Reading a whole log again, and holding it against the journal and against all that was signed.

(1) Every checkpoint that was ever signed is read: each bears the log's name and a signature of a key
that may sign it, and no later one is smaller.
(2) The rows of the journal are read from the first on; each makes its entry again.
(3) The entries make the tree again, bundle by bundle; every file must be there with just these bytes.
(4) Wherever the tree reaches a size that was signed, its root must be the one that was signed.
(5) The published checkpoint must be the last one of them.

The first thing that does not fit ends the audit and is named. What it proves, and what it does not:
`docs/log.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import ERASED, Row
from kanhe.record.log.checkpoint import Checkpoint, open_checkpoint
from kanhe.record.log.cosignature import WitnessKey
from kanhe.record.log.entries import Entries
from kanhe.record.log.errors import LogError
from kanhe.record.log.note import Note, NoteKey, Verifier, verify_note
from kanhe.record.log.ports import PublishedLog
from kanhe.record.log.tiles import (
    ENTRIES,
    WIDTH,
    Edge,
    Tile,
    TileFile,
    grow,
    parse_bundle,
    parse_path,
    read_bundle,
)

CHUNK = 64 * WIDTH
"""Rows that are folded at a time, unless a signed size lies within."""

Progress = Callable[[int, int], None]
"""Told the rows done and the rows in all."""


class Misfit(LogError):
    """The first thing that does not fit, in words; `seq` is its row, 0 if it is none's."""

    def __init__(self, text: str, seq: int = 0) -> None:
        super().__init__(text)
        self.seq = seq


class Audited(NamedTuple):
    """What was found to fit."""

    size: int
    """Entries of the published log, each of which fits its row."""
    waiting: int
    """Rows of the journal that are not folded yet."""
    signed: int
    """Checkpoints that were ever signed."""
    keys: tuple[str, ...]
    """The keys that signed them, as text, in the order of their first signature."""
    erased: int
    """Rows that were erased, of which only the entry is left."""
    root: bytes


def audit(
    log: PublishedLog,
    rows: Iterable[Row],
    total: int,
    entries: Entries,
    origin: str,
    keys: Sequence[NoteKey],
    witnesses: Sequence[WitnessKey] = (),
    progress: Progress = lambda done, total: None,
) -> Audited:
    """Audit a log against its journal of `total` rows; raises `Misfit`, or `StorageError`.

    `keys` are all that may ever have signed. Take them from somebody who noted them in time: whoever
    can replace the log can replace the keys that lie beside it. `witnesses` are those whose
    cosignatures the published checkpoint may bear.
    """
    # (1) What was signed.
    signed, signers = _signed(log, origin, keys)
    sizes = {checkpoint.size: checkpoint.root for checkpoint in signed}
    last = signed[-1] if signed else None
    # (2) to (4) The tree, made again.
    walk = _Walk(log, iter(rows), entries, progress, total, last.size if last else 0)
    for size, root in sizes.items():
        walk.to(size)
        if walk.edge.root() != root:
            raise Misfit(
                f"the root that was signed for {size} entries is not the root of the first {size}"
                " rows: the log that was shown then had other entries"
            )
    # (5) What is published.
    _check_published(log, origin, keys, witnesses, last)
    return Audited(
        walk.edge.size, total - walk.edge.size, len(signed), signers, walk.erased, walk.edge.root()
    )


def _signed(
    log: PublishedLog, origin: str, keys: Sequence[NoteKey]
) -> tuple[list[Checkpoint], tuple[str, ...]]:
    """Step (1): all checkpoints, oldest first, and who signed them."""
    found: list[Checkpoint] = []
    signers: dict[str, None] = {}
    for number, raw in enumerate(log.signed(), 1):
        try:
            checkpoint, note = open_checkpoint(raw, origin, keys)
        except LogError as error:
            raise Misfit(
                f"the {number}th checkpoint that was signed does not hold: {error}"
            ) from error
        signers |= dict.fromkeys(
            map(str, _signers(note, keys, f"the {number}th checkpoint that was signed"))
        )
        if found and checkpoint.size < found[-1].size:
            raise Misfit(
                f"the {number}th checkpoint that was signed is for {checkpoint.size} entries, and the"
                f" one before it for {found[-1].size}: a log never shrinks"
            )
        if found and checkpoint.size == found[-1].size and checkpoint.root != found[-1].root:
            raise Misfit(f"two roots were signed for one size, {checkpoint.size}: a fork")
        found.append(checkpoint)
    return found, tuple(signers)


def _signers(note: Note, keys: Sequence[Verifier], what: str) -> list[Verifier]:
    """The keys behind all signatures of a note; raises `Misfit` if one of them is unknown."""
    known = {(key.name, key.key_id): key for key in keys}
    found = []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            raise Misfit(
                f"{what} bears a signature of {signature.name[:80]!r} by a key that is not known:"
                " either it was altered, or a key is missing from those that you trust"
            )
        found.append(key)
    return found


class _Walk:
    """Steps (2) and (3), as far as the next size that was signed."""

    def __init__(
        self,
        log: PublishedLog,
        rows: Iterator[Row],
        entries: Entries,
        progress: Progress,
        total: int,
        last: int,
    ) -> None:
        self._last = last
        self._log = log
        self._rows = rows
        self._entries = entries
        self._progress = progress
        self._total = total
        self.edge = Edge()
        self.erased = 0

    def to(self, size: int) -> None:
        """Make the tree of the first `size` rows, and compare its files."""
        while self.edge.size < size:
            want = min(size, self.edge.size - self.edge.size % CHUNK + CHUNK) - self.edge.size
            self._some(want)
            self._progress(self.edge.size, self._total)

    def _some(self, count: int) -> None:
        made: list[bytes] = []
        for row in islice(self._rows, count):
            due = self.edge.size + len(made) + 1
            if row.seq != due:
                raise Misfit(f"row {due} of the journal is missing", due)
            self.erased += row.kind == ERASED
            try:
                made.append(self._entries.of(row))
            except (StorageError, LogError) as error:
                raise Misfit(f"row {row.seq} makes no entry: {error}", row.seq) from error
        if len(made) < count:
            due = self.edge.size + len(made) + 1
            raise Misfit(
                f"the log has an entry for row {due}, and the journal has no such row", due
            )
        edge, files = grow(self.edge, made)
        for file in files:
            self._compare(file, passing=edge.size < self._last)
        self.edge = edge

    def _compare(self, file: TileFile, *, passing: bool) -> None:
        """A file must be there with the bytes the rows make, or as the beginning of a fuller one.

        Partial ones that are `passing` need not be there at all: nobody ever signed for them.
        """
        tile = parse_path(file.path)
        found = self._log.read(file.path)
        if found is None and tile.width < WIDTH:
            fuller = self._log.read(tile._replace(width=WIDTH).path)
            if fuller is None and passing and tile.level != ENTRIES:
                return
            found = fuller[: len(file.content)] if fuller is not None else None
        if found == file.content:
            return
        if tile.level == ENTRIES:
            raise self._in_bundle(tile, file.content)
        if found is None:
            raise Misfit(f"{file.path} is missing: restore it from a copy or a mirror of the log")
        raise Misfit(
            f"{file.path} does not hold the hashes of the entries below it: it was altered"
        )

    def _in_bundle(self, tile: Tile, content: bytes) -> Misfit:
        """The first entry of a bundle that does not fit its row."""
        first = tile.number * WIDTH + 1
        try:
            kept = read_bundle(self._log.read, tile.number, tile.width)
        except LogError as error:
            return Misfit(f"the entries from row {first} on cannot be read: {error}", first)
        for seq, (made, entry) in enumerate(
            zip(parse_bundle(content, tile.width), kept, strict=True), first
        ):
            if made != entry:
                return Misfit(
                    f"row {seq} of the journal does not fit its entry in the log: one of them was"
                    f" altered. The row would be {made[:400]!r}, the log has {entry[:400]!r}",
                    seq,
                )
        return Misfit(f"{tile.path} was altered", first)


def _check_published(
    log: PublishedLog,
    origin: str,
    keys: Sequence[NoteKey],
    witnesses: Sequence[WitnessKey],
    last: Checkpoint | None,
) -> None:
    """Step (5)."""
    raw = log.checkpoint()
    if raw is None:
        if last is not None:
            raise Misfit("a checkpoint was signed, and none is published: the file was removed")
        return
    try:
        checkpoint, note = open_checkpoint(raw, origin, keys)
        verify_note(note, witnesses)
    except LogError as error:
        raise Misfit(f"the published checkpoint does not hold: {error}") from error
    _signers(note, [*keys, *witnesses], "the published checkpoint")
    if checkpoint != last:
        raise Misfit("the published checkpoint is not the one that was signed last")
