"""Models on the path: what rules read beside the vector, and what weighed most in a score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kanhe.core.decision import Text
from kanhe.core.event import Event
from kanhe.judge.features.derivation import Derivation
from kanhe.judge.intake.group import types_of
from kanhe.judge.models.forest import Forest
from kanhe.judge.models.model import Model
from kanhe.judge.models.words import Sentence

LEAST_SHARE = 0.05
"""What raises the score by less than this share of all that raises it is not named."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """A model of a pack: the name by which rules read its score, and the event types it scores."""

    name: str
    on: tuple[str, ...]
    file: str
    model: Model


class _Ready:
    """One model with what is needed beside it on the path."""

    def __init__(
        self,
        spec: ScoredModel,
        place: int,
        columns: Sequence[int],
        width: int,
        sentences: Sequence[Sentence],
    ) -> None:
        self.on = frozenset(spec.on)
        self.place = place
        self.forest = Forest(spec.model)
        self.columns = self.forest.columns(columns, width)
        self.places = list(columns)
        self.sentences = sentences
        self._asked: memoryview | None = None
        self._because: tuple[Text, ...] = ()

    def score(self, types: Sequence[str], wide: Floats) -> None:
        """Write the scores of those rows whose event type the model is for, in one call."""
        on = self.on
        if on.issuperset(types):
            wide[:, self.place] = self.forest.scores(wide, self.columns)
            return
        rows = [n for n, name in enumerate(types) if name in on]
        if rows:
            wide[rows, self.place] = self.forest.scores(wide[rows], self.columns)

    def because(self, row: memoryview) -> tuple[Text, ...]:
        """The inputs that raised the score most, the heaviest first."""
        # Several rules that read the score of one event hand over the same view of its row.
        if row is not self._asked:
            heaviest = self.forest.weighed(row, self.columns, LEAST_SHARE)
            said = [self.sentences[n](row[self.places[n]]) for n in heaviest]
            self._because = tuple(dict.fromkeys(said))
            self._asked = row
        return self._because


class Scoring:
    """Derived numbers and scores, put beside the vectors of a group of events.

    `sentences` gives, for each name a model may read and its usual value, what is said of a value. Not to be used
    from several threads at once.
    """

    def __init__(
        self,
        derivation: Derivation,
        models: Sequence[ScoredModel],
        sentences: Callable[[str, float | None], Sentence],
    ) -> None:
        first = len(derivation.index)
        self.scores = tuple(spec.name for spec in models)
        self.index = derivation.index | {name: first + n for n, name in enumerate(self.scores)}
        """Where each feature, derived number and score stands in a wide row."""
        self._derivation = derivation
        self._ready = {
            spec.name: _Ready(
                spec,
                self.index[spec.name],
                [derivation.index[name] for name in spec.model.input_names],
                len(self.index),
                [sentences(one.name, one.spread.typical) for one in spec.model.inputs],
            )
            for spec in models
        }

    def widened(self, events: Sequence[Event], vectors: Floats) -> Floats:
        """The vectors with everything beside them: a row of float64 per event, NaN: missing."""
        wide = self._derivation.widened(events, vectors, len(self.scores))
        if self._ready:
            types = types_of(events)
            for ready in self._ready.values():
                ready.score(types, wide)
        return wide

    def because(self, names: Sequence[str], event: Event, row: memoryview) -> tuple[Text, ...]:
        """What weighed most in the scores of these models, for one event and its wide row."""
        several = [
            self._ready[name].because(row) for name in names if event.type in self._ready[name].on
        ]
        if len(several) == 1:
            return several[0]
        return tuple(dict.fromkeys(text for texts in several for text in texts))

    def warm(self) -> None:
        """Have the kernel's machine code in place before the first event waits for it."""
        for ready in self._ready.values():
            ready.forest.warm()
