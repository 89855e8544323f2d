"""Oscar's objects as events of Kanhe's registry.

Ids follow from the shop's own numbers, so that the same thing told twice counts once.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from kanhe.client import events
from kanhe.connect.oscar.configuration import configuration
from kanhe.connect.oscar.visit import Visit, current, pseudonym

# ISO 4217: currencies that have no minor unit, and those that have three digits of it.
_WHOLE = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()
)  # fmt: skip
_THREE = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
_ID_MAX = 128
_EMAIL_MAX = 254
_PRODUCTS_MOST = 50


def minor(amount: Decimal, currency: str) -> int:
    """An amount in minor units: 1999 for 19.99 EUR, and for 1999 JPY."""
    digits = 0 if currency in _WHOLE else 3 if currency in _THREE else 2
    return int((Decimal(amount) * 10**digits).to_integral_value())


def event_id(kind: str, *parts: object) -> str:
    """The id of an event about something that the shop numbers itself."""
    whole = configuration().prefix + "-".join([kind, *map(str, parts)])
    if len(whole) <= _ID_MAX:
        return whole
    return whole[:80] + "-" + hashlib.sha256(whole.encode()).hexdigest()[:40]


def fresh_id(kind: str) -> str:
    """The id of an event about something that the shop does not number."""
    return event_id(kind, events.Event(type="x.x").id)


def user_ref(user: Any) -> str | None:
    """How Kanhe knows a user; None for a guest."""
    if user is None or not getattr(user, "is_authenticated", False) or user.pk is None:
        return None
    return f"{configuration().prefix}u-{user.pk}"


def guest_ref(email: str) -> str:
    """How a guest is known to the second factor: by the mailbox, which it does not tell."""
    return pseudonym("guest", email.strip().lower())


def of_user(user: Any) -> dict[str, Any]:
    """What events about an account say of it."""
    said: dict[str, Any] = {"user": user_ref(user), "email": email_of(getattr(user, "email", ""))}
    if joined := getattr(user, "date_joined", None):
        said["account_created_ms"] = ms(joined)
    return said


def ms(when: datetime) -> int:
    """Milliseconds since 1970."""
    return int(when.timestamp() * 1000)


def address_ref(address: Any) -> str | None:
    """The same for the same delivery address, whatever its spelling of case and spaces."""
    if address is None:
        return None
    parts = (address.line1, address.line2, address.line3, address.line4, address.postcode)
    country = getattr(address.country, "iso_3166_1_a2", "") if address.country_id else ""
    return pseudonym("a", *("".join(str(p or "").lower().split()) for p in parts), country)


def of_address(address: Any) -> dict[str, Any]:
    """What events say of where a parcel goes."""
    if address is None:
        return {}
    country = getattr(address.country, "iso_3166_1_a2", None) if address.country_id else None
    phone = str(address.phone_number) if getattr(address, "phone_number", None) else None
    return {"address": address_ref(address), "shipping_country": country, "phone": phone}


def of_basket(basket: Any) -> dict[str, Any]:
    """What events say of what is bought."""
    lines = list(basket.all_lines())
    coupon = basket.vouchers.first() if basket.pk else None
    return {
        "items_count": sum(line.quantity for line in lines),
        "products": [f"p-{line.product_id}" for line in lines[:_PRODUCTS_MOST]] or None,
        "coupon": _cut(coupon.code) if coupon else None,
    }


def of_order(order: Any) -> dict[str, Any]:
    """What events say of an order that was placed: who, what, where to, how much."""
    lines = list(order.lines.all())
    codes = [discount.voucher_code for discount in order.discounts.all() if discount.voucher_code]
    total = minor(order.total_incl_tax, order.currency)
    return {
        **_owner(order),
        **of_address(order.shipping_address),
        "order": order.number,
        "amount_minor": total,
        "currency": order.currency,
        "shipping_minor": minor(order.shipping_incl_tax, order.currency),
        "discount_minor": minor(order.total_discount_incl_tax, order.currency),
        "items_count": sum(line.quantity for line in lines),
        "products": [f"p-{line.product_id}" for line in lines[:_PRODUCTS_MOST] if line.product_id]
        or None,
        "coupon": _cut(codes[0]) if codes else None,
        "is_guest": order.user_id is None,
    }


def order_placed(order: Any, visit: Visit, card: str) -> Any:
    """An order, as it was placed. The visit is that of its payment: the signal brings none."""
    earlier = (
        type(order)._default_manager.filter(user_id=order.user_id).exclude(pk=order.pk).exists()
        if order.user_id
        else None
    )
    return events.OrderPlaced(
        id=event_id("order", order.number), at_ms=ms(order.date_placed), **visit.fields(events.OrderPlaced),
        **of_order(order), card=card or None, is_first_order=None if earlier is None else not earlier,
        payment_method="card" if card else None,
    )  # fmt: skip


def order_cancelled(order: Any, by: Any = "buyer", reason: Any = "changed_mind") -> Any:
    """An order that will not be delivered."""
    return events.OrderCancelled(
        id=event_id("cancel", order.number), **_owner(order), **current().fields(events.OrderCancelled),
        order=order.number, amount_minor=minor(order.total_incl_tax, order.currency),
        currency=order.currency, cancelled_by=by, cancel_reason=reason,
        ordered_ms=ms(order.date_placed),
    )  # fmt: skip


def payment_captured(order: Any, payment: str, card: str, amount: Decimal) -> Any:
    """Money that was taken for an order."""
    return events.PaymentCaptured(
        id=event_id("captured", order.number, payment), **_owner(order), order=order.number,
        payment=payment, card=card or None, amount_minor=minor(amount, order.currency),
        currency=order.currency,
    )  # fmt: skip


def refund_requested(order: Any, refund: str, amount: Decimal, reason: Any, note: str = "") -> Any:
    """Money that is asked back, before anything is done about it."""
    total = minor(order.total_incl_tax, order.currency)
    asked = minor(amount, order.currency)
    return events.RefundRequested(
        id=event_id("refund", refund), **_owner(order), **current().fields(events.RefundRequested), order=order.number,
        refund=refund, amount_minor=asked, currency=order.currency, order_minor=total,
        is_partial=asked < total, refund_reason=reason, refund_to="original_method",
        address=address_ref(order.shipping_address), ordered_ms=ms(order.date_placed),
        text=note[:2000] or None,
    )  # fmt: skip


def refund_paid(order: Any, refund: str, amount: Decimal) -> Any:
    """Money that was paid back."""
    return events.RefundPaid(
        id=event_id("refunded", refund), **_owner(order), order=order.number, refund=refund,
        amount_minor=minor(amount, order.currency), currency=order.currency,
        refund_to="original_method",
    )  # fmt: skip


def chargeback_received(
    order: Any, dispute: str, amount_minor: int, reason: Any, at_ms: int,
    card: str, payment_event: str, paid_at_ms: int,
) -> Any:  # fmt: skip
    """A dispute, as the gateway tells of it; it is also the truth about the payment that was judged."""
    return events.ChargebackReceived(
        id=event_id("chargeback", dispute), at_ms=at_ms, **_owner(order), order=order.number,
        card=card or None, amount_minor=amount_minor, currency=order.currency,
        chargeback_reason=reason, chargeback_stage="first", subject_event=payment_event or None,
        subject_at_ms=paid_at_ms or None,
    )  # fmt: skip


def review_posted(review: Any) -> Any:
    """A review of a product."""
    text = f"{review.title}\n{review.body}".strip()
    lowered = text.lower()
    links = lowered.count("http://") + lowered.count("https://") + lowered.count("www.")
    bought = _bought(review)
    return events.ReviewPosted(
        id=event_id("review", review.pk), **of_user(review.user), **current().fields(events.ReviewPosted),
        product=f"p-{review.product_id}", review=f"r-{review.pk}", rating=review.score or None,
        text=text[:2000] or None, has_link=links > 0, links_count=links, is_verified_purchase=bought,
    )  # fmt: skip


def _bought(review: Any) -> bool:
    """Whether whoever wrote it has had the product from this shop."""
    orders = getattr(review.user, "orders", None)
    return bool(orders is not None and orders.filter(lines__product_id=review.product_id).exists())


def _owner(order: Any) -> dict[str, Any]:
    email = order.user.email if order.user_id else order.guest_email
    return {"user": user_ref(order.user) if order.user_id else None, "email": email_of(email)}


def email_of(value: str | None) -> str | None:
    """An address as events take them; what is none is left out rather than refused."""
    value = (value or "").strip()
    if value.count("@") != 1 or not value.isprintable():
        return None  # quoted, `"a@b"@example.com` and control characters are good enough for Django
    try:
        validate_email(value)
    except ValidationError:
        return None
    return value if len(value) <= _EMAIL_MAX else None


def _cut(value: str) -> str:
    return value[:_ID_MAX]
