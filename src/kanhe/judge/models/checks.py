"""What a model must be before anything is scored with it; everything else is refused, with the place.

A file may come from anywhere. What passes here cannot make the kernel read outside its arrays, go
round in circles or give a score that is no number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from kanhe.core.errors import KanheError
from kanhe.judge.language.source import NAME
from kanhe.judge.models.model import FORMAT, Isotonic, Model, Platt, Spread, Tree

MAX_TREES = 10_000
"""How many trees a model may have."""
MAX_INPUTS = 1_000
"""How many inputs a model may have."""
MAX_LEAVES = 1_000_000
"""How many leaves all trees of a model may have together."""
MAX_DEPTH = 64
"""How many splits may lie between the root of a tree and a leaf."""
MAX_NUMBER = 1e300
"""No threshold, value or point lies further from 0 than this."""
MAX_RAW = 1e12
"""No sum of leaves lies further from 0 than this."""
MAX_BINS = 1_000
"""How many edges a spread, and how many points a calibration may have."""
MAX_TEXT = 20_000
"""How many characters a text of the card may have."""
MAX_ENTRIES = 1_000
"""How many metrics, parameters, versions, types and groups there may be of each."""


class ModelError(KanheError):
    """A model that cannot be used: what is wrong with it, and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message}\n  {hint}")


def check_model(model: Model) -> None:
    """Raises `ModelError` for the first thing that is wrong."""
    if model.format != FORMAT:
        raise _wrong(f"the format is {model.format[:40]!r}, not {FORMAT}")
    if not NAME.fullmatch(model.name):
        raise _wrong(f"{model.name[:80]!r} cannot be the name of a model: it is not {NAME.pattern}")
    _check_inputs(model)
    _check_numbers("base", (model.base,))
    _check_spread("the score", model.score)
    _check_calibration(model.calibration)
    _check_about(model)
    if not 1 <= len(model.trees) <= MAX_TREES:
        raise _wrong(f"{len(model.trees)} trees; a model has 1 to {MAX_TREES}")
    leaves = sum(len(tree.value) for tree in model.trees)
    if leaves > MAX_LEAVES:
        raise _wrong(f"{leaves} leaves in all; a model has at most {MAX_LEAVES}")
    furthest = abs(model.base)
    for number, tree in enumerate(model.trees):
        _check_tree(f"tree {number}", tree, len(model.inputs))
        furthest += max(map(abs, tree.value))
    if furthest > MAX_RAW:
        raise _wrong(f"the leaves can add up to {furthest:g}, and not more than {MAX_RAW:g} may be")


def _wrong(what: str) -> ModelError:
    return ModelError(
        f"this model cannot be used: {what}", "train it anew, or take a file that passed before"
    )


def _check_inputs(model: Model) -> None:
    if not 1 <= len(model.inputs) <= MAX_INPUTS:
        raise _wrong(f"{len(model.inputs)} inputs; a model has 1 to {MAX_INPUTS}")
    seen = set()
    for one in model.inputs:
        if not NAME.fullmatch(one.name):
            raise _wrong(f"{one.name[:80]!r} cannot be the name of an input")
        if one.name in seen:
            raise _wrong(f"the input {one.name} stands there twice")
        seen.add(one.name)
        _check_spread(one.name, one.spread)


def _check_numbers(what: str, numbers: Iterable[float], most: float = MAX_NUMBER) -> None:
    for number in numbers:
        # NaN fails every comparison, and so this one.
        if not -most <= number <= most:
            raise _wrong(f"{what} holds {number}, which is not a number from {-most:g} to {most:g}")


def _check_rising(what: str, numbers: Sequence[float], *, strictly: bool = True) -> None:
    for one, other in pairwise(numbers):
        if one > other or (strictly and one == other):
            raise _wrong(f"{what} does not rise: {one} stands before {other}")


def _check_spread(what: str, spread: Spread) -> None:
    if len(spread.edges) > MAX_BINS:
        raise _wrong(f"{what} has {len(spread.edges)} edges; {MAX_BINS} may be")
    _check_numbers(f"the baseline of {what}", spread.edges, math.inf)
    _check_finite(f"the baseline of {what}", [*spread.edges, spread.missing, *spread.shares])
    _check_finite(f"the baseline of {what}", [] if spread.typical is None else [spread.typical])
    _check_rising(f"the edges of {what}", spread.edges)
    bins = len(spread.edges) + 1 if spread.edges or spread.shares else 0
    if len(spread.shares) != bins:
        raise _wrong(f"{what} has {len(spread.edges)} edges and {len(spread.shares)} shares")
    total = math.fsum(spread.shares)
    if any(share < 0 for share in spread.shares) or not (total == 0 or abs(total - 1) < 1e-6):
        raise _wrong(f"the shares of {what} are not parts of 1")
    if not 0 <= spread.missing <= 1:
        raise _wrong(f"the share of missing values of {what} is {spread.missing}")


