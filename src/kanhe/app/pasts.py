"""The past that is to be decided again: of an installation, or of files of events."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import msgspec

from kanhe.app.installation import wire
from kanhe.app.opening import open_history
from kanhe.app.reading import EventFile, FileAccount, Job, Told, read_beside, read_events
from kanhe.core.settings import Settings
from kanhe.flow import Flow
from kanhe.judge.policy.pack import Pack
from kanhe.learn.judged import Past
from kanhe.record.journal.ports import DECIDED, JournalReader, Row
from kanhe.replay.history import Progress
from kanhe.replay.span import Span
from kanhe.stores.memory.journal import MemoryJournal

# Named tuples are made through their own `__new__`, which costs three times as much.
_new = tuple.__new__
_TELL_EVERY = 8_192
_ENDLESS = 2**63 - 1
_KEY_BYTES = 16


class OpenPast(NamedTuple):
    """A past, and the path along which it is decided again."""

    past: Past
    flow: Flow
    account: FileAccount | None
    """What became of the lines of files; filled when the past has been read."""


@contextmanager
def open_past(
    settings: Settings, pack: Pack, files: Sequence[EventFile], tenant: str, beside: bool
) -> Iterator[OpenPast | None]:
    """The past in these files (all of one tenant), or that of the installation if there are none.

    `None` if nothing was ever judged there. `beside` has files read by a process of its own.
    """
    if files:
        past = FilePast(files, pack, settings, tenant, beside)
        flow = wire(pack, settings, secrets.token_bytes(_KEY_BYTES), MemoryJournal())
        yield OpenPast(past, flow, past.account)
        return
    with open_history(settings) as history:
        if history is None:
            yield None
        else:
            yield OpenPast(JournalPast(history.journal), history.wire(pack), None)


def reads_beside() -> bool:
    """Whether there is a second core to read files on."""
    return len(os.sched_getaffinity(0)) > 1 if hasattr(os, "sched_getaffinity") else True


class JournalPast:
    """The rows of a journal. Implements `kanhe.learn.judged.Past`."""

    def __init__(self, journal: JournalReader) -> None:
        self._journal = journal
        self._end = journal.last_seq()
        self._times: list[tuple[int, int]] = []

    def claims(self, progress: Progress) -> Iterator[Row]:
        """All rows; where the events of each stretch lie in time is noted on the way."""
        self._times = []
        low, high = _ENDLESS, -_ENDLESS
        for row in self._journal.rows():
            low = min(low, row.at_ms)
            high = max(high, row.at_ms)
            if row.seq % _TELL_EVERY == 0 or row.seq == self._end:
                self._times.append((low, high))
                low, high = _ENDLESS, -_ENDLESS
                progress(row.seq, 2 * self._end)
            yield row

    def last_of(self, span: Span) -> int:
        """The end of the last stretch that may hold an event of the span."""
        last = 0
        for number, (low, high) in enumerate(self._times, 1):
            if low <= span.to_ms and high >= span.from_ms:
                last = min(number * _TELL_EVERY, self._end)
        return last

    def rows(self, progress: Progress) -> Iterator[Row]:
        """All rows."""
        for row in self._journal.rows():
            if row.seq % _TELL_EVERY == 0:
                progress(self._end + row.seq, 2 * self._end)
            yield row
        progress(2 * self._end, 2 * self._end)


class FilePast:
    """The events of files, all decided, received when they happened. Implements `Past`."""

    def __init__(
        self,
        files: Sequence[EventFile],
        pack: Pack,
        settings: Settings,
        tenant: str,
        beside: bool,
    ) -> None:
        self._job = Job(
            list(files), pack.archive, False, round(time.time() * 1000), settings.max_body_bytes
        )
        self._tenant = tenant
        self._read: Callable[[Job, FileAccount], Iterator[Told]] = (
            read_beside if beside else read_events
        )
        self._lines = 0
        self.account = FileAccount()

    def claims(self, progress: Progress) -> Iterator[Row]:
        """What may be a claim; other lines are only passed over."""
        account = FileAccount()
        job = msgspec.structs.replace(self._job, only_claims=True)
        yield from self._rows(self._read(job, account))
        self._lines = account.lines

    def last_of(self, span: Span) -> int:
        """Nothing is known of where a file holds which time."""
        return _ENDLESS

    def rows(self, progress: Progress) -> Iterator[Row]:
        """All events that the reader accepts."""
        for row in self._rows(self._read(self._job, self.account)):
            if row.seq % _TELL_EVERY == 0:
                progress(self.account.lines, self._lines)
            yield row
        progress(self._lines, self._lines)

    def _rows(self, told: Iterator[Told]) -> Iterator[Row]:
        tenant = self._tenant
        for seq, (kind, event_id, at_ms, body) in enumerate(told, 1):
            row = (seq, tenant, event_id, DECIDED, kind, at_ms, at_ms, "", body, b"", b"", b"")
            yield _new(Row, row)
