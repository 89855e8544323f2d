"""Events `cart.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class CartChanged(KnownEvent, kw_only=True, frozen=True, tag="cart.changed"):
    """Something was put into a cart or taken out, or a coupon was tried.

    购物车有增减，或尝试了优惠券。

    At least one entity is named. 至少填写一个实体。
    """

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
    cart_action: fields.CartAction | None = None
    quantity: fields.Quantity | None = None
    items_count: fields.ItemsCount | None = None
    products: fields.Products | None = None
    coupon: fields.Coupon | None = None
    promo: fields.Promo | None = None
    amount_minor: fields.AmountMinor | None = None
    discount_minor: fields.DiscountMinor | None = None
    currency: fields.Currency | None = None
    stock: fields.Stock | None = None
    dwell_ms: fields.DwellMs | None = None
    fill_ms: fields.FillMs | None = None
    is_guest: fields.IsGuest | None = None
    request_count: fields.RequestCount | None = None
    pages_viewed: fields.PagesViewed | None = None
    category: fields.Category | None = None
    captcha_passed: fields.CaptchaPassed | None = None
