"""`kanhe evaluate`: a policy pack on a file of old payments, under a published protocol."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import msgspec

from kanhe.app.evaluating import Progress, example_folder, try_pack
from kanhe.core.errors import SettingsError
from kanhe.core.settings import Settings
from kanhe.core.time import DAY_MS
from kanhe.judge.policy.pack import load_pack
from kanhe.learn.boosting import Growth
from kanhe.learn.protocol import HANDBOOK
from kanhe.learn.training import Plan
from kanhe.learn.trial import Asked, FoldResult, Trial
from kanhe.serve.cli.terminal import OK, print_json, print_table, progress_bar, say
from kanhe.serve.cli.wording import words

_EXAMPLE = "handbook"


class Wish(NamedTuple):
    """What the options say."""

    protocol: str
    data: Path
    policy: Path | None
    mapping: Path | None
    labels: Path | None
    train_start: str
    folds: int
    seed: int


def evaluate(settings: Settings, wish: Wish, as_json: bool) -> int:
    """Run the protocol and report fold by fold. Raises `KanheError` for what cannot be run."""
    if wish.protocol != HANDBOOK.name:
        raise SettingsError(words("trial.protocol", name=wish.protocol))
    start = _day(wish.train_start) if wish.train_start else None
    example = example_folder(_EXAMPLE)
    # First of all, so that a mistake in the pack is told before anything begins.
    pack = load_pack(wish.policy or example / "policy")
    asked = Asked(
        pack=pack,
        protocol=HANDBOOK,
        start=start,
        folds=wish.folds,
        plan=Plan(
            name="card_risk",
            types=("payment.attempted",),
            label_delay_ms=HANDBOOK.delay_days * DAY_MS,
            growth=Growth(seed=wish.seed),
            alerts_per_day=HANDBOOK.cards,
        ),
    )
    mappings = [wish.mapping or example / "mapping.toml", wish.labels or example / "labels.toml"]
    with _progress() as progress:
        trial = try_pack(settings, wish.data, mappings, asked, time.perf_counter, progress)
    if as_json:
        print_json({"data": str(wish.data), **msgspec.to_builtins(trial)})
    else:
        _show(wish.data, trial)
    return OK


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(words("trial.date", text=text)) from None


@contextmanager
def _progress() -> Iterator[Progress]:
    """One bar for each thing that is done."""
    with progress_bar() as bar:
        tasks = {}

        def progress(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(words(f"trial.{what}"), total=of)
            bar.update(tasks[what], completed=done, total=of)

        yield progress


def _show(data: Path, trial: Trial) -> None:
    """For people: what was tried, the figures fold by fold, and the days."""
    protocol, mean = trial.protocol, trial.mean
    say(
        words(
            "trial.about", file=str(data), rows=trial.rows, first=trial.first_day,
            last=trial.last_day, frauds=trial.frauds, inputs=len(trial.inputs), pack=trial.pack,
            events=trial.events, seconds=trial.vectors_seconds,
        )
    )  # fmt: skip
    names = ("train_start", "test_start", "learned", "tested", "trees", "roc_auc",
             "average_precision", "card_precision", "fit_s", "score_s")  # fmt: skip
    columns = [words(f"col.{name}", cards=protocol.cards) for name in names]
    rows: list[tuple[object, ...]] = [_row(fold) for fold in trial.folds]
    if len(rows) > 1:
        figures = [
            f"{getattr(mean, name):.4f} ± {getattr(mean, f'{name}_std'):.4f}"
            for name in ("roc_auc", "average_precision", "card_precision")
        ]
        rows.append((words("trial.mean"), "", "", "", "", *figures, "", ""))
    title = words("trial.title", train=protocol.train_days, delay=protocol.delay_days,
                  test=protocol.test_days)  # fmt: skip
    print_table(columns, rows, title=title, right=tuple(range(2, 10)), whole=(0, 1, 5, 6, 7))
    by_day = ("train_start", "day", "compromised", "cards_found", "day_precision")
    print_table(
        [words(f"col.{name}") for name in by_day],
        [
            (fold.train_start, day.day, day.compromised, day.found, f"{day.precision:.2f}")
            for fold in trial.folds
            for day in fold.days
        ],
        title=words("trial.days", cards=protocol.cards),
        right=(2, 3, 4),
        whole=(0, 1),
    )
    best = sum(fold.best_card_precision for fold in trial.folds) / len(trial.folds)
    say(words("trial.best", cards=protocol.cards, best=best))


def _row(fold: FoldResult) -> tuple[object, ...]:
    return (
        fold.train_start,
        fold.test_start,
        f"{fold.train_rows:,} ({fold.train_frauds:,})",
        f"{fold.test_rows:,} ({fold.test_frauds:,})",
        fold.trees,
        f"{fold.roc_auc:.4f}",
        f"{fold.average_precision:.4f}",
        f"{fold.card_precision:.4f}",
        f"{fold.fit_seconds:.1f}",
        f"{fold.score_seconds:.2f}",
    )
