"""Every page there is, in a real browser: reachable by links, whole in Chinese, readable in both themes."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select
from starlette.routing import Match, Route

from kanhe.core.actor import Actor
from kanhe.serve.console.pages import ROUTES
from kanhe.stores.desk.cases import CASES
from tests.browser.served import Served, Visit

Visiting = Callable[..., Visit]

NOT_PAGES = {
    "/": "leads on",
    "/queue/stream": "a stream",
    "/queue/stream/{view}": "a stream",
    "/live/stream": "a stream",
    "/cases/{number:row}/peek": "a part of a page",
    "/cases/{number:row}/graph": "data of a page",
    "/cases/{number:row}/files/{file:row}": "a file",
    "/analytics/export.csv": "a file",
    "/audit/export.csv": "a file",
    "/decisions/{handle}/receipt": "a file",
    "/entities/{kind}/{value}/graph.json": "data of a page",
    "/sign-in/second": "part of a sign-in: tests of signing in",
    "/sign-in/sso/back": "part of a sign-in: tests of signing in",
    "/sign-in/link/{token}": "part of a sign-in: tests of signing in",
    "/first/{token}": "part of a sign-in: tests of signing in",
    "/settings/roles/{role}": "the page of a new role, with one of one's own",
    "/settings/webhooks/{webhook}": "tests of webhooks make one and look at it",
    "/settings/webhooks/{webhook}/messages/{number:row}": "tests of webhooks make one and look at it",
}
"""What is no page to look at by itself, and why."""

BEGIN = {
    "auditor": (
        "/queue", "/queue/mine", "/live", "/wall", "/analytics", "/audit", "/rules", "/lists",
        "/search?q=stuffing", "/confirm", "/settings/account", "/settings/notifications",
        "/settings/undelivered",
    ),
    "security_manager": ("/settings/roles/new",),
    "engineer": ("/settings/keys/new", "/settings/webhooks/new"),
    "risk_analyst": ("/reveal?subject=case:1&next=/queue",),
}  # fmt: skip
"""Where somebody of each role begins; what they meet there for the first time is looked at."""
_LATIN = re.compile(r"[A-Za-z]{4,}(?:[ ,.]+[A-Za-z]{2,}){3,}")
"""Four English words in a row: a sentence that nobody has translated."""


def _route_of(path: str) -> Route | None:
    scope = {"type": "http", "method": "GET", "path": urlsplit(path).path, "root_path": ""}
    for route in ROUTES:
        if isinstance(route, Route) and route.matches(scope)[0] == Match.FULL:
            return route
    return None


@pytest.fixture
def furnished(served: Served) -> Served:
    """Something of everything: a draft, a pack on its way, colleagues."""
    rulebook = served.services.rulebook
    actor = Actor(staff="st-lin-yue", name="Lin Yue")
    served.let_in("Lin Yue", "risk_analyst")
    base = rulebook.packs.in_force()
    assert base is not None
    number = rulebook.drafting.begin(actor, base.hash, "礼品卡夜间限额")
    opened = rulebook.drafting.open(number)
    assert opened is not None
    text = opened.text("rules/accounts.kanhe")
    assert text is not None
    changed = text.replace("points=75", "points=77", 1)
    rulebook.drafting.write(actor, opened, "rules/accounts.kanhe", changed)
    if not rulebook.packs.standing().packs:
        files = dict(base.files)
        files["rules/accounts.kanhe"] = changed.encode()
        rulebook.steering.propose(actor, files, "夜间礼品卡盗刷增多")
    end = time.monotonic() + 120
    while not _has_cases(served):
        assert time.monotonic() < end, "no alert was taken up"
        time.sleep(0.2)
    return served


def _has_cases(served: Served) -> bool:
    with served.services.desk.reading() as connection:
        return connection.execute(select(CASES.c.number).limit(1)).first() is not None


@pytest.mark.slow
def test_every_page_can_be_reached_and_read(visiting: Visiting, furnished: Served) -> None:
    """Every route that is a page is met by following links, says nothing in English where Chinese is
    spoken, and has nothing that axe-core finds, in light and in dark."""
    looked_at: set[str] = set()
    wrong: list[str] = []
    for role, begin in BEGIN.items():
        token = furnished.let_in(f"角色 {role}", role, language="zh_CN")
        visit = visiting(token, language="zh-CN")
        ahead, met = deque(begin), set(begin)
        while ahead:
            path = ahead.popleft()
            route = _route_of(path)
            if route is None or route.path in looked_at or route.path in NOT_PAGES:
                continue
            page = visit.go(path)
            if page.title().startswith("没有权限"):
                # A link to what this role may not see would be a fault of the page it was on.
                raise AssertionError(f"{role} was led to {path}")
            looked_at.add(route.path)
            wrong += [f"{path}: {one}" for one in visit.barriers()]
            page.emulate_media(color_scheme="dark")
            wrong += [f"{path}, dark: {one}" for one in visit.barriers(only=("color-contrast",))]
            page.emulate_media(color_scheme="light")
            text = page.evaluate(
                "[...document.querySelectorAll('body *')].filter(e => !e.closest('[lang=en], code, pre, textarea, script, template, .says, .moves'))"
                ".flatMap(e => [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data)).join('\\n')"
            )
            wrong += [f"{path}: in English: {found[0]}" for found in _LATIN.finditer(text)]
            links = page.evaluate(
                "[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))"
            )
            for link in links:
                if link.startswith("/") and link not in met:
                    met.add(link)
                    ahead.append(link)
    stranger = visiting(language="zh-CN")
    stranger.go("/sign-in")
    stranger.accessible()
    looked_at.add("/sign-in")

    assert wrong == [], "\n".join(wrong)
    pages = {
        route.path
        for route in ROUTES
        if isinstance(route, Route) and "GET" in (route.methods or ())
    }
    assert pages - NOT_PAGES.keys() - looked_at == set()
    assert NOT_PAGES.keys() - pages == set()
