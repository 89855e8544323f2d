"""Notices are taken from their providers, and from nobody else."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from contextlib import suppress
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kanhe.core.errors import Refusal
from kanhe.protect.inbound.credentials import Credential
from kanhe.protect.inbound.evidence import Request
from tests.hooks import requests as made
from tests.hooks.openssl import KeyPair, rsa_pair
from tests.hooks.requests import CASES, NOW_MS, Case

good = cache(lambda name: CASES[name]())
SIGNATURE = {
    "stripe": b"stripe-signature", "shopify": b"x-shopify-hmac-sha256",
    "woocommerce": b"x-wc-webhook-signature", "wechat_pay": b"wechatpay-signature",
    "standard": b"webhook-signature", "standard-v1a": b"webhook-signature",
}  # fmt: skip
"""The header that holds the signature."""
SIGNS_BODIES = [name for name in CASES if name != "adyen"]
TIMED = ["stripe", "wechat_pay", "standard", "standard-v1a"]


def refused(case: Case, request: Request | None = None, **changed: Any) -> str:
    """The problem of a request that must be refused."""
    with pytest.raises(Refusal) as caught:
        case.check(request, **changed)
    problem = caught.value.problem
    assert problem.status in (400, 401)
    for credential in case.credentials:
        assert credential.value.decode("latin-1") not in problem.detail
    return problem.detail


def without(request: Request, name: bytes) -> Request:
    return Request([pair for pair in request.headers if pair[0] != name], request.body)


def with_header(request: Request, name: bytes, value: bytes) -> Request:
    return Request([*without(request, name).headers, (name, value)], request.body)


def value_of(request: Request, name: bytes) -> bytes:
    return dict(request.headers)[name]


@pytest.mark.parametrize("name", CASES)
def test_a_signed_notice_is_taken(name: str) -> None:
    """What OpenSSL signed as the provider's documentation says is one authentic notice."""
    (notice,) = good(name).check()
    assert notice.id


@pytest.mark.parametrize("name", CASES)
def test_another_key_is_refused(name: str) -> None:
    """A notice that was signed with another key is refused, and so is any without keys."""
    case = good(name)
    other = {
        "secret": bytes(range(100, 132)), "public_key": rsa_pair(1).public_pem.encode(),
        "password": b"",
    }  # fmt: skip
    if name == "standard-v1a":
        other["public_key"] = KeyPair("-algorithm", "ED25519").raw_public()
    wrong = tuple(Credential(c.kind, other[c.kind], c.label) for c in case.credentials)
    refused(case, credentials=wrong)
    refused(case, credentials=())


@pytest.mark.parametrize("name", CASES)
def test_a_key_that_ran_out_is_refused(name: str) -> None:
    """A secret counts until its time is over, and beside its successor until then."""
    case = good(name)
    until = tuple(Credential(c.kind, c.value, c.label, 0, NOW_MS + 1_000) for c in case.credentials)
    newer = Credential("secret", bytes(32))
    assert case.check(credentials=(newer, *until))
    refused(case, credentials=until, now_ms=NOW_MS + 1_000)


@settings(max_examples=40)
@given(data=st.data())
@pytest.mark.parametrize("name", SIGNS_BODIES)
def test_any_other_byte_is_refused(name: str, data: st.DataObject) -> None:
    """A body that differs in one bit from the one that was signed is refused, but for %bd in place of
    %BD, which are the same byte of a form."""
    case = good(name)
    body = bytearray(case.request.body)
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= 1 << data.draw(st.integers(0, 7))
    if name == "alipay":
        assume(unquote_to_bytes(bytes(body)) != unquote_to_bytes(case.request.body))
    refused(case, Request(case.request.headers, bytes(body)))


@settings(max_examples=40)
@given(data=st.data())
@pytest.mark.parametrize("name", SIGNATURE)
def test_any_other_signature_is_refused(name: str, data: st.DataObject) -> None:
    """A signature that differs in one bit is refused, the unused bits of its base64 included."""
    case = good(name)
    header = bytearray(value_of(case.request, SIGNATURE[name]))
    first = max(header.rfind(b"v1="), header.rfind(b" ") + 1)
    place = data.draw(st.integers(first, len(header) - 1))
    header[place] ^= 1 << data.draw(st.integers(0, 7))
    refused(case, with_header(case.request, SIGNATURE[name], bytes(header)))


