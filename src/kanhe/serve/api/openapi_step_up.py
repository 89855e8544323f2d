"""What the description of the interface says about step-up for buyers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kanhe.serve.api.step_up import (
    FactorGone,
    FactorShown,
    NewFactor,
    NewStepUp,
    StepUpRedeemed,
    StepUpSaid,
)

BODIES: tuple[type[Any], ...] = (
    NewFactor, FactorShown, FactorGone, NewStepUp, StepUpSaid, StepUpRedeemed,
)  # fmt: skip
"""What is sent."""

_FACTORS = "/v1/buyers/{user}/factors"
_PAYMENT = {
    "order": "o-3001", "payee": "Shop Seven", "amount_minor": 57800, "currency": "CNY",
}  # fmt: skip


class Described(NamedTuple):
    """One operation of these routes."""

    path: str
    method: str
    name: str
    text: str
    body: type[Any] | None
    example: Mapping[str, Any]
    made: bool
    """Whether it makes something (201)."""
    refusals: tuple[str, ...]


_USUAL = ("401", "403", "408", "413", "422", "429", "503")

OPERATIONS = (
    Described(_FACTORS, "get", "list_factors", "List a buyer's factors", None, {}, False,
              ("401", "403", "422", "429", "503")),
    Described(_FACTORS, "post", "begin_factor", "Begin a factor", NewFactor,
              {"kind": "totp", "name": "mei@example.com"}, True, (*_USUAL, "409")),
    Described(_FACTORS + "/{id}:confirm", "post", "confirm_factor",
              "Have a new factor shown once; it counts from then on", FactorShown,
              {"code": "492039"}, False, (*_USUAL, "404", "409")),
    Described(_FACTORS + "/{id}", "delete", "remove_factor", "Remove a factor", FactorGone,
              {"requires": {"staff": "st-5", "statement": "lost phone, passport seen"}}, False,
              (*_USUAL, "404", "409")),
    Described("/v1/step-ups", "post", "begin_step_up", "Ask a buyer to show that it is they",
              NewStepUp, {"user": "u-1001", **_PAYMENT}, True, _USUAL),
    Described("/v1/step-ups/{id}:send", "post", "send_code", "Have a code sent", None, {}, False,
              ("401", "403", "404", "409", "429", "503")),
    Described("/v1/step-ups/{id}:confirm", "post", "confirm_step_up", "Take one attempt",
              StepUpSaid, {**_PAYMENT, "code": "492039"}, False, (*_USUAL, "404", "409")),
    Described("/v1/step-ups/{id}:redeem", "post", "redeem_step_up",
              "Spend what was confirmed, right before paying", StepUpRedeemed,
              {"confirmation": "kpV…", "user": "u-1001", **_PAYMENT, "id": "pay-6001"}, False,
              (*_USUAL, "404", "409")),
)  # fmt: skip

PARAMETERS = {
    "user": "The shop's id of the buyer.",
    "id": "The id that was given at the beginning.",
}
