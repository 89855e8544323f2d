"""The queue and the case over HTTP: what they show, to whom, and what hostile input comes to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from kanhe.app import open_kanhe
from kanhe.core.settings import Settings
from kanhe.serve.console import cookies, forgery
from kanhe.stores.desk.outgoing import EVENTS
from tests.console.doors import SAME, Door, console, person
from tests.respond.test_explaining import PACK

NOW = 1_790_000_000_000
EVIL = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
WORKER = ("queue.read", "cases.work", "decisions.read", "lists.edit")


class CaseDoor(Door):
    """A door that also knows who may see what in clear."""

    clear = False

    def sees_clear(self, visitor: Any, subject: str) -> bool:
        """Whether personal data is shown."""
        return self.clear


def payment(n: int, minor: int = 150_000, **more: Any) -> bytes:
    event = {
        "type": "payment.attempted", "id": f"p{n}", "at_ms": NOW - 60_000 + n, "user": f"u{n}",
        "card": "4111-2222-3333-4444", "amount_minor": minor, "currency": "EUR", **more,
    }  # fmt: skip
    return msgspec.json.encode(event)


class Desk:
    """A console with a judged past, and people of three kinds."""

    def __init__(self, folder: Path) -> None:
        pack = folder / "pack"
        for name, content in PACK.items():
            (pack / name).parent.mkdir(parents=True, exist_ok=True)
            (pack / name).write_bytes(content)
        self.folder = folder / "data"
        self.settings = Settings(data_dir=str(self.folder), policy=str(pack))
        self.door = CaseDoor(
            ana=person("Ana", *WORKER),
            ben=person("Ben", *WORKER, "cases.review", "personal.reveal"),
            eve=person("Eve", *WORKER, tenant="other"),
            aud=person("Aud", "queue.read", "audit.read"),
        )

    def judge(self, *bodies: bytes, tenant: str = "shop") -> None:
        with open_kanhe(self.settings, lambda: NOW) as engine:
            for body in bodies:
                engine.judge(tenant, body)
            engine.commit()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    made = Desk(tmp_path_factory.mktemp("desk"))
    made.judge(
        *(payment(n) for n in range(1, 5)),
        payment(9, user=EVIL, email="mia.chen@shop.example", card="tok-9-" + EVIL[:100], amount_minor=250_000),
        *(payment(n, user=EVIL, card="tok-9-" + EVIL[:100], address=EVIL, user_agent=EVIL) for n in (10, 11)),
    )  # fmt: skip
    made.judge(*(payment(n, card="c-other") for n in range(20, 24)), tenant="other")
    return made


class Browser:
    """Somebody's browser at this desk."""

    def __init__(self, client: Any, services: Any) -> None:
        self.client = client
        self.services = services

    def get(self, path: str, who: str = "ana") -> Any:
        self.client.cookies.set(cookies.SESSION, who)
        return self.client.get(path)

    def post(self, path: str, who: str = "ana", files: Any = None, **fields: Any) -> Any:
        self.client.cookies.set(cookies.SESSION, who)
        fields = {name.rstrip("_"): value for name, value in fields.items()}
        return self.client.post(
            path, data={"csrf": forgery.token_of(who), **fields}, headers=SAME, files=files
        )


@pytest.fixture
def browser(desk: Desk) -> Iterator[Browser]:
    (desk.folder / "desk.db").unlink(missing_ok=True)
    for rest in desk.folder.glob("desk.db-*"):
        rest.unlink()
    with console(desk.folder, desk.door) as client:
        services = client.app.state.services
        while services.journal.take_up():
            pass
        yield Browser(client, services)


def test_the_queue_shows_what_is_at_stake_and_masks_persons(browser: Browser) -> None:
    """Cases in order with money, reasons and owner; a card and an address of mail only in part."""
    text = browser.get("/queue").text
    numbers = re.findall(r"data-open>#([0-9]+)<", text)
    assert numbers[0] != "1"
    assert "1" in numbers
    assert "Busy: 3." in text or "Busy: 4." in text
    assert "€" in text
    assert "4111-2222-3333-4444" not in text
    page = browser.get("/cases/1").text
    assert "4111-2222-3333-4444" not in page
    assert "•••• 4444" in page