@pytest.mark.parametrize("name", SIGNATURE)
def test_headers_stand_once(name: str) -> None:
    """A signature that is missing, stands twice, is empty or holds other bytes is refused."""
    case, header = good(name), SIGNATURE[name]
    value = value_of(case.request, header)
    refused(case, without(case.request, header))
    twice = Request([*case.request.headers, (header, value)], case.request.body)
    assert "more than once" in refused(case, twice)
    for other in (b"", b" ", value + b"\xff", value + b"\x00", value[:-1], b"A" * 10_000, b"v1,"):
        refused(case, with_header(case.request, header, other))


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("off_s", [-301, 301, -86_400])
def test_old_and_early_notices_are_refused(name: str, off_s: int) -> None:
    """A notice whose signed time is more than five minutes away is refused, either way."""
    case = good(name)
    assert "300 seconds" in refused(case, now_ms=NOW_MS + off_s * 1_000)
    assert case.check(now_ms=NOW_MS + 299_000)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("stripe", b""), ("wechat_pay", b"wechatpay-timestamp"),
        ("standard", b"webhook-timestamp"),
    ],
)  # fmt: skip
def test_a_new_time_needs_a_new_signature(name: str, header: bytes) -> None:
    """The time is signed: an old notice does not become a new one by another time."""
    case = good(name)
    later = str(NOW_MS // 1_000 + 600).encode()
    if header:
        changed = with_header(case.request, header, later)
    else:
        signature = value_of(case.request, b"stripe-signature")
        changed = with_header(
            case.request, b"stripe-signature", b"t=%b,%b" % (later, signature.partition(b",")[2])
        )
    refused(case, changed, now_ms=NOW_MS + 600_000)


def test_ids_are_signed() -> None:
    """The id of a message and the nonce of WeChat Pay cannot be changed; nothing is read of headers
    that are not signed but what the body must agree with."""
    refused(good("standard"), with_header(good("standard").request, b"webhook-id", b"msg_2"))
    refused(good("wechat_pay"), with_header(good("wechat_pay").request, b"wechatpay-nonce", b"q1"))
    for name, header in (
        ("shopify", b"x-shopify-webhook-id"), ("woocommerce", b"x-wc-webhook-delivery-id"),
    ):  # fmt: skip
        case = good(name)
        again = case.check(with_header(case.request, header, b"another-delivery"))
        assert again[0].id == case.check()[0].id


def test_an_id_cannot_be_cut_elsewhere() -> None:
    """A message id with a full stop is refused, as what is signed could be cut in two ways."""
    case = good("standard")
    assert "full stop" in refused(case, with_header(case.request, b"webhook-id", b"msg.1"))


def test_stripe_rotates() -> None:
    """While a secret is replaced, one of several signatures is enough, and other schemes are not."""
    case = made.stripe()
    signature = value_of(case.request, b"stripe-signature")
    time, _, rest = signature.partition(b",")
    both = b",".join((time, b"v1=" + b"a" * 64, rest))
    assert case.check(with_header(case.request, b"stripe-signature", both))
    for other in (rest, time, b"%b,t=1,%b" % (time, rest), signature.replace(b"v1=", b"v2=")):
        refused(case, with_header(case.request, b"stripe-signature", other))
    upper = signature[:-64] + signature[-64:].upper()
    refused(case, with_header(case.request, b"stripe-signature", upper))


@pytest.mark.parametrize("escaped", [True, False])
def test_adyen_escapes_or_not(escaped: bool) -> None:
    """Colons and backslashes in fields are taken as Adyen's pages write them, and as its libraries do."""
    reference = "a:b\\c"
    text = reference.replace("\\", "\\\\").replace(":", "\\:") if escaped else reference
    case = made.adyen(
        made.adyen_item(merchantReference=reference),
        f"7914073381342284::TestMerchant:{text}:1130:EUR:AUTHORISATION:true",
    )
    assert case.check()[0].document["merchantReference"] == reference


@pytest.mark.parametrize(
    "changed",
    [
        {"pspReference": "7914073381342285"}, {"merchantAccountCode": "Other"},
        {"merchantReference": "TestPayment-2"}, {"success": "false"}, {"eventCode": "REFUND"},
        {"originalReference": "x"}, {"amount": {"value": 1131, "currency": "EUR"}},
        {"amount": {"value": 1130, "currency": "USD"}}, {"amount": [1130]}, {"amount": None},
        {"success": {"a": 1}}, {"pspReference": 1.5},
    ],
)  # fmt: skip
def test_adyen_signs_its_fields(changed: dict[str, Any]) -> None:
    """None of the eight fields that Adyen signs can be changed."""
    case = good("adyen")
    document = json.loads(case.request.body)
    document["notificationItems"][0]["NotificationRequestItem"].update(changed)
    refused(case, Request((), json.dumps(document).encode()))


def test_every_item_of_adyen_is_checked() -> None:
    """A good item does not bring another one in, and many are too many."""
    case = good("adyen")
    document = json.loads(case.request.body)
    item = document["notificationItems"][0]
    bad = json.loads(json.dumps(item))
    bad["NotificationRequestItem"]["amount"]["value"] = 1
    broken: list[Any] = [[item, bad], [], [item] * 51, [{}], "x", [item, 1]]
    for items in broken:
        document["notificationItems"] = items
        refused(case, Request((), json.dumps(document).encode()))
    document["notificationItems"] = [item, item]
    assert len(case.check(Request((), json.dumps(document).encode()))) == 2


def test_adyen_may_ask_for_a_password() -> None:
    """Where user and password are kept, a request must show them beside the signature."""
    case = good("adyen")
    with_password = (*case.credentials, Credential("password", b"kanhe:a long password"))
    refused(case, credentials=with_password)
    shown = b"Basic a2FuaGU6YSBsb25nIHBhc3N3b3Jk"
    request = with_header(case.request, b"authorization", shown)
    assert case.check(request, credentials=with_password)
    refused(
        case, with_header(case.request, b"authorization", b"Basic YTpi"), credentials=with_password
    )


def test_woocommerce_pings() -> None:
    """The unsigned form that WooCommerce sends first is answered and holds nothing; no other is."""
    case = good("woocommerce")
    assert case.check(Request((), b"webhook_id=12")) == ()
    for body in (b"webhook_id=", b"webhook_id=1&x=2", b"webhook_id=1\n", b"", b'{"id":1}'):
        refused(case, Request((), body))
    refused(case, Request(case.request.headers, b"webhook_id=12"))


def test_wechat_pay_names_its_key() -> None:
    """A key counts for notices that name its serial only; a certificate is as good as a key."""
    case = good("wechat_pay")
    assert "serial" in refused(case, with_header(case.request, b"wechatpay-serial", b"OTHER"))
    probe = b"WECHATPAY/SIGNTEST/" + value_of(case.request, b"wechatpay-signature")
    refused(case, with_header(case.request, b"wechatpay-signature", probe))
    pem, _ = rsa_pair().certificate()
    keys = (case.credentials[0], Credential("public_key", pem.encode(), made.SERIAL))
    assert case.check(credentials=keys)[0].document["resource"] == {"mchid": "1230000109"}
    written = with_header(case.request, b"wechatpay-serial", b"0A1")
    for label in ("A1", "0A1", "a1"):
        assert case.check(
            written, credentials=(keys[0], Credential("public_key", pem.encode(), label))
        )


def test_wechat_pay_seals_its_resource() -> None:
    """A resource under another APIv3 key, or no longer whole, is refused although it is signed."""
    case = good("wechat_pay")
    other = (Credential("secret", bytes(32)), case.credentials[1])
    assert "APIv3" in refused(case, credentials=other)
    for broken in (
        {"algorithm": "none"},
        {"nonce": "x"},
        {"ciphertext": "AA=="},
        {"associated_data": 1},
    ):
        document = json.loads(case.request.body)
        document["resource"].update(broken)
        body = json.dumps(document).encode()
        content = f"{made.AT_S}\nq1w2e3r4\n".encode() + body + b"\n"
        headers = with_header(
            case.request, b"wechatpay-signature", rsa_pair().rsa_sha256(content).encode()
        ).headers
        refused(case, Request(headers, body))


@pytest.mark.parametrize("charset", ["utf-8", "gbk", "GBK", "gb2312"])
def test_alipay_writes_in_its_charset(charset: str) -> None:
    """What is signed are the bytes of the charset that the notice names; text is read in it."""
    (notice,) = made.alipay(charset).check()
    assert notice.document["subject"] == "羽绒服 a&b=c+d"
    assert notice.id == "91722adff935e8cfa58b3aabf4dead6ibe"


@pytest.mark.parametrize(
    "tail",
    [b"&extra=1", b"&total_amount=1.00", b"&sign_type=RSA", b"&x", b"&", b"&=", b"&a=1" * 300],
)
def test_alipay_signs_every_parameter(tail: bytes) -> None:
    """A parameter more, one given twice and another way to sign are refused."""
    case = good("alipay")
    refused(case, Request((), case.request.body + tail))


@pytest.mark.parametrize(
    ("name", "account", "other"),
    [
        ("adyen", "TestMerchant", "TestMerchan"), ("shopify", "shop.myshopify.com", "shop"),
        ("woocommerce", "https://SHOP.example", "https://shop.example.org"),
        ("wechat_pay", "1230000109", "1230000108"),
        ("alipay", "2017091508741945", "2017091508741946"), ("stripe", "", "acct_1"),
    ],
)  # fmt: skip
def test_a_source_may_be_for_one_account(name: str, account: str, other: str) -> None:
    """Where a source names the account, notices of others are refused."""
    assert good(name).check(account=account)
    assert "another" in refused(good(name), account=other)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"1", b'{"id":1,"id":2}', b'{"a":{"b":1,"b":2}}', b'{"a":NaN}', b'{"a":1e999999}',
        b'{"a":' + b"1" * 100 + b"}", b'{"a":"\\ud800"}', b'{"a":[[["\\ud800"]]]}', b'{"a":{"\\udc00":1}}', b'\xef\xbb\xbf{"a":1}', b'{"a":"\xff"}',
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000, b"[" * 200_000, b'{"a":1}x', b'{"a":1',
        b'{"a":0.' + b"1" * 60 + b"}", b'{"a":[' + b"1," * 60_000 + b"1]}",
    ],
)  # fmt: skip
def test_a_signed_body_is_still_read_exactly(body: bytes) -> None:
    """A good signature does not get a body in that can be read in two ways, or not at all."""
    if body == b'{"a":1e999999}':
        assert made.shopify(body).check()[0].document
        return
    detail = refused(made.shopify(body))
    assert "body" in detail or "JSON" in detail


