"""The Merkle tree of RFC 6962: hashing, and proofs made and checked.

Leaves are numbered from 0. A *node* `(level, index)` is the hash of the complete subtree over the
`2**level` leaves from `index * 2**level` on. Where the two RFCs differ in wording, checking follows
the iterative algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2.

A tree without leaves has a root by definition, and nothing can be proven in it or from it: proofs
that begin at size 0 are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Protocol

from kanhe.record.log.errors import ProofError, RangeError

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962, section 2.1)."""
MAX_SIZE = 2**63 - 1
"""The largest tree that other implementations can count."""

Node = tuple[int, int]
"""`(level, index)` of a complete subtree."""


class NodeReader(Protocol):
    """Looks up hashes of complete subtrees, many in one call so that a store can batch its reads."""

    def __call__(self, nodes: Sequence[Node], /) -> Sequence[bytes]:
        """The hash of each node, 32 bytes each, in the order asked for."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry as a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbouring subtrees."""
    return sha256(b"\x01" + left + right).digest()


def subtree_root(hashes: bytes) -> bytes:
    """The root over neighbouring nodes of one level, given as their hashes one after the other.

    Takes any number of hashes from 1 on, as RFC 6962 splits them.
    """
    row = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
    while len(row) > 1:
        # A last node without a neighbour is carried up unchanged, which is what splitting at the
        # largest power of two comes to.
        odd = row.pop() if len(row) & 1 else None
        row = [sha256(b"\x01" + a + b).digest() for a, b in zip(row[::2], row[1::2], strict=True)]
        if odd is not None:
            row.append(odd)
    return row[0]


class CompactRange:
    """The few subtree roots that a tree can be grown from: one per set bit of its size.

    Appending costs one hash per leaf on average, `root` at most one per set bit. Memory is at most
    64 hashes.
    """

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Start from `size` leaves whose complete subtrees, largest first, have the hashes `peaks`."""
        self.size = size
        self.peaks = list(peaks)
        if not 0 <= size <= MAX_SIZE or len(self.peaks) != size.bit_count():
            raise RangeError(
                f"a tree of {size} leaves has {max(size, 0).bit_count()} complete subtrees, not"
                f" {len(self.peaks)}; read them anew with compact_range"
            )

    def append(self, leaf: bytes) -> None:
        """Add one leaf, given its hash."""
        peaks, ones = self.peaks, self.size
        while ones & 1:
            leaf = sha256(b"\x01" + peaks.pop() + leaf).digest()
            ones >>= 1
        peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree as it is."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            root = node_hash(peak, root)
        return root


def peaks_of(size: int) -> list[Node]:
    """The complete subtrees that a tree of `size` leaves consists of, largest first."""
    _check_size(size)
    return _cover(0, size)


def compact_range(read: NodeReader, size: int) -> CompactRange:
    """The compact range of the first `size` leaves, read back from a store."""
    return CompactRange(size, read(peaks_of(size)) if size else ())


def root_of(read: NodeReader, size: int) -> bytes:
    """The root of the first `size` leaves."""
    return compact_range(read, size).root()


def prove_inclusion(read: NodeReader, index: int, size: int) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root of the first `size` leaves, leaf first.

    RFC 6962, section 2.1.1. Raises `RangeError` if the tree has no such leaf.
    """
    _check_leaf(index, size)
    # From the top down: at each split, what the leaf is not in belongs to the proof.
    begin, end, parts = 0, size, []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            parts.append(_cover(middle, end))
            end = middle
        else:
            parts.append(_cover(begin, middle))
            begin = middle
    return _roots(read, parts[::-1])


