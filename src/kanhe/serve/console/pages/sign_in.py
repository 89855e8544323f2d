"""Signing in and out, and showing the second factor again."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kanhe.app.access import Busy, SignedIn
from kanhe.app.signing_in import HALF_MS, MustWait, TooLate
from kanhe.app.staffing import SSO_PATH
from kanhe.protect.access.oidc import FLOW_MS
from kanhe.serve.console import cookies
from kanhe.serve.console.frame import OPEN, go, page, render, services, visitor
from kanhe.serve.console.language import gettext as _
from kanhe.serve.console.pages.doorway import (
    HALF,
    REFUSALS,
    SSO,
    client_of,
    let_in,
    next_of,
    sent,
    words_of,
)
from kanhe.serve.console.rendering import visitor_or_none


def show(request: Request) -> Response:
    """The first page for whoever is not signed in."""
    if visitor_or_none(request) is not None:
        return RedirectResponse(next_of(request), 303)
    return _first(request)


def with_password(request: Request) -> Response:
    """Mail address and password; what comes next is the second factor."""
    staffing = services(request).staffing
    try:
        half = staffing.signing_in.password(
            sent(request, "mail"), sent(request, "password"), client_of(request)
        )
    except REFUSALS as refusal:
        return _first(request, words_of(refusal), _status(refusal))
    query = URL("/sign-in/second").include_query_params(next=next_of(request))
    response = go(request, str(query))
    cookies.keep(request, response, HALF, half, HALF_MS // 1_000)
    return response


def show_second(request: Request) -> Response:
    """Asks for the second factor."""
    return _second(request)


def with_code(request: Request) -> Response:
    """A code of the app, or one for recovery."""
    half = cookies.cookie(request, HALF)
    try:
        signed_in = services(request).staffing.signing_in.code(
            half, sent(request, "code"), client_of(request)
        )
    except TooLate as late:
        return _begin_anew(request, words_of(late))
    except REFUSALS as refusal:
        return _second(request, words_of(refusal), _status(refusal))
    return let_in(request, signed_in, next_of(request))


def with_passkey(request: Request) -> Response:
    """A passkey, by itself or behind a password."""
    try:
        signed_in = services(request).staffing.signing_in.passkey(
            sent(request, "question"), sent(request, "response"), client_of(request)
        )
    except REFUSALS as refusal:
        if sent(request, "second"):
            return _second(request, words_of(refusal), 422)
        return _first(request, words_of(refusal), 422)
    return let_in(request, signed_in, next_of(request))


def to_provider(request: Request) -> Response:
    """Leave for the single sign-on of the company."""
    return go_to_provider(request, "", next_of(request))


def go_to_provider(request: Request, purpose: str, path: str) -> Response:
    """Send the browser to the provider; `path` is where to lead afterwards."""
    access = services(request).staffing
    try:
        url, sealed = access.signing_in.begin_sso(f"{purpose}|{path}")
    except REFUSALS as refusal:
        return _first(request, words_of(refusal), 422)
    response = RedirectResponse(url, 303)
    cookies.keep(request, response, SSO, sealed, FLOW_MS // 1_000)
    return response


def back_from_provider(request: Request) -> Response:
    """Somebody comes back from the provider: to sign in, to accept an invitation, or to be tied."""
    staffing = services(request).staffing
    came_back = {name: value[:4_096] for name, value in request.query_params.items()}
    try:
        subject, told = staffing.signing_in.finish_sso(cookies.cookie(request, SSO), came_back)
        purpose, _bar, path = told.partition("|")
        kind, _colon, name = purpose.partition(":")
        if kind == "own":
            person = visitor_or_none(request)
            if person is None or person.actor.staff != name:
                return _first(request, _("Sign in first, then connect the account again."), 422)
            staffing.enrolling.tie(person, subject)
            return go(request, path, _("Connected."))
        if kind == "link":
            signed_in: SignedIn | str = staffing.enrolling.accept_with_sso(
                name, subject, client_of(request)
            )
        else:
            signed_in = staffing.signing_in.sso(subject, client_of(request))
    except REFUSALS as refusal:
        return _first(request, words_of(refusal), 422)
    if isinstance(signed_in, SignedIn):
        return let_in(request, signed_in, path)
    response = go(request, str(URL("/sign-in/second").include_query_params(next=path)))
    cookies.keep(request, response, HALF, signed_in, HALF_MS // 1_000)
    return response


def show_link(request: Request) -> Response:
    """What a sign-in link opens; looking at it does not use it up."""
    account = services(request).staffing.signing_in.link_of(request.path_params["token"])
    if account is None:
        return render(request, "access/gone.html", status=404)
    return render(request, "access/link.html", account=account)


def with_link(request: Request) -> Response:
    """Come in by a link."""
    signing_in = services(request).staffing.signing_in
    try:
        signed_in = signing_in.link(request.path_params["token"], client_of(request))
    except REFUSALS:
        return render(request, "access/gone.html", status=404)
    return let_in(request, signed_in, "/")


def sign_out(request: Request) -> Response:
    """End the session."""
    services(request).staffing.sign_out(visitor(request))
    response = go(request, "/sign-in", _("You are signed out."))
    cookies.end_session(request, response)
    return response


def show_confirm(request: Request) -> Response:
    """Asks for the second factor again."""
    return _confirm(request)


def confirm_with_code(request: Request) -> Response:
    """A code of the app, again."""
    try:
        signed_in = services(request).staffing.confirm_with_code(
            visitor(request), sent(request, "code"), client_of(request)
        )
    except REFUSALS as refusal:
        return _confirm(request, words_of(refusal), _status(refusal))
    return let_in(request, signed_in, next_of(request), _("Confirmed."))


def confirm_with_passkey(request: Request) -> Response:
    """A passkey, again."""
    try:
        signed_in = services(request).staffing.confirm_with_passkey(
            visitor(request), sent(request, "question"), sent(request, "response"),
            client_of(request),
        )  # fmt: skip
    except REFUSALS as refusal:
        return _confirm(request, words_of(refusal), 422)
    return let_in(request, signed_in, next_of(request), _("Confirmed."))


def _first(request: Request, problem: str = "", status: int = 200) -> Response:
    staffing = services(request).staffing
    options, question = "", ""
    if staffing.access.passkeys.possible:
        options, question = staffing.signing_in.ask_for_passkey()
    sso = ""
    if staffing.access.sso is not None:
        sso = staffing.access.sso_name or _("your company's account")
    return render(
        request, "access/sign_in.html", status=status, options=options, question=question,
        sso=sso, next=next_of(request), problem=problem, mail=sent(request, "mail")[:200],
        elsewhere=_where_passkeys_work(request), is_new=staffing.has_nobody(),
    )  # fmt: skip


def _second(request: Request, problem: str = "", status: int = 200) -> Response:
    staffing = services(request).staffing
    half = cookies.cookie(request, HALF)
    account = staffing.signing_in.half(half)
    if account is None:
        return _begin_anew(request, _("This took too long: sign in again."))
    options, question = "", ""
    if account.passkeys and staffing.access.passkeys.possible:
        options, question = staffing.signing_in.ask_for_passkey(half)
    return render(
        request, "access/second.html", status=status, options=options, question=question,
        next=next_of(request), problem=problem, has_app=bool(account.totp),
        has_recovery=bool(account.recovery_left),
    )  # fmt: skip


def _confirm(request: Request, problem: str = "", status: int = 200) -> Response:
    staffing = services(request).staffing
    account = staffing.account(visitor(request))
    options, question = "", ""
    if account.passkeys and staffing.access.passkeys.possible:
        options, question = staffing.ask_to_confirm(visitor(request))
    return render(
        request, "access/confirm.html", status=status, options=options, question=question,
        next=next_of(request), problem=problem, has_app=bool(account.totp),
    )  # fmt: skip


def _begin_anew(request: Request, text: str) -> Response:
    response = go(request, str(URL("/sign-in").include_query_params(next=next_of(request))), text)
    cookies.forget(request, response, HALF)
    return response


def _status(refusal: Exception) -> int:
    return 429 if isinstance(refusal, MustWait | Busy) else 422


def _where_passkeys_work(request: Request) -> str:
    """The address to use instead, where browsers make no passkeys for the one that was asked for."""
    passkeys = services(request).staffing.access.passkeys
    origin = services(request).staffing.access.origin
    here = f"{request.url.scheme}://{request.headers.get('host', '')}"
    return origin if passkeys.possible and urlsplit(here).netloc != urlsplit(origin).netloc else ""


ROUTES = (
    page("/sign-in", show, OPEN, name="sign-in"),
    page("/sign-in", with_password, OPEN, methods=("POST",), name="sign-in-password"),
    page("/sign-in/second", show_second, OPEN, name="sign-in-second"),
    page("/sign-in/second", with_code, OPEN, methods=("POST",), name="sign-in-code"),
    page("/sign-in/passkey", with_passkey, OPEN, methods=("POST",), name="sign-in-passkey"),
    page("/sign-in/sso", to_provider, OPEN, methods=("POST",), name="sign-in-sso"),
    page(SSO_PATH, back_from_provider, OPEN, name="sign-in-back"),
    page("/sign-in/link/{token}", show_link, OPEN, name="sign-in-link"),
    page("/sign-in/link/{token}", with_link, OPEN, methods=("POST",), name="sign-in-by-link"),
    page("/sign-out", sign_out, None, methods=("POST",), name="sign-out"),
    page("/confirm", show_confirm, None, name="confirm"),
    page("/confirm", confirm_with_code, None, methods=("POST",), name="confirm-code"),
    page("/confirm/passkey", confirm_with_passkey, None, methods=("POST",), name="confirm-passkey"),
)
