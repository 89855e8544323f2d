"""Events `listing.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class ListingCreated(KnownEvent, kw_only=True, frozen=True, tag="listing.created"):
    """A merchant offered a product. The amount is its price.

    商家发布了商品。金额为售价。
    """

    merchant: fields.Merchant
    product: fields.Product
    user: fields.User | None = None
    device: fields.Device | None = None
    ip: fields.Ip | None = None
    session: fields.Session | None = None
    email: fields.Email | None = None
    phone: fields.Phone | None = None
    card: fields.Card | None = None
    address: fields.Address | None = None
    order: fields.Order | None = None
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
    title: fields.Title | None = None
    category: fields.Category | None = None
    brand: fields.Brand | None = None
    condition: fields.Condition | None = None
    amount_minor: fields.AmountMinor | None = None
    currency: fields.Currency | None = None
    stock: fields.Stock | None = None
    images_count: fields.ImagesCount | None = None
    description: fields.Description | None = None
    has_contact_info: fields.HasContactInfo | None = None
    has_link: fields.HasLink | None = None
    origin_country: fields.OriginCountry | None = None
    merchant_country: fields.MerchantCountry | None = None
    listing_status: fields.ListingStatus | None = None
    fill_ms: fields.FillMs | None = None
    label: fields.Label | None = None
    external_score: fields.ExternalScore | None = None


class ListingChanged(KnownEvent, kw_only=True, frozen=True, tag="listing.changed"):
    """A listing was changed. The amount is the new price.

    商品页有变更。金额为新售价。
    """

    merchant: fields.Merchant
    product: fields.Product
    user: fields.User | None = None
    device: fields.Device | None = None
    ip: fields.Ip | None = None
    session: fields.Session | None = None
    email: fields.Email | None = None
    phone: fields.Phone | None = None
    card: fields.Card | None = None
    address: fields.Address | None = None
    order: fields.Order | None = None
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
    changed: fields.Changed | None = None
    title: fields.Title | None = None
    category: fields.Category | None = None
    brand: fields.Brand | None = None
    condition: fields.Condition | None = None
    amount_minor: fields.AmountMinor | None = None
    price_before_minor: fields.PriceBeforeMinor | None = None
    currency: fields.Currency | None = None
    stock: fields.Stock | None = None
    images_count: fields.ImagesCount | None = None
    description: fields.Description | None = None
    has_contact_info: fields.HasContactInfo | None = None
    has_link: fields.HasLink | None = None
    origin_country: fields.OriginCountry | None = None
    merchant_country: fields.MerchantCountry | None = None
    listing_status: fields.ListingStatus | None = None
    label: fields.Label | None = None
    external_score: fields.ExternalScore | None = None
