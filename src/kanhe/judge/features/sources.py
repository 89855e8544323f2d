"""Where the kernel finds what it takes of an event among the event's cells: one table per event type.

The tables are data, made of the program and the registry when a pack is loaded; `gather` goes by them.
A type whose conditions or amounts the kernel cannot compute has none: its events are encoded in Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kanhe.core.currencies import EXPONENT
from kanhe.core.money import AMOUNT_MAX_MINOR, Rates
from kanhe.judge.features import layout as at
from kanhe.judge.features.conditions import NUMBER_MAX, NotExpressibleError, Steps
from kanhe.judge.features.program import Program, TypePlan
from kanhe.judge.language.scope import AMOUNT_BASE, FieldKind

Words = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sources:
    """What `gather` goes by, for all event types of a registry."""

    words: Words
    """See `layout`, S_KIND and so on."""
    factors: Words
    """By currency, in the order of their codes; see `layout`, F_WHOLE and so on."""
    types: frozenset[str]
    """The event types that have a table."""
    room: int
    """How many words the conditions need on the way."""


def sources_of(
    program: Program, fields_by_type: Mapping[str, Mapping[str, FieldKind]], rates: Rates
) -> Sources:
    """Write the tables. Types, and the fields of each, stand in the order of the registry."""
    factors, amount_max = _factors(rates)
    words = [0] * len(fields_by_type)
    found, room = [], 0
    for number, (name, fields) in enumerate(fields_by_type.items()):
        writer = _Writer(words, name, fields, amount_max)
        try:
            head = writer.write(program, program.plans[name])
        except NotExpressibleError:
            continue
        words[number] = head
        found.append(name)
        room = max(room, writer.room)
    return Sources(np.array(words, dtype=np.int64), factors, frozenset(found), room)


class _Writer:
    """Writes the table of one event type behind those of others."""

    def __init__(
        self, words: list[int], name: str, fields: Mapping[str, FieldKind], amount_max: int
    ) -> None:
        self._words = words
        self._slots = {field: slot for slot, field in enumerate(fields)}
        self._amount_max = amount_max
        self._steps = Steps(name, fields, amount_max, self._append)

    @property
    def room(self) -> int:
        """How many words its conditions need on the way."""
        return self._steps.deepest

    def write(self, program: Program, plan: TypePlan) -> int:
        """Give the place of the table; raises `NotExpressibleError`."""
        for bit, conditions in enumerate(plan.conditions):
            self._steps.write(bit, conditions)
        values = [word for field in plan.values for word in self._value(field)]
        # The program has the places of the hashes in the order of the plan's texts.
        places = program.words[program.words[plan.kind] :][: len(plan.texts)].tolist()
        texts = [
            word
            for field, place in zip(plan.texts, places, strict=True)
            for word in (self._slots[field], place)
        ]
        steps = self._steps.words
        subject = self._slots["subject_at_ms"] if plan.labels_fraud >= 0 else -1
        head = [plan.kind, subject, len(plan.values), len(plan.texts), len(steps) // at.STEP_WIDTH]
        return self._append([*head, *values, *texts, *steps])

    def _value(self, field: str) -> tuple[int, int]:
        if field != AMOUNT_BASE:
            return self._slots[field], -1
        if not self._amount_max:
            raise NotExpressibleError
        return self._slots["amount_minor"], self._slots["currency"]

    def _append(self, words: Iterable[int]) -> int:
        place = len(self._words)
        self._words.extend(words)
        return place


def _factors(rates: Rates) -> tuple[Words, int]:
    """The factors of all currencies, and the greatest amount in base that an event can have; 0 if the
    kernel cannot convert every amount exactly."""
    table = np.zeros((len(EXPONENT), at.FACTOR_WIDTH), dtype=np.int64)
    greatest = 0
    for code, row in zip(sorted(EXPONENT), table, strict=True):
        if (factor := rates.factor(code)) is None:
            continue
        numerator, denominator = factor
        amount = AMOUNT_MAX_MINOR * numerator // denominator + 1
        if numerator < 0 or max(denominator, amount) >= NUMBER_MAX:
            return table, 0
        row[:] = numerator // denominator, numerator % denominator, denominator
        greatest = max(greatest, amount)
    return table, greatest
