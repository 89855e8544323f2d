"""Built-in event types of people and goods: accounts, visits, listings, orders, reviews, messages."""

from __future__ import annotations

from kanhe.judge.intake.declarations import CONTEXT, NETWORK, EventType, event_type

_ACCOUNT = (
    "account_kind account_country account_created_ms email_verified phone_verified "
    "is_disposable_email is_virtual_phone phone_country"
)

SHOPPING: tuple[EventType, ...] = (
    event_type(
        "account.registered",
        "user",
        (CONTEXT, NETWORK, _ACCOUNT, "referrer_user promo coupon login_method fill_ms "
         "captcha_passed mfa_used referrer external_score legal_name"),
        "Somebody opened an account.",
        "有人注册了账号。",
        at_ms=1767225600000, user="u-1001", device="d-77", ip="203.0.113.7",
        email="mei@example.com", phone="+8613800000000", channel="app", ip_country="CN",
        email_verified=False, phone_verified=True, is_disposable_email=False, fill_ms=41250,
        referrer_user="u-0042", promo="new-year",
    ),
    event_type(
        "account.login",
        "user",
        (CONTEXT, NETWORK, _ACCOUNT, "login_method mfa_used is_new_device attempt_no fill_ms "
         "captcha_passed external_score"),
        "Somebody signed in to an account.",
        "有人登录了账号。",
        at_ms=1767225660000, user="u-1001", device="d-77", ip="203.0.113.7", session="s-9",
        login_method="password", mfa_used=False, is_new_device=True, ip_country="CN",
        lat=31.2304, lon=121.4737, channel="app", utc_offset_minutes=480,
    ),
    event_type(
        "account.login_failed",
        "",
        (CONTEXT, NETWORK, _ACCOUNT, "login_method login_failure attempt_no fill_ms "
         "captcha_passed is_new_device external_score"),
        "Signing in failed. Name whatever was tried: account, e-mail address, device, address.",
        "登录失败。请填写所尝试的账号、邮箱、设备或网络地址。",
        at_ms=1767225650000, user="u-1001", device="d-77", ip="203.0.113.7",
        login_method="password", login_failure="wrong_password", attempt_no=3, is_hosting=True,
        ip_country="NL", user_agent="Mozilla/5.0",
    ),
    event_type(
        "account.password_changed",
        "user",
        (CONTEXT, NETWORK, _ACCOUNT, "password_method mfa_used is_new_device external_score"),
        "The password of an account was changed or reset.",
        "账号密码被修改或重置。",
        at_ms=1767225900000, user="u-1001", device="d-77", ip="203.0.113.7", session="s-9",
        password_method="reset_link", mfa_used=False, is_new_device=True,
    ),
    event_type(
        "account.profile_changed",
        "user",
        (CONTEXT, NETWORK, _ACCOUNT, "changed mfa_used is_new_device names_match bank_account "
         "bank_country shipping_country is_reshipper is_po_box external_score"),
        "Something in an account was changed. The entities named hold the new values.",
        "账号资料有变更。所填实体为变更后的值。",
        at_ms=1767226000000, user="u-1001", device="d-77", ip="203.0.113.7", session="s-9",
        changed="email", email="new@example.net", mfa_used=False,
    ),
    event_type(
        "session.started",
        "session",
        (CONTEXT, NETWORK, _ACCOUNT, "referrer landing promo is_new_device request_count "
         "pages_viewed captcha_passed external_score"),
        "A visit began. `request_count` may sum up the requests seen so far.",
        "一次访问开始。request_count 可汇总已见请求数。",
        at_ms=1767225590000, session="s-9", device="d-77", ip="203.0.113.7", channel="web",
        landing="/sale", referrer="search.example", user_agent="Mozilla/5.0", request_count=4,
        is_automated=False, bot_score=3,
    ),
    event_type(
        "listing.created",
        "merchant product",
        (CONTEXT, NETWORK, "title category brand condition amount_minor currency stock "
         "images_count description has_contact_info has_link origin_country merchant_country "
         "listing_status fill_ms label external_score"),
        "A merchant offered a product. The amount is its price.",
        "商家发布了商品。金额为售价。",
        at_ms=1767222000000, merchant="m-7", product="p-501", user="u-2001",
        title="Wireless earphones", category="audio", brand="Acme", condition="new",
        amount_minor=29900, currency="CNY", stock=500, images_count=6,
    ),
    event_type(
        "listing.changed",
        "merchant product",
        (CONTEXT, NETWORK, "changed title category brand condition amount_minor "
         "price_before_minor currency stock images_count description has_contact_info has_link "
         "origin_country merchant_country listing_status label external_score"),
        "A listing was changed. The amount is the new price.",
        "商品页有变更。金额为新售价。",
        at_ms=1767223000000, merchant="m-7", product="p-501", changed="price",
        amount_minor=9900, price_before_minor=29900, currency="CNY", listing_status="active",
    ),
    event_type(
        "cart.changed",
        "",
        (CONTEXT, NETWORK, "cart_action quantity items_count products coupon promo amount_minor "
         "discount_minor currency stock dwell_ms fill_ms is_guest request_count pages_viewed "
         "category captcha_passed"),
        "Something was put into a cart or taken out, or a coupon was tried.",
        "购物车有增减，或尝试了优惠券。",
        at_ms=1767226100000, user="u-1001", session="s-9", device="d-77", product="p-501",
        cart_action="added", quantity=2, items_count=3, dwell_ms=1800, amount_minor=59800,
        currency="CNY",
    ),
    event_type(
        "order.placed",
        "order amount_minor currency",
        (CONTEXT, NETWORK, _ACCOUNT, "products items_count quantity category discount_minor "
         "shipping_minor tax_minor store_credit_minor coupon coupons promo payment_method "
         "shipping_method shipping_country billing_country merchant_country city postal_code "
         "is_guest is_first_order is_gift is_digital is_express is_reshipper is_po_box "
         "addresses_match names_match dwell_ms fill_ms pages_viewed captcha_passed is_new_device "
         "stock referrer_user external_score text note"),
        "An order was placed. The amount is what the buyer is to pay in all.",
        "买家下单。金额为买家应付总额。",
        at_ms=1767226200000, order="o-3001", user="u-1001", merchant="m-7", device="d-77",
        ip="203.0.113.7", address="a-55", amount_minor=57800, currency="CNY",
        discount_minor=2000, items_count=2, products=["p-501", "p-502"], coupon="NEW20",
        shipping_country="CN", city="Shanghai", is_guest=False, is_first_order=True,
        payment_method="card",
    ),
    event_type(
        "order.cancelled",
        "order",
        (CONTEXT, NETWORK, "cancelled_by cancel_reason amount_minor currency items_count quantity "
         "products is_partial ordered_ms merchant_country category note"),
        "An order, or part of it, was cancelled.",
        "订单全部或部分被取消。",
        at_ms=1767229800000, order="o-3001", user="u-1001", merchant="m-7",
        cancelled_by="buyer", cancel_reason="changed_mind", amount_minor=57800, currency="CNY",
    ),
    event_type(
        "review.posted",
        "user",
        (CONTEXT, NETWORK, "review rating text images_count links_count has_link "
         "has_contact_info is_verified_purchase is_incentivised ordered_ms amount_minor currency "
         "account_created_ms category language fill_ms external_score"),
        "A product or merchant was reviewed. The amount is what the reviewer paid.",
        "发表了商品或商家评价。金额为评价者实付金额。",
        at_ms=1767657600000, user="u-1001", product="p-501", merchant="m-7", order="o-3001",
        review="r-88", rating=5, text="Sounds good, arrived quickly.", is_verified_purchase=True,
        images_count=1, fill_ms=32000,
    ),
    event_type(
        "message.sent",
        "user",
        (CONTEXT, NETWORK, "message recipient audience recipients_count text links_count has_link "
         "has_attachment has_contact_info asks_offsite_payment account_created_ms language "
         "external_score"),
        "A message was sent to a buyer, a merchant, support or the public.",
        "发送了消息（给买家、商家、客服或公众）。",
        at_ms=1767226300000, user="u-1001", recipient="u-2001", merchant="m-7",
        product="p-501", message="msg-4", audience="merchant", text="Is it waterproof?",
        has_link=False, has_contact_info=False, recipients_count=1,
    ),
)  # fmt: skip
