"""One case: why it is there, what has happened, whom it is about, and the decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.casework import CaseNotFound, CaseView, Listing
from kanhe.app.looking import NothingYetError
from kanhe.core.decision import decision_id
from kanhe.core.errors import StorageError
from kanhe.protect.access.masking import PERSONAL_FIELDS, mask, shown
from kanhe.respond import evidence
from kanhe.respond.alerts import RANK, RULE, Alert
from kanhe.respond.cases import DECIDED, CaseError
from kanhe.respond.evidence import EvidenceError
from kanhe.respond.joining import WEIGHT
from kanhe.respond.locking import RENEW_EVERY_MS
from kanhe.respond.notes import NOTE_MAX, NoteError
from kanhe.serve.console import naming
from kanhe.serve.console.frame import (
    form,
    go,
    is_partial,
    not_found,
    page,
    render,
    services,
    visitor,
)
from kanhe.serve.console.language import gettext, in_words
from kanhe.serve.console.pages import case_words
from kanhe.serve.console.pages.entities import graph_data
from kanhe.serve.console.pages.queue import perform, snoozes

_FORM_BYTES = 65_536
_FILE_BYTES = evidence.SIZE_MAX + 65_536
_MOST_SEEDS = 12
_MOST_NODES = 60
_MOST_SHOWN = 20
"""So many alerts and moments are shown at first, the newest; all of them are one click away."""
_DECIDING = frozenset({"resolve", "escalate", "snooze"})
"""After these the next case opens."""


class Moment(NamedTuple):
    """One line of the timeline."""

    at_ms: int
    kind: str
    who: str
    text: str
    note: str = ""


def show(request: Request) -> Response:
    """The case with all that belongs to it."""
    return _page(request, _view(request))


def peek(request: Request) -> Response:
    """A look into a case beside the queue."""
    view = _view(request)
    alert = _chosen(view, "")
    return render(
        request,
        "cases/peek.html",
        view=view,
        alert=alert,
        clear=_is_clear(request, view),
        title=_title(view, alert),
        base=services(request).journal.base_currency(),
        **_words(),
    )


def graph(request: Request) -> Response:
    """How the case hangs together with what else is known, as a drawing and as a table."""
    view = _view(request, is_look=False)
    clear = _is_clear(request, view)
    seeds = [(one.kind, one.value) for one in view.entities if one.kind in WEIGHT][:_MOST_SEEDS]
    seeds = [pair for pair in seeds if pair[0] != RULE]
    try:
        found = services(request).looking.linked(visitor(request).actor, view.case.tenant, seeds)
        data = graph_data(request, found, clear)
    except NothingYetError:
        data = _own_graph(request, view, clear)
    template = "cases/graph.html" if is_partial(request) else "cases/graph_page.html"
    return render(request, template, graph=data, case=view.case)


def act(request: Request) -> Response:
    """Do what a form says; after a decision the next case opens."""
    number = request.path_params["number"]
    person, sent = visitor(request), form(request)
    casework = services(request).casework
    action = str(sent.get("action") or "")
    names = casework.queues.names(person.actor)
    try:
        result = perform(
            request, action, [number], _int(sent.get("seen")), _int(sent.get("upto")),
            _listings(request) if action == "resolve" else (),
        )  # fmt: skip
    except CaseNotFound:
        raise not_found() from None
    except CaseError as error:
        return _page(request, _view(request), {"": case_words.refusal(error, names)}, status=409)
    done = gettext(case_words.DONE.get(_past(action), ""))
    if action not in _DECIDING or not result.done:
        return go(request, f"/cases/{number}", done)
    following = casework.work.take_next(person.actor, after=number)
    text = f"#{number}: {done}"
    if not following:
        return go(request, "/queue", text)
    return go(request, f"/cases/{following}", text)


def note(request: Request) -> Response:
    """Write a note."""
    number = request.path_params["number"]
    text = str(form(request).get("text") or "")
    try:
        services(request).casework.work.note(visitor(request).actor, number, text)
    except CaseNotFound:
        raise not_found() from None
    except NoteError:
        told = gettext("A note has 1 to %(most)s characters.") % {"most": NOTE_MAX}
        return _page(request, _view(request), {"text": told}, draft=text[:NOTE_MAX], status=422)
    return go(request, f"/cases/{number}", gettext("Noted"))


def review(request: Request) -> Response:
    """A second person's word about a decision."""
    number, sent = request.path_params["number"], form(request)
    return _tried(
        request,
        lambda work, actor: work.review(
            actor, number, sent.get("agrees") == "1", str(sent.get("remark") or ""),
            _int(sent.get("seen")),
        ),
    )  # fmt: skip