_TEXTS = st.text(max_size=12) | st.sampled_from(
    ["RSA2", "AEAD_AES_256_GCM", "AA==", "1130", "true"]
)
_NAMES = st.sampled_from([
    "id", "type", "account", "resource", "algorithm", "ciphertext", "nonce", "associated_data",
    "event_type", "notificationItems", "NotificationRequestItem", "additionalData", "hmacSignature",
    "amount", "value", "pspReference", "success", "eventCode",
])  # fmt: skip
_SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES | _TEXTS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60)
@given(
    body=st.binary(max_size=60) | _SHAPES.map(lambda shape: json.dumps(shape).encode()),
    data=st.data(),
)
@pytest.mark.parametrize("name", CASES)
def test_nothing_breaks_a_check(name: str, body: bytes, data: st.DataObject) -> None:
    """Whatever comes, signed or not, a check gives notices or a refusal, never a fault."""
    case = good(name)
    names = sorted({field for field, _ in case.request.headers}) or [b"authorization"]
    headers = [(field, data.draw(st.binary(max_size=30))) for field in names]
    key = bytes(case.credentials[0].value)
    signed = [
        (b"stripe-signature", b"t=%d,v1=%b" % (made.AT_S, hmac.digest(
            key, b"%d." % made.AT_S + body, "sha256").hex().encode())),
        (b"x-shopify-hmac-sha256", b64encode(hmac.digest(key, body, "sha256"))),
        (b"x-wc-webhook-signature", b64encode(hmac.digest(key, body, "sha256"))),
        (b"webhook-signature", b"v1," + b64encode(hmac.digest(
            key, b"msg_1.%d." % made.AT_S + body, "sha256"))),
    ]  # fmt: skip
    request = Request(case.request.headers, body)
    for field, value in signed:
        if field in names:
            request = with_header(request, field, value)
    for one in (Request(headers, body), Request(headers, case.request.body), request):
        try:
            notices = case.check(one)
        except Refusal:
            continue
        assert all(notice.id for notice in notices)


