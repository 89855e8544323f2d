"""Events `staff.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class StaffAction(KnownEvent, kw_only=True, frozen=True, tag="staff.action"):
    """An employee, or a service account, did something with the shop's records or money.

    员工或服务账号对平台记录或资金进行了操作。
    """

    staff: fields.Staff
    staff_action: fields.StaffAction
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
    parcel: fields.Parcel | None = None
    courier: fields.Courier | None = None
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
    resource: fields.Resource | None = None
    staff_role: fields.StaffRole | None = None
    record_count: fields.RecordCount | None = None
    amount_minor: fields.AmountMinor | None = None
    currency: fields.Currency | None = None
    approver: fields.Approver | None = None
    ticket: fields.Ticket | None = None
    is_own_record: fields.IsOwnRecord | None = None
    is_new_device: fields.IsNewDevice | None = None
    mfa_used: fields.MfaUsed | None = None
    list_name: fields.ListName | None = None
    value: fields.Value | None = None
    payout: fields.Payout | None = None
    refund: fields.Refund | None = None
    complaint: fields.Complaint | None = None
    payment: fields.Payment | None = None
    bank_account: fields.BankAccount | None = None
    coupon: fields.Coupon | None = None
    changed: fields.Changed | None = None
    subject_event: fields.SubjectEvent | None = None
    subject_at_ms: fields.SubjectAtMs | None = None
    note: fields.Note | None = None
