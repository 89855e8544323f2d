"""The simulated shop: repeatable, readable, honest about its truth."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin
from kanhe.judge.policy.pack import load_pack, starter_path
from kanhe.simulate import CAMPAIGNS, START_MS, SimulatedEvent, simulate
from kanhe.simulate.campaigns.crew import ROBOTS
from kanhe.simulate.places import PLACES, Place
from kanhe.simulate.simulation import SimulationError

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def life() -> list[SimulatedEvent]:
    """One shop that all tests of this module look at."""
    return list(simulate(7, events=30_000))


def test_every_event_is_accepted_by_the_reader(life: list[SimulatedEvent]) -> None:
    """What the shop tells is what the registry of events knows, field by field."""
    reader = Reader(builtin())
    seen = {reader.read("shop", event.body, event.at_ms).event.type for event in life}
    told = {name for name, one in builtin().types.items() if not one.restricted}
    assert told - seen == set()


def test_the_same_seed_tells_the_same_life(life: list[SimulatedEvent]) -> None:
    """A seed fixes every byte and every truth; another seed tells another life."""
    digest = hashlib.sha256(b"".join(event.body for event in life)).digest()
    again = list(simulate(7, events=30_000))
    assert hashlib.sha256(b"".join(event.body for event in again)).digest() == digest
    assert [event[2:] for event in again] == [event[2:] for event in life]
    assert next(iter(simulate(8, events=30_000))).body != life[0].body


def test_exactly_as_many_events_as_asked_in_order_of_time(life: list[SimulatedEvent]) -> None:
    """Order and number hold, ids are unique, and `at_ms` in the body is the one beside it."""
    assert len(life) == 30_000
    assert all(a.at_ms <= b.at_ms for a, b in pairwise(life))
    bodies = [json.loads(event.body) for event in life]
    assert len({body["id"] for body in bodies}) == len(bodies)
    assert all(body["at_ms"] == event.at_ms for body, event in zip(bodies, life, strict=True))


@pytest.mark.parametrize("events", [5000, 20_000, 100_000])
def test_the_shop_lives_about_as_long_as_planned(events: int) -> None:
    """The number of days is kept roughly, whatever the size of the shop."""
    *_, last = simulate(3, events=events, days=21)
    assert 15 < (last.at_ms - START_MS) / DAY_MS < 30


def test_every_campaign_happens(life: list[SimulatedEvent]) -> None:
    """At least twelve kinds of attack, all of them part of every life."""
    counts = Counter(event.campaign for event in life)
    assert len(CAMPAIGNS) >= 12
    assert [kind.name for kind in CAMPAIGNS if not counts[kind.name]] == []


def test_most_of_life_is_honest(life: list[SimulatedEvent]) -> None:
    """Attacks are a small part, and honest buyers the largest one."""
    attacks = sum(event.campaign is not None for event in life)
    buyers = sum(event.honest_user for event in life)
    assert 0.05 < attacks / len(life) < 0.25
    assert buyers / len(life) > 0.4


def test_the_truth_is_never_in_the_event(life: list[SimulatedEvent]) -> None:
    """No body names a campaign; labels of truth come later than what they are about."""
    names = [kind.name.encode() for kind in CAMPAIGNS]
    at_ms: dict[str, int] = {}
    for event in life:
        assert not any(name in event.body for name in names)
        body = json.loads(event.body)
        at_ms[body["id"]] = event.at_ms
        if body["type"] in ("label.assigned", "chargeback.received") and "subject_event" in body:
            assert at_ms[body["subject_event"]] < event.at_ms
            assert body["subject_at_ms"] == at_ms[body["subject_event"]]


def test_honest_buyers_do_nothing_only_attackers_do(life: list[SimulatedEvent]) -> None:
    """Robots' clients and data-centre addresses never appear behind an honest buyer."""
    for event in life:
        if event.honest_user:
            body = json.loads(event.body)
            assert body.get("user_agent") not in ROBOTS
            assert not body.get("is_hosting")


def test_honest_life_is_not_smooth(life: list[SimulatedEvent]) -> None:
    """Honest buyers mistype, are declined, share devices and addresses, travel and use a VPN."""
    honest = [json.loads(event.body) for event in life if event.honest_user]
    types = Counter(body["type"] for body in honest)
    for kind in (
        "account.login_failed",
        "payment.declined",
        "refund.requested",
        "complaint.opened",
    ):
        assert types[kind] > 5
    assert any(body.get("is_vpn") for body in honest)
    users_of: dict[tuple[str, str], set[str]] = {}
    for body in honest:
        for kind in ("device", "ip"):
            if kind in body and "user" in body:
                users_of.setdefault((kind, body[kind]), set()).add(body["user"])
    assert any(kind == "device" and len(users) > 1 for (kind, _), users in users_of.items())
    assert any(kind == "ip" and len(users) > 20 for (kind, _), users in users_of.items())


def test_people_sleep(life: list[SimulatedEvent]) -> None:
    """In their own time zone, buyers are busier in the evening than at night."""
    hours: Counter[int] = Counter()
    for event in life:
        body = json.loads(event.body)
        if event.honest_user and body["type"] == "session.started" and not body.get("is_vpn"):
            hours[(event.at_ms // 60_000 + body["utc_offset_minutes"]) // 60 % 24] += 1
    assert sum(hours[h] for h in (18, 19, 20, 21)) > 5 * sum(hours[h] for h in (1, 2, 3, 4))


def test_addresses_belong_to_nobody(life: list[SimulatedEvent]) -> None:
    """Every network address is in the reserved block 240.0.0.0/4."""
    for event in life:
        ip = json.loads(event.body).get("ip")
        assert ip is None or 240 <= int(ip.split(".")[0]) <= 255


@pytest.mark.parametrize(
    "wrong", [{"events": 4999}, {"days": 6}, {"start_ms": START_MS + 1}], ids=str
)
def test_impossible_lives_are_refused(wrong: dict[str, int]) -> None:
    """Too few events or days, or a start that is no midnight, are refused with the reason."""
    with pytest.raises(SimulationError, match=r"needs at least (5,000 events|7 days)"):
        simulate(1, **wrong)


def test_every_campaign_is_documented() -> None:
    """docs/simulation.md tells what each campaign does, by its name in the truth."""
    page = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text("utf-8")
    assert [kind.name for kind in CAMPAIGNS if f"| `{kind.name}` |" not in page] == []


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.code)
def test_prices_are_of_the_right_size_in_every_currency(place: Place) -> None:
    """A euro cent in minor units of ISO 4217 is worth a euro cent by the rates of the starter pack."""
    rates = load_pack(starter_path()).rates
    euros = rates.to_base(int(10_000 * place.minor_per_cent), place.currency)
    assert euros == pytest.approx(10_000, rel=0.1)