_own_key = cache(lambda: generate_private_key(public_exponent=65_537, key_size=2_048))


def _own_credentials(label: str) -> tuple[Credential, ...]:
    pem = _own_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return Credential("secret", made.API_V3_KEY), Credential("public_key", pem, label)


@settings(max_examples=60)
@given(
    outer=st.dictionaries(_NAMES, _SHAPES, max_size=5), inner=_SHAPES,
    form=st.dictionaries(st.sampled_from(["charset", "app_id", "notify_id", "x"]), _TEXTS, max_size=4),
)  # fmt: skip
def test_nothing_signed_by_rsa_breaks_a_check(
    outer: dict[str, Any], inner: Any, form: dict[str, str]
) -> None:
    """The same behind a good RSA signature: what was sealed, and what a form says, may be anything."""
    plain = json.dumps(inner).encode()
    sealed = AESGCM(made.API_V3_KEY).encrypt(b"n" * 12, plain, b"")
    resource = {
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": "n" * 12,
        "ciphertext": b64encode(sealed).decode(),
    }
    for document in (outer, {"id": "x", "event_type": "y", **outer, "resource": resource}):
        body = json.dumps(document).encode()
        sample = f"{made.AT_S}\nn\n".encode() + body + b"\n"
        headers = made.fields(
            wechatpay_timestamp=str(made.AT_S), wechatpay_nonce="n", wechatpay_serial="S",
            wechatpay_signature=_by_own_key(sample),
        )  # fmt: skip
        with suppress(Refusal):
            good("wechat_pay").check(Request(headers, body), credentials=_own_credentials("S"))
    content = "&".join(f"{name}={form[name]}" for name in sorted(form)).encode("utf-8", "replace")
    signed = {**form, "sign": _by_own_key(content), "sign_type": "RSA2"}
    body = urlencode(signed, errors="replace").encode()
    with suppress(Refusal):
        good("alipay").check(Request((), body), credentials=_own_credentials(""))


