"""What stands before every page: whom the request is for, where it comes from, and what an answer may do.

(1) The request gets an id, which its log lines and its error page carry. (2) The name it asks for must
be one of ours, or links in pages and mails could be made to lead elsewhere. (3) It must come from
these pages: see `forgery`. (4) What answers it fails in public only with a page that says so.
(5) Every answer carries the policy of what the browser may load, run and show.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable

from jinja2 import TemplateError
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kanhe.app.judge_link import JudgeDownError
from kanhe.core.errors import KanheError, Refusal, StorageError
from kanhe.serve.console import forgery
from kanhe.serve.console.problems import problem_page

_log = logging.getLogger("kanhe.console")

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types kanhe",
        "report-uri /csp",
    )
)
"""The Content Security Policy (CSP level 3, Trusted Types): nothing inline, nothing from elsewhere."""

_HEADERS = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=(), "
        "publickey-credentials-create=(self), publickey-credentials-get=(self)",
    ),
)
_HTTPS_ONLY = ("strict-transport-security", "max-age=63072000; includeSubDomains")
_ANY_HOST = "/healthz"
_REPORTS = "/csp"

Answering = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """The outermost layer of the console. `origins` are the addresses it is reached under."""

    def __init__(self, app: ASGIApp, origins: frozenset[str]) -> None:
        self._app = app
        self._hosts = {origin.partition("://")[2]: origin for origin in origins}
        self._is_secure = all(origin.startswith("https:") for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            # Starting and stopping; the server speaks no WebSocket.
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = request_id = secrets.token_hex(6)  # (1)
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                self._dress(MutableHeaders(scope=message), request_id)  # (5)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        try:
            await self._app(scope, receive, guarded)
        except Exception as error:  # (4)
            if begun:
                _note(error, request_id)
                raise
            await self._failed(scope, error, request_id)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        request = Request(scope)
        if scope["path"] == _ANY_HOST:
            return None
        origin = self._hosts.get(headers.get("host", "").lower())
        if origin is None:  # (2)
            return problem_page(request, 421)
        if scope["path"] == _REPORTS:
            return None
        if not forgery.is_from_here(scope["method"], headers, origin):  # (3)
            _log.warning("console.from_elsewhere", extra={"request": _id(scope)})
            return problem_page(request, 403, "elsewhere")
        return None

    def _failed(self, scope: Scope, error: Exception, request_id: str) -> Response:
        request = Request(scope)
        if isinstance(error, StorageError | JudgeDownError):
            _log.error("console.unavailable", extra={"request": request_id, "cause": str(error)})
            return problem_page(request, 503)
        if isinstance(error, Refusal):
            status = error.problem.status if error.problem.status in (404, 409, 413, 429) else 422
            return problem_page(request, status, detail=error.problem.detail)
        if isinstance(error, KanheError):
            return problem_page(request, 422, detail=str(error))
        _note(error, request_id)
        try:
            return problem_page(request, 500)
        except TemplateError as broken:
            # The page that would say so is what is broken.
            _note(broken, request_id)
            return PlainTextResponse(f"500 {request_id}\n", 500)

    def _dress(self, headers: MutableHeaders, request_id: str) -> None:
        for name, value in _HEADERS:
            headers.setdefault(name, value)
        headers.setdefault("cache-control", "no-store")
        headers["x-request-id"] = request_id
        if self._is_secure:
            headers[_HTTPS_ONLY[0]] = _HTTPS_ONLY[1]


def _note(error: Exception, request_id: str) -> None:
    """A fault of ours: where it was, not what was in it, as texts of people could be."""
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "kanhe" in code.co_filename:
            place = f"{code.co_filename.rpartition('kanhe/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    _log.error(
        "console.fault",
        extra={"request": request_id, "kind": type(error).__name__, "at": place},
        exc_info=error,
    )


def _id(scope: Scope) -> str:
    return str(scope["state"]["request_id"])
