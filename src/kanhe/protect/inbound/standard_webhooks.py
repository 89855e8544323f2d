"""Standard Webhooks 1.0: `webhook-signature` over `id.timestamp.body`.

`v1` is HMAC-SHA256 with a shared secret (`whsec_…`), `v1a` Ed25519 (`whpk_…`). A header holds one for
each key in force. Ids have no full stop, so that what is signed can be cut in one way only.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kanhe.core.notice import Notice
from kanhe.protect.inbound.credentials import Credential, in_force
from kanhe.protect.inbound.evidence import (
    MOST_SIGNATURES,
    Request,
    bytes_of_base64,
    header,
    hmac_fits,
    not_authentic,
    seconds,
)
from kanhe.protect.inbound.reading import read_object


def check(
    request: Request, credentials: Sequence[Credential], account: str, now_ms: int
) -> tuple[Notice, ...]:
    """The message in a request. Raises a refusal."""
    message_id = header(request, "webhook-id", 128)
    timestamp = header(request, "webhook-timestamp", 32)
    shown = header(request, "webhook-signature", 4_096).split(" ")[:MOST_SIGNATURES]
    if "." in message_id:
        raise not_authentic("webhook-id holds a full stop.")
    content = f"{message_id}.{timestamp}.".encode() + request.body
    fits = hmac_fits(in_force(credentials, "secret", now_ms), content, _of(shown, "v1"))
    for key in in_force(credentials, "public_key", now_ms):
        fits |= any(_is_by(key, content, one) for one in _of(shown, "v1a"))
    if not fits:
        raise not_authentic("No signature fits the message and a key of this source.")
    seconds(timestamp, "webhook-timestamp", now_ms)
    document = read_object(request.body)
    topic = document.get("type")
    envelope = {"id": message_id, "topic": topic if isinstance(topic, str) else ""}
    return (Notice(message_id, document, envelope),)


def _of(shown: Sequence[str], version: str) -> list[bytes]:
    """The signatures of one version."""
    parts = [one.partition(",") for one in shown]
    found = [bytes_of_base64(value) for name, _, value in parts if name == version]
    return [signature for signature in found if signature is not None]


def _is_by(key: bytes, content: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except InvalidSignature:
        return False
    return True
