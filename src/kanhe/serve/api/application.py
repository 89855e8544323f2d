"""Which path leads where, and the boundary where every error becomes a problem.

The four routes that events come in by are plain ASGI and are found by one dictionary lookup;
everything else goes through Starlette's router (and none of its middleware, which would answer
errors in its own way).
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from kanhe.core.errors import Problem, Refusal, StorageError
from kanhe.core.settings import Settings
from kanhe.serve.api.access import Gate
from kanhe.serve.api.answers import (
    RETRY_AFTER_S,
    Headers,
    Receive,
    Rejected,
    Scope,
    Send,
    no_such_decision,
    rejected,
    retry_after,
    send_problem,
    storage_problem,
)
from kanhe.serve.api.batch import BatchOfEvents
from kanhe.serve.api.counters import CONTENT_TYPE, Counters
from kanhe.serve.api.grouping import GroupCommit
from kanhe.serve.api.hooks import HookRoutes
from kanhe.serve.api.intake import Intake
from kanhe.serve.api.intake_limits import Disconnected, Reading
from kanhe.serve.api.lists import ListRoutes
from kanhe.serve.api.log import LogRoutes
from kanhe.serve.api.policy import PolicyRoutes
from kanhe.serve.api.ports import Engine, Hooks
from kanhe.serve.api.single import SingleEvent
from kanhe.serve.api.step_up import StepUpRoutes

if TYPE_CHECKING:
    from kanhe.app.stepping_up.opening import StepUps

_log = logging.getLogger("kanhe.serve")


class Application:
    """The ASGI application over one engine."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        gate: Gate,
        describe: Callable[[], bytes],
        step_ups: StepUps | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        """Without `step_ups` or `hooks` there are no routes for them."""
        self.engine = engine
        self.gate = gate
        self.counters = Counters(engine.stats)
        self.group = GroupCommit(engine, self.counters)
        self.reading = Reading(settings.body_timeout_ms / 1000)
        self.intake = Intake(gate, self.reading, self.group, self.counters, settings.max_body_bytes)
        self._step_up = None if step_ups is None else StepUpRoutes(step_ups, self.intake)
        self._describe = describe
        self._most_in_flight = settings.max_in_flight
        self.events = self._event_routes(settings)
        self._rest = self._other_routes(settings, hooks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing that goes wrong leaves here as anything but a problem."""
        if scope["type"] != "http":
            await _lifespan(scope, receive, send)
            return
        started = False

        async def sending(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        self.counters.in_flight += 1
        try:
            await self._route(scope, receive, sending)
        except Disconnected:
            self.counters.refused("cut-off")
        except Exception as error:  # the boundary: a fault of the program costs one answer only
            problem, headers = self.explain(error)
            if not started:
                await send_problem(send, problem, headers)
        finally:
            self.counters.in_flight -= 1

    def explain(self, error: Exception) -> tuple[Problem, Headers]:
        """What is answered because of an error, counted and, if it is a fault, logged."""
        told, headers = _explained(error)
        self.counters.refused(told.type)
        return told, headers

    def tick(self) -> None:
        """Do what is due about once a second, within the event loop."""
        self.reading.sweep()
        if self._step_up is not None:
            self._step_up.tick()

    def close(self) -> None:
        """End what runs beside the loop, once nobody is answered any more."""
        if self._step_up is not None:
            self._step_up.close()

    def full(self) -> bool:
        """Whether no further event is taken until some are answered."""
        return self.counters.in_flight > self._most_in_flight

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self.events.get(scope["path"])
        if route is None:
            scope["app"] = self  # makes the router raise its 404 and 405 instead of sending text
            await self._rest(scope, receive, send)
            return
        if scope["method"] != "POST":
            raise _wrong_method("POST")
        if self.full():
            raise overloaded()
        await route(scope, receive, send)

    def _event_routes(self, settings: Settings) -> dict[str, SingleEvent | BatchOfEvents]:
        """The routes that events come in by, by their paths."""
        intake, most = self.intake, (settings.max_batch_bytes, settings.max_batch_lines)
        return {
            "/v1/decisions": SingleEvent(intake, decide=True),
            "/v1/events": SingleEvent(intake, decide=False),
            "/v1/decisions:batch": BatchOfEvents(intake, True, *most),
            "/v1/events:batch": BatchOfEvents(intake, False, *most),
        }

    def _other_routes(self, settings: Settings, hooks: Hooks | None) -> Router:
        received: list[Route] = []
        if hooks is not None:
            received = HookRoutes(
                hooks, self.intake, settings.max_hook_bytes, max(1, settings.max_in_flight // 4),
                self.full, overloaded,
            ).routes()  # fmt: skip
        return Router(
            routes=[
                *received,
                Route("/healthz", self._healthy),
                Route("/readyz", self._ready),
                Route("/metrics", self._metrics),
                Route("/openapi.json", self._openapi),
                Route("/v1/decisions/{decision_id}", self._decision),
                *LogRoutes(self.engine, self.gate, settings.log_public).routes(),
                *ListRoutes(self.engine, self.intake).routes(),
                *PolicyRoutes(self.engine, self.intake, settings.max_batch_bytes).routes(),
                *(self._step_up.routes() if self._step_up else ()),
            ],
            redirect_slashes=False,
        )

    async def _healthy(self, request: Request) -> Response:
        """The process runs and its loop turns."""
        return Response(b'{"status":"ok"}', media_type="application/json")

    async def _ready(self, request: Request) -> Response:
        """Events would be taken: the last write to the journal worked."""
        if self.group.failed_lately():
            raise StorageError("the last write to the journal failed")
        return Response(b'{"status":"ready"}', media_type="application/json")

    async def _metrics(self, request: Request) -> Response:
        self.gate.admit(request.headers.get("authorization", "").encode(), "metrics")
        return Response(self.counters.exposition(), headers={"content-type": CONTENT_TYPE})

    async def _openapi(self, request: Request) -> Response:
        return Response(self._describe(), media_type="application/json")

    async def _decision(self, request: Request) -> Response:
        caller = self.gate.admit(request.headers.get("authorization", "").encode(), "read")
        self.gate.spend(caller)
        answer = self.engine.read(caller.tenant, request.path_params["decision_id"])
        if answer is None:
            raise no_such_decision()
        return Response(answer, media_type="application/json")


async def _lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """Start-up and stop are the server's work; ASGI's lifespan is only acknowledged."""
    if scope["type"] != "lifespan":
        raise RuntimeError("only HTTP is served")
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


def overloaded() -> Rejected:
    """The rejection of one request too many."""
    return rejected(
        "overloaded",
        "Too many requests at once",
        503,
        "The server is answering as many requests as it may; try again.",
        retry_after(RETRY_AFTER_S),
    )


def _explained(error: Exception) -> tuple[Problem, Headers]:
    if isinstance(error, HTTPException):
        error = _from_starlette(error)
    if isinstance(error, Refusal):
        return error.problem, error.headers if isinstance(error, Rejected) else []
    if isinstance(error, StorageError):
        return storage_problem(), [retry_after(RETRY_AFTER_S)]
    note_fault("request.fault", error)
    return _internal(), []


def _from_starlette(error: HTTPException) -> Rejected:
    """Starlette's own 404 and 405, told as problems."""
    if error.status_code == 405:
        return _wrong_method((error.headers or {}).get("Allow", ""))
    if error.status_code == 404:
        return rejected("not-found", "Nothing is here", 404, "See /openapi.json for all paths.")
    return rejected("request-invalid", "The request is not valid", error.status_code, error.detail)


def _wrong_method(allowed: str) -> Rejected:
    return rejected(
        "method-not-allowed",
        "The method is not allowed",
        405,
        f"This path takes {allowed}.",
        (b"allow", allowed.encode()),
    )


def _internal() -> Problem:
    return Problem(
        "/problems/internal",
        "A fault of the server",
        500,
        "The fault was logged. Send the same event again: a retry never counts twice.",
    )


def note_fault(event: str, error: Exception) -> None:
    """Log where it broke, but never the message: it may quote what a caller sent."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{frame.filename}:{frame.lineno}:{frame.name}" for frame in frames[::-1])
    _log.error(event, extra={"error": type(error).__name__, "where": where})
