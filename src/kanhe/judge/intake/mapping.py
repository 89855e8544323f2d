"""A mapping: how the rows of a shop's table become events, as checked and ready to be applied.

A mapping says, in this order:

(1) how the file is written (format, delimiter, encoding);
(2) which lines are no event and are set aside, each with a kind and the reason in both languages;
(3) which lines are taken, but noted under a kind because something about them is odd;
(4) which lines make which type of event, one event per line or one per group of lines, and where
    each field comes from.

The first rule of (2) and the first event of (4) whose tests hold win. A line that no event takes is
itself set aside under the kind `no-event`, so that every line of the file is accounted for.
`mapping_reader` reads mappings from TOML, `importing` applies them; `docs/import.md` tells the words.
"""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from kanhe.judge.intake.cell_tests import CellTest
from kanhe.judge.intake.transforms import Cell

Row = tuple[Cell, ...]
"""The cells of one line, in the order of `Mapping.columns`."""

MAX_IDS = 200
"""The most entries a collected list may have; the limit of the registry's id lists."""


@dataclass(frozen=True)
class TableFormat:
    """How a table file is written. `format` is empty where the file's suffix says it."""

    format: str = ""
    delimiter: str = ","
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Kind:
    """Why lines were set aside or noted, as people read it."""

    name: str
    en: str
    zh: str


@dataclass(frozen=True)
class LineRule:
    """Lines for which every test holds are of this kind."""

    kind: Kind
    tests: tuple[CellTest, ...]


@dataclass(frozen=True)
class Value:
    """Where the value of one field comes from and what is done to it; see `docs/import.md`."""

    source: str
    """`constant`, `column`, `multiply`, `missing`, `count` or `collect`."""
    columns: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    constant: Any = None
    form: str = "text"
    prefix: str = ""
    skip: frozenset[str] = frozenset()
    """Texts that stand for nothing: they leave the field out."""
    negate: bool = False
    total: bool = False
    digits: int = 0
    currency: int = -1
    """The column of the currency that says how many decimal places an amount has; -1: `digits` do."""
    units: Dictionary[str, int] | None = None
    """Where cells hold smallest units: the decimal places of those that are not as in ISO 4217."""
    rounding: str = "half-up"
    zone: ZoneInfo | None = None
    pattern: str = ""
    ambiguous: str = "earlier"
    plus_ms: int = 0
    unit_ms: int = 0
    """Where times are numbers since 1970: how long their unit is; 0: dates and times as text."""
    table: Dictionary[str, str] = field(default_factory=dict)
    other: str | None = None
    """The code of every name that is not in the table; `None`: there is none, it is a mistake."""
    most: int = MAX_IDS


@dataclass(frozen=True)
class Grouping:
    """Lines with the same key make one event, if they stand close together in the file."""

    column: int
    rows_apart: int
    """A group is complete once this many rows went by without one of its own."""
    same: tuple[int, ...]
    """Columns that must not differ inside a group."""


@dataclass(frozen=True)
class EventMap:
    """Which lines make which event, and from what its fields are filled."""

    type: str
    tests: tuple[CellTest, ...]
    """All must hold for a line to belong to the event."""
    grouping: Grouping | None
    values: Dictionary[str, Value]


@dataclass(frozen=True)
class Mapping:
    """A checked mapping. `columns` are the columns it reads, in the order rows hand them over."""

    name: str
    en: str
    zh: str
    table: TableFormat
    columns: tuple[str, ...]
    set_aside: tuple[LineRule, ...]
    notes: tuple[LineRule, ...]
    events: tuple[EventMap, ...]

    def kinds(self) -> dict[str, Kind]:
        """Every kind this mapping declares, by name."""
        return {rule.kind.name: rule.kind for rule in (*self.set_aside, *self.notes)}
