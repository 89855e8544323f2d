"""The gate at the login: a session is handed over when the answer allows it, and not before.

It sits in the authentication backend, because that is the one door all others lead through: oscar's
account page, the first page of its checkout, the dashboard, Django's admin. A right password alone
goes no further than here where Kanhe asks for more.

(1) oscar's own backend says whose password this is. (2) Kanhe is asked. (3) `allow` lets them in;
`deny` is a wrong password to whoever tries, so that nobody learns which ones are right; `challenge` and
`review` raise `LoginChallenged`. (4) The middleware turns that into a page; a session begins in
`confirming.sign_in`, once a second factor was shown.

Outside of a request (a command, a test) nobody is asked: there is no session to hand over.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from oscar.apps.customer.auth_backends import EmailBackend

from kanhe.client import events
from kanhe.connect.oscar import second_factor, telling
from kanhe.connect.oscar.connection import decide
from kanhe.connect.oscar.models import UnprovenDevice
from kanhe.connect.oscar.second_factor import CannotAsk, TooOften
from kanhe.connect.oscar.texts import NOT_NOW
from kanhe.connect.oscar.visit import current_request

logger = logging.getLogger("kanhe.connect")
SIGN_IN = "kanhe_sign_in"
"""Where the visitor's session keeps who is half signed in. Holds no password and grants nothing."""
_SUSPECTED_FOR = timedelta(days=7)
"""How long an attempt that knew the password and no second factor is remembered."""
_NEXT_FIELDS = ("login-redirect_url", "redirect_url", "next")


class LoginRefused(Exception):
    """Kanhe denied a sign-up, so that what oscar does next, signing it in, must not happen."""


class LoginChallenged(Exception):
    """The password was right, and more is asked for."""

    def __init__(self, user: Any, backend: str, decision: str) -> None:
        super().__init__("a second factor is asked for")
        self.user = user
        self.backend = backend
        self.decision = decision


if TYPE_CHECKING:
    _Backend = Any  # Django has no types here; what stands after the gate is a backend
else:
    _Backend = object


class GatedBackend(_Backend):
    """Put this before a backend of your own: `class Mine(GatedBackend, MyBackend)`."""

    def authenticate(self, request: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Whose credentials these are, if they may come in. Raises `PermissionDenied` (for Django: the
        credentials are wrong), `LoginChallenged`, and `LoginRefused` right after a denied sign-up."""
        user = super().authenticate(request, *args, **kwargs)  # (1)
        request = request if request is not None else current_request()
        signing_up = getattr(request, "kanhe_signed_up", None)
        if signing_up is False:
            raise LoginRefused
        if user is None or getattr(request, "kanhe_visit", None) is None or signing_up == user.pk:
            return user
        backend = f"{type(self).__module__}.{type(self).__qualname__}"
        _ask(user, request, backend)  # (2)
        return user


class KanheBackend(GatedBackend, EmailBackend):
    """Oscar's backend, which knows users by e-mail address, behind the gate."""


def _ask(user: Any, request: Any, backend: str) -> None:
    visit = request.kanhe_visit
    ref = str(telling.user_ref(user))
    event = events.AccountLogin(
        id=telling.fresh_id("login"), **telling.of_user(user), **visit.fields(events.AccountLogin),
        login_method="password", mfa_used=False,
    )  # fmt: skip
    answer = decide(event, "account.login")
    if answer.outcome == "deny":  # (3)
        request.kanhe_denied = True
        raise PermissionDenied
    if answer.outcome == "allow" and not _is_suspected(ref, visit.device or ""):
        return
    raise LoginChallenged(user, backend, answer.decision_id)


def _is_suspected(user: str, device: str) -> bool:
    """Whether some device of late knew the password and no second factor, and this is none that did."""
    noted = UnprovenDevice.objects.filter(user=user, since__gte=now() - _SUSPECTED_FOR)
    if noted.filter(device=device, proven=True).exists():
        return False
    return bool(noted.filter(proven=False).exists())


def remember_challenge(request: Any, challenge: LoginChallenged) -> None:
    """Begin to ask for the second factor, and keep in the session who is asked.

    Where nobody can be asked there is no session either: a stolen password is worth nothing because
    a mail server is down.
    """
    user = challenge.user
    request.session.pop(SIGN_IN, None)
    # Durable before anybody is asked, and outside of the view's transaction, which was rolled back.
    noted = {"user": telling.user_ref(user), "device": request.kanhe_visit.device or ""}
    UnprovenDevice.objects.update_or_create(**noted, defaults={"proven": False})
    try:
        asked = second_factor.begin_login(
            str(telling.user_ref(user)), request.kanhe_visit, user.email, challenge.decision
        )
    except (CannotAsk, TooOften, second_factor.NoLonger) as error:
        logger.error("cannot ask for a second factor at the login: %s", error)
        messages.error(request, NOT_NOW)
        return
    request.session[SIGN_IN] = {
        "user": user.pk, "backend": challenge.backend, "hash": user.get_session_auth_hash(),
        "next": _next(request), "asked": asked.kept(),
    }  # fmt: skip


def _next(request: Any) -> str:
    """Where the form wanted to go on to, if that is a place in this shop."""
    hosts = {request.get_host()}
    for name in _NEXT_FIELDS:
        wanted = request.POST.get(name, "")
        if wanted and url_has_allowed_host_and_scheme(wanted, hosts, request.is_secure()):
            return str(wanted)
    try:
        in_checkout = request.path == reverse("checkout:index")
        return str(reverse("checkout:shipping-address" if in_checkout else "customer:summary"))
    except NoReverseMatch:
        return "/"
