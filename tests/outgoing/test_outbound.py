"""Signatures as the standard writes them, addresses that may be asked, and when to try again."""

from __future__ import annotations

import ipaddress
import random
from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from kanhe.protect.outbound.destination import (
    DestinationError,
    check_addresses,
    is_public,
    read_destination,
)
from kanhe.protect.outbound.retrying import LONGEST_REST_MS, PAUSES_MS, pause_ms, rest_ms
from kanhe.protect.outbound.signature import (
    SigningSecret,
    fingerprint,
    new_secret,
    replaced,
    shared_secret,
    signature_headers,
)


def counting(size: int) -> bytes:
    """Bytes that are always the same."""
    return bytes(range(size))


@pytest.mark.parametrize(
    ("secret", "message", "at_s", "body", "signature"),
    [
        (
            "whsec_plJ3nmyCDGBKInavdOK15jsl", "msg_loFOjxBNrRLzqYUf", 1_731_705_121,
            b'{"event_type":"ping","data":{"success":true}}',
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
        ),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330,
            b'{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ],
)  # fmt: skip
def test_signatures_are_those_of_the_standard(
    secret: str, message: str, at_s: int, body: bytes, signature: str
) -> None:
    """The vectors that the standard's own libraries are tested with."""
    own = SigningSecret("v1", shared_secret(secret), 0)
    assert own.shown == secret
    assert own.sign(message, at_s, body) == signature
    assert own.sign(message, at_s + 1, body) != signature


def test_a_receiver_with_the_public_key_can_check() -> None:
    """`v1a` is Ed25519 over the same content, and what is shown is no secret."""
    own = new_secret("v1a", counting, 5)
    version, _, signature = own.sign("msg_1", 7, b"{}").partition(",")
    public = Ed25519PublicKey.from_public_bytes(b64decode(own.shown.removeprefix("whpk_")))
    public.verify(b64decode(signature), b"msg_1.7.{}")
    assert version == "v1a" and own.key not in own.shown.encode()
    assert len(fingerprint(own)) == 8


def test_a_secret_is_replaced_without_a_gap() -> None:
    """Both sign until the time of the one before is over; never more than two."""
    first = new_secret("v1", counting, 0)
    second = SigningSecret("v1", b"2" * 32, 100)
    both = replaced((first,), second, 50)
    headers = signature_headers(both, "msg_1", 149, b"{}")
    assert headers["webhook-signature"].split() == [
        second.sign("msg_1", 0, b"{}"), first.sign("msg_1", 0, b"{}"),
    ]  # fmt: skip
    assert len(signature_headers(both, "msg_1", 150, b"{}")["webhook-signature"].split()) == 1
    third = replaced(both, SigningSecret("v1", b"3" * 32, 120), 50)
    assert [secret.key[:1] for secret in third] == [b"3", b"2"]


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hook", "ftp://shop.example/", "https://", "https:///x", "shop.example",
        "https://user@shop.example/", "https://user:pass@shop.example/", "https://shop.example/#x",
        "https://127.0.0.1/", "https://10.0.0.1/", "https://192.168.1.1:8443/", "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/", "https://[fe80::1]/", "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://0.0.0.0/", "https://[::]/",
        "https://100.64.0.1/", "https://224.0.0.1/", "https://255.255.255.255/", "https://[ff02::1]/",
        "https://shop.example:99999/", "https://shop.example:port/", "https://shop.exa\nmple/",
        "https://shop.example/\r\nx: y", "https://shop.example\\@evil.example/", "https://例子.example/",
        "https://" + "a" * 2_100, "https://-shop.example/", "https://[::1", "https://shop .example/",
        "https://[fe80::1%25eth0]/", "",
    ],
)  # fmt: skip
def test_addresses_that_lead_inside_are_refused(url: str) -> None:
    """Private, own and odd addresses, whatever they are wrapped into, and what two would read in two
    ways."""
    with pytest.raises(DestinationError) as caught:
        read_destination(url)
    assert caught.value.told.en and caught.value.told.zh


def test_a_good_address_is_taken_apart() -> None:
    """Host, port and path are those that will be asked."""
    to = read_destination("https://Hooks.Shop.Example./in?k=1")
    assert to == (True, "hooks.shop.example", 443, "/in?k=1")
    assert to.host_header == "hooks.shop.example"
    assert read_destination("https://shop.example:8443").host_header == "shop.example:8443"
    assert read_destination("https://[2606:4700::1111]:444").host_header == "[2606:4700::1111]:444"
    inside = read_destination("http://127.0.0.1:9000/x", private=True)
    assert inside == (False, "127.0.0.1", 9000, "/x")


def test_one_private_address_of_several_is_enough() -> None:
    """A name that leads to a public and a private address is refused."""
    good, bad = ipaddress.ip_address("93.184.216.34"), ipaddress.ip_address("10.1.2.3")
    assert check_addresses([good]) == good
    with pytest.raises(DestinationError):
        check_addresses([good, bad])
    with pytest.raises(DestinationError):
        check_addresses([])
    assert check_addresses([bad], private=True) == bad


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_changes_nothing(address: ipaddress.IPv4Address) -> None:
    """An IPv4 address in IPv6 clothes is as public as it is itself, or less."""
    for text in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert is_public(ipaddress.ip_address(text)) <= is_public(address)
    packed = int(address)
    six = ipaddress.ip_address(f"2002:{packed >> 16:x}:{packed & 0xFFFF:x}::1")
    assert is_public(six) <= is_public(address)


def test_pauses_grow_to_about_a_day() -> None:
    """Each is longer than the one before; together they last a day; then it is over."""
    assert list(PAUSES_MS) == sorted(PAUSES_MS)
    assert 24 * 3_600_000 <= sum(PAUSES_MS) <= 30 * 3_600_000
    assert pause_ms(len(PAUSES_MS) + 1, 0.5) is None
    dice = random.Random(1)
    for failures in range(1, len(PAUSES_MS) + 1):
        for chance in (0.0, dice.random(), 1.0):
            pause = pause_ms(failures, chance)
            assert pause is not None
            assert 0.79 * PAUSES_MS[failures - 1] <= pause <= 1.21 * PAUSES_MS[failures - 1]
            assert 0 < rest_ms(failures, chance) <= LONGEST_REST_MS
    assert pause_ms(1, 0.5, 600_000) == 600_000
    assert pause_ms(1, 0.5, 10**12) == 7_200_000
