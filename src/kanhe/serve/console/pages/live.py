"""What happens now: as a page to work with, and as a wall to be read from afar."""

from __future__ import annotations

import json
from typing import Any, cast

from babel.core import Locale
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.looking import LiveView
from kanhe.serve.console import formats, naming, world
from kanhe.serve.console.frame import page, render, services, visitor
from kanhe.serve.console.language import N_, speaking, spoken
from kanhe.serve.console.language import gettext as _
from kanhe.serve.console.rendering import environment, language_of
from kanhe.serve.console.streaming import Message, stream

EVERY_S = 1.0
_SERIES = ("allow", "challenge", "review", "deny", "recorded")
PARTS = {
    "judge": N_("Judging"),
    "index": N_("Index"),
    "log": N_("Log"),
    "witnesses": N_("Witnesses"),
    "governor": N_("Governor"),
    "disk": N_("Disk"),
}
_STATES = {"good": "●", "warn": "▲", "bad": "◆", "unknown": "○"}


def show_live(request: Request) -> Response:
    """The page, as it stands when it is opened; the stream keeps it current."""
    return render(request, "live/live.html", **_context(_looked(request)))


def show_wall(request: Request) -> Response:
    """The same, large and without anything to press."""
    return render(request, "live/wall.html", **_context(_looked(request)))


async def follow(request: Request) -> Response:
    """The stream behind both: figures as JSON, and the parts of the page that are text as HTML."""
    wall = request.query_params.get("wall") == "1"

    async def look() -> list[Message]:
        return await run_in_threadpool(_messages, request, wall)

    return stream(request, look, EVERY_S)


def _messages(request: Request, wall: bool) -> list[Message]:
    # A stream has no handler that speaks the visitor's language for it.
    person = visitor(request)
    with speaking(language_of(request)), formats.in_zone(person.time_zone):
        context = _context(_looked(request))
        template = "live/wall_parts.html" if wall else "live/parts.html"
        text = environment().get_template(template).render(
            {"asset": request.app.state.assets.url, "request": request, "visitor": person, **context}
        )  # fmt: skip
        return [Message.of("chart", context["chart"]), Message(text)]


def _looked(request: Request) -> LiveView:
    return services(request).looking.live(visitor(request).actor)


def _context(view: LiveView) -> dict[str, Any]:
    total = sum(view.outcomes.values())
    counts = {one.what: (one.events, one.refused) for one in view.countries}
    chart = {
        "seconds": [list(view.seconds), *(list(view.by_outcome.get(name, ())) for name in _SERIES)],
        "minutes": [
            list(view.minutes),
            *(list(view.minutes_by_outcome.get(name, ())) for name in _SERIES),
        ],
    }
    return {
        "live": view,
        "total": total,
        "chart": chart,
        "seconds": json.dumps(chart["seconds"]),
        "minutes": json.dumps(chart["minutes"]),
        "names": json.dumps([naming.outcome_name(name) for name in _SERIES], ensure_ascii=False),
        "keys": json.dumps(_SERIES),
        "shares": _shares(view, total),
        "tiles": world.tiles(counts),
        "world": (world.WIDTH, world.HEIGHT),
        "countries": [(one, country_name(one.what)) for one in view.countries[:24]],
        "most_country": max((one.events for one in view.countries), default=1),
        "most_rule": max((one.events for one in view.rules), default=1),
        "health": [(one, _part(one.part), _STATES[one.state], _figure(one)) for one in view.health],
        "series": _SERIES,
    }


def _shares(view: LiveView, total: int) -> list[tuple[str, int, float, float]]:
    """Outcome, count, and where its piece of a bar of 100 begins and how wide it is."""
    found, at = [], 0.0
    for name in _SERIES:
        width = 100 * view.outcomes.get(name, 0) / total if total else 0.0
        found.append((name, view.outcomes.get(name, 0), round(at, 3), round(width, 3)))
        at += width
    return found


def _part(part: str) -> str:
    return _(PARTS[part])


def _figure(one: Any) -> str:
    """What is said of a part beside its state."""
    if one.part == "judge":
        return _("answers") if one.state == "good" else _("does not answer")
    if one.part == "disk":
        return _("%(share)s free") % {"share": formats.share(one.figure, 0)}
    if one.part in ("index", "log"):
        rows = formats.number(one.figure)
        return _("up to date") if not one.figure else _("%(rows)s rows behind") % {"rows": rows}
    if one.part == "witnesses":
        if not one.limit and not one.figure:
            return _("none asked")
        have, need = formats.number(one.figure), formats.number(one.limit)
        return _("%(have)s of %(need)s") % {"have": have, "need": need}
    held = formats.number(one.figure)
    return _("holds nothing") if not one.figure else _("holds %(held)s") % {"held": held}


def country_name(code: str) -> str:
    """A country in the language spoken."""
    territories = cast("dict[str, str]", Locale.parse(spoken()).territories)
    return territories.get(code, code)


ROUTES = (
    page("/live", show_live, "live.read", name="live"),
    page("/wall", show_wall, "live.read", name="wall"),
    page("/live/stream", follow, "live.read", name="live-stream"),
)
