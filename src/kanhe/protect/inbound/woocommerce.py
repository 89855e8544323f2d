"""WooCommerce: `X-WC-Webhook-Signature` is the HMAC-SHA256 of the body in base64.

As with Shopify the body alone is signed. When a webhook is saved, WooCommerce first sends an unsigned
form, `webhook_id=…`, and wants to see it answered by 200; there is nothing in it to take in.
https://woocommerce.github.io/code-reference/classes/WC-Webhook.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kanhe.core.notice import Notice
from kanhe.protect.inbound.credentials import Credential, in_force
from kanhe.protect.inbound.evidence import Request, header, header_or_none, not_authentic
from kanhe.protect.inbound.reading import read_object
from kanhe.protect.inbound.shopify import body_id, check_body

HEADER = "X-WC-Webhook-Signature"
TOPIC = "X-WC-Webhook-Topic"
SHOP = "X-WC-Webhook-Source"
DELIVERY = "X-WC-Webhook-Delivery-ID"
_PING = re.compile(rb"webhook_id=[0-9]{1,20}")


def check(
    request: Request, credentials: Sequence[Credential], account: str, now_ms: int
) -> tuple[Notice, ...]:
    """The notice in a request; none in a ping. `account` is the address of the shop, or empty.
    Raises a refusal."""
    if _PING.fullmatch(request.body) and header_or_none(request, HEADER) is None:
        return ()
    check_body(request, HEADER, in_force(credentials, "secret", now_ms))
    topic, shop = header(request, TOPIC, 128), header(request, SHOP, 512)
    header(request, DELIVERY, 128)
    if account and shop.rstrip("/").lower() != account.rstrip("/").lower():
        raise not_authentic("The notice is of another shop.")
    envelope = {"topic": topic, "shop": shop}
    return (Notice(body_id(topic, request.body), read_object(request.body), envelope),)
