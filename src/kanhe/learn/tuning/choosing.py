"""Which thresholds to propose, and how sure that is.

(1) Split the days in which labels are complete: thresholds are chosen on the earlier part, and what
    they are worth is told from the later part alone, which had no say in the choice.
(2) Choose: of all tables out of the scores that occur, the cheapest on the earlier part; among equals
    the one nearest to the present.
(3) Check: costs a month on the later part, for the present table and for the proposed one, and the
    difference, with bootstrap intervals over runs of neighbouring days.
(4) Choose again and again on drawn days of the earlier part: how far the choice itself varies.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt
from numpy.random import Generator, default_rng

from kanhe.core.time import DAY_MS
from kanhe.judge.verdict.decide import SCORE_MAX
from kanhe.judge.verdict.many import ALLOW, DENY, scores_of
from kanhe.learn.judged import Judged
from kanhe.learn.truth import Assumptions, Truth, TruthCounts, truth_of
from kanhe.learn.tuning.costs import CostModel, Costs, DailyCosts, Floats, Ints, Thresholds

MONTH_DAYS = 30
LEAST_DAYS = 7
"""Either part needs at least so many days,"""
LEAST_FRAUD = 20
"""so many cases of fraud, and so many honest events."""
_PLACES = 80
_PLACES_WITH_CHALLENGES = 36
"""How many scores are tried as thresholds, where two or three of them are searched for."""
_REPLICATES = 1_000
_CHOICES = 200
_SAME = 1e-9

Verdict = Literal["better", "worse", "unsure", "same", "not_enough_labels"]


class Estimate(msgspec.Struct, frozen=True):
    """Money in minor units, with a bootstrap interval of 95 %."""

    minor: int
    low: int
    high: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the days."""

    first_ms: int
    days: int
    fraud: int
    honest: int


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """What a table costs in thirty days like those of the later part."""

    total: Estimate
    fraud_minor: int
    reviews_minor: int
    refusals_minor: int
    challenges_minor: int
    reviews_per_day: float
    """Reviews asked for."""
    days_over: int
    """Days of the later part on which more were asked for than people get done."""


class Spread(msgspec.Struct, frozen=True):
    """Where nine of ten choices lie that other days would have led to."""

    low: Thresholds
    high: Thresholds


class Tuning(msgspec.Struct, kw_only=True):
    """What was proposed, and why."""

    policy: str
    name: str
    version: str
    base: str
    costs: Costs
    assumed: Assumptions
    truth: TruthCounts
    types: tuple[str, ...]
    present: Thresholds
    verdict: Verdict
    """`better`: the interval of the saving lies above zero; `worse`: below; `unsure`: it holds zero."""
    earlier: Part | None = None
    later: Part | None = None
    proposed: Thresholds | None = None
    tried: int = 0
    """How many tables were compared."""
    cost_present: Month | None = None
    cost_proposed: Month | None = None
    saving: Estimate | None = None
    """A month, by the proposed table."""
    likely: float | None = None
    """In which part of all drawn histories the proposed table was cheaper."""
    spread: Spread | None = None
    lacking: tuple[str, ...] = ()
    """What there is not enough of: `days`, `fraud`, `honest` or `scores`."""
    amountless: int = 0
    """Cases of fraud without an amount, which cost nothing here."""
    snippet: str = ""
    """The proposal as it stands in `pack.toml`."""


