"""The pages of access over HTTP: cookies, forms, where they lead, and who may open what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from sqlalchemy import select
from starlette.routing import Route

from kanhe.app.enrolling import Newcomer
from kanhe.app.personnel import founder
from kanhe.protect.access.permissions import NAMES, known
from kanhe.protect.access.roles import BUILT_IN
from kanhe.serve.console.frame import OPEN
from kanhe.serve.console.pages import ROUTES
from kanhe.stores.desk.outgoing import EVENTS
from tests.access.building import Browser, Building, building
from tests.access.office import PASSWORD
from tests.respond.desks import journal_of, payment, take_all

MIA, ANA = "mia@example.com", "ana@example.com"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Building]:
    """A console with somebody of each role."""
    with building(tmp_path_factory.mktemp("house")) as made:
        office = made.office
        manager = office.visitor(office.found())
        for role in BUILT_IN:
            mail = f"{role.name}@example.com"
            _, link = office.invite(manager, mail, role.name, name=role.label.en)
            office.accept_with_password(link, mail)
        yield made


def _in_as(house: Building, role: str) -> Browser:
    browser = house.browser()
    browser.come_in(house.office.sign_in(f"{role}@example.com"))
    return browser


def _cookies(answer: httpx.Response) -> dict[str, str]:
    found = answer.headers.get_list("set-cookie")
    return {one.partition("=")[0]: one for one in found}


def _at_second(house: Building, browser: Browser, path: str = "/sign-in") -> httpx.Response:
    house.office.later(30_000)
    browser.get(path)
    form = {"mail": "auditor@example.com", "password": PASSWORD, "next": browser.hidden("next")}
    return browser.post("/sign-in", form)


def _signed_in(house: Building, browser: Browser, path: str = "/sign-in") -> httpx.Response:
    answer = _at_second(house, browser, path)
    browser.get(answer.headers["location"])
    form = {"code": house.office.code("auditor@example.com"), "next": browser.hidden("next")}
    return browser.post("/sign-in/second", form)


def test_a_session_is_a_cookie_that_browsers_guard(house: Building) -> None:
    """For this host alone, over HTTPS alone, unreadable to scripts, not sent by other sites' forms."""
    answer = _signed_in(house, house.browser())
    assert answer.status_code == 303
    cookies = _cookies(answer)
    for name in ("__Host-kanhe_session", "__Host-kanhe_device"):
        parts = {part.strip().lower() for part in cookies[name].split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= parts
        assert not any(part.startswith("domain") for part in parts)
    assert "Max-Age=43200" in cookies["__Host-kanhe_session"]
    assert 'kanhe_half=""' in cookies["__Host-kanhe_half"]


def test_without_https_the_cookie_has_a_plain_name(tmp_path: Path) -> None:
    """On this machine over HTTP a prefix that promises HTTPS would be refused by browsers."""
    with building(tmp_path, "http://localhost:8081") as house:
        browser = house.browser()
        answer = browser.get("/sign-in")
        (form,) = _cookies(answer)
        assert form == "kanhe_form"
        assert "secure" not in _cookies(answer)[form].lower()


def test_a_planted_session_is_worth_nothing(house: Building) -> None:
    """What stood in the cookie before signing in is not what stands there after (fixation)."""
    browser = house.browser()
    planted = "attackers-choice"
    browser.client.cookies.set("__Host-kanhe_session", planted, domain="desk.example.com")
    _signed_in(house, browser)
    values = [c.value for c in browser.client.cookies.jar if c.name == "__Host-kanhe_session"]
    assert any(value and value != planted for value in values)
    assert house.office.staffing.visitor(planted) is None


def test_signing_out_ends_the_session_on_our_side(house: Building) -> None:
    """A copy of the cookie opens nothing after signing out."""
    browser = house.browser()
    _signed_in(house, browser)
    token = browser.client.cookies["__Host-kanhe_session"]
    browser.get("/settings/account")
    assert house.office.staffing.visitor(token)
    answer = browser.post("/sign-out")
    assert answer.headers["location"] == "/sign-in"
    assert house.office.staffing.visitor(token) is None
    thief = house.browser()
    thief.client.cookies.set("__Host-kanhe_session", token)
    assert thief.get("/settings/account").headers["location"].startswith("/sign-in")


def test_nobody_learns_who_has_an_account(tmp_path: Path) -> None:
    """The page for a wrong password is to the byte that for an address nobody has, and so is the wait."""
    with building(tmp_path) as house:
        office = house.office
        _, link = office.invite(office.visitor(office.found()), ANA, "auditor")
        office.accept_with_password(link, ANA)
        pages = []
        for mail in (ANA, "bob@example.com"):
            browser = house.browser()
            browser.client.headers["x-forwarded-for"] = "203.0.113.1"
            browser.get("/sign-in")
            told = []
            for _ in range(7):
                answer = browser.post("/sign-in", {"mail": mail, "password": "wrong " * 4})
                text = re.sub(
                    r'(csrf"[^>]*|question" |data-options=|value=")[^>]*>', "", answer.text
                )
                told.append((answer.status_code, re.sub(r"request: <code>\w+", "", text)))
            pages.append(told)
        assert pages[0] == pages[1]
        assert [status for status, _ in pages[0]] == [422] * 5 + [429] * 2


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.test/", "//evil.test", "/\\evil.test", "\\\\evil.test", "javascript:alert(1)",
        "/%0d%0aset-cookie:x=1", "https:evil.test", "/sign-in", "/first/x", "", "\t//evil.test",
        "/" + "x" * 5_000, "http://desk.example.com@evil.test/",
    ],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(house: Building, wanted: str) -> None:
    """Whatever `next` says, one stays in this console."""
    answer = _signed_in(house, house.browser(), str(httpx.URL("/sign-in", params={"next": wanted})))
    assert answer.status_code == 303
    location = answer.headers["location"]
    assert location == "/" or location.startswith("/%0d%0a")
    assert "\n" not in location


