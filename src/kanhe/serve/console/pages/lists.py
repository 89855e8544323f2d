"""Lists: what stands on them, for how long, why, and by whom."""

from __future__ import annotations

import hmac
import re
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.judge_link import JudgeDownError
from kanhe.app.listkeeping import Entry, NotTheirsError
from kanhe.core.errors import Refusal
from kanhe.core.time import DAY_MS, HOUR_MS
from kanhe.protect.access.accounts import AccessRefused
from kanhe.protect.access.masking import is_personal, shown
from kanhe.serve.console.cookies import session_token
from kanhe.serve.console.formats import zone_of
from kanhe.serve.console.frame import form, go, not_found, page, render, services, visitor
from kanhe.serve.console.language import N_, gettext, ngettext
from kanhe.serve.console.pages.packs import told_of
from kanhe.serve.console.problems import problem_page

_SHOWN = 100
_VALUE_MAX = 256
_REASON_MAX = 500
_SPANS = {
    "": 0,
    "1h": HOUR_MS,
    "24h": DAY_MS,
    "7d": 7 * DAY_MS,
    "30d": 30 * DAY_MS,
    "90d": 90 * DAY_MS,
}
SPANS = {
    "": N_("without end"),
    "1h": N_("for an hour"),
    "24h": N_("for a day"),
    "7d": N_("for a week"),
    "30d": N_("for 30 days"),
    "90d": N_("for 90 days"),
    "until": N_("until a day…"),
}
KINDS = {"deny": N_("Deny list"), "allow": N_("Allow list"), "watch": N_("Watch list")}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LAST_YEAR = 9_000


class _Row(NamedTuple):
    """An entry as the page shows it."""

    value: str
    reference: str
    entry: Entry

    @classmethod
    def of(cls, request: Request, entry: Entry, holds: str, is_clear: bool) -> _Row:
        value = shown(holds, entry.value, clear=is_clear)
        return cls(value, _reference(request, entry.value), entry)


def show_lists(request: Request) -> Response:
    """All lists of the pack in force."""
    actor = visitor(request).actor
    tenant = _tenant(request)
    keeping = services(request).lists
    try:
        lists = keeping.all(actor, tenant)
    except JudgeDownError as error:
        return problem_page(request, 503, detail=told_of(error))
    return render(
        request, "lists/all.html",
        lists=lists, tenant=tenant, tenants=keeping.tenants(actor), kinds=_said(KINDS),
    )  # fmt: skip


def show_list(request: Request) -> Response:
    """The entries of one list."""
    return _shown(request)


def add(request: Request) -> Response:
    """Put values on a list: one a line."""
    sent = form(request)
    tenant = _tenant(request)
    name = request.path_params["name"]
    lines = (line.strip() for line in str(sent.get("values") or "").splitlines())
    values = list(dict.fromkeys(line for line in lines if line))
    reason = str(sent.get("reason") or "").strip()
    expires_ms, problem = _expiry(
        request, str(sent.get("span") or ""), str(sent.get("until") or "")
    )
    problems: dict[str, str] = {}
    if not values or len(values) > _SHOWN:
        problems["values"] = gettext("Write 1 to 100 values, each on a line of its own.")
    elif any(len(value) > _VALUE_MAX for value in values):
        problems["values"] = gettext("A value has at most 256 characters.")
    if not reason or len(reason) > _REASON_MAX:
        problems["reason"] = gettext("Say why, in 1 to 500 characters.")
    if problem:
        problems["until"] = problem
    if problems:
        return _shown(request, problems)
    keeping, actor = services(request).lists, visitor(request).actor
    added = 0
    try:
        for value in values:
            keeping.add(actor, tenant, name, value, reason, expires_ms)
            added += 1
    except (Refusal, JudgeDownError) as error:
        if isinstance(error, Refusal) and error.problem.status == 404:
            raise not_found() from None
        told = ngettext(
            "%(num)s value was added before: ", "%(num)s values were added before: ", added
        ) % {"num": added}
        return _shown(
            request, {"values": (told if added else "") + _entry_problem(error, values[added])}
        )
    except NotTheirsError:
        raise not_found() from None
    text = ngettext("%(num)s value added.", "%(num)s values added.", added) % {"num": added}
    return go(request, _path(name, tenant), text)


def remove(request: Request) -> Response:
    """Take a value off a list."""
    sent = form(request)
    tenant = _tenant(request)
    name, reference = request.path_params["name"], str(sent.get("entry") or "")
    reason = str(sent.get("reason") or "").strip()
    if not reason or len(reason) > _REASON_MAX:
        told = gettext("Say why, in 1 to 500 characters.")
        return _shown(request, {"remove": told, "removing": reference})
    keeping, actor = services(request).lists, visitor(request).actor
    try:
        found = keeping.entry(actor, tenant, name, lambda value: _refers(request, value, reference))
        if found is None:
            return _shown(request, {"": gettext("It is not on the list any more.")})
        keeping.remove(actor, tenant, name, found.value, reason)
    except NotTheirsError:
        raise not_found() from None
    except JudgeDownError as error:
        return _shown(request, {"": told_of(error)})
    except Refusal as error:
        if error.problem.status == 404:
            return _shown(request, {"": gettext("It is not on the list any more.")})
        return _shown(request, {"": told_of(error)})
    return go(request, _path(name, tenant), gettext("Removed."))


