"""Recovery codes: ten secrets on paper, each good once, for whoever has lost their second factor.

Look-up secrets of SP 800-63B-4, section 3.1.2: 60 random bits each, kept as Argon2id hashes under one
salt of the set, so that a code is looked for among ten with the work of one hash.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from kanhe.protect.access.chance import RandomBytes
from kanhe.protect.access.hashing import SALT_BYTES, Hashing, same

COUNT = 10
_GROUPS = 3
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter can be taken for a digit."""
_ALIKE = str.maketrans({"o": "0", "i": "1", "l": "1"})
_LENGTH = 4 * _GROUPS


class CodeSet(NamedTuple):
    """A new set: `codes` are shown once, `hashes` and `salt` are kept."""

    codes: tuple[str, ...]
    salt: bytes
    hashes: tuple[bytes, ...]


def new_codes(hashing: Hashing, random_bytes: RandomBytes) -> CodeSet:
    """Ten new codes such as `7f3k-m2qx-80vd`."""
    salt = random_bytes(SALT_BYTES)
    plain = [
        "".join(_LETTERS[byte % len(_LETTERS)] for byte in random_bytes(_LENGTH))
        for _ in range(COUNT)
    ]
    return CodeSet(
        tuple("-".join(code[at : at + 4] for at in range(0, _LENGTH, 4)) for code in plain),
        salt,
        tuple(hashing.derived(code, salt) for code in plain),
    )


def looks_like_code(text: str) -> bool:
    """Whether somebody typed a recovery code rather than the digits of an app."""
    return len(_plain(text)) == _LENGTH


def found_among(hashing: Hashing, text: str, salt: bytes, kept: Iterable[bytes]) -> bytes | None:
    """The hash of this code if it is one of those that are left; `None` otherwise, after the same work."""
    derived = hashing.derived(_plain(text), salt or bytes(SALT_BYTES))
    found = None
    for one in kept:
        if same(one, derived):
            found = one
    return found


def _plain(text: str) -> str:
    low = unicodedata.normalize("NFKC", text[:64]).casefold().translate(_ALIKE)
    return "".join(character for character in low if character in _LETTERS)
