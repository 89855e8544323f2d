"""The list of witnesses, and what an answer of one means."""

from __future__ import annotations

import pytest

from kanhe.record.log.errors import FormatError, LogError, SignatureError
from kanhe.record.log.note import parse_note
from kanhe.record.log.witness import Conflict, RefusedError, read_answer
from kanhe.record.log.witness_list import parse_witness_list
from tests.log.test_witness import request
from tests.log.trees import LOG, NOW_S, WITNESSES

ONE, TWO = (str(signer.key) for signer in WITNESSES[:2])


def test_a_list_is_read() -> None:
    """Each line is a key and a URL; comments and empty lines are passed over."""
    text = f"# ours\n\n{ONE}  https://one.example/\n\t{TWO} http://127.0.0.1:8090/a/b#\n"
    with pytest.raises(FormatError, match="line 4"):
        parse_witness_list(text)
    found = parse_witness_list(text.replace("b#", "b"))
    assert [(str(one.key), one.url) for one in found] == [
        (ONE, "https://one.example"), (TWO, "http://127.0.0.1:8090/a/b"),
    ]  # fmt: skip
    assert parse_witness_list("") == parse_witness_list("# none\n") == ()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (ONE, "a verifier key and a URL"),
        (f"{ONE} http://a.example http://b.example", "a verifier key and a URL"),
        (f"http://a.example {ONE}", "name"),
        (f"{LOG.key} http://a.example", "0x04"),
        (f"{ONE[:-2]}== http://a.example", "base64"),
        (f"{ONE} ftp://a.example", "https://witness.example/prefix"),
        (f"{ONE} a.example", "https://witness.example/prefix"),
        (f"{ONE} http://", "https://witness.example/prefix"),
        (f"{ONE} http://a.example:99999", "https://witness.example/prefix"),
        (f"{ONE} http://u:p@a.example", "https://witness.example/prefix"),
        (f"{ONE} http://a.example?x=1", "https://witness.example/prefix"),
        (f"{TWO} http://a.example", "stands here again"),
    ],
)
def test_a_wrong_line_is_told(line: str, expected: str) -> None:
    """The error says which line is wrong and what was expected."""
    with pytest.raises(FormatError, match="line 3 of the list of witnesses") as caught:
        parse_witness_list(f"# list\n{TWO} https://two.example\n{line}\n")
    assert expected in str(caught.value)


def test_answers_and_what_they_mean() -> None:
    """A signature, another size to prove from, a refusal, or no answer at all."""
    asked = request(33, 100)
    text = parse_note(asked.checkpoint).text
    key = WITNESSES[0].key
    mine, other = (signer.cosign(text, NOW_S) for signer in WITNESSES[:2])
    both = f"{other.line()}\n{mine.line()}\n".encode()
    assert read_answer(200, both, asked, key) == mine
    assert read_answer(409, b"40\n", asked, key) == Conflict(40)
    with pytest.raises(RefusedError, match="another tree of 33 entries"):
        read_answer(409, b"33\n", asked, key)
    for status in (400, 403, 404, 422):
        with pytest.raises(RefusedError, match=rf"status {status}\): 'no\\x1b'"):
            read_answer(status, b"no\x1b\n", asked, key)
    for body in (b"", b"\n", other.line().encode() + b"\n", both[:-1], both + b"x", b"\xff\n"):
        with pytest.raises((FormatError, SignatureError)):
            read_answer(200, body, asked, key)
    late = WITNESSES[0].cosign(text.replace("100", "101"), NOW_S)
    with pytest.raises(SignatureError):
        read_answer(200, f"{late.line()}\n".encode(), asked, key)
    for body in (b"", b"-1\n", b"040\n", b"many\n"):
        with pytest.raises(LogError):
            read_answer(409, body, asked, key)
