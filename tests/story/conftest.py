"""Kanhe, a payment gateway and the example shop, started as `make shop` starts them, and one Chromium."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import launched

EXAMPLE = Path(__file__).parents[2] / "examples" / "oscar_shop"


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The same as of the console's tests, but that it does not say that a program drives it: who shops here
    plays a person."""
    with launched("--disable-blink-features=AutomationControlled") as browser:
        yield browser


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
