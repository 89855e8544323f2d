"""What a rule says once it fires, as generated text that makes its signal in place.

A signal that is the same for every event is made once. Of every other, only what differs is made
anew: values that stand in both sentences are written out once, and whatever never changes is a
constant. As in conditions, no text of a policy is compiled: sentences, tags and actions come in as
values under names of our own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from kanhe.core.decision import Action, Signal, Text
from kanhe.core.event import Event
from kanhe.core.money import Rates
from kanhe.judge.rules.declare import ActionSpec, RuleSpec
from kanhe.judge.rules.reasons import WRITERS, Sentence, written


class Explains(Protocol):
    """Whatever knows why models gave the scores they gave."""

    @property
    def scores(self) -> Collection[str]:
        """The names of the models."""

    def because(self, names: Sequence[str], event: Event, row: memoryview) -> tuple[Text, ...]:
        """What weighed most in the scores of these models, for one event and its wide row."""


class SignalText(NamedTuple):
    """Generated text that makes a signal of the event `e` and the row `v`."""

    lines: list[str]
    """What has to be assigned first."""
    expression: str
    """The signal itself."""
    names: dict[str, Any]
    """What the text names, beside what `runtime_of` has."""


def runtime_of(rates: Rates) -> dict[str, Any]:
    """The names that the text of every signal may use."""
    return {**WRITERS, "Signal": Signal, "Text": Text, "to_base": rates.to_base, "base": rates.base}


def signal_text(
    spec: RuleSpec, number: int, index: Mapping[str, int], explains: Explains | None
) -> SignalText:
    """The text for one rule; `number` tells its names from those of other rules, and `index` gives
    the place of each feature in the row."""
    read = sorted(spec.condition.features.intersection(explains.scores)) if explains else []
    lists = any(action.value_of for action in spec.actions)
    if not (read or lists or spec.en.places or spec.zh.places):
        return SignalText([], f"signal_{number}", {f"signal_{number}": _constant(spec)})
    names: dict[str, Any] = {f"tags_{number}": spec.tags}
    lines, reason = _reason(spec, number, index, names)
    actions = f"actions_{number}"
    names[actions] = _actions_of(spec) if lists else _fixed(spec)
    parts = [
        repr(spec.id),
        repr(spec.points),
        reason,
        repr(spec.outcome),
        f"{actions}(e)" if lists else actions,
        f"tags_{number}",
    ]
    if explains and read:
        names[f"because_{number}"] = lambda event, row: explains.because(read, event, row)
        parts += ["''", f"because_{number}(e, v)"]
    return SignalText(lines, f"Signal({', '.join(parts)})", names)


def _reason(
    spec: RuleSpec, number: int, index: Mapping[str, int], names: dict[str, Any]
) -> tuple[list[str], str]:
    """The assignments and the text of the reason in both languages."""
    values: dict[str, str] = {}
    told = [
        _told(sentence, f"{sentence.language}_{number}", index, values, names)
        for sentence in (spec.en, spec.zh)
    ]
    lines = [f"{local} = {value}" for value, local in values.items()]
    return lines, f"Text({', '.join(told)})"


def _told(
    sentence: Sentence,
    name: str,
    index: Mapping[str, int],
    values: dict[str, str],
    names: dict[str, Any],
) -> str:
    """The text of one sentence; `values` are the values written out so far, with their variables."""
    if not sentence.places:
        names[name] = sentence.plain
        return name
    names[name] = "".join(
        part.replace("%", "%%") if isinstance(part, str) else "%s" for part in sentence.parts
    )
    locals_ = [
        values.setdefault(written(place, sentence.language, index), f"p{len(values)}")
        for place in sentence.places
    ]
    return f"{name} % ({', '.join(locals_)},)"


def _constant(spec: RuleSpec) -> Signal:
    reason = Text(spec.en.plain, spec.zh.plain)
    return Signal(spec.id, spec.points, reason, spec.outcome, _fixed(spec), spec.tags)


def _fixed(spec: RuleSpec) -> tuple[Action, ...]:
    """The actions of a rule that are the same for every event."""
    return tuple(Action(a.kind, a.what, "", a.for_ms) for a in spec.actions)


def _actions_of(spec: RuleSpec) -> Any:
    """What makes the actions of a rule that depend on the event."""

    def actions(event: Event) -> tuple[Action, ...]:
        made = (_action(action, event) for action in spec.actions)
        return tuple(action for action in made if action is not None)

    return actions


def _action(spec: ActionSpec, event: Event) -> Action | None:
    """The action for one event; none if the value to be listed is missing."""
    if not spec.value_of:
        return Action(spec.kind, spec.what, "", spec.for_ms)
    value = getattr(event, spec.value_of)
    return None if value is None else Action(spec.kind, spec.what, value, spec.for_ms)
