"""Which methods are offered, what closes a step-up, and what must be proved before a factor changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

from kanhe.protect.access.step_up.binding import Purpose
from kanhe.protect.access.step_up.limits import is_alive
from kanhe.protect.access.step_up.records import KINDS, Factor, Kind, StepUp

Failure = Literal["wrong_code", "wrong_passkey", "not_verified", "mismatch", "not_offered"]
"""Why an attempt failed: the code does not fit, the passkey does not, the device did not check who
holds it, amount or payee or order are not those of the step-up, or the method is not one of it."""

Closed = Literal["expired", "passed", "no_attempts"]
"""Why a step-up takes no further attempt."""

Authority = Literal["first", "step_up", "statement", "staff"]
"""By what a factor was added or removed: there was none before, another factor was shown, the shop
says so, or customer service did."""


class Offer(NamedTuple):
    """What may answer a step-up."""

    methods: tuple[Kind, ...]
    enrolled_mail: Factor | None
    """The factor that holds the address, if a code can be sent to one that was enrolled."""


def offer(
    factors: Iterable[Factor],
    wanted: Collection[Kind] | None,
    purpose: Purpose,
    *,
    address_given: bool,
    can_send: bool,
    has_origins: bool,
) -> Offer:
    """What is offered to a user with these factors.

    An address that the shop gives with the request is weaker than a factor the user has enrolled:
    whoever took an account over has often changed its address first. So it counts where there is no
    confirmed factor at all, or, for a payment, where the shop asks for `mail` by name and none is
    enrolled. It never allows a change of factors beside one.
    """
    confirmed = [factor for factor in factors if factor.is_confirmed]
    kinds = {factor.kind for factor in confirmed}
    mail = next((factor for factor in confirmed if factor.kind == "mail"), None)
    by_name = purpose == "payment" and wanted is not None and "mail" in wanted
    possible = {
        "totp": "totp" in kinds,
        "passkey": "passkey" in kinds and has_origins,
        "mail": can_send and (mail is not None or (address_given and (not confirmed or by_name))),
    }
    methods = tuple(kind for kind in KINDS if possible[kind] and (wanted is None or kind in wanted))
    return Offer(methods, mail if "mail" in methods else None)


def closed(step_up: StepUp, now_ms: int) -> Closed | None:
    """Why it takes no further attempt; `None` while it does."""
    if step_up.passed_ms:
        return "passed"
    if step_up.attempts_left <= 0:
        return "no_attempts"
    if not is_alive(step_up.created_ms, step_up.expires_ms, now_ms):
        return "expired"
    return None


def must_prove(factors: Iterable[Factor]) -> bool:
    """Whether changing these factors takes proof: adding one to a stolen account is the attack."""
    return any(factor.is_confirmed for factor in factors)
