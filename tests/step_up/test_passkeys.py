"""Passkeys of buyers: what they sign is the payment, and nothing else passes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fido2.utils import websafe_decode, websafe_encode
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.app.stepping_up.asking import Asked
from kanhe.app.stepping_up.enrolling import Proof
from kanhe.core.errors import Refusal
from kanhe.protect.access.step_up import limits
from kanhe.protect.access.step_up.binding import Binding
from tests.access.authenticator import Authenticator
from tests.step_up.building import ORIGIN, PAYMENT, House, question

_BINDING = Binding("shop", "u-1", "payment", **PAYMENT)


def _enrol(house: House, number: int = 1, user: str = "u-1") -> Authenticator:
    """A passkey of a user, made on the shop's own pages."""
    key = Authenticator(ORIGIN, "shop.example", number)
    proof = Proof(statement="asked by phone")
    made = house.enrolling.begin("shop", user, "passkey", name="mei@example.com", proof=proof)
    house.enrolling.confirm("shop", user, made.id, "", key.make(made.passkey.decode()))
    return key


def _confirm(house: House, asked: Asked, response: str, **changed: Any) -> Any:
    return house.asking.confirm("shop", asked.id, {**PAYMENT, **changed}, "", response)


def test_what_a_passkey_signs_contains_the_payment(house: House) -> None:
    """The challenge holds the hash of all that is confirmed, and the answer passes once."""
    key = _enrol(house)
    asked = house.asking.begin(question())
    options = json.loads(asked.passkey)
    challenge = websafe_decode(options["challenge"])
    assert challenge[32:] == _BINDING.digest()
    assert options["userVerification"] == "required"
    assert options["rpId"] == "shop.example"
    assert [one["id"] for one in options["allowCredentials"]] == [websafe_encode(key.credential_id)]
    response = key.show(asked.passkey.decode())
    judged = _confirm(house, asked, response)
    assert (judged.passed, judged.method) == (True, "passkey")
    with pytest.raises(Refusal):
        _confirm(house, asked, response)


def test_a_signature_confirms_no_other_payment(house: House) -> None:
    """What was signed for one amount passes neither for another one nor in another step-up."""
    key = _enrol(house)
    asked, dearer = (
        house.asking.begin(question()),
        house.asking.begin(question(amount_minor=499_000)),
    )
    response = key.show(asked.passkey.decode())
    assert _confirm(house, asked, response, amount_minor=499_000).reason == "mismatch"
    assert _confirm(house, dearer, response, amount_minor=499_000).reason == "wrong_passkey"
    twin = house.asking.begin(question())
    assert _confirm(house, twin, response).reason == "wrong_passkey"
    assert _confirm(house, asked, response).passed


def test_a_passkey_whose_holder_was_not_checked_is_refused(house: House) -> None:
    """Having the key is not enough: the device must have checked who holds it."""
    key = _enrol(house)
    asked = house.asking.begin(question())
    key.verified = False
    assert _confirm(house, asked, key.show(asked.passkey.decode())).reason == "not_verified"


@pytest.mark.parametrize("origin", [
    "https://shop.example.evil.net", "http://shop.example", "https://shop.example:8443",
    "https://evil.net", "null", "https://SHOP.example/",
])  # fmt: skip
def test_another_page_gets_nothing_from_a_passkey(house: House, origin: str) -> None:
    """A signature that was made on any page but the shop's own is refused."""
    key = _enrol(house)
    asked = house.asking.begin(question())
    key.origin = origin
    assert _confirm(house, asked, key.show(asked.passkey.decode())).reason == "wrong_passkey"


def test_somebody_elses_passkey_is_refused(house: House) -> None:
    """Neither a stranger's key nor one of another buyer answers for this one, nor is it enrolled twice."""
    _enrol(house)
    other = _enrol(house, 2, "u-2")
    asked = house.asking.begin(question())
    assert _confirm(house, asked, other.show(asked.passkey.decode())).reason == "wrong_passkey"
    impostor = Authenticator(ORIGIN, "shop.example", 1)
    assert _confirm(house, asked, impostor.show(asked.passkey.decode())).reason == "wrong_passkey"
    made = house.enrolling.begin("shop", "u-3", "passkey")
    with pytest.raises(Refusal, match="factor already"):
        house.enrolling.confirm("shop", "u-3", made.id, "", other.make(made.passkey.decode()))