def tune(
    judged: Judged,
    costs: Costs,
    assumed: Assumptions | None = None,
    *,
    later_share: float = 0.4,
    seed: int = 0,
) -> Tuning:
    """The steps above. Two calls with the same arguments give the same."""
    assumed = assumed or Assumptions()
    truth, counts = truth_of(judged, assumed)
    pack, table = judged.pack, judged.pack.verdict
    found = Tuning(
        policy=pack.hash,
        name=pack.name,
        version=pack.version,
        base=pack.rates.base,
        costs=costs,
        assumed=assumed,
        truth=counts,
        types=truth.types,
        present=Thresholds(table.challenge, table.review, table.deny),
        verdict="not_enough_labels",
    )
    if costs.fraud_minor is None:
        found.amountless = int((truth.fraud & (judged.amount_minor == 0)).sum())
    days = judged.at_ms // DAY_MS
    bounds = _split(judged, truth, days, assumed, later_share)  # (1)
    if bounds is None:
        found.lacking = ("days",)
        return found
    first, middle, last = bounds
    found.earlier = _part(truth, days, first, middle - 1)
    found.later = _part(truth, days, middle, last)
    places = _places(judged, truth, found.present, costs)
    found.lacking = _lacking(found.earlier, found.later, judged, truth)
    if found.lacking:
        return found
    tables = _tables(places, found.present, costs)
    found.tried = len(tables)
    earlier = CostModel(judged, truth, costs, days, first, middle - 1, places)
    later = CostModel(judged, truth, costs, days, middle, last, places)
    _choose(found, earlier, later, places, tables, default_rng(seed))
    return found


def _choose(
    found: Tuning,
    earlier: CostModel,
    later: CostModel,
    places: list[int],
    tables: npt.NDArray[np.intp],
    chance: Generator,
) -> None:
    """Steps (2) to (4)."""
    marks = np.array(places)[tables]
    present = (found.present.challenge, found.present.review, found.present.deny)
    away = np.abs(marks - np.array(present)).sum(axis=1)
    by_day = earlier.under(tables).total
    chosen = _cheapest(by_day.mean(axis=0), away)
    now = int(np.flatnonzero(away == 0)[0])
    found.proposed = Thresholds(*marks[chosen].tolist())
    costs = [later.under(tables[[n]]) for n in (now, chosen)]
    drawn = _runs(later.days, _REPLICATES, chance)
    means = [cost.total[:, 0][drawn].mean(axis=1) * MONTH_DAYS for cost in costs]
    found.cost_present, found.cost_proposed = (
        _month(cost, mean, found.costs) for cost, mean in zip(costs, means, strict=True)
    )
    saving = means[0] - means[1]
    plain = float((costs[0].total - costs[1].total).mean()) * MONTH_DAYS
    found.saving = _estimate(plain, saving)
    found.likely = float((saving > 0).mean())
    found.spread = _spread(by_day, marks, away, chance)
    if found.proposed == found.present:
        found.verdict = "same"
    elif found.saving.low > 0:
        found.verdict = "better"
    else:
        found.verdict = "worse" if found.saving.high < 0 else "unsure"
    found.snippet = (
        f"[verdict]\nchallenge = {found.proposed.challenge}\n"
        f"review = {found.proposed.review}\ndeny = {found.proposed.deny}\n"
    )


def _split(
    judged: Judged, truth: Truth, days: Ints, assumed: Assumptions, later_share: float
) -> tuple[int, int, int] | None:
    """The first day, the first of the later part, and the last; `None` if there are not enough days.

    The last day is the last one whose events are all old enough.
    """
    if not truth.measured.any():
        return None
    first = int(days[truth.measured].min())
    whole = (judged.known_by_ms - assumed.delay_ms + 1) // DAY_MS - 1
    last = min(int(days[truth.measured].max()), whole)
    later = round((last - first + 1) * later_share)
    middle = last - later + 1
    if later < LEAST_DAYS or middle - first < LEAST_DAYS:
        return None
    return first, middle, last


def _part(truth: Truth, days: Ints, first: int, last: int) -> Part:
    inside = (days >= first) & (days <= last)
    return Part(
        first_ms=first * DAY_MS,
        days=last - first + 1,
        fraud=int((truth.fraud & inside).sum()),
        honest=int((truth.honest & inside).sum()),
    )


def _lacking(earlier: Part, later: Part, judged: Judged, truth: Truth) -> tuple[str, ...]:
    found = [
        name
        for name in ("fraud", "honest")
        if min(getattr(earlier, name), getattr(later, name)) < LEAST_FRAUD
    ]
    open_to_scores = truth.measured & (judged.kept != ALLOW) & (judged.kept != DENY)
    if not (judged.points[open_to_scores] > 0).any():
        # No threshold makes any difference.
        found.append("scores")
    return tuple(found)


