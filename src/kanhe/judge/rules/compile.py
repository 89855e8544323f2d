"""Rules as generated functions, asked only where the screen leaves them.

Only text written by `codegen` and `signals` from checked rules is compiled here, never text of a policy.
Rules that demand something of a feature get a function each, called for the events for which
`screen` does not rule them out; all others of an event type share one function, called for every
event for which not all of them are ruled out. Each rule runs in a `try` of its own, which costs
nothing while nothing is raised: a rule that fails gives a signal that says so, and its neighbours go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from kanhe.core.decision import Signal, Text
from kanhe.core.event import Event
from kanhe.core.money import Rates
from kanhe.judge.intake.cells import Cells
from kanhe.judge.intake.group import types_of
from kanhe.judge.intake.registry import Registry
from kanhe.judge.language.codegen import RUNTIME, Naming, naming, python_with
from kanhe.judge.language.scope import AMOUNT_BASE
from kanhe.judge.rules.declare import RuleSpec
from kanhe.judge.rules.guards import Numbers, guards_of, on_features
from kanhe.judge.rules.screen import Guarded, Left, Screen
from kanhe.judge.rules.signals import Explains, SignalText, runtime_of, signal_text

Listed = Callable[[str, str], bool]
"""Says whether a value stands in the list of that name, for the event's tenant and time."""

ERROR_MAX = 200
"""How many characters of an error are kept in a signal."""


