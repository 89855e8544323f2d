"""The frame in a real browser: both languages, both themes, and nothing that the policy forbids."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.served import Served, Visit

Visiting = Callable[..., Visit]


@pytest.mark.parametrize(("language", "theme"), [("en-GB", "light"), ("zh-CN", "dark")])
def test_a_stranger_is_answered_in_their_language_and_theme(
    visiting: Visiting, language: str, theme: str
) -> None:
    """Whoever is not signed in gets pages that can be read, by assistive technology too."""
    visit = visiting(language=language, theme=theme)
    visit.expect_error("status of 404")
    page = visit.go("/nowhere")
    assert page.locator("html").get_attribute("lang") == language.removesuffix("-GB")
    assert page.get_by_role("heading").inner_text() in ("Not found", "页面不存在")
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (sum(int(part) for part in ground[4:-1].split(",")) < 200) == (theme == "dark")
    visit.accessible()


def test_the_language_is_changed_by_a_button(visiting: Visiting) -> None:
    """One press changes the language, and the choice stays."""
    visit = visiting()
    visit.expect_error("status of 404")
    page = visit.go("/nowhere")
    page.get_by_role("button", name="中文").click()
    page.wait_for_url("**/nowhere")
    assert page.get_by_role("heading").inner_text() == "页面不存在"
    visit.go("/elsewhere")
    assert page.locator("html").get_attribute("lang") == "zh-CN"


def test_injected_markup_does_nothing(visiting: Visiting, served: Served) -> None:
    """Were a page to hold what somebody wrote as markup, the browser would still not run it."""
    visit = visiting()
    visit.expect_error("Content Security Policy", "Trusted", "policy:", "status of 404", "requires")
    page = visit.go("/nowhere")
    page.evaluate(
        """() => {
          window.ran = [];
          const box = document.createElement("div");
          document.body.append(box);
          try { box.innerHTML = "<img src=x onerror='ran.push(1)'>"; } catch { ran.push("refused"); }
          const script = document.createElement("script");
          try { script.textContent = "ran.push(2)"; document.body.append(script); } catch { ran.push("refused"); }
          // Later, because whatever Playwright evaluates may evaluate in its turn.
          setTimeout(() => { try { eval("ran.push(3)"); } catch { ran.push("refused"); } });
          const link = document.createElement("a");
          link.href = "javascript:ran.push(4)";
          document.body.append(link);
          link.click();
        }"""
    )
    page.wait_for_timeout(200)
    assert page.evaluate("ran") == ["refused", "refused", "refused"]
