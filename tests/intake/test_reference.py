"""docs/events.md says what the registry says."""

from __future__ import annotations

import re
from pathlib import Path

from kanhe.judge.intake.custom import read_custom
from kanhe.judge.intake.reference import describe_markdown
from kanhe.judge.intake.registry import builtin
from kanhe.judge.language.source import Source

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def test_the_page_is_written_from_the_registry() -> None:
    """The page is what the registry writes; write it again after changing the catalogue."""
    assert PAGE.read_text("utf-8") == describe_markdown(builtin()), "run: make docs"


def test_the_page_names_everything() -> None:
    """Every type has its section and every field its line."""
    text = PAGE.read_text("utf-8")
    for name in builtin().types:
        assert f"\n### {name}\n" in text
    for name in builtin().fields:
        assert f"\n| `{name}` | " in text


def test_the_declarations_on_the_page_work() -> None:
    """What the page shows for a shop's own types can be put into a pack as it stands."""
    (text,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert "shop.gift_sent" in read_custom(Source("events.kanhe", text), builtin()).types
