"""Events `refund.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class RefundRequested(KnownEvent, kw_only=True, frozen=True, tag="refund.requested"):
    """Money is asked back.

    申请退款。
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
    refund: fields.Refund | None = None
    payment: fields.Payment | None = None
    payment_method: fields.PaymentMethod | None = None
    refund_reason: fields.RefundReason | None = None
    refund_to: fields.RefundTo | None = None
    order_minor: fields.OrderMinor | None = None
    products: fields.Products | None = None
    items_count: fields.ItemsCount | None = None
    quantity: fields.Quantity | None = None
    is_partial: fields.IsPartial | None = None
    goods_returned: fields.GoodsReturned | None = None
    declared_weight_g: fields.DeclaredWeightG | None = None
    weight_g: fields.WeightG | None = None
    expected_weight_g: fields.ExpectedWeightG | None = None
    ordered_ms: fields.OrderedMs | None = None
    images_count: fields.ImagesCount | None = None
    text: fields.Text | None = None
    note: fields.Note | None = None
    subject_event: fields.SubjectEvent | None = None
    subject_at_ms: fields.SubjectAtMs | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    merchant_country: fields.MerchantCountry | None = None
    card_country: fields.CardCountry | None = None
    bank_account: fields.BankAccount | None = None
    is_new_destination: fields.IsNewDestination | None = None
    parcel: fields.Parcel | None = None
    courier: fields.Courier | None = None
    staff: fields.Staff | None = None
    staff_role: fields.StaffRole | None = None
    approver: fields.Approver | None = None
    ticket: fields.Ticket | None = None
    external_score: fields.ExternalScore | None = None
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


class RefundPaid(KnownEvent, kw_only=True, frozen=True, tag="refund.paid"):
    """Money was paid back.

    退款已支付。
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
    refund: fields.Refund | None = None
    payment: fields.Payment | None = None
    payment_method: fields.PaymentMethod | None = None
    refund_reason: fields.RefundReason | None = None
    refund_to: fields.RefundTo | None = None
    order_minor: fields.OrderMinor | None = None
    products: fields.Products | None = None
    items_count: fields.ItemsCount | None = None
    quantity: fields.Quantity | None = None
    is_partial: fields.IsPartial | None = None
    goods_returned: fields.GoodsReturned | None = None
    declared_weight_g: fields.DeclaredWeightG | None = None
    weight_g: fields.WeightG | None = None
    expected_weight_g: fields.ExpectedWeightG | None = None
    ordered_ms: fields.OrderedMs | None = None
    images_count: fields.ImagesCount | None = None
    text: fields.Text | None = None
    note: fields.Note | None = None
    subject_event: fields.SubjectEvent | None = None
    subject_at_ms: fields.SubjectAtMs | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    merchant_country: fields.MerchantCountry | None = None
    card_country: fields.CardCountry | None = None
    bank_account: fields.BankAccount | None = None
    is_new_destination: fields.IsNewDestination | None = None
    parcel: fields.Parcel | None = None
    courier: fields.Courier | None = None
    staff: fields.Staff | None = None
    staff_role: fields.StaffRole | None = None
    approver: fields.Approver | None = None
    ticket: fields.Ticket | None = None
    external_score: fields.ExternalScore | None = None
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
