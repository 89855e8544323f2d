"""`pack.toml`: who the pack is, its money, how it decides, its lists. Every mistake has its line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import get_args

from kanhe.core.currencies import EXPONENT
from kanhe.core.decision import SEVERITY, Outcome, Text
from kanhe.judge.language.source import NAME, Mistakes, Source, suggestion
from kanhe.judge.policy.document import Document, Table
from kanhe.judge.policy.governing import read_governor
from kanhe.judge.rules.lists import ListSpec
from kanhe.judge.verdict.caps import GovernorTable
from kanhe.judge.verdict.decide import SCORE_MAX, Failure, VerdictTable

_THRESHOLDS = ("challenge", "review", "deny")
_FAILURES: tuple[Failure, ...] = get_args(Failure)
_LIST_KINDS = ("deny", "allow", "watch")
MAX_MODELS = 16
"""How many models a pack may name: each costs time on every event it scores."""
_PACK_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,31}")
_RATE_MAX = Decimal(10**9)


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model as `[models.<name>]` names it: its file, and the event types that it scores."""

    name: str
    file: str
    on: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """What `pack.toml` says, checked as far as it can be without the registry of events."""

    name: str
    version: str
    description: Text
    base: str
    rates: dict[str, str]
    verdict: VerdictTable
    lists: tuple[ListSpec, ...]
    governor: GovernorTable
    list_files: dict[str, str]
    """The file of entries, by the name of the list; a list without one starts empty."""
    models: tuple[NamedModel, ...]
    document: Document


def read_manifest(source: Source) -> Manifest:
    """Read `pack.toml`; raises `PolicyErrors` with every mistake (or `PolicyError` if it is no TOML)."""
    document = Document(source)
    mistakes = Mistakes()
    root = Table(document, (), document.root, mistakes)
    pack = root.table("pack", needed=True)
    name = pack.matching("name", _PACK_NAME, "pack name")
    version = pack.matching("version", _VERSION, "version")
    description = Text(pack.text("description_en", ""), pack.text("description_zh", ""))
    pack.end()
    base, rates = _money(root.table("money", needed=True))
    verdict = _verdict(root.table("verdict"), root.table("failures"))
    lists, list_files = _lists(root.table("lists"))
    models = _models(root.table("models"))
    governor = read_governor(root.table("governor"))
    root.end()
    mistakes.raise_any()
    return Manifest(
        name,
        version,
        description,
        base,
        rates,
        verdict,
        lists,
        governor,
        list_files,
        models,
        document,
    )


def _money(money: Table) -> tuple[str, dict[str, str]]:
    """The base currency, and what one unit of each other currency is worth in it."""
    base = money.text("base")
    if base and base not in EXPONENT:
        money.note("base", f"{base[:20]!r} is not an ISO 4217 currency", suggestion(base, EXPONENT))
    table = money.table("rates")
    rates: dict[str, str] = {}
    for code, value in table.content.items():
        if code not in EXPONENT:
            hint = suggestion(code, EXPONENT)
            table.note(code, f"{code[:20]!r} is not an ISO 4217 currency", hint)
        elif code == base:
            table.note(code, f"{code} is the base currency; its rate is 1", "remove this line")
        elif (rate := _rate(value)) is None:
            table.note(code, "a rate is a number above 0", f'for example {code} = "0.85"')
        else:
            rates[code] = rate
    money.end()
    return base, rates


def _rate(value: object) -> str | None:
    """A positive decimal number as plain text, `None` if it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(value)
    except ArithmeticError:
        return None
    if not number.is_finite() or not Decimal("1e-12") <= number <= _RATE_MAX:
        return None
    return f"{number:f}"


def _verdict(verdict: Table, failures: Table) -> VerdictTable:
    """Thresholds, precedence, default step-up, and what failed rules mean."""
    standard = VerdictTable()
    marks = {key: _threshold(verdict, key, getattr(standard, key)) for key in _THRESHOLDS}
    if sorted(marks.values()) != list(marks.values()):
        verdict.note("", "thresholds must not fall from challenge over review to deny")
    precedence = _precedence(verdict, standard.precedence)
    step_up = verdict.text("default_challenge", standard.default_challenge, most=64)
    if not NAME.fullmatch(step_up):
        verdict.note("default_challenge", "a kind of step-up is one word", 'for example "otp"')
    verdict.end()
    meant: dict[str, Failure] = {}
    for event_type in failures.content:
        choice = failures.choice(event_type, _FAILURES, "open")
        meant[event_type] = next(known for known in _FAILURES if known == choice)
    return VerdictTable(
        **marks,
        precedence=precedence,
        default_challenge=step_up,
        default_failure=meant.pop("default", standard.default_failure),
        failures=meant,
    )


def _threshold(verdict: Table, key: str, default: int) -> int:
    verdict.read.add(key)
    value = verdict.content.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= SCORE_MAX:
        verdict.note(key, f"{key} is a whole number from 1 to {SCORE_MAX}")
        return default
    return value


def _precedence(verdict: Table, default: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    verdict.read.add("precedence")
    value = verdict.content.get("precedence", list(default))
    texts = [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []
    if len(texts) != len(SEVERITY) or set(texts) != set(SEVERITY):
        verdict.note(
            "precedence",
            "precedence holds deny, allow, review and challenge, each once",
            "strongest first",
        )
        return default
    outcomes: dict[str, Outcome] = {outcome: outcome for outcome in default}
    return tuple(outcomes[text] for text in texts)


def _lists(lists: Table) -> tuple[tuple[ListSpec, ...], dict[str, str]]:
    """The lists of the pack, and their files; whether `holds` is a field, the registry says."""
    found: list[ListSpec] = []
    list_files: dict[str, str] = {}
    for name in lists.content:
        table = lists.table(name)
        if not NAME.fullmatch(name):
            lists.note(name, f"{name[:80]!r} cannot be the name of a list", f"use {NAME.pattern}")
        holds, kind = table.text("holds", most=64), table.choice("kind", _LIST_KINDS)
        found.append(ListSpec(name, holds, kind, table.text("en"), table.text("zh")))
        if file := table.text("file", "", most=80):
            list_files[name] = file
        table.end()
    return tuple(found), list_files


def _models(models: Table) -> tuple[NamedModel, ...]:
    """The models of the pack; whether the files can be used is seen when they are read."""
    found: list[NamedModel] = []
    if len(models.content) > MAX_MODELS:
        models.note("", f"{len(models.content)} models; a pack names at most {MAX_MODELS}")
    for name in models.content:
        table = models.table(name)
        if not NAME.fullmatch(name):
            models.note(name, f"{name[:80]!r} cannot be the name of a model", f"use {NAME.pattern}")
        found.append(NamedModel(name, table.text("file", most=80), table.texts("on")))
        table.end()
    return tuple(found)
