"""Passkeys: made and shown for one origin, with the person verified."""

from __future__ import annotations

import json

import pytest
from fido2.utils import websafe_encode
from hypothesis import given
from hypothesis import strategies as st

from kanhe.protect.access.passkeys import (
    Passkey,
    PasskeyRefused,
    Passkeys,
    credential_id_of,
    id_named_in,
)
from tests.access.authenticator import Authenticator
from tests.access.cheap import chance

ORIGIN, HOST = "https://desk.example.com", "desk.example.com"


def _party(origin: str = ORIGIN) -> Passkeys:
    return Passkeys(origin, "Kanhe", chance().randbytes)


def _made(party: Passkeys, key: Authenticator) -> Passkey:
    asked = party.ask_to_make(b"handle", "ana@example.com", "Ana", ())
    answered = party.made(asked.state, key.make(asked.options))
    return Passkey(answered.key, answered.counter)


def test_a_passkey_is_made_and_shown() -> None:
    """The key that was made answers the next question, and is found by the id it names."""
    party, key = _party(), Authenticator(ORIGIN, HOST)
    kept = _made(party, key)
    asked = party.ask_to_show()
    response = key.show(asked.options)
    assert id_named_in(response) == credential_id_of(kept.key) == key.credential_id
    assert party.shown(asked.state, response, kept).key == kept.key


def test_the_questions_ask_for_the_person() -> None:
    """A new key must be discoverable and verify its owner; keys that are there are not made again."""
    party, key = _party(), Authenticator(ORIGIN, HOST)
    kept = _made(party, key)
    make = json.loads(party.ask_to_make(b"h", "ana@example.com", "Ana", [kept.key]).options)
    assert make["authenticatorSelection"]["residentKey"] == "required"
    assert make["authenticatorSelection"]["userVerification"] == "required"
    assert [c["type"] for c in make["excludeCredentials"]] == ["public-key"]
    assert make["rp"] == {"id": HOST, "name": "Kanhe"}
    show = json.loads(party.ask_to_show([kept.key]).options)
    assert show["userVerification"] == "required"
    assert len(show["allowCredentials"]) == 1


@pytest.mark.parametrize("step", ["make", "show"])
def test_without_verification_of_the_person_it_is_refused(step: str) -> None:
    """A device that does not ask for finger, face or PIN is refused, with a text that says so."""
    party, key = _party(), Authenticator(ORIGIN, HOST)
    if step == "make":
        key.verified = False
        with pytest.raises(PasskeyRefused) as refused:
            _made(party, key)
    else:
        kept = _made(party, key)
        key.verified = False
        asked = party.ask_to_show()
        with pytest.raises(PasskeyRefused) as refused:
            party.shown(asked.state, key.show(asked.options), kept)
    assert "fingerprint" in refused.value.text.en


def test_a_state_cannot_ask_for_less() -> None:
    """Verification is required whatever the kept state says."""
    party, key = _party(), Authenticator(ORIGIN, HOST)
    kept = _made(party, key)
    key.verified = False
    asked = party.ask_to_show()
    with pytest.raises(PasskeyRefused):
        party.shown(
            {**asked.state, "user_verification": "discouraged"}, key.show(asked.options), kept
        )


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://desk.example.com.evil.test", HOST),
        ("https://sub.desk.example.com", HOST),
        ("http://desk.example.com", HOST),
        (ORIGIN, "evil.test"),
    ],
)
def test_another_origin_is_refused(origin: str, host: str) -> None:
    """A key that answers a page elsewhere, also below the same domain, does not sign in here."""
    party, key = _party(), Authenticator(ORIGIN, HOST)
    kept = _made(party, key)
    asked = party.ask_to_show()
    key.origin, key.host = origin, host
    with pytest.raises(PasskeyRefused):
        party.shown(asked.state, key.show(asked.options), kept)


