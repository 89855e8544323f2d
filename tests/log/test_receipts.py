"""Receipts: proof files, and the file that checks them alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.record.log import verify as alone
from kanhe.record.log.checkpoint import open_checkpoint
from kanhe.record.log.errors import FormatError
from kanhe.record.log.merkle import leaf_hash, verify_inclusion
from kanhe.record.log.proof import LogProof, encode_proof, parse_proof
from kanhe.record.log.receipt import check_opening, parse_receipt
from tests.log.trees import ANSWER, BODY, LOG, NOW_S, ORIGIN, SALT, WITNESSES, entry, receipt

RECEIPT = receipt()
LOG_KEYS = [alone.read_key(str(LOG.key), alone.LOG_KEY)]
WITNESS_KEYS = [alone.read_key(str(one.key), alone.WITNESS_KEY) for one in WITNESSES]


def check(raw: bytes, required: int = 3) -> alone.Verdict:
    """Check a receipt with all keys."""
    return alone.verify(raw, ORIGIN, LOG_KEYS, WITNESS_KEYS, required)


def with_extra(extra: Any) -> bytes:
    """The receipt with other extra data."""
    raw = extra if isinstance(extra, bytes) else json.dumps(extra, ensure_ascii=False).encode()
    return encode_proof(parse_proof(RECEIPT)._replace(extra=raw))


EXTRA = json.loads(parse_proof(RECEIPT).extra or b"")


def test_a_proof_file_to_the_byte() -> None:
    """The lines of c2sp.org/tlog-proof@v1, with extra data, without, and without any hash."""
    a, b = (b64encode(one * 32).decode() for one in (b"a", b"b"))
    full = LogProof(7, (b"a" * 32, b"b" * 32), b"o\n", b"x")
    assert encode_proof(full).decode() == (
        f"c2sp.org/tlog-proof@v1\nextra eA==\nindex 7\n{a}\n{b}\n\no\n"
    )
    bare = LogProof(0, (), b"o\n")
    assert encode_proof(bare) == b"c2sp.org/tlog-proof@v1\nindex 0\n\no\n"
    for one in (full, bare, bare._replace(extra=b"")):
        assert parse_proof(encode_proof(one)) == one


H = b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "", "c2sp.org/tlog-proof@v1\n\nx", "c2sp.org/tlog-proof@v2\nindex 0\n\nx", "c2sp.org/tlog-proof@v1\nindex 0\nx",
        "c2sp.org/tlog-proof@v1\nindex 01\n\nx", "c2sp.org/tlog-proof@v1\nindex -1\n\nx", "c2sp.org/tlog-proof@v1\nindex\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra eA==\n\nx", "c2sp.org/tlog-proof@v1\nextra eA==\n\nx",
        "c2sp.org/tlog-proof@v1\nextra eA=\nindex 0\n\nx", "c2sp.org/tlog-proof@v1\nextra eB==\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx", f"c2sp.org/tlog-proof@v1\nindex 0\n{H} \n\nx", f" c2sp.org/tlog-proof@v1\nindex 0\n{H}\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + f"{H}\n" * 64 + "\nx", "c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\nx",
        "c2sp.org/tlog-proof@v1\nindex ٠\n\nx", "\n\n",
    ],
)  # fmt: skip
def test_what_is_no_proof_file(text: str) -> None:
    """A proof file has these lines in this order, and both readers refuse anything else."""
    with pytest.raises(FormatError):
        parse_proof(text.encode())
    with pytest.raises(alone.NotVerifiedError):
        check(text.encode())


@given(st.binary(max_size=100), st.integers(0, 300))
def test_hostile_proof_files(raw: bytes, at: int) -> None:
    """Whatever is read as a proof file is written back as the same bytes, and proves nothing."""
    for given_ in (raw, b"c2sp.org/tlog-proof@v1\n" + raw, RECEIPT[:at] + raw + RECEIPT[at:]):
        try:
            found = parse_proof(given_)
        except FormatError:
            continue
        assert encode_proof(found) == given_
        if given_ != RECEIPT:
            with pytest.raises(alone.NotVerifiedError):
                check(given_)


def test_a_receipt_holds() -> None:
    """Kanhe's own modules and the file that stands alone come to the same verdict."""
    proof, opening = parse_receipt(RECEIPT)
    checkpoint, _ = open_checkpoint(proof.checkpoint, ORIGIN, [LOG.key])
    leaf = leaf_hash(opening.entry.encode())
    verify_inclusion(proof.leaf_index, checkpoint.size, leaf, checkpoint.root, proof.hashes)
    check_opening(opening)
    verdict = check(RECEIPT)
    assert verdict == alone.Verdict(
        ORIGIN,
        11,
        6,
        entry(),
        tuple((one.key.name, NOW_S) for one in WITNESSES),
        ("event", "answer"),
    )
    assert check(receipt(opened=False)).opened == ()
    assert check(receipt(1, 0)).size == 1


def test_every_changed_byte_of_a_receipt_is_found() -> None:
    """No byte of a receipt can be another without the check failing."""
    for at in range(len(RECEIPT)):
        for flip in (1, 2, 0x20, 0x80):
            bad = RECEIPT[:at] + bytes([RECEIPT[at] ^ flip]) + RECEIPT[at + 1 :]
            with pytest.raises(alone.NotVerifiedError):
                check(bad)
    for at in range(len(RECEIPT)):
        with pytest.raises(alone.NotVerifiedError):
            check(RECEIPT[:at])


