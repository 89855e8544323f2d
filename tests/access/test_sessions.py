"""How long a session lasts, and what is sealed between two requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from kanhe.protect.access.chance import new_token, token_hash
from kanhe.protect.access.sealing import Sealer
from kanhe.protect.access.sessions import Limits, Session, device_of, is_fresh, is_open
from tests.access.cheap import T0, chance

LIMITS = Limits(idle_ms=HOUR_MS, absolute_ms=12 * HOUR_MS, fresh_ms=10 * MINUTE_MS)
SESSION = Session("ss-1", "st-1", "passkey", True, T0, T0, T0, 0, "192.0.2.1", "Chrome · Linux")


def test_a_session_ends_by_rest_by_age_and_by_hand() -> None:
    """An hour unused, half a day old, or ended: each is enough."""
    assert is_open(SESSION, T0 + HOUR_MS - 1, LIMITS)
    assert not is_open(SESSION, T0 + HOUR_MS, LIMITS)
    used = SESSION._replace(seen_ms=T0 + 12 * HOUR_MS - 1)
    assert is_open(used, T0 + 12 * HOUR_MS - 1, LIMITS)
    assert not is_open(used, T0 + 12 * HOUR_MS, LIMITS)
    assert not is_open(SESSION._replace(ended_ms=T0), T0, LIMITS)


def test_a_second_factor_is_fresh_for_a_while() -> None:
    """Ten minutes; and one from the future, of a clock that was set back, is not."""
    assert is_fresh(SESSION, T0 + 10 * MINUTE_MS - 1, LIMITS)
    assert not is_fresh(SESSION, T0 + 10 * MINUTE_MS, LIMITS)
    assert not is_fresh(SESSION, T0 - 1, LIMITS)


@given(st.text(max_size=700))
def test_a_device_is_told_in_known_words(user_agent: str) -> None:
    """Whatever a browser says of itself, only words that are known here come out."""
    assert len(device_of(user_agent)) <= 30
    assert "<" not in device_of(user_agent + "<script>")


def test_browsers_are_recognised() -> None:
    """The usual ones by their own names."""
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
    assert device_of(chrome) == "Chrome · Linux"
    assert device_of(chrome + " Edg/140.0") == "Edge · Linux"
    assert device_of("curl/8") == ""


def test_tokens_are_long_and_kept_as_hashes() -> None:
    """A token has 256 bits, and what is kept does not hold it."""
    token = new_token(chance().randbytes)
    assert len(token) == 43
    assert token.encode() not in token_hash(token)
    assert len(token_hash("\ud800")) == 32


def test_what_was_sealed_is_read_in_time_and_for_its_purpose_only() -> None:
    """Another purpose, another key, a later time and any changed byte give nothing."""
    sealer = Sealer(bytes(32), chance().randbytes)
    sealed = sealer.seal("second", {"staff": "st-1", "steps": [1, 2]}, T0 + DAY_MS)
    assert sealer.unseal("second", sealed, T0) == {"staff": "st-1", "steps": [1, 2]}
    assert sealer.unseal("first", sealed, T0) is None
    assert sealer.unseal("second", sealed, T0 + DAY_MS) is None
    assert Sealer(b"x" * 32, chance().randbytes).unseal("second", sealed, T0) is None
    for at in range(0, len(sealed), 7):
        other = "A" if sealed[at] != "A" else "B"
        assert sealer.unseal("second", sealed[:at] + other + sealed[at + 1 :], T0) is None


@pytest.mark.parametrize("nonsense", ["", "x", "é" * 40, "A" * 5_000, "AAAA", "\ud800"])
def test_nonsense_unseals_to_nothing(nonsense: str) -> None:
    """What a browser sends that was never sealed is nothing, and no error."""
    assert Sealer(bytes(32), chance().randbytes).unseal("second", nonsense, T0) is None


def test_secrets_at_rest_are_locked() -> None:
    """A secret is read with its key and purpose only, and does not stand in what is kept."""
    sealer = Sealer(bytes(32), chance().randbytes)
    kept = sealer.lock("totp:st-1", b"SECRET")
    assert b"SECRET" not in kept
    assert sealer.unlock("totp:st-1", kept) == b"SECRET"
    assert sealer.unlock("totp:st-2", kept) is None
    assert sealer.unlock("totp:st-1", b"") is None


def test_a_sealed_text_has_one_spelling() -> None:
    """What may be used once is known by its text, so that another spelling of it is none of ours."""
    sealer = Sealer(bytes(32), lambda count: bytes(range(count)))
    sealed = sealer.seal("p", {"a": 1}, 100)
    assert sealer.unseal("p", sealed, 99) == {"a": 1}
    for other in ("!" + sealed, sealed + "\n", sealed[:4] + " " + sealed[4:], sealed + "===="):
        assert sealer.unseal("p", other, 99) is None
