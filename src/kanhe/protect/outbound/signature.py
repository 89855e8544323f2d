"""Signatures of outgoing webhooks, as Standard Webhooks 1.0 writes them.

What is signed is `<id>.<timestamp>.<body>`, so that neither can be swapped. `v1` is HMAC-SHA256 with a
secret that both sides know (`whsec_…`); `v1a` is Ed25519, where the receiver only has the public key
(`whpk_…`). A header may carry several, one for each secret in force, which is how they are replaced
without a gap. https://www.standardwebhooks.com
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

RandomBytes = Callable[[int], bytes]
"""Gives that many bytes nobody can predict, such as `secrets.token_bytes`."""
Kind = Literal["v1", "v1a"]
SECRET_BYTES = 32
MOST_SECRETS = 2
"""In force at once: the newest, and the one before it until its time is over."""


class SigningSecret(msgspec.Struct, frozen=True):
    """One secret of an endpoint."""

    kind: Kind
    key: bytes
    """The shared secret, or the seed of the Ed25519 key."""
    created_ms: int
    until_ms: int = 0
    """When it stops signing; 0 for the newest."""

    def signs_at(self, now_ms: int) -> bool:
        """Whether it signs at this time."""
        return not self.until_ms or now_ms < self.until_ms

    @property
    def shown(self) -> str:
        """What the receiver needs: the secret itself, or the public key."""
        if self.kind == "v1":
            return "whsec_" + b64encode(self.key).decode("ascii")
        public = Ed25519PrivateKey.from_private_bytes(self.key).public_key().public_bytes_raw()
        return "whpk_" + b64encode(public).decode("ascii")

    def sign(self, message_id: str, timestamp_s: int, body: bytes) -> str:
        """The signature of one message, with its version."""
        content = f"{message_id}.{timestamp_s}.".encode("ascii") + body
        if self.kind == "v1":
            signature = hmac.digest(self.key, content, "sha256")
        else:
            signature = Ed25519PrivateKey.from_private_bytes(self.key).sign(content)
        return f"{self.kind},{b64encode(signature).decode('ascii')}"


def new_secret(kind: Kind, random_bytes: RandomBytes, now_ms: int) -> SigningSecret:
    """A secret of 256 bits."""
    return SigningSecret(kind, random_bytes(SECRET_BYTES), now_ms)


def replaced(
    secrets: Sequence[SigningSecret], fresh: SigningSecret, overlap_ms: int
) -> tuple[SigningSecret, ...]:
    """The secrets after `fresh` has come: it signs from now on, the one before it for a while yet."""
    before = [
        msgspec.structs.replace(secret, until_ms=fresh.created_ms + overlap_ms)
        for secret in secrets
        if not secret.until_ms
    ]
    return (fresh, *before)[:MOST_SECRETS]


def signature_headers(
    secrets: Sequence[SigningSecret], message_id: str, now_ms: int, body: bytes
) -> dict[str, str]:
    """The three headers of a message that is sent now. The timestamp is that of this attempt."""
    timestamp_s = now_ms // 1_000
    signing = [secret for secret in secrets if secret.signs_at(now_ms)]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(one.sign(message_id, timestamp_s, body) for one in signing),
    }


def shared_secret(text: str) -> bytes:
    """The bytes behind `whsec_…`. Raises `ValueError`."""
    return b64decode(text.removeprefix("whsec_"), validate=True)


def fingerprint(secret: SigningSecret) -> str:
    """A few letters by which people tell secrets apart, and from which nobody gets one back."""
    return hashlib.sha256(secret.shown.encode()).hexdigest()[:8]
