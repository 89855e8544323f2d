"""Making trees: of plain arrays of nodes, and of what LightGBM and scikit-learn say of theirs.

Nothing is imported from either library: what is read is plain data that they hand out. A missing
value goes the very way it goes there:

- LightGBM compares `value <= threshold`. Where a split knows no missing values (`None`), a missing
  value counts as 0, so it goes left if 0 does; where it does (`NaN`, or `Zero`, for which 0 is
  missing too), it goes by `default_left`. Its own prediction takes numbers nearer to 0 than 1e-35
  for 0, and so does the kernel.
- scikit-learn rounds values to 32 bits before comparing. The threshold is moved so that comparing
  all 64 bits gives the same answer for every value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kanhe.judge.models.model import Tree

LEAF = -1
"""What stands for the input of a node that is a leaf."""


class Node(NamedTuple):
    """One node of a tree in the making. `left` and `right` are places in the same sequence."""

    input: int
    """The place of the input, or `LEAF`."""
    threshold: float = 0.0
    missing_left: bool = False
    left: int = -1
    right: int = -1
    value: float = 0.0
    """What a leaf adds; of no account for a split."""
    cover: float = 1.0
    """How many rows a leaf holds; of no account for a split."""


class ForeignModelError(ValueError):
    """Another library's model holds something that Kanhe's trees cannot say."""


def tree_of(nodes: Sequence[Node]) -> Tree:
    """The tree whose root is `nodes[0]`, its splits and leaves in preorder, whatever order they had.

    Raises `ForeignModelError` if the nodes are no tree: a child that is not there, or one that is
    reached twice.
    """
    order: list[int] = []
    stack, seen = [0], set[int]()
    while stack:
        place = stack.pop()
        if not 0 <= place < len(nodes) or place in seen:
            raise ForeignModelError(
                f"node {place} is not there, or is reached twice: this is no tree"
            )
        seen.add(place)
        order.append(place)
        if nodes[place].input != LEAF:
            stack += [nodes[place].right, nodes[place].left]
    splits = [place for place in order if nodes[place].input != LEAF]
    leaves = [place for place in order if nodes[place].input == LEAF]
    number = {place: n for n, place in enumerate(splits)}
    number |= {place: -1 - n for n, place in enumerate(leaves)}
    return Tree(
        input=tuple(int(nodes[place].input) for place in splits),
        threshold=tuple(float(nodes[place].threshold) for place in splits),
        missing_left=tuple(bool(nodes[place].missing_left) for place in splits),
        left=tuple(number[nodes[place].left] for place in splits),
        right=tuple(number[nodes[place].right] for place in splits),
        value=tuple(float(nodes[place].value) for place in leaves),
        cover=tuple(float(nodes[place].cover) for place in leaves),
    )


class Grown(NamedTuple):
    """The trees of a LightGBM booster, and what they say about their inputs."""

    trees: tuple[Tree, ...]
    inputs: tuple[str, ...]
    """The names of the inputs in their order."""
    zero_is_missing: tuple[bool, ...]
    """For each input, whether 0 counts as missing."""


def trees_of_lightgbm(dump: Mapping[str, Any]) -> Grown:
    """The trees of `booster.dump_model()`, with which the raw score has LightGBM's own bits.

    The base score lies in LightGBM's first tree already, so a model of these has `base` 0. Raises
    `ForeignModelError` for categorical splits, linear trees, several classes, averaged forests, and
    inputs that count 0 as missing in some splits only.
    """
    if dump.get("num_tree_per_iteration", 1) != 1:
        raise ForeignModelError(
            "a model with several classes has several scores; train a binary one"
        )
    if dump.get("average_output"):
        raise ForeignModelError("a random forest averages its trees; train with boosting=gbdt")
    inputs = tuple(dump["feature_names"])
    missing: dict[int, set[bool]] = {}
    trees = [tree_of(_flattened(info["tree_structure"], missing)) for info in dump["tree_info"]]
    for place, kinds in missing.items():
        if len(kinds) > 1:
            raise ForeignModelError(
                f"{inputs[place]} counts 0 as missing in some splits only; train all trees with one"
                " setting of zero_as_missing"
            )
    zero = tuple(missing.get(place) == {True} for place in range(len(inputs)))
    return Grown(tuple(trees), inputs, zero)


def _flattened(root: Mapping[str, Any], missing: dict[int, set[bool]]) -> list[Node]:
    """The nodes of one nested tree; notes for each input whether 0 is missing there."""
    nodes: list[Node] = []
    stack: list[tuple[Mapping[str, Any], int, bool]] = [(root, -1, False)]
    while stack:
        node, parent, is_left = stack.pop()
        here = len(nodes)
        if parent >= 0:
            above = nodes[parent]
            nodes[parent] = above._replace(left=here) if is_left else above._replace(right=here)
        if "split_index" not in node:
            if "leaf_const" in node or "leaf_coeff" in node:
                raise ForeignModelError("linear trees are not supported; train without linear_tree")
            # A tree that never split says nothing of its count.
            cover = float(node.get("leaf_count", 1) or 1)
            nodes.append(Node(LEAF, value=float(node["leaf_value"]), cover=cover))
            continue
        nodes.append(_split(node, missing))
        stack += [(node["right_child"], here, False), (node["left_child"], here, True)]
    return nodes


def _split(node: Mapping[str, Any], missing: dict[int, set[bool]]) -> Node:
    """One split of LightGBM's, without its children."""
    place, decision = int(node["split_feature"]), node["decision_type"]
    if decision != "<=":
        raise ForeignModelError(
            f"input {place} is split by category ({decision}); give LightGBM numbers only: declare a"
            " number for it, such as a share, and leave categorical_feature empty"
        )
    threshold, kind = float(node["threshold"]), node["missing_type"]
    missing.setdefault(place, set()).add(kind == "Zero")
    left = threshold >= 0.0 if kind == "None" else bool(node["default_left"])
    return Node(place, threshold, left)


def threshold_for_rounded(threshold: float) -> float:
    """The threshold that parts 64-bit numbers as this one parts them once rounded to 32 bits.

    For every finite number x within the range of 32-bit floats, `float32(x) <= threshold` exactly
    if `x <= threshold_for_rounded(threshold)`.
    """
    with np.errstate(over="ignore"):
        below = np.float32(threshold)
        if float(below) > threshold:
            below = np.nextafter(below, np.float32(-np.inf))
        above = np.nextafter(below, np.float32(np.inf))
    if not math.isfinite(float(above)):
        return threshold
    # What lies halfway is rounded to the neighbour whose last bit is 0 (IEEE 754).
    middle = (float(below) + float(above)) / 2
    even = not int(below.view(np.uint32)) & 1
    return middle if even else math.nextafter(middle, -math.inf)
