"""The witness: what it cosigns, and every way to get it to cosign something else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.record.log.checkpoint import Checkpoint, sign_checkpoint
from kanhe.record.log.cosignature import cosigned_at, read_cosignatures
from kanhe.record.log.errors import FormatError
from kanhe.record.log.merkle import EMPTY_ROOT, prove_consistency, root_of
from kanhe.record.log.note import NoteSigner
from kanhe.record.log.witness import (
    SIZE_MEDIA_TYPE,
    AddCheckpoint,
    MemoryWitnessState,
    Seen,
    Witness,
    encode_request,
    parse_request,
)
from tests.log.trees import LOG, NOW_S, ORIGIN, WITNESSES, Rows, entries

LEAVES = entries(100)
READ = Rows(LEAVES)
FORKED = Rows([*LEAVES[:40], b"another", *LEAVES[41:]])


def request(
    old: int, size: int, read: Rows = READ, signer: NoteSigner = LOG, origin: str = ORIGIN
) -> AddCheckpoint:
    """An honest request from a log that has these nodes."""
    checkpoint = Checkpoint(origin, size, root_of(read, size))
    proof = prove_consistency(read, old, size) if 0 < old <= size else []
    return AddCheckpoint(old, tuple(proof), sign_checkpoint(checkpoint, [signer]).encode())


class Asked:
    """A witness, and its memory."""

    def __init__(self, *seen: int) -> None:
        self.state = MemoryWitnessState()
        self.witness = Witness(WITNESSES[:2], {ORIGIN: [LOG.key]}, self.state)
        old = 0
        for size in seen:
            assert self.ask(request(old, size))[0] == 200
            old = size

    def ask(self, what: AddCheckpoint | bytes) -> tuple[int, bytes]:
        """Status and body of the answer; a refusal must leave the memory alone."""
        raw = what if isinstance(what, bytes) else encode_request(what)
        before = self.state.load(ORIGIN)
        answer = self.witness.add_checkpoint(raw, NOW_S)
        if answer.status != 200:
            assert self.state.load(ORIGIN) == before
        assert (answer.media_type == SIZE_MEDIA_TYPE) == (answer.status == 409)
        return answer.status, answer.body


def test_growth_is_cosigned() -> None:
    """Each tree that continues the last is cosigned, with every key, at the time given."""
    asked = Asked(1, 2, 40, 64, 65)
    status, body = asked.ask(request(65, 100))
    assert status == 200
    text = sign_checkpoint(Checkpoint(ORIGIN, 100, root_of(READ, 100)), [LOG]).text
    found = read_cosignatures(body, text, [one.key for one in WITNESSES])
    assert [one.name for one in found] == ["witness1.example", "witness2.example"]
    assert {cosigned_at(one) for one in found} == {NOW_S}
    assert asked.state.load(ORIGIN) == Seen(100, root_of(READ, 100))


def test_the_same_tree_is_cosigned_again() -> None:
    """A log that lost the answer, or wants a newer time, asks again with equal sizes."""
    asked = Asked(50)
    assert asked.ask(request(50, 50))[0] == 200


def test_an_empty_log_can_begin() -> None:
    """The checkpoint of an empty log is cosigned, and whatever comes next continues it."""
    asked = Asked()
    empty = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), [LOG]).encode()
    assert asked.ask(AddCheckpoint(0, (), empty))[0] == 200
    assert asked.ask(AddCheckpoint(0, (), empty))[0] == 200
    assert asked.ask(request(0, 5))[0] == 200
    assert asked.ask(AddCheckpoint(0, (), empty)) == (409, b"5\n")


def test_a_fork_is_refused() -> None:
    """Another history of the same or a larger size is not cosigned, whatever proof comes with it."""
    asked = Asked(50)
    assert asked.ask(request(50, 50, FORKED)) == (409, b"50\n")
    assert asked.ask(request(50, 60, FORKED))[0] == 422
    assert asked.ask(request(50, 60)._replace(proof=()))[0] == 422
    forked = request(40, 60, FORKED)
    assert asked.ask(forked) == (409, b"50\n")
    assert asked.ask(forked._replace(old_size=50))[0] == 422
    assert asked.ask(request(0, 60, FORKED)) == (409, b"50\n")
    assert asked.ask(request(50, 60))[0] == 200


def test_a_rollback_is_refused() -> None:
    """A smaller tree is not cosigned once a larger one was."""
    asked = Asked(50)
    for old, size in [(0, 40), (40, 40), (40, 45)]:
        assert asked.ask(request(old, size)) == (409, b"50\n")
    assert asked.ask(request(50, 40))[0] == 400


def test_the_first_size_is_told() -> None:
    """Who has lost track of the witness learns from the refusal where to go on."""
    assert Asked().ask(request(7, 50)) == (409, b"0\n")
    assert Asked(50).ask(request(0, 60)) == (409, b"50\n")
    assert Asked().ask(request(0, 5)._replace(proof=(bytes(32),)))[0] == 422


def test_who_may_ask() -> None:
    """A log that is not known, and a checkpoint that its key did not sign, are refused."""
    stranger = NoteSigner("stranger.example", b"s" * 32)
    asked = Asked(10)
    assert asked.ask(request(10, 20, signer=stranger, origin="stranger.example"))[0] == 404
    assert asked.ask(request(10, 20, signer=stranger))[0] == 403
    same_name = NoteSigner(ORIGIN, b"s" * 32)
    assert asked.ask(request(10, 20, signer=same_name))[0] == 403
    good = request(10, 20)
    forged = good.checkpoint.replace(b"\n20\n", b"\n21\n")
    assert asked.ask(good._replace(checkpoint=forged))[0] == 403


def test_order_of_refusals() -> None:
    """Nobody learns a size, or moves it, without the key of the log."""
    asked = Asked(10)
    unsigned = NoteSigner(ORIGIN, b"s" * 32)
    assert asked.ask(request(3, 20, signer=unsigned))[0] == 403
    assert asked.ask(request(30, 20, signer=unsigned))[0] == 403


def test_of_two_requests_at_once_one_wins() -> None:
    """A request that was checked against an older memory is sent back, and rolls nothing back."""
    asked = Asked(10)

    class Overtaken(MemoryWitnessState):
        def load(self, origin: str) -> Seen | None:
            seen = super().load(origin)
            if seen and seen.size == 10:
                self._seen[origin] = Seen(30, root_of(READ, 30))
            return seen

    state = Overtaken()
    state.compare_and_store(ORIGIN, None, Seen(10, root_of(READ, 10)))
    witness = Witness(WITNESSES[:1], {ORIGIN: [LOG.key]}, state)
    answer = witness.add_checkpoint(encode_request(request(10, 20)), NOW_S)
    assert (answer.status, answer.body) == (409, b"30\n")
    assert state.load(ORIGIN) == Seen(30, root_of(READ, 30))
    assert asked.ask(request(10, 30))[0] == 200


def test_a_proof_with_any_bit_changed_is_refused() -> None:
    """No byte of a request can be another and the checkpoint still be cosigned."""
    raw = encode_request(request(33, 100))
    for at in range(len(raw)):
        asked = Asked(33)
        bad = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        status, _ = asked.ask(bad)
        assert status in (400, 403, 404, 409, 422), bad


def test_requests_to_the_byte() -> None:
    """A request is an old size, a proof, an empty line and a checkpoint."""
    made = AddCheckpoint(7, (bytes(32),), b"checkpoint")
    raw = b"old 7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\ncheckpoint"
    assert encode_request(made) == raw
    assert parse_request(raw) == made
    assert encode_request(AddCheckpoint(0, (), b"c")) == b"old 0\n\nc"


SPOIL: list[Callable[[bytes], bytes]] = [
    lambda raw: b"",
    lambda raw: raw.replace(b"old ", b"new ", 1),
    lambda raw: raw.replace(b"old 33", b"old 033", 1),
    lambda raw: raw.replace(b"old 33", b"old -33", 1),
    lambda raw: raw.replace(b"old 33", b"old  33", 1),
    lambda raw: raw.replace(b"\n", b"\r\n"),
    lambda raw: raw.replace(b"\n\n", b"\n", 1),
    lambda raw: raw.replace(b"=\n", b"\n", 1),
    lambda raw: raw.replace(b"old 33\n", b"old 33\nAAAA\n", 1),
    lambda raw: raw.replace(b"old 33\n", b"old 33\n" + b"A" * 43 + b"=\n" * 64, 1),
    lambda raw: raw.replace(b"old 33\n", b"old 33\n" + (b"A" * 43 + b"=\n") * 64, 1),
    lambda raw: b"\xff" + raw,
    lambda raw: raw[:-1],
    lambda raw: raw + b"x",
    lambda raw: b" " + raw,
]


@pytest.mark.parametrize("number", range(len(SPOIL)))
def test_malformed_requests(number: int) -> None:
    """What is not written as the protocol says gets 400 and changes nothing."""
    asked = Asked(33)
    assert asked.ask(SPOIL[number](encode_request(request(33, 100))))[0] == 400


@given(st.binary(max_size=200))
def test_hostile_requests(raw: bytes) -> None:
    """Any bytes get an answer and never a signature; what can be read is written back the same."""
    asked = Asked()
    for given_ in (raw, b"old 0\n\n" + raw):
        assert asked.ask(given_)[0] == 400
        try:
            found = parse_request(given_)
        except FormatError:
            continue
        assert encode_request(found) == given_
