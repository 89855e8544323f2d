"""Where the console begins, and how somebody likes to read it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kanhe.serve.console import cookies
from kanhe.serve.console.frame import OPEN, form, go, page, safe_path, services, visitor
from kanhe.serve.console.rendering import visitor_or_none

_FIRST = (
    ("queue.read", "/queue"),
    ("live.read", "/live"),
    ("rules.read", "/rules"),
    ("staff.read", "/settings/staff"),
)
"""What somebody works with, by what they may do: the first that fits is where they begin."""
_CHOICES = {"language": ("en", "zh_CN"), "theme": ("light", "dark", "system")}


def home(request: Request) -> Response:
    """Lead to the page that this person works with."""
    person = visitor(request)
    path = next(
        (path for permission, path in _FIRST if person.may(permission)), "/settings/account"
    )
    return RedirectResponse(path, 303)


def prefer(request: Request) -> Response:
    """Keep the choice of language or theme, for the person if somebody is signed in."""
    sent = form(request)
    back = safe_path(str(sent.get("next") or "/"))
    response = go(request, back)
    found = visitor_or_none(request)
    chosen = {
        name: str(sent[name])
        for name, choices in _CHOICES.items()
        if name in sent and sent[name] in choices
    }
    for name, value in chosen.items():
        keep = cookies.LANGUAGE if name == "language" else cookies.THEME
        cookies.keep_choice(request, response, keep, value)
    if found is not None and chosen:
        services(request).staffing.prefer(found, **chosen)
    return response


ROUTES = (
    page("/", home, None, name="home"),
    page("/preferences", prefer, OPEN, methods=("POST",), name="preferences"),
)
