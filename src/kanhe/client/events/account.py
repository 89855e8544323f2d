"""Events `account.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class AccountRegistered(KnownEvent, kw_only=True, frozen=True, tag="account.registered"):
    """Somebody opened an account.

    有人注册了账号。
    """

    user: fields.User
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
    account_kind: fields.AccountKind | None = None
    account_country: fields.AccountCountry | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    email_verified: fields.EmailVerified | None = None
    phone_verified: fields.PhoneVerified | None = None
    is_disposable_email: fields.IsDisposableEmail | None = None
    is_virtual_phone: fields.IsVirtualPhone | None = None
    phone_country: fields.PhoneCountry | None = None
    referrer_user: fields.ReferrerUser | None = None
    promo: fields.Promo | None = None
    coupon: fields.Coupon | None = None
    login_method: fields.LoginMethod | None = None
    fill_ms: fields.FillMs | None = None
    captcha_passed: fields.CaptchaPassed | None = None
    mfa_used: fields.MfaUsed | None = None
    referrer: fields.Referrer | None = None
    external_score: fields.ExternalScore | None = None
    legal_name: fields.LegalName | None = None


class AccountLogin(KnownEvent, kw_only=True, frozen=True, tag="account.login"):
    """Somebody signed in to an account.

    有人登录了账号。
    """

    user: fields.User
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
    account_kind: fields.AccountKind | None = None
    account_country: fields.AccountCountry | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    email_verified: fields.EmailVerified | None = None
    phone_verified: fields.PhoneVerified | None = None
    is_disposable_email: fields.IsDisposableEmail | None = None
    is_virtual_phone: fields.IsVirtualPhone | None = None
    phone_country: fields.PhoneCountry | None = None
    login_method: fields.LoginMethod | None = None
    mfa_used: fields.MfaUsed | None = None
    is_new_device: fields.IsNewDevice | None = None
    attempt_no: fields.AttemptNo | None = None
    fill_ms: fields.FillMs | None = None
    captcha_passed: fields.CaptchaPassed | None = None
    external_score: fields.ExternalScore | None = None


class AccountLoginFailed(KnownEvent, kw_only=True, frozen=True, tag="account.login_failed"):
    """Signing in failed. Name whatever was tried: account, e-mail address, device, address.

    登录失败。请填写所尝试的账号、邮箱、设备或网络地址。

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
    account_kind: fields.AccountKind | None = None
    account_country: fields.AccountCountry | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    email_verified: fields.EmailVerified | None = None
    phone_verified: fields.PhoneVerified | None = None
    is_disposable_email: fields.IsDisposableEmail | None = None
    is_virtual_phone: fields.IsVirtualPhone | None = None
    phone_country: fields.PhoneCountry | None = None
    login_method: fields.LoginMethod | None = None
    login_failure: fields.LoginFailure | None = None
    attempt_no: fields.AttemptNo | None = None
    fill_ms: fields.FillMs | None = None
    captcha_passed: fields.CaptchaPassed | None = None
    is_new_device: fields.IsNewDevice | None = None
    external_score: fields.ExternalScore | None = None


class AccountPasswordChanged(KnownEvent, kw_only=True, frozen=True, tag="account.password_changed"):
    """The password of an account was changed or reset.

    账号密码被修改或重置。
    """

    user: fields.User
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
    account_kind: fields.AccountKind | None = None
    account_country: fields.AccountCountry | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    email_verified: fields.EmailVerified | None = None
    phone_verified: fields.PhoneVerified | None = None
    is_disposable_email: fields.IsDisposableEmail | None = None
    is_virtual_phone: fields.IsVirtualPhone | None = None
    phone_country: fields.PhoneCountry | None = None
    password_method: fields.PasswordMethod | None = None
    mfa_used: fields.MfaUsed | None = None
    is_new_device: fields.IsNewDevice | None = None
    external_score: fields.ExternalScore | None = None


class AccountProfileChanged(KnownEvent, kw_only=True, frozen=True, tag="account.profile_changed"):
    """Something in an account was changed. The entities named hold the new values.

    账号资料有变更。所填实体为变更后的值。
    """

    user: fields.User
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
    account_kind: fields.AccountKind | None = None
    account_country: fields.AccountCountry | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    email_verified: fields.EmailVerified | None = None
    phone_verified: fields.PhoneVerified | None = None
    is_disposable_email: fields.IsDisposableEmail | None = None
    is_virtual_phone: fields.IsVirtualPhone | None = None
    phone_country: fields.PhoneCountry | None = None
    changed: fields.Changed | None = None
    mfa_used: fields.MfaUsed | None = None
    is_new_device: fields.IsNewDevice | None = None
    names_match: fields.NamesMatch | None = None
    bank_account: fields.BankAccount | None = None
    bank_country: fields.BankCountry | None = None
    shipping_country: fields.ShippingCountry | None = None
    is_reshipper: fields.IsReshipper | None = None
    is_po_box: fields.IsPoBox | None = None
    external_score: fields.ExternalScore | None = None


class AccountFactorAdded(KnownEvent, kw_only=True, frozen=True, tag="account.factor_added"):
    """A second factor was added to an account and counts from now on.

    账号新增了一个验证因素，即刻生效。

    The key needs the scope `step_up`. 密钥须具有 `step_up` 权限。
    """

    user: fields.User
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
    factor: fields.Factor | None = None
    step_up_method: fields.StepUpMethod | None = None
    factor_authority: fields.FactorAuthority | None = None
    step_up: fields.StepUp | None = None
    note: fields.Note | None = None


class AccountFactorRemoved(KnownEvent, kw_only=True, frozen=True, tag="account.factor_removed"):
    """A second factor was taken off an account.

    账号移除了一个验证因素。

    The key needs the scope `step_up`. 密钥须具有 `step_up` 权限。
    """

    user: fields.User
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
    factor: fields.Factor | None = None
    step_up_method: fields.StepUpMethod | None = None
    factor_authority: fields.FactorAuthority | None = None
    step_up: fields.StepUp | None = None
    staff: fields.Staff | None = None
    ticket: fields.Ticket | None = None
    note: fields.Note | None = None
