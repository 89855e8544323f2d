"""The middlewares: the same for ASGI, WSGI and Django."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from kanhe.connect import asgi, wsgi
from kanhe.connect.device import Devices

KEY = "k" * 32
ROOT = Path(__file__).parents[3]


_CACHE = {
    "/shared": "public, max-age=60", "/cdn": "s-maxage=60", "/kept": "max-age=600", "/silent": "",
    "/own": "private, max-age=60",
}  # fmt: skip


def _devices() -> Devices:
    return Devices(KEY)


async def _asgi_shop(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    seen = scope["kanhe"]
    cache = _CACHE.get(scope["path"], "no-store").encode()
    headers = [(b"set-cookie", b"own=1"), *([(b"cache-control", cache)] if cache else [])]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": f"{seen.device} {seen.session}".encode()})


def _wsgi_shop(environ: Any, start_response: Any) -> list[bytes]:
    seen = environ["kanhe"]
    cache = _CACHE.get(environ["PATH_INFO"], "no-store")
    headers = [("Set-Cookie", "own=1"), *([("Cache-Control", cache)] if cache else [])]
    start_response("200 OK", headers)
    return [f"{seen.device} {seen.session}".encode()]


Get = Callable[..., httpx.Response]


def _over_asgi(path: str, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        app: Any = asgi.DeviceMiddleware(_asgi_shop, _devices())
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="https://shop.example"
        ) as client:
            return await client.request(headers.pop("method", "GET"), path, headers=headers)

    return asyncio.run(ask())


def _over_wsgi(path: str, **headers: str) -> httpx.Response:
    app: Any = wsgi.DeviceMiddleware(_wsgi_shop, _devices())
    with httpx.Client(
        transport=httpx.WSGITransport(app), base_url="https://shop.example"
    ) as client:
        return client.request(headers.pop("method", "GET"), path, headers=headers)


@pytest.mark.parametrize("get", [_over_asgi, _over_wsgi])
def test_a_shop_knows_its_visitor_again(get: Get) -> None:
    """The shop sees the id, the answer sets it beside the shop's own cookies, and it comes back."""
    first = get("/")
    cookies = first.headers.get_list("set-cookie")
    assert len(cookies) == 3
    assert cookies[0] == "own=1"
    sent = "; ".join(one.partition(";")[0] for one in cookies)
    again = get("/", cookie=sent)
    assert again.text == first.text
    assert again.headers.get_list("set-cookie") == ["own=1"]


@pytest.mark.parametrize("get", [_over_asgi, _over_wsgi])
def test_what_caches_share_carries_no_id(get: Get) -> None:
    """An answer that caches may give to others sets no cookies of the device."""
    for path in ("/shared", "/cdn"):
        answer = get(path)
        assert answer.headers.get_list("set-cookie") == ["own=1"]
        assert answer.headers["cache-control"] == _CACHE[path]


@pytest.mark.parametrize("get", [_over_asgi, _over_wsgi])
def test_what_carries_an_id_is_for_one_visitor(get: Get) -> None:
    """An answer with the device's cookie says that no shared cache may keep it; the next one as it was."""
    told = {"/kept": "max-age=600, private", "/silent": "private", "/own": "private, max-age=60",
            "/": "no-store"}  # fmt: skip
    for path, expected in told.items():
        first = get(path)
        assert len(first.headers.get_list("set-cookie")) == 3
        assert first.headers.get_list("cache-control") == [expected]
        sent = "; ".join(one.partition(";")[0] for one in first.headers.get_list("set-cookie"))
        assert get(path, cookie=sent).headers.get("cache-control", "") == _CACHE.get(
            path, "no-store"
        )


@pytest.mark.parametrize("get", [_over_asgi, _over_wsgi])
def test_the_script_is_served(get: Get) -> None:
    """At its path stands the script, for a day in the browser's cache, and nothing but GET is taken."""
    script = get("/kanhe.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["x-content-type-options"] == "nosniff"
    assert script.content == _devices().script
    assert "set-cookie" not in script.headers
    assert get("/kanhe.js", **{"if-none-match": script.headers["etag"]}).status_code == 304
    assert get("/kanhe.js", method="POST").status_code == 405
    assert get("/kanhe.js", method="HEAD").content == b""


def test_the_script_is_small_and_asks_nobody() -> None:
    """Less than three kilobytes, and no word in it by which it could reach anybody or read a device."""
    script = _devices().script.decode("ascii")
    assert len(script) < 3_000
    for word in ("fetch", "XMLHttp", "sendBeacon", "WebSocket", "canvas", "AudioContext", "eval(",
                 "cookie", "localStorage", "sessionStorage", "indexedDB", "userAgent", "plugins",
                 "screen", "innerHTML", "document.write", "import(", "http"):  # fmt: skip
        assert word not in script, word


_DJANGO = """
import asyncio, json, sys
import django
from django.conf import settings
settings.configure(
    DEBUG=False, SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__,
    MIDDLEWARE=["kanhe.connect.django.DeviceMiddleware"],
    KANHE_DEVICE={"keys": ["k" * 32]},
)
django.setup()
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path

def view(request):
    seen = request.kanhe_device.with_signals(request.POST.get("kanhe_signals"))
    return HttpResponse(json.dumps(seen.fields()))

urlpatterns = [path("", view)]
client = Client()
first = client.get("/", secure=True)
names = sorted(first.cookies)
assert names == ["__Host-kanhe-device", "__Host-kanhe-session"], names
morsel = first.cookies["__Host-kanhe-device"]
assert morsel["httponly"] and morsel["secure"] and morsel["samesite"] == "Lax" and morsel["path"] == "/"
again = client.post("/", {"kanhe_signals": '{"v":1,"p":2,"s":0,"w":false}'}, secure=True)
one, other = json.loads(first.content), json.loads(again.content)
assert one["device"] == other["device"] and other["pasted_fields"] == 2, (one, other)
assert not again.cookies
assert first["Cache-Control"] == "private", first.headers
script = client.get("/kanhe.js")
assert script["Content-Type"].startswith("text/javascript"), script.headers

async def tasks():
    answer = await AsyncClient().get("/")
    assert sorted(answer.cookies) == ["kanhe-device", "kanhe-session"]
asyncio.run(tasks())
with override_settings(KANHE_DEVICE={"keys": "short"}):
    try:
        Client().get("/")
    except ImproperlyConfigured as error:
        assert "32" in str(error) and "short" not in str(error)
    else:
        raise SystemExit("a weak key was taken")
print("fine")
"""


def test_django_knows_its_visitor_again() -> None:
    """Over WSGI and ASGI, with forms, the script and a key that is too short."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _DJANGO], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "fine\n"


def test_only_what_is_installed_is_imported() -> None:
    """The device's part needs no framework, and nothing of Kanhe but the client."""
    code = (
        "import sys; import kanhe.connect.device, kanhe.connect.asgi, kanhe.connect.wsgi;"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('django', 'starlette', 'numpy', 'cryptography')"
        " or m.startswith('kanhe.') and not m.startswith(('kanhe.client', 'kanhe.connect'))];"
        "print(bad)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stdout + done.stderr
