"""Looking around in a real browser: from an entity by its graph to a decision and its receipt."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from kanhe.core.decision import decision_id
from kanhe.record.log import verify
from kanhe.serve.console import naming
from tests.browser.served import Served, Visit, serving
from tests.console.shops import EVIL, MAIL, Desk, desk, shop

MINE = decision_id(31)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A console over a shop that was judged, indexed and folded into its log."""
    folder = Path(shop(tmp_path_factory.mktemp("shown")).data_dir)
    with serving(folder, lambda: time.time_ns() // 1_000_000) as served:
        served.services.staffing = desk()  # type: ignore[assignment]  # stands in for accounts
        yield served


def _visit(chromium: Browser, served: Served, token: str, **more: str) -> Visit:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, **more)  # type: ignore[arg-type]  # of tests
    context.add_cookies([{"name": "kanhe_session", "value": token, "url": served.url}])
    return Visit(context, served.url)


def test_from_an_entity_by_its_graph_to_a_decision_and_its_receipt(
    chromium: Browser, shown: Served, tmp_path: Path
) -> None:
    """The graph is drawn and its table holds the same; a row of the timeline opens by keyboard; what is
    masked is shown with a reason; the receipt that is downloaded holds."""
    visit = _visit(chromium, shown, "lin", locale="en-GB", color_scheme="light")
    page = visit.go("/entities/user/u-mei")
    page.locator("kanhe-graph canvas").first.wait_for()
    page.get_by_text("As a table").click()
    table = page.locator("details table").inner_text()
    assert "m•••@example.com" in table
    visit.accessible()
    page.get_by_role("link", name="m-7").first.click()
    page.wait_for_url("**/entities/merchant/m-7**")
    # By keyboard: to the first row, and into it.
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/decisions/*")
    assert page.url.endswith(MINE)
    assert MAIL not in page.content()
    visit.accessible()
    page.get_by_role("button", name="Show in clear").click()
    page.get_by_label("Why do you need to see it?").fill("the buyer called about this payment")
    page.locator("#reveal").get_by_role("button", name="Show in clear", exact=True).click()
    page.get_by_text(MAIL).wait_for()
    with page.expect_download() as told:
        page.get_by_role("link", name="Receipt").click()
    told.value.save_as(tmp_path / "receipt")
    key = verify.read_key(shown.services.looking.log_keys()[0], verify.LOG_KEY)
    found = verify.verify((tmp_path / "receipt").read_bytes(), key.name, [key], [], 0)
    assert json.loads(found.entry)["seq"] == 31
    door = shown.services.staffing
    assert isinstance(door, Desk)
    assert door.reasons[-1][1] == "the buyer called about this payment"
    door.clear.clear()
    visit.settled()
    visit.context.close()


@pytest.mark.parametrize(("language", "theme"), [("en-GB", "dark"), ("zh-CN", "light")])
def test_every_page_is_accessible(
    chromium: Browser, shown: Served, language: str, theme: str
) -> None:
    """In either language and theme no page has a fault that axe-core knows, nor anything the policy
    forbids, whatever events hold."""
    visit = _visit(chromium, shown, "lin", locale=language, color_scheme=theme)
    services = shown.services
    for path in ("/live", "/wall", "/analytics", "/audit", "/search", "/search?q=u", "/search?q=~",
                 f"/decisions/{MINE}", f"/decisions/{decision_id(33)}", "/entities/user/u1",
                 naming.path_of(services, "user", EVIL)):  # fmt: skip
        page = visit.go(path)
        page.locator("h1").first.wait_for(state="attached")
        visit.accessible()
    assert page.locator("html").get_attribute("lang") == language.removesuffix("-GB")
    visit.settled()
    visit.context.close()


def test_live_figures_follow_what_comes(chromium: Browser, shown: Served) -> None:
    """The stream replaces the figures, and no part of the page is lost or moved by it."""
    visit = _visit(chromium, shown, "mei", locale="en-GB")
    page = visit.go("/wall")
    clock = page.locator(".place-clock")
    first = clock.inner_text()
    page.locator(f".place-clock:not(:text-is({json.dumps(first)}))").wait_for()
    assert page.locator(".wall-stats dd").count() == 4
    assert page.locator("kanhe-chart canvas").count() == 1
    text = page.locator("main").inner_text()
    for word in ("u-mei", "secret-user", MAIL):
        assert word not in text
    visit.settled()
    visit.context.close()


def test_the_palette_finds_by_keyboard(chromium: Browser, shown: Served) -> None:
    """Ctrl K, a few letters, Enter: there."""
    visit = _visit(chromium, shown, "lin", locale="en-GB")
    page = visit.go("/audit")
    page.keyboard.press("Control+k")
    page.keyboard.type("m-7")
    page.get_by_role("option", name="m-7").first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/entities/merchant/m-7**")
    visit.settled()
    visit.context.close()
