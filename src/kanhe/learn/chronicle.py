"""Old events and what turned out to be true of them, put in the order in which a shop came to know.

(1) Events and labels are taken up in any order, from any number of tables.
(2) They are sorted by the time at which each was known: an event at its own time, a label at its
    own, which is later. At the same millisecond labels go first, then what was taken up first.
(3) They go through the kernel in that order, group by group, and the vectors of those asked for are
    kept. So a feature sees the labels that were in, and no others.

Events are kept as their canonical bodies, because a typed event takes four times as much memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from kanhe.core.event import Arrival, Event
from kanhe.judge.features.layout import GROUP
from kanhe.learn.rows import Bools, Floats, Ints, LearningError
from kanhe.record.labels import LABEL

Told = Callable[[int, int], None]
"""Called now and then with events done and events to do."""

_TELL_EVERY = 64


class Truth(NamedTuple):
    """The events that are asked about, in the order of their times, one entry each."""

    at_ms: Ints
    entity: Ints
    """A number that stands for the entity by which they are told apart, from 0 on as they appear."""
    label: Ints
    """1 if a label with a positive verdict was ever assigned, else 0."""
    known_ms: Ints
    """When that label was assigned; of no account without one."""


class Chronicle:
    """What was taken up so far. `kind` is the type of the events asked about, `entity` the field by
    which they are told apart, `positive` the verdicts that count as label 1."""

    def __init__(self, kind: str, entity: str, positive: frozenset[str]) -> None:
        self.kind = kind
        self.entity = entity
        self.positive = positive
        self._at_ms: list[int] = []
        self._bodies: list[bytes] = []
        self._places: dict[str, int] = {}
        self._entities: dict[str, int] = {}
        self._of: dict[int, int] = {}
        self._labels: list[tuple[str, str, int]] = []

    def __len__(self) -> int:
        return len(self._bodies)

    def take(self, arrival: Arrival, where: str) -> None:
        """Take up one event (1); `where` says where it stands. Raises `LearningError`."""
        event = arrival.event
        place = len(self._bodies)
        if event.type == self.kind:
            name = getattr(event, self.entity)
            if name is None:
                raise LearningError(f"{where}: the event names no {self.entity}; see the mapping")
            if event.id in self._places:
                raise LearningError(
                    f"{where}: there is another event with the id {event.id}; every row needs an id of"
                    " its own: see the mapping"
                )
            self._places[event.id] = place
            self._of[place] = self._entities.setdefault(name, len(self._entities))
        elif event.type == LABEL:
            self._labels.append(_label_of(event, where))
        self._at_ms.append(event.at_ms)
        self._bodies.append(arrival.body)

    def truth(self) -> Truth:
        """What turned out to be true of the events asked about. Raises `LearningError`."""
        at_ms = np.array(self._at_ms, dtype=np.int64)
        label = np.zeros(len(at_ms), dtype=np.int64)
        known = np.zeros(len(at_ms), dtype=np.int64)
        for subject, verdict, said_ms in self._labels:
            place = self._places.get(subject)
            if place is None:
                raise LearningError(
                    f"a label speaks of the event {subject}, which is not in the data; the mappings of"
                    " events and labels must make the same ids"
                )
            if said_ms < at_ms[place]:
                raise LearningError(
                    f"the label of {subject} is older than its event: nobody can know what has not"
                    ' happened; give its time a `later = "7d"` in the mapping of the labels'
                )
            label[place] = max(label[place], verdict in self.positive)
            known[place] = max(known[place], said_ms)
        places = self._asked()
        # Numbered as they appear in time, so that nothing depends on the order of the file.
        numbers: dict[int, int] = {}
        entity = np.array(
            [numbers.setdefault(self._of[place], len(numbers)) for place in places.tolist()],
            dtype=np.int64,
        )
        return Truth(at_ms[places], entity, label[places], known[places])

    def vectors(
        self,
        wanted: Bools,
        width: int,
        reread: Callable[[bytes], Arrival],
        observe: Callable[[Sequence[Arrival]], Floats],
        number: Callable[[Sequence[Event], Floats], Floats],
        told: Told,
    ) -> Floats:
        """The numbers of the events asked about for which `wanted` holds, in the order of `truth`
        (2, 3): a row of `width` each.

        `observe` takes a group of events into the memory of the features and returns their vectors;
        `number` makes the numbers of some events of their vectors. Events after the last one wanted
        are not looked at.
        """
        places = self._asked()
        rank = np.full(len(self._bodies), -1, dtype=np.int64)
        rank[places[wanted]] = np.arange(int(wanted.sum()))
        out = np.empty((int(wanted.sum()), width), dtype=np.float64)
        order = self._order()
        asked = np.flatnonzero(rank[order] >= 0)
        order = order[: int(asked[-1]) + 1] if len(asked) else order[:0]
        for n, group in enumerate(_parts(order)):
            arrivals = [reread(self._bodies[place]) for place in group.tolist()]
            vectors = observe(arrivals)
            here = np.flatnonzero(rank[group] >= 0)
            if len(here):
                events = [arrivals[i].event for i in here.tolist()]
                out[rank[group[here]]] = number(events, vectors[here])
            if n % _TELL_EVERY == 0:
                told(n * GROUP, len(order))
        told(len(order), len(order))
        return out

    def _asked(self) -> Ints:
        """Where the events asked about stand, in the order of their times."""
        places = np.fromiter(self._of, dtype=np.int64, count=len(self._of))
        at_ms = np.array(self._at_ms, dtype=np.int64)[places]
        return places[np.argsort(at_ms, kind="stable")]

    def _order(self) -> Ints:
        """Step (2): all that was taken up, in the order in which it was known."""
        at_ms = np.array(self._at_ms, dtype=np.int64)
        later = np.zeros(len(at_ms), dtype=np.int64)
        later[list(self._of)] = 1
        order: Ints = np.lexsort((later, at_ms))
        return order


def _label_of(event: Event, where: str) -> tuple[str, str, int]:
    subject: str | None = getattr(event, "subject_event", None)
    verdict: str = getattr(event, "verdict", "")
    if subject is None:
        raise LearningError(
            f"{where}: the label does not say which event it speaks of; map subject_event"
        )
    return subject, verdict, event.at_ms


def _parts(order: Ints) -> Iterator[Ints]:
    for start in range(0, len(order), GROUP):
        yield order[start : start + GROUP]
