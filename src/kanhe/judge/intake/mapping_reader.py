"""Reading mappings from TOML, with every mistake shown at its line and column."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kanhe.core.currencies import EXPONENT
from kanhe.core.time import DurationError, duration_ms
from kanhe.judge.intake.cell_tests import WORDS, CellTest, compile_test
from kanhe.judge.intake.mapping import (
    MAX_IDS,
    EventMap,
    Grouping,
    Kind,
    LineRule,
    Mapping,
    TableFormat,
    Value,
)
from kanhe.judge.intake.registry import Registry
from kanhe.judge.intake.transforms import ROUNDINGS, CellError
from kanhe.judge.language.source import Mistakes, PolicyError, Source, suggestion

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""What a kind may be called."""


def read_mapping(source: Source, registry: Registry) -> Mapping:
    """Read and check a mapping against the registry of events.

    Raises `PolicyErrors` with every mistake found, or `PolicyError` where the text is no TOML; each
    names file, line and column.
    """
    return MappingReading(source, registry, read_document(source)).mapping()


def read_document(source: Source) -> dict[str, Any]:
    """The values of a TOML text. Raises `PolicyError` where it is none."""
    try:
        return tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(source, str(error)) from None
    except RecursionError:
        raise source.error_at(1, 1, "the text is too deeply nested to be read") from None


def _not_toml(source: Source, text: str) -> PolicyError:
    """tomllib tells the place in its message only: `… (at line 3, column 7)`."""
    match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", text)
    if match is None:
        return source.error_at(len(source.lines), 1, f"this is not TOML: {text}")
    line = min(int(match[2]), len(source.lines))
    return source.error_at(line, int(match[3]), f"this is not TOML: {match[1]}")


