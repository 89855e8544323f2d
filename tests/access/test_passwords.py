"""Which passwords are accepted, and how they are kept."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanhe.protect.access.hashing import COSTS, Costs, Hashing
from kanhe.protect.access.passwords import (
    MOST,
    PasswordRefused,
    check_password,
    folded,
    is_common,
    prepared,
)
from kanhe.protect.access.recovery import found_among, looks_like_code, new_codes
from tests.access.cheap import CHEAP, chance, hashing

CONTEXT = ("Ana Li", "ana.li@example.com", "王小明", "kanhe", "勘合")


def _check(password: str, *, second_factor: bool = True) -> str:
    return check_password(password, second_factor=second_factor, context=CONTEXT, blocked=is_common)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "tRv9!kfm",
        "zwölf graue Katzen",
        "窗前明月光疑是地上",
        "🦊🦊🐢🐢🐙🐙🐌🐌🦉",
        "ana likes 7 green pears",
        "x" * 3 + "quiet-lamp" + "y" * 200,
        "pumpkin under the stairs",
    ],
)
def test_good_passwords_are_accepted(password: str) -> None:
    """Length and unlikeliness are enough: no mixture is asked for, and every script will do."""
    assert _check(password) == unicodedata.normalize("NFKC", password)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "at least 8"),
        ("", "at least 8"),
        ("x9$kQ" * 60, "at most 256"),
        ("password123", "stolen"),
        ("PassWord123", "stolen"),
        ("ｐａｓｓｗｏｒｄ１２３", "stolen"),
        ("woaini1314", "stolen"),
        ("iloveyouiloveyou", "stolen"),
        ("zzzzzzzzzzzzzzzzzzz", "over and over"),
        ("xyzaxyzaxyzaxyza", "over and over"),
        ("lkjhgfdsapoiuytr", "row of the keyboard"),
        ("abcdefghijklmnop", "row of the keyboard"),
        ("ana.li@example.com", "names that others know"),
        ("AnaLi2026!!", "names that others know"),
        ("kanhe-Kanhe-01", "names that others know"),
        ("王小明王小明2026", "names that others know"),
        ("tab\tulator-words", "not every keyboard"),
        ("words \ud800 surrogate", "not every keyboard"),
    ],
)
def test_likely_passwords_are_refused(password: str, reason: str) -> None:
    """What is too short, was stolen elsewhere, is a pattern or made of known names is refused, with the reason."""
    with pytest.raises(PasswordRefused) as refused:
        _check(password)
    assert reason in str(refused.value)
    assert all(text.zh for text in refused.value.texts)


def test_alone_a_password_has_to_be_longer() -> None:
    """Fifteen characters where nothing else is asked for, eight beside a second factor."""
    assert _check("vivid-74-owl") == "vivid-74-owl"
    with pytest.raises(PasswordRefused, match="at least 15"):
        _check("vivid-74-owl", second_factor=False)
    assert _check("vivid-74-owl-sea", second_factor=False)


def test_every_kind_of_keyboard_gives_the_same_password() -> None:
    """Wide digits, composed and decomposed letters, and odd spaces are one and the same."""
    assert prepared("１２ ａé") == prepared("12 aé") == prepared("12\u3000ae\u0301")


@given(st.text(max_size=400))
def test_any_text_is_judged(password: str) -> None:
    """Whatever is typed is accepted or refused with a reason; what is accepted is of bounded length."""
    try:
        ready = _check(password)
    except PasswordRefused as refused:
        assert refused.texts
    else:
        assert 8 <= len(ready) <= MOST
        assert not is_common(folded(password))


def test_the_list_holds_what_matters() -> None:
    """It has a hundred thousand entries, none too short to matter, and whole lines match only."""
    assert is_common("password1")
    assert not is_common("password1\npassword12")
    assert not is_common("sword12345678")
    assert not is_common("")


def test_a_hash_fits_its_password_only() -> None:
    """A hash fits what it was made of, nothing else, and two of one password differ."""
    argon = hashing()
    kept = argon.hashed("窗前明月光")
    assert kept.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert argon.fits("窗前明月光", kept)
    assert not argon.fits("窗前明月", kept)
    assert not argon.fits("", "")
    assert kept != argon.hashed("窗前明月光")


def test_a_hash_under_old_costs_still_fits_and_is_told() -> None:
    """Raising the costs locks nobody out, and tells which hashes to make anew."""
    old, new = hashing(), Hashing(chance().randbytes, Costs(128, 1, 1))
    kept = old.hashed("pumpkin")
    assert new.fits("pumpkin", kept)
    assert new.is_stale(kept)
    assert not old.is_stale(kept)
    assert new.is_stale("$2b$12$abc")


def test_the_costs_in_force_are_those_of_the_standard() -> None:
    """64 MiB, three passes and four lanes: the second recommended option of RFC 9106."""
    assert Costs(65_536, 3, 4) == COSTS
    assert CHEAP != COSTS


def test_recovery_codes_are_found_however_they_are_typed() -> None:
    """Capitals, spaces, wide letters and letters that look like digits do not matter; a wrong code is none."""
    argon = hashing()
    codes = new_codes(argon, chance(7).randbytes)
    assert len(set(codes.codes)) == len(codes.hashes) == 10
    for code, kept in zip(codes.codes, codes.hashes, strict=True):
        for typed in (code, code.upper(), code.replace("-", " "), code.replace("0", "O")):
            assert looks_like_code(typed)
            assert found_among(argon, typed, codes.salt, codes.hashes) == kept
    assert found_among(argon, codes.codes[0], codes.salt, codes.hashes[1:]) is None
    assert found_among(argon, "0000-0000-0000", codes.salt, codes.hashes) is None
    assert found_among(argon, "x" * 100_000, b"", ()) is None
    assert not looks_like_code("123456")
