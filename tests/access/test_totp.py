"""Codes of an authenticator app: each good once, and only around its time."""

from __future__ import annotations

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.protect.access import totp
from tests.access.cheap import T0, chance

SECRET = totp.new_secret(chance().randbytes)


def _code(step: int) -> str:
    return pyotp.TOTP(SECRET).generate_otp(step)


def test_codes_are_those_of_the_standard() -> None:
    """The last six digits of RFC 6238's own example, appendix B."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert totp.step_of(secret, "287082", 59_000, 0) == 1
    assert totp.step_of(secret, "081804", 1_111_111_109_000, 0) == 1_111_111_109 // 30


@pytest.mark.parametrize("drift", [-2, -1, 0, 1, 2])
def test_clocks_may_differ_by_one_step(drift: int) -> None:
    """A code of the step before or after is taken, one further away is not."""
    now = T0 // totp.STEP_MS
    found = totp.step_of(SECRET, _code(now + drift), T0, 0)
    assert found == (now + drift if abs(drift) <= 1 else None)


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 90_000)), max_size=30))
def test_no_code_is_taken_twice(tries: list[tuple[int, int]]) -> None:
    """Whatever is tried when, no step opens anything a second time, nor any step before the last."""
    last, now, taken = 0, T0, []
    for drift, later in tries:
        now += later
        found = totp.step_of(SECRET, _code(now // totp.STEP_MS + drift), now, last)
        if found is not None:
            assert found > last
            taken.append(found)
            last = found
    assert len(taken) == len(set(taken))


@pytest.mark.parametrize("typed", ["{} {}", "\u3000{}{} ", "{}\u00a0{}"])
def test_codes_may_be_typed_as_they_are_shown(typed: str) -> None:
    """Spaces within and around, and the wide digits of a Chinese keyboard, do not matter."""
    code = _code(T0 // totp.STEP_MS)
    assert totp.step_of(SECRET, typed.format(code[:3], code[3:]), T0, 0)
    wide = code.translate({ord("0") + n: ord("０") + n for n in range(10)})
    assert totp.step_of(SECRET, wide, T0, 0)


@given(st.text(max_size=80))
def test_nonsense_is_no_code(typed: str) -> None:
    """Any other text opens nothing and breaks nothing."""
    near = {_code(T0 // totp.STEP_MS + drift) for drift in (-1, 0, 1)}
    if totp._digits(typed) not in near:
        assert totp.step_of(SECRET, typed, T0, 0) is None


def test_the_link_names_the_account_and_who_asks() -> None:
    """What the QR code holds is what authenticator apps read."""
    link = totp.link_of(SECRET, "ana@example.com", "Kanhe 勘合")
    assert link.startswith("otpauth://totp/")
    assert pyotp.parse_uri(link).secret == SECRET
