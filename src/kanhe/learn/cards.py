"""The model card: what a model is for, what it knows, where it ends, and how it treats whom.

After Mitchell et al., "Model Cards for Model Reporting" (2019). The texts say what is known of every
model of this kind; people add what is known of theirs in the policy pack's own documents.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from kanhe.core.decision import Text
from kanhe.core.time import DAY_MS
from kanhe.judge.models.model import Card, Group, Model
from kanhe.learn.measures import Fairness, alerted, fairness
from kanhe.learn.rows import Floats, Rows

MOST_GROUPS = 30
"""Of each kind the groups with the most rows are told, so many at most."""
LEAST_IN_GROUP = 50
"""Smaller groups are told as their number of rows only: a share of a handful says nothing, and could
be somebody."""


def groups_of(rows: Rows, scores: Floats, alerts_per_day: int) -> tuple[Group, ...]:
    """How each group of people fares when so many events a day are flagged, by one threshold for all."""
    known = np.flatnonzero(rows.label >= 0)
    if not len(known):
        return ()
    rows, scores = rows.only(known), scores[known]
    threshold = threshold_of(rows, scores, alerts_per_day)
    return tuple(_groups(rows, scores, threshold))


def threshold_of(rows: Rows, scores: Floats, alerts_per_day: int) -> float:
    """The score above which as many events lie as people can look at over all these days."""
    flagged = int(alerted(scores, rows.at_ms, alerts_per_day).sum())
    return float(np.sort(scores)[len(scores) - flagged])


def _groups(rows: Rows, scores: Floats, threshold: float) -> Iterator[Group]:
    for by, values in sorted(rows.groups.items()):
        names, counts = np.unique(values, return_counts=True)
        largest = sorted(zip(-counts, names, strict=True))[:MOST_GROUPS]
        for count, name in largest:
            if not name:
                continue
            places = np.flatnonzero(values == name)
            found = fairness(rows.label[places], scores[places], threshold)
            told = {} if -count < LEAST_IN_GROUP else _told(found)
            yield Group(
                by=by, value=str(name), rows=found.rows, positives=found.positives, metrics=told
            )


def _told(found: Fairness) -> dict[str, float]:
    """The shares that could be computed."""
    told = found._asdict()
    return {
        name: round(value, 6)
        for name, value in told.items()
        if name not in ("rows", "positives") and math.isfinite(value)
    }


def card_of(model: Model, groups: tuple[Group, ...]) -> Card:
    """The card of a model that has been trained."""
    training = model.training
    first, last = _day(training.from_ms), _day(training.until_ms - 1)
    days, delay = f"{first}–{last}", training.label_delay_ms // DAY_MS
    types = ", ".join(training.types)
    if model.kind == "isolation":
        return Card(
            intended_use=Text(
                "Tells events apart that are unlike the others, for people to look at. Unusual is not"
                " wrong: never the only ground on which something is denied.",
                "找出与众不同的事件，供人工查看。少见不等于有问题：不得单独据此拒绝。",
            ),
            data=Text(
                f"{training.rows} events ({types}) of {days}, without labels.",
                f"{days} 的 {training.rows} 个事件（{types}），未使用标注。",
            ),
            limits=Text(
                "Knows nothing of fraud. What was common in these days counts as usual, fraud that was"
                " common included. The score is a rank, not a probability.",
                "模型不了解欺诈。这些日子里常见的即视为正常，包括当时常见的欺诈。评分只表示排序，不是概率。",
            ),
            groups=groups,
        )
    return Card(
        intended_use=Text(
            "Estimates how probable it is that an event will turn out to be fraud, as one ground among"
            " the rules of a policy pack. Thresholds and what follows from them are set there, by people.",
            "估计事件事后被认定为欺诈的概率，作为策略包中规则的依据之一。阈值及其后果由人在策略包中设定。",
        ),
        data=Text(
            f"{training.rows} events ({types}) of {days}, {training.positives} of them labelled as"
            f" fraud; labels were waited for {delay} days.",
            f"{days} 的 {training.rows} 个事件（{types}），其中 {training.positives} 个标注为欺诈；"
            f"标注等待期 {delay} 天。",
        ),
        limits=Text(
            "Knows the kinds of fraud of its training window only, and only those that were found out."
            " What was denied then has no label, so it learned from what was let through. Groups below"
            " were measured on the later part of that window; groups that are not told apart there"
            " were not measured. Train it anew when drift is told.",
            "模型只了解训练期内的、且已被查明的欺诈类型。当时被拒绝的事件没有标注，模型只能从放行的事件中"
            "学习。下列分组在训练期的后段上测得；未列出的分组没有测量。出现漂移告警时应重新训练。",
        ),
        groups=groups,
    )


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
