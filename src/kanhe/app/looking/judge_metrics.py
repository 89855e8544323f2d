"""What the judging process tells of itself, read from its metrics in the Prometheus text format."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([^ ]+)(?: [0-9]+)?")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_LATENCY = "kanhe_decision_seconds_bucket"
MOST_CHARACTERS = 4_000_000


class Sample(NamedTuple):
    """One line of the metrics."""

    name: str
    labels: Mapping[str, str]
    value: float


Buckets = tuple[tuple[float, float], ...]
"""Upper bounds in seconds with how many answers took no longer, the last one endless."""


def samples(text: str) -> list[Sample]:
    """The samples of an exposition; lines that are none are passed over."""
    found = []
    for line in text[:MOST_CHARACTERS].splitlines():
        match = None if line.startswith("#") else _LINE.fullmatch(line)
        if match is None:
            continue
        try:
            value = float(match[3])
        except ValueError:
            continue
        labels = {name: _plain(value_) for name, value_ in _LABEL.findall(match[2] or "")}
        found.append(Sample(match[1], labels, value))
    return found


def value_of(found: Sequence[Sample], name: str) -> float | None:
    """The value of a metric without labels."""
    return next((one.value for one in found if one.name == name and not one.labels), None)


def latency(found: Sequence[Sample]) -> Buckets:
    """The histogram of how long single decisions took."""
    pairs = [
        (float(one.labels.get("le", "nan").replace("+Inf", "inf")), one.value)
        for one in found
        if one.name == _LATENCY
    ]
    return tuple(sorted(pair for pair in pairs if not math.isnan(pair[0])))


def quantile(before: Buckets, after: Buckets, share: float) -> float | None:
    """The value in seconds below which a share of the answers between two readings lies.

    Between two bounds it is taken to grow evenly, as Prometheus does; `None` without an answer in
    between, or if the process was started anew.
    """
    known = dict(before)
    counts = [(bound, count - known.get(bound, 0.0)) for bound, count in after]
    if not counts or counts[-1][1] <= 0 or any(count < 0 for _, count in counts):
        return None
    wanted = share * counts[-1][1]
    low, below = 0.0, 0.0
    for bound, count in counts:
        if count >= wanted:
            if math.isinf(bound):
                return low
            within = count - below
            return low + (bound - low) * ((wanted - below) / within if within else 1.0)
        low, below = bound, count
    return low


def _plain(text: str) -> str:
    return text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
