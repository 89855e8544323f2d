"""What a model learns from, and is measured on: rows of numbers with what turned out to be true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from kanhe.core.errors import KanheError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.str_]

UNKNOWN = -1
"""What stands for a label that nobody knows."""


class LearningError(KanheError):
    """Nothing can be learned or measured here; says what is missing and what to do."""


@dataclass(frozen=True)
class Rows:
    """Events with their inputs and labels, in any order. All arrays have one entry per event.

    `inputs` has one column per name in `names`, NaN where a value is missing; `label` is 1, 0 or
    `UNKNOWN`; `at_ms` says when the event happened. `groups` parts people for fairness: by name, a
    text per event, empty where it is not known.
    """

    names: tuple[str, ...]
    inputs: Floats
    label: Ints
    at_ms: Ints
    groups: Mapping[str, Texts] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.label)

    @property
    def positives(self) -> int:
        """How many labels are 1."""
        return int((self.label == 1).sum())

    def only(self, which: Bools | Ints) -> Rows:
        """Some of the rows: those for which `which` holds, or those whose places it names."""
        return Rows(
            self.names,
            self.inputs[which],
            self.label[which],
            self.at_ms[which],
            {name: values[which] for name, values in self.groups.items()},
        )

    def labelled(self) -> Rows:
        """The rows whose label is known, in the order of their times (ties as they stood)."""
        order = np.argsort(self.at_ms, kind="stable")
        return self.only(order[self.label[order] != UNKNOWN])

    def varying(self) -> Rows:
        """The same rows without the columns that tell no two of them apart: one value, or none, in all.

        Raises `LearningError` if no column is left.
        """
        first = self.inputs[:1]
        same = (self.inputs == first) | (np.isnan(self.inputs) & np.isnan(first))
        kept = np.flatnonzero(~same.all(axis=0))
        if not len(kept):
            raise LearningError(
                f"every number is the same in all of the {len(self)} rows: there is nothing to tell"
                " apart; widen the time, or take other types of events"
            )
        return replace(
            self,
            names=tuple(self.names[n] for n in kept),
            inputs=np.ascontiguousarray(self.inputs[:, kept]),
        )

    def need_both(self, what: str) -> None:
        """Raise `LearningError` unless there are positive and negative labels; `what` names the rows."""
        if not len(self):
            raise LearningError(
                f"there is no labelled row in {what}; widen its time, or wait until labels are in"
            )
        if not self.positives:
            raise LearningError(
                f"no positive label in {what} ({len(self)} rows): there is nothing to tell apart;"
                " widen its time, or say with --positive which verdicts count"
            )
        if self.positives == len(self):
            raise LearningError(
                f"every label in {what} is positive ({len(self)} rows): there is nothing to tell"
                " apart; take the events that were not fraud into it too"
            )

    def numbers_of(self, names: tuple[str, ...]) -> Floats:
        """The columns of these names in their order. Raises `LearningError` for one that is not here."""
        place = {name: n for n, name in enumerate(self.names)}
        if missing := [name for name in names if name not in place]:
            raise LearningError(
                f"the model reads {', '.join(missing[:5])}"
                + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
                + ", which these rows do not hold: the model was made for other features; build the"
                " rows under the pack it was trained for, or train it anew"
            )
        if names == self.names:
            return self.inputs
        return np.ascontiguousarray(self.inputs[:, [place[name] for name in names]])


def rows_of(
    numbers: Mapping[str, Floats],
    label: Sequence[int | None],
    at_ms: Sequence[int],
    country: Sequence[str | None],
    new_buyer: Sequence[bool | None],
) -> Rows:
    """Rows of the columns of a training set, parted for fairness by country and by new and returning
    buyers."""
    buyer = {True: "new", False: "returning", None: ""}
    return Rows(
        names=tuple(numbers),
        inputs=np.column_stack(list(numbers.values())) if numbers else np.empty((len(label), 0)),
        label=np.array([UNKNOWN if one is None else one for one in label], dtype=np.int64),
        at_ms=np.array(at_ms, dtype=np.int64),
        groups={
            "country": np.array([one or "" for one in country], dtype=np.str_),
            "buyer": np.array([buyer[one] for one in new_buyer], dtype=np.str_),
        },
    )
