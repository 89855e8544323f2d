"""Webhooks: who hears of what, when it is tried again, and that no one sees another tenant's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise

import pytest
from sqlalchemy import Connection

from kanhe.app.webhook_delivery import KEPT_MS, WebhookDelivery
from kanhe.app.webhooks import MOST_WEBHOOKS, OVERLAP_MS, NoSuchWebhook, WebhookError, Webhooks
from kanhe.core.actor import Actor
from kanhe.protect.access.sealing import Sealer
from kanhe.protect.outbound.destination import DestinationError
from kanhe.protect.outbound.retrying import PAUSES_MS
from kanhe.protect.outbound.signature import SigningSecret, shared_secret
from kanhe.stores.desk import delivery, outgoing, positions
from kanhe.stores.desk.database import Desk
from kanhe.stores.http.webhook_sender import Outcome

NOW = 1_767_225_600_000
URL = "https://hooks.shop.example/in"
ANA = Actor(staff="st-1", name="Ana", tenant="shop")
EVE = Actor(staff="st-2", name="Eve", tenant="other")
PLATFORM = Actor(staff="st-3", name="Pat")


class World:
    """A desk, its webhooks, and receivers that answer as they are told."""

    def __init__(self) -> None:
        self.now = NOW
        self.desk = Desk()
        sealer = Sealer(bytes(32), lambda size: bytes(size))
        self.webhooks = Webhooks(self.desk, sealer, lambda: self.now)
        self.answers: dict[str, Callable[[], Outcome]] = {}
        self.sent: list[tuple[str, Mapping[str, str], bytes]] = []
        self.loop = WebhookDelivery(
            self.desk, self.webhooks, lambda: self.now, self.send, lambda: 0.5
        )

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """In place of the network."""
        self.sent.append((url, headers, body))
        return self.answers.get(url, lambda: Outcome(200, 3, b"thanks"))()

    def announce(self, *topics: str, tenant: str = "shop") -> None:
        """Something happens."""
        with self.desk.writing() as connection:
            for topic in topics:
                outgoing.announce(connection, tenant, topic, {"case": 7}, self.now)

    def findings(self) -> list[str]:
        """What the installation has reported of itself."""
        with self.desk.reading() as connection:
            events = [json.loads(event.body) for event in outgoing.waiting(connection, 1_000)]
        return [e["title"] for e in events if e["type"] == "finding.reported"]

    def live(self, ms: int, rounds: int = 400) -> None:
        """Let time go by, with a look whenever something may be due."""
        end = self.now + ms
        for _ in range(rounds):
            self.loop.step()
            self.now += max(ms // rounds, 1)
        self.now = end
        self.loop.step()


@pytest.fixture
def world() -> Iterator[World]:
    """A fresh one."""
    found = World()
    yield found
    found.desk.close()


def bodies(world: World) -> list[str]:
    """The types of what was sent."""
    return [json.loads(body)["type"] for _, _, body in world.sent]


def test_whoever_asked_hears_of_it_signed(world: World) -> None:
    """One message per topic that was asked for, with the tenant, the time and a signature that holds."""
    world.announce("case.opened")
    made, secret = world.webhooks.add(ANA, URL, ["case.opened", "case.resolved"], note="ops")
    world.announce("case.opened", "alert.raised")
    world.announce("case.opened", tenant="other")
    world.loop.step()
    ((url, headers, body),) = world.sent
    assert url == URL and json.loads(body) == {
        "type": "case.opened", "timestamp": "2026-01-01T00:00:00.000Z",
        "data": {"case": 7, "tenant": "shop"},
    }  # fmt: skip
    own = SigningSecret("v1", shared_secret(secret), 0)
    stamp = int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == own.sign(headers["webhook-id"], stamp, body)
    (sent,) = world.webhooks.deliveries(ANA, made.id)
    _, (attempt,) = world.webhooks.delivery(ANA, made.id, sent.id)
    assert (sent.state, attempt.status, attempt.answer) == ("delivered", 200, b"thanks")
    world.loop.step()
    assert len(world.sent) == 1


def test_one_of_the_platform_hears_of_every_tenant(world: World) -> None:
    """And those of a tenant of their own alone."""
    world.webhooks.add(PLATFORM, URL, ["case.opened"])
    world.announce("case.opened", tenant="shop")
    world.announce("case.opened", tenant="other")
    world.loop.step()
    assert [json.loads(body)["data"]["tenant"] for _, _, body in world.sent] == ["shop", "other"]


def test_a_failure_is_tried_again_with_the_same_id(world: World) -> None:
    """Later each time, signed anew; every attempt is kept."""
    made, _ = world.webhooks.add(ANA, URL, ["case.opened"])
    world.answers[URL] = lambda: Outcome(500, 9, b"oops")
    world.announce("case.opened")
    world.live(120_000)
    world.answers.clear()
    world.live(600_000)
    (sent,) = world.webhooks.deliveries(ANA, made.id)
    _, tries = world.webhooks.delivery(ANA, made.id, sent.id)
    assert [one.status for one in tries] == [500, 500, 500, 200]
    waits = [b.at_ms - a.at_ms for a, b in pairwise(tries)]
    assert waits[0] < waits[1] < waits[2] and abs(waits[1] - PAUSES_MS[1]) < 5_000
    assert len({headers["webhook-id"] for _, headers, _ in world.sent}) == 1
    assert len({headers["webhook-timestamp"] for _, headers, _ in world.sent}) == 4


def test_a_receiver_that_is_down_is_left_in_peace_and_holds_up_nobody(world: World) -> None:
    """A hundred messages for it cost one try at a time; another's arrive at once."""
    world.webhooks.add(ANA, URL, ["case.opened"])
    world.webhooks.add(ANA, "https://good.shop.example/", ["case.opened"])
    world.answers[URL] = lambda: Outcome(0, 15_000, problem="no answer")
    world.announce(*["case.opened"] * 100)
    for _ in range(20):
        world.loop.step()
    tried = [url for url, _, _ in world.sent]
    assert tried.count(URL) == 1
    assert tried.count("https://good.shop.example/") == 100
    world.answers.clear()
    world.live(60_000)
    assert [url for url, _, _ in world.sent].count(URL) == 101


