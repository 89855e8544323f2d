"""The gate at the login: no session before the answer, by whichever door."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.connect.oscar.fake_kanhe import CODE, FakeKanhe

PASSWORD = "a-long-and-honest-one"


@pytest.fixture
def known(buyer: Any) -> Any:
    """Somebody with an account, and nobody signed in."""
    ada = buyer(account=True)
    ada.browser = Client()
    return ada


def sign_in(browser: Client, mail: str, password: str = PASSWORD, **more: str) -> Any:
    """Send the form of the account page."""
    form = {"login-username": mail, "login-password": password, "login_submit": "1", **more}
    return browser.post("/accounts/login/", form)


def is_in(browser: Client) -> bool:
    """Whether somebody is signed in."""
    return "_auth_user_id" in browser.session


def test_allowed_is_let_in_and_told(known: Any, kanhe: FakeKanhe) -> None:
    """One event, with the account, the device and the address, and no session's key in it."""
    assert sign_in(known.browser, known.mail).status_code == 302
    assert is_in(known.browser)
    (event,) = kanhe.of("account.login")
    assert event["user"] == f"u-{known.user.pk}"
    assert event["ip"] == "127.0.0.1"
    assert event["device"].startswith("dv-")
    assert known.browser.session.session_key not in str(event)


@pytest.mark.parametrize("outcome", ["deny", "challenge", "review"])
@pytest.mark.parametrize("door", ["account", "checkout", "dashboard"])
def test_no_door_hands_over_a_session(
    known: Any, kanhe: FakeKanhe, outcome: str, door: str
) -> None:
    """A right password alone opens none of them, where Kanhe says otherwise."""
    kanhe.outcomes["account.login"] = outcome
    browser = known.browser
    if door == "account":
        answer = sign_in(browser, known.mail)
    elif door == "checkout":
        known.put()
        form = {"username": known.mail, "password": PASSWORD, "options": "existing"}
        answer = browser.post("/checkout/", form)
    else:
        answer = browser.post("/dashboard/login/", {"username": known.mail, "password": PASSWORD})
    assert not is_in(browser)
    assert len(kanhe.of("account.login")) == 1
    if outcome == "deny":
        assert answer.status_code == 200, "to whoever tries it is a wrong password"
        (failed,) = kanhe.of("account.login_failed")
        assert failed["login_failure"] == "blocked"
    else:
        assert (answer.status_code, answer["Location"]) == (302, "/kanhe/sign-in/")


def test_a_second_factor_lets_them_in_where_they_wanted_to_go(known: Any, kanhe: FakeKanhe) -> None:
    """A wrong code does not; the right one does, and the basket from before is there."""
    kanhe.outcomes["account.login"] = "challenge"
    browser = known.browser
    known.put()
    answer = sign_in(browser, known.mail, **{"login-redirect_url": "/accounts/orders/"})
    key = browser.session.session_key
    assert "is you" in browser.get(answer["Location"]).content.decode()
    assert (
        browser.post("/kanhe/sign-in/", {"kanhe_code": "000000"})["Location"] == "/kanhe/sign-in/"
    )
    assert not is_in(browser)
    answer = browser.post("/kanhe/sign-in/", {"kanhe_code": CODE})
    assert answer["Location"] == "/accounts/orders/"
    assert is_in(browser)
    assert browser.session.session_key != key
    assert [one["user"] for one in kanhe.redeemed] == [f"u-{known.user.pk}"]
    assert {one["purpose"] for one in kanhe.asked} == {"login"}
    assert browser.get("/basket/").context["basket"].num_items == 1
    assert browser.post("/kanhe/sign-in/", {"kanhe_code": CODE})["Location"] == "/accounts/login/"


def test_where_to_go_on_is_in_this_shop(known: Any, kanhe: FakeKanhe) -> None:
    """A form that was tampered with leads nowhere else."""
    kanhe.outcomes["account.login"] = "challenge"
    sign_in(known.browser, known.mail, next="https://elsewhere.example/")
    answer = known.browser.post("/kanhe/sign-in/", {"kanhe_code": CODE})
    assert answer["Location"] == "/accounts/"


def test_a_device_that_failed_is_asked_again(known: Any, kanhe: FakeKanhe) -> None:
    """Whoever knew the password and not the second factor is not trusted by waiting."""
    kanhe.outcomes["account.login"] = "challenge"
    kanhe.attempts = 2
    sign_in(known.browser, known.mail)
    for _ in range(2):
        answer = known.browser.post("/kanhe/sign-in/", {"kanhe_code": "000000"})
    assert answer["Location"] == "/accounts/login/"
    failed = kanhe.of("account.login_failed")
    assert [one["login_failure"] for one in failed] == ["second_factor_failed"]
    kanhe.outcomes["account.login"] = "allow"
    assert sign_in(known.browser, known.mail)["Location"] == "/kanhe/sign-in/"
    known.browser.post("/kanhe/sign-in/", {"kanhe_code": CODE})
    assert is_in(known.browser)
    known.browser.logout()
    sign_in(known.browser, known.mail)
    assert is_in(known.browser), "once shown, it is a device like any other"


