"""Events `payout.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class PayoutRequested(KnownEvent, kw_only=True, frozen=True, tag="payout.requested"):
    """A merchant or account holder wants money paid out.

    商家或账户持有人申请提现。

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
    payout: fields.Payout | None = None
    payout_method: fields.PayoutMethod | None = None
    bank_account: fields.BankAccount | None = None
    bank_country: fields.BankCountry | None = None
    balance_minor: fields.BalanceMinor | None = None
    is_instant: fields.IsInstant | None = None
    is_new_destination: fields.IsNewDestination | None = None
    names_match: fields.NamesMatch | None = None
    mfa_used: fields.MfaUsed | None = None
    is_new_device: fields.IsNewDevice | None = None
    merchant_kind: fields.MerchantKind | None = None
    merchant_country: fields.MerchantCountry | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    kyc_passed: fields.KycPassed | None = None
    staff: fields.Staff | None = None
    approver: fields.Approver | None = None
    external_score: fields.ExternalScore | None = None
    note: fields.Note | None = None
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
