"""Step-up for buyers over HTTP: their factors, and asking, judging and redeeming.

`/v1/buyers/{user}/factors` begins, confirms, lists and removes factors; `/v1/step-ups` asks a buyer,
`:send` has a code sent, `:confirm` takes an attempt, `:redeem` spends what was confirmed.

Whoever judges payments must not wait for any of this: it runs in a few threads of its own, a bounded
number at once, and the events it leaves go to the journal with the groups of everybody else.
(1) Who is calling, and may they? (2) Read the body. (3) Do it, durable in `buyers.db` with its events.
(4) Have the journal take the events. (5) Answer. If (4) fails or the process dies, the events are
still there, and are taken later, once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kanhe.core.errors import FieldProblem, Refusal, StorageError
from kanhe.core.event import Asked
from kanhe.core.money import AMOUNT_MAX_MINOR
from kanhe.protect.access.step_up.limits import StepUpWait
from kanhe.serve.api.access import Caller
from kanhe.serve.api.answers import RETRY_AFTER_S, rejected, retry_after
from kanhe.serve.api.intake import Intake

if TYPE_CHECKING:
    from kanhe.app.stepping_up.asking import Asked as Begun
    from kanhe.app.stepping_up.enrolling import New, Proof, Shown
    from kanhe.app.stepping_up.opening import StepUps

SCOPE = "step_up"
WORKERS, MOST_WAITING = 2, 64
"""Threads that write and check, and how many requests wait for them at most."""
MAIL_WORKERS, MOST_MAIL_WAITING = 4, 16
"""The same for those that speak with a mail server, which may take long to answer."""
_MOST_BODY = 65_536
_SCOPES = frozenset({SCOPE})

_log = logging.getLogger("kanhe.serve")

T = TypeVar("T")

_Kind = Literal["totp", "passkey", "mail"]
_Language = Literal["en", "zh_CN"]
_Id = Annotated[str, Meta(min_length=1, max_length=128)]
_MaybeId = Annotated[str, Meta(max_length=128)]
_Mail = Annotated[str, Meta(max_length=254)]
_Said = Annotated[str, Meta(max_length=500)]
_Amount = Annotated[int, Meta(ge=0, le=AMOUNT_MAX_MINOR)]


class FactorProof(msgspec.Struct, forbid_unknown_fields=True):
    """By what a change of factors is allowed: a passed step-up for `factors`, or a statement."""

    step_up: _MaybeId = ""
    confirmation: _MaybeId = ""
    statement: _Said = ""
    """How the shop knows that it is they; for customer service, why."""
    staff: _MaybeId = ""
    """Who of customer service does it."""
    ticket: _MaybeId = ""


class NewFactor(msgspec.Struct, forbid_unknown_fields=True):
    """What is sent to begin a factor."""

    kind: _Kind
    label: Annotated[str, Meta(max_length=64)] = ""
    """What the shop calls it when it shows it to its owner."""
    name: Annotated[str, Meta(max_length=64)] = ""
    """What an app or a browser shows as the account; without it, the user's id."""
    mail: _Mail = ""
    """For `mail`: the address."""
    language: _Language = "en"
    requires: FactorProof = msgspec.field(default_factory=FactorProof)


class FactorShown(msgspec.Struct, forbid_unknown_fields=True):
    """What confirms a factor: a code of the app or of the letter, or what the browser made."""

    code: Annotated[str, Meta(max_length=64)] = ""
    passkey: dict[str, Any] | None = None
    device: _MaybeId = ""
    ip: _MaybeId = ""
    session: _MaybeId = ""


class FactorGone(msgspec.Struct, forbid_unknown_fields=True):
    """What is sent to remove a factor."""

    requires: FactorProof = msgspec.field(default_factory=FactorProof)
    device: _MaybeId = ""
    ip: _MaybeId = ""
    session: _MaybeId = ""


class NewStepUp(msgspec.Struct, forbid_unknown_fields=True):
    """What is sent to ask a buyer. A payment needs order, payee, amount and currency; the others none."""

    user: _Id
    purpose: Literal["payment", "login", "factors"] = "payment"
    order: _MaybeId = ""
    payee: Annotated[str, Meta(max_length=256)] = ""
    """Who is paid, as the buyer is shown it."""
    amount_minor: _Amount = 0
    currency: Annotated[str, Meta(max_length=3)] = ""
    decision_id: _MaybeId = ""
    methods: list[_Kind] | None = None
    """The methods the shop will accept; without it, all."""
    mail: _Mail = ""
    """An address to send a code to, where the user has enrolled none."""
    language: _Language = "en"
    device: _MaybeId = ""
    ip: _MaybeId = ""
    session: _MaybeId = ""


