"""Writing `index.db`: traces in, in the order of their rows, by one process.

A batch, and how far the index goes with it, become durable together. So a crash at any moment leaves the
index of a beginning of the journal, and the next batch goes on behind it. What was counted for a row
that was erased since is taken back by the same numbers, and the row is taken in again as what is left
of it: the index is what it would be if it were made anew.

Why a file beside the journal, and why this shape: `docs/adr/0020-an-index-beside-the-journal.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from kanhe.core.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from kanhe.record.labels import RELAY_TYPES, SUBJECTS
from kanhe.record.traces import NOTED_OUTCOME, SUBJECT, Trace
from kanhe.stores.sqlite.faults import explained
from kanhe.stores.sqlite.index_names import Name, Names, Vocabulary
from kanhe.stores.sqlite.index_truth import Finder, Truths
from kanhe.stores.sqlite.schema import open_database

HEAVY_FROM = 2_000
"""From so many events on, a name's figures are kept by day instead of being counted when asked for."""
SECOND, MINUTE, HOUR = 1, 60, 3600
RULE_MINUTE, RULE_HOUR, COUNTRY_MINUTE, COUNTRY_HOUR = 61, 3601, 62, 3602
"""The series of counts."""
_MINUTES = 3 * 24 * 60
KEPT = {SECOND: 900, MINUTE: _MINUTES, RULE_MINUTE: _MINUTES, COUNTRY_MINUTE: _MINUTES}
"""How many steps of a series are kept behind its newest one; the others are kept for ever."""
_CACHE_KIB = 65_536
_numbers = msgspec.msgpack.Decoder(list[int]).decode
_packed = msgspec.msgpack.Encoder().encode
_ADD_COUNT = (
    "INSERT INTO counts (series, at, what, code, events, amount_minor) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (series, at, what, code) DO UPDATE SET events = events + excluded.events,"
    " amount_minor = amount_minor + excluded.amount_minor"
)
_ADD_TALLY = (
    "INSERT INTO tallies (name, day, code, events, amount_minor) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (name, day, code) DO UPDATE SET events = events + excluded.events,"
    " amount_minor = amount_minor + excluded.amount_minor"
)

Key = tuple[int, int, int, int]


