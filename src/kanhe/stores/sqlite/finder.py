"""Finding single rows of a journal that another process writes: by number, and by tenant and event.

Unlike `SqliteJournalReader`, which reads what was committed when it was opened, a finder goes on: it sees
what has been committed since, and that rows were erased meanwhile.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kanhe.record.journal.ports import Row
from kanhe.stores.sqlite.faults import explained
from kanhe.stores.sqlite.reader import erased_lines, kept_archive, last_in, row_of
from kanhe.stores.sqlite.schema import open_read_only
from kanhe.stores.sqlite.seen import epoch_of, event_key
from kanhe.stores.sqlite.segments import Segments
from kanhe.stores.sqlite.words import Words

_Keys = npt.NDArray[np.int64]


class JournalFinder:
    """The rows of the journal at `path`. Safe to use from several threads, which take turns.

    Raises `StorageError` if there is no such file, it is damaged, or it is no journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.RLock()
        self._db = open_read_only(path, "journal", any_thread=True)
        self._segments = Segments(path, self._read)
        self._words = self._read_words()
        self._erased = self.last_erased()
        # The keys of the rows that the table `seen` does not have yet, and where they begin.
        self._tail: _Keys = np.empty(0, dtype=np.int64)
        self._tail_first = 1

    def last_seq(self) -> int:
        """The highest committed number by now, 0 when empty."""
        with self._turn, explained(self._path):
            return last_in(self._db)

    def rows(self, after: int, most: int) -> list[Row]:
        """Up to `most` committed rows with a number above `after`, in order."""
        with self._turn:
            last = min(self.last_seq(), after + most)
            self._words = words = self._read_words()
            found = self._segments.rows(after, last)
            return [row_of(self._path, words, seq, packed) for seq, packed in found]

    def row(self, seq: int) -> Row | None:
        """The row with this number as it stands by now, or `None` if there is none yet."""
        with self._turn:
            if not 1 <= seq <= self.last_seq():
                return None
            if self._erased != (erased := self.last_erased()):
                self._segments.forget()
                self._erased = erased
            packed = self._segments.row(seq)
            try:
                self._words[1].word(packed[1])
                self._words[0].word(packed[0])
                self._words[2].word(packed[2])
            except KeyError:
                self._words = self._read_words()
            return row_of(self._path, self._words, seq, packed)

    def find(self, tenant: str, event_id: str) -> Row | None:
        """The row of this event, or `None` if it never arrived, or was erased."""
        key = event_key(tenant, event_id)
        with self._turn:
            for seq in self._places(key):
                row = self.row(seq)
                if row is not None and row.tenant == tenant and row.event_id == event_id:
                    return row
        return None

    def erased(self, after: int, most: int) -> list[tuple[int, int]]:
        """Rows that were erased, as (line, number of the row), behind the line `after`, in order."""
        return erased_lines(self._read, after, most)

    def last_erased(self) -> int:
        """The last line about a row that was erased, 0 if there is none."""
        found: int = self._read("SELECT coalesce(max(id), 0) FROM erased", ())[0][0]
        return found

    def policy(self, policy: str) -> bytes | None:
        """The archive kept under this hash."""
        with self._turn:
            return kept_archive(self._read, policy)

    def close(self) -> None:
        """Release the file."""
        with self._turn:
            self._db.close()

    def _places(self, key: int) -> list[int]:
        """Where events with this key may stand: in the rows that `seen` knows, and behind them."""
        upto: int = self._read("SELECT upto FROM progress", ())[0][0]
        found = [
            seq
            for epoch in range(epoch_of(upto) + 1 if upto else 0)
            for (seq,) in self._read(
                "SELECT seq FROM seen WHERE epoch = ? AND key = ?", (epoch, key)
            )
        ]
        self._extend_tail(upto)
        found += [int(at) + self._tail_first for at in np.flatnonzero(self._tail == key)]
        return found

    def _extend_tail(self, upto: int) -> None:
        """Have the keys of all rows above `upto`: read those that came since, drop those below."""
        if self._tail_first <= upto:
            self._tail = self._tail[upto + 1 - self._tail_first :]
            self._tail_first = upto + 1
        end = self._tail_first + len(self._tail)
        fresh = self._read(
            "SELECT first, keys FROM journal WHERE first >="
            " coalesce((SELECT max(first) FROM journal WHERE first <= ?), 0) ORDER BY first",
            (end,),
        )
        if not fresh:
            return
        keys = np.frombuffer(b"".join([keys for _, keys in fresh]), dtype="<i8")
        self._tail = np.concatenate([self._tail, keys[end - fresh[0][0] :].astype(np.int64)])

    def _read_words(self) -> tuple[Words, Words, Words]:
        with explained(self._path):
            return Words(self._db, "tenants"), Words(self._db, "types"), Words(self._db, "policies")

    def _read(self, sql: str, values: tuple[object, ...]) -> list[Any]:
        with self._turn, explained(self._path):
            return self._db.execute(sql, values).fetchall()
