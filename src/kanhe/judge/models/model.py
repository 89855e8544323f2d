"""What a model is: trees over named inputs, how their sum becomes a score, and what is known of it.

A model is data. Two kinds have one shape, a sum over trees of the value of the leaf that a row of
inputs reaches (the *raw score*, which starts at `base`):

- `boosted`: gradient-boosted trees; the raw score is log-odds, the score `1 / (1 + exp(-raw))`;
- `isolation`: an isolation forest; each leaf holds minus its path length divided by the number of
  trees and by the average path length, so that the score is `2 ** raw`, 0 usual to 1 singular
  (Liu, Ting and Zhou, "Isolation Forest", 2008).

A calibration, where there is one, takes the place of that last formula. Either way the score is a
number from 0 to 1, and more is more suspicious.

Trees are made by `kanhe.judge.models.trees`, checked by `kanhe.judge.models.checks`, written and
read by `kanhe.judge.models.portable`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from kanhe.core.decision import Text

FORMAT = "kanhe-model/1"
"""The name of the format; a reader refuses every other."""

Kind = Literal["boosted", "isolation"]
"""How the raw score becomes a score where no calibration says otherwise."""


class Tree(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One binary tree: its splits, and its leaves. Made by `kanhe.judge.models.trees.tree_of`.

    Splits are numbered from the root (0) on, a parent before its children. `left` and `right` name
    the child of each split: 0 or more is a split, -1 the first leaf, -2 the second, and so on. A
    value goes left if it is less than or equal to `threshold`, and a missing value where
    `missing_left` says. A tree of one leaf has no splits.
    """

    input: tuple[int, ...]
    """Which input each split looks at, by its place among the model's inputs."""
    threshold: tuple[float, ...]
    missing_left: tuple[bool, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]
    """What each leaf adds to the raw score."""
    cover: tuple[float, ...]
    """How many training rows (or how much weight) each leaf holds, more than 0; the expected value
    of a split is the mean of its leaves, weighted by this."""


class Spread(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the values of an input, or of the score, were spread in the training window.

    `shares[0]` of the known values were less than or equal to `edges[0]`, `shares[i]` lay above
    `edges[i - 1]` and not above `edges[i]`, and the last share lay above the last edge. Without
    edges (a baseline nobody took) there are no shares either.
    """

    typical: float | None = None
    """The median of the known values, said in reasons as "usually"; `None` if none was known."""
    missing: float = 0.0
    """The share of rows in which the value was missing, 0 to 1."""
    edges: tuple[float, ...] = ()
    """Strictly ascending."""
    shares: tuple[float, ...] = ()
    """One more than edges, together 1 (or all 0 if no value was known)."""


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input: a feature or a derived number of the pack, by name."""

    name: str
    spread: Spread = Spread()
    zero_is_missing: bool = False
    """Whether 0 counts as missing (LightGBM's `zero_as_missing`)."""


class Platt(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="platt",
    tag_field="by",
):
    """The score is `1 / (1 + exp(-(a * raw + b)))` (Platt, 1999)."""

    a: float
    """More than 0, so that the order of scores stays."""
    b: float


class Isotonic(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="isotonic",
    tag_field="by",
):
    """The score lies on straight lines between points, and is level before the first and after the
    last (Zadrozny and Elkan, 2002)."""

    raw: tuple[float, ...]
    """Raw scores, strictly ascending."""
    score: tuple[float, ...]
    """The score at each, 0 to 1, never falling."""


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the model did for a part of the people, for the fairness section of the card."""

    by: str
    """What people were parted by, such as `country` or `returning`."""
    value: str
    rows: int
    positives: int
    metrics: Mapping[str, float] = {}


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The model card: what people should know before they rely on it (Mitchell et al., 2019)."""

    intended_use: Text = Text("", "")
    data: Text = Text("", "")
    limits: Text = Text("", "")
    groups: tuple[Group, ...] = ()


class Training(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the trees come from. Times in milliseconds since 1970, `until` excluded."""

    from_ms: int = 0
    until_ms: int = 0
    label_delay_ms: int = 0
    """How long after an event its label was waited for."""
    types: tuple[str, ...] = ()
    """The event types of the rows."""
    rows: int = 0
    positives: int = 0
    seed: int = 0
    parameters: Mapping[str, str | int | float | bool] = {}
    versions: Mapping[str, str] = {}
    """The libraries that made it, by name."""


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole model, as its file holds it. Nothing in it changes any more.

    `hash` is `sha256:` and 64 hex digits over the canonical bytes of all the rest; `portable.sealed`
    fills it in. Equal content has equal bytes, and so an equal hash.
    """

    format: str = FORMAT
    hash: str = ""
    name: str
    kind: Kind
    objective: str
    """What was learned, in the words of the library, such as `binary`."""
    base: float = 0.0
    inputs: tuple[Input, ...]
    calibration: Platt | Isotonic | None = None
    score: Spread = Spread()
    """How the calibrated score was spread in the training window."""
    metrics: Mapping[str, float] = {}
    training: Training = Training()
    card: Card = Card()
    trees: tuple[Tree, ...]

    @property
    def input_names(self) -> tuple[str, ...]:
        """The inputs in the order in which a row of numbers holds them."""
        return tuple(one.name for one in self.inputs)
