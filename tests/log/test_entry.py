"""Entries: what stands in them, what does not, and what opens them."""

from __future__ import annotations

import json
import re
from hashlib import blake2s, sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.record.log.entry import (
    Entry,
    Pseudonyms,
    entry_of,
    fits,
    happening_of,
    kind_of,
    parse_entry,
)
from kanhe.record.log.errors import FormatError, ProofError
from kanhe.record.log.receipt import check_opening, opening_of
from tests.log.trees import ANSWER, BODY, SALT, entry


def test_an_entry_to_the_byte() -> None:
    """The bytes of version 1: old entries must be made and read the same for ever."""
    event = sha256(b"kanhe-event-v1\0" + SALT[:16] + BODY).hexdigest()
    answer = sha256(b"kanhe-answer-v1\0" + SALT[16:] + ANSWER).hexdigest()
    user = blake2s("shop\0user\0王".encode(), key=bytes(32), digest_size=16, person=b"kanheWho")
    card = blake2s(b"shop\0card\0tok_1", key=bytes(32), digest_size=16, person=b"kanheWho")
    assert entry().decode() == (
        '{"v":1,"kind":"flow:payment.attempted:deny","seq":1,"at_ms":1700000000000,'
        f'"received_ms":1700000000005,"event":"{event}","answer":"{answer}",'
        f'"policy":"sha256:{"0" * 64}","outcome":"deny","score":350,"reasons":["card_testing"],'
        f'"who":["user:{user.hexdigest()}","card:{card.hexdigest()}"]}}'
    )


def test_nothing_personal_stands_in_an_entry() -> None:
    """Neither ids nor bodies nor answers can be read from an entry."""
    words = set(re.findall(r"[^\",:{}\[\]]+", entry().decode()))
    assert "deny" in words
    assert not words & {"王", "tok_1", "e1", "shop", "d1-9e3779"}


def test_what_opens_an_entry() -> None:
    """Row and salt fit the entry together; another body, answer or salt does not."""
    found = parse_entry(entry())
    assert fits(found, SALT, BODY, ANSWER)
    assert not fits(found, SALT, BODY + b" ", ANSWER)
    assert not fits(found, SALT, BODY, ANSWER + b" ")
    assert not fits(found, SALT[::-1], BODY, ANSWER)
    assert not fits(found, b"", BODY, ANSWER)


def test_half_a_salt_opens_half() -> None:
    """An answer can be shown without what would open the event."""
    shown = opening_of(entry(), SALT, answer=ANSWER)
    assert (shown.event, shown.event_salt) == (None, None)
    assert shown.answer_salt == SALT[16:].hex()
    check_opening(shown)
    with pytest.raises(ProofError):
        opening_of(entry(), SALT, event=BODY + b" ")
    with pytest.raises(ProofError):
        opening_of(entry(), b"", event=BODY)
    with pytest.raises(ProofError):
        opening_of(entry(), SALT[16:], answer=ANSWER)


def test_pseudonyms_are_the_installations_own() -> None:
    """One entity has one pseudonym per installation, tenant and kind."""
    one, other = Pseudonyms(bytes(32)), Pseudonyms(b"k" * 32)
    names = {
        one("shop", "user", "7"), one("shop", "card", "7"), one("shop2", "user", "7"),
        one("shop", "user", "8"), one("shop", "user", "7\0"), other("shop", "user", "7"),
    }  # fmt: skip
    assert len(names) == 6
    assert one("shop", "user", "7") == Pseudonyms(bytes(32))("shop", "user", "7")
    with pytest.raises(FormatError):
        Pseudonyms(b"short")


def test_pseudonyms_made_together_are_those_made_one_by_one() -> None:
    """Many ids of one event have the pseudonyms that each of them has by itself, in their order."""
    kinds = ("user", "card", "ip")
    together = Pseudonyms(bytes(32), kinds)
    for _ in range(2):
        assert together.of_all("shop", ("7", None, "é")) == (
            together("shop", "user", "7"), together("shop", "ip", "é"),
        )  # fmt: skip
    assert together.of_all("shop2", ("7", None, None)) == (together("shop2", "user", "7"),)


