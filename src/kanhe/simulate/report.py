"""What was caught: outcomes held against the ground truth of a simulation, as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from kanhe.simulate.campaigns import CAMPAIGNS
from kanhe.simulate.diary import SimulatedEvent


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """How one campaign fared. An event is *caught* if the outcome was anything but `allow`, and
    *stopped* if it did not go through by itself (`review` or `deny`)."""

    name: str
    en: str
    zh: str
    events: int
    challenged: int
    reviewed: int
    denied: int
    actors: int
    """Attackers, or accounts and devices they used."""
    actors_caught: int
    """Of these, how many had at least one event caught."""
    first_caught_ms: int | None
    """Milliseconds from the campaign's first event to the first that was caught; `None` if none was."""
    first_stopped_ms: int | None
    """Milliseconds from the campaign's first event to the first that was held or refused."""

    @property
    def caught(self) -> int:
        """Events with any outcome but `allow`."""
        return self.challenged + self.reviewed + self.denied

    @property
    def missed(self) -> int:
        """Events that were allowed."""
        return self.events - self.caught

    @property
    def stopped(self) -> int:
        """Events that were held for review or denied."""
        return self.reviewed + self.denied

    @property
    def recall(self) -> float:
        """The share of the campaign's events that was caught, from 0 to 1."""
        return self.caught / self.events if self.events else 0.0

    @property
    def actor_recall(self) -> float:
        """The share of the campaign's actors that was caught at least once, from 0 to 1."""
        return self.actors_caught / self.actors if self.actors else 0.0


@dataclass(frozen=True, slots=True)
class HonestResult:
    """What honest people noticed: every outcome but `allow` is a false alarm."""

    buyers: int
    """Honest buyers who did anything."""
    buyers_challenged: int
    buyers_reviewed: int
    buyers_denied: int
    buyers_alarmed: int
    """Honest buyers who were challenged, held or denied at least once."""
    events: int
    """Events of honest buyers."""
    events_challenged: int
    events_reviewed: int
    events_denied: int
    others_events: int
    """Events of honest merchants, couriers and staff."""
    others_alarmed: int
    """Of these, how many had any outcome but `allow`."""

    @property
    def events_alarmed(self) -> int:
        """Events of honest buyers with any outcome but `allow`."""
        return self.events_challenged + self.events_reviewed + self.events_denied

    @property
    def event_rate(self) -> float:
        """The share of honest buyers' events that raised a false alarm, from 0 to 1."""
        return self.events_alarmed / self.events if self.events else 0.0

    @property
    def buyer_rate(self) -> float:
        """The share of honest buyers who met a false alarm at least once, from 0 to 1."""
        return self.buyers_alarmed / self.buyers if self.buyers else 0.0


@dataclass(frozen=True, slots=True)
class DemoReport:
    """The result of a run over a simulation. It says so itself: `simulated` is always true."""

    campaigns: tuple[CampaignResult, ...]
    honest: HonestResult
    events: int
    attack_events: int
    first_ms: int
    last_ms: int
    simulated: bool = True

    def as_json(self) -> dict[str, Any]:
        """The report as plain values, computed shares included."""
        campaigns = [
            {**asdict(c), "caught": c.caught, "missed": c.missed, "stopped": c.stopped,
             "recall": round(c.recall, 4), "actor_recall": round(c.actor_recall, 4)}
            for c in self.campaigns
        ]  # fmt: skip
        honest = {
            **asdict(self.honest), "event_rate": round(self.honest.event_rate, 6),
            "buyer_rate": round(self.honest.buyer_rate, 6),
        }  # fmt: skip
        return {
            "simulated": self.simulated, "events": self.events, "attack_events": self.attack_events,
            "first_ms": self.first_ms, "last_ms": self.last_ms, "campaigns": campaigns,
            "honest": honest,
        }  # fmt: skip


@dataclass(slots=True)
class _Count:
    """What is counted while a run goes on."""

    first_ms: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    actors: set[str] = field(default_factory=set)
    caught: dict[str, set[str]] = field(default_factory=dict)
    first_caught_ms: int | None = None
    first_stopped_ms: int | None = None

    def add(self, event: SimulatedEvent, outcome: str) -> None:
        if not self.outcomes:
            self.first_ms = event.at_ms
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.actors.add(event.actor)
        if outcome == "allow":
            return
        self.caught.setdefault(outcome, set()).add(event.actor)
        if self.first_caught_ms is None:
            self.first_caught_ms = event.at_ms - self.first_ms
        if self.first_stopped_ms is None and outcome != "challenge":
            self.first_stopped_ms = event.at_ms - self.first_ms

    def of(self, outcome: str) -> int:
        return self.outcomes.get(outcome, 0)

    def actors_with(self, *outcomes: str) -> int:
        return len(set().union(*(self.caught.get(outcome, set()) for outcome in outcomes)))


class Scoreboard:
    """Feed it every simulated event with its outcome, in order; then ask for the report."""

    def __init__(self) -> None:
        self._attacks: dict[str, _Count] = {}
        self._buyers = _Count()
        self._others = _Count()
        self._events = 0
        self._first_ms = 0
        self._last_ms = 0

    def add(self, event: SimulatedEvent, outcome: str) -> None:
        """Count one event. `outcome` is `allow`, `challenge`, `review` or `deny`."""
        if not self._events:
            self._first_ms = event.at_ms
        self._events += 1
        self._last_ms = event.at_ms
        if event.campaign is not None:
            self._attacks.setdefault(event.campaign, _Count()).add(event, outcome)
        elif event.role == "buyer":
            self._buyers.add(event, outcome)
        elif event.role != "platform":
            self._others.add(event, outcome)

    def report(self) -> DemoReport:
        """What has been counted so far; campaigns in the order of `CAMPAIGNS`."""
        campaigns = []
        for kind in CAMPAIGNS:
            found = self._attacks.get(kind.name)
            if found is None:
                continue
            campaigns.append(
                CampaignResult(
                    kind.name, kind.en, kind.zh, sum(found.outcomes.values()),
                    found.of("challenge"), found.of("review"), found.of("deny"), len(found.actors),
                    found.actors_with("challenge", "review", "deny"), found.first_caught_ms,
                    found.first_stopped_ms,
                )
            )  # fmt: skip
        buyers, others = self._buyers, self._others
        honest = HonestResult(
            len(buyers.actors), buyers.actors_with("challenge"), buyers.actors_with("review"),
            buyers.actors_with("deny"), buyers.actors_with("challenge", "review", "deny"),
            sum(buyers.outcomes.values()), buyers.of("challenge"), buyers.of("review"),
            buyers.of("deny"), sum(others.outcomes.values()),
            sum(others.outcomes.values()) - others.of("allow"),
        )  # fmt: skip
        attacks = sum(campaign.events for campaign in campaigns)
        return DemoReport(
            tuple(campaigns), honest, self._events, attacks, self._first_ms, self._last_ms
        )