def test_signing_in_leads_to_where_one_wanted_to_go(house: Building) -> None:
    """A page that asked for a sign-in is reached after it, with its query."""
    browser = house.browser()
    turned = browser.get("/settings/staff?state=active").headers["location"]
    answer = _signed_in(house, browser, turned)
    assert answer.headers["location"] == "/settings/staff?state=active"


def test_half_a_sign_in_opens_no_page(house: Building) -> None:
    """Between password and code, every page still asks to sign in."""
    browser = house.browser()
    _at_second(house, browser)
    assert browser.get("/settings/account").headers["location"].startswith("/sign-in")
    assert browser.post("/sign-in/second", {"code": "000000"}).status_code == 422
    browser.client.cookies.delete("__Host-kanhe_half")
    assert browser.get("/sign-in/second").headers["location"].startswith("/sign-in?")


def test_a_link_is_not_used_up_by_looking(tmp_path: Path) -> None:
    """Programs that look at links in messages do not use them up; a second acceptance is told."""
    with building(tmp_path) as house:
        office = house.office
        _, link = office.invite(
            office.visitor(office.found()), ANA, "auditor", name="Ana <b>Li</b>"
        )
        path = link.removeprefix(house.origin)
        browser = house.browser()
        for _ in range(3):
            answer = browser.get(path)
            assert answer.status_code == 200
        assert "Ana &lt;b&gt;Li" in answer.text
        assert "<svg" in answer.text
        office.accept_with_password(link, ANA)
        answer = browser.get(path)
        assert answer.status_code == 404
        assert "opens nothing" in answer.text
        assert browser.post(path, {"password": PASSWORD}).status_code == 404


def test_a_form_that_is_shown_again_keeps_the_app(house: Building) -> None:
    """A password that is refused does not cost the QR code that was scanned."""
    office = house.office
    manager = office.visitor(office.sign_in("security_manager@example.com"))
    _, link = office.invite(manager, "di@example.com", "auditor")
    browser = house.browser()
    path = link.removeprefix(house.origin)
    browser.get(path)
    kept = browser.hidden("app")
    answer = browser.post(path, {"app": kept, "password": "password123", "code": "1"})
    assert answer.status_code == 422
    assert browser.hidden("app") == kept


def test_a_stale_second_factor_leads_to_where_it_is_shown(house: Building) -> None:
    """Inviting a quarter of an hour after signing in asks again, leads back, and then works."""
    browser = _in_as(house, "security_manager")
    old = browser.client.cookies["__Host-kanhe_session"]
    house.office.later(16 * 60_000)
    form = {"name": "Cy", "mail": "cy@example.com", "role": "auditor"}
    answer = browser.post("/settings/staff", form)
    assert answer.headers["location"] == "/confirm?next=%2Fsettings%2Fstaff"
    browser.get("/confirm?next=/settings/staff")
    code = house.office.code("security_manager@example.com")
    answer = browser.post("/confirm", {"code": code, "next": "/settings/staff"})
    assert answer.headers["location"] == "/settings/staff"
    assert house.office.staffing.visitor(old) is None
    browser.client.cookies.clear()
    browser.client.cookies.update(answer.cookies)
    browser.get("/settings/staff")
    answer = browser.post("/settings/staff", form)
    assert answer.status_code == 200
    assert "/first/" in answer.text


def _example(path: str) -> str:
    """An address of a route, of things that are not there."""
    return re.sub(r"\{\w+(:\w+)?\}", lambda found: "7" if found[1] == ":row" else "none", path)