class Counted:
    """Counts and tallies that a batch adds to, or takes from."""

    def __init__(self) -> None:
        self.counts: dict[Key, list[int]] = {}
        self.tallies: dict[tuple[int, int, int], list[int]] = {}

    def event(
        self,
        at_ms: int,
        received_ms: int,
        code: int,
        rules: Sequence[int],
        country: int,
        amount: int,
        sign: int,
    ) -> None:
        """One event, under everything, each rule that fired, and its country (0: none)."""
        minute, hour = received_ms // MINUTE_MS, at_ms // HOUR_MS
        self._add((SECOND, received_ms // SECOND_MS, 0, code), amount, sign)
        self._add((MINUTE, minute, 0, code), amount, sign)
        self._add((HOUR, hour, 0, code), amount, sign)
        for rule in rules:
            self._add((RULE_MINUTE, minute, rule, code), amount, sign)
            self._add((RULE_HOUR, hour, rule, code), amount, sign)
        if country:
            self._add((COUNTRY_MINUTE, minute, country, code), amount, sign)
            self._add((COUNTRY_HOUR, hour, country, code), amount, sign)

    def _add(self, key: Key, amount: int, sign: int) -> None:
        found = self.counts.get(key)
        if found is None:
            self.counts[key] = [sign, sign * amount]
        else:
            found[0] += sign
            found[1] += sign * amount

    def tally(self, name: int, at_ms: int, code: int, amount: int, sign: int) -> None:
        """One event of a name whose figures are kept by day."""
        found = self.tallies.setdefault((name, at_ms // DAY_MS, code), [0, 0])
        found[0] += sign
        found[1] += sign * amount


class IndexWriter:
    """The file at `path`, made if it is not there. Raises `StorageError` if it cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = open_database(path, "index")
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._vocabulary = Vocabulary(self._db)
        self._names = Names(self._db, self._vocabulary)
        self._subjects = self._read_subjects()
        self.upto: int
        self.erased_upto: int
        found = self._db.execute("SELECT upto, erased FROM progress").fetchone()
        self.upto, self.erased_upto = found

    def add(self, traces: Sequence[Trace], truths: Truths) -> None:
        """Take in the traces of the next rows; durable when it returns.

        (1) Number what they name. (2) Write events, mentions, rules and acts. (3) Count. (4) Say what
        events that were spoken of turned out to be. (5) Move the position. One transaction.
        """
        counted = Counted()
        events, mentions, fired, acts = [], [], [], []
        asked: dict[int, None] = {}
        due: dict[int, None] = {}
        claimed: list[tuple[int]] = []
        word, code_of = self._vocabulary.word, self._vocabulary.code
        with self._writing():
            self._names.prepare(
                (one.tenant, kind, value) for one in traces for kind, value in one.names
            )
            for one in traces:
                code = code_of(one.tenant, one.type, one.outcome, one.currency)
                names = [self._names.mentioned(one.tenant, kind, value, one.at_ms)
                         for kind, value in one.names]  # fmt: skip
                for name in names:  # (1)
                    mentions.append((name.id, one.seq, code))
                    if name.heavy:
                        counted.tally(name.id, one.at_ms, code, one.amount_minor, 1)
                rules = [word(rule) for rule in one.rules]
                country = word(one.country) if one.country else 0
                events.append((one.seq, code, one.at_ms, one.received_ms, one.amount_minor,
                               one.score, country, _packed([name.id for name in names])))  # fmt: skip
                fired += [(rule, one.seq) for rule in rules]
                if one.act is not None:
                    acts.append(self._act(one, names))
                if one.outcome != NOTED_OUTCOME:
                    counted.event(one.at_ms, one.received_ms, code, rules, country,
                                  one.amount_minor, 1)  # fmt: skip
                if one.type in RELAY_TYPES:
                    asked[one.seq] = None
                    claimed += self._claimed(one, names)
                elif (one.tenant, one.event_id) in self._subjects or any(
                    name.claimed for name in names
                ):
                    due[one.seq] = None
            mentions.sort()
            self._write(events, mentions, fired, acts)  # (2)
            self._keep_names()
            self._keep_counts(counted)  # (3)
            self._db.executemany("UPDATE names SET claimed = 1 WHERE id = ?", claimed)
            for seq in asked:  # (4)
                due.update(truths.subjects_of(seq))
            for seq in due:
                truths.settle(seq)
            self.upto = traces[-1].seq  # (5)
            self._db.execute("UPDATE progress SET upto = ?", (self.upto,))

    def erase(self, lines: Sequence[tuple[int, Trace]], truths: Truths) -> None:
        """Drop what was kept of rows that were erased, each with its line in the journal's table and
        the trace of what is left; durable when it returns, and gone from the file and its log."""
        with explained(self._path):
            self._db.execute("PRAGMA secure_delete = ON")
        try:
            with self._writing():
                asked: dict[int, None] = {}
                counted = Counted()
                for _, trace in lines:
                    if trace.seq <= self.upto:
                        asked.update(self._take_back(trace.seq, counted, truths))
                        self._take_in_again(trace, counted)
                        asked[trace.seq] = None
                self._keep_counts(counted)
                for seq in asked:
                    truths.settle(seq)
                self.erased_upto = lines[-1][0]
                self._db.execute("UPDATE progress SET erased = ?", (self.erased_upto,))
            self._names.forget()
            with explained(self._path):
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._db.execute("PRAGMA secure_delete = OFF")

    def last_times(self) -> tuple[int, int]:
        """When the last row that it has happened, and when it was received."""
        found: tuple[int, int] = self._db.execute(
            "SELECT at_ms, received_ms FROM events WHERE seq = ?", (self.upto,)
        ).fetchone()
        return found

    def truths(self, journal: Finder) -> Truths:
        """What settles the truth of events in this file, by rows of `journal`."""
        return Truths(self._db, self._vocabulary, journal)

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    # Batches

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with explained(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            before = self.upto, self.erased_upto
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self.upto, self.erased_upto = before
                self._vocabulary.load()
                self._names.forget()
                self._subjects = self._read_subjects()
                raise

    def _act(self, trace: Trace, names: Sequence[Name]) -> tuple[int, int, int, int, int, int]:
        assert trace.act is not None
        who = next((name.id for (kind, value), name in zip(trace.names, names, strict=True)
                    if (kind, value) == ("staff", trace.act.who)), 0)  # fmt: skip
        word = self._vocabulary.word
        return (trace.seq, word(trace.tenant), trace.at_ms, who, word(trace.act.act),
                word(trace.act.resource))  # fmt: skip

    def _write(
        self,
        events: Iterable[tuple[object, ...]],
        mentions: Iterable[tuple[int, int, int]],
        fired: Iterable[tuple[int, int]],
        acts: Iterable[tuple[object, ...]],
    ) -> None:
        db = self._db
        db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", events)
        db.executemany("INSERT INTO mentions VALUES (?, ?, ?)", mentions)
        db.executemany("INSERT INTO fired VALUES (?, ?)", fired)
        db.executemany("INSERT INTO acts VALUES (?, ?, ?, ?, ?, ?)", acts)

    def _keep_names(self) -> None:
        db = self._db
        grown = [one for one in self._names.touched() if one.events >= HEAVY_FROM and not one.heavy]
        made, moved = self._names.changed()
        db.executemany(
            "INSERT INTO names (id, tenant, value, kind, events, first_ms, last_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            made,
        )
        db.executemany("UPDATE names SET events = ?, first_ms = ?, last_ms = ? WHERE id = ?", moved)
        for name in grown:
            db.execute(
                "INSERT INTO tallies SELECT m.name, e.at_ms / ?, m.code, count(*),"
                " sum(e.amount_minor) FROM mentions m JOIN events e ON e.seq = m.seq"
                " WHERE m.name = ? GROUP BY 2, 3",
                (DAY_MS, name.id),
            )
            db.execute("UPDATE names SET heavy = 1 WHERE id = ?", (name.id,))
            name.heavy = True

    def _keep_counts(self, counted: Counted) -> None:
        db = self._db
        db.executemany(_ADD_COUNT, [(*key, *value) for key, value in counted.counts.items()])
        db.executemany(_ADD_TALLY, [(*key, *value) for key, value in counted.tallies.items()])
        db.executemany(
            "DELETE FROM counts WHERE series = ? AND at = ? AND what = ? AND code = ?"
            " AND events = 0",
            [key for key, value in counted.counts.items() if value[0] <= 0],
        )
        db.executemany(
            "DELETE FROM tallies WHERE name = ? AND day = ? AND code = ? AND events = 0",
            [key for key, value in counted.tallies.items() if value[0] < 0],
        )
        for series, kept in KEPT.items():
            # By the newest step of all events: what is erased stays counted there, so that what is kept
            # of rules and countries does not depend on when somebody was erased.
            whole = SECOND if series == SECOND else MINUTE
            db.execute(
                "DELETE FROM counts WHERE series = ? AND at <"
                " (SELECT max(at) FROM counts WHERE series = ?) - ?",
                (series, whole, kept),
            )

    def _claimed(self, trace: Trace, names: Sequence[Name]) -> list[tuple[int]]:
        """Remember what a claim names: an event that comes after it may be what it is about."""
        found = []
        for (kind, value), name in zip(trace.names, names, strict=True):
            if kind == SUBJECT:
                self._subjects.add((trace.tenant, value))
            elif kind in SUBJECTS and not name.claimed:
                name.claimed = True
                found.append((name.id,))
        return found

    # Erasing

    def _take_back(self, seq: int, counted: Counted, truths: Truths) -> dict[int, None]:
        """Drop all that is kept of a row; gives the events that it had something to say about."""
        db = self._db
        found = db.execute(
            "SELECT code, at_ms, received_ms, amount_minor, country, names FROM events"
            " WHERE seq = ?",
            (seq,),
        ).fetchone()
        if found is None:
            return {}
        code, at_ms, received_ms, amount, country, packed = found
        type_ = self._vocabulary.of_code[code][1]
        asked = truths.subjects_of(seq) if type_ in RELAY_TYPES else {}
        rules = [rule for (rule,) in db.execute("SELECT rule FROM fired WHERE seq = ?", (seq,))]
        counted.event(at_ms, received_ms, code, rules, country, amount, -1)
        for name in _numbers(packed):
            self._unmention(name, seq, code, at_ms, amount, counted)
        for table in ("events", "fired", "acts", "truth"):
            db.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,))
        return asked

    def _unmention(
        self, name: int, seq: int, code: int, at_ms: int, amount: int, counted: Counted
    ) -> None:
        db = self._db
        db.execute("DELETE FROM mentions WHERE name = ? AND seq = ?", (name, seq))
        heavy, events, first_ms, last_ms = db.execute(
            "SELECT heavy, events, first_ms, last_ms FROM names WHERE id = ?", (name,)
        ).fetchone()
        if events <= 1:
            db.execute("DELETE FROM names WHERE id = ?", (name,))
            db.execute("DELETE FROM tallies WHERE name = ?", (name,))
            for key in [key for key in counted.tallies if key[0] == name]:
                del counted.tallies[key]
            return
        db.execute("UPDATE names SET events = events - 1 WHERE id = ?", (name,))
        if heavy:
            counted.tally(name, at_ms, code, amount, -1)
        if at_ms in (first_ms, last_ms):
            db.execute(
                "UPDATE names SET (first_ms, last_ms) = (SELECT min(at_ms), max(at_ms) FROM mentions"
                " m JOIN events e ON e.seq = m.seq WHERE m.name = names.id) WHERE id = ?",
                (name,),
            )

    def _take_in_again(self, trace: Trace, counted: Counted) -> None:
        """What is left of a row that was erased: it names nobody, and nobody did it."""
        word = self._vocabulary.word
        code = self._vocabulary.code(trace.tenant, trace.type, trace.outcome, trace.currency)
        rules = [word(rule) for rule in trace.rules]
        event = (trace.seq, code, trace.at_ms, trace.received_ms, 0, trace.score, 0, _packed([]))
        self._write([event], [], [(rule, trace.seq) for rule in rules], [])
        counted.event(trace.at_ms, trace.received_ms, code, rules, 0, 0, 1)

    def _read_subjects(self) -> set[tuple[str, str]]:
        """The events that somebody spoke of, as tenant and id."""
        return set(
            self._db.execute(
                "SELECT t.word, n.value FROM names n JOIN words t ON t.id = n.tenant"
                " JOIN words k ON k.id = n.kind WHERE k.word = ?",
                (SUBJECT,),
            )
        )
