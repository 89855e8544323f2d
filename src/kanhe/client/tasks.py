"""The client for tasks of asyncio: the same promises, awaited."""

from __future__ import annotations

import asyncio
import os
import ssl
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
from kanhe.client.links import AsyncLink
from kanhe.client.options import read_options
from kanhe.client.queue import RefusedEvent
from kanhe.client.stats import Stats
from kanhe.client.step_up import AsyncStepUps
from kanhe.client.wire import Failure, Reply


class AsyncKanhe:
    """As `Kanhe`, for asyncio; the options mean the same. Questions are asked by the task, the file of
    the queue is written in a thread, and the background sender is the same thread as there, so that a
    busy event loop does not keep events back."""

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
        transport: httpx.AsyncBaseTransport | None = None,
        sender_transport: httpx.BaseTransport | None = None,
    ) -> None:
        options = read_options(
            url, key, fallback=fallback, queue=queue, timeout=timeout, queue_max=queue_max,
            queue_sync=queue_sync, close_timeout=close_timeout, breaker_failures=breaker_failures,
            breaker_pause=breaker_pause, breaker_longest=breaker_longest, insecure=insecure,
        )  # fmt: skip
        self._engine = Engine(options, verify, sender_transport)
        self._link = AsyncLink(options, verify, transport)
        self.step_up = AsyncStepUps(self._link.call)
        """Asking buyers to show that it is they; see `kanhe.client.step_up`."""
        self._end = weakref.finalize(self, self._engine.close)

    async def decide(self, event: AnyEvent) -> Decision:
        """See `Kanhe.decide`. A task that is cancelled while Kanhe decides leaves the event in the queue:
        it has happened, and arrives once."""
        sent = self._engine.prepare(event, judge=True)
        try:
            return await self._walk(sent)
        except ClientError:
            raise
        except BaseException:
            self._engine.keep(sent)
            raise

    async def _walk(self, event: Outgoing) -> Decision:
        steps = self._engine.steps(event)
        answer: Reply | Failure | None = None
        try:
            while True:
                match steps.send(answer):
                    case Ask(asked, timeout_s):
                        answer = await self._link.ask(asked, timeout_s)
                    case Pause(seconds):
                        await asyncio.sleep(seconds)
                        answer = None
                    case Keep(kept):
                        await asyncio.to_thread(self._engine.keep, kept)
                        answer = None
        except StopIteration as end:
            decision: Decision = end.value
            return decision

    async def record(self, event: AnyEvent, *, judge: bool = False) -> bool:
        """See `Kanhe.record`."""
        return await asyncio.to_thread(self._engine.keep, self._engine.prepare(event, judge=judge))

    def start(self) -> Self:
        """See `Kanhe.start`."""
        self._engine.start()
        return self

    async def flush(self, timeout: float = 5.0) -> bool:  # noqa: ASYNC109 (it returns, it does not raise)
        """See `Kanhe.flush`."""
        return await asyncio.to_thread(self._engine.flush, timeout)

    @property
    def pending(self) -> int:
        """See `Kanhe.pending`."""
        return self._engine.pending()

    @property
    def stats(self) -> Stats:
        """See `Kanhe.stats`."""
        return self._engine.stats()

    def refused(self, most: int = 100) -> list[RefusedEvent]:
        """See `Kanhe.refused`."""
        return self._engine.refused(most)

    def resend(self, numbers: Iterable[int] | None = None) -> int:
        """See `Kanhe.resend`."""
        return self._engine.forgive(numbers)

    async def close(self) -> None:
        """See `Kanhe.close`."""
        await self._link.close()
        await asyncio.to_thread(self._end)

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncKanhe at {self._engine.options.url}>"
