"""What the log asks of whatever keeps its files, and of the witnesses that cosign it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from kanhe.core.errors import StorageError
from kanhe.record.log.cosignature import WitnessKey
from kanhe.record.log.note import Signature
from kanhe.record.log.tiles import TileFile
from kanhe.record.log.witness import AddCheckpoint, Conflict

CHECKPOINT = "checkpoint"
"""Where the published checkpoint stands below the log's prefix (C2SP tlog-tiles)."""


class WitnessDown(StorageError):
    """A witness could not be reached, was too slow, or answered what no witness answers."""


class PublishedLog(Protocol):
    """The published files of one log, for whoever reads them."""

    def read(self, path: str, /) -> bytes | None:
        """The bytes at this path below the log's prefix (`tiles.TileReader`); `None` if absent.

        Raises `FormatError` for what is neither the path of a tile or bundle nor `checkpoint`, so
        that no path leads elsewhere, and `StorageError` if the file cannot be read.
        """

    def checkpoint(self) -> bytes | None:
        """The published checkpoint; `None` before the first. Everything it needs can be read."""

    def signed(self) -> Iterator[bytes]:
        """Every checkpoint that was ever signed, oldest first, published or not."""

    def torn(self) -> bytes:
        """What stands behind the last whole checkpoint in that history, normally nothing.

        An append that a crash has cut short, or one that is being made right now: it was never
        published, and is cut off before the next one.
        """


class GrowingLog(PublishedLog, Protocol):
    """The same files for their one writer.

    Everything is durable when a call returns, and may or may not be there when it raises
    `StorageError`; doing the same call again is always right.
    """

    def write(self, files: Sequence[TileFile]) -> None:
        """Keep tiles and bundles. What is there with the same bytes is left alone.

        Raises `StorageError` that names the file if it is there with other bytes: published bytes
        never change. Nothing is ever there in part.
        """

    def keep_signed(self, note: bytes) -> None:
        """Add a checkpoint to the history of all that were signed. To be done before anybody sees it.

        Raises what `checkpoint.check_growth` raises if it cannot follow the last one.
        """

    def last_signed(self) -> bytes | None:
        """The newest checkpoint that was kept as signed; `None` before the first.

        It may be ahead of the published one, if a crash or a missing cosignature came in between.
        Whatever is signed next continues it.
        """

    def publish(self, checkpoint: bytes) -> None:
        """Put a checkpoint in the place of the published one, at once.

        Raises what `checkpoint.check_growth` raises if it cannot follow the one before, or if it is
        ahead of all that was kept as signed.
        """

    def sweep(self, size: int) -> int:
        """Remove the partial tiles and bundles whose full one the published tree of `size` has.

        Returns how many files went. Never goes beyond the published checkpoint.
        """

    def close(self) -> None:
        """Give the log free for another writer."""


class CosigningWitness(Protocol):
    """A witness, as the log that asks it sees it."""

    @property
    def key(self) -> WitnessKey:
        """The key that its cosignatures are checked with."""

    def cosign(self, request: AddCheckpoint) -> Signature | Conflict:
        """Ask for a cosignature; it has been verified when it is returned.

        A `Conflict` tells the size from which to prove instead. Raises `witness.RefusedError` if it
        will not cosign, `WitnessDown` if there is no answer that can be used.
        """
