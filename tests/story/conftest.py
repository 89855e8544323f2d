"""Kanhe, a payment gateway and the example shop, started as `make shop` starts them, and one Chromium."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

EXAMPLE = Path(__file__).parents[2] / "examples" / "oscar_shop"


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, which reaches nothing but this machine. It does not say that a program drives
    it: who shops here plays a person."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        told = "Chromium is missing: `make test` installs it where that is allowed"
        pytest.fail(told) if "CI" in os.environ else pytest.skip(told)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found,
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--disable-blink-features=AutomationControlled",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Everything that runs together, on free ports; a warning in the shop is an error."""
    sys.path.insert(0, str(EXAMPLE))
    from start import Together, free_ports  # type: ignore[import-not-found]

    ports = free_ports(dict.fromkeys(("kanhe", "console", "shop", "gateway"), 0))
    together = Together(tmp_path_factory.mktemp("story"), ports, strict=True)
    try:
        together.start(lambda text: None)
        yield together
    finally:
        together.end()
        sys.path.remove(str(EXAMPLE))
