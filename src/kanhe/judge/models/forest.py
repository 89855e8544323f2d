"""A model laid out for the kernel: all trees in a few flat arrays.

The nodes of each tree stand together, those first where most rows come, and a right child behind the
left one. A leaf leads to itself: it holds its value in place of a threshold, and looks at a number
that is less than any, so that walking on from it stays there: eight trees of unlike depth can then
be walked in step, as far as that pays; what lies deeper, where few rows come, each tree walks alone.
A row of inputs is written down twice, once with each missing value as minus infinity and once as
plus infinity, and a node looks into the copy in which the missing value goes its way. So no step of
the walk asks whether a value is missing.

So goes a row by itself. Many rows are scored by `abreast`, which has a layout of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kanhe.judge.models import kernel
from kanhe.judge.models.abreast import LEAST, abreast_of, score_abreast
from kanhe.judge.models.model import Isotonic, Model, Platt, Tree

STEP = 8
"""How many trees are walked in step."""
NAMED = 3
"""How many inputs are named beside a score."""
BLOCK = 256
"""How many rows are handed to the kernel at once."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LINE = 64
"""Bytes of a cache line."""
_NODE = np.dtype([("threshold", "f8"), ("left", "i4"), ("input", "i4")])
_CHANGE = np.dtype([("input", "i8"), ("change", "f8")])
_NO_POINTS = np.empty((0, 2), dtype=np.float64)


class _Tables(NamedTuple):
    """All trees, sorted by their cuts and filled up to a multiple of `STEP`; numbers of 8 bytes each."""

    nodes: npt.NDArray[np.void]
    """`left` and the roots count words, of which a node has two."""
    roots: Ints
    cuts: Ints
    """For each `STEP` trees, how many splits of each are walked in step."""
    order: Ints
    """For each root, the number of its tree in the model; those that fill up come last."""
    paths: Ints
    """For each node, at which word its part of `changes` begins; one more than nodes."""
    changes: npt.NDArray[np.void]
    """By how much the splits on an input change the expected value on the way to a leaf. The input
    is told by one of its four sums, which the changes of a leaf use in turn."""


class Columns:
    """Where in a row of so many numbers each input of a model stands; made by `Forest.columns`."""

    def __init__(self, places: Sequence[int], width: int) -> None:
        self.width = width
        self.table = np.array(places, dtype=np.int64)
        self.room = np.empty((BLOCK, width), dtype=np.float64)
        """Where the kernel finds the rows."""
        self.first = self.room.reshape(-1).data[:width]
        """The first of these rows."""
        self.table_at = self.table.ctypes.data
        self.room_at = self.room.ctypes.data


