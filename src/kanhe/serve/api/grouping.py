"""Group commit: what was judged in one turn of the loop becomes durable in one write.

(1) A request judges its event in memory at once and asks to be told when it is durable.
(2) The first one of a turn schedules the flush; those that follow join its group.
(3) As long as each turn brings further requests, the flush waits for the next turn, for two
    milliseconds at most: a write costs about the same for one event as for fifty.
(4) The flush writes the whole group once, and only then are they told.
When the write fails nobody of the group is told yes, because nothing of the group was kept.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from kanhe.core.errors import StorageError
from kanhe.serve.api.counters import Counters
from kanhe.serve.api.ports import Engine

_log = logging.getLogger("kanhe.serve")
_DOUBT_S = 5.0
_ENOUGH = 256
"""A group of so many events is written at once."""
_PATIENCE_S = 0.002
"""How long the first of a group waits for more, at most."""


Settled = Callable[[StorageError | None], None]
"""Told once: `None` when the event is durable, else why it is not."""


class GroupCommit:
    """Gathers waiting requests of one event loop into durable groups."""

    def __init__(self, engine: Engine, counters: Counters) -> None:
        self._engine = engine
        self._counters = counters
        self._waiting: list[Settled] = []
        self._events = 0
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

    def tell(self, settled: Settled, events: int = 1) -> None:
        """Call `settled` when what was judged so far is durable, or could not be made so.

        `events` is how many the caller has just judged, for the metrics. Must be called within
        the event loop, in the same turn as the judging.
        """
        if not self._waiting:
            loop = asyncio.get_running_loop()
            self._began, self._noticed = loop.time(), 0
            loop.call_soon(self._turn, loop)
        self._waiting.append(settled)
        self._events += events

    def durable(self, events: int = 1) -> asyncio.Future[None]:
        """The same as a future, which raises `StorageError` if the group could not be written."""
        future = asyncio.get_running_loop().create_future()

        def settled(error: StorageError | None) -> None:
            if future.done():  # a request that was given up has cancelled its future
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(StorageError(str(error)))

        self.tell(settled, events)
        return future

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait one more turn if this one brought requests, or write."""
        grew = self._events > self._noticed
        if grew and self._events < _ENOUGH and loop.time() - self._began < _PATIENCE_S:
            self._noticed = self._events
            loop.call_soon(self._turn, loop)
        else:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        events, self._events = self._events, 0
        error: StorageError | None = StorageError("the write broke off")
        try:
            self._engine.commit()
            error = None
        except StorageError as failure:
            error = failure
        finally:
            # Also when the program itself is at fault, the waiting ones must hear that nothing
            # is certain.
            self._note(error, len(waiting))
            for settled in waiting:
                settled(error)
        if error is None:
            self._counters.committed(events)

    def _note(self, error: StorageError | None, requests: int) -> None:
        if error is not None:
            if not self._failing:
                _log.error(
                    "journal.write_failed", extra={"cause": str(error), "requests": requests}
                )
            self._failed_at = time.monotonic()
        self._failing = error is not None
