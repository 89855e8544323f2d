"""One shop, four visitors, and what the desk sees of them: an honest buyer, a card tester, a thief, and
one who asks his money back too often.

The tests are one story and follow each other. They use the starter pack as it is shipped.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from kanhe.app.ledger import Ledger
from kanhe.core.settings import Settings
from kanhe.record.log import verify

GOOD = "4242 4242 4242 4242"
BAD = ("4000 0000 0000 0002", "4000 0000 0000 9995", "4000 0000 0000 9987")
MORE = ("4000 0000 0000 0069", "4000 0000 0000 0119", "6200 0000 0000 0005")
PASSWORD = "jasmine-2-pearls"


class Visitor:
    """Somebody with a browser of their own, which is a device of its own."""

    def __init__(self, chromium: Browser, running: Any, locale: str = "en-GB") -> None:
        self.url: str = running.shop_url
        self.context = chromium.new_context(locale=locale, viewport={"width": 1280, "height": 900})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.seen: list[str] = []
        self.wrong: list[str] = []
        self.page.on("framenavigated", lambda frame: self.seen.append(frame.url))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("response", self._answered)

    def _answered(self, response: Any) -> None:
        if response.status >= 500 or (response.status >= 400 and response.status not in (402, 422)):
            self.wrong.append(f"{response.status} {response.url}")

    def sign_in(self, mail: str, password: str = PASSWORD) -> None:
        """Send the form."""
        self.page.goto(f"{self.url}/accounts/login/")
        self.page.fill("#id_login-username", mail)
        self.page.fill("#id_login-password", password)
        self.page.click("[name=login_submit]")

    def put(self, name: str) -> None:
        """Put something into the basket."""
        self.page.goto(f"{self.url}/catalogue/")
        self.page.locator(".product_pod", has_text=name).locator("form button").click()

    def guest_to_card(self, mail: str) -> None:
        """As a guest, as far as the card."""
        page = self.page
        page.goto(f"{self.url}/checkout/")
        page.fill("#id_username", mail)
        page.locator("input[type=radio][value=anonymous]").check()
        page.locator("form button[type=submit]").last.click()
        where = {
            "first_name": "John", "last_name": "Smith", "line1": "Hafen 1", "line4": "Hamburg",
            "postcode": "20457",
        }  # fmt: skip
        for name, value in where.items():
            page.fill(f"#id_{name}", value)
        page.select_option("#id_country", "DE")
        page.locator("form#new_shipping_address button[type=submit]").click()
        page.locator("form button[type=submit]").first.click()
        page.wait_for_url("**/payment-details/")

    def to_card(self) -> None:
        """Signed in, with the address that is known, as far as the card."""
        self.page.goto(f"{self.url}/checkout/")
        self.page.get_by_role("button", name="Ship to").first.click()
        self.page.locator("form button[type=submit]").first.click()
        self.page.wait_for_url("**/payment-details/")

    def card(self, number: str) -> None:
        """Type a card into the gateway's frame, and place the order."""
        frame = self.page.frame_locator("#card-frame")
        frame.locator("[name=number]").fill(number)
        frame.locator("[name=expiry]").fill("12/39")
        frame.locator("[name=cvc]").fill("123")
        self.page.click("#card-continue")
        self.page.click("#place-order")

    def settled(self) -> None:
        """Nothing broke on the way."""
        assert self.wrong == []
        self.context.close()


@pytest.fixture
def visitor(chromium: Browser, running: Any) -> Iterator[Any]:
    """`visitor()` gives somebody new."""
    made: list[Visitor] = []

    def make(**how: Any) -> Visitor:
        made.append(Visitor(chromium, running, **how))
        return made[-1]

    yield make
    for one in made:
        one.settled()


def rows(running: Any, sql: str, *values: Any) -> list[Any]:
    """What the shop's own tables hold."""
    with closing(sqlite3.connect(running.data / "shop" / "shop.db")) as db:
        return db.execute(sql, values).fetchall()


def orders_of(running: Any, mail: str) -> list[Any]:
    """The orders of a buyer since the story began: number and status."""
    return rows(
        running,
        "SELECT number, status FROM order_order o LEFT JOIN auth_user u ON u.id = o.user_id"
        " WHERE (u.email = ? OR guest_email = ?) AND o.basket_id IS NOT NULL ORDER BY o.id",
        mail, mail,
    )  # fmt: skip


def test_an_honest_buyer_notices_nothing(visitor: Any, running: Any) -> None:
    """She buys as in any shop: no question on the way, and her card is charged at once."""
    mei = visitor()
    mei.sign_in("mei@example.com")
    mei.put("West Lake Longjing")
    mei.to_card()
    mei.card(GOOD)
    expect(mei.page).to_have_url(re.compile("/checkout/thank-you/"))
    expect(mei.page.locator("#order-held")).to_have_count(0)
    assert not [url for url in mei.seen if "/kanhe/" in url]
    (order,) = orders_of(running, "mei@example.com")
    assert order[1] == "Paid"
    key = {"authorization": f"Bearer {running.gateway_env['GATEWAY_SECRET_KEY']}"}
    paid = httpx.get(f"{running.gateway_url}/v1/orders/{order[0]}", headers=key).json()["payments"]
    assert [(one["status"], one["captured_minor"]) for one in paid] == [("captured", 3290)]


