"""Scoring: eight trees walked in step, missing values and all, and what each input contributed.

The leaves are added up in the order of the model's trees, one after the other, as LightGBM does it.
So a row has the same bits by itself, in a group and in a batch, and for a model that came from
LightGBM they are the bits of its own raw score. Nothing here calls the system's mathematical
library: `exp` is computed by additions, multiplications and divisions only, whose bits IEEE 754
prescribes, so that a replay on another machine finds the same score.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kanhe.judge.machine.compiling import compilers
from kanhe.judge.machine.memory import doubles_at, prefetch, words_at

SOURCES = ("kernel.py", "abreast.py", "lanes.py", "shap.py", "checks.py")
compiled, inlined = compilers(Path(__file__).parent, SOURCES)

LOGISTIC = 0
"""1 / (1 + exp(-(a * raw + b)))."""
POWER = 1
"""2 ** raw, at most 1."""
LINES = 2
"""Straight lines between points, level outside of them."""

NEAR_ZERO = float(np.float32(1e-35))
"""What lies no further from 0 than this counts as 0: LightGBM's `kZeroThreshold`."""

FURTHEST = 1e300
"""What lies further from 0 counts as this far: LightGBM's `AvoidInf`."""

_INF = np.inf
_NAN = np.nan
_LOW = 0xFFFFFFFF
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_LN2 = 0.6931471805599453
_MOST = 700.0


# Where the parts of a forest lie, by their place among the words of its plan (see `forest.Forest`).
P_NODES, P_ROOTS, P_CUTS, P_ORDER, P_PATHS, P_CHANGES = 0, 1, 2, 3, 4, 5
"""Addresses of the tables."""
P_ZERO, P_ROW, P_REACHED, P_PARTS, P_SUMS = 6, 7, 8, 9, 17
"""Addresses of which inputs take 0 for missing, and of room to work in."""
P_SCALARS, P_LINES = 10, 11
"""Addresses of three numbers (base, a, b) and of the points of a calibration (raw and score each)."""
P_STEPS, P_TREES, P_INPUTS, P_LINK, P_POINTS = 12, 13, 14, 15, 16
"""Counts, and which link it is."""


@inlined
def _to_power(whole):
    """2 ** whole for a whole number from -1022 to 1023, exactly."""
    result = 1.0
    factor = 2.0 if whole >= 0 else 0.5
    left = whole if whole >= 0 else -whole
    while left:
        if left & 1:
            result *= factor
        factor *= factor
        left >>= 1
    return result


@compiled
def exp(x):
    """e ** x for x from -700 to 700, within one unit in the last place, with the same bits everywhere.

    x is parted into k ln 2 + r with |r| at most ln 2 / 2; e ** r is the rational approximation of
    Sun's fdlibm (`e_exp.c`), whose error is below 2 ** -59.
    """
    k = np.int64(np.floor(x / _LN2 + 0.5))
    high = x - k * _LN2_HIGH
    low = k * _LN2_LOW
    r = high - low
    t = r * r
    c = r - t * (
        1.66666666666666019037e-01
        + t
        * (
            -2.77777777770155933842e-03
            + t
            * (
                6.61375632143793436117e-05
                + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08)
            )
        )
    )
    return (1.0 - ((low - (r * c) / (2.0 - c)) - high)) * _to_power(k)


@inlined
def _logistic(x):
    if x >= 0.0:
        return 1.0 / (1.0 + exp(-min(x, _MOST)))
    e = exp(max(x, -_MOST))
    return e / (1.0 + e)


@inlined
def _on_lines(x, points, count):
    """The height at x of the line through the points, level outside of them."""
    last = count - 1
    if x <= points[0]:
        return points[1]
    if x >= points[2 * last]:
        return points[2 * last + 1]
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        if points[2 * middle] <= x:
            low = middle
        else:
            high = middle
    x0, y0 = points[2 * low], points[2 * low + 1]
    x1, y1 = points[2 * high], points[2 * high + 1]
    return y0 + (y1 - y0) * ((x - x0) / (x1 - x0))


@inlined
def linked_score(plan, raw):
    """The score that a raw score stands for."""
    if plan[P_LINK] == LOGISTIC:
        scalars = doubles_at(plan[P_SCALARS])
        return _logistic(scalars[1] * raw + scalars[2])
    if plan[P_LINK] == POWER:
        return exp(max(min(raw, 0.0) * _LN2, -_MOST))
    return _on_lines(raw, doubles_at(plan[P_LINES]), plan[P_POINTS])


@inlined
def write_row(room, first, step, vectors, begin, columns, count, zero_is_missing):
    """The inputs of one row, twice: missing values as minus and as plus infinity.

    They are written to every `step`th place of the room, from `first` on.
    """
    for k in range(count):
        x = vectors[begin + columns[k]]
        if -NEAR_ZERO <= x <= NEAR_ZERO:
            x = _NAN if zero_is_missing[k] else 0.0
        if x == x:
            # No value reaches the infinities, which stand for missing.
            x = min(max(x, -FURTHEST), FURTHEST)
            low = high = x
        else:
            low, high = -_INF, _INF
        room[first + k * step] = low
        room[first + (count + k) * step] = high


@inlined
def _write_row(plan, vectors, begin, columns):
    """The inputs of one row as the walk finds them."""
    count, row = plan[P_INPUTS], doubles_at(plan[P_ROW])
    write_row(row, 0, 1, vectors, begin, columns, count, words_at(plan[P_ZERO]))
    # What leaves look at, in order to stay where they are.
    row[2 * count] = -_INF


@inlined
def _child(row, numbers, words, node):
    """The child to which a row goes on. A node is two words: its threshold, and where to look
    (above) and go (below); the right child stands two words behind the left one."""
    word = words[node + 1]
    return (word & _LOW) + ((row[word >> 32] > numbers[node]) << 1)