def test_a_message_that_is_refused_does_not_stop_the_others(world: World) -> None:
    """A receiver that answers 400 to one message gets the rest."""
    world.webhooks.add(ANA, URL, ["case.opened", "alert.raised"])
    refused: list[int] = []

    def answer() -> Outcome:
        if json.loads(world.sent[-1][2])["type"] == "alert.raised":
            refused.append(1)
            return Outcome(400, 1)
        return Outcome(200, 1)

    world.answers[URL] = answer
    world.announce("case.opened", "alert.raised", "case.opened")
    world.loop.step()
    assert bodies(world) == ["case.opened", "alert.raised", "case.opened"]


def test_after_a_day_of_nothing_it_is_switched_off(world: World) -> None:
    """With a finding, from which an alert comes; switched on again, what waited goes out."""
    made, _ = world.webhooks.add(ANA, URL, ["case.opened"])
    world.answers[URL] = lambda: Outcome(0, 1, problem="no answer within 15 s")
    world.announce("case.opened")
    world.live(30 * 3_600_000, 2_000)
    found = world.webhooks.one(ANA, made.id)
    assert found.off_ms and found.off_why == "no answer within 15 s"
    assert world.webhooks.counts(ANA, made.id) == {"given_up": 1}
    assert world.findings() == ["A webhook was switched off"]
    tried = len(world.sent)
    assert tried == len(PAUSES_MS) + 1
    world.announce("case.opened")
    world.live(3_600_000, 50)
    assert len(world.sent) == tried
    world.answers.clear()
    world.webhooks.switch(ANA, made.id, on=True)
    world.webhooks.replay_span(ANA, made.id, NOW, NOW + 1)
    world.loop.step()
    assert world.webhooks.counts(ANA, made.id) == {"delivered": 1}


def test_gone_is_gone(world: World) -> None:
    """410 switches it off at once."""
    made, _ = world.webhooks.add(ANA, URL, ["case.opened"])
    world.answers[URL] = lambda: Outcome(410, 1)
    world.announce("case.opened", "case.opened")
    world.loop.step()
    assert world.webhooks.one(ANA, made.id).off_why == "410 Gone"
    assert len(world.sent) == 1 and world.findings() == ["A webhook was switched off"]


