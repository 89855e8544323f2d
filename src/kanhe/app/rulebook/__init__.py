"""The rulebook of an installation: its policy packs as people read, change, propose and lead them.

Packs are read from the journal, which keeps each that was ever proposed or in force. Steps of their
life are taken by the judging process, in the name of whoever asks: what it refuses is refused. Packs
belong to the whole installation, so that only staff of the platform change them; staff of one tenant
read the rules that judge them.
"""

from __future__ import annotations

from kanhe.app.judge_link import JudgeLink
from kanhe.app.rulebook.differences import FileChange, Line, PackChange, compare_packs
from kanhe.app.rulebook.drafting import DraftError, Drafting, Opened
from kanhe.app.rulebook.packs import Packs, Standing
from kanhe.app.rulebook.rates import Analyst, Rates, rates_of
from kanhe.app.rulebook.steering import ForPlatformOnly, Steering, is_author
from kanhe.app.rulebook.trying import Trial, TrialError, Trials
from kanhe.core.actor import Actor
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.stores.desk.database import Desk

__all__ = [
    "DraftError", "Drafting", "FileChange", "ForPlatformOnly", "Line", "Opened", "PackChange", "Packs",
    "Rates", "Rulebook", "Standing", "Steering", "Trial", "TrialError", "Trials", "compare_packs",
    "is_author", "open_rulebook",
]  # fmt: skip


class Rulebook:
    """All that pages ask of rules and packs. Safe to use from several threads."""

    def __init__(
        self, packs: Packs, drafting: Drafting, steering: Steering, trials: Trials, clock: Clock
    ) -> None:
        self._clock = clock
        self.packs = packs
        self.drafting = drafting
        self.steering = steering
        self.trials = trials
        self.analyst: Analyst | None = None
        """Who has counted; pages show no rates while nobody has."""

    def rates(self, actor: Actor, span_ms: int) -> Rates | None:
        """How often rules fired in the last `span_ms`; `None` while nothing was counted."""
        return rates_of(self.analyst, self._clock, actor, span_ms)

    def close(self) -> None:
        """End trials that are still running."""
        self.trials.close()


def open_rulebook(settings: Settings, link: JudgeLink, desk: Desk, clock: Clock) -> Rulebook:
    """The rulebook of the installation behind `link`."""
    packs = Packs(settings, link)
    return Rulebook(
        packs,
        Drafting(desk, packs, clock),
        Steering(link, desk, clock),
        Trials(settings, packs, link, clock),
        clock,
    )
