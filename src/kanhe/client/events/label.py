"""Events `label.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class LabelScanned(KnownEvent, kw_only=True, frozen=True, tag="label.scanned"):
    """Somebody scanned the anti-counterfeit label on goods.

    有人扫描了商品上的防伪标签。
    """

    label: fields.Label
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
    lat: fields.Lat | None = None
    lon: fields.Lon | None = None
    parcel: fields.Parcel | None = None
    courier: fields.Courier | None = None
    staff: fields.Staff | None = None
    label_result: fields.LabelResult | None = None
    scanned_by: fields.ScannedBy | None = None
    is_first_scan: fields.IsFirstScan | None = None
    attempt_no: fields.AttemptNo | None = None
    scan_country: fields.ScanCountry | None = None
    ip_country: fields.IpCountry | None = None
    brand: fields.Brand | None = None
    category: fields.Category | None = None
    channel: fields.Channel | None = None
    language: fields.Language | None = None
    user_agent: fields.UserAgent | None = None
    is_vpn: fields.IsVpn | None = None
    is_proxy: fields.IsProxy | None = None
    is_automated: fields.IsAutomated | None = None
    station: fields.Station | None = None
    note: fields.Note | None = None


class LabelAssigned(KnownEvent, kw_only=True, frozen=True, tag="label.assigned"):
    """What turned out to be true about an earlier event and those it named, with the time by which it was known.

    事后查明的真实情况：针对先前某事件及其涉及的实体，并附查明时间。

    At least one entity is named. 至少填写一个实体。
    """

    verdict: fields.Verdict
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
    subject_event: fields.SubjectEvent | None = None
    subject_at_ms: fields.SubjectAtMs | None = None
    label_source: fields.LabelSource | None = None
    confidence: fields.Confidence | None = None
    amount_minor: fields.AmountMinor | None = None
    currency: fields.Currency | None = None
    complaint: fields.Complaint | None = None
    payment: fields.Payment | None = None
    refund: fields.Refund | None = None
    payout: fields.Payout | None = None
    review: fields.Review | None = None
    note: fields.Note | None = None