def _by_own_key(content: bytes) -> str:
    return b64encode(_own_key().sign(content, PKCS1v15(), hashes.SHA256())).decode()


def test_a_text_of_alipay_hides_no_parameter() -> None:
    """What is signed can be cut in two ways where a value holds what looks like another parameter."""
    honest = made.alipay(body="x&total_amount=99999.00")
    moved = honest.request.body.replace(b"x%26total_amount%3D99999.00", b"x&total_amount=99999.00")
    moved = moved.replace(b"total_amount=12.50&", b"", 1)
    for body in (honest.request.body, moved):
        with pytest.raises(Refusal):
            honest.check(honest.request._replace(body=body))
    (notice,) = made.alipay(subject="R&D=1, a&b=c").check()
    assert notice.document["subject"] == "R&D=1, a&b=c"


def test_only_the_reference_of_adyen_holds_plain_colons() -> None:
    """Unescaped, the same signed text must not fit an item that was cut elsewhere."""
    text = "P::M:a:b:1130:EUR:AUTHORISATION:true"
    item = made.adyen_item(pspReference="P", merchantAccountCode="M", merchantReference="a:b")
    (notice,) = made.adyen(item, text).check()
    assert notice.document["merchantReference"] == "a:b"
    moved = made.adyen_item(pspReference="P", merchantAccountCode="M:a", merchantReference="b")
    with pytest.raises(Refusal):
        made.adyen(moved, text).check()


def test_stripe_says_whose_events_these_are() -> None:
    """Those of a connected account are told apart from the platform's own, and play from money."""
    told = {"id": "evt_1", "type": "charge.failed", "account": "acct_1"}
    (stranger,) = made.stripe(json.dumps({**told, "livemode": True}).encode()).check()
    assert stranger.envelope["connected"] == "true"
    (played,) = made.stripe(json.dumps({**told, "livemode": False}).encode()).check(
        account="acct_1"
    )
    assert (played.envelope["connected"], played.envelope["test"]) == ("false", "true")
    (own,) = made.stripe().check()
    assert "connected" not in own.envelope