def _places(judged: Judged, truth: Truth, present: Thresholds, costs: Costs) -> list[int]:
    """The scores that may become thresholds: those that occur, thinned out evenly if there are many; one
    above all of them; and the present ones."""
    most = _PLACES_WITH_CHALLENGES if costs.weighs_challenges else _PLACES
    scores = scores_of(judged.points[truth.measured & (judged.kept != ALLOW)])
    scores = np.unique(scores[scores > 0])
    if len(scores) > most:
        scores = scores[np.unique(np.linspace(0, len(scores) - 1, most).round().astype(int))]
    above = min(SCORE_MAX, int(scores.max()) + 1) if len(scores) else SCORE_MAX
    return sorted({*scores.tolist(), above, present.challenge, present.review, present.deny})


def _tables(places: list[int], present: Thresholds, costs: Costs) -> npt.NDArray[np.intp]:
    """All tables out of the places, as numbers of places.

    Where a step-up is the same as letting through, its threshold stays as it is, or comes down to that
    of review.
    """
    many = len(places)
    stays = places.index(present.challenge)
    if costs.weighs_challenges:
        grid = np.indices((many, many, many)).reshape(3, -1).T
    else:
        pairs = np.indices((many, many)).reshape(2, -1).T
        grid = np.column_stack([np.minimum(stays, pairs[:, 0]), pairs])
    kept: npt.NDArray[np.intp] = grid[(grid[:, 0] <= grid[:, 1]) & (grid[:, 1] <= grid[:, 2])]
    return kept


def _cheapest(cost: Floats, away: Ints) -> int:
    """The cheapest table; among equals the nearest to the present, then the first."""
    least = cost.min()
    equal = np.flatnonzero(cost <= least + abs(least) * _SAME + _SAME)
    return int(equal[np.argmin(away[equal])])


def _runs(days: int, times: int, chance: Generator) -> npt.NDArray[np.intp]:
    """Days drawn in runs of neighbours (a circular block bootstrap), `times` rows of `days` numbers.

    Runs are as long as the cube root of the number of days, so that a wave of fraud stays together.
    """
    length = max(1, round(days ** (1 / 3)))
    starts = chance.integers(0, days, (times, -(-days // length)))
    drawn: npt.NDArray[np.intp] = (starts[:, :, None] + np.arange(length)) % days
    return drawn.reshape(times, -1)[:, :days]


def _estimate(plain: float, drawn: Floats) -> Estimate:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(round(plain), round(float(low)), round(float(high)))


def _month(cost: DailyCosts, drawn: Floats, costs: Costs) -> Month:
    def month(part: Floats) -> int:
        return round(float(part.mean()) * MONTH_DAYS)

    most = costs.reviews_per_day
    return Month(
        total=_estimate(float(cost.total.mean()) * MONTH_DAYS, drawn),
        fraud_minor=month(cost.fraud),
        reviews_minor=month(cost.reviews),
        refusals_minor=month(cost.refusals),
        challenges_minor=month(cost.challenges),
        reviews_per_day=float(cost.waiting.mean()),
        days_over=0 if most is None else int((cost.waiting > most).sum()),
    )


def _spread(by_day: Floats, marks: npt.NDArray[np.int64], away: Ints, chance: Generator) -> Spread:
    """Step (4)."""
    days = len(by_day)
    chosen = []
    for drawn in _runs(days, _CHOICES, chance):
        times = np.bincount(drawn, minlength=days).astype(np.float64)
        chosen.append(marks[_cheapest(times @ by_day / days, away)])
    low, high = np.quantile(np.array(chosen), [0.05, 0.95], axis=0, method="nearest")
    return Spread(Thresholds(*map(int, low)), Thresholds(*map(int, high)))
