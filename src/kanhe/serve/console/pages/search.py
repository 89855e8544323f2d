"""Search across everything: as a page, and as JSON for the palette."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kanhe.app.looking import Found
from kanhe.serve.console import naming
from kanhe.serve.console.frame import page, render, services, visitor
from kanhe.serve.console.language import N_, in_words
from kanhe.serve.console.language import gettext as _

_MOST_TEXT = 200
_MOST_SHOWN = 24
_MOST_DIGITS = 18
PLACES = (
    ("/queue", N_("Queue"), "queue.read"),
    ("/live", N_("Live"), "live.read"),
    ("/wall", N_("Wall"), "live.read"),
    ("/analytics", N_("Analytics"), "analytics.read"),
    ("/rules", N_("Rules"), "rules.read"),
    ("/lists", N_("Lists"), "lists.read"),
    ("/audit", N_("Audit"), "audit.read"),
    ("/settings/staff", N_("Staff"), "staff.read"),
    ("/settings/roles", N_("Roles"), "staff.read"),
    ("/settings/keys", N_("API keys"), "settings.read"),
    ("/settings/webhooks", N_("Webhooks"), "settings.read"),
    ("/settings/account", N_("My account"), ""),
)
"""Pages by name, and what is needed to see them."""
_NEEDED = {"decision": "decisions.read", "entity": "entities.read", "rule": "rules.read",
           "list": "lists.read"}  # fmt: skip


class Result(NamedTuple):
    """One line of what was found."""

    group: str
    title: str
    href: str
    hint: str


def show_search(request: Request) -> Response:
    """What a text may mean: grouped on a page, or flat for the palette."""
    text = request.query_params.get("q", "").strip()[:_MOST_TEXT]
    found = list(_found(request, text)) if text else []
    if "application/json" in request.headers.get("accept", ""):
        results = [
            {"title": one.title, "href": one.href, "kind": one.hint} for one in found[:_MOST_SHOWN]
        ]
        return JSONResponse({"results": results})
    groups: dict[str, list[Result]] = {}
    for one in found:
        groups.setdefault(one.group, []).append(one)
    return render(request, "search/search.html", q=text, groups=groups, total=len(found))


def _found(request: Request, text: str) -> Iterator[Result]:
    """Cases first, then what the index knows, then pages by their names."""
    yield from _cases(request, text)
    person = visitor(request)
    tenant = not person.actor.tenant
    for one in services(request).looking.search(person.actor, text):
        if person.may(_NEEDED[one.group]):
            yield _result(request, one, with_tenant=tenant)
    wanted = text.casefold()
    for path, name, permission in PLACES:
        said = _said(name)
        if (not permission or person.may(permission)) and (
            wanted in said.casefold() or wanted in name.casefold()
        ):
            yield Result("page", said, path, _("Page"))


def _said(name: str) -> str:
    """The name of a page in the language spoken."""
    return _(name)


def _cases(request: Request, text: str) -> Iterator[Result]:
    digits = text.lstrip("#")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS):
        return
    person = visitor(request)
    if not person.may("queue.read"):
        return
    case = services(request).looking.case(person.actor, int(digits))
    if case is not None:
        yield Result(
            "case",
            f"#{case.number} {in_words(case.title)}".strip(),
            f"/cases/{case.number}",
            _("Case"),
        )


def _result(request: Request, one: Found, *, with_tenant: bool) -> Result:
    beside = f" · {one.tenant}" if with_tenant and one.tenant else ""
    if one.group == "decision":
        title = f"{naming.type_name(one.kind)} {one.value}"
        hint = naming.outcome_name(one.hint) if one.hint else _("Decision")
        return Result("decision", title, f"/decisions/{one.value}", hint + beside)
    if one.group == "entity":
        path = naming.path_of(
            services(request), one.kind, one.value, one.tenant if with_tenant else ""
        )
        return Result("entity", naming.shown(one.kind, one.value), path,
                      naming.kind_name(one.kind) + beside)  # fmt: skip
    if one.group == "rule":
        return Result("rule", one.value, f"/rules/rule/{quote(one.value, safe='')}", _("Rule"))
    return Result("list", one.value, f"/lists/{quote(one.value, safe='')}", _("List"))


ROUTES = (page("/search", show_search, None, name="search"),)