def reopen(request: Request) -> Response:
    """Decide anew."""
    number, sent = request.path_params["number"], form(request)
    return _tried(request, lambda work, actor: work.reopen(actor, number, _int(sent.get("seen"))))


def merge(request: Request) -> Response:
    """Have another case take over this one."""
    number, into = request.path_params["number"], _number(form(request).get("into"))
    return _tried(request, lambda work, actor: work.merge(actor, number, into), f"/cases/{into}")


def link(request: Request) -> Response:
    """Link two cases."""
    number, other = request.path_params["number"], _number(form(request).get("other"))
    return _tried(request, lambda work, actor: work.link(actor, number, other))


def split(request: Request) -> Response:
    """Have some alerts go on in a case of their own."""
    number, sent = request.path_params["number"], form(request)
    seqs = [seq for one in sent.getlist("alert") if (seq := _int(one)) is not None]
    return _tried(request, lambda work, actor: work.split(actor, number, seqs))


def renew(request: Request) -> Response:
    """A sign of life from a page that is open."""
    number = request.path_params["number"]
    try:
        services(request).casework.work.renew(visitor(request).actor, number)
    except CaseNotFound:
        raise not_found() from None
    except CaseError:
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    return Response(status_code=204)


def add_file(request: Request) -> Response:
    """Add a file."""
    number, sent = request.path_params["number"], form(request).get("file")
    names: Mapping[str, str] = case_words.FILE_REFUSALS
    if not isinstance(sent, UploadFile):
        return _page(request, _view(request), {"file": gettext(names["empty"])}, status=422)
    content = sent.file.read(evidence.SIZE_MAX + 1)
    try:
        services(request).casework.files.add(
            visitor(request).actor, number, sent.filename or "", content
        )
    except CaseNotFound:
        raise not_found() from None
    except EvidenceError as error:
        return _page(request, _view(request), {"file": gettext(names[error.wrong])}, status=422)
    return go(request, f"/cases/{number}", gettext("Added"))


def hand_out(request: Request) -> Response:
    """A file, as an attachment that no browser runs."""
    number, id = request.path_params["number"], request.path_params["file"]
    try:
        found, content = services(request).casework.files.read(visitor(request).actor, number, id)
    except (CaseNotFound, StorageError):
        raise not_found() from None
    return Response(content, headers=evidence.headers_of(found))


def remove_file(request: Request) -> Response:
    """Take a file from a case."""
    number, id = request.path_params["number"], request.path_params["file"]
    try:
        services(request).casework.files.remove(visitor(request).actor, number, id)
    except CaseNotFound:
        raise not_found() from None
    return go(request, f"/cases/{number}", gettext("Removed"))


def _tried(request: Request, step: Any, path: str = "") -> Response:
    """Take a step, and show the case with what was wrong if it is refused."""
    number = request.path_params["number"]
    casework, actor = services(request).casework, visitor(request).actor
    try:
        step(casework.work, actor)
    except CaseNotFound:
        raise not_found() from None
    except CaseError as error:
        told = case_words.refusal(error, casework.queues.names(actor))
        return _page(request, _view(request), {"": told}, status=409)
    return go(request, path or f"/cases/{number}", gettext("Done"))


def _view(request: Request, is_look: bool = True) -> CaseView:
    try:
        return services(request).casework.viewing.case(
            visitor(request).actor, request.path_params["number"], is_look
        )
    except CaseNotFound:
        raise not_found() from None


