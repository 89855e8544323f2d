"""Settings: one's own account. How one signs in, and where one is signed in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.enrolling import NotFresh
from kanhe.core.errors import KanheError
from kanhe.protect.access.sessions import Session
from kanhe.serve.console.frame import go, page, render, services, visitor
from kanhe.serve.console.language import N_, in_words
from kanhe.serve.console.language import gettext as _
from kanhe.serve.console.pages.doorway import (
    REFUSALS,
    confirmed,
    qr,
    sent,
    to_confirm,
    words_of,
)
from kanhe.serve.console.pages.sign_in import go_to_provider

HERE = "/settings/account"

METHODS = {
    "password": N_("password and code"),
    "passkey": N_("passkey"),
    "recovery": N_("recovery code"),
    "sso": N_("single sign-on"),
    "link": N_("link of the operator"),
}
"""How a session began, for people."""
_ZONES = (
    "UTC", "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Singapore", "Asia/Tokyo", "Asia/Kolkata",
    "Europe/London", "Europe/Berlin", "Europe/Moscow", "America/New_York", "America/Chicago",
    "America/Los_Angeles", "America/Sao_Paulo", "Australia/Sydney",
)  # fmt: skip


def show(request: Request) -> Response:
    """The whole of it."""
    return _shown(request)


@confirmed(HERE)
def set_password(request: Request) -> Response:
    """Change the password."""
    if sent(request, "new") != sent(request, "again"):
        return _shown(request, _("The two new passwords are not the same."), "password")
    try:
        services(request).staffing.enrolling.set_password(
            visitor(request), sent(request, "old"), sent(request, "new")
        )
    except REFUSALS as refusal:
        return _refused(request, refusal, "password")
    return go(request, HERE, _("The password is changed. You are signed out everywhere else."))


def show_app(request: Request) -> Response:
    """Offers an authenticator app to be set up."""
    staffing = services(request).staffing
    account = staffing.account(visitor(request))
    if account.has_second_factor and not staffing.fresh(visitor(request)):
        return to_confirm(request, f"{HERE}/app")
    return _app(request)


@confirmed(f"{HERE}/app")
def set_app(request: Request) -> Response:
    """Set up the authenticator app that was offered."""
    try:
        services(request).staffing.enrolling.set_app(
            visitor(request), sent(request, "app"), sent(request, "code")
        )
    except REFUSALS as refusal:
        return _app(request, _told(refusal))
    return go(request, HERE, _("The authenticator app is set up."))


@confirmed(HERE)
def remove_app(request: Request) -> Response:
    """Take the authenticator app away."""
    try:
        services(request).staffing.enrolling.remove_app(visitor(request))
    except REFUSALS as refusal:
        return _refused(request, refusal, "app")
    return go(request, HERE, _("The authenticator app is removed."))


@confirmed(HERE)
def add_passkey(request: Request) -> Response:
    """Keep another passkey."""
    try:
        services(request).staffing.enrolling.add_passkey(
            visitor(request), sent(request, "question"), sent(request, "response"),
            sent(request, "name"),
        )  # fmt: skip
    except REFUSALS as refusal:
        return _refused(request, refusal, "passkeys")
    return go(request, HERE, _("The passkey is added."))


def rename_passkey(request: Request) -> Response:
    """Name a passkey otherwise."""
    try:
        services(request).staffing.enrolling.rename_passkey(
            visitor(request), request.path_params["passkey"], sent(request, "name")
        )
    except REFUSALS as refusal:
        return _refused(request, refusal, "passkeys")
    return go(request, HERE, _("Renamed."))


@confirmed(HERE)
def remove_passkey(request: Request) -> Response:
    """Take a passkey away."""
    try:
        services(request).staffing.enrolling.remove_passkey(
            visitor(request), request.path_params["passkey"]
        )
    except REFUSALS as refusal:
        return _refused(request, refusal, "passkeys")
    return go(request, HERE, _("The passkey is removed."))


@confirmed(HERE)
def new_codes(request: Request) -> Response:
    """Ten new recovery codes, shown once."""
    try:
        codes = services(request).staffing.enrolling.new_recovery_codes(visitor(request))
    except REFUSALS as refusal:
        return _refused(request, refusal, "recovery")
    return render(request, "settings/codes.html", codes=codes)


@confirmed(HERE)
def tie(request: Request) -> Response:
    """Leave for the provider, to connect an account of the single sign-on."""
    if not services(request).staffing.fresh(visitor(request)):
        return to_confirm(request, HERE)
    return go_to_provider(request, f"own:{visitor(request).actor.staff}", HERE)


@confirmed(HERE)
def untie(request: Request) -> Response:
    """Disconnect the single sign-on."""
    try:
        services(request).staffing.enrolling.untie(visitor(request))
    except REFUSALS as refusal:
        return _refused(request, refusal, "sso")
    return go(request, HERE, _("Disconnected."))


def end_session(request: Request) -> Response:
    """Sign out elsewhere."""
    try:
        services(request).staffing.end_own(visitor(request), request.path_params["session"])
    except REFUSALS as refusal:
        return _refused(request, refusal, "devices")
    return go(request, HERE, _("Signed out there."))


def end_others(request: Request) -> Response:
    """Sign out everywhere else."""
    services(request).staffing.end_others(visitor(request))
    return go(request, HERE, _("Signed out everywhere else."))


def prefer(request: Request) -> Response:
    """Choose a time zone."""
    try:
        services(request).staffing.prefer(visitor(request), time_zone=sent(request, "time_zone"))
    except REFUSALS as refusal:
        return _refused(request, refusal, "time_zone")
    return go(request, HERE, _("Kept."))


def method_of(session: Session) -> str:
    """How a session began, in the language spoken."""
    return _(METHODS[session.method])


def _told(refusal: KanheError) -> str:
    # Where the second factor is too old, `confirmed` leads to where it is shown.
    if isinstance(refusal, NotFresh):
        raise refusal
    return words_of(refusal)


def _refused(request: Request, refusal: KanheError, where: str) -> Response:
    return _shown(request, _told(refusal), where)


def _app(request: Request, problem: str = "") -> Response:
    staffing = services(request).staffing
    account = staffing.account(visitor(request))
    kept = sent(request, "app")
    offer = (staffing.enrolling.same_app(kept, account.mail) if kept else None) or (
        staffing.enrolling.offer_app(account.mail)
    )
    return render(
        request, "settings/app.html", status=422 if problem else 200, account=account,
        offer=offer, qr=qr(offer.link), problem=problem,
    )  # fmt: skip


def _shown(request: Request, problem: str = "", where: str = "") -> Response:
    person, staffing = visitor(request), services(request).staffing
    account = staffing.account(person)
    known = staffing.personnel.roles()
    possible = staffing.access.passkeys.possible
    options, question = staffing.enrolling.ask_for_passkey(person) if possible else ("", "")
    zone = account.time_zone
    return render(
        request, "settings/account.html", status=422 if problem else 200, account=account,
        roles=[known[name] for name in account.roles if name in known], said=in_words,
        passkeys=staffing.passkeys(person), possible=possible, options=options,
        question=question, fresh=staffing.fresh(person), sso=staffing.access.sso is not None,
        sessions=[(one, method_of(one)) for one in staffing.own_sessions(person)],
        zones=_ZONES if zone in _ZONES else (zone, *_ZONES), problem=problem, where=where,
    )  # fmt: skip


ROUTES = (
    page(HERE, show, None, name="account"),
    page(f"{HERE}/app", show_app, None, name="account-app"),
    page(f"{HERE}/app", set_app, None, methods=("POST",), name="account-set-app"),
    page(f"{HERE}/app/remove", remove_app, None, methods=("POST",), name="account-remove-app"),
    page(f"{HERE}/password", set_password, None, methods=("POST",), name="account-password"),
    page(f"{HERE}/passkeys", add_passkey, None, methods=("POST",), name="account-add-passkey"),
    page(
        f"{HERE}/passkeys/{{passkey:row}}", rename_passkey, None, methods=("POST",),
        name="account-rename-passkey",
    ),
    page(
        f"{HERE}/passkeys/{{passkey:row}}/remove", remove_passkey, None, methods=("POST",),
        name="account-remove-passkey",
    ),
    page(f"{HERE}/recovery", new_codes, None, methods=("POST",), name="account-recovery"),
    page(f"{HERE}/sso", tie, None, methods=("POST",), name="account-tie"),
    page(f"{HERE}/sso/remove", untie, None, methods=("POST",), name="account-untie"),
    page(f"{HERE}/sessions/end", end_others, None, methods=("POST",), name="account-end-others"),
    page(
        f"{HERE}/sessions/{{session}}/end", end_session, None, methods=("POST",),
        name="account-end-session",
    ),
    page(f"{HERE}/preferences", prefer, None, methods=("POST",), name="account-preferences"),
)  # fmt: skip
