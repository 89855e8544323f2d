"""What a pack in shadow would have decided, and what is told of it later."""

from __future__ import annotations

from typing import NamedTuple


class Verdict(NamedTuple):
    """What a pack in shadow would have decided."""

    seq: int
    type: str
    live: str
    """The outcome that was answered."""
    shadow: str
    score: int
    amount_minor: int
    """In the base currency of the pack in shadow, 0 without an amount."""
    rules: tuple[str, ...]
    """Those that fired, the weightiest first."""


class Agreement(NamedTuple):
    """How often both decided so."""

    live: str
    shadow: str
    events: int
    amount_minor: int


class RuleShare(NamedTuple):
    """One rule of the pack in shadow."""

    rule: str
    fired: int
    newly_denied: int
    """Events that it fired on, and that only the pack in shadow would have refused."""
    amount_minor: int
    """Their money."""


class ShadowReport(NamedTuple):
    """What is known of one pack in shadow."""

    policy: str
    base: str
    first: int
    upto: int
    agreement: list[Agreement]
    rules: list[RuleShare]
    examples: list[Verdict]
    """The newest events that would have been decided harder than they were."""
