"""Step-up for buyers: the routes of `docs/step-up.md`, one method each, for threads and for tasks.

There is no fallback here: what nobody confirmed is not confirmed. Without an answer every method
raises `Unreachable`, and for what Kanhe refuses `Refused` with the problem. A retry of `redeem` with
the same `id` gets the same answer; of everything else the shop begins anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, Literal, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from kanhe.client.decision import read_problem
from kanhe.client.errors import Refused, Unreachable
from kanhe.client.wire import Failure, Reply, in_words

TIMEOUT_S = 5.0
SEND_TIMEOUT_S = 30.0
"""A mail server may take its time."""

Kind = Literal["totp", "passkey", "mail"]
T = TypeVar("T")


class Factor(msgspec.Struct, frozen=True):
    """One way for a buyer to show that it is they."""

    factor_id: str
    kind: str
    label: str = ""
    confirmed: bool = False
    sent_to: str = ""
    """Of an address: masked."""
    created_ms: int = 0
    used_ms: int = 0


class NewFactor(msgspec.Struct, frozen=True):
    """A factor that waits to be confirmed. What its owner needs for that is not told again."""

    factor_id: str
    kind: str
    expires_ms: int
    secret: str = ""
    link: str = ""
    """Of an app: the `otpauth:` link for a QR code."""
    passkey: dict[str, Any] = {}
    """For `PublicKeyCredential.parseCreationOptionsFromJSON`."""
    sent_to: str = ""


class StepUp(msgspec.Struct, frozen=True):
    """A question to a buyer. Without `methods` they can answer with nothing."""

    step_up_id: str
    methods: tuple[str, ...]
    expires_ms: int
    attempts_left: int
    passkey: dict[str, Any] = {}
    """For `PublicKeyCredential.parseRequestOptionsFromJSON`."""
    sent_to: str = ""
    too_new: tuple[str, ...] = ()
    """What they have set up less than a day ago, on nobody's word: it answers nothing yet."""


class CodeSent(msgspec.Struct, frozen=True):
    """A code that is on its way."""

    sent_to: str
    expires_ms: int
    sends_left: int
    again_ms: int


class Confirmed(msgspec.Struct, frozen=True):
    """What became of an attempt."""

    outcome: Literal["passed", "failed"]
    attempts_left: int
    method: str = ""
    reason: str = ""
    confirmation: str = ""
    redeem_until_ms: int = 0

    @property
    def passed(self) -> bool:
        """Whether there is something to redeem."""
        return self.outcome == "passed"


class Redeemed(msgspec.Struct, frozen=True):
    """The go-ahead to pay. It comes once, and again for a retry with the same `id`."""

    redeemed: bool
    step_up_id: str
    method: str = ""
    passed_ms: int = 0
    repeated: bool = False


class _Factors(msgspec.Struct):
    factors: list[Factor]


class _Removed(msgspec.Struct):
    removed: str


class _Call(NamedTuple, Generic[T]):
    """One request, and what its answer is read as."""

    method: str
    path: str
    body: Mapping[str, Any] | None
    answer: type[T]
    timeout_s: float = TIMEOUT_S


Send = Callable[[str, str, bytes, float], Reply | Failure]
AsyncSend = Callable[[str, str, bytes, float], Awaitable[Reply | Failure]]


