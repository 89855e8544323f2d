"""The small numbers of the index: words, codes and names, each given once and found again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

_AT_ONCE = 250
_MOST_KEPT = 300_000
"""How many names are kept at hand, some 100 MB."""


class Vocabulary:
    """The tables `words` and `codes`, whole in memory. Only the one writer of the file adds to them."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._words: dict[str, int] = {}
        self._codes: dict[tuple[str, str, str, str], int] = {}
        self.of_code: dict[int, tuple[str, str, str, str]] = {}
        """Tenant, type, outcome and currency behind a code."""
        self.load()

    def load(self) -> None:
        """Read both anew: after a transaction that was rolled back they may hold too much."""
        self._words = {word: id for id, word in self._db.execute("SELECT id, word FROM words")}
        self._codes.clear()
        self.of_code.clear()
        word = {id: word for word, id in self._words.items()}
        for id, *four in self._db.execute("SELECT id, tenant, type, outcome, currency FROM codes"):
            tenant, type_, outcome, currency = (word[one] for one in four)
            self._codes[tenant, type_, outcome, currency] = id
            self.of_code[id] = tenant, type_, outcome, currency

    def word(self, word: str) -> int:
        """The number of a word, made if it has none."""
        found = self._words.get(word)
        if found is None:
            made = self._db.execute("INSERT INTO words (word) VALUES (?)", (word,)).lastrowid
            assert made is not None
            found = self._words[word] = made
        return found

    def code(self, tenant: str, type_: str, outcome: str, currency: str) -> int:
        """The number of these four, made if they have none."""
        key = tenant, type_, outcome, currency
        found = self._codes.get(key)
        if found is None:
            made = self._db.execute(
                "INSERT INTO codes (tenant, type, outcome, currency) VALUES (?, ?, ?, ?)",
                tuple(self.word(one) for one in key),
            ).lastrowid
            assert made is not None
            found = self._codes[key] = made
            self.of_code[found] = key
        return found


class Name:
    """A name as the batch at work leaves it."""

    __slots__ = ("claimed", "events", "first_ms", "fresh", "heavy", "id", "last_ms", "touched")

    def __init__(
        self, id: int, events: int, first_ms: int, last_ms: int, heavy: bool, claimed: bool
    ) -> None:
        self.id = id
        self.events = events
        self.first_ms = first_ms
        self.last_ms = last_ms
        self.heavy = heavy
        self.claimed = claimed
        self.fresh = False
        self.touched = False


class Changed(NamedTuple):
    """What a batch did to names, to be written."""

    made: list[tuple[int, int, str, int, int, int, int]]
    """id, tenant, value, kind, events, first_ms, last_ms"""
    moved: list[tuple[int, int, int, int]]
    """events, first_ms, last_ms, id"""


class Names:
    """The table `names`, with those that were used last at hand."""

    def __init__(self, db: sqlite3.Connection, vocabulary: Vocabulary) -> None:
        self._db = db
        self._vocabulary = vocabulary
        self._kept: dict[tuple[str, str, str], Name] = {}
        self._touched: dict[tuple[str, str, str], Name] = {}
        self._last = 0
        self.forget()

    def forget(self) -> None:
        """Keep none at hand: the file has changed, or a batch was not kept."""
        self._kept.clear()
        self._touched.clear()
        self._last = self._db.execute("SELECT coalesce(max(id), 0) FROM names").fetchone()[0]

    def prepare(self, keys: Iterable[tuple[str, str, str]]) -> None:
        """Have those names at hand that are known already: asked for together, that takes a third of
        the time of asking for each."""
        kept, word = self._kept, self._vocabulary.word
        # In the order of the index, so that neighbours are found on one page.
        wanted = sorted({
            (word(tenant), value, word(kind)): (tenant, kind, value)
            for tenant, kind, value in keys
            if (tenant, kind, value) not in kept
        }.items())  # fmt: skip
        for begin in range(0, len(wanted), _AT_ONCE):
            part = wanted[begin : begin + _AT_ONCE]
            marks = ", ".join(["(?, ?, ?)"] * len(part))
            key_of = dict(part)
            for tenant, value, kind, *figures in self._db.execute(
                f"WITH wanted (tenant, value, kind) AS (VALUES {marks})"
                " SELECT n.tenant, n.value, n.kind, n.id, n.events, n.first_ms, n.last_ms, n.heavy,"
                " n.claimed FROM wanted CROSS JOIN names n USING (tenant, value, kind)",
                [one for numbers, _ in part for one in numbers],
            ):
                id, events, first_ms, last_ms, heavy, claimed = figures
                kept[key_of[tenant, value, kind]] = Name(
                    id, events, first_ms, last_ms, bool(heavy), bool(claimed)
                )

    def mentioned(self, tenant: str, kind: str, value: str, at_ms: int) -> Name:
        """The name, with one more event that happened at `at_ms`; `prepare` was told of it before."""
        key = tenant, kind, value
        name = self._kept.get(key)
        if name is None:
            self._last += 1
            name = self._kept[key] = Name(self._last, 0, at_ms, at_ms, False, False)
            name.fresh = True
        if not name.touched:
            name.touched = True
            self._touched[key] = name
        name.events += 1
        if at_ms < name.first_ms:
            name.first_ms = at_ms
        if at_ms > name.last_ms:
            name.last_ms = at_ms
        return name

    def changed(self) -> Changed:
        """What the batch did so far; the next one begins."""
        made, moved = [], []
        word = self._vocabulary.word
        for (tenant, kind, value), name in self._touched.items():
            figures = name.events, name.first_ms, name.last_ms
            if name.fresh:
                made.append((name.id, word(tenant), value, word(kind), *figures))
            else:
                moved.append((*figures, name.id))
            name.fresh = name.touched = False
        self._touched.clear()
        if len(self._kept) > _MOST_KEPT:
            self._kept.clear()
        return Changed(made, moved)

    def touched(self) -> list[Name]:
        """The names that the batch has mentioned so far."""
        return list(self._touched.values())
