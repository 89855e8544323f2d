"""Asking somebody for a second factor: the step-up routes of Kanhe, as this app uses them.

What is asked is bound to a purpose, and for a payment to amount, payee and order: an answer for one
payment confirms no other. The shop keeps the id of the question in the visitor's session, never an
answer; what was confirmed is redeemed once, just before the money moves.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from django.utils.translation import get_language

from kanhe.client import ClientError, Refused
from kanhe.client.step_up import StepUp
from kanhe.connect.oscar.connection import client
from kanhe.connect.oscar.visit import Visit

T = TypeVar("T")


class CannotAsk(Exception):
    """Kanhe could not be reached, or will not take the question: nobody can confirm anything now."""


class NoLonger(Exception):
    """The question is over: it was answered, took too many attempts, or is too old."""


class WrongAnswer(Exception):
    """The code or passkey is not right."""


class TooOften(Exception):
    """A guess or a letter too many; it may be tried again later."""


@dataclass(frozen=True)
class Question:
    """Everything an answer is bound to. Sent again with the answer, so that a change makes it void."""

    user: str
    order: str
    payee: str
    amount_minor: int
    currency: str

    def said(self) -> dict[str, Any]:
        """The part that is said again when it is confirmed and redeemed."""
        return {
            "order": self.order, "payee": self.payee, "amount_minor": self.amount_minor,
            "currency": self.currency,
        }  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A question that was begun, as it is kept in a session."""

    id: str
    methods: list[str]
    passkey: dict[str, Any] | None = None
    sent_to: str = ""
    expires_ms: int = 0
    redemption: str = field(default_factory=lambda: secrets.token_hex(16))

    def kept(self) -> dict[str, Any]:
        """For the session."""
        return asdict(self)


@dataclass(frozen=True)
class Judged:
    """What became of an answer."""

    passed: bool
    attempts_left: int = 0
    confirmation: str = ""


def begin(question: Question, visit: Visit, mail: str, decision: str = "") -> Asked:
    """Ask about a payment. `mail` is where a code may go if this user has enrolled nothing. Raises
    `CannotAsk`, also where there is nothing this user could answer with, `NoLonger`, `TooOften`."""
    more = _about(visit, mail, decision)
    return _asked(lambda: client().step_up.begin(question.user, **question.said(), **more))


def begin_login(user: str, visit: Visit, mail: str, decision: str = "") -> Asked:
    """Ask whoever gave the right password. Raises as `begin`."""
    more = _about(visit, mail, decision)
    return _asked(lambda: client().step_up.begin_for_login(user, **more))


def _about(visit: Visit, mail: str, decision: str) -> dict[str, Any]:
    said = {**visit.entities(), "decision_id": decision, "mail": mail}
    return {**_present(said), "language": _language()}


def _asked(ask: Callable[[], StepUp]) -> Asked:
    found = _done(ask)
    if not found.methods:
        raise CannotAsk("this user has no second factor, and no code can be sent")
    return Asked(
        found.step_up_id, list(found.methods), found.passkey or None, found.sent_to,
        found.expires_ms,
    )  # fmt: skip


def send(asked: Asked) -> None:
    """Have a code sent. Raises `CannotAsk`, `NoLonger`, `TooOften`."""
    _done(lambda: client().step_up.send(asked.id))


def confirm(asked: Asked, question: Question | None, code: str, passkey: str) -> Judged:
    """Take one attempt; a login has no question beside who it is. Raises `CannotAsk`, `NoLonger`,
    `TooOften`."""
    said = {**(question.said() if question else {}), **given(code, passkey)}
    found = _done(lambda: client().step_up.confirm(asked.id, **said))
    return Judged(found.passed, found.attempts_left, found.confirmation)


def given(code: str, passkey: str) -> dict[str, Any]:
    """What somebody answered, as it is sent. Raises `NoLonger` for what no browser answers."""
    if not passkey:
        return {"code": code.strip()}
    try:
        answer = json.loads(passkey)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise NoLonger("this is not what a browser answers for a passkey")
    return {"passkey": answer}


def redeem(asked: Asked, question: Question, confirmation: str) -> None:
    """Spend what was confirmed, once; a retry of the same request is harmless. Raises as `confirm`."""
    _done(
        lambda: client().step_up.redeem(
            asked.id, confirmation=confirmation, user=question.user, id=asked.redemption,
            **question.said(),
        )
    )  # fmt: skip


def redeem_login(asked: Asked, user: str, confirmation: str) -> None:
    """Spend what let somebody in, once. Raises as `confirm`."""
    _done(
        lambda: client().step_up.redeem_login(
            asked.id, confirmation=confirmation, user=user, id=asked.redemption
        )
    )  # fmt: skip


# A buyer's own factors


def factors(user: str) -> list[dict[str, Any]]:
    """What they have enrolled. Raises `CannotAsk`."""
    found = _done(lambda: client().step_up.factors(user))
    return [
        {"factor_id": one.factor_id, "kind": one.kind, "confirmed": one.confirmed, "sent_to": one.sent_to}
        for one in found
    ]  # fmt: skip


def enrol(user: str, kind: Any, name: str, right: dict[str, Any]) -> dict[str, Any]:
    """Begin to add a factor. Raises `CannotAsk`, `NoLonger`, `TooOften`."""
    made = _done(
        lambda: client().step_up.begin_factor(
            user, kind, name=name[:64], language=_language(), **right
        )
    )
    return {
        "factor_id": made.factor_id, "kind": made.kind, "secret": made.secret, "link": made.link,
        "passkey": made.passkey,
    }  # fmt: skip


def confirm_factor(user: str, factor: str, shown: dict[str, Any], visit: Visit) -> None:
    """Show it once, from when on it counts. Raises as `enrol`, and `WrongAnswer`."""
    where = _present(visit.entities())
    _done(lambda: client().step_up.confirm_factor(user, factor, **shown, **where))


def remove_factor(user: str, factor: str, right: dict[str, Any], visit: Visit) -> None:
    """Take it away. Raises as `enrol`."""
    where = _present(visit.entities())
    _done(lambda: client().step_up.remove_factor(user, factor, **right, **where))


def prove(user: str, code: str, visit: Visit) -> dict[str, Any]:
    """The right to change one's factors, by a code of one that is there. Raises as `enrol`, and
    `WrongAnswer`."""
    where = _present(visit.entities())
    asked = _done(lambda: client().step_up.begin_for_factors(user, **where))
    judged = _done(lambda: client().step_up.confirm(asked.step_up_id, code=code.strip()))
    if not judged.passed:
        raise WrongAnswer("the code is not right")
    return {"requires": {"step_up": asked.step_up_id, "confirmation": judged.confirmation}}


def _language() -> str:
    return "zh_CN" if (get_language() or "").startswith("zh") else "en"


def _present(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value}


def _done(do: Callable[[], T]) -> T:
    """Do it; what Kanhe says or fails to say becomes one of the exceptions above."""
    try:
        return do()
    except Refused as error:
        if error.type.endswith("factor-not-shown"):
            raise WrongAnswer(error.detail) from error
        if error.status == 429:
            raise TooOften(error.detail) from error
        if error.status in (404, 409):
            raise NoLonger(error.detail) from error
        raise CannotAsk(str(error)) from error
    except ClientError as error:
        raise CannotAsk(str(error)) from error
