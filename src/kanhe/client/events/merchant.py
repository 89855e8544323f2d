"""Events `merchant.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class MerchantApplied(KnownEvent, kw_only=True, frozen=True, tag="merchant.applied"):
    """Somebody applied to sell on the platform.

    有人申请入驻成为商家。
    """

    merchant: fields.Merchant
    user: fields.User | None = None
    device: fields.Device | None = None
    ip: fields.Ip | None = None
    session: fields.Session | None = None
    email: fields.Email | None = None
    phone: fields.Phone | None = None
    card: fields.Card | None = None
    address: fields.Address | None = None
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
    merchant_kind: fields.MerchantKind | None = None
    legal_name: fields.LegalName | None = None
    licence_ids: fields.LicenceIds | None = None
    owners: fields.Owners | None = None
    licence_days_left: fields.LicenceDaysLeft | None = None
    business_days: fields.BusinessDays | None = None
    merchant_country: fields.MerchantCountry | None = None
    bank_account: fields.BankAccount | None = None
    bank_country: fields.BankCountry | None = None
    kyc_passed: fields.KycPassed | None = None
    documents_match: fields.DocumentsMatch | None = None
    names_match: fields.NamesMatch | None = None
    is_virtual_phone: fields.IsVirtualPhone | None = None
    is_disposable_email: fields.IsDisposableEmail | None = None
    phone_country: fields.PhoneCountry | None = None
    category: fields.Category | None = None
    brand: fields.Brand | None = None
    referrer_user: fields.ReferrerUser | None = None
    fill_ms: fields.FillMs | None = None
    external_score: fields.ExternalScore | None = None
    approver: fields.Approver | None = None
    staff: fields.Staff | None = None
    note: fields.Note | None = None
