"""Segments: the rows of one group, or of a piece of it, as one value in the file.

A segment is MessagePack in one Zstandard frame (RFC 8878) with its checksum: an array of rows, each
an array of eleven values in the order of `Packed`. The number of a row is `first` of its segment plus
its place. Nothing in it refers to another segment. Events of a group are alike, so that compressing
takes a microsecond for each and leaves a sixth of the bytes to write, sync, copy and keep.

The keys of the rows stand beside it, 8 bytes each, little-endian: a start reads only them, and
SQLite does not fetch the pages behind them.

Why this shape: `docs/adr/0005-one-row-per-group.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from struct import pack
from typing import Any, NamedTuple

import msgspec
import zstandard

from kanhe.core.errors import StorageError

Packed = tuple[int, int, int, int, int, int, str, bytes, bytes, bytes, bytes]
"""tenant, type, policy (numbers of words), kind, at_ms, received_ms, event_id, body, vector, answer,
salt."""

SEGMENT_ROWS = 512
SEGMENT_BYTES = 1 << 20
"""A group beyond either limit is cut, so that reading one row never means reading much."""
KEY_BYTES = 8
_KEPT = 8
"""How many decoded segments are kept: a retry, and whoever looks at a decision, wants new rows."""
_CHUNK = 256
_CHUNK_BYTES = 8 << 20
"""Segments per read: little enough that a reader never holds the log for long."""
_LEVEL = 1
_MOST_UNPACKED = 256 << 20
"""No segment that was written unpacks to more: one row is at most a few MiB."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Packed]).decode
_decode_unsalted = msgspec.msgpack.Decoder(
    list[tuple[int, int, int, int, int, int, str, bytes, bytes, bytes]]
).decode
"""Segments from before the log, whose rows have no salt."""


class Segment(NamedTuple):
    """One row of the table `journal`."""

    first: int
    last: int
    keys: bytes
    rows: bytes


Shrink = Callable[[bytes], bytes]
"""Compresses one segment; made by `shrinker`, for use by one thread."""


def shrinker() -> Shrink:
    """A compressor, to be kept: making one takes longer than using it."""
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress


def segments_of(
    first: int, keys: Sequence[int], rows: Sequence[Packed], shrink: Shrink
) -> Iterator[Segment]:
    """Encode the rows of a group, whose first one has the number `first`.

    Raises `OverflowError` for a whole number beyond 64 bits.
    """
    count = len(rows)
    if count <= SEGMENT_ROWS:
        blob = _encode(rows)
        if len(blob) <= SEGMENT_BYTES or count == 1:
            yield Segment(first, first + count - 1, pack(f"<{count}q", *keys), shrink(blob))
            return
        size = (count + 1) // 2
    else:
        size = SEGMENT_ROWS
    for start in range(0, count, size):
        end = start + size
        yield from segments_of(first + start, keys[start:end], rows[start:end], shrink)


def encoded(rows: Sequence[Packed], shrink: Shrink) -> bytes:
    """The value that one segment has in the file."""
    return shrink(_encode(rows))


def read_segment(blob: bytes) -> list[Packed]:
    """The rows of one segment. Raises `ValueError` if it is damaged."""
    try:
        if not 0 <= zstandard.frame_content_size(blob) <= _MOST_UNPACKED:
            raise ValueError("its length makes no sense")
        plain = zstandard.ZstdDecompressor().decompress(blob)
        try:
            return _decode(plain)
        except msgspec.ValidationError:
            return [(*row, b"") for row in _decode_unsalted(plain)]
    except (msgspec.MsgspecError, zstandard.ZstdError) as error:
        raise ValueError(str(error)) from error


def unpacked(path: Path, first: int, last: int, blob: bytes) -> list[Packed]:
    """The rows of the segment `first` to `last`. Raises `StorageError` that names it if damaged."""
    try:
        rows = read_segment(blob)
        if len(rows) != last - first + 1:
            raise ValueError(f"it holds {len(rows)} rows")
    except ValueError as error:
        raise StorageError(
            f"{path} is damaged: the segment of the rows {first} to {last} cannot be read"
            f" ({error}); restore the last good backup"
        ) from error
    return rows


class Segments:
    """The committed rows of one file, segment by segment; safe to use from several threads.

    `read` runs one query and returns all it found; it turns SQLite's errors into `StorageError`.
    """

    def __init__(self, path: Path, read: Callable[[str, tuple[object, ...]], list[Any]]) -> None:
        self._path = path
        self._read = read
        # Replaced as a whole, never changed: two threads may lose each other's entry, no more.
        self._kept: tuple[tuple[int, list[Packed]], ...] = ()

    def row(self, seq: int) -> Packed:
        """A committed row. Raises `StorageError` if it is missing or its segment is damaged."""
        for entry in self._kept:
            first, rows = entry
            if first <= seq < first + len(rows):
                break
        else:
            first, rows = entry = self._fetch(seq)
        others = [other for other in self._kept if other is not entry]
        self._kept = (entry, *others[: _KEPT - 1])
        return rows[seq - first]

    def holding(self, seq: int) -> tuple[int, list[Packed]]:
        """The segment that holds a committed row, as it stands in the file: its first number, its rows."""
        return self._fetch(seq)

    def forget(self) -> None:
        """Keep no decoded segment: one of them has changed in the file."""
        self._kept = ()

    def rows(self, after: int, last: int) -> Iterator[tuple[int, Packed]]:
        """The rows with numbers above `after` up to `last`, numbered, in order.

        Holds neither a transaction nor a lock between two reads, and at most some MiB of segments.
        """
        at, chunk = after, 1
        while at < last:
            found = self._read(
                "SELECT first, last, rows FROM journal WHERE first <= ? AND first >="
                " coalesce((SELECT max(first) FROM journal WHERE first <= ?), 0)"
                " ORDER BY first LIMIT ?",
                (last, at + 1, chunk),
            )
            if not found:
                raise self._missing(at)
            for first, end, blob in found:
                # Only the first segment of all may begin before the row that is due.
                if end <= at or first > at + 1 or (first <= at and at != after):
                    raise self._missing(at)
                rows = unpacked(self._path, first, end, blob)
                yield from enumerate(rows[at + 1 - first :], at + 1)
                at = end
            size = sum(len(blob) for _, _, blob in found) // len(found)
            chunk = max(1, min(_CHUNK, _CHUNK_BYTES // (size + 1)))

    def _fetch(self, seq: int) -> tuple[int, list[Packed]]:
        found = self._read(
            "SELECT first, last, rows FROM journal WHERE first <= ? ORDER BY first DESC LIMIT 1",
            (seq,),
        )
        if not found or found[0][1] < seq:
            raise StorageError(
                f"{self._path} is damaged: row {seq} is missing; restore the last good backup"
            )
        first, last, blob = found[0]
        return first, unpacked(self._path, first, last, blob)

    def _missing(self, after: int) -> StorageError:
        return StorageError(
            f"{self._path} is damaged: rows are missing after number {after}; restore the last good"
            " backup"
        )
