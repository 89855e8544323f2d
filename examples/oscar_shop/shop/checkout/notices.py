"""What the gateway tells later: a cardholder's bank has taken money back."""

import json
import time

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from oscar.apps.order.models import Order
from oscar.apps.order.processing import EventHandler

from kanhe.connect.oscar import telling
from kanhe.connect.oscar.connection import tell
from kanhe.connect.oscar.models import GuardedOrder
from kanhe.connect.oscar.webhook import is_signed


@csrf_exempt
@require_POST
def gateway_notice(request):
    """204 once it is noted; the gateway comes again until then, and a second time changes nothing."""
    body, headers = request.body, request.headers
    if not is_signed(
        (settings.GATEWAY_NOTICE_SECRET,), headers.get("webhook-id", ""),
        headers.get("webhook-timestamp", ""), body, headers.get("webhook-signature", ""), time.time(),
    ):  # fmt: skip
        return HttpResponse(status=401)
    notice = json.loads(body)
    if notice["type"] != "payment.disputed":
        return HttpResponse(status=204)
    order = Order.objects.filter(number=notice["order"]).first()
    if order is None:
        return HttpResponse(status=503)  # its order is not committed yet
    guarded = GuardedOrder.objects.filter(order_number=order.number).first()
    said = f"Chargeback {notice['dispute']}: {notice['reason']}"
    with transaction.atomic():
        if not order.notes.filter(message=said).exists():
            EventHandler().create_note(order, said)
        event = telling.chargeback_received(
            order, notice["dispute"], notice["amount_minor"], notice["reason"], notice["at_ms"],
            order.sources.first().label, guarded.payment_event if guarded else "",
            guarded.paid_at_ms if guarded else 0,
        )  # fmt: skip
        transaction.on_commit(lambda: tell(event))
    return HttpResponse(status=204)
