"""A TOML text of a pack, read table by table: every mistake has its line, and no key is left over."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from kanhe.judge.language.source import Mistakes, PolicyError, Source, suggestion

_HEADER = re.compile(r"\s*\[.+\]\s*(#.*)?")
_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*=""")


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
class Table:
    """One table of the document; every reader notes its mistakes and gives a harmless value."""

    document: Document
    path: tuple[str, ...]
    content: Mapping[str, Any]
    mistakes: Mistakes
    read: set[str] = field(default_factory=set)

    def note(self, key: str, message: str, hint: str = "") -> None:
        """Note a mistake at a key, or at the table itself if the key is empty."""
        path = (*self.path, key) if key else self.path
        self.mistakes.found.append(self.document.error(path, message, hint))

    def table(self, key: str, *, needed: bool = False) -> Table:
        """The table under a key; an empty one if it is not there."""
        self.read.add(key)
        content = self.content.get(key)
        if content is None and needed:
            self.note(key, f"[{'.'.join((*self.path, key))}] is missing", "see docs/policy.md")
        if content is not None and not isinstance(content, dict):
            self.note(key, f"{key} is a table, written [{key}]")
        inner = content if isinstance(content, dict) else {}
        return Table(self.document, (*self.path, key), inner, self.mistakes)

    def text(self, key: str, default: str | None = None, *, most: int = 300) -> str:
        """A text; one without a default is needed."""
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
        """A text of this shape."""
        value = self.text(key)
        if value and not shape.fullmatch(value):
            self.note(key, f"{value[:80]!r} cannot be a {what}", f"it looks like {shape.pattern}")
        return value

    def choice(self, key: str, choices: Collection[str], default: str | None = None) -> str:
        """One of these words."""
        value = self.text(key, default)
        if value and value not in choices:
            hint = suggestion(value, choices) or f"choose from {', '.join(choices)}"
            self.note(key, f"{value[:80]!r} is not known here", hint)
        return value if value in choices else next(iter(choices))

    def number(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number within these bounds."""
        self.read.add(key)
        value = self.content.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.note(key, f"{key} is a whole number from {low} to {high}")
            return default
        return value

    def end(self, known: Collection[str] = ()) -> None:
        """Every key that nobody asked for is a mistake: a typo must not become a default."""
        names = sorted({*self.read, *known})
        for key in self.content:
            if key not in names:
                self.note(key, f"{key} is not known here", suggestion(key, names) or _one_of(names))


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


def _one_of(names: Collection[str]) -> str:
    return f"known are {', '.join(names)}" if names else ""
