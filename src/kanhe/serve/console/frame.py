"""What a page is written with.

A page is a route made by `page`, which alone checks who may come in, and a plain function that takes
the request and gives a response, mostly by `render`. It runs in a thread and may read stores. Functions
that are coroutines run in the server's loop: streams are written so, and nothing else.

```python
def show_lists(request: Request) -> Response:
    lists = services(request).lists.all(visitor(request).actor)
    return render(request, "rules/lists.html", lists=lists)

ROUTES = (page("/lists", show_lists, "lists.read", name="lists"),)
```
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from starlette.concurrency import run_in_threadpool
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive

from kanhe.core.actor import Visitor
from kanhe.serve.console import cookies, forgery, formats
from kanhe.serve.console.language import speaking
from kanhe.serve.console.problems import problem_page
from kanhe.serve.console.rendering import is_partial, language_of, render, visitor_or_none

if TYPE_CHECKING:
    from kanhe.app.console import Services

__all__ = [
    "OPEN", "Visitor", "form", "is_partial", "not_found", "page", "refused", "render", "safe_path",
    "services", "toast", "visitor",
]  # fmt: skip

OPEN = "open"
"""In place of a permission: nobody need be signed in. `None` stands for anybody who is."""
FORM_BYTES = 262_144
"""The largest form that a page takes, unless it says otherwise."""
_MOST_FIELDS = 2_000
_MOST_FILES = 10


class _Row(IntegerConvertor):
    """The number of a row in an address, `{number:row}`: what no row can have is not found."""

    regex = "[0-9]{1,18}"


register_url_convertor("row", _Row())

Handler = Callable[[Request], Response] | Callable[[Request], Awaitable[Response]]


def visitor(request: Request) -> Visitor:
    """Who is signed in. Only pages that are not `OPEN` may ask."""
    found = visitor_or_none(request)
    if found is None:
        raise HTTPException(401)
    return found


def services(request: Request) -> Services:
    """All that pages work with."""
    return cast("Services", request.app.state.services)


def form(request: Request) -> FormData:
    """The form that came with a POST; empty for other requests. Files are in it as `UploadFile`."""
    found = request.scope["state"].get("form")
    return found if isinstance(found, FormData) else FormData()


def not_found() -> HTTPException:
    """To be raised for what is not there, and alike for what is another tenant's."""
    return HTTPException(404)


def refused(
    request: Request, template: str, problems: Mapping[str, str] | str, /, **context: Any
) -> HTMLResponse:
    """The form again, with what was wrong: by field, or of the whole (as one text, or under '')."""
    told = {"": problems} if isinstance(problems, str) else dict(problems)
    return render(request, template, status=422, problems=told, **context)


def toast(request: Request, response: Response, text: str) -> Response:
    """Say a short text once the answer is there: at once with htmx, on the next page otherwise."""
    if is_partial(request):
        response.headers["HX-Trigger"] = json.dumps({"toast": {"value": text}})
    else:
        cookies.keep_toast(request, response, text)
    return response


def go(request: Request, path: str, text: str = "") -> Response:
    """Lead to another page of the console after a POST, with a toast if there is a text."""
    response: Response
    if is_partial(request):
        response = Response(status_code=204, headers={"HX-Redirect": path})
    else:
        response = RedirectResponse(path, 303)
    if text:
        cookies.keep_toast(request, response, text)
    return response


def safe_path(text: str, otherwise: str = "/") -> str:
    """A path of this console to lead to, whatever was asked for: never to another site."""
    printable = text.isprintable() and len(text) <= 2_000
    leads_away = not text.startswith("/") or text.startswith(("//", "/\\")) or "\\" in text
    return otherwise if leads_away or not printable else text


def page(
    path: str,
    handler: Handler,
    permission: str | None,
    *,
    methods: Sequence[str] = ("GET",),
    name: str | None = None,
    most_bytes: int = FORM_BYTES,
) -> Route:
    """A route whose handler is asked only by those who have the permission.

    (1) Whose session it is. (2) Whether they may. (3) The form, no larger than `most_bytes`. (4) Its
    token. (5) The handler. `permission` stands on the route's endpoint, where tests find it.
    """
    is_stream = inspect.iscoroutinefunction(handler)

    async def answer(request: Request) -> Response:
        await run_in_threadpool(_look_up, request)  # (1)
        turned_away = _turned_away(request, permission)  # (2)
        if turned_away is not None:
            return turned_away
        if request.method not in forgery.SAFE_METHODS:
            try:
                filled = await _read_form(request, most_bytes)  # (3)
            except MultiPartException as error:
                return problem_page(request, 422, detail=error.message)
            if filled is None:
                return problem_page(request, 413)
            request.scope["state"]["form"] = filled
            if not _has_token(request, filled):  # (4)
                return problem_page(request, 403, "token")
        try:
            if is_stream:
                return await cast("Awaitable[Response]", handler(request))  # (5)
            return await run_in_threadpool(_answered, cast("Any", handler), request)
        finally:
            filled = request.scope["state"].get("form")
            if isinstance(filled, FormData):
                await filled.close()

    route = Route(path, answer, methods=list(methods), name=name or handler.__name__)
    route.endpoint.permission = permission  # type: ignore[attr-defined]  # for the test of all routes
    route.endpoint.streams = is_stream  # type: ignore[attr-defined]  # the same
    return route


def _look_up(request: Request) -> None:
    token = cookies.session_token(request)
    state = request.scope["state"]
    state["visitor"] = services(request).staffing.visitor(token) if token else None


def _turned_away(request: Request, permission: str | None) -> Response | None:
    if permission == OPEN:
        return None
    found = visitor_or_none(request)
    if found is None:
        if request.method not in forgery.SAFE_METHODS:
            return problem_page(request, 401)
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return _to_sign_in(request, here)
    if permission is not None and not found.may(permission):
        return problem_page(request, 403)
    return None


def _to_sign_in(request: Request, here: str) -> Response:
    from urllib.parse import urlencode

    path = "/sign-in" if here == "/" else "/sign-in?" + urlencode({"next": here})
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": path})
    return RedirectResponse(path, 303)


async def _read_form(request: Request, most_bytes: int) -> FormData | None:
    """The form; `None` as soon as it is larger than it may be."""
    size = 0
    is_over = False
    receive: Receive = request._receive

    async def counted() -> Message:
        nonlocal size, is_over
        message = await receive()
        size += len(message.get("body", b""))
        if size > most_bytes:
            is_over = True
            raise MultiPartException("too large")
        return message

    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > most_bytes:
        return None
    try:
        return await Request(request.scope, counted).form(
            max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=most_bytes
        )
    except HTTPException as error:
        # Starlette makes one of a MultiPartException where it runs inside an application.
        if is_over:
            return None
        raise MultiPartException(str(error.detail)) from None
    except MultiPartException:
        if is_over:
            return None
        raise


def _has_token(request: Request, filled: FormData) -> bool:
    token = request.headers.get(forgery.HEADER) or filled.get(forgery.FIELD) or ""
    signed_in = visitor_or_none(request) is not None
    secret = cookies.session_token(request) if signed_in else cookies.cookie(request, cookies.FORM)
    return isinstance(token, str) and forgery.fits(secret, token)


def _answered(handler: Callable[[Request], Response], request: Request) -> Response:
    """In a thread: the handler, with texts in the visitor's language and times in their zone."""
    found = visitor_or_none(request)
    zone = found.time_zone if found else "UTC"
    with speaking(language_of(request)), formats.in_zone(zone):
        return handler(request)
