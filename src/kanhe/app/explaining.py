"""Why an event was decided so, and what would have changed it: computed anew from what was recorded.

(1) The row holds event, served vector and answer, and names the pack by its hash; the journal keeps
    its text.
(2) Each reason is a rule of that pack. Its condition is taken apart, and each comparison is shown with
    the value that this event had, derived numbers and scores included.
(3) What the verdict would be without a rule is computed by the verdict's own function over the
    signals that the reasons stand for.
(4) What it would be if one feature had stayed on the other side of its threshold is computed by
    asking all rules again. Only where asking them about the event as it was gives the very rules that
    are recorded is this shown: otherwise a list has changed since, and the answer would be a guess.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from threading import Lock
from typing import Any, NamedTuple

import msgspec
import numpy as np

from kanhe.app.installation import wire
from kanhe.core.decision import GOVERNOR, SEVERITY, Decision, Outcome, Reason, Signal, Text
from kanhe.core.errors import Refusal
from kanhe.core.event import Event
from kanhe.core.settings import Settings
from kanhe.flow import Flow
from kanhe.judge.features.vectors import unpack_vector
from kanhe.judge.language import tree
from kanhe.judge.language.scope import AMOUNT_BASE
from kanhe.judge.language.source import PolicyErrors
from kanhe.judge.models.scoring import Scoring
from kanhe.judge.policy.beside import scoring_of
from kanhe.judge.policy.pack import Pack
from kanhe.judge.rules.declare import RuleSpec
from kanhe.judge.rules.lists import ListSpec
from kanhe.judge.rules.reasons import shown
from kanhe.judge.verdict.decide import outcome_of
from kanhe.record.journal.ports import DECIDED, JournalReader, Row
from kanhe.replay.history import kept_pack
from kanhe.stores.memory.journal import MemoryJournal

_MOST_PACKS = 4
_MOST_TOGETHER = 3
"""Of so many rules at most it is asked what would be without them."""
_MOST_RULES = 14
_MOST_TRIES = 40
_STATE_MIB = 64
_Listed = Callable[[str, str], bool]


class Check(msgspec.Struct, frozen=True):
    """One comparison of a condition, with the value it was made with."""

    text: str
    """As the rule says it, such as `device_cards_1h >= 4`."""
    values: tuple[tuple[str, str], ...]
    """The names that are compared, with what they were; none for anything longer."""
    holds: bool | None
    """`None` where it cannot be told any more, such as for a list."""


class Fired(msgspec.Struct, frozen=True):
    """A rule that fired or failed, and why."""

    rule: str
    points: int
    text: Text
    because: tuple[Text, ...]
    error: str
    tags: tuple[str, ...]
    outcome: str
    """What it asks for by itself, if anything."""
    owner: str
    condition: str
    """Empty if the pack of the time is not kept."""
    checks: tuple[Check, ...]
    lists: tuple[tuple[str, Text], ...]
    """The lists that it looks into, with what they are."""


class Change(msgspec.Struct, frozen=True):
    """Something that would have changed the outcome."""

    outcome: str
    without: tuple[str, ...] = ()
    """Rules that would have had to be absent."""
    name: str = ""
    """A feature that would have had to be another."""
    value: str = ""
    other: str = ""


class Explanation(msgspec.Struct, frozen=True):
    """All of it, for one event."""

    seq: int
    event: dict[str, Any]
    outcome: str
    wanted: str
    """What the rules wanted, where the governor held it."""
    score: int
    thresholds: tuple[tuple[str, int], ...]
    fired: tuple[Fired, ...]
    governed: Text | None
    policy: str
    pack: str
    """Name and version of the pack; empty if it is not kept."""
    changes: tuple[Change, ...]
    features: tuple[tuple[str, str], ...]
    """All features that were served, with their values."""
    lists: tuple[ListSpec, ...] = ()
    """The lists of the pack, for who wants to put something on one."""


class _Path(NamedTuple):
    """A pack with the path of an event under it, for asking its rules again."""

    pack: Pack
    flow: Flow
    rules: Mapping[str, RuleSpec]
    beside: Scoring


class Explaining:
    """Explains rows of one installation. Safe to use from several threads, which take turns."""

    def __init__(self, settings: Settings, key: bytes) -> None:
        # No event is counted here: the state needs no room.
        self._settings = msgspec.structs.replace(settings, state_limit_mib=_STATE_MIB)
        self._key = key
        self._paths: OrderedDict[str, _Path | None] = OrderedDict()
        self._turn = Lock()

    def explain(self, row: Row, journal: JournalReader) -> Explanation | None:
        """Why the event of a row was decided so; `None` for what is no decided event, or was erased."""
        if row.kind != DECIDED:
            return None
        try:
            decision = msgspec.json.decode(row.answer, type=Decision)
            event = msgspec.json.decode(row.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        with self._turn:
            path = self._path(row.policy, journal)
            return _explained(row, event, decision, path)

    def _path(self, policy: str, journal: JournalReader) -> _Path | None:
        if policy in self._paths:
            self._paths.move_to_end(policy)
            return self._paths[policy]
        path: _Path | None = None
        pack = kept_pack(journal, policy)
        if isinstance(pack, Pack):
            try:
                flow = wire(pack, self._settings, self._key, MemoryJournal())
                beside = scoring_of(pack, flow.features.text_code)
                path = _Path(pack, flow, {rule.id: rule for rule in pack.rules}, beside)
            except PolicyErrors:
                path = None
        self._paths[policy] = path
        while len(self._paths) > _MOST_PACKS:
            self._paths.popitem(last=False)
        return path


def row_at(journal: JournalReader, seq: int) -> Row | None:
    """The row with this number; `None` if it is not there yet."""
    return next((row for row in journal.rows(seq - 1) if row.seq == seq), None) if seq > 0 else None


def _explained(
    row: Row, event: dict[str, Any], decision: Decision, path: _Path | None
) -> Explanation:
    reasons = [reason for reason in decision.reasons if reason.rule != GOVERNOR]
    governor = next((r for r in decision.reasons if r.rule == GOVERNOR), None)
    values = _Values(row, path)
    outcome: str = decision.outcome
    wanted = outcome
    thresholds: tuple[tuple[str, int], ...] = ()
    changes: tuple[Change, ...] = ()
    if path is not None:
        table = path.pack.verdict
        thresholds = (
            ("challenge", table.challenge), ("review", table.review), ("deny", table.deny),
        )  # fmt: skip
        signals = _signals(reasons, path)
        wanted = outcome_of(signals, table, row.type)
        changes = (*_without(signals, path, row.type), *_otherwise(values, reasons, path, wanted))
    return Explanation(
        row.seq,
        event,
        outcome,
        wanted,
        decision.score,
        thresholds,
        tuple(_fired(reason, path, values) for reason in reasons),
        governor.text if governor else None,
        row.policy,
        f"{path.pack.name} {path.pack.version}" if path else "",
        changes,
        values.features,
        path.pack.lists if path else (),
    )


def _signals(reasons: Iterable[Reason], path: _Path) -> list[Signal]:
    """The signals that reasons were made of: a rule speaks once, and its outcome stands in the pack."""
    found = []
    for reason in reasons:
        spec = path.rules.get(reason.rule)
        asked = spec.outcome if spec is not None and not reason.error else None
        found.append(
            Signal(reason.rule, reason.points, reason.text, asked, (), reason.tags, reason.error)
        )
    return found


def _without(signals: Sequence[Signal], path: _Path, event_type: str) -> Iterator[Change]:
    """Step (3): the smallest sets of rules whose absence would have been milder."""
    table = path.pack.verdict
    now = SEVERITY[outcome_of(signals, table, event_type)]
    for size in range(1, min(_MOST_TOGETHER, len(signals)) + 1):
        found = []
        for gone in combinations(signals[:_MOST_RULES], size):
            left = [signal for signal in signals if signal not in gone]
            outcome = outcome_of(left, table, event_type)
            if SEVERITY[outcome] < now:
                found.append(Change(outcome, tuple(signal.rule for signal in gone)))
        if found:
            found.sort(key=lambda change: SEVERITY[_known(change.outcome)])
            yield from found[:5]
            return


def _known(outcome: str) -> Outcome:
    return outcome  # type: ignore[return-value] # it came from a verdict


def _otherwise(
    values: _Values, reasons: Sequence[Reason], path: _Path, wanted: str
) -> Iterator[Change]:
    """Step (4)."""
    if values.event is None or values.vector is None:
        return
    recorded = {reason.rule for reason in reasons}
    listed = _lists_of(values, recorded, path)
    as_it_was = path.flow.rules.evaluate(values.event, values.vector, listed)
    if {signal.rule for signal in as_it_was} != recorded:
        return
    tried: set[tuple[str, float]] = set()
    table, now = path.pack.verdict, SEVERITY[_known(wanted)]
    for name, value, other in _neighbours(values, recorded, path):
        if (name, other) in tried or len(tried) >= _MOST_TRIES:
            continue
        tried.add((name, other))
        changed = list(values.vector)
        changed[path.flow.features.index[name]] = other
        signals = path.flow.rules.evaluate(values.event, changed, listed)
        outcome = outcome_of(signals, table, values.event.type)
        if SEVERITY[outcome] < now:
            yield Change(outcome, name=name, value=shown(value), other=shown(other))


def _neighbours(
    values: _Values, recorded: set[str], path: _Path
) -> Iterator[tuple[str, float, float]]:
    """Features that a fired rule holds against a number, with the nearest value on the other side."""
    for rule in sorted(recorded & path.rules.keys()):
        for node, _ in _leaves(path.rules[rule].condition.node):
            if not isinstance(node, tree.Comparison) or len(node.ops) != 1:
                continue
            left, right = node.operands
            op = node.ops[0]
            if isinstance(right, tree.Feature) and isinstance(left, tree.Literal):
                left, right, op = right, left, _TURNED.get(op, op)
            if not (isinstance(left, tree.Feature) and isinstance(right, tree.Literal)):
                continue
            name, limit = left.name, right.value
            if name not in path.flow.features.index or not isinstance(limit, int | float):
                continue
            value = values.number(name)
            if value is None:
                continue
            whole = value == int(value)
            nearest = int(limit) if whole and limit == int(limit) else limit
            step = 1 if whole and limit == int(limit) else max(abs(limit), 1) * 0.01
            other = {
                ">=": nearest - step, ">": nearest, "<=": nearest + step, "<": nearest,
            }.get(op)  # fmt: skip
            if other is not None and _holds(value, op, limit):
                yield name, value, float(other)


def _holds(value: float, op: str, limit: float) -> bool:
    return {
        ">=": value >= limit, ">": value > limit, "<=": value <= limit, "<": value < limit,
    }.get(op, False)  # fmt: skip


_TURNED = {">=": "<=", "<=": ">=", ">": "<", "<": ">"}


def _lists_of(values: _Values, recorded: set[str], path: _Path) -> _Listed:
    """What the lists must have said: entries of the pack, and what fired rules cannot do without."""
    pack = {name: {entry.value for entry in entries} for name, entries in path.pack.entries.items()}
    needed: set[tuple[str, str]] = set()
    for rule in recorded & path.rules.keys():
        for node, is_meant in _leaves(path.rules[rule].condition.node):
            if isinstance(node, tree.Listed) and is_meant != node.negated:
                value = values.of(node.value)
                if isinstance(value, str):
                    needed.add((node.list_name, value))
    return lambda name, value: (name, value) in needed or value in pack.get(name, ())


class _Values:
    """What an event's fields and features were."""

    def __init__(self, row: Row, path: _Path | None) -> None:
        self.event: Event | None = None
        self.vector: tuple[float, ...] | None = None
        self.features: tuple[tuple[str, str], ...] = ()
        self._wide: Mapping[str, float] = {}
        self._path = path
        if path is None:
            return
        flow = path.flow
        try:
            self.event = flow.reader.reread(row.tenant, row.body, row.received_ms).event
            self.vector = unpack_vector(row.vector, len(flow.features.names))
        except (Refusal, ValueError):
            return
        served = zip(flow.features.names, self.vector, strict=True)
        self.features = tuple((name, shown(value)) for name, value in served)
        rows = np.array([self.vector], dtype=np.float64)
        wide = path.beside.widened([self.event], rows)[0].tolist()
        self._wide = {name: wide[place] for name, place in path.beside.index.items()}

    def number(self, name: str) -> float | None:
        """The value of a feature, a derived number or a score; `None` if it was missing."""
        value = self._wide.get(name)
        return None if value is None or value != value else value

    def of(self, node: tree.Node) -> object:
        """The value of a name or a literal; `None` where it is missing or longer than that."""
        match node:
            case tree.Literal():
                return node.value
            case tree.Feature():
                return self.number(node.name)
            case tree.Field(name=name) if name == AMOUNT_BASE and self.event and self._path:
                amount = getattr(self.event, "amount_minor", None)
                currency = getattr(self.event, "currency", None)
                return self._path.pack.rates.to_base(amount, currency)
            case tree.Field():
                return getattr(self.event, node.name, None)
            case _:
                return None


