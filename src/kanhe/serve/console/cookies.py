"""The cookies of the console: the session's secret, what ties a form to a browser, and small choices.

Only the first matters to anyone else. All are for this host alone, unreadable to scripts, and sent
with navigation from elsewhere but with nothing else (SameSite=Lax). Where the console is reached over
HTTPS their names begin with `__Host-`, which browsers hold to (RFC 6265bis, 4.1.3.2).
"""

from __future__ import annotations

import secrets
from urllib.parse import quote, unquote

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

SESSION = "kanhe_session"
FORM = "kanhe_form"
TOAST = "kanhe_toast"
LANGUAGE = "kanhe_language"
THEME = "kanhe_theme"
_YEAR_S = 365 * 86_400
_TOAST_S = 60
_LONGEST_TOAST = 200


def _is_secure(request: HTTPConnection) -> bool:
    return bool(request.app.state.secure)


def _name(request: HTTPConnection, name: str) -> str:
    return f"__Host-{name}" if _is_secure(request) else name


def cookie(request: HTTPConnection, name: str) -> str:
    """What the browser sent under one of the names above; empty if nothing."""
    return request.cookies.get(_name(request, name), "")


def keep(
    request: Request, response: Response, name: str, value: str, max_age_s: int | None = None
) -> None:
    """Have the browser keep a value; without an age until it is closed."""
    response.set_cookie(
        _name(request, name), value, max_age=max_age_s, path="/",
        secure=_is_secure(request), httponly=True, samesite="lax",
    )  # fmt: skip


def forget(request: Request, response: Response, name: str) -> None:
    """Have the browser forget a value."""
    response.delete_cookie(
        _name(request, name), path="/", secure=_is_secure(request), httponly=True, samesite="lax"
    )


def begin_session(request: Request, response: Response, token: str, max_age_s: int) -> None:
    """Sign in: from now on the browser sends this secret, for at most so long."""
    keep(request, response, SESSION, token, max_age_s)
    forget(request, response, FORM)


def end_session(request: Request, response: Response) -> None:
    """Sign out, and have the browser drop what it keeps of this origin's pages."""
    forget(request, response, SESSION)
    forget(request, response, FORM)
    response.headers["clear-site-data"] = '"cache"'


def session_token(request: HTTPConnection) -> str:
    """The secret of the session that the request came with; empty if none."""
    return cookie(request, SESSION)


def keep_choice(request: Request, response: Response, name: str, value: str) -> None:
    """Have the browser keep a choice of language or theme."""
    keep(request, response, name, value, _YEAR_S)


def new_form_secret() -> str:
    """What ties the forms of a browser in which nobody is signed in yet to that browser."""
    return secrets.token_urlsafe(24)


def keep_toast(request: Request, response: Response, text: str) -> None:
    """Have the next page say a short text."""
    keep(request, response, TOAST, quote(text[:_LONGEST_TOAST], safe=""), _TOAST_S)


def toast_text(value: str) -> str:
    """The text that such a cookie holds."""
    return unquote(value)[:_LONGEST_TOAST]