def _page(
    request: Request,
    view: CaseView,
    problems: Mapping[str, str] | None = None,
    draft: str = "",
    status: int = 200,
) -> Response:
    person, behind = visitor(request), services(request)
    clear = _is_clear(request, view)
    alert = _chosen(view, request.query_params.get("alert", ""))
    why = None
    if alert is not None and alert.kind in ("decision", "complaint"):
        why = behind.journal.explain(alert.seq)
    case, me = view.case, person.actor.staff
    whole, timeline = request.query_params.get("all") == "1", _timeline(view)
    held = case.lease.held_by(view.now_ms)
    common = (
        ("seen", str(case.version)),
        ("upto", str(max((one.seq for one in view.alerts), default=0))),
        ("about", str(alert.seq if alert else 0)),
    )
    return render(
        request,
        "cases/case.html",
        status=status,
        view=view,
        case=case,
        alert=alert,
        title=_title(view, alert),
        why=why,
        event=_fields(why.event, clear) if why else (),
        clear=clear,
        shown=shown,
        handle=decision_id(alert.seq) if alert else "",
        masked=lambda name, value: shown(PERSONAL_FIELDS.get(name, ""), value, clear=clear),
        base=behind.journal.base_currency(),
        colleagues=[(one.staff, one.name) for one in view.colleagues],
        held=held,
        is_mine=held == me,
        may_act=person.may("cases.work") and case.is_active and held in ("", me),
        may_review=person.may("cases.review") and case.state == "in_review" and case.resolved_by != me,
        may_reopen=person.may("cases.work") and case.state in ("resolved", "closed"),
        is_decided=case.state in DECIDED,
        timeline=timeline if whole else timeline[:_MOST_SHOWN],
        left_out=max(len(timeline) - _MOST_SHOWN, 0) if not whole else 0,
        alerts=list(reversed(view.alerts if whole else view.alerts[-_MOST_SHOWN:])),
        more_alerts=max(len(view.alerts) - _MOST_SHOWN, 0) if not whole else 0,
        lists=_lists(request, alert, why.lists if why else (), clear),
        common=common,
        problems=problems,
        draft=draft,
        undo=behind.casework.work.undoable(person.actor),
        back=f"/cases/{case.number}",
        renew_s=RENEW_EVERY_MS // 1000,
        note_max=NOTE_MAX,
        queue=next(
            (in_words(one.title) for one in behind.casework.orders.queues
             if one.name == view.row.queue), view.row.queue,
        ),
        **_words(),
    )  # fmt: skip


def _words() -> dict[str, Any]:
    return {
        "states": case_words.all_said(case_words.STATES),
        "verdicts": case_words.all_said(case_words.VERDICTS),
        "kinds": case_words.kinds(),
        "alert_kinds": case_words.all_said(case_words.ALERT_KINDS),
        "link_words": case_words.all_said(case_words.LINKS),
        "cleared": case_words.said(case_words.CLEARED),
        "confirmed": case_words.said(case_words.CONFIRMED),
        "done": case_words.all_said(case_words.DONE),
        "snoozes": snoozes(),
        "sentence": lambda text: mask("prose", in_words(text)),
    }


def _chosen(view: CaseView, asked: str) -> Alert | None:
    """The alert that is explained: the one asked for, else the one with most at stake."""
    seq = _int(asked)
    for alert in view.alerts:
        if alert.seq == seq:
            return alert
    return max(
        view.alerts,
        key=lambda alert: (alert.loss_minor, RANK[alert.severity], -alert.seq),
        default=None,
    )


def _title(view: CaseView, alert: Alert | None) -> str:
    if alert is not None and alert.reason.en:
        return mask("prose", in_words(alert.reason))
    return gettext("Case %(number)s") % {"number": view.case.number}


def _is_clear(request: Request, view: CaseView) -> bool:
    """Whether personal data is shown: who may see it said why, a while ago."""
    person = visitor(request)
    return person.may("personal.reveal") and services(request).staffing.sees_clear(
        person, f"case:{view.case.number}"
    )


def _fields(event: Mapping[str, Any], clear: bool) -> list[tuple[str, str]]:
    """The fields of an event, personal ones masked."""
    found = []
    for name, value in event.items():
        if name in ("id", "type", "at_ms"):
            continue
        if isinstance(value, list):
            value = ", ".join(str(one) for one in value)
        text = "✓" if value is True else "✗" if value is False else str(value)
        kind = PERSONAL_FIELDS.get(name)
        found.append((name, text if clear or kind is None else mask(kind, text)))
    return found


def _timeline(view: CaseView) -> list[Moment]:
    """All that happened, the newest first."""
    names = view.names
    found = [
        Moment(one.at_ms, "step", names.get(one.staff, one.staff),
               case_words.step_text(one.what, one.staff, one.detail, names),
               str(one.detail.get("why") or "") if one.what == "escalated" else "")
        for one in view.steps
    ]  # fmt: skip
    found += [
        Moment(one.at_ms, "note", names.get(one.staff, one.staff), gettext("wrote"), one.text)
        for one in view.notes
    ]
    found += [
        Moment(one.received_ms, "alert", "",
               mask("prose", in_words(one.reason)) or gettext("An alert that was erased"))
        for one in view.alerts
    ]  # fmt: skip
    return sorted(found, key=lambda moment: moment.at_ms, reverse=True)


