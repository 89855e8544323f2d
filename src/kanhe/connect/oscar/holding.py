"""Orders that wait for a person, and their way back.

An order is held because of events: its payment, its placing, or both. Each has to be cleared by the
desk before the order goes on; one that turns out to be fraud cancels it. Money moves in receivers of
the shop only: `order_released` means that it may be captured, `order_refused` that it is to be let go.

What survives: the state is committed first, then the receivers run, then `settled` is noted. A crash
or a failing gateway in between leaves an unsettled row, which the next webhook or
`manage.py kanhe_settle` settles; receivers therefore have to bear being called twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from oscar.core.loading import get_class, get_model

from kanhe.connect.oscar.configuration import configuration
from kanhe.connect.oscar.models import HELD, OPEN, REFUSED, RELEASED, GuardedOrder

logger = logging.getLogger("kanhe.connect")

order_released = Signal()
"""`order`, `guarded`: it may be delivered and its payment captured."""
order_refused = Signal()
"""`order`, `guarded`: it was cancelled; let go of its payment."""
payment_orphaned = Signal()
"""`order_number`: a process died while paying for it and there is no order; let go of what the gateway
has set aside for it."""
case_resolved = Signal()
"""`events`, `verdict`: the desk has decided; for whatever else a shop holds, such as refunds."""

_AT_ONCE = 500
GOOD = frozenset({"legitimate"})
BAD = frozenset({"fraud", "abuse"})


def hold(guarded: GuardedOrder, event_id: str, *, without_answer: bool = False) -> None:
    """Keep an order back because of this event."""
    if event_id not in guarded.holds:
        guarded.holds = [*guarded.holds, event_id]
    guarded.without_answer = guarded.without_answer or without_answer
    guarded.state = HELD
    guarded.settled = False
    guarded.save()


def order_of(guarded: GuardedOrder) -> Any:
    """Oscar's order; None if it was never placed."""
    return get_model("order", "Order")._default_manager.filter(number=guarded.order_number).first()


def resolve(events: list[str], verdict: str) -> int:
    """Act on a verdict of the desk about these events; gives how many orders it moved.

    Told again, it changes nothing more. A verdict of `unknown` leaves the order where it is.
    """
    moved = 0
    wanted = set(events)
    for pk in GuardedOrder.objects.filter(state=HELD).values_list("pk", flat=True):
        with transaction.atomic():
            guarded = GuardedOrder.objects.select_for_update().get(pk=pk)
            named = wanted.intersection(guarded.holds)
            if guarded.state != HELD or not named:
                continue
            if verdict in BAD:
                guarded.verdict = verdict
            elif verdict in GOOD:
                guarded.holds = [one for one in guarded.holds if one not in named]
            guarded.save()
            moved += _apply(guarded)
    settle_all()
    return moved


def let_go_on(guarded: GuardedOrder) -> None:
    """The order was placed: it goes on at once, unless something holds it."""
    with transaction.atomic():
        guarded = GuardedOrder.objects.select_for_update().get(pk=guarded.pk)
        if guarded.state == HELD:
            _apply(guarded)  # The desk may have been faster than the order.
        elif guarded.state == OPEN:
            guarded.state, guarded.settled = RELEASED, False
            guarded.save()
    settle(guarded)


def _apply(guarded: GuardedOrder) -> bool:
    """Move a held order that the desk has decided; gives whether it moved. Before it is placed it
    cannot be moved: what was said is in its row, and counts when it comes."""
    if order_of(guarded) is None:
        return False
    if guarded.verdict in BAD:
        _move(guarded, REFUSED, f"refused at the desk ({guarded.verdict})")
    elif not guarded.holds:
        _move(guarded, RELEASED, "released at the desk")
    return bool(guarded.state != HELD)


