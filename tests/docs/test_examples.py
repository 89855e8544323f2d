"""The examples that a newcomer tries first do what the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from kanhe.app import kanhe_in_memory
from kanhe.core.settings import Settings
from kanhe.judge.features.declare import read_features
from kanhe.judge.intake.registry import builtin
from kanhe.judge.language.source import Source
from kanhe.judge.rules.declare import read_rules
from tests.docs.pages import DOCS, ROOT, blocks, pages, text_of

NOW_MS = 1_798_761_600_000
"""2027-01-01: later than every example."""


def _readme(info: str, holding: str = "") -> str:
    return next(
        block.text
        for block in blocks(text_of(ROOT / "README.md"))
        if block.info == info and holding in block.text
    )


def test_the_request_in_the_readme_gets_the_answer_in_the_readme() -> None:
    """The event of the README is accepted by the starter pack, and answered as shown."""
    request = re.search(r"-d '(\{.*?\})'", _readme("sh", "curl"), re.DOTALL)
    assert request
    with kanhe_in_memory(Settings(), lambda: NOW_MS) as kanhe:
        pending = kanhe.judge("shop", request[1].encode())
        kanhe.commit()
        again = kanhe.judge("shop", request[1].encode())
    answer = json.loads(pending.answer)
    shown = json.loads(_readme("json"))
    assert {**answer, "decision_id": "d1-…", "policy": "sha256:…"} == shown
    assert again.repeated
    assert again.answer == pending.answer


def test_the_policy_in_the_readme_is_valid() -> None:
    """The feature and the rule of the README are accepted as they stand."""
    text = _readme("python", "rule(")
    declared, _, rule = text.partition("\n\n")
    registry = builtin()
    features = read_features(
        Source("features.kanhe", declared),
        {name: registry.fields_of(name) for name in registry.types},
    )
    rules = read_rules(Source("rules/readme.kanhe", rule), registry, features, [])
    assert [rule.id for rule in rules] == ["card_testing"]


def test_the_examples_of_events_are_accepted() -> None:
    """Every event shown as JSON on any page is accepted by the reader, or is no event."""
    shown = [
        json.loads(block.text)
        for page in (*DOCS.glob("*.md"), ROOT / "README.md")
        for block in blocks(text_of(page))
        if block.info == "json"
    ]
    events = [
        event for event in shown if isinstance(event, dict) and event.get("id") and "at_ms" in event
    ]
    assert len(events) >= len(builtin().types)
    with kanhe_in_memory(Settings(), lambda: NOW_MS) as kanhe:
        for number, event in enumerate(events):
            event["id"] = f"{event['id']}-{number}"
            kanhe.record("shop", json.dumps(event).encode(), frozenset({"lists", "step_up"}))


@pytest.mark.parametrize("name", ["make demo", "make test", "make check", "make bench"])
def test_the_readme_names_the_commands_that_do_everything(name: str) -> None:
    """A newcomer finds the targets of the Makefile in the README, and they are there."""
    assert name in text_of(ROOT / "README.md")
    assert re.search(rf"^{name.split()[1]}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def _programs() -> list[tuple[str, Example]]:
    """Every Python block that uses Kanhe as a library; the others are policy text."""
    reader = Sybil(parsers=[PythonCodeBlockParser()], patterns=["*.md"])
    return [
        (f"{page.relative_to(ROOT).as_posix()}:{example.line}", example)
        for page in pages()
        for example in reader.parse(page).examples()
        if ("import kanhe" in example.parsed or "from kanhe" in example.parsed)
        and "connect" not in page.parts  # whole shops, which test_connect.py runs
    ]


@pytest.mark.parametrize("program", [pytest.param(p, id=place) for place, p in _programs()])
def test_programs_in_the_docs_run(
    program: Example, kanhe_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python shown on a page runs as it stands, in an empty folder; a client in it asks a real Kanhe."""
    monkeypatch.chdir(tmp_path)
    text = str(program.parsed).replace("http://127.0.0.1:8080", kanhe_url)
    exec(compile(text, program.path, "exec"), {"__name__": "__main__"})
