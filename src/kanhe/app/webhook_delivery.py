"""From what happened at the desk to those who asked to hear of it.

(1) News after the last position becomes one message for each webhook that asked for its topic; the
position moves in the same transaction, so that a crash in between neither loses news nor doubles it.
(2) What is due is sent, several receivers side by side, the messages of one in turn. (3) Each attempt
is kept with its answer, and the message is done, due later, or given up.

A crash between (2) and (3) sends a message again with the same `webhook-id`, by which its receiver
knows it: at least once, as Standard Webhooks promises. A receiver that is down is left in peace for a
while, and holds up nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from kanhe.app.delivering import report
from kanhe.app.mailing import POSITION as MAIL_POSITION
from kanhe.app.webhooks import WebhookError, Webhooks, message_body
from kanhe.core.time import DAY_MS, Clock
from kanhe.protect.outbound.retrying import pause_ms, rest_ms
from kanhe.protect.outbound.signature import signature_headers
from kanhe.stores.desk import delivery, outgoing, positions
from kanhe.stores.desk.database import Desk
from kanhe.stores.desk.delivery import Attempt, Delivery, Webhook
from kanhe.stores.http.webhook_sender import Outcome

POSITION = "webhooks"
NEWS_AT_ONCE = 200
EACH = 20
"""Messages that one receiver gets in one round."""
SIDE_BY_SIDE = 8
KEPT_MS = 30 * DAY_MS
"""How long messages are kept after they were made, to be looked at and sent again."""
TRIM_EVERY_MS = 3_600_000
_TRIMMED = 2_000
GONE = 410
_AGENT = "Kanhe-Webhooks/1"

_log = logging.getLogger("kanhe.console")

Send = Callable[[str, Mapping[str, str], bytes], Outcome]
"""Sends once to an address; `kanhe.stores.http.webhook_sender.send` does."""
Chance = Callable[[], float]
"""From 0 to 1."""


class _Sent(NamedTuple):
    """What came of one message."""

    message: Delivery
    at_ms: int
    outcome: Outcome


class WebhookDelivery:
    """Sends what webhooks asked for. For one thread, which has helpers of its own."""

    def __init__(
        self, desk: Desk, webhooks: Webhooks, clock: Clock, send: Send, chance: Chance
    ) -> None:
        self._desk = desk
        self._webhooks = webhooks
        self._clock = clock
        self._send = send
        self._chance = chance
        self._trimmed_ms = 0

    def step(self) -> bool:
        """Take up news and send what is due; gives whether there may be more to do at once."""
        self._trim()
        more = self._take_up()
        now = self._clock()
        with self._desk.reading() as connection:
            due = delivery.due(connection, now, EACH)
        if not due:
            return more
        with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(due))) as threads:
            done = list(threads.map(lambda pair: self._to_one(*pair), due))
        for (endpoint, _), sent in zip(due, done, strict=True):
            self._keep(endpoint, sent)
        return more or any(len(sent) == EACH for sent in done)

    # (1)

    def _take_up(self) -> bool:
        now = self._clock()
        with self._desk.reading() as connection:
            position = positions.position(connection, POSITION)
            if outgoing.last_news(connection) <= position:
                return False
        with self._desk.writing() as connection:
            endpoints = [one for one in delivery.webhooks(connection) if not one.off_ms]
            topics = {topic for one in endpoints for topic in one.hears_of}
            news, read = outgoing.news_after(connection, position, NEWS_AT_ONCE, topics)
            for item in news:
                data = msgspec.json.decode(item.payload)
                for endpoint in endpoints:
                    if not _asked(endpoint, item):
                        continue
                    told = {**data, "tenant": item.tenant}
                    body = message_body(item.topic, told, item.created_ms)
                    message = f"msg_{item.created_ms:x}_{item.id}"
                    delivery.add_delivery(
                        connection, endpoint.id, message, item.topic, body, now, now
                    )
            positions.move(connection, POSITION, read)
        return len(news) == NEWS_AT_ONCE

    # (2)

    def _to_one(self, endpoint: Webhook, messages: list[Delivery]) -> list[_Sent]:
        """In turn, until one fails in a way that the others would fail in, too."""
        try:
            secrets = self._webhooks.secrets(endpoint)
        except WebhookError as error:
            return [_Sent(messages[0], self._clock(), Outcome(0, 0, problem=str(error)))]
        sent: list[_Sent] = []
        for message in messages:
            now = self._clock()
            headers = {
                "content-type": "application/json",
                "user-agent": _AGENT,
                **signature_headers(secrets, message.message_id, now, message.body),
            }
            outcome = self._send(endpoint.url, headers, message.body)
            sent.append(_Sent(message, now, outcome))
            if not outcome.ok and not _is_about_the_message(outcome):
                break
        return sent

    # (3)

    def _keep(self, endpoint: Webhook, sent: list[_Sent]) -> None:
        """Durable when it returns. Before, a crash has the same messages sent again."""
        with self._desk.writing() as connection:
            # Somebody may have removed it meanwhile, or changed it.
            now_there = delivery.webhook(connection, endpoint.id)
            if now_there is None:
                return
            failures, good_ms = now_there.failures, now_there.good_ms
            for message, at_ms, outcome in sent:
                delivery.note_attempt(
                    connection, message.id,
                    Attempt(at_ms, outcome.status, outcome.took_ms, outcome.answer, outcome.problem),
                )  # fmt: skip
                if outcome.ok:
                    failures, good_ms = 0, at_ms
                    delivery.settle(
                        connection,
                        message.id,
                        state="delivered",
                        first_ms=message.first_ms or at_ms,
                    )
                    continue
                if not _is_about_the_message(outcome):
                    failures += 1
                self._put_off(connection, now_there, message, at_ms, outcome, good_ms)
            values: dict[str, object] = {"failures": failures, "good_ms": good_ms}
            last = sent[-1]
            if failures and not last.outcome.ok:
                wished = last.outcome.retry_after_s * 1_000
                values["rest_until_ms"] = last.at_ms + rest_ms(failures, self._chance(), wished)
            delivery.change_webhook(connection, endpoint.id, **values)

    def _put_off(
        self,
        connection: Connection,
        endpoint: Webhook,
        message: Delivery,
        at_ms: int,
        outcome: Outcome,
        good_ms: int,
    ) -> None:
        """A message that failed is due later; after the last attempt it is given up, and so is its
        receiver, if that took nothing in all that time."""
        failures = message.failures + 1
        first_ms = message.first_ms or at_ms
        wait = pause_ms(failures, self._chance(), outcome.retry_after_s * 1_000)
        if wait is not None and outcome.status != GONE:
            delivery.settle(
                connection, message.id, failures=failures, first_ms=first_ms, due_ms=at_ms + wait
            )
            return
        if outcome.status == GONE:
            self._switch_off(connection, endpoint, "410 Gone", at_ms)
            return
        delivery.settle(
            connection, message.id, failures=failures, first_ms=first_ms, state="given_up"
        )
        if good_ms < first_ms:
            why = outcome.problem or f"status {outcome.status}"
            self._switch_off(connection, endpoint, why, at_ms)

    def _switch_off(self, connection: Connection, endpoint: Webhook, why: str, at_ms: int) -> None:
        if endpoint.off_ms:
            return
        delivery.change_webhook(connection, endpoint.id, off_ms=max(at_ms, 1), off_why=why[:300])
        report(
            connection, endpoint.tenant, "A webhook was switched off", endpoint.id,
            f"{endpoint.url}: {why}", at_ms,
        )  # fmt: skip
        _log.error("webhook.switched_off", extra={"webhook": endpoint.id})

    def _trim(self) -> None:
        now = self._clock()
        if 0 <= now - self._trimmed_ms < TRIM_EVERY_MS:
            return
        with self._desk.writing() as connection:
            more = delivery.trim(connection, now - KEPT_MS, _TRIMMED) == _TRIMMED
            read = min(positions.position(connection, name) for name in (POSITION, MAIL_POSITION))
            outgoing.trim_news(connection, read, now - KEPT_MS)
        self._trimmed_ms = 0 if more else now


def _asked(endpoint: Webhook, item: outgoing.News) -> bool:
    """Whether an endpoint is to hear of this: of its own tenant, and of what came after it."""
    is_own = endpoint.tenant in ("", item.tenant)
    return is_own and item.topic in endpoint.hears_of and item.id > endpoint.after_news


def _is_about_the_message(outcome: Outcome) -> bool:
    """Whether the receiver is there and will not have this message: others may do better."""
    return 400 <= outcome.status < 500 and outcome.status not in (408, 410, 425, 429)
