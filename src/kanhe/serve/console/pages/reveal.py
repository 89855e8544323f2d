"""Unmasking the personal data of a case: a reason first, then the page again, in clear for a quarter of an hour."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.casework import CaseNotFound
from kanhe.serve.console.frame import go, not_found, page, render, services, visitor
from kanhe.serve.console.language import gettext as _
from kanhe.serve.console.pages.doorway import REFUSALS, next_of, sent, words_of

_CASE = re.compile(r"case:([1-9][0-9]{0,17})")


def show(request: Request) -> Response:
    """Asks for the reason, where no dialog of the page did."""
    _tenant_of(request)
    return _shown(request)


def reveal(request: Request) -> Response:
    """Keep the reason, and lead back to the page that may now show all.

    The form names `subject` (such as `case:17`), `next` and `reason`. Whose case it is stands in the
    case, not in the form: the record must not be made under another tenant's name.
    """
    tenant = _tenant_of(request)
    subject = _subject(request)
    try:
        services(request).staffing.reveal(
            visitor(request), subject, sent(request, "reason"), tenant=tenant,
            ticket=subject.replace(":", "-"),
        )  # fmt: skip
    except REFUSALS as refusal:
        return _shown(request, words_of(refusal))
    return go(
        request, next_of(request), _("Shown in clear for 15 minutes. Your reason is recorded.")
    )


def _subject(request: Request) -> str:
    return sent(request, "subject") or request.query_params.get("subject", "")


def _tenant_of(request: Request) -> str:
    """The tenant of the case that is meant, if this person may look at it; nothing else is shown here."""
    found = _CASE.fullmatch(_subject(request))
    person = visitor(request)
    if found is None or not person.may("queue.read"):
        raise not_found()
    try:
        view = services(request).casework.viewing.case(person.actor, int(found[1]), False)
    except CaseNotFound:
        raise not_found() from None
    return view.case.tenant


def _shown(request: Request, problem: str = "") -> Response:
    return render(
        request, "access/reveal.html", status=422 if problem else 200, subject=_subject(request),
        reason=sent(request, "reason"), problem=problem, next=next_of(request),
    )  # fmt: skip


ROUTES = (
    page("/reveal", show, "personal.reveal", name="reveal"),
    page("/reveal", reveal, "personal.reveal", methods=("POST",), name="reveal-with-reason"),
)
