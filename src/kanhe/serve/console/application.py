"""The console as an ASGI application: the guard, the pages, and what goes wrong as pages too."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kanhe.core.errors import SettingsError
from kanhe.core.settings import Settings
from kanhe.serve.console.assets import Assets
from kanhe.serve.console.guard import Guard
from kanhe.serve.console.pages import ROUTES
from kanhe.serve.console.problems import problem_page

if TYPE_CHECKING:
    from kanhe.app.console import Services

_log = logging.getLogger("kanhe.console")
_REPORT_BYTES = 16_384
_REPORTS_TOLD = 100


def console_app(services: Services, settings: Settings) -> Starlette:
    """The console under the addresses that the settings name. Raises `SettingsError` if none is."""
    origins = origins_of(settings)
    assets = Assets()
    app = Starlette(
        routes=[
            Route("/healthz", _health, name="healthz"),
            Route("/csp", _report, methods=["POST"], name="csp"),
            Route("/static/{version}/{name:path}", assets.answer, name="static"),
            *ROUTES,
        ],
        middleware=[Middleware(Guard, origins=origins)],
        exception_handlers={HTTPException: _told},
    )
    # A path is there or not: no redirect is made of what somebody asked for.
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.assets = assets
    app.state.secure = all(origin.startswith("https:") for origin in origins)
    app.state.stopping = asyncio.Event()
    app.state.reports = 0
    return app


def origins_of(settings: Settings) -> frozenset[str]:
    """The addresses under which the console is reached: `console_url`, or those of this machine."""
    if settings.console_url:
        parts = urlsplit(settings.console_url)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.path not in ("", "/")
        ):
            raise SettingsError(
                f"console_url must be an address such as https://desk.example.com, without a path, "
                f"not {settings.console_url!r}"
            )
        return frozenset({f"{parts.scheme}://{parts.netloc.lower()}"})
    host = settings.console_host
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise SettingsError(
            f"the console listens on {host}, where others can reach it: set console_url to the "
            "address that people use, such as https://desk.example.com"
        )
    names = ("localhost", "127.0.0.1", "[::1]")
    return frozenset(f"http://{name}:{settings.console_port}" for name in names)


def proxies_of(settings: Settings) -> list[str]:
    """The addresses and networks of `console_proxies`. Raises `SettingsError` for what is neither."""
    found = []
    for part in filter(None, (part.strip() for part in settings.console_proxies.split(","))):
        try:
            network = ipaddress.ip_network(part)
        except ValueError as error:
            raise SettingsError(
                "console_proxies must be addresses or networks such as 127.0.0.1, 10.0.0.0/8, "
                f"not {part!r}: {error}"
            ) from None
        if network.prefixlen == 0:
            raise SettingsError(
                f"console_proxies must not be everybody ({part}): whoever is believed can say that "
                "they are anywhere, and guess passwords without being slowed down"
            )
        found.append(part)
    return found


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = problem_page(request, error.status_code)
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


async def _health(request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _report(request: Request) -> Response:
    """What a browser refused to do for us: a fault of a page, or an attack that failed.

    Anybody may send one: it is read within bounds, and only so many are told.
    """
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > _REPORT_BYTES:
                return problem_page(request, 413)
    except ClientDisconnect:
        return Response(status_code=204)
    state = request.app.state
    state.reports += 1
    if state.reports <= _REPORTS_TOLD:
        try:
            told = msgspec.json.decode(body, type=dict[str, dict[str, object]])
            report = told.get("csp-report", {})
        except (msgspec.DecodeError, UnicodeDecodeError):
            report = {}
        directive = str(report.get("effective-directive", ""))[:40]
        # The first part only: what stands behind it may be a link that signs somebody in.
        path = urlsplit(str(report.get("document-uri", ""))[:500]).path[:100]
        page = "/".join(path.split("/")[:2])
        shown = {
            "directive": directive if directive.replace("-", "").isalnum() else "",
            "page": page if page.isascii() and page.isprintable() else "",
        }
        _log.warning("console.policy_violated", extra=shown)
    return Response(status_code=204)
