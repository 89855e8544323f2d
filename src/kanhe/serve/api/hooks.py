"""Notices of payment providers and shop systems: `POST /v1/hooks/{source}`.

No key is asked for: the signature is the key. So whoever has none gets nothing for their trouble: a
source that is not there is a 404 like any path that is not, and nothing of a body is read before its
signature was found good.

(1) Which source is it? (2) The body within its limits. (3) Is it authentic? (4) What does it mean?
(5) Its events wait for their group like any other, and are durable (6) before the provider hears that
they were taken. A notice that means nothing here is acknowledged and counted: its provider would send
it again and again, and in the end no more notices at all. Where the journal cannot be written it is
not, and the provider's next try is the same events.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kanhe.core.errors import Refusal, StorageError
from kanhe.core.event import Asked
from kanhe.serve.api.access import Bucket
from kanhe.serve.api.answers import Rejected, rejected, retry_after
from kanhe.serve.api.intake import Intake
from kanhe.serve.api.intake_limits import read_head
from kanhe.serve.api.ports import HookReceiver, Hooks

_log = logging.getLogger("kanhe.serve")
_BURST_S = 10
"""So many seconds' worth of notices may come at once."""
_USUAL_BYTES = 16_384
"""So many bytes cost as much as a notice more: reading them is work for the process that judges."""
_MOST_BUCKETS = 2_000
_MOST_TOLD = 20
_QUIET_S = 60.0
_TOPIC = re.compile(r"[A-Za-z0-9._/-]{1,64}")


class HookRoutes:
    """The route of notices over one installation's sources."""

    def __init__(
        self,
        hooks: Hooks,
        intake: Intake,
        most_bytes: int,
        most_at_once: int,
        full: Callable[[], bool],
        overloaded: Callable[[], Rejected],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hooks = hooks
        self._intake = intake
        self._most_bytes = most_bytes
        self._most_at_once = most_at_once
        self._full = full
        self._overloaded = overloaded
        self._monotonic = monotonic
        self._buckets: dict[tuple[str, float], Bucket] = {}
        self._told: dict[tuple[str, str], float] = {}
        self._taking = 0

    def routes(self) -> list[Route]:
        """For Starlette's router."""
        return [Route("/v1/hooks/{source}", self._receive, methods=["POST"])]

    async def _receive(self, request: Request) -> Response:
        receiver = self._hooks.find(request.path_params["source"])  # (1)
        if receiver is None:
            raise rejected("not-found", "Nothing is here", 404, "See /openapi.json for all paths.")
        self._taking += 1
        try:
            outcome, types = await self._taken(receiver, request)
        except Refusal as refusal:
            return self._refused(receiver, refusal)
        finally:
            self._taking -= 1
        self._intake.counters.noticed(receiver.name, outcome)
        accepted = receiver.provider.accepted
        headers = {"kanhe-hook": outcome}
        if types:
            headers["kanhe-events"] = ", ".join(types[:_MOST_TOLD])
        return Response(accepted.body, accepted.status, headers, accepted.media_type or None)

    async def _taken(self, receiver: HookReceiver, request: Request) -> tuple[str, list[str]]:
        """Take one request in; gives the word under which it is counted, and the types of its events.
        Raises a refusal."""
        # Whoever has no key can fill these places, but not those of decisions.
        if self._full() or self._taking > self._most_at_once:
            raise self._overloaded()
        headers = request.headers.raw
        head = read_head(headers)
        most = min(self._most_bytes, receiver.provider.most_bytes or self._most_bytes)
        body = await self._intake.reading.whole(request.receive, head.length, most)  # (2)
        now_ms = self._hooks.clock()
        notices = receiver.notices(headers, body, now_ms)  # (3)
        if not notices:
            return "ping", []
        self._spend(receiver, len(body))
        if not receiver.ready:
            raise rejected(
                "hook-mapping-missing", "The mapping of the source is not there", 503,
                "The source asks for a mapping that this server has not read: start it anew.",
                retry_after(60),
            )  # fmt: skip
        asked: list[Asked] = []
        mistakes: list[str] = []
        types: list[str] = []
        aside = ""
        for notice in notices:
            understood = receiver.understand(notice, now_ms)  # (4)
            asked += receiver.asked(understood)
            mistakes += understood.mistakes
            if understood.left_out:
                why = "; ".join(understood.left_out[:3])
                self._tell("hook.left_out", receiver.name, "why", why)
            types += [event.type for event in understood.events]
            aside = aside or understood.aside
        fresh = await self._durable(asked, mistakes)  # (5) (6)
        if mistakes:
            # What was wrong, never what stood there.
            self._tell("hook.not_understood", receiver.name, "why", "; ".join(mistakes[:3]))
            return "not_understood", types
        if asked:
            return "taken" if fresh else "repeated", types
        if aside != "unknown":
            return "set_aside", []
        topic = notices[0].envelope.get("topic", "")
        self._tell(
            "hook.unknown", receiver.name, "topic", topic if _TOPIC.fullmatch(topic) else "?"
        )
        return "unknown", []

    def _tell(self, event: str, source: str, name: str, what: str) -> None:
        """Log something about the notices of a source; the same once a minute, as it comes again and
        again until somebody does something about it."""
        now = self._monotonic()
        if now - self._told.get((source, what), -_QUIET_S) < _QUIET_S:
            return
        if len(self._told) >= _MOST_BUCKETS:
            self._told.clear()
        self._told[source, what] = now
        _log.warning(event, extra={"source": source, name: what})

    async def _durable(self, asked: list[Asked], mistakes: list[str]) -> bool:
        """Wait until the events are durable; says whether any of them is new. Events that the
        registry refuses are mistakes of the mapping. Raises `StorageError` if any is not durable."""
        if not asked:
            return False
        fresh = False
        for result in await self._intake.group.take(asked):
            if isinstance(result, StorageError):
                raise result
            if isinstance(result, Refusal):
                problem = result.problem
                fields = ", ".join(error.field for error in problem.errors)
                mistakes.append(f"{problem.type.rpartition('/')[2]} {fields}".strip())
            elif isinstance(result, Exception):
                raise result
            else:
                fresh |= not result.repeated
        return fresh

    def _spend(self, receiver: HookReceiver, size: int) -> None:
        """Charge one notice to the rate of its source, a large one like several. Only authentic ones
        are: nobody else can use it up."""
        rate = receiver.rate_per_s
        if rate <= 0:
            return
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets.clear()
        bucket = self._buckets.get((receiver.name, rate))
        if bucket is None:
            bucket = Bucket(rate, max(1.0, rate * _BURST_S), self._monotonic)
            self._buckets[receiver.name, rate] = bucket
        wait_s = bucket.take(1 + size // _USUAL_BYTES)
        if wait_s > 0.0:
            raise rejected(
                "rate-exceeded", "Too many notices", 429,
                f"This source has used up its rate; try again in {wait_s:.3f} s.",
                retry_after(wait_s),
            )  # fmt: skip

    def _refused(self, receiver: HookReceiver, refusal: Refusal) -> Response:
        """A refusal in the form that the provider reads."""
        problem = refusal.problem
        counters = self._intake.counters
        counters.refused(problem.type)
        counters.noticed(receiver.name, "refused")
        answer = receiver.provider.answer_refusal(problem)
        headers = {"cache-control": "no-store", "kanhe-problem": problem.type}
        if isinstance(refusal, Rejected):
            headers |= {name.decode(): value.decode() for name, value in refusal.headers}
        return Response(answer.body, answer.status, headers, answer.media_type or None)
