"""Personal data in clear: asked for with a reason, recorded, and for a while."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from kanhe.protect.access.accounts import AccessRefused
from kanhe.serve.console.frame import form, go, services, visitor
from kanhe.serve.console.language import gettext as _
from kanhe.serve.console.language import in_words

PERMISSION = "personal.reveal"


def clear_view(request: Request, subject: str) -> bool:
    """Whether this page shows personal data of `subject` in clear to this person now."""
    person = visitor(request)
    found = services(request)
    return person.may(PERMISSION) and found.staffing.sees_clear(person, _sealed(request, subject))


def reveal(request: Request, subject: str, back: str, tenant: str, **fields: str) -> Response:
    """Take the reason that came with the form, and lead back to the page."""
    sent = form(request)
    try:
        services(request).staffing.reveal(
            visitor(request), _sealed(request, subject), str(sent.get("reason") or ""),
            tenant=tenant,
            ticket=" ".join(str(sent.get("ticket") or "").split())[:100], **fields,
        )  # fmt: skip
    except AccessRefused as refused:
        return go(request, back, in_words(refused.text))
    return go(request, back, _("Shown in clear for a quarter of an hour."))


def _sealed(request: Request, subject: str) -> str:
    """The subject by a name that only these pages can say: whoever asks for it here is on record with
    whom or what they looked at."""
    sealed: str = services(request).aliases.alias("clear", subject)
    return sealed