def test_a_copied_passkey_is_refused(house: House) -> None:
    """A counter that does not grow means that the key was copied."""
    key = _enrol(house)
    key.counter = 7
    asked = house.asking.begin(question())
    assert _confirm(house, asked, key.show(asked.passkey.decode())).passed
    again = house.asking.begin(question())
    assert _confirm(house, again, key.show(again.passkey.decode())).reason == "wrong_passkey"
    key.counter = 8
    assert _confirm(house, again, key.show(again.passkey.decode())).passed


def test_passkeys_never_wait(house: House) -> None:
    """Whoever guesses codes keeps nobody from showing a passkey."""
    key = _enrol(house)
    house.app(proof=Proof(statement="asked by phone"))
    for _ in range(2):
        asked = house.asking.begin(question())
        for _ in range(limits.ATTEMPTS):
            house.asking.confirm("shop", asked.id, PAYMENT, "000000", "")
    asked = house.asking.begin(question())
    with pytest.raises(limits.StepUpWait):
        house.asking.confirm("shop", asked.id, PAYMENT, "000000", "")
    assert _confirm(house, asked, key.show(asked.passkey.decode())).passed


def test_a_passkey_for_another_factor_makes_none(house: House) -> None:
    """What was made for one question confirms no other one."""
    key = Authenticator(ORIGIN, "shop.example")
    one = house.enrolling.begin("shop", "u-1", "passkey")
    other = house.enrolling.begin("shop", "u-1", "passkey")
    with pytest.raises(Refusal, match="does not fit"):
        house.enrolling.confirm("shop", "u-1", other.id, "", key.make(one.passkey.decode()))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_no_browser_sends_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever stands in an answer, it fails as a wrong passkey and never as a fault."""
    house = House(tmp_path_factory.mktemp("hostile") / "buyers.db")
    key = _enrol(house)
    asked = house.asking.begin(question())
    answer = json.loads(key.show(asked.passkey.decode()))
    place = data.draw(st.sampled_from(["rawId", "response", *answer["response"]]))
    value = data.draw(_JSON)
    if place in answer["response"]:
        answer["response"][place] = value
    else:
        answer[place] = value
    try:
        raw = json.dumps(answer)
        judged = _confirm(house, asked, raw)
        assert judged.passed is (json.loads(raw) == json.loads(key.show(asked.passkey.decode())))
    finally:
        house.room.store.close()


@given(st.lists(st.text(max_size=6), min_size=4, max_size=4, unique=False), st.integers(0, 3), st.text(min_size=1, max_size=3))  # fmt: skip
def test_no_two_bindings_are_written_alike(texts: list[str], place: int, moved: str) -> None:
    """Moving letters from one part to its neighbour makes another binding."""
    user, order, payee, currency = texts
    one = Binding("t", user, "payment", order, payee, 1, currency)
    parts = [user, order, payee, currency]
    parts[place] += moved
    other = Binding("t", parts[0], "payment", parts[1], parts[2], 1, parts[3])
    shifted = Binding("t" + user, "", "payment", order, payee, 1, currency)
    assert one.digest() != other.digest()
    assert not user or one.digest() != shifted.digest()
    assert one.same_as(Binding(*one))


def test_a_passkey_of_an_unknown_kind_is_not_enrolled(house: House) -> None:
    """A key that nobody could check later is refused when it is made, and is no fault."""
    key = Authenticator(ORIGIN, "shop.example")
    made = house.enrolling.begin("shop", "u-1", "passkey")
    odd = key.make(made.passkey.decode(), algorithm=-999)
    with pytest.raises(Refusal, match="does not fit"):
        house.enrolling.confirm("shop", "u-1", made.id, "", odd)