def test_every_changed_byte_of_the_extra_data_is_found() -> None:
    """Entry, event, answer and salts cannot be changed inside a well-formed receipt either."""
    extra = parse_proof(RECEIPT).extra or b""
    for at in range(len(extra)):
        for flip in (1, 2, 0x20):
            bad = extra[:at] + bytes([extra[at] ^ flip]) + extra[at + 1 :]
            with pytest.raises(alone.NotVerifiedError):
                verdict = check(with_extra(bad))
                # A key renamed to an unknown one only takes away what is shown.
                if verdict.entry == entry() and verdict.opened != ("event", "answer"):
                    raise alone.NotVerifiedError("less is shown")


@pytest.mark.parametrize(
    "extra",
    [
        {**EXTRA, "entry": None}, {**EXTRA, "entry": 5}, {**EXTRA, "entry": ""}, {**EXTRA, "event": "x"},
        {**EXTRA, "event": None}, {**EXTRA, "event_salt": None}, {**EXTRA, "event_salt": SALT[16:].hex()},
        {**EXTRA, "event_salt": 5}, {**EXTRA, "event_salt": "0x"}, {**EXTRA, "answer_salt": EXTRA["answer_salt"].upper()},
        {**EXTRA, "answer": EXTRA["event"]}, {**EXTRA, "event": EXTRA["answer"], "event_salt": EXTRA["answer_salt"]},
        {**EXTRA, "answer": ["x"]}, [], None, b"", b"{", b"\xff", b'{"entry":"\\ud800"}', b"[" * 100_000,
        b'{"entry":"x",' + json.dumps(EXTRA).encode()[1:],
    ],
)  # fmt: skip
def test_false_openings_are_refused(extra: Any) -> None:
    """What is shown must fit the entry: swapped, half, doubled or malformed openings do not."""
    with pytest.raises(alone.NotVerifiedError):
        check(with_extra(extra))


def test_who_must_have_signed() -> None:
    """Another log, another key or too few witnesses, and the receipt proves nothing."""
    with pytest.raises(alone.NotVerifiedError, match="another log"):
        alone.verify(RECEIPT, "other.example", LOG_KEYS)
    with pytest.raises(alone.NotVerifiedError, match="log's key"):
        alone.verify(RECEIPT, ORIGIN, [])
    with pytest.raises(alone.NotVerifiedError, match="log's key"):
        alone.verify(RECEIPT, ORIGIN, [LOG_KEYS[0]._replace(key_id=b"xxxx")])
    with pytest.raises(alone.NotVerifiedError, match="does not hold"):
        alone.verify(RECEIPT, ORIGIN, [LOG_KEYS[0]._replace(public=WITNESS_KEYS[0].public)])
    with pytest.raises(alone.NotVerifiedError, match="4 witnesses"):
        alone.verify(RECEIPT, ORIGIN, LOG_KEYS, [*WITNESS_KEYS, WITNESS_KEYS[0]], 4)
    assert alone.verify(RECEIPT, ORIGIN, LOG_KEYS).witnesses == ()
    for text in (str(LOG.key), str(WITNESSES[0].key)[:-1], "a+b", "", "a+00000000+AAAA"):
        with pytest.raises(alone.NotVerifiedError):
            alone.read_key(text, alone.WITNESS_KEY)


def test_it_works_alone(tmp_path: Path) -> None:
    """Copied into an empty folder, the file checks a receipt without Kanhe being there."""
    shutil.copy(alone.__file__, tmp_path / "verify.py")
    (tmp_path / "good.tlog-proof").write_bytes(RECEIPT)
    (tmp_path / "bad.tlog-proof").write_bytes(with_extra({**EXTRA, "event": "{}"}))
    # Kanhe is installed beside cryptography here; whoever tried to import it would find this.
    (tmp_path / "kanhe.py").write_text("raise ImportError('verify.py must stand alone')\n")
    command = [sys.executable, "verify.py", "--key", str(LOG.key)]
    for one in WITNESSES:
        command += ["--witness", str(one.key)]

    def run(*args: str, stdin: bytes = b"") -> tuple[int, str]:
        done = subprocess.run([*command, *args], cwd=tmp_path, input=stdin, capture_output=True)
        return done.returncode, (done.stdout + done.stderr).decode()

    status, text = run("good.tlog-proof")
    assert status == 0, text
    assert text.startswith(f"VERIFIED: entry 6 of 11 in the log '{ORIGIN}'\n")
    assert "shown and fitting: event, answer" in text
    assert run("-", stdin=RECEIPT) == (status, text)
    assert run("bad.tlog-proof") == (
        1,
        "NOT VERIFIED: the event shown is not the one in the entry\n",
    )
    assert run("good.tlog-proof", "--required", "4")[0] == 1
    assert run("good.tlog-proof", "--origin", "x")[0] == 1
    assert run("none.tlog-proof")[0] == 2
    assert run("good.tlog-proof", "--witness", str(LOG.key))[0] == 2
    assert run()[0] == 2


def test_it_imports_nothing_of_kanhe() -> None:
    """An auditor needs to read this one file, and it is short enough for that."""
    source = Path(alone.__file__).read_text("utf-8")
    imports = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
    known = sys.stdlib_module_names | {"cryptography", "__future__"}
    assert all(line.split()[1].partition(".")[0] in known for line in imports)
    assert len(source.splitlines()) < 350


def test_the_shown_bytes_are_the_given_ones() -> None:
    """A receipt shows event and answer as they were, in any script."""
    assert EXTRA["event"].encode() == BODY
    assert EXTRA["answer"].encode() == ANSWER
