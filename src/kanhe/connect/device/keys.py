"""The keys by which a shop signs its cookies, and how they change without anybody noticing.

The newest key comes first and signs; all of them are believed. To change: put a new key in front, and
take the old one away once the cookies it signed have been renewed (`cookies.RENEWED_AFTER_S`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

LEAST_BYTES = 32
_ID_CHARACTERS = 8


class KeyMistake(ValueError):
    """A signing key cannot be used; the text says why, and quotes nothing of it."""


class SigningKeys:
    """One or more secrets, the newest first. Raises `KeyMistake` for a secret that is too short.

    A secret is bytes, or a text of which the UTF-8 counts; make one with
    `python -c "import secrets; print(secrets.token_urlsafe(32))"`.
    """

    def __init__(self, secrets: bytes | str | Iterable[bytes | str]) -> None:
        given = [secrets] if isinstance(secrets, bytes | str) else list(secrets)
        if not given:
            raise KeyMistake("at least one signing key is needed")
        self._keys: dict[str, bytes] = {}
        for number, secret in enumerate(given, 1):
            raw = secret.encode() if isinstance(secret, str) else bytes(secret)
            if len(raw) < LEAST_BYTES:
                raise KeyMistake(
                    f"signing key {number} has {len(raw)} bytes; at least {LEAST_BYTES} that nobody can "
                    "guess are needed"
                )
            self._keys[_id_of(raw)] = raw
        self.newest = next(iter(self._keys))
        """The id of the key that signs."""

    def sign(self, text: str) -> str:
        """The signature of a text by the newest key, with the key's id in front."""
        return f"{self.newest}.{self._mac(self._keys[self.newest], text)}"

    def knows(self, key_id: str) -> bool:
        """Whether one of the keys has this id."""
        return key_id in self._keys

    def holds(self, text: str, key_id: str, mac: str) -> bool:
        """Whether this is the signature of the text by that key, compared in constant time."""
        key = self._keys.get(key_id)
        if key is None:
            return False
        made = self._mac(key, text).encode("ascii")
        return hmac.compare_digest(made, mac.encode("utf-8", "surrogatepass"))

    def _mac(self, key: bytes, text: str) -> str:
        return hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


def _id_of(raw: bytes) -> str:
    """A name for a key that tells nothing of it."""
    return hashlib.sha256(b"kanhe signing key\n" + raw).hexdigest()[:_ID_CHARACTERS]
