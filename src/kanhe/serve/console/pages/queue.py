"""The queue: what is to be done, in order of what is at stake, and what is done to several cases at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.casework import CaseNotFound, Listing, Page, Result, ViewError
from kanhe.core.time import DAY_MS, HOUR_MS
from kanhe.protect.access.masking import mask
from kanhe.respond.alerts import RANK, SEVERITIES
from kanhe.respond.cases import VERDICTS, CaseError
from kanhe.respond.searching import SearchError
from kanhe.serve.console.frame import (
    form,
    go,
    not_found,
    page,
    render,
    safe_path,
    services,
    visitor,
)
from kanhe.serve.console.language import gettext, in_words, ngettext, spoken
from kanhe.serve.console.pages import case_words
from kanhe.serve.console.streaming import Message, stream

SORTS = ("priority", "due", "newest")
_MOST_PICKED = 200
SNOOZES = {"1h": HOUR_MS, "4h": 4 * HOUR_MS, "1d": DAY_MS, "3d": 3 * DAY_MS, "7d": 7 * DAY_MS}


class Asked(NamedTuple):
    """What a request asks of the queue."""

    view: str
    base: str
    """The search that the view stands for."""
    query: str
    """What was typed beside it."""
    sort: Any

    @property
    def whole(self) -> str:
        """Both together."""
        return " ".join(part for part in (self.base, self.query) if part)

    def href(self, **changes: str) -> str:
        """The address of the same with some of it changed."""
        values = {"q": self.query, "sort": self.sort} | changes
        path = f"/queue/{self.view}" if self.view else "/queue"
        kept = {k: v for k, v in values.items() if v and not (k == "sort" and v == "priority")}
        return f"{path}?{urlencode(kept)}" if kept else path


class Facet(NamedTuple):
    """Counts of one kind: value, title, count, and where it leads, and whether it is chosen."""

    title: str
    field: str
    items: list[Any]


def show(request: Request) -> Response:
    """A page of the queue."""
    person, casework = visitor(request), services(request).casework
    asked = _asked(request)
    found: Page | None = None
    wrong: SearchError | None = None
    try:
        found = casework.queues.page(
            person.actor, asked.whole, asked.sort, request.query_params.get("after", "")
        )
    except SearchError as error:
        wrong = error
    names = casework.queues.names(person.actor)
    return render(
        request,
        "queue/queue.html",
        status=422 if wrong else 200,
        asked=asked,
        found=found,
        wrong=_wrong(wrong, asked) if wrong else None,
        rows=[_row(one, names) for one in found.cases] if found else [],
        facets=_facets(asked, found, names, casework) if found else [],
        views=[("", gettext("All")), ("mine", gettext("Mine")), ("free", gettext("Nobody's")),
               ("waiting", gettext("Put off")), ("review", gettext("Quality review")),
               ("decided", gettext("Decided"))],
        saved=casework.queues.views(person.actor),
        undo=casework.work.undoable(person.actor),
        states=case_words.all_said(case_words.STATES),
        kinds=case_words.kinds(),
        cleared=case_words.said(case_words.CLEARED),
        confirmed=case_words.said(case_words.CONFIRMED),
        snoozes=snoozes(),
        done=case_words.all_said(case_words.DONE),
        several=True,
        back=asked.href(),
        base=services(request).journal.base_currency(),
        now_ms=services(request).clock(),
    )  # fmt: skip


async def watch(request: Request) -> Response:
    """A stream that tells how many cases have come since the page was opened."""
    asked = _asked(request)
    person, casework = visitor(request), services(request).casework
    text = request.query_params.get("than", "0")
    than = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
    told: tuple[int, int] | None = None

    def count() -> list[Message]:
        nonlocal told
        mark, newest = casework.queues.mark(person.actor)
        if told is not None and told[0] == mark:
            return []
        try:
            fresh = casework.queues.newer(person.actor, asked.whole, than) if newest > than else 0
        except SearchError:
            fresh = 0
        before, told = told, (mark, fresh)
        return [Message.of("fresh", fresh)] if before is None or before[1] != fresh else []

    async def look() -> list[Message]:
        return await run_in_threadpool(count)

    return stream(request, look, every_s=1.0)


def act(request: Request) -> Response:
    """Do something to the cases that were picked."""
    person, casework, sent = visitor(request), services(request).casework, form(request)
    numbers = [
        int(one)
        for one in sent.getlist("case")[:_MOST_PICKED]
        if isinstance(one, str) and one.isascii() and one.isdecimal() and len(one) < 16
    ]
    back = safe_path(str(sent.get("back") or ""), "/queue")
    if not numbers:
        return go(request, back, gettext("Pick some cases first."))
    try:
        result = perform(request, str(sent.get("action") or ""), numbers)
    except CaseNotFound:
        raise not_found() from None
    except CaseError as error:
        return go(request, back, case_words.refusal(error, casework.queues.names(person.actor)))
    return go(request, back, _summary(result, casework.queues.names(person.actor)))


def perform(
    request: Request,
    action: str,
    numbers: list[int],
    seen: int | None = None,
    upto: int | None = None,
    listings: Sequence[Listing] = (),
) -> Result:
    """Do what a form says to these cases. Raises `CaseError`, `CaseNotFound`, and 404 for no action."""
    actor, casework, sent = visitor(request).actor, services(request).casework, form(request)
    work = casework.work
    match action:
        case "take":
            return work.take(actor, numbers, seen)
        case "release":
            return work.release(actor, numbers, seen)
        case "assign":
            return work.assign(actor, numbers, str(sent.get("to") or ""), seen)
        case "escalate":
            return work.escalate(actor, numbers, str(sent.get("reason") or ""), seen)
        case "snooze":
            span = SNOOZES.get(str(sent.get("for") or ""), 0)
            return work.snooze(actor, numbers, services(request).clock() + span, seen)
        case "resolve":
            verdict = next((v for v in VERDICTS if v == sent.get("verdict")), None)
            if verdict is None:
                raise CaseError("no_reason", "no verdict was chosen")
            return work.resolve(
                actor, numbers, verdict, _reason(request), seen=seen, upto=upto,
                listings=listings,
            )  # fmt: skip
        case _:
            raise not_found()


def _reason(request: Request) -> str:
    """The reason chosen in a dialog, and what was written beside it."""
    sent = form(request)
    words = {**dict(case_words.CLEARED), **dict(case_words.CONFIRMED)}
    chosen, more = str(sent.get("why") or ""), str(sent.get("reason") or "").strip()
    if chosen == "other" or chosen not in words:
        return more
    text = gettext(words[chosen])
    return f"{text}: {more}" if more else text


def next_case(request: Request) -> Response:
    """Take the most urgent case that nobody holds, and go there."""
    person = visitor(request)
    number = services(request).casework.work.take_next(person.actor)
    if not number:
        return go(request, "/queue", gettext("Nothing is left that you could take."))
    return go(request, f"/cases/{number}")


def undo(request: Request) -> Response:
    """Take back what this person did last."""
    person, casework, sent = visitor(request), services(request).casework, form(request)
    back = safe_path(str(sent.get("back") or ""), "/queue")
    names = casework.queues.names(person.actor)
    text = str(sent.get("undo") or "")
    id = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
    try:
        result = casework.work.undo(person.actor, id)
    except CaseNotFound:
        raise not_found() from None
    except CaseError as error:
        return go(request, back, case_words.refusal(error, names))
    if len(result.done) == 1:
        back = f"/cases/{result.done[0]}"
    return go(request, back, _summary(result, names, gettext("Taken back")))


def save_view(request: Request) -> Response:
    """Keep a search under a name."""
    person, casework, sent = visitor(request), services(request).casework, form(request)
    query = str(sent.get("q") or "")
    back = safe_path(str(sent.get("back") or ""), "/queue")
    try:
        casework.queues.save_view(
            person.actor, str(sent.get("name") or ""), query, str(sent.get("sort") or "priority"),
            is_shared=sent.get("shared") == "1",
        )  # fmt: skip
    except ViewError:
        return go(request, back, gettext("A saved search needs a name of 1 to 60 characters."))
    except SearchError:
        return go(request, back, gettext("This search cannot be saved: it has a mistake."))
    return go(request, back, gettext("Saved"))


def drop_view(request: Request) -> Response:
    """Forget a search."""
    services(request).casework.queues.drop_view(visitor(request).actor, request.path_params["view"])
    return go(request, "/queue", gettext("Removed"))


_BASES = {
    "": "",
    "mine": "owner:me",
    "free": "owner:none",
    "waiting": "is:waiting",
    "review": "is:in_review",
    "decided": "is:resolved,closed,in_review",
}


def _asked(request: Request) -> Asked:
    view = request.path_params.get("view", "")
    sort = request.query_params.get("sort", "priority")
    query = request.query_params.get("q", "").strip()[:500]
    base = _BASES.get(view)
    if base is None:
        known = services(request).casework.orders.queues
        if view.startswith("saved-"):
            for one in services(request).casework.queues.views(visitor(request).actor):
                if view == f"saved-{one.id}":
                    chosen = request.query_params.get("sort", one.sort)
                    return Asked(view, one.query, query, chosen if chosen in SORTS else "priority")
        if view not in {queue.name for queue in known}:
            raise not_found()
        base = f"queue:{view}"
    return Asked(view, base, query, sort if sort in SORTS else "priority")


def _row(row: Any, names: Any) -> dict[str, Any]:
    """A case as a row of the table."""
    title = row.title_zh if spoken() == "zh_CN" else row.title_en
    return {
        "number": row.number,
        "severity": SEVERITIES[row.severity],
        "state": row.state,
        "title": mask("prose", title),
        "about_kind": row.about_kind,
        "about": mask(row.about_kind, row.about),
        "tenant": row.tenant,
        "event_type": row.event_type,
        "amount_minor": row.amount_minor,
        "loss_minor": row.loss_minor,
        "alerts": row.alerts,
        "complaints": row.complaints,
        "due_ms": row.due_ms,
        "is_active": row.is_active,
        "verdict": row.verdict,
        "owner": names.get(row.owner, row.owner),
        "queue": row.queue,
    }


def _facets(asked: Asked, found: Page, names: Any, casework: Any) -> list[Facet]:
    """The counts beside the search, each leading to its part of the queue."""
    counts = found.counts
    if counts is None:
        return []
    levels = {n: counts.by["severity"][RANK[n]] for n in reversed(SEVERITIES)}
    queues = {
        one.name: (in_words(one.title), counts.by["queue"][one.name])
        for one in casework.orders.queues
    }
    states = {name: counts.by["state"][name] for name in case_words.STATES}
    facets = (
        Facet(gettext("Severity"), "severity", [(name, name, n) for name, n in levels.items()]),
        Facet(gettext("Queue"), "queue", [(name, *queue) for name, queue in queues.items()]),
        Facet(
            gettext("State"),
            "is",
            [(name, gettext(case_words.STATES[name]), n) for name, n in states.items()],
        ),
    )
    terms = asked.query.split()
    return [
        facet._replace(
            items=[
                (value, title, n, _toggled(asked, facet.field, value), f"{facet.field}:{value}" in terms)
                for value, title, n, *_ in facet.items
                if n
            ]
        )
        for facet in facets
        if any(item[2] for item in facet.items)
    ]  # fmt: skip


def _toggled(asked: Asked, field: str, value: str) -> str:
    """The address with a term added, or taken away where it stands already."""
    term = f"{field}:{value}"
    terms = asked.query.split()
    if term in terms:
        terms.remove(term)
    else:
        terms = [one for one in terms if not one.startswith(f"{field}:")] + [term]
    return asked.href(q=" ".join(terms), after="")


def _wrong(error: SearchError, asked: Asked) -> dict[str, str]:
    """What is wrong with a search, with the place in it."""
    shift = len(asked.base) + 1 if asked.base else 0
    begin, end = max(error.begin - shift, 0), max(error.end - shift, 0)
    text = asked.query
    return {
        "before": text[:begin],
        "place": text[begin:end] or "␣",
        "after": text[end:],
        "known": error.known,
    }


def snoozes() -> list[tuple[str, str]]:
    """For how long a case can be put off, in words."""
    return [
        ("1h", gettext("for an hour")), ("4h", gettext("for four hours")),
        ("1d", gettext("for a day")), ("3d", gettext("for three days")),
        ("7d", gettext("for a week")),
    ]  # fmt: skip


def _summary(result: Result, names: Any, done: str = "") -> str:
    """What an action did, in one line."""
    count = len(result.done)
    text = ngettext("%(num)s case", "%(num)s cases", count) % {"num": count}
    parts = [f"{done or gettext('Done')}: {text}"]
    if result.refused:
        _, error = result.refused[0]
        left = len(result.refused)
        parts.append(
            ngettext("%(num)s was left: %(why)s", "%(num)s were left: %(why)s", left)
            % {"num": left, "why": case_words.refusal(error, names)}
        )
    return " · ".join(parts)


ROUTES = (
    page("/queue", show, "queue.read", name="queue"),
    page("/queue/stream", watch, "queue.read", name="queue-stream"),
    page("/queue/stream/{view}", watch, "queue.read", name="queue-stream-view"),
    page("/queue/act", act, "cases.work", methods=("POST",), name="queue-act"),
    page("/queue/next", next_case, "cases.work", methods=("POST",), name="queue-next"),
    page("/queue/undo", undo, "cases.work", methods=("POST",), name="queue-undo"),
    page("/queue/views", save_view, "cases.work", methods=("POST",), name="queue-save"),
    page(
        "/queue/views/{view:row}/drop",
        drop_view,
        "cases.work",
        methods=("POST",),
        name="queue-drop",
    ),
    page("/queue/{view}", show, "queue.read", name="queue-view"),
)
