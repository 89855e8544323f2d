"""Events `step_up.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class StepUpRequested(KnownEvent, kw_only=True, frozen=True, tag="step_up.requested"):
    """A buyer was asked to show that it is they, before a payment or a change of their factors.

    要求买家在付款或更改验证因素之前完成二次验证。

    The key needs the scope `step_up`. 密钥须具有 `step_up` 权限。
    """

    user: fields.User
    step_up: fields.StepUp
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
    step_up_purpose: fields.StepUpPurpose | None = None
    payee: fields.Payee | None = None
    amount_minor: fields.AmountMinor | None = None
    currency: fields.Currency | None = None
    decision: fields.Decision | None = None


class StepUpPassed(KnownEvent, kw_only=True, frozen=True, tag="step_up.passed"):
    """The buyer showed it, for exactly this order, payee and amount.

    买家已针对该订单、收款方和金额通过二次验证。

    The key needs the scope `step_up`. 密钥须具有 `step_up` 权限。
    """

    user: fields.User
    step_up: fields.StepUp
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
    step_up_purpose: fields.StepUpPurpose | None = None
    payee: fields.Payee | None = None
    amount_minor: fields.AmountMinor | None = None
    currency: fields.Currency | None = None
    decision: fields.Decision | None = None
    step_up_method: fields.StepUpMethod | None = None
    factor: fields.Factor | None = None


class StepUpFailed(KnownEvent, kw_only=True, frozen=True, tag="step_up.failed"):
    """An attempt to show it failed. The last one has `attempts_left` 0.

    二次验证的一次尝试失败；最后一次失败时 attempts_left 为 0。

    The key needs the scope `step_up`. 密钥须具有 `step_up` 权限。
    """

    user: fields.User
    step_up: fields.StepUp
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
    step_up_purpose: fields.StepUpPurpose | None = None
    payee: fields.Payee | None = None
    amount_minor: fields.AmountMinor | None = None
    currency: fields.Currency | None = None
    decision: fields.Decision | None = None
    step_up_method: fields.StepUpMethod | None = None
    step_up_failure: fields.StepUpFailure | None = None
    attempts_left: fields.AttemptsLeft | None = None
