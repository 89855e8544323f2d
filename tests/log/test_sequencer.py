"""The sequencer: every row once, in order, and nothing said that is not durable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from kanhe.core.errors import StorageError
from kanhe.record.journal.ports import DECIDED, Row
from kanhe.record.log.audit import audit
from kanhe.record.log.checkpoint import Checkpoint, read_checkpoint
from kanhe.record.log.cosignature import WitnessKey, WitnessSigner
from kanhe.record.log.entries import Entries
from kanhe.record.log.note import NoteSigner, Signature, parse_note, parse_signature
from kanhe.record.log.ports import CosigningWitness, GrowingLog
from kanhe.record.log.sequencer import Sequencer, cosignatures
from kanhe.record.log.witness import AddCheckpoint, Conflict, MemoryWitnessState, Witness
from kanhe.record.log.witness import encode_request as encode
from kanhe.stores.memory.log_folder import MemoryLogFolder

ORIGIN = "shop.example/log"
ENTRIES = Entries(bytes(range(32)))
KEY, NEXT_KEY = (NoteSigner(ORIGIN, bytes([n]) * 32) for n in (1, 2))
WITNESS = WitnessSigner("witness.example", bytes([9]) * 32)


def row(seq: int) -> Row:
    """A decision whose every part follows from its number."""
    body = b'{"type":"payment.attempted","id":"e%d","at_ms":%d,"user":"u%d"}' % (seq, seq, seq % 7)
    answer = b'{"outcome":"allow","score":%d}' % (seq % 40)
    return Row(
        seq, "shop", f"e{seq}", DECIDED, "payment.attempted", seq, seq + 1, "sha256:p", body, b"v",
        answer, seq.to_bytes(32, "big"),
    )  # fmt: skip


class Journal:
    """Rows that come as told."""

    def __init__(self) -> None:
        self.size = 0

    def __call__(self, after: int) -> Iterator[Row]:
        return map(row, range(after + 1, self.size + 1))


class LocalWitness:
    """A witness asked without a network; it may be down."""

    def __init__(self) -> None:
        self.witness = Witness([WITNESS], {ORIGIN: [KEY.key, NEXT_KEY.key]}, MemoryWitnessState())
        self.down = False
        self.asked = 0

    @property
    def key(self) -> WitnessKey:
        """Its key."""
        return WITNESS.key

    def cosign(self, request: AddCheckpoint) -> Signature | Conflict:
        """Ask it."""
        self.asked += 1
        if self.down:
            raise StorageError("the witness is down")
        answer = self.witness.add_checkpoint(encode(request), 1_800_000_000)
        if answer.status == 409:
            return Conflict(int(answer.body))
        assert answer.status == 200, answer.body
        return parse_signature(answer.body.decode().rstrip("\n"))


def sequencer(
    journal: Journal,
    log: GrowingLog,
    signers: Sequence[NoteSigner] = (KEY,),
    witnesses: Sequence[CosigningWitness] = (),
) -> Sequencer:
    """A sequencer over what the test has."""
    return Sequencer(journal, ENTRIES, log, ORIGIN, lambda: signers, witnesses)


def check(log: GrowingLog, journal: Journal, size: int) -> None:
    """Everything that is published fits the journal, and all of it is there."""
    keys = [KEY.key, NEXT_KEY.key]
    found = audit(log, journal(0), journal.size, ENTRIES, ORIGIN, keys, [WITNESS.key])
    assert (found.size, found.waiting) == (size, journal.size - size)


def test_rows_are_folded_in_order_and_once() -> None:
    """However many come at a time, the log holds the entry of row n at index n - 1."""
    journal, log = Journal(), MemoryLogFolder()
    folding = sequencer(journal, log)
    assert folding.fold() is None
    for size in (1, 2, 255, 256, 257, 300, 1_000, 70_000):
        journal.size = size
        while (folded := folding.fold()) is not None:
            last = folded
        assert last.size == folding.size == size
        check(log, journal, size)


def test_a_new_sequencer_goes_on_where_the_log_was_signed() -> None:
    """A start reads the right edge of the tree and needs nothing else; nothing new means nothing to do."""
    journal, log = Journal(), MemoryLogFolder()
    for size in (3, 259, 700):
        journal.size = size
        assert sequencer(journal, log).fold() is not None
        assert sequencer(journal, log).fold() is None
    check(log, journal, 700)


class Breaks:
    """A log of which one call fails once, before or after it took effect."""

    def __init__(self, log: MemoryLogFolder, method: str, after: bool) -> None:
        self._log, self._method, self._after, self._armed = log, method, after, True

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._log, name)
        if name != self._method or not self._armed:
            return real

        def broken(*args: Any) -> None:
            self._armed = False
            if self._after:
                real(*args)
            raise StorageError("the fault of this test")

        return broken


@pytest.mark.parametrize("restart", [False, True], ids=["goes-on", "restarts"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", ["write", "keep_signed", "publish", "sweep", "checkpoint", "read"])
def test_whatever_breaks_nothing_is_lost_or_doubled(call: str, after: bool, restart: bool) -> None:
    """Each call of a fold fails once; the next fold, of the same process or a new one, makes it good."""
    journal, log = Journal(), MemoryLogFolder()
    journal.size = 250
    sequencer(journal, log).fold()
    faulty: Any = Breaks(log, call, after)
    journal.size = 600
    folding = None
    try:
        folding = sequencer(journal, faulty)
        folding.fold()
        folding.fold()
    except StorageError:
        pass
    journal.size = 777
    again = sequencer(journal, log) if restart or folding is None else folding
    again.fold()
    assert again.fold() is None
    check(log, journal, 777)


def test_what_was_signed_and_not_published_is_published_next() -> None:
    """After a crash between signing and publishing the signed tree is continued, never another one."""
    journal, log = Journal(), MemoryLogFolder()
    journal.size = 10
    faulty: Any = Breaks(log, "publish", False)
    with pytest.raises(StorageError):
        sequencer(journal, faulty).fold()
    assert log.checkpoint() is None
    assert sequencer(journal, log).fold() is not None
    check(log, journal, 10)


def test_a_witness_that_was_away_is_asked_again_from_what_it_remembers() -> None:
    """The log goes on without it and says so; when it is back it cosigns with one proof."""
    journal, log, witness = Journal(), MemoryLogFolder(), LocalWitness()
    folding = sequencer(journal, log, witnesses=[witness])
    journal.size = 5
    folded = folding.fold()
    assert folded and (folded.cosigned, folded.troubles) == (1, ())
    witness.down = True
    for size in (300, 301):
        journal.size = size
        folded = folding.fold()
        assert folded and folded.cosigned == 0
        assert folded.troubles == ("witness.example: the witness is down",)
    raw = log.checkpoint()
    assert raw and cosignatures(raw, [WITNESS.key]) == 0
    witness.down = False
    assert folding.fold() is None
    folded = folding.fold(again=True)
    assert folded and (folded.added, folded.cosigned) == (0, 1)
    raw = log.checkpoint()
    assert raw and cosignatures(raw, [WITNESS.key]) == 1
    # A new process does not know what the witness remembers: the witness tells it.
    journal.size = 400
    folded = sequencer(journal, log, witnesses=[witness]).fold()
    assert folded and folded.cosigned == 1
    check(log, journal, 400)


def test_a_log_that_was_rolled_back_gets_no_cosignature() -> None:
    """A log restored from an old copy signs a smaller tree; the witness that saw more refuses it."""
    journal, witness = Journal(), LocalWitness()
    journal.size = 500
    sequencer(journal, MemoryLogFolder(), witnesses=[witness]).fold()
    journal.size = 400
    folded = sequencer(journal, MemoryLogFolder(), witnesses=[witness]).fold()
    assert folded and folded.cosigned == 0
    assert "cosigned a tree of 500 entries" in folded.troubles[0]


def test_keys_change_with_overlap() -> None:
    """Old and new key sign together, then the new one alone, without a new row being needed."""
    journal, log = Journal(), MemoryLogFolder()
    journal.size = 3
    for signers in ((KEY,), (KEY, NEXT_KEY), (NEXT_KEY,)):
        folding = sequencer(journal, log, signers)
        assert folding.fold() is not None
        assert folding.fold() is None
        raw = log.checkpoint()
        assert raw and len(parse_note(raw).signatures) == len(signers)
    check(log, journal, 3)


def test_an_altered_file_stops_the_next_start() -> None:
    """A tree that does not give its signed root is never grown."""
    journal, log = Journal(), MemoryLogFolder()
    journal.size = 300
    sequencer(journal, log).fold()
    path = "tile/0/001.p/44"
    log._files[path] = bytes([log._files[path][0] ^ 1]) + log._files[path][1:]
    with pytest.raises(StorageError, match="do not give the root"):
        sequencer(journal, log)


def test_a_log_keeps_its_name() -> None:
    """Another name in the settings is another log: it is refused beside the files of the first."""
    journal, log = Journal(), MemoryLogFolder()
    journal.size = 1
    sequencer(journal, log).fold()
    with pytest.raises(StorageError, match="keeps its name"):
        Sequencer(journal, ENTRIES, log, "other.example/log", lambda: [KEY], [])
    raw = log.checkpoint()
    assert raw and read_checkpoint(raw) == Checkpoint(ORIGIN, 1, read_checkpoint(raw).root)
