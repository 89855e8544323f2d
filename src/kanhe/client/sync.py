"""The client for threads."""

from __future__ import annotations

import os
import ssl
import time
import weakref
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

import httpx

from kanhe.client.deciding import Ask, Keep, Pause
from kanhe.client.decision import Decision
from kanhe.client.engine import Engine
from kanhe.client.errors import ClientError
from kanhe.client.event import AnyEvent, Outgoing
from kanhe.client.options import read_options
from kanhe.client.queue import RefusedEvent
from kanhe.client.stats import Stats
from kanhe.client.step_up import StepUps
from kanhe.client.wire import Failure, Reply


class Kanhe:
    """Asks Kanhe for decisions and tells it of events; one for a whole process, shared by its threads.

    - `url`, `key`: where Kanhe is and who the shop is. Plain `http://` is for this machine only, unless
      `insecure` says that something else seals the way.
    - `fallback`: what `decide` answers when Kanhe does not: `allow`, `challenge` or `hold` (outcome
      `review`) by type of event, `*` for all others. What is not declared raises `Unreachable`.
    - `queue`: the file in which events wait; None keeps them in memory, where they end with the process.
      At most `queue_max` wait. With `queue_sync="full"` each is on the disk before `record` returns.
    - `timeout`: seconds that `decide` takes at most, all attempts together.
    - `close_timeout`: seconds that `close` goes on sending.
    - `breaker_failures` questions in a row without an answer, and Kanhe is not asked for
      `breaker_pause` seconds; from trial to trial twice as long, up to `breaker_longest`.
    - `verify`: an `ssl.SSLContext` for a certificate of the shop's own. `transport`: another way to send.

    Raises `ConfigError` for what cannot be right. Nothing is opened before the first use, and a client
    made before a fork works in each process after it.
    """

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        fallback: Mapping[str, str] | None = None,
        queue: str | os.PathLike[str] | None = None,
        timeout: float = 0.3,
        queue_max: int = 100_000,
        queue_sync: str = "normal",
        close_timeout: float = 2.0,
        breaker_failures: int = 5,
        breaker_pause: float = 1.0,
        breaker_longest: float = 5.0,
        insecure: bool = False,
        verify: ssl.SSLContext | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        options = read_options(
            url, key, fallback=fallback, queue=queue, timeout=timeout, queue_max=queue_max,
            queue_sync=queue_sync, close_timeout=close_timeout, breaker_failures=breaker_failures,
            breaker_pause=breaker_pause, breaker_longest=breaker_longest, insecure=insecure,
        )  # fmt: skip
        self._engine = Engine(options, verify, transport)
        self.step_up = StepUps(self._engine.link.call)
        """Asking buyers to show that it is they; see `kanhe.client.step_up`."""
        self._end = weakref.finalize(self, self._engine.close)

    def decide(self, event: AnyEvent) -> Decision:
        """Ask what to do about an event that is about to happen; takes at most `timeout` seconds.

        Without an answer in time, the event waits in the queue and the declared fallback is returned,
        with `fallback` set. Raises `InvalidEvent` or `Refused` for an event that is wrong, and
        `Unreachable` where no fallback is declared.
        """
        sent = self._engine.prepare(event, judge=True)
        try:
            return self._walk(sent)
        except ClientError:
            raise
        except BaseException:
            # The worker is being stopped, perhaps while Kanhe decides: the event has happened.
            self._engine.keep(sent)
            raise

    def _walk(self, event: Outgoing) -> Decision:
        engine = self._engine
        steps = engine.steps(event)
        answer: Reply | Failure | None = None
        try:
            while True:
                match steps.send(answer):
                    case Ask(asked, timeout_s):
                        answer = engine.link.ask(asked, timeout_s)
                    case Pause(seconds):
                        time.sleep(seconds)
                        answer = None
                    case Keep(kept):
                        engine.keep(kept)
                        answer = None
        except StopIteration as end:
            decision: Decision = end.value
            return decision

    def record(self, event: AnyEvent, *, judge: bool = False) -> bool:
        """Tell of an event that needs no answer. Returns at once; it is in the queue by then, and sent
        in the background. With `judge` the rules look at it when it arrives, and may raise a case.
        False if it was lost because the queue is full. Raises `InvalidEvent`."""
        return self._engine.keep(self._engine.prepare(event, judge=judge))

    def start(self) -> Self:
        """Begin sending what an earlier process has left in the queue, without waiting for a first use."""
        self._engine.start()
        return self

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything that waits now has left the queue; False if that takes longer."""
        return self._engine.flush(timeout)

    @property
    def pending(self) -> int:
        """How many events wait in the queue, those of other processes that share it included."""
        return self._engine.pending()

    @property
    def stats(self) -> Stats:
        """What was done since this client was made in this process."""
        return self._engine.stats()

    def refused(self, most: int = 100) -> list[RefusedEvent]:
        """Queued events that Kanhe refused for good, oldest first; they are kept until `resend`."""
        return self._engine.refused(most)

    def resend(self, numbers: Iterable[int] | None = None) -> int:
        """Put refused events (None: all) back into the queue, once their cause is gone; returns how many."""
        return self._engine.forgive(numbers)

    def close(self) -> None:
        """Send what can be sent within `close_timeout` and let go of everything. What is left in a file
        is sent by the next process that uses it."""
        self._end()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Kanhe at {self._engine.options.url}>"
