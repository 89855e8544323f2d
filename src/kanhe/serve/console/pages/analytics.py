"""How it went over days and weeks: as a page, and as CSV."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.looking import AnalyticsView, NothingYetError, Span
from kanhe.core.time import DAY_MS
from kanhe.serve.console import naming
from kanhe.serve.console.frame import page, render, services, visitor
from kanhe.serve.console.language import gettext as _

DAYS = 30
"""How long a span is if nobody says otherwise."""
_CHOICES = (1, 7, 30, 90, 365)
_OUTCOMES = ("allow", "challenge", "review", "deny", "recorded")
_MOST_RULES = 40
_MOST_TYPE = 80
CSV_TYPE = "text/csv; charset=utf-8"


def show_analytics(request: Request) -> Response:
    """The page."""
    found = services(request)
    try:
        extent = found.looking.extent_ms()
        span = _span(request, extent)
        view = found.looking.analytics(visitor(request).actor, span)
    except NothingYetError:
        return render(request, "looking/nothing_yet.html", title=_("Analytics"))
    work = found.looking.workload(visitor(request).actor, view.span.begin_ms, view.span.end_ms)
    return render(
        request, "analytics/analytics.html",
        view=view, work=work, extent=extent, outcomes=_OUTCOMES, choices=_CHOICES,
        total=sum(view.outcomes.values()),
        first=_day(request, view.span.begin_ms), last=_day(request, view.span.end_ms - 1),
        chart=_chart(view), names=_names(), keys=json.dumps(_OUTCOMES), most_rules=_MOST_RULES,
        query=_query(request, view), decided=sum(view.outcomes.get(o, 0) for o in _OUTCOMES[:4]),
        people=staff_names(request) if work is not None and work.workers else {},
    )  # fmt: skip


def export_analytics(request: Request) -> Response:
    """The same figures as a table; that they were taken out is recorded."""
    found = services(request)
    try:
        span = _span(request, found.looking.extent_ms())
        view = found.looking.analytics(visitor(request).actor, span)
    except NothingYetError:
        return render(request, "looking/nothing_yet.html", status=404, title=_("Analytics"))
    which = request.query_params.get("table", "steps")
    rows = _rules(view) if which == "rules" else _steps(view)
    found.looking.note_export(visitor(request).actor, f"analytics {which}", len(rows) - 1)
    return csv_file(rows, f"kanhe-{which}.csv")


def csv_file(rows: list[list[Any]], name: str) -> Response:
    """Rows as a CSV file (RFC 4180) that spreadsheets read as UTF-8 and never run."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([[_harmless(value) for value in row] for row in rows])
    return Response(
        "\ufeff" + text.getvalue(),
        media_type=CSV_TYPE,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _harmless(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula, made a text."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def _steps(view: AnalyticsView) -> list[list[Any]]:
    rows: list[list[Any]] = [["begin_utc", "events", *_OUTCOMES]]
    for step in view.steps:
        begin = datetime.fromtimestamp(step.at_ms / 1000, UTC).isoformat()
        rows.append([begin, step.events, *(step.outcomes.get(o, 0) for o in _OUTCOMES)])
    return rows


def _rules(view: AnalyticsView) -> list[list[Any]]:
    rows: list[list[Any]] = [
        ["rule", "fired", "denied", "known", "fraud", "legitimate", "precision"]
    ]
    for one in view.rules:
        precision = "" if one.precision is None else f"{one.precision:.4f}"
        rows.append(
            [one.rule, one.fired, one.denied, one.known, one.fraud, one.legitimate, precision]
        )
    return rows


def _span(request: Request, extent: tuple[int, int]) -> Span:
    """What was asked for, in the days of the reader's time zone; by default the last days there are."""
    asked, zone = request.query_params, ZoneInfo(visitor(request).time_zone)
    type_ = asked.get("type", "")[:_MOST_TYPE]
    begin, end = day_of(asked.get("from", ""), zone), day_of(asked.get("to", ""), zone, 1)
    days = asked.get("days", "")
    length = int(days) if days in {str(one) for one in _CHOICES} else DAYS
    end = end or extent[1] or services(request).clock()
    begin = begin or end - length * DAY_MS
    return Span(min(begin, end), end, type_, visitor(request).time_zone)


def day_of(text: str, zone: ZoneInfo, more_days: int = 0) -> int:
    """The beginning of a day as people write it, 0 for anything else."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=zone)
        return max(0, int((day + timedelta(days=more_days)).timestamp() * 1000))
    except (ValueError, OverflowError):
        return 0


def _day(request: Request, at_ms: int) -> str:
    zone = ZoneInfo(visitor(request).time_zone)
    return datetime.fromtimestamp(max(0, at_ms) / 1000, UTC).astimezone(zone).strftime("%Y-%m-%d")


def _query(request: Request, view: AnalyticsView) -> dict[str, str]:
    kept = {"from": _day(request, view.span.begin_ms), "to": _day(request, view.span.end_ms - 1)}
    return kept | ({"type": view.span.type} if view.span.type else {})


def _chart(view: AnalyticsView) -> str:
    return json.dumps([
        [step.at_ms // 1000 for step in view.steps],
        *([step.outcomes.get(outcome, 0) for step in view.steps] for outcome in _OUTCOMES),
    ])  # fmt: skip


def _names() -> str:
    return json.dumps([naming.outcome_name(one) for one in _OUTCOMES], ensure_ascii=False)


def staff_names(request: Request) -> dict[str, str]:
    """Names of staff by id, of those whom this person may see."""
    people = services(request).staffing.personnel.people(visitor(request).actor)
    return {person.account.id: person.account.name for person in people}


ROUTES = (
    page("/analytics", show_analytics, "analytics.read", name="analytics"),
    page("/analytics/export.csv", export_analytics, "analytics.read", name="analytics-export"),
)
