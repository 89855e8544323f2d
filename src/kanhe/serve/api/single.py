"""One event in, one durable answer out: the route that must be fast."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from kanhe.serve.api.access import Caller, Gate
from kanhe.serve.api.answers import Headers, Receive, Scope, Send, send_json
from kanhe.serve.api.counters import Counters
from kanhe.serve.api.grouping import GroupCommit
from kanhe.serve.api.intake_limits import Reading, body_too_large, read_head
from kanhe.serve.api.ports import Waiting

Take = Callable[[str, bytes, frozenset[str]], Waiting]
"""Judges or records one event of a tenant, in memory."""


class SingleEvent:
    """`POST` of one event.

    (1) Who is calling, and may they? (2) Read the body within its limits. (3) Judge it in memory.
    (4) Wait until it is durable with its neighbours. (5) Answer.

    Called as an ASGI application it does all of them. `Connection` takes a shorter way when the
    whole request has arrived at once: there is nothing to read then, so (1), (3) and (5) need no
    task, and (4) calls back.
    """

    def __init__(
        self,
        take: Take,
        needs: str,
        gate: Gate,
        reading: Reading,
        group: GroupCommit,
        counters: Counters,
        most_bytes: int,
    ) -> None:
        self._take = take
        self._needs = needs
        self._gate = gate
        self._reading = reading
        self._group = group
        self._counters = counters
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises `Refusal`, `StorageError` or `Disconnected` before any answer."""
        started = perf_counter()
        caller, length = self._admit(scope["headers"])  # (1)
        body = await self._reading.whole(receive, length, self._most_bytes)  # (2)
        waiting = self._take(caller.tenant, body, caller.scopes)  # (3)
        await self._group.durable()  # (4)
        await send_json(send, waiting.answer, repeated=waiting.repeated)  # (5)
        self._counters.answered(waiting)
        self._counters.took(perf_counter() - started)

    def begin(self, headers: Headers, body: bytes) -> Waiting:
        """Steps (1) and (3) for a request that has arrived whole. Raises as the call does."""
        caller, _ = self._admit(headers)
        if len(body) > self._most_bytes:
            raise body_too_large(self._most_bytes)
        return self._take(caller.tenant, body, caller.scopes)

    def _admit(self, headers: Headers) -> tuple[Caller, int]:
        head = read_head(headers)
        caller = self._gate.admit(head.authorization, self._needs)
        if caller.bucket is not None:
            self._gate.spend(caller)
        return caller, head.length
