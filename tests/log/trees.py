"""Trees by the book: the recursive definitions of RFC 6962, and logs to try things on."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from kanhe.record.log.checkpoint import Checkpoint, sign_checkpoint, with_signatures
from kanhe.record.log.cosignature import WitnessSigner
from kanhe.record.log.entry import Pseudonyms, entry_of, kind_of
from kanhe.record.log.merkle import Node, prove_inclusion
from kanhe.record.log.note import Note, NoteSigner
from kanhe.record.log.receipt import encode_receipt, opening_of
from kanhe.record.log.tiles import Edge, TileNodes, grow

ORIGIN = "shop.example/kanhe"
LOG = NoteSigner(ORIGIN, bytes(range(32)))
WITNESSES = [WitnessSigner(f"witness{n}.example", bytes([n]) * 32) for n in (1, 2, 3)]
SALT = bytes(range(100, 132))
BODY = '{"id":"e1","type":"payment.attempted","user":"王"}'.encode()
ANSWER = b'{"decision_id":"d1-9e3779","outcome":"deny"}'
NOW_S = 1_700_000_000


def mth(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, over entries."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = _below(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = _below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: Sequence[bytes], whole: bool = True) -> list[bytes]:
    """PROOF and SUBPROOF of RFC 6962, section 2.1.2."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = _below(len(leaves))
    if m <= k:
        return [*proof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*proof(m - k, leaves[k:], False), mth(leaves[:k])]


def _below(count: int) -> int:
    k = 1
    while 2 * k < count:
        k *= 2
    return k


class Rows:
    """A reader of nodes over entries in memory, one row of hashes per level."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        row = [sha256(b"\x00" + entry).digest() for entry in entries]
        self.rows = []
        while row:
            self.rows.append(row)
            row = [
                sha256(b"\x01" + a + b).digest() for a, b in zip(row[::2], row[1::2], strict=False)
            ]

    def __call__(self, nodes: Sequence[Node]) -> list[bytes]:
        return [self.rows[level][index] for level, index in nodes]


def entries(count: int) -> list[bytes]:
    """Entries that all differ, the first of them empty."""
    return [b"%d" % n * (n % 7) for n in range(count)]


def published(leaves: Sequence[bytes], steps: Sequence[int] = ()) -> tuple[Edge, dict[str, bytes]]:
    """A log grown to each of the sizes in `steps` and then to the end, and all its files."""
    edge, files = Edge(), {}
    for size in (*steps, len(leaves)):
        edge, more = grow(edge, leaves[edge.size : size])
        for path_, content in more:
            assert files.setdefault(path_, content) == content, "a published file was changed"
    return edge, files


def signed(edge: Edge, witnesses: Sequence[WitnessSigner] = WITNESSES) -> Note:
    """The cosigned checkpoint of a log."""
    checkpoint = Checkpoint(ORIGIN, edge.size, edge.root())
    note = sign_checkpoint(checkpoint, [LOG])
    return with_signatures(note, [one.cosign(checkpoint.text(), NOW_S) for one in witnesses])


def entry(seq: int = 1) -> bytes:
    """An entry as the path of an event makes it."""
    who = Pseudonyms(bytes(32))
    return entry_of(
        kind_of("flow", "payment.attempted", "deny"), seq, NOW_S * 1000, NOW_S * 1000 + 5, SALT,
        BODY, ANSWER, "sha256:" + "0" * 64, "", "deny", 350, ("card_testing",),
        (who("shop", "user", "王"), who("shop", "card", "tok_1")),
    )  # fmt: skip


def receipt(size: int = 11, index: int = 6, opened: bool = True) -> bytes:
    """A receipt for the one real entry of a log of that size."""
    leaves = entries(size)
    leaves[index] = entry()
    edge, files = published(leaves)
    hashes = prove_inclusion(TileNodes(files.get, size), index, size)
    opening = opening_of(leaves[index], SALT, BODY, ANSWER) if opened else opening_of(leaves[index])
    return encode_receipt(index, hashes, signed(edge).encode(), opening)
