"""The path of one event.

(1) Read: bytes become an event, or a refusal that says which field and why.
(2) Once: an event already seen gets its earlier answer back, the same bytes.
(3) Features: the event counts for everyone it names, and the vector is read.
(4) Detect: rules turn vector and event into signals; one that fails becomes a signal that says so.
(5) Decide: a pure function from signals to one decision.
(6) Commit: journal row and outgoing messages become durable together, with their neighbours.
(7) Answer: nobody hears of a decision before (6) is done for it.

`judge` takes (1) to (5) and gathers for (6); the caller answers (7) when `commit` has returned.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import msgspec

from kanhe.core.decision import Decision
from kanhe.core.errors import FieldProblem, Refusal, refuse
from kanhe.core.event import Arrival, Event
from kanhe.judge.features.live import LiveFeatures
from kanhe.judge.intake.reader import Reader
from kanhe.judge.policy.pack import Pack
from kanhe.judge.rules.compile import RuleSet
from kanhe.judge.rules.lists import Lists
from kanhe.judge.verdict.decide import decide
from kanhe.record.journal.ports import DECIDED, RECORDED, Journal, Message, Row

_encode = msgspec.json.Encoder().encode
_NO_SCOPES: frozenset[str] = frozenset()
_LIST_TYPES = frozenset({"list.entry_added", "list.entry_removed"})
_CHECK = 0x9E3779B1
"""A large odd factor (2**32 divided by the golden ratio): neighbouring numbers get unlike checks."""
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
    ) -> None:
        self.pack = pack
        self.reader = reader
        self.journal = journal
        self.features = features
        self.rules = rules
        self.lists = lists
        self.seq = journal.last_seq()
        self.torn = False
        self.fired: Counter[str] = Counter()

    def judge(
        self, tenant: str, raw: bytes, received_ms: int, scopes: frozenset[str] = _NO_SCOPES
    ) -> Pending:
        """Steps (1) to (5), and the gathering for (6). Raises `Refusal` for input not accepted."""
        # (1) Read.
        arrival = self.reader.read(tenant, raw, received_ms, scopes)
        event = arrival.event
        # (2) Once.
        if (row := self.journal.find(tenant, event.id)) is not None:
            return _repeated(row, arrival)
        if event.type in _LIST_TYPES:
            self._check_list(event)
        # From here on memory runs ahead of the journal; if anything breaks, it must be rebuilt.
        self.torn = True
        # (3) Features.
        vector = self.features.observe(arrival)
        # (4) Detect.
        signals = self.rules.evaluate(event, vector, self.lists.at(tenant, event.at_ms))
        # (5) Decide.
        seq = self.seq + 1
        pack = self.pack
        decision = decide(signals, pack.verdict, event.type, event.id, decision_id(seq), pack.hash)
        # (6) Commit, first half: gather what becomes durable together.
        answer = _encode(decision)
        self._gather(seq, arrival, DECIDED, answer, _messages(seq, decision, answer))
        if signals:
            self._take_up(decision, tenant, event.at_ms)
            self.fired.update(signal.rule for signal in signals)
        if event.type in _LIST_TYPES:
            self._change_list(tenant, event)
        self.torn = False
        return _new(Pending, (answer, seq, decision.outcome, event.type, False, False))

    def record(
        self, tenant: str, raw: bytes, received_ms: int, scopes: frozenset[str] = _NO_SCOPES
    ) -> Pending:
        """The same path without (4) and (5): the event counts, and no rule is asked."""
        arrival = self.reader.read(tenant, raw, received_ms, scopes)
        if (row := self.journal.find(tenant, arrival.event.id)) is not None:
            return _repeated(row, arrival)
        if arrival.event.type in _LIST_TYPES:
            self._check_list(arrival.event)
        self.torn = True
        self.features.observe(arrival)
        seq = self.seq + 1
        answer = _encode(Recorded(arrival.event.id, seq))
        self._gather(seq, arrival, RECORDED, answer, ())
        if arrival.event.type in _LIST_TYPES:
            self._change_list(tenant, arrival.event)
        self.torn = False
        return Pending(answer, seq, "", arrival.event.type, False)

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
        """Take one committed row back into memory, as `judge` or `record` did at the time.

        False if the pack in force no longer knows the row's type or one of its fields: such an
        event stays in the journal and counts for nothing.
        """
        self.seq = row.seq
        try:
            arrival = self.reader.reread(row.tenant, row.body, row.received_ms)
        except Refusal:
            return False
        self.features.observe(arrival)
        if row.kind == DECIDED and b'"list_add"' in row.answer:
            self._take_up(_decode(row.answer), row.tenant, row.at_ms)
        if row.type in _LIST_TYPES:
            self._change_list(row.tenant, arrival.event)
        return True

    def _gather(
        self, seq: int, arrival: Arrival, kind: int, answer: bytes, messages: tuple[Message, ...]
    ) -> None:
        tenant, event, body, received_ms = arrival
        row = (
            seq, tenant, event.id, kind, event.type, event.at_ms, received_ms, self.pack.hash, body,
            self.features.packed(), answer,
        )  # fmt: skip
        self.journal.append(_new(Row, row), messages)
        self.seq = seq

    def _take_up(self, decision: Decision, tenant: str, at_ms: int) -> None:
        """Change the lists as a decision says; the next event sees it."""
        for action in decision.actions:
            if action.kind == "list_add" and action.value:
                expires = at_ms + action.for_ms if action.for_ms else 0
                self.lists.prolong(
                    action.what, tenant, action.value, at_ms=at_ms, expires_ms=expires,
                    reason=decision.decision_id, author="policy",
                )  # fmt: skip

    def _check_list(self, event: Event) -> None:
        """An entry for a list that the pack does not have would hold back nobody, and say nothing."""
        name = msgspec.structs.asdict(event)["list_name"]
        if name not in self.lists.specs:
            known = ", ".join(sorted(self.lists.specs)) or "none"
            raise refuse(
                "wrong-value", "A value is not one that is allowed", 422, "",
                FieldProblem("list_name", f"a list of the policy pack: {known}", name[:80]),
            )  # fmt: skip

    def _change_list(self, tenant: str, event: Event) -> None:
        """An entry was added or removed by hand; such events need the scope `lists`."""
        fields = msgspec.structs.asdict(event)
        name, value = fields["list_name"], fields["value"]
        if event.type == "list.entry_removed":
            self.lists.remove(name, tenant, value, at_ms=event.at_ms)
        else:
            self.lists.add(
                name, tenant, value, at_ms=event.at_ms, expires_ms=fields.get("expires_ms") or 0,
                reason=fields.get("note") or "", author=fields.get("staff") or "",
            )  # fmt: skip


_decode = msgspec.json.Decoder(Decision).decode


def _repeated(row: Row, arrival: Arrival) -> Pending:
    """The answer an event got when it came first."""
    return Pending(row.answer, row.seq, "", row.type, True, row.body != arrival.body)


def decision_id(seq: int) -> str:
    """The handle of a decision: its place in the journal, and a check against mistyped handles."""
    return f"d{seq}-{seq * _CHECK & 0xFFFFFF:06x}"


def seq_of(handle: str) -> int | None:
    """The place in the journal that a handle speaks of; `None` if it is no handle."""
    head, _, _check = handle.partition("-")
    digits = head[1:]
    if not (head.startswith("d") and digits.isascii() and digits.isdecimal() and len(digits) < 19):
        return None
    seq = int(digits)
    return seq if handle == decision_id(seq) else None


def _messages(seq: int, decision: Decision, answer: bytes) -> tuple[Message, ...]:
    """What leaves through the outbox: an alert for every decision that stopped or asks somebody."""
    if decision.outcome in ("review", "deny"):
        return (Message(seq, "alert", answer),)
    if decision.actions and any(action.kind == "notify" for action in decision.actions):
        return (Message(seq, "alert", answer),)
    return ()
