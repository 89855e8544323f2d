"""Group commit: what waits in one turn of the loop is judged together and durable in one write.

(1) A request puts its events into the queue, and says whom to tell.
(2) The first one of a group schedules it; those that follow join.
(3) As long as each turn brings further requests, the group waits for the next turn, for two
    milliseconds at most: judging and writing cost less per event the more of them go together.
(4) The engine takes the events of the group in memory, in the order they were asked for.
(5) One write makes all of them durable, and only then is anybody told.
When the write fails nobody of the group is told yes, because nothing of the group was kept. What
is beyond the size of a group waits for the next one, so that the loop turns in between.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from kanhe.core.errors import StorageError
from kanhe.core.event import Asked
from kanhe.serve.api.counters import Counters
from kanhe.serve.api.ports import Engine, Waiting

_log = logging.getLogger("kanhe.serve")
_DOUBT_S = 5.0
MOST_EVENTS = 400
"""A group of so many events does not wait for more: it takes some ten milliseconds, for which those
wait who come next. Of 256, batches of 100 were measured to be judged a tenth slower."""
_PATIENCE_S = 0.002
"""How long the first of a group waits for more, at most."""

Result = Waiting | Exception
"""An event that is durable, or why it is not."""

Told = Callable[[Sequence[Result]], None]
"""Told once: one result for each event that was asked about, in order."""

ToldOne = Callable[[Result], None]
"""The same for one event."""

_Request = ToldOne | tuple[Told, int]
"""Whom to tell of one event, or of so many."""


class GroupCommit:
    """Gathers the waiting events of one event loop into durable groups."""

    def __init__(self, engine: Engine, counters: Counters) -> None:
        self._engine = engine
        self._counters = counters
        self._asked: list[Asked] = []
        self._requests: list[_Request] = []
        self._noticed = 0
        self._began = 0.0
        self._failing = False
        self._failed_at = 0.0

    def failed_lately(self) -> bool:
        """Whether the last write failed, less than a few seconds ago.

        Without events there is no write that could succeed, so readiness comes back by itself
        and the next event finds out.
        """
        return self._failing and time.monotonic() - self._failed_at < _DOUBT_S

    def ask(self, asked: Sequence[Asked], told: Told) -> None:
        """Call `told` with the results of these events when they are durable, or could not be made so.

        They all go into one group, so they should be no more than `MOST_EVENTS`. Must be called
        within the event loop.
        """
        if not self._requests:
            self._schedule()
        self._asked += asked
        self._requests.append((told, len(asked)))

    def ask_one(self, asked: Asked, told: ToldOne) -> None:
        """The same for one event, which spares it the lists."""
        if not self._requests:
            self._schedule()
        self._asked.append(asked)
        self._requests.append(told)

    def take(self, asked: Sequence[Asked]) -> asyncio.Future[Sequence[Result]]:
        """The same as a future of the results."""
        future: asyncio.Future[Sequence[Result]] = asyncio.get_running_loop().create_future()

        def told(results: Sequence[Result]) -> None:
            if not future.done():  # a request that was given up has cancelled its future
                future.set_result(results)

        self.ask(asked, told)
        return future

    async def take_one(self, asked: Asked) -> Waiting:
        """The same for one event; raises what stands in its place if it was not taken."""
        (result,) = await self.take((asked,))
        if isinstance(result, Exception):
            raise result
        return result

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        self._began, self._noticed = loop.time(), 0
        loop.call_soon(self._turn, loop)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait one more turn if this one brought requests, or take the group."""
        events = len(self._asked)
        if self._noticed < events < MOST_EVENTS and loop.time() - self._began < _PATIENCE_S:
            self._noticed = events
            loop.call_soon(self._turn, loop)
        else:
            self._flush()

    def _flush(self) -> None:
        asked, requests = self._next_group()
        # Whatever breaks off on the way, those who wait must hear that nothing is certain.
        results: Sequence[Result] = [StorageError("the write broke off")] * len(asked)
        try:
            results = self._written(self._engine.take(asked))  # (4) (5)
        finally:
            start = 0
            for request in requests:
                if isinstance(request, tuple):
                    told, count = request
                    told(results[start : start + count])
                    start += count
                else:
                    request(results[start])
                    start += 1

    def _next_group(self) -> tuple[list[Asked], list[_Request]]:
        """The first of the queue, as many as make a group; the rest is scheduled anew."""
        asked, requests = self._asked, self._requests
        if len(asked) <= MOST_EVENTS:
            self._asked, self._requests = [], []
            return asked, requests
        events = taken = 0
        for request in requests:
            count = request[1] if isinstance(request, tuple) else 1
            if events and events + count > MOST_EVENTS:
                break
            events += count
            taken += 1
        self._asked, self._requests = asked[events:], requests[taken:]
        self._schedule()
        return asked[:events], requests[:taken]

    def _written(self, results: Sequence[Result]) -> Sequence[Result]:
        """The results after the write: each event that was taken is durable, or failed with it."""
        taken = [result for result in results if not isinstance(result, Exception)]
        if not taken:
            return results
        failure: StorageError | None = StorageError("the write broke off")
        try:
            self._engine.commit()
            failure = None
        except StorageError as error:
            failure = error
        finally:
            self._note(failure, len(taken))
        if failure is None:
            self._counters.committed(taken)
            return results
        return [result if isinstance(result, Exception) else failure for result in results]

    def _note(self, error: StorageError | None, events: int) -> None:
        if error is not None:
            if not self._failing:
                _log.error("journal.write_failed", extra={"cause": str(error), "events": events})
            self._failed_at = time.monotonic()
        self._failing = error is not None
