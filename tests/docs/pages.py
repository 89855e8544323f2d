"""Reading the Markdown of this project: pages, headings, links and code blocks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^( *)(`{3,}|~{3,})([^\n`]*)\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) +(.+?) *#*$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?: \"[^\"]*\")?\)")
_CODE_SPAN = re.compile(r"`[^`\n]+`")


class Block(NamedTuple):
    """One fenced code block: where it starts, what follows the fence, and its text."""

    line: int
    info: str
    text: str


def pages() -> list[Path]:
    """Every Markdown page that belongs to the project."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md")])


def text_of(page: Path) -> str:
    """The text of a page."""
    return page.read_text("utf-8")


def blocks(text: str) -> list[Block]:
    """The fenced code blocks of a page, in order."""
    return [
        Block(text.count("\n", 0, match.start()) + 1, match[3].strip(), match[4])
        for match in _FENCE.finditer(text)
    ]


def prose(text: str) -> str:
    """The page without its code blocks."""
    return _FENCE.sub("", text)


def headings(text: str) -> list[tuple[int, str]]:
    """Level and words of each heading, in order."""
    return [(len(match[1]), match[2]) for match in _HEADING.finditer(prose(text))]


def anchors(text: str) -> set[str]:
    """What a link to a heading of this page may end in, as GitHub makes it."""
    found: set[str] = set()
    for _, words in headings(text):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", words).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 0
        while (candidate := f"{anchor}-{number}" if number else anchor) in found:
            number += 1
        found.add(candidate)
    return found


def links(text: str) -> list[str]:
    """The targets of all links of a page, outside code."""
    return _LINK.findall(_CODE_SPAN.sub("", prose(text)))


def named(page: str) -> str:
    """The text of docs/<page>; empty where there is no such page, so that tests say what is missing."""
    path = DOCS / page
    return text_of(path) if path.exists() else ""


def missing_from(page: str, names: object) -> list[str]:
    """The names that docs/<page> does not mention in code style."""
    text = named(page)
    assert isinstance(names, list | tuple | set | frozenset | dict)
    return [
        str(name)
        for name in names
        if not re.search(rf"(?<![\w.-]){re.escape(str(name))}(?![\w-])", text)
    ]