def test_another_question_is_refused() -> None:
    """An answer to an earlier question is worth nothing."""
    party, key = _party(), Authenticator(ORIGIN, HOST)
    kept = _made(party, key)
    old, new = party.ask_to_show(), party.ask_to_show()
    with pytest.raises(PasskeyRefused, match="challenge"):
        party.shown(new.state, key.show(old.options), kept)


def test_another_key_is_refused() -> None:
    """A signature of one key does not pass for another that names the same id."""
    party, key, other = _party(), Authenticator(ORIGIN, HOST), Authenticator(ORIGIN, HOST)
    kept = _made(party, key)
    asked = party.ask_to_show()
    with pytest.raises(PasskeyRefused, match="signature"):
        party.shown(asked.state, other.show(asked.options), kept)


def test_a_counter_that_does_not_grow_is_a_copy() -> None:
    """A key that counts must count on; one that never counts is taken."""
    party, key = _party(), Authenticator(ORIGIN, HOST)
    key.counter = 7
    kept = _made(party, key)
    for counter, fine in ((8, True), (7, False), (3, False), (0, False)):
        key.counter = counter
        asked = party.ask_to_show()
        if fine:
            assert party.shown(asked.state, key.show(asked.options), kept).counter == counter
        else:
            with pytest.raises(PasskeyRefused, match="copied"):
                party.shown(asked.state, key.show(asked.options), kept)


@pytest.mark.parametrize("cbor", [b"\x81" * 30_000, b"\xa1\x63fmt", b"\x9b" + b"\xff" * 8, b""])
def test_hostile_cbor_is_refused(cbor: bytes) -> None:
    """CBOR that nests without end, breaks off or claims to be huge costs nothing and is refused."""
    party = _party()
    asked = party.ask_to_make(b"h", "ana@example.com", "Ana", ())
    answer = json.loads(Authenticator(ORIGIN, HOST).make(asked.options))
    answer["response"]["attestationObject"] = websafe_encode(cbor)
    with pytest.raises(PasskeyRefused):
        party.made(asked.state, json.dumps(answer))


@given(st.text(max_size=300))
def test_nonsense_is_refused(response: str) -> None:
    """Whatever a browser sends, the answer is a refusal and no other error."""
    party = _party()
    asked = party.ask_to_show()
    with pytest.raises(PasskeyRefused):
        party.shown(asked.state, response, Passkey(_KEPT, 0))
    with pytest.raises(PasskeyRefused):
        party.made(asked.state, response)


@pytest.mark.parametrize(
    "response",
    [
        "{}", "[]", "null", '{"rawId": 5}', '{"rawId": "AA", "response": {}}', "[" * 50_000, "x" * 70_000,
        '{"rawId": "AA", "id": "AA", "type": "public-key", "response": {"clientDataJSON": "e30",'
        ' "authenticatorData": "AA", "signature": "AA"}}',
        '{"rawId": "AA", "id": "AB", "response": {"clientDataJSON": "bnVsbA", "attestationObject": "oA"}}',
    ],
)  # fmt: skip
def test_half_answers_are_refused(response: str) -> None:
    """JSON that lacks parts, or nests, or has the wrong types, is refused as well."""
    party = _party()
    asked = party.ask_to_show()
    with pytest.raises(PasskeyRefused):
        party.shown(asked.state, response, Passkey(_KEPT, 0))
    with pytest.raises(PasskeyRefused):
        party.made(asked.state, response)


@pytest.mark.parametrize(
    ("origin", "possible"),
    [
        ("https://desk.example.com", True),
        ("http://localhost:8081", True),
        ("http://127.0.0.1:8081", False),
        ("https://192.0.2.1", False),
        ("http://desk.example.com", False),
    ],
)
def test_where_browsers_make_passkeys(origin: str, possible: bool) -> None:
    """For host names over HTTPS, and for localhost; never for bare addresses."""
    assert _party(origin).possible == possible


_KEPT = _made(_party(), Authenticator(ORIGIN, HOST)).key
