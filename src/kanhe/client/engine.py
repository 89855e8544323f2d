"""What both faces of the client share: the queue, the breaker, the sender, the counts."""

from __future__ import annotations

import logging
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import httpx

from kanhe.client.breaker import Breaker
from kanhe.client.checking import outgoing
from kanhe.client.deciding import Steps, deciding
from kanhe.client.errors import Closed
from kanhe.client.event import AnyEvent, Outgoing
from kanhe.client.forking import live_through_forks
from kanhe.client.links import Link
from kanhe.client.options import Options
from kanhe.client.queue import FileQueue, MemoryQueue, Queue, QueueBroken, RefusedEvent
from kanhe.client.sending import Sender
from kanhe.client.stats import Counters, Stats

SPARE_MOST = 10_000
"""Events kept in memory while the queue's file cannot be used."""
SPARE_S = 1.0
"""How long after a fault of the file everything goes to memory, before the file is tried again."""
_POLL_S = 0.01

T = TypeVar("T")

_log = logging.getLogger("kanhe")


class Engine:
    """Everything but the two ways to ask. Nothing is opened and no thread begun before the first use,
    so that a client made at import is as good as one made in the worker."""

    def __init__(
        self,
        options: Options,
        verify: ssl.SSLContext | None,
        transport: httpx.BaseTransport | None,
    ) -> None:
        self.options = options
        self.link = Link(options, verify, transport)
        self._spare = MemoryQueue(SPARE_MOST)
        self._queue: Queue = (
            MemoryQueue(options.queue_max)
            if options.queue is None
            else FileQueue(options.queue, options.queue_max, options.queue_sync)
        )
        self._closed = False
        self._begin()
        live_through_forks(self)

    def _begin(self) -> None:
        """What each process has of its own."""
        self.counters = Counters()
        self.breaker = Breaker(
            self.options.breaker_failures,
            self.options.breaker_pause_s,
            self.options.breaker_longest_s,
        )
        self._sender = Sender((self._queue, self._spare), self.link, self.breaker, self.counters)
        self._process = os.getpid()
        self._closing = threading.Lock()
        self._spare_until = 0.0

    def prepare(self, event: AnyEvent, *, judge: bool) -> Outgoing:
        """Check an event; raises `InvalidEvent`, or `Closed` after `close`."""
        if self._closed:
            raise Closed("this client was closed")
        self.start()
        return outgoing(event, judge=judge)

    def start(self) -> None:
        """See that the sender runs in this process."""
        if self._process != os.getpid():
            self.after_fork(child=True)  # somebody forked without Python's knowledge
        self._sender.start()

    def steps(self, event: Outgoing) -> Steps:
        """The way of one question."""
        return deciding(event, self.options, self.breaker, self.counters)

    def keep(self, event: Outgoing) -> bool:
        """Put an event into the queue; False, and a line in the log, if it has no place at all."""
        kept = self._put(event)
        self.counters.add("kept" if kept else "lost")
        if kept:
            self._sender.wake()
        else:
            _log.error("kanhe: the queue is full; an event %s is lost", event.type)
        return kept

    def _put(self, event: Outgoing) -> bool:
        if time.monotonic() < self._spare_until:
            return self._spare.put(event)
        try:
            return self._queue.put(event)
        except QueueBroken as error:
            # Not every buyer finds out again that the disk is full, and not every one fills the log.
            self._spare_until = time.monotonic() + SPARE_S
            self.counters.add("queue_faults")
            _log.error("kanhe: events are kept in memory only, because of the queue: %s", error)
            return self._spare.put(event)

    def flush(self, timeout_s: float) -> bool:
        """Wait until what waits now has left the queue; False if it has not in time."""
        self.start()
        until = time.monotonic() + timeout_s
        aims = [(queue, self._ends(queue)[1]) for queue in (self._queue, self._spare)]
        self._sender.wake()
        while any(0 < self._ends(queue)[0] <= last for queue, last in aims):
            if time.monotonic() >= until:
                return False
            time.sleep(_POLL_S)
        return True

    def _ends(self, queue: Queue) -> tuple[int, int]:
        try:
            return queue.ends()
        except QueueBroken:
            return (0, 0)

    def pending(self) -> int:
        """How many events wait."""
        return self._count(self._queue.waiting) + self._spare.waiting()

    def _count(self, count: Callable[[], int]) -> int:
        try:
            return count()
        except QueueBroken:
            return 0

    def refused(self, most: int) -> list[RefusedEvent]:
        """The events that were refused and kept apart, oldest first."""
        return self._of_both(lambda queue: queue.refused(most))[:most]

    def forgive(self, numbers: Iterable[int] | None) -> int:
        """Put refused events back into the queue."""
        chosen = None if numbers is None else list(numbers)
        back = self._of_both(lambda queue: [queue.forgive(chosen)])
        self._sender.wake()
        return sum(back)

    def _of_both(self, read: Callable[[Queue], list[T]]) -> list[T]:
        """What the queue holds, as far as it can be read, and what its spare does."""
        try:
            found = read(self._queue)
        except QueueBroken as error:
            _log.error("kanhe: the queue cannot be read: %s", error)
            found = []
        return found + read(self._spare)

    def stats(self) -> Stats:
        """The counts of this moment."""
        return self.counters.stats(
            pending=self.pending(),
            refused_kept=self._count(self._queue.refused_count) + self._spare.refused_count(),
            breaker=self.breaker.state,
        )

    def close(self) -> None:
        """Send what can be sent in time, and let go of everything. Closing twice is closing once."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        if self._process == os.getpid():
            # What waits in a file can wait for the next process, so nobody waits for a Kanhe that is away.
            if self.pending() and (self.options.queue is None or self.breaker.state == "closed"):
                self.flush(self.options.close_timeout_s)
            self._sender.stop(self.options.close_timeout_s)
            self._part()
        self._queue.close()
        self.link.close()

    def _part(self) -> None:
        left = self._spare.waiting()
        if isinstance(self._queue, MemoryQueue):
            left += self._queue.waiting()
        if left:
            self.counters.add("lost", left)
            _log.error("kanhe: closed with %d events in memory that were not sent", left)

    def before_fork(self) -> None:
        """See `forking`."""
        self._queue.before_fork()
        self._spare.before_fork()

    def after_fork(self, *, child: bool) -> None:
        """See `forking`."""
        self._spare.after_fork(child=child)
        self._queue.after_fork(child=child)
        if child:
            self.link.after_fork()
            self._begin()
