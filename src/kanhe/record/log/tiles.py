"""The tree as files (C2SP tlog-tiles): 256 hashes to a tile, 256 entries to a bundle.

A tile at level L holds hashes of complete subtrees of `256**L` leaves. `grow` says which files a
tree needs for its new size, and `TileNodes` reads any node back from them. A file that has been
published never changes: a tile that is not yet full has its width in its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple, Protocol

from kanhe.record.log.errors import FormatError, ProofError, RangeError
from kanhe.record.log.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    MAX_SIZE,
    Node,
    node_hash,
    subtree_root,
)

WIDTH = 256
"""How many hashes a full tile has, and how many entries a full bundle."""
MAX_ENTRY_BYTES = 65_535
ENTRIES = -1
"""The `level` of entry bundles."""

_TILE_BYTES = WIDTH * HASH_BYTES
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<number>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class Tile(NamedTuple):
    """The place of one tile, or of one bundle of entries where `level` is `ENTRIES`."""

    level: int
    number: int
    width: int = WIDTH
    """From 1 to 256; below 256 the tile is partial."""

    @property
    def path(self) -> str:
        """Where it stands below the log's prefix, for example `tile/0/x001/067.p/112`."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        rest, last = divmod(self.number, 1000)
        text = f"{last:03d}"
        while rest:
            rest, last = divmod(rest, 1000)
            text = f"x{last:03d}/{text}"
        suffix = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{text}{suffix}"


class TileFile(NamedTuple):
    """A file to be written, once and for ever: its path below the log's prefix, and its bytes."""

    path: str
    content: bytes


class TileReader(Protocol):
    """Looks up published files."""

    def __call__(self, path: str, /) -> bytes | None:
        """The bytes under this path below the log's prefix; `None` if there is no such file."""


def parse_path(path: str) -> Tile:
    """The tile that a path speaks of; raises `FormatError` unless it is written in the one true way."""
    match = _PATH.fullmatch(path)
    if match:
        level = ENTRIES if match["level"] == "entries" else int(match["level"])
        number = int(match["number"].replace("x", "").replace("/", ""))
        tile = Tile(level, number, int(match["width"] or WIDTH))
        # What reads as a tile but would be written otherwise (x000/001, .p/256) is no path of ours.
        if level < 64 and tile.width <= WIDTH and tile.path == path and number < 2**55:
            return tile
    raise FormatError(f"{path[:80]!r} is no path of a tile or bundle, such as tile/0/x001/067.p/8")