def reveal(request: Request) -> Response:
    """Show the values of a list in clear, for a reason that is recorded."""
    tenant, name = _tenant(request), request.path_params["name"]
    reason = str(form(request).get("reason") or "")
    try:
        services(request).staffing.reveal(
            visitor(request), _subject(tenant, name), reason,
            tenant=tenant, resource="list", list_name=name,
        )  # fmt: skip
    except AccessRefused:
        return _shown(request, {"reveal": gettext("Say why, in 8 to 500 characters.")})
    return go(request, _path(name, tenant))


def _subject(tenant: str, name: str) -> str:
    return f"list:{tenant}:{name}"


def _reference(request: Request, value: str) -> str:
    """What stands for an entry in a form, so that a value nobody may see is not in the page."""
    key = session_token(request).encode()
    return hmac.digest(key, b"list entry " + value.encode(), "sha256").hex()


def _refers(request: Request, value: str, reference: str) -> bool:
    return hmac.compare_digest(_reference(request, value).encode(), reference.encode())


def _shown(request: Request, problems: dict[str, str] | None = None) -> Response:
    actor = visitor(request).actor
    tenant = _tenant(request)
    keeping = services(request).lists
    query = request.query_params
    wanted = query.get("q", "")[:_VALUE_MAX].strip()
    try:
        found = keeping.find(actor, tenant, request.path_params["name"])
        if found is None:
            raise not_found()
        is_clear = not is_personal(found.holds) or (
            visitor(request).may("personal.reveal")
            and services(request).staffing.sees_clear(
                visitor(request), _subject(tenant, found.name)
            )
        )
        # Where the page goes on is a value: sealed, so that no address holds one, and none can be tried.
        place, aliases = f"list {tenant} {found.name}", services(request).aliases
        asked = query.get("after", "")
        after = aliases.value(place, asked) if asked else ""
        if after is None:
            raise not_found()
        entries, more = keeping.page(
            actor, tenant, found.name, wanted, after, _SHOWN, whole=not is_clear
        )
    except JudgeDownError as error:
        return problem_page(request, 503, detail=told_of(error))
    return render(
        request, "lists/one.html",
        status=422 if problems else 200,
        list=found, entries=[_Row.of(request, entry, found.holds, is_clear) for entry in entries],
        is_clear=is_clear, more=more, wanted=wanted, after=after, tenant=tenant,
        tenants=keeping.tenants(actor), kinds=_said(KINDS), spans=list(_said(SPANS).items()),
        now_ms=services(request).clock(), problems=problems, sent=form(request),
        next_path=_path(found.name, tenant, q=wanted, after=aliases.alias(place, more))
        if more
        else None,
    )  # fmt: skip


def _tenant(request: Request) -> str:
    """Whose entries are meant: one's own, or for staff of the platform those that were asked for."""
    actor = visitor(request).actor
    asked = request.query_params.get("tenant", "")
    if actor.tenant:
        if asked not in ("", actor.tenant):
            raise not_found()
        return actor.tenant
    tenants = services(request).lists.tenants(actor)
    if asked and asked not in tenants:
        raise not_found()
    return asked or tenants[0]


def _expiry(request: Request, span: str, until: str) -> tuple[int | None, str]:
    """Until when an entry counts, and what is wrong with what was asked."""
    if span != "until":
        length = _SPANS.get(span, 0)
        return (services(request).clock() + length if length else None), ""
    problem = gettext("Choose a day to come.")
    if not _DAY.fullmatch(until) or int(until[:4]) > _LAST_YEAR:
        return None, problem
    try:
        day = datetime.strptime(until, "%Y-%m-%d").replace(
            tzinfo=zone_of(visitor(request).time_zone)
        )
    except ValueError:
        return None, problem
    # The whole of that day counts.
    at_ms = int(day.timestamp() * 1000) + DAY_MS
    return (at_ms, "") if at_ms > services(request).clock() else (None, problem)


def _entry_problem(error: Refusal | JudgeDownError, value: str) -> str:
    if isinstance(error, Refusal) and error.problem.errors:
        wrong = error.problem.errors[0]
        return gettext("%(value)s is not valid; expected: %(expected)s") % {
            "value": value[:80],
            "expected": wrong.expected,
        }
    return told_of(error)


def _path(name: str, tenant: str, **more: str) -> str:
    query = urlencode({"tenant": tenant, **{k: v for k, v in more.items() if v}})
    return f"/lists/{name}?{query}"


def _said(names: dict[str, str]) -> dict[str, str]:
    return {name: gettext(text) for name, text in names.items()}


ROUTES = (
    page("/lists", show_lists, "lists.read", name="lists"),
    page("/lists/{name}", show_list, "lists.read", name="list"),
    page("/lists/{name}/add", add, "lists.edit", methods=("POST",)),
    page("/lists/{name}/reveal", reveal, "personal.reveal", methods=("POST",)),
    page("/lists/{name}/remove", remove, "lists.edit", methods=("POST",)),
)
