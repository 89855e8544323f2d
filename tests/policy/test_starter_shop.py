"""The starter pack over a month of a simulated shop: honest people are left alone, attacks are met."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from kanhe.app import kanhe_in_memory
from kanhe.core.decision import Decision
from kanhe.core.settings import Settings
from kanhe.simulate.simulation import START_MS, simulate

EVENTS = 30_000
NOW_MS = START_MS + 400 * 86_400_000


class Tally:
    """What became of every event: for honest buyers by outcome, for each campaign hits and events."""

    def __init__(self) -> None:
        self.honest: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()


@pytest.fixture(scope="module")
def tally() -> Tally:
    found = Tally()
    decoder = msgspec.json.Decoder(Decision)
    kanhe = kanhe_in_memory(Settings(state_limit_mib=1024), lambda: NOW_MS)
    for number, event in enumerate(simulate(2026, EVENTS)):
        decision = decoder.decode(kanhe.judge("shop", event.body).answer)
        if event.honest_user:
            found.honest[decision.outcome] += 1
        elif event.campaign is not None:
            found.events[event.campaign] += 1
            found.met[event.campaign] += decision.outcome != "allow"
        found.failed.update(reason.rule for reason in decision.reasons if reason.error)
        if number % 1000 == 0:
            kanhe.commit()
    return found


def test_honest_buyers_do_not_notice_it(tally: Tally) -> None:
    """At most one in two hundred events of honest buyers is held up, and one in a thousand refused."""
    total = tally.honest.total()
    assert total > EVENTS / 3
    assert total - tally.honest["allow"] <= total / 200
    assert tally.honest["deny"] <= total / 1000


def test_every_kind_of_attack_is_met(tally: Tally) -> None:
    """Each simulated campaign runs into at least one rule that asks, holds or refuses."""
    assert [name for name in tally.events if not tally.met[name]] == []


def test_no_rule_breaks_on_real_looking_events(tally: Tally) -> None:
    """Over the whole month not a single rule fails to be evaluated."""
    assert tally.failed == {}
