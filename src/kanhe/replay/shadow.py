"""A pack in shadow: it decides what the pack in force decides, and nothing follows from it.

(1) Every row is taken into a memory of the pack's own, as a process that judges would.
(2) Of rows behind the one with which its shadow began, each decided event is decided again.
(3) Lists change as the *answered* decisions say, so that each event is judged on what was really
    there; caps are counted for the shadow's own decisions, as they would be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from kanhe.core.decision import SEVERITY
from kanhe.core.event import Arrival
from kanhe.flow import Flow
from kanhe.record.journal.ports import DECIDED, NOTED, Row
from kanhe.record.journal.recorded import acting_decision
from kanhe.record.log.entries import decode_happening
from kanhe.record.shadow import Verdict
from kanhe.replay.history import decoded, groups, recall

BEGAN = "policy:pack:shadowed"


class Batch(msgspec.Struct):
    """What came of some neighbouring rows."""

    upto: int
    """The last of the rows."""
    began: int = 0
    """The row with which the shadow began, if it is among them or before."""
    verdicts: list[Verdict] = []


class Shadow:
    """A pack in shadow, and its memory."""

    def __init__(self, flow: Flow, began: int = 0) -> None:
        """`flow` is empty of events; `began` is the row with which the shadow is known to have begun,
        0 if that is still to be found."""
        self.flow = flow
        self.began = began
        flow.seq = 0

    def judge(self, rows: Iterable[Row]) -> Iterator[Batch]:
        """Judge rows that follow those judged before, a group at a time."""
        flow = self.flow
        for group in groups(rows, flow):  # (1)
            self._begin(group.rows)
            batch = Batch(group.rows[-1].seq, self.began)
            screened = flow.rules.screen([a.event for _, a in group.read], group.vectors)
            for n, (row, arrival) in enumerate(group.read):
                then = recall(row.answer) if row.kind == DECIDED else None
                if then is not None and self.began and row.seq > self.began:
                    signals, decision = flow.weigh(arrival, screened, n, row.seq)  # (2)
                    decision = flow.governor.hold(arrival, signals, decision)
                    flow.governor.take_up(arrival, decision)
                    if then.outcome in SEVERITY:
                        batch.verdicts.append(
                            Verdict(
                                row.seq,
                                row.type,
                                then.outcome,
                                decision.outcome,
                                decision.score,
                                self._amount(arrival),
                                tuple(reason.rule for reason in decision.reasons),
                            )
                        )
                acted = decoded(acting_decision, row)
                flow.change_lists(row.tenant, arrival.event, acted)  # (3)
            flow.seq = batch.upto
            yield batch

    def _begin(self, rows: Iterable[Row]) -> None:
        """Look for the row by which the shadow began; if there are several, the last one counts."""
        self.began = max(self.began, last_beginning(rows, self.flow.pack.hash))

    def _amount(self, arrival: Arrival) -> int:
        event = arrival.event
        amount = getattr(event, "amount_minor", None)
        currency = getattr(event, "currency", None)
        return self.flow.pack.rates.to_base(amount, currency) or 0


def last_beginning(rows: Iterable[Row], policy: str) -> int:
    """The last of these rows with which the shadow of a pack began, 0 if there is none."""
    found = 0
    for row in rows:
        if row.kind == NOTED and row.type == BEGAN:
            told = decoded(decode_happening, row.body)
            if told is not None and told.facts.get("pack") == policy:
                found = row.seq
    return found
