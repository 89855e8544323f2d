"""The built-in types: all there, described in both languages, each example a valid event."""

from __future__ import annotations

import json
import re

import pytest

from kanhe.core.event import ENTITY_KINDS
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.registry import builtin
from tests.intake.events import SCOPES

REGISTRY = builtin()
READER = Reader(REGISTRY)
LATER_MS = 2_000_000_000_000

JOURNEY = """
account.registered account.login account.login_failed account.password_changed
account.profile_changed session.started listing.created listing.changed cart.changed order.placed
order.cancelled payment.attempted payment.declined payment.authorized payment.captured
refund.requested refund.paid chargeback.received review.posted message.sent parcel.shipped
parcel.scanned parcel.delivered label.scanned complaint.opened complaint.resolved payout.requested
merchant.applied staff.action finding.reported label.assigned list.entry_added list.entry_removed
account.factor_added account.factor_removed step_up.requested step_up.passed step_up.failed
""".split()


def test_the_whole_journey_is_there() -> None:
    """There is a type for every step of a trade, from sign-up to what turned out to be true."""
    assert sorted(REGISTRY.types) == sorted(JOURNEY)


@pytest.mark.parametrize("name", REGISTRY.types)
def test_example_is_a_valid_event(name: str) -> None:
    """The example of a type is read as it stands, and again from its canonical body."""
    example = REGISTRY.types[name].example
    arrival = READER.read("shop", json.dumps(example).encode(), LATER_MS, SCOPES)
    assert arrival.event.type == name
    assert json.loads(arrival.body) == example
    assert READER.reread("shop", arrival.body, LATER_MS) == arrival


@pytest.mark.parametrize("name", REGISTRY.types)
def test_type_is_described_in_both_languages(name: str) -> None:
    """English and Chinese descriptions are there, and the Chinese one is in Chinese."""
    made = REGISTRY.types[name]
    assert made.en.endswith(".")
    assert not re.search("[\u4e00-\u9fff]", made.en)
    assert re.search("[\u4e00-\u9fff]", made.zh)
    assert made.zh.endswith("。")


def test_every_field_is_described_in_both_languages() -> None:
    """Every field says what it means, in English and in Chinese."""
    for spec in REGISTRY.fields.values():
        assert spec.en.endswith("."), spec.name
        assert re.search("[\u4e00-\u9fff]", spec.zh), spec.name
        assert spec.zh.endswith("。"), spec.name


def test_every_field_belongs_to_a_type() -> None:
    """No field is declared that no event can carry."""
    used = {field for name in REGISTRY.types for field in REGISTRY.fields_of(name)}
    assert set(REGISTRY.fields) == used


def test_all_entities_are_fields() -> None:
    """Each of the fourteen kinds of entity is an id that some type can name."""
    assert {name for name, spec in REGISTRY.fields.items() if spec.is_entity} == set(ENTITY_KINDS)
    assert all(REGISTRY.fields[name].kind == "id" for name in ENTITY_KINDS)


def test_a_payment_can_name_all_who_take_part() -> None:
    """An attempted payment accepts everybody and everything a fraud rule asks about."""
    wanted = {*"user device ip session card email phone address merchant order".split()}
    assert wanted <= set(REGISTRY.types["payment.attempted"].entities)


def test_a_label_can_name_anybody() -> None:
    """What turned out to be true can be said of any kind of entity."""
    assert set(REGISTRY.types["label.assigned"].entities) == set(ENTITY_KINDS)


@pytest.mark.parametrize("name", ["list.entry_added", "list.entry_removed"])
def test_lists_need_a_scope(name: str) -> None:
    """Events that change lists are open to keys with that scope only."""
    assert REGISTRY.types[name].restricted == "lists"