class StepUps:
    """For threads: `kanhe.step_up`."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def factors(self, user: str) -> list[Factor]:
        """A buyer's factors."""
        return self._do(_factors(user)).factors

    def begin_factor(self, user: str, kind: Kind, **more: Any) -> NewFactor:
        """Begin a factor; `more` may be `label`, `name`, `mail`, `language`, `requires`."""
        return self._do(_begin_factor(user, kind, more))

    def confirm_factor(self, user: str, factor_id: str, **shown: Any) -> Factor:
        """Have it shown once: `code` or `passkey`, and as known `device`, `ip`, `session`."""
        return self._do(_confirm_factor(user, factor_id, shown))

    def remove_factor(self, user: str, factor_id: str, **more: Any) -> None:
        """Remove it; `requires` says by what right."""
        self._do(_remove_factor(user, factor_id, more))

    def begin(
        self, user: str, *, order: str, payee: str, amount_minor: int, currency: str,
        methods: Sequence[Kind] | None = None, **more: Any,
    ) -> StepUp:  # fmt: skip
        """Ask a buyer about one payment; `more` may be `decision_id`, `mail`, `language`, `device`,
        `ip`, `session`."""
        return self._do(_begin(user, order, payee, amount_minor, currency, methods, more))

    def begin_for_factors(self, user: str, **more: Any) -> StepUp:
        """Ask a buyer before their factors change."""
        return self._do(_begin_for("factors", user, more))

    def begin_for_login(self, user: str, **more: Any) -> StepUp:
        """Ask somebody who gave the right password before they are let in."""
        return self._do(_begin_for("login", user, more))

    def send(self, step_up_id: str) -> CodeSent:
        """Have a code sent by mail."""
        return self._do(_send(step_up_id))

    def confirm(self, step_up_id: str, **said: Any) -> Confirmed:
        """One attempt: `order`, `payee`, `amount_minor` and `currency` again, and `code` or `passkey`."""
        return self._do(_confirm(step_up_id, said))

    def redeem(
        self, step_up_id: str, *, confirmation: str, user: str, order: str, payee: str,
        amount_minor: int, currency: str, id: str = "",
    ) -> Redeemed:  # fmt: skip
        """Spend the confirmation, right before paying. Pay only if this returns."""
        return self._do(
            _redeem(step_up_id, confirmation, user, order, payee, amount_minor, currency, id)
        )

    def redeem_login(
        self, step_up_id: str, *, confirmation: str, user: str, id: str = ""
    ) -> Redeemed:
        """Spend the confirmation of a signing in. Let them in only if this returns."""
        return self._do(_redeem_login(step_up_id, confirmation, user, id))

    def _do(self, call: _Call[T]) -> T:
        return _read(call, self._send(call.method, call.path, _bytes(call), call.timeout_s))


class AsyncStepUps:
    """For tasks: the same, awaited."""

    def __init__(self, send: AsyncSend) -> None:
        self._send = send

    async def factors(self, user: str) -> list[Factor]:
        """See `StepUps.factors`."""
        return (await self._do(_factors(user))).factors

    async def begin_factor(self, user: str, kind: Kind, **more: Any) -> NewFactor:
        """See `StepUps.begin_factor`."""
        return await self._do(_begin_factor(user, kind, more))

    async def confirm_factor(self, user: str, factor_id: str, **shown: Any) -> Factor:
        """See `StepUps.confirm_factor`."""
        return await self._do(_confirm_factor(user, factor_id, shown))

    async def remove_factor(self, user: str, factor_id: str, **more: Any) -> None:
        """See `StepUps.remove_factor`."""
        await self._do(_remove_factor(user, factor_id, more))

    async def begin(
        self, user: str, *, order: str, payee: str, amount_minor: int, currency: str,
        methods: Sequence[Kind] | None = None, **more: Any,
    ) -> StepUp:  # fmt: skip
        """See `StepUps.begin`."""
        return await self._do(_begin(user, order, payee, amount_minor, currency, methods, more))

    async def begin_for_factors(self, user: str, **more: Any) -> StepUp:
        """See `StepUps.begin_for_factors`."""
        return await self._do(_begin_for("factors", user, more))

    async def begin_for_login(self, user: str, **more: Any) -> StepUp:
        """See `StepUps.begin_for_login`."""
        return await self._do(_begin_for("login", user, more))

    async def send(self, step_up_id: str) -> CodeSent:
        """See `StepUps.send`."""
        return await self._do(_send(step_up_id))

    async def confirm(self, step_up_id: str, **said: Any) -> Confirmed:
        """See `StepUps.confirm`."""
        return await self._do(_confirm(step_up_id, said))

    async def redeem(
        self, step_up_id: str, *, confirmation: str, user: str, order: str, payee: str,
        amount_minor: int, currency: str, id: str = "",
    ) -> Redeemed:  # fmt: skip
        """See `StepUps.redeem`."""
        return await self._do(
            _redeem(step_up_id, confirmation, user, order, payee, amount_minor, currency, id)
        )

    async def redeem_login(
        self, step_up_id: str, *, confirmation: str, user: str, id: str = ""
    ) -> Redeemed:
        """See `StepUps.redeem_login`."""
        return await self._do(_redeem_login(step_up_id, confirmation, user, id))

    async def _do(self, call: _Call[T]) -> T:
        return _read(call, await self._send(call.method, call.path, _bytes(call), call.timeout_s))


