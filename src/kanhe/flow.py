"""The path of an event, walked by a group of events at a time.

(1) Read: bytes become an event, or a refusal that says which field and why.
(2) Once: an event already seen gets its earlier answer back, the same bytes.
(3) Features: the event counts for everyone it names, and the vector is read.
(4) Detect: rules turn vector and event into signals; one that fails becomes a signal that says so.
(5) Decide: a pure function from signals to one decision; the governor bounds what rules refuse.
(6) Commit: journal row and outgoing messages become durable together, with their neighbours.
(7) Answer: nobody hears of a decision before (6) is done for it.

`take` does (1) to (5) and gathers for (6); the caller answers (7) when `commit` has returned. The
whole group goes through (1), then (2), then (3), as columns. Of (4) and (5) it takes in one what is
the same for most events: no rule needs to be asked about them, so they are allowed. The others are
looked at one after the other, because a decision may change the lists by which the next event is
judged. What comes out is the same as if each event had come alone.
Why: `docs/adr/0007-a-group-walks-together.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, MutableSequence, Sequence
from itertools import repeat
from operator import attrgetter
from struct import iter_unpack
from typing import NamedTuple

import msgspec

from kanhe.core.decision import Decision, Signal, allowed_each, decision_id
from kanhe.core.errors import Refusal
from kanhe.core.event import Arrival, Asked, Event
from kanhe.judge.features.live import LiveFeatures
from kanhe.judge.intake.group import Group, group_of
from kanhe.judge.intake.reader import Reader
from kanhe.judge.policy.pack import Pack
from kanhe.judge.rules.compile import RuleSet, Screened
from kanhe.judge.rules.listing import LIST_TYPES, change, mistake, obey
from kanhe.judge.rules.lists import Lists
from kanhe.judge.verdict.caps import RELEASED, read_release
from kanhe.judge.verdict.decide import decide
from kanhe.judge.verdict.governor import STOPPING, Governor, Trip
from kanhe.record.journal.ports import (
    DECIDED,
    NOTED,
    RECORDED,
    Columns,
    Journal,
    Message,
    Row,
    columns_of,
    cut,
)
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
        group, refused = self.reader.read_group(asked, received_ms)
        for place, refusal in refused:
            outcomes[place] = refusal
        # (2) Once.
        fresh, twins = self._once(group, outcomes)
        if len(fresh):
            self._through(fresh, asked, outcomes)
        for n in twins:
            outcomes[group.places[n]] = self._known(group, n)

    def _once(self, group: Group, outcomes: Outcomes) -> tuple[Group, Sequence[int]]:
        """Step (2). Gives the events that are new, and the numbers of those that repeat one of them."""
        names = list(zip(group.tenants, group.ids, strict=True))
        rows = self.journal.find_each(group.tenants, group.ids)
        if not any(rows) and len(set(names)) == len(names) and LIST_TYPES.isdisjoint(group.types):
            return group, ()
        fresh, twins = [], []
        ids: set[tuple[str, str]] = set()
        for n, (name, row) in enumerate(zip(names, rows, strict=True)):
            if row is not None:
                outcomes[group.places[n]] = _repeated(row, group.bodies[n])
            elif name in ids:
                twins.append(n)
            elif group.types[n] in LIST_TYPES and (refusal := mistake(self.lists, group.events[n])):
                outcomes[group.places[n]] = refusal
            else:
                ids.add(name)
                fresh.append(n)
        return group.only(fresh), twins

    def _through(self, group: Group, asked: Sequence[Asked], outcomes: Outcomes) -> None:
        """Steps (3) to (5) for events that are new, and their share of (6)."""
        # From here on memory runs ahead of the journal; if anything breaks, it must be rebuilt.
        self.torn = True
        # (3) Features.
        vectors, packed = self.features.observe_group(group)
        # (4) Detect, for all of them: which rules need not be asked.
        screened = self.rules.screen(group.events, vectors, group.cells, group.rows)
        gathering = _Gathering(self.seq, group, asked, packed)
        begun = 0
        try:
            # Most events need no rule and are allowed, all at once; the others are looked at.
            for n in gathering.looked_at(screened.asks):
                gathering.done = n
                if gathering.kinds[n] == RECORDED:
                    gathering.answers[n] = _encode(Recorded(group.ids[n], gathering.seqs[n]))
                elif screened.asks[n]:
                    begun = self._ask(group, n, screened, gathering, begun)
                if group.types[n] in LIST_TYPES:
                    change(self.lists, group.tenants[n], group.events[n])
            gathering.done = len(group)
        finally:
            # What broke one event leaves those before it whole.
            gathering.end()
            self._pass_by(gathering, begun, gathering.done)
            # (6) Commit, first half: gather what becomes durable together. The log commits to each
            # row under random bytes of the row's own.
            columns = gathering.columns(self.pack.hash, self._draw(SALT_BYTES * len(group)))
            self.journal.extend_columns(columns, gathering.messages)
            self.seq += len(columns.event_ids)
            gathering.tell(outcomes, self.pack.hash)
            self.fired.update(gathering.fired)
        self.torn = False

    def _ask(
        self, group: Group, n: int, screened: Screened, gathering: _Gathering, begun: int
    ) -> int:
        """Steps (4) and (5) for one event whose rules are asked.

        The governor has counted the events before `begun`; gives up to where it has now.
        """
        arrival, seq = group.arrival(n), gathering.seqs[n]
        signals, decision = self.weigh(arrival, screened, n, seq)
        if not signals:
            return begun
        trips: Sequence[Trip] = ()
        if decision.outcome in STOPPING:
            self._pass_by(gathering, begun, n)
            begun = n + 1
            decision = self.governor.hold(arrival, signals, decision)
            trips = self.governor.take_up(arrival, decision)
        answer = _encode(decision)
        gathering.answers[n], gathering.outcomes[n] = answer, decision.outcome
        gathering.messages += alerts(seq, decision, answer)
        gathering.fired += [signal.rule for signal in signals]
        obey(self.lists, decision, arrival.tenant, arrival.event.at_ms)
        if trips:
            told = [
                self._told_of(trip, number, arrival.received_ms)
                for number, trip in enumerate(trips, seq + 1)
            ]
            gathering.tuck_in(n, told)
        return begun

    def _pass_by(self, gathering: _Gathering, begin: int, end: int) -> None:
        """Count those decisions from `begin` to `end` that refused nobody."""
        group = gathering.group
        if gathering.alike:
            counts = {(group.tenants[0], group.types[0]): end - begin} if begin < end else {}
        else:
            places = zip(group.tenants[begin:end], group.types[begin:end], strict=True)
            counts = Counter(
                place
                for place, kind in zip(places, gathering.kinds[begin:end], strict=True)
                if kind == DECIDED
            )
        for (tenant, event_type), count in counts.items():
            self.governor.pass_by(tenant, event_type, group.received_ms[begin], count)

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

    def _known(self, group: Group, n: int) -> Pending:
        """The answer to an event whose twin was gathered just before."""
        row = self.journal.find(group.tenants[n], group.ids[n])
        assert row is not None, "a gathered row is found"
        return _repeated(row, group.bodies[n])

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
        self.features.observe_group(group_of([arrival]))
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


class _Gathering:
    """What becomes of the events of a group: each is allowed, unless somebody says otherwise.

    It holds good for the first `done` of them.
    """

    def __init__(
        self, seq: int, group: Group, asked: Sequence[Asked], packed: Sequence[bytes]
    ) -> None:
        count = len(group)
        self.group = group
        self.kinds = [DECIDED if asked[place].decide else RECORDED for place in group.places]
        self.alike = all(
            column.count(column[0]) == count for column in (group.tenants, group.types)
        ) and not any(self.kinds)
        """Whether all of them are decided, of one tenant and of one type."""
        self.seqs = list(range(seq + 1, seq + 1 + count))
        self.outcomes = ["" if kind else "allow" for kind in self.kinds]
        self.answers = [b""] * count
        """Empty where the answer follows from the row; see `Row.answer`."""
        self.messages: list[Message] = []
        self.fired: list[str] = []
        self.done = 0
        self._packed = packed
        self._between: list[Row] = []

    def looked_at(self, asks: Sequence[bool]) -> list[int]:
        """The numbers of those events that are not simply allowed without asking a rule."""
        if RECORDED not in self.kinds and LIST_TYPES.isdisjoint(self.group.types):
            return [n for n, ask in enumerate(asks) if ask]
        return [
            n
            for n, (kind, ask, name) in enumerate(
                zip(self.kinds, asks, self.group.types, strict=True)
            )
            if ask or kind == RECORDED or name in LIST_TYPES
        ]

    def tuck_in(self, n: int, rows: Sequence[Row]) -> None:
        """Put rows that are no events behind event `n`, numbered from its own number on."""
        self._between += rows
        for row in rows:
            self.messages += messages_of(row)
        self.seqs[n + 1 :] = range(rows[-1].seq + 1, rows[-1].seq + len(self.seqs) - n)

    def end(self) -> None:
        """Leave out what belongs to an event that is not done."""
        if self.done < len(self.seqs):
            end = self.seqs[self.done]
            self._between = [row for row in self._between if row.seq < end]
            self.messages = [message for message in self.messages if message.seq < end]

    def columns(self, policy: str, salts: bytes) -> Columns:
        """The rows to be gathered; `salts` are those of all events in one."""
        group, done = self.group, self.done
        columns = Columns(
            self.seqs[0], group.tenants, group.ids, self.kinds, group.types, group.times,
            group.received_ms, [policy] * len(group), group.bodies, self._packed, self.answers,
            [salt for (salt,) in iter_unpack(f"{SALT_BYTES}s", salts)],
        )  # fmt: skip
        if done < len(group):
            columns = cut(columns, 0, done)
        if self._between:
            rows = map(Row._make, zip(self.seqs[:done], *columns[1:], strict=True))
            columns = columns_of(sorted([*rows, *self._between], key=attrgetter("seq")))
        return columns

    def tell(self, outcomes: Outcomes, policy: str) -> None:
        """Fill in the answers to those that are gathered."""
        group, seqs = self.group, self.seqs[: self.done]
        answers = [
            made or quiet
            for made, quiet in zip(
                self.answers, allowed_each(seqs, group.ids[: self.done], policy), strict=False
            )
        ]
        pending = zip(
            answers, seqs, self.outcomes, group.types, repeat(False), repeat(False), strict=False
        )
        for place, each in zip(group.places, pending, strict=False):
            outcomes[place] = _new(Pending, each)


def _repeated(row: Row, body: bytes) -> Pending:
    """The answer an event got when it came first; `body` is what it says this time."""
    return Pending(row.answer, row.seq, "", row.type, True, row.body != body)
