"""Events `session.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class SessionStarted(KnownEvent, kw_only=True, frozen=True, tag="session.started"):
    """A visit began. `request_count` may sum up the requests seen so far.

    一次访问开始。request_count 可汇总已见请求数。
    """

    session: fields.Session
    user: fields.User | None = None
    device: fields.Device | None = None
    ip: fields.Ip | None = None
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
    account_kind: fields.AccountKind | None = None
    account_country: fields.AccountCountry | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    email_verified: fields.EmailVerified | None = None
    phone_verified: fields.PhoneVerified | None = None
    is_disposable_email: fields.IsDisposableEmail | None = None
    is_virtual_phone: fields.IsVirtualPhone | None = None
    phone_country: fields.PhoneCountry | None = None
    referrer: fields.Referrer | None = None
    landing: fields.Landing | None = None
    promo: fields.Promo | None = None
    is_new_device: fields.IsNewDevice | None = None
    request_count: fields.RequestCount | None = None
    pages_viewed: fields.PagesViewed | None = None
    captcha_passed: fields.CaptchaPassed | None = None
    external_score: fields.ExternalScore | None = None
