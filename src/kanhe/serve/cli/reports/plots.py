"""Figures become places on a drawing: bars, ticks and marks in the units of an SVG view box.

Nothing here writes SVG, and no text here comes from anywhere but the caller: the templates draw it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

WIDTH = 1080
LEAST_SHARE = 0.0001
"""Where a logarithmic axis begins."""
_HEIGHT = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 14, 34
_ROW = 26
_NAMES = 260
_VALUES = 130


class Bar(NamedTuple):
    """A rectangle; `kind` is its class in the style sheet, `title` what it says when pointed at."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


class Tick(NamedTuple):
    """A line of the grid, or a place on an axis, with its label."""

    at: float
    label: str


class Plot(NamedTuple):
    """Bars over a horizontal axis."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    """The edges of the plotting area."""
    bars: tuple[Bar, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Tick, ...] = ()
    """Vertical lines with a label, such as thresholds."""


class Row(NamedTuple):
    """One line of a plot of rows: a name, and bars from the middle to both sides."""

    y: float
    name: str
    left: Bar
    right: Bar


class Rows(NamedTuple):
    """Names, each with a bar to the left and one to the right of the middle."""

    width: int
    height: int
    middle: float
    rows: tuple[Row, ...]


def ticks_to(most: float, about: int = 4) -> list[float]:
    """Round numbers from 0 to at least `most`, some `about` of them: 1, 2 or 5 times a power of 10."""
    if most <= 0:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(most / about))
    step = next(power * n for n in (1, 2, 5, 10) if power * n * about >= most * 0.999)
    return [round(step * n, 10) for n in range(math.ceil(most / step - 1e-9) + 1)]


def columns(
    groups: Sequence[Sequence[float]],
    kinds: Sequence[str],
    titles: Sequence[Sequence[str]],
    x_labels: Sequence[tuple[int, str]],
    logarithmic: bool = False,
) -> Plot:
    """Groups of bars side by side, one for each of `kinds`, in the order of `groups`.

    `x_labels` puts a text below the group of that number. `logarithmic` is for shares: from
    `LEAST_SHARE` to 1, written as percentages; its labels stand where their group begins.
    """
    if logarithmic:
        ticks = [10.0**power for power in range(round(math.log10(LEAST_SHARE)), 1)]
        labels = [f"{tick:.2%}".rstrip("0%").rstrip(".") + "%" if tick < 0.1 else f"{tick:.0%}"
                  for tick in ticks]  # fmt: skip
    else:
        ticks = ticks_to(max((value for group in groups for value in group), default=0))
        labels = [f"{tick:,g}" for tick in ticks]
    right, bottom = WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    reach = bottom - _TOP

    def height(value: float) -> float:
        if not logarithmic:
            return reach * value / ticks[-1]
        # What is there but too small for the scale is a line at the bottom.
        return max(1.5, reach * (1 - math.log10(max(value, LEAST_SHARE)) / math.log10(LEAST_SHARE)))

    step = (right - _LEFT) / max(1, len(groups))
    gap = min(4.0, step * 0.2)
    breadth = (step - gap) / len(kinds)
    bars = [
        Bar(
            _LEFT + n * step + gap / 2 + k * breadth, bottom - height(value),
            max(breadth - 0.5, 0.6), height(value), kinds[k], titles[n][k],
        )
        for n, group in enumerate(groups)
        for k, value in enumerate(group)
        if value > 0
    ]  # fmt: skip
    ys = [bottom - (reach * n / (len(ticks) - 1) if logarithmic else height(tick))
          for n, tick in enumerate(ticks)]  # fmt: skip
    shift = 0.0 if logarithmic else 0.5
    return Plot(
        WIDTH, _HEIGHT, _LEFT, right, _TOP, bottom, tuple(bars),
        tuple(Tick(_LEFT + (n + shift) * step, text) for n, text in x_labels),
        tuple(Tick(y, text) for y, text in zip(ys, labels, strict=True)),
    )  # fmt: skip


def marked(plot: Plot, places: Sequence[tuple[float, str]]) -> Plot:
    """The plot with vertical lines, each at a share of its width."""
    reach = plot.right - plot.left
    return plot._replace(marks=tuple(Tick(plot.left + at * reach, text) for at, text in places))


def two_sided(rows: Sequence[tuple[str, float, str, float, str]]) -> Rows:
    """Rows of a name, a value and its text to the left, and a value and its text to the right.

    Both sides have one scale.
    """
    most = max((value for _, one, _, other, _ in rows for value in (one, other)), default=0) or 1
    middle = _NAMES + (WIDTH - _NAMES) / 2
    reach = (WIDTH - _NAMES) / 2 - _VALUES
    found = []
    for n, (name, one, told, other, told_other) in enumerate(rows):
        y = n * _ROW + 4
        left, right = reach * one / most, reach * other / most
        found.append(
            Row(
                y + _ROW / 2, name,
                Bar(middle - left, y, left, _ROW - 8, "honest", told),
                Bar(middle, y, right, _ROW - 8, "fraud", told_other),
            )
        )  # fmt: skip
    return Rows(WIDTH, len(rows) * _ROW + 4, middle, tuple(found))
