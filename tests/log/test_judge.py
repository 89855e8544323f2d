"""Judges that nobody here wrote: Go's transparency log reads what Kanhe has written."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from pathlib import Path

import pytest

from kanhe.record.log.checkpoint import Checkpoint, sign_checkpoint
from kanhe.record.log.merkle import leaf_hash, prove_consistency, prove_inclusion
from kanhe.record.log.tiles import ENTRIES, Edge, TileNodes, grow, read_edge, tiles_for
from tests.log.building import build_judge
from tests.log.trees import LOG, ORIGIN, entries

SIZES = [1, 2, 255, 256, 257, 65_537, 70_000]


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The judge, built from its source; skipped where Go or the one module it needs is not to be had."""
    return build_judge(tmp_path_factory.mktemp("judge") / "judge")


def _write(folder: Path, edge: Edge, count: int, leaves: list[bytes]) -> Edge:
    edge, files = grow(edge, leaves[edge.size : count])
    for path, content in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    note = sign_checkpoint(Checkpoint(ORIGIN, edge.size, edge.root()), [LOG])
    (folder / "checkpoint").write_bytes(note.encode())
    return edge


def _line(kind: str, first: int, size: int, *hashes: bytes) -> str:
    words = [b64encode(one).decode() for one in hashes]
    return " ".join([kind, str(first), str(size), *words])


def _proofs(read: Reader, leaves: list[bytes], edge: Edge) -> str:
    """Proofs for a leaf at each border, and from each smaller size among those judged."""
    size, nodes = edge.size, TileNodes(read, edge.size)
    lines = [
        _line("inclusion", index, size, leaf_hash(leaves[index]), edge.root(), *proof)
        for index in sorted({0, size // 2, size // 256 * 256 - 1, size - 1} & set(range(size)))
        for proof in [prove_inclusion(nodes, index, size)]
    ]
    lines += [
        _line("consistency", old, size, read_edge(read, old).root(), edge.root(), *proof)
        for old in SIZES
        if old <= size
        for proof in [prove_consistency(nodes, old, size)]
    ]
    return "\n".join(lines)


class Reader:
    """Files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, path: str) -> bytes | None:
        file = self.folder / path
        return file.read_bytes() if file.exists() else None


def test_go_accepts_the_log_at_every_size(judge: Path, tmp_path: Path) -> None:
    """Checkpoint, entries, tiles and proofs hold for Go at sizes around every border of a tile."""
    leaves = entries(max(SIZES))
    edge = Edge()
    for size in SIZES:
        edge = _write(tmp_path, edge, size, leaves)
        (tmp_path / "proofs").write_text(_proofs(Reader(tmp_path), leaves, edge))
        done = subprocess.run(
            [str(judge), str(tmp_path), str(LOG.key)], capture_output=True, text=True
        )
        assert done.returncode == 0, f"at size {size}: {done.stderr}"
        wanted = {tile.path for tile in tiles_for(0, size) if tile.level != ENTRIES}
        assert set(done.stdout.split()) == wanted


@pytest.mark.parametrize(
    "path",
    ["checkpoint", "tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1", "tile/entries/000", "proofs"],
)
def test_go_refuses_a_log_that_was_changed(judge: Path, tmp_path: Path, path: str) -> None:
    """The judge is no rubber stamp: one byte changed in any file, and it says so."""
    leaves = entries(257)
    edge = _write(tmp_path, Edge(), 257, leaves)
    (tmp_path / "proofs").write_text(_proofs(Reader(tmp_path), leaves, edge))
    raw = bytearray((tmp_path / path).read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / path).write_bytes(raw)
    done = subprocess.run([str(judge), str(tmp_path), str(LOG.key)], capture_output=True)
    assert done.returncode != 0