def _fired(reason: Reason, path: _Path | None, values: _Values) -> Fired:
    """Step (2)."""
    spec = path.rules.get(reason.rule) if path else None
    checks: tuple[Check, ...] = ()
    lists: list[tuple[str, Text]] = []
    if spec is not None and path is not None:
        checks = tuple(
            _part(node, is_meant, values) for node, is_meant in _leaves(spec.condition.node)
        )
        known = {one.name: Text(one.en, one.zh) for one in path.pack.lists}
        lists = [(name, known[name]) for name in sorted(spec.condition.lists) if name in known]
    return Fired(
        reason.rule,
        reason.points,
        reason.text,
        reason.because,
        reason.error,
        reason.tags,
        (spec.outcome or "") if spec else "",
        spec.owner if spec else "",
        spec.condition.text if spec else "",
        checks,
        tuple(lists),
    )


def _leaves(node: tree.Node, is_meant: bool = True) -> Iterator[tuple[tree.Node, bool]]:
    """The parts of a condition that are true or false by themselves, and whether they are to be true."""
    match node:
        case tree.Logic():
            for part in node.parts:
                yield from _leaves(part, is_meant)
        case tree.Not():
            yield from _leaves(node.operand, not is_meant)
        case _:
            yield node, is_meant


def _part(node: tree.Node, is_meant: bool, values: _Values) -> Check:
    found = _check(node, values)
    if is_meant:
        return found
    holds = None if found.holds is None else not found.holds
    return msgspec.structs.replace(found, text=f"not ({found.text})", holds=holds)


