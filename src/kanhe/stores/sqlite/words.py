"""Words that recur in many rows (tenants, types, policies) as small numbers, both ways."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

Table = Literal["tenants", "types", "policies"]


class Words:
    """One dictionary table and its copy in memory.

    A new word gets its number at once and is written by the transaction that first needs it
    (`fresh`, then `kept` or `forget`). Only the writer gives numbers, so they cannot collide.
    """

    def __init__(self, db: sqlite3.Connection, table: Table) -> None:
        # A word may be there already if its policy was kept by a call that failed too late.
        self.insert = f"INSERT INTO {table} (id, word) VALUES (?, ?) ON CONFLICT DO NOTHING"
        self.fresh: list[tuple[int, str]] = []
        self.number: dict[str, int] = {}
        self._word: dict[int, str] = {}
        for number, word in db.execute(f"SELECT id, word FROM {table}"):
            self.number[word] = number
            self._word[number] = word
        self._last = max(self._word, default=0)

    def coin(self, word: str) -> int:
        """Number a word that has none yet."""
        self._last += 1
        self.number[word] = self._last
        self._word[self._last] = word
        self.fresh.append((self._last, word))
        return self._last

    def numbers(self, words: Sequence[str]) -> list[int]:
        """The number of each word; those that have none yet get one. At least one word."""
        number, first = self.number, words[0]
        # Counting equal words is far cheaper than looking each of them up, and most groups of events
        # are of one tenant and under one policy.
        if words.count(first) == len(words):
            return [number.get(first) or self.coin(first)] * len(words)
        try:
            return [number[word] for word in words]
        except KeyError:
            return [number.get(word) or self.coin(word) for word in words]

    def word(self, number: int) -> str:
        """The word behind a number."""
        return self._word[number]

    def kept(self) -> None:
        """The fresh words became durable."""
        self.fresh.clear()

    def forget(self) -> None:
        """The fresh words did not become durable: their numbers are free again."""
        for number, word in self.fresh:
            del self.number[word], self._word[number]
        self._last = max(self._word, default=0)
        self.fresh.clear()
