"""A model laid out for the kernel: all trees in a few flat arrays.

The nodes of each tree stand together, breadth first, so that the right child follows the left one.
A leaf leads to itself and its threshold is infinite, so that walking on from it stays there: eight
trees of unlike depth can then be walked in step. A row of inputs is written down twice, once with
each missing value as minus infinity and once as plus infinity, and a node looks into the copy in
which the missing value goes its way. So no step of the walk asks whether a value is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kanhe.judge.models import kernel
from kanhe.judge.models.model import Isotonic, Model, Platt, Tree

STEP = 8
"""How many trees are walked in step."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_NODE = np.dtype([("threshold", "f8"), ("left", "i4"), ("input", "i4")])
_CHANGE = np.dtype([("input", "i8"), ("change", "f8")])
_NO_POINTS = np.empty((0, 2), dtype=np.float64)


class _Tables(NamedTuple):
    """All trees, sorted by depth and filled up to a multiple of `STEP`; numbers of 8 bytes each."""

    nodes: npt.NDArray[np.void]
    """`left` and the roots count words, of which a node has two."""
    value: Floats
    """For each node: what a leaf adds; 0 for a split."""
    roots: Ints
    depths: Ints
    """For each `STEP` trees, the most splits between a root and a leaf."""
    order: Ints
    """For each root, the number of its tree in the model; those that fill up come last."""
    paths: Ints
    """For each node, where its part of `changes` begins; one more than nodes."""
    changes: npt.NDArray[np.void]
    """By how much the splits on an input change the expected value on the way to a leaf."""


class Forest:
    """A model ready to be scored; immutable, but not to be used from several threads at once."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.inputs = len(model.inputs)
        expected = [expected_values(tree) for tree in model.trees]
        self.expected = model.base + sum(values[0] for values in expected)
        """The mean raw score of the training rows: what a model says that looks at nothing."""
        link, a, b, points = _link(model)
        self._own = np.arange(self.inputs, dtype=np.int64)
        self._parts = _tables(model.trees, expected, self.inputs)
        roots = len(self._parts.roots)
        self._beside = (
            np.array([one.zero_is_missing for one in model.inputs], dtype=np.int64),
            np.empty(2 * self.inputs, dtype=np.float64),
            np.empty(roots, dtype=np.int64),
            np.empty(roots, dtype=np.float64),
            np.array([model.base, a, b], dtype=np.float64),
            points,
        )
        addresses = [table.ctypes.data for table in (*self._parts, *self._beside)]
        counts = [roots // STEP, len(model.trees), self.inputs, link, len(points)]
        self._plan = np.array(addresses + counts, dtype=np.int64)
        self._plan_at = self._plan.ctypes.data

    def scores(self, rows: Floats, columns: Ints | None = None) -> Floats:
        """The score of each row, 0 to 1.

        `rows` holds float64, NaN where a value is missing. `columns` says where in a row each input
        stands; without it a row holds just the inputs in their order. A row has the same bits by
        itself as among others.
        """
        return self._scored(rows, columns)[1]

    def raw(self, rows: Floats, columns: Ints | None = None) -> Floats:
        """The raw score of each row; see `scores`."""
        return self._scored(rows, columns)[0]

    def linked(self, raw: Floats) -> Floats:
        """The scores that raw scores stand for."""
        out = np.empty(len(raw), dtype=np.float64)
        kernel.link_rows(self._plan_at, np.ascontiguousarray(raw, np.float64), out)
        return out

    def explain(self, rows: Floats, columns: Ints | None = None) -> tuple[Floats, Floats]:
        """The raw score of each row, and what each input contributed to it (rows by inputs).

        The contribution of an input is the sum of what the splits on it change about the expected
        value, on the way from the root to the leaf (Saabas, 2014). `expected` and the contributions
        of a row together are its raw score, but for rounding.
        """
        rows, columns = self._checked(rows, columns)
        raw = np.empty(len(rows), dtype=np.float64)
        parts = np.empty((len(rows), self.inputs), dtype=np.float64)
        kernel.explain_rows(self._plan_at, rows, columns, raw, parts)
        return raw, parts

    def warm(self) -> None:
        """Have the kernel's machine code in place before the first event waits for it."""
        raw, _ = self.explain(np.full((1, self.inputs), np.nan))
        self.scores(np.full((1, self.inputs), np.nan))
        self.linked(raw)

    def _scored(self, rows: Floats, columns: Ints | None) -> tuple[Floats, Floats]:
        rows, columns = self._checked(rows, columns)
        raw, out = np.empty((2, len(rows)), dtype=np.float64)
        kernel.score_rows(self._plan_at, rows, columns, raw, out)
        return raw, out

    def _checked(self, rows: Floats, columns: Ints | None) -> tuple[Floats, Ints]:
        """The same, once it is sure that the kernel reads inside of them only."""
        if rows.ndim != 2 or (columns is None and rows.shape[1] != self.inputs):
            raise ValueError(
                f"rows of the shape {rows.shape} do not hold {self.inputs} inputs each"
            )
        if columns is None:
            columns = self._own
        elif columns.shape != (self.inputs,) or not (
            columns.min() >= 0 and columns.max() < rows.shape[1]
        ):
            raise ValueError(f"rows of the shape {rows.shape} do not hold the columns {columns}")
        return np.ascontiguousarray(rows, np.float64), np.ascontiguousarray(columns, np.int64)


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


