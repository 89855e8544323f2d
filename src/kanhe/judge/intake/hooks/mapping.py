"""A mapping of notices: read from TOML, checked against the registry, every mistake at its line."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib import resources
from typing import Any

from kanhe.judge.intake.cell_tests import CellTest
from kanhe.judge.intake.hooks.paths import Path, PathError, parse_path, parts_of
from kanhe.judge.intake.importing import Make, field_maker
from kanhe.judge.intake.mapping import EventMap, Grouping, Kind, LineRule
from kanhe.judge.intake.mapping_reader import MappingReading, Place, read_document
from kanhe.judge.intake.registry import Registry
from kanhe.judge.language.source import Source

MAX_BYTES = 262_144
"""The largest mapping file."""


EVENT_KEYS = ("type", "when", "each", "lines", "only", "key", "decide", "fields")
"""What an `[[event]]` can say."""


@dataclass(frozen=True)
class HookEvent:
    """Which notices make which event."""

    map: EventMap
    decide: bool
    """Whether it is judged, or only recorded."""
    listed: tuple[str, ...]
    """The list whose entries it is about; empty: the notice as a whole."""
    each: bool
    """Whether each entry of the list makes an event of its own, or all of them one."""
    only: tuple[CellTest, ...]
    """Entries for which these do not all hold are passed over."""
    key: tuple[int, ...]
    """The columns that say which event it is; empty: the id of the notice does."""
    makes: tuple[tuple[str, Make, bool], ...]
    """For each field, what makes its value, and whether the event can do without it."""


@dataclass(frozen=True)
class HookMapping:
    """A checked mapping. `paths` are the columns of its rows, in their order."""

    name: str
    provider: str
    en: str
    zh: str
    paths: tuple[Path, ...]
    starred: tuple[int, ...]
    """Which of them are about an entry of a list."""
    set_aside: tuple[LineRule, ...]
    events: tuple[HookEvent, ...]
    registry: Registry
    """What its events are held against."""

    def kinds(self) -> dict[str, Kind]:
        """Every kind of notice that is set aside, by name."""
        return {rule.kind.name: rule.kind for rule in self.set_aside}


def read_hook_mapping(
    source: Source, registry: Registry, providers: Collection[str]
) -> HookMapping:
    """Read and check a mapping. Raises `PolicyErrors` with every mistake, or `PolicyError` where the
    text is no TOML; each names file, line and column."""
    return _HookReading(source, registry, read_document(source), providers).hook_mapping()


def built_in() -> dict[str, Source]:
    """The texts of the mappings that come with Kanhe, by name."""
    folder = resources.files("kanhe.judge.intake.hooks")
    return {
        entry.name.removesuffix(".toml"): Source(entry.name, entry.read_text("utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    }


class _HookReading(MappingReading):
    """One pass over a mapping of notices: as for tables, with paths in place of columns."""

    word = "path"

    def __init__(
        self,
        source: Source,
        registry: Registry,
        document: dict[str, Any],
        providers: Collection[str],
    ) -> None:
        super().__init__(source, registry, document)
        self.providers = providers
        self.paths: list[Path] = []
        self.listed: tuple[str, ...] = ()

    def hook_mapping(self) -> HookMapping:
        """Read everything, then raise if anything was wrong."""
        texts = self.head("name", "provider", "en", "zh", others=("set_aside", "event"))
        if texts["provider"]:
            with self.mistakes.gathered():
                self.choice(self.document, (), "provider", self.providers, "")
        set_aside = self.line_rules("set_aside")
        events = []
        for index, entry in enumerate(self.entries(self.document, (), "event")):
            with self.mistakes.gathered():
                events.append(self.hook_event(entry, ("event", index)))
        if not events and not set_aside and not self.mistakes.found:
            with self.mistakes.gathered():
                raise self.wrong((), "the mapping makes no events", "add an [[event]]")
        self.mistakes.raise_any()
        return HookMapping(
            texts["name"], texts["provider"], texts["en"], texts["zh"], tuple(self.paths),
            tuple(index for index, path in enumerate(self.paths) if path.starred),
            tuple(set_aside), tuple(events), self.registry,
        )  # fmt: skip

    def column(self, name: Any, place: Place) -> int:
        """The place of a path in a row; a `*` stands for an entry of the list of the event."""
        if not isinstance(name, str) or not name:
            raise self.wrong(place, "a path is a text such as data.object.id")
        try:
            path = parse_path(name)
        except PathError as error:
            raise self.wrong(place, str(error)) from None
        for before in path.starred:
            if before != self.listed:
                raise self.wrong(
                    place, f"{'.'.join(before) or '*'} is not the list that this event is about",
                    'name the list by each = "…" or lines = "…"',
                )  # fmt: skip
        if name not in self.columns:
            self.paths.append(path)
        return super().column(name, place)

    def hook_event(self, entry: dict[str, Any], place: Place) -> HookEvent:
        """One `[[event]]`: for the notices for which all tests hold."""
        self.only(entry, place, EVENT_KEYS)
        self.listed = ()
        tests = self.tests(entry, place, required=True)
        if "each" in entry and "lines" in entry:
            raise self.wrong(place, "an event has each or lines, not both")
        listed: tuple[str, ...] = ()
        for word in ("each", "lines"):
            if word in entry:
                listed = self.list_path(entry, place, word)
        self.listed = listed
        if "only" in entry and not listed:
            raise self.wrong(
                (*place, "only"), "only is about the entries of a list", "add each or lines"
            )
        only = self.tests(entry, place, required=False, word="only")
        key = tuple(
            self.column(path, (*place, "key")) for path in self.get(entry, place, "key", list, [])
        )
        if "each" in entry and not key:
            raise self.wrong(
                place, "each needs a key", 'such as key = ["refunds.*.id"]: which entry is which'
            )
        grouping = Grouping(0, 1, ()) if "lines" in entry else None
        event = self.event_map(entry, place, tests, grouping, made=("id",))
        if scope := self.registry.types[event.type].restricted:
            raise self.wrong(
                (*place, "type"),
                f"{event.type} cannot come from outside: it needs the scope {scope}",
            )
        decide = self.get(entry, place, "decide", bool, False)
        self.listed = ()
        required = self.registry.required_of(event.type)
        makes = tuple(
            (name, field_maker(name, value), name not in required)
            for name, value in event.values.items()
        )
        return HookEvent(event, decide, listed, "each" in entry, only, key, makes)

    def list_path(self, entry: dict[str, Any], place: Place, word: str) -> tuple[str, ...]:
        """`each` or `lines`: the path of a list."""
        text = self.text(entry, place, word)
        try:
            return parts_of(text)
        except PathError as error:
            raise self.wrong((*place, word), str(error)) from None
