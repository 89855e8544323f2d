"""The whole console with accounts, asked over HTTP without a browser."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx

from kanhe.app.access import Access, SignedIn
from kanhe.app.console import Services, open_console
from kanhe.app.staffing import Staffing
from kanhe.core.settings import Settings
from kanhe.protect.access.oidc import SignOn
from kanhe.serve.console.application import console_app
from tests.access.cheap import CHEAP, chance
from tests.access.office import LIMITS, Office

with warnings.catch_warnings():
    # Starlette's client wants a successor of httpx by now, and works with httpx all the same.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

_TOKEN = re.compile(r'name="csrf" content="([^"]+)"')
_FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


class Browser:
    """One browser, as far as cookies and forms go."""

    def __init__(self, app: Any, origin: str, portal: Any) -> None:
        self.origin = origin
        self.client = TestClient(
            app, base_url=origin, follow_redirects=False, raise_server_exceptions=True,
            headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36"},
        )  # fmt: skip
        # One loop for all browsers: each would otherwise begin one for every request.
        self.client.portal = portal
        self.csrf = ""
        self.page = ""

    def get(self, path: str) -> httpx.Response:
        """Go to an address."""
        answer = self.client.get(path, headers={
            "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document",
        })  # fmt: skip
        self._read(answer)
        return answer

    def post(self, path: str, form: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """Send a form of the page that is there."""
        said = {"sec-fetch-site": "same-origin", "origin": self.origin, **headers}
        answer = self.client.post(path, data={"csrf": self.csrf, **(form or {})}, headers=said)
        self._read(answer)
        return answer

    def hidden(self, name: str) -> str:
        """A hidden field of the page that is there, in the last form that has it."""
        return [unescape(value) for key, value in _FIELD.findall(self.page) if key == name][-1]

    def come_in(self, signed_in: SignedIn) -> None:
        """Have a session."""
        prefix = "__Host-" if self.origin.startswith("https:") else ""
        self.client.cookies.set(f"{prefix}kanhe_session", signed_in.token)
        self.get("/settings/account")

    def _read(self, answer: httpx.Response) -> None:
        self.page = answer.text
        found = _TOKEN.search(answer.text)
        if found:
            self.csrf = found[1]


class Building:
    """A console and its office over one desk."""

    def __init__(self, office: Office, services: Services, app: Any, origin: str) -> None:
        self.office = office
        self.services = services
        self.app = app
        self.origin = origin
        self.portal: Any = None

    def browser(self) -> Browser:
        """A new browser, which knows nothing."""
        return Browser(self.app, self.origin, self.portal)


@contextmanager
def building(
    folder: Path, origin: str = "https://desk.example.com", sso: SignOn | None = None
) -> Iterator[Building]:
    """The console of an installation in `folder`, under this address."""
    chosen = Settings(data_dir=str(folder), console_url=origin)
    office = Office.__new__(Office)
    office.now, office.secrets, office.keys = 1_767_225_600_000, {}, {}
    services = open_console(chosen, lambda: office.now)
    office.desk = services.desk
    office.access = Access(
        services.desk, lambda: office.now, bytes(32), origin, LIMITS,
        sso=sso, random_bytes=chance().randbytes, costs=CHEAP,
    )  # fmt: skip
    office.staffing = services.staffing = Staffing(office.access)
    try:
        made = Building(office, services, console_app(services, chosen), origin)
        with TestClient(made.app, base_url=origin) as client:
            made.portal = client.portal
            yield made
    finally:
        services.close()
