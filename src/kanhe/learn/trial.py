"""Trying a policy pack on old events under a protocol: train, wait, test, fold by fold.

(1) The folds are laid out over what the events turned out to be; nothing is computed before it is
    sure that each can be trained and tested.
(2) All events go once through the kernel of the live path, in the order in which they were known;
    what the folds need is kept.
(3) For each fold a model learns from the training rows, by the labels that had arrived before the
    test, and scores the test rows by the kernel of the live path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
from sklearn import metrics

from kanhe.core.event import Arrival, Event
from kanhe.core.time import DAY_MS
from kanhe.judge.models.forest import Forest
from kanhe.judge.policy.pack import Pack
from kanhe.learn import protocol as protocols
from kanhe.learn.chronicle import Chronicle, Truth
from kanhe.learn.protocol import CardDay, Fold, Payments
from kanhe.learn.rows import Bools, Floats, Rows
from kanhe.learn.training import Plan, train

Seconds = Callable[[], float]
"""A stopwatch: seconds since some moment."""


Told = Callable[[str, int, int], None]
"""Called now and then with what is being done (`features`, `fold`), how much of it, and of how much."""


class Memory(Protocol):
    """What is known of everyone, empty at first: the path's own features and derived numbers."""

    def reread(self, body: bytes) -> Arrival:
        """An accepted event again."""

    def observe(self, arrivals: Sequence[Arrival]) -> Floats:
        """Take up to a group of events; returns their vectors, good until the next group."""

    def numbers(self, names: Sequence[str], events: Sequence[Event], vectors: Floats) -> Floats:
        """The features and derived numbers of these names, a row per event."""


class FoldResult(msgspec.Struct, frozen=True, kw_only=True):
    """One fold: what was learned from, and how well it told the test apart."""

    train_start: str
    test_start: str
    train_rows: int
    train_frauds: int
    test_rows: int
    test_frauds: int
    removed_rows: int
    """Payments of the test days whose cards were known to be compromised."""
    trees: int
    model: str
    """The content hash of the model."""
    roc_auc: float
    average_precision: float
    card_precision: float
    """The mean over the test days."""
    best_card_precision: float
    """What somebody would reach who knew all: there are days with fewer compromised cards than can be
    looked at."""
    fit_seconds: float
    score_seconds: float
    days: list[CardDay]


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the folds, their mean and standard deviation (n − 1; 0 for one fold)."""

    roc_auc: float
    average_precision: float
    card_precision: float
    roc_auc_std: float
    average_precision_std: float
    card_precision_std: float


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A whole trial."""

    protocol: protocols.Protocol
    policy: str
    """The content hash of the pack whose numbers were learned from."""
    pack: str
    events: int
    """Payments and labels that went through the kernel or stood after the last test."""
    rows: int
    frauds: int
    first_day: str
    last_day: str
    inputs: list[str]
    vectors_seconds: float
    """How long the kernel took for all events."""
    folds: list[FoldResult]
    mean: Means


class Asked(NamedTuple):
    """What is to be tried."""

    pack: Pack
    protocol: protocols.Protocol
    start: date | None
    """The first day of training; `None`: the last folds that the data holds."""
    folds: int
    """0: see `protocol.folds_of`."""
    plan: Plan


def inputs_of(pack: Pack, event_type: str) -> tuple[str, ...]:
    """The numbers of a pack that a model of this event type can learn from."""
    derived = [spec.name for spec in pack.derived if event_type in spec.types]
    return (*(spec.name for spec in pack.features if not spec.is_text), *derived)