def test_a_denied_login_looks_like_a_wrong_password(known: Any, kanhe: FakeKanhe) -> None:
    """Nobody learns by it which passwords are right."""
    import re

    kanhe.outcomes["account.login"] = "deny"
    pages = []
    for password in (PASSWORD, "a-wrong-one"):
        answer = sign_in(known.browser, known.mail, password)
        text = re.sub(r'(csrfmiddlewaretoken" value|value)="[^"]*"', "", answer.content.decode())
        pages.append((answer.status_code, text))
    assert pages[0] == pages[1]


def test_a_thief_who_forgets_a_cookie_is_asked_all_the_same(known: Any, kanhe: FakeKanhe) -> None:
    """While somebody knows the password and no second factor, every device that has shown none is asked."""
    kanhe.outcomes["account.login"] = "challenge"
    sign_in(known.browser, known.mail)
    kanhe.outcomes["account.login"] = "allow"
    fresh = Client()
    assert sign_in(fresh, known.mail)["Location"] == "/kanhe/sign-in/"
    assert not is_in(fresh)


def test_a_password_that_changed_meanwhile_ends_it(known: Any, kanhe: FakeKanhe) -> None:
    """Half a login of before is worth nothing once the owner has taken the account back."""
    kanhe.outcomes["account.login"] = "challenge"
    sign_in(known.browser, known.mail)
    known.user.set_password("another-one-altogether")
    known.user.save()
    answer = known.browser.post("/kanhe/sign-in/", {"kanhe_code": CODE})
    assert answer["Location"] == "/accounts/login/"
    assert not is_in(known.browser)
    assert kanhe.confirms == []


def test_nobody_to_ask_means_no_session(known: Any, kanhe: FakeKanhe) -> None:
    """A login that has to be proved is not let through because proving it is impossible."""
    kanhe.outcomes["account.login"] = "challenge"
    kanhe.no_step_up = True
    answer = sign_in(known.browser, known.mail)
    assert "could not sign you in" in known.told(answer)
    assert not is_in(known.browser)


def test_people_sign_in_while_kanhe_is_down(known: Any, kanhe: FakeKanhe) -> None:
    """The declared fallback lets them in."""
    kanhe.down = True
    sign_in(known.browser, known.mail)
    assert is_in(known.browser)


def test_what_failed_is_told_without_the_password(known: Any, kanhe: FakeKanhe) -> None:
    """A wrong password and an unknown account: each is told as what it is."""
    sign_in(known.browser, known.mail, "a-wrong-one")
    sign_in(known.browser, "nobody@example.com", "a-wrong-one")
    failed = kanhe.of("account.login_failed")
    assert [one["login_failure"] for one in failed] == [
        "wrong_password", "unknown_account",
    ]  # fmt: skip
    assert [one.get("user") for one in failed] == [f"u-{known.user.pk}", None]
    assert "a-wrong-one" not in str(kanhe.events)


def test_a_denied_sign_up_leaves_no_account_that_works(buyer: Any, kanhe: FakeKanhe) -> None:
    """It is told, nobody is signed in, and its password opens nothing."""
    kanhe.outcomes["account.registered"] = "deny"
    browser, mail = Client(), "fresh@example.com"
    form = {
        "registration-email": mail, "registration-password1": PASSWORD,
        "registration-password2": PASSWORD, "registration_submit": "1",
    }  # fmt: skip
    answer = browser.post("/accounts/login/", form)
    assert answer["Location"] == "/accounts/login/"
    assert not is_in(browser)
    sign_in(browser, mail)
    assert not is_in(browser)
    (event,) = kanhe.of("account.registered")
    assert event["email"] == mail


def test_a_sign_up_is_told_once(buyer: Any, kanhe: FakeKanhe) -> None:
    """Oscar signs a new account in by itself: that is no login anybody has to judge."""
    browser = Client()
    form = {
        "registration-email": "newcomer@example.com", "registration-password1": PASSWORD,
        "registration-password2": PASSWORD, "registration_submit": "1",
    }  # fmt: skip
    browser.post("/accounts/login/", form)
    assert is_in(browser)
    assert [one["type"] for one in kanhe.events] == ["account.registered"]


def test_changes_of_an_account_are_told(known: Any, kanhe: FakeKanhe) -> None:
    """Password and address are; signing in, which may rewrite a password's hash, is not a change."""
    sign_in(known.browser, known.mail)
    form = {
        "old_password": PASSWORD, "new_password1": "quite-another-1", "new_password2": "quite-another-1",
    }  # fmt: skip
    assert known.browser.post("/accounts/change-password/", form).status_code == 302
    (changed,) = kanhe.of("account.password_changed")
    assert changed["password_method"] == "old_password"
    profile = {"first_name": "Ada", "last_name": "Byron", "email": known.mail}
    known.browser.post("/accounts/profile/edit/", profile)
    assert [one["changed"] for one in kanhe.of("account.profile_changed")] == ["name"]
    moved = profile | {"email": "moved@example.com", "password": "quite-another-1"}
    known.browser.post("/accounts/profile/edit/", moved)
    changes = kanhe.of("account.profile_changed")
    assert [one["changed"] for one in changes] == ["name", "email"]
    assert changes[-1]["email"] == "moved@example.com"
