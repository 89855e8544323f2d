"""Webhooks of tenants: who is told of what, with which secrets, and what became of it.

Everything here is seen from somebody's tenant: what is another's is not there. A secret is shown in
the answer of the call that made it and never again. `kanhe.app.webhook_delivery` sends.
"""

from __future__ import annotations

import secrets as chance
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection

from kanhe.core.actor import Actor
from kanhe.core.decision import Text
from kanhe.core.errors import KanheError
from kanhe.core.time import DAY_MS, Clock
from kanhe.protect.access.chance import new_handle
from kanhe.protect.access.sealing import Sealer
from kanhe.protect.outbound.destination import read_destination
from kanhe.protect.outbound.signature import Kind, SigningSecret, new_secret, replaced
from kanhe.protect.outbound.topics import NAMES, TEST_TOPIC
from kanhe.stores.desk import delivery, outgoing
from kanhe.stores.desk.database import Desk
from kanhe.stores.desk.delivery import Attempt, Delivery, Webhook

OVERLAP_MS = DAY_MS
"""How long the secret before the newest goes on signing."""
MOST_WEBHOOKS = 50
"""Of one tenant."""
MOST_NOTE = 200
_PURPOSE = "webhook-secrets"
_SECRETS = msgspec.msgpack.Decoder(tuple[SigningSecret, ...])


class WebhookError(KanheError):
    """It cannot be done as asked; `field` names what is wrong, `told` says why in both languages."""

    def __init__(self, field: str, en: str, zh: str) -> None:
        super().__init__(en)
        self.field = field
        self.told = Text(en, zh)


class NoSuchWebhook(KanheError):
    """It is not there, or is another tenant's."""


class Webhooks:
    """The webhooks that one person after the other may see."""

    def __init__(self, desk: Desk, sealer: Sealer, clock: Clock, *, private: bool = False) -> None:
        self._desk = desk
        self._sealer = sealer
        self._clock = clock
        self._private = private

    def all(self, actor: Actor) -> list[Webhook]:
        """All that this person sees, oldest first."""
        with self._desk.reading() as connection:
            return delivery.webhooks(connection, actor.tenant)

    def one(self, actor: Actor, id: str) -> Webhook:
        """One of them. Raises `NoSuchWebhook`."""
        with self._desk.reading() as connection:
            return _seen(connection, actor, id)

    def secrets(self, webhook: Webhook) -> tuple[SigningSecret, ...]:
        """Its secrets, opened, the newest first. Raises `WebhookError` if the key is another one."""
        plain = self._sealer.unlock(_PURPOSE + webhook.id, webhook.secrets)
        if plain is None:
            raise WebhookError(
                "", "its secret cannot be read with the console's key: make a new one",
                "无法用控制台密钥读取其签名密钥，请重新生成",
            )  # fmt: skip
        return _SECRETS.decode(plain)

    def add(
        self,
        actor: Actor,
        url: str,
        topics: Iterable[str],
        *,
        note: str = "",
        kind: Kind = "v1",
    ) -> tuple[Webhook, str]:
        """Make one; gives it, and the secret (or public key) to show once.

        Raises `WebhookError`, `DestinationError`.
        """
        chosen = _checked(url, topics, note, private=self._private)
        now = self._clock()
        id = new_handle("wh", chance.token_bytes)
        fresh = new_secret(kind, chance.token_bytes, now)
        with self._desk.writing() as connection:
            if len(delivery.webhooks(connection, actor.tenant)) >= MOST_WEBHOOKS:
                raise WebhookError(
                    "", f"there are {MOST_WEBHOOKS} webhooks already",
                    f"Webhook 数量已达上限（{MOST_WEBHOOKS} 个）",
                )  # fmt: skip
            made = Webhook(
                id, actor.tenant, url, note, chosen, self._sealed(id, (fresh,)), now, actor.staff,
                outgoing.last_news(connection), 0, "", 0, 0, 0,
            )  # fmt: skip
            delivery.add_webhook(connection, made)
            _tell(connection, actor, "created", made, now, made.url)
        return made, fresh.shown

    def change(self, actor: Actor, id: str, url: str, topics: Iterable[str], note: str) -> None:
        """Have it go elsewhere or hear of other topics. Raises as `add` does, and `NoSuchWebhook`."""
        chosen = _checked(url, topics, note, private=self._private)
        with self._desk.writing() as connection:
            found = _seen(connection, actor, id)
            delivery.change_webhook(connection, id, url=url, topics=chosen, note=note)
            _tell(connection, actor, "changed", found, self._clock(), url)

    def rotate(self, actor: Actor, id: str) -> str:
        """Make a new secret and give it; the one before it goes on signing for a day."""
        now = self._clock()
        with self._desk.writing() as connection:
            found = _seen(connection, actor, id)
            before = _SECRETS.decode(opened) if (opened := self._opened(found)) else ()
            kind: Kind = before[0].kind if before else "v1"
            fresh = new_secret(kind, chance.token_bytes, now)
            kept = replaced(before, fresh, OVERLAP_MS)
            delivery.change_webhook(connection, id, secrets=self._sealed(id, kept))
            _tell(connection, actor, "changed", found, now, "new secret")
        return fresh.shown

    def switch(self, actor: Actor, id: str, *, on: bool) -> None:
        """Switch it on or off. What waited goes out when it is on again."""
        now = self._clock()
        with self._desk.writing() as connection:
            found = _seen(connection, actor, id)
            values = {"off_ms": 0, "off_why": "", "failures": 0, "rest_until_ms": 0}
            if not on:
                values = {"off_ms": max(now, 1), "off_why": ""}
            delivery.change_webhook(connection, id, **values)
            _tell(connection, actor, "changed", found, now, "on" if on else "off")

    def remove(self, actor: Actor, id: str) -> None:
        """Forget it and what was sent to it."""
        with self._desk.writing() as connection:
            found = _seen(connection, actor, id)
            delivery.remove_webhook(connection, id)
            _tell(connection, actor, "deleted", found, self._clock(), found.url)

    def test(self, actor: Actor, id: str) -> int:
        """Have a test message sent; gives its number."""
        now = self._clock()
        with self._desk.writing() as connection:
            found = _seen(connection, actor, id)
            body = message_body(TEST_TOPIC, {"webhook": id, "by": actor.staff}, now)
            message = new_handle("msg", chance.token_bytes)
            delivery.change_webhook(connection, id, rest_until_ms=0)
            number = delivery.add_delivery(connection, id, message, TEST_TOPIC, body, now, now)
            _tell(connection, actor, "other", found, now, "test message")
        return number

    # What was sent

    def deliveries(
        self, actor: Actor, id: str, before: int = 0, most: int = 50, state: str = ""
    ) -> list[Delivery]:
        """Its messages, the latest first."""
        with self._desk.reading() as connection:
            _seen(connection, actor, id)
            return delivery.deliveries(connection, id, before, most, state)

    def counts(self, actor: Actor, id: str) -> dict[str, int]:
        """How many of its messages wait, arrived, or were given up."""
        with self._desk.reading() as connection:
            _seen(connection, actor, id)
            return delivery.counts(connection, id)

    def delivery(self, actor: Actor, id: str, number: int) -> tuple[Delivery, Sequence[Attempt]]:
        """One message with every attempt."""
        with self._desk.reading() as connection:
            found = _message(connection, actor, id, number)
            return found, delivery.attempts(connection, number)

    def replay(self, actor: Actor, id: str, number: int) -> None:
        """Have one message sent once more, with the same id."""
        now = self._clock()
        with self._desk.writing() as connection:
            _message(connection, actor, id, number)
            found = _seen(connection, actor, id)
            delivery.change_webhook(connection, id, rest_until_ms=0)
            delivery.again(connection, id, now, ids=(number,))
            _tell(connection, actor, "other", found, now, f"message {number} again")

    def replay_span(self, actor: Actor, id: str, begin_ms: int, end_ms: int) -> int:
        """Have all messages of a span of time sent once more; gives how many."""
        now = self._clock()
        with self._desk.writing() as connection:
            found = _seen(connection, actor, id)
            delivery.change_webhook(connection, id, rest_until_ms=0)
            count = delivery.again(connection, id, now, begin_ms=begin_ms, end_ms=end_ms)
            _tell(connection, actor, "other", found, now, f"{count} messages again")
        return count

    def _sealed(self, id: str, kept: tuple[SigningSecret, ...]) -> bytes:
        # Sealed for this endpoint alone: copied to another row they open nothing.
        return self._sealer.lock(_PURPOSE + id, msgspec.msgpack.encode(kept))

    def _opened(self, webhook: Webhook) -> bytes | None:
        return self._sealer.unlock(_PURPOSE + webhook.id, webhook.secrets)


