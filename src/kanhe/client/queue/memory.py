"""A queue that lives as long as its process."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from kanhe.client.event import Outgoing, now_ms
from kanhe.client.queue.ports import RefusedEvent, Refusing, Waiting


class MemoryQueue:
    """At most `most` events wait, and as many are kept apart. A child of the process begins empty:
    its parent still has the events and sends them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._empty()

    def _empty(self) -> None:
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._events: dict[int, tuple[Outgoing, int]] = {}
        self._ids: set[str] = set()
        self._refused: dict[int, tuple[Outgoing, RefusedEvent]] = {}
        self._last = 0

    def put(self, event: Outgoing) -> bool:
        """See `Queue.put`."""
        with self._lock:
            if event.event_id in self._ids:
                return True
            if len(self._events) >= self._most:
                return False
            self._add(event)
            return True

    def _add(self, event: Outgoing) -> None:
        self._last += 1
        self._events[self._last] = (event, 0)
        self._ids.add(event.event_id)

    def head(self, most: int, most_bytes: int) -> list[Waiting]:
        """See `Queue.head`."""
        found: list[Waiting] = []
        with self._lock:
            for number, (event, faults) in self._events.items():
                most_bytes -= len(event.body) + 1
                if found and (
                    len(found) == most or most_bytes < 0 or event.judge != found[0].judge
                ):
                    break
                found.append(Waiting(number, event.event_id, event.body, event.judge, faults))
        return found

    def settle(self, taken: Sequence[int], refused: Sequence[Refusing]) -> int:
        """See `Queue.settle`."""
        with self._lock:
            for number in taken:
                self._remove(number)
            for number, problem, detail in refused:
                if event := self._remove(number):
                    kept = RefusedEvent(
                        number, event.event_id, event.type, event.body, now_ms(), problem, detail
                    )
                    self._refused[number] = (event, kept)
            surplus = list(self._refused)[: max(0, len(self._refused) - self._most)]
            for number in surplus:
                del self._refused[number]
            return len(surplus)

    def _remove(self, number: int) -> Outgoing | None:
        event, _ = self._events.pop(number, (None, 0))
        if event is not None:
            self._ids.discard(event.event_id)
        return event

    def blame(self, number: int) -> None:
        """See `Queue.blame`."""
        with self._lock:
            if number in self._events:
                event, faults = self._events[number]
                self._events[number] = (event, faults + 1)

    def waiting(self) -> int:
        """See `Queue.waiting`."""
        return len(self._events)

    def ends(self) -> tuple[int, int]:
        """See `Queue.ends`."""
        with self._lock:
            return (next(iter(self._events)), self._last) if self._events else (0, 0)

    def refused(self, most: int) -> list[RefusedEvent]:
        """See `Queue.refused`."""
        with self._lock:
            return [kept for _, kept in list(self._refused.values())[:most]]

    def refused_count(self) -> int:
        """See `Queue.refused_count`."""
        return len(self._refused)

    def forgive(self, numbers: Iterable[int] | None) -> int:
        """See `Queue.forgive`."""
        with self._lock:
            chosen = list(self._refused) if numbers is None else list(numbers)
            back = [self._refused.pop(number)[0] for number in chosen if number in self._refused]
            for event in back:
                if event.event_id not in self._ids:
                    self._add(event)
            return len(back)

    def claim(self) -> bool:
        """See `Queue.claim`."""
        return self._sending.acquire(blocking=False)

    def release(self) -> None:
        """See `Queue.release`."""
        if self._sending.locked():
            self._sending.release()

    def tend(self) -> None:
        """Nothing is due."""

    def before_fork(self) -> None:
        """See `Queue.before_fork`."""
        self._lock.acquire()

    def after_fork(self, *, child: bool) -> None:
        """See `Queue.after_fork`."""
        if child:
            self._empty()
        else:
            self._lock.release()

    def close(self) -> None:
        """Nothing is held."""