@inlined
def _finished(row, numbers, words, node):
    """The leaf that the row reaches from a node: the one that leads to itself."""
    while words[node + 1] & _LOW != node:
        node = _child(row, numbers, words, node)
    return node


@compiled
def _walk(plan_at):
    """Fill the room for what is reached with the leaf of each tree."""
    plan = words_at(plan_at)
    row, words = doubles_at(plan[P_ROW]), words_at(plan[P_NODES])
    numbers = doubles_at(plan[P_NODES])
    roots, cuts = words_at(plan[P_ROOTS]), words_at(plan[P_CUTS])
    reached = words_at(plan[P_REACHED])
    for step in range(plan[P_STEPS]):
        at = 8 * step
        i0, i1, i2, i3 = roots[at], roots[at + 1], roots[at + 2], roots[at + 3]
        i4, i5, i6, i7 = roots[at + 4], roots[at + 5], roots[at + 6], roots[at + 7]
        for _ in range(cuts[step]):
            # None of these waits for another, so that the processor takes them side by side.
            i0 = _child(row, numbers, words, i0)
            i1 = _child(row, numbers, words, i1)
            i2 = _child(row, numbers, words, i2)
            i3 = _child(row, numbers, words, i3)
            i4 = _child(row, numbers, words, i4)
            i5 = _child(row, numbers, words, i5)
            i6 = _child(row, numbers, words, i6)
            i7 = _child(row, numbers, words, i7)
        # Mostly all are at a leaf by now; the few that are not go on by themselves.
        reached[at] = _finished(row, numbers, words, i0)
        reached[at + 1] = _finished(row, numbers, words, i1)
        reached[at + 2] = _finished(row, numbers, words, i2)
        reached[at + 3] = _finished(row, numbers, words, i3)
        reached[at + 4] = _finished(row, numbers, words, i4)
        reached[at + 5] = _finished(row, numbers, words, i5)
        reached[at + 6] = _finished(row, numbers, words, i6)
        reached[at + 7] = _finished(row, numbers, words, i7)


@inlined
def _add_up(plan):
    """The raw score: the leaves that were reached, in the order of the model's trees."""
    value, order = doubles_at(plan[P_NODES]), words_at(plan[P_ORDER])
    reached, parts = words_at(plan[P_REACHED]), doubles_at(plan[P_PARTS])
    for t in range(8 * plan[P_STEPS]):
        parts[order[t]] = value[reached[t]]
    total = doubles_at(plan[P_SCALARS])[0]
    for t in range(plan[P_TREES]):
        total += parts[t]
    return total


@compiled
def score_rows(plan_at, rows_at, count, width, columns_at, linked, out_at):
    """The score of each row (of `width` numbers) into `out`, or the raw score if not `linked`."""
    plan = words_at(plan_at)
    rows, columns, out = doubles_at(rows_at), words_at(columns_at), doubles_at(out_at)
    for i in range(count):
        _write_row(plan, rows, i * width, columns)
        _walk(plan_at)
        raw = _add_up(plan)
        out[i] = linked_score(plan, raw) if linked else raw


@compiled
def explain_rows(plan_at, rows_at, count, width, columns_at, out_at, contributions_at):
    """The raw score of each row into `out`, and what each input contributed, in the same walk."""
    plan = words_at(plan_at)
    rows, columns, out = doubles_at(rows_at), words_at(columns_at), doubles_at(out_at)
    changes_at = plan[P_CHANGES]
    contributed, sums = doubles_at(contributions_at), doubles_at(plan[P_SUMS])
    paths, changes, which = (
        words_at(plan[P_PATHS]), doubles_at(plan[P_CHANGES]), words_at(plan[P_CHANGES])
    )  # fmt: skip
    reached, inputs = words_at(plan[P_REACHED]), plan[P_INPUTS]
    for i in range(count):
        _write_row(plan, rows, i * width, columns)
        _walk(plan_at)
        out[i] = _add_up(plan)
        for k in range(4 * (inputs + 1)):
            sums[k] = 0.0
        for t in range(8 * plan[P_STEPS]):
            prefetch(changes_at + 8 * paths[reached[t] >> 1])
        for t in range(8 * plan[P_STEPS]):
            leaf = reached[t] >> 1
            # Four at a time, each into a sum of its own, so that none waits for its neighbour.
            for k in range(paths[leaf], paths[leaf + 1], 8):
                sums[which[k]] += changes[k + 1]
                sums[which[k + 2]] += changes[k + 3]
                sums[which[k + 4]] += changes[k + 5]
                sums[which[k + 6]] += changes[k + 7]
        for k in range(inputs):
            contributed[i * inputs + k] = (sums[4 * k] + sums[4 * k + 1]) + (
                sums[4 * k + 2] + sums[4 * k + 3]
            )


@compiled
def heaviest(contributed_at, inputs, found_at, most):
    """The inputs that contributed most into `found`, the heaviest first and among equals the first
    in order; -1 where no more contribute anything above 0. Returns the sum of all that do."""
    contributed, found = doubles_at(contributed_at), words_at(found_at)
    for k in range(most):
        found[k] = -1
    rising = 0.0
    for n in range(inputs):
        value = contributed[n]
        if value > 0.0:
            rising += value
            k = most
            while k > 0 and (found[k - 1] < 0 or contributed[found[k - 1]] < value):
                k -= 1
            if k < most:
                for later in range(most - 1, k, -1):
                    found[later] = found[later - 1]
                found[k] = n
    return rising


@compiled
def link_rows(plan_at, raw, out):
    """The score that each raw score stands for into `out`."""
    plan = words_at(plan_at)
    for i in range(raw.shape[0]):
        out[i] = linked_score(plan, raw[i])
