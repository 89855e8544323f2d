"""The gate at the payment step: what each answer brings about, and what goes wrong in between."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from kanhe.connect.oscar.connection import client
from tests.connect.oscar.fake_kanhe import CODE, FakeKanhe


def captured(gateway: str, number: str) -> list[tuple[str, int]]:
    """What the gateway knows of an order: the state and amount of each payment."""
    answer = httpx.get(f"{gateway}/v1/orders/{number}", headers={"authorization": "Bearer sk_test"})
    return [(one["status"], one["amount_minor"]) for one in answer.json()["payments"]]


def test_an_honest_guest_notices_nothing(
    buyer: Any, kanhe: FakeKanhe, gateway: str, shop: Path
) -> None:
    """Allowed, an order is paid and captured at once, and each step is told once, about one visit."""
    ada = buyer()
    ada.put()
    ada.to_payment()
    answer = ada.pay()
    assert answer["Location"] == "/checkout/thank-you/"
    order = ada.order()
    assert order.status == "Paid"
    assert captured(gateway, order.number) == [("captured", 3290)]
    assert client().flush(10)
    assert sorted(one["type"] for one in kanhe.events) == [
        "cart.changed", "order.placed", "payment.attempted", "payment.authorized", "payment.captured",
    ]  # fmt: skip
    attempt, placed = kanhe.of("payment.attempted")[0], kanhe.of("order.placed")[0]
    assert attempt["order"] == placed["order"] == order.number
    assert (attempt["amount_minor"], attempt["currency"]) == (3290, "EUR")
    assert attempt["device"] == placed["device"]
    assert attempt["card"] == placed["card"]
    assert attempt["session"] == placed["session"]
    assert attempt["is_guest"] is True
    assert "user" not in attempt


def test_no_card_number_reaches_kanhe_the_tables_or_the_log(
    buyer: Any, kanhe: FakeKanhe, shop: Path
) -> None:
    """The shop knows a token and a fingerprint; the number is in nothing that it or Kanhe keeps."""
    ada = buyer()
    ada.put()
    ada.to_payment()
    ada.pay("4000000760000002")
    assert ada.order().status == "Paid"
    assert "4000000760000002" not in str(kanhe.events)
    for file in shop.rglob("*"):
        if file.is_file():
            assert b"4000000760000002" not in file.read_bytes(), file


def test_denied_keeps_the_basket_and_tells_no_rules(
    buyer: Any, kanhe: FakeKanhe, gateway: str
) -> None:
    """Nothing is authorised, the basket is as it was, and the words are kind, in both languages."""
    kanhe.outcomes["payment.attempted"] = "deny"
    for language, words in (("en", "could not be accepted"), ("zh-hans", "抱歉")):
        ada = buyer(language=language)
        ada.put(quantity=2)
        ada.to_payment()
        answer = ada.pay()
        assert answer.status_code == 200
        assert words in ada.told(answer)
        assert ada.order() is None
        assert ada.basket().num_items == 2
        assert captured(gateway, kanhe.of("payment.attempted")[-1]["order"]) == []


def test_what_the_bank_declines_is_told_and_may_be_tried_again(
    buyer: Any, kanhe: FakeKanhe
) -> None:
    """Each attempt has an id and a number of its own; the reason is the registry's."""
    ada = buyer()
    ada.put()
    ada.to_payment()
    for card in ("4000000000009995", "4000000000009979"):
        assert ada.order() is None
        ada.pay(card)
    assert ada.pay().status_code == 302
    declined = kanhe.of("payment.declined")
    assert [one["decline_reason"] for one in declined] == ["insufficient_funds", "stolen_card"]
    attempts = kanhe.of("payment.attempted")
    assert [one["attempt_no"] for one in attempts] == [1, 2, 3]
    assert len({one["id"] for one in attempts + declined}) == 5
    assert len({one["card"] for one in attempts}) == 3
    assert len({one["order"] for one in attempts}) == 1


def test_challenged_pays_after_a_second_factor_only(
    buyer: Any, kanhe: FakeKanhe, gateway: str
) -> None:
    """A wrong code asks again, the right one pays; what was confirmed is redeemed once, for that payment."""
    kanhe.outcomes["payment.attempted"] = "challenge"
    ada = buyer(account=True)
    ada.put()
    ada.to_payment()
    answer = ada.pay()
    assert answer["Location"] == "/kanhe/confirm/"
    assert "32.90" in ada.browser.get("/kanhe/confirm/").content.decode()
    assert ada.confirm("000000")["Location"] == "/kanhe/confirm/"
    assert ada.order() is None
    number = kanhe.of("payment.attempted")[0]["order"]
    assert captured(gateway, number) == []
    assert ada.confirm(CODE)["Location"] == "/checkout/thank-you/"
    assert ada.order().status == "Paid"
    assert captured(gateway, number) == [("captured", 3290)]
    assert len(kanhe.of("payment.attempted")) == 1
    assert [one["order"] for one in kanhe.redeemed] == [number]
    asked = kanhe.asked[0]
    assert (asked["user"], asked["payee"], asked["amount_minor"], asked["currency"], asked["decision_id"]) == (
        f"u-{ada.user.pk}", "Haishi", 3290, "EUR", f"d-pay-{number}-1",
    )  # fmt: skip


