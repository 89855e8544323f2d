"""Counters of what the client has done since it was made, to be read by a shop's metrics."""

from __future__ import annotations

import threading

import msgspec


class Stats(msgspec.Struct, frozen=True):
    """A moment's copy. Everything but the last four only grows; a forked process begins at zero."""

    decided: int = 0
    """Questions that Kanhe answered."""
    fallbacks: int = 0
    """Questions that were answered by the declared fallback."""
    retries: int = 0
    """Attempts beyond the first of a question."""
    kept: int = 0
    """Events that were put into the queue."""
    sent: int = 0
    """Events of the queue that Kanhe took."""
    refused: int = 0
    """Events of the queue that Kanhe refused for good; they are kept apart."""
    lost: int = 0
    """Events that could not be kept, because the queue was full or had no place at all."""
    queue_faults: int = 0
    """How often the queue's file could not be used."""
    breaker_opened: int = 0
    """How often the breaker opened."""
    pending: int = 0
    """Events that wait in the queue now."""
    refused_kept: int = 0
    """Refused events that are kept apart now."""
    breaker: str = "closed"
    """`closed`, `open` or `half-open`."""


class Counters:
    """What is counted. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def add(self, name: str, more: int = 1) -> None:
        """Count; `name` is a field of `Stats`."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + more

    def stats(self, *, pending: int, refused_kept: int, breaker: str) -> Stats:
        """A copy of all counts, with what else is known of this moment."""
        with self._lock:
            counts = dict(self._counts)
        return Stats(**counts, pending=pending, refused_kept=refused_kept, breaker=breaker)