class Forest:
    """A model ready to be scored; immutable, but not to be used from several threads at once."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.inputs = len(model.inputs)
        expected = [expected_values(tree) for tree in model.trees]
        self.expected = model.base + sum(values[0] for values in expected)
        """The mean raw score of the training rows: what a model says that looks at nothing."""
        link, a, b, points = _link(model)
        self._own = self.columns(range(self.inputs), self.inputs)
        self._parts = _tables(model.trees, expected, self.inputs)
        roots = len(self._parts.roots)
        self._beside = (
            np.array([one.zero_is_missing for one in model.inputs], dtype=np.int64),
            np.empty(2 * self.inputs + 1, dtype=np.float64),
            np.empty(roots, dtype=np.int64),
            np.empty(roots, dtype=np.float64),
            np.array([model.base, a, b], dtype=np.float64),
            points,
        )
        self._sums = np.empty(4 * (self.inputs + 1), dtype=np.float64)
        addresses = [table.ctypes.data for table in (*self._parts, *self._beside)]
        counts = [
            roots // STEP,
            len(model.trees),
            self.inputs,
            link,
            len(points),
            self._sums.ctypes.data,
        ]
        self._plan = np.array(addresses + counts, dtype=np.int64)
        self._plan_at = self._plan.ctypes.data
        self._out = np.empty(BLOCK, dtype=np.float64)
        self._out_at = self._out.ctypes.data
        self._contributed = np.empty((BLOCK, self.inputs), dtype=np.float64)
        self._contributed_at = self._contributed.ctypes.data
        self._found = np.empty(NAMED, dtype=np.int64)
        self._found_at = self._found.ctypes.data
        self._sum, self._explain = kernel.score_rows, kernel.explain_rows
        self._abreast = abreast_of(model.trees, self.inputs)
        if self._abreast is not None:
            self._abreast_plan = self._abreast.plan()
            self._abreast_at = self._abreast_plan.ctypes.data

    def columns(self, places: Sequence[int], width: int) -> Columns:
        """Where each input stands in rows of `width` numbers; raises `ValueError`."""
        if len(places) != self.inputs or not all(0 <= place < width for place in places):
            raise ValueError(
                f"the columns {places} of {width} numbers are not those of {self.inputs} inputs"
            )
        return Columns(places, width)

    def scores(self, rows: Floats, columns: Columns | None = None) -> Floats:
        """The score of each row, 0 to 1.

        `rows` holds numbers, NaN where a value is missing. `columns` says where in a row each input
        stands; without it a row holds just the inputs in their order. A row has the same bits by
        itself as among others. Raises `ValueError` for rows of another shape.
        """
        return self._summed(rows, columns, 1)

    def raw(self, rows: Floats, columns: Columns | None = None) -> Floats:
        """The raw score of each row; see `scores`."""
        return self._summed(rows, columns, 0)

    def _summed(self, rows: Floats, columns: Columns | None, linked: int) -> Floats:
        columns = columns or self._own
        if rows.ndim != 2 or rows.shape[1] != columns.width:
            raise _other_shape(rows, columns)
        total = len(rows)
        if total <= BLOCK:
            # The kernel is handed addresses it knows: to look into an array takes it longer than
            # a copy of a few rows, which also has the right type and order whatever came in.
            columns.room[:total] = rows
            width, done = columns.width, 0
            if total >= LEAST and self._abreast is not None:
                done = score_abreast(self._plan_at, self._abreast_at, columns.room_at, total, width, columns.table_at, linked, self._out_at)  # fmt: skip
            if done < total:
                rest_at, out_at = columns.room_at + 8 * width * done, self._out_at + 8 * done
                self._sum(self._plan_at, rest_at, total - done, width, columns.table_at, linked, out_at)  # fmt: skip
            return self._out[:total].copy()
        parts = (rows[at : at + BLOCK] for at in range(0, total, BLOCK))
        return np.concatenate([self._summed(part, columns, linked) for part in parts])

    def linked(self, raw: Floats) -> Floats:
        """The scores that raw scores stand for."""
        out = np.empty(len(raw), dtype=np.float64)
        kernel.link_rows(self._plan_at, np.ascontiguousarray(raw, np.float64), out)
        return out

    def explain(self, rows: Floats, columns: Columns | None = None) -> tuple[Floats, Floats]:
        """The raw score of each row, and what each input contributed to it (rows by inputs).

        The contribution of an input is the sum of what the splits on it change about the expected
        value, on the way from the root to the leaf (Saabas, 2014). `expected` and the contributions
        of a row together are its raw score, but for rounding.
        """
        columns = columns or self._own
        if rows.ndim != 2 or rows.shape[1] != columns.width:
            raise _other_shape(rows, columns)
        total = len(rows)
        if total <= BLOCK:
            columns.room[:total] = rows
            self._explain(self._plan_at, columns.room_at, total, columns.width, columns.table_at, self._out_at, self._contributed_at)  # fmt: skip
            return self._out[:total].copy(), self._contributed[:total].copy()
        parts = (rows[at : at + BLOCK] for at in range(0, total, BLOCK))
        raw, contributed = zip(*(self.explain(part, columns) for part in parts), strict=True)
        return np.concatenate(raw), np.concatenate(contributed)

    def weighed(
        self, row: memoryview, columns: Columns | None = None, least_share: float = 0.0
    ) -> list[int]:
        """The inputs that raised the score of one row most, the heaviest first, at most `NAMED`.

        What makes up less than `least_share` of all that raised it is left out. Raises `ValueError`
        for a row of another length, or of numbers other than float64.
        """
        columns = columns or self._own
        columns.first[:] = row
        self._explain(self._plan_at, columns.room_at, 1, columns.width, columns.table_at, self._out_at, self._contributed_at)  # fmt: skip
        rising = kernel.heaviest(self._contributed_at, self.inputs, self._found_at, NAMED)
        parts = self._contributed[0]
        return [n for n in self._found.tolist() if n >= 0 and parts[n] >= least_share * rising]

    def warm(self) -> None:
        """Have the kernel's machine code in place before the first event waits for it."""
        raw, _ = self.explain(np.full((1, self.inputs), np.nan))
        for several in (1, LEAST):
            self.scores(np.full((several, self.inputs), np.nan))
        self.linked(raw)
        self.weighed(np.full(self.inputs, np.nan).data)


