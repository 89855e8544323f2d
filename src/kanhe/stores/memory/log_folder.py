"""The twin of a log's folder, for tests and throwaway runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kanhe.core.errors import StorageError
from kanhe.record.log.checkpoint import (
    Checkpoint,
    check_growth,
    check_published,
    read_checkpoint,
)
from kanhe.record.log.ports import CHECKPOINT
from kanhe.record.log.tiles import WIDTH, TileFile, parse_path


class MemoryLogFolder:
    """A `GrowingLog` that forgets everything with the process."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._notes: list[bytes] = []
        self._signed: Checkpoint | None = None
        self._published: Checkpoint | None = None

    def read(self, path: str, /) -> bytes | None:
        """The bytes at this path below the log's prefix; see `ports.PublishedLog.read`."""
        if path != CHECKPOINT:
            parse_path(path)
        return self._files.get(path)

    def checkpoint(self) -> bytes | None:
        """The published checkpoint; `None` before the first."""
        return self.read(CHECKPOINT)

    def signed(self) -> Iterator[bytes]:
        """Every checkpoint that was ever signed, oldest first."""
        return iter(tuple(self._notes))

    def torn(self) -> bytes:
        """Nothing: an append in memory is never cut short."""
        return b""

    def write(self, files: Sequence[TileFile]) -> None:
        """Keep tiles and bundles; see `ports.GrowingLog.write`."""
        for file in files:
            parse_path(file.path)
            if self._files.get(file.path, file.content) != file.content:
                raise StorageError(f"{file.path} holds other bytes: published bytes never change")
        self._files.update(files)

    def keep_signed(self, note: bytes) -> None:
        """Add a checkpoint to the history; see `ports.GrowingLog.keep_signed`."""
        after = read_checkpoint(note)
        check_growth(self._signed, after)
        self._notes.append(note)
        self._signed = after

    def last_signed(self) -> bytes | None:
        """The newest checkpoint that was kept as signed; `None` before the first."""
        return self._notes[-1] if self._notes else None

    def publish(self, checkpoint: bytes) -> None:
        """Put a checkpoint in the place of the published one; see `ports.GrowingLog.publish`."""
        after = read_checkpoint(checkpoint)
        check_growth(self._published, after)
        check_published(after, self._signed)
        self._files[CHECKPOINT] = checkpoint
        self._published = after

    def sweep(self, size: int) -> int:
        """Remove partial tiles and bundles; see `ports.GrowingLog.sweep`."""
        size = min(size, self._published.size if self._published else 0)
        gone = []
        for path in self._files:
            if path == CHECKPOINT:
                continue
            tile = parse_path(path)
            full = (tile.number + 1) * WIDTH <= size >> 8 * max(tile.level, 0)
            if full and tile.width < WIDTH and tile._replace(width=WIDTH).path in self._files:
                gone.append(path)
        for path in gone:
            del self._files[path]
        return len(gone)

    def close(self) -> None:
        """Nothing is held."""
