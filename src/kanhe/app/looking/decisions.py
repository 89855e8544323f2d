"""One decision: what came in, what was known, what was said to it and why, and what became of it.

(1) The row of the journal, by the handle. (2) Its fields, with what each means. (3) Its features, each
beside what was normal for the same entity in its own earlier events. (4) The reasons, with the rules
as they stood in the pack of that time. (5) What is known of it since: labels, and the events that
speak of it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from kanhe.app.looking.entities import Line, lines_of
from kanhe.app.looking.sources import NothingYetError, NotThereError, Sources
from kanhe.core.actor import Actor
from kanhe.core.decision import GOVERNOR, Action, Decision, Reason, Text, decision_id, seq_of
from kanhe.judge.features.spec import FeatureSpec
from kanhe.judge.features.vectors import unpack_vector
from kanhe.judge.intake.registry import Registry, builtin
from kanhe.judge.models.words import noun_and_form
from kanhe.judge.policy.pack import Pack
from kanhe.judge.rules.declare import RuleSpec
from kanhe.record.journal.ports import DECIDED, ERASED, NOTED, Row
from kanhe.record.labels import Claim
from kanhe.record.log.entries import decode_happening
from kanhe.record.traces import KINDS, SUBJECT
from kanhe.stores.sqlite.index_reader import IndexReader

EARLIER = 50
"""So many earlier events of an entity say what is normal for it."""
ENOUGH = 5
"""From so many on anything is said about it."""
_MOST_KINDS = 4
_MOST_SPOKEN = 50
_NOT_COMPARED = frozenset({"first_seen", "last"})
_ALWAYS_MS = 1 << 62
_decision = msgspec.json.Decoder(Decision).decode


class Input(NamedTuple):
    """One field of an event."""

    name: str
    value: Any
    kind: str
    """The kind of the field, such as `money`, `time` or `id`; empty for one that the registry lacks."""
    unit: str
    meaning: Text
    entity: str
    """The kind of entity that the value names, if there is a page about it."""


class Normal(NamedTuple):
    """What was usual in earlier events of the same entity."""

    events: int
    low: float
    """Five per cent were below."""
    middle: float
    high: float
    """Five per cent were above."""


class Feature(NamedTuple):
    """One feature as it was served."""

    name: str
    by: tuple[str, ...]
    noun: Text
    value: float
    shown: Text
    normal: Normal | None
    """`None` where too few earlier events are known."""
    low_shown: Text
    middle_shown: Text
    high_shown: Text
    is_unusual: bool
    read_by: tuple[str, ...]
    """The rules that fired and read it."""

    @property
    def is_telling(self) -> bool:
        """Whether it says something about this event: it is unusual, or a rule fired by it."""
        return self.is_unusual or bool(self.read_by)


class Fired(NamedTuple):
    """A rule that fired."""

    reason: Reason
    condition: str
    """As it is written in the pack of the time; empty if that is not known."""
    owner: str
    outcome: str
    """What the rule asks for by itself."""
    is_held: bool
    """Whether this is the governor, which let a person decide instead."""


class ModelHash(NamedTuple):
    """A model that scored the event."""

    name: str
    hash: str


class DecisionView(NamedTuple):
    """A decision, or an event that was only taken in, with all that is known of it."""

    seq: int
    handle: str
    tenant: str
    type: str
    type_meaning: Text
    event_id: str
    kind: int
    """`DECIDED`, `RECORDED`, `NOTED` or `ERASED` of `record.journal.ports`."""
    at_ms: int
    received_ms: int
    outcome: str
    score: int
    thresholds: tuple[tuple[str, int], ...]
    """From which score on the pack of the time asks for what."""
    inputs: tuple[Input, ...]
    features: tuple[Feature, ...]
    fired: tuple[Fired, ...]
    actions: tuple[Action, ...]
    policy: str
    pack_name: str
    models: tuple[ModelHash, ...]
    holding: Claim | None
    """The word about it that holds."""
    claims: tuple[Claim, ...]
    spoken: tuple[Line, ...]
    """Later events that name it as what they are about."""
    facts: Mapping[str, str]
    """Of what is no event: what was noted."""


def seq_of_handle(handle: str) -> int:
    """The row that a handle speaks of. Raises `NotThereError`."""
    seq = seq_of(handle)
    if seq is None or seq < 1:
        raise NotThereError("that is no handle of a decision")
    return seq


def decision_of(sources: Sources, actor: Actor, handle: str) -> DecisionView:
    """Everything about a decision. Raises `NotThereError`, also for what is another tenant's."""
    row = sources.row(seq_of_handle(handle), actor)  # (1)
    pack = sources.pack(row.policy) if row.policy else None
    registry = pack.registry if pack is not None else builtin()
    decision = _decided(row)
    event = {} if row.kind in (NOTED, ERASED) else _event(row.body)
    fired = _fired(decision, pack)  # (4)
    features: tuple[Feature, ...] = ()
    claims: tuple[Claim, ...] = ()
    holding: Claim | None = None
    spoken: tuple[Line, ...] = ()
    try:
        with sources.index() as index:
            if pack is not None and row.vector:
                features = _features(sources, index, row, event, pack, decision)  # (3)
            about = index.spoken(sources.journal()).about(row)  # (5)
            claims, holding = about.claims, about.holding(_ALWAYS_MS)
            spoken = _spoken(index, row)
    except NothingYetError:
        if pack is not None and row.vector:
            features = _features(sources, None, row, event, pack, decision)
    known = registry.types.get(row.type)
    return DecisionView(
        seq=row.seq,
        handle=decision_id(row.seq),
        tenant=row.tenant,
        type=row.type,
        type_meaning=Text(known.en, known.zh) if known else Text("", ""),
        event_id=row.event_id,
        kind=row.kind,
        at_ms=row.at_ms,
        received_ms=row.received_ms,
        outcome=decision.outcome if decision else "",
        score=decision.score if decision else 0,
        thresholds=_thresholds(pack),
        inputs=_inputs(event, registry),  # (2)
        features=features,
        fired=fired,
        actions=decision.actions if decision else (),
        policy=row.policy,
        pack_name=f"{pack.name} {pack.version}" if pack else "",
        models=_models(pack, row.type),
        holding=holding,
        claims=claims,
        spoken=spoken,
        facts=_facts(row),
    )


