"""Applying a mapping to the rows of a table: events out, and an account of every single line.

What happens to a line, in this order:

(1) it could not be read from the file at all: `broken-line`;
(2) a `[[set_aside]]` of the mapping holds: its kind;
(3) no `[[event]]` takes it: `no-event`;
(4) it joins its group, unless the group has long been closed (`late-line`) or the line contradicts
    the group's first line where the mapping says they must agree (`disagrees`);
(5) its event is made; a cell that is not as declared sets all lines of the event aside:
    `not-understood`. The event is then read by the same reader as any other event, and what that
    refuses is counted as `refused`.

So (`accounting` checks it) `lines read = lines in events + lines set aside + lines refused`, always, and the report says so
by kind. Events come out in the order of their first lines.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

import msgspec

from kanhe.core.currencies import EXPONENT
from kanhe.judge.intake.cell_tests import CellTest, all_hold
from kanhe.judge.intake.mapping import EventMap, Mapping, Row, Value
from kanhe.judge.intake.transforms import (
    Cell,
    CellError,
    at_ms,
    code_of,
    currency_of,
    is_missing,
    major_units,
    minor_units,
    moment_ms,
    product,
    shown,
    text_of,
    total,
    truth_of,
    whole_number,
)


class BrokenLine(NamedTuple):
    """A line that the file reader could not turn into cells, and why."""

    line: int
    detail: str
    lines: int = 1
    """How many physical lines were lost with it."""


class Chunk(NamedTuple):
    """Some rows of a table, as a file reader hands them over."""

    lines: Sequence[int]
    """The number of each row in its file: physical lines of a CSV (the header is 1), rows of Parquet."""
    columns: Sequence[Sequence[Cell]]
    """The cells, column by column, in the order in which columns were asked for."""
    broken: Sequence[BrokenLine] = ()


class MappedEvent(NamedTuple):
    """One event made from one or more lines, not yet read against the registry."""

    line: int
    """The number of its first line."""
    lines: int
    """How many lines it was made from."""
    type: str
    body: bytes
    """Flat JSON as a shop would have sent it."""
    notes: tuple[tuple[str, int, int], ...] = ()
    """Kind, number of lines and first line of what was odd about its lines."""


class SetAside(NamedTuple):
    """Lines that are part of no event, with the kind of reason."""

    line: int
    lines: int
    kind: str
    detail: str = ""


class _Group:
    """The lines of one event while they are gathered."""

    __slots__ = ("event", "first", "key", "last_row", "notes", "rows")

    def __init__(self, event: int, key: str, line: int) -> None:
        self.event = event
        self.key = key
        self.first = line
        self.last_row = 0
        self.rows: list[Row] = []
        self.notes: dict[str, list[int]] = {}


Result = MappedEvent | SetAside
_Key = tuple[int, str | int]


def apply(mapping: Mapping, chunks: Iterable[Chunk]) -> Iterator[Result]:
    """Turn rows into events and lines set aside; every line of every chunk is in exactly one result.

    Memory holds the open groups, the events that wait behind them, and one key per closed group.
    """
    gathering = _Gathering(mapping)
    for chunk in chunks:
        for broken in chunk.broken:
            yield SetAside(broken.line, broken.lines, "broken-line", broken.detail)
        yield from gathering.take(chunk)
        yield from gathering.finished()
    yield from gathering.rest()


class _Gathering:
    """Gathers lines into groups and lets events out in the order of their first lines."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.makers = [_maker(event) for event in mapping.events]
        self.open: OrderedDict[_Key, _Group] = OrderedDict()
        self.closed: set[_Key] = set()
        self.row = 0

    def take(self, chunk: Chunk) -> Iterator[SetAside]:
        """Put every line where it belongs; yields what is set aside."""
        columns, count = chunk.columns, len(chunk.lines)
        mapping = self.mapping
        kinds = _first_that_holds([rule.tests for rule in mapping.set_aside], columns, count)
        events = _first_that_holds([event.tests for event in mapping.events], columns, count)
        noted = [(rule.kind.name, all_hold(rule.tests, columns, count)) for rule in mapping.notes]
        rows: Iterable[Row] = zip(*columns, strict=True)
        for place, (line, row) in enumerate(zip(chunk.lines, rows, strict=True)):
            self.row += 1
            if kinds[place] >= 0:
                yield SetAside(line, 1, mapping.set_aside[kinds[place]].kind.name)
                continue
            if events[place] < 0:
                yield SetAside(line, 1, "no-event")
                continue
            group = self._join(events[place], line, row)
            if isinstance(group, SetAside):
                yield group
                continue
            for name, holds in noted:
                if holds[place]:
                    group.notes.setdefault(name, []).append(line)

    def _join(self, event: int, line: int, row: Row) -> _Group | SetAside:
        """Add a line to its group, which may be new, or say why it cannot be."""
        grouping = self.mapping.events[event].grouping
        key: _Key = (event, self.row)
        if grouping is not None:
            cell = row[grouping.column]
            if is_missing(cell):
                return SetAside(line, 1, "not-understood", "the cell that names the group is empty")
            key = (event, text_of(cell))
        group = self.open.get(key)
        if group is None:
            if key in self.closed:
                return SetAside(line, 1, "late-line", f"group {shown(key[1])}")
            group = self.open[key] = _Group(event, str(key[1]), line)
        elif grouping is not None:
            if self.row - group.last_row > grouping.rows_apart:
                return SetAside(line, 1, "late-line", f"group {shown(key[1])}")
            for column in grouping.same:
                cell, first = row[column], group.rows[0][column]
                if cell != first and not (is_missing(cell) and is_missing(first)):
                    return SetAside(
                        line, 1, "disagrees", f"{shown(cell)} instead of {shown(first)}"
                    )
        group.rows.append(row)
        group.last_row = self.row
        return group

    def finished(self) -> Iterator[Result]:
        """The events at the head of the file's order whose groups can grow no more."""
        while self.open:
            key, group = next(iter(self.open.items()))
            grouping = self.mapping.events[group.event].grouping
            if grouping is not None:
                if self.row - group.last_row <= grouping.rows_apart:
                    return
                self.closed.add(key)
            del self.open[key]
            yield self._made(group)

    def rest(self) -> Iterator[Result]:
        """What is still gathered when the file ends."""
        for group in self.open.values():
            yield self._made(group)
        self.open.clear()

    def _made(self, group: _Group) -> Result:
        lines = len(group.rows)
        try:
            values, shortened = self.makers[group.event](group.rows)
        except CellError as error:
            return SetAside(group.first, lines, "not-understood", str(error))
        notes = [(kind, len(noted), noted[0]) for kind, noted in group.notes.items()]
        if shortened:
            notes.append(("list-shortened", lines, group.first))
        body = _ENCODER.encode(values)
        return MappedEvent(
            group.first, lines, self.mapping.events[group.event].type, body, tuple(notes)
        )


