"""The path of an event, walked by a group of events at a time.

(1) Read: bytes become an event, or a refusal that says which field and why.
(2) Once: an event already seen gets its earlier answer back, the same bytes.
(3) Features: the event counts for everyone it names, and the vector is read.
(4) Detect: rules turn vector and event into signals; one that fails becomes a signal that says so.
(5) Decide: a pure function from signals to one decision; the governor bounds what rules refuse.
(6) Commit: journal row and outgoing messages become durable together, with their neighbours.
(7) Answer: nobody hears of a decision before (6) is done for it.

`take` does (1) to (5) and gathers for (6); the caller answers (7) when `commit` has returned. The
whole group goes through (1), then (2), then (3), so that each step's code and data stay close to the
processor; (4) to (6) are done event by event, because a decision may change the lists by which the
next event is judged. What comes out is the same as if each event had come alone.
Why: `docs/adr/0007-a-group-walks-together.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, MutableSequence, Sequence
from typing import NamedTuple

import msgspec

from kanhe.core.decision import Decision, Signal, allowed, decision_id
from kanhe.core.errors import Refusal
from kanhe.core.event import Arrival, Asked, Event
from kanhe.judge.features.live import LiveFeatures
from kanhe.judge.intake.reader import Reader
from kanhe.judge.policy.pack import Pack
from kanhe.judge.rules.compile import RuleSet, Screened
from kanhe.judge.rules.listing import LIST_TYPES, change, mistake, obey
from kanhe.judge.rules.lists import Lists
from kanhe.judge.verdict.caps import RELEASED, read_release
from kanhe.judge.verdict.decide import decide
from kanhe.judge.verdict.governor import STOPPING, Governor, Trip
from kanhe.record.journal.ports import DECIDED, NOTED, RECORDED, Journal, Message, Row
from kanhe.record.journal.recorded import TRIPPED, acting_decision, alerts, messages_of
from kanhe.record.log.entries import Happening
from kanhe.record.log.entry import SALT_BYTES

_encode = msgspec.json.Encoder().encode
# Named tuples are made through their own `__new__`, which costs three times as much.
_new = tuple.__new__


class Pending(NamedTuple):
    """An answer that may be sent once the group it belongs to is committed."""

    answer: bytes
    seq: int
    outcome: str
    """Empty for an event that was recorded without a decision."""
    type: str
    repeated: bool
    """Whether the event had been taken in before; the answer is the first one."""
    differs: bool = False
    """Whether it came with other content this time: the sender has used one id for two events."""


_Placed = tuple[int, Arrival]
"""An event with its place among those that were asked for."""

Outcomes = MutableSequence[Pending | Exception | None]
"""What became of each event of a group: its answer, or what stood in its way; `None` as long as
nothing is known."""


class Recorded(msgspec.Struct, frozen=True):
    """The answer to an event that was taken in without a decision."""

    event_id: str
    seq: int
    recorded: bool = True


class Flow:
    """One pack, one journal, one memory: the path, and nothing else that could change them.

    `torn` says that memory holds an event the journal does not: the path must be rebuilt (see
    `app.Kanhe.recover`) before the next event. Memory is a function of the journal, so this loses
    nothing that was answered.
    """

    def __init__(
        self,
        pack: Pack,
        reader: Reader,
        journal: Journal,
        features: LiveFeatures,
        rules: RuleSet,
        lists: Lists,
        governor: Governor,
        draw: Callable[[int], bytes],
    ) -> None:
        self.pack = pack
        self.reader = reader
        self.journal = journal
        self.features = features
        self.rules = rules
        self.lists = lists
        self.governor = governor
        self._draw = draw
        self.seq = journal.last_seq()
        self.torn = False
        self.fired: Counter[str] = Counter()

    def take(self, asked: Sequence[Asked], outcomes: Outcomes, received_ms: int) -> None:
        """Steps (1) to (5) for events in their order, and the gathering for (6).

        Fills `outcomes`: the answer of each event, or the `Refusal` of one that is not accepted.
        Raises what else breaks; the events that have an answer by then are gathered whole.
        """
        # (1) Read.
        arrivals: list[_Placed] = []
        read = self.reader.read
        for place, (tenant, raw, scopes, _) in enumerate(asked):
            try:
                arrivals.append((place, read(tenant, raw, received_ms, scopes)))
            except Refusal as refusal:
                outcomes[place] = refusal
        # (2) Once.
        fresh, twins = self._once(arrivals, outcomes)
        if fresh:
            self._through(fresh, asked, outcomes)
        for place, arrival in twins:
            outcomes[place] = self._known(arrival)

    def _once(
        self, arrivals: Sequence[_Placed], outcomes: Outcomes
    ) -> tuple[Sequence[_Placed], Sequence[_Placed]]:
        """Step (2). Gives the events that are new, and those that repeat one of them."""
        names = [(arrival.tenant, arrival.event.id) for _, arrival in arrivals]
        rows = self.journal.find_each(names)
        types = [arrival.event.type for _, arrival in arrivals]
        if not any(rows) and len(set(names)) == len(names) and LIST_TYPES.isdisjoint(types):
            return arrivals, ()
        fresh, twins = [], []
        ids: set[tuple[str, str]] = set()
        for pair, name, row in zip(arrivals, names, rows, strict=True):
            place, arrival = pair
            event = arrival.event
            if row is not None:
                outcomes[place] = _repeated(row, arrival)
            elif name in ids:
                twins.append(pair)
            elif event.type in LIST_TYPES and (refusal := mistake(self.lists, event)):
                outcomes[place] = refusal
            else:
                ids.add(name)
                fresh.append(pair)
        return fresh, twins

    def _through(
        self, fresh: Sequence[_Placed], asked: Sequence[Asked], outcomes: Outcomes
    ) -> None:
        """Steps (3) to (5) for events that are new, and their share of (6)."""
        # From here on memory runs ahead of the journal; if anything breaks, it must be rebuilt.
        self.torn = True
        # (3) Features.
        vectors, packed = self.features.observe_group([arrival for _, arrival in fresh])
        # (4) Detect, for all of them: which rules need not be asked.
        screened = self.rules.screen([arrival.event for _, arrival in fresh], vectors)
        types = screened.types
        # The log commits to each row under random bytes of the row's own.
        salts = self._draw(SALT_BYTES * len(fresh))
        rows: list[Row] = []
        messages: list[Message] = []
        answers: list[tuple[int, Pending]] = []
        seq, policy, asks, governor = self.seq, self.pack.hash, screened.asks, self.governor
        try:
            for n, (place, arrival) in enumerate(fresh):
                seq += 1
                tenant, event, body, received_ms = arrival
                told: tuple[Message, ...] = ()
                trips: Sequence[Trip] = ()
                kind, outcome, stored = DECIDED, "allow", b""
                if not asked[place].decide:
                    kind, outcome = RECORDED, ""
                    stored = answer = _encode(Recorded(event.id, seq))
                elif asks[n]:
                    signals, decision = self.weigh(arrival, screened, n, seq)
                    if decision.outcome in STOPPING:
                        decision = governor.hold(arrival, signals, decision)
                    trips = governor.take_up(arrival, decision)
                    outcome = decision.outcome
                    stored = answer = _encode(decision)
                    told = alerts(seq, decision, answer)
                    if signals:
                        obey(self.lists, decision, tenant, event.at_ms)
                        self.fired.update([signal.rule for signal in signals])
                else:
                    governor.take_up(arrival, None)
                    answer = allowed(seq, event.id, policy)
                if types[n] in LIST_TYPES:
                    change(self.lists, tenant, event)
                # (6) Commit, first half: gather what becomes durable together.
                salt = salts[SALT_BYTES * n : SALT_BYTES * (n + 1)]
                row = (
                    seq, tenant, event.id, kind, types[n], event.at_ms, received_ms, policy, body,
                    packed[n], stored, salt,
                )  # fmt: skip
                rows.append(_new(Row, row))
                messages += told
                answers.append(
                    (place, _new(Pending, (answer, seq, outcome, types[n], False, False)))
                )
                for trip in trips:
                    seq += 1
                    rows.append(self._told_of(trip, seq, received_ms))
                    messages += messages_of(rows[-1])
        finally:
            # What broke one event leaves those before it whole.
            self.journal.extend(rows, messages)
            self.seq += len(rows)
            for place, pending in answers:
                outcomes[place] = pending
        self.torn = False

    def weigh(
        self, arrival: Arrival, screened: Screened, n: int, seq: int
    ) -> tuple[Sequence[Signal], Decision]:
        """Steps (4) and (5) for the event at place `n` of those screened; changes nothing."""
        tenant, event, _, _ = arrival
        # (4) Detect.
        signals: Sequence[Signal] = ()
        if screened.asks[n]:
            listed = self.lists.at(tenant, event.at_ms)
            signals = self.rules.signals(event, screened, n, listed)
        # (5) Decide.
        pack = self.pack
        return signals, decide(
            signals, pack.verdict, event.type, event.id, decision_id(seq), pack.hash
        )

    def _known(self, arrival: Arrival) -> Pending:
        """The answer to an event whose twin was gathered just before."""
        row = self.journal.find(arrival.tenant, arrival.event.id)
        assert row is not None, "a gathered row is found"
        return _repeated(row, arrival)

    def _told_of(self, trip: Trip, seq: int, at_ms: int) -> Row:
        """The row by which the log has it, and somebody is alerted, that a cap was passed."""
        body = _encode(Happening(trip.facts(), tenant=trip.key.tenant))
        return self._noted(seq, TRIPPED, f"governor:{seq}", body, at_ms)

    def note(self, happening: str, name: str, body: bytes, at_ms: int) -> None:
        """Gather a row for something that is no event; `name` is unique, as an event's id is.

        `happening` is the kind of the log's entry, such as `log:key:added`, and `body` what
        `kanhe.record.log.entries` makes the entry of. Nothing is counted, so nothing can tear.
        """
        row = self._noted(self.seq + 1, happening, name, body, at_ms)
        self.journal.append(row, messages_of(row))
        self.seq = row.seq
        self.heed(row)

    def _noted(self, seq: int, happening: str, name: str, body: bytes, at_ms: int) -> Row:
        policy = self.pack.hash
        return Row(seq, "", name, NOTED, happening, at_ms, at_ms, policy, body, b"", b"")

    def commit(self) -> None:
        """Step (6), second half: all that was gathered is durable when this returns.

        If it raises `StorageError`, nothing gathered since the last commit may be answered.
        """
        # A crash before this line loses the group, of which nobody has heard. A crash after it
        # loses nothing: the rows are in the journal, and memory is rebuilt from them.
        self.torn, torn = True, self.torn
        self.journal.commit()
        self.torn = torn

    def replay(self, row: Row) -> bool:
        """Take one committed row back into memory, as `take` did at the time; what is no event, or
        was erased, counts for nothing.

        False if the pack in force no longer knows the row's type or one of its fields: such an
        event stays in the journal and counts for nothing.
        """
        self.seq = row.seq
        if not row.is_event:
            self.heed(row)
            return True
        try:
            arrival = self.reader.reread(row.tenant, row.body, row.received_ms)
        except Refusal:
            return False
        self.features.observe_group([arrival])
        self.take_up(row, arrival, acting_decision(row))
        return True

    def heed(self, row: Row) -> None:
        """What a row that is no event means for memory: a person let a rule go that was held.

        Raises `msgspec.DecodeError` for a damaged one.
        """
        if row.type == RELEASED and row.policy == self.pack.hash:
            self.governor.release(*read_release(row.body))

    def take_up(self, row: Row, arrival: Arrival, decision: Decision | None) -> None:
        """What the recorded decision of a row, read by `acting_decision`, once changed beside features."""
        self.change_lists(row.tenant, arrival.event, decision)
        if row.kind != DECIDED:
            return
        if row.policy == self.pack.hash:
            self.governor.take_up(arrival, decision)
        else:
            self.governor.pass_time(row.received_ms)

    def change_lists(self, tenant: str, event: Event, decision: Decision | None) -> None:
        """What a decision, if there was one, and then the event itself do to the lists."""
        if decision is not None:
            obey(self.lists, decision, tenant, event.at_ms)
        if event.type in LIST_TYPES:
            change(self.lists, tenant, event)


def _repeated(row: Row, arrival: Arrival) -> Pending:
    """The answer an event got when it came first."""
    return Pending(row.answer, row.seq, "", row.type, True, row.body != arrival.body)
