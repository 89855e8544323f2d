"""Take the pictures of the console that stand in the README: `make screenshots`.

They are of what `make demo` ends in: a simulated shop that was judged and goes on living, with a desk
that people work at. The main pages are looked at in Chromium, in English and light, in Chinese and dark.
Pictures are WebP in `docs/images/`, each of some tens of kilobytes.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
EVENTS = 60_000
SIZE = {"width": 1280, "height": 760}
LOOKS = (("en", "en-GB", "light"), ("zh", "zh-CN", "dark"))
QUALITY = 80
_SETTLE_MS, _BUSY_MS = 2_000, 20_000
"""Charts draw themselves; that of the last minutes needs some seconds of events."""


def main() -> None:
    """Take them all, or those whose names are given."""
    wanted = set(sys.argv[1:])
    IMAGES.mkdir(exist_ok=True)
    with _demo() as link, sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        context = browser.new_context()
        page = context.new_page()
        _come_in(page, link)
        cookies = context.cookies()
        for suffix, locale, theme in LOOKS:
            for name, shown in _pages(browser, page.url, cookies, locale, theme):
                if not wanted or name in wanted:
                    target = IMAGES / f"{name}-{suffix}.webp"
                    target.write_bytes(_picture(shown))
                    print(
                        f"{target.relative_to(ROOT)}  {target.stat().st_size // 1024} KiB",
                        flush=True,
                    )
        browser.close()


@contextmanager
def _demo() -> Iterator[str]:
    """A demo with its desk; gives the link that signs in once."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("KANHE_", "LANG", "LC_"))}
    with tempfile.TemporaryDirectory(prefix="kanhe-screenshots-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "kanhe.serve.cli", "demo", "--events", str(EVENTS),
             "--data-dir", f"{folder}/data"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder,
            env={**environ, "KANHE_PORT": "0", "KANHE_CONSOLE_PORT": "0", "COLUMNS": "400"},
        )  # fmt: skip
        try:
            assert process.stdout
            for line in process.stdout:
                if link := re.search(r"http://\S+/sign-in/link/\S+", line):
                    yield link[0]
                    break
            else:
                raise SystemExit("the demo ended without a link")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _come_in(page: Page, link: str) -> None:
    """The link is told a moment before the console listens."""
    for _ in range(120):
        try:
            page.goto(link)
        except Exception as error:
            if "ERR_CONNECTION_REFUSED" not in str(error):
                raise
            page.wait_for_timeout(1_000)
        else:
            break
    button = page.locator("main form button.primary")
    if "/sign-in/" in page.url and button.count():
        button.first.click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def _pages(
    browser: Browser, inside: str, cookies: list[dict[str, object]], locale: str, theme: str
) -> Iterator[tuple[str, Page]]:
    """The main pages, one after the other."""
    origin = re.match(r"http://[^/]+", inside)
    assert origin
    context = browser.new_context(locale=locale, color_scheme=theme, viewport=SIZE)
    context.add_cookies(cookies)
    page = context.new_page()

    def go(path: str) -> None:
        page.goto(origin[0] + path)

    go("/queue")
    case = _linked(page, "a[data-open]")
    go(case)
    entity = _linked(page, "a[href^='/entities/user/'], a[href^='/entities/device/']")
    decision = _linked(page, "a[href^='/decisions/']")
    for shot, path in (
        ("queue", "/queue"), ("case", case), ("entity", entity), ("decision", decision),
        ("live", "/live"), ("analytics", "/analytics"), ("rules", "/rules"),
        ("rule", "/rules/rule/stuffing_ip"),
    ):  # fmt: skip
        go(path)
        page.wait_for_timeout(_BUSY_MS if shot == "live" else _SETTLE_MS)
        yield shot, page
    context.close()


def _linked(page: Page, which: str) -> str:
    """Where the first of these links leads, whether or not it can be seen."""
    return str(page.locator(which).first.get_attribute("href"))


def _picture(page: Page) -> bytes:
    """The page as it is seen, as WebP: Chromium encodes it."""
    session = page.context.new_cdp_session(page)
    shot = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    session.detach()
    return base64.b64decode(shot["data"])


if __name__ == "__main__":
    main()
