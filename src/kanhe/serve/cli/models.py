"""`kanhe model`: what a model's file says, and what weighs in a score."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np

from kanhe.core.errors import KanheError
from kanhe.judge.language.literals import in_words
from kanhe.judge.language.source import suggestion
from kanhe.judge.models.checks import ModelError
from kanhe.judge.models.forest import Forest
from kanhe.judge.models.model import Model
from kanhe.judge.models.portable import MAX_MODEL_BYTES, read_model
from kanhe.judge.models.shap import Shapley
from kanhe.serve.cli.terminal import OK, print_json, print_table, say
from kanhe.serve.cli.wording import either, words

MAX_LINE_BYTES = 1 << 20
"""The longest line of inputs."""


class InputError(KanheError):
    """A file cannot be read, or a line of it does not hold inputs of the model."""


def model_in(file: Path) -> Model:
    """The model in a file. Raises `InputError` with what is wrong and what to do."""
    try:
        with file.open("rb") as stream:
            return read_model(stream.read(MAX_MODEL_BYTES + 1))
    except OSError as error:
        raise InputError(words("card.unreadable", file=file, why=error.strerror)) from None
    except ModelError as error:
        raise InputError(f"{file}: {error}") from None


def show(file: Path, as_json: bool) -> int:
    """Show everything a model says of itself but its trees."""
    model = model_in(file)
    if as_json:
        print_json(_told(model))
        return OK
    say(f"{model.name}  {model.hash}")
    leaves = sum(len(tree.value) for tree in model.trees)
    say(words(f"card.kind.{model.kind}", trees=len(model.trees), leaves=leaves,
              inputs=len(model.inputs), objective=model.objective))  # fmt: skip
    say(words(f"card.calibration.{_calibrated(model)}"))
    _show_training(model)
    if model.metrics:
        rows = [(name, f"{value:.4g}") for name, value in sorted(model.metrics.items())]
        _table("metrics", ("metric", "value"), rows, right=(1,))
    inputs = [
        (one.name, _number(one.spread.typical), f"{one.spread.missing:.1%}") for one in model.inputs
    ]
    _table("inputs", ("name", "usual", "missing"), inputs, right=(1, 2))
    _show_card(model)
    return OK


def _table(title: str, columns: tuple[str, ...], rows: list[Any], right: tuple[int, ...]) -> None:
    named = [words(f"col.{column}") for column in columns]
    print_table(named, rows, title=words(f"card.{title}"), right=right, whole=(0,))


def _told(model: Model) -> dict[str, Any]:
    """The model as data, its trees counted."""
    told = msgspec.to_builtins(model)
    told["trees"] = len(model.trees)
    told["leaves"] = sum(len(tree.value) for tree in model.trees)
    return dict(told)


def _calibrated(model: Model) -> str:
    return "none" if model.calibration is None else type(model.calibration).__name__.lower()


def _show_training(model: Model) -> None:
    training = model.training
    if training.until_ms <= training.from_ms:
        say(words("card.no_training"))
        return
    say(
        words("card.training", begin=_date(training.from_ms), end=_date(training.until_ms),
              delay=in_words(training.label_delay_ms), rows=training.rows,
              positives=training.positives, seed=training.seed, types=", ".join(training.types))
    )  # fmt: skip
    if training.versions:
        versions = ", ".join(f"{k} {v}" for k, v in sorted(training.versions.items()))
        say(words("card.versions", versions=versions))


def _show_card(model: Model) -> None:
    card = model.card
    for key, text in (("use", card.intended_use), ("data", card.data), ("limits", card.limits)):
        if said := either(text.en, text.zh):
            say(f"{words(f'card.{key}')}: {said}")
    if card.groups:
        metrics = sorted({name for group in card.groups for name in group.metrics})
        rows = [
            (f"{group.by} {group.value}", f"{group.rows:,}", f"{group.positives:,}",
             *(_number(group.metrics.get(name)) for name in metrics))
            for group in card.groups
        ]  # fmt: skip
        columns = [words(f"col.{c}") for c in ("group", "rows", "positives")]
        print_table([*columns, *metrics], rows, title=words("card.groups"),
                    right=range(1, 3 + len(metrics)), whole=(0,))  # fmt: skip


def explain(file: Path, lines: str, most: int, as_json: bool) -> int:
    """Score lines of inputs, and say exactly what each input contributed to each score."""
    model = model_in(file)
    forest, shapley = Forest(model), Shapley(model)
    with _opened(lines) as stream:
        for number, raw in enumerate(iter(lambda: stream.readline(MAX_LINE_BYTES + 1), b""), 1):
            if len(raw) > MAX_LINE_BYTES:
                raise InputError(words("card.long_line", line=str(number), most=MAX_LINE_BYTES))
            if not raw.strip():
                continue
            row = np.array([_row(model, raw, number)])
            told = _explained(model, forest, shapley, row, most)
            if as_json:
                sys.stdout.write(msgspec.json.encode({"line": number} | told).decode() + "\n")
                continue
            say(words("card.score", line=str(number), score=f"{told['score']:.4f}"))
            rows = [
                (one["input"], _number(one["value"]), _number(one["usual"]), f"{one['by']:+.4f}")
                for one in told["contributions"]
            ]
            columns = [words(f"col.{c}") for c in ("name", "value", "usual", "contribution")]
            print_table(columns, rows, right=(1, 2, 3), whole=(0,))
    return OK


def _explained(
    model: Model, forest: Forest, shapley: Shapley, row: np.ndarray, most: int
) -> dict[str, Any]:
    """Score, raw score and the heaviest contributions (Shapley values, in raw score) of one row."""
    values = shapley.values(row)[0]
    heaviest = np.argsort(-np.abs(values), kind="stable")[:most]
    return {
        "score": float(forest.scores(row)[0]),
        "raw": float(forest.raw(row)[0]),
        "expected": forest.expected,
        "contributions": [
            {
                "input": model.inputs[n].name,
                "value": None if math.isnan(row[0, n]) else float(row[0, n]),
                "usual": model.inputs[n].spread.typical,
                "by": float(values[n]),
            }
            for n in islice(heaviest.tolist(), most)
        ],
    }


def _row(model: Model, raw: bytes, number: int) -> list[float]:
    """The inputs of one line in the model's order; what is left out or null is missing."""
    try:
        given = msgspec.json.decode(raw, type=dict[str, float | None])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(words("card.bad_line", line=str(number), why=str(error)[:200])) from None
    for name in given:
        if name not in model.input_names:
            near = suggestion(name, model.input_names)
            raise InputError(
                words("card.unknown_input", line=str(number), name=name[:80], near=near).rstrip()
            )
    found = (given.get(name) for name in model.input_names)
    return [math.nan if value is None else value for value in found]


@contextmanager
def _opened(lines: str) -> Iterator[IO[bytes]]:
    """The lines of a file, or of standard input, which is left open."""
    if lines == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = os.fdopen(os.open(lines, os.O_RDONLY), "rb")
    except OSError as error:
        raise InputError(words("card.unreadable", file=lines, why=error.strerror)) from None
    with stream:
        yield stream


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.6g}"


def _date(at_ms: int) -> str:
    """A time in UTC."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    return f"{moment:%Y-%m-%d %H:%M}Z"