def message_body(topic: str, data: object, at_ms: int) -> bytes:
    """A message as receivers get it: its topic, when it happened, and what is told of it."""
    at = datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds")
    told = {"type": topic, "timestamp": at.replace("+00:00", "Z"), "data": data}
    return msgspec.json.encode(told)


def _checked(url: str, topics: Iterable[str], note: str, *, private: bool) -> str:
    read_destination(url, private=private)
    chosen = set(topics)
    if not chosen or not chosen <= NAMES:
        raise WebhookError(
            "topics", "choose at least one topic of the list", "请至少选择一个列表中的主题"
        )
    if len(note) > MOST_NOTE or not (note.isprintable() or not note):
        raise WebhookError(
            "note", f"a note has at most {MOST_NOTE} characters in one line",
            f"备注最多 {MOST_NOTE} 个字符，且须为单行",
        )  # fmt: skip
    return " ".join(sorted(chosen))


def _seen(connection: Connection, actor: Actor, id: str) -> Webhook:
    found = delivery.webhook(connection, id)
    if found is None or not actor.sees(found.tenant):
        raise NoSuchWebhook(f"there is no webhook {id[:64]}")
    return found


def _message(connection: Connection, actor: Actor, id: str, number: int) -> Delivery:
    _seen(connection, actor, id)
    found = delivery.delivery(connection, number)
    if found is None or found.webhook != id:
        raise NoSuchWebhook(f"this webhook has no message {number}")
    return found


def _tell(
    connection: Connection, actor: Actor, action: str, webhook: Webhook, now_ms: int, what: str
) -> None:
    outgoing.tell_of(
        connection, actor, action, "webhook", now_ms, tenant=webhook.tenant,
        note=f"webhook.{action} {webhook.id}: {what}"[:2_000],
    )  # fmt: skip