class Beside(Explains, Protocol):
    """What rules read beside the vector: derived numbers, and the scores of models."""

    def widened(
        self, events: Sequence[Event], vectors: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """The vectors of a group with everything beside them: a row of float64 per event."""

    def warm(self) -> None:
        """Have all machine code in place."""


_Values = memoryview
_Ask = Callable[[Event, _Values, Listed, list[Signal]], None]
"""Adds the signals of one rule, or of several, for one event and its vector."""


class _OfType(NamedTuple):
    """The rules of one event type."""

    shared: _Ask | None
    """Asks all the others."""
    single: Mapping[int, _Ask]
    """Asks one rule that has a function of its own, by its number."""
    number: Mapping[str, int]
    """The place of each rule in the order of declaration."""


class Screened:
    """The vectors of a group of events, with the rules that are left for each of them."""

    __slots__ = ("_ends", "_left", "_values", "_width", "asks", "shared", "types")

    def __init__(self, types: Sequence[str], vectors: npt.NDArray[np.float64], left: Left) -> None:
        self.types = types
        """The type of each event."""
        self._width = vectors.shape[1]
        self._values = memoryview(vectors.reshape(-1).data)
        self._left, self._ends, self.shared, self.asks = left

    def left(self, place: int) -> Sequence[int]:
        """The numbers of the screened rules that are left for the event at this place."""
        return self._left[self._ends[place - 1] if place else 0 : self._ends[place]]

    def values(self, place: int) -> memoryview:
        """The vector of the event at this place, as Python floats when read."""
        begin = place * self._width
        return self._values[begin : begin + self._width]


class RuleSet:
    """Compiled rules; made by `compile_rules`."""

    def __init__(
        self,
        types: Mapping[str, _OfType],
        screen: Screen,
        texts: Mapping[str, str],
        beside: Beside | None = None,
    ) -> None:
        self._beside = beside
        self._types = dict(types)
        self._screen = screen
        self.texts = dict(texts)
        """The generated Python text per event type, for people who want to look."""

    def warm(self) -> None:
        """Have all machine code in place before the first event waits for it."""
        self._screen.warm()
        if self._beside is not None:
            self._beside.warm()

    def screen(
        self,
        events: Sequence[Event],
        vectors: npt.NDArray[np.float64],
        cells: Cells | None = None,
        rows: Sequence[int] = (),
    ) -> Screened:
        """Pass over the rules that cannot fire, for a group of events at once.

        `vectors` has one row per event and one float64 per declared feature, NaN where it is missing.
        Derived numbers and the scores of models are put beside them first. Where the events have
        `cells`, `rows` says which; fewer rules are left then.
        """
        if self._beside is not None:
            vectors = self._beside.widened(events, vectors)
        types = types_of(events)
        return Screened(types, vectors, self._screen.pass_over(types, vectors, cells, rows))

    def evaluate(self, event: Event, vector: Sequence[float], listed: Listed) -> list[Signal]:
        """The signals of one event by itself; see `signals`."""
        screened = self.screen([event], np.array([vector], dtype=np.float64))
        return self.signals(event, screened, 0, listed)

    def signals(self, event: Event, screened: Screened, place: int, listed: Listed) -> list[Signal]:
        """The signals of the rules that fired or failed, in the order of declaration.

        `place` is the event's among those that were screened.
        """
        signals: list[Signal] = []
        if not screened.asks[place]:
            return signals
        rules = self._types[screened.types[place]]
        values = screened.values(place)
        shared = rules.shared if screened.shared[place] else None
        if shared is not None:
            shared(event, values, listed, signals)
        left = screened.left(place)
        for number in left:
            rules.single[number](event, values, listed, signals)
        if left and shared is not None and len(signals) > 1:
            signals.sort(key=lambda signal: rules.number[signal.rule])
        return signals


def compile_rules(
    specs: Sequence[RuleSpec],
    registry: Registry,
    feature_index: Mapping[str, int],
    rates: Rates,
    text_code: Callable[[str], float],
    beside: Beside | None = None,
) -> RuleSet:
    """Compile rules for rows laid out by `feature_index`: vectors, or what `beside` makes of them.

    `text_code` gives the number by which the vector remembers a text.
    """
    types: dict[str, _OfType] = {}
    screened: dict[str, list[Guarded]] = {}
    texts: dict[str, str] = {}
    for event_type in dict.fromkeys(name for spec in specs for name in spec.on):
        own = [spec for spec in specs if event_type in spec.on]
        numbers = Numbers(feature_index, registry.fields_of(event_type), text_code)
        guarded = screened[event_type] = [_guarded(spec, numbers) for spec in own]
        signals = [signal_text(spec, n, feature_index, beside) for n, spec in enumerate(own)]
        writer = _FunctionWriter(
            own,
            [rule.alone for rule in guarded],
            frozenset(registry.required_of(event_type)),
            feature_index,
            text_code,
            signals,
        )
        texts[event_type] = writer.text()
        names: dict[str, Any] = {
            **RUNTIME,
            **runtime_of(rates),
            "__builtins__": {"Exception": Exception},
            "text_code": text_code,
        }
        for number, spec in enumerate(own):
            names |= signals[number].names
            names[f"failed_{number}"] = _failed(spec)
        exec(compile(texts[event_type], f"<rules of {event_type}>", "exec"), names)
        types[event_type] = _OfType(
            names.get("shared"),
            {n: names[f"rule_{n}"] for n in range(len(own)) if f"rule_{n}" in names},
            {spec.id: number for number, spec in enumerate(own)},
        )
    return RuleSet(types, Screen(screened, len(feature_index)), texts, beside)


def _guarded(spec: RuleSpec, numbers: Numbers) -> Guarded:
    """How the screen sees a rule. It is worth a call of its own where features alone can rule it out,
    as they can for every event."""
    guards = guards_of(spec.condition.node, numbers)
    return Guarded(guards, any(map(on_features, guards)))


class _FunctionWriter:
    """Writes the functions of one event type."""

    def __init__(
        self,
        specs: Sequence[RuleSpec],
        alone: Sequence[bool],
        required: frozenset[str],
        index: Mapping[str, int],
        text_code: Callable[[str], float],
        signals: Sequence[SignalText],
    ) -> None:
        self.signals = signals
        self.numbered = list(enumerate(specs))
        self.alone = alone
        self.required = required
        self.index = index
        self.text_code = text_code
        together = [spec for number, spec in self.numbered if not alone[number]]
        self.features = {name for spec in together for name in spec.condition.features}
        uses = Counter(name for spec in together for name in spec.condition.fields)
        # A field that one rule uses is cheaper left on the event: the rule may never get to it.
        self.fields = {name for name, count in uses.items() if count > 1} - {AMOUNT_BASE}
        self.converts = AMOUNT_BASE in uses

    def text(self) -> str:
        """The text of `shared(e, v, listed, signals)`, if need be, and of each `rule_…`."""
        return "\n".join([*self._shared(), *self._single(), ""])

    def _shared(self) -> list[str]:
        lines: list[str] = []
        names = Naming(
            field=lambda name: f"x_{name}" if name in self.fields else f"e.{name}",
            feature=lambda name: f"f_{name}",
            required=self.required,
            amount_base="x_amount_base" if self.converts else "",
            text_code=self.text_code,
        )
        for number, spec in self.numbered:
            if not self.alone[number]:
                lines += self._rule(number, spec, names)
        if not lines:
            return []
        return ["def shared(e, v, listed, signals):", *self._opening(), *lines]

    def _single(self) -> list[str]:
        names = naming(index=self.index, required=self.required, text_code=self.text_code)
        lines: list[str] = []
        for number, spec in self.numbered:
            if self.alone[number]:
                lines.append(f"def rule_{number}(e, v, listed, signals):")
                lines += self._rule(number, spec, names)
        return lines

    def _rule(self, number: int, spec: RuleSpec, names: Naming) -> list[str]:
        signal = self.signals[number]
        return [
            "    try:",
            f"        if {python_with(spec.condition, names)}:",
            *(f"            {line}" for line in signal.lines),
            f"            signals.append({signal.expression})",
            "    except Exception as error:",
            f"        signals.append(failed_{number}(error))",
        ]

    def _opening(self) -> list[str]:
        """Local variables for what the rules of `shared` use."""
        lines = [f"    x_{name} = e.{name}" for name in sorted(self.fields)]
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


def _failed(spec: RuleSpec) -> Callable[[Exception], Signal]:
    """The function that makes the signal of a rule that raised."""

    def failed(error: Exception) -> Signal:
        said = f"{type(error).__name__}: {error}"[:ERROR_MAX]
        reason = Text(f"This rule could not be evaluated ({said})", f"该规则未能执行（{said}）")
        return Signal(spec.id, 0, reason, tags=spec.tags, error=said)

    return failed