@pytest.mark.parametrize("step", ["approve", "activate"])
def test_approving_a_policy_asks_for_a_fresh_second_factor(house: Building, step: str) -> None:
    """Whoever left their desk for a quarter of an hour approves nothing until they show it again."""
    browser = _in_as(house, "rule_approver")
    house.office.later(16 * 60_000)
    answer = browser.post(f"/rules/packs/sha256:1/decide/{step}", {"why": "fine"})
    assert answer.headers["location"].startswith("/confirm?next=%2Frules%2Fpacks")


class Door(NamedTuple):
    """One way to ask one route."""

    method: str
    path: str
    permission: str | None
    streams: bool
    """Streams do not end by themselves: only that they are refused is asked for."""


def _routes() -> list[Door]:
    return [
        Door(method, _example(route.path), route.endpoint.permission, route.endpoint.streams)
        for route in ROUTES
        if isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]


def test_every_route_names_a_permission_that_exists() -> None:
    """A route is open, for anybody who is signed in, or for a permission that there is."""
    assert len(_routes()) > 40
    for permission in (door.permission for door in _routes()):
        if permission not in (None, OPEN):
            known(permission)


@pytest.mark.parametrize("role", [role.name for role in BUILT_IN])
def test_every_route_as_every_role(house: Building, role: str) -> None:
    """Each route answers exactly those whose roles have its permission; all others are refused."""
    held = next(one.permissions for one in BUILT_IN if one.name == role)
    browser = _in_as(house, role)
    for method, path, permission, streams in _routes():
        allowed = permission in (None, OPEN) or permission in held
        if path == "/sign-out" or (streams and allowed):
            continue
        answer = browser.get(path) if method == "GET" else browser.post(path)
        assert (answer.status_code == 403) == (not allowed), (method, path, answer.status_code)
        assert answer.status_code < 500 or answer.status_code == 503, (
            method,
            path,
            answer.text[:2_000],
        )
    assert browser.get("/settings/account").status_code == 200, "the session did not last"


def test_no_route_but_the_open_ones_answers_a_stranger(house: Building) -> None:
    """Whoever is not signed in is led to sign in, or told so, everywhere else."""
    browser = house.browser()
    browser.get("/sign-in")
    for method, path, permission, _ in _routes():
        if permission == OPEN:
            continue
        answer = browser.get(path) if method == "GET" else browser.post(path)
        if method == "GET":
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/sign-in"), path
        else:
            assert answer.status_code == 401, path


def test_an_auditor_changes_nothing(house: Building) -> None:
    """Every POST but those of one's own account, reading habits and signing in and out is refused."""
    own = (
        "/settings/account",
        "/settings/notifications",
        "/sign-in",
        "/sign-out",
        "/confirm",
        "/first/",
        "/preferences",
    )
    posts = [(door.path, door.permission) for door in _routes() if door.method == "POST"]
    browser = _in_as(house, "auditor")
    for path, permission in posts:
        if path.startswith(own):
            assert permission in (None, OPEN)
        else:
            assert browser.post(path).status_code == 403, path


def test_every_permission_that_only_looks_is_the_auditors(house: Building) -> None:
    """Whatever is opened by a permission that only looks, an auditor may look at."""
    reads = {name for name in NAMES if name.endswith(".read")}
    browser = _in_as(house, "auditor")
    for method, path, permission, streams in _routes():
        if method == "GET" and permission in reads and not streams:
            assert browser.get(path).status_code != 403, path


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "https://evil.test"},
        {"sec-fetch-site": "same-site", "origin": "https://other.example.com"},
        {"sec-fetch-site": "none", "origin": "null"},
    ],
    ids=["cross-site", "same-site", "null"],
)
def test_no_form_of_another_site_is_taken(house: Building, headers: dict[str, str]) -> None:
    """Signing somebody in as somebody else, or out, from another site does nothing."""
    browser = _in_as(house, "auditor")
    for path in ("/sign-in", "/sign-out", "/settings/account/sessions/end", "/confirm"):
        assert browser.post(path, **headers).status_code == 403
    browser.csrf = "wrong"
    assert browser.post("/settings/account/sessions/end").status_code == 403


