"""Middleware for Django shops, over WSGI and over ASGI.

    MIDDLEWARE = ["kanhe.connect.django.DeviceMiddleware", ...]
    KANHE_DEVICE = {"keys": [SECRET], "respect_privacy_signals": "hints"}

`KANHE_DEVICE` holds what `kanhe.connect.device.Devices` takes. After that `request.kanhe_device` is a
`kanhe.connect.device.Seen`; `with_signals(request.POST.get("kanhe_signals"))` adds what a form says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse

from kanhe.connect.device.keys import KeyMistake
from kanhe.connect.device.seen import Devices, Seen, made_private
from kanhe.connect.device.serving import serve_script


class DeviceMiddleware:
    """Sees each visitor, serves the script, and has answers set the cookies that are due.

    Raises `ImproperlyConfigured` at the start if `KANHE_DEVICE` is not as it should be.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response
        try:
            self._devices = Devices(**getattr(settings, "KANHE_DEVICE", {}))
        except (TypeError, ValueError, KeyMistake) as error:
            raise ImproperlyConfigured(f"KANHE_DEVICE: {error}") from error
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """One request."""
        if self._is_async:
            return self._awaited(request)
        if (answer := self._script(request)) is not None:
            return answer
        return self._finished(self._seen(request), self._get_response(request))

    async def _awaited(self, request: Any) -> Any:
        if (answer := self._script(request)) is not None:
            return answer
        seen = self._seen(request)
        response: Awaitable[Any] = self._get_response(request)
        return self._finished(seen, await response)

    def _seen(self, request: Any) -> Seen:
        seen = self._devices.see(request.headers.get, is_https=request.is_secure())
        request.kanhe_device = seen
        return seen

    def _script(self, request: Any) -> Any:
        if not self._devices.script_path or request.path != self._devices.script_path:
            return None
        served = serve_script(self._devices, request.method, request.headers.get("if-none-match"))
        response = HttpResponse(served.body, status=served.status)
        del response.headers["Content-Type"]
        for name, value in served.headers:
            response.headers[name] = value
        return response

    def _finished(self, seen: Seen, response: Any) -> Any:
        said = response.headers.get("Cache-Control", "")
        private = made_private(said) if seen.set_cookies else None
        if private is not None:
            response.headers["Cache-Control"] = private
            for one in seen.set_cookies:
                # What was signed goes out as it is: Django's own way would quote and rebuild it.
                name, _, rest = one.partition("=")
                value, *attributes = rest.split("; ")
                response.cookies[name] = value
                morsel = response.cookies[name]
                for attribute in attributes:
                    key, _, said = attribute.partition("=")
                    morsel[key.lower()] = said or True
        return response
