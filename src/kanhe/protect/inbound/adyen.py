"""Adyen's standard webhooks: each item has an HMAC of its own, over eight of its fields.

The fields are joined by colons; colons and backslashes inside them are escaped by a backslash, as
Adyen's pages on signing had it, or stand as they are, as Adyen's libraries do it: either is taken.
The key is 64 hexadecimal digits, the signature base64. What is not among the eight fields (the time,
the card's first digits, the reason) is as trustworthy as the TLS connection and the user and
password that can be asked for beside.
https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from kanhe.core.notice import Notice
from kanhe.protect.inbound.credentials import Credential, in_force
from kanhe.protect.inbound.evidence import (
    Request,
    bytes_of_base64,
    header,
    hmac_fits,
    is_one_of,
    not_authentic,
    not_readable,
)
from kanhe.protect.inbound.reading import read_object

MOST_ITEMS = 50
"""Items of one request; Adyen sends one in JSON today."""
MOST_VALUES = 4_000
"""Values of one request: it is read before anybody knows that it is authentic."""
_SIGNED = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")


def check(
    request: Request, credentials: Sequence[Credential], account: str, now_ms: int
) -> tuple[Notice, ...]:
    """The items of a request, all of them authentic. `account` is the merchant account, or empty.
    Raises a refusal."""
    _check_password(request, in_force(credentials, "password", now_ms))
    keys = in_force(credentials, "secret", now_ms)
    items = _items(read_object(request.body, MOST_VALUES))
    for item in items:
        _check_item(item, keys)
        if account and item.get("merchantAccountCode") != account:
            raise not_authentic("The notice is for another merchant account.")
    return tuple(_notice(item) for item in items)


def signed_fields(item: dict[str, Any], escaped: bool) -> bytes:
    """What is signed of an item. Raises a refusal if a field is no text or number."""
    amount = item.get("amount") or {}
    if not isinstance(amount, dict):
        raise not_readable("amount is not an object.")
    fields = [
        *(item.get(name) for name in _SIGNED),
        amount.get("value"), amount.get("currency"), item.get("eventCode"), item.get("success"),
    ]  # fmt: skip
    texts = [_text(value) for value in fields]
    if escaped:
        texts = [text.replace("\\", "\\\\").replace(":", "\\:") for text in texts]
    return ":".join(texts).encode()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise not_readable("A signed field is neither text nor a whole number.")


def _items(document: dict[str, Any]) -> list[dict[str, Any]]:
    entries = document.get("notificationItems")
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST_ITEMS:
        raise not_readable(f"notificationItems is not a list of 1 to {MOST_ITEMS} items.")
    items = [
        entry.get("NotificationRequestItem") if isinstance(entry, dict) else None
        for entry in entries
    ]
    found = [item for item in items if isinstance(item, dict)]
    if len(found) != len(entries):
        raise not_readable("An entry of notificationItems has no NotificationRequestItem.")
    return found


def _check_item(item: dict[str, Any], keys: Sequence[bytes]) -> None:
    beside = item.get("additionalData")
    shown = beside.get("hmacSignature") if isinstance(beside, dict) else None
    signature = bytes_of_base64(shown) if isinstance(shown, str) else None
    if signature is None:
        raise not_authentic("additionalData.hmacSignature is missing or is not base64.")
    fits = hmac_fits(keys, signed_fields(item, True), (signature,))
    # As they are, fields that hold colons could be cut in another way: only one of them may.
    plain = hmac_fits(keys, signed_fields(item, False), (signature,))
    if not (fits or (plain and _is_cut_in_one_way(item))):
        raise not_authentic("The signature does not fit the fields and a key of this source.")


def _is_cut_in_one_way(item: dict[str, Any]) -> bool:
    """Whether no signed field but the merchant's own reference, which stands in their middle, holds a
    colon."""
    amount = item.get("amount") or {}
    values = [item.get(name) for name in _SIGNED if name != "merchantReference"]
    values += [
        amount.get("value"),
        amount.get("currency"),
        item.get("eventCode"),
        item.get("success"),
    ]
    return not any(":" in _text(value) for value in values)


def _check_password(request: Request, passwords: Sequence[bytes]) -> None:
    if passwords:
        shown = header(request, "Authorization")
        expected = [b"Basic " + b64encode(one) for one in passwords]
        if not is_one_of(expected, (shown.encode("ascii"),)):
            raise not_authentic("User or password of the request are wrong.")


def _notice(item: dict[str, Any]) -> Notice:
    topic, reference = item.get("eventCode"), item.get("pspReference")
    if not (isinstance(topic, str) and isinstance(reference, str) and topic and reference):
        raise not_readable("An item has no eventCode or no pspReference.")
    success = _text(item.get("success"))
    return Notice(f"{reference}:{topic}:{success}", item, {"topic": topic, "id": reference})
