"""Rules as one generated function per event type.

Only text written by `codegen` from checked expressions is compiled here, never text of a policy.
Each rule runs in a `try` of its own, which costs nothing while nothing is raised: a rule that fails
gives a signal that says so, and its neighbours go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kanhe.core.decision import Action, Signal, Text
from kanhe.core.event import Event
from kanhe.core.money import Rates
from kanhe.judge.intake.registry import Registry
from kanhe.judge.language.codegen import RUNTIME, Naming, python_with
from kanhe.judge.language.scope import AMOUNT_BASE
from kanhe.judge.rules.declare import ActionSpec, RuleSpec
from kanhe.judge.rules.reasons import writer_of

Listed = Callable[[str, str], bool]
"""Says whether a value stands in the list of that name, for the event's tenant and time."""

ERROR_MAX = 200
"""How many characters of an error are kept in a signal."""

_Run = Callable[[Event, Sequence[float], Listed], list[Signal]]


class RuleSet:
    """Compiled rules; made by `compile_rules`."""

    def __init__(self, functions: Mapping[str, _Run], texts: Mapping[str, str]) -> None:
        self._functions = dict(functions)
        self.texts = dict(texts)
        """The generated Python text per event type, for people who want to look."""

    def evaluate(self, event: Event, vector: Sequence[float], listed: Listed) -> list[Signal]:
        """The signals of the rules that fired or failed, in the order of declaration.

        `vector` holds one float per declared feature, NaN where it is missing.
        """
        run = self._functions.get(event.type)
        return [] if run is None else run(event, vector, listed)


def compile_rules(
    specs: Sequence[RuleSpec],
    registry: Registry,
    feature_index: Mapping[str, int],
    rates: Rates,
    text_code: Callable[[str], float],
) -> RuleSet:
    """Compile rules for a vector laid out by `feature_index`.

    `text_code` gives the number by which the vector remembers a text.
    """
    functions: dict[str, _Run] = {}
    texts: dict[str, str] = {}
    for event_type in dict.fromkeys(name for spec in specs for name in spec.on):
        own = [spec for spec in specs if event_type in spec.on]
        writer = _FunctionWriter(own, frozenset(registry.required_of(event_type)), feature_index)
        texts[event_type] = writer.text(text_code)
        names: dict[str, Any] = {
            **RUNTIME,
            "__builtins__": {"Exception": Exception},
            "to_base": rates.to_base,
            "text_code": text_code,
        }
        for number, spec in enumerate(own):
            names[f"fired_{number}"] = _fired(spec, feature_index, rates)
            names[f"failed_{number}"] = _failed(spec)
        exec(compile(texts[event_type], f"<rules of {event_type}>", "exec"), names)
        functions[event_type] = names["run"]
    return RuleSet(functions, texts)


class _FunctionWriter:
    """Writes the function of one event type."""

    def __init__(
        self, specs: Sequence[RuleSpec], required: frozenset[str], index: Mapping[str, int]
    ) -> None:
        self.specs = specs
        self.required = required
        self.index = index
        self.features = {name for spec in specs for name in spec.condition.features}
        uses = Counter(name for spec in specs for name in spec.condition.fields)
        # A field that one rule uses is cheaper left on the event: the rule may never get to it.
        self.shared = {name for name, count in uses.items() if count > 1} - {AMOUNT_BASE}
        self.converts = AMOUNT_BASE in uses

    def text(self, text_code: Callable[[str], float]) -> str:
        """The text of `run(e, v, listed)`."""
        names = Naming(
            field=lambda name: f"x_{name}" if name in self.shared else f"e.{name}",
            feature=lambda name: f"f_{name}",
            required=self.required,
            amount_base="x_amount_base" if self.converts else "",
            text_code=text_code,
        )
        lines = ["def run(e, v, listed):", *self._opening(), "    signals = []"]
        for number, spec in enumerate(self.specs):
            lines += [
                "    try:",
                f"        if {python_with(spec.condition, names)}:",
                f"            signals.append({self._signal(number, spec)})",
                "    except Exception as error:",
                f"        signals.append(failed_{number}(error))",
            ]
        return "\n".join([*lines, "    return signals", ""])

    def _opening(self) -> list[str]:
        """Local variables for what the rules use."""
        lines = [f"    x_{name} = e.{name}" for name in sorted(self.shared)]
        if self.converts:
            lines.append("    x_amount_base = to_base(e.amount_minor, e.currency)")
        if 4 * len(self.features) >= len(self.index):
            # Taking the whole vector apart at once is cheaper than element by element.
            by_place = {place: name for name, place in self.index.items()}
            names = [self._local(by_place[place]) for place in range(len(by_place))]
            return [*lines, f"    {', '.join(names)}, = v"] if self.features else lines
        return lines + [f"    f_{name} = v[{self.index[name]}]" for name in sorted(self.features)]

    def _local(self, name: str) -> str:
        return f"f_{name}" if name in self.features else "_"

    def _signal(self, number: int, spec: RuleSpec) -> str:
        return f"fired_{number}(e, v)" if _varies(spec) else f"fired_{number}"


def _varies(spec: RuleSpec) -> bool:
    """Whether the rule's signal depends on the event."""
    return bool(spec.en.places or spec.zh.places or any(a.value_of for a in spec.actions))


def _fired(
    spec: RuleSpec, index: Mapping[str, int], rates: Rates
) -> Signal | Callable[[Event, Sequence[float]], Signal]:
    """The signal of a rule, or the function that makes it for one event."""
    if not _varies(spec):
        reason = Text(spec.en.plain, spec.zh.plain)
        actions = tuple(Action(a.kind, a.what, "", a.for_ms) for a in spec.actions)
        return Signal(spec.id, spec.points, reason, spec.outcome, actions, spec.tags)
    en, zh = (writer_of(sentence, index, rates) for sentence in (spec.en, spec.zh))

    def fired(event: Event, vector: Sequence[float]) -> Signal:
        reason = Text(en(event, vector), zh(event, vector))
        made = (_action(action, event) for action in spec.actions)
        actions = tuple(action for action in made if action is not None)
        return Signal(spec.id, spec.points, reason, spec.outcome, actions, spec.tags)

    return fired


def _action(spec: ActionSpec, event: Event) -> Action | None:
    """The action for one event; none if the value to be listed is missing."""
    if not spec.value_of:
        return Action(spec.kind, spec.what, "", spec.for_ms)
    value = getattr(event, spec.value_of)
    return None if value is None else Action(spec.kind, spec.what, value, spec.for_ms)


def _failed(spec: RuleSpec) -> Callable[[Exception], Signal]:
    """The function that makes the signal of a rule that raised."""

    def failed(error: Exception) -> Signal:
        said = f"{type(error).__name__}: {error}"[:ERROR_MAX]
        reason = Text(f"This rule could not be evaluated ({said})", f"该规则未能执行（{said}）")
        return Signal(spec.id, 0, reason, tags=spec.tags, error=said)

    return failed