Place = tuple[str | int, ...]
"""The keys and indexes that lead to a value of the document."""

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?")
_KEY = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([A-Za-z0-9_-]+))\s*=""")


def _locate(source: Source, place: Place) -> tuple[int, int]:
    """The line and column of a value, found by walking headers and keys as TOML nests them."""
    best, column, depth = 1, 1, 0
    here: list[str | int] = []
    counts: dict[str, int] = {}
    for number, text in enumerate(source.lines, 1):
        if header := _HEADER.fullmatch(text):
            here = []
            if header[1] == "[[":
                counts[header[2]] = counts.get(header[2], -1) + 1
            for part in header[2].split("."):
                here.append(part.strip().strip("\"'"))
                if (name := ".".join(p for p in here if isinstance(p, str))) in counts:
                    here.append(counts[name])
            found, at = here, len(text) - len(text.lstrip()) + 1
        elif key := _KEY.match(text):
            name = key[1] or key[2] or key[3]
            found, at = [*here, name], len(text) - len(text.lstrip()) + 1
        else:
            continue
        if len(found) > depth and tuple(found) == place[: len(found)]:
            best, column, depth = number, at, len(found)
    rest = [part for part in place[depth:] if isinstance(part, str)]
    for part in rest:
        inside = re.compile(rf"\b{re.escape(part)}\b").search(source.lines[best - 1], column)
        column = inside.start() + 1 if inside else column
    return best, column


FORMS = ("text", "integer", "minor", "time", "code", "currency", "bool")
"""What `as` can make of a cell."""
SOURCES = ("constant", "column", "multiply", "missing", "count", "collect")
"""Where the value of a field can come from."""
OPTIONS: dict[str, tuple[str, ...]] = {
    "text": ("prefix", "skip"),
    "integer": ("negate", "total"),
    "minor": ("negate", "total", "digits", "currency", "units", "rounding"),
    "time": ("unit", "zone", "format", "ambiguous", "plus"),
    "code": ("table", "other"),
    "currency": (),
    "bool": (),
}
"""The options of each form, beside `as`; `collect` has `most` and `prefix`."""


class MappingReading:
    """One pass over a parsed document; gathers mistakes so that an author sees all at once."""

    word = "column"
    """What a mapping calls the place of a cell."""

    def __init__(self, source: Source, registry: Registry, document: dict[str, Any]) -> None:
        self.source = source
        self.registry = registry
        self.document = document
        self.mistakes = Mistakes()
        self.columns: dict[str, int] = {}
        self.tables: dict[str, dict[str, str]] = {}
        self.units: dict[str, dict[str, int]] = {}

    def mapping(self) -> Mapping:
        """Read everything, then raise if anything was wrong."""
        texts = self.head("name", "en", "zh", others=("table", "set_aside", "note", "event"))
        table = TableFormat()
        with self.mistakes.gathered():
            table = self.table_format()
        set_aside = self.line_rules("set_aside")
        notes = self.line_rules("note")
        events = []
        for index, entry in enumerate(self.entries(self.document, (), "event")):
            with self.mistakes.gathered():
                events.append(self.event(entry, ("event", index)))
        if not events and not self.mistakes.found:
            with self.mistakes.gathered():
                raise self.wrong((), "the mapping makes no events", "add an [[event]]")
        self.mistakes.raise_any()
        return Mapping(
            texts["name"], texts["en"], texts["zh"], table, tuple(self.columns),
            tuple(set_aside), tuple(notes), tuple(events),
        )  # fmt: skip

    def head(self, *names: str, others: Collection[str]) -> dict[str, str]:
        """The texts at the top of a mapping, and its tables of codes and units."""
        with self.mistakes.gathered():
            self.only(self.document, (), (*names, *others, "codes", "units"))
        texts = dict.fromkeys(names, "")
        for name in names:
            with self.mistakes.gathered():
                texts[name] = self.text(self.document, (), name)
        with self.mistakes.gathered():
            self.read_codes()
        with self.mistakes.gathered():
            self.read_units()
        return texts

    # The readers of single values: each refuses what is not of the expected shape, at its place.

    def wrong(self, place: Place, message: str, hint: str = "") -> PolicyError:
        """The error that points at a place of the document."""
        return self.source.error_at(*_locate(self.source, place), message, hint)

    def only(self, table: dict[str, Any], place: Place, known: Collection[str]) -> None:
        """Refuse keys that mean nothing here."""
        for key in table:
            if key not in known:
                hint = suggestion(key, known) or f"known here: {', '.join(known)}"
                raise self.wrong((*place, key), f"unknown key {key}", hint)

    def get(
        self, table: dict[str, Any], place: Place, key: str, kind: type, default: Any = None
    ) -> Any:
        """A value of a Python type; without a default it must be there."""
        if key not in table:
            if default is None:
                raise self.wrong(place, f"{key} is missing", f"add {key} = …")
            return default
        value = table[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            words = {str: "a text", int: "a whole number", bool: "true or false", list: "a list"}
            expected = words.get(kind, "a table")
            raise self.wrong((*place, key), f"{key} must be {expected}")
        return value

    def text(self, table: dict[str, Any], place: Place, key: str) -> str:
        """A text that is there and not empty."""
        value: str = self.get(table, place, key, str)
        if not value.strip():
            raise self.wrong((*place, key), f"{key} must not be empty")
        return value

    def choice(
        self, table: dict[str, Any], place: Place, key: str, known: Collection[str], default: str
    ) -> str:
        """One of some words."""
        value: str = self.get(table, place, key, str, default)
        if value not in known and value != default:
            hint = suggestion(value, known) or f"known: {', '.join(known)}"
            raise self.wrong((*place, key), f"{key} cannot be {value!r}", hint)
        return value

    def entries(self, table: dict[str, Any], place: Place, key: str) -> Iterator[dict[str, Any]]:
        """The tables of an array of tables."""
        for index, entry in enumerate(self.get(table, place, key, list, [])):
            if isinstance(entry, dict):
                yield entry
                continue
            with self.mistakes.gathered():
                raise self.wrong((*place, key, index), f"each {key} must be a table")

    def column(self, name: Any, place: Place) -> int:
        """The place of a column in a row; columns are numbered as they are first named."""
        if not isinstance(name, str) or not name:
            raise self.wrong(place, "a column is named by a text")
        return self.columns.setdefault(name, len(self.columns))

    # The parts of a mapping.

    def table_format(self) -> TableFormat:
        """`[table]`: how the file is written."""
        table = self.get(self.document, (), "table", dict, {})
        place: Place = ("table",)
        self.only(table, place, ("format", "delimiter", "encoding"))
        delimiter = self.get(table, place, "delimiter", str, ",")
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise self.wrong((*place, "delimiter"), "delimiter must be one character")
        encoding = self.get(table, place, "encoding", str, "utf-8")
        try:
            "".encode(encoding)
        except LookupError:
            message = f"encoding {encoding!r} is not known"
            raise self.wrong((*place, "encoding"), message, "such as utf-8 or cp1252") from None
        return TableFormat(
            self.choice(table, place, "format", ("csv", "parquet"), ""), delimiter, encoding
        )

    def read_codes(self) -> None:
        """`[codes.<name>]`: tables from the shop's names to codes."""
        for name, entries in self.get(self.document, (), "codes", dict, {}).items():
            if not isinstance(entries, dict):
                raise self.wrong(("codes", name), "each of codes must be a table")
            for key, code in entries.items():
                if not isinstance(code, str):
                    raise self.wrong(("codes", name, key), "a code must be a text")
            self.tables[name] = entries

    def read_units(self) -> None:
        """`[units.<name>]`: currencies whose smallest unit the sender counts otherwise than ISO 4217."""
        for name, entries in self.get(self.document, (), "units", dict, {}).items():
            if not isinstance(entries, dict):
                raise self.wrong(("units", name), "each of units must be a table")
            for code, digits in entries.items():
                if code not in EXPONENT:
                    raise self.wrong(("units", name, code), f"{code} is no currency of ISO 4217")
                if not isinstance(digits, int) or not 0 <= digits <= 4:
                    raise self.wrong(("units", name, code), "a unit has 0 to 4 decimal places")
            self.units[name] = entries

    def line_rules(self, key: str) -> list[LineRule]:
        """`[[set_aside]]` or `[[note]]`."""
        rules = []
        for index, entry in enumerate(self.entries(self.document, (), key)):
            place: Place = (key, index)
            with self.mistakes.gathered():
                self.only(entry, place, ("kind", "when", "en", "zh"))
                name = self.text(entry, place, "kind")
                if not SLUG.fullmatch(name):
                    raise self.wrong(
                        (*place, "kind"), f"{name!r} cannot be a kind", "write it like-this"
                    )
                kind = Kind(name, self.text(entry, place, "en"), self.text(entry, place, "zh"))
                rules.append(LineRule(kind, self.tests(entry, place, required=True)))
        return rules

    def tests(
        self, entry: dict[str, Any], place: Place, required: bool, word: str = "when"
    ) -> tuple[CellTest, ...]:
        """`when`, or what else it is called: tests of which all must hold."""
        default: list[Any] | None = None if required else []
        tests = self.get(entry, place, word, list, default)
        if required and not tests:
            raise self.wrong((*place, word), f"{word} must hold at least one test")
        place = (*place, word)
        made = []
        for test in tests:
            if not isinstance(test, dict):
                expected = f"each test is a table such as {{{self.word} = …, is = …}}"
                raise self.wrong(place, expected)
            made.append(self.test(test, place))
        return tuple(made)

    def test(self, entry: dict[str, Any], place: Place) -> CellTest:
        """One test of one column."""
        self.only(entry, place, (self.word, *WORDS))
        column = self.column(self.text(entry, place, self.word), place)
        words = [word for word in WORDS if word in entry]
        if len(words) != 1:
            raise self.wrong(place, "a test has exactly one of these", ", ".join(WORDS))
        word, wanted = words[0], entry[words[0]]
        try:
            return compile_test(word, column, wanted)
        except (TypeError, CellError):
            expected = "true or false" if word == "missing" else "a text or a number"
            if word in ("in", "not_in"):
                expected = "a list of texts or numbers"
            raise self.wrong((*place, word), f"{word} takes {expected}") from None

    def event(self, entry: dict[str, Any], place: Place) -> EventMap:
        """One `[[event]]`, checked against its type in the registry."""
        self.only(entry, place, ("type", "when", "group", "fields"))
        tests = self.tests(entry, place, required=False)
        grouping = self.grouping(entry, place) if "group" in entry else None
        return self.event_map(entry, place, tests, grouping)

    def event_map(
        self,
        entry: dict[str, Any],
        place: Place,
        tests: tuple[CellTest, ...],
        grouping: Grouping | None,
        made: Collection[str] = (),
    ) -> EventMap:
        """Type and fields of an event; those in `made` come from elsewhere."""
        name = self.text(entry, place, "type")
        if name not in self.registry.types:
            hint = suggestion(name, self.registry.types) or "docs/events.md names every type"
            raise self.wrong((*place, "type"), f"unknown event type {name}", hint)
        fields = self.get(entry, place, "fields", dict)
        known = self.registry.fields_of(name)
        values: dict[str, Value] = {}
        for key, value in fields.items():
            with self.mistakes.gathered():
                if key in made:
                    raise self.wrong((*place, "fields", key), f"{key} is not filled by a mapping")
                if key not in known:
                    hint = suggestion(key, known) or "docs/events.md names its fields"
                    raise self.wrong((*place, "fields", key), f"{name} has no field {key}", hint)
                values[key] = self.value(value, (*place, "fields", key), grouping, fields)
                self.fits(known[key].kind, values[key], (*place, "fields", key))
        for key in self.registry.required_of(name):
            if key not in fields and key not in made:
                with self.mistakes.gathered():
                    raise self.wrong(place, f"{name} needs the field {key}", f"add {key} = …")
        return EventMap(name, tests, grouping, values)

    def grouping(self, entry: dict[str, Any], place: Place) -> Grouping:
        """`group`: lines with one key make one event."""
        group = self.get(entry, place, "group", dict)
        place = (*place, "group")
        self.only(group, place, ("by", "rows_apart", "same"))
        apart = self.get(group, place, "rows_apart", int, 10_000)
        if not 0 < apart <= 10_000_000:
            raise self.wrong((*place, "rows_apart"), "rows_apart must be 1 to 10000000")
        same = [self.column(n, place) for n in self.get(group, place, "same", list, [])]
        return Grouping(self.column(self.text(group, place, "by"), place), apart, tuple(same))

    def value(
        self, entry: Any, place: Place, grouping: Grouping | None, fields: dict[str, Any]
    ) -> Value:
        """One field: exactly one source, and options that make sense with it."""
        if not isinstance(entry, dict):
            raise self.wrong(place, f"a field is a table such as {{{self.word} = …}}")
        known = [self.word if word == "column" else word for word in SOURCES]
        sources = [word for word in known if word in entry]
        if len(sources) != 1:
            raise self.wrong(place, "a field has exactly one source", ", ".join(known))
        source = sources[0]
        if source == "constant":
            self.only(entry, place, ("constant",))
            if not isinstance(entry["constant"], str | int | bool):
                raise self.wrong(place, "constant must be a text, a whole number or a truth value")
            return Value(source, constant=entry["constant"])
        if source in ("count", "collect") and grouping is None:
            raise self.wrong(place, f"{source} needs a group", "add group = {by = …} to the event")
        if source == "count":
            self.only(entry, place, ("count",))
            if entry["count"] != "lines":
                raise self.wrong(place, 'count can only be "lines"')
            return Value(source)
        named = entry[source] if source == "multiply" else [entry[source]]
        if not isinstance(named, list) or not 1 <= len(named) <= 5:
            raise self.wrong(place, "multiply takes a list of one to five columns")
        names = tuple(named)
        columns = tuple(self.column(name, place) for name in names)
        if source == "missing":
            self.only(entry, place, ("missing",))
            return Value(source, columns, names)
        if source == "collect":
            self.only(entry, place, ("collect", "most", "prefix"))
            most = self.get(entry, place, "most", int, MAX_IDS)
            if not 1 <= most <= MAX_IDS:
                raise self.wrong((*place, "most"), f"most must be 1 to {MAX_IDS}")
            return Value(
                source, columns, names, prefix=self.get(entry, place, "prefix", str, ""), most=most
            )
        return self.cell_value(entry, place, source, columns, names, grouping, fields)

    def cell_value(
        self, entry: dict[str, Any], place: Place, source: str, columns: tuple[int, ...],
        names: tuple[str, ...], grouping: Grouping | None, fields: dict[str, Any],
    ) -> Value:  # fmt: skip
        """A field read from cells: `column` or `multiply`, with `as` and the options of that form."""
        form = self.choice(entry, place, "as", FORMS, "text")
        word, source = source, "column" if source == self.word else source
        if source == "multiply" and form not in ("integer", "minor"):
            raise self.wrong(place, "multiply gives a number", 'add as = "minor" or "integer"')
        self.only(entry, place, (word, "as", *OPTIONS[form]))
        total = self.get(entry, place, "total", bool, False)
        if total and grouping is None:
            raise self.wrong(place, "total needs a group", "add group = {by = …} to the event")
        make = partial(
            Value, source, columns, names, form=form, total=total,
            prefix=self.get(entry, place, "prefix", str, ""),
            negate=self.get(entry, place, "negate", bool, False), skip=self.skipped(entry, place),
        )  # fmt: skip
        if form == "time":
            if "unit" in entry:
                unit = self.choice(entry, place, "unit", ("s", "ms"), "ms")
                self.only(entry, place, (word, "as", "unit", "plus"))
                return make(unit_ms=1_000 if unit == "s" else 1, plus_ms=self.plus(entry, place))
            return make(
                zone=self.zone(entry, place),
                pattern=self.get(entry, place, "format", str, ""),
                ambiguous=self.choice(entry, place, "ambiguous", ("later", "refuse"), "earlier"),
                plus_ms=self.plus(entry, place),
            )
        if form == "minor":
            rounding = self.choice(entry, place, "rounding", (*ROUNDINGS, "exact"), "half-up")
            if "currency" in entry:
                self.only(entry, place, [key for key in entry if key != "digits"])
                currency = self.column(self.text(entry, place, "currency"), place)
                return make(
                    currency=currency, units=self.named_units(entry, place), rounding=rounding
                )
            self.only(entry, place, [key for key in entry if key != "units"])
            return make(digits=self.digits(entry, place, fields), rounding=rounding)
        if form == "code":
            name = self.text(entry, place, "table")
            if name not in self.tables:
                hint = suggestion(name, self.tables) or f"add a table [codes.{name}]"
                raise self.wrong((*place, "table"), f"there is no codes table {name}", hint)
            other = self.get(entry, place, "other", str, "") if "other" in entry else None
            return make(table=self.tables[name], other=other)
        return make()

    def skipped(self, entry: dict[str, Any], place: Place) -> frozenset[str]:
        """`skip`: texts that stand for nothing, such as the `0` of a customer who has no account."""
        texts = self.get(entry, place, "skip", list, [])
        if any(not isinstance(text, str) for text in texts):
            raise self.wrong((*place, "skip"), 'skip is a list of texts, such as ["0"]')
        return frozenset(texts)

    def named_units(self, entry: dict[str, Any], place: Place) -> dict[str, int] | None:
        """`units`: cells hold smallest units, by a table of `[units.…]`, or all as in ISO 4217."""
        if "units" not in entry:
            return None
        name = self.text(entry, place, "units")
        if name == "iso":
            return {}
        if name not in self.units:
            hint = suggestion(name, self.units) or f'add a table [units.{name}], or write "iso"'
            raise self.wrong((*place, "units"), f"there is no units table {name}", hint)
        return self.units[name]

    def zone(self, entry: dict[str, Any], place: Place) -> ZoneInfo:
        """A time zone of the IANA database."""
        name = self.text(entry, place, "zone")
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise self.wrong(
                (*place, "zone"), f"time zone {name!r} is not known",
                "such as Europe/London or UTC; a machine without zones needs the package tzdata",
            ) from None  # fmt: skip

    def plus(self, entry: dict[str, Any], place: Place) -> int:
        """How much later than the cell says, in milliseconds."""
        text = self.get(entry, place, "plus", str, "")
        try:
            return duration_ms(text) if text else 0
        except DurationError as error:
            raise self.wrong((*place, "plus"), str(error)) from None

    def digits(self, entry: dict[str, Any], place: Place, fields: dict[str, Any]) -> int:
        """How many decimal digits the minor unit has: declared, or known from a constant currency."""
        if "digits" in entry:
            digits: int = self.get(entry, place, "digits", int)
            if not 0 <= digits <= 6:
                raise self.wrong((*place, "digits"), "digits must be 0 to 6")
            return digits
        currency = fields.get("currency")
        code = currency.get("constant") if isinstance(currency, dict) else None
        if not isinstance(code, str) or code not in EXPONENT:
            raise self.wrong(
                place, "digits is missing",
                "add digits = 2, or give the event a currency = {constant = …} that is known",
            )  # fmt: skip
        return EXPONENT[code]

    def fits(self, kind: str, value: Value, place: Place) -> None:
        """Refuse what can never be a value of the field's kind."""
        if value.source in ("constant", "missing"):
            return
        made = {"collect": "a list", "count": "a number"}.get(value.source) or {
            "integer": "a number", "minor": "a number", "time": "a time", "bool": "a truth value",
        }.get(value.form, "a text")  # fmt: skip
        wanted = {
            "ids": "a list", "int": "a number", "money": "a number", "time": "a time",
            "bool": "a truth value", "degrees": "",
        }.get(kind, "a text")  # fmt: skip
        if wanted and made != wanted:
            raise self.wrong(place, f"this gives {made}, but the field is {wanted}")
