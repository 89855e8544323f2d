"""What happens in baskets, told once each, after it is durable."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from kanhe.client import events
from kanhe.connect.oscar import telling
from kanhe.connect.oscar.connection import tell
from kanhe.connect.oscar.visit import current, current_request


def added(product: Any, user: Any, request: Any) -> None:
    """Something was put into a basket."""
    _tell(request, user, "added", product=f"p-{product.pk}")


def line_changed(line: Any, action: str) -> None:
    """A line was made longer, shorter, or taken out on the page of the basket."""
    request = current_request()
    match = getattr(request, "resolver_match", None)
    if match is None or match.view_name != "basket:summary":
        return
    _tell(
        request,
        request.user,
        action,
        product=f"p-{line.product_id}",
        quantity=line.quantity or None,
    )


def notice_voucher(request: Any) -> None:
    """A voucher is being tried: unless oscar says that it was taken, it was refused."""
    match = getattr(request, "resolver_match", None)
    if match is None or request.method != "POST" or match.view_name != "basket:vouchers-add":
        return
    code = str(request.POST.get("code", ""))[:128].strip()
    if code:
        request.kanhe_voucher_taken = False
        request.kanhe_voucher = code


def voucher_answered(request: Any) -> None:
    """The page is made: say what became of the voucher that was tried."""
    code = getattr(request, "kanhe_voucher", "")
    if code:
        taken = request.kanhe_voucher_taken
        _tell(request, request.user, "coupon_tried" if taken else "coupon_refused", coupon=code)


def voucher_taken() -> None:
    """Oscar took the voucher."""
    request = current_request()
    if request is not None:
        request.kanhe_voucher_taken = True


def _tell(request: Any, user: Any, action: str, **more: Any) -> None:
    visit = current()
    basket = request.basket
    said = {
        **visit.fields(events.CartChanged), "user": telling.user_ref(user), "is_guest": not user.is_authenticated,
        "cart_action": action, **more,
    }  # fmt: skip
    if basket.pk:
        said["items_count"] = basket.num_items
    event = events.CartChanged(id=telling.fresh_id("cart"), **said)
    transaction.on_commit(lambda: tell(event))