def test_too_many_wrong_codes_end_it(buyer: Any, kanhe: FakeKanhe) -> None:
    """After the last attempt the basket is open, nothing is charged, and the old answer is worth nothing."""
    kanhe.outcomes["payment.attempted"] = "challenge"
    kanhe.attempts = 2
    ada = buyer(account=True)
    ada.put()
    ada.to_payment()
    ada.pay()
    ada.confirm("000000")
    assert "not confirmed" in ada.told(ada.confirm("000001"))
    assert ada.order() is None
    assert ada.basket().num_items == 1
    assert ada.browser.get("/kanhe/confirm/").status_code == 302


def test_a_basket_that_changed_is_asked_about_anew(buyer: Any, kanhe: FakeKanhe) -> None:
    """A code for one amount confirms no other, however right it is."""
    kanhe.outcomes["payment.attempted"] = "challenge"
    ada = buyer(account=True)
    ada.put()
    ada.to_payment()
    ada.pay()
    page = ada.browser.get("/kanhe/confirm/")
    ada.put("HS-202")
    answer = ada.place(page.context["fields"]["card_token"], kanhe_code=CODE)
    assert answer["Location"] == "/kanhe/confirm/"
    assert ada.order() is None
    assert kanhe.confirms == []
    assert [one["amount_minor"] for one in kanhe.asked] == [3290, 15700]
    assert ada.confirm(CODE)["Location"] == "/checkout/thank-you/"


def test_another_card_is_asked_about_anew(buyer: Any, kanhe: FakeKanhe) -> None:
    """What one card was confirmed for, another one is not."""
    kanhe.outcomes["payment.attempted"] = "challenge"
    ada = buyer(account=True)
    ada.put()
    ada.to_payment()
    ada.pay()
    answer = ada.place(ada.token("5555555555554444"), kanhe_code=CODE)
    assert answer["Location"] == "/kanhe/confirm/"
    assert kanhe.confirms == []
    assert ada.order() is None


def test_another_address_is_asked_about_anew(buyer: Any, kanhe: FakeKanhe) -> None:
    """Whoever confirmed a parcel to one place has confirmed none to another."""
    kanhe.outcomes["payment.attempted"] = "challenge"
    ada = buyer(account=True)
    ada.put()
    ada.to_payment()
    ada.pay()
    token = ada.browser.get("/kanhe/confirm/").context["fields"]["card_token"]
    where = {
        "first_name": "Eve", "last_name": "Drop", "line1": "Elsewhere 9", "line4": "Wien",
        "postcode": "1010", "country": "AT", "phone_number": "", "notes": "",
    }  # fmt: skip
    ada.browser.post("/checkout/shipping-address/", where)
    ada.browser.post("/checkout/shipping-method/", {"method_code": "standard"})
    assert ada.place(token, kanhe_code=CODE)["Location"] == "/kanhe/confirm/"
    assert kanhe.confirms == []
    assert len({one["address"] for one in kanhe.of("payment.attempted")}) == 2


@pytest.mark.parametrize("changed", ["email", "factor"])
def test_what_came_to_the_account_just_now_confirms_no_payment(
    buyer: Any, kanhe: FakeKanhe, changed: str
) -> None:
    """A thief in a session could give the account an address or an app of their own: a person looks."""
    from kanhe.connect.oscar.models import AccountChange

    kanhe.outcomes["payment.attempted"] = "challenge"
    kanhe.methods = ["mail"] if changed == "email" else ["totp"]
    ada = buyer(account=True)
    if changed == "email":
        profile = {"first_name": "", "last_name": "", "email": f"eve-{ada.mail}"}
        ada.browser.post("/accounts/profile/edit/", profile | {"password": "a-long-and-honest-one"})
    else:
        AccountChange.objects.create(user=f"u-{ada.user.pk}", what="factor")
    ada.put()
    ada.to_payment()
    assert ada.pay()["Location"] == "/checkout/thank-you/"
    assert ada.order().status == "Held for review"


