"""The things of a baseline, counted again day by day as rows come in.

Days are those of `at_ms`, UTC: what happened on a day is held against what happened before, whenever
it arrived. At most `KEPT_DAYS` are kept, so memory does not grow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from kanhe.core.time import DAY_MS
from kanhe.learn.drift.baseline import OUTCOMES, Baseline, Measure
from kanhe.learn.drift.measure import Counts, Floats, counted

KEPT_DAYS = 90
_PLACE = {name: place for place, name in enumerate(OUTCOMES)}


class Watch:
    """Counts of the measures of one baseline, by day."""

    def __init__(self, baseline: Baseline, names: Sequence[str]) -> None:
        """`names` say what the columns of numbers are; those of the baseline must be among them."""
        self.baseline = baseline
        self._columns = {name: place for place, name in enumerate(names)}
        self._numbers: dict[str, list[tuple[int, Measure]]] = {}
        self._outcomes: dict[str, int] = {}
        self._rules: dict[str, int] = {}
        for n, measure in enumerate(baseline.measures):
            if measure.kind == "number":
                self._numbers.setdefault(measure.type, []).append((n, measure))
            elif measure.kind == "outcome":
                self._outcomes[measure.type] = n
            else:
                self._rules[measure.name] = n
        self._days: dict[int, dict[int, Counts]] = {}

    @property
    def types(self) -> frozenset[str]:
        """The event types whose numbers are counted."""
        return frozenset(self._numbers)

    def take(
        self, event_type: str, at_ms: Counts, numbers: Floats, outcomes: Sequence[str]
    ) -> None:
        """Count events of one type: a row of numbers, a time and an outcome for each."""
        days = at_ms // DAY_MS
        for day in np.unique(days).tolist():
            of_day = days == day
            some = numbers[of_day]
            for n, measure in self._numbers.get(event_type, ()):
                values = some[:, self._columns[measure.name]]
                self._add(day, n, counted(values, measure.edges))
            if (place := self._outcomes.get(event_type)) is not None:
                counts = np.zeros(len(OUTCOMES), dtype=np.int64)
                for row in np.flatnonzero(of_day).tolist():
                    if outcomes[row] in _PLACE:
                        counts[_PLACE[outcomes[row]]] += 1
                self._add(day, place, counts)

    def take_rules(self, day: int, asked: Counter[str], fired: Counter[str]) -> None:
        """Count how many events of a day each rule was asked about, and for how many it fired."""
        for rule, place in self._rules.items():
            if n := asked[rule]:
                self._add(day, place, np.array([fired[rule], n - fired[rule]], dtype=np.int64))

    def _add(self, day: int, place: int, counts: Counts) -> None:
        of_day = self._days.setdefault(day, {})
        of_day[place] = of_day[place] + counts if place in of_day else counts
        if len(self._days) > KEPT_DAYS:
            del self._days[min(self._days)]

    def days(self, place: int) -> list[tuple[int, Counts]]:
        """The counts of one measure by day (since 1970), in order; days without events are left out."""
        return [
            (day, of_day[place]) for day, of_day in sorted(self._days.items()) if place in of_day
        ]
