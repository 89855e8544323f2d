"""One decision: what came in, what was known, why it was answered so, and its receipt."""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.looking import DecisionView, NothingYetError, NotThereError
from kanhe.record.journal.ports import DECIDED, ERASED, NOTED
from kanhe.serve.console import naming
from kanhe.serve.console.clearing import clear_view, reveal
from kanhe.serve.console.frame import not_found, page, render, services, visitor

_WIDTH = 100
_MOST_SHOWN = 500
SUFFIX = ".tlog-proof"
RECEIPT_TYPE = "application/octet-stream"


class Mark(NamedTuple):
    """A place on the bar of the score, in per cent of its width."""

    outcome: str
    at: float
    points: int


class Strip(NamedTuple):
    """Where a value lies beside what is usual, in per cent of the width."""

    low: float
    high: float
    middle: float
    here: float


def show_decision(request: Request) -> Response:
    """The page about a decision, or about an event that was only taken in."""
    view = _view(request)
    clear = clear_view(request, _subject(view))
    person = visitor(request)
    number = 0
    if person.may("queue.read") and view.kind == DECIDED:
        number = services(request).looking.case_of_event(person.actor, view.tenant, view.event_id)
    unusual = sum(one.is_unusual for one in view.features)
    return render(
        request, "decisions/decision.html",
        view=view, clear=clear, case=number, marks=_marks(view), unusual=unusual,
        score_width=_score_width(view), view_currency=_currency(view),
        strips={one.name: _strip(one) for one in view.features if one.normal},
        decided=view.kind == DECIDED, erased=view.kind == ERASED, noted=view.kind == NOTED,
        keys=services(request).looking.log_keys() if view.kind == DECIDED else [],
        inputs=[(one, _shown(one, clear)) for one in view.inputs], suffix=SUFFIX,
    )  # fmt: skip


def download_receipt(request: Request) -> Response:
    """The receipt as a file; with the event's own words for whoever sees them in clear."""
    view = _view(request)
    opened = request.query_params.get("event") == "1" and clear_view(request, _subject(view))
    try:
        made = services(request).looking.receipt(
            visitor(request).actor, view.handle, with_event=opened
        )
    except NotThereError:
        raise not_found() from None
    if made is None:
        return render(request, "decisions/no_receipt.html", status=404, view=view)
    name = f"{view.handle}{SUFFIX}"
    return Response(
        made,
        media_type=RECEIPT_TYPE,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def reveal_decision(request: Request) -> Response:
    """Show the personal data of this page in clear for a while."""
    view = _view(request)
    return reveal(
        request, _subject(view), f"/decisions/{view.handle}", view.tenant,
        subject_event=view.event_id,
    )  # fmt: skip


def _view(request: Request) -> DecisionView:
    actor = visitor(request).actor
    try:
        return services(request).looking.decision(actor, request.path_params["handle"])
    except (NotThereError, NothingYetError):
        raise not_found() from None


def _subject(view: DecisionView) -> str:
    return f"decision:{view.handle}"


def _shown(one: Any, clear: bool) -> Any:
    """A value of a field as it may be shown; lists stay lists."""
    if isinstance(one.value, list):
        return [naming.shown(one.name, value, clear=clear) for value in one.value[:_MOST_SHOWN]]
    return (
        naming.shown(one.name, one.value, clear=clear) if isinstance(one.value, str) else one.value
    )


def _marks(view: DecisionView) -> list[Mark]:
    """The thresholds on a bar that reaches a third beyond the highest of them."""
    if not view.thresholds:
        return []
    end = _end(view)
    return [Mark(outcome, _WIDTH * points / end, points) for outcome, points in view.thresholds]


def _end(view: DecisionView) -> float:
    return max(view.score, *(points for _, points in view.thresholds), 1) * 1.15


def _score_width(view: DecisionView) -> float:
    """How far the score reaches on that bar, in per cent."""
    return _WIDTH * view.score / _end(view) if view.thresholds else 0.0


def _strip(one: Any) -> Strip:
    normal = one.normal
    low, high = min(normal.low, one.value, 0.0), max(normal.high, one.value)
    span = (high - low) or 1.0
    return Strip(*(
        round(4 + 92 * (value - low) / span, 2)
        for value in (normal.low, normal.high, normal.middle, one.value)
    ))  # fmt: skip


def _currency(view: DecisionView) -> str:
    """The currency of the amounts of the event."""
    found = next((one.value for one in view.inputs if one.name == "currency"), "")
    return found if isinstance(found, str) else ""


ROUTES = (
    page("/decisions/{handle}", show_decision, "decisions.read", name="decision"),
    page("/decisions/{handle}/receipt", download_receipt, "decisions.read", name="receipt"),
    page("/decisions/{handle}/reveal", reveal_decision, "personal.reveal", methods=("POST",),
         name="decision-reveal"),
)  # fmt: skip
