"""Orders that are held, and their way back: by the desk's webhook, by the shop's own dashboard."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.connect.oscar.conftest import DESK, NOTICES, signed
from tests.connect.oscar.fake_kanhe import CODE, FakeKanhe
from tests.connect.oscar.test_payment import captured


def resolved(verdict: str, *events: str) -> dict[str, Any]:
    """What the desk tells of a case that was decided."""
    data = {
        "case": 7,
        "verdict": verdict,
        "alerts": len(events),
        "events": list(events),
        "tenant": "t",
    }
    return {"type": "case.resolved", "timestamp": "2026-01-01T00:00:00.000Z", "data": data}


def tell(browser: Any, body: dict[str, Any], secret: str = DESK, **how: Any) -> int:
    """Post a message of the desk; gives the status."""
    return int(browser.post("/kanhe/desk/", **signed(secret, body, **how)).status_code)


@pytest.fixture
def held(buyer: Any, kanhe: FakeKanhe) -> Any:
    """Somebody whose payment has to be looked at, with the order that waits."""
    kanhe.outcomes["payment.attempted"] = "review"
    ada = buyer(account=True)
    ada.put()
    ada.to_payment()
    ada.pay()
    return ada


def test_a_reviewed_payment_is_set_aside_and_not_taken(held: Any, gateway: str) -> None:
    """The order is there, says that it is looked at, and no money has moved."""
    order = held.order()
    assert order.status == "Held for review"
    assert captured(gateway, order.number) == [("authorized", 3290)]
    page = held.browser.get("/checkout/thank-you/").content.decode()
    assert "nothing is charged until then" in page


def test_the_desk_releases_it_once(held: Any, kanhe: FakeKanhe, gateway: str) -> None:
    """A good verdict captures; the same message again changes nothing."""
    order = held.order()
    body = resolved("legitimate", "something-else", f"pay-{order.number}-1")
    for _ in range(2):
        assert tell(held.browser, body) == 204
        order.refresh_from_db()
        assert order.status == "Paid"
    assert captured(gateway, order.number) == [("captured", 3290)]
    assert order.notes.filter(message__startswith="Kanhe").count() == 1


def test_the_desk_cancels_it(held: Any, gateway: str) -> None:
    """Fraud lets go of the money and gives the stock back."""
    order = held.order()
    record = order.lines.get().stockrecord
    before = record.num_allocated
    assert tell(held.browser, resolved("fraud", f"pay-{order.number}-1")) == 204
    order.refresh_from_db()
    record.refresh_from_db()
    assert order.status == "Cancelled"
    assert captured(gateway, order.number) == [("voided", 3290)]
    assert record.num_allocated == before - 1


def test_a_verdict_of_unknown_or_about_others_moves_nothing(held: Any) -> None:
    """The order waits on."""
    order = held.order()
    assert tell(held.browser, resolved("unknown", f"pay-{order.number}-1")) == 204
    assert tell(held.browser, resolved("legitimate", "pay-999-1")) == 204
    order.refresh_from_db()
    assert order.status == "Held for review"


def test_only_the_desk_is_listened_to(held: Any) -> None:
    """A wrong secret, a body that was changed, an old message and one of tomorrow are refused."""
    order = held.order()
    body = resolved("legitimate", f"pay-{order.number}-1")
    assert tell(held.browser, body, secret=NOTICES) == 401
    for at_s in (time.time() - 301, time.time() + 330):
        assert tell(held.browser, body, at_s=at_s) == 401
    message = signed(DESK, resolved("unknown"))
    message["data"] = signed(DESK, body)["data"]
    assert held.browser.post("/kanhe/desk/", **message).status_code == 401
    message = signed(DESK, body)
    message["headers"]["webhook-signature"] = "v1,é v1,"
    assert held.browser.post("/kanhe/desk/", **message).status_code == 401
    del message["headers"]["webhook-id"]
    assert held.browser.post("/kanhe/desk/", **message).status_code == 401
    assert held.browser.get("/kanhe/desk/").status_code == 405
    for nonsense in ({}, {"type": "case.resolved", "data": 7}):
        assert tell(held.browser, nonsense) == 400
    order.refresh_from_db()
    assert order.status == "Held for review"


def test_each_thing_that_holds_it_has_to_be_cleared(
    buyer: Any, kanhe: FakeKanhe, gateway: str
) -> None:
    """Held for its payment and for itself, it goes on after both."""
    kanhe.outcomes |= {"payment.attempted": "review", "order.placed": "review"}
    ada = buyer()
    ada.put()
    ada.to_payment()
    ada.pay()
    order = ada.order()
    tell(ada.browser, resolved("legitimate", f"pay-{order.number}-1"))
    order.refresh_from_db()
    assert order.status == "Held for review"
    tell(ada.browser, resolved("legitimate", f"order-{order.number}"))
    order.refresh_from_db()
    assert order.status == "Paid"


def test_an_order_is_judged_for_itself(buyer: Any, kanhe: FakeKanhe, gateway: str) -> None:
    """What is allowed as a payment can be held as an order; a challenge that was passed is enough."""
    kanhe.outcomes["order.placed"] = "challenge"
    ada = buyer(account=True)
    ada.put()
    ada.to_payment()
    ada.pay()
    assert ada.order().status == "Held for review"
    kanhe.outcomes["payment.attempted"] = "challenge"
    ada.put()
    ada.to_payment()
    ada.pay()
    ada.confirm(CODE)
    assert ada.order().status == "Paid"


def test_a_gateway_that_fails_is_asked_again(
    held: Any, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A released order whose capture failed is settled by the next message, or by the command."""
    from django.core.management import call_command
    from oscar.apps.payment.exceptions import GatewayError
    from shop.checkout import gateway as shops  # type: ignore[import-not-found]

    order = held.order()
    right = shops.capture

    def fail(*_: Any) -> None:
        raise GatewayError("down")

    monkeypatch.setattr(shops, "capture", fail)
    assert tell(held.browser, resolved("legitimate", f"pay-{order.number}-1")) == 204
    order.refresh_from_db()
    assert order.status == "Pending"
    monkeypatch.setattr(shops, "capture", right)
    call_command("kanhe_settle", verbosity=0)
    order.refresh_from_db()
    assert order.status == "Paid"
    assert captured(gateway, order.number) == [("captured", 3290)]