def test_a_new_secret_signs_beside_the_old_one_for_a_day(world: World) -> None:
    """Two signatures at once, then the new one alone; each secret is shown once."""
    made, first = world.webhooks.add(ANA, URL, ["case.opened"])
    assert world.webhooks.rotate(ANA, made.id) != first
    world.announce("case.opened")
    world.loop.step()
    assert len(world.sent[-1][1]["webhook-signature"].split()) == 2
    world.now += OVERLAP_MS
    world.announce("case.opened")
    world.loop.step()
    assert len(world.sent[-1][1]["webhook-signature"].split()) == 1
    assert first.encode() not in world.webhooks.one(ANA, made.id).secrets


def test_what_was_sent_can_be_sent_again(world: World) -> None:
    """One message, or a span, with the ids they had."""
    made, _ = world.webhooks.add(ANA, URL, ["case.opened"])
    world.announce("case.opened")
    world.loop.step()
    world.now += 1_000
    world.announce("case.opened")
    world.loop.step()
    ids = [headers["webhook-id"] for _, headers, _ in world.sent]
    (later, earlier) = world.webhooks.deliveries(ANA, made.id)
    world.webhooks.replay(ANA, made.id, earlier.id)
    world.loop.step()
    assert world.webhooks.replay_span(ANA, made.id, later.created_ms, later.created_ms + 1) == 1
    world.loop.step()
    assert [headers["webhook-id"] for _, headers, _ in world.sent] == [*ids, ids[0], ids[1]]
    world.webhooks.test(ANA, made.id)
    world.loop.step()
    assert bodies(world)[-1] == "webhook.test"


def test_what_is_another_tenants_is_not_there(world: World) -> None:
    """No call with somebody else's id does or shows anything, also for a message under one's own."""
    made, _ = world.webhooks.add(ANA, URL, ["case.opened"])
    own, _ = world.webhooks.add(EVE, URL, ["case.opened"])
    world.announce("case.opened")
    world.loop.step()
    (message,) = world.webhooks.deliveries(ANA, made.id)
    calls: list[Callable[[], object]] = [
        lambda: world.webhooks.one(EVE, made.id),
        lambda: world.webhooks.change(EVE, made.id, URL, ["case.opened"], ""),
        lambda: world.webhooks.rotate(EVE, made.id),
        lambda: world.webhooks.switch(EVE, made.id, on=False),
        lambda: world.webhooks.remove(EVE, made.id),
        lambda: world.webhooks.test(EVE, made.id),
        lambda: world.webhooks.deliveries(EVE, made.id),
        lambda: world.webhooks.counts(EVE, made.id),
        lambda: world.webhooks.delivery(EVE, made.id, message.id),
        lambda: world.webhooks.delivery(EVE, own.id, message.id),
        lambda: world.webhooks.replay(EVE, own.id, message.id),
        lambda: world.webhooks.replay_span(EVE, made.id, 0, 10**15),
        lambda: world.webhooks.one(EVE, "wh-nowhere"),
    ]
    for call in calls:
        with pytest.raises(NoSuchWebhook):
            call()
    assert [one.id for one in world.webhooks.all(EVE)] == [own.id]
    assert {one.id for one in world.webhooks.all(PLATFORM)} == {made.id, own.id}
    assert world.webhooks.one(ANA, made.id).off_ms == 0


def test_what_cannot_be_is_refused(world: World) -> None:
    """Addresses that lead inside, no topic or an unknown one, long notes, too many webhooks."""
    with pytest.raises(DestinationError):
        world.webhooks.add(ANA, "https://169.254.169.254/", ["case.opened"])
    for topics in ([], ["everything"]):
        with pytest.raises(WebhookError) as caught:
            world.webhooks.add(ANA, URL, topics)
        assert caught.value.field == "topics"
    for note in ("x" * 201, "a\nb"):
        with pytest.raises(WebhookError):
            world.webhooks.add(ANA, URL, ["case.opened"], note=note)
    with world.desk.writing() as connection:
        for number in range(MOST_WEBHOOKS):
            made = delivery.Webhook(
                f"w{number}", "shop", URL, "", "case.opened", b"", 0, "", 0, 0, "", 0, 0, 0
            )
            delivery.add_webhook(connection, made)
    with pytest.raises(WebhookError, match="already"):
        world.webhooks.add(ANA, URL, ["case.opened"])


