"""Middleware for WSGI shops (Flask, Pyramid, Bottle, Django over WSGI).

    from kanhe.connect.device import Devices
    from kanhe.connect.wsgi import DeviceMiddleware

    app.wsgi_app = DeviceMiddleware(app.wsgi_app, Devices(keys=[SECRET]))

After that `request.environ["kanhe"]` is a `kanhe.connect.device.Seen`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from kanhe.connect.device.seen import Devices, made_private
from kanhe.connect.device.serving import serve_script

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


class DeviceMiddleware:
    """Sees each visitor, serves the script, and has answers set the cookies that are due."""

    def __init__(self, app: App, devices: Devices) -> None:
        self._app = app
        self._devices = devices

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if self._devices.script_path and path == self._devices.script_path:
            return self._serve(environ, start_response)
        seen = self._devices.see(
            lambda name: _header(environ, name), is_https=environ.get("wsgi.url_scheme") == "https"
        )
        environ["kanhe"] = seen

        def starting(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            said = ", ".join(value for name, value in headers if name.lower() == "cache-control")
            private = made_private(said) if seen.set_cookies else None
            if private is not None:
                headers = [pair for pair in headers if pair[0].lower() != "cache-control"]
                headers.append(("Cache-Control", private))
                headers += [("Set-Cookie", one) for one in seen.set_cookies]
            return start_response(status, headers, *more)

        return self._app(environ, starting)

    def _serve(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        served = serve_script(
            self._devices, environ.get("REQUEST_METHOD", "GET"), _header(environ, "if-none-match")
        )
        status = HTTPStatus(served.status)
        start_response(f"{status.value} {status.phrase}", list(served.headers))
        return [served.body]


def _header(environ: Environ, name: str) -> str | None:
    value = environ.get("HTTP_" + name.upper().replace("-", "_"))
    return value if isinstance(value, str) else None