def _factors(user: str) -> _Call[_Factors]:
    return _Call("GET", f"/v1/buyers/{_part(user)}/factors", None, _Factors)


def _begin_factor(user: str, kind: str, more: Mapping[str, Any]) -> _Call[NewFactor]:
    path = f"/v1/buyers/{_part(user)}/factors"
    return _Call("POST", path, {"kind": kind, **more}, NewFactor, SEND_TIMEOUT_S)


def _confirm_factor(user: str, factor_id: str, shown: Mapping[str, Any]) -> _Call[Factor]:
    return _Call("POST", f"{_factor(user, factor_id)}:confirm", shown, Factor)


def _remove_factor(user: str, factor_id: str, more: Mapping[str, Any]) -> _Call[_Removed]:
    return _Call("DELETE", _factor(user, factor_id), more, _Removed)


def _begin(
    user: str, order: str, payee: str, amount_minor: int, currency: str,
    methods: Sequence[str] | None, more: Mapping[str, Any],
) -> _Call[StepUp]:  # fmt: skip
    wanted = {} if methods is None else {"methods": list(methods)}
    paid = {"order": order, "payee": payee, "amount_minor": amount_minor, "currency": currency}
    return _Call("POST", "/v1/step-ups", {"user": user, **paid, **wanted, **more}, StepUp)


def _begin_for(purpose: str, user: str, more: Mapping[str, Any]) -> _Call[StepUp]:
    return _Call("POST", "/v1/step-ups", {"user": user, "purpose": purpose, **more}, StepUp)


def _send(step_up_id: str) -> _Call[CodeSent]:
    path = f"/v1/step-ups/{_part(step_up_id)}:send"
    return _Call("POST", path, None, CodeSent, SEND_TIMEOUT_S)


def _confirm(step_up_id: str, said: Mapping[str, Any]) -> _Call[Confirmed]:
    return _Call("POST", f"/v1/step-ups/{_part(step_up_id)}:confirm", said, Confirmed)


def _redeem(
    step_up_id: str, confirmation: str, user: str, order: str, payee: str, amount_minor: int,
    currency: str, id: str,
) -> _Call[Redeemed]:  # fmt: skip
    body = {
        "confirmation": confirmation, "user": user, "order": order, "payee": payee,
        "amount_minor": amount_minor, "currency": currency, "id": id,
    }  # fmt: skip
    return _Call("POST", f"/v1/step-ups/{_part(step_up_id)}:redeem", body, Redeemed)


def _redeem_login(step_up_id: str, confirmation: str, user: str, id: str) -> _Call[Redeemed]:
    body = {"confirmation": confirmation, "user": user, "purpose": "login", "id": id}
    return _Call("POST", f"/v1/step-ups/{_part(step_up_id)}:redeem", body, Redeemed)


def _factor(user: str, factor_id: str) -> str:
    return f"/v1/buyers/{_part(user)}/factors/{_part(factor_id)}"


# Made at import: msgspec must not work out the same class in two threads at once.
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind)
    for kind in (_Factors, NewFactor, Factor, _Removed, StepUp, CodeSent, Confirmed, Redeemed)
}


def _part(text: str) -> str:
    """A part of a path: nothing in it leads anywhere else, not even dots."""
    return quote(text, safe="").replace(".", "%2E")


def _bytes(call: _Call[Any]) -> bytes:
    if call.body is None:
        return b""
    return msgspec.json.encode({name: v for name, v in call.body.items() if v is not None})


def _read(call: _Call[T], answer: Reply | Failure) -> T:
    if isinstance(answer, Failure):
        raise Unreachable(f"Kanhe gave no answer about a step-up: {answer.why}")
    if 200 <= answer.status < 300:
        try:
            found: T = _DECODERS[call.answer].decode(answer.body)
            return found
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Unreachable("what answered about a step-up is not Kanhe") from None
    problem = read_problem(answer.body) if 400 <= answer.status < 500 else None
    if problem is not None:
        raise Refused(problem)
    raise Unreachable(f"Kanhe did not answer about a step-up: {in_words(answer)}")
