"""What went wrong, as a page or, for htmx, as a message over the page that is there."""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from kanhe.serve.console.language import N_, gettext, speaking
from kanhe.serve.console.rendering import is_partial, language_of, render


class Told(NamedTuple):
    """What a page says of a problem."""

    title: str
    text: str


_TOLD: dict[str, Told] = {
    "403": Told(
        N_("Not yours to do"),
        N_("Your roles do not include this. Whoever manages roles can tell you who has it."),
    ),
    "403 elsewhere": Told(
        N_("This did not come from here"),
        N_("The request was made by another site, or by a page without its session. Nothing was done. Open the page again and try there."),
    ),
    "403 token": Told(
        N_("The form was too old"),
        N_("You signed in anew since this page was opened. Nothing was done. Load the page again and repeat it."),
    ),
    "401": Told(
        N_("You are signed out"),
        N_("Nothing was done. Sign in again, and repeat it."),
    ),
    "404": Told(
        N_("Not found"),
        N_("There is nothing at this address, or it is not yours to see."),
    ),
    "405": Told(N_("Not like this"), N_("This address does not take such a request.")),
    "409": Told(
        N_("Somebody was faster"),
        N_("This has changed since you opened it. Load the page again to see how it stands."),
    ),
    "413": Told(N_("Too large"), N_("More was sent than is taken here. Nothing was kept.")),
    "415": Told(N_("Not of this kind"), N_("This kind of content is not taken here.")),
    "421": Told(
        N_("Not under this name"),
        N_("This server is not reached under the name that was asked for. Its operator sets the name as console_url."),
    ),
    "422": Told(N_("That could not be accepted"), N_("Something in the request was not as expected.")),
    "429": Told(N_("Too often"), N_("Wait a little, then try again.")),
    "500": Told(
        N_("A fault of ours"),
        N_("Nothing of what you did was kept. The fault has been logged under the number below."),
    ),
    "503": Told(
        N_("Not available now"),
        N_("What is needed for this cannot be reached or written at the moment. The operator has been told; try again soon."),
    ),
}  # fmt: skip


def problem_page(request: Request, status: int, kind: str = "", detail: str = "") -> Response:
    """The answer for a request that failed with this status; `detail` is said instead of the usual."""
    told = _TOLD.get(f"{status} {kind}".strip()) or _TOLD.get(str(status)) or _TOLD["422"]
    with speaking(language_of(request)):
        context = {
            "status_code": status,
            "title": gettext(told.title),
            "text": detail or gettext(told.text),
            "request_id": request.scope.get("state", {}).get("request_id", ""),
        }
        if is_partial(request):
            response = render(request, "problem_part.html", status=status, **context)
            response.headers["HX-Retarget"] = "#problems"
            response.headers["HX-Reswap"] = "innerHTML"
            response.headers["HX-Push-Url"] = "false"
            return response
        response = render(request, "problem.html", status=status, **context)
    assert isinstance(response, HTMLResponse)
    return response
