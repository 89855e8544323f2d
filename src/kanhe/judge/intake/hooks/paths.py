"""Paths: where in a notice a value stands.

`data.object.id` goes down by names and, in lists, by places counted from 0; a name with a dot or a
blank stands in single quotes. `@topic` is something of the envelope. `refunds.*.amount` is a value of
the entry of `refunds` that an event is about. `a or b` is the first of several that is not missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from kanhe.core.errors import KanheError
from kanhe.core.notice import Notice
from kanhe.judge.intake.transforms import Cell, CellError, is_missing

ENVELOPE = ("id", "topic", "shop", "test", "connected", "source", "provider", "received_ms")
"""What can stand behind `@`."""
_PART = re.compile(r"'([^'\n]+)'|([^.'\s@]+)")
_LONGEST = 256
_MOST_ALTERNATIVES = 5


class PathError(KanheError):
    """A path is not written as one."""


class Compound:
    """Stands for an object or list where one value was expected: it is there, and no value."""

    def __str__(self) -> str:
        raise CellError("expected one value, got an object or a list")


_COMPOUND = Compound()
Find = Callable[[Notice, Any], Cell]
"""Gives the cell at a path of a notice; the second argument is the entry that `*` stands for."""


class Path(NamedTuple):
    """One path, ready to be followed."""

    text: str
    find: Find
    starred: tuple[tuple[str, ...], ...]
    """What stands before each `*` in it."""


def parts_of(text: str) -> tuple[str, ...]:
    """The names of one path without alternatives. Raises `PathError`."""
    found: list[str] = []
    place = 0
    while True:
        match = _PART.match(text, place)
        if match is None:
            raise PathError(f"{text!r} is not a path such as data.object.id")
        found.append(match[1] or match[2])
        place = match.end()
        if place == len(text):
            return tuple(found)
        if text[place] != ".":
            raise PathError(f"{text!r} is not a path such as data.object.id")
        place += 1


def parse_path(text: str) -> Path:
    """A path with its alternatives. Raises `PathError`."""
    if len(text) > _LONGEST:
        raise PathError(f"a path has at most {_LONGEST} characters")
    alternatives = [one.strip() for one in text.split(" or ")]
    if len(alternatives) > _MOST_ALTERNATIVES:
        raise PathError(f"a path has at most {_MOST_ALTERNATIVES} alternatives")
    finds, starred = [], []
    for one in alternatives:
        if one.startswith("@"):
            finds.append(_of_envelope(one[1:]))
            continue
        parts = parts_of(one)
        if "*" in parts:
            star = parts.index("*")
            starred.append(parts[:star])
            finds.append(_of_entry(parts[star + 1 :]))
        else:
            finds.append(_of_document(parts))
    if len(finds) == 1:
        return Path(text, finds[0], tuple(starred))

    def first(notice: Notice, entry: Any) -> Cell:
        for find in finds:
            cell = find(notice, entry)
            if not is_missing(cell):
                return cell
        return None

    return Path(text, first, tuple(starred))


def entries_at(document: Mapping[str, Any], parts: tuple[str, ...]) -> list[Any]:
    """The entries of a list in a document; none where there is no list."""
    found = _down(document, parts)
    return found if isinstance(found, list) else []


def _of_envelope(name: str) -> Find:
    if name not in ENVELOPE:
        raise PathError(f"@{name} is not known; there are @{', @'.join(ENVELOPE)}")
    return lambda notice, entry: notice.envelope.get(name)


def _of_document(parts: tuple[str, ...]) -> Find:
    return lambda notice, entry: _cell(_down(notice.document, parts))


def _of_entry(parts: tuple[str, ...]) -> Find:
    return lambda notice, entry: _cell(_down(entry, parts))


def _down(value: Any, parts: tuple[str, ...]) -> Any:
    for part in parts:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _cell(value: Any) -> Cell:
    """A value of JSON as the cell of a table: truth values are words, so that 1 is not `true`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, str | int | Decimal):
        return value
    return _COMPOUND
