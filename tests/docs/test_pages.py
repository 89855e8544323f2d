"""The pages themselves: links lead somewhere, both languages say the same, examples work."""

from __future__ import annotations

import ast
import importlib
import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.pages import DOCS, ROOT, anchors, blocks, headings, links, pages, text_of

_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:")
"""How a link begins that leads out of the project."""


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", pages(), ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link within the project names a file that is there, and a heading that it has."""
    broken = []
    for target in links(text_of(page)):
        if _ELSEWHERE.match(target):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        there = file.exists() and file.is_relative_to(ROOT)
        if not there or (anchor and anchor not in anchors(text_of(file))):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("page", pages(), ids=_name)
def test_code_blocks_can_be_read(page: Path) -> None:
    """A block that says it is Python, JSON or TOML is just that."""
    readers = {"python": ast.parse, "json": json.loads, "toml": tomllib.loads}
    for block in blocks(text_of(page)):
        reader = readers.get(block.info.partition(" ")[0])
        if reader is None:
            continue
        try:
            reader(block.text)
        except (SyntaxError, ValueError) as error:
            pytest.fail(f"{_name(page)}:{block.line}: {error}")


@pytest.mark.parametrize("page", pages(), ids=_name)
def test_a_page_has_one_title(page: Path) -> None:
    """A page starts with its title, and headings go down one level at a time."""
    levels = [level for level, _ in headings(text_of(page))]
    assert levels[:1] == [1]
    assert 1 not in levels[1:]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_page_is_reachable() -> None:
    """docs/index.md leads to every page of the docs."""
    reached = {
        (DOCS / link.partition("#")[0]).resolve() for link in links(text_of(DOCS / "index.md"))
    }
    assert [_name(p) for p in DOCS.rglob("*.md") if p not in reached and p.name != "index.md"] == []


def _translations() -> list[tuple[Path, Path]]:
    """Each English page that has a Chinese twin, with the twin."""
    twins = [(ROOT / "README.md", ROOT / "README.zh-CN.md")]
    chinese = DOCS / "zh-CN"
    return twins + [(DOCS / page.relative_to(chinese), page) for page in chinese.rglob("*.md")]


def _targets(page: Path) -> list[str]:
    """Where the links of a page lead, headings and twins left out."""
    twins = {str(path) for pair in _translations() for path in pair}
    found = [
        link if _ELSEWHERE.match(link) else str((page.parent / link.partition("#")[0]).resolve())
        for link in links(text_of(page))
    ]
    return [target for target in found if target not in twins]


@pytest.mark.parametrize(("english", "chinese"), _translations(), ids=lambda page: _name(page))
def test_both_languages_say_the_same(english: Path, chinese: Path) -> None:
    """A Chinese page has the sections, the examples and the links of its English twin."""
    one, other = text_of(english), text_of(chinese)
    assert [level for level, _ in headings(one)] == [level for level, _ in headings(other)]
    assert [block.info for block in blocks(one)] == [block.info for block in blocks(other)]
    assert _targets(english) == _targets(chinese)


def test_both_readmes_show_the_same_examples() -> None:
    """What is typed and answered in the Chinese README is what is typed and answered in the other."""
    english, chinese = (text_of(ROOT / name) for name in ("README.md", "README.zh-CN.md"))
    assert [block[1:] for block in blocks(english)] == [block[1:] for block in blocks(chinese)]


def _python_names() -> list[str]:
    """Every dotted name of Kanhe's code that the hand-written pages mention."""
    found: set[str] = set()
    for page in (*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "SECURITY.md"):
        found |= set(re.findall(r"`(kanhe(?!\.(?:lock|toml|db)`)(?:\.\w+)+)`", text_of(page)))
    return sorted(found)


@pytest.mark.parametrize("name", _python_names())
def test_functions_named_in_the_docs_exist(name: str) -> None:
    """A page that names a module, class or function names one that is there."""
    parts = name.split(".")
    for depth in range(len(parts), 0, -1):
        try:
            there = importlib.import_module(".".join(parts[:depth]))
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith("kanhe"):
                raise
            continue
        for part in parts[depth:]:
            assert hasattr(there, part), f"{name}: {there} has no {part}"
            there = getattr(there, part)
        return


def test_paths_on_the_map_exist() -> None:
    """Every file and folder that the map draws or names is there."""
    text = text_of(DOCS / "map.md")
    drawn: list[Path] = []
    folders = [ROOT / "src" / "kanhe"]
    for line in blocks(text)[0].text.splitlines()[1:]:
        depth, entry = (len(line) - len(line.lstrip())) // 2, line.split()[0]
        folders[depth:] = [folders[depth - 1] / entry]
        drawn.append(folders[depth])
    named = re.findall(r"`((?:judge|record|stores|serve|core|simulate)/[\w/.]+)`", text)
    there = [*drawn, *(ROOT / "src" / "kanhe" / name for name in named)]
    assert [path.relative_to(ROOT).as_posix() for path in there if not path.exists()] == []


def test_the_map_is_complete() -> None:
    """Every room, and every module or folder of the rooms with a fixed inside, is drawn on the map."""
    drawn = set(
        re.findall(r"^ *([\w.]+)/?(?= |$)", blocks(text_of(DOCS / "map.md"))[0].text, re.MULTILINE)
    )
    source = ROOT / "src" / "kanhe"
    rooms = [source, *(source / room for room in ("core", "judge", "record", "stores", "serve"))]
    there = {path.name for room in rooms for path in room.iterdir()}
    tables = {"countries.py", "currencies.py"}
    assert there - drawn - tables - {"__init__.py", "__pycache__", "py.typed"} == set()
