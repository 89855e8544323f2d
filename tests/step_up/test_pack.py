"""The starter pack over what step-ups leave behind: guessing and wearing down are noticed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kanhe.app import kanhe_in_memory
from kanhe.app.installation import Kanhe
from kanhe.core.settings import Settings
from tests.step_up.building import BEGIN_MS, PAYMENT, House, question


def _judged(kanhe: Kanhe, house: House, events: list[dict[str, Any]]) -> list[set[str]]:
    """Which rules fired on each event."""
    found = []
    for event in events:
        pending = kanhe.judge("shop", json.dumps(event).encode(), frozenset({"step_up"}), house.now)
        found.append({reason["rule"] for reason in json.loads(pending.answer).get("reasons", ())})
    kanhe.commit()
    return found


@pytest.fixture
def kanhe(house: House) -> Kanhe:
    """The starter pack, nothing known."""
    return kanhe_in_memory(Settings(), lambda: house.now)


def test_guessing_is_noticed(house: House, kanhe: Kanhe) -> None:
    """Five wrong codes of one buyer, or three buyers from one device, are more than mistakes."""
    asked = house.asking.begin(question(device="d-1", ip="203.0.113.7"))
    for _ in range(5):
        house.asking.confirm("shop", asked.id, PAYMENT, "000000", "")
    assert _judged(kanhe, house, house.events())[-1] == {"step_up_guessing"}
    for user in ("u-2", "u-3"):
        asked = house.asking.begin(question(user=user, device="d-1", ip="203.0.113.7"))
        house.asking.confirm("shop", asked.id, PAYMENT, "000000", "")
    assert _judged(kanhe, house, house.events())[-1] == {"step_up_guessing_spread"}
    payment = {"id": "p", "type": "payment.attempted", "at_ms": house.now, "user": "u-1",
               "amount_minor": 4990, "currency": "EUR"}  # fmt: skip
    assert "payment_after_failed_step_ups" in _judged(kanhe, house, [payment])[0]


def test_bombing_is_noticed(house: House, kanhe: Kanhe) -> None:
    """Ten questions to one buyer within an hour are told; a single mistake is not."""
    for _ in range(10):
        house.asking.begin(question())
    fired = _judged(kanhe, house, house.events())
    assert fired[:9] == [set()] * 9
    assert fired[9] == {"step_up_bombing"}


def test_an_honest_buyer_leaves_no_trace(house: House, kanhe: Kanhe) -> None:
    """Setting up an app, one typing mistake and a payment fire no rule."""
    app = house.app()
    asked = house.asking.begin(question(device="d-1"))
    house.asking.confirm("shop", asked.id, PAYMENT, "000000", "")
    house.asking.confirm("shop", asked.id, PAYMENT, app.code(), "")
    assert house.now > BEGIN_MS
    assert _judged(kanhe, house, house.events()) == [set()] * 4