class StepUpSaid(msgspec.Struct, forbid_unknown_fields=True):
    """One attempt: what is confirmed, said again, and what confirms it."""

    order: _MaybeId = ""
    payee: Annotated[str, Meta(max_length=256)] = ""
    amount_minor: _Amount = 0
    currency: Annotated[str, Meta(max_length=3)] = ""
    user: _MaybeId = ""
    """Whose payment it is; without it, that of whom was asked."""
    code: Annotated[str, Meta(max_length=64)] = ""
    passkey: dict[str, Any] | None = None


class StepUpRedeemed(msgspec.Struct, forbid_unknown_fields=True):
    """What is sent right before paying, or before letting somebody in: the confirmation, and all that was
    confirmed."""

    confirmation: _Id
    user: _Id
    purpose: Literal["payment", "login"] = "payment"
    order: _MaybeId = ""
    payee: Annotated[str, Meta(max_length=256)] = ""
    amount_minor: _Amount = 0
    currency: Annotated[str, Meta(max_length=3)] = ""
    id: _MaybeId = ""
    """The sender's id of this payment: with the same one a retry gets the same answer."""


class _Threads:
    """A few threads, and a bounded number of requests that wait for them."""

    def __init__(self, name: str, workers: int, most: int) -> None:
        self._name = name
        self._workers = workers
        self._most = most
        self._now = 0
        self._pool: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """Do it in a thread; raises 503 where too many wait already."""
        if self._now >= self._most:
            raise rejected(
                "overloaded", "Too many requests at once", 503,
                "Too many step-ups are being worked on; try again.", retry_after(RETRY_AFTER_S),
            )  # fmt: skip
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, self._name)
        self._now += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except StepUpWait as error:
            wait_s = error.wait_ms / 1000
            raise rejected(
                "step-up-wait", "Too many step-ups", 429,
                f"It must wait, because {error}; try again in {wait_s:.0f} s.", retry_after(wait_s),
            ) from None  # fmt: skip
        finally:
            self._now -= 1

    def close(self) -> None:
        """End the threads, once they have done what they are at."""
        if self._pool is not None:
            self._pool.shutdown()


