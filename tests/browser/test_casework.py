"""Alerts, cases and decisions in a real browser: live, by keyboard alone, two people at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from kanhe.app import Kanhe, open_kanhe
from kanhe.core.settings import Settings
from kanhe.stores.desk.outgoing import EVENTS
from tests.browser.served import Served, Visit, serving
from tests.console.doors import person
from tests.console.test_casework_pages import WORKER, CaseDoor
from tests.respond.test_explaining import PACK

Visiting = Callable[..., Visit]


class Shop:
    """A judging process beside the console."""

    def __init__(self, engine: Kanhe, clock: Callable[[], int]) -> None:
        self.engine = engine
        self.clock = clock
        self.events = 0

    def ring(self, card: str, minor: int, text: str = "") -> None:
        """Three payments by one card: the third one is refused."""
        for _ in range(3):
            self.events += 1
            event = {
                "type": "payment.attempted", "id": f"p{self.events}", "at_ms": self.clock(),
                "user": f"u-{card}", "card": card, "amount_minor": minor, "currency": "EUR",
                "user_agent": text or "Firefox",
            }  # fmt: skip
            self.engine.judge("shop", msgspec.json.encode(event))
        self.engine.commit()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Shop]]:
    """A console of its own, with a small pack and people who work on cases."""
    import time

    def clock() -> int:
        return time.time_ns() // 1_000_000

    folder: Path = tmp_path_factory.mktemp("casework")
    for name, content in PACK.items():
        (folder / "pack" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "pack" / name).write_bytes(content)
    settings = Settings(data_dir=str(folder / "data"), policy=str(folder / "pack"))
    with open_kanhe(settings, clock) as engine:
        shop = Shop(engine, clock)
        shop.ring("c-first", 150_000)
        with serving(folder / "data", clock, policy=str(folder / "pack")) as served:
            served.services.staffing = CaseDoor(
                ana=person("Ana", *WORKER, "cases.assign"),
                ben=person("Ben", *WORKER, "cases.review"),
            )
            yield served, shop


@pytest.fixture
def visit_desk(visiting: Visiting, place: tuple[Served, Shop]) -> Callable[..., Visit]:
    """Visits to this console rather than to the one of other tests."""

    def visit(token: str, **more: Any) -> Visit:
        made = visiting(**more)
        made.url = place[0].url
        made.context.add_cookies([{"name": "kanhe_session", "value": token, "url": made.url}])
        return made

    return visit


def labels(served: Served) -> list[tuple[str, str, str]]:
    with served.services.desk.reading() as connection:
        bodies = [
            msgspec.json.decode(b) for b in connection.execute(select(EVENTS.c.body)).scalars()
        ]
    return [
        (one["subject_event"], one["verdict"], one["staff"])
        for one in bodies
        if one["type"] == "label.assigned"
    ]


def ready(page: Page) -> None:
    """Wait until the page's scripts listen to the keyboard: the button with the keys is there then."""
    expect(page.locator("[data-keys-help]")).to_be_visible()


def wait_for_rows(page: Page, url: str, count: int) -> None:
    """Load the queue until the loop has taken up what was judged."""
    for _ in range(50):
        page.goto(url + "/queue")
        if page.locator("tr[data-row]").count() >= count:
            ready(page)
            return
        page.wait_for_timeout(200)
    raise AssertionError("no alert was taken up")


