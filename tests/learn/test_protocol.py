"""The protocol of the handbook, held against a plain telling of it with sets and loops."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanhe.learn.protocol import HANDBOOK, Payments, Protocol, card_precision, fold_at, folds_of
from kanhe.learn.rows import LearningError

_DAY = 17_000
SHORT = Protocol(name="short", train_days=2, delay_days=2, test_days=3, cards=3)

_PAYMENTS = st.lists(
    st.tuples(
        st.integers(0, 9), st.integers(0, 7), st.integers(0, 3).map(lambda n: int(n == 0)),
        st.integers(0, 4),
    ), min_size=30, max_size=120,
)  # fmt: skip
"""Day, card, whether it was fraud, score."""


def _payments(rows: list[tuple[int, int, int, int]]) -> tuple[Payments, np.ndarray]:
    rows = sorted(rows, key=lambda row: row[0])
    day, card, label, score = (np.array(c, dtype=np.int64) for c in zip(*rows, strict=True))
    return Payments(day + _DAY, card, label), score / 4.0


@given(_PAYMENTS)
@settings(deadline=None)
def test_known_cards_are_taken_out_of_the_test(rows: list[tuple[int, int, int, int]]) -> None:
    """A card is known by a fraud in training, or on a day that lies a delay and a day back."""
    payments, _ = _payments(rows)
    expected = []
    for n, (day, card) in enumerate(zip(payments.day, payments.card, strict=True)):
        if not _DAY + 4 <= day < _DAY + 7:
            continue
        known = {
            other
            for when, other, bad in zip(*payments, strict=True)
            if bad and _DAY <= when <= max(_DAY + 1, day - SHORT.delay_days - 1)
        }
        if card not in known:
            expected.append(n)
    train = [n for n, day in enumerate(payments.day) if _DAY <= day < _DAY + 2]
    if not expected or not train:
        with pytest.raises(LearningError, match="there is no payment in the"):
            fold_at(payments, SHORT, _DAY)
        return
    fold = fold_at(payments, SHORT, _DAY)
    assert fold.test.tolist() == expected
    assert fold.train.tolist() == train
    assert fold.removed + len(expected) == sum(_DAY + 4 <= day < _DAY + 7 for day in payments.day)


@given(_PAYMENTS)
@settings(deadline=None)
def test_card_precision_is_that_of_the_handbook(rows: list[tuple[int, int, int, int]]) -> None:
    """Each day the highest score per card counts, and a card that was found is not looked at again."""
    payments, score = _payments(rows)
    test = np.arange(len(score))
    found_out: set[int] = set()
    told = card_precision(payments, test, score, SHORT)
    assert len(told) == len(set(payments.day.tolist()))
    for one, day in zip(told, sorted(set(payments.day.tolist())), strict=True):
        best: dict[int, tuple[float, int]] = {}
        for when, card, bad, said in zip(*payments, score, strict=True):
            if when == day and card not in found_out:
                highest, was = best.get(card, (-1.0, 0))
                best[card] = max(highest, said), max(was, bad)
        top = sorted(best, key=lambda card: (-best[card][0], card))[: SHORT.cards]
        hits = {card for card in top if best[card][1]}
        found_out |= hits
        assert (one.cards, one.found) == (len(best), len(hits))
        assert one.compromised == sum(bad for _, bad in best.values())
        assert one.precision == len(hits) / SHORT.cards


def _steady(days: int) -> Payments:
    day = np.repeat(np.arange(days), 4) + _DAY
    label = np.tile(np.array([1, 0, 0, 0]), days)
    return Payments(day, np.arange(len(day)), label)


def test_folds_lie_a_week_apart() -> None:
    """Without a start the last folds are taken, the last of which ends with the data."""
    folds = list(folds_of(_steady(40), HANDBOOK, None, 3))
    assert [fold.first - _DAY for fold in folds] == [5, 12, 19]
    started = folds_of(_steady(40), HANDBOOK, date(2016, 7, 18), 2)
    assert [fold.first for fold in started] == [_DAY, _DAY + 7]
    assert len(list(folds_of(_steady(40), HANDBOOK, None, 0))) == 3
    assert len(list(folds_of(_steady(90), HANDBOOK, None, 0))) == 6
    assert len(list(folds_of(_steady(90), HANDBOOK, date(2016, 7, 18), 0))) == 1


@pytest.mark.parametrize(
    ("days", "start", "count", "message"),
    [(40, date(2016, 7, 1), 1, "choose --train-start from 2016-07-18 to 2016-08-06"),
     (40, date(2016, 8, 7), 1, "choose --train-start from 2016-07-18 to 2016-08-06"),
     (40, date(2016, 8, 6), 2, "2 folds take 28 days; choose --train-start from 2016-07-18"),
     (20, None, 1, "a fold takes 21 days"),
     (20, None, 1, "take a longer file"),
     (30, None, 4, "ask for fewer folds")],
)  # fmt: skip
def test_a_fold_outside_the_data_is_refused(
    days: int, start: date | None, count: int, message: str
) -> None:
    """The message says what the data holds and what can be chosen."""
    with pytest.raises(LearningError, match=message):
        list(folds_of(_steady(days), HANDBOOK, start, count))


def test_an_empty_week_is_refused() -> None:
    """A gap in the data makes no fold."""
    whole = _steady(40)
    gap = (whole.day < _DAY + 14) | (whole.day >= _DAY + 21)
    holed = Payments(*(values[gap] for values in whole))
    with pytest.raises(LearningError, match="no payment in the test week from 2016-08-01"):
        list(folds_of(holed, HANDBOOK, date(2016, 7, 18), 1))
    nothing = Payments(*(values[:0] for values in whole))
    with pytest.raises(LearningError, match="no payment in this data"):
        list(folds_of(nothing, HANDBOOK, None, 1))