def _check_finite(what: str, numbers: Iterable[float]) -> None:
    for number in numbers:
        if not math.isfinite(number):
            raise _wrong(f"{what} holds {number}")


def _check_calibration(calibration: Platt | Isotonic | None) -> None:
    match calibration:
        case Platt(a=a, b=b):
            _check_numbers("the calibration", (a, b), MAX_RAW)
            if a <= 0:
                raise _wrong(f"the calibration turns the order of scores around (a = {a})")
        case Isotonic(raw=raw, score=score):
            if not 1 <= len(raw) <= MAX_BINS or len(raw) != len(score):
                raise _wrong(f"the calibration has {len(raw)} raw scores and {len(score)} scores")
            _check_numbers("the calibration", raw)
            _check_rising("the calibration", raw)
            _check_rising("the calibration", score, strictly=False)
            if not (score[0] >= 0 and score[-1] <= 1):
                raise _wrong("the calibration leaves 0 to 1")
            _check_finite("the calibration", score)


def _check_about(model: Model) -> None:
    """What people read of the model: bounded, and without numbers that are none."""
    training, card = model.training, model.card
    texts = [
        model.objective, *training.types, *training.versions, *training.versions.values(),
        *training.parameters, *(v for v in training.parameters.values() if isinstance(v, str)),
        *model.metrics,
    ]  # fmt: skip
    for text in (card.intended_use, card.data, card.limits):
        texts += [text.en, text.zh]
    for group in card.groups:
        texts += [group.by, group.value, *group.metrics]
        _check_finite(f"the group {group.by} {group.value}"[:100], group.metrics.values())
        if not 0 <= group.positives <= group.rows:
            raise _wrong(
                f"the group {group.by} {group.value}"[:100] + " has more positives than rows"
            )
    if any(len(text) > MAX_TEXT for text in texts):
        raise _wrong(f"a text is longer than {MAX_TEXT} characters")
    for count in (
        len(training.types), len(training.versions), len(training.parameters), len(model.metrics),
        len(card.groups), *(len(group.metrics) for group in card.groups),
    ):  # fmt: skip
        if count > MAX_ENTRIES:
            raise _wrong(f"{count} entries in one list; there may be {MAX_ENTRIES}")
    _check_finite("metrics", model.metrics.values())
    floats = (v for v in training.parameters.values() if isinstance(v, float))
    _check_finite("parameters", floats)
    if training.from_ms > training.until_ms or training.label_delay_ms < 0:
        raise _wrong("the training window ends before it begins")
    if not 0 <= training.positives <= training.rows:
        raise _wrong(f"{training.positives} positives in {training.rows} rows")


def _check_tree(what: str, tree: Tree, inputs: int) -> None:
    splits, leaves = len(tree.input), len(tree.value)
    parts = (tree.threshold, tree.missing_left, tree.left, tree.right)
    if any(len(part) != splits for part in parts) or len(tree.cover) != leaves:
        raise _wrong(f"{what} has parts of different lengths")
    if leaves != splits + 1:
        raise _wrong(f"{what} has {splits} splits and {leaves} leaves")
    if splits and not (min(tree.input) >= 0 and max(tree.input) < inputs):
        raise _wrong(f"{what} looks at an input that the model does not have")
    _check_numbers(f"{what}: a threshold", tree.threshold)
    _check_numbers(f"{what}: a leaf", tree.value, MAX_RAW)
    _check_numbers(f"{what}: a cover", tree.cover, MAX_RAW)
    if min(tree.cover) <= 0:
        raise _wrong(f"{what} has a leaf that no training row reached")
    _check_shape(what, tree)


def _check_shape(what: str, tree: Tree) -> None:
    """Every split but the first and every leaf has one parent, which stands before it."""
    splits, leaves = len(tree.input), len(tree.value)
    depth = [0] * splits
    reached = bytearray(splits + leaves)
    for parent in range(splits):
        for child in (tree.left[parent], tree.right[parent]):
            if not (parent < child < splits or -leaves <= child < 0):
                raise _wrong(f"{what}: split {parent} leads to {child}, where nothing may be")
            place = child if child >= 0 else splits - 1 - child
            if reached[place]:
                raise _wrong(f"{what}: two splits lead to {child}")
            reached[place] = 1
            if child >= 0:
                depth[child] = depth[parent] + 1
    # With one parent each, as many splits and leaves as there are, all hang together from the root.
    if depth and max(depth) >= MAX_DEPTH:
        raise _wrong(f"{what} is deeper than {MAX_DEPTH}")