def test_a_secret_under_another_key_is_said_so(world: World) -> None:
    """Its messages fail with what to do, and a new secret heals it."""
    made, _ = world.webhooks.add(ANA, URL, ["case.opened"])
    with world.desk.writing() as connection:
        delivery.change_webhook(connection, made.id, secrets=b"x" * 60)
    world.announce("case.opened")
    world.loop.step()
    (message,) = world.webhooks.deliveries(ANA, made.id)
    _, (attempt,) = world.webhooks.delivery(ANA, made.id, message.id)
    assert "make a new one" in attempt.problem and world.sent == []
    world.webhooks.rotate(ANA, made.id)
    world.webhooks.replay(ANA, made.id, message.id)
    world.loop.step()
    assert len(world.sent) == 1


@pytest.mark.parametrize("broken", ["before", "after"])
@pytest.mark.parametrize("which", range(3))
def test_whatever_write_fails_nothing_is_lost(
    world: World, broken: str, which: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write of a round fails once, before and after it took effect: the message arrives, and
    what arrives twice has one id."""
    world.webhooks.add(ANA, URL, ["case.opened"])
    world.announce("case.opened")
    writing, count = world.desk.writing, [0]

    @contextmanager
    def failing() -> Iterator[Connection]:
        number, count[0] = count[0], count[0] + 1
        if number == which and broken == "before":
            raise OSError("no")
        with writing() as connection:
            yield connection
        if number == which:
            raise OSError("no")

    monkeypatch.setattr(world.desk, "writing", failing)
    with pytest.raises(OSError, match="no"):
        world.loop.step()
    for _ in range(3):
        world.loop.step()
    assert {headers["webhook-id"] for _, headers, _ in world.sent} == {f"msg_{NOW:x}_1"}
    assert len(world.sent) <= 2
    with world.desk.reading() as connection:
        (endpoint,) = delivery.webhooks(connection)
        assert delivery.counts(connection, endpoint.id) == {"delivered": 1}


def test_one_that_is_removed_while_it_is_sent_to_harms_nobody(world: World) -> None:
    """The answer comes back to nobody."""
    made, _ = world.webhooks.add(ANA, URL, ["case.opened"])

    def answer() -> Outcome:
        world.webhooks.remove(ANA, made.id)
        return Outcome(200, 1)

    world.answers[URL] = answer
    world.announce("case.opened")
    world.loop.step()
    assert world.webhooks.all(ANA) == []


def test_old_messages_are_forgotten(world: World) -> None:
    """After thirty days, with their attempts."""
    made, _ = world.webhooks.add(ANA, URL, ["case.opened"])
    world.announce("case.opened")
    world.loop.step()
    world.now += KEPT_MS + 1
    world.loop.step()
    assert world.webhooks.deliveries(ANA, made.id) == []


def test_old_news_is_forgotten_once_all_have_read_it(world: World) -> None:
    """What mail has not read yet stays, however old."""

    def kept() -> int:
        with world.desk.reading() as connection:
            everything = {"case.opened"}
            return len(outgoing.news_after(connection, 0, 100, everything)[0])

    world.announce("case.opened", "case.opened")
    world.loop.step()
    world.now += KEPT_MS + 1
    world.loop.step()
    assert kept() == 2
    with world.desk.writing() as connection:
        positions.move(connection, "mail", 1)
    world.now += KEPT_MS + 1
    world.loop.step()
    assert kept() == 1


def test_everything_done_with_webhooks_is_told(world: World) -> None:
    """Each change leaves as an event of the staff, and no secret is in any of them."""
    made, first = world.webhooks.add(ANA, URL, ["case.opened"])
    world.webhooks.change(ANA, made.id, URL + "2", ["case.opened"], "n")
    second = world.webhooks.rotate(ANA, made.id)
    world.webhooks.switch(ANA, made.id, on=False)
    world.webhooks.test(ANA, made.id)
    world.webhooks.remove(ANA, made.id)
    with world.desk.reading() as connection:
        events = [event.body for event in outgoing.waiting(connection, 100)]
    assert len(events) == 6
    assert all(b'"resource":"webhook"' in event and b'"staff":"st-1"' in event for event in events)
    assert not any(secret.encode() in event for event in events for secret in (first, second))