def test_an_alert_arrives_live_and_is_decided_by_keyboard_alone(
    visit_desk: Callable[..., Visit], place: tuple[Served, Shop]
) -> None:
    """It is announced, opened, taken, decided with a reason; its label is stored; the next case opens."""
    served, shop = place
    visit = visit_desk("ana")
    page = visit.page
    wait_for_rows(page, visit.url, 1)
    pill = page.locator("[data-fresh]")
    expect(pill).to_be_hidden()
    shop.ring("c-live", 400_000)
    expect(pill).to_be_visible(timeout=10_000)
    expect(pill).to_contain_text("1 new")
    visit.accessible()
    page.keyboard.press("g")
    page.keyboard.press("q")
    expect(page.locator("tr[data-row]")).to_have_count(2)
    ready(page)
    page.keyboard.press("j")
    page.keyboard.press(" ")
    expect(page.locator("#peek")).to_contain_text("Busy: 3.")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Busy")
    first = page.url
    ready(page)
    visit.accessible()
    page.keyboard.press("m")
    expect(page.locator(".case-facts")).to_contain_text("In progress")
    ready(page)
    page.keyboard.press("d")
    expect(page.locator("dialog[open]")).to_be_visible()
    # While somebody writes, letters are only letters.
    page.keyboard.press("Tab")
    page.keyboard.type("dazes")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/*")
    expect(page.locator(".toast")).to_contain_text("Decided")
    assert page.url != first
    expect(page.locator(".case-facts")).to_contain_text("In progress")
    assert labels(served) == [("p6", "fraud", "ana")]
    page.goto(first)
    expect(page.locator(".case-head")).to_contain_text("Stolen card: dazes")
    ready(page)
    page.keyboard.press("z")
    expect(page.locator(".case-facts")).to_contain_text("In progress")
    assert labels(served)[-1] == ("p6", "unknown", "ana")


def test_two_people_do_not_work_one_case(
    visit_desk: Callable[..., Visit], place: tuple[Served, Shop]
) -> None:
    """Whoever comes second sees who is at it, has no buttons, and gets another case as the next one."""
    _, shop = place
    shop.ring("c-two", 90_000)
    ana, ben = visit_desk("ana"), visit_desk("ben", language="zh-CN", theme="dark")
    wait_for_rows(ben.page, ben.url, 3)
    ana.go("/queue")
    ready(ana.page)
    ana.page.keyboard.press("n")
    ana.page.wait_for_url("**/cases/*")
    ben.page.goto(ana.page.url)
    expect(ben.page.locator(".case-head")).to_contain_text("正在处置该案件")
    expect(ben.page.locator('[data-key="d"]')).to_have_count(0)
    ben.accessible()
    ready(ben.page)
    ben.page.keyboard.press("n")
    ben.page.wait_for_timeout(300)
    expect(ben.page.locator(".case-facts")).to_contain_text("处置中")
    assert ben.page.url != ana.page.url


def test_several_are_decided_at_once_and_taken_back(
    visit_desk: Callable[..., Visit], place: tuple[Served, Shop]
) -> None:
    """Picked with x, decided with one reason, and undone with z."""
    served, shop = place
    for n in range(3):
        shop.ring(f"c-bulk-{n}", 700_000 + n)
    visit = visit_desk("ben")
    wait_for_rows(visit.page, visit.url, 5)
    page = visit.page
    before = len(labels(served))
    page.goto(visit.url + "/queue/free?q=amount:%3E6000")
    ready(page)
    for _ in range(3):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.locator(".bulk")).to_contain_text("3 picked")
    page.keyboard.press("a")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("3 cases")
    assert len(labels(served)) == before + 3
    ready(page)
    page.keyboard.press("z")
    expect(page.locator(".toast")).to_contain_text("Taken back")
    expect(page.locator("tr[data-row]")).to_have_count(3)


def test_what_an_event_holds_stays_text_in_a_browser(
    visit_desk: Callable[..., Visit], place: tuple[Served, Shop]
) -> None:
    """Markup in fields of events, notes and names of files is shown and never run, in both themes."""
    _, shop = place
    evil = "<img src=x onerror=\"document.title='owned'\">"
    shop.ring(f"c-{evil}", 950_000, evil)
    visit = visit_desk("ana", theme="dark")
    wait_for_rows(visit.page, visit.url, 3)
    page = visit.page
    page.goto(visit.url + "/queue?q=amount:9500")
    ready(page)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/*")
    page.locator("#note").fill(evil)
    page.get_by_role("button", name="Note it").click()
    expect(page.locator(".note-text")).to_have_text(evil)
    page.locator("#file").set_input_files(
        {"name": f"{evil}.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n" + b"\0" * 9}
    )
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".files li")).to_have_count(1)
    assert "owned" not in page.title()
    with page.expect_download() as download:
        page.locator(".files a").click()
    assert download.value.suggested_filename.endswith(".png")
    page.locator("#file").set_input_files(
        {"name": "harmless.png", "mimeType": "image/png", "buffer": b"<html><script>1</script>"}
    )
    visit.expect_error("status of 422")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#wrong-file")).to_be_visible()
    visit.accessible()
