"""What notices become: the mappings that come with Kanhe, and the language they are written in."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.core.notice import Notice
from kanhe.judge.intake.hooks import (
    HookMapping,
    Understood,
    built_in,
    read_hook_mapping,
    understand,
)
from kanhe.judge.intake.hooks.mapping import EVENT_KEYS
from kanhe.judge.intake.hooks.paths import PathError, parse_path
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin
from kanhe.judge.language.source import PolicyErrors, Source
from kanhe.protect.inbound.providers import PROVIDERS
from tests.hooks import requests as made

NOW_MS = made.NOW_MS + 86_400_000
READER = Reader(builtin())
AT = "2026-01-01T08:00:00+08:00"


@cache
def mapping(name: str) -> HookMapping:
    return read_hook_mapping(built_in()[name], builtin(), PROVIDERS)


def notice(document: dict[str, Any], topic: str = "", **envelope: str) -> Notice:
    return Notice("n-1", document, {"topic": topic, **envelope})


def events(
    name: str, document: dict[str, Any], topic: str = "", **envelope: str
) -> list[dict[str, Any]]:
    """The events of a notice, each of which the reader of events accepts."""
    found = understand(mapping(name), notice(document, topic, **envelope), name)
    assert found.mistakes == () and found.aside == ""
    return [json.loads(READER.read("t", one.body, NOW_MS).body) for one in found.events]


def aside(name: str, document: dict[str, Any], topic: str = "", **envelope: str) -> str:
    found = understand(mapping(name), notice(document, topic, **envelope), name)
    assert found.events == () and found.mistakes == ()
    return found.aside


def stripe(event: str, **of_object: Any) -> dict[str, Any]:
    return {"id": "evt_1", "type": event, "created": 1_767_225_600, "data": {"object": of_object}}


CHARGE = {
    "id": "ch_1", "amount": 1999, "amount_captured": 1999, "captured": True, "currency": "usd",
    "payment_intent": "pi_1", "customer": "cus_1", "metadata": {"order_id": "o-1"},
    "billing_details": {"email": "a@example.com", "address": {"country": "US"}, "name": "Jane Doe"},
    "payment_method_details": {"type": "card", "card": {
        "brand": "visa", "country": "US", "fingerprint": "fp_1", "funding": "credit", "last4": "4242",
        "checks": {"cvc_check": "pass", "address_postal_code_check": "fail"},
        "three_d_secure": None,
    }},
}  # fmt: skip


def test_a_charge_of_stripe() -> None:
    """A charge that was captured at once is an authorisation and a capture; no name or last digits
    of a card come with it."""
    authorized, captured = events("stripe", stripe("charge.succeeded", **CHARGE))
    assert authorized == {
        "id": "stripe:n-1:payment.authorized", "type": "payment.authorized",
        "at_ms": 1_767_225_600_000, "user": "cus_1", "email": "a@example.com", "card": "fp_1",
        "order": "o-1", "payment": "pi_1", "amount_minor": 1999, "currency": "USD",
        "payment_method": "card", "card_brand": "visa", "card_funding": "credit",
        "card_country": "US", "avs_result": "no_match", "cvv_result": "match",
        "billing_country": "US",
    }  # fmt: skip
    assert captured["id"] == "stripe:n-1:payment.captured"
    assert captured["amount_minor"] == 1999
    held = events("stripe", stripe("charge.succeeded", **{**CHARGE, "captured": False}))
    assert [event["type"] for event in held] == ["payment.authorized"]


def test_stripe_declines_refunds_and_disputes() -> None:
    """A decline says why; a refund is one event however often it is told; disputes have a stage."""
    (declined,) = events(
        "stripe",
        stripe("charge.failed", **CHARGE, outcome={"reason": "insufficient_funds"}),
    )
    assert declined["decline_reason"] == "insufficient_funds"
    refund = {
        "id": "re_1", "amount": 500, "currency": "jpy", "payment_intent": "pi_1", "status": "succeeded",
    }  # fmt: skip
    (first,) = events("stripe", stripe("refund.created", **refund))
    (again,) = events("stripe", stripe("refund.updated", **refund))
    assert first == again
    assert (first["amount_minor"], first["currency"], first["order"]) == (500, "JPY", "pi_1")
    pending = stripe("refund.created", **{**refund, "status": "pending"})
    assert aside("stripe", pending) == "refund-under-way"
    (dispute,) = events(
        "stripe",
        stripe("charge.dispute.closed", id="dp_1", charge="ch_1", payment_intent="pi_1", amount=9,
               currency="isk", reason="fraudulent", status="lost"),
    )  # fmt: skip
    assert (dispute["chargeback_stage"], dispute["chargeback_reason"]) == ("lost", "fraud")
    assert dispute["amount_minor"] == 0  # 0.09 króna: Stripe counts hundredths, ISO 4217 has none
    assert aside("stripe", stripe("payment_intent.succeeded")) == "told-by-charges"
    assert aside("stripe", stripe("invoice.paid")) == "unknown"


def test_adyen_counts_its_own_minor_units() -> None:
    """An authorisation of Adyen with its BIN and alias; amounts in Adyen's units, times with a zone."""
    item = made.adyen_item(
        amount={"value": 1_200_00, "currency": "ISK"}, paymentMethod="mc",
        additionalData={"cardBin": "541333", "alias": "A1", "cardIssuingCountry": "IS",
                        "cardHolderName": "Jane Doe", "cardSummary": "0004"},
    )  # fmt: skip
    (event,) = events("adyen", item)
    assert event["amount_minor"] == 1_200 and event["card_bin"] == "541333"
    assert event["at_ms"] == 1_767_225_540_000 and event["card_brand"] == "mastercard"
    assert not {"Jane Doe", "0004"} & set(map(str, event.values()))
    (declined,) = events("adyen", {**item, "success": "false", "reason": "CVC Declined"})
    assert declined["decline_reason"] == "invalid_cvv" and declined["id"] != event["id"]
    (dispute,) = events(
        "adyen",
        {**item, "eventCode": "CHARGEBACK", "originalReference": "P1",
         "additionalData": {"chargebackReasonCode": "10.4"}},
    )  # fmt: skip
    assert (dispute["payment"], dispute["chargeback_reason"]) == ("P1", "fraud")
    assert (
        aside("adyen", {**item, "eventCode": "REFUND", "success": "false"}) == "change-that-failed"
    )
    assert aside("adyen", {**item, "eventCode": "SOMETHING_NEW"}) == "unknown"


