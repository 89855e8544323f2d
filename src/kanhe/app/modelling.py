"""Models and what they are made of, as files: training sets in, models out and in."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import msgspec

from kanhe.core.errors import KanheError, StorageError
from kanhe.judge.models.model import Model
from kanhe.judge.models.portable import MAX_MODEL_BYTES, read_model, write_model
from kanhe.learn.dataset import DatasetFacts
from kanhe.learn.rows import LearningError, Rows, rows_of
from kanhe.stores.files.durable import replace_file
from kanhe.stores.files.sheets import read_facts, read_sheet

_BESIDE = ("label", "at_ms", "country", "new_buyer")


class TrainingSet(NamedTuple):
    """A training set that was read."""

    rows: Rows
    facts: DatasetFacts


def read_training_set(
    path: Path, leave_out: Collection[str] = (), only: Collection[str] | None = None
) -> TrainingSet:
    """The rows of a file that `kanhe dataset build` wrote, with every number that can be learned from
    but those left out; with `only`, just these.

    Raises `KanheError` for a file that is none, or damaged, or holds nothing to learn from.
    """
    try:
        facts = msgspec.json.decode(read_facts(path), type=DatasetFacts)
    except msgspec.DecodeError as error:
        raise KanheError(
            f"{path} does not say rightly what it is: {error}; build it anew"
        ) from None
    known = [*facts.features, *facts.derived]
    if strange := sorted(set(leave_out) - set(known)):
        raise LearningError(f"--leave-out {strange[0]}: {path} holds no such number")
    texts, wanted = set(facts.text_features) | set(leave_out), None if only is None else set(only)
    names = tuple(n for n in known if n not in texts and (wanted is None or n in wanted))
    if not names and only is None:
        raise LearningError(f"{path} holds no number to learn from; see --leave-out")
    sheet = read_sheet(path, _BESIDE, names)
    columns = sheet.columns
    rows = rows_of(
        sheet.numbers, columns["label"], columns["at_ms"], columns["country"], columns["new_buyer"]
    )
    return TrainingSet(rows, facts)


def keep_model(path: Path, model: Model) -> None:
    """Write a model's file, whole and durable. Raises `StorageError`, or `ModelError` if it is too large."""
    raw = write_model(model)
    try:
        replace_file(path, raw)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error


def load_model(path: Path) -> Model:
    """The model in a file. Raises `KanheError` for what cannot be read, or is no whole model."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_MODEL_BYTES + 1)
    except OSError as error:
        raise KanheError(f"cannot read {path}: {error.strerror or error}") from None
    return read_model(raw)
