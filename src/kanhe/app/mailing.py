"""Telling staff by mail what concerns them: being handed a case, mentioned, or asked for help.

(1) News after the last position becomes a note for each person it concerns; the position moves in the
same transaction. (2) Notes that are due for one person go into one letter; whoever has had many within
the hour gets the rest together, later. (3) The letter is handed over, and then marked.

A crash between handing over and marking sends a letter twice, with one Message-ID. A mail server that
is down has them wait, for about a day.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection

from kanhe.app.mail_texts import Told, write
from kanhe.core.actor import Language
from kanhe.core.time import DAY_MS, HOUR_MS, MINUTE_MS, Clock
from kanhe.protect.access.sealing import Sealer
from kanhe.protect.outbound.retrying import pause_ms
from kanhe.protect.outbound.topics import TOPICS
from kanhe.stores.desk import letters, outgoing, positions
from kanhe.stores.desk.database import Desk
from kanhe.stores.desk.letters import Letter
from kanhe.stores.smtp.post import PostError, Written

POSITION = "mail"
GATHER_MS = 20_000
"""How long a note waits for others that belong into the same letter."""
MOST_PER_HOUR = 12
"""Letters to one person; what comes after is put together."""
LATER_MS = 15 * MINUTE_MS
KEPT_MS = 14 * DAY_MS
_AT_ONCE = 200
_LINK = "invitation"

_log = logging.getLogger("kanhe.console")


class Reader(NamedTuple):
    """Somebody of the staff who can be written to."""

    staff: str
    name: str
    mail: str
    language: Language
    tenant: str

    def sees(self, tenant: str) -> bool:
        """Whether what concerns this tenant is theirs to hear of."""
        return self.tenant in ("", tenant)


class Readers(Protocol):
    """Who can be written to."""

    def reader(self, connection: Connection, staff: str, /) -> Reader | None:
        """One person; `None` if there is none such, or they may not come in any more."""

    def who_may(self, connection: Connection, permission: str, /) -> Sequence[Reader]:
        """All who have a permission."""


class Mailing:
    """Mail to staff. For one thread."""

    def __init__(
        self,
        desk: Desk,
        readers: Readers,
        sealer: Sealer,
        clock: Clock,
        url: str,
        send: Callable[[Written], None] | None,
        chance: Callable[[], float],
    ) -> None:
        """`url` is where people reach the console; without `send` news is passed over."""
        self._desk = desk
        self._readers = readers
        self._sealer = sealer
        self._clock = clock
        self._url = url.rstrip("/")
        self._send = send
        self._chance = chance

    @property
    def is_on(self) -> bool:
        """Whether mail is sent at all."""
        return self._send is not None

    def invite(self, connection: Connection, staff: str, link: str) -> None:
        """Have somebody sent the link that lets them in. It is kept sealed until it has been sent."""
        now = self._clock()
        sealed = self._sealer.seal(_LINK, {"link": link}, now + DAY_MS)
        payload = msgspec.json.encode({"sealed": sealed})
        letters.add_letter(connection, staff, "staff.invited", payload, now, now)

    def step(self) -> bool:
        """Take up news and send what is due; gives whether there may be more to do at once."""
        more = self._take_up()
        now = self._clock()
        with self._desk.reading() as connection:
            due = letters.due_letters(connection, now, _AT_ONCE)
        for staff, notes in groupby(sorted(due, key=lambda n: (n.staff, n.id)), lambda n: n.staff):
            self._write_to(staff, list(notes), now)
        return more

    # (1)

    def _take_up(self) -> bool:
        now = self._clock()
        with self._desk.reading() as connection:
            position = positions.position(connection, POSITION)
            if outgoing.last_news(connection) <= position:
                return False
        topics = mailed_topics() if self._send is not None else ()
        with self._desk.writing() as connection:
            news, read = outgoing.news_after(connection, position, _AT_ONCE, topics)
            for item in news:
                for reader in self._concerned(connection, item):
                    letters.add_letter(
                        connection, reader.staff, item.topic, item.payload, now, now + GATHER_MS
                    )
            positions.move(connection, POSITION, read)
            letters.trim_letters(connection, now - KEPT_MS)
        return len(news) == _AT_ONCE

    def _concerned(self, connection: Connection, item: outgoing.News) -> list[Reader]:
        """Whom news is for: who see its tenant, wanted to hear of it, and did not do it themselves."""
        data = msgspec.json.decode(item.payload)
        if item.topic in ("case.assigned", "case.mentioned"):
            named = self._readers.reader(connection, str(data.get("staff", "")))
            found = [named] if named else []
        elif item.topic == "case.escalated":
            found = list(self._readers.who_may(connection, "cases.assign"))
        else:
            return []
        return [
            reader
            for reader in found
            if reader.sees(item.tenant)
            and reader.staff != data.get("by")
            and letters.choices(connection, reader.staff).get(item.topic, True)
        ]

    # (2)

    def _write_to(self, staff: str, notes: list[Letter], now: int) -> None:
        ids = [note.id for note in notes]
        with self._desk.writing() as connection:
            reader = self._readers.reader(connection, staff)
            if self._send is None or reader is None:
                why = "mail is off" if reader else "nobody of this name can be written to"
                letters.mark_letters(connection, ids, now, why)
                return
            if letters.sent_since(connection, staff, now - HOUR_MS) >= MOST_PER_HOUR:
                letters.postpone_letters(connection, ids, now + LATER_MS, failed=False)
                return
            told = [one for note in notes if (one := self._told(connection, note, now))]
        if not told:
            self._mark(ids, now, "the invitation is too old")
            return
        body = write(reader.name, reader.language, told, f"{self._url}/settings/notifications")
        host = urlsplit(self._url).hostname or "kanhe.invalid"
        letter = Written(
            reader.name,
            reader.mail,
            body.subject,
            body.plain,
            body.html,
            f"k{ids[0]}.{ids[-1]}@{host}",
        )
        self._hand_over(letter, notes, now)

    def _told(self, connection: Connection, note: Letter, now: int) -> Told | None:
        data = msgspec.json.decode(note.payload)
        if note.topic == "staff.invited":
            opened = self._sealer.unseal(_LINK, str(data.get("sealed", "")), now)
            return None if opened is None else Told(note.topic, 0, "", str(opened["link"]))
        by = self._readers.reader(connection, str(data.get("by", "")))
        case = int(data.get("case", 0))
        return Told(note.topic, case, by.name if by else "", f"{self._url}/cases/{case}")

    # (3)

    def _hand_over(self, letter: Written, notes: list[Letter], now: int) -> None:
        assert self._send is not None
        ids = [note.id for note in notes]
        try:
            self._send(letter)
        except PostError as error:
            wait = pause_ms(max(note.failures for note in notes) + 1, self._chance())
            if error.for_good or wait is None:
                self._mark(ids, now, str(error))
                _log.error("mail.given_up", extra={"letters": len(ids), "cause": str(error)})
                return
            with self._desk.writing() as connection:
                letters.postpone_letters(connection, ids, now + wait, failed=True)
            _log.warning("mail.failed", extra={"letters": len(ids), "cause": str(error)})
            return
        self._mark(ids, now, "")

    def _mark(self, ids: list[int], now: int, problem: str) -> None:
        with self._desk.writing() as connection:
            letters.mark_letters(connection, ids, now, problem)


def mailed_topics() -> tuple[str, ...]:
    """What can come by mail."""
    return tuple(topic.name for topic in TOPICS if topic.mailed)