def test_a_crash_after_the_order_was_placed_loses_nothing(
    buyer: Any, kanhe: FakeKanhe, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is there, and neither judged nor paid: the command does both, once."""
    from django.core.management import call_command

    from kanhe.connect.oscar import receivers
    from kanhe.connect.oscar.models import GuardedOrder

    class Crash(BaseException):
        """What nobody catches."""

    def crash(_: Any) -> None:
        raise Crash

    ada = buyer()
    ada.put()
    ada.to_payment()
    with monkeypatch.context() as patched, pytest.raises(Crash):
        patched.setattr(receivers, "judge_order", crash)
        ada.pay()
    order = ada.order()
    assert order.status == "Pending"
    assert captured(gateway, order.number) == [("authorized", 3290)]
    GuardedOrder.objects.filter(order_number=order.number).update(
        claimed_until_ms=1
    )  # time goes by
    for _ in range(2):
        call_command("kanhe_settle", verbosity=0)
        order.refresh_from_db()
        assert order.status == "Paid"
    assert captured(gateway, order.number) == [("captured", 3290)]
    assert len(kanhe.of("order.placed")) == 1


def test_a_basket_that_a_crash_left_frozen_is_opened_again(
    buyer: Any, kanhe: FakeKanhe, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between payment and order: the money is let go of, and the basket is the buyer's again."""
    from django.core.management import call_command
    from oscar.apps.checkout.mixins import OrderPlacementMixin

    from kanhe.connect.oscar.models import GuardedOrder

    ada = buyer(account=True)
    ada.put()
    ada.to_payment()

    class Crash(BaseException):
        """What nobody catches."""

    def crash(*_: Any, **__: Any) -> None:
        raise Crash

    with monkeypatch.context() as patched, pytest.raises(Crash):
        patched.setattr(OrderPlacementMixin, "handle_order_placement", crash)
        ada.pay()
    number = kanhe.of("payment.attempted")[-1]["order"]
    assert GuardedOrder.objects.get(order_number=number).claimed_until_ms > 0
    GuardedOrder.objects.filter(order_number=number).update(claimed_until_ms=1)  # time goes by
    assert ada.basket().num_items == 0
    call_command("kanhe_settle", verbosity=0)
    assert captured(gateway, number) == [("voided", 3290)]
    assert ada.basket().num_items == 1
    ada.pay()
    assert ada.order().status == "Paid"


def test_the_shopkeeper_may_decide_as_well(held: Any, gateway: str) -> None:
    """A status that is changed in the shop's own dashboard counts."""
    from oscar.apps.order.models import Order

    order = Order.objects.get(pk=held.order().pk)
    order.set_status("Pending")
    order.refresh_from_db()
    assert order.status == "Paid"
    assert captured(gateway, order.number) == [("captured", 3290)]


def test_what_was_held_without_an_answer_is_decided_when_kanhe_is_back(
    buyer: Any, kanhe: FakeKanhe, configured: Any, gateway: str
) -> None:
    """No case will ever release it; the command asks again, under the same id."""
    from django.core.management import call_command

    configured(fallback={"payment.attempted": "hold", "*": "allow"})
    kanhe.down = True
    waiting = []
    for _ in range(2):
        ada = buyer()
        ada.put()
        ada.to_payment()
        ada.pay()
        waiting.append(ada.order())
    call_command("kanhe_settle", wait=0.2, verbosity=0)
    assert [one.status for one in waiting] == ["Held for review"] * 2
    kanhe.down = False
    kanhe.outcomes["payment.attempted"] = lambda event: (
        "deny" if event["order"] == waiting[0].number else "allow"
    )
    call_command("kanhe_settle", verbosity=0)
    for order in waiting:
        order.refresh_from_db()
    assert [one.status for one in waiting] == ["Cancelled", "Paid"]
    assert len({one["id"] for one in kanhe.of("payment.attempted")}) == 2


def test_what_was_said_of_a_declined_attempt_condemns_no_later_one(
    buyer: Any, kanhe: FakeKanhe
) -> None:
    """A verdict about an attempt that became no order is noted, and ends with that attempt."""
    from kanhe.connect.oscar import holding
    from kanhe.connect.oscar.models import GuardedOrder

    kanhe.outcomes["payment.attempted"] = "review"
    ada = buyer()
    ada.put()
    ada.to_payment()
    ada.pay("4000000000009995")
    number = kanhe.of("payment.attempted")[-1]["order"]
    assert holding.resolve([f"pay-{number}-1"], "fraud") == 0
    assert GuardedOrder.objects.get(order_number=number).verdict == "fraud"
    kanhe.outcomes["payment.attempted"] = "allow"
    ada.pay()
    assert ada.order().status == "Paid"


def test_a_verdict_that_is_faster_than_the_order_counts(
    buyer: Any, kanhe: FakeKanhe, gateway: str
) -> None:
    """The desk may decide while the order is being placed: it is cancelled as soon as it is there."""
    from oscar.apps.order.signals import order_placed

    from kanhe.connect.oscar import holding
    from kanhe.connect.oscar.models import GuardedOrder

    kanhe.outcomes["payment.attempted"] = "review"
    ada = buyer()
    ada.put()
    ada.to_payment()

    def faster(sender: Any, order: Any, **_: Any) -> None:
        row = GuardedOrder.objects.get(order_number=order.number)
        row.verdict = "fraud"
        row.save()

    order_placed.connect(faster)
    try:
        ada.pay()
    finally:
        order_placed.disconnect(faster)
    assert ada.order().status == "Cancelled"
    assert captured(gateway, ada.order().number) == [("voided", 3290)]
    assert holding.settle_all() == 0
