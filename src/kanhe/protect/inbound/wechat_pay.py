r"""WeChat Pay, APIv3: RSA over time, nonce and body; what matters in the body is sealed besides.

The signature is RSASSA-PKCS1-v1_5 with SHA-256 over `timestamp\nnonce\nbody\n`, by the key that
`Wechatpay-Serial` names: a platform certificate, or the public key of WeChat Pay (`PUB_KEY_ID_…`).
`resource` is AES-256-GCM under the APIv3 key of the merchant; it takes the place of what it was sealed
in. WeChat Pay sends bad signatures now and then (`WECHATPAY/SIGNTEST/…`) to see them refused.
https://pay.weixin.qq.com/docs/merchant/products/notification/introduction.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kanhe.core.notice import Notice
from kanhe.protect.inbound.credentials import Credential, in_force
from kanhe.protect.inbound.evidence import (
    Request,
    bytes_of_base64,
    header,
    not_authentic,
    not_readable,
    rsa_fits,
    seconds,
)
from kanhe.protect.inbound.reading import read_object

ALGORITHM = "AEAD_AES_256_GCM"


def check(
    request: Request, credentials: Sequence[Credential], account: str, now_ms: int
) -> tuple[Notice, ...]:
    """The notice in a request, its resource opened. `account` is the merchant's number (`mchid`), or
    empty. Raises a refusal."""
    timestamp = header(request, "Wechatpay-Timestamp", 32)
    nonce = header(request, "Wechatpay-Nonce", 128)
    serial = header(request, "Wechatpay-Serial", 128)
    signature = bytes_of_base64(header(request, "Wechatpay-Signature", 2_048))
    named = [one for one in credentials if _same_serial(one.label, serial)]
    keys = in_force(named, "public_key", now_ms)
    if not keys:
        raise not_authentic("This source has no key with the serial of the notice.")
    content = signed_content(timestamp, nonce, request.body)
    if signature is None or not rsa_fits(keys, content, signature):
        raise not_authentic("Wechatpay-Signature does not fit time, nonce and body.")
    seconds(timestamp, "Wechatpay-Timestamp", now_ms)
    document = read_object(request.body)
    opened = _opened(document.get("resource"), in_force(credentials, "secret", now_ms))
    if account and account not in (opened.get("mchid"), opened.get("sp_mchid")):
        raise not_authentic("The notice is for another merchant.")
    notice_id, topic = document.get("id"), document.get("event_type")
    if not (isinstance(notice_id, str) and notice_id and isinstance(topic, str)):
        raise not_readable("The notice has no id or no event_type.")
    envelope = {"id": notice_id, "topic": topic}
    return (Notice(notice_id, {**document, "resource": opened}, envelope),)


def _same_serial(one: str, other: str) -> bool:
    """Whether two serials are the same: a number, which some write with zeros in front of it."""
    return one.upper().lstrip("0") == other.upper().lstrip("0")


def signed_content(timestamp: str, nonce: str, body: bytes) -> bytes:
    """What is signed."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def _opened(resource: Any, keys: Sequence[bytes]) -> dict[str, Any]:
    """What was sealed in a resource. Raises a refusal."""
    if not isinstance(resource, dict) or resource.get("algorithm") != ALGORITHM:
        raise not_readable(f"The notice has no resource that is sealed by {ALGORITHM}.")
    nonce, beside = resource.get("nonce"), resource.get("associated_data") or ""
    sealed = resource.get("ciphertext")
    ciphertext = bytes_of_base64(sealed) if isinstance(sealed, str) else None
    if not isinstance(nonce, str) or not isinstance(beside, str) or ciphertext is None:
        raise not_readable("The resource of the notice is not written as it should be.")
    for key in keys:
        try:
            plain = AESGCM(key).decrypt(nonce.encode(), ciphertext, beside.encode())
        except (InvalidTag, ValueError):
            continue
        return read_object(plain)
    raise not_authentic("The resource cannot be opened with an APIv3 key of this source.")