def _other_shape(rows: Floats, columns: Columns) -> ValueError:
    return ValueError(f"rows of the shape {rows.shape} do not hold {columns.width} numbers each")


def covers(tree: Tree) -> list[float]:
    """How many training rows each split saw: the sum of the leaves below it."""
    found = [0.0] * len(tree.input)
    for split in range(len(tree.input) - 1, -1, -1):
        for child in (tree.left[split], tree.right[split]):
            found[split] += found[child] if child >= 0 else tree.cover[-1 - child]
    return found


def expected_values(tree: Tree) -> list[float]:
    """The mean of the leaves below each split, weighted by their covers; of a lone leaf its value."""
    if not tree.input:
        return [tree.value[0]]
    seen = covers(tree)
    found = [0.0] * len(tree.input)
    for split in range(len(tree.input) - 1, -1, -1):
        total = 0.0
        for child in (tree.left[split], tree.right[split]):
            if child >= 0:
                total += found[child] * seen[child]
            else:
                total += tree.value[-1 - child] * tree.cover[-1 - child]
        found[split] = total / seen[split]
    return found


class _Waits(NamedTuple):
    """What it costs to walk so many splits in step and the rest alone, in processor cycles."""

    by_cut: list[float]

    def best(self) -> int:
        """The cheapest number of splits to walk in step."""
        return min(range(len(self.by_cut)), key=lambda cut: self.by_cut[cut])


_IN_STEP = 4.0
_ALONE = 22.0
_SURPRISE = 60.0
"""What one split costs in step and alone, and what it costs that a tree was not at its leaf yet:
measured on one machine, and far enough apart that others come to nearly the same cuts."""


def _waits(tree: Tree) -> _Waits:
    """For each cut, the cost for one tree, as the training rows were spread over its leaves."""
    depths = [0] * len(tree.input)
    ends: dict[int, float] = {0: tree.cover[0]} if not tree.input else {}
    for split, children in enumerate(zip(tree.left, tree.right, strict=True)):
        for child in children:
            depth = depths[split] + 1
            if child >= 0:
                depths[child] = depth
            else:
                ends[depth] = ends.get(depth, 0.0) + tree.cover[-1 - child]
    total = sum(ends.values())
    found = []
    for cut in range(max(ends) + 1):
        cost = _IN_STEP * cut
        for depth, cover in ends.items():
            if depth > cut:
                cost += cover / total * (_SURPRISE + _ALONE * (depth - cut))
        found.append(cost)
    return _Waits(found)


def _together(several: Sequence[_Waits]) -> _Waits:
    """The same for trees that are walked in step; a cut below a tree's deepest leaf idles there."""
    most = max(len(waits.by_cut) for waits in several)
    idle = [
        [*waits.by_cut, *(waits.by_cut[-1] + _IN_STEP * n for n in range(1, most))][:most]
        for waits in several
    ]
    return _Waits([sum(costs) for costs in zip(*idle, strict=True)])


_EMPTY = Tree(
    input=(), threshold=(), missing_left=(), left=(), right=(), value=(0.0,), cover=(1.0,)
)


