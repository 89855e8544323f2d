"""Pages of a buyer's own orders: asking money back, and cancelling."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from oscar.apps.order.models import Order
from oscar.apps.order.processing import EventHandler
from oscar.apps.payment.exceptions import GatewayError

from kanhe.connect.oscar import telling
from kanhe.connect.oscar.connection import decide, tell
from shop.aftersales import money
from shop.aftersales.models import RefundRequest


class RefundForm(forms.ModelForm):
    """Why."""

    class Meta:
        """Of the wish."""

        model = RefundRequest
        fields = ("reason", "note")


@login_required
def ask_refund(request, number):
    """Ask for the money of an order: paid at once, or looked at first."""
    order = get_object_or_404(
        Order, number=number, user=request.user, status__in=("Paid", "Shipped")
    )
    if RefundRequest.objects.filter(order=order).exists():
        messages.info(request, _("You have asked for this already; we will tell you."))
        return redirect("customer:order", order_number=number)
    form = RefundForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(
            request,
            "shop/ask_refund.html",
            {
                "form": form,
                "order": order,
                "active_tab": "orders",
                "page_title": _("Ask for my money back"),
            },
        )
    wish = form.save(commit=False)
    wish.order, wish.user, wish.amount = order, request.user, order.total_incl_tax
    try:
        with transaction.atomic():
            wish.save()
    except IntegrityError:
        return redirect("customer:order", order_number=number)
    _judge(request, wish)
    return redirect("customer:order", order_number=number)


def _judge(request, wish):
    answer = decide(
        telling.refund_requested(wish.order, str(wish.pk), wish.amount, wish.reason, wish.note),
        "refund.requested",
    )
    if answer.outcome == "deny":
        wish.state = "refused"
        wish.save()
        messages.warning(request, _("We cannot pay this back. Please write to us if you disagree."))
    elif answer.outcome != "allow":
        wish.state = "held"
        wish.save()
        messages.info(request, _("Thank you. Somebody looks at it; you will hear from us soon."))
    else:
        try:
            money.pay_back(wish)
        except GatewayError:
            messages.info(
                request, _("Thank you. The money is on its way as soon as the bank answers.")
            )
        else:
            messages.success(request, _("The money is on its way back to your card."))


@login_required
@require_POST
def cancel(request, number):
    """Cancel an order that has not left the house."""
    order = get_object_or_404(Order, number=number, user=request.user)
    if "Cancelled" not in order.available_statuses():
        messages.warning(request, _("This order can no longer be cancelled."))
        return redirect("customer:order", order_number=number)
    source = order.sources.first()
    with transaction.atomic():
        order.set_status("Cancelled")
        EventHandler().cancel_stock_allocations(order)
        event = telling.order_cancelled(order)
        transaction.on_commit(lambda: tell(event))
    if source is not None and source.amount_debited:
        wish, made = RefundRequest.objects.get_or_create(
            order=order, defaults={"user": request.user, "reason": "changed_mind", "amount": source.amount_debited}
        )  # fmt: skip
        if made:
            _judge(request, wish)
    elif source is not None:
        money.let_go(order)
    messages.success(request, _("The order is cancelled."))
    return redirect("customer:order", order_number=number)