def test_a_card_tester_is_denied_after_a_few(visitor: Any, running: Any) -> None:
    """One card after the other: the bank says no, then a second factor is asked for, then it is over. The
    basket is kept, and what is said tells nothing of the rules."""
    tester = visitor()
    tester.put("Bamboo whisk")
    tester.guest_to_card("john8841@example.net")
    for number in BAD:
        tester.card(number)
        expect(tester.page.locator(".alert-danger")).to_contain_text("bank")
    denied = False
    for number in MORE:
        tester.card(number)
        tester.page.wait_for_load_state()
        if "/kanhe/confirm/" in tester.page.url:
            expect(tester.page.locator(".kanhe-payment")).to_contain_text("€20.90")
            tester.page.goto(f"{tester.url}/checkout/payment-details/")
            continue
        text = tester.page.locator(".alert-danger").inner_text()
        if denied := "could not be accepted" in text:
            assert not re.search(r"card test|device|score|rule|\d", text)
            break
    assert denied
    assert orders_of(running, "john8841@example.net") == []
    tester.page.goto(f"{tester.url}/basket/")
    expect(tester.page.locator(".basket-items")).to_have_count(1)


def test_a_stolen_account_ends_at_the_second_factor(visitor: Any, running: Any) -> None:
    """Guessing the password helps nobody: the new device is challenged, fails, and has no session. The
    owner, with their app, comes in on a new device."""
    thief = visitor(locale="zh-CN")
    for guess in ("anton123", "wien2020", "weiss1", "password"):
        thief.sign_in("anton@example.com", guess)
    thief.sign_in("anton@example.com")
    expect(thief.page).to_have_url(re.compile("/kanhe/sign-in/"))
    expect(thief.page.locator("h1")).to_have_text("请确认是您本人")
    for _ in range(5):
        thief.page.fill("#kanhe_code", "000000")
        thief.page.click("#kanhe_answer button[type=submit]")
    expect(thief.page).to_have_url(re.compile("/accounts/login/"))
    thief.page.goto(f"{thief.url}/accounts/orders/")
    expect(thief.page).to_have_url(re.compile(r"/accounts/login/\?next="))
    assert orders_of(running, "anton@example.com") == []
    anton = visitor()
    anton.sign_in("anton@example.com")
    expect(anton.page).to_have_url(re.compile("/kanhe/sign-in/"))
    anton.page.fill("#kanhe_code", pyotp.TOTP(running.apps["stolen"]).now())
    anton.page.click("#kanhe_answer button[type=submit]")
    expect(anton.page.locator("#logout_link")).to_be_visible()


def test_a_refund_abuser_waits_for_the_desk(visitor: Any, running: Any) -> None:
    """The third parcel that is said to be lost is not paid back by a machine."""
    ray = visitor()
    ray.sign_in("ray@example.com")
    ray.page.goto(f"{ray.url}/accounts/orders/refunds-5/refund/")
    ray.page.select_option("#id_reason", "not_received")
    ray.page.click("#ask-refund")
    expect(ray.page.locator("#refund-state")).to_have_attribute("data-state", "held")


def test_the_desk_sees_them_all_and_decides(
    chromium: Browser, visitor: Any, running: Any, tmp_path: Path
) -> None:
    """The same events, their cases and their receipts stand in the console; what is decided there reaches
    the shop."""
    context = chromium.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(running.link)
    page.get_by_role("button", name="Sign in").click()
    desk = running.console_url
    page.wait_for_url(lambda url: "/link/" not in url)
    # The decision about the honest payment, by the id that the shop has kept.
    ((handle, event),) = rows(
        running,
        "SELECT decision, payment_event FROM kanhe_oscar_guardedorder WHERE state = 'released'",
    )
    page.goto(f"{desk}/decisions/{handle}")
    expect(page.locator("main")).to_contain_text("payment.attempted")
    expect(page.locator("main")).to_contain_text(event)
    with page.expect_download() as told:
        page.get_by_role("link", name="Receipt").first.click()
    told.value.save_as(tmp_path / "receipt")
    settings = Settings(data_dir=running.kanhe_env["KANHE_DATA_DIR"])
    key = verify.read_key(str(Ledger(settings).keys.public()[0].key), verify.LOG_KEY)
    verify.verify((tmp_path / "receipt").read_bytes(), key.name, [key], [], 0)
    # The cases: whoever tested cards, whoever took the account, whoever asked for the money.
    refund = page.locator("tr[data-row]", has_text="lost, empty")
    for _ in range(40):
        page.goto(f"{desk}/queue")
        if refund.count() and page.locator("tr[data-row]").count() >= 3:
            break
        page.wait_for_timeout(500)
    expect(refund).to_have_count(1)
    expect(
        page.locator("tr[data-row]", has_text=re.compile("[Cc]ard testing|cards"))
    ).not_to_have_count(0)
    refund.locator("a").first.click()
    page.wait_for_url("**/cases/*")
    page.locator('[data-key="m"]').click()
    expect(page.locator(".case-facts")).to_contain_text("In progress")
    page.locator('[data-key="d"]').first.click()
    page.locator("dialog[open]").get_by_role("radio", name="Abuse", exact=True).check()
    page.locator("dialog[open]").get_by_role("button", name="Decide").click()
    expect(page.locator(".toast")).to_contain_text("Decided")
    ray = visitor()
    ray.sign_in("ray@example.com")
    state = ray.page.locator("#refund-state")
    for _ in range(40):
        ray.page.goto(f"{ray.url}/accounts/orders/refunds-5/")
        if state.get_attribute("data-state") != "held":
            break
        ray.page.wait_for_timeout(500)
    expect(state).to_have_attribute("data-state", "refused")
    context.close()
