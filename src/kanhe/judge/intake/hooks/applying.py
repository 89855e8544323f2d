"""A notice becomes events.

(1) The first `[[set_aside]]` that holds sets the notice aside, with its kind.
(2) Every `[[event]]` whose tests hold makes its event, or one for each entry of its list.
(3) The id of an event is made of the provider, what the mapping names as its key (or the id of the
    notice) and its type: the same notice, sent again at any time, is the same events.
(4) If no event is for such notices, they are unknown. If a value that an event needs is not as the
    mapping declares, that event is not understood, and the others are made all the same.
(5) A value that an event can do without is left out where it is not as the mapping declares, or would
    be refused by the registry: a bad e-mail address must not cost a chargeback. That is told, too.
(6) Nothing is told before it happens: where the clock of the provider is ahead of ours, by a day at
    most, the event happened when it was received.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from kanhe.core.notice import Notice
from kanhe.judge.intake.cell_tests import CellTest
from kanhe.judge.intake.declarations import ID_MAX, IDS_MAX
from kanhe.judge.intake.exact import mistakes as mistakes_of
from kanhe.judge.intake.hooks.mapping import HookEvent, HookMapping
from kanhe.judge.intake.hooks.paths import entries_at
from kanhe.judge.intake.mapping import Row
from kanhe.judge.intake.transforms import CellError, is_missing, text_of

MOST_EVENTS = 200
"""Events of one notice."""
MOST_LINES = 2_000
"""Entries of a list that one event is about."""
UNKNOWN = "unknown"
"""The word for notices that no event is for and that are not set aside."""
EMPTY = "empty"
"""The word for notices whose list holds no entry that an event is about."""

_DAY_MS = 86_400_000
_encode = msgspec.json.encode


class Made(NamedTuple):
    """An event as its sender would have sent it."""

    id: str
    type: str
    body: bytes
    decide: bool


class Understood(NamedTuple):
    """What became of a notice."""

    events: tuple[Made, ...]
    aside: str
    """Empty, `unknown`, `empty`, or the kind under which it was set aside."""
    mistakes: tuple[str, ...]
    """For each event that was not understood, its type and what was wrong; holds no values."""
    left_out: tuple[str, ...] = ()
    """The same for each value that was left out."""


def understand(
    mapping: HookMapping, notice: Notice, scope: str, received_ms: int | None = None
) -> Understood:
    """The events of a notice. `scope` is what its ids are counted under, such as the provider;
    without `received_ms` times are taken as they are."""
    row = tuple([path.find(notice, None) for path in mapping.paths])
    try:
        for rule in mapping.set_aside:  # (1)
            if _hold(rule.tests, row):
                return Understood((), rule.kind.name, ())
        wanted = [event for event in mapping.events if _hold(event.map.tests, row)]
    except CellError as error:
        return Understood((), "", (f"when: {_without_values(error)}",))
    if not wanted:  # (4)
        return Understood((), UNKNOWN, ())
    made: dict[str, Made] = {}
    mistakes: list[str] = []
    left_out: list[str] = []
    for event in wanted:  # (2)
        try:
            for one in _events(mapping, event, notice, row, scope, left_out, received_ms):
                made.setdefault(one.id, one)
                if len(made) > MOST_EVENTS:
                    raise CellError(f"expected at most {MOST_EVENTS} events of one notice")
        except CellError as error:
            mistakes.append(f"{event.map.type}: {_without_values(error)}")
    aside = "" if made or mistakes else EMPTY
    events = tuple(made.values())[:MOST_EVENTS]
    return Understood(events, aside, tuple(mistakes), tuple(left_out))


def _events(
    mapping: HookMapping,
    event: HookEvent,
    notice: Notice,
    row: Row,
    scope: str,
    left_out: list[str],
    received_ms: int | None,
) -> Iterator[Made]:
    if not event.listed:
        yield _made(mapping, event, notice, [row], scope, left_out, received_ms)
        return
    entries = entries_at(notice.document, event.listed)
    if len(entries) > MOST_LINES:
        raise CellError(f"expected at most {MOST_LINES} entries in {'.'.join(event.listed)}")
    rows = [_row(mapping, notice, row, entry) for entry in entries]
    rows = [one for one in rows if _hold(event.only, one)]
    if event.only and not rows:
        return
    if event.each:
        for one in rows:
            yield _made(mapping, event, notice, [one], scope, left_out, received_ms)
    else:
        yield _made(mapping, event, notice, rows or [row], scope, left_out, received_ms)


def _made(
    mapping: HookMapping,
    event: HookEvent,
    notice: Notice,
    rows: list[Row],
    scope: str,
    left_out: list[str],
    received_ms: int | None,
) -> Made:
    event_id, name = _id_of(event, notice, rows[0], scope), event.map.type
    values: dict[str, Any] = {"id": event_id, "type": name}
    spare = set()
    for field, make, optional in event.makes:
        try:
            value = make(rows)
        except CellError as error:
            if not optional:
                raise
            left_out.append(f"{name}: {_without_values(error)}")  # (5)
            continue
        if value is not None:
            values[field] = value[:IDS_MAX] if isinstance(value, list) else value
            if optional:
                spare.add(field)
    if received_ms is not None and 0 < values.get("at_ms", 0) - received_ms <= _DAY_MS:
        values["at_ms"] = received_ms  # (6)
    for _, problem in list(mistakes_of(mapping.registry, name, values, None)):
        if problem.field in spare and values.pop(problem.field, None) is not None:
            left_out.append(f"{name}: {problem.field}: expected {problem.expected}")  # (5)
    return Made(event_id, name, _encode(values), event.decide)


def _id_of(event: HookEvent, notice: Notice, row: Row, scope: str) -> str:  # (3)
    parts = [notice.id]
    if event.key:
        if any(is_missing(row[column]) for column in event.key):
            raise CellError("the key of the event is missing")
        parts = [text_of(row[column]) for column in event.key]
    told = ":".join([scope, *parts, event.map.type])
    cut_in_one_way = len(parts) == 1 or not any(":" in part for part in parts)
    if cut_in_one_way and len(told) <= ID_MAX and told.isprintable():
        return told
    # A length before each part, so that no two lists of parts are the same bytes.
    whole = "".join(f"{len(part)}:{part}" for part in parts)
    digest = hashlib.sha256(whole.encode()).hexdigest()[:40]
    return f"{scope}:{digest}:{event.map.type}"[:ID_MAX]


def _row(mapping: HookMapping, notice: Notice, whole: Row, entry: Any) -> Row:
    """The row of the notice with what is about an entry filled in."""
    cells = list(whole)
    for column in mapping.starred:
        cells[column] = mapping.paths[column].find(notice, entry)
    return tuple(cells)


def _hold(tests: tuple[CellTest, ...], row: Row) -> bool:
    return all(test.holds(row[test.column]) for test in tests)


def _without_values(error: CellError) -> str:
    """What was wrong, without what stood there: it may be personal."""
    return str(error).partition(", got ")[0]
