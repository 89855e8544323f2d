"""The background sender: what waits in the queues reaches Kanhe, in order, however long it takes.

Round by round, until the client is closed:

(1) While the breaker is open, wait for the trial to fall due, and make it.
(2) Claim a queue; of several processes that share one, one sends.
(3) Send its first events as one batch, to be judged or to be recorded. Every attempt sends the same bytes under the same ids, so an
    event that had arrived before counts once.
(4) Line by line: what Kanhe has leaves the queue, what it refused is kept apart, both in one
    transaction. A crash before it sends again what Kanhe knows already; after it, nothing.
(5) What was not answered stays and is sent again: after the time the server asks for, else after a
    pause that doubles from round to round, with some chance in it so that many shops do not knock at
    once. A batch that takes too long, or on which Kanhe fails, is halved until the one event at fault
    stands alone; `FAULTS_MOST` failures on it alone and it is kept apart too.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from kanhe.client.breaker import Breaker
from kanhe.client.decision import NotAnAnswer, read_problem
from kanhe.client.errors import Problem
from kanhe.client.queue import Queue, QueueBroken, Waiting
from kanhe.client.queue.ports import Refusing
from kanhe.client.stats import Counters
from kanhe.client.wire import BatchAnswer, Failure, Reply, in_words, retry_after_s

BATCH_MOST = 500
"""Events in one batch."""
BATCH_BYTES = 4_194_304
BATCH_S = 10.0
"""How long one batch may take."""
LOOK_S = 1.0
"""How often an idle sender looks for what other processes have left, and tends the queue."""
FAULTS_MOST = 5
UNJUDGED_S = 60.0
"""How long events are only recorded when the key may not ask, before it is tried again."""
SHUT_S = 5.0
"""How long a queue that cannot be used is left alone."""
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 30.0

_log = logging.getLogger("kanhe")


class Way(Protocol):
    """What the sender needs of a link."""

    def deliver(
        self, events: Sequence[Waiting], timeout_s: float, *, judge: bool
    ) -> Reply | Failure:
        """Have events judged, or recorded."""

    def is_ready(self, timeout_s: float) -> Reply | Failure:
        """Ask whether Kanhe would take an event."""


class Sender:
    """One daemon thread, begun by `start`; `wake` tells it of new events, `stop` ends it."""

    def __init__(
        self, queues: Sequence[Queue], way: Way, breaker: Breaker, counters: Counters
    ) -> None:
        self._queues = queues
        self._way = way
        self._breaker = breaker
        self._counters = counters
        self._news = threading.Condition()
        self._woken = False
        self._begun = False
        self._stopping = False
        self._most = BATCH_MOST
        self._pause_s = 0.0
        self._again_at = 0.0
        self._shut: dict[int, float] = {}
        self._unjudged_until = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, if it has not begun."""
        if self._thread is not None:
            return
        with self._news:
            if not self._begun and not self._stopping:
                self._begun = True
                self._thread = threading.Thread(target=self._run, name="kanhe-sender", daemon=True)
                self._thread.start()

    def wake(self) -> None:
        """Say that an event was put into a queue."""
        self.start()
        with self._news:
            self._woken = True
            self._news.notify_all()

    def stop(self, timeout_s: float) -> None:
        """End after the round that is running; waits for it for so long."""
        with self._news:
            self._stopping = True
            self._news.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        tended = time.monotonic()
        while not self._stopping:
            busy = self._round()
            if time.monotonic() - tended >= LOOK_S:
                tended = time.monotonic()
                self._tend()
            if not busy:
                self._wait()

    def _wait(self) -> None:
        """Wait for news; while Kanhe is away, for the time to try again, and at most `LOOK_S`."""
        again_s = max(self._again_at - time.monotonic(), self._breaker.wait_s())
        until = time.monotonic() + min(LOOK_S, again_s if again_s > 0 else LOOK_S)
        with self._news:
            while not self._stopping and (left_s := until - time.monotonic()) > 0:
                if self._woken and again_s <= 0:
                    break
                self._news.wait(left_s)
            self._woken = False

    def _tend(self) -> None:
        for queue in self._queues:
            try:
                queue.tend()
            except QueueBroken as error:
                self._broken(queue, error)

    def _round(self) -> bool:
        """Steps (1) to (5) once; True if there may be more to do at once."""
        trial = self._breaker.state != "closed"
        if trial and not self._breaker.trial():  # (1)
            return False
        if not trial and time.monotonic() < self._again_at:
            return False
        for queue in self._queues:
            if time.monotonic() < self._shut.get(id(queue), 0.0):
                continue
            try:
                if not queue.claim():  # (2)
                    continue
                try:
                    events = queue.head(self._most, BATCH_BYTES)
                    if events:
                        return self._send(queue, events)
                finally:
                    queue.release()
            except QueueBroken as error:
                self._broken(queue, error)
        if trial:
            answer = self._way.is_ready(BATCH_S)
            good = isinstance(answer, Reply) and answer.status == 200
            self._note(answer, reached=good, good=good)
        return False

    def _send(self, queue: Queue, events: list[Waiting]) -> bool:
        judge = events[0].judge and time.monotonic() >= self._unjudged_until
        answer = self._way.deliver(events, BATCH_S, judge=judge)  # (3)
        if judge and isinstance(answer, Reply) and answer.status == 403:
            # A key that may tell and not ask: better to have the events recorded than to hold them.
            self._unjudged_until = time.monotonic() + UNJUDGED_S
            _log.error("kanhe: the key may not ask for decisions; queued events are only recorded")
            answer = self._way.deliver(events, BATCH_S, judge=False)
        if isinstance(answer, Failure) or answer.status != 200:
            self._not_taken(queue, events, answer)
            return False
        read = BatchAnswer(events)
        sense = True
        try:
            for line in answer.body.split(b"\n"):
                read.read(line)
        except NotAnAnswer as error:
            # What was read before it fits, event by event; what follows is not believed.
            sense = False
            _log.error("kanhe: %s; is url the address of Kanhe?", error)
        self._settle(queue, read.taken, read.refused)  # (4)
        stopped = read.stopped
        reached = sense and (stopped is None or stopped.status < 500)
        self._note(answer, reached=reached, good=sense and read.complete)  # (5)
        if read.complete:
            self._most = min(BATCH_MOST, self._most * 2)
        elif stopped and stopped.status == 500:
            left = events[len(read.taken) + len(read.refused) :]
            self._fault(queue, left, stopped.type, stopped.detail)
        return sense and read.complete

    def _not_taken(self, queue: Queue, events: list[Waiting], answer: Reply | Failure) -> None:
        """The whole batch has no answer: because of the way, its size, one event, or the key."""
        self._note(answer, reached=isinstance(answer, Reply) and answer.status < 500, good=False)
        if isinstance(answer, Failure):
            if answer.timed_out:
                self._most = max(1, len(events) // 2)
        elif answer.status in (413, 500):
            problem = read_problem(answer.body) or Problem(status=answer.status)
            self._fault(queue, events, problem.type, problem.detail)
        elif answer.status < 500 and answer.status not in (408, 429):
            _log.error("kanhe: answers %s to queued events; look at url and key", in_words(answer))

    def _fault(self, queue: Queue, events: list[Waiting], problem: str, detail: str) -> None:
        """Kanhe fails on something among these: find it, and do not let it stop the rest."""
        if len(events) > 1:
            self._most = len(events) // 2
        elif events[0].faults + 1 < FAULTS_MOST:
            queue.blame(events[0].number)
        else:
            self._settle(queue, [], [Refusing(events[0].number, problem, detail)])

    def _settle(self, queue: Queue, taken: list[int], refused: list[Refusing]) -> None:
        gone = queue.settle(taken, refused)
        self._counters.add("sent", len(taken))
        if refused:
            self._counters.add("refused", len(refused))
            kinds = sorted({one.problem for one in refused})
            _log.error(
                "kanhe: %d queued events were refused and are kept apart (%s)",
                len(refused), ", ".join(kinds),
            )  # fmt: skip
        if gone:
            _log.error("kanhe: %d refused events, the oldest, had to go to make room", gone)
        with self._news:
            self._news.notify_all()

    def _note(self, answer: Reply | Failure, *, reached: bool, good: bool) -> None:
        """Tell the breaker how it went, and work out when to try again."""
        if reached:
            if self._breaker.succeeded(answered=False):
                _log.warning("kanhe: answers again")
        elif self._breaker.state == "half-open" or not (
            # A batch that takes long says nothing about how fast one question is answered.
            isinstance(answer, Failure) and answer.timed_out
        ):
            if self._breaker.failed():
                self._counters.add("breaker_opened")
                why = answer.why if isinstance(answer, Failure) else in_words(answer)
                _log.error("kanhe: takes no events (%s)", why)
        if good:
            self._pause_s = 0.0
        else:
            self._put_off(retry_after_s(answer) if isinstance(answer, Reply) else 0.0)

    def _put_off(self, least_s: float = 0.0) -> None:
        self._pause_s = min(_LONGEST_PAUSE_S, max(_FIRST_PAUSE_S, self._pause_s * 2))
        spread_s = self._pause_s * (0.5 + random.random())  # noqa: S311 (only spreads attempts)
        self._again_at = time.monotonic() + max(least_s, spread_s)

    def _broken(self, queue: Queue, error: QueueBroken) -> None:
        """Leave a queue alone for a while; the other one goes on."""
        self._shut[id(queue)] = time.monotonic() + SHUT_S
        self._counters.add("queue_faults")
        _log.error("kanhe: the queue cannot be used: %s", error)
