"""One good request per provider, signed by OpenSSL, with the credentials that fit it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from kanhe.core.notice import Notice
from kanhe.protect.inbound.credentials import Credential
from kanhe.protect.inbound.evidence import Request
from kanhe.protect.inbound.providers import PROVIDERS
from tests.hooks.openssl import (
    aes_256_gcm,
    base64_hmac,
    ed25519_pair,
    hmac_sha256,
    rsa_pair,
)

NOW_MS = 1_767_225_600_000
AT_S = NOW_MS // 1_000
STRIPE_SECRET = b"whsec_a_secret_of_the_test_endpoint"
SHOP_SECRET = b"shpss_0123456789abcdef0123456789abcdef"
ADYEN_KEY = bytes(range(32))
API_V3_KEY = b"0123456789abcdefghijABCDEFGHIJ!x".replace(b"!", b"z")
WEBHOOK_KEY = bytes(range(7, 39))
SERIAL = "PUB_KEY_ID_0110000000000000000000000001"


class Case(NamedTuple):
    """A request, and what is needed to find it authentic."""

    provider: str
    request: Request
    credentials: tuple[Credential, ...]

    def check(self, request: Request | None = None, **changed: Any) -> tuple[Notice, ...]:
        """The notices in this request, or in another with the same credentials."""
        return PROVIDERS[self.provider].check(
            request or self.request,
            changed.get("credentials", self.credentials),
            changed.get("account", ""),
            changed.get("now_ms", NOW_MS),
        )


def fields(**named: str) -> tuple[tuple[bytes, bytes], ...]:
    """Header fields; underscores are hyphens."""
    return tuple((name.replace("_", "-").encode(), text.encode()) for name, text in named.items())


def stripe(body: bytes = b'{"id":"evt_1","type":"charge.captured"}', at: int = AT_S) -> Case:
    digest = hmac_sha256(STRIPE_SECRET, f"{at}.".encode() + body).hex()
    return Case(
        "stripe", Request(fields(stripe_signature=f"t={at},v0={'a' * 64},v1={digest}"), body),
        (Credential("secret", STRIPE_SECRET),),
    )  # fmt: skip


def adyen_item(**changed: Any) -> dict[str, Any]:
    return {
        "pspReference": "7914073381342284", "originalReference": None,
        "merchantAccountCode": "TestMerchant", "merchantReference": "TestPayment-1",
        "amount": {"value": 1130, "currency": "EUR"}, "eventCode": "AUTHORISATION",
        "success": "true", "eventDate": "2026-01-01T00:59:00+01:00", **changed,
    }  # fmt: skip


def adyen(item: dict[str, Any] | None = None, text: str | None = None) -> Case:
    """`text` is what is signed."""
    item = item or adyen_item()
    if text is None:
        text = "7914073381342284::TestMerchant:TestPayment-1:1130:EUR:AUTHORISATION:true"
    signed = {**item, "additionalData": {"hmacSignature": base64_hmac(ADYEN_KEY, text.encode())}}
    body = json.dumps({"live": "false", "notificationItems": [{"NotificationRequestItem": signed}]})
    return Case("adyen", Request((), body.encode()), (Credential("secret", ADYEN_KEY),))


def shopify(body: bytes = b'{"id":820982911946154508}', topic: str = "orders/create") -> Case:
    headers = fields(
        x_shopify_hmac_sha256=base64_hmac(SHOP_SECRET, body), x_shopify_topic=topic,
        x_shopify_shop_domain="Shop.myshopify.com", x_shopify_webhook_id="b54557e4-bdd9",
    )  # fmt: skip
    return Case("shopify", Request(headers, body), (Credential("secret", SHOP_SECRET),))


def woocommerce(body: bytes = b'{"id":727,"status":"processing"}') -> Case:
    headers = fields(
        x_wc_webhook_signature=base64_hmac(SHOP_SECRET, body),
        x_wc_webhook_topic="order.created", x_wc_webhook_source="https://shop.example/",
        x_wc_webhook_delivery_id="d-1",
    )  # fmt: skip
    return Case("woocommerce", Request(headers, body), (Credential("secret", SHOP_SECRET),))


def wechat_pay(plain: bytes = b'{"mchid":"1230000109"}', at: int = AT_S) -> Case:
    sealed = aes_256_gcm(API_V3_KEY, b"fdasflkja484", plain, b"transaction")
    body = json.dumps({
        "id": "EV-2018022511223320873", "create_time": "2026-01-01T08:00:00+08:00",
        "resource_type": "encrypt-resource", "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "resource": {
            "original_type": "transaction", "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": b64encode(sealed).decode(), "associated_data": "transaction",
            "nonce": "fdasflkja484",
        },
    }, ensure_ascii=False).encode()  # fmt: skip
    content = f"{at}\nq1w2e3r4\n".encode() + body + b"\n"
    headers = fields(
        wechatpay_timestamp=str(at), wechatpay_nonce="q1w2e3r4", wechatpay_serial=SERIAL,
        wechatpay_signature=rsa_pair().rsa_sha256(content),
    )  # fmt: skip
    return Case("wechat_pay", Request(headers, body), (
        Credential("secret", API_V3_KEY),
        Credential("public_key", rsa_pair().public_pem.encode(), SERIAL),
    ))  # fmt: skip


def alipay(charset: str = "utf-8", **changed: str) -> Case:
    parameters = {
        "notify_time": "2026-01-01 08:00:00", "notify_type": "trade_status_sync",
        "notify_id": "91722adff935e8cfa58b3aabf4dead6ibe", "app_id": "2017091508741945",
        "charset": charset, "version": "1.0", "trade_no": "2017112821001004030523090753",
        "out_trade_no": "mobile_rdm862016-05-16220214", "trade_status": "TRADE_SUCCESS",
        "total_amount": "12.50", "subject": "羽绒服 a&b=c+d", "gmt_payment": "2026-01-01 07:59:58",
        **changed,
    }  # fmt: skip
    encoding = "gb18030" if charset != "utf-8" else "utf-8"
    content = b"&".join(
        f"{name}={parameters[name]}".encode(encoding) for name in sorted(parameters)
    )
    parameters["sign"] = rsa_pair().rsa_sha256(content)
    parameters["sign_type"] = "RSA2"
    body = "&".join(
        f"{name}={quote_plus(text.encode(encoding))}" for name, text in parameters.items()
    )
    credentials = (Credential("public_key", rsa_pair().public_pem.encode()),)
    return Case("alipay", Request((), body.encode()), credentials)


def standard(body: bytes = b'{"type":"invoice.paid"}', at: int = AT_S, version: str = "v1") -> Case:
    content = f"msg_1.{at}.".encode() + body
    key = Credential("secret", WEBHOOK_KEY)
    if version == "v1a":
        key = Credential("public_key", ed25519_pair().raw_public())
        signature = "v1a," + ed25519_pair().ed25519(content)
    else:
        signature = "v1," + base64_hmac(WEBHOOK_KEY, content)
    headers = fields(
        webhook_id="msg_1", webhook_timestamp=str(at), webhook_signature=f"v9,AA== {signature}"
    )
    return Case("standard", Request(headers, body), (key,))


CASES: dict[str, Callable[[], Case]] = {
    "stripe": stripe,
    "adyen": adyen,
    "shopify": shopify,
    "woocommerce": woocommerce,
    "wechat_pay": wechat_pay,
    "alipay": alipay,
    "standard": standard,
    "standard-v1a": lambda: standard(version="v1a"),
}
"""By provider, and twice where there are two ways to sign."""