@given(
    st.integers(0, 2**53), st.integers(0, 2**53), st.binary(min_size=32, max_size=32), st.binary(),
    st.text(), st.none() | st.integers(0, 1000), st.lists(st.text(), max_size=3),
)  # fmt: skip
def test_entries_come_back(
    seq: int, at_ms: int, salt: bytes, body: bytes, text: str, score: int | None, reasons: list[str]
) -> None:
    """What goes into an entry comes out of it, whatever texts a policy uses as ids."""
    raw = entry_of(
        "flow:payment.attempted:allow", seq, at_ms, at_ms, salt, body, b"", text, text, text, score,
        tuple(reasons), (),
    )  # fmt: skip
    found = parse_entry(raw)
    assert (found.seq, found.at_ms, found.policy, found.model) == (seq, at_ms, text, text)
    assert (found.outcome, found.score, found.reasons) == (text, score, tuple(reasons))
    assert fits(found, salt, body, b"")


def test_other_happenings() -> None:
    """What is no event has an entry of a few words, and sorts them."""
    who = Pseudonyms(bytes(32))("shop", "user", "7")
    raw = happening_of("privacy:person:erased", 0, 5, {"rows": "12", "by": "dpo"}, [who])
    assert raw.decode() == (
        f'{{"v":1,"kind":"privacy:person:erased","seq":0,"at_ms":5,"who":["{who}"],'
        '"facts":{"by":"dpo","rows":"12"}}'
    )
    assert parse_entry(raw).facts == {"by": "dpo", "rows": "12"}
    with pytest.raises(FormatError):
        happening_of("privacy", 0, 5, {})
    with pytest.raises(FormatError):
        happening_of("privacy:person:erased", 0, 5, {}, ["user:王"])
    with pytest.raises(FormatError):
        happening_of("privacy:person:erased", 0, 5, {"text": "x" * 70_000})


def test_kinds() -> None:
    """A kind is three plain words with colons between."""
    assert kind_of("policy", "pack", "changed") == "policy:pack:changed"
    for parts in [
        ("", "a", "b"),
        ("a", "b", "C"),
        ("a", "b:c", "d"),
        ("a", "b c", "d"),
        ("a", "b", "c\n"),
    ]:
        with pytest.raises(FormatError):
            kind_of(*parts)


def test_what_no_entry_can_be_made_from() -> None:
    """A salt of another length or too many reasons are refused, not cut."""
    for salt, reasons in [(SALT[:31], ()), (SALT + b"x", ()), (SALT, ("x" * 66_000,))]:
        with pytest.raises(FormatError):
            entry_of("a:b:c", 1, 1, 1, salt, b"", b"", "", "", "", None, reasons, ())


def test_only_the_canonical_bytes_are_an_entry() -> None:
    """Another order, spaces, unknown, wrong or needless keys, and other versions are refused."""
    good = json.loads(entry())
    compact = json.dumps(good, separators=(",", ":"), ensure_ascii=False).encode()
    assert parse_entry(compact) == parse_entry(entry())
    bad = [
        dict(reversed(good.items())), {**good, "extra": 1}, {**good, "v": 2}, {**good, "model": ""},
        {**good, "seq": -1}, {**good, "seq": "1"}, {**good, "seq": 1.0}, {**good, "kind": "a:b"},
        {**good, "event": "00"}, {**good, "event": good["event"].upper()}, {**good, "who": ["x"]},
        {key: value for key, value in good.items() if key != "at_ms"}, [], None,
    ]  # fmt: skip
    raws = [json.dumps(one, separators=(",", ":")).encode() for one in bad]
    raws += [
        json.dumps(good).encode(),
        entry() + b"\n",
        b"",
        b"{",
        b"\xff",
        entry()[:-1],
        b"[" * 10_000,
    ]
    raws += [b'{"v":1,' + entry()[1:], b" " * 65_536]
    for raw in raws:
        with pytest.raises(FormatError):
            parse_entry(raw)


@given(st.data())
def test_hostile_entries(data: st.DataObject) -> None:
    """An entry with any bytes put anywhere is refused, or is the entry that these bytes say."""
    raw = entry()
    at = data.draw(st.integers(0, len(raw)))
    bad = raw[:at] + data.draw(st.binary(max_size=5)) + raw[at + data.draw(st.integers(0, 5)) :]
    try:
        found = parse_entry(bad)
    except FormatError:
        return
    assert isinstance(found, Entry)
    assert (found == parse_entry(raw)) == (bad == raw)
