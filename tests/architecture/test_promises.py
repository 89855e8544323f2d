"""Promises of CONTRIBUTING.md that a machine can check by reading the code."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from kanhe import __version__

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "kanhe"
ROOMS = ("core", "judge", "record", "protect", "respond", "replay", "learn")

CLOCK_AND_CHANCE = {"time", "random", "secrets", "uuid"}
"""Modules of the standard library that know the time or make chance."""

CLOCK_AND_CHANCE_CALLS = re.compile(
    r"\b(datetime|date)\.(now|utcnow|today)$|\bos\.(urandom|getrandom)$|\b(np|numpy)\.random\b"
)

CATCHES_ALL: dict[tuple[str, str], str] = {
    (
        "app/installation.py",
        "_walk",
    ): "what breaks for one event of a group is that event's outcome",
    ("client/network.py", "ask"): "what breaks while a name is looked up is told to whoever asked",
    ("app/loops.py", "_run"): "what runs beside the pages tries again",
    (
        "serve/console/guard.py",
        "__call__",
    ): "a page that fails unexpectedly becomes a page that says so",
    ("serve/api/application.py", "__call__"): "a request that fails unexpectedly gets its problem",
    ("serve/api/connection.py", "_take"): "the same, on the shorter way for events",
    ("serve/api/exchange.py", "told_lines"): "the same, where a batch is put together",
    ("stores/files/background.py", "save"): "a forked child ends there, and says what broke it",
    ("serve/api/server.py", "_tend"): "the tick that drops slow clients outlives what else is due",
}
"""Where everything may be caught, as (file below src/kanhe, function): reason."""

JUNK_NAMES = {"utils", "helpers", "common", "lib", "manager", "base", "misc", "data"}

IGNORE_COMMENT = re.compile(r"#\s*(?:noqa|type:\s*ignore)(?P<codes>[^#]*)")
IGNORE_WITH_REASON = re.compile(
    r"#\s*(?:noqa:\s*[A-Z]+[0-9]+(?:[ ,]+[A-Z]+[0-9]+)*|type:\s*ignore\[[a-z, -]+\])[\s#(:-]+\w+"
)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def _python(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(SOURCE if path.is_relative_to(SOURCE) else ROOT).as_posix()


def _functions(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Every node with the name of the innermost function it stands in ('' outside of any)."""
    stack: list[tuple[str, ast.AST]] = [("", tree)]
    while stack:
        inside, node = stack.pop()
        yield inside, node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = node.name
        stack.extend((inside, child) for child in ast.iter_child_nodes(node))


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        return [node.module]
    return []


def _in_rooms() -> list[Path]:
    return [path for room in ROOMS for path in _python(SOURCE / room)]


def test_rooms_have_no_clock_and_no_chance() -> None:
    """What a room answers depends on what it is given only: time and chance come in as arguments."""
    found = []
    for path in _in_rooms():
        for node in ast.walk(_tree(path)):
            names = {name.partition(".")[0] for name in _imported(node)} & CLOCK_AND_CHANCE
            if isinstance(node, ast.Attribute):
                text = ast.unparse(node)
                names |= {text} if CLOCK_AND_CHANCE_CALLS.search(text) else set()
            found += [f"{_name(path)}:{node.lineno}: {name}" for name in sorted(names)]
    assert not found, "\n".join(found)


def test_simulation_takes_chance_from_a_seed_only() -> None:
    """The same seed makes the same shop: nothing in the simulator asks the system for chance or time."""
    found = []
    for path in _python(SOURCE / "simulate"):
        for node in ast.walk(_tree(path)):
            names = {name.partition(".")[0] for name in _imported(node)}
            found += [f"{_name(path)}: imports {n}" for n in names & {"secrets", "uuid", "time"}]
            if not isinstance(node, ast.Call):
                continue
            text = ast.unparse(node.func)
            if re.fullmatch(r"random\.[a-z]\w*", text):
                found.append(f"{_name(path)}:{node.lineno}: {text} draws from the shared generator")
            if re.fullmatch(r"(random\.)?Random|(np\.random\.)?default_rng", text) and not (
                node.args or node.keywords
            ):
                found.append(f"{_name(path)}:{node.lineno}: {text}() without a seed")
            if re.search(r"\b(datetime|date)\.(now|utcnow|today)$|\bos\.urandom$", text):
                found.append(f"{_name(path)}:{node.lineno}: {text}")
    assert not found, "\n".join(found)


