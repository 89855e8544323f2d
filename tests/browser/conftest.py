"""One console and one Chromium for all tests of this folder; each test has a browser context of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import launched
from tests.browser.served import Served, Visit, fill, judging, serving

Visiting = Callable[..., Visit]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, which reaches nothing but this machine, as long as this folder's tests run."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The console that is visited, of a shop that has lived for a while and is still judged."""
    folder: Path = tmp_path_factory.mktemp("console")
    fill(folder)
    with judging(folder), serving(folder, _now_ms) as served:
        yield served


@pytest.fixture
def visiting(chromium: Browser, served: Served) -> Iterator[Visiting]:
    """`visiting(token, language="zh-CN", theme="dark")` gives a visit, signed in if there is a token
    (`served.let_in("Lin Yue", "risk_analyst")` gives one).

    At the end, every visit of the test is held to: no error, no warning, no violation of the policy.
    """
    visits: list[Visit] = []

    def visit(token: str = "", language: str = "en-GB", theme: str = "light", **more: Any) -> Visit:
        context = chromium.new_context(
            locale=language, color_scheme=theme, viewport={"width": 1440, "height": 900},
            **more,
        )  # fmt: skip
        if token:
            context.add_cookies([{"name": "kanhe_session", "value": token, "url": served.url}])
        visits.append(Visit(context, served.url))
        return visits[-1]

    yield visit
    try:
        for one in visits:
            one.settled()
    finally:
        for one in visits:
            one.context.close()
