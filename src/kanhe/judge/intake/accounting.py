"""The account of an import: where every line of the file went."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from kanhe.core.errors import Problem
from kanhe.judge.intake.importing import MappedEvent, Result, SetAside
from kanhe.judge.intake.mapping import Kind, Mapping

BUILT_IN_KINDS = {
    kind.name: kind
    for kind in (
        Kind("broken-line", "the line could not be read from the file", "文件中的这一行无法读取"),
        Kind("no-event", "no event of the mapping takes this line", "映射中没有任何事件适用于这一行"),
        Kind(
            "late-line", "the line stands too far from the other lines of its group",
            "这一行离同组的其他行太远，该组已经结束",
        ),
        Kind(
            "disagrees", "the line contradicts the first line of its group",
            "这一行与同组第一行的内容不一致",
        ),
        Kind(
            "not-understood", "a cell is not what the mapping declares",
            "单元格的内容与映射的声明不符",
        ),
        Kind(
            "list-shortened", "the event names more entries than a list may hold; the rest is left out",
            "事件中的条目超出列表上限，其余条目未写入",
        ),
    )
}  # fmt: skip
"""Kinds that every import can have, beside those its mapping declares."""


class KindCount(NamedTuple):
    """How many lines are of one kind, with the numbers of the first few."""

    kind: Kind
    lines: int
    examples: tuple[int, ...]
    detail: str = ""
    """What was said about the first of them."""


class ImportReport:
    """The account of an import: where every line went.

    Feed it every result of `apply` with `take`, and `refuse` for an event that the reader refused.
    """

    EXAMPLES = 5

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping.name
        self.lines_read = 0
        self.lines_in_events = 0
        self.events: Counter[str] = Counter()
        """Accepted events by type."""
        self._kinds = {**BUILT_IN_KINDS, **mapping.kinds()}
        self._aside: dict[str, list[Any]] = {}
        self._noted: dict[str, list[Any]] = {}
        self._refused: dict[str, list[Any]] = {}

    def take(self, result: Result) -> None:
        """Count what came out of the mapping; an event counts as accepted until it is refused."""
        self.lines_read += result.lines
        if isinstance(result, SetAside):
            self._add(self._aside, result.kind, result.lines, result.line, result.detail)
            return
        self.lines_in_events += result.lines
        self.events[result.type] += 1
        for kind, lines, first in result.notes:
            self._add(self._noted, kind, lines, first, "")

    def refuse(self, event: MappedEvent, problem: Problem) -> None:
        """Count the lines of an event, already taken, that the reader did not accept."""
        self.lines_in_events -= event.lines
        self.events[event.type] -= 1
        slug = problem.type.rsplit("/", 1)[-1]
        detail = problem.detail or problem.title
        if problem.errors:
            first = problem.errors[0]
            detail = f"{first.field}: expected {first.expected}" + (
                f", got {first.got}" if first.got else ""
            )
        self._add(self._refused, slug, event.lines, event.line, detail, problem.title)

    def _add(
        self,
        into: dict[str, list[Any]],
        kind: str,
        lines: int,
        line: int,
        detail: str,
        title: str = "",
    ) -> None:
        entry = into.setdefault(kind, [0, [], detail, title])
        entry[0] += lines
        if len(entry[1]) < self.EXAMPLES:
            entry[1].append(line)

    def set_aside(self) -> list[KindCount]:
        """Lines that are part of no event, by kind, most frequent first."""
        return self._counts(self._aside)

    def noted(self) -> list[KindCount]:
        """Lines that are part of events although something about them is odd, by kind."""
        return self._counts(self._noted)

    def refused(self) -> list[KindCount]:
        """Lines whose event was refused by the reader, by the slug of the problem."""
        return self._counts(self._refused)

    def _counts(self, entries: dict[str, list[Any]]) -> list[KindCount]:
        counts = [
            KindCount(
                self._kinds.get(name, Kind(name, title or name, title or name)),
                lines, tuple(examples), detail,
            )
            for name, (lines, examples, detail, title) in entries.items()
        ]  # fmt: skip
        return sorted(counts, key=lambda count: (-count.lines, count.kind.name))

    def balanced(self) -> bool:
        """Whether every line read stands in exactly one place of the report."""
        elsewhere = sum(count.lines for count in (*self.set_aside(), *self.refused()))
        return self.lines_read == self.lines_in_events + elsewhere

    def as_json(self) -> dict[str, Any]:
        """The report as plain values, for `--json`."""

        def plain(counts: list[KindCount]) -> list[dict[str, Any]]:
            return [
                {
                    "kind": count.kind.name, "lines": count.lines, "en": count.kind.en,
                    "zh": count.kind.zh, "first_lines": list(count.examples), "detail": count.detail,
                }
                for count in counts
            ]  # fmt: skip

        return {
            "mapping": self.mapping,
            "lines_read": self.lines_read,
            "lines_in_events": self.lines_in_events,
            "events": {name: count for name, count in sorted(self.events.items()) if count},
            "set_aside": plain(self.set_aside()),
            "refused": plain(self.refused()),
            "noted": plain(self.noted()),
        }