def prove_consistency(read: NodeReader, old_size: int, size: int) -> list[bytes]:
    """The hashes that show the first `old_size` leaves unchanged in a tree of `size`.

    RFC 6962, section 2.1.2; empty if the sizes are equal. Raises `RangeError` for `old_size` 0 and
    for a tree that would have shrunk.
    """
    _check_growth(old_size, size)
    begin, end, parts, whole = 0, size, [], True
    while old_size != end:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            parts.append(_cover(middle, end))
            end = middle
        else:
            parts.append(_cover(begin, middle))
            begin, whole = middle, False
    if not whole:
        # The old tree is not a subtree by itself, so its last complete part must be told as well.
        parts.append(_cover(begin, end))
    return _roots(read, parts[::-1])


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that the proof leads to from the leaf hash `leaf` (RFC 9162, section 2.1.3.2).

    Raises `RangeError` if the tree has no such leaf, `ProofError` if the proof's shape is wrong.
    """
    _check_leaf(index, size)
    _check_hashes([leaf, *proof])
    node, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("the inclusion proof is too long for its tree; ask for a new one")
        if node & 1 or node == last:
            root = node_hash(sibling, root)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            root = node_hash(root, sibling)
        node >>= 1
        last >>= 1
    if last:
        raise ProofError("the inclusion proof is too short for its tree; ask for a new one")
    return root


def verify_inclusion(
    index: int, size: int, leaf: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the leaf hash `leaf` stands at `index` in the tree of `size` leaves under `root`.

    Raises `RangeError` if the tree has no such leaf, `ProofError` if it is not proven.
    """
    if root_from_inclusion(index, size, leaf, proof) != root:
        raise ProofError(
            f"the inclusion proof for entry {index} does not lead to the root of the tree of"
            f" {size}: the entry, the proof or the root has been changed"
        )


def verify_consistency(
    old_size: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of `size` leaves begins with the tree of `old_size` (RFC 9162, 2.1.4.2).

    Equal sizes need equal roots and an empty proof. Raises `RangeError` for `old_size` 0 and for a
    tree that shrinks, `ProofError` if it is not proven.
    """
    _check_growth(old_size, size)
    _check_hashes([old_root, root, *proof])
    if old_size == size:
        if proof:
            raise ProofError("between trees of equal size the proof must be empty")
        if old_root != root:
            raise ProofError(f"two different trees of {size} leaves: the log has forked")
        return
    if not proof:
        raise ProofError(f"an empty proof shows nothing about growth from {old_size} to {size}")
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    node, last = old_size - 1, size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("the consistency proof is too long for its trees; ask for a new one")
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling)
        node >>= 1
        last >>= 1
    if last:
        raise ProofError("the consistency proof is too short for its trees; ask for a new one")
    if old != old_root or new != root:
        raise ProofError(
            f"the tree of {size} leaves does not begin with the tree of {old_size}: the log has"
            " been rewritten, or the proof belongs to other trees"
        )


def _split(count: int) -> int:
    """The largest power of two below `count`, for `count` from 2 on."""
    return 1 << (count - 1).bit_length() - 1


def _cover(begin: int, end: int) -> list[Node]:
    """The complete subtrees, left to right, of a subtree that starts at a multiple of its span."""
    nodes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        nodes.append((level, begin >> level))
        begin += 1 << level
    return nodes


def _roots(read: NodeReader, parts: list[list[Node]]) -> list[bytes]:
    """The root of each part; every node is asked for in one call."""
    found = iter(read([node for part in parts for node in part]))
    return [
        CompactRange(sum(1 << level for level, _ in part), [next(found) for _ in part]).root()
        for part in parts
    ]


def _check_size(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise RangeError(f"a tree has between 0 and {MAX_SIZE} leaves, not {size}")


def _check_leaf(index: int, size: int) -> None:
    _check_size(size)
    if not 0 <= index < size:
        raise RangeError(f"a tree of {size} leaves has no leaf {index}; they count from 0")


def _check_growth(old_size: int, size: int) -> None:
    _check_size(size)
    if old_size == 0:
        raise RangeError("every tree begins with the empty one: there is nothing to prove from 0")
    if not 0 < old_size <= size:
        raise RangeError(f"a log only grows: it cannot go from {old_size} to {size} leaves")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(one) != HASH_BYTES for one in hashes):
        raise ProofError(f"every hash of a proof has {HASH_BYTES} bytes; ask for a new proof")
