"""A shop that lives, with attacks whose truth is known.

`simulate` tells the life of a marketplace as events in order of time: honest people with daily and
weekly habits in fourteen countries, and the attacks of `CAMPAIGNS`. What is honest and what is an
attack stands beside each event, never in it: the shop itself learns the truth later and partly, from
chargebacks and labels, like any shop. Results on a simulation say nothing final about real shops.

Start reading at `simulate`, then `honest` (life), `campaigns` (attacks), `trades` (what both share).
"""

from __future__ import annotations

from kanhe.simulate.campaigns import CAMPAIGNS, Campaign
from kanhe.simulate.diary import Mark, SimulatedEvent
from kanhe.simulate.report import (
    CampaignResult,
    DemoReport,
    HonestResult,
    Scoreboard,
)
from kanhe.simulate.simulation import START_MS, live, simulate

__all__ = [
    "CAMPAIGNS", "START_MS", "Campaign", "CampaignResult", "DemoReport", "HonestResult", "Mark",
    "Scoreboard", "SimulatedEvent", "live", "simulate",
]  # fmt: skip
