"""`kanhe model train` and `kanhe model evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from kanhe.app.modelling import keep_model, load_model, read_training_set
from kanhe.core.errors import SettingsError
from kanhe.judge.language.source import NAME
from kanhe.judge.models.model import Group, Model
from kanhe.learn.boosting import Growth
from kanhe.learn.calibrating import Way
from kanhe.learn.evaluation import Evaluation
from kanhe.learn.evaluation import evaluate as measure
from kanhe.learn.training import Plan, detect
from kanhe.learn.training import train as learn
from kanhe.serve.cli.terminal import OK, print_json, print_table, say, shown_time
from kanhe.serve.cli.wording import words

_WAYS: dict[str, Way] = {"platt": "platt", "isotonic": "isotonic"}
_MEASURES = ("roc_auc", "average_precision", "precision_at_budget", "recall_at_budget", "brier",
             "calibration_error")  # fmt: skip


class Wish(NamedTuple):
    """What the options of `train` say."""

    dataset: Path
    name: str
    out: Path | None
    unsupervised: bool
    leave_out: tuple[str, ...]
    calibration: str
    positive_weight: float
    alerts: int
    seed: int


def train(wish: Wish, as_json: bool) -> int:
    """Train a model, write its file, and say what the later rows say of it."""
    if wish.calibration not in _WAYS:
        raise SettingsError(words("model.calibration", got=wish.calibration))
    if not NAME.fullmatch(wish.name):
        raise SettingsError(words("model.name", name=wish.name))
    found = read_training_set(wish.dataset, wish.leave_out)
    plan = Plan(
        name=wish.name,
        types=tuple(found.facts.types),
        label_delay_ms=found.facts.label_delay_ms,
        growth=Growth(seed=wish.seed, positive_weight=wish.positive_weight),
        calibration=_WAYS[wish.calibration],
        alerts_per_day=wish.alerts,
    )
    # What tells nobody apart, such as what staff did for the payment of a buyer, is no input.
    rows = found.rows.varying()
    model = detect(rows, plan) if wish.unsupervised else learn(rows, plan)
    out = wish.out or Path(f"{wish.name}.json")
    keep_model(out, model)
    if as_json:
        print_json({"file": str(out), **_told(model)})
    else:
        _show_model(out, model)
    return OK


def evaluate(model_file: Path, dataset: Path, alerts: int, as_json: bool) -> int:
    """Measure a model on a training set, and say it as it is."""
    model = load_model(model_file)
    found = read_training_set(dataset, only=model.input_names)
    told = measure(model, found.rows, alerts)
    if as_json:
        print_json(told)
    else:
        _show_evaluation(dataset, told)
    return OK


def _told(model: Model) -> dict[str, object]:
    """A model without its trees and baselines."""
    whole = msgspec.to_builtins(model)
    kept = ("name", "hash", "kind", "calibration", "metrics", "training", "card")
    return {
        **{name: whole[name] for name in kept},
        "trees": len(model.trees),
        "inputs": list(model.input_names),
    }


def _show_model(out: Path, model: Model) -> None:
    training = model.training
    say(
        words(
            "model.detector" if model.kind == "isolation" else "model.written", file=str(out),
            name=model.name, trees=len(model.trees), inputs=len(model.inputs), rows=training.rows,
            positives=training.positives,
        )
    )  # fmt: skip
    say(model.hash)
    if model.metrics:
        alerts = int(model.metrics["later_alerts_per_day"])
        figures = {name: model.metrics[f"later_{name}"] for name in _MEASURES}
        _show_measures(figures, alerts, words("model.later"))
    _show_groups(model.card.groups)
    types = ", ".join(f'"{name}"' for name in training.types)
    say(words("model.name_it", name=model.name, file=out.name, types=types))


def _show_evaluation(dataset: Path, told: Evaluation) -> None:
    measures = told.measures
    say(
        words(
            "model.measured", name=told.name, file=str(dataset), rows=measures.rows,
            first=shown_time(told.from_ms), last=shown_time(told.until_ms),
            positives=measures.positives, unlabelled=told.unlabelled,
        )
    )  # fmt: skip
    if told.overlaps_training:
        say(words("model.overlaps"))
    figures = {name: getattr(measures, name) for name in _MEASURES}
    _show_measures(figures, measures.alerts_per_day, "")
    print_table(
        [words("col.rows"), words("col.said"), words("col.came")],
        [(one.rows, f"{one.said:.4f}", f"{one.came:.4f}") for one in told.calibration],
        title=words("model.calibration_title"),
        right=(0, 1, 2),
    )
    _show_groups(told.groups)


def _show_measures(figures: dict[str, float], alerts: int, title: str) -> None:
    rows = [
        (words(f"measure.{name}", alerts=alerts), f"{value:.4f}") for name, value in figures.items()
    ]
    print_table([words("col.measure"), words("col.figure")], rows, title=title, right=(1,))


def _show_groups(groups: tuple[Group, ...] | list[Group]) -> None:
    if not groups:
        return
    columns = [words(f"col.{name}") for name in ("group", "rows", "alerted", "false_alarms",
                                                 "fraud_flagged", "said", "came")]  # fmt: skip
    names = ("flagged", "false_positive_rate", "recall", "said", "came")
    rows: list[tuple[object, ...]] = []
    for group in groups:
        told = [f"{group.metrics[n]:.4f}" if n in group.metrics else "–" for n in names]
        rows.append((_named(group), group.rows, *(told if group.metrics else _few())))
    print_table(columns, rows, title=words("model.groups"), right=(1, 2, 3, 4, 5, 6))


def _few() -> list[str]:
    return [words("model.few"), "", "", "", ""]


def _named(group: Group) -> str:
    value = words(f"buyer.{group.value}") if group.by == "buyer" else group.value
    return words(f"group.{group.by}", value=value)
