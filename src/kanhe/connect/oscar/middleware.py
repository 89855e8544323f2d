"""The middleware: who is there, and what to do when the login says no.

It stands after sessions, users and messages. The device is a first-party cookie that this shop signed;
it holds chance and nothing else.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.http import HttpResponseRedirect
from django.urls import reverse

from kanhe.connect.oscar import cart, visit
from kanhe.connect.oscar.configuration import configuration
from kanhe.connect.oscar.login import LoginChallenged, LoginRefused, remember_challenge
from kanhe.connect.oscar.texts import NOT_NOW

DEVICE_COOKIE = "kanhe_device"
SESSION_COOKIE = "kanhe_visit"
_DEVICE_LIFE_S = 400 * 24 * 3600
"""What browsers keep a cookie for at most."""
_SALT = "kanhe.connect.oscar.middleware"


class KanheMiddleware:
    """Gives each request its `kanhe_visit`."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response
        self._chosen = configuration()

    def __call__(self, request: Any) -> Any:
        """Answer with the visit in place, and leave the cookies it is known by."""
        device, device_is_new = _of_cookie(request, DEVICE_COOKIE)
        session, session_is_new = _of_cookie(request, SESSION_COOKIE)
        request.kanhe_visit = visit.visit_of(request, self._chosen, device, session)
        mark = visit.answering(request)
        try:
            response = self._get_response(request)
            cart.voucher_answered(request)
        finally:
            visit.finished(mark)
        if device_is_new:
            _leave(response, DEVICE_COOKIE, device, _DEVICE_LIFE_S)
        if session_is_new:
            _leave(response, SESSION_COOKIE, session, None)
        return response

    def process_view(
        self, request: Any, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Notice a voucher that is tried: oscar says nothing of one that it refuses."""
        cart.notice_voucher(request)

    def process_exception(self, request: Any, exception: Exception) -> Any:
        """Turn what the login gate raised into the page that comes next; leave the rest to others."""
        if isinstance(exception, LoginChallenged):
            remember_challenge(request, exception)
            return HttpResponseRedirect(reverse("kanhe:sign-in"))
        if isinstance(exception, LoginRefused):
            messages.error(request, NOT_NOW)
            return HttpResponseRedirect(reverse("customer:login"))
        return None


def _of_cookie(request: Any, name: str) -> tuple[str, bool]:
    """What the cookie names, and whether it has to be set anew because there was none of ours."""
    try:
        return signing.loads(request.COOKIES.get(name, ""), salt=_SALT + name), False
    except signing.BadSignature:
        kind = "d-" if name == DEVICE_COOKIE else "s-"
        return kind + secrets.token_hex(12), True


def _leave(response: Any, name: str, value: str, life_s: int | None) -> None:
    response.set_cookie(
        name, signing.dumps(value, salt=_SALT + name), max_age=life_s, httponly=True, samesite="Lax",
        secure=bool(settings.SESSION_COOKIE_SECURE),
    )  # fmt: skip