def _first_that_holds(
    conditions: list[tuple[CellTest, ...]], columns: Sequence[Sequence[Cell]], rows: int
) -> list[int]:
    """For each row, the number of the first condition that holds, or -1."""
    found = [-1] * rows
    for number in range(len(conditions) - 1, -1, -1):
        holds = all_hold(conditions[number], columns, rows)
        found = [number if here else other for here, other in zip(holds, found, strict=True)]
    return found


_ENCODER = msgspec.json.Encoder()

Make = Callable[[list[Row]], Any]
"""Makes the value of one field from the rows of an event; `None` leaves it out."""
_KEPT = 65_536


def _maker(event: EventMap) -> Callable[[list[Row]], tuple[dict[str, Any], bool]]:
    """Compile the fields of an event into one function from its rows to its values."""
    makes: list[tuple[str, Make, int]] = [
        (name, field_maker(name, value), value.most if value.source == "collect" else 0)
        for name, value in event.values.items()
    ]

    def make(rows: list[Row]) -> tuple[dict[str, Any], bool]:
        values: dict[str, Any] = {"type": event.type}
        shortened = False
        for name, read, most in makes:
            value = read(rows)
            if value is None:
                continue
            if most and len(value) > most:
                value = value[:most]
                shortened = True
            values[name] = value
        return values, shortened

    return make


