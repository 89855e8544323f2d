"""What the pages of access share: where a request comes from, and how refusals are said."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.access import Client, SignedIn
from kanhe.app.enrolling import NotFresh
from kanhe.core.decision import Text
from kanhe.core.errors import KanheError
from kanhe.protect.access.accounts import AccessRefused
from kanhe.protect.access.oidc import SignOnRefused
from kanhe.protect.access.passkeys import PasskeyRefused
from kanhe.protect.access.passwords import PasswordRefused
from kanhe.protect.access.roles import RoleError
from kanhe.serve.console import cookies
from kanhe.serve.console.frame import form, go, safe_path
from kanhe.serve.console.language import gettext as _
from kanhe.serve.console.language import in_words, spoken

DEVICE = "kanhe_device"
"""Names the browser, so that others' failures do not hold it up; opens nothing."""
HALF = "kanhe_half"
"""A sign-in between password and second factor, sealed."""
SSO = "kanhe_sso"
"""A sign-in that is with the provider, sealed."""
_DEVICE_S = 400 * 86_400
"""As long as browsers keep a cookie (RFC 6265bis, 5.5)."""

REFUSALS = (AccessRefused, PasswordRefused, PasskeyRefused, RoleError, SignOnRefused)
"""What is told to people in words, beside the form that they sent."""


def client_of(request: Request) -> Client:
    """Where a request comes from."""
    return Client(
        request.client.host if request.client else "",
        request.headers.get("user-agent", ""),
        cookies.cookie(request, DEVICE)[:100],
        cookies.session_token(request),
    )


def words_of(refusal: KanheError) -> str:
    """Why something was refused, in the language spoken."""
    if isinstance(refusal, PasswordRefused):
        joint = "；" if spoken() == "zh_CN" else "; "
        return joint.join(in_words(text) for text in refusal.texts)
    text = getattr(refusal, "text", None)
    return in_words(text) if isinstance(text, Text) else str(refusal)


def sent(request: Request, name: str) -> str:
    """A text of the form that came; empty if it is not there, or a file."""
    value = form(request).get(name)
    return value if isinstance(value, str) else ""


def sent_all(request: Request, name: str) -> tuple[str, ...]:
    """All texts of this name, as check boxes send them."""
    return tuple(value for value in form(request).getlist(name) if isinstance(value, str))


def next_of(request: Request) -> str:
    """Where somebody wanted to go, if that is a path of this console."""
    wanted = sent(request, "next") or request.query_params.get("next", "")
    path = safe_path(wanted) if wanted else "/"
    return "/" if path.startswith(("/sign-in", "/first")) else path


def let_in(request: Request, signed_in: SignedIn, path: str, text: str = "") -> Response:
    """Lead somebody on who has just shown who they are, under a new secret."""
    response = go(request, path, text)
    cookies.begin_session(request, response, signed_in.token, signed_in.max_age_s)
    if signed_in.device_token:
        cookies.keep(request, response, DEVICE, signed_in.device_token, _DEVICE_S)
    for name in (HALF, SSO):
        if cookies.cookie(request, name):
            cookies.forget(request, response, name)
    return response


def to_confirm(request: Request, back: str) -> Response:
    """Have the second factor shown again, then lead back."""
    return go(request, "/confirm?" + urlencode({"next": back}), _("First confirm that it is you."))


def confirmed(
    back: str,
) -> Callable[[Callable[[Request], Response]], Callable[[Request], Response]]:
    """For what asks for a fresh second factor: lead to where it is shown, and back to `back`.

    `back` may name parts of the path, such as `/settings/staff/{staff}`.
    """

    def around(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
        @wraps(handler)
        def asked(request: Request) -> Response:
            try:
                return handler(request)
            except NotFresh:
                return to_confirm(request, back.format(**request.path_params))

        return asked

    return around


def qr(link: str) -> Markup:
    """A QR code as SVG, without styles of its own."""
    drawn = segno.make(link, error="m").svg_inline(
        border=3, omitsize=True, svgclass="qr", lineclass="qr-line"
    )
    return Markup(drawn)
