"""What a set of outcomes is worth: counts, shares, money, days, buyers, scores."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from kanhe.core.time import DAY_MS
from kanhe.judge.verdict.decide import SCORE_MAX
from kanhe.judge.verdict.many import (
    ALLOW,
    CHALLENGE,
    DENY,
    NOTHING,
    OUTCOMES,
    REVIEW,
    Severities,
    scores_of,
)
from kanhe.learn.backtest.figures import (
    Alerts,
    Day,
    Hit,
    HonestExample,
    Money,
    Reached,
    Result,
    ScoreBand,
)
from kanhe.learn.intervals import Sum, share_of, sums_of
from kanhe.learn.judged import Judged
from kanhe.learn.truth import Truth

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

STEPS = (CHALLENGE, REVIEW, DENY)
BAND = 20
"""Points per band of scores."""


def result_of(judged: Judged, truth: Truth, outcome: Severities, blocks: Ints, seed: int) -> Result:
    """Counts and money of these outcomes; events whose outcome is `NOTHING` are left out."""
    known = truth.measured & (outcome != NOTHING)
    fraud, honest = truth.fraud & known, truth.honest & known
    masks = [mask & (outcome >= step) for step in STEPS for mask in (fraud, honest)]
    stopped = outcome >= REVIEW
    masks += [
        fraud,
        fraud & stopped,
        fraud & ~stopped,
        honest & (outcome == DENY),
        honest & (outcome == REVIEW),
        honest & (outcome == CHALLENGE),
    ]
    sums = money_of(judged, masks, blocks, seed)
    reached = tuple(
        _reached(step, known & (outcome >= step), fraud, honest, sums[2 * n], sums[2 * n + 1])
        for n, step in enumerate(STEPS)
    )
    return Result(events=int(known.sum()), reached=reached, money=Money(**dict(zip(
        ("fraud", "saved", "missed", "refused", "held", "challenged"), sums[6:], strict=True
    ))))  # fmt: skip


def money_of(judged: Judged, masks: list[Mask], blocks: Ints, seed: int) -> list[Sum]:
    """The money of each set of events, with intervals from the same draws."""
    amounts = judged.amount_minor
    return sums_of([(blocks[mask], amounts[mask]) for mask in masks], seed)


def _reached(
    step: int, hit: Mask, fraud: Mask, honest: Mask, fraud_money: Sum, honest_money: Sum
) -> Reached:
    caught, wrong = int((hit & fraud).sum()), int((hit & honest).sum())
    events = int(hit.sum())
    return Reached(
        outcome=OUTCOMES[step],
        events=events,
        fraud=caught,
        honest=wrong,
        unknown=events - caught - wrong,
        precision=share_of(caught, caught + wrong),
        recall=share_of(caught, int(fraud.sum())),
        false_positives=share_of(wrong, int(honest.sum())),
        fraud_money=fraud_money,
        honest_money=honest_money,
    )


def days_of(judged: Judged) -> Ints:
    """The day of each event, as days since 1970-01-01 in UTC."""
    return judged.at_ms // DAY_MS


def alerts_of(judged: Judged, truth: Truth, outcome: Severities) -> tuple[Alerts, tuple[Day, ...]]:
    """What people would have had to look at, day by day; days without events between are zeros."""
    if not len(outcome):
        return Alerts(total=0, days=0, mean=0.0, median=0.0, busiest=0), ()
    number = days_of(judged)
    first = int(number.min())
    place, days = number - first, int(number.max()) - first + 1
    alerted = (outcome >= REVIEW) | judged.notified
    masks = (
        np.ones(len(outcome), dtype=np.bool_), alerted, outcome == CHALLENGE, outcome == DENY,
        truth.fraud, truth.fraud & (outcome >= REVIEW),
    )  # fmt: skip
    counts = [np.bincount(place[mask], minlength=days) for mask in masks]
    told = counts[1]
    alerts = Alerts(
        total=int(told.sum()),
        days=days,
        mean=float(told.mean()),
        median=float(np.median(told)),
        busiest=int(told.max()),
    )
    rows = zip(*(count.tolist() for count in counts), strict=True)
    return alerts, tuple(Day(_name_of(first + n), *row) for n, row in enumerate(rows))


def _name_of(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


def hits_of(
    judged: Judged, truth: Truth, outcome: Severities, blocks: Ints, seed: int
) -> tuple[Hit, ...]:
    """Which part of the honest buyers would have been hit, by how hard at least."""
    honest = truth.honest & judged.named
    everyone = len(np.unique(judged.buyer[honest]))
    masks = [honest & (outcome >= step) for step in STEPS]
    sums = money_of(judged, masks, blocks, seed)
    return tuple(
        Hit(
            outcome=OUTCOMES[step],
            buyers=share_of(len(np.unique(judged.buyer[mask])), everyone),
            events=int(mask.sum()),
            money=money,
        )
        for step, mask, money in zip(STEPS, masks, sums, strict=True)
    )


def examples_of(
    judged: Judged, truth: Truth, outcome: Severities, most: int
) -> tuple[HonestExample, ...]:
    """Honest events that were not let through: the hardest outcome first, then the most money.

    One event per buyer, so that the list shows people rather than one person's retries.
    """
    found: list[HonestExample] = []
    seen: set[int] = set()
    for place, row, who, reasons in judged.examples:
        buyer = int(judged.buyer[place])
        if len(found) >= most:
            break
        if not truth.honest[place] or outcome[place] == ALLOW or buyer in seen:
            continue
        seen.add(buyer)
        kind, name = who or ("", "")
        found.append(
            HonestExample(
                seq=row.seq, tenant=row.tenant, event_id=row.event_id, type=row.type,
                at_ms=row.at_ms, buyer_kind=kind, buyer=name,
                amount_minor=int(judged.amount_minor[place]),
                outcome=OUTCOMES[int(outcome[place])],
                labelled=bool(judged.verdict[place] >= 0), reasons=reasons,
            )
        )  # fmt: skip
    return tuple(found)


def bands_of(judged: Judged, truth: Truth) -> tuple[ScoreBand, ...]:
    """How the scores of measured events lie, in bands of `BAND` points."""
    place = scores_of(judged.points) // BAND
    bands = SCORE_MAX // BAND + 1
    counts = [
        np.bincount(place[mask], minlength=bands).tolist()
        for mask in (truth.fraud, truth.honest, truth.unknown)
    ]
    return tuple(ScoreBand(n * BAND, *row) for n, row in enumerate(zip(*counts, strict=True)))