class _Layout:
    """Gathers the nodes of one tree after the other."""

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.nodes: list[tuple[float, int, int]] = []
        self.paths = [0]
        self.changes: list[tuple[int, float]] = []

    def add(self, tree: Tree, expected: Sequence[float]) -> None:
        """The nodes of one tree, those first where most rows come."""
        base, seen = len(self.nodes), covers(tree)
        found: list[tuple[int, dict[int, float]]] = [(0 if tree.input else -1, {})]
        # Each entry: which split of the tree, by its cover, and its place among those found.
        waiting = [(-seen[0], 0, 0)] if tree.input else []
        left_child: dict[int, int] = {}
        while waiting:
            _, node, at = heappop(waiting)
            left_child[at] = len(found)
            place, ways = tree.input[node], found[at][1]
            for child in (tree.left[node], tree.right[node]):
                after = expected[child] if child >= 0 else tree.value[-1 - child]
                if child >= 0:
                    heappush(waiting, (-seen[child], child, len(found)))
                # What changed on the way to the child, by input.
                change = ways.get(place, 0.0) + (after - expected[node])
                found.append((child, {**ways, place: change}))
        for at, (node, ways) in enumerate(found):
            if node < 0:
                self.nodes.append((tree.value[-1 - node], 2 * (base + at), 2 * self.inputs))
                # By fours, as the kernel takes them; what fills up goes to an input that is none.
                changed = [*ways.items(), *[(self.inputs, 0.0)] * (-len(ways) % 4)]
                self.changes += [(4 * n + k % 4, by) for k, (n, by) in enumerate(changed)]
            else:
                shift = 0 if tree.missing_left[node] else self.inputs
                left = 2 * (base + left_child[at])
                self.nodes.append((tree.threshold[node], left, tree.input[node] + shift))
            self.paths.append(2 * len(self.changes))


def _tables(trees: Sequence[Tree], expected: Sequence[Sequence[float]], inputs: int) -> _Tables:
    """Lay all trees out; trees with like cuts stand together, so that few steps are idle."""
    waits = [_waits(tree) for tree in trees]
    order = sorted(range(len(trees)), key=lambda number: waits[number].best())
    layout = _Layout(inputs)
    roots: list[int] = []
    for number in order:
        roots.append(2 * len(layout.nodes))
        layout.add(trees[number], expected[number])
    # What fills up has no depth of its own, and stands after all trees of the model.
    for number in range(len(trees), -(-len(trees) // STEP) * STEP):
        order.append(number)
        roots.append(2 * len(layout.nodes))
        layout.add(_EMPTY, (0.0,))
    sorted_waits = [waits[number] for number in order if number < len(trees)]
    cuts = [
        _together(sorted_waits[at : at + STEP]).best() for at in range(0, len(sorted_waits), STEP)
    ]
    return _Tables(
        nodes=_aligned(np.array(layout.nodes, dtype=_NODE)),
        roots=np.array(roots, dtype=np.int64),
        cuts=np.array(cuts, dtype=np.int64),
        order=np.array(order, dtype=np.int64),
        paths=np.array(layout.paths, dtype=np.int64),
        changes=_aligned(np.array(layout.changes, dtype=_CHANGE)),
    )


def _aligned(table: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """The same, beginning where a cache line begins: four changes then fill just one."""
    room = np.empty(table.nbytes + _LINE, dtype=np.uint8)
    begin = -room.ctypes.data % _LINE
    found = room[begin : begin + table.nbytes].view(table.dtype)
    found[:] = table
    return found


def _link(model: Model) -> tuple[int, float, float, Floats]:
    """How raw scores become scores: which way, two numbers, and points (raw score and score each)."""
    match model.calibration:
        case Platt(a=a, b=b):
            return kernel.LOGISTIC, a, b, _NO_POINTS
        case Isotonic(raw=raw, score=score):
            return kernel.LINES, 0.0, 0.0, np.array([raw, score], dtype=np.float64).T.copy()
    if model.kind == "isolation":
        return kernel.POWER, 0.0, 0.0, _NO_POINTS
    return kernel.LOGISTIC, 1.0, 0.0, _NO_POINTS
