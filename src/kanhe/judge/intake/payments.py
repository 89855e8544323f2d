"""Built-in event types of money: payments, refunds, chargebacks, payouts."""

from __future__ import annotations

from kanhe.judge.intake.declarations import CONTEXT, NETWORK, EventType, event_type

_CARD = (
    "payment payment_method card_bin card_brand card_funding card_country avs_result cvv_result "
    "three_ds is_saved_card is_recurring installments"
)
_PURCHASE = (
    "ip_country billing_country shipping_country merchant_country account_country "
    "account_created_ms items_count products order_minor shipping_minor tax_minor "
    "discount_minor store_credit_minor coupon promo is_guest is_first_order is_digital is_gift "
    "is_express is_reshipper is_po_box addresses_match names_match is_new_device mfa_used "
    "email_verified phone_verified is_disposable_email is_virtual_phone attempt_no fill_ms "
    "captcha_passed shipping_method external_score category"
)
_REFUND = (
    "refund payment payment_method refund_reason refund_to order_minor products items_count "
    "quantity is_partial goods_returned declared_weight_g weight_g expected_weight_g ordered_ms "
    "images_count text note subject_event subject_at_ms account_created_ms merchant_country "
    "card_country bank_account is_new_destination parcel courier staff staff_role approver ticket "
    "external_score"
)

PAYMENTS: tuple[EventType, ...] = (
    event_type(
        "payment.attempted",
        "amount_minor currency",
        (CONTEXT, _CARD, _PURCHASE, NETWORK),
        "A payment is about to be made. Judged before the money moves.",
        "即将付款。在资金划转之前判定。",
        at_ms=1767226260000, user="u-1001", device="d-77", ip="203.0.113.7", session="s-9",
        card="tok-9f3a", email="mei@example.com", address="a-55", merchant="m-7",
        order="o-3001", amount_minor=57800, currency="CNY", payment="pay-6001",
        payment_method="card", card_bin="622848", card_brand="unionpay", card_funding="debit",
        card_country="CN", cvv_result="match", ip_country="CN", billing_country="CN",
        shipping_country="CN", items_count=2, is_guest=False, is_saved_card=False, attempt_no=1,
    ),
    event_type(
        "payment.declined",
        "amount_minor currency",
        (CONTEXT, _CARD, "decline_reason", _PURCHASE, NETWORK),
        "The bank or the payment provider declined a payment.",
        "银行或支付服务商拒绝了付款。",
        at_ms=1767226261000, user="u-1001", device="d-77", ip="203.0.113.7", card="tok-9f3a",
        merchant="m-7", order="o-3001", payment="pay-6001", amount_minor=57800, currency="CNY",
        decline_reason="insufficient_funds", payment_method="card", cvv_result="match",
    ),
    event_type(
        "payment.authorized",
        "amount_minor currency",
        (CONTEXT, _CARD, _PURCHASE, NETWORK),
        "The bank set the money aside.",
        "银行已授权（冻结）款项。",
        at_ms=1767226262000, user="u-1001", card="tok-9f3a", merchant="m-7", order="o-3001",
        payment="pay-6001", amount_minor=57800, currency="CNY", three_ds="frictionless",
        avs_result="match", cvv_result="match",
    ),
    event_type(
        "payment.captured",
        "amount_minor currency",
        (CONTEXT, _CARD, "is_partial", _PURCHASE, NETWORK),
        "The money was taken.",
        "款项已扣收（请款成功）。",
        at_ms=1767312600000, user="u-1001", card="tok-9f3a", merchant="m-7", order="o-3001",
        payment="pay-6001", amount_minor=57800, currency="CNY", is_partial=False,
    ),
    event_type(
        "refund.requested",
        "order amount_minor currency",
        (CONTEXT, _REFUND, NETWORK),
        "Money is asked back.",
        "申请退款。",
        at_ms=1767744000000, order="o-3001", user="u-1001", merchant="m-7", product="p-501",
        refund="rf-12", amount_minor=29900, currency="CNY", refund_reason="empty_parcel",
        is_partial=True, goods_returned=False, images_count=2, ordered_ms=1767226200000,
        text="The box was empty.",
    ),
    event_type(
        "refund.paid",
        "order amount_minor currency",
        (CONTEXT, _REFUND, NETWORK),
        "Money was paid back.",
        "退款已支付。",
        at_ms=1767830400000, order="o-3001", user="u-1001", merchant="m-7", refund="rf-12",
        amount_minor=29900, currency="CNY", refund_to="original_method", staff="st-5",
        goods_returned=False,
    ),
    event_type(
        "chargeback.received",
        "amount_minor currency",
        (CONTEXT, "payment payment_method card_bin card_brand card_country chargeback_reason "
         "chargeback_stage order_minor ordered_ms subject_event subject_at_ms merchant_country "
         "shipping_country parcel courier three_ds account_created_ms note"),
        "A cardholder's bank takes a payment back. Also a label: it tells that the payment named in "
        "`subject_event` was disputed.",
        "持卡人银行发起拒付。同时也是标签：说明 subject_event 所指的付款存在争议。",
        at_ms=1769904000000, user="u-1001", card="tok-9f3a", merchant="m-7", order="o-3001",
        payment="pay-6001", amount_minor=57800, currency="CNY", chargeback_reason="fraud",
        chargeback_stage="first", subject_event="ex-payment.attempted",
        subject_at_ms=1767226260000,
    ),
    event_type(
        "payout.requested",
        "amount_minor currency",
        (CONTEXT, "payout payout_method bank_account bank_country balance_minor is_instant "
         "is_new_destination names_match mfa_used is_new_device merchant_kind merchant_country "
         "account_created_ms kyc_passed staff approver external_score note", NETWORK),
        "A merchant or account holder wants money paid out.",
        "商家或账户持有人申请提现。",
        at_ms=1767916800000, merchant="m-7", user="u-2001", device="d-90", ip="198.51.100.20",
        payout="po-31", amount_minor=1250000, currency="CNY", payout_method="bank_transfer",
        bank_account="h-7c1d", bank_country="CN", balance_minor=0, is_instant=True,
        is_new_destination=True, names_match=False,
    ),
)  # fmt: skip
