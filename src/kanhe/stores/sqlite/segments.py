"""Segments: the rows of one group, or of a piece of it, as one value in the file.

A segment is MessagePack in one Zstandard frame (RFC 8878) with its checksum: an array of the number
2, which names this form, and eleven columns in the order of `Packed`, each an array with one value
per row. The number of a row is `first` of its segment plus its place. Nothing in it refers to another
segment. What stands in one column is alike, so that compressing takes little more than a microsecond
for each row and leaves a sixth of the bytes to write, sync, copy and keep.

The first form was an array of rows, each an array of eleven values; before the log had salts, of ten.
Such segments are read as before and never written again.

The keys of the rows stand beside it, 8 bytes each, little-endian: a start reads only them, and
SQLite does not fetch the pages behind them.

Why this shape: `docs/adr/0005-one-row-per-group.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
import numpy.typing as npt
import zstandard

from kanhe.core.errors import StorageError

Packed = tuple[int, int, int, int, int, int, str, bytes, bytes, bytes, bytes]
"""tenant, type, policy (numbers of words), kind, at_ms, received_ms, event_id, body, vector, answer,
salt."""

PackedColumns = tuple[
    list[int], list[int], list[int], list[int], list[int], list[int],
    list[str], list[bytes], list[bytes], list[bytes], list[bytes],
]  # fmt: skip
"""Packed rows column by column, each with one value for each row."""

SEGMENT_ROWS = 512
SEGMENT_BYTES = 1 << 20
"""A group beyond either limit is cut, so that reading one row never means reading much."""
KEY_BYTES = 8
_KEPT = 8
"""How many decoded segments are kept: a retry, and whoever looks at a decision, wants new rows."""
_CHUNK = 256
_CHUNK_BYTES = 8 << 20
"""Segments per read: little enough that a reader never holds the log for long."""
_QUICK = zstandard.ZstdCompressionParameters(
    strategy=zstandard.STRATEGY_FAST, window_log=20, hash_log=13, chain_log=6, search_log=1,
    min_match=7, target_length=1, write_checksum=True,
)  # fmt: skip
"""Between the levels 1 and -1 of the library. What events have in common are long names and repeated
answers, so that matches below 7 bytes are not worth looking for, and a table of 2^13 places stays in
the processor's nearest cache. A target length above 0 leaves out Huffman coding: what has no match is
ids, numbers and salts, which it hardly makes shorter."""
_MOST_UNPACKED = 256 << 20
"""No segment that was written unpacks to more: one row is at most a few MiB."""


class _Form2(msgspec.Struct, array_like=True, tag_field="form", tag=2, frozen=True):
    """A segment as it is encoded."""

    tenant: list[int]
    type: list[int]
    policy: list[int]
    kind: list[int]
    at_ms: list[int]
    received_ms: list[int]
    event_id: list[str]
    body: list[bytes]
    vector: list[bytes]
    answer: list[bytes]
    salt: list[bytes]


_decode = msgspec.msgpack.Decoder(_Form2).decode
_decode_rows = msgspec.msgpack.Decoder(list[Packed]).decode
_decode_unsalted = msgspec.msgpack.Decoder(
    list[tuple[int, int, int, int, int, int, str, bytes, bytes, bytes]]
).decode


class Segment(NamedTuple):
    """One row of the table `journal`."""

    first: int
    last: int
    keys: bytes
    rows: bytes


class SegmentEncoder:
    """Encodes and compresses segments; for use by one thread.

    To be kept: it has memory of its own, and making a compressor takes longer than using it.
    """

    def __init__(self) -> None:
        self._encode = msgspec.msgpack.Encoder().encode_into
        self._shrink = zstandard.ZstdCompressor(compression_params=_QUICK).compress
        self._plain = bytearray()

    def segments(
        self, first: int, keys: npt.NDArray[np.int64], columns: PackedColumns
    ) -> Iterator[Segment]:
        """The segments of a group of one or more rows, the first of which has the number `first`.

        Raises `OverflowError` for a whole number beyond 64 bits.
        """
        count = len(keys)
        if count <= SEGMENT_ROWS:
            self._encode(_Form2(*columns), self._plain)
            if len(self._plain) <= SEGMENT_BYTES or count == 1:
                last = first + count - 1
                yield Segment(first, last, keys.astype("<i8").tobytes(), self._shrink(self._plain))
                return
            size = (count + 1) // 2
        else:
            size = SEGMENT_ROWS
        for start in range(0, count, size):
            cut = slice(start, start + size)
            piece = cast(PackedColumns, tuple(column[cut] for column in columns))
            yield from self.segments(first + start, keys[cut], piece)

    def value(self, rows: Sequence[Packed]) -> bytes:
        """The value that one segment of these rows, one or more, has in the file."""
        self._encode(_Form2(*map(list, zip(*rows, strict=True))), self._plain)
        return self._shrink(self._plain)


def read_segment(blob: bytes) -> list[Packed]:
    """The rows of one segment. Raises `ValueError` if it is damaged."""
    try:
        if not 0 <= zstandard.frame_content_size(blob) <= _MOST_UNPACKED:
            raise ValueError("its length makes no sense")
        return _rows(zstandard.ZstdDecompressor().decompress(blob))
    except (msgspec.MsgspecError, zstandard.ZstdError) as error:
        raise ValueError(str(error)) from error


def _rows(plain: bytes) -> list[Packed]:
    """The rows of a segment in any of its forms."""
    try:
        columns = msgspec.structs.astuple(_decode(plain))
    except msgspec.ValidationError as error:
        with suppress(msgspec.ValidationError):
            return _decode_rows(plain)
        with suppress(msgspec.ValidationError):
            return [(*row, b"") for row in _decode_unsalted(plain)]
        raise error
    return list(zip(*columns, strict=True))


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