def _decided(row: Row) -> Decision | None:
    if row.kind != DECIDED:
        return None
    try:
        return _decision(row.answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _event(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _facts(row: Row) -> Mapping[str, str]:
    if row.kind != NOTED:
        return {}
    try:
        return decode_happening(row.body).facts
    except msgspec.DecodeError:
        return {}


def _thresholds(pack: Pack | None) -> tuple[tuple[str, int], ...]:
    if pack is None:
        return ()
    verdict = pack.verdict
    return (
        ("challenge", verdict.challenge), ("review", verdict.review), ("deny", verdict.deny),
    )  # fmt: skip


def _models(pack: Pack | None, type_: str) -> tuple[ModelHash, ...]:
    if pack is None:
        return ()
    return tuple(ModelHash(one.name, one.model.hash) for one in pack.models if type_ in one.on)


def _inputs(event: Mapping[str, Any], registry: Registry) -> tuple[Input, ...]:
    """The fields in the order in which the registry declares them, unknown ones last."""
    places = {name: place for place, name in enumerate(registry.fields)}
    found = []
    for name in sorted(event, key=lambda name: (places.get(name, len(places)), name)):
        if name == "type":
            continue
        spec = registry.fields.get(name)
        entity = name if name in KINDS else ""
        if spec is None:
            found.append(Input(name, event[name], "", "", Text("", ""), entity))
        else:
            meaning = Text(spec.en, spec.zh)
            found.append(Input(name, event[name], spec.kind, spec.unit, meaning, entity))
    return tuple(found)


def _fired(decision: Decision | None, pack: Pack | None) -> tuple[Fired, ...]:
    if decision is None:
        return ()
    rules = {rule.id: rule for rule in pack.rules} if pack else {}
    return tuple(_one_fired(reason, rules.get(reason.rule)) for reason in decision.reasons)


def _one_fired(reason: Reason, rule: RuleSpec | None) -> Fired:
    if rule is None:
        return Fired(reason, "", "", "", reason.rule == GOVERNOR)
    return Fired(reason, rule.condition.text, rule.owner, rule.outcome or "", False)


# Features


def _features(
    sources: Sources,
    index: IndexReader | None,
    row: Row,
    event: Mapping[str, Any],
    pack: Pack,
    decision: Decision | None,
) -> tuple[Feature, ...]:
    """Those that have a value, unusual ones and those that rules read first."""
    try:
        vector = unpack_vector(row.vector, len(pack.features))
    except ValueError:
        return ()
    served = [
        (place, spec, value)
        for place, (spec, value) in enumerate(zip(pack.features, vector, strict=True))
        if not math.isnan(value) and not spec.is_text
    ]
    earlier = {} if index is None else _earlier(sources, index, row, event, pack, served)
    reading = _reading(decision, pack)
    base = pack.rates.base
    found = [
        _feature(spec, value, _normal(spec, place, earlier), base, reading.get(spec.name, ()))
        for place, spec, value in served
    ]
    return tuple(sorted(found, key=lambda one: (not one.read_by, not one.is_unusual, one.name)))


def _reading(decision: Decision | None, pack: Pack) -> Mapping[str, tuple[str, ...]]:
    """By feature, the rules that fired and read it."""
    ids = {reason.rule for reason in decision.reasons} if decision else set()
    found: dict[str, list[str]] = defaultdict(list)
    for rule in pack.rules:
        if rule.id in ids:
            for name in rule.condition.features:
                found[name].append(rule.id)
    return {name: tuple(rules) for name, rules in found.items()}


def _earlier(
    sources: Sources,
    index: IndexReader,
    row: Row,
    event: Mapping[str, Any],
    pack: Pack,
    served: Sequence[tuple[int, FeatureSpec, float]],
) -> dict[str, Sequence[tuple[float, ...]]]:
    """By kind, the vectors of the last earlier events of the same type that name the same entity."""
    weight: dict[str, int] = defaultdict(int)
    for _, spec, _ in served:
        if spec.by and spec.function not in _NOT_COMPARED:
            weight[spec.by[0]] += 1
    found: dict[str, Sequence[tuple[float, ...]]] = {}
    codes = index.codes_of(row.tenant, type_=row.type)
    journal = sources.journal()
    for kind in sorted(weight, key=lambda kind: -weight[kind])[:_MOST_KINDS]:
        value = event.get(kind)
        name = index.name(row.tenant, kind, value) if isinstance(value, str) else None
        if name is None:
            continue
        vectors = []
        for before in reversed(index.mentions(name.id, row.seq, EARLIER, codes)):
            old = journal.row(before.seq)
            # Under another pack a place of the vector may mean something else.
            if old is not None and old.policy == row.policy and old.vector:
                try:
                    vectors.append(unpack_vector(old.vector, len(pack.features)))
                except ValueError:
                    continue
        found[kind] = vectors
    return found


def _normal(
    spec: FeatureSpec, place: int, earlier: Mapping[str, Sequence[tuple[float, ...]]]
) -> Normal | None:
    if not spec.by or spec.function in _NOT_COMPARED:
        return None
    values = [v for one in earlier.get(spec.by[0], ()) if not math.isnan(v := one[place])]
    if len(values) < ENOUGH:
        return None
    low, middle, high = np.percentile(values, (5, 50, 95))
    return Normal(len(values), float(low), float(middle), float(high))


def _feature(
    spec: FeatureSpec, value: float, normal: Normal | None, base: str, read_by: tuple[str, ...]
) -> Feature:
    noun, shown = noun_and_form(spec, base)
    nothing = Text("", "")
    return Feature(
        spec.name,
        spec.by,
        noun,
        value,
        shown(value),
        normal,
        shown(normal.low) if normal else nothing,
        shown(normal.middle) if normal else nothing,
        shown(normal.high) if normal else nothing,
        normal is not None and not normal.low <= value <= normal.high,
        read_by,
    )


def _spoken(index: IndexReader, row: Row) -> tuple[Line, ...]:
    if not row.event_id:
        return ()
    name = index.name(row.tenant, SUBJECT, row.event_id)
    return () if name is None else lines_of(index, index.mentions(name.id, 0, _MOST_SPOKEN))