def _depth(tree: Tree) -> int:
    """The most splits between the root and a leaf."""
    depths = [0] * len(tree.input)
    for split, children in enumerate(zip(tree.left, tree.right, strict=True)):
        for child in children:
            if child >= 0:
                depths[child] = depths[split] + 1
    return 1 + max(depths) if depths else 0


_EMPTY = Tree(
    input=(), threshold=(), missing_left=(), left=(), right=(), value=(0.0,), cover=(1.0,)
)


class _Layout:
    """Gathers the nodes of one tree after the other."""

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.nodes: list[tuple[float, int, int]] = []
        self.value: list[float] = []
        self.paths = [0]
        self.changes: list[tuple[int, float]] = []

    def add(self, tree: Tree, expected: Sequence[float]) -> None:
        """The nodes of one tree, breadth first."""
        base = len(self.nodes)
        # Each entry: the node as the tree names it, and what changed on the way to it, by input.
        waiting: list[tuple[int, dict[int, float]]] = [(0 if tree.input else -1, {})]
        for node, ways in waiting:
            if node < 0:
                self.nodes.append((np.inf, 2 * len(self.nodes), 0))
                self.value.append(tree.value[-1 - node])
                self.changes += ways.items()
            else:
                place = tree.input[node]
                shift = 0 if tree.missing_left[node] else self.inputs
                self.nodes.append((tree.threshold[node], 2 * (base + len(waiting)), place + shift))
                self.value.append(0.0)
                for child in (tree.left[node], tree.right[node]):
                    after = expected[child] if child >= 0 else tree.value[-1 - child]
                    gone = {**ways, place: ways.get(place, 0.0) + (after - expected[node])}
                    waiting.append((child, gone))
            self.paths.append(len(self.changes))


def _tables(trees: Sequence[Tree], expected: Sequence[Sequence[float]], inputs: int) -> _Tables:
    """Lay all trees out; trees of like depth stand together, so that few steps are idle."""
    depths = [_depth(tree) for tree in trees]
    order = sorted(range(len(trees)), key=lambda number: depths[number])
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
    own = [depths[number] if number < len(trees) else 0 for number in order]
    steps = [max(own[at : at + STEP]) for at in range(0, len(own), STEP)]
    return _Tables(
        nodes=np.array(layout.nodes, dtype=_NODE),
        value=np.array(layout.value, dtype=np.float64),
        roots=np.array(roots, dtype=np.int64),
        depths=np.array(steps, dtype=np.int64),
        order=np.array(order, dtype=np.int64),
        paths=np.array(layout.paths, dtype=np.int64),
        changes=np.array(layout.changes, dtype=_CHANGE),
    )


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
