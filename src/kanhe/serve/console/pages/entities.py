"""One entity: what is known of it, when it was seen, and who hangs together with it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kanhe.app.looking import Asked, Entity, NothingYetError, NotThereError
from kanhe.core.decision import SEVERITY
from kanhe.serve.console import naming
from kanhe.serve.console.clearing import clear_view, reveal
from kanhe.serve.console.frame import not_found, page, render, services, visitor

_MOST_FILTER = 80
_NOT_TOLD = frozenset({"ip", "device", "session", "staff", "review", "message"})
_OUTCOMES = (*SEVERITY, "recorded")


def show_entity(request: Request) -> Response:
    """The page about an entity."""
    kind, value = _asked(request)
    found = services(request)
    actor = visitor(request).actor
    tenant = request.query_params.get("tenant", "")
    canonical = naming.reference(found, kind, value)
    if canonical != request.path_params["value"]:
        # A value that somebody typed leads to the address that may be kept.
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(naming.path_of(found, kind, value) + query, 303)
    wanted = _filter(request)
    try:
        entity = found.looking.entity(actor, kind, value, tenant)
        timeline = found.looking.timeline(actor, kind, value, wanted, entity.tenant)
        graph = found.looking.linked(actor, entity.tenant, [(entity.kind, entity.value)])
        listings = found.looking.listings(actor, kind, value, entity.tenant)
    except NotThereError:
        raise not_found() from None
    except NothingYetError:
        return render(request, "looking/nothing_yet.html", title=naming.kind_name(kind))
    clear = clear_view(request, _subject(found, entity))
    return render(
        request, "entities/entity.html",
        entity=entity, timeline=timeline, graph=graph, graph_data=graph_data(request, graph, clear),
        clear=clear, wanted=wanted, more=_more(request, timeline.next_before),
        cases=_cases(request, entity), listings=listings, outcomes=_OUTCOMES, spark=_spark(entity),
        here=naming.path_of(found, entity.kind, entity.value),
    )  # fmt: skip


def show_graph(request: Request) -> Response:
    """What hangs together with an entity, as data for the graph."""
    kind, value = _asked(request)
    found = services(request)
    actor = visitor(request).actor
    try:
        entity = found.looking.entity(actor, kind, value, request.query_params.get("tenant", ""))
        graph = found.looking.linked(actor, entity.tenant, [(entity.kind, entity.value)])
    except (NotThereError, NothingYetError):
        raise not_found() from None
    clear = clear_view(request, _subject(found, entity))
    return Response(
        json.dumps(graph_data(request, graph, clear), ensure_ascii=False),
        media_type="application/json",
    )


def reveal_entity(request: Request) -> Response:
    """Show the personal data of this page in clear for a while."""
    kind, value = _asked(request)
    found = services(request)
    try:
        entity = found.looking.entity(
            visitor(request).actor, kind, value, request.query_params.get("tenant", "")
        )
    except (NotThereError, NothingYetError):
        raise not_found() from None
    back = naming.path_of(found, entity.kind, entity.value, request.query_params.get("tenant", ""))
    # Some fields of `staff.action` speak of who acts, and others it does not have.
    field = "value" if entity.kind in _NOT_TOLD else entity.kind
    about = {field: entity.value}
    return reveal(request, _subject(found, entity), back, entity.tenant, **about)


def _asked(request: Request) -> tuple[str, str]:
    kind = request.path_params["kind"]
    value = naming.dereferenced(services(request), kind, request.path_params["value"])
    if value is None or kind not in naming.KINDS or not value.isprintable():
        raise not_found()
    return kind, value


def _subject(found: Any, entity: Entity) -> str:
    """What is shown in clear, by a name that holds no personal data."""
    alias = naming.reference(found, entity.kind, entity.value)
    return f"entity:{entity.tenant}:{entity.kind}:{alias}"


def _filter(request: Request) -> Asked:
    asked = request.query_params
    before = asked.get("before", "")
    return Asked(
        before=int(before) if before.isascii() and before.isdecimal() and len(before) < 18 else 0,
        type=asked.get("type", "")[:_MOST_FILTER],
        outcome=asked.get("outcome", "")[:_MOST_FILTER],
    )


def _more(request: Request, before: int) -> str:
    """The address of the page that follows; empty if there is none."""
    if not before:
        return ""
    kept = {
        name: request.query_params[name]
        for name in ("tenant", "type", "outcome")
        if request.query_params.get(name)
    }
    return f"{request.url.path}?{urlencode({**kept, 'before': str(before)})}#timeline"


def _cases(request: Request, entity: Entity) -> list[Any]:
    """The newest cases that name it, for those who may see cases."""
    if not visitor(request).may("queue.read"):
        return []
    found: list[Any] = services(request).looking.cases_naming(
        visitor(request).actor, entity.tenant, entity.kind, entity.value
    )
    return found


def _spark(entity: Entity) -> str:
    """The chart of its days: days in seconds, events, and those refused or sent to a person."""
    return json.dumps([
        [day.day * 86_400 for day in entity.days],
        [day.events for day in entity.days],
        [day.refused for day in entity.days],
    ])  # fmt: skip


def graph_data(request: Request, graph: Any, clear: bool) -> dict[str, Any]:
    """The graph with labels as they may be shown and addresses that may be kept."""
    found = services(request)
    tenant = "" if visitor(request).actor.tenant else graph.tenant
    nodes = [
        {
            "id": f"n{place}",
            "kind": node.kind,
            "kindName": naming.kind_name(node.kind),
            "label": naming.shown(node.kind, node.value, clear=clear),
            "events": node.events,
            "seed": node.is_seed,
            "hub": node.is_hub,
            "refused": node.refused,
            "fraud": node.fraud,
            "href": naming.path_of(found, node.kind, node.value, tenant),
        }
        for place, node in enumerate(graph.nodes)
    ]
    edges = [
        {"source": f"n{edge.one}", "target": f"n{edge.other}", "events": edge.events,
         "strength": edge.strength}
        for edge in graph.edges
    ]  # fmt: skip
    return {"nodes": nodes, "edges": edges}


_PATH = "/entities/{kind}/{value}"
ROUTES = (
    page(_PATH + "/graph.json", show_graph, "entities.read", name="entity-graph"),
    page(_PATH + "/reveal", reveal_entity, "personal.reveal", methods=("POST",),
         name="entity-reveal"),
    page("/entities/{kind}/{value:path}", show_entity, "entities.read", name="entity"),
)  # fmt: skip
