"""Old events under the policy of their time: does every decision come out with the same bytes?

(1) Look through the span: which packs decided there, and up to where.
(2) For each of them, load the pack that was kept under its hash, and wire a path with empty memory.
(3) Take every row from the first one into that memory. Memory is a function of journal and pack:
    after a change of pack, the process that judged had rebuilt all of it under the new one.
(4) Decide the pack's own rows of the span again: vector, signals, decision, answer.
(5) Compare the vector's bits and the answer's bytes with those of the row.
(6) Change the lists, and count for the governor, as the *recorded* answer says, as a restart does,
    so that one difference does not make others.

An event that was only recorded is held to the same: its vector, and the answer it got.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Literal

import msgspec
import numpy as np

from kanhe.core.decision import Decision, decision_id
from kanhe.core.event import Arrival
from kanhe.flow import Flow, Recorded
from kanhe.judge.features.vectors import unpack_vector
from kanhe.judge.rules.compile import Screened
from kanhe.record.journal.ports import DECIDED, ERASED, NOTED, Row
from kanhe.record.journal.recorded import acting_decision
from kanhe.replay.history import (
    Group,
    History,
    PackProblem,
    Progress,
    Stretch,
    decoded,
    groups,
    kept_pack,
    recall,
    survey,
    upto,
)
from kanhe.replay.span import Span

_encode = msgspec.json.Encoder().encode

Kind = Literal["row", "vector", "answer"]
"""What differs: the row does not fit together, memory came out otherwise, or only the decision did."""


class FeatureDifference(msgspec.Struct, frozen=True):
    """One feature that has another value now; `None` is missing. A text is known by its code."""

    name: str
    then: float | None
    now: float | None


class Difference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="difference",
                 tag_field="kind"):  # fmt: skip
    """One row that does not come out as it stands in the journal."""

    seq: int
    tenant: str
    event_id: str
    decision_id: str
    """Empty for an event that was only recorded."""
    event_type: str
    policy: str
    differs: Kind
    outcome_then: str = ""
    """Empty where the answer holds none, or cannot be read."""
    outcome_now: str = ""
    same_answer: bool = False
    """Whether the answer has the same bytes all the same."""
    follows: bool | None = None
    """Where the vector differs: whether the answer follows, byte for byte, from the one served."""
    features: tuple[FeatureDifference, ...] = ()
    rules_then: tuple[str, ...] = ()
    rules_now: tuple[str, ...] = ()
    why: str = ""
    """What else is to be said, in English: why the row or its vector cannot be read."""


class PackAudit(msgspec.Struct):
    """What came of the rows of one pack."""

    policy: str
    first: int
    last: int
    events: int
    name: str = ""
    version: str = ""
    state: str = "replayed"
    """`replayed`, or why not: `not_kept`, `altered`, `unreadable`."""
    why: str = ""
    equal: int = 0
    different: int = 0


class Audit(msgspec.Struct, kw_only=True, tag="summary", tag_field="kind"):
    """What came of a span, counted while `audit` goes on."""

    first: int = 0
    last: int = 0
    rows: int = 0
    events: int = 0
    noted: int = 0
    """Rows that hold no event but a happening."""
    erased: int = 0
    """Rows whose content was destroyed."""
    decided: int = 0
    recorded: int = 0
    """Events that were compared, by what was asked for them."""
    equal: int = 0
    different: int = 0
    rows_differ: int = 0
    vectors_differ: int = 0
    answers_differ: int = 0
    """Rows whose answer has other bytes now, whatever else differs."""
    follow_served: int = 0
    """Of the vectors that differ: decisions that follow from the vector that was served."""
    first_difference: int = 0
    erased_before: int = 0
    """Rows erased before the first difference, from the beginning of the journal: what counted once
    counts no more, so that vectors after them may differ with good reason."""
    not_replayed: int = 0
    """Events of packs that are not kept or cannot be used."""
    unknown_types: dict[str, int] = {}
    """Events of types that their own pack does not know, by type."""
    packs: list[PackAudit] = []

    @property
    def fine(self) -> bool:
        """Whether nothing differs and no pack was altered."""
        return not self.different and all(pack.state != "altered" for pack in self.packs)


def audit(
    history: History, span: Span, found: Audit, progress: Progress = lambda done, total: None
) -> Iterator[Difference]:
    """Decide the events of a span again; gives each difference, pack by pack, and fills `found`."""
    # (1) What is there.
    seen = survey(history.journal, span, progress)
    found.first, found.last, found.rows = seen.first, seen.last, seen.rows
    found.noted, found.erased = seen.noted, seen.erased
    # Whoever looks at a bar wants to know how much there is in all, the survey included.
    done = seen.last
    total = done + sum(stretch.last for stretch in seen.packs.values())
    for policy, stretch in seen.packs.items():
        part = PackAudit(policy, stretch.first, stretch.last, stretch.events)
        found.packs.append(part)
        found.events += stretch.events
        # (2) The pack of the time.
        pack = kept_pack(history.journal, policy)
        if isinstance(pack, PackProblem):
            part.state, part.why = pack
            found.not_replayed += stretch.events
            total -= stretch.last
            continue
        part.name, part.version = pack.name, pack.version
        rows = upto(history.journal, stretch.last, progress, done, total)
        yield from _Again(history.wire(pack), span, stretch, found, part).go(rows)
        done += stretch.last
    progress(done, done)


class _Again:
    """Steps (3) to (6) for the rows of one pack."""

    def __init__(
        self, flow: Flow, span: Span, stretch: Stretch, found: Audit, part: PackAudit
    ) -> None:
        self._flow = flow
        self._span = span
        self._stretch = stretch
        self._found = found
        self._part = part
        self._erased = 0

    def go(self, rows: Iterator[Row]) -> Iterator[Difference]:
        """Take all rows in, and decide those again that are asked about."""
        for group in groups(rows, self._flow):  # (3)
            yield from sorted(self._differences(group), key=lambda difference: difference.seq)
            self._erased += sum(row.kind == ERASED for row in group.rows)

    def _differences(self, group: Group) -> Iterator[Difference]:
        """Steps (4) to (6) for one group."""
        flow = self._flow
        screened: Screened | None = None
        notes = deque(row for row in group.rows if row.kind == NOTED)
        for n, (row, arrival) in enumerate(group.read):
            while notes and notes[0].seq < row.seq:
                decoded(flow.heed, notes.popleft())
            if self._is_due(row):
                if screened is None:
                    events = [arrival.event for _, arrival in group.read]
                    screened = flow.rules.screen(events, group.vectors)
                difference = self._compare(row, arrival, group, screened, n)
                if difference is not None:
                    yield self._told(difference, group)
            # (6) Lists and caps, as the answer of the time says.
            flow.take_up(row, arrival, decoded(acting_decision, row))
        for note in notes:
            decoded(flow.heed, note)
        for row, refusal in group.unread:
            if self._is_due(row):
                if row.type in flow.pack.registry.types:
                    why = f"{refusal.problem.title}: {refusal}"
                    yield self._told(self._difference(row, "row", why=why), group)
                else:
                    unknown = self._found.unknown_types
                    unknown[row.type] = unknown.get(row.type, 0) + 1

    def _is_due(self, row: Row) -> bool:
        return (
            row.policy == self._part.policy
            and row.seq >= self._stretch.first
            and self._span.holds(row)
        )

    def _compare(
        self, row: Row, arrival: Arrival, group: Group, screened: Screened, n: int
    ) -> Difference | None:
        """Steps (4) and (5) for one row."""
        event = arrival.event
        decision: Decision | None = None
        if row.kind == DECIDED:
            self._found.decided += 1
            signals, weighed = self._flow.weigh(arrival, screened, n, row.seq)
            decision = self._flow.governor.hold(arrival, signals, weighed)
            answer = _encode(decision)
        else:
            self._found.recorded += 1
            answer = _encode(Recorded(event.id, row.seq))
        same_answer = answer == row.answer
        if (event.id, event.type, event.at_ms) != (row.event_id, row.type, row.at_ms):
            why = f"the body is of event {event.id}, a {event.type} of {event.at_ms} ms"
            return self._difference(row, "row", decision, same_answer, why=why)
        if group.packed[n] != row.vector:
            return self._explained(row, arrival, decision, same_answer, group.vectors[n].tolist())
        if not same_answer:
            return self._difference(row, "answer", decision)
        self._found.equal += 1
        self._part.equal += 1
        return None

    def _explained(
        self,
        row: Row,
        arrival: Arrival,
        decision: Decision | None,
        same_answer: bool,
        now: list[float],
    ) -> Difference:
        """Memory came out otherwise: which features, and whether the answer follows from those served."""
        flow = self._flow
        try:
            then = unpack_vector(row.vector, len(now))
        except ValueError as error:
            return self._difference(row, "vector", decision, same_answer, why=str(error))
        follows = None
        if decision is not None:
            vectors = np.array(then, dtype=np.float64).reshape(1, len(then))
            screened = flow.rules.screen([arrival.event], vectors)
            signals, from_served = flow.weigh(arrival, screened, 0, row.seq)
            from_served = flow.governor.hold(arrival, signals, from_served)
            follows = _encode(from_served) == row.answer
        features = tuple(
            FeatureDifference(name, _known(a), _known(b))
            for name, a, b in zip(flow.features.names, then, now, strict=True)
            if a != b and not (math.isnan(a) and math.isnan(b))
        )
        return self._difference(
            row, "vector", decision, same_answer, features=features, follows=follows
        )

    def _difference(
        self,
        row: Row,
        differs: Kind,
        decision: Decision | None = None,
        same_answer: bool = False,
        *,
        features: tuple[FeatureDifference, ...] = (),
        follows: bool | None = None,
        why: str = "",
    ) -> Difference:
        then = recall(row.answer) if row.kind == DECIDED else None
        return Difference(
            seq=row.seq,
            tenant=row.tenant,
            event_id=row.event_id,
            decision_id=decision_id(row.seq) if row.kind == DECIDED else "",
            event_type=row.type,
            policy=row.policy,
            differs=differs,
            outcome_then=then.outcome if then else "",
            outcome_now=decision.outcome if decision else "",
            same_answer=same_answer,
            follows=follows,
            features=features,
            rules_then=tuple(reason.rule for reason in then.reasons) if then else (),
            rules_now=tuple(reason.rule for reason in decision.reasons) if decision else (),
            why=why,
        )

    def _told(self, difference: Difference, group: Group) -> Difference:
        """Count a difference before it is given out."""
        found = self._found
        found.different += 1
        self._part.different += 1
        found.rows_differ += difference.differs == "row"
        found.vectors_differ += difference.differs == "vector"
        found.answers_differ += not difference.same_answer
        found.follow_served += difference.follows is True
        if not found.first_difference or difference.seq < found.first_difference:
            found.first_difference = difference.seq
            found.erased_before = self._erased + sum(
                row.kind == ERASED and row.seq < difference.seq for row in group.rows
            )
        return difference


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
