"""Settings: staff, roles and sessions."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kanhe.app.enrolling import NotFresh
from kanhe.app.personnel import NotFound
from kanhe.core.errors import KanheError
from kanhe.protect.access.permissions import PERMISSIONS
from kanhe.protect.access.roles import CONFLICTS, Role
from kanhe.serve.console.frame import go, not_found, page, render, services, visitor
from kanhe.serve.console.language import gettext as _
from kanhe.serve.console.language import in_words
from kanhe.serve.console.pages.account import method_of
from kanhe.serve.console.pages.doorway import (
    REFUSALS,
    confirmed,
    sent,
    sent_all,
    words_of,
)

STAFF, ROLES, SESSIONS = "/settings/staff", "/settings/roles", "/settings/sessions"
_STATES = ("active", "invited", "expired", "disabled")


def show_staff(request: Request) -> Response:
    """Who is there."""
    return _staff(request)


@confirmed(STAFF)
def invite(request: Request) -> Response:
    """Invite somebody; the link is shown once, to be handed over."""
    try:
        staff, link = services(request).staffing.personnel.invite(
            visitor(request), sent(request, "mail"), sent(request, "name"),
            sent(request, "tenant"), sent_all(request, "role"),
        )  # fmt: skip
    except REFUSALS as refusal:
        return _staff(request, _told(refusal))
    return _person(request, staff, link=link)


def show_person(request: Request) -> Response:
    """Somebody, with what they may do."""
    return _person(request, request.path_params["staff"])


@confirmed(STAFF + "/{staff}")
def set_roles(request: Request) -> Response:
    """Give somebody other roles."""
    staff = request.path_params["staff"]
    try:
        services(request).staffing.personnel.set_roles(
            visitor(request), staff, sent_all(request, "role")
        )
    except REFUSALS as refusal:
        return _person(request, staff, _told(refusal))
    return go(request, f"{STAFF}/{staff}", _("The roles are changed."))


@confirmed(STAFF + "/{staff}")
def invite_again(request: Request) -> Response:
    """A new link for somebody."""
    staff = request.path_params["staff"]
    try:
        link = services(request).staffing.personnel.invite_again(visitor(request), staff)
    except REFUSALS as refusal:
        return _person(request, staff, _told(refusal))
    return _person(request, staff, link=link)


@confirmed(STAFF + "/{staff}")
def disable(request: Request) -> Response:
    """Let somebody in no more."""
    staff = request.path_params["staff"]
    try:
        services(request).staffing.personnel.disable(visitor(request), staff)
    except REFUSALS as refusal:
        return _person(request, staff, _told(refusal))
    return go(request, f"{STAFF}/{staff}", _("Disabled. All their sessions have ended."))


@confirmed(STAFF + "/{staff}")
def enable(request: Request) -> Response:
    """Let somebody in again."""
    staff = request.path_params["staff"]
    try:
        services(request).staffing.personnel.enable(visitor(request), staff)
    except REFUSALS as refusal:
        return _person(request, staff, _told(refusal))
    return go(request, f"{STAFF}/{staff}", _("Enabled."))


def show_roles(request: Request) -> Response:
    """What each role may do."""
    return _roles(request)


def show_new_role(request: Request) -> Response:
    """A form for a role of one's own."""
    return _role(request, None)


def show_role(request: Request) -> Response:
    """A role of one's own, to be changed."""
    role = services(request).staffing.personnel.roles().get(request.path_params["role"])
    if role is None:
        raise not_found()
    if role.built_in:
        return RedirectResponse(ROLES, 303)
    return _role(request, role)


@confirmed(ROLES)
def make_role(request: Request) -> Response:
    """Keep a new role."""
    return _save(request, sent(request, "name"), new=True)


@confirmed(ROLES + "/{role}")
def change_role(request: Request) -> Response:
    """Keep what a role may do now."""
    return _save(request, request.path_params["role"], new=False)


@confirmed(ROLES + "/{role}")
def remove_role(request: Request) -> Response:
    """Drop a role that nobody has."""
    name = request.path_params["role"]
    try:
        services(request).staffing.personnel.remove_role(visitor(request), name)
    except REFUSALS as refusal:
        role = services(request).staffing.personnel.roles().get(name)
        return _role(request, role, _told(refusal))
    return go(request, ROLES, _("The role is removed."))


def show_sessions(request: Request) -> Response:
    """Who is signed in, and where."""
    found = services(request).staffing.personnel.open_sessions(visitor(request).actor)
    return render(
        request, "settings/sessions.html",
        sessions=[(one, method_of(one.session)) for one in found],
    )  # fmt: skip


