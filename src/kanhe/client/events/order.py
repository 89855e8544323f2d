"""Events `order.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class OrderPlaced(KnownEvent, kw_only=True, frozen=True, tag="order.placed"):
    """An order was placed. The amount is what the buyer is to pay in all.

    买家下单。金额为买家应付总额。
    """

    order: fields.Order
    amount_minor: fields.AmountMinor
    currency: fields.Currency
    user: fields.User | None = None
    device: fields.Device | None = None
    ip: fields.Ip | None = None
    session: fields.Session | None = None
    email: fields.Email | None = None
    phone: fields.Phone | None = None
    card: fields.Card | None = None
    address: fields.Address | None = None
    merchant: fields.Merchant | None = None
    product: fields.Product | None = None
    channel: fields.Channel | None = None
    ip_country: fields.IpCountry | None = None
    user_agent: fields.UserAgent | None = None
    app_version: fields.AppVersion | None = None
    language: fields.Language | None = None
    asn: fields.Asn | None = None
    asn_org: fields.AsnOrg | None = None
    is_vpn: fields.IsVpn | None = None
    is_proxy: fields.IsProxy | None = None
    is_tor: fields.IsTor | None = None
    is_hosting: fields.IsHosting | None = None
    is_automated: fields.IsAutomated | None = None
    is_emulator: fields.IsEmulator | None = None
    is_rooted: fields.IsRooted | None = None
    bot_score: fields.BotScore | None = None
    utc_offset_minutes: fields.UtcOffsetMinutes | None = None
    is_fresh_device: fields.IsFreshDevice | None = None
    is_altered_device: fields.IsAlteredDevice | None = None
    has_script: fields.HasScript | None = None
    pasted_fields: fields.PastedFields | None = None
    scripted_fields: fields.ScriptedFields | None = None
    lat: fields.Lat | None = None
    lon: fields.Lon | None = None
    account_kind: fields.AccountKind | None = None
    account_country: fields.AccountCountry | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    email_verified: fields.EmailVerified | None = None
    phone_verified: fields.PhoneVerified | None = None
    is_disposable_email: fields.IsDisposableEmail | None = None
    is_virtual_phone: fields.IsVirtualPhone | None = None
    phone_country: fields.PhoneCountry | None = None
    products: fields.Products | None = None
    items_count: fields.ItemsCount | None = None
    quantity: fields.Quantity | None = None
    category: fields.Category | None = None
    discount_minor: fields.DiscountMinor | None = None
    shipping_minor: fields.ShippingMinor | None = None
    tax_minor: fields.TaxMinor | None = None
    store_credit_minor: fields.StoreCreditMinor | None = None
    coupon: fields.Coupon | None = None
    coupons: fields.Coupons | None = None
    promo: fields.Promo | None = None
    payment_method: fields.PaymentMethod | None = None
    shipping_method: fields.ShippingMethod | None = None
    shipping_country: fields.ShippingCountry | None = None
    billing_country: fields.BillingCountry | None = None
    merchant_country: fields.MerchantCountry | None = None
    city: fields.City | None = None
    postal_code: fields.PostalCode | None = None
    is_guest: fields.IsGuest | None = None
    is_first_order: fields.IsFirstOrder | None = None
    is_gift: fields.IsGift | None = None
    is_digital: fields.IsDigital | None = None
    is_express: fields.IsExpress | None = None
    is_reshipper: fields.IsReshipper | None = None
    is_po_box: fields.IsPoBox | None = None
    addresses_match: fields.AddressesMatch | None = None
    names_match: fields.NamesMatch | None = None
    dwell_ms: fields.DwellMs | None = None
    fill_ms: fields.FillMs | None = None
    pages_viewed: fields.PagesViewed | None = None
    captcha_passed: fields.CaptchaPassed | None = None
    is_new_device: fields.IsNewDevice | None = None
    stock: fields.Stock | None = None
    referrer_user: fields.ReferrerUser | None = None
    external_score: fields.ExternalScore | None = None
    text: fields.Text | None = None
    note: fields.Note | None = None


class OrderCancelled(KnownEvent, kw_only=True, frozen=True, tag="order.cancelled"):
    """An order, or part of it, was cancelled.

    订单全部或部分被取消。
    """

    order: fields.Order
    user: fields.User | None = None
    device: fields.Device | None = None
    ip: fields.Ip | None = None
    session: fields.Session | None = None
    email: fields.Email | None = None
    phone: fields.Phone | None = None
    card: fields.Card | None = None
    address: fields.Address | None = None
    merchant: fields.Merchant | None = None
    product: fields.Product | None = None
    channel: fields.Channel | None = None
    ip_country: fields.IpCountry | None = None
    user_agent: fields.UserAgent | None = None
    app_version: fields.AppVersion | None = None
    language: fields.Language | None = None
    asn: fields.Asn | None = None
    asn_org: fields.AsnOrg | None = None
    is_vpn: fields.IsVpn | None = None
    is_proxy: fields.IsProxy | None = None
    is_tor: fields.IsTor | None = None
    is_hosting: fields.IsHosting | None = None
    is_automated: fields.IsAutomated | None = None
    is_emulator: fields.IsEmulator | None = None
    is_rooted: fields.IsRooted | None = None
    bot_score: fields.BotScore | None = None
    utc_offset_minutes: fields.UtcOffsetMinutes | None = None
    is_fresh_device: fields.IsFreshDevice | None = None
    is_altered_device: fields.IsAlteredDevice | None = None
    has_script: fields.HasScript | None = None
    pasted_fields: fields.PastedFields | None = None
    scripted_fields: fields.ScriptedFields | None = None
    lat: fields.Lat | None = None
    lon: fields.Lon | None = None
    cancelled_by: fields.CancelledBy | None = None
    cancel_reason: fields.CancelReason | None = None
    amount_minor: fields.AmountMinor | None = None
    currency: fields.Currency | None = None
    items_count: fields.ItemsCount | None = None
    quantity: fields.Quantity | None = None
    products: fields.Products | None = None
    is_partial: fields.IsPartial | None = None
    ordered_ms: fields.OrderedMs | None = None
    merchant_country: fields.MerchantCountry | None = None
    category: fields.Category | None = None
    note: fields.Note | None = None
