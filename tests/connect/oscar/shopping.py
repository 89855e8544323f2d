"""Somebody who shops, by Django's test client: one browser with its cookies."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from oscar.apps.basket.models import Basket
from oscar.apps.catalogue.models import Product
from oscar.apps.order.models import Order

GOOD, OTHER, NO_MONEY, STOLEN = (
    "4242424242424242", "5555555555554444", "4000000000009995", "4000000000009979",
)  # fmt: skip
PASSWORD = "a-long-and-honest-one"
_number = itertools.count(1)


class Shopper:
    """One person at one browser. `account` has them sign up beforehand, without the shop's help."""

    def __init__(self, gateway: str, *, account: bool = False, language: str = "en") -> None:
        self.gateway = gateway
        self.mail = f"buyer{next(_number)}@example.com"
        self.browser = Client(headers={"accept-language": language}, raise_request_exception=True)
        self.user: User | None = None
        if account:
            self.user = User.objects.create_user(self.mail.split("@")[0], self.mail, PASSWORD)
            self.browser.force_login(self.user)

    def put(self, sku: str = "HS-101", quantity: int = 1) -> None:
        """Put something into the basket."""
        product = Product.objects.get(upc=sku)
        answer = self.browser.post(f"/basket/add/{product.pk}/", {"quantity": quantity})
        assert answer.status_code == 302

    def to_payment(self) -> None:
        """Go as far as the card form."""
        if self.user is None:
            answer = self.browser.post(
                "/checkout/", {"username": self.mail, "options": "anonymous"}
            )
            assert answer.status_code == 302, answer.content.decode()
        where = {
            "first_name": "Ada", "last_name": "Byron", "line1": "Long Lane 3", "line4": "Berlin",
            "postcode": "10435", "country": "DE", "phone_number": "", "notes": "",
        }  # fmt: skip
        answer = self.browser.post("/checkout/shipping-address/", where)
        assert answer.status_code == 302, answer.content.decode()
        answer = self.browser.post("/checkout/shipping-method/", {"method_code": "standard"})
        assert answer.status_code == 302

    def token(self, number: str = GOOD) -> str:
        """What the frame of the gateway makes of a card; no page of the shop sees the number."""
        answer = httpx.post(
            f"{self.gateway}/v1/tokens", headers={"authorization": "Bearer pk_test"},
            json={"number": number, "expiry": "12/39", "cvc": "123"},
        )  # fmt: skip
        return str(answer.json()["token"])

    def pay(self, number: str = GOOD, **more: str) -> Any:
        """Press *Place order* with this card."""
        return self.place(self.token(number), **more)

    def place(self, token: str, **more: str) -> Any:
        """Press *Place order* with this token."""
        said = {"action": "place_order", "card_token": token, "card_shown": "visa", **more}
        return self.browser.post("/checkout/preview/", said)

    def confirm(self, code: str) -> Any:
        """Answer on the page that asks for a second factor, as its form does."""
        page = self.browser.get("/kanhe/confirm/")
        assert page.status_code == 200
        return self.place(page.context["fields"]["card_token"], kanhe_code=code)

    def order(self) -> Order | None:
        """Their last order."""
        known = {"user": self.user} if self.user else {"guest_email": self.mail}
        return Order.objects.filter(**known).order_by("-pk").first()

    def basket(self) -> Basket | None:
        """The basket that is open to them now."""
        return self.browser.get("/basket/").context["basket"]

    def told(self, answer: Any) -> str:
        """What the page says to them."""
        if answer.status_code == 302:
            answer = self.browser.get(answer["Location"], follow=True)
        said = [str(one) for one in get_messages(answer.wsgi_request)]
        context = answer.context or {}
        return " ".join(
            [*said, *(str(m) for m in context.get("messages", ())), str(context.get("error", ""))]
        )
