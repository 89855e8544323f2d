"""The protocol of the *Reproducible Machine Learning for Credit Card Fraud Detection* handbook.

A fold stands still in time like a shop that trains once and then lives on it (Le Borgne, Siblini,
Lebichot and Bontempi, 2022, chapters 3.3, 4.3 and 5.3):

(1) Train on seven days.
(2) Wait seven days: what happens in them is not learned from, because its labels are not in.
(3) Test on seven days. Cards that are known to be compromised are taken out of the test, since the
    bank has blocked them: those with a fraud in the training days, and on each test day those with a
    fraud on a day whose labels are in by then. As in the handbook's own code, on the first test day
    these are the training days, and each further day adds one.
(4) Measure: ROC AUC and average precision over all payments of the test, and *card precision at k*
    per day: the k cards whose most suspicious payment of the day scores highest are looked at; the
    share of them that had a fraud on that day is the day's precision. A card that was found out so is
    not looked at on the days after.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import msgspec
import numpy as np

from kanhe.learn.rows import Floats, Ints, LearningError

_EPOCH = date(1970, 1, 1)


class Protocol(msgspec.Struct, frozen=True, kw_only=True):
    """How long is learned, waited and tested, in days, and how many cards can be looked at a day."""

    name: str = "handbook"
    train_days: int = 7
    delay_days: int = 7
    test_days: int = 7
    cards: int = 100

    @property
    def days(self) -> int:
        """How many days a fold takes."""
        return self.train_days + self.delay_days + self.test_days


HANDBOOK = Protocol()
MOST_FOLDS = 6
"""How many folds are tried where nobody says how many."""


class Payments(NamedTuple):
    """All payments in the order of time, one entry each."""

    day: Ints
    """Days since 1970, UTC."""
    card: Ints
    """A number that stands for the card."""
    label: Ints
    """1 for fraud, else 0."""


class Fold(NamedTuple):
    """Which payments are learned from and which are tested, by their places."""

    first: int
    """The first day of training."""
    train: Ints
    test: Ints
    removed: int
    """How many payments of the test days are left out, their cards being known."""


class CardDay(msgspec.Struct, frozen=True, kw_only=True):
    """One test day: the cards looked at, and what they were."""

    day: str
    cards: int
    """Cards that paid and were not found out on a day before."""
    compromised: int
    """Of these, those with a fraud on this day."""
    found: int
    """Of these, those among the ones looked at."""
    precision: float
    """`found`, divided by how many can be looked at."""


def folds_of(
    payments: Payments, protocol: Protocol, start: date | None, count: int
) -> Iterator[Fold]:
    """`count` folds, a test's length apart: the first at `start`, or the last ones the data holds.

    With a `count` of 0 it is one fold from `start` on, or else as many as fit, at most `MOST_FOLDS`.

    Raises `LearningError` for a start whose fold does not lie inside the data.
    """
    if not len(payments.day):
        raise LearningError("there is no payment in this data; see its mapping")
    step, day = protocol.test_days, payments.day
    last = int(day[-1]) - protocol.days + 1
    if count == 0:
        fit = (last - int(day[0])) // step + 1
        count = 1 if start is not None else min(max(fit, 1), MOST_FOLDS)
    first = last - step * (count - 1) if start is None else (start - _EPOCH).days
    if first < day[0] or first + step * (count - 1) > last:
        raise LearningError(_outside(payments, protocol, start, count))
    for number in range(count):
        yield fold_at(payments, protocol, first + step * number)


def _outside(payments: Payments, protocol: Protocol, start: date | None, count: int) -> str:
    first, last = shown_day(int(payments.day[0])), shown_day(int(payments.day[-1]))
    needed = protocol.days + protocol.test_days * (count - 1)
    latest = int(payments.day[-1]) - needed + 1
    told = (
        f"{count} folds take {needed} days"
        if count > 1
        else f"a fold takes {needed} days (training, delay and test)"
    )
    asked = "" if start is None else f"training from {start.isoformat()} on: "
    if latest < payments.day[0]:
        return f"{asked}{told}, and the data holds {first} to {last} only; ask for fewer folds, or take a longer file"
    return (
        f"{asked}the data holds {first} to {last}, and {told}; choose --train-start from {first} to"
        f" {shown_day(latest)}"
    )


def fold_at(payments: Payments, protocol: Protocol, first: int) -> Fold:
    """Steps (1) to (3) for training from this day on. Raises `LearningError` for an empty window."""
    day, card, fraud = payments.day, payments.card, payments.label == 1
    train = _between(day, first, first + protocol.train_days)
    begin = first + protocol.train_days + protocol.delay_days
    known = set(card[train][fraud[train]].tolist())
    tests: list[Ints] = []
    removed = 0
    for number in range(protocol.test_days):
        labelled = first + protocol.train_days + number - 1
        known |= set(card[(day == labelled) & fraud].tolist())
        paid = _between(day, begin + number, begin + number + 1)
        left = paid[~np.isin(card[paid], np.fromiter(known, np.int64, len(known)))]
        removed += len(paid) - len(left)
        tests.append(left)
    test = np.concatenate(tests)
    for what, places, since in (("training", train, first), ("test", test, begin)):
        if not len(places):
            raise LearningError(
                f"there is no payment in the {what} week from {shown_day(since)} on; the data has a"
                " gap there: choose another --train-start"
            )
    return Fold(first, train, test, removed)


def card_precision(
    payments: Payments, test: Ints, scores: Floats, protocol: Protocol
) -> list[CardDay]:
    """Step (4): card precision, day by day. Among equal scores the lower number of card is first."""
    found_out: set[int] = set()
    told: list[CardDay] = []
    day, card, label = payments.day[test], payments.card[test], payments.label[test]
    for one in np.unique(day):
        places = np.flatnonzero(
            (day == one) & ~np.isin(card, np.fromiter(found_out, np.int64, len(found_out)))
        )
        cards, inverse = np.unique(card[places], return_inverse=True)
        highest = np.full(len(cards), -np.inf)
        np.maximum.at(highest, inverse, scores[places])
        compromised = np.zeros(len(cards), dtype=np.int64)
        np.maximum.at(compromised, inverse, label[places])
        top = np.argsort(-highest, kind="stable")[: protocol.cards]
        hits = top[compromised[top] == 1]
        found_out |= set(cards[hits].tolist())
        told.append(
            CardDay(
                day=shown_day(int(one)),
                cards=len(cards),
                compromised=int(compromised.sum()),
                found=len(hits),
                precision=len(hits) / protocol.cards,
            )
        )
    return told


def shown_day(day: int) -> str:
    """A day since 1970 as people write it."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def _between(day: Ints, begin: int, end: int) -> Ints:
    """The places of the payments from one day on, before another."""
    low, high = np.searchsorted(day, [begin, end], side="left")
    return np.arange(low, high, dtype=np.int64)