def test_another_tenants_people_are_not_there(tmp_path: Path) -> None:
    """Staff of a tenant get 404 for people and sessions of others, read or changed, never 403."""
    with building(tmp_path) as house:
        office = house.office
        manager = office.visitor(office.found())
        _, link = office.invite(manager, ANA, "security_manager", tenant="shop-a")
        ana = office.accept_with_password(link, ANA)
        other, link = office.invite(manager, "bo@example.com", "auditor", tenant="shop-b")
        bo = office.visitor(office.accept_with_password(link, "bo@example.com"))
        browser = house.browser()
        browser.come_in(ana)
        for staff in (other, manager.actor.staff, "st-nobody"):
            assert browser.get(f"/settings/staff/{staff}").status_code == 404
            for act in ("roles", "link", "disable", "enable"):
                answer = browser.post(f"/settings/staff/{staff}/{act}", {"role": "auditor"})
                assert answer.status_code == 404, act
        assert browser.post(f"/settings/sessions/{bo.actor.session}/end").status_code == 404
        assert "bo@example.com" not in browser.get("/settings/staff").text
        assert "bo@example.com" not in browser.get("/settings/sessions").text


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    """Markup in names, roles and passkeys is shown as it was written, everywhere."""
    hostile = "\"><img src=x onerror=alert(1)>'"
    with building(tmp_path) as house:
        office = house.office
        with office.desk.writing() as connection:
            link = office.staffing.personnel.founding_link_as(connection, founder("init"), "x")
        signed_in = office.accept_with_passkey(link, MIA, Newcomer(hostile, MIA))
        manager = office.visitor(signed_in)
        office.staffing.personnel.save_role(manager, "own", hostile, ("queue.read",), new=True)
        staff, _ = office.invite(manager, ANA, "own", name=hostile)
        browser = house.browser()
        browser.come_in(signed_in)
        (passkey,) = office.staffing.passkeys(manager)
        browser.post(f"/settings/account/passkeys/{passkey.id}", {"name": hostile})
        for path in (
            "/settings/account", "/settings/staff", f"/settings/staff/{staff}", "/settings/roles",
            "/settings/roles/own", "/settings/sessions",
        ):  # fmt: skip
            answer = browser.get(path)
            assert answer.status_code == 200
            assert "<img" not in answer.text


@pytest.mark.parametrize("text", ["x" * 50_000, "\x00", "%00", "\u202e", "' OR 1=1 --", "{{7*7}}"])
def test_hostile_forms_are_refused_in_words(house: Building, text: str) -> None:
    """Whatever is typed into signing in, inviting or one's account, the answer is a page that says no."""
    stranger = house.browser()
    stranger.get("/sign-in")
    assert stranger.post("/sign-in", {"mail": text, "password": text}).status_code in (422, 429)
    assert (
        stranger.post("/sign-in/passkey", {"question": text, "response": text}).status_code == 422
    )
    browser = _in_as(house, "security_manager")
    form = {"mail": text, "name": text, "role": text, "tenant": text}
    assert browser.post("/settings/staff", form).status_code == 422
    assert (
        browser.post(
            "/settings/roles", {"name": text, "label": text, "permission": text}
        ).status_code
        == 422
    )
    browser = _in_as(house, "auditor")
    for path, form in (
        ("/settings/account/password", {"old": text, "new": text, "again": text}),
        ("/settings/account/app", {"app": text, "code": text}),
        ("/settings/account/passkeys", {"question": text, "response": text, "name": text}),
        ("/settings/account/preferences", {"time_zone": text}),
        ("/settings/account/sessions/none/end", {}),
    ):
        assert browser.post(path, form).status_code == 422, path


def test_personal_data_is_shown_for_a_reason(tmp_path: Path) -> None:
    """The page asks for a reason, refuses a short one, and leads back when it has one; what is recorded
    stands under the tenant whose case it is, and others' cases are not there."""
    with building(tmp_path) as house:
        office = house.office
        take_all(house.services.casework, journal_of(payment(1, "c1", "u1", tenant="shop-a")))
        manager = office.visitor(office.found())
        browsers = {}
        for tenant in ("", "shop-b"):
            mail = f"cs{tenant}@example.com"
            _, link = office.invite(manager, mail, "customer_service", tenant=tenant)
            browsers[tenant] = house.browser()
            browsers[tenant].come_in(office.accept_with_password(link, mail))
        browser, other = browsers[""], browsers["shop-b"]
        assert browser.get("/reveal?subject=case:1&next=/cases/1").status_code == 200
        form = {"subject": "case:1", "next": "/cases/1", "reason": "hm", "tenant": "shop-b"}
        assert browser.post("/reveal", form).status_code == 422
        form["reason"] = "the buyer called about order 7"
        assert other.post("/reveal", form).status_code == 404
        for subject in ("case:2", "case:1' OR 1", "email:a@b.cd", "", "case:" + "9" * 30):
            assert browser.post("/reveal", {**form, "subject": subject}).status_code == 404
        assert browser.post("/reveal", form).headers["location"] == "/cases/1"
        with office.desk.reading() as connection:
            found = connection.execute(select(EVENTS.c.tenant, EVENTS.c.body)).all()
        (told,) = [(tenant, body) for tenant, body in found if b"unmasked" in body]
        assert told[0] == "shop-a"
        assert b"the buyer called about order 7" in told[1]
        assert b"case-1" in told[1]
