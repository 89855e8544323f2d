"""Chance with a seed: the only source of randomness of a simulation."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A stream of chance. The same seed and name always give the same stream.

    Everything is drawn from `random()`, the one method whose values Python promises to keep from
    release to release.
    """

    __slots__ = ("_name", "random")

    def __init__(self, name: str) -> None:
        self._name = name
        self.random = random.Random(name).random  # noqa: S311 - has to be repeatable
        """A number from 0 up to, but not including, 1."""

    def split(self, name: str) -> Dice:
        """Another stream, whose draws do not disturb this one."""
        return Dice(f"{self._name}/{name}")

    def below(self, limit: int) -> int:
        """A whole number from 0 up to, but not including, `limit`."""
        return int(self.random() * limit)

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def between(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        return low + self.random() * (high - low)

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.random() < probability

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices, all equally likely."""
        return choices[int(self.random() * len(choices))]

    def some(self, choices: Sequence[T], count: int) -> list[T]:
        """Up to `count` different choices, in random order."""
        pool = list(choices)
        for place in range(min(count, len(pool))):
            other = place + int(self.random() * (len(pool) - place))
            pool[place], pool[other] = pool[other], pool[place]
        return pool[:count]

    def wait(self, mean: float) -> float:
        """A waiting time with this mean (exponential)."""
        return -math.log(1.0 - self.random()) * mean

    def around(self, median: float, spread: float) -> float:
        """A positive quantity with this median (log-normal; `spread` 0.5 is moderate, 1 is wide)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.random()))
        return median * math.exp(spread * radius * math.cos(2.0 * math.pi * self.random()))
