"""Trees and proofs, against the recursive definitions of RFC 6962."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.record.log.errors import LogError, ProofError, RangeError
from kanhe.record.log.merkle import (
    EMPTY_ROOT,
    MAX_SIZE,
    CompactRange,
    compact_range,
    leaf_hash,
    peaks_of,
    prove_consistency,
    prove_inclusion,
    root_from_inclusion,
    root_of,
    subtree_root,
    verify_consistency,
    verify_inclusion,
)
from tests.log.trees import Rows, entries, mth, path, proof

LEAVES = entries(70)
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
READ = Rows(LEAVES)
ROOTS = [mth(LEAVES[:size]) for size in range(71)]
LARGE = entries(5_000)
READ_LARGE = Rows(LARGE)


def test_known_hashes() -> None:
    """The hashes that RFC 6962 fixes: no leaf, an empty leaf, and the tree of an empty leaf."""
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    empty = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"").hex() == empty
    assert mth([b""]).hex() == empty


def test_roots_of_all_sizes() -> None:
    """A tree has one root, whether appended to, read back from nodes, or folded from its leaves."""
    grown = CompactRange()
    assert grown.root() == ROOTS[0] == EMPTY_ROOT
    for size in range(1, 71):
        grown.append(HASHES[size - 1])
        again = compact_range(READ, size)
        assert (again.size, again.peaks) == (grown.size, grown.peaks)
        assert grown.root() == root_of(READ, size) == ROOTS[size]
        assert subtree_root(b"".join(HASHES[:size])) == ROOTS[size]


def test_inclusion_of_all_pairs() -> None:
    """Every leaf of every tree up to 70 leaves is proven with the hashes of the definition."""
    for size in range(1, 71):
        for index in range(size):
            hashes = prove_inclusion(READ, index, size)
            assert hashes == path(index, LEAVES[:size])
            verify_inclusion(index, size, HASHES[index], ROOTS[size], hashes)


def test_consistency_of_all_pairs() -> None:
    """Every tree up to 70 leaves is shown to begin with every smaller one."""
    for size in range(1, 71):
        for old in range(1, size + 1):
            hashes = prove_consistency(READ, old, size)
            assert hashes == proof(old, LEAVES[:size])
            verify_consistency(old, size, ROOTS[old], ROOTS[size], hashes)


@given(st.integers(1, 5_000), st.data())
def test_large_trees(size: int, data: st.DataObject) -> None:
    """Proofs hold between random sizes of a large tree, and only where they belong."""
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    root, old_root = root_of(READ_LARGE, size), root_of(READ_LARGE, old)
    verify_inclusion(
        index, size, leaf_hash(LARGE[index]), root, prove_inclusion(READ_LARGE, index, size)
    )
    hashes = prove_consistency(READ_LARGE, old, size)
    verify_consistency(old, size, old_root, root, hashes)
    if old < size:
        with pytest.raises(LogError):
            verify_consistency(old, size, root, old_root, hashes)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 17])
def test_changed_inclusion_is_refused(size: int) -> None:
    """A proof with a bit flipped, a hash more, fewer or moved, or for another leaf, proves nothing."""
    for index in range(size):
        good = prove_inclusion(READ, index, size)
        leaf, root = HASHES[index], ROOTS[size]
        for bad in _spoilt(good, leaf, root):
            with pytest.raises(ProofError):
                verify_inclusion(index, size, leaf, root, bad)
        with pytest.raises(ProofError):
            verify_inclusion(index, size, leaf, ROOTS[size - 1], good)
        with pytest.raises(ProofError):
            verify_inclusion(index, size, leaf_hash(b"other"), root, good)
        for other in set(range(size)) - {index}:
            with pytest.raises(ProofError):
                verify_inclusion(other, size, leaf, root, good)


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6, 7, 8, 11, 16, 17])
def test_changed_consistency_is_refused(size: int) -> None:
    """A consistency proof that was changed, or is told of other trees, proves nothing."""
    for old in range(1, size):
        good = prove_consistency(READ, old, size)
        old_root, root = ROOTS[old], ROOTS[size]
        for bad in [[], *_spoilt(good, old_root, root)]:
            with pytest.raises(ProofError):
                verify_consistency(old, size, old_root, root, bad)
        for roots in [(root, old_root), (ROOTS[old - 1], root), (old_root, ROOTS[size - 1])]:
            with pytest.raises(ProofError):
                verify_consistency(old, size, *roots, good)
        for wrong in set(range(1, size)) - {old}:
            with pytest.raises(ProofError):
                verify_consistency(wrong, size, old_root, root, good)


def _spoilt(good: list[bytes], first: bytes, last: bytes) -> list[list[bytes]]:
    flipped = [
        [*good[:at], bytes([*one[:byte], one[byte] ^ 1, *one[byte + 1 :]]), *good[at + 1 :]]
        for at, one in enumerate(good)
        for byte in (0, 15, 31)
    ]
    swapped = [
        [*good[:at], b, a, *good[at + 2 :]] for at, (a, b) in enumerate(pairwise(good)) if a != b
    ]
    longer = [[*good, one] for one in (bytes(32), first, last)]
    longer += [[one, *good] for one in (bytes(32), last)]
    return [*flipped, *swapped, *longer, *([good[1:], good[:-1]] if good else []), [*good, b""]]


def test_nothing_is_proven_from_nothing() -> None:
    """Size 0, indices outside of the tree and trees that shrink are refused before any hashing."""
    h = bytes(32)
    for index, size in [(0, 0), (1, 1), (-1, 1), (0, -1), (0, MAX_SIZE + 1), (7, 7)]:
        with pytest.raises(RangeError):
            prove_inclusion(READ, index, size)
        with pytest.raises(RangeError):
            root_from_inclusion(index, size, h, [])
    for old, size in [(0, 0), (0, 5), (6, 5), (-1, 5), (5, MAX_SIZE + 1)]:
        with pytest.raises(RangeError):
            prove_consistency(READ, old, size)
        with pytest.raises(RangeError):
            verify_consistency(old, size, EMPTY_ROOT, h, [])
    with pytest.raises(ProofError, match="forked"):
        verify_consistency(5, 5, ROOTS[5], ROOTS[4], [])
    with pytest.raises(ProofError, match="empty"):
        verify_consistency(5, 5, ROOTS[5], ROOTS[5], [h])


def test_a_compact_range_has_one_hash_per_bit() -> None:
    """A range that was put together with too few or too many subtrees is refused."""
    assert [len(peaks_of(size)) for size in (0, 1, 7, 8)] == [0, 1, 3, 1]
    for size, peaks in [(1, []), (3, [bytes(32)]), (0, [bytes(32)]), (-1, [])]:
        with pytest.raises(RangeError):
            CompactRange(size, peaks)
