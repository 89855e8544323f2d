"""What is not documented does not exist: the names in the code stand in the docs."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import typer.main

from kanhe.core.event import ENTITY_KINDS
from kanhe.core.settings import SETTINGS
from kanhe.judge.features.spec import FUNCTIONS as FEATURE_FUNCTIONS
from kanhe.judge.intake import accounting, cell_tests, mapping_reader, transforms
from kanhe.judge.intake.declarations import FIELD_KINDS
from kanhe.judge.intake.registry import builtin
from kanhe.judge.language.expression import FUNCTIONS as EXPRESSION_FUNCTIONS
from kanhe.judge.rules import declare as rules
from kanhe.judge.rules.lists import COLUMNS
from kanhe.protect.access.permissions import PERMISSIONS
from kanhe.protect.access.roles import BUILT_IN
from kanhe.serve.api.access import SCOPES
from kanhe.serve.api.openapi import describe_openapi
from kanhe.serve.cli.commands import build
from tests.docs.pages import DOCS, ROOT, missing_from, named


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["events.md", "problems.md"])
def test_generated_pages_are_fresh(page: str) -> None:
    """A page that is made from the code says what the code says now; `make docs` writes it anew."""
    assert named(page) == _generator().PAGES[page](), f"docs/{page} is stale: run make docs"


def test_events_are_documented() -> None:
    """Every event type, field, kind of field and kind of entity stands in docs/events.md."""
    registry = builtin()
    assert (
        missing_from("events.md", [*registry.types, *registry.fields, *ENTITY_KINDS, *FIELD_KINDS])
        == []
    )


def test_settings_are_documented() -> None:
    """Every setting stands in docs/settings.md with its name, its variable and its default."""
    assert missing_from("settings.md", [s.name for s in SETTINGS] + [s.env for s in SETTINGS]) == []
    rows = {
        name: row
        for row in named("settings.md").splitlines()
        for name in re.findall(r"`(\w+)`", row)[:1]
    }
    for setting in SETTINGS:
        default = str(setting.default)
        if isinstance(setting.default, bool):
            default = default.lower()
        assert default in rows.get(setting.name, "").replace("_", "_").replace(",", ""), (
            setting.name
        )


def _commands(command: Any, path: str = "kanhe") -> Iterator[tuple[str, Any]]:
    """Every command with the words that call it; groups are walked, hidden ones left out."""
    inside = getattr(command, "commands", None)
    if inside is None:
        yield path, command
        return
    for name, found in inside.items():
        if not found.hidden:
            yield from _commands(found, f"{path} {name}")


def _all_commands() -> list[tuple[str, Any]]:
    return list(_commands(typer.main.get_command(build())))


def test_commands_are_documented() -> None:
    """Every command and each of its options stands in docs/cli.md."""
    text = named("cli.md")
    missing = [path for path, _ in _all_commands() if path not in text]
    options = {
        option
        for _, command in _all_commands()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and not getattr(parameter, "hidden", False)
    }
    assert missing + missing_from("cli.md", sorted(options)) == []


def test_routes_are_documented() -> None:
    """Every path, scope and metric of the HTTP interface stands in docs/http.md."""
    paths = json.loads(describe_openapi(builtin()))["paths"]
    text = named("http.md")
    missing = [
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method in methods
        if method in ("get", "post", "put", "delete") and f"{method.upper()} {path}" not in text
    ]
    counters = (ROOT / "src/kanhe/serve/api/counters.py").read_text("utf-8")
    metrics = sorted(set(re.findall(r'"(kanhe_\w+)"', counters)))
    assert missing + [name for name in (*SCOPES, *metrics) if f"`{name}" not in text] == []


@pytest.mark.parametrize("page", ["access.md", "zh-CN/access.md"])
def test_roles_are_documented(page: str) -> None:
    """Every role that comes with Kanhe stands in both pages on access, every permission in the English one."""
    names = [role.name for role in BUILT_IN]
    names += [one.name for one in PERMISSIONS] if page == "access.md" else []
    assert missing_from(page, names) == []


def test_feature_functions_are_documented() -> None:
    """Every feature function stands in docs/features.md."""
    assert [name for name in FEATURE_FUNCTIONS if f"`{name}" not in named("features.md")] == []


def test_the_language_of_rules_is_documented() -> None:
    """Every field and action of a rule and every function of a condition stands in docs/rules.md."""
    text = named("rules.md")
    fields = (*rules._REQUIRED, *rules._OPTIONAL)
    calls = (*EXPRESSION_FUNCTIONS, *rules._ACTIONS, "rule")
    assert [f"{name}=" for name in fields if f"{name}=" not in text] == []
    assert [f"{name}(" for name in calls if f"{name}(" not in text] == []


def test_policy_packs_are_documented() -> None:
    """Every file, section and list column of a pack stands in docs/policy.md."""
    parts = ["pack.toml", "features.kanhe", "events.kanhe", "rules/", "lists/"]
    sections = ["[pack]", "[money]", "[money.rates]", "[verdict]", "[failures]", "[lists."]
    text = named("policy.md")
    assert [name for name in (*parts, *sections, *COLUMNS) if name not in text] == []


def test_mappings_are_documented() -> None:
    """Every way to make a value, every test and every reason for refusal stands in docs/import.md."""
    names = [
        *cell_tests.WORDS,
        *mapping_reader.FORMS,
        *mapping_reader.SOURCES,
        *(option for options in mapping_reader.OPTIONS.values() for option in options),
        *transforms.ROUNDINGS,
        *accounting.BUILT_IN_KINDS,
    ]
    assert missing_from("import.md", names) == []


def _slugs(tree: ast.AST) -> Iterator[str]:
    """The names of problems that a module can answer with."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = re.fullmatch(r"/problems/([a-z0-9-]+)", node.value)
            if found:
                yield found[1]
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func).rpartition(".")[2]
        position = {"rejected": 0, "refuse": 0, "refusal": 0, "_turn_away": 1}.get(called)
        if position is not None and position < len(node.args):
            argument = node.args[position]
            if isinstance(argument, ast.Constant):
                yield str(argument.value)


def test_problems_are_documented() -> None:
    """Every problem that any part can answer with has its section in docs/problems.md, and no other has."""
    raised = {
        slug
        for path in (ROOT / "src").rglob("*.py")
        for slug in _slugs(ast.parse(path.read_text("utf-8")))
    }
    explained = set(re.findall(r"^### ([a-z0-9-]+)$", named("problems.md"), re.MULTILINE))
    assert sorted(raised - explained) == []
    known = raised | set(_generator().problem_catalogue)
    assert sorted(explained - known) == []
