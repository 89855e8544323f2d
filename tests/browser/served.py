"""A console that is served to a real browser, and what every visit with it is held to."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import BrowserContext, ConsoleMessage, Page
from starlette.applications import Starlette

from kanhe.app.access import Client, console_address
from kanhe.app.console import Services, open_console
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.serve.console.application import console_app
from kanhe.serve.console.server import ConsoleServer, _config
from kanhe.serve.listening import bind
from kanhe.stores.desk import accounts

_ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith(("KANHE_", "LANG", "LC_"))},
    "KANHE_CONSOLE": "false",
    "KANHE_DEMO_EXIT": "1",
    "KANHE_LOG_SEQUENCER": "false",
    "KANHE_DRIFT_EVERY_MS": "0",
}
AXE = (Path(__file__).parent / "vendor" / "axe.js").read_text("utf-8")
_WATCH = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__violations.push(event.effectiveDirective + " " + event.blockedURI + " " + event.sample));
"""


class Served:
    """A console in this process: its address, and the services its pages work with."""

    def __init__(self, url: str, services: Services, app: Starlette) -> None:
        self.url = url
        self.services = services
        self.app = app

    def let_in(self, name: str, *roles: str, tenant: str = "", **choices: str) -> str:
        """A member of staff with these roles, and a session of theirs; gives its secret.

        Called again for the same name, they get these roles in place of those before.
        """
        access = self.services.staffing.access
        staff = "st-" + name.lower().replace(" ", "-")
        with self.services.desk.writing() as connection:
            if accounts.account(connection, staff) is None:
                mail = f"{staff}@example.com"
                now_ms = access.clock()
                accounts.add_account(connection, staff, mail, name, tenant, staff.encode(), now_ms)
            if choices:
                accounts.change_account(connection, staff, **choices)
            accounts.set_roles(connection, staff, roles)
            account = accounts.account(connection, staff)
            assert account is not None
            client = Client("127.0.0.1", "Chromium", "", "")
            begun = access.begin(connection, account, "passkey", client, second_factor=True)
        return begun.token


@contextmanager
def serving(folder: Path, clock: Clock, **settings: Any) -> Iterator[Served]:
    """Serve a console over this folder, at `localhost` and any free port."""
    chosen = Settings(data_dir=str(folder), console_port=0, **settings)
    with bind("127.0.0.1", 0) as sock:
        chosen = msgspec.structs.replace(chosen, console_port=sock.getsockname()[1])
        services = open_console(chosen, clock)
        app = console_app(services, chosen)
        server = ConsoleServer(_config(app, chosen), app, threading.Event())
        thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
        thread.start()
        services.start()
        try:
            yield Served(console_address(chosen), services, app)
        finally:
            server.should_exit = True
            thread.join(20)
            services.close()


def fill(folder: Path, events: int = 5_000) -> None:
    """Have a simulated shop live in this folder, and be judged."""
    # As JSON it is judged only: the desk takes up by itself what there is.
    demo = ["demo", "--events", str(events), "--data-dir", str(folder), "--json"]
    for command in (demo, ["index", "--data-dir", str(folder)]):
        subprocess.run(
            [sys.executable, "-m", "kanhe.serve.cli", *command],
            env=_ENVIRONMENT, check=True, capture_output=True, timeout=240,
        )  # fmt: skip


@contextmanager
def judging(folder: Path) -> Iterator[str]:
    """The process that judges in this folder; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kanhe.serve.cli", "serve", "--open", "--port", "0",
         "--data-dir", str(folder)],
        env=_ENVIRONMENT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr
    said: list[str] = []
    reader: threading.Thread | None = None
    try:
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"listens on (http://\S+)", line):
                # Read on, or the process would wait once the pipe is full.
                reader = threading.Thread(target=process.stderr.read, daemon=True)
                reader.start()
                yield found[1]
                break
        else:
            raise AssertionError("".join(said))
    finally:
        process.terminate()
        process.wait(30)
        if reader is not None:
            reader.join(10)
        process.stderr.close()


class Visit:
    """One page of a browser, and everything that went wrong on it."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.context = context
        context.add_init_script(_WATCH)
        self.page: Page = context.new_page()
        self.wrong: list[str] = []
        self._expected: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("requestfailed", lambda request: None)

    def expect_error(self, *parts: str) -> None:
        """An error whose text has this part is what the test is about."""
        self._expected += parts

    def go(self, path: str) -> Page:
        """Go to a path of the console."""
        self.page.goto(self.url + path)
        return self.page

    def accessible(self) -> None:
        """Hold the page as it stands to axe-core."""
        assert (found := self.barriers()) == [], "\n".join(found)

    def barriers(self, *, only: tuple[str, ...] = ()) -> list[str]:
        """What axe-core finds by all its rules (WCAG 2.2 A and AA, and best practices), or by these."""
        session = self.context.new_cdp_session(self.page)
        if not self.page.evaluate("typeof axe === 'object'"):
            session.send("Runtime.evaluate", {"expression": AXE})
        found: list[str] = self.page.evaluate(
            "(only) => axe.run(document, {resultTypes: ['violations'],"
            " ...(only.length ? {runOnly: only} : {})})"
            ".then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ': ' + n.html.slice(0, 160)"
            " + ' :: ' + n.any.concat(n.all, n.none).map(c => c.message).join('; ').slice(0, 200))))",
            list(only),
        )
        session.detach()
        return found

    def settled(self) -> None:
        """Hold the visit to its end: nothing went wrong that was not expected."""
        if not self.page.is_closed() and self.page.url.startswith("http"):
            self.wrong += [f"policy: {one}" for one in self.page.evaluate("window.__violations")]
        unexpected = [one for one in self.wrong if not any(part in one for part in self._expected)]
        assert unexpected == [], "\n".join(unexpected)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"{message.type}: {message.text} ({self.page.url})")
