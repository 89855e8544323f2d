"""Keys and webhooks in a real browser: a key is made and revoked, a webhook made, tried and given a new
secret, with what is shown once shown once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kanhe.app.console import Services
from kanhe.stores.http.webhook_sender import Outcome
from tests.browser.conftest import Visiting
from tests.browser.served import Served
from tests.console.doors import Door, person

ALL = ("settings.read", "keys.manage", "webhooks.manage")


@pytest.fixture
def services(served: Served) -> Iterator[Services]:
    """The desk with somebody who looks after settings in each language."""
    before, send = served.services.staffing, served.services.outgoing.webhook_delivery._send
    served.services.staffing = Door(  # type: ignore[assignment]  # stands in for the real one
        out_en=person("Ana Lindqvist", *ALL, tenant="shop"),
        out_zh=person("李雷", *ALL, language="zh_CN", theme="dark", tenant="shop"),
    )
    yield served.services
    served.services.staffing = before
    served.services.outgoing.webhook_delivery._send = send


def test_keys_and_webhooks(visiting: Visiting, services: Services) -> None:
    """The whole way, in English, with axe on each page."""
    visit = visiting("out_en")
    page = visit.go("/settings/keys")
    page.get_by_role("link", name="New key").click()
    visit.accessible()
    page.get_by_label("Name").fill("Checkout")
    page.get_by_role("button", name="Make the key").click()
    token = page.locator("#secret").inner_text()
    visit.accessible()
    page.get_by_role("link", name="I have kept it").click()
    assert token.startswith("kanhe_") and token not in page.content()
    page.get_by_role("button", name="Revoke Checkout").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.get_by_text("Revoked", exact=True).wait_for()
    visit.accessible()

    services.outgoing.webhook_delivery._send = lambda *asked: Outcome(202, 7, b"thanks")
    visit.go("/settings/webhooks/new")
    page.get_by_label("Address").fill("https://127.0.0.1/")
    page.get_by_label("A case was opened case.opened").check()
    page.get_by_role("button", name="Make the webhook").click()
    visit.expect_error("422")
    assert "private network" in page.locator("#wrong-url").inner_text()
    page.get_by_label("Address").fill("https://hooks.shop.example/in")
    page.get_by_role("button", name="Make the webhook").click()
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("whsec_")
    page.get_by_role("link", name="I have kept it").click()
    page.get_by_role("button", name="New secret").click()
    page.get_by_role("button", name="Make a new secret").click()
    assert page.locator("#secret").inner_text() not in ("", secret)
    page.get_by_role("link", name="I have kept it").click()
    visit.accessible()
    page.get_by_role("button", name="Send a test").click()
    page.get_by_text("webhook.test").first.wait_for()
    for _ in range(50):
        if page.get_by_text("thanks").count():
            break
        page.wait_for_timeout(200)
        page.reload()
    assert page.get_by_text("202", exact=True).count() == 1
    visit.accessible()


def test_settings_in_chinese_and_dark(visiting: Visiting, services: Services) -> None:
    """The same pages for others, and nothing on them breaks a rule."""
    visit = visiting("out_zh", language="zh-CN", theme="dark")
    for path, said in (
        ("/settings/keys", "API 密钥"), ("/settings/webhooks", "Webhook"),
        ("/settings/notifications", "邮件通知"), ("/settings/undelivered", "未送达"),
    ):  # fmt: skip
        assert said in visit.go(path).inner_text("main")
        visit.accessible()
