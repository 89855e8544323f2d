"""What is due beside the events, about once a second: notes for the log, and erasing.

It runs in the process that writes the journal, between two groups, and in small pieces: nobody who
waits for a decision may notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from time import monotonic, sleep
from typing import Protocol

import msgspec

from kanhe.app.ledger import Ledger
from kanhe.judge.policy.pack import Pack
from kanhe.record.erasure import Erasure, find_rows, names_of
from kanhe.record.journal.ports import Journal
from kanhe.record.log.entries import Happening
from kanhe.stores.files.erasures import ErasureFolder

_PIECE_S = 0.05
"""How long one piece of erasing may take, before events have their turn again."""
_AT_ONCE = 16
_SEARCHED = 2_000


class Writer(Protocol):
    """The part of an installation that chores are done on; see `installation.Kanhe`."""

    pack: Pack
    journal: Journal

    def note(self, happening: str, name: str, body: bytes) -> None:
        """Write a row for something that is no event, durable when it returns."""

    def erase_rows(self, entries: Mapping[int, bytes]) -> None:
        """Destroy the content of rows, durable when it returns."""

    def is_saving(self) -> bool:
        """Whether a snapshot is being written."""

    def forget(self, tenant: str, names: Iterable[tuple[str, str]]) -> None:
        """Destroy the list entries of somebody, here and in snapshots."""


class Upkeep:
    """The chores of one installation."""

    def __init__(self, ledger: Ledger, erasures: ErasureFolder) -> None:
        self.ledger = ledger
        self.erasures = erasures
        self._work: Iterator[bool] | None = None
        self._keys: frozenset[tuple[str, bool]] = frozenset()

    def tend(self, kanhe: Writer) -> None:
        """Do what is due, or a piece of it. Raises `StorageError`; the next call tries again."""
        self._note_keys(kanhe)
        if self._work is None:
            self._work = self._erase(kanhe)
        try:
            end = monotonic() + _PIECE_S
            while monotonic() < end:
                if next(self._work):
                    break
        except StopIteration:
            self._work = None
        except BaseException:
            self._work = None
            raise

    def finish(self, kanhe: Writer) -> None:
        """Do everything that is due."""
        self._note_keys(kanhe)
        for waits in self._erase(kanhe):
            if waits:
                sleep(_PIECE_S)

    def _note_keys(self, kanhe: Writer) -> None:
        """A key of the log that was added or retired becomes a row, once."""
        found = frozenset((str(one.key), one.retired) for one in self.ledger.keys.public())
        for text, retired in sorted(found - self._keys):
            what = "retired" if retired else "added"
            if kanhe.journal.find("", f"log:key:{what}:{text}") is None:
                body = msgspec.json.encode(Happening({"key": text}))
                kanhe.note(f"log:key:{what}", f"log:key:{what}:{text}", body)
        self._keys = found

    def _erase(self, kanhe: Writer) -> Iterator[bool]:
        """Carry out the open requests, piece by piece; gives after each whether the next one can only
        wait for another process.

        (1) Search the rows that came after the request was prepared, and keep the finding with the
        request. (2) Destroy the rows, some at a time: each is durable when `Journal.erase` returns.
        (3) Forget list entries, and drop the snapshots that hold them. (4) Note the erasure; from
        here on it is in the log. (5) Destroy the request. A crash before (5) has the rest of it done
        again, about the same rows.
        """
        for request in self.erasures.open():
            names = names_of(request, {s.name: s.holds for s in kanhe.pack.lists})
            erasure = request
            # (1) Search.
            while erasure.upto < (last := kanhe.journal.last_seq()):
                rows = list(islice(kanhe.journal.rows(erasure.upto), _SEARCHED))
                erasure = msgspec.structs.replace(
                    erasure,
                    rows=(*erasure.rows, *find_rows(rows, names)),
                    upto=rows[-1].seq if rows else last,
                )
                yield False
            # Once rows are erased nobody can find them again by what they held. A crash up to here
            # has the search done again; after it the note will name as many rows as without it.
            if erasure.rows != request.rows:
                self.erasures.keep(erasure)
            # (2) Destroy. Erasing once more, be it nothing, cuts what a crash left in the log beside.
            for begin in range(0, max(len(erasure.rows), 1), _AT_ONCE):
                some = [kanhe.journal.read(seq) for seq in erasure.rows[begin : begin + _AT_ONCE]]
                due = [row for row in some if row is not None and names(row)]
                kanhe.erase_rows({row.seq: self.ledger.entries.of(row) for row in due})
                yield False
            # (3) Forget. A snapshot that is being written now may hold what must go.
            while kanhe.is_saving():
                yield True
            kanhe.forget(erasure.tenant, erasure.names)
            # (4) Note.
            kanhe.note("privacy:person:erased", f"erasure:{erasure.id}", self._told(erasure))
            # (5) Done.
            self.erasures.done(erasure.id)
            yield False

    def _told(self, erasure: Erasure) -> bytes:
        """What the log holds about an erasure: that it was, why, and under which pseudonyms."""
        facts = {"request": erasure.id, "rows": str(len(erasure.rows)), "reason": erasure.reason}
        who = [self.ledger.entries.pseudonym(erasure.tenant, *name) for name in erasure.names]
        return msgspec.json.encode(Happening(facts | {"by": erasure.by}, tuple(who)))
