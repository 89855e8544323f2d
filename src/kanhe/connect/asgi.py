"""Middleware for ASGI shops (FastAPI, Starlette, Litestar, Quart, Django over ASGI).

    from kanhe.connect.asgi import DeviceMiddleware
    from kanhe.connect.device import Devices

    app = DeviceMiddleware(app, Devices(keys=[SECRET]))

After that `request.scope["kanhe"]` is a `kanhe.connect.device.Seen`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from kanhe.connect.device.seen import Devices, made_private
from kanhe.connect.device.serving import serve_script

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class DeviceMiddleware:
    """Sees each visitor, serves the script, and has answers set the cookies that are due."""

    def __init__(self, app: App, devices: Devices) -> None:
        self._app = app
        self._devices = devices

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; what is not HTTP passes through untouched."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = _Headers(scope["headers"])
        if scope["type"] == "http" and self._devices.script_path == scope["path"]:
            await self._serve(scope, headers, send)
            return
        seen = self._devices.see(headers.get, is_https=scope.get("scheme") in ("https", "wss"))
        scope["kanhe"] = seen

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and seen.set_cookies:
                held = list(message.get("headers", ()))
                said = b", ".join(v for name, v in held if name.lower() == b"cache-control")
                private = made_private(said.decode("latin-1"))
                if private is not None:
                    held = [pair for pair in held if pair[0].lower() != b"cache-control"]
                    held.append((b"cache-control", private.encode("latin-1")))
                    held += [(b"set-cookie", one.encode("latin-1")) for one in seen.set_cookies]
                    message["headers"] = held
            await send(message)

        await self._app(scope, receive, sending)

    async def _serve(self, scope: Scope, headers: _Headers, send: Send) -> None:
        served = serve_script(self._devices, scope["method"], headers.get("if-none-match"))
        raw = [(name.encode(), value.encode()) for name, value in served.headers]
        await send({"type": "http.response.start", "status": served.status, "headers": raw})
        await send({"type": "http.response.body", "body": served.body})


class _Headers:
    """The headers of a request; those that came several times are one, as HTTP has it."""

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self._raw = raw

    def get(self, name: str) -> str | None:
        """A header by its name in lower case."""
        wanted = name.encode("latin-1")
        found = [value for key, value in self._raw if key.lower() == wanted]
        if not found:
            return None
        # HTTP/2 may part cookies (RFC 9113, 8.2.3).
        return (b"; " if name == "cookie" else b", ").join(found).decode("latin-1")
