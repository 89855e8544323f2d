"""Where money moves after an order. Each of these may be called twice: the gateway does it once."""

from django.db import transaction
from oscar.apps.payment.models import Source, SourceType

from kanhe.connect.oscar import telling
from kanhe.connect.oscar.connection import tell
from shop.aftersales.models import RefundRequest
from shop.checkout import gateway


def capture(order, **kwargs):
    """The order goes on: take the money."""
    source = order.sources.first() or _found_again(order)
    if source is None or source.amount_debited:
        return
    amount = source.amount_allocated
    gateway.capture(source.reference, telling.minor(amount, source.currency))
    with transaction.atomic():
        source.debit(amount, reference=source.reference, status="captured")
        order.set_status("Paid")
        event = telling.payment_captured(order, source.reference, source.label, amount)
        transaction.on_commit(lambda: tell(event, judged=False))


def _found_again(order):
    """The payment of an order that was placed right before a crash: oscar writes down how an order is
    paid after the order itself, and the gateway knows it all the same."""
    for paid in gateway.payments(order.number):
        if paid["status"] in ("authorized", "captured"):
            kind, _ = SourceType.objects.get_or_create(name="Card")
            return Source.objects.create(
                order=order, source_type=kind, currency=order.currency,
                amount_allocated=order.total_incl_tax, reference=paid["payment"], label=paid["card"],
            )  # fmt: skip
    return None


def let_go(order, **kwargs):
    """The order does not go on: give back what was set aside."""
    source = order.sources.first() or _found_again(order)
    if source is not None and not source.amount_debited:
        gateway.let_go(source.reference)


def let_go_of_all(order_number, **kwargs):
    """There is no order, so there is nothing to pay for."""
    for paid in gateway.payments(order_number):
        if paid["status"] == "authorized":
            gateway.let_go(paid["payment"])


def pay_back(request):
    """Pay a refund."""
    order, source = request.order, request.order.sources.first()
    gateway.refund(
        source.reference, f"refund-{request.pk}", telling.minor(request.amount, source.currency)
    )
    with transaction.atomic():
        request.state = "paid"
        request.save()
        if source.amount_refunded < request.amount:
            source.refund(request.amount, reference=f"refund-{request.pk}", status="paid")
        event = telling.refund_paid(order, str(request.pk), request.amount)
        transaction.on_commit(lambda: tell(event, judged=False))


def case_resolved(events, verdict, **kwargs):
    """The desk has decided about refunds that wait."""
    names = {
        telling.event_id("refund", one.pk): one
        for one in RefundRequest.objects.filter(state="held")
    }
    for name in set(events).intersection(names):
        request = names[name]
        if verdict == "legitimate":
            pay_back(request)
        elif verdict in ("fraud", "abuse"):
            request.state = "refused"
            request.save()
