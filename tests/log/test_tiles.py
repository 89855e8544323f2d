"""The tree as files: names, contents, growth, and reading back from hostile ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.record.log.errors import FormatError, ProofError, RangeError
from kanhe.record.log.merkle import (
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from kanhe.record.log.tiles import (
    ENTRIES,
    Edge,
    Tile,
    TileNodes,
    check_bundle,
    encode_bundle,
    grow,
    parse_bundle,
    parse_path,
    read_bundle,
    read_edge,
    read_tile,
    tiles_for,
)
from tests.log.trees import entries, mth, published

PATHS = {
    "tile/0/000": Tile(0, 0),
    "tile/0/000.p/1": Tile(0, 0, 1),
    "tile/0/999": Tile(0, 999),
    "tile/0/x001/000": Tile(0, 1000),
    "tile/0/x001/067.p/112": Tile(0, 1067, 112),
    "tile/1/x001/x234/067": Tile(1, 1_234_067),
    "tile/63/000.p/255": Tile(63, 0, 255),
    "tile/entries/x273/x273/273.p/9": Tile(ENTRIES, 273_273_273, 9),
}


@pytest.mark.parametrize(("path", "tile"), PATHS.items())
def test_paths(path: str, tile: Tile) -> None:
    """A tile has one path, and a path speaks of one tile."""
    assert tile.path == path
    assert parse_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000",
        "tile/64/000", "tile/-1/000", "tile/0/x000/001", "tile/0/001/002", "tile/0/x001",
        "tile/0/x1/000", "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/256",
        "tile/0/000.p/01", "tile/0/000.p/999", "/tile/0/000", "tile/0/000/", "tile/0/../000",
        "tile/0/000\n", "tile/٠/000", "tile/8/0/000", "tile/entries/x000/000", "tile/entries",
        "tile/0/x999/x999/x999/x999/x999/x999/999", "tile/0/" + "x999/" * 50 + "999",
    ],
)  # fmt: skip
def test_other_paths_are_refused(path: str) -> None:
    """What is not written in the one true way is the path of nothing."""
    with pytest.raises(FormatError):
        parse_path(path)


@given(st.integers(-1, 63), st.integers(0, 2**55 - 1), st.integers(1, 256))
def test_every_tile_has_its_path(level: int, number: int, width: int) -> None:
    """Reading a path gives back what it was made from."""
    tile = Tile(level, number, width)
    assert parse_path(tile.path) == tile


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        (0, {}),
        (1, {0: (0, 1)}),
        (255, {0: (0, 255)}),
        (256, {0: (1, 0), 1: (0, 1)}),
        (257, {0: (1, 1), 1: (0, 1)}),
        (65_536, {0: (256, 0), 1: (1, 0), 2: (0, 1)}),
        (65_537, {0: (256, 1), 1: (1, 0), 2: (0, 1)}),
        (70_000, {0: (273, 112), 1: (1, 17), 2: (0, 1)}),
    ],
)
def test_tiles_of_a_tree(size: int, widths: dict[int, tuple[int, int]]) -> None:
    """A tree has so many full tiles at each level, and a partial one of this width."""
    wanted = []
    for level in (ENTRIES, 0, 1, 2):
        full, rest = widths.get(max(level, 0), (0, 0))
        wanted += [Tile(level, number) for number in range(full)]
        wanted += [Tile(level, full, rest)] if rest else []
    assert tiles_for(0, size) == wanted


def test_growth_writes_what_is_new_only() -> None:
    """Growing from n to m needs the tiles of m that n did not have, and no other."""
    for old, size in [
        (0, 0),
        (5, 5),
        (255, 256),
        (256, 257),
        (300, 511),
        (1, 70_000),
        (65_536, 65_537),
    ]:
        assert set(tiles_for(old, size)) == set(tiles_for(0, size)) - set(tiles_for(0, old))
    with pytest.raises(RangeError):
        tiles_for(2, 1)


@given(st.lists(st.integers(0, 700), max_size=5))
def test_growing_in_any_steps(sizes: list[int]) -> None:
    """However a log came to its size, its root is the same, no file was changed, and it can go on from disk."""
    sizes = sorted(sizes)
    leaves = entries(sizes[-1] if sizes else 0)
    edge, files = published(leaves, sizes[:-1])
    at_once, all_files = published(leaves)
    assert edge == at_once
    assert edge.root() == mth(leaves)
    assert files.items() >= all_files.items()
    assert set(all_files) == {tile.path for tile in tiles_for(0, len(leaves))}
    assert read_edge(files.get, len(leaves)) == edge
    for size in sizes:
        assert read_edge(files.get, size).root() == mth(leaves[:size])


def test_growth_names_the_files_in_order() -> None:
    """The files of a growth are those that `tiles_for` tells, in that order."""
    leaves = entries(1_000)
    edge = Edge()
    for size in (3, 3, 256, 700, 1_000):
        wanted = [tile.path for tile in tiles_for(edge.size, size)]
        edge, files = grow(edge, leaves[edge.size : size])
        assert [file.path for file in files] == wanted


def test_proofs_from_tiles() -> None:
    """Tiles give every hash that proofs need, at sizes where tiles begin and end."""
    size = 66_000
    leaves = entries(size)
    edge, files = published(leaves, [1, 255, 256, 257, 65_535, 65_536])
    nodes = TileNodes(files.get, size)
    for index in (0, 1, 255, 256, 65_535, 65_536, size - 1):
        hashes = prove_inclusion(nodes, index, size)
        verify_inclusion(index, size, leaf_hash(leaves[index]), edge.root(), hashes)
    for old in (1, 255, 256, 257, 65_535, 65_536):
        old_root = read_edge(files.get, old).root()
        verify_consistency(old, size, old_root, edge.root(), prove_consistency(nodes, old, size))
    for node in [(0, size), (16, 1), (-1, 0), (0, -1), (63, 0)]:
        with pytest.raises(RangeError):
            nodes([node])


def test_a_full_tile_stands_for_its_partial_ones() -> None:
    """A partial tile that was removed after its full one came is cut out of that."""
    leaves = entries(256)
    _, files = published(leaves, [100])
    del files["tile/0/000.p/100"], files["tile/entries/000.p/100"]
    assert read_edge(files.get, 100).root() == mth(leaves[:100])
    assert read_bundle(files.get, 0, 100) == leaves[:100]


@pytest.mark.parametrize(
    "spoil", [lambda b: b[:-1], lambda b: b + b"\0", lambda _: b"", lambda b: b * 2]
)
@pytest.mark.parametrize("path", ["tile/0/000.p/100", "tile/0/000", "tile/entries/000.p/100"])
def test_files_of_a_wrong_length_are_refused(path: str, spoil: object) -> None:
    """A file that was cut or lengthened is no tile and no bundle."""
    _, files = published(entries(256), [100])
    files[path] = spoil(files[path])  # type: ignore[operator] # the lambdas above
    with pytest.raises(FormatError):
        if "entries" in path:
            read_bundle(files.get, 0, 100)
        else:
            read_tile(files.get, parse_path(path))


def test_missing_files_are_named() -> None:
    """Where a file is missing the error says which."""
    _, files = published(entries(300))
    del files["tile/1/000.p/1"]
    with pytest.raises(FormatError, match=r"tile/1/000\.p/1 is missing"):
        read_edge(files.get, 300)


def test_bundles_hold_entries_of_any_length_they_can_tell() -> None:
    """Entries from 0 to 65,535 bytes come back as they were; a longer one is refused."""
    leaves = [b"", b"a", bytes(65_535)]
    raw = encode_bundle(leaves)
    assert raw[:5] == b"\x00\x00\x00\x01a"
    assert parse_bundle(raw, 3) == leaves
    with pytest.raises(FormatError, match="65536"):
        encode_bundle([bytes(65_536)])
    with pytest.raises(FormatError):
        grow(Edge(), [bytes(65_536)])


@given(st.binary(max_size=50), st.integers(0, 256))
def test_hostile_bundles(raw: bytes, width: int) -> None:
    """Bytes are the bundle of their entries or are refused: there is no third."""
    try:
        found = parse_bundle(raw, width)
    except FormatError:
        return
    assert len(found) == width
    assert encode_bundle(found) == raw


def test_entries_are_held_to_their_tile() -> None:
    """An entry that was changed is found by its place."""
    leaves = entries(9)
    tile = b"".join(map(leaf_hash, leaves))
    check_bundle(leaves, tile)
    leaves[4] += b"!"
    with pytest.raises(ProofError, match="entry 4"):
        check_bundle(leaves, tile)
    with pytest.raises(ProofError, match="8 entries"):
        check_bundle(leaves[:8], tile)
