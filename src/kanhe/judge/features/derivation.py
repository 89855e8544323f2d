"""Derived numbers as generated functions, and the wide rows in which rules and models find them.

A wide row is a vector with more beside it: first the features in their order, then the derived
numbers, then whatever else is made room for. Live, in a replay and for a training set, the same
function writes it from the same event and the same vector, so there is nothing to drift apart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kanhe.core.event import Event
from kanhe.core.money import Rates
from kanhe.judge.features.derived import DerivedSpec
from kanhe.judge.intake.group import types_of
from kanhe.judge.language.codegen import RUNTIME, Naming, naming, python_with
from kanhe.judge.language.tree import Type

Floats = npt.NDArray[np.float64]

_Derive = Callable[[Event, memoryview], None]
"""Writes the derived numbers of one event into its wide row."""

_MOST = "1.7976931348623157e308"


class Derivation:
    """The derived numbers of a pack, compiled; `index` gives each name's place in a wide row.

    `features` are the names of the vector in their order. `required` names the fields of each event
    type that are never left out, `text_code` gives the number by which the vector remembers a text.
    """

    def __init__(
        self,
        specs: Sequence[DerivedSpec],
        features: Sequence[str],
        required: Mapping[str, Collection[str]],
        rates: Rates,
        text_code: Callable[[str], float],
    ) -> None:
        self.specs = tuple(specs)
        self.features = len(features)
        self.index = {name: place for place, name in enumerate(features)}
        self.index |= {spec.name: self.features + n for n, spec in enumerate(specs)}
        self.texts: dict[str, str] = {}
        """The generated Python text per event type, for people who want to look."""
        self._derive: dict[str, _Derive] = {}
        for event_type in dict.fromkeys(name for spec in specs for name in spec.types):
            names = naming(index=self.index, required=required[event_type], text_code=text_code)
            own = [spec for spec in specs if event_type in spec.types]
            self.texts[event_type] = _text(own, self.index, names)
            space: dict[str, Any] = {
                **RUNTIME,
                "__builtins__": {"ArithmeticError": ArithmeticError},
                "to_base": rates.to_base,
                "text_code": text_code,
            }
            exec(compile(self.texts[event_type], f"<numbers of {event_type}>", "exec"), space)
            self._derive[event_type] = space["derive"]

    def widened(self, events: Sequence[Event], vectors: Floats, room: int = 0) -> Floats:
        """A wide row for each event, with `room` more places at the end; NaN: missing.

        `vectors` has one row per event and one float64 per feature. Where there is nothing to add,
        they are returned as they are.
        """
        width = len(self.index) + room
        if vectors.shape != (len(events), self.features):
            raise ValueError(
                f"vectors of the shape {vectors.shape} are not those of {len(events)} events with"
                f" {self.features} features each"
            )
        if width == self.features:
            return vectors
        wide = np.empty((len(events), width), dtype=np.float64)
        wide[:, : self.features] = vectors
        wide[:, self.features :] = np.nan
        if self._derive:
            rows, start = memoryview(wide.reshape(-1).data), 0
            for place, event_type in enumerate(types_of(events)):
                derive = self._derive.get(event_type)
                if derive is not None:
                    derive(events[place], rows[start : start + width])
                start += width
        return wide

    def matrix(self, names: Sequence[str], events: Sequence[Event], vectors: Floats) -> Floats:
        """One column for each of the names (features or derived numbers), in their order.

        For training sets: event by event the numbers that the live path sees. Raises `KeyError` for
        a name that is not in `index`.
        """
        places = [self.index[name] for name in names]
        return np.ascontiguousarray(self.widened(events, vectors)[:, places])


def _text(specs: Sequence[DerivedSpec], index: Mapping[str, int], names: Naming) -> str:
    """The text of `derive(e, v)`; what cannot be computed stays missing, and its neighbours stand."""
    lines = ["def derive(e, v):"]
    for spec in specs:
        text = python_with(spec.expression, names)
        place = index[spec.name]
        if spec.expression.type is Type.BOOL:
            made = [f"v[{place}] = 1.0 if {text} else 0.0"]
        else:
            # What is no finite number is missing.
            made = [f"x = {text}", f"if -{_MOST} <= x <= {_MOST}: v[{place}] = x"]
        lines += ["    try:", *(f"        {line}" for line in made)]
        lines += ["    except ArithmeticError:", "        pass"]
    return "\n".join([*lines, ""])