def test_a_case_says_why_and_what_would_have_changed_it(browser: Browser) -> None:
    """The condition with its value, and the rules without which it were milder."""
    page = browser.get("/cases/1?alert=3").text
    assert "card_payments_1h &gt;= 3" in page
    assert "without busy" in page
    assert "had card_payments_1h been 2 instead of 3" in page
    peek = browser.client.get("/cases/1/peek", headers={"hx-request": "true"})
    assert "#1" in peek.text
    assert "<html" not in peek.text


def test_who_only_reads_gets_no_way_to_act(browser: Browser) -> None:
    """An auditor sees all of it, without a button, and a form of their own making is refused."""
    page = browser.get("/cases/1", "aud")
    assert page.status_code == 200
    assert 'data-key="a"' not in page.text
    assert "/cases/1/note" not in page.text
    for path in ("/queue/act", "/queue/next", "/cases/1/act", "/cases/1/note", "/cases/1/files"):
        assert browser.post(path, "aud", action="take", case="1").status_code == 403
    assert browser.post("/cases/1/review", "ana", agrees="1").status_code == 403


def test_what_is_of_another_shop_is_not_found(browser: Browser) -> None:
    """By no address and no form: cases, peeks, files, actions on one or many, merges into one's own."""
    browser.post("/cases/1/files", files={"file": ("a.png", PNG)})
    own = re.search(r'/cases/(\d+)"', browser.get("/queue", "eve").text)
    assert own is not None
    for path in ("/cases/1", "/cases/1/peek", "/cases/1/files/1", "/cases/99999", "/cases/0"):
        assert browser.get(path, "eve").status_code == 404
    posts = {
        "/cases/1/act": {"action": "take"}, "/cases/1/note": {"text": "x"}, "/cases/1/renew": {},
        "/cases/1/reopen": {}, "/cases/1/merge": {"into": own[1]}, f"/cases/{own[1]}/merge": {"into": "1"},
        f"/cases/{own[1]}/link": {"other": "1"}, "/cases/1/split": {"alert": "3"},
        "/cases/1/files/1/remove": {},
    }  # fmt: skip
    for path, fields in posts.items():
        assert browser.post(path, "eve", **fields).status_code == 404, path
    several = browser.post("/queue/act", "eve", action="take", case=["1", own[1]])
    assert several.status_code == 404
    assert "data-row" not in browser.get("/queue?q=tenant:shop", "eve").text
    assert "data-row" not in browser.get("/queue?q=shares:1", "eve").text


def test_nothing_that_somebody_wrote_is_markup(browser: Browser) -> None:
    """Fields of events, notes, reasons, names of files and searches come out as text everywhere."""
    browser.post("/cases/2/note", text=EVIL)
    browser.post("/cases/2/files", files={"file": (EVIL + ".png", PNG)})
    browser.post("/queue/views", name=EVIL[:60], q="", sort="priority")
    browser.post("/cases/2/act", action="escalate", reason=EVIL)
    for path in (
        "/queue",
        "/cases/2",
        "/cases/2/peek",
        "/queue?q=" + "%3Cimg%20src%3Dx%3E",
        "/queue/decided",
    ):
        text = browser.get(path).text
        assert "<img src=x" not in text, path
        assert "<script>alert" not in text, path
    browser.post("/cases/2/act", "ben", action="resolve", verdict="fraud", why="other", reason=EVIL)
    assert "<img src=x" not in browser.get("/cases/2").text
    assert "&lt;img src=x" in browser.get("/cases/2").text


def test_files_come_in_checked_and_go_out_as_attachments(browser: Browser) -> None:
    """By content, size and name; nothing is served in the page's own right."""
    for name, content in (("a.png", b"<html><script>"), ("a.svg", b"<svg onload=x>"), ("a", b"")):
        refused = browser.post("/cases/1/files", files={"file": (name, content)})
        assert refused.status_code == 422, name
    for beyond in ("9" * 18, "9" * 20):  # the second is more than a row can be numbered
        assert (
            browser.post(f"/cases/{beyond}/files", files={"file": ("a.png", PNG)}).status_code
            == 404
        )
        assert browser.get(f"/cases/1/files/{beyond}").status_code == 404
    huge = browser.post("/cases/1/files", files={"file": ("a.png", PNG + b"\0" * (10 << 20))})
    assert huge.status_code in (413, 422)
    assert browser.post("/cases/1/files", files={"file": ("a.png", PNG + b"\0" * (12 << 20))}).status_code == 413  # fmt: skip
    assert browser.post("/cases/1/files", files={"file": ("../../../etc/cron.d/x", PNG)}).status_code == 303  # fmt: skip
    found = re.search(r'/cases/1/files/(\d+)"', browser.get("/cases/1").text)
    assert found is not None
    got = browser.get(f"/cases/1/files/{found[1]}")
    assert got.content == PNG
    assert got.headers["content-disposition"].startswith('attachment; filename="x.png"')
    assert got.headers["x-content-type-options"] == "nosniff"
    for path in ("/cases/1/files/..%2f..%2fdesk.db", "/cases/1/files/../../desk.db", "/evidence/"):
        assert browser.get(path).status_code == 404
    assert browser.post(f"/cases/1/files/{found[1]}/remove").status_code == 303
    assert browser.get(f"/cases/1/files/{found[1]}").status_code == 404