def _check(node: tree.Node, values: _Values) -> Check:
    match node:
        case tree.Comparison():
            named = [one for one in node.operands if isinstance(one, tree.Feature | tree.Field)]
            known = [values.of(one) for one in node.operands]
            holds: bool | None = None
            if all(value is not None for value in known) and len(node.ops) == 1:
                holds = _compared(known[0], node.ops[0], known[1])
            # Of a text feature the vector holds a code, which says nothing to anybody.
            told = [one for one in named if one.type is not tree.Type.CODE]
            return Check(
                _text(node), tuple((one.name, shown(values.of(one))) for one in told), holds
            )
        case tree.AmongLiterals():
            found = values.of(node.value)
            among = None if found is None else (found in node.literals) != node.negated
            return Check(_text(node), _named(node.value, found), among)
        case tree.Listed() | tree.AmongIds():
            return Check(_text(node), _named(node.value, values.of(node.value)), None)
        case tree.Known():
            found = values.of(node.operand)
            is_name = isinstance(node.operand, tree.Feature | tree.Field)
            there = (found is not None) != node.negated if is_name else None
            return Check(_text(node), _named(node.operand, found), there)
        case tree.Field() | tree.Feature():
            found = values.of(node)
            return Check(node.name, _named(node, found), found is True)
        case _:
            return Check(_text(node), (), None)


