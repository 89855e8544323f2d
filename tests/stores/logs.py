"""A log that grows step by step into a folder, and a checker that walks all of it."""

from __future__ import annotations

from collections.abc import Sequence

from kanhe.record.log.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from kanhe.record.log.merkle import leaf_hash, prove_inclusion, root_of, verify_inclusion
from kanhe.record.log.ports import GrowingLog, PublishedLog
from kanhe.record.log.tiles import WIDTH, Edge, TileNodes, grow, read_bundle, read_edge
from tests.log.trees import LOG, ORIGIN


def entry(number: int) -> bytes:
    """The entry at this index, the same in every life of the log."""
    return b"entry %d " % number * (number % 5)


def note_of(edge: Edge) -> bytes:
    """The signed checkpoint of a tree."""
    return sign_checkpoint(Checkpoint(ORIGIN, edge.size, edge.root()), [LOG]).encode()


def published_size(log: PublishedLog) -> int:
    """How many entries the published checkpoint speaks of."""
    note = log.checkpoint()
    return read_checkpoint(note).size if note else 0


def signed_size(log: GrowingLog) -> int:
    """How many entries the newest signed checkpoint speaks of."""
    note = log.last_signed()
    return read_checkpoint(note).size if note else 0


def grow_to(log: GrowingLog, size: int) -> None:
    """One fold, as a sequencer does it: tiles, history, checkpoint, sweep.

    It goes on from what was signed, whether that was published or not, and signs it again if
    nothing came since.
    """
    edge = read_edge(log.read, signed_size(log))
    edge, files = grow(edge, [entry(number) for number in range(edge.size, size)])
    log.write(files)
    log.keep_signed(note_of(edge))
    log.publish(note_of(edge))
    log.sweep(size)


def check_log(log: PublishedLog, samples: Sequence[int] = ()) -> int:
    """Walk what is published: every entry, the root, some proofs, the history. Returns the size."""
    note = log.checkpoint()
    if note is None:
        return 0
    checkpoint = read_checkpoint(note)
    size = checkpoint.size
    nodes = TileNodes(log.read, size)
    if size:
        assert root_of(nodes, size) == checkpoint.root == read_edge(log.read, size).root()
    found = []
    for number in range((size + WIDTH - 1) // WIDTH):
        found += read_bundle(log.read, number, min(WIDTH, size - number * WIDTH))
    assert found == [entry(number) for number in range(size)]
    for index in (one for one in samples if one < size):
        proof = prove_inclusion(nodes, index, size)
        verify_inclusion(index, size, leaf_hash(entry(index)), checkpoint.root, proof)
    history = [read_checkpoint(one) for one in log.signed()]
    assert checkpoint in history
    assert [one.size for one in history] == sorted(one.size for one in history)
    return size