def test_a_decision_leads_to_the_next_case_and_its_label_goes_out(browser: Browser) -> None:
    """By one form; what was seen is what is decided; a second form of the same page is refused."""
    browser.post("/cases/1/act", action="take")
    page = browser.get("/cases/1").text
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen is not None
    fields = {"action": "resolve", "verdict": "fraud", "why": "card", "seen": seen[1], "upto": "4"}
    done = browser.post("/cases/1/act", **fields)
    assert done.status_code == 303
    assert re.fullmatch("/cases/[2-9]", done.headers["location"])
    again = browser.post("/cases/1/act", **fields)
    assert again.status_code == 409
    assert "has changed" in again.text or "decided already" in again.text
    with browser.services.desk.reading() as connection:
        bodies = [
            msgspec.json.decode(b) for b in connection.execute(select(EVENTS.c.body)).scalars()
        ]
    labels = [one for one in bodies if one["type"] == "label.assigned"]
    assert {one["subject_event"] for one in labels} == {"p3", "p4"}
    assert "Stolen card" in browser.get("/cases/1").text
    assert browser.post("/queue/undo").headers["location"] == "/cases/1"


def test_no_form_leads_to_another_site(browser: Browser) -> None:
    """Where a form says it came from is a path of this console, or the queue."""
    for evil in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ):
        sent = browser.post("/queue/act", action="take", case="1", back=evil)
        assert sent.headers["location"] == "/queue"


@pytest.mark.parametrize(
    "path",
    ["/queue?q=severity:urgent", "/queue?q=amount:%3Emany", "/queue/payments?q=%22"],
)
def test_a_mistaken_search_is_told_with_its_place(browser: Browser, path: str) -> None:
    """The queue is not shown as if it were empty."""
    answer = browser.get(path)
    assert answer.status_code == 422
    assert "<mark>" in answer.text


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/queue/act", {"action": "take", "case": ["x", "-1", "9" * 30]}),
        ("/queue/act", {"action": "take"}),
        ("/cases/1/act", {"action": "explode"}),
        ("/cases/1/act", {"action": "resolve", "verdict": "guilty"}),
        ("/cases/1/act", {"action": "resolve", "verdict": "fraud", "why": "other"}),
        ("/cases/1/act", {"action": "snooze", "for": "forever"}),
        ("/cases/1/act", {"action": "assign", "to": "nobody"}),
        ("/cases/1/act", {"action": "take", "seen": "NaN"}),
        ("/cases/1/merge", {"into": "1"}),
        ("/cases/1/merge", {"into": "-5"}),
        ("/cases/1/link", {"other": ""}),
        ("/cases/1/split", {"alert": "999"}),
        ("/cases/1/note", {"text": "\u202e"}),
        ("/queue/views", {"name": "", "sort": "x"}),
        ("/queue/undo", {"undo": "1e9"}),
    ],
)
def test_forms_of_any_kind_are_answered(
    browser: Browser, path: str, fields: dict[str, Any]
) -> None:
    """With the page again, a problem, or back where they came from; never with a fault."""
    assert browser.post(path, **fields).status_code < 500


def test_pages_of_both_languages_say_the_same_cases(browser: Browser) -> None:
    """The reasons of rules come in the reader's language."""
    browser.client.cookies.set(cookies.LANGUAGE, "zh_CN")
    text = browser.get("/cases/1?alert=3").text
    assert "频繁" in text
    assert "若未命中 busy" in text
