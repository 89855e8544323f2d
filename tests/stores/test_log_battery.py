"""One battery for everything that keeps a log's files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kanhe.core.errors import StorageError
from kanhe.record.log.checkpoint import Checkpoint, sign_checkpoint
from kanhe.record.log.errors import FormatError, ProofError, RangeError
from kanhe.record.log.ports import GrowingLog
from kanhe.record.log.tiles import Edge, TileFile, grow
from kanhe.stores.files.log_folder import LogFolder
from kanhe.stores.memory import MemoryLogFolder
from tests.log.trees import LOG, ORIGIN
from tests.stores.logs import check_log, entry, grow_to, note_of

ADAPTERS: dict[str, Callable[[Path], GrowingLog]] = {
    "memory": lambda folder: MemoryLogFolder(),
    "files": lambda folder: LogFolder(folder / "log"),
}


@pytest.fixture(params=sorted(ADAPTERS))
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GrowingLog]:
    """An empty log of each kind."""
    made = ADAPTERS[request.param](tmp_path)
    yield made
    made.close()


def _edge(size: int) -> Edge:
    return grow(Edge(), [entry(number) for number in range(size)])[0]


def test_empty(log: GrowingLog) -> None:
    """An empty log says so everywhere."""
    assert log.checkpoint() is None
    assert log.read("tile/0/000") is None
    assert log.read("tile/entries/x001/067.p/8") is None
    assert list(log.signed()) == []
    assert log.torn() == b""
    assert log.sweep(0) == 0
    log.write([])


def test_growth_in_odd_steps(log: GrowingLog) -> None:
    """A log that grows across tiles reads right after each step, and keeps all it ever signed."""
    steps = [1, 2, 255, 256, 257, 511, 512, 700, 1_025]
    for size in steps:
        grow_to(log, size)
        assert check_log(log, [0, size // 2, size - 1]) == size
    assert list(log.signed()) == [note_of(_edge(size)) for size in steps]


def test_published_bytes_never_change(log: GrowingLog) -> None:
    """The same file again is fine; another one at its path is refused by name, and changes nothing."""
    files = [TileFile("tile/0/000.p/1", bytes(32)), TileFile("tile/entries/000.p/1", b"\0\1a")]
    log.write(files)
    log.write(files)
    other = [TileFile("tile/0/001.p/1", bytes(32)), files[0]._replace(content=b"\1" * 32)]
    with pytest.raises(StorageError, match=r"tile/0/000\.p/1"):
        log.write(other)
    assert log.read("tile/0/000.p/1") == bytes(32)
    assert log.read("tile/0/001.p/1") is None


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "signed", "kanhe.lock", "tile/0/1", "tile/0/000.p/256", ""]
)
def test_no_path_leads_elsewhere(log: GrowingLog, path: str) -> None:
    """Only tiles, bundles and the checkpoint can be read, and only tiles and bundles written."""
    with pytest.raises(FormatError):
        log.read(path)
    with pytest.raises(FormatError):
        log.write([TileFile(path, b"")])


def test_a_checkpoint_is_published_and_not_written(log: GrowingLog) -> None:
    """The checkpoint is no file among others: it has its own way, and its own checks."""
    with pytest.raises(FormatError):
        log.write([TileFile("checkpoint", note_of(_edge(1)))])
    with pytest.raises(FormatError):
        log.publish(b"no note")


def test_nothing_is_published_before_it_was_kept(log: GrowingLog) -> None:
    """What was not kept as signed, or is ahead of it, is not published."""
    with pytest.raises(RangeError):
        log.publish(note_of(_edge(3)))
    log.keep_signed(note_of(_edge(2)))
    with pytest.raises(RangeError):
        log.publish(note_of(_edge(3)))
    assert log.checkpoint() is None


def test_nothing_is_signed_that_goes_back(log: GrowingLog) -> None:
    """A smaller tree, another root and another log are neither kept nor published."""
    log.keep_signed(note_of(_edge(5)))
    log.keep_signed(note_of(_edge(5)))
    log.publish(note_of(_edge(5)))
    fork = sign_checkpoint(Checkpoint(ORIGIN, 5, bytes(32)), [LOG]).encode()
    stranger = sign_checkpoint(Checkpoint("other.example", 6, bytes(32)), [LOG]).encode()
    for note, error in (
        (note_of(_edge(4)), RangeError), (fork, ProofError), (stranger, FormatError), (b"", FormatError),
    ):  # fmt: skip
        with pytest.raises(error):
            log.keep_signed(note)
        with pytest.raises(error):
            log.publish(note)
    assert list(log.signed()) == [note_of(_edge(5))] * 2
    assert log.checkpoint() == note_of(_edge(5))


def test_a_line_that_poses_as_a_signature_is_refused(log: GrowingLog) -> None:
    """The end of a note in the history cannot be made to look as if it stood elsewhere."""
    line = note_of(_edge(5)).decode().splitlines()[-1]
    posing = sign_checkpoint(Checkpoint(ORIGIN, 5, _edge(5).root(), (line,)), [LOG]).encode()
    with pytest.raises(FormatError, match="look like a signature"):
        log.keep_signed(posing)


def test_partial_files_are_swept_behind_full_ones(log: GrowingLog) -> None:
    """A partial file goes only when its full one is covered by what is published."""
    for size in (100, 255, 256, 300):
        edge, files = grow(Edge(), [entry(number) for number in range(size)])
        log.write(files)
        log.keep_signed(note_of(edge))
    log.publish(note_of(_edge(255)))
    assert log.sweep(300) == 0
    log.publish(note_of(_edge(256)))
    assert log.sweep(255) == 0
    assert log.sweep(10**9) == 4
    assert log.read("tile/0/000.p/100") is None
    assert log.read("tile/0/000") is not None
    assert log.read("tile/0/001.p/44") is not None
    log.publish(note_of(_edge(300)))
    assert log.sweep(300) == 0
    assert check_log(log, [0, 299]) == 300
