"""Lists as people keep them: what stands on them, for how long, why, and who put it there.

Entries belong to tenants: staff of one tenant see and change only theirs, staff of the platform say
whose they mean. Every change is an event of the judging process, in the person's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from kanhe.app.judge_link import PLATFORM, JudgeLink
from kanhe.app.opening import tenants_of
from kanhe.core.actor import Actor
from kanhe.core.errors import KanheError
from kanhe.core.settings import Settings
from kanhe.core.time import Clock
from kanhe.stores.desk.database import Desk
from kanhe.stores.desk.outgoing import tell_of

_MOST_READ = 100_000
"""More entries of one tenant are not gone through for a search."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a tenant."""

    value: str
    expires_ms: int = 0
    """0: without end; -1: taken out of the pack's own list."""
    reason: str = ""
    author: str = ""
    added_ms: int = 0

    def counts_at(self, at_ms: int) -> bool:
        """Whether the entry is in force then."""
        return self.expires_ms == 0 or self.expires_ms > at_ms


class ShopList(msgspec.Struct, frozen=True, kw_only=True):
    """One list of the pack in force."""

    name: str
    holds: str
    """What its entries are: `card`, `ip`, `domain`, …"""
    kind: str
    """`deny`, `allow` or `watch`."""
    en: str = ""
    zh: str = ""


class NotTheirsError(KanheError):
    """Another tenant's entries were asked for: to whoever asks, they are not there."""


class Listkeeping:
    """The lists of one installation. Methods raise `JudgeDownError` while nobody judges, and `Refusal`
    with what was wrong."""

    def __init__(self, settings: Settings, link: JudgeLink, desk: Desk, clock: Clock) -> None:
        self._settings = settings
        self._link = link
        self._desk = desk
        self._clock = clock

    def tenants(self, actor: Actor) -> list[str]:
        """Whose entries this person may see. Raises `StorageError`."""
        if actor.tenant:
            return [actor.tenant]
        return [name for name in tenants_of(self._settings) if name != PLATFORM] or ["default"]

    def all(self, actor: Actor, tenant: str) -> list[ShopList]:
        """The lists of the pack in force."""
        _check(actor, tenant)
        return msgspec.convert(self._link.lists(tenant), list[ShopList])

    def find(self, actor: Actor, tenant: str, name: str) -> ShopList | None:
        """One list; `None` if there is none of this name."""
        return next((one for one in self.all(actor, tenant) if one.name == name), None)

    def page(
        self, actor: Actor, tenant: str, name: str, text: str, after: str, most: int, *, whole: bool
    ) -> tuple[list[Entry], str]:
        """Up to `most` entries behind `after` whose value, reason or author holds `text`, and behind
        which one there are more; empty if none.

        With `whole`, a value is only found by all of it: whoever may not see values must not find them
        out letter by letter.
        """
        _check(actor, tenant)
        wanted = text.casefold()
        found: list[Entry] = []
        for entry in self._entries(tenant, name, after):
            value = entry.value.casefold()
            is_it = wanted == value if whole else wanted in value
            if is_it or wanted in f"{entry.reason}\n{entry.author}".casefold():
                if len(found) == most:
                    return found, found[-1].value
                found.append(entry)
        return found, ""

    def entry(
        self, actor: Actor, tenant: str, name: str, is_it: Callable[[str], bool]
    ) -> Entry | None:
        """The first entry whose value is the one that is meant."""
        _check(actor, tenant)
        return next((one for one in self._entries(tenant, name, "") if is_it(one.value)), None)

    def add(
        self, actor: Actor, tenant: str, name: str, value: str, reason: str, expires_ms: int | None
    ) -> None:
        """Put a value on a list, durable when it returns. An entry that is there is replaced."""
        _check(actor, tenant)
        self._link.add_entry(actor, tenant, name, value, note=reason, expires_ms=expires_ms)

    def remove(self, actor: Actor, tenant: str, name: str, value: str, reason: str) -> None:
        """Take a value off a list, durable when it returns; why, the audit says."""
        _check(actor, tenant)
        self._link.remove_entry(actor, tenant, name, value)
        with self._desk.writing() as connection:
            tell_of(
                connection, actor, "deleted", "list", self._clock(), tenant=tenant,
                list_name=name, note=reason,
            )  # fmt: skip

    def _entries(self, tenant: str, name: str, after: str) -> Iterator[Entry]:
        read = 0
        while read < _MOST_READ:
            page: dict[str, Any] = self._link.entries(tenant, name, after)
            entries = msgspec.convert(page["entries"], list[Entry])
            yield from entries
            read += len(entries)
            after = page["next_after"] or ""
            if not after:
                return


def _check(actor: Actor, tenant: str) -> None:
    if not actor.sees(tenant):
        raise NotTheirsError("there is no such tenant")