ORDER = {
    "id": 820982911946154508, "created_at": "2026-01-01T01:00:00-00:00", "currency": "USD",
    "total_price": "403.00", "total_discounts": "20.00", "total_tax": "11.94", "email": "j@example.com",
    "browser_ip": "2001:db8::1", "customer": {"id": 115310627314723954}, "cancelled_at": None,
    "total_shipping_price_set": {"shop_money": {"amount": "10.00", "currency_code": "USD"}},
    "line_items": [
        {"product_id": 788032119674292922, "quantity": 1}, {"product_id": 2, "quantity": 3},
        {"product_id": None, "quantity": 1},
    ],
    "discount_codes": [{"code": "SPRING", "amount": "20.00"}],
    "shipping_address": {"country_code": "US", "address1": "40 Fake St"},
}  # fmt: skip


def test_an_order_of_shopify() -> None:
    """Lines are added up, money is in minor units of the order's currency, addresses stay outside."""
    (event,) = events("shopify", ORDER, "orders/create")
    assert event["id"] == "shopify:820982911946154508:order.placed"
    assert event["amount_minor"] == 40_300 and event["shipping_minor"] == 1_000
    assert event["items_count"] == 5 and event["products"] == ["788032119674292922", "2"]
    assert event["coupon"] == "SPRING" and event["ip"] == "2001:db8::1"
    assert "40 Fake St" not in json.dumps(event)
    (yen,) = events("shopify", {**ORDER, "currency": "JPY", "total_price": "403"}, "orders/create")
    assert yen["amount_minor"] == 403
    assert aside("shopify", ORDER, "orders/create", test="true") == "test-notice"


@pytest.mark.parametrize("topic", ["refunds/create", "orders/cancelled", "disputes/create", "customers/create", "order_transactions/create"])  # fmt: skip
def test_a_topic_counts_only_where_the_body_agrees(topic: str) -> None:
    """The topic of Shopify is not signed: an order under another topic is no other event."""
    assert aside("shopify", ORDER, topic) == "unknown"


