"""What events turned out to be, found by the index: whose words are about which event.

`record.labels` says which claim holds; here only the rows are gathered that it needs to know. A claim
can be about an event that speaks of another one (a dispute about a complaint about a payment), so
that looking goes both ways: forward from a claim to its subjects, back from an event to all that was
said about it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Literal, Protocol

import msgspec

from kanhe.record.journal.ports import Row
from kanhe.record.labels import RELAY_TYPES, SUBJECTS, About, Labels
from kanhe.record.traces import SUBJECT
from kanhe.stores.sqlite.index_names import Vocabulary

_NAMED = frozenset(SUBJECTS)
_MOST_STEPS = 8
_MOST_ROWS = 1_000
"""How many rows are looked at to say what one event was: more than that is nobody's honest record."""
_ALWAYS_MS = 1 << 62
_numbers = msgspec.msgpack.Decoder(list[int]).decode


class Finder(Protocol):
    """A journal in which single rows are found."""

    def row(self, seq: int) -> Row | None:
        """The row with this number."""

    def find(self, tenant: str, event_id: str) -> Row | None:
        """The row of this event."""


class Spoken:
    """Who speaks of whom, read from the tables of the index."""

    def __init__(self, db: sqlite3.Connection, journal: Finder) -> None:
        self._db = db
        self._journal = journal

    def about(self, row: Row) -> About:
        """All that was ever claimed about an event."""
        labels = Labels()
        rows = {seq: found for seq in self._speakers(row) if (found := self._journal.row(seq))}
        for seq in sorted(rows):
            labels.take(rows[seq])
        return labels.about(row)

    def subjects_of(self, seq: int) -> dict[int, None]:
        """The rows that a claim, or what relays one, may be about."""
        found: dict[int, None] = {}
        due, seen = [seq], {seq}
        for _ in range(_MOST_STEPS):
            further: list[int] = []
            for one in due:
                for place, relays in self._named_by(one):
                    if not relays:
                        found[place] = None
                    elif place not in seen:
                        seen.add(place)
                        further.append(place)
            due = further
        return found

    def _named_by(self, seq: int) -> Iterable[tuple[int, bool]]:
        """The rows that a row names, by the event's id or by a payment and the like."""
        row = self._journal.row(seq)
        for id, kind, value in self._names_of(seq):
            if kind == SUBJECT:
                of = self._journal.find(row.tenant, value) if row is not None else None
                if of is not None:
                    yield of.seq, of.type in RELAY_TYPES
            elif kind in _NAMED:
                for place in self._mentions(id, "NOT IN"):
                    yield place, False

    def _speakers(self, row: Row) -> set[int]:
        """The rows that speak of an event, or of what does."""
        found: set[int] = set()
        for id, kind, _ in self._names_of(row.seq):
            if kind in _NAMED:
                found.update(self._mentions(id, "IN"))
        due = [(row.tenant, row.event_id)]
        due += [(one.tenant, one.event_id) for seq in found if (one := self._journal.row(seq))]
        for _ in range(_MOST_STEPS):
            further = []
            for tenant, event_id in due:
                for seq in self._of_subject(tenant, event_id):
                    if seq not in found and len(found) < _MOST_ROWS:
                        found.add(seq)
                        one = self._journal.row(seq)
                        if one is not None:
                            further.append((one.tenant, one.event_id))
            due = further
        return found

    def _names_of(self, seq: int) -> list[tuple[int, str, str]]:
        found = self._db.execute("SELECT names FROM events WHERE seq = ?", (seq,)).fetchone()
        if found is None:
            return []
        ids = _numbers(found[0])
        marks = ", ".join("?" * len(ids))
        return self._db.execute(
            "SELECT n.id, k.word, n.value FROM names n JOIN words k ON k.id = n.kind"
            f" WHERE n.id IN ({marks})",
            ids,
        ).fetchall()

    def _mentions(self, name: int, which: Literal["IN", "NOT IN"]) -> list[int]:
        """The rows that mention a name: those that claim or relay, or all others."""
        found = self._db.execute(
            "SELECT m.seq FROM mentions m JOIN codes c ON c.id = m.code JOIN words t ON t.id = c.type"
            f" WHERE m.name = ? AND t.word {which} (?, ?, ?, ?) ORDER BY m.seq LIMIT ?",
            (name, *sorted(RELAY_TYPES), _MOST_ROWS),
        )
        return [seq for (seq,) in found]

    def _of_subject(self, tenant: str, event_id: str) -> list[int]:
        found = self._db.execute(
            "SELECT m.seq FROM names n JOIN words t ON t.id = n.tenant JOIN words k ON k.id = n.kind"
            " JOIN mentions m ON m.name = n.id JOIN codes c ON c.id = m.code"
            " JOIN words y ON y.id = c.type"
            " WHERE t.word = ? AND n.value = ? AND k.word = ? AND y.word IN (?, ?, ?, ?)"
            " ORDER BY m.seq LIMIT ?",
            (tenant, event_id, SUBJECT, *sorted(RELAY_TYPES), _MOST_ROWS),
        )
        return [seq for (seq,) in found]


class Truths(Spoken):
    """Keeps in the table `truth` which claim holds about which event."""

    def __init__(self, db: sqlite3.Connection, vocabulary: Vocabulary, journal: Finder) -> None:
        super().__init__(db, journal)
        self._vocabulary = vocabulary

    def settle(self, seq: int) -> None:
        """Say of a row what it turned out to be by now."""
        row = self._journal.row(seq)
        self._db.execute("DELETE FROM truth WHERE seq = ?", (seq,))
        if row is None or not row.is_event or row.type in RELAY_TYPES:
            return
        held = self.about(row).holding(_ALWAYS_MS)
        if held is None:
            return
        code, amount = self._db.execute(
            "SELECT code, amount_minor FROM events WHERE seq = ?", (seq,)
        ).fetchone()
        word = self._vocabulary.word
        self._db.execute(
            "INSERT INTO truth VALUES (?, ?, ?, ?, ?, ?, ?)",
            (seq, row.at_ms, code, amount, word(held.verdict), word(held.source), held.at_ms),
        )
