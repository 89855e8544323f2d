"""Events `finding.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class FindingReported(KnownEvent, kw_only=True, frozen=True, tag="finding.reported"):
    """Another security tool, or a person, reported something.

    其他安全工具或人员上报了发现。
    """

    source: fields.Source
    severity: fields.Severity
    title: fields.Title
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
    staff: fields.Staff | None = None
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
    finding: fields.Finding | None = None
    finding_kind: fields.FindingKind | None = None
    finding_rule: fields.FindingRule | None = None
    asset: fields.Asset | None = None
    cvss_tenths: fields.CvssTenths | None = None
    confidence: fields.Confidence | None = None
    request_count: fields.RequestCount | None = None
    record_count: fields.RecordCount | None = None
    was_blocked: fields.WasBlocked | None = None
    is_fixed: fields.IsFixed | None = None
    description: fields.Description | None = None
    links_count: fields.LinksCount | None = None
    has_attachment: fields.HasAttachment | None = None
    subject_event: fields.SubjectEvent | None = None
    subject_at_ms: fields.SubjectAtMs | None = None
    label: fields.Label | None = None
    note: fields.Note | None = None
