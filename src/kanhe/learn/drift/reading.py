"""From rows of a journal to what is counted: numbers and outcomes by event type, rules by day.

Vectors are read as they were served: the path of an event does nothing for this, and whoever counts
does it behind the path, in another process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from kanhe.core.errors import Refusal
from kanhe.core.event import Event
from kanhe.core.time import DAY_MS
from kanhe.flow import Flow
from kanhe.judge.features.vectors import unpack_vectors
from kanhe.judge.policy.beside import scoring_of
from kanhe.judge.policy.pack import Pack
from kanhe.learn.drift.measure import Counts, Floats
from kanhe.record.journal.ports import DECIDED, JournalReader, Row
from kanhe.replay.history import PackProblem, kept_pack, recall, same_features

BATCH_ROWS = 2_048


class Counting(Protocol):
    """What rows are counted into: a baseline, or the days of a watch."""

    def take(
        self, event_type: str, at_ms: Counts, numbers: Floats, outcomes: Sequence[str], /
    ) -> None:
        """Count events of one type."""

    def take_rules(self, day: int, asked: Counter[str], fired: Counter[str], /) -> None:
        """Count rules over some events of one day."""


class Numbers:
    """The numbers that are watched of an event: its features, derived numbers and scores, by name.

    Of the features those whose numbers have a distribution that can stay as it is: neither codes of
    texts nor points in time, which only ever rise.
    """

    def __init__(self, pack: Pack, path: Flow) -> None:
        """`path` is that of an event under this pack, empty of events."""
        self.pack = pack
        self._reader = path.reader
        self._width = len(pack.features)
        self._beside = scoring_of(pack, path.features.text_code)
        self._widen = bool(pack.derived or pack.models)
        still = [s.name for s in pack.features if not s.is_text and s.function != "first_seen"]
        self.names = (*still, *(spec.name for spec in pack.derived), *self._beside.scores)
        places = [self._beside.index[name] for name in self.names]
        self._places = np.array(places, dtype=np.int64)

    def of(self, rows: Sequence[Row]) -> tuple[list[Row], Floats]:
        """Rows whose vectors and events can be read, and their numbers, a column for each name."""
        vectors, fits = unpack_vectors([row.vector for row in rows], self._width)
        events: list[Event] = []
        if self._widen:
            for n, row in enumerate(rows):
                try:
                    arrival = self._reader.reread(row.tenant, row.body, row.received_ms)
                except Refusal:
                    fits[n] = False
                else:
                    if fits[n]:
                        events.append(arrival.event)
        if not fits.all():
            rows = [row for row, fit in zip(rows, fits.tolist(), strict=True) if fit]
            vectors = vectors[fits]
        if self._widen:
            vectors = self._beside.widened(events, vectors)
        return list(rows), vectors[:, self._places]


class Reading:
    """Feeds the events of a journal that were judged on the features of one pack.

    Rows may come in portions; `flush` hands on what was gathered. What cannot be counted is counted
    in `left_out`, by reason.
    """

    def __init__(self, journal: JournalReader, numbers: Numbers, types: Iterable[str]) -> None:
        self._journal = journal
        self._numbers = numbers
        self._pack = pack = numbers.pack
        self._types = frozenset(types)
        self._same: dict[str, bool] = {pack.hash: True}
        self._gathered: dict[str, list[Row]] = {}
        self._by_day: dict[tuple[int, str], int] = {}
        self._fired: dict[int, Counter[str]] = {}
        self._rules: dict[str, tuple[str, ...]] = {}
        for rule in pack.rules:
            for name in rule.on:
                self._rules[name] = (*self._rules.get(name, ()), rule.id)
        self.left_out: Counter[str] = Counter()

    def take(self, row: Row, into: Counting) -> None:
        """Count one row."""
        if not row.is_event:
            return
        if not self.is_alike(row):
            self.left_out["other_features"] += 1
            return
        if row.kind == DECIDED:
            self._count_rules(row)
        if row.type in self._types:
            due = self._gathered.setdefault(row.type, [])
            due.append(row)
            if len(due) >= BATCH_ROWS:
                self._hand_on(row.type, into)

    def is_alike(self, row: Row) -> bool:
        """Whether a row was judged on features that mean just what those of the pack mean."""
        if row.policy not in self._same:
            other = kept_pack(self._journal, row.policy)
            self._same[row.policy] = not isinstance(other, PackProblem) and same_features(
                other, self._pack
            )
        return self._same[row.policy]

    def flush(self, into: Counting) -> None:
        """Hand on all that was gathered."""
        for name in list(self._gathered):
            self._hand_on(name, into)
        asked: dict[int, Counter[str]] = {}
        for (day, event_type), n in self._by_day.items():
            of_day = asked.setdefault(day, Counter())
            for rule in self._rules.get(event_type, ()):
                of_day[rule] += n
        for day, of_day in sorted(asked.items()):
            into.take_rules(day, of_day, self._fired.get(day, Counter()))
        self._by_day, self._fired = {}, {}

    def _count_rules(self, row: Row) -> None:
        key = row.at_ms // DAY_MS, row.type
        self._by_day[key] = self._by_day.get(key, 0) + 1
        # Most answers have no reasons, and are not decoded for it.
        if b'"reasons"' in row.answer:
            answered = recall(row.answer)
            if answered is not None:
                fired = self._fired.setdefault(key[0], Counter())
                fired.update({reason.rule for reason in answered.reasons})

    def _hand_on(self, event_type: str, into: Counting) -> None:
        due = self._gathered.pop(event_type)
        rows, numbers = self._numbers.of(due)
        if len(rows) < len(due):
            self.left_out["unreadable"] += len(due) - len(rows)
        at_ms = np.array([row.at_ms for row in rows], dtype=np.int64)
        into.take(event_type, at_ms, numbers, [_outcome(row) for row in rows])


def _outcome(row: Row) -> str:
    answered = recall(row.answer) if row.kind == DECIDED else None
    return answered.outcome if answered is not None else ""
