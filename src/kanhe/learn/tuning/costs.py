"""What mistakes cost, day by day, for many verdict tables at once.

Of an event under a table, in money of the pack's base currency:

- fraud that is allowed costs its loss; that is challenged, the part of it that a step-up does not stop;
  that is held, the part that nobody gets to look at; that is denied, nothing;
- a review costs, as far as people get to it: on a day with more than the capacity, each of the day's
  reviews is as likely as any other to be left undone;
- an honest buyer who is denied costs once a day; a step-up costs the part of honest buyers who give up.

The scores are made once: a table only says at which places of them outcomes begin, so that sums over
scores, worked out once per day and place, give every table's costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from kanhe.judge.verdict.decide import SCORE_MAX
from kanhe.judge.verdict.many import ALLOW, CHALLENGE, DENY, REVIEW, scores_of
from kanhe.learn.judged import Judged
from kanhe.learn.truth import Truth

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_NEVER, _ALWAYS = -1, SCORE_MAX + 1
"""Places below and above all thresholds."""


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What mistakes cost, in minor units of the pack's base currency."""

    review_minor: int
    """One review by a person."""
    refusal_minor: int
    """One honest buyer who is denied, once a day."""
    fraud_minor: int | None = None
    """One fraud that gets through; `None` for the amount of the event."""
    reviews_per_day: int | None = None
    """How many reviews people get done in a day; `None` for all of them."""
    challenge_stops: float = 0.0
    """Which part of fraud a step-up stops, 0 to 1."""
    challenge_loses: float = 0.0
    """Which part of honest buyers is lost at a step-up, 0 to 1."""

    @property
    def weighs_challenges(self) -> bool:
        """Whether a step-up is anything else than letting through."""
        return self.challenge_stops > 0 or self.challenge_loses > 0


class Thresholds(msgspec.Struct, frozen=True, order=True):
    """From which score on which outcome begins; they do not fall from the first to the last."""

    challenge: int
    review: int
    deny: int


class DailyCosts(NamedTuple):
    """A row per day, a column per table."""

    fraud: Floats
    reviews: Floats
    refusals: Floats
    challenges: Floats
    waiting: Floats
    """How many reviews were asked for."""

    @property
    def total(self) -> Floats:
        """All of it."""
        total: Floats = self.fraud + self.reviews + self.refusals + self.challenges
        return total


class CostModel:
    """The costs of a stretch of days under any thresholds out of `places`.

    `first_day` and `last_day` are days since 1970-01-01 in UTC, both included; `places` are scores from
    1 to `SCORE_MAX`, rising.
    """

    def __init__(
        self,
        judged: Judged,
        truth: Truth,
        costs: Costs,
        days: Ints,
        first_day: int,
        last_day: int,
        places: Sequence[int],
    ) -> None:
        self.places = np.array(places, dtype=np.int64)
        self.days = last_day - first_day + 1
        self._costs = costs
        inside = (days >= first_day) & (days <= last_day)
        self._day = days[inside] - first_day
        score, kept = scores_of(judged.points[inside]), judged.kept[inside]
        steps = [_reaching(score, kept, step) for step in (CHALLENGE, REVIEW, DENY)]
        fraud, honest = truth.fraud[inside], truth.honest[inside]
        amounts = judged.amount_minor[inside] if costs.fraud_minor is None else costs.fraud_minor
        loss = np.where(fraud, amounts, 0).astype(np.float64)
        self._loss = [self._from(reach, loss) for reach in steps]
        self._all_loss = np.bincount(self._day, loss, self.days)
        self._honest = [self._from(reach, honest.astype(np.float64)) for reach in steps]
        self._events = [self._from(reach, np.ones(len(score))) for reach in steps]
        self._refused = self._buyers(steps[2], honest, judged.buyer[inside])

    def _from(self, reach: Ints, weights: Floats, day: Ints | None = None) -> Floats:
        """By day and place: the sum of the weights of what lies at this place or above it."""
        width = len(self.places) + 1
        # How many of the places each event reaches; it counts at all of those.
        reached = np.searchsorted(self.places, reach, side="right")
        cells = (self._day if day is None else day) * width + reached
        sums = np.bincount(cells, weights, self.days * width).reshape(self.days, width)
        above: Floats = np.cumsum(sums[:, ::-1], axis=1, dtype=np.float64)[:, ::-1][:, 1:]
        return above

    def _buyers(self, reach: Ints, honest: npt.NDArray[np.bool_], buyer: Ints) -> Floats:
        """By day and place: honest buyers of whom at least one event reaches it."""
        day, who = self._day[honest], buyer[honest]
        order = np.lexsort((reach[honest], who, day))
        day, who, most = day[order], who[order], reach[honest][order]
        last = np.ones(len(day), dtype=np.bool_)
        last[:-1] = (day[1:] != day[:-1]) | (who[1:] != who[:-1])
        return self._from(most[last], np.ones(int(last.sum())), day[last])

    def under(self, tables: npt.NDArray[np.intp]) -> DailyCosts:
        """The costs under tables, each a row of three places' numbers that do not fall."""
        costs = self._costs
        c, r, d = tables.T
        denied, held = self._loss[2][:, d], self._loss[1][:, r]
        asked = self._loss[0][:, c]
        waiting = self._events[1][:, r] - self._events[2][:, d]
        done = (
            waiting if costs.reviews_per_day is None else np.minimum(waiting, costs.reviews_per_day)
        )
        left = 1 - np.divide(done, waiting, out=np.ones_like(waiting), where=waiting > 0)
        honest_asked = self._honest[0][:, c] - self._honest[1][:, r]
        return DailyCosts(
            fraud=(
                self._all_loss[:, None] - asked
                + (asked - held) * (1 - costs.challenge_stops)
                + (held - denied) * left
            ),
            reviews=done * costs.review_minor,
            refusals=self._refused[:, d] * costs.refusal_minor,
            challenges=honest_asked * costs.challenge_loses * costs.refusal_minor,
            waiting=waiting,
        )  # fmt: skip


def _reaching(score: Ints, kept: npt.NDArray[np.int8], step: int) -> Ints:
    """The score with which an event reaches a step, whatever its rules ask for taken into account."""
    reach = score.copy()
    reach[kept >= step] = _ALWAYS
    reach[kept == ALLOW] = _NEVER
    return reach
