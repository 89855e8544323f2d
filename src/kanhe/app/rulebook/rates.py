"""How often rules fire, as the index of the journal has counted it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from kanhe.app.looking import AnalyticsView, NothingYetError, Span
from kanhe.app.looking.analytics import DECIDED, RuleFigures
from kanhe.core.actor import Actor
from kanhe.core.time import HOUR_MS, Clock


class Analyst(Protocol):
    """Who knows how it went over a span."""

    def analytics(self, actor: Actor, span: Span) -> AnalyticsView:
        """How it went, as far as this person sees it."""


class Rates(NamedTuple):
    """What rules did over a span, as far as somebody sees it."""

    rules: Mapping[str, RuleFigures]
    decided: int
    """How many decisions there were."""

    def fired(self, rule: str) -> int:
        """For how many decisions a rule gave a reason."""
        return self.rules[rule].fired if rule in self.rules else 0

    def share(self, rule: str) -> float | None:
        """The same as a share of all decisions."""
        return self.fired(rule) / self.decided if self.decided else None

    def precision(self, rule: str) -> float | None:
        """The share of fraud among the events it fired on, as far as labels have told."""
        return self.rules[rule].precision if rule in self.rules else None


def rates_of(analyst: Analyst | None, clock: Clock, actor: Actor, span_ms: int) -> Rates | None:
    """What rules did in the last `span_ms`, counted by whole hours; `None` while nothing was counted."""
    if analyst is None:
        return None
    end_ms = clock() // HOUR_MS * HOUR_MS + HOUR_MS
    try:
        view = analyst.analytics(actor, Span(end_ms - span_ms, end_ms))
    except NothingYetError:
        return None
    decided = sum(view.outcomes.get(outcome, 0) for outcome in DECIDED)
    return Rates({one.rule: one for one in view.rules}, decided)