def decided_here(order: Any, new_status: str) -> None:
    """Somebody moved a held order in the shop's own dashboard: that counts as well as the desk's word."""
    chosen = configuration()
    states = {chosen.released_status: RELEASED, chosen.refused_status: REFUSED}
    guarded = GuardedOrder.objects.filter(order_number=order.number, state=HELD).first()
    if guarded is not None and new_status in states:
        guarded.state, guarded.holds, guarded.settled = states[new_status], [], False
        guarded.save()
        transaction.on_commit(partial(settle, guarded))


def _move(guarded: GuardedOrder, state: str, why: str) -> None:
    """Move the order and its row together."""
    chosen = configuration()
    guarded.state, guarded.holds, guarded.settled = state, [], False
    guarded.attempted = {}
    guarded.save()
    order = order_of(guarded)
    if order is None:
        return
    handler = get_class("order.processing", "EventHandler")()
    status = chosen.released_status if state == RELEASED else chosen.refused_status
    if order.status == chosen.held_status and status in order.available_statuses():
        order.set_status(status)
        if state == REFUSED:
            handler.cancel_stock_allocations(order)
    handler.create_note(order, f"Kanhe: {why}")


def settle(guarded: GuardedOrder) -> bool:
    """Have the shop act on the state, if it has not yet; gives whether it has by now.

    Receivers are called with `send_robust`: one that fails is logged, and called again later.
    """
    if guarded.settled or guarded.state not in (RELEASED, REFUSED):
        return bool(guarded.settled)
    order = order_of(guarded)
    if order is None:
        return False
    signal = order_released if guarded.state == RELEASED else order_refused
    failed = False
    for receiver, answer in signal.send_robust(sender=GuardedOrder, order=order, guarded=guarded):
        if isinstance(answer, Exception):
            failed = True
            logger.error("order %s: %r failed: %r", order.number, receiver, answer)
    if not failed:
        GuardedOrder.objects.filter(pk=guarded.pk, state=guarded.state).update(settled=True)
        guarded.settled = True
    return not failed


def orphaned(now_ms: int) -> int:
    """Open baskets again that were frozen for a payment in which the process died, and have the shop let
    go of what may have been set aside; gives how many."""
    lost = GuardedOrder.objects.filter(
        state__in=(OPEN, HELD), claimed_until_ms__gt=0, claimed_until_ms__lt=now_ms
    )
    found = 0
    for guarded in lost[:_AT_ONCE]:
        if order_of(guarded) is not None:
            continue
        for _, answer in payment_orphaned.send_robust(
            sender=GuardedOrder, order_number=guarded.order_number
        ):
            if isinstance(answer, Exception):
                logger.error("order %s: %r", guarded.order_number, answer)
                break
        else:
            basket = get_model("basket", "Basket").objects.filter(pk=guarded.basket_id).first()
            if basket is not None and basket.status == basket.FROZEN:
                basket.thaw()
            # Only if nobody has begun to pay again meanwhile.
            same = GuardedOrder.objects.filter(
                pk=guarded.pk, claimed_until_ms=guarded.claimed_until_ms
            )
            found += same.update(claimed_until_ms=0, state=OPEN, holds=[])
    return found


def unfinished(now_ms: int) -> Iterator[GuardedOrder]:
    """Orders that were placed and then neither judged nor let go on: a crash came in between."""
    lost = GuardedOrder.objects.filter(state=OPEN, claimed_until_ms__lt=now_ms).exclude(
        paid_at_ms=0
    )
    for guarded in lost[:_AT_ONCE]:
        order = order_of(guarded)
        if order is not None:
            if order.basket is not None and order.basket.status != order.basket.SUBMITTED:
                order.basket.submit()
            yield guarded


def settle_all() -> int:
    """Settle whatever a crash or a failing gateway left; gives how many are left still."""
    waiting = GuardedOrder.objects.filter(state__in=(RELEASED, REFUSED), settled=False).order_by(
        "pk"
    )
    return sum(not settle(one) for one in waiting[:_AT_ONCE])
