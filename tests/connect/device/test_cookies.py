"""Ids of devices and sessions: the shop's own hold, and nobody else's do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.client import events
from kanhe.connect.device import Devices, KeyMistake, Seen, SigningKeys
from kanhe.connect.device.cookies import (
    DEVICE_LIFE_S,
    RENEWED_AFTER_S,
    SESSION_LIFE_S,
    name_of,
    read,
    value_of,
)

OLD, NEW = b"o" * 32, b"n" * 32
NOW_S = 1_790_000_000
DEVICE, SESSION = name_of("device", secure=True), name_of("session", secure=True)


def devices(*keys: bytes, now_s: int = NOW_S, **more: Any) -> Devices:
    """A shop's."""
    return Devices(keys or (OLD,), clock=lambda: now_s, **more)


def see(shop: Devices, cookie: str = "", is_https: bool = True, **headers: str) -> Seen:
    """One request with this cookie header and these others."""
    sent = {"cookie": cookie, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return shop.see(lambda name: sent.get(name) or None, is_https=is_https)


def jar(seen: Seen, before: str = "") -> str:
    """The cookie header of the next request."""
    kept = dict(part.split("=", 1) for part in before.split("; ") if part)
    for one in seen.set_cookies:
        name, _, value = one.partition(";")[0].partition("=")
        kept[name] = value
        if "Max-Age=0" in one:
            del kept[name]
    return "; ".join(f"{name}={value}" for name, value in kept.items())


def test_a_visitor_is_known_again() -> None:
    """The first request gets both cookies, the next one is the same device in the same session."""
    shop = devices()
    first = see(shop)
    assert first.is_fresh_device
    assert [one.partition("=")[0] for one in first.set_cookies] == [SESSION, DEVICE]
    for one in first.set_cookies:
        for attribute in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
            assert attribute in one
        assert "Domain" not in one
    again = see(shop, jar(first))
    assert (again.device, again.session) == (first.device, first.session)
    assert not again.is_fresh_device
    assert again.set_cookies == ()
    assert re.fullmatch(r"dv-[a-z2-7]{26}", first.device or "")
    assert re.fullmatch(r"se-[a-z2-7]{26}", first.session)


def test_over_http_the_cookie_has_no_prefix() -> None:
    """Browsers take `__Host-` over https only; behind a proxy the shop says which it is."""
    plain = see(devices(), is_https=False)
    assert all(one.startswith("kanhe-") and "Secure" not in one for one in plain.set_cookies)
    told = see(devices(https=True), is_https=False)
    assert all(one.startswith("__Host-kanhe-") for one in told.set_cookies)


def test_keys_change_without_anybody_noticing() -> None:
    """An old key is believed and its cookies are made anew with the same id; a removed one is forgotten."""
    first = see(devices(OLD))
    cookie = jar(first)
    changed = see(devices(NEW, OLD), cookie)
    assert changed.device == first.device
    assert [one.partition("=")[0] for one in changed.set_cookies] == [DEVICE]
    later = see(devices(NEW), jar(changed, cookie))
    assert later.device == first.device
    gone = see(devices(NEW), cookie)
    assert gone.device != first.device
    assert (gone.is_fresh_device, gone.is_altered_device) == (True, False)


def test_cookies_end_and_are_renewed() -> None:
    """Ids last from visit to visit for half a year, sessions half a day; an old cookie is made anew."""
    first = see(devices())
    cookie = jar(first)
    later = see(devices(now_s=NOW_S + SESSION_LIFE_S), cookie)
    assert later.device == first.device
    assert later.session != first.session
    old = see(devices(now_s=NOW_S + RENEWED_AFTER_S), cookie)
    assert DEVICE in jar(old)
    assert old.device == first.device
    over = see(devices(now_s=NOW_S + DEVICE_LIFE_S), cookie)
    assert over.device != first.device
    assert not over.is_altered_device
    early = see(devices(now_s=NOW_S - 3_600), cookie)
    assert early.device != first.device


@pytest.mark.parametrize("spoil", [
    lambda v: v.replace("dv-", "dv-a", 1)[:-1], lambda v: v[:-1] + ("0" if v[-1] != "0" else "1"),
    lambda v: v.replace(f".{NOW_S}.", f".{NOW_S + 1}."), lambda v: v + "x", lambda v: v[: len(v) // 2],
    lambda v: "dv-" + "a" * 26 + v[29:], lambda v: v.upper(), lambda v: "1", lambda v: "é" * 20,
])  # fmt: skip
def test_an_altered_cookie_is_a_new_device_with_a_hint(spoil: Any) -> None:
    """Whoever changes a byte gets another id, and the events say that somebody tampered."""
    shop = devices()
    first = see(shop)
    value = jar(first).partition(f"{DEVICE}=")[2]
    seen = see(shop, f"{DEVICE}={spoil(value)}")
    assert seen.device != first.device
    assert (seen.is_fresh_device, seen.is_altered_device) == (True, True)
    assert seen.fields()["is_altered_device"] is True


def test_a_sessions_value_is_no_devices() -> None:
    """What was signed for one cookie is worth nothing in the other, nor under another shop's key."""
    keys = SigningKeys(OLD)
    session = value_of(keys, "session", "se-" + "a" * 26, NOW_S)
    device = value_of(keys, "device", "se-" + "a" * 26, NOW_S)
    assert session != device
    assert read(keys, "device", [session], NOW_S).altered
    assert not read(SigningKeys(NEW), "session", [session], NOW_S).id


def test_a_cookie_that_was_tossed_in_counts_for_nothing() -> None:
    """Of several cookies of one name the one that holds counts, wherever it stands."""
    shop = devices()
    first = see(shop)
    good = jar(first).partition(f"{DEVICE}=")[2]
    for cookie in (f"{DEVICE}=junk; {DEVICE}={good}", f"{DEVICE}={good}; {DEVICE}=junk"):
        seen = see(shop, cookie)
        assert seen.device == first.device
        assert not seen.is_altered_device


@given(st.text(max_size=400) | st.text('dvse-abc237.;=" 019f', max_size=300))
def test_no_cookie_breaks_a_request(cookie: str) -> None:
    """Whatever a client sends as cookies, it is somebody new or somebody known, and never an error."""
    seen = see(devices(), cookie)
    assert seen.device
    assert seen.is_fresh_device


@given(st.binary(max_size=60), st.sampled_from(["device", "session"]))
def test_nobody_signs_without_the_key(noise: bytes, what: Any) -> None:
    """No signature but the key's own makes a value hold."""
    keys = SigningKeys([NEW, OLD])
    id = "dv-" + "b" * 26
    mac = (noise.hex() + "0" * 64)[:64]
    found = read(keys, what, [f"{id}.{NOW_S}.{keys.newest}.{mac}"], NOW_S)
    assert (found.id, found.altered) == ("", True)


@pytest.mark.parametrize("keys", [b"short", [], ["x" * 31], [OLD, b""]])
def test_weak_keys_are_refused(keys: Any) -> None:
    """A key that could be guessed is refused at the start, without being quoted."""
    with pytest.raises(KeyMistake):
        SigningKeys(keys)


def test_pictures_set_no_cookies() -> None:
    """Requests for what belongs to a page do not race with it for the device's id."""
    assert see(devices(), sec_fetch_dest="image").set_cookies == ()
    assert see(devices(), sec_fetch_dest="document").set_cookies
    assert see(devices()).set_cookies


@pytest.mark.parametrize("header", ["sec_gpc", "dnt"])
def test_whoever_asks_not_to_be_tracked_is_heard(header: str) -> None:
    """By default the script's hints are left out; as the shop chooses, the device's id too, or nothing."""
    said = '{"v":1,"p":1,"s":0,"w":true,"f":900}'
    kept = see(devices(respect_privacy_signals="none"), kanhe_signals=said, **{header: "1"})
    assert kept.fields()["pasted_fields"] == 1
    hints = see(devices(), kanhe_signals=said, **{header: "1"}).with_signals(said)
    assert hints.device
    assert hints.fields().keys() == {"device", "session", "is_fresh_device"}
    first = see(devices())
    none = see(devices(respect_privacy_signals="device"), jar(first), **{header: "1"})
    assert none.device is None
    assert none.fields() == {"session": first.session}
    assert DEVICE not in jar(none, jar(first))
    assert see(devices(), **{header: "0"}).is_private is False


def test_events_get_the_fields_they_may_have() -> None:
    """What is known fits into any event of the client as it stands."""
    said = '{"v":1,"p":2,"s":0,"w":false,"f":41250}'
    seen = see(devices()).with_signals(said)
    login = events.AccountLogin(user="u-1", **seen.fields_for(events.AccountLogin))
    assert login.fill_ms == 41250
    assert login.has_script is True
    assert login.device == seen.device
    shipped = seen.fields_for(events.ParcelShipped)
    assert "fill_ms" not in shipped
