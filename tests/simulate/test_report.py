"""The report holds outcomes against the truth."""

from __future__ import annotations

import json

from kanhe.simulate import Scoreboard, SimulatedEvent


def _event(at_ms: int, campaign: str | None, actor: str, role: str = "attacker") -> SimulatedEvent:
    return SimulatedEvent(at_ms, b"{}", campaign, role, actor)  # type: ignore[arg-type]


def _board() -> Scoreboard:
    board = Scoreboard()
    board.add(_event(1000, "card_testing", "a"), "allow")
    board.add(_event(2000, "card_testing", "a"), "challenge")
    board.add(_event(3500, "card_testing", "b"), "deny")
    board.add(_event(4000, "card_testing", "c"), "allow")
    board.add(_event(5000, None, "u-1", "buyer"), "allow")
    board.add(_event(6000, None, "u-1", "buyer"), "review")
    board.add(_event(7000, None, "u-2", "buyer"), "allow")
    board.add(_event(8000, None, "m-1", "merchant"), "deny")
    board.add(_event(9000, None, "platform", "platform"), "deny")
    return board


def test_a_campaign_is_counted_by_outcome_actor_and_time() -> None:
    """Recall, actors, and the times to the first catch and the first stop follow from the pairs."""
    (result,) = _board().report().campaigns
    assert (result.events, result.challenged, result.reviewed, result.denied) == (4, 1, 0, 1)
    assert (result.caught, result.missed, result.stopped, result.recall) == (2, 2, 1, 0.5)
    assert (result.actors, result.actors_caught) == (3, 2)
    assert (result.first_caught_ms, result.first_stopped_ms) == (1000, 2500)


def test_false_alarms_are_those_of_honest_buyers() -> None:
    """Merchants are counted apart, and the platform's own events not at all."""
    honest = _board().report().honest
    assert (honest.buyers, honest.buyers_alarmed, honest.buyers_reviewed) == (2, 1, 1)
    assert (honest.events, honest.events_alarmed, honest.buyer_rate) == (3, 1, 0.5)
    assert (honest.others_events, honest.others_alarmed) == (1, 1)


def test_a_campaign_never_caught_has_no_times() -> None:
    """What was missed altogether says so instead of showing a zero."""
    board = Scoreboard()
    board.add(_event(1, "refund_abuse", "a"), "allow")
    (result,) = board.report().campaigns
    assert result.first_caught_ms is None
    assert result.first_stopped_ms is None
    assert result.recall == 0.0


def test_the_report_is_plain_and_says_it_is_simulated() -> None:
    """The JSON form can be written as it is and is marked as coming from a simulation."""
    plain = json.loads(json.dumps(_board().report().as_json()))
    assert plain["simulated"] is True
    assert plain["campaigns"][0]["recall"] == 0.5
    assert plain["honest"]["buyer_rate"] == 0.5


def test_an_empty_board_reports_nothing() -> None:
    """Nothing judged is no error and no division by zero."""
    report = Scoreboard().report()
    assert report.campaigns == ()
    assert report.honest.event_rate == 0.0
