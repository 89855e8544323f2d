"""`kanhe import`: a shop's table becomes events, and every line of it is accounted for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kanhe.app import Kanhe, Pending, open_shop_table
from kanhe.app.reading import mapping_source
from kanhe.core.errors import Refusal
from kanhe.core.event import Asked
from kanhe.core.settings import Settings
from kanhe.judge.intake.accounting import ImportReport, KindCount
from kanhe.judge.intake.importing import MappedEvent, apply
from kanhe.judge.intake.mapping_reader import read_mapping
from kanhe.serve.cli.deciding import durable, engine_for
from kanhe.serve.cli.terminal import OK, REFUSED, print_json, print_table, progress_bar, say
from kanhe.serve.cli.wording import either, words

_GROUP = 256
_SCOPES: frozenset[str] = frozenset()

Noticed = Callable[[MappedEvent, Pending], None]


class ImportRun:
    """One file on its way in: what came of it, so far."""

    def __init__(self, engine: Kanhe, file: Path, mapping: Path) -> None:
        self._engine = engine
        self._file = file
        self._mapping = read_mapping(mapping_source(mapping), engine.pack.registry)
        self._table = open_shop_table(file, self._mapping.table)
        self.report = ImportReport(self._mapping)
        self.warning = self._table.warning
        self.outcomes: Counter[str] = Counter()
        self.repeated = 0
        self.differing = 0
        self.seconds = 0.0

    def go(self, tenant: str, record: bool, noticed: Noticed = lambda event, pending: None) -> None:
        """Judge (or only record) every event of the file; durable when this returns."""
        begun = time.perf_counter()
        group: list[MappedEvent] = []
        with progress_bar() as bar:
            task = bar.add_task(
                words("import.progress", name=self._file.name), total=self._table.rows
            )
            for result in apply(self._mapping, self._table.chunks(self._mapping.columns)):
                self.report.take(result)
                if isinstance(result, MappedEvent):
                    group.append(result)
                    if len(group) == _GROUP:
                        self._take(group, tenant, record, noticed)
                        bar.update(task, completed=self.report.lines_read)
            self._take(group, tenant, record, noticed)
            bar.update(task, completed=self._table.rows)
        self.seconds = time.perf_counter() - begun

    def _take(self, group: list[MappedEvent], tenant: str, record: bool, noticed: Noticed) -> None:
        """Judge a group, count what came of it, and empty it."""
        asked = [Asked(tenant, event.body, _SCOPES, not record) for event in group]
        for event, result in zip(group, durable(self._engine, asked), strict=True):
            if isinstance(result, Refusal):
                self.report.refuse(event, result.problem)
                continue
            self.outcomes[result.outcome] += not result.repeated
            self.repeated += result.repeated
            self.differing += result.differs
            noticed(event, result)
        group.clear()

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            **self.report.as_json(),
            "outcomes": {name: n for name, n in sorted(self.outcomes.items()) if name and n},
            "repeated": self.repeated,
            "repeated_with_other_content": self.differing,
            "seconds": round(self.seconds, 3),
            "warning": self.warning,
        }

    def show(self) -> None:
        """For people: volume, outcomes, and where every line went."""
        report = self.report
        events = report.events.total()
        rate = round(events / self.seconds) if self.seconds else 0
        say(
            words(
                "import.events",
                events=events,
                lines=report.lines_read,
                seconds=self.seconds,
                rate=rate,
            )
        )
        outcomes = ", ".join(
            f"{words(f'outcome.{name}')} {n:,}"
            for name, n in self.outcomes.most_common()
            if name and n
        )
        if outcomes:
            say(words("import.outcomes", outcomes=outcomes))
        if self.repeated:
            say(words("import.repeated", count=self.repeated))
        if self.differing:
            say(words("import.differing", count=self.differing))
        if self.warning:
            say(self.warning)
        rows: list[tuple[object, ...]] = [
            (words("import.accepted"), "", report.lines_in_events, "")
        ]
        for key, counts in (
            ("set_aside", report.set_aside()), ("refused", report.refused()), ("noted", report.noted()),
        ):  # fmt: skip
            rows += [_row(words(f"import.{key}"), count) for count in counts]
        columns = [words(f"col.{c}") for c in ("where", "why", "lines", "first")]
        print_table(columns, rows, title=words("import.title", name=self._file.name), right=(2,))


def import_file(
    settings: Settings,
    file: Path,
    mapping: Path,
    tenant: str,
    record: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Import one file and report; returns 1 if any of its events was refused."""
    with engine_for(settings, dry_run) as engine:
        run = ImportRun(engine, file, mapping)
        run.go(tenant, record)
    if as_json:
        print_json(run.as_json())
    else:
        run.show()
    return REFUSED if run.report.refused() or run.differing else OK


def _row(where: str, count: KindCount) -> tuple[object, ...]:
    why = either(count.kind.en, count.kind.zh)
    if count.detail and count.detail != why:
        why = f"{why} ({count.detail})"
    return where, why, count.lines, ", ".join(map(str, count.examples))
