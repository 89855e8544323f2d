"""Notes, checkpoints and cosignatures: what is signed, by whom, and what is refused."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.record.log.checkpoint import (
    Checkpoint,
    decimal,
    open_checkpoint,
    parse_text,
    sign_checkpoint,
    with_signatures,
)
from kanhe.record.log.cosignature import (
    WitnessKey,
    WitnessSigner,
    cosigned_at,
    cosigners,
    read_cosignatures,
)
from kanhe.record.log.errors import FormatError, LogError, SignatureError
from kanhe.record.log.merkle import EMPTY_ROOT
from kanhe.record.log.note import Note, NoteKey, NoteSigner, parse_note, sign_note, verify_note
from tests.log.trees import LOG, NOW_S, ORIGIN, WITNESSES, entries, published, signed

EDGE, _ = published(entries(300))
NOTE = signed(EDGE)
RAW = NOTE.encode()
KEYS = [one.key for one in WITNESSES]

# Made once with `note.GenerateKey` and `note.Sign` of golang.org/x/mod, from a seed of 32 sevens.
GO_SECRET = "PRIVATE+KEY+go.example/log+2f5e8f83+AQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH"
GO_KEY = "go.example/log+2f5e8f83+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
GO_TEXT = "one line\n\nand another, 又一行\n"
GO_NOTE = (
    f"{GO_TEXT}\n\u2014 go.example/log L16Pg5H5FThmEb1bsytry0qnqEKmOM4JfPdgGLmN822qlufFSgdfGCu/YhtKD"
    "/BBW3WIMoYFSKbGCXFazzKhiyMPegU=\n"
).encode()


def test_a_note_that_go_signed() -> None:
    """The same seed and text give the key and the note that Go's implementation makes of them."""
    signer = NoteSigner("go.example/log", bytes([7]) * 32)
    assert str(signer.key) == GO_KEY
    assert signer.secret_text() == GO_SECRET
    assert sign_note(GO_TEXT, [signer]).encode() == GO_NOTE
    note = parse_note(GO_NOTE)
    assert verify_note(note, [NoteKey.parse(GO_KEY)])
    assert note.text == GO_TEXT


def test_keys_as_text() -> None:
    """A key is written as text and read back; a witness's key is no log's key."""
    assert str(NoteKey.parse(str(LOG.key))) == str(LOG.key)
    assert str(NoteSigner.parse(LOG.secret_text()).key) == str(LOG.key)
    assert LOG.secret_text().startswith("PRIVATE+KEY+shop.example/kanhe+")
    witness = WITNESSES[0]
    assert str(WitnessSigner.parse(witness.secret_text()).key) == str(witness.key)
    assert str(WitnessKey.parse(str(witness.key))) == str(witness.key)
    with pytest.raises(FormatError):
        NoteKey.parse(str(witness.key))
    with pytest.raises(FormatError):
        WitnessKey.parse(str(LOG.key))
    with pytest.raises(FormatError):
        NoteSigner.parse(witness.secret_text())


@pytest.mark.parametrize("signer", [LOG, WITNESSES[0]])
def test_secrets_are_not_shown(signer: NoteSigner | WitnessSigner) -> None:
    """Neither printing a signer nor an error about its text gives the secret away."""
    secret = signer.secret_text().rsplit("+", 1)[1]
    assert secret not in f"{signer} {signer!r}"
    for text in (signer.secret_text()[:-2] + "!=", signer.secret_text() + "A", secret):
        with pytest.raises(FormatError) as caught:
            type(signer).parse(text)
        assert secret[:20] not in str(caught.value)
    with pytest.raises(FormatError):
        type(signer)("name", bytes(31))