def run_trial(
    chronicle: Chronicle, asked: Asked, memory: Memory, seconds: Seconds, told: Told
) -> Trial:
    """Run all folds, by the steps above. Raises `LearningError`."""
    truth = chronicle.truth()
    payments = Payments(truth.at_ms // DAY_MS, truth.entity, truth.label)
    folds = list(protocols.folds_of(payments, asked.protocol, asked.start, asked.folds))  # (1)
    for fold in folds:
        _check(truth, fold, asked.protocol)
    names = inputs_of(asked.pack, chronicle.kind)
    wanted = np.zeros(len(truth.label), dtype=np.bool_)
    for fold in folds:
        wanted[fold.train] = wanted[fold.test] = True
    begun = seconds()
    vectors = chronicle.vectors(  # (2)
        wanted,
        len(names),
        memory.reread,
        memory.observe,
        lambda events, rows: memory.numbers(names, events, rows),
        lambda done, of: told("features", done, of),
    )
    vectors_s = seconds() - begun
    numbers = _Numbers(names, vectors, wanted, truth)
    results: list[FoldResult] = []
    for fold in folds:
        told("fold", len(results), len(folds))
        results.append(_fold(numbers, payments, fold, asked, seconds))  # (3)
    told("fold", len(folds), len(folds))
    return Trial(
        protocol=asked.protocol,
        policy=asked.pack.hash,
        pack=f"{asked.pack.name} {asked.pack.version}",
        events=len(chronicle),
        rows=len(truth.label),
        frauds=int(truth.label.sum()),
        first_day=protocols.shown_day(int(payments.day[0])),
        last_day=protocols.shown_day(int(payments.day[-1])),
        inputs=list(names),
        vectors_seconds=round(vectors_s, 3),
        folds=results,
        mean=_means(results),
    )


class _Numbers:
    """The numbers of the events that some fold wants."""

    def __init__(
        self, names: tuple[str, ...], vectors: Floats, wanted: Bools, truth: Truth
    ) -> None:
        self._names = names
        self._vectors = vectors
        self._rank = np.cumsum(wanted) - 1
        self._truth = truth

    def rows(self, fold: Fold, protocol: protocols.Protocol, *, tested: bool) -> Rows:
        """The rows of one side of a fold. Before the test only labels that were in are known."""
        places = fold.test if tested else fold.train
        label = self._truth.label[places]
        if not tested:
            label = label * (self._truth.known_ms[places] < _test_ms(fold, protocol))
        return Rows(
            self._names, self._vectors[self._rank[places]], label, self._truth.at_ms[places]
        )


def _test_ms(fold: Fold, protocol: protocols.Protocol) -> int:
    """When the test begins, and training must be done."""
    return (fold.first + protocol.train_days + protocol.delay_days) * DAY_MS


def _check(truth: Truth, fold: Fold, protocol: protocols.Protocol) -> None:
    """Both sides of a fold must have both kinds of label."""
    bare = _Numbers((), np.empty((len(truth.label), 0)), np.ones(len(truth.label), np.bool_), truth)
    start = protocols.shown_day(fold.first)
    bare.rows(fold, protocol, tested=False).need_both(f"the training days from {start} on")
    bare.rows(fold, protocol, tested=True).need_both(f"the test days of the fold from {start} on")


def _fold(
    numbers: _Numbers, payments: Payments, fold: Fold, asked: Asked, seconds: Seconds
) -> FoldResult:
    """Step (3) for one fold."""
    protocol = asked.protocol
    learned = numbers.rows(fold, protocol, tested=False)
    tested = numbers.rows(fold, protocol, tested=True)
    begun = seconds()
    model = train(learned, asked.plan)
    fitted = seconds()
    forest = Forest(model)
    forest.warm()
    ready = seconds()
    scores = forest.scores(tested.inputs)
    scored = seconds()
    days = protocols.card_precision(payments, fold.test, scores, protocol)
    return FoldResult(
        train_start=protocols.shown_day(fold.first),
        test_start=protocols.shown_day(fold.first + protocol.train_days + protocol.delay_days),
        train_rows=len(learned),
        train_frauds=learned.positives,
        test_rows=len(tested),
        test_frauds=tested.positives,
        removed_rows=fold.removed,
        trees=len(model.trees),
        model=model.hash,
        roc_auc=float(metrics.roc_auc_score(tested.label, scores)),
        average_precision=float(metrics.average_precision_score(tested.label, scores)),
        card_precision=float(np.mean([day.precision for day in days])),
        best_card_precision=_best(payments, fold, protocol),
        fit_seconds=round(fitted - begun, 3),
        score_seconds=round(scored - ready, 4),
        days=days,
    )


def _best(payments: Payments, fold: Fold, protocol: protocols.Protocol) -> float:
    """The mean card precision of scores that are the labels themselves."""
    labels = payments.label[fold.test].astype(np.float64)
    days = protocols.card_precision(payments, fold.test, labels, protocol)
    return float(np.mean([day.precision for day in days]))


def _means(folds: list[FoldResult]) -> Means:
    figures = np.array([(f.roc_auc, f.average_precision, f.card_precision) for f in folds])
    mean = figures.mean(axis=0).tolist()
    std = figures.std(axis=0, ddof=1).tolist() if len(folds) > 1 else [0.0] * 3
    return Means(
        roc_auc=mean[0],
        average_precision=mean[1],
        card_precision=mean[2],
        roc_auc_std=std[0],
        average_precision_std=std[1],
        card_precision_std=std[2],
    )