class StepUpRoutes:
    """The routes of step-up over one installation's factors and step-ups."""

    def __init__(self, step_ups: StepUps, intake: Intake) -> None:
        self._step_ups = step_ups
        self._intake = intake
        self._threads = _Threads("step-up", WORKERS, MOST_WAITING)
        self._posts = _Threads("step-up-mail", MAIL_WORKERS, MOST_MAIL_WAITING)
        self._delivery = asyncio.Lock()
        self._ticking: asyncio.Task[None] | None = None

    def routes(self) -> list[Route]:
        """For Starlette's router. A user's id may hold slashes."""
        factors = "/v1/buyers/{user:path}/factors"
        return [
            Route(factors, self._factors, methods=["GET"]),
            Route(factors, self._begin_factor, methods=["POST"]),
            Route(factors + "/{id}:confirm", self._confirm_factor, methods=["POST"]),
            Route(factors + "/{id}", self._remove_factor, methods=["DELETE"]),
            Route("/v1/step-ups", self._begin, methods=["POST"]),
            Route("/v1/step-ups/{id}:send", self._send, methods=["POST"]),
            Route("/v1/step-ups/{id}:confirm", self._confirm, methods=["POST"]),
            Route("/v1/step-ups/{id}:redeem", self._redeem, methods=["POST"]),
        ]

    # Factors

    async def _factors(self, request: Request) -> Response:
        caller, user = self._admit(request), _user(request)
        found = await self._threads.run(
            lambda: self._step_ups.enrolling.factors(caller.tenant, user)
        )
        return _json({"factors": [_factor(one) for one in found]})

    async def _begin_factor(self, request: Request) -> Response:
        caller, user = self._admit(request), _user(request)
        asked = await self._body(request, NewFactor)
        threads = self._posts if asked.kind == "mail" else self._threads
        made = await threads.run(
            lambda: self._step_ups.enrolling.begin(
                caller.tenant, user, asked.kind, label=asked.label, name=asked.name,
                mail=asked.mail, language=asked.language, proof=_proof(asked.requires, caller),
            )
        )  # fmt: skip
        return _json(_new(made), 201)

    async def _confirm_factor(self, request: Request) -> Response:
        caller, user, id = self._admit(request), _user(request), request.path_params["id"]
        said = await self._body(request, FactorShown)
        code, passkey = _one_of(said.code, said.passkey)

        def work() -> Shown:
            from kanhe.app.stepping_up.enrolling import Client

            client = Client(said.device, said.ip, said.session)
            return self._step_ups.enrolling.confirm(caller.tenant, user, id, code, passkey, client)

        shown = await self._threads.run(work)
        await self._deliver()
        return _json(_factor(shown))

    async def _remove_factor(self, request: Request) -> Response:
        caller, user, id = self._admit(request), _user(request), request.path_params["id"]
        asked = await self._body(request, FactorGone)

        def work() -> None:
            from kanhe.app.stepping_up.enrolling import Client

            client = Client(asked.device, asked.ip, asked.session)
            self._step_ups.enrolling.remove(
                caller.tenant, user, id, _proof(asked.requires, caller), client
            )

        await self._threads.run(work)
        await self._deliver()
        return _json({"removed": id})

    # Step-ups

    async def _begin(self, request: Request) -> Response:
        caller = self._admit(request)
        asked = await self._body(request, NewStepUp)
        _check_payment(asked)

        def work() -> Begun:
            from kanhe.app.stepping_up.asking import Question
            from kanhe.protect.access.step_up.binding import Binding

            binding = Binding(
                caller.tenant, asked.user, asked.purpose, asked.order, asked.payee,
                asked.amount_minor, asked.currency,
            )  # fmt: skip
            wanted = None if asked.methods is None else tuple(asked.methods)
            return self._step_ups.asking.begin(Question(
                binding, asked.decision_id, asked.device, asked.ip, asked.session, asked.mail,
                asked.language, wanted,
            ))  # fmt: skip

        begun = await self._threads.run(work)
        await self._deliver()
        told: dict[str, Any] = {
            "step_up_id": begun.id,
            "methods": begun.methods,
            "expires_ms": begun.expires_ms,
            "attempts_left": begun.attempts_left,
        }
        if begun.passkey:
            told["passkey"] = msgspec.Raw(begun.passkey)
        if begun.sent_to:
            told["sent_to"] = begun.sent_to
        if begun.too_new:
            told["too_new"] = begun.too_new
        return _json(told, 201)

    async def _send(self, request: Request) -> Response:
        caller, id = self._admit(request), request.path_params["id"]
        sent = await self._posts.run(lambda: self._step_ups.asking.send(caller.tenant, id))
        return _json(sent._asdict())

    async def _confirm(self, request: Request) -> Response:
        caller, id = self._admit(request), request.path_params["id"]
        said = await self._body(request, StepUpSaid)
        code, passkey = _one_of(said.code, said.passkey)
        again: dict[str, Any] = {
            "order": said.order, "payee": said.payee, "amount_minor": said.amount_minor,
            "currency": said.currency,
        }  # fmt: skip
        if said.user:
            again["user"] = said.user
        judged = await self._threads.run(
            lambda: self._step_ups.asking.confirm(caller.tenant, id, again, code, passkey)
        )
        await self._deliver()
        told: dict[str, Any] = {
            "outcome": "passed" if judged.passed else "failed",
            "method": judged.method,
            "attempts_left": judged.attempts_left,
        }
        if judged.passed:
            told["confirmation"] = judged.confirmation
            told["redeem_until_ms"] = judged.redeemable_until_ms
        else:
            told["reason"] = judged.reason
        return _json(told)

    async def _redeem(self, request: Request) -> Response:
        caller, id = self._admit(request), request.path_params["id"]
        said = await self._body(request, StepUpRedeemed)
        again = {
            "purpose": said.purpose, "user": said.user, "order": said.order, "payee": said.payee,
            "amount_minor": said.amount_minor, "currency": said.currency,
        }  # fmt: skip
        redeemed = await self._threads.run(
            lambda: self._step_ups.asking.redeem(
                caller.tenant, id, said.confirmation, again, said.id
            )
        )
        return _json({
            "redeemed": True, "step_up_id": id, "method": redeemed.method,
            "passed_ms": redeemed.passed_ms, "repeated": redeemed.repeated,
        })  # fmt: skip

    # The way to the journal

    def tick(self) -> None:
        """Have the journal take what still waits, also what another process has left. Called about
        once a second within the event loop."""
        if not self._step_ups.is_used:
            return
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.get_running_loop().create_task(self._deliver())

    async def _deliver(self) -> None:
        """Have the journal take the events that wait, in order. What cannot be taken now stays.

        An event is struck out after the journal has it: a crash in between sends it again under its
        id, which the journal takes once.
        """
        async with self._delivery:
            try:
                while waiting := await self._threads.run(self._step_ups.waiting):
                    asked = [Asked(one.tenant, one.body, _SCOPES, True) for one in waiting]
                    results = await self._intake.group.take(asked)
                    done, refused, stuck = [], [], False
                    for one, result in zip(waiting, results, strict=True):
                        if isinstance(result, Refusal):
                            _log.error(
                                "step_up.event_refused",
                                extra={"event": one.event_id, "cause": result.problem.type},
                            )
                            refused.append((one.number, result.problem.type))
                        elif isinstance(result, Exception):
                            stuck = True
                        else:
                            done.append(one.number)
                    await self._threads.run(partial(self._step_ups.delivered, done, refused))
                    if stuck:
                        return
            except (StorageError, Refusal) as error:
                _log.warning("step_up.delivery_waits", extra={"cause": str(error)})

    def close(self) -> None:
        """End the threads."""
        self._threads.close()
        self._posts.close()

    # ------------------------------------------------------------------------------------------------

    def _admit(self, request: Request) -> Caller:
        header = request.headers.get("authorization", "").encode()
        caller = self._intake.gate.admit(header, SCOPE)
        self._intake.gate.spend(caller)
        return caller

    async def _body(self, request: Request, kind: type[T]) -> T:
        length = int(request.headers.get("content-length", "-1"))
        body = await self._intake.reading.whole(request.receive, length, _MOST_BODY)
        try:
            return msgspec.json.decode(body or b"{}", type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise rejected(
                "step-up-invalid", "The request is not valid", 422, str(error)[:200]
            ) from None


def _check_payment(asked: NewStepUp) -> None:
    """A payment says what is paid; a change of factors says none of it."""
    said = {
        "order": asked.order, "payee": asked.payee, "amount_minor": asked.amount_minor,
        "currency": asked.currency,
    }  # fmt: skip
    if asked.purpose == "payment":
        wrong = [name for name, value in said.items() if value == ""]
        expected = "what is paid, for the purpose payment"
    else:
        wrong = [name for name, value in said.items() if value not in ("", 0)]
        expected = f"nothing, for the purpose {asked.purpose}"
    if wrong:
        raise rejected(
            "step-up-invalid", "The request is not valid", 422, f"{wrong[0]}: expected {expected}",
            errors=tuple(FieldProblem(name, expected) for name in wrong),
        )  # fmt: skip


def _one_of(code: str, passkey: dict[str, Any] | None) -> tuple[str, str]:
    """The code, or the browser's answer as JSON."""
    if bool(code) == (passkey is not None):
        raise rejected(
            "step-up-invalid", "The request is not valid", 422, "Send either 'code' or 'passkey'."
        )
    return code, "" if passkey is None else msgspec.json.encode(passkey).decode()


def _proof(asked: FactorProof, caller: Caller) -> Proof:
    from kanhe.app.stepping_up.enrolling import Proof

    # Whoever signed in at the desk cannot be written down as somebody else.
    staff = caller.staff or asked.staff
    return Proof(asked.step_up, asked.confirmation, asked.statement, staff, asked.ticket)


def _user(request: Request) -> str:
    user: str = request.path_params["user"]
    if not 1 <= len(user) <= 128 or not user.isprintable():
        raise rejected(
            "step-up-invalid", "The request is not valid", 422,
            "A user's id has 1 to 128 characters that can all be printed.",
        )  # fmt: skip
    return user


def _factor(shown: Shown) -> dict[str, Any]:
    told: dict[str, Any] = {
        "factor_id": shown.id, "kind": shown.kind, "label": shown.label,
        "confirmed": shown.confirmed, "created_ms": shown.created_ms, "used_ms": shown.used_ms,
    }  # fmt: skip
    return {**told, "sent_to": shown.sent_to} if shown.sent_to else told


def _new(made: New) -> dict[str, Any]:
    told: dict[str, Any] = {
        "factor_id": made.id, "kind": made.kind, "expires_ms": made.expires_ms,
    }  # fmt: skip
    if made.kind == "totp":
        told |= {"secret": made.secret, "link": made.link}
    elif made.kind == "passkey":
        told["passkey"] = msgspec.Raw(made.passkey)
    else:
        told["sent_to"] = made.sent_to
    return told


def _json(content: Any, status: int = 200) -> Response:
    # Secrets and confirmations are for whoever asked, and for no cache on the way.
    headers = {"cache-control": "no-store"}
    return Response(
        msgspec.json.encode(content), status, media_type="application/json", headers=headers
    )