def _compared(left: object, op: str, right: object) -> bool | None:
    if op in ("==", "!="):
        return (left == right) == (op == "==")
    if isinstance(left, int | float) and isinstance(right, int | float):
        return _holds(left, op, right)
    return None


def _named(node: tree.Node, value: object) -> tuple[tuple[str, str], ...]:
    if isinstance(node, tree.Feature | tree.Field):
        return ((node.name, shown(value)),)
    return ()


def _text(node: tree.Node) -> str:
    """A part of a condition as a rule would write it."""
    match node:
        case tree.Literal(value=value):
            return f'"{value}"' if isinstance(value, str) else str(value)
        case tree.Field(name=name) | tree.Feature(name=name):
            return name
        case tree.Arithmetic():
            return f"({_text(node.left)} {node.op} {_text(node.right)})"
        case tree.Negative():
            return f"-{_text(node.operand)}"
        case tree.Comparison():
            parts = [_text(node.operands[0])]
            for op, operand in zip(node.ops, node.operands[1:], strict=True):
                parts += [op, _text(operand)]
            return " ".join(parts)
        case tree.AmongLiterals():
            among = ", ".join(_text(tree.Literal(one, tree.Type.TEXT)) for one in node.literals)
            return f"{_text(node.value)} {'not in' if node.negated else 'in'} ({among})"
        case tree.AmongIds():
            return f"{_text(node.value)} {'not in' if node.negated else 'in'} {node.ids.name}"
        case tree.Listed():
            return f"{_text(node.value)} {'not in' if node.negated else 'in'} {node.list_name}"
        case tree.AnyAmong():
            return f"any_in({node.ids.name}, {node.list_name or '…'})"
        case tree.Logic():
            return f" {node.op} ".join(f"({_text(part)})" for part in node.parts)
        case tree.Not():
            return f"not {_text(node.operand)}"
        case tree.Known():
            return f"{'missing' if node.negated else 'known'}({_text(node.operand)})"
        case tree.Call():
            return f"{node.function}({', '.join(_text(arg) for arg in node.args)})"
