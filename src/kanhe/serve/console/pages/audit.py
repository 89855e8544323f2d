"""Who did what: acts of staff, and what the installation noted of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.looking import Acts, NothingYetError, NotThereError, Wanted
from kanhe.serve.console import naming
from kanhe.serve.console.frame import page, render, services, visitor
from kanhe.serve.console.language import gettext as _
from kanhe.serve.console.pages.analytics import csv_file, day_of, staff_names

_MOST_TEXT = 256
_MOST_EXPORTED = 5_000
_NAMES = ("who", "act", "about", "from", "to")


def show_audit(request: Request) -> Response:
    """A page of acts, the newest first."""
    wanted, problem = _wanted(request)
    try:
        acts = services(request).looking.audit(visitor(request).actor, wanted)
    except NothingYetError:
        return render(request, "looking/nothing_yet.html", title=_("Audit"))
    except NotThereError:
        acts = Acts((), 0, ())
    kept = {name: request.query_params[name] for name in _NAMES if request.query_params.get(name)}
    more = {**kept, "before": str(acts.next_before)}
    return render(
        request, "audit/audit.html",
        acts=acts, kept=kept, problem=problem, people=staff_names(request), told=_told,
        more=f"/audit?{urlencode(more)}" if acts.next_before else "",
        newest=f"/audit?{urlencode(kept)}" if wanted.before else "", query=kept,
    )  # fmt: skip


def export_audit(request: Request) -> Response:
    """The same acts as a table; that they were taken out is an act itself."""
    wanted, _problem = _wanted(request)
    found = services(request)
    actor = visitor(request).actor
    try:
        lines = found.looking.audit(actor, wanted._replace(most=_MOST_EXPORTED)).lines
    except (NothingYetError, NotThereError):
        lines = ()
    rows: list[list[Any]] = [
        ["time_utc", "tenant", "who", "act", "resource", "about", "details", "decision"]
    ]
    for line in lines:
        about = "; ".join(f"{kind}:{naming.shown(kind, value)}" for kind, value in line.about)
        details = "; ".join(f"{name}={value}" for name, value in _told(line))
        at = datetime.fromtimestamp(line.at_ms / 1000, UTC).isoformat()
        rows.append(
            [at, line.tenant, line.who, line.act, line.resource, about, details, line.handle]
        )
    found.looking.note_export(actor, "audit", len(lines))
    return csv_file(rows, "kanhe-audit.csv")


def _told(line: Any) -> list[tuple[str, str]]:
    """What an act says beyond who and what, as it may be shown."""
    return [(name, naming.shown(name, value)) for name, value in line.told.items()]


def _wanted(request: Request) -> tuple[Wanted, str]:
    """What was asked for, and what was wrong with it."""
    asked = request.query_params
    zone = ZoneInfo(visitor(request).time_zone)
    before = asked.get("before", "")
    kind, colon, value = asked.get("about", "")[:_MOST_TEXT].partition(":")
    problem = ""
    kind, value = kind.strip().lower(), value.strip()
    if kind and (not colon or kind not in naming.KINDS or not value):
        problem = _("Write what it is about as a kind and a value, such as user:u-1001.")
        kind, value = "", ""
    if value.startswith("~"):
        value = naming.dereferenced(services(request), kind, value) or value
    wanted = Wanted(
        before=int(before) if before.isascii() and before.isdecimal() and len(before) < 18 else 0,
        who=asked.get("who", "")[:_MOST_TEXT].strip(),
        act=asked.get("act", "")[:_MOST_TEXT],
        kind=kind,
        value=value,
        begin_ms=day_of(asked.get("from", ""), zone),
        end_ms=day_of(asked.get("to", ""), zone, 1),
    )
    return wanted, problem


ROUTES = (
    page("/audit", show_audit, "audit.read", name="audit"),
    page("/audit/export.csv", export_audit, "audit.read", name="audit-export"),
)
