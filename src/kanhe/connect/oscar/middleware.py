"""The middleware: who is there, and what to do when the login says no.

It stands after sessions, users and messages, and after `kanhe.connect.django.DeviceMiddleware`, which
knows device and session by cookies that the shop has signed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse

from kanhe.connect.oscar import cart, visit
from kanhe.connect.oscar.configuration import configuration
from kanhe.connect.oscar.login import LoginChallenged, LoginRefused, remember_challenge
from kanhe.connect.oscar.texts import NOT_NOW

SIGNALS = "kanhe_signals"
"""The hidden field in which `kanhe.js` says how a form was filled."""
_FORM = "application/x-www-form-urlencoded"


class KanheMiddleware:
    """Gives each request its `kanhe_visit`."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response
        self._chosen = configuration()

    def __call__(self, request: Any) -> Any:
        """Answer with the visit in place."""
        request.kanhe_visit = visit.visit_of(request, self._chosen)
        mark = visit.answering(request)
        try:
            response = self._get_response(request)
            cart.voucher_answered(request)
        finally:
            visit.finished(mark)
        return response

    def process_view(
        self, request: Any, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Read how a form was filled, and notice a voucher that is tried: oscar says nothing of one that
        it refuses."""
        if request.method == "POST" and request.content_type == _FORM and SIGNALS in request.POST:
            seen = request.kanhe_device.with_signals(request.POST[SIGNALS])
            request.kanhe_visit = request.kanhe_visit.with_hints(visit.hints_of(seen))
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
