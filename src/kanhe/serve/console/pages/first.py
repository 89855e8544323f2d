"""What an invitation opens: the first start of the installation, and the first start of everybody else."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.enrolling import Invitation, Newcomer
from kanhe.serve.console.frame import OPEN, page, render, services
from kanhe.serve.console.language import gettext as _
from kanhe.serve.console.language import in_words
from kanhe.serve.console.pages.doorway import (
    REFUSALS,
    client_of,
    let_in,
    qr,
    sent,
    words_of,
)
from kanhe.serve.console.pages.sign_in import go_to_provider

_HOME = "/settings/account"


def show(request: Request) -> Response:
    """Whom the link is for, and the ways to come in. Looking does not use it up."""
    return _shown(request)


def with_password(request: Request) -> Response:
    """Come in with a password and an authenticator app."""
    try:
        signed_in = services(request).staffing.enrolling.accept_with_password(
            request.path_params["token"], _newcomer(request), sent(request, "password"),
            sent(request, "app"), sent(request, "code"), client_of(request),
        )  # fmt: skip
    except REFUSALS as refusal:
        return _shown(request, words_of(refusal), "password")
    return let_in(request, signed_in, _HOME, _("Welcome. Keep recovery codes somewhere safe."))


def ask_passkey(request: Request) -> Response:
    """For the first account: name and address are known now, and a passkey can be asked for."""
    try:
        options, question = services(request).staffing.enrolling.ask_for_first_passkey(
            request.path_params["token"], _newcomer(request)
        )
    except REFUSALS as refusal:
        return _shown(request, words_of(refusal), "passkey")
    return _shown(request, options=options, question=question)


def with_passkey(request: Request) -> Response:
    """Come in with a passkey."""
    try:
        signed_in = services(request).staffing.enrolling.accept_with_passkey(
            request.path_params["token"], _newcomer(request), sent(request, "question"),
            sent(request, "response"), client_of(request),
        )  # fmt: skip
    except REFUSALS as refusal:
        return _shown(request, words_of(refusal), "passkey")
    return let_in(request, signed_in, _HOME, _("Welcome."))


def with_sso(request: Request) -> Response:
    """Come in with the company's account."""
    return go_to_provider(request, f"link:{request.path_params['token']}", _HOME)


def _shown(
    request: Request, problem: str = "", where: str = "", options: str = "", question: str = ""
) -> Response:
    staffing = services(request).staffing
    token, newcomer = request.path_params["token"], _newcomer(request)
    invitation = staffing.enrolling.invitation(token)
    if invitation is None:
        return render(request, "access/gone.html", status=404)
    possible = staffing.access.passkeys.possible
    if invitation.account is not None and possible and not options:
        options, question = staffing.enrolling.ask_for_first_passkey(token, newcomer)
    mail = invitation.account.mail if invitation.account else newcomer.mail or "Kanhe"
    kept = sent(request, "app")
    offer = (staffing.enrolling.same_app(kept, mail) if kept else None) or (
        staffing.enrolling.offer_app(mail)
    )
    return render(
        request, "access/first.html", status=422 if problem else 200, invitation=invitation,
        roles=_roles(request, invitation), newcomer=newcomer, possible=possible, options=options,
        question=question, offer=offer, qr=qr(offer.link), problem=problem, where=where,
        sso=staffing.access.sso is not None and invitation.account is not None,
    )  # fmt: skip


def _roles(request: Request, invitation: Invitation) -> list[str]:
    known = services(request).staffing.personnel.roles()
    names = invitation.account.roles if invitation.account else ("security_manager",)
    return [in_words(known[name].label) for name in names if name in known]


def _newcomer(request: Request) -> Newcomer:
    return Newcomer(sent(request, "name")[:400], sent(request, "mail")[:400])


ROUTES = (
    page("/first/{token}", show, OPEN, name="first"),
    page("/first/{token}", with_password, OPEN, methods=("POST",), name="first-password"),
    page("/first/{token}/ask", ask_passkey, OPEN, methods=("POST",), name="first-ask"),
    page("/first/{token}/passkey", with_passkey, OPEN, methods=("POST",), name="first-passkey"),
    page("/first/{token}/sso", with_sso, OPEN, methods=("POST",), name="first-sso"),
)
