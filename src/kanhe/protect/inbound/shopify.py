"""Shopify: `X-Shopify-Hmac-Sha256` is the HMAC-SHA256 of the body in base64, under the secret of the app.

The body alone is signed. Topic, shop and the id of the delivery stand in headers that whoever has got
hold of one signed body could change, so nothing is recognised by them: a notice is known by what its
body says, and a topic only counts where the body agrees with it (which mappings see to).
https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from kanhe.core.notice import Notice
from kanhe.protect.inbound.credentials import Credential, in_force
from kanhe.protect.inbound.evidence import (
    Request,
    bytes_of_base64,
    header,
    header_or_none,
    hmac_fits,
    not_authentic,
)
from kanhe.protect.inbound.reading import read_object

HEADER = "X-Shopify-Hmac-Sha256"
TOPIC = "X-Shopify-Topic"
SHOP = "X-Shopify-Shop-Domain"
DELIVERY = "X-Shopify-Webhook-Id"


def check(
    request: Request, credentials: Sequence[Credential], account: str, now_ms: int
) -> tuple[Notice, ...]:
    """The notice in a request. `account` is the domain of the shop, or empty. Raises a refusal."""
    check_body(request, HEADER, in_force(credentials, "secret", now_ms))
    topic, shop = header(request, TOPIC, 128), header(request, SHOP, 255).lower()
    header(request, DELIVERY, 128)
    if account and shop != account.lower():
        raise not_authentic("The notice is of another shop.")
    is_test = header_or_none(request, "X-Shopify-Test", 8) == "true"
    envelope = {"topic": topic, "shop": shop, "test": "true" if is_test else "false"}
    return (Notice(body_id(topic, request.body), read_object(request.body), envelope),)


def check_body(request: Request, name: str, keys: Sequence[bytes]) -> None:
    """Check the header that holds the HMAC-SHA256 of the body in base64. Raises a refusal."""
    signature = bytes_of_base64(header(request, name, 128))
    if signature is None or not hmac_fits(keys, request.body, (signature,)):
        raise not_authentic(f"{name} does not fit the body and a secret of this source.")


def body_id(topic: str, body: bytes) -> str:
    """What tells a notice from others where no id is signed: a digest of topic and body."""
    return hashlib.sha256(topic.encode() + b"\n" + body).hexdigest()[:40]
