"""Events `message.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class MessageSent(KnownEvent, kw_only=True, frozen=True, tag="message.sent"):
    """A message was sent to a buyer, a merchant, support or the public.

    发送了消息（给买家、商家、客服或公众）。
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
    message: fields.Message | None = None
    recipient: fields.Recipient | None = None
    audience: fields.Audience | None = None
    recipients_count: fields.RecipientsCount | None = None
    text: fields.Text | None = None
    links_count: fields.LinksCount | None = None
    has_link: fields.HasLink | None = None
    has_attachment: fields.HasAttachment | None = None
    has_contact_info: fields.HasContactInfo | None = None
    asks_offsite_payment: fields.AsksOffsitePayment | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    external_score: fields.ExternalScore | None = None