def tiles_for(old_size: int, size: int) -> list[Tile]:
    """What must be written when a tree grows from `old_size` to `size` leaves.

    Bundles first, then hash tiles from level 0 up. What was complete at `old_size` is left out.
    Raises `RangeError` for a tree that shrinks.
    """
    if not 0 <= old_size <= size <= MAX_SIZE:
        raise RangeError(f"a log only grows: it cannot go from {old_size} to {size} leaves")
    found = []
    for level in (ENTRIES, *range(64)):
        shift = 8 * max(level, 0)
        before, now = old_size >> shift, size >> shift
        if not now:
            break
        if before == now:
            continue
        found += [Tile(level, number) for number in range(before // WIDTH, now // WIDTH)]
        if now % WIDTH:
            found.append(Tile(level, now // WIDTH, now % WIDTH))
    return found


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries one after the other, each behind its length as a big-endian uint16.

    Raises `FormatError` for an entry of more than 65,535 bytes.
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise FormatError(
                f"an entry has at most {MAX_ENTRY_BYTES} bytes, this one {len(entry)}; log its hash"
                " and keep it elsewhere"
            )
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def parse_bundle(content: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle; raises `FormatError` if it holds more, fewer or half of one."""
    entries: list[bytes] = []
    at = 0
    for _ in range(width):
        begin = at + 2
        at = begin + int.from_bytes(content[at:begin], "big")
        if at > len(content):
            raise FormatError(f"a bundle of {width} entries ends in the {len(entries) + 1}th")
        entries.append(content[begin:at])
    if at != len(content):
        raise FormatError(f"a bundle of {width} entries has {len(content) - at} bytes too many")
    return entries


class Edge(NamedTuple):
    """The right edge of a tree: all that growing it needs. It is never changed, only replaced.

    So whoever grows a tree keeps the old edge until the new files are durable, and on any failure
    starts again from it and makes the same files.
    """

    size: int = 0
    bundle: bytes = b""
    """The last bundle as far as it goes, empty if the last one is full."""
    rows: tuple[bytes, ...] = ()
    """For each level, the hashes of its last tile as far as they go, empty if the last is full."""

    def root(self) -> bytes:
        """The root of the tree."""
        root = b""
        for row in self.rows:
            # The hashes at the right of a level have no parent above yet; what lies below them is
            # the rightmost part of the tree, and joins each of their complete subtrees in turn.
            if row:
                root = _join(row, root)
        return root or EMPTY_ROOT


def grow(edge: Edge, entries: Sequence[bytes]) -> tuple[Edge, list[TileFile]]:
    """Append entries: the new edge, and the files that the tree of the new size needs.

    (1) entries fill bundles; (2) their leaf hashes fill tiles of level 0; (3) the root of each tile
    that got full is a hash of the level above, and so on up; (4) what is left at the right of each
    level becomes a partial tile. The files are those of `tiles_for`, in its order. Nothing may be
    said about the new size before all of them are durable.

    Raises `FormatError` for an entry that is too long.
    """
    size = edge.size + len(entries)
    if size > MAX_SIZE:
        raise RangeError(f"a tree has at most {MAX_SIZE} leaves; begin a new log")
    if not entries:
        return edge, []
    # (1) Bundles.
    files, bundle = [], edge.bundle
    first = WIDTH - edge.size % WIDTH
    cuts = [0, *range(first, len(entries), WIDTH), len(entries)]
    for number, (begin, end) in enumerate(pairwise(cuts), edge.size // WIDTH):
        content = bundle + encode_bundle(entries[begin:end])
        done = min(size - number * WIDTH, WIDTH)
        files.append(TileFile(Tile(ENTRIES, number, done).path, content))
        bundle = content if done < WIDTH else b""
    # (2) Leaves.
    added = b"".join([sha256(b"\x00" + entry).digest() for entry in entries])
    rows = []
    for level in range(64):
        before = edge.size >> 8 * level
        row = (edge.rows[level] if level < len(edge.rows) else b"") + added
        if added:
            for at in range(0, len(row), _TILE_BYTES):
                content = row[at : at + _TILE_BYTES]
                place = Tile(level, before // WIDTH + at // _TILE_BYTES, len(content) // HASH_BYTES)
                files.append(TileFile(place.path, content))
        elif level >= len(edge.rows):
            break
        # (3) Full tiles go up; (4) the rest stays.
        full = len(row) - len(row) % _TILE_BYTES
        added = b"".join(
            [subtree_root(row[at : at + _TILE_BYTES]) for at in range(0, full, _TILE_BYTES)]
        )
        rows.append(row[full:])
    return Edge(size, bundle, tuple(rows)), files


def read_edge(read: TileReader, size: int) -> Edge:
    """The right edge of a published tree, to grow it from there.

    Raises `FormatError` if a file is missing or has a wrong length. Compare its root with the
    signed one: whoever can change files can change these.
    """
    if not size:
        return Edge()
    rest = size % WIDTH
    bundle = b""
    if rest:
        bundle = encode_bundle(read_bundle(read, size // WIDTH, rest))
    rows: list[bytes] = []
    count = size
    while count:
        tile = Tile(len(rows), count // WIDTH, count % WIDTH)
        rows.append(read_tile(read, tile) if tile.width else b"")
        count //= WIDTH
    return Edge(size, bundle, tuple(rows))


def read_tile(read: TileReader, tile: Tile) -> bytes:
    """The hashes of a tile, one after the other.

    A partial tile may be gone once its full one is there, and is then cut out of that. Raises
    `FormatError` if both are missing or the length is wrong.
    """
    found, content = _fetch(read, tile)
    if len(content) != found.width * HASH_BYTES:
        raise FormatError(
            f"{found.path} has {len(content)} bytes instead of {found.width * HASH_BYTES}; restore"
            " it from a copy of the log"
        )
    return content[: tile.width * HASH_BYTES]


def read_bundle(read: TileReader, number: int, width: int) -> list[bytes]:
    """The first `width` entries of bundle `number`; raises `FormatError` as `read_tile` does."""
    found, content = _fetch(read, Tile(ENTRIES, number, width))
    return parse_bundle(content, found.width)[:width]


class TileNodes:
    """A `merkle.NodeReader` over the tiles of a tree of `size` leaves. Keeps what it has read.

    Nothing is authenticated here: a proof made from it is checked against a signed root by whoever
    receives it, and by whoever hands it out.
    """

    def __init__(self, read: TileReader, size: int) -> None:
        self._read = read
        self._size = size
        self._tiles: dict[tuple[int, int], bytes] = {}

    def __call__(self, nodes: Sequence[Node], /) -> list[bytes]:
        """The hashes of these nodes; raises `RangeError` for one that the tree does not have."""
        return [self._node(level, index) for level, index in nodes]

    def _node(self, level: int, index: int) -> bytes:
        if level < 0 or index < 0 or (index + 1) << level > self._size:
            raise RangeError(f"a tree of {self._size} leaves has no complete node {(level, index)}")
        tier, inside = divmod(level, 8)
        begin = index << inside
        tile, offset = divmod(begin, WIDTH)
        row = self._tiles.get((tier, tile))
        if row is None:
            width = min((self._size >> 8 * tier) - tile * WIDTH, WIDTH)
            row = self._tiles[tier, tile] = read_tile(self._read, Tile(tier, tile, width))
        return subtree_root(row[offset * HASH_BYTES : (offset + (1 << inside)) * HASH_BYTES])


def check_bundle(entries: Sequence[bytes], tile: bytes) -> None:
    """Check that entries hash to their tile of level 0; `ProofError` names the first that does not."""
    if len(tile) != len(entries) * HASH_BYTES:
        raise ProofError(
            f"{len(entries)} entries stand beside a tile of {len(tile) // HASH_BYTES} hashes"
        )
    for number, entry in enumerate(entries):
        at = number * HASH_BYTES
        if sha256(b"\x00" + entry).digest() != tile[at : at + HASH_BYTES]:
            raise ProofError(f"entry {number} of the bundle does not hash to its place in the tile")


def _fetch(read: TileReader, tile: Tile) -> tuple[Tile, bytes]:
    """The file of a tile, or of the full one that has taken its place, and which of them it is."""
    for one in (tile, tile._replace(width=WIDTH)):
        content = read(one.path)
        if content is not None:
            return one, content
    raise FormatError(f"{tile.path} is missing; restore it from a copy of the log")


def _join(row: bytes, below: bytes) -> bytes:
    """The root over a level's last hashes and the incomplete part at their right, if there is one."""
    peaks, at, count = [], 0, len(row) // HASH_BYTES
    while count:
        span = 1 << count.bit_length() - 1
        peaks.append(subtree_root(row[at : at + span * HASH_BYTES]))
        at += span * HASH_BYTES
        count -= span
    root = below
    for peak in reversed(peaks):
        root = node_hash(peak, root) if root else peak
    return root
