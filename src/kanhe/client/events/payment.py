"""Events `payment.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class PaymentAttempted(KnownEvent, kw_only=True, frozen=True, tag="payment.attempted"):
    """A payment is about to be made. Judged before the money moves.

    即将付款。在资金划转之前判定。

    At least one entity is named. 至少填写一个实体。
    """

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
    order: fields.Order | None = None
    product: fields.Product | None = None
    payment: fields.Payment | None = None
    payment_method: fields.PaymentMethod | None = None
    card_bin: fields.CardBin | None = None
    card_brand: fields.CardBrand | None = None
    card_funding: fields.CardFunding | None = None
    card_country: fields.CardCountry | None = None
    avs_result: fields.AvsResult | None = None
    cvv_result: fields.CvvResult | None = None
    three_ds: fields.ThreeDs | None = None
    is_saved_card: fields.IsSavedCard | None = None
    is_recurring: fields.IsRecurring | None = None
    installments: fields.Installments | None = None
    ip_country: fields.IpCountry | None = None
    billing_country: fields.BillingCountry | None = None
    shipping_country: fields.ShippingCountry | None = None
    merchant_country: fields.MerchantCountry | None = None
    account_country: fields.AccountCountry | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    items_count: fields.ItemsCount | None = None
    products: fields.Products | None = None
    order_minor: fields.OrderMinor | None = None
    shipping_minor: fields.ShippingMinor | None = None
    tax_minor: fields.TaxMinor | None = None
    discount_minor: fields.DiscountMinor | None = None
    store_credit_minor: fields.StoreCreditMinor | None = None
    coupon: fields.Coupon | None = None
    promo: fields.Promo | None = None
    is_guest: fields.IsGuest | None = None
    is_first_order: fields.IsFirstOrder | None = None
    is_digital: fields.IsDigital | None = None
    is_gift: fields.IsGift | None = None
    is_express: fields.IsExpress | None = None
    is_reshipper: fields.IsReshipper | None = None
    is_po_box: fields.IsPoBox | None = None
    addresses_match: fields.AddressesMatch | None = None
    names_match: fields.NamesMatch | None = None
    is_new_device: fields.IsNewDevice | None = None
    mfa_used: fields.MfaUsed | None = None
    email_verified: fields.EmailVerified | None = None
    phone_verified: fields.PhoneVerified | None = None
    is_disposable_email: fields.IsDisposableEmail | None = None
    is_virtual_phone: fields.IsVirtualPhone | None = None
    attempt_no: fields.AttemptNo | None = None
    fill_ms: fields.FillMs | None = None
    captcha_passed: fields.CaptchaPassed | None = None
    shipping_method: fields.ShippingMethod | None = None
    external_score: fields.ExternalScore | None = None
    category: fields.Category | None = None
    channel: fields.Channel | None = None
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


class PaymentDeclined(KnownEvent, kw_only=True, frozen=True, tag="payment.declined"):
    """The bank or the payment provider declined a payment.

    银行或支付服务商拒绝了付款。

    At least one entity is named. 至少填写一个实体。
    """

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
    order: fields.Order | None = None
    product: fields.Product | None = None
    payment: fields.Payment | None = None
    payment_method: fields.PaymentMethod | None = None
    card_bin: fields.CardBin | None = None
    card_brand: fields.CardBrand | None = None
    card_funding: fields.CardFunding | None = None
    card_country: fields.CardCountry | None = None
    avs_result: fields.AvsResult | None = None
    cvv_result: fields.CvvResult | None = None
    three_ds: fields.ThreeDs | None = None
    is_saved_card: fields.IsSavedCard | None = None
    is_recurring: fields.IsRecurring | None = None
    installments: fields.Installments | None = None
    decline_reason: fields.DeclineReason | None = None
    ip_country: fields.IpCountry | None = None
    billing_country: fields.BillingCountry | None = None
    shipping_country: fields.ShippingCountry | None = None
    merchant_country: fields.MerchantCountry | None = None
    account_country: fields.AccountCountry | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    items_count: fields.ItemsCount | None = None
    products: fields.Products | None = None
    order_minor: fields.OrderMinor | None = None
    shipping_minor: fields.ShippingMinor | None = None
    tax_minor: fields.TaxMinor | None = None
    discount_minor: fields.DiscountMinor | None = None
    store_credit_minor: fields.StoreCreditMinor | None = None
    coupon: fields.Coupon | None = None
    promo: fields.Promo | None = None
    is_guest: fields.IsGuest | None = None
    is_first_order: fields.IsFirstOrder | None = None
    is_digital: fields.IsDigital | None = None
    is_gift: fields.IsGift | None = None
    is_express: fields.IsExpress | None = None
    is_reshipper: fields.IsReshipper | None = None
    is_po_box: fields.IsPoBox | None = None
    addresses_match: fields.AddressesMatch | None = None
    names_match: fields.NamesMatch | None = None
    is_new_device: fields.IsNewDevice | None = None
    mfa_used: fields.MfaUsed | None = None
    email_verified: fields.EmailVerified | None = None
    phone_verified: fields.PhoneVerified | None = None
    is_disposable_email: fields.IsDisposableEmail | None = None
    is_virtual_phone: fields.IsVirtualPhone | None = None
    attempt_no: fields.AttemptNo | None = None
    fill_ms: fields.FillMs | None = None
    captcha_passed: fields.CaptchaPassed | None = None
    shipping_method: fields.ShippingMethod | None = None
    external_score: fields.ExternalScore | None = None
    category: fields.Category | None = None
    channel: fields.Channel | None = None
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


class PaymentAuthorized(KnownEvent, kw_only=True, frozen=True, tag="payment.authorized"):
    """The bank set the money aside.

    银行已授权（冻结）款项。

    At least one entity is named. 至少填写一个实体。
    """

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
    order: fields.Order | None = None
    product: fields.Product | None = None
    payment: fields.Payment | None = None
    payment_method: fields.PaymentMethod | None = None
    card_bin: fields.CardBin | None = None
    card_brand: fields.CardBrand | None = None
    card_funding: fields.CardFunding | None = None
    card_country: fields.CardCountry | None = None
    avs_result: fields.AvsResult | None = None
    cvv_result: fields.CvvResult | None = None
    three_ds: fields.ThreeDs | None = None
    is_saved_card: fields.IsSavedCard | None = None
    is_recurring: fields.IsRecurring | None = None
    installments: fields.Installments | None = None
    ip_country: fields.IpCountry | None = None
    billing_country: fields.BillingCountry | None = None
    shipping_country: fields.ShippingCountry | None = None
    merchant_country: fields.MerchantCountry | None = None
    account_country: fields.AccountCountry | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    items_count: fields.ItemsCount | None = None
    products: fields.Products | None = None
    order_minor: fields.OrderMinor | None = None
    shipping_minor: fields.ShippingMinor | None = None
    tax_minor: fields.TaxMinor | None = None
    discount_minor: fields.DiscountMinor | None = None
    store_credit_minor: fields.StoreCreditMinor | None = None
    coupon: fields.Coupon | None = None
    promo: fields.Promo | None = None
    is_guest: fields.IsGuest | None = None
    is_first_order: fields.IsFirstOrder | None = None
    is_digital: fields.IsDigital | None = None
    is_gift: fields.IsGift | None = None
    is_express: fields.IsExpress | None = None
    is_reshipper: fields.IsReshipper | None = None
    is_po_box: fields.IsPoBox | None = None
    addresses_match: fields.AddressesMatch | None = None
    names_match: fields.NamesMatch | None = None
    is_new_device: fields.IsNewDevice | None = None
    mfa_used: fields.MfaUsed | None = None
    email_verified: fields.EmailVerified | None = None
    phone_verified: fields.PhoneVerified | None = None
    is_disposable_email: fields.IsDisposableEmail | None = None
    is_virtual_phone: fields.IsVirtualPhone | None = None
    attempt_no: fields.AttemptNo | None = None
    fill_ms: fields.FillMs | None = None
    captcha_passed: fields.CaptchaPassed | None = None
    shipping_method: fields.ShippingMethod | None = None
    external_score: fields.ExternalScore | None = None
    category: fields.Category | None = None
    channel: fields.Channel | None = None
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


class PaymentCaptured(KnownEvent, kw_only=True, frozen=True, tag="payment.captured"):
    """The money was taken.

    款项已扣收（请款成功）。

    At least one entity is named. 至少填写一个实体。
    """

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
    order: fields.Order | None = None
    product: fields.Product | None = None
    payment: fields.Payment | None = None
    payment_method: fields.PaymentMethod | None = None
    card_bin: fields.CardBin | None = None
    card_brand: fields.CardBrand | None = None
    card_funding: fields.CardFunding | None = None
    card_country: fields.CardCountry | None = None
    avs_result: fields.AvsResult | None = None
    cvv_result: fields.CvvResult | None = None
    three_ds: fields.ThreeDs | None = None
    is_saved_card: fields.IsSavedCard | None = None
    is_recurring: fields.IsRecurring | None = None
    installments: fields.Installments | None = None
    is_partial: fields.IsPartial | None = None
    ip_country: fields.IpCountry | None = None
    billing_country: fields.BillingCountry | None = None
    shipping_country: fields.ShippingCountry | None = None
    merchant_country: fields.MerchantCountry | None = None
    account_country: fields.AccountCountry | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    items_count: fields.ItemsCount | None = None
    products: fields.Products | None = None
    order_minor: fields.OrderMinor | None = None
    shipping_minor: fields.ShippingMinor | None = None
    tax_minor: fields.TaxMinor | None = None
    discount_minor: fields.DiscountMinor | None = None
    store_credit_minor: fields.StoreCreditMinor | None = None
    coupon: fields.Coupon | None = None
    promo: fields.Promo | None = None
    is_guest: fields.IsGuest | None = None
    is_first_order: fields.IsFirstOrder | None = None
    is_digital: fields.IsDigital | None = None
    is_gift: fields.IsGift | None = None
    is_express: fields.IsExpress | None = None
    is_reshipper: fields.IsReshipper | None = None
    is_po_box: fields.IsPoBox | None = None
    addresses_match: fields.AddressesMatch | None = None
    names_match: fields.NamesMatch | None = None
    is_new_device: fields.IsNewDevice | None = None
    mfa_used: fields.MfaUsed | None = None
    email_verified: fields.EmailVerified | None = None
    phone_verified: fields.PhoneVerified | None = None
    is_disposable_email: fields.IsDisposableEmail | None = None
    is_virtual_phone: fields.IsVirtualPhone | None = None
    attempt_no: fields.AttemptNo | None = None
    fill_ms: fields.FillMs | None = None
    captcha_passed: fields.CaptchaPassed | None = None
    shipping_method: fields.ShippingMethod | None = None
    external_score: fields.ExternalScore | None = None
    category: fields.Category | None = None
    channel: fields.Channel | None = None
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
