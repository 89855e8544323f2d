"""`kanhe.js` on a shop's page, under a policy that allows nothing but the shop's own files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from playwright.sync_api import Browser, BrowserContext

from kanhe.connect.device import Devices, Seen
from kanhe.connect.wsgi import DeviceMiddleware

_POLICY = (
    "default-src 'none'; script-src 'self'; form-action 'self'; base-uri 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
_PAGE = b"""<!doctype html><html lang="en"><title>Pay</title>
<script src="/kanhe.js" defer></script>
<form method="post" action="/pay">
  <input type="hidden" name="kanhe_signals">
  <label>Name <input name="name"></label> <label>Card <input name="card"></label>
  <label>Code <input name="code"></label> <label>City <input name="city" value="Berlin"></label>
  <button>Pay</button>
</form></html>"""


class Shop:
    """A shop with one form; keeps what it saw of each payment."""

    def __init__(self) -> None:
        self.paid: list[tuple[Seen, dict[str, list[str]]]] = []

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        """One request."""
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", _POLICY),
        ]
        start_response("200 OK", headers)
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
            form = parse_qs(body, keep_blank_values=True)
            self.paid.append((environ["kanhe"].with_signals(form["kanhe_signals"][0]), form))
        return [_PAGE]


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def shop() -> Iterator[tuple[Shop, str]]:
    """A shop and where it is."""
    one = Shop()
    app: Any = DeviceMiddleware(one, Devices("k" * 32))
    with make_server("127.0.0.1", 0, app, handler_class=_Silent) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield one, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)


def _visit(context: BrowserContext, url: str) -> tuple[Any, list[str]]:
    page = context.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(url)
    return page, told


def test_a_form_says_how_it_was_filled(chromium: Browser, shop: tuple[Shop, str]) -> None:
    """Typing, pasting and filling by script are told apart, without a word against the page's policy."""
    one, url = shop
    with chromium.new_context() as context:
        page, told = _visit(context, url)
        page.get_by_label("Name").press_sequentially("Mei 4242")
        page.get_by_label("Name").press("Control+A")
        page.get_by_label("Name").press("Control+C")
        page.get_by_label("Card").press("Control+V")
        page.evaluate("document.querySelector('[name=code]').value = '123'")
        with page.expect_navigation():
            page.get_by_role("button").click()
        asked = page.request.get(f"{url}/kanhe.js")
        assert asked.ok
        assert told == []
    [(seen, form)] = one.paid
    assert form["card"] == ["Mei 4242"]
    fields = seen.fields()
    assert fields["has_script"] is True
    assert fields["pasted_fields"] == 1
    assert fields["scripted_fields"] == 1
    assert 0 < fields["fill_ms"] < 60_000
    assert fields["is_automated"] is True, "Playwright drives this browser, and it says so"
    assert seen.is_fresh_device is False, "the page before had set the cookie"


def test_a_form_works_without_scripts(chromium: Browser, shop: tuple[Shop, str]) -> None:
    """Whoever runs no scripts pays all the same, as the same device from page to page."""
    one, url = shop
    with chromium.new_context(java_script_enabled=False) as context:
        page, _ = _visit(context, url)
        for _ in range(2):
            with page.expect_navigation():
                page.get_by_role("button").click()
    (first, _), (second, _) = one.paid
    assert first.fields()["has_script"] is False
    assert first.device == second.device
    assert first.session == second.session
