"""A notice: what a payment provider or a shop system sends by itself, once it is known to be theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Notice(NamedTuple):
    """One notice whose signature was good.

    Everything in `document` comes from outside and is of any shape: objects, lists, texts, exact
    numbers (`int` and `Decimal`), truth values and `None`.
    """

    id: str
    """What tells it from every other notice of its provider, made of what was signed only."""
    document: dict[str, Any]
    """The body as it was read."""
    envelope: Mapping[str, str] = {}
    """What stood beside the body, such as `topic`. Not every provider signs that."""
