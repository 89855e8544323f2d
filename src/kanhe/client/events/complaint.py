"""Events `complaint.…`."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off

from kanhe.client.event import KnownEvent
from kanhe.client.events import fields


class ComplaintOpened(KnownEvent, kw_only=True, frozen=True, tag="complaint.opened"):
    """A buyer or merchant complained.

    买家或商家提出投诉。

    At least one entity is named. 至少填写一个实体。
    """

    complaint: fields.Complaint
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
    complaint_reason: fields.ComplaintReason | None = None
    amount_minor: fields.AmountMinor | None = None
    currency: fields.Currency | None = None
    order_minor: fields.OrderMinor | None = None
    images_count: fields.ImagesCount | None = None
    has_attachment: fields.HasAttachment | None = None
    payment: fields.Payment | None = None
    refund: fields.Refund | None = None
    review: fields.Review | None = None
    message: fields.Message | None = None
    label: fields.Label | None = None
    carrier: fields.Carrier | None = None
    subject_event: fields.SubjectEvent | None = None
    subject_at_ms: fields.SubjectAtMs | None = None
    ordered_ms: fields.OrderedMs | None = None
    merchant_country: fields.MerchantCountry | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    language: fields.Language | None = None
    channel: fields.Channel | None = None
    text: fields.Text | None = None
    note: fields.Note | None = None
    parcel: fields.Parcel | None = None
    courier: fields.Courier | None = None
    staff: fields.Staff | None = None


class ComplaintResolved(KnownEvent, kw_only=True, frozen=True, tag="complaint.resolved"):
    """A complaint was closed. Also a label: it tells what became of the event named in `subject_event`.

    投诉已结案。同时也是标签：说明 subject_event 所指事件的结果。

    At least one entity is named. 至少填写一个实体。
    """

    complaint: fields.Complaint
    complaint_outcome: fields.ComplaintOutcome
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
    complaint_reason: fields.ComplaintReason | None = None
    amount_minor: fields.AmountMinor | None = None
    currency: fields.Currency | None = None
    order_minor: fields.OrderMinor | None = None
    images_count: fields.ImagesCount | None = None
    has_attachment: fields.HasAttachment | None = None
    payment: fields.Payment | None = None
    refund: fields.Refund | None = None
    review: fields.Review | None = None
    message: fields.Message | None = None
    label: fields.Label | None = None
    carrier: fields.Carrier | None = None
    subject_event: fields.SubjectEvent | None = None
    subject_at_ms: fields.SubjectAtMs | None = None
    ordered_ms: fields.OrderedMs | None = None
    merchant_country: fields.MerchantCountry | None = None
    account_created_ms: fields.AccountCreatedMs | None = None
    language: fields.Language | None = None
    channel: fields.Channel | None = None
    text: fields.Text | None = None
    note: fields.Note | None = None
    parcel: fields.Parcel | None = None
    courier: fields.Courier | None = None
    staff: fields.Staff | None = None
    staff_role: fields.StaffRole | None = None
    approver: fields.Approver | None = None
    label_source: fields.LabelSource | None = None
