"""What has drifted, and since when.

(1) Of all days on which something may have changed, the likeliest is the one after which counts of
    their own explain what came best, compared with the baseline (the maximum of the likelihood ratio
    over the day of a change; Page, 1955, Hinkley, 1970).
(2) What came since then is one sample. It has drifted if its index is large and beyond what chance
    gives, the number of comparisons counted in;
(3) and if the newest days are still so: what is over is no drift any more.
(4) Where fewer events came than tell anything, nothing is claimed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from kanhe.learn.drift.baseline import OUTCOMES, Measure
from kanhe.learn.drift.measure import (
    CHANCE,
    LARGE,
    MODERATE,
    RATE_LARGE,
    RATE_MODERATE,
    Counts,
    by_chance,
    likelihood_gain,
    rate_change,
    stability_index,
)
from kanhe.learn.drift.watch import Watch

LEAST = 500
"""How many events tell something, on either side."""
LEAST_FIRED = 20
"""How often, together, a rule must have fired to tell something."""

State = Literal["stable", "moderate", "large", "not_enough"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """How one measure stands."""

    kind: str
    type: str
    name: str
    state: State
    value: float | None = None
    """The population stability index since `since_day`; for a rule, how many times as often it fires."""
    moderate: float
    large: float
    """From where the value is moderate, and large; for a rule also below 1 by these."""
    chance: float | None = None
    """What the index would reach by chance alone once in a million comparisons."""
    since_day: int | None = None
    """Days since 1970: when it began, if it has drifted."""
    events: int = 0
    """Events since then; if it has not drifted, all that were counted."""
    then: float | None = None
    now: float | None = None
    """The share, in the baseline and since, of the bin that moved most."""
    where: str = ""
    """Which bin that is: `missing`, `fired`, an outcome, or an interval such as `(1, 3]`."""


def findings(watch: Watch) -> list[Finding]:
    """How every measure stands; what has drifted most comes first."""
    found = [
        _finding(measure, watch.days(place), len(watch.baseline.measures))
        for place, measure in enumerate(watch.baseline.measures)
    ]
    return sorted(found, key=lambda f: (_ORDER[f.state], -_weight(f), f.kind, f.type, f.name))


_ORDER: dict[State, int] = {"large": 0, "moderate": 1, "stable": 2, "not_enough": 3}


def _weight(finding: Finding) -> float:
    """How far from what it was, in units of what is large."""
    if finding.value is None:
        return 0.0
    if finding.kind == "rule":
        return abs(math.log(finding.value)) / RATE_LARGE
    return finding.value / LARGE


def _finding(measure: Measure, days: Sequence[tuple[int, Counts]], comparisons: int) -> Finding:
    then = np.array(measure.counts, dtype=np.int64)
    total = sum((counts for _, counts in days), start=np.zeros_like(then))
    if not _enough(measure, then, total):
        return _told(measure, "not_enough", events=int(total.sum()))
    since, now = _split(measure, then, days)  # (1)
    value = _value(measure, then, now)
    chance = by_chance(then, now, CHANCE / (comparisons * len(days)))
    state = _state(measure, value)
    # (2) For a rule the index of its two bins is what chance is held against.
    if stability_index(then, now) <= chance:
        state = "stable"
    # (3)
    if state != "stable" and not _goes_on(measure, then, now, days):
        state = "stable"
    if state == "stable":
        return _told(measure, state, value=_shown(measure, _value(measure, then, total)),
                     chance=chance, events=int(total.sum()))  # fmt: skip
    place = 0 if measure.kind == "rule" else _moved_most(then, now)
    return _told(
        measure, state, value=_shown(measure, value), chance=chance, since_day=since,
        events=int(now.sum()), then=_share(then, place), now=_share(now, place),
        where=_bin(measure, place),
    )  # fmt: skip


def _enough(measure: Measure, then: Counts, now: Counts) -> bool:
    """Step (4)."""
    if then.sum() < LEAST or now.sum() < LEAST:
        return False
    return measure.kind != "rule" or int(then[0] + now[0]) >= LEAST_FIRED


def _split(
    measure: Measure, then: Counts, days: Sequence[tuple[int, Counts]]
) -> tuple[int, Counts]:
    """Step (1): the first day after the likeliest change, and the counts since."""
    best, since, now = -1.0, days[0][0], then
    after = np.zeros_like(then)
    for day, counts in reversed(days):
        after = after + counts
        if not _enough(measure, then, after):
            continue
        gain = likelihood_gain(then, after)
        if gain > best:
            best, since, now = gain, day, after
    return since, now


def _goes_on(
    measure: Measure, then: Counts, now: Counts, days: Sequence[tuple[int, Counts]]
) -> bool:
    """Step (3): the newest events, as many as tell something, look more like those since than then."""
    newest = np.zeros_like(then)
    for _, counts in reversed(days):
        newest = newest + counts
        if _enough(measure, then, newest):
            break
    met = newest > 0
    p, q = ((c + 0.5) / (c.sum() + 0.5 * len(c)) for c in (then, now))
    return float((newest[met] * np.log(q[met] / p[met])).sum()) > 0


def _value(measure: Measure, then: Counts, now: Counts) -> float:
    return rate_change(then, now) if measure.kind == "rule" else stability_index(then, now)


def _shown(measure: Measure, value: float) -> float:
    return float(np.exp(value)) if measure.kind == "rule" else value


def _state(measure: Measure, value: float) -> State:
    moderate, large = (RATE_MODERATE, RATE_LARGE) if measure.kind == "rule" else (MODERATE, LARGE)
    if abs(value) >= large:
        return "large"
    return "moderate" if abs(value) >= moderate else "stable"


def _moved_most(then: Counts, now: Counts) -> int:
    p, q = then / then.sum(), now / now.sum()
    return int(np.argmax(np.abs(q - p)))


def _share(counts: Counts, place: int) -> float:
    return float(counts[place] / counts.sum())


def _bin(measure: Measure, place: int) -> str:
    if measure.kind == "rule":
        return "fired"
    if measure.kind == "outcome":
        return OUTCOMES[place]
    edges = measure.edges
    if place > len(edges):
        return "missing"
    if not edges:
        return "known"
    if place == 0:
        return f"<= {edges[0]:g}"
    if place == len(edges):
        return f"> {edges[-1]:g}"
    low, high = edges[place - 1], edges[place]
    # A value with a bin of its own lies just above an edge that nothing can tell from it.
    return f"= {high:g}" if np.nextafter(high, -np.inf) == low else f"({low:g}, {high:g}]"


def _told(
    measure: Measure,
    state: State,
    *,
    events: int,
    value: float | None = None,
    chance: float | None = None,
    since_day: int | None = None,
    then: float | None = None,
    now: float | None = None,
    where: str = "",
) -> Finding:
    rule = measure.kind == "rule"
    return Finding(
        kind=measure.kind, type=measure.type, name=measure.name, state=state, value=value,
        moderate=1.5 if rule else MODERATE, large=2.0 if rule else LARGE, chance=chance,
        since_day=since_day, events=events, then=then, now=now, where=where,
    )  # fmt: skip
