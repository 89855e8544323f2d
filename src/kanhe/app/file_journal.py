"""Files of events as if they were a journal: numbered in order, each received when it happened."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from kanhe.app.installation import wire
from kanhe.app.reading import EventFile, FileAccount, Job, read_events
from kanhe.core.settings import Settings
from kanhe.judge.policy.pack import Pack
from kanhe.record.journal.ports import RECORDED, Row
from kanhe.replay import History
from kanhe.stores.memory.journal import MemoryJournal

_KEY = bytes(16)
"""Files have no installation, hence no secret: the same file gives the same codes of texts."""


class FileJournal:
    """The events that the reader accepts. Implements `record.journal.ports.JournalReader`.

    Each call of `rows` reads the files anew; `last_seq` is known when they were read once.
    """

    def __init__(
        self, files: Sequence[EventFile], pack: Pack, settings: Settings, tenant: str
    ) -> None:
        now_ms = round(time.time() * 1000)
        self._job = Job(list(files), pack.archive, False, now_ms, settings.max_body_bytes)
        self._pack = pack
        self._tenant = tenant
        self._last = 0
        self.account = FileAccount()
        """What became of the lines, since they were read to their end."""

    def last_seq(self) -> int:
        """The number of events, 0 before they were read once."""
        return self._last

    def rows(self, after: int = 0) -> Iterator[Row]:
        """The events with a number above `after`, none of them decided."""
        account = FileAccount()
        policy, tenant = self._pack.hash, self._tenant
        seq = 0
        for seq, told in enumerate(read_events(self._job, account), 1):
            if seq > after:
                yield Row(seq, tenant, told.event_id, RECORDED, told.type, told.at_ms, told.at_ms,
                          policy, told.body, b"", b"")  # fmt: skip
        self._last, self.account = seq, account

    def policy(self, policy: str) -> bytes | None:
        """The pack under which the files are read."""
        return self._pack.archive if policy == self._pack.hash else None


def history_of_files(
    files: Sequence[EventFile], pack: Pack, settings: Settings, tenant: str
) -> tuple[History, FileJournal]:
    """The past in these files, all of one tenant, and the journal that it is read from."""
    journal = FileJournal(files, pack, settings, tenant)
    return History(journal, lambda one: wire(one, settings, _KEY, MemoryJournal())), journal