def field_maker(name: str, value: Value) -> Make:
    """Compile one field; errors it raises say the column and the field."""
    read = _SOURCES[value.source](value)
    where = f"{' × '.join(value.names)} for {name}" if value.names else name

    def make(rows: list[Row]) -> Any:
        try:
            return read(rows)
        except CellError as error:
            raise CellError(f"{where}: {error}") from None

    return make


def _constant(value: Value) -> Make:
    return lambda rows: value.constant


def _count(value: Value) -> Make:
    return len


def _missing(value: Value) -> Make:
    column = value.columns[0]
    return lambda rows: is_missing(rows[0][column])


def _collect(value: Value) -> Make:
    """The distinct texts of a column in the order of the lines."""
    column, prefix = value.columns[0], value.prefix

    def read(rows: list[Row]) -> list[str] | None:
        cells = (row[column] for row in rows)
        found = dict.fromkeys(prefix + text_of(cell) for cell in cells if not is_missing(cell))
        return list(found) or None

    return read


def _column(value: Value) -> Make:
    if value.form in ("integer", "minor"):
        return _number(value)
    column, read_cell = value.columns[0], _cell_reader(value)

    def read(rows: list[Row]) -> Any:
        cell = rows[0][column]
        return None if is_missing(cell) else read_cell(cell)

    return read


def _cell_reader(value: Value) -> Callable[[Cell], Any]:
    """How one cell of the group's first line becomes the value of a field that is no number."""
    if value.form == "time":
        if value.unit_ms:
            unit_ms = value.unit_ms
            return lambda cell: moment_ms(cell, unit_ms) + value.plus_ms
        assert value.zone is not None, "the reader of mappings gives every time a zone"
        read = partial(at_ms, zone=value.zone, pattern=value.pattern, ambiguous=value.ambiguous)
        return (lambda cell: read(cell) + value.plus_ms) if value.plus_ms else read
    if value.form == "code":
        return partial(code_of, table=value.table, other=value.other)
    if value.form == "currency":
        return currency_of
    if value.form == "bool":
        return truth_of
    if value.skip:
        return lambda cell: _text_or_none(cell, value)
    return lambda cell: value.prefix + text_of(cell)


def _text_or_none(cell: Cell, value: Value) -> str | None:
    text = text_of(cell)
    return None if text in value.skip else value.prefix + text


class _Numbers(dict[tuple[Cell, ...], Decimal | None]):
    """Remembers the number that cells stand for, or their product; `None` where one is missing."""

    def __missing__(self, cells: tuple[Cell, ...]) -> Decimal | None:
        if len(self) >= _KEPT:
            self.clear()
        number = None
        if not any(is_missing(cell) for cell in cells):
            number = product(cells)
        self[cells] = number
        return number


def _number(value: Value) -> Make:
    """Numbers: one cell, a product of cells, or the exact total of either over all lines.

    A line with a missing cell adds nothing to a total; if every line lacks it, the field is left out.
    """
    columns, whole = value.columns, value.total

    numbers = _Numbers()

    def of_row(row: Row) -> Decimal | None:
        return numbers[tuple([row[column] for column in columns])]

    def read(rows: list[Row]) -> int | None:
        found = [
            number for row in (rows if whole else rows[:1]) if (number := of_row(row)) is not None
        ]
        if not found:
            return None
        number = total(found) if whole else found[0]
        if value.negate:
            number = -number
        if value.form == "minor" and value.currency >= 0:
            return _priced(number, rows[0][value.currency], value)
        if value.form == "minor":
            return minor_units(number, value.digits, value.rounding)
        return whole_number(number)

    return read


def _priced(number: Decimal, cell: Cell, value: Value) -> int:
    """An amount in the minor unit of the currency that stands in a cell beside it."""
    currency = currency_of(cell)
    digits = EXPONENT[currency]
    if value.units is not None:
        number = major_units(number, value.units.get(currency, digits))
    return minor_units(number, digits, value.rounding)


_SOURCES: dict[str, Callable[[Value], Make]] = {
    "constant": _constant,
    "count": _count,
    "missing": _missing,
    "collect": _collect,
    "column": _column,
    "multiply": _number,
}