def test_money_of_shopify() -> None:
    """Transactions are authorisations, captures and declines; refunds add up what was paid back."""
    transaction = {
        "id": 1, "order_id": 2, "kind": "sale", "status": "success", "amount": "10.00",
        "currency": "KWD", "created_at": AT, "payment_details": {
            "credit_card_bin": "424242", "credit_card_number": "•••• •••• •••• 4242",
            "credit_card_company": "Visa", "avs_result_code": "Y", "cvv_result_code": "M"},
    }  # fmt: skip
    authorized, captured = events("shopify", transaction, "order_transactions/create")
    assert authorized["amount_minor"] == 10_000 and authorized["card_bin"] == "424242"
    assert captured["type"] == "payment.captured"
    assert '4242"' not in json.dumps(authorized).replace("424242", "")
    failed = {**transaction, "status": "failure", "error_code": "incorrect_cvc"}
    (declined,) = events("shopify", failed, "order_transactions/create")
    assert declined["decline_reason"] == "invalid_cvv"
    refund = {
        "id": 3, "order_id": 2, "created_at": AT, "transactions": [
            {"kind": "refund", "status": "success", "amount": "4.10", "currency": "USD"},
            {"kind": "refund", "status": "failure", "amount": "9.00", "currency": "USD"},
            {"kind": "refund", "status": "success", "amount": "0.15", "currency": "USD"}],
    }  # fmt: skip
    (paid,) = events("shopify", refund, "refunds/create")
    assert paid["amount_minor"] == 425
    refund["transactions"] = [{"kind": "refund", "status": "failure", "amount": "9.00"}]
    assert aside("shopify", refund, "refunds/create") == "empty"


def test_an_order_of_woocommerce() -> None:
    """Guests have no account; payment, failure and each refund is told once by the order as it stands."""
    order = {
        "id": 727, "status": "processing", "currency": "EUR", "total": "29.35", "customer_id": 0,
        "discount_total": "0.00", "shipping_total": "10.00", "total_tax": "1.35",
        "date_created_gmt": "2026-01-01T00:00:00", "date_modified_gmt": "2026-01-01T01:00:00",
        "date_paid_gmt": "2026-01-01T00:00:05", "payment_method": "bacs", "transaction_id": "",
        "customer_ip_address": "", "billing": {"email": "j@example.com", "country": "DE"},
        "line_items": [{"product_id": 93, "quantity": 2}], "coupon_lines": [], "refunds": [],
    }  # fmt: skip
    placed, paid = events("woocommerce", order, "order.created")
    assert "user" not in placed and "ip" not in placed and placed["items_count"] == 2
    assert paid["amount_minor"] == 2_935 and paid["payment"] == "727"
    later = {**order, "customer_id": 26, "refunds": [
        {"id": 5, "total": "-10.00"}, {"id": 6, "total": "-0.35"}]}  # fmt: skip
    same, again, first, second = events("woocommerce", later, "order.updated")
    assert same["id"] == placed["id"]
    assert again["id"] == paid["id"] and again["user"] == "26"
    assert [first["amount_minor"], second["amount_minor"]] == [1_000, 35]
    assert first["id"] == "woocommerce:727:5:refund.paid"
    draft = {**order, "status": "checkout-draft", "date_paid_gmt": None}
    assert aside("woocommerce", draft, "order.created") == "checkout-draft"
    waiting = {**draft, "status": "on-hold"}
    assert [event["id"] for event in events("woocommerce", waiting, "order.updated")] == [
        placed["id"]
    ]


def test_wechat_pay_and_alipay() -> None:
    """Fen and yuan, RFC 3339 and Beijing time come to the same; a trade that is finished later, too."""
    resource = {
        "transaction_id": "420", "out_trade_no": "o-1", "trade_state": "SUCCESS", "success_time": AT,
        "trade_type": "APP", "payer": {"openid": "ox"}, "amount": {"total": 1250, "currency": "CNY"},
    }  # fmt: skip
    (event,) = events("wechat_pay", {"event_type": "TRANSACTION.SUCCESS", "resource": resource})
    trade = {
        "trade_status": "TRADE_SUCCESS", "trade_no": "t-1", "out_trade_no": "o-1", "buyer_id": "2088",
        "total_amount": "12.50", "gmt_payment": "2026-01-01 08:00:00", "notify_id": "n",
    }  # fmt: skip
    (other,) = events("alipay", trade)
    assert event["amount_minor"] == other["amount_minor"] == 1_250
    assert event["at_ms"] == other["at_ms"] == made.NOW_MS
    (finished,) = events("alipay", {**trade, "trade_status": "TRADE_FINISHED"})
    assert finished["id"] == other["id"]
    refunded = {**trade, "refund_fee": "2.50", "gmt_refund": "2026-01-01 08:00:01.250"}
    (refund,) = events("alipay", refunded)
    assert (refund["type"], refund["amount_minor"]) == ("refund.paid", 250)
    assert aside("alipay", {**trade, "trade_status": "WAIT_BUYER_PAY"}) == "not-paid-yet"
    (paid_back,) = events("wechat_pay", {"event_type": "REFUND.SUCCESS", "resource": {
        "refund_id": "503", "refund_status": "SUCCESS", "out_refund_no": "r-1", "out_trade_no": "o-1",
        "transaction_id": "420", "success_time": AT, "amount": {"total": 1250, "refund": 1}}})  # fmt: skip
    assert paid_back["amount_minor"] == 1 and paid_back["order_minor"] == 1_250


