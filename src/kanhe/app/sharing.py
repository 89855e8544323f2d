"""Two packs judging in one process: each event is decided by one, and counts for both.

A group is cut into runs of neighbours that the same pack decides. After each run the other pack takes
its rows in, as it would from the journal, so that both memories are functions of the same rows in the
same order. Each row holds the vector and the hash of the pack that decided it. A decision costs the
share of the other pack beside its own: reading the event again, and its features.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, cast

from kanhe.core.errors import Refusal
from kanhe.core.event import Arrival, Asked
from kanhe.flow import Flow, Outcomes, Pending
from kanhe.judge.features.layout import GROUP
from kanhe.judge.intake.group import group_of
from kanhe.judge.policy.sharing import Share
from kanhe.record.journal.ports import Columns, Journal, Message, Row, rows_of
from kanhe.record.journal.recorded import acting_decision


class Sharing:
    """A live pack and a candidate with a share of its traffic. Both must be where the journal is."""

    def __init__(self, live: Flow, candidate: Flow, share: Share) -> None:
        self.live = live
        self.candidate = candidate
        self.share = share
        self._journal = live.journal
        self._gathered = _Overheard(live.journal)
        live.journal = candidate.journal = cast(Journal, self._gathered)

    def take(self, asked: Sequence[Asked], outcomes: Outcomes, received_ms: int) -> None:
        """See `Flow.take`. If it raises, the candidate is spoilt and has to be made ready again."""
        self.follow()
        holds = self.share.holds
        for shared, run in groupby(range(len(asked)), key=lambda place: holds(asked[place])):
            places = list(run)
            flow, other = (self.candidate, self.live) if shared else (self.live, self.candidate)
            taken: list[Pending | Exception | None] = [None] * len(places)
            try:
                flow.take([asked[place] for place in places], taken, received_ms)
            finally:
                for place, outcome in zip(places, taken, strict=True):
                    outcomes[place] = outcome
            self._let_in(other)

    def follow(self) -> None:
        """Have the candidate take in what was noted since."""
        self._let_in(self.candidate)

    @property
    def is_behind(self) -> bool:
        """Whether rows were gathered that the live pack has not taken in."""
        return self.live.seq < self.candidate.seq or bool(self._gathered.rows)

    def end(self) -> None:
        """Leave the live pack alone with its journal."""
        self.live.journal = self._journal

    def _let_in(self, flow: Flow) -> None:
        rows, self._gathered.rows = self._gathered.rows, []
        for begin in range(0, len(rows), GROUP):
            _take_in(flow, rows[begin : begin + GROUP])


def _take_in(flow: Flow, rows: Sequence[Row]) -> None:
    """The same as `Flow.replay` for each row, with one call for the features of all."""
    read: list[tuple[Row, Arrival | None]] = []
    for row in rows:
        arrival = None
        if row.is_event:
            try:
                arrival = flow.reader.reread(row.tenant, row.body, row.received_ms)
            except Refusal:
                # Its own pack knows the type; here it counts for nothing, as in a replay.
                continue
        read.append((row, arrival))
    flow.features.observe_group(group_of([arrival for _, arrival in read if arrival is not None]))
    for row, arrival in read:
        if arrival is None:
            flow.heed(row)
        else:
            flow.take_up(row, arrival, acting_decision(row))
    if rows:
        flow.seq = rows[-1].seq


class _Overheard:
    """A journal that remembers which rows were gathered."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.rows: list[Row] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def append(self, row: Row, messages: tuple[Message, ...] = ()) -> None:
        """Gather one row."""
        self._journal.append(row, messages)
        self.rows.append(row)

    def extend(self, rows: Sequence[Row], messages: Sequence[Message] = ()) -> None:
        """Gather some."""
        self._journal.extend(rows, messages)
        self.rows += rows

    def extend_columns(self, columns: Columns, messages: Sequence[Message] = ()) -> None:
        """Gather some that stand in columns."""
        self._journal.extend_columns(columns, messages)
        self.rows += rows_of(columns)
