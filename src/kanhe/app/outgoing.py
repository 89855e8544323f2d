"""All that leaves the desk, put together: the way to the judge, webhooks, mail, API keys."""

from __future__ import annotations

import hmac
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from kanhe.app.access import console_address, console_key
from kanhe.app.api_keys import KeyDesk
from kanhe.app.delivering import EventDelivery
from kanhe.app.judge_link import JudgeLink
from kanhe.app.loops import Loops
from kanhe.app.mailing import Mailing, Reader, mailed_topics
from kanhe.app.posting import post_of
from kanhe.app.webhook_delivery import WebhookDelivery
from kanhe.app.webhooks import Webhooks
from kanhe.core.actor import Actor, Language
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.protect.access.accounts import Account
from kanhe.protect.access.roles import granted
from kanhe.protect.access.sealing import Sealer
from kanhe.stores.desk import accounts, letters, outgoing
from kanhe.stores.desk.database import Desk
from kanhe.stores.desk.outgoing import Undelivered
from kanhe.stores.http.webhook_sender import Outcome, send
from kanhe.stores.smtp.post import Written

_DELIVERY_S = 1.0
_WEBHOOKS_S = 1.0
_MAIL_S = 5.0


class Staff:
    """Who can be written to. Implements `kanhe.app.mailing.Readers`."""

    def reader(self, connection: Connection, staff: str) -> Reader | None:
        """One person who may come in."""
        found = accounts.account(connection, staff) if staff else None
        return None if found is None or found.disabled_ms else _reader(found)

    def who_may(self, connection: Connection, permission: str) -> Sequence[Reader]:
        """All who have a permission, and may come in."""
        roles = accounts.roles(connection)
        return [
            _reader(account)
            for account in accounts.accounts(connection)
            if not account.disabled_ms and permission in granted(account.roles, roles)
        ]


class Outgoing:
    """What pages ask of what leaves the desk."""

    def __init__(
        self,
        settings: Settings,
        desk: Desk,
        clock: Clock,
        judge: JudgeLink,
        send_mail: Callable[[Written], None] | None,
    ) -> None:
        folder = Path(settings.data_dir)
        key = hmac.digest(console_key(folder), b"outgoing", "sha256")
        sealer = Sealer(key, secrets.token_bytes)
        self._desk = desk
        self._clock = clock
        self.keys = KeyDesk(settings, desk, clock)
        self.webhooks = Webhooks(desk, sealer, clock, private=settings.webhooks_private)
        self.events = EventDelivery(desk, judge, clock)
        # How retries are spread is no secret.
        dice = random.Random(secrets.randbits(64)).random  # noqa: S311 (spreads retries)
        self.webhook_delivery = WebhookDelivery(desk, self.webhooks, clock, _sender(settings), dice)
        self.mailing = Mailing(
            desk, Staff(), sealer, clock, console_address(settings), send_mail, dice
        )

    def run_in(self, loops: Loops) -> None:
        """Have everything delivered beside the pages."""
        loops.add("delivery", _DELIVERY_S, self.events.step)
        loops.add("webhooks", _WEBHOOKS_S, self.webhook_delivery.step)
        loops.add("mail", _MAIL_S, self.mailing.step)

    def close(self) -> None:
        """Let go of the keys."""
        self.keys.close()

    # Events that the journal will not have

    def undelivered(self, actor: Actor) -> list[Undelivered]:
        """What was refused for good, the latest first."""
        with self._desk.reading() as connection:
            return outgoing.undelivered(connection, actor.tenant or None)

    def backlog(self) -> tuple[int, int]:
        """How many events of the whole desk wait, and since when the oldest does."""
        with self._desk.reading() as connection:
            return outgoing.backlog(connection)

    def send_again(self, actor: Actor, event: int) -> bool:
        """Have one of them tried once more; False if there is none such for this person."""
        with self._desk.writing() as connection:
            done = outgoing.send_again(connection, event, actor.tenant or None)
            if done:
                outgoing.tell_of(
                    connection, actor, "other", "system", self._clock(),
                    note=f"delivery.again {event}",
                )  # fmt: skip
        return done

    def mail_invitation(self, staff: str, link: str) -> bool:
        """Have somebody sent the link that lets them in; False where no mail is sent."""
        if not self.mailing.is_on:
            return False
        with self._desk.writing() as connection:
            self.mailing.invite(connection, staff, link)
        return True

    # What somebody wants to be written to about

    def mail_choices(self, actor: Actor) -> Mapping[str, bool]:
        """By topic."""
        with self._desk.reading() as connection:
            chosen = letters.choices(connection, actor.staff)
        return {topic: chosen.get(topic, True) for topic in mailed_topics()}

    def choose_mail(self, actor: Actor, wanted: frozenset[str]) -> None:
        """Keep what this person wants to hear of."""
        with self._desk.writing() as connection:
            for topic in mailed_topics():
                letters.choose(connection, actor.staff, topic, topic in wanted)


def open_outgoing(settings: Settings, desk: Desk, clock: Clock, judge: JudgeLink) -> Outgoing:
    """What leaves the desk of the installation. Raises `SettingsError`, `StorageError`."""
    post = post_of(settings)
    return Outgoing(settings, desk, clock, judge, None if post is None else post.send)


def _sender(settings: Settings) -> Callable[[str, Mapping[str, str], bytes], Outcome]:
    return partial(send, private=settings.webhooks_private)


def _reader(account: Account) -> Reader:
    language: Language = "zh_CN" if account.language == "zh_CN" else "en"
    return Reader(account.id, account.name, account.mail, language, account.tenant)
