"""The keyboard: each key does its one thing, and none while somebody writes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.served import Served, Visit

Visiting = Callable[..., Visit]

LIST = """() => {
  window.pressed = [];
  const note = (text) => (event) => { event.preventDefault(); pressed.push(text); };
  const make = (tag, attributes, parent) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    parent.append(made);
    return made;
  };
  const main = document.querySelector("main");
  main.replaceChildren();
  const list = make("div", {"data-list": ""}, main);
  for (const name of ["one", "two", "three"]) {
    const row = make("div", {"data-row": "", id: name}, list);
    row.textContent = name;
    const box = make("input", {type: "checkbox", "data-pick": "", "aria-label": name}, row);
    box.addEventListener("change", () => pressed.push("pick " + name));
    make("a", {href: "#", "data-open": ""}, row).addEventListener("click", note("open " + name));
    make("button", {"data-peek": ""}, row).addEventListener("click", note("peek " + name));
    make("button", {"data-key": "s"}, row).addEventListener("click", note("s " + name));
  }
  for (const key of "ademz") {
    const button = make("button", {"data-key": key}, main);
    button.textContent = key;
    button.addEventListener("click", note(key));
  }
  const off = make("button", {"data-key": "d", disabled: ""}, main);
  off.addEventListener("click", note("disabled"));
  make("span", {"data-picked": ""}, main);
  make("textarea", {id: "writing", "aria-label": "note"}, main);
  make("input", {id: "searching", type: "search", "data-search": "", "aria-label": "search"}, main);
  make("select", {id: "choosing", "aria-label": "choice"}, main).append(new Option("allow"));
  for (const link of document.querySelectorAll("[data-go]")) {
    link.addEventListener("click", note("go " + link.dataset.go));
  }
}"""


@pytest.fixture
def page(visiting: Visiting, served: Served) -> Page:
    visit = visiting(served.let_in("Lin Yue", "risk_analyst"))
    page = visit.go("/rules/packs")
    page.evaluate(LIST)
    return page


def _pressed(page: Page, *keys: str) -> list[str]:
    page.evaluate("pressed.length = 0")
    for key in keys:
        page.keyboard.press(key)
    found: list[str] = page.evaluate("pressed")
    return found


def test_every_key_does_its_one_thing(page: Page) -> None:
    """j, k, x, Enter, Space, the keys of cases, undo, and where g leads."""
    assert _pressed(page, "j", "x", "j", "x", "Enter", "Space") == [
        "pick one", "pick two", "open two", "peek two",
    ]  # fmt: skip
    assert page.locator("[data-picked]").inner_text() == "2"
    assert _pressed(page, "j", "j", "j", "Enter", "k", "Enter") == ["open three", "open two"]
    assert page.locator(".current").get_attribute("id") == "two"
    assert _pressed(page, "a", "d", "e", "m", "z", "s") == ["a", "d", "e", "m", "z", "s two"]
    assert _pressed(page, "g", "r", "g", "l", "g", "q") == ["go r", "go l", "go q"]
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "searching"
    page.locator("#two").focus()
    page.keyboard.press("Shift+?")
    assert page.locator("#keys").is_visible()
    assert _pressed(page, "a", "j", "x") == []
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()
    assert _pressed(page, "a") == ["a"]


def test_no_key_acts_while_somebody_writes(page: Page) -> None:
    """Not in a field, not in a list of choices, not with a modifier, not while Chinese is composed."""
    keys = ("a", "d", "e", "s", "m", "z", "x", "j", "g", "r", "?", "Enter", "Space")
    for field in ("#writing", "#searching", "#choosing"):
        page.locator(field).focus()
        assert _pressed(page, *keys) == [], field
    assert page.locator("#writing").input_value().startswith("adesmzxjgr?")
    page.locator("#one").focus()
    assert _pressed(page, "Control+a", "Alt+d", "Meta+e", "Control+j") == []
    composing = """(init) => {
      const event = new KeyboardEvent("keydown", {key: "a", bubbles: true, cancelable: true, ...init});
      document.body.dispatchEvent(event);
      return pressed.length;
    }"""
    assert page.evaluate(composing, {"isComposing": True}) == 0
    assert page.evaluate(composing, {"keyCode": 229}) == 0
    assert page.evaluate(composing, {"isComposing": False}) == 1


def test_single_keys_can_be_turned_off(page: Page) -> None:
    """Who speaks to the computer, or slips, turns them off (WCAG 2.2, 2.1.4), and it stays so."""
    page.locator("[data-keys-help]").click()
    page.get_by_label("Single keys act, except while writing").uncheck()
    page.keyboard.press("Escape")
    assert _pressed(page, "a", "j", "x", "g", "r") == []
    page.reload()
    page.evaluate(LIST)
    assert _pressed(page, "a") == []
    page.locator("[data-keys-help]").click()
    page.get_by_label("Single keys act, except while writing").check()
    page.keyboard.press("Escape")
    assert _pressed(page, "a") == ["a"]


def test_the_palette_finds_by_keyboard(page: Page) -> None:
    """Ctrl K opens it, arrows choose, Enter leads there, Esc closes; what it shows is text."""
    answer = (
        '{"results": [{"title": "<img src=x onerror=alert(1)>", "kind": "case", "href": "/rules"},'
        ' {"title": "stuffing_ip", "kind": "rule", "href": "/rules/rule/stuffing_ip"}]}'
    )
    page.route(
        "**/search?q=*", lambda route: route.fulfill(body=answer, content_type="application/json")
    )
    page.keyboard.press("Control+k")
    page.keyboard.type("stuff")
    page.locator("#palette-found [role=option]").nth(1).wait_for()
    assert page.locator("#palette-found").inner_text().startswith("<img src=x")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rules/rule/stuffing_ip")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    assert not page.locator("#palette").is_visible()