def end_session(request: Request) -> Response:
    """End somebody's session."""
    try:
        services(request).staffing.personnel.end_session(
            visitor(request), request.path_params["session"]
        )
    except NotFound:
        raise not_found() from None
    return go(request, SESSIONS, _("The session has ended."))


def _told(refusal: KanheError) -> str:
    # Where the second factor is too old, `confirmed` leads to where it is shown.
    if isinstance(refusal, NotFresh):
        raise refusal
    if isinstance(refusal, NotFound):
        raise not_found()
    return words_of(refusal)


def _staff(request: Request, problem: str = "") -> Response:
    personnel, person = services(request).staffing.personnel, visitor(request)
    wanted = request.query_params.get("state", "")
    people = personnel.people(person.actor)
    counts = {state: sum(one.state == state for one in people) for state in _STATES}
    return render(
        request, "settings/staff.html", status=422 if problem else 200,
        people=[one for one in people if wanted not in _STATES or one.state == wanted],
        wanted=wanted, total=len(people), counts=counts, roles=personnel.roles(), said=in_words,
        problem=problem, typed={name: sent(request, name) for name in ("mail", "name", "tenant")},
        chosen=sent_all(request, "role"),
    )  # fmt: skip


def _person(request: Request, staff: str, problem: str = "", link: str = "") -> Response:
    personnel, me = services(request).staffing.personnel, visitor(request)
    mailed = bool(link) and services(request).outgoing.mail_invitation(staff, link)
    try:
        person = personnel.person(me.actor, staff)
    except NotFound:
        raise not_found() from None
    chosen = sent_all(request, "role") if problem else person.account.roles
    return render(
        request, "settings/person.html", status=422 if problem else 200, person=person,
        roles=personnel.roles(), chosen=chosen, said=in_words, problem=problem, link=link,
        mailed=mailed, is_me=staff == me.actor.staff,
    )  # fmt: skip


def _roles(request: Request) -> Response:
    personnel = services(request).staffing.personnel
    return render(
        request, "settings/roles.html", roles=list(personnel.roles().values()),
        permissions=PERMISSIONS, holders=personnel.holders(), said=in_words, conflicts=CONFLICTS,
        labels={one.name: one.label for one in PERMISSIONS},
    )  # fmt: skip


def _role(request: Request, role: Role | None, problem: str = "") -> Response:
    chosen = sent_all(request, "permission") or (role.permissions if role else ())
    return render(
        request, "settings/role.html", status=422 if problem else 200, role=role,
        permissions=PERMISSIONS, chosen=chosen, said=in_words, problem=problem,
        typed={"name": sent(request, "name"), "label": sent(request, "label")},
        holders=services(request).staffing.personnel.holders(),
    )  # fmt: skip


def _save(request: Request, name: str, *, new: bool) -> Response:
    personnel = services(request).staffing.personnel
    known = frozenset(one.name for one in PERMISSIONS)
    chosen = tuple(one for one in sent_all(request, "permission") if one in known)
    try:
        personnel.save_role(visitor(request), name, sent(request, "label"), chosen, new=new)
    except REFUSALS as refusal:
        return _role(request, None if new else personnel.roles().get(name), _told(refusal))
    return go(request, ROLES, _("The role is kept."))


ROUTES = (
    page(STAFF, show_staff, "staff.read", name="staff"),
    page(STAFF, invite, "staff.manage", methods=("POST",), name="staff-invite"),
    page(STAFF + "/{staff}", show_person, "staff.read", name="staff-person"),
    page(STAFF + "/{staff}/roles", set_roles, "staff.manage", methods=("POST",), name="staff-roles"),
    page(STAFF + "/{staff}/link", invite_again, "staff.manage", methods=("POST",), name="staff-link"),
    page(STAFF + "/{staff}/disable", disable, "staff.manage", methods=("POST",), name="staff-disable"),
    page(STAFF + "/{staff}/enable", enable, "staff.manage", methods=("POST",), name="staff-enable"),
    page(ROLES, show_roles, "staff.read", name="roles"),
    page(ROLES, make_role, "roles.manage", methods=("POST",), name="roles-make"),
    page(ROLES + "/new", show_new_role, "roles.manage", name="roles-new"),
    page(ROLES + "/{role}", show_role, "roles.manage", name="roles-one"),
    page(ROLES + "/{role}", change_role, "roles.manage", methods=("POST",), name="roles-change"),
    page(ROLES + "/{role}/remove", remove_role, "roles.manage", methods=("POST",), name="roles-remove"),
    page(SESSIONS, show_sessions, "staff.read", name="sessions"),
    page(SESSIONS + "/{session}/end", end_session, "staff.manage", methods=("POST",), name="sessions-end"),
)  # fmt: skip
