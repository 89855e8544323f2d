"""Signing a notice as its provider would, to try a source out with its own secret.

Whoever can do this holds the secret of the source, and could send anything by it anyway. Where the
provider signs with a private key that only it has, the caller brings a key pair of its own.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kanhe.protect.inbound import adyen, alipay, shopify, wechat_pay, woocommerce

SignKey = bytes | RSAPrivateKey | Ed25519PrivateKey
"""A shared secret, or the private key of a pair."""


class Sample(NamedTuple):
    """A notice to be signed: what it says and what stands beside it."""

    document: dict[str, Any]
    topic: str
    id: str
    account: str
    nonce: str
    """A random text of 16 characters or more."""
    secret: bytes = b""
    """WeChat Pay: the APIv3 key that the resource is sealed with."""
    serial: str = ""
    password: bytes = b""


class Signed(NamedTuple):
    """A request as the provider would send it."""

    headers: dict[str, str]
    body: bytes


def sign(provider: str, sample: Sample, key: SignKey, now_ms: int) -> Signed:
    """The request of this provider. `key` is of the kind that the provider signs with."""
    return _WAYS[provider](sample, key, str(now_ms // 1_000))


def _stripe(sample: Sample, key: Any, at: str) -> Signed:
    body = msgspec.json.encode(sample.document)
    digest = hmac.digest(key, f"{at}.".encode() + body, "sha256").hex()
    return Signed({"stripe-signature": f"t={at},v1={digest}"} | _JSON, body)


def _adyen(sample: Sample, key: Any, at: str) -> Signed:
    signature = _hmac(key, adyen.signed_fields(sample.document, escaped=True))
    beside = {**sample.document.get("additionalData", {}), "hmacSignature": signature}
    item = {"NotificationRequestItem": {**sample.document, "additionalData": beside}}
    body = msgspec.json.encode({"live": "false", "notificationItems": [item]})
    password = {}
    if sample.password:
        password["authorization"] = "Basic " + b64encode(sample.password).decode("ascii")
    return Signed(password | _JSON, body)


def _shopify(sample: Sample, key: Any, at: str) -> Signed:
    body = msgspec.json.encode(sample.document)
    headers = {
        shopify.HEADER.lower(): _hmac(key, body),
        shopify.TOPIC.lower(): sample.topic,
        shopify.SHOP.lower(): sample.account or "kanhe-test.myshopify.com",
        shopify.DELIVERY.lower(): sample.id,
    }
    return Signed(headers | _JSON, body)


def _woocommerce(sample: Sample, key: Any, at: str) -> Signed:
    body = msgspec.json.encode(sample.document)
    headers = {
        woocommerce.HEADER.lower(): _hmac(key, body),
        woocommerce.TOPIC.lower(): sample.topic,
        woocommerce.SHOP.lower(): sample.account or "https://kanhe-test.example/",
        woocommerce.DELIVERY.lower(): sample.id,
    }
    return Signed(headers | _JSON, body)


def _wechat_pay(sample: Sample, key: Any, at: str) -> Signed:
    plain = msgspec.json.encode(sample.document["resource"])
    nonce, kind = sample.nonce[:12], "transaction"
    sealed = AESGCM(sample.secret).encrypt(nonce.encode(), plain, kind.encode())
    resource = {
        "original_type": kind, "algorithm": wechat_pay.ALGORITHM, "nonce": nonce,
        "associated_data": kind, "ciphertext": b64encode(sealed).decode("ascii"),
    }  # fmt: skip
    body = msgspec.json.encode({**sample.document, "resource": resource})
    signature = _rsa(key, wechat_pay.signed_content(at, sample.nonce, body))
    headers = {
        "wechatpay-timestamp": at, "wechatpay-nonce": sample.nonce,
        "wechatpay-serial": sample.serial, "wechatpay-signature": signature,
    }  # fmt: skip
    return Signed(headers | _JSON, body)


def _alipay(sample: Sample, key: Any, at: str) -> Signed:
    parameters = {name.encode(): str(text).encode() for name, text in sample.document.items()}
    parameters[b"sign"] = _rsa(key, alipay.signed_content(parameters)).encode()
    parameters[b"sign_type"] = b"RSA2"
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    return Signed(headers, urlencode(parameters).encode())


def _standard(sample: Sample, key: Any, at: str) -> Signed:
    body = msgspec.json.encode(sample.document)
    content = f"{sample.id}.{at}.".encode() + body
    if isinstance(key, Ed25519PrivateKey):
        signature = "v1a," + b64encode(key.sign(content)).decode("ascii")
    else:
        signature = f"v1,{_hmac(key, content)}"
    headers = {
        "webhook-id": sample.id, "webhook-timestamp": at, "webhook-signature": signature,
    }  # fmt: skip
    return Signed(headers | _JSON, body)


def _hmac(key: bytes, content: bytes) -> str:
    return b64encode(hmac.digest(key, content, "sha256")).decode("ascii")


def _rsa(key: RSAPrivateKey, content: bytes) -> str:
    return b64encode(key.sign(content, PKCS1v15(), hashes.SHA256())).decode("ascii")


_JSON = {"content-type": "application/json"}
_WAYS = {
    "stripe": _stripe,
    "adyen": _adyen,
    "shopify": _shopify,
    "woocommerce": _woocommerce,
    "wechat_pay": _wechat_pay,
    "alipay": _alipay,
    "standard": _standard,
}
