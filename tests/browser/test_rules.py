"""Rules and lists as people work with them: written, tried, approved by a second person, kept."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page

from kanhe.core.actor import Actor
from tests.browser.served import Served, Visit

Visiting = Callable[..., Visit]
PROBE = "<img src=x onerror=alert(1)>\"'{{7*7}}"


def _until(page: Page, text: str) -> None:
    """Load the page again until it says so."""
    end = time.monotonic() + 120
    while not page.get_by_text(text, exact=True).count():
        assert time.monotonic() < end, page.locator("main").inner_text()
        page.wait_for_timeout(300)
        page.reload()


def test_a_rule_goes_from_a_thought_to_an_approval(visiting: Visiting, served: Served) -> None:
    """Written with its mistakes shown at their place, proposed, tried, in shadow, shared; refused to
    its author even as an approver, and approved by a second person."""
    lin = visiting(served.let_in("Lin Yue", "risk_analyst"))
    page = lin.go("/rules")
    page.keyboard.press("/")
    page.keyboard.type("stuffing ip")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=stuffing*")
    lin.accessible()
    page.locator("tr[data-row]", has_text="stuffing_ip_slow").get_by_role("link").click()
    page.wait_for_url("**/rules/rule/stuffing_ip_slow")
    lin.accessible()

    page.get_by_role("button", name="Change it…").click()
    page.get_by_label("What is it about?").fill(PROBE)
    page.get_by_role("button", name="Begin a draft").click()
    page.wait_for_url("**/edit?file=*")
    assert page.get_by_role("heading", level=1).inner_text() == PROBE
    editor = page.locator("#text")
    good = editor.input_value()
    editor.fill(good.replace("ip_failed_users_24h >= 8", "ip_failed_user_24h >= 8", 1))
    page.locator(".lens-text").wait_for()
    line = good[: good.index("ip_failed_users_24h >= 8")].count("\n") + 1
    assert page.locator(".gutter b").inner_text().strip() == str(line)
    assert page.locator(".lens-text").inner_text() == "unknown feature ip_failed_user_24h"
    page.locator("[data-goto]").click()
    caret = page.evaluate(
        "document.activeElement.value.slice(0, document.activeElement.selectionStart)"
    )
    assert caret.endswith("when=")
    lin.accessible()
    editor.fill(good.replace("ip_failed_users_24h >= 8", "ip_failed_users_24h >= 6", 1))
    page.locator(".fine").wait_for()
    page.keyboard.press("Control+s")
    page.locator(".toast", has_text="Saved.").wait_for()

    page.get_by_role("link", name="What it changes").click()
    page.locator("tr.added", has_text=">= 6").wait_for()
    lin.accessible()
    page.get_by_label("Why").fill("Stuffing has become slower " + PROBE)
    page.get_by_role("button", name="Propose", exact=True).click()
    page.wait_for_url("**/rules/packs/sha256*")
    hash = page.url.rpartition("/")[2].replace("%3A", ":")
    page.get_by_role("button", name="Try it on the past").click()
    _until(page, "Put it in shadow")
    again = page.locator(".stat", has_text="Decided again").locator("dd").inner_text()
    assert int(again.replace(",", "")) >= 5_000, "the whole past, and what staff have done since"
    lin.accessible()
    page.get_by_role("button", name="Put it in shadow").click()
    page.get_by_label("Share of the buyers").fill("5")
    page.get_by_role("button", name="Set").click()
    page.locator(".pill", has_text="With a share").first.wait_for()
    assert page.get_by_role("button", name="Approve").count() == 0

    # The author gets the other role: four eyes are four eyes all the same.
    served.let_in("Lin Yue", "rule_approver")
    lin.expect_error("status of 422")
    page.reload()
    assert page.locator("#four-eyes").is_visible()
    lin.accessible()
    page.evaluate(
        """(path) => {
          const form = document.createElement("form");
          form.method = "post";
          form.action = path;
          for (const [name, value] of [["csrf", document.querySelector("meta[name=csrf]").content], ["why", "me"]]) {
            const field = document.createElement("input");
            field.name = name;
            field.value = value;
            form.append(field);
          }
          document.body.append(form);
          form.submit();
        }""",
        f"/rules/packs/{hash}/decide/approve",
    )
    page.get_by_text("Whoever proposed a pack cannot approve it: a second person does.").wait_for()
    assert page.locator(".pill", has_text="With a share").count()

    wang = visiting(
        served.let_in("王伟", "rule_approver", language="zh_CN", theme="dark"), theme="dark"
    )
    theirs = wang.go(f"/rules/packs/{hash}")
    theirs.get_by_placeholder("填写审核意见").fill("已查看影子运行结果")
    theirs.get_by_role("button", name="批准", exact=True).click()
    theirs.locator(".pill", has_text="已批准").first.wait_for()
    wang.accessible()
    moves = theirs.locator(".moves").inner_text()
    assert "已查看影子运行结果" in moves
    assert PROBE in moves
    judge = served.services.rulebook.steering
    judge.step(Actor(staff="st-test", name="Test"), hash, "withdraw", "the story is over")


def test_a_list_is_kept_with_reasons_and_without_other_tenants(
    visiting: Visiting, served: Served
) -> None:
    """Added and removed by keyboard with a reason, found again, and nobody else's to see."""
    visit = visiting(served.let_in("Lin Yue", "risk_analyst"))
    page = visit.go("/lists")
    visit.accessible()
    page.get_by_role("link", name="blocked_ips").click()
    page.wait_for_url("**/lists/blocked_ips*")
    tenant = re.findall(r"tenant=(\w+)", page.url)[0]
    page.keyboard.press("a")
    page.locator("#f-values").fill("203.0.113.77\nnot an address")
    page.locator("#f-reason").fill(PROBE)
    visit.accessible()
    visit.expect_error("status of 422")
    page.get_by_role("button", name="Add it", exact=True).click()
    page.locator("#wrong-values").wait_for()
    assert "not an address" in page.locator("#wrong-values").inner_text()
    page.locator("#f-values").fill("2001:db8::77")
    page.get_by_role("button", name="Add it", exact=True).click()
    page.locator(".toast", has_text="1 value added.").wait_for()
    rows = page.locator("tr[data-row]", has_text=PROBE)
    assert rows.count() == 2
    assert "203.0.113.77" not in page.content(), (
        "an address is masked until there is a reason to see it"
    )
    page.get_by_placeholder("Why you need to see them; it is recorded").fill("checking a complaint")
    page.get_by_role("button", name="Show them for 15 minutes").click()
    row = page.locator("tr[data-row]", has_text="203.0.113.77")
    row.wait_for()
    visit.accessible()
    row.get_by_text("Remove…").click()
    row.get_by_label("Why").fill("A shared address of a university")
    row.get_by_role("button", name="Remove", exact=True).click()
    page.locator(".toast", has_text="Removed.").wait_for()
    assert page.locator("tr[data-row]", has_text="203.0.113.77").count() == 0

    other = visiting(served.let_in("Zhou Min", "risk_analyst", tenant="north"))
    other.expect_error("status of 404")
    theirs = other.go("/lists/blocked_ips")
    assert theirs.locator("tr[data-row]").count() == 0
    theirs.goto(f"{served.url}/lists/blocked_ips?tenant={tenant}")
    assert theirs.get_by_role("heading", name="Not found").is_visible()


class _Elsewhere(BaseHTTPRequestHandler):
    """A page of another site that sends a form to the console as soon as it is opened."""

    target = ""

    def do_GET(self) -> None:
        page = (
            f'<form id="f" method="post" action="{self.target}"><input name="values" value="198.51.100.1">'
            '<input name="reason" value="forged"></form><script>f.submit()</script>'
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *parts: object) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere(served: Served) -> str:
    handler = type("Elsewhere", (_Elsewhere,), {"target": f"{served.url}/lists/blocked_ips/add"})
    server = HTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def test_another_site_cannot_act_for_somebody(
    visiting: Visiting, served: Served, elsewhere: str
) -> None:
    """A form that another site sends with the browser's own cookies is refused, and nothing is done."""
    visit = visiting(served.let_in("Lin Yue", "risk_analyst"))
    visit.expect_error("status of 403")
    visit.go("/lists")
    visit.page.goto(elsewhere)
    visit.page.get_by_role("heading", name="This did not come from here").wait_for()
    assert "forged" not in visit.go("/lists/blocked_ips").content()
