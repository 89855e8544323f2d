"""Debian's Chromium, held to this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright


@contextmanager
def launched(*more: str) -> Iterator[Browser]:
    """A browser that reaches nothing but this machine, with `more` switches; ends with the block. Without
    Chromium the test fails where CI is set, and is skipped elsewhere.

    While Playwright runs, no other test of the process could run a loop of its own.
    """
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        told = "Chromium is missing: `make test` installs it where that is allowed"
        pytest.fail(told) if "CI" in os.environ else pytest.skip(told)
    only_here = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
    switches = ["--no-sandbox", "--disable-background-networking", only_here, *more]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=switches)
        yield browser
        browser.close()
