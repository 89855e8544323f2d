"""Both languages say everything, and say it with the same values."""

from __future__ import annotations

import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from kanhe.serve.console.language import catalogues, gettext, speaking, wished

ROOT = Path(__file__).parents[2]
_VALUES = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}")
_SAME_IN_BOTH = re.compile(
    r"[\W\d_]*(?:(?:Kanhe|API|IP|TOTP|URL|OIDC|JSON|CSV|p99|p95|ID|id|Webhook|Webhooks|mTLS)[\W\d_]*)*"
)


@cache
def _phrases() -> ModuleType:
    spec = importlib.util.spec_from_file_location("phrases", ROOT / ".ci" / "phrases.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["phrases"] = module
    spec.loader.exec_module(module)
    return module


def _texts(message: object) -> list[str]:
    return list(message) if isinstance(message, tuple) else [str(message or "")]


def test_everything_that_is_said_has_its_chinese() -> None:
    """Every text of templates and pages stands in a catalogue, translated and not in doubt."""
    said = _phrases().said()
    translated = {}
    for catalogue in _phrases().known().values():
        for message in catalogue:
            if message.id and all(_texts(message.string)) and "fuzzy" not in message.flags:
                translated[_texts(message.id)[0]] = message
    lacking = [
        f"{key!r} ({said[key].place.name}:{said[key].line})"
        for key in said
        if key not in translated
    ]
    assert lacking == [], "run `make phrases`, and write the Chinese:\n" + "\n".join(lacking)
    assert len(said) > 90


def test_one_text_has_one_chinese() -> None:
    """Where two areas say the same words, they mean the same: the catalogues are one when they are read."""
    found: dict[str, dict[str, str]] = {}
    for area, catalogue in _phrases().known().items():
        for message in catalogue:
            if message.id:
                found.setdefault(_texts(message.id)[0], {})[area] = str(message.string)
    differing = {key: said for key, said in found.items() if len(set(said.values())) > 1}
    assert differing == {}, "say it in other English words where it means something else"


@pytest.mark.parametrize("path", catalogues("zh_CN"), ids=lambda path: path.stem)
def test_translations_hold_the_same_values(path: Path) -> None:
    """A translation has the placeholders of its text, in any order, and is Chinese."""
    wrong = []
    for message in _phrases().catalogue(path):
        if not message.id:
            continue
        wanted = set(_VALUES.findall(_texts(message.id)[-1]))
        for text in _texts(message.string):
            if set(_VALUES.findall(text)) != wanted:
                wrong.append(f"{message.id!r}: values of {text!r}")
            plain = _VALUES.sub("", text)
            if not re.search(r"[\u3400-\u9fff]", plain) and not _SAME_IN_BOTH.fullmatch(plain):
                wrong.append(f"{message.id!r}: {text!r} is not Chinese")
    assert wrong == []


def test_nothing_stands_in_a_catalogue_that_nobody_says() -> None:
    """Catalogues hold what is said and no more; `make phrases` drops the rest."""
    said = _phrases().said()
    stale = [
        f"{area}: {message.id!r}"
        for area, catalogue in _phrases().known().items()
        for message in catalogue
        if message.id and _texts(message.id)[0] not in said
    ]
    assert stale == []


def test_no_text_is_looked_up_by_a_name() -> None:
    """`_(variable)` cannot be found by whoever gathers texts: what is looked up is written out."""
    found = [
        f"{path.name}: {match}"
        for path in (ROOT / "src/kanhe/serve/console/templates").rglob("*.html")
        for match in re.findall(r"\b(?:_|gettext)\(\s*[a-z]\w*[^'\"]", path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("", "en"),
        ("zh-CN", "zh_CN"),
        ("zh-Hant-TW, en;q=0.5", "zh_CN"),
        ("en;q=0.4, zh;q=0.8", "zh_CN"),
        ("de, fr;q=0.9", "en"),
        ("zh;q=0", "en"),
        ("*", "en"),
        ("zh" * 5_000, "en"),
        ("a,b,;;,zh;q=x, zh", "zh_CN"),
    ],
)
def test_a_browser_is_answered_in_its_language(asked: str, answered: str) -> None:
    """The best of what a browser asks for, and English if it asks for nothing that is spoken."""
    assert wished(asked) == answered


def test_texts_are_said_in_the_language_of_the_request() -> None:
    """One process speaks both languages, each to whom it belongs."""
    with speaking("zh_CN"):
        assert gettext("Queue") == "告警队列"
        with speaking("en"):
            assert gettext("Queue") == "Queue"
    assert gettext("not a text of ours") == "not a text of ours"