def _catches_all(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    if node.type is None:
        return True
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(isinstance(k, ast.Name) and k.id in ("Exception", "BaseException") for k in kinds)


def _reraises(handler: ast.AST) -> bool:
    """Cleaning up and raising the same error again swallows nothing."""
    assert isinstance(handler, ast.ExceptHandler)
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_everything_is_caught_at_named_boundaries_only() -> None:
    """An error that nobody expected is seen: a broad except stands in the list above, with its reason."""
    seen = {
        (_name(path), function)
        for path in _python(SOURCE)
        for function, node in _functions(_tree(path))
        if _catches_all(node) and not _reraises(node)
    }
    assert seen - CATCHES_ALL.keys() == set(), "name the boundary in CATCHES_ALL, or catch less"
    assert CATCHES_ALL.keys() - seen == set(), (
        "these boundaries are gone: remove them from the list"
    )


def test_nothing_is_evaluated_outside_the_generator_of_rules() -> None:
    """Text that came from outside is parsed and never run; generated code is compiled where it is made."""
    allowed = {
        "judge/rules/compile.py",
        "judge/features/encode.py",
        "judge/features/derivation.py",
    }
    found = [
        f"{_name(path)}:{node.lineno}: {node.func.id}"
        for path in _python(SOURCE)
        if _name(path) not in allowed
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("eval", "exec", "compile", "__import__")
    ]
    found += [
        f"{_name(path)}: imports {name}"
        for path in _python(SOURCE)
        for node in ast.walk(_tree(path))
        for name in _imported(node)
        if name.partition(".")[0] in ("pickle", "marshal", "shelve")
    ]
    assert not found, "\n".join(found)


def test_names_say_what_is_inside() -> None:
    """No module or folder has a name under which anything could be kept."""
    names = {
        part for path in _python(SOURCE) for part in path.relative_to(SOURCE).with_suffix("").parts
    }
    assert not names & JUNK_NAMES


@pytest.mark.parametrize("path", _python(SOURCE), ids=_name)
def test_modules_are_of_a_readable_size(path: Path) -> None:
    """A module has fewer than 800 lines, and a function fewer than 100."""
    assert len(path.read_text("utf-8").splitlines()) < 800
    long = [
        f"{_name(path)}:{node.lineno} {node.name}"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= 100
    ]
    assert not long


def test_every_test_states_its_promise() -> None:
    """Each test has a docstring: the promise it holds Kanhe to."""
    silent = [
        f"{_name(path)}:{node.lineno} {node.name}"
        for path in _python(ROOT / "tests")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert not silent, "\n".join(silent)


def test_every_ignored_check_gives_its_reason() -> None:
    """`noqa` and `type: ignore` name what they silence and say why."""
    found = [
        f"{_name(path)}:{number}: {line.strip()}"
        for folder in (SOURCE, ROOT / "bench")
        for path in _python(folder)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if IGNORE_COMMENT.search(line) and not IGNORE_WITH_REASON.search(line)
    ]
    assert not found, "\n".join(found)


def test_the_lock_file_fits_the_project() -> None:
    """uv.lock was made from the dependencies that pyproject.toml names now."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    kanhe = next(package for package in lock["package"] if package["name"] == "kanhe")
    named, extras = project["project"], project["project"]["optional-dependencies"]
    wanted = [*named["dependencies"], *(item for items in extras.values() for item in items)]
    assert sorted(map(_requirement, wanted)) == sorted(
        map(_locked, kanhe["metadata"]["requires-dist"])
    )
    assert sorted(kanhe["metadata"]["provides-extras"]) == sorted(extras)
    groups = project["dependency-groups"]
    assert {group: sorted(map(_requirement, items)) for group, items in groups.items()} == {
        group: sorted(map(_locked, items))
        for group, items in kanhe["metadata"]["requires-dev"].items()
    }


def _requirement(text: str) -> tuple[str, str, str]:
    match = re.fullmatch(r"([\w.-]+)(?:\[([\w,-]+)\])?\s*(.*)", text)
    assert match, text
    return match[1].lower(), match[2] or "", match[3]


def _locked(item: dict[str, object]) -> tuple[str, str, str]:
    extras = item.get("extras", ())
    assert isinstance(extras, list | tuple)
    return str(item["name"]), ",".join(extras), str(item.get("specifier", ""))


def test_the_newest_change_is_written_down() -> None:
    """CHANGELOG.md has a section for the version that the package says it is."""
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
