"""Unmasking personal data: a reason first, then the page again, in clear for a quarter of an hour."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from kanhe.serve.console.frame import go, page, render, services, visitor
from kanhe.serve.console.language import gettext as _
from kanhe.serve.console.pages.doorway import REFUSALS, next_of, sent, words_of

_RESOURCES = ("customer", "order", "payment", "card", "merchant", "address", "message", "account")


def show(request: Request) -> Response:
    """Asks for the reason, where no dialog of the page did."""
    return _shown(request)


def reveal(request: Request) -> Response:
    """Keep the reason, and lead back to the page that may now show all.

    The form names `subject` (such as `case:17`), `tenant`, `resource`, `ticket`, `next` and `reason`.
    """
    resource = sent(request, "resource")
    try:
        services(request).staffing.reveal(
            visitor(request), sent(request, "subject"), sent(request, "reason"),
            tenant=sent(request, "tenant"), ticket=sent(request, "ticket")[:128],
            resource=resource if resource in _RESOURCES else "customer",
        )  # fmt: skip
    except REFUSALS as refusal:
        return _shown(request, words_of(refusal))
    return go(
        request, next_of(request), _("Shown in clear for 15 minutes. Your reason is recorded.")
    )


def _shown(request: Request, problem: str = "") -> Response:
    names = ("subject", "tenant", "resource", "ticket", "reason")
    typed = {name: sent(request, name) or request.query_params.get(name, "") for name in names}
    return render(
        request, "access/reveal.html", status=422 if problem else 200, typed=typed,
        problem=problem, next=next_of(request),
    )  # fmt: skip


ROUTES = (
    page("/reveal", show, "personal.reveal", name="reveal"),
    page("/reveal", reveal, "personal.reveal", methods=("POST",), name="reveal-with-reason"),
)
