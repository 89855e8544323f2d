"""The life of policy packs over HTTP. Who takes a step is the person that the API key belongs to, or
whom the pass of the desk names.

`GET /v1/policy` shows all packs, `GET /v1/policy/packs/{hash}` one with its steps;
`POST /v1/policy/packs` proposes one, `POST /v1/policy/packs/{hash}/{step}` has it take a step,
`POST /v1/policy/rollback` brings the one before back, `POST /v1/policy/release` lets a rule go that
the governor holds. Each answer is sent when the step is durable.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kanhe.core.errors import FieldProblem
from kanhe.judge.language.source import PolicyError, PolicyErrors
from kanhe.judge.policy.life import LifeError, Step
from kanhe.judge.policy.pack import load_archive
from kanhe.serve.api.access import Caller
from kanhe.serve.api.answers import Rejected, rejected
from kanhe.serve.api.intake import Intake
from kanhe.serve.api.ports import Engine

PROPOSE = "policy:propose"
APPROVE = "policy:approve"
READ = "policy:read"


class PolicyStep(NamedTuple):
    """A step that people take, and what a key needs for it."""

    step: Step
    scope: str


STEPS = {
    "backtested": PolicyStep("backtested", PROPOSE),
    "shadow": PolicyStep("shadowed", PROPOSE),
    "share": PolicyStep("shared", PROPOSE),
    "approve": PolicyStep("approved", APPROVE),
    "activate": PolicyStep("activated", APPROVE),
    "withdraw": PolicyStep("withdrawn", PROPOSE),
}
"""By the last word of the path."""
_MOST_BODY = 16_384
_MOST_MISTAKES = 50

_Why = Annotated[str, msgspec.Meta(max_length=500)]


class PolicyAsk(msgspec.Struct, forbid_unknown_fields=True):
    """What is sent with a step."""

    why: _Why = ""
    share_permille: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None
    """With `share`: how many thousandths of the buyers."""
    facts: dict[str, str] = {}
    """With `backtested`: what was found."""


class ReleaseAsk(msgspec.Struct, forbid_unknown_fields=True):
    """Which rule is let go."""

    rule: str
    """Its id; `*` for all together."""
    event_type: str
    outcome: Literal["deny", "challenge"]
    minutes: Annotated[int, msgspec.Meta(ge=0, le=10_080)] = 0
    """For how long it has no cap then."""
    why: _Why = ""


class Person(NamedTuple):
    """The person behind a key."""

    name: str
    key: str


class PolicyRoutes:
    """The routes of policy packs over one engine."""

    def __init__(self, engine: Engine, intake: Intake, most_bytes: int) -> None:
        self._engine = engine
        self._intake = intake
        self._most_bytes = most_bytes

    def routes(self) -> list[Route]:
        """For Starlette's router."""
        return [
            Route("/v1/policy", self._all, methods=["GET"]),
            Route("/v1/policy/packs", self._propose, methods=["POST"]),
            Route("/v1/policy/packs/{hash}", self._one, methods=["GET"]),
            Route("/v1/policy/packs/{hash}/{step}", self._step, methods=["POST"]),
            Route("/v1/policy/rollback", self._rollback, methods=["POST"]),
            Route("/v1/policy/release", self._release, methods=["POST"]),
        ]

    async def _all(self, request: Request) -> Response:
        self._admit(request, READ)
        held = [
            {"rule": h.rule or "*", "event_type": h.event_type, "outcome": h.outcome}
            for h in self._engine.stats().governor
        ]
        return _json({**self._engine.policies.view(), "held": held})

    async def _one(self, request: Request) -> Response:
        self._admit(request, READ)
        try:
            return _json(self._engine.policies.show(request.path_params["hash"]))
        except LifeError as error:
            raise _refused(error) from None

    async def _propose(self, request: Request) -> Response:
        person = self._person(request, PROPOSE)
        why = request.query_params.get("why", "")
        archive = await self._body(request, self._most_bytes)
        try:
            # Reading a large pack takes a moment; whoever waits for a decision must not wait for it.
            pack = await asyncio.to_thread(load_archive, archive)
            life = self._engine.policies.propose(pack, person, why)
        except (PolicyErrors, PolicyError) as error:
            raise _mistaken(error) from None
        except LifeError as error:
            raise _refused(error) from None
        return _json(self._engine.policies.show(life.hash), 201)

    async def _step(self, request: Request) -> Response:
        step = STEPS.get(request.path_params["step"])
        if step is None:
            raise rejected(
                "not-found", "No such step", 404, f"A pack can take these: {', '.join(STEPS)}."
            )
        person = self._person(request, step.scope)
        asked = _decoded(await self._body(request, _MOST_BODY), PolicyAsk)
        facts = dict(asked.facts)
        if asked.share_permille is not None:
            facts["share_permille"] = str(asked.share_permille)
        policies = self._engine.policies
        try:
            hash = policies.resolve(request.path_params["hash"])
            policies.take(step.step, hash, person, asked.why, facts)
        except LifeError as error:
            raise _refused(error) from None
        return _json(policies.show(hash))

    async def _rollback(self, request: Request) -> Response:
        person = self._person(request, APPROVE)
        asked = _decoded(await self._body(request, _MOST_BODY), PolicyAsk)
        try:
            self._engine.policies.rollback(person, asked.why)
        except LifeError as error:
            raise _refused(error) from None
        return _json(self._engine.policies.view())

    async def _release(self, request: Request) -> Response:
        person = self._person(request, APPROVE)
        asked = _decoded(await self._body(request, _MOST_BODY), ReleaseAsk)
        rule = "" if asked.rule == "*" else asked.rule
        released = self._engine.release_rule(
            rule,
            asked.event_type,
            asked.outcome,
            minutes=asked.minutes,
            by=person.name,
            why=asked.why,
        )
        if not released:
            raise rejected(
                "not-found", "Nothing is held", 404, "The governor holds no such rule just now."
            )
        return _json({"released": asked.rule})

    async def _body(self, request: Request, most: int) -> bytes:
        length = int(request.headers.get("content-length", "-1"))
        return await self._intake.reading.whole(request.receive, length, most)

    def _admit(self, request: Request, scope: str) -> Caller:
        caller = self._intake.gate.admit(request.headers.get("authorization", "").encode(), scope)
        self._intake.gate.spend(caller)
        return caller

    def _person(self, request: Request, scope: str) -> Person:
        caller = self._admit(request, scope)
        if self._intake.gate.is_nobody(caller) or not caller.name:
            raise rejected(
                "policy-step-refused",
                "The policy cannot take this step",
                409,
                "Without API keys nobody can be told from anybody else: make one key per person.",
            )
        return Person(caller.name, caller.key_id)


def _decoded(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise rejected(
            "step-invalid", "The step is not described as it should be", 422, str(error)[:200]
        ) from None


def _refused(error: LifeError) -> Rejected:
    if error.code == "unknown":
        return rejected("not-found", "No such pack", 404, str(error))
    return rejected("policy-step-refused", "The policy cannot take this step", 409, str(error))


def _mistaken(error: PolicyErrors | PolicyError) -> Rejected:
    errors = error.errors if isinstance(error, PolicyErrors) else (error,)
    return rejected(
        "policy-invalid", "The policy pack has mistakes", 422, f"{len(errors)} mistakes were found.",
        errors=tuple(
            FieldProblem(f"{e.path}:{e.line}:{e.column}", e.hint or "no mistake", e.message[:300])
            for e in errors[:_MOST_MISTAKES]
        ),
    )  # fmt: skip


def _json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