def test_what_is_not_understood_is_told_without_what_it_says() -> None:
    """A value that is not as declared costs its event only, and no value leaves with the reason."""
    charge = {**CHARGE, "amount_captured": "Jane Doe"}
    found = understand(mapping("stripe"), notice(stripe("charge.succeeded", **charge)), "stripe")
    assert [event.type for event in found.events] == ["payment.authorized"]
    assert len(found.mistakes) == 1 and "payment.captured: " in found.mistakes[0]
    assert "Jane" not in found.mistakes[0]
    whole = {**CHARGE, "currency": {"a": 1}}
    found = understand(mapping("stripe"), notice(stripe("charge.failed", **whole)), "stripe")
    assert found.events == () and "one value" in found.mistakes[0]


@pytest.mark.parametrize(("ahead_ms", "counts"), [(1, 0), (86_400_000, 0), (86_400_001, 86_400_001), (-5, -5)])  # fmt: skip
def test_nothing_is_told_before_it_happens(ahead_ms: int, counts: int) -> None:
    """A provider's clock that is ahead costs no event; a time in the far future stays what it is."""
    received_ms = 1_767_225_600_000 - ahead_ms
    told = notice(stripe("charge.captured", **CHARGE))
    (event,) = understand(mapping("stripe"), told, "stripe", received_ms).events
    assert json.loads(event.body)["at_ms"] - received_ms == counts


def test_what_can_be_done_without_costs_no_event() -> None:
    """A bad e-mail address, country or code is left out and told, and the event is made all the same."""
    charge = {
        **CHARGE, "billing_details": {"email": "no address", "address": {"country": "UK"}},
        "payment_intent": "p" * 300,
        "payment_method_details": {"type": "card", "card": {"fingerprint": "4242424242424242",
                                                            "funding": {"odd": 1}}},
    }  # fmt: skip
    found = understand(mapping("stripe"), notice(stripe("charge.failed", **charge)), "stripe")
    (made_event,) = found.events
    event = json.loads(READER.read("t", made_event.body, NOW_MS).body)
    assert found.mistakes == () and event["order"] == "o-1" and event["amount_minor"] == 1999
    left = {text.split(": ")[1].split(" for ")[-1] for text in found.left_out}
    assert left >= {"email", "billing_country", "payment", "card", "card_funding"}
    assert not left & set(event)
    assert "no address" not in str(found.left_out) and "4242" not in str(found.left_out)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=60)
@given(data=st.data(), name=st.sampled_from(sorted(PROVIDERS)))
def test_no_notice_breaks_a_mapping(data: st.DataObject, name: str) -> None:
    """Whatever stands at the paths of a mapping, what comes of it is an account and no fault."""
    document: dict[str, Any] = {}
    for path in mapping(name).paths:
        for text in path.text.split(" or "):
            if text.startswith("@") or "*" in text or not data.draw(st.booleans()):
                continue
            *above, last = text.split(".")
            here = document
            for part in above:
                below = here.get(part)
                here[part] = here = below if isinstance(below, dict) else {}
            here[last] = data.draw(_JSON)
    topic = data.draw(st.sampled_from(["orders/create", "order.updated", "refunds/create", "x"]))
    found = understand(mapping(name), notice(document, topic), name)
    assert isinstance(found, Understood)
    assert all(len(event.id) <= 128 for event in found.events)


def test_ids_tell_notices_apart() -> None:
    """Long keys and odd characters are digested, so that different keys never become one id."""
    seen = set()
    for refund in ("r" * 200, "r" * 201, "a\nb", "a:b", "a", "b"):
        for order in ("1", "1:a"):
            order_notice = notice(
                {"id": order, "refunds": [{"id": refund, "total": "-1"}], "currency": "EUR",
                 "date_modified_gmt": AT}, "order.updated",
            )  # fmt: skip
            for event in understand(mapping("woocommerce"), order_notice, "woocommerce:w").events:
                seen.add(event.id)
                assert len(event.id) <= 128 and event.id.isprintable()
    assert len(seen) == 12