@pytest.mark.parametrize("at", range(len(str(LOG.key))))
def test_mistyped_keys_are_refused(at: int) -> None:
    """A key of which one character was changed is not taken for a key."""
    text = str(LOG.key)
    for other in "a+ 0":
        if text[at] != other:
            with pytest.raises(FormatError):
                NoteKey.parse(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\u2003b", "a\nb", "a\x00b"])
def test_names_that_no_key_may_have(name: str) -> None:
    """A key name has no space of any kind, no plus and no control character."""
    with pytest.raises(FormatError):
        NoteSigner(name, bytes(32))


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\n", b"text\n", b"text\n\n", b"text\n\n\n", RAW[:-1], RAW + b"\n", RAW + b"x", RAW + RAW[:1],
        RAW.replace(b"\n\n", b"\n"), RAW.replace(b"300", b"3\x0000"), RAW.replace(b"300", b"3\t00"),
        RAW.replace(b"\n", b"\r\n"), RAW.replace("— ".encode(), b"- "), RAW.replace(b"300", b"\xff00"),
        RAW.replace("— ".encode(), "—  ".encode()), b"text\n\n\xe2\x80\x94 a AAAA\n",
        b"text\n\n\xe2\x80\x94 a AAAAAAA\n", b"text\n\n\xe2\x80\x94 a AAAAAAB=\n", b"text\n\n\xe2\x80\x94 a+b AAAAAAA=\n",
        b"text\n\n" + b"\xe2\x80\x94 a AAAAAAA=\n" * 65, b"x" * 300_000 + RAW,
    ],
)  # fmt: skip
def test_what_is_no_note(raw: bytes) -> None:
    """A note is UTF-8 without control characters, has an empty line and well-formed signatures."""
    with pytest.raises(FormatError):
        parse_note(raw)


@given(st.binary(max_size=200))
def test_hostile_notes(raw: bytes) -> None:
    """Whatever is read as a note is written back as the same bytes."""
    for given_ in (raw, b"text\n\n" + raw, RAW[:-20] + raw):
        try:
            note = parse_note(given_)
        except FormatError:
            continue
        assert note.encode() == given_


def test_every_changed_byte_is_found() -> None:
    """A cosigned checkpoint of which any byte was changed is not accepted by who needs all signatures."""
    for at in range(len(RAW)):
        for flip in (1, 0x20, 0x80):
            bad = RAW[:at] + bytes([RAW[at] ^ flip]) + RAW[at + 1 :]
            with pytest.raises(LogError):
                _, note = open_checkpoint(bad, ORIGIN, [LOG.key])
                cosigners(note, KEYS, 3)
    checkpoint, note = open_checkpoint(RAW, ORIGIN, [LOG.key])
    assert checkpoint == Checkpoint(ORIGIN, 300, EDGE.root())
    assert cosigners(note, KEYS, 3) == tuple(KEYS)


def test_unknown_signatures_are_passed_over_and_false_ones_are_not() -> None:
    """Keys that nobody asked for do no harm; a false signature under a known key ends the check."""
    text = "hello\n"
    other = NoteSigner("other.example", b"o" * 32)
    note = sign_note(text, [other, LOG])
    assert verify_note(note, [LOG.key]) == (LOG.key,)
    assert verify_note(note, KEYS) == ()
    false = note.signatures[1]._replace(value=bytes(64))
    for signatures in [(false,), (false, *note.signatures), (*note.signatures, false)]:
        with pytest.raises(SignatureError):
            verify_note(Note(text, signatures), [LOG.key])
        assert verify_note(Note(text, signatures), KEYS) == ()
    short = note.signatures[1]._replace(value=b"short")
    with pytest.raises(SignatureError):
        verify_note(Note(text, (short,)), [LOG.key])


def test_keys_overlap_while_one_replaces_the_other() -> None:
    """A checkpoint signed by the old and the new key is accepted by who knows either."""
    new = NoteSigner(ORIGIN, b"n" * 32)
    raw = sign_checkpoint(Checkpoint(ORIGIN, 300, EDGE.root()), [LOG, new]).encode()
    for key in (LOG.key, new.key):
        open_checkpoint(raw, ORIGIN, [key])
    with pytest.raises(SignatureError, match="no key"):
        open_checkpoint(signed(EDGE).encode(), ORIGIN, [new.key])
    with pytest.raises(SignatureError, match="not of"):
        open_checkpoint(raw, "other.example", [LOG.key])


