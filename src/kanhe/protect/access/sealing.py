"""What a browser carries for us between two requests, and secrets at rest: sealed with AES-256-GCM.

A sealed text tells its reader nothing, and none can be made, changed, used for another purpose or
after its time. With it, half a sign-in needs no row of its own, and whoever is not signed in cannot
fill the store.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kanhe.protect.access.chance import RandomBytes

KEY_BYTES = 32
_NONCE_BYTES = 12
_LONGEST = 4_096


class Sealer:
    """Seals with one key of 32 bytes. With random nonces it may seal 2**32 times (SP 800-38D, 8.3)."""

    def __init__(self, key: bytes, random_bytes: RandomBytes) -> None:
        self._cipher = AESGCM(key)
        self._random_bytes = random_bytes

    def seal(self, purpose: str, content: dict[str, Any], until_ms: int) -> str:
        """A text for cookies and forms that holds `content` until then, for this purpose only."""
        return urlsafe_b64encode(
            self.lock(purpose, msgspec.json.encode({"until": until_ms, "content": content}))
        ).decode("ascii")

    def unseal(self, purpose: str, sealed: str, now_ms: int) -> dict[str, Any] | None:
        """What `seal` was given; `None` if it is too late, for something else, or not ours."""
        if len(sealed) > _LONGEST:
            return None
        try:
            kept = urlsafe_b64decode(sealed.encode("ascii"))
        except (binascii.Error, UnicodeEncodeError):
            return None
        # What may be used once is known by its text: another spelling of the same bytes is not ours.
        if urlsafe_b64encode(kept).decode("ascii") != sealed:
            return None
        plain = self.unlock(purpose, kept)
        if plain is None:
            return None
        whole = msgspec.json.decode(plain)
        content: dict[str, Any] = whole["content"]
        return content if now_ms < whole["until"] else None

    def lock(self, purpose: str, secret: bytes) -> bytes:
        """A secret as it is kept."""
        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, purpose.encode())

    def unlock(self, purpose: str, kept: bytes) -> bytes | None:
        """The secret that was kept for this purpose; `None` if it is not ours, or was changed."""
        try:
            return self._cipher.decrypt(kept[:_NONCE_BYTES], kept[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError):
            return None
