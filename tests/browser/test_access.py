"""Signing in and looking after staff, in a real browser with a passkey that Chromium plays."""

from __future__ import annotations

import time
from collections.abc import Callable

import pyotp
import pytest
from playwright.sync_api import CDPSession, Page, expect

from kanhe.app.personnel import founder
from kanhe.app.staffing import Staffing
from kanhe.stores.desk.accounts import account_of_mail
from tests.browser.served import Served, Visit

Visiting = Callable[..., Visit]
PASSWORD = "pumpkin under the stairs"


def _authenticator(visit: Visit, *, verified: bool = True) -> tuple[CDPSession, str]:
    """A device with a fingerprint reader, which answers by itself."""
    session = visit.context.new_cdp_session(visit.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": verified, "automaticPresenceSimulation": True,
    }  # fmt: skip
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def _founding(served: Served) -> str:
    staffing: Staffing = served.services.staffing
    with served.services.desk.writing() as connection:
        link = staffing.personnel.founding_link_as(connection, founder("init"), "first start")
    return link.removeprefix(served.url)


def _invited(served: Served, mail: str, *roles: str) -> str:
    staffing: Staffing = served.services.staffing
    with served.services.desk.writing() as connection:
        _, link = staffing.personnel.invite_as(
            connection, founder("staff"), mail, "Ana Li 李安娜", "", roles
        )
    return link.removeprefix(served.url)


def _founded(visit: Visit, served: Served, mail: str) -> Page:
    """The first manager comes in with a passkey."""
    page = visit.go(_founding(served))
    way = page.locator("section.way").first
    way.locator("[name=name]").fill("Mia Chen 陈米雅")
    way.locator("[name=mail]").fill(mail)
    way.locator("button").click()
    page.locator("form[data-passkey] button").click()
    page.wait_for_url("**/settings/account")
    return page


def test_a_passkey_from_the_first_start_to_the_next_morning(
    visiting: Visiting, served: Served
) -> None:
    """By the link of the first start to a passkey, out, and in again with nothing but the device."""
    visit = visiting()
    _authenticator(visit)
    page = _founded(visit, served, "mia@example.com")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mia Chen 陈米雅")
    page.get_by_role("button", name="Sign out", exact=True).click()
    # The browser offers the passkey by itself, in the field for the address.
    page.wait_for_url(lambda url: not url.endswith("/sign-in"))
    visit.go("/settings/account")
    expect(page.locator(".things li")).to_have_count(1)
    # Looking with axe takes Chromium's passkeys away: it is done where none is needed any more.
    visit.accessible()
    visit.go(_founding(served))
    visit.accessible()


@pytest.mark.parametrize(("language", "theme"), [("en-GB", "light"), ("zh-CN", "dark")])
def test_a_password_and_a_code(
    visiting: Visiting, served: Served, language: str, theme: str
) -> None:
    """An invitation is accepted with password and app; then out, and in again by both, not by one."""
    visit = visiting(language=language, theme=theme)
    visit.expect_error("status of 422")
    mail = f"ana-{theme}@example.com"
    page = visit.go(_invited(served, mail, "risk_analyst"))
    page.locator("details.way summary").click()
    visit.accessible()
    app = pyotp.TOTP(page.locator(".secret code").inner_text().replace(" ", ""))
    page.locator("#f-password").fill("password123")
    page.locator("#f-code").fill(app.now())
    page.locator("details.way button.wide").click()
    expect(page.locator("details.way [role=alert]")).to_be_visible()
    visit.accessible()
    page.locator("#f-password").fill(PASSWORD)
    page.locator("#f-code").fill(app.now())
    page.locator("details.way button.wide").click()
    page.wait_for_url("**/settings/account")
    page.locator("form[action$='/recovery'] button").click()
    expect(page.locator(".codes li")).to_have_count(10)
    visit.accessible()
    visit.go("/settings/account").locator("form[action='/sign-out'] button").click()
    page.wait_for_url("**/sign-in")
    visit.accessible()
    page.locator("#f-mail").fill(mail)
    page.locator("#f-password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/second*")
    visit.accessible()
    page.locator("#f-code").fill("000000")
    page.keyboard.press("Enter")
    expect(page.locator(".notice.bad")).to_be_visible()
    # Codes are taken once: the one after the last is within the time that clocks may differ.
    page.locator("#f-code").fill(app.at(time.time() + 29))
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    visit.go("/settings/account")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ana Li 李安娜")


def test_a_passkey_without_the_person_is_refused(visiting: Visiting, served: Served) -> None:
    """A device that does not verify its owner is refused by the browser, and by us if a page lets it."""
    visit = visiting()
    visit.expect_error("status of 422")
    session, device = _authenticator(visit)
    page = _founded(visit, served, "noa@example.com")
    session.send(
        "WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": device, "enabled": False}
    )
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/sign-in")
    session.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    session.send(
        "WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": device, "enabled": True}
    )
    page.evaluate(
        """() => {
          const form = document.querySelector("form[data-passkey]");
          const asked = JSON.parse(form.dataset.options);
          form.dataset.options = JSON.stringify({...asked, userVerification: "discouraged"});
        }"""
    )
    page.locator("[data-passkey-go]").click()
    expect(page.locator(".notice.bad")).to_contain_text("fingerprint")
    assert "/sign-in" in page.url
    visit.go("/settings/account")
    assert "/sign-in" in page.url


def test_a_manager_invites_and_disables_somebody(visiting: Visiting, served: Served) -> None:
    """Inviting shows the link once; the pages of settings are accessible, and disabling ends a session."""
    visit = visiting()
    _authenticator(visit)
    page = _founded(visit, served, "ron@example.com")
    visit.go("/settings/staff")
    visit.accessible()
    page.locator("#f-name").fill("Bo Berg")
    page.locator("#f-mail").fill("bo@example.com")
    page.locator("[name=role][value=auditor]").check()
    page.get_by_role("button", name="Make the invitation").click()
    link = page.locator("#h-link ~ .secret code").inner_text()
    visit.accessible()
    for path in (
        "/settings/roles",
        "/settings/roles/new",
        "/settings/sessions",
        "/settings/account/app",
        "/confirm",
    ):
        visit.go(path)
        visit.accessible()
    other = visiting(language="zh-CN", theme="dark")
    other.expect_error("status of 404")
    _authenticator(other)
    theirs = other.go(link.removeprefix(served.url))
    theirs.locator("form[data-passkey] button").click()
    theirs.wait_for_url("**/settings/account")
    other.go("/settings/roles")
    other.accessible()
    visit.go("/settings/staff").get_by_role("link", name="Bo Berg").click()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("All their sessions have ended")).to_be_visible()
    other.go("/settings/account")
    assert "/sign-in" in theirs.url


def test_a_link_of_the_operator_signs_in_once(visiting: Visiting, served: Served) -> None:
    """It opens a page with one button, and nothing the second time."""
    staffing: Staffing = served.services.staffing
    _invited(served, "di@example.com", "auditor")
    with served.services.desk.writing() as connection:
        account = account_of_mail(connection, "di@example.com")
        assert account is not None
        link = staffing.personnel.sign_in_link_as(connection, founder("staff"), account)
    visit = visiting()
    visit.expect_error("status of 404")
    page = visit.go(link.removeprefix(served.url))
    visit.accessible()
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    page = visit.go(link.removeprefix(served.url))
    expect(page.get_by_role("heading")).to_have_text("This link opens nothing")