ROOT = b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "", "o\n", f"o\n1\n{ROOT}", f"o\n1\n{ROOT}\n\n", f"\n1\n{ROOT}\n", f"o\n\n{ROOT}\n", "o\n1\n\n", "o\n1\n",
        f"o\n01\n{ROOT}\n", f"o\n-1\n{ROOT}\n", f"o\n+1\n{ROOT}\n", f"o\n1 \n{ROOT}\n", f"o\n1_0\n{ROOT}\n",
        f"o\n9223372036854775808\n{ROOT}\n", f"o\n١\n{ROOT}\n", f"o\n1\n{ROOT[:-1]}\n", "o\n1\nAAAA\n",
        f"o\n0\n{ROOT}\n", f"o\n1\n{ROOT}\n\nx\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint(text: str) -> None:
    """A checkpoint is an origin, a size without leading zeros and a root of 32 bytes, and no empty line."""
    with pytest.raises(FormatError):
        parse_text(text)


def test_checkpoints_come_back_as_they_were() -> None:
    """Sizes up to 2**63 - 1 and extension lines are read back; what would break a line is not signed."""
    for checkpoint in [
        Checkpoint("o", 0, EMPTY_ROOT),
        Checkpoint("o", 2**63 - 1, bytes(32), ("more", "and more")),
    ]:
        assert parse_text(checkpoint.text()) == checkpoint
    for broken in [Checkpoint("o\n5", 1, bytes(32)), Checkpoint("o", 1, bytes(32), ("a\nb",))]:
        with pytest.raises(FormatError):
            sign_checkpoint(broken, [LOG])
    assert decimal("0") == 0
    with pytest.raises(FormatError):
        decimal("00")


def test_a_cosignature_says_when() -> None:
    """The time stands in the signature, and moving it breaks it."""
    text = NOTE.text
    signature = WITNESSES[0].cosign(text, NOW_S)
    assert cosigned_at(signature) == NOW_S
    key = WITNESSES[0].key
    assert key.verifies(text, signature.value)
    later = (NOW_S + 1).to_bytes(8, "big") + signature.value[8:]
    for value in (
        later,
        signature.value[:-1],
        signature.value[8:],
        b"\x80" + signature.value[1:],
        b"",
    ):
        assert not key.verifies(text, value)
    with pytest.raises(FormatError):
        WITNESSES[0].cosign(text, -1)


def test_witnesses_are_counted_once_each() -> None:
    """A quorum is of different keys, and is not reached by signing twice or under two names."""
    twice = WitnessSigner("again.example", bytes([1]) * 32)
    note = with_signatures(
        signed(EDGE, []), [w.cosign(NOTE.text, NOW_S) for w in (WITNESSES[0], twice)]
    )
    assert len(cosigners(note, [WITNESSES[0].key, twice.key], 1)) == 1
    with pytest.raises(SignatureError, match="2 witnesses"):
        cosigners(note, [WITNESSES[0].key, twice.key], 2)
    assert cosigners(signed(EDGE, []), KEYS, 0) == ()


def test_of_one_witness_the_last_word_is_kept() -> None:
    """A checkpoint that is cosigned again carries one line per witness."""
    later = WITNESSES[0].cosign(NOTE.text, NOW_S + 60)
    note = with_signatures(NOTE, [later])
    assert len(note.signatures) == len(NOTE.signatures)
    assert later in note.signatures


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda line: b"", FormatError),
        (lambda line: line.encode(), FormatError),
        (lambda line: b"\xff\n", FormatError),
        (lambda line: f"{line}\n\n".encode(), FormatError),
        (lambda line: f"{line.replace('witness1', 'witness9')}\n".encode(), SignatureError),
        (lambda line: f"{WITNESSES[0].cosign('other', NOW_S).line()}\n".encode(), SignatureError),
    ],
)
def test_answers_of_a_witness(answer: Callable[[str], bytes], error: type[LogError]) -> None:
    """What a witness answers is taken over only if a known key made it for this checkpoint."""
    mine = WITNESSES[0].cosign(NOTE.text, NOW_S)
    unknown = WitnessSigner("new.example", b"u" * 32).cosign(NOTE.text, NOW_S)
    both = f"{mine.line()}\n{unknown.line()}\n".encode()
    assert read_cosignatures(both, NOTE.text, KEYS) == (mine,)
    with pytest.raises(error):
        read_cosignatures(answer(mine.line()), NOTE.text, KEYS)