MISTAKES = """\
name = "mine"
provider = "strippe"
en = "x"
zh = "x"

[units.mine]
XXX = 2

[[event]]
type = "payment.captured"
[event.fields]
id = { path = "id" }
at_ms = { path = "created", as = "time", unit = "h" }
payment = { path = "data..object" }
order = { path = "refunds.*.id" }
user = { path = "@secret" }
amount_minor = { path = "amount", as = "minor", currency = "currency", units = "yours" }
curency = { constant = "EUR" }

[[event]]
type = "list.entry_added"
when = [{ path = "type", is = "x" }]
each = "refunds"
[event.fields]
"""


def test_mistakes_are_shown_at_their_lines() -> None:
    """A mapping with mistakes shows all of them at once, each with file, line and what to do."""
    with pytest.raises(PolicyErrors) as caught:
        read_hook_mapping(Source("mine.toml", MISTAKES), builtin(), PROVIDERS)
    told = str(caught.value)
    for line in (
        "mine.toml:2:1: provider cannot be 'strippe'", "did you mean stripe?",
        "mine.toml:7:1: XXX is no currency of ISO 4217", "mine.toml:9:1: when is missing",
        "mine.toml:20:1: each needs a key",
    ):  # fmt: skip
        assert line in told, told
    fixed = MISTAKES.replace(
        "[event.fields]\nid", 'when = [{ path = "a", is = "b" }]\n[event.fields]\nid'
    )
    fixed = fixed.replace('each = "refunds"\n', "")
    with pytest.raises(PolicyErrors) as caught:
        read_hook_mapping(Source("mine.toml", fixed), builtin(), PROVIDERS)
    told = str(caught.value)
    for line in (
        "mine.toml:13:1: id is not filled by a mapping", "mine.toml:14:42: unit cannot be 'h'",
        "mine.toml:15:1: 'data..object' is not a path", "mine.toml:16:1: refunds is not the list",
        "mine.toml:17:1: @secret is not known", "mine.toml:18", "there is no units table yours",
        "mine.toml:19:1: payment.captured has no field curency",
    ):  # fmt: skip
        assert line in told, told


def test_restricted_types_do_not_come_from_outside() -> None:
    """No mapping can put somebody on a list, which needs a key with a scope of its own."""
    text = (
        'name="m"\nprovider="stripe"\nen="x"\nzh="x"\n[[event]]\ntype="list.entry_added"\n'
        'when=[{path="a",is="b"}]\n[event.fields]\nat_ms={path="t",as="time",unit="s"}\n'
        'list_name={constant="l"}\nvalue={path="v"}\nstaff={constant="s"}\n'
    )
    with pytest.raises(PolicyErrors, match="cannot come from outside"):
        read_hook_mapping(Source("m.toml", text), builtin(), PROVIDERS)


@pytest.mark.parametrize("text", ["", ".", "a.", "a b", "@", "@x", "a.'", "x" * 300, " or ", "a or b or c or d or e or f"])  # fmt: skip
def test_what_is_no_path(text: str) -> None:
    """A path that could mean nothing is refused where it is written."""
    with pytest.raises(PathError):
        parse_path(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.b", "x"), ("a.'d.e'", Decimal("1.50")), ("l.1", 2), ("l.9", None), ("l.-1", None),
        ("a.b.c", None), ("none or a.b", "x"), ("blank or a.b", "x"), ("t", "true"), ("@topic", "q"),
        ("l.٣", None),
    ],
)  # fmt: skip
def test_where_paths_lead(text: str, found: Any) -> None:
    """Paths go down by names and places, and never raise on what is not there."""
    document = {
        "a": {"b": "x", "d.e": Decimal("1.50")}, "l": [1, 2], "blank": " ", "t": True,
    }  # fmt: skip
    assert parse_path(text).find(Notice("n", document, {"topic": "q"}), None) == found


def test_every_provider_has_a_mapping() -> None:
    """Each provider comes with a mapping of its own name, every one of which is checked here."""
    assert set(built_in()) == set(PROVIDERS)
    for name in PROVIDERS:
        assert mapping(name).provider == mapping(name).name == name
    assert set(EVENT_KEYS) >= {"type", "fields"}