def test_a_lost_session_confirms_nothing(buyer: Any, kanhe: FakeKanhe) -> None:
    """A right code without the session it was asked in leads back, and no order is placed."""
    kanhe.outcomes["payment.attempted"] = "challenge"
    ada = buyer(account=True)
    ada.put()
    ada.to_payment()
    ada.pay()
    token = ada.browser.get("/kanhe/confirm/").context["fields"]["card_token"]
    del ada.browser.cookies["sessionid"]
    assert ada.place(token, kanhe_code=CODE).status_code == 302
    assert ada.order() is None
    assert kanhe.redeemed == []


def test_who_cannot_be_asked_is_held_or_whatever_was_declared(
    buyer: Any, kanhe: FakeKanhe, configured: Any, gateway: str
) -> None:
    """Without a second factor to ask for, the shop's own setting decides."""
    kanhe.outcomes["payment.attempted"] = "challenge"
    kanhe.methods = []
    for declared, status in (("hold", "Held for review"), ("allow", "Paid"), ("deny", None)):
        configured(unconfirmable=declared)
        ada = buyer()
        ada.put()
        ada.to_payment()
        ada.pay()
        order = ada.order()
        assert (order.status if order else None) == status, declared
        if declared == "hold":
            assert captured(gateway, order.number) == [("authorized", 3290)]


def test_the_shop_sells_on_while_kanhe_is_down(
    buyer: Any, kanhe: FakeKanhe, configured: Any, gateway: str
) -> None:
    """The declared fallback is the answer, and what could not be told waits and arrives."""
    kanhe.down = True
    ada = buyer()
    ada.put()
    ada.to_payment()
    ada.pay()
    assert ada.order().status == "Paid"
    configured(fallback={"payment.attempted": "hold", "*": "allow"})
    bob = buyer()
    bob.put()
    bob.to_payment()
    bob.pay()
    assert bob.order().status == "Held for review"
    assert captured(gateway, bob.order().number) == [("authorized", 3290)]
    kanhe.down = False
    assert client().flush(10)
    orders = [one["order"] for one in kanhe.of("order.placed")]
    assert orders == [ada.order().number, bob.order().number]


def test_what_is_refused_for_what_was_typed_is_judged_without_it(
    buyer: Any, kanhe: FakeKanhe
) -> None:
    """Nobody gets past the rules by typing what Kanhe does not take."""
    kanhe.outcomes["payment.attempted"] = "deny"
    ada = buyer()
    ada.mail = '"a@b"@example.com'
    ada.put()
    ada.to_payment()
    ada.pay()
    kanhe.no_email = True
    bob = buyer()
    bob.put()
    bob.to_payment()
    bob.pay()
    assert (ada.order(), bob.order()) == (None, None)
    asked = kanhe.of("payment.attempted")
    assert ["email" in one for one in asked] == [False, False]
    assert all(one["card"] and one["device"] for one in asked)


def test_an_event_that_kanhe_refuses_breaks_nothing(
    buyer: Any, kanhe: FakeKanhe, caplog: Any, gateway: str
) -> None:
    """It is logged, the checkout goes on, and a person looks: a refusal allows nothing, nor does time."""
    from django.core.management import call_command

    kanhe.refused = {"payment.attempted", "order.placed", "cart.changed", "payment.authorized"}
    ada = buyer()
    ada.put()
    ada.to_payment()
    ada.pay()
    assert ada.order().status == "Held for review"
    assert "Kanhe refuses payment.attempted" in caplog.text
    kanhe.refused = set()
    call_command("kanhe_settle", verbosity=0)
    assert ada.order().status == "Held for review"
    assert captured(gateway, ada.order().number) == [("authorized", 3290)]


def test_a_second_click_and_a_second_tab_get_the_first_order(
    buyer: Any, kanhe: FakeKanhe, gateway: str
) -> None:
    """Two requests that submit one basket at once make one order and one payment, and both show it."""
    from django.db import connections
    from django.test import Client
    from oscar.apps.order.models import Order

    ada = buyer(account=True)
    ada.put()
    ada.to_payment()
    token = ada.token()
    kanhe.slow_s = 0.15
    tabs = [ada.browser, Client()]
    tabs[1].cookies = ada.browser.cookies.copy()
    answers: list[Any] = []

    def press(tab: Client) -> None:
        said = {"action": "place_order", "card_token": token, "card_shown": "visa"}
        answers.append(tab.post("/checkout/preview/", said))
        connections.close_all()

    threads = [threading.Thread(target=press, args=(tab,)) for tab in tabs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [one["Location"] for one in answers] == ["/checkout/thank-you/"] * 2
    assert Order.objects.filter(user=ada.user).count() == 1
    assert captured(gateway, ada.order().number) == [("captured", 3290)]
    assert len(kanhe.of("payment.attempted")) == len(kanhe.of("order.placed")) == 1
