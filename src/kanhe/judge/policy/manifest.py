"""`pack.toml`: who the pack is, its money, how it decides, its lists. Every mistake has its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, get_args

from kanhe.core.currencies import EXPONENT
from kanhe.core.decision import SEVERITY, Outcome, Text
from kanhe.judge.language.source import NAME, Mistakes, PolicyError, Source, suggestion
from kanhe.judge.rules.lists import ListSpec
from kanhe.judge.verdict.decide import SCORE_MAX, Failure, VerdictTable

_THRESHOLDS = ("challenge", "review", "deny")
_FAILURES: tuple[Failure, ...] = get_args(Failure)
_LIST_KINDS = ("deny", "allow", "watch")
MAX_MODELS = 16
"""How many models a pack may name: each costs time on every event it scores."""
_PACK_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,31}")
_RATE_MAX = Decimal(10**9)
_HEADER = re.compile(r"\s*\[.+\]\s*(#.*)?")
_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*=""")


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
    list_files: dict[str, str]
    """The file of entries, by the name of the list; a list without one starts empty."""
    models: tuple[NamedModel, ...]
    document: Document


class Document:
    """A TOML text with the place of each key, so that a mistake can point at it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        try:
            # Numbers with a point stay decimal text: a rate must not pick up a binary fraction.
            self.root: dict[str, Any] = tomllib.loads(source.text, parse_float=Decimal)
        except ValueError as error:
            raise _syntax_error(source, str(error)) from None
        except RecursionError:
            raise _syntax_error(source, "the text is too deeply nested") from None
        self._places = _places(source)

    def error(self, path: tuple[str, ...], message: str, hint: str = "") -> PolicyError:
        """The error at a key, or at the nearest table above it that the text spells out."""
        for length in range(len(path), -1, -1):
            place = self._places.get(path[:length])
            if place is not None:
                return self.source.error_at(*place[:2], message, hint, place[2])
        return self.source.error_at(1, 1, message, hint)


@dataclass
class _Table:
    """One table of the document; every reader notes its mistakes and gives a harmless value."""

    document: Document
    path: tuple[str, ...]
    content: Mapping[str, Any]
    mistakes: Mistakes
    read: set[str] = field(default_factory=set)

    def note(self, key: str, message: str, hint: str = "") -> None:
        path = (*self.path, key) if key else self.path
        self.mistakes.found.append(self.document.error(path, message, hint))

    def table(self, key: str, *, needed: bool = False) -> _Table:
        self.read.add(key)
        content = self.content.get(key)
        if content is None and needed:
            self.note(key, f"[{'.'.join((*self.path, key))}] is missing", "see docs/policy.md")
        if content is not None and not isinstance(content, dict):
            self.note(key, f"{key} is a table, written [{key}]")
        inner = content if isinstance(content, dict) else {}
        return _Table(self.document, (*self.path, key), inner, self.mistakes)

    def text(self, key: str, default: str | None = None, *, most: int = 300) -> str:
        self.read.add(key)
        value = self.content.get(key, default)
        if value is None:
            self.note(key, f"{key} is missing in [{'.'.join(self.path)}]", f'add {key} = "…"')
            return ""
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.note(key, f"{key} is a text in quotes")
            return ""
        if len(value) > most:
            self.note(key, f"{key} has at most {most} characters")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of at least one text, none of them twice."""
        self.read.add(key)
        value = self.content.get(key)
        listed = value if isinstance(value, list) else []
        found = tuple(dict.fromkeys(one for one in listed if isinstance(one, str)))
        if not found or len(found) != len(listed):
            where = ".".join(self.path)
            self.note(
                key,
                f"{key} in [{where}] is a list of texts, each once",
                f'for example {key} = ["…"]',
            )
        return found

    def matching(self, key: str, shape: re.Pattern[str], what: str) -> str:
        value = self.text(key)
        if value and not shape.fullmatch(value):
            self.note(key, f"{value[:80]!r} cannot be a {what}", f"it looks like {shape.pattern}")
        return value

    def choice(self, key: str, choices: Collection[str], default: str | None = None) -> str:
        value = self.text(key, default)
        if value and value not in choices:
            hint = suggestion(value, choices) or f"choose from {', '.join(choices)}"
            self.note(key, f"{value[:80]!r} is not known here", hint)
        return value if value in choices else next(iter(choices))

    def end(self, known: Collection[str] = ()) -> None:
        """Every key that nobody asked for is a mistake: a typo must not become a default."""
        names = sorted({*self.read, *known})
        for key in self.content:
            if key not in names:
                self.note(key, f"{key} is not known here", suggestion(key, names) or _one_of(names))


def read_manifest(source: Source) -> Manifest:
    """Read `pack.toml`; raises `PolicyErrors` with every mistake (or `PolicyError` if it is no TOML)."""
    document = Document(source)
    mistakes = Mistakes()
    root = _Table(document, (), document.root, mistakes)
    pack = root.table("pack", needed=True)
    name = pack.matching("name", _PACK_NAME, "pack name")
    version = pack.matching("version", _VERSION, "version")
    description = Text(pack.text("description_en", ""), pack.text("description_zh", ""))
    pack.end()
    base, rates = _money(root.table("money", needed=True))
    verdict = _verdict(root.table("verdict"), root.table("failures"))
    lists, list_files = _lists(root.table("lists"))
    models = _models(root.table("models"))
    root.end()
    mistakes.raise_any()
    return Manifest(
        name, version, description, base, rates, verdict, lists, list_files, models, document
    )


def _money(money: _Table) -> tuple[str, dict[str, str]]:
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


def _verdict(verdict: _Table, failures: _Table) -> VerdictTable:
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


def _threshold(verdict: _Table, key: str, default: int) -> int:
    verdict.read.add(key)
    value = verdict.content.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= SCORE_MAX:
        verdict.note(key, f"{key} is a whole number from 1 to {SCORE_MAX}")
        return default
    return value


def _precedence(verdict: _Table, default: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
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


def _lists(lists: _Table) -> tuple[tuple[ListSpec, ...], dict[str, str]]:
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


def _models(models: _Table) -> tuple[NamedModel, ...]:
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


def _one_of(names: Collection[str]) -> str:
    return f"known are {', '.join(names)}" if names else ""


def _syntax_error(source: Source, message: str) -> PolicyError:
    """`tomllib` tells the place in its message only."""
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    line, column = (int(found[1]), int(found[2])) if found else (len(source.lines), 1)
    text = message[: found.start()].strip() if found else re.sub(r"\s*\(.*", "", message)
    return source.error_at(line, column, f"this is not TOML: {text}")


def _places(source: Source) -> dict[tuple[str, ...], tuple[int, int, int]]:
    """Line, column and width of each table header and key, by path."""
    places: dict[tuple[str, ...], tuple[int, int, int]] = {}
    path: tuple[str, ...] = ()
    for number, line in enumerate(source.lines, 1):
        if _HEADER.fullmatch(line):
            path = _header_path(line)
            places.setdefault(path, (number, line.index("[") + 1, len(line.strip())))
        elif key := _KEY.match(line):
            name = key[1][1:-1] if key[1][0] in "\"'" else key[1]
            places.setdefault((*path, name), (number, key.start(1) + 1, len(key[1])))
    return places


def _header_path(line: str) -> tuple[str, ...]:
    """`[lists.stolen_cards]` as a path; TOML itself reads the line, quotes and all."""
    try:
        table: object = tomllib.loads(line)
    except ValueError:
        return ()
    path: list[str] = []
    while table and isinstance(table, dict):
        name, table = next(iter(table.items()))
        path.append(name)
    return tuple(path)
