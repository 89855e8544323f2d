"""Every type of event there is, as a class; `Event` is for a shop's own."""

# Written by kanhe.judge.intake.client_code from the registry: `make docs`. Do not edit.
# fmt: off
from __future__ import annotations

from kanhe.client.event import Event, KnownEvent
from kanhe.client.events.account import (
    AccountFactorAdded,
    AccountFactorRemoved,
    AccountLogin,
    AccountLoginFailed,
    AccountPasswordChanged,
    AccountProfileChanged,
    AccountRegistered,
)
from kanhe.client.events.cart import CartChanged
from kanhe.client.events.chargeback import ChargebackReceived
from kanhe.client.events.complaint import (
    ComplaintOpened,
    ComplaintResolved,
)
from kanhe.client.events.finding import FindingReported
from kanhe.client.events.label import (
    LabelAssigned,
    LabelScanned,
)
from kanhe.client.events.list import (
    ListEntryAdded,
    ListEntryRemoved,
)
from kanhe.client.events.listing import (
    ListingChanged,
    ListingCreated,
)
from kanhe.client.events.merchant import MerchantApplied
from kanhe.client.events.message import MessageSent
from kanhe.client.events.order import (
    OrderCancelled,
    OrderPlaced,
)
from kanhe.client.events.parcel import (
    ParcelDelivered,
    ParcelScanned,
    ParcelShipped,
)
from kanhe.client.events.payment import (
    PaymentAttempted,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
)
from kanhe.client.events.payout import PayoutRequested
from kanhe.client.events.refund import (
    RefundPaid,
    RefundRequested,
)
from kanhe.client.events.review import ReviewPosted
from kanhe.client.events.session import SessionStarted
from kanhe.client.events.staff import StaffAction
from kanhe.client.events.step_up import (
    StepUpFailed,
    StepUpPassed,
    StepUpRequested,
)

__all__ = [
    "AccountFactorAdded",
    "AccountFactorRemoved",
    "AccountLogin",
    "AccountLoginFailed",
    "AccountPasswordChanged",
    "AccountProfileChanged",
    "AccountRegistered",
    "CartChanged",
    "ChargebackReceived",
    "ComplaintOpened",
    "ComplaintResolved",
    "Event",
    "FindingReported",
    "KnownEvent",
    "LabelAssigned",
    "LabelScanned",
    "ListEntryAdded",
    "ListEntryRemoved",
    "ListingChanged",
    "ListingCreated",
    "MerchantApplied",
    "MessageSent",
    "OrderCancelled",
    "OrderPlaced",
    "ParcelDelivered",
    "ParcelScanned",
    "ParcelShipped",
    "PaymentAttempted",
    "PaymentAuthorized",
    "PaymentCaptured",
    "PaymentDeclined",
    "PayoutRequested",
    "RefundPaid",
    "RefundRequested",
    "ReviewPosted",
    "SessionStarted",
    "StaffAction",
    "StepUpFailed",
    "StepUpPassed",
    "StepUpRequested",
]

BY_TYPE: dict[str, type[KnownEvent]] = {
    "account.registered": AccountRegistered,
    "account.login": AccountLogin,
    "account.login_failed": AccountLoginFailed,
    "account.password_changed": AccountPasswordChanged,
    "account.profile_changed": AccountProfileChanged,
    "session.started": SessionStarted,
    "listing.created": ListingCreated,
    "listing.changed": ListingChanged,
    "cart.changed": CartChanged,
    "order.placed": OrderPlaced,
    "order.cancelled": OrderCancelled,
    "review.posted": ReviewPosted,
    "message.sent": MessageSent,
    "payment.attempted": PaymentAttempted,
    "payment.declined": PaymentDeclined,
    "payment.authorized": PaymentAuthorized,
    "payment.captured": PaymentCaptured,
    "refund.requested": RefundRequested,
    "refund.paid": RefundPaid,
    "chargeback.received": ChargebackReceived,
    "payout.requested": PayoutRequested,
    "step_up.requested": StepUpRequested,
    "step_up.passed": StepUpPassed,
    "step_up.failed": StepUpFailed,
    "account.factor_added": AccountFactorAdded,
    "account.factor_removed": AccountFactorRemoved,
    "parcel.shipped": ParcelShipped,
    "parcel.scanned": ParcelScanned,
    "parcel.delivered": ParcelDelivered,
    "label.scanned": LabelScanned,
    "complaint.opened": ComplaintOpened,
    "complaint.resolved": ComplaintResolved,
    "merchant.applied": MerchantApplied,
    "staff.action": StaffAction,
    "finding.reported": FindingReported,
    "label.assigned": LabelAssigned,
    "list.entry_added": ListEntryAdded,
    "list.entry_removed": ListEntryRemoved,
}
"""The class of each type, by its name."""
