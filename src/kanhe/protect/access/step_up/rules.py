"""Which methods are offered, what closes a step-up, and what must be proved before a factor changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

from kanhe.protect.access.step_up.binding import Purpose
from kanhe.protect.access.step_up.limits import UNPROVEN_MS, is_alive
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
    too_new: tuple[Kind, ...]
    """Kinds of which the user has factors, but only such that nobody vouched for and that are new."""


def is_unproven(factor: Factor, now_ms: int) -> bool:
    """Whether a factor answers nothing yet: the first of an account, made on nobody's word but that of
    whoever had the account at hand, less than a day ago. If that was a thief, the owner has a day."""
    age_ms = now_ms - factor.confirmed_ms
    return factor.authority == "first" and age_ms < UNPROVEN_MS


def offer(
    factors: Iterable[Factor],
    wanted: Collection[Kind] | None,
    purpose: Purpose,
    now_ms: int,
    *,
    address_given: bool,
    can_send: bool,
    has_origins: bool,
) -> Offer:
    """What is offered to a user with these factors.

    An address that the shop gives with the request is weaker than a factor the user has enrolled:
    whoever took an account over has often changed its address first. So it counts where there is no
    factor that answers, or, but for a change of factors, where the shop asks for `mail` by name and none
    is enrolled.
    """
    confirmed = [factor for factor in factors if factor.is_confirmed]
    answering = [factor for factor in confirmed if not is_unproven(factor, now_ms)]
    kinds = {factor.kind for factor in answering}
    mail = next((factor for factor in answering if factor.kind == "mail"), None)
    by_name = purpose != "factors" and wanted is not None and "mail" in wanted
    possible = {
        "totp": "totp" in kinds,
        "passkey": "passkey" in kinds and has_origins,
        "mail": can_send and (mail is not None or (address_given and (not answering or by_name))),
    }
    methods = tuple(kind for kind in KINDS if possible[kind] and (wanted is None or kind in wanted))
    new = {factor.kind for factor in confirmed} - kinds
    return Offer(
        methods, mail if "mail" in methods else None, tuple(kind for kind in KINDS if kind in new)
    )


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