def _own_graph(request: Request, view: CaseView, clear: bool) -> dict[str, Any]:
    """What joins the alerts of the case by themselves, where there is no index of the journal yet."""
    found = services(request)
    tenant = "" if visitor(request).actor.tenant else view.case.tenant
    nodes = {
        (one.kind, one.value): {
            "id": f"n{place}", "kind": one.kind, "kindName": case_words.kinds().get(one.kind, one.kind),
            "label": shown(one.kind, one.value, clear=clear), "events": one.alerts, "seed": True,
            "hub": one.kind in ("merchant", "courier", "staff"), "refused": 0, "fraud": 0,
            "href": naming.path_of(found, one.kind, one.value, tenant),
        }
        for place, one in enumerate(view.entities[:_MOST_NODES])
        if one.kind != RULE
    }  # fmt: skip
    edges: Counter[tuple[str, str]] = Counter()
    for alert in view.alerts:
        named = [str(nodes[pair]["id"]) for pair in alert.entities if pair in nodes]
        edges.update(combinations(named, 2))
    return {
        "nodes": list(nodes.values()),
        "edges": [
            {"source": a, "target": b, "events": n, "strength": n / len(view.alerts)}
            for (a, b), n in edges.items()
        ],
    }


def _lists(
    request: Request, alert: Alert | None, lists: Sequence[Any], clear: bool
) -> list[tuple[str, str, str]]:
    """What could go on a list with the decision: entities of the case, by the lists that hold their kind."""
    if alert is None or not visitor(request).may("lists.edit"):
        return []
    found = []
    for spec in lists:
        if spec.kind == "allow":
            continue
        title = in_words(spec) or spec.name
        for kind, value in alert.entities:
            if kind == spec.holds:
                # The form names the kind alone: what is masked must not stand in the page at all.
                found.append((f"{spec.name}={kind}", title, shown(kind, value, clear=clear)))
    return found[:12]


def _listings(request: Request) -> list[Listing]:
    """The entries that were ticked: lists, and the kind of entity of the alert that was looked at."""
    sent = form(request)
    ticked = [str(one) for one in sent.getlist("list")]
    if not ticked or not visitor(request).may("lists.edit"):
        return []
    view = _view(request, is_look=False)
    alert = _chosen(view, str(sent.get("about") or ""))
    known = {spec.name for spec in services(request).journal.lists_of(alert.seq)} if alert else ()
    found = []
    for one in ticked[:20]:
        name, _, kind = one.partition("=")
        value = dict(alert.entities).get(kind) if alert else None
        if value and name in known:
            found.append(Listing(name, value))
    return found


def _past(action: str) -> str:
    return {
        "take": "taken", "release": "released", "assign": "assigned", "snooze": "snoozed",
        "escalate": "escalated", "resolve": "resolved",
    }.get(action, "")  # fmt: skip


def _int(value: object) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _number(value: object) -> int:
    """The number of a case as people write it; 0 for what is none."""
    return _int(str(value or "").strip().removeprefix("#")) or 0


ROUTES = (
    page("/cases/{number:row}", show, "queue.read", name="case"),
    page("/cases/{number:row}/peek", peek, "queue.read", name="case-peek"),
    page("/cases/{number:row}/graph", graph, "entities.read", name="case-graph"),
    page("/cases/{number:row}/act", act, "cases.work", methods=("POST",), name="case-act", most_bytes=_FORM_BYTES),
    page("/cases/{number:row}/note", note, "cases.work", methods=("POST",), name="case-note", most_bytes=_FORM_BYTES),
    page("/cases/{number:row}/review", review, "cases.review", methods=("POST",), name="case-review"),
    page("/cases/{number:row}/reopen", reopen, "cases.work", methods=("POST",), name="case-reopen"),
    page("/cases/{number:row}/merge", merge, "cases.work", methods=("POST",), name="case-merge"),
    page("/cases/{number:row}/link", link, "cases.work", methods=("POST",), name="case-link"),
    page("/cases/{number:row}/split", split, "cases.work", methods=("POST",), name="case-split"),
    page("/cases/{number:row}/renew", renew, "cases.work", methods=("POST",), name="case-renew"),
    page("/cases/{number:row}/files", add_file, "cases.work", methods=("POST",), name="case-files", most_bytes=_FILE_BYTES),
    page("/cases/{number:row}/files/{file:row}", hand_out, "queue.read", name="case-file"),
    page("/cases/{number:row}/files/{file:row}/remove", remove_file, "cases.work", methods=("POST",), name="case-file-remove"),
)  # fmt: skip
