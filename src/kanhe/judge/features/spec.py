"""What a feature declaration says once it has been read and checked."""

from __future__ import annotations

from dataclasses import dataclass

from kanhe.judge.language.expression import Checked

WINDOWED = frozenset({"count", "sum", "mean", "std", "min", "max", "share", "label_rate"})
"""Functions over buckets; they take `delay=`."""
OF_FIELD = frozenset({"sum", "mean", "std", "min", "max", "distinct", "last"})
"""Functions that aggregate a field."""
FUNCTIONS: dict[str, str] = {
    "count": "how many events",
    "sum": "sum of an integer field",
    "mean": "mean of an integer field",
    "std": "sample standard deviation of an integer field",
    "min": "smallest value of an integer field",
    "max": "largest value of an integer field",
    "distinct": "how many different values of a field",
    "share": "share of the events that meet a condition",
    "label_rate": "share of the events that turned out to be fraud",
    "last": "value of a field in the latest earlier event",
    "since_last": "seconds since the latest earlier event",
    "first_seen": "time of the first event, in milliseconds since 1970",
    "age": "seconds since the first event",
    "speed": "km/h between this event and the latest earlier one",
}

VALUE = "value"
"""What declares a derived number in the same file (`kanhe.judge.features.derived`)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked `where=` or `of=`: an expression over fields of the event only.

    `text` is its normal form: two conditions that read the same are the same.
    """

    text: str
    checked: Checked


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One feature. Durations in milliseconds, 0 where there is none."""

    name: str
    function: str
    types: tuple[str, ...]
    by: tuple[str, ...]
    over_ms: int = 0
    field: str | None = None
    where: Condition | None = None
    of: Condition | None = None
    delay_ms: int = 0
    most: int = 0
    is_text: bool = False
    """Whether the vector holds a text code rather than a number."""
