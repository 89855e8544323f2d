"""`manage.py kanhe_settle`: what waits and nobody else brings to an end. Run it every few minutes."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand

from kanhe.client import events
from kanhe.connect.oscar import holding, telling
from kanhe.connect.oscar.connection import client, decide
from kanhe.connect.oscar.models import HELD, GuardedOrder
from kanhe.connect.oscar.receivers import judge_order
from kanhe.connect.oscar.visit import Visit

_AT_ONCE = 500


class Command(BaseCommand):
    """Four things: baskets that a crash left frozen, orders that were placed right before one, money that could not be moved when an
    order was decided, and orders that were held because Kanhe could not be asked. The latter are asked
    about under the ids they had: if Kanhe has judged them meanwhile, that answer stands."""

    help = "Settle what a crash, a failing gateway or a Kanhe that was down has left."

    def add_arguments(self, parser: Any) -> None:
        """What can be chosen."""
        parser.add_argument(
            "--wait", type=float, default=10.0, help="seconds to wait for a Kanhe that is away"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say what is left."""
        now_ms = time.time_ns() // 1_000_000
        holding.orphaned(now_ms)
        for guarded in holding.unfinished(now_ms):
            judge_order(holding.order_of(guarded))
            holding.let_go_on(guarded)
        left = holding.settle_all()
        held = GuardedOrder.objects.filter(state=HELD, without_answer=True)
        waiting = held.count()
        # What was queued has to arrive first: it is the event as it was.
        if waiting and client().flush(options["wait"]):
            waiting = sum(not self._asked(guarded) for guarded in held[:_AT_ONCE])
        if options["verbosity"] > 0:
            self.stdout.write(f"{left} not settled, {waiting} held without an answer")

    def _asked(self, guarded: GuardedOrder) -> bool:
        """Ask again about what holds an order; gives whether there is an answer now."""
        order = holding.order_of(guarded)
        if order is None:
            return True  # It was never placed.
        outcomes = set()
        for id in guarded.holds:
            # Word for word what was asked about: if it never arrived, it is judged for what it was.
            if id == guarded.payment_event:
                event = events.PaymentAttempted(id=id, **guarded.attempted)
                answer = decide(event, "payment.attempted")
            else:
                placed = telling.order_placed(order, Visit(**guarded.visit), guarded.card)
                answer = decide(placed, "order.placed")
            if answer.fallback:
                return False
            outcomes.add(answer.outcome)
        if "deny" in outcomes:
            holding.resolve(list(guarded.holds), "fraud")
        elif outcomes == {"allow"}:
            holding.resolve(list(guarded.holds), "legitimate")
        else:
            # There is a case now, or it is for the shopkeeper: nobody can be challenged any more.
            GuardedOrder.objects.filter(pk=guarded.pk).update(without_answer=False)
        return True
