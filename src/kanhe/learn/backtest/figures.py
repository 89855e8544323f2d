"""The figures of a backtest, as they stand in its JSON. What each means: `docs/backtest.md`."""

from __future__ import annotations

import msgspec

from kanhe.core.decision import Reason
from kanhe.learn.intervals import Share, Sum
from kanhe.learn.truth import Assumptions, TruthCounts


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """The measured events whose outcome is at least this hard."""

    outcome: str
    """`challenge` (asked, held or denied), `review` (held or denied) or `deny`."""
    events: int
    fraud: int
    honest: int
    unknown: int
    precision: Share
    """Fraud among those of which it is known."""
    recall: Share
    """Of all fraud, the part that was reached."""
    false_positives: Share
    """Of all honest events, the part that was reached."""
    fraud_money: Sum
    honest_money: Sum


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """What the outcomes are worth; amounts of events, not of orders."""

    fraud: Sum
    """All fraud that was measured."""
    saved: Sum
    """Fraud that was denied or held for review."""
    missed: Sum
    """Fraud that was allowed, or only challenged."""
    refused: Sum
    """Honest money that was denied."""
    held: Sum
    """Honest money that was held for review."""
    challenged: Sum
    """Honest money behind a step-up."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a set of outcomes is worth: those under the pack, or those of the time."""

    events: int
    """Measured events of which the outcome is known."""
    reached: tuple[Reached, ...]
    money: Money


class RuleFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. It *fired* where its condition held, and was *decisive* where the outcome would have
    been milder without it (and everything else the same)."""

    rule: str
    events: int
    """Decided events of any type on which it fired."""
    failed: int
    """Events on which it could not be evaluated."""
    per_day: float
    fraud: int
    honest: int
    unknown: int
    """Measured events on which it fired, by what is held of them."""
    precision: Share
    recall: Share
    decisive: int
    decisive_fraud: int
    decisive_honest: int
    softened: int
    """Events whose outcome would have been harder without it: what a rule of trust does."""
    saved: Sum
    """Fraud money that is denied or held only because of it."""
    refused: Sum
    """Honest money that is denied or held only because of it."""


class Pair(msgspec.Struct, frozen=True):
    """Two rules that fire on the same events."""

    one: str
    other: str
    together: int
    of_one: float
    """Of the events on which the first fired, the share on which both did."""
    of_other: float


class Day(msgspec.Struct, frozen=True):
    """A day in UTC, all decided events of every type."""

    day: str
    events: int
    alerts: int
    challenged: int
    denied: int
    fraud: int
    """Measured fraud of that day."""
    caught: int
    """Of it, what was denied or held."""


class Alerts(msgspec.Struct, frozen=True, kw_only=True):
    """Events that somebody is told of: denied, held for review, or by a rule's `notify`."""

    total: int
    days: int
    """Days from the first event to the last, those without events included."""
    mean: float
    median: float
    busiest: int


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """Honest buyers of whom at least one event got an outcome at least this hard."""

    outcome: str
    buyers: Share
    """Of all buyers with at least one honest event."""
    events: int
    money: Sum


class HonestExample(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a buyer who is held to be honest, and what would have been answered."""

    seq: int
    tenant: str
    event_id: str
    type: str
    at_ms: int
    buyer_kind: str
    buyer: str
    amount_minor: int
    outcome: str
    labelled: bool
    """Whether a label says it is honest; else it is only taken for it."""
    reasons: tuple[Reason, ...]


class ScoreBand(msgspec.Struct, frozen=True):
    """Measured events with a score from `low` to below the next band's."""

    low: int
    fraud: int
    honest: int
    unknown: int


class Marks(msgspec.Struct, frozen=True):
    """The thresholds of the pack."""

    challenge: int
    review: int
    deny: int


class Report(msgspec.Struct, kw_only=True):
    """All that a backtest found."""

    policy: str
    name: str
    version: str
    base: str
    """The currency of all money, in minor units."""
    marks: Marks
    first_ms: int
    last_ms: int
    """When the first and the last decided event of the span happened."""
    known_by_ms: int
    assumed: Assumptions
    blocks: str
    """What is drawn together for intervals of money: `buyer` or `day`."""
    truth: TruthCounts
    types: tuple[str, ...]
    now: Result
    then: Result | None
    """The outcomes of the time on the same events, where they are known."""
    alerts: Alerts
    days: tuple[Day, ...]
    rules: tuple[RuleFigures, ...]
    pairs: tuple[Pair, ...]
    hits: tuple[Hit, ...]
    examples: tuple[HonestExample, ...]
    bands: tuple[ScoreBand, ...]
    rows: int
    recorded: int
    erased: int
    unknown_types: dict[str, int]
    unconverted: int
    notes: tuple[str, ...]
    """What stands in the way of the figures: keys of `kanhe.learn.backtest.notes`."""
