"""What buyers answer with, judged: codes of an app, passkeys, codes that were sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kanhe.app.stepping_up.room import Room
from kanhe.core.errors import refuse
from kanhe.protect.access import totp
from kanhe.protect.access.step_up import limits
from kanhe.protect.access.step_up.codes import DIGITS, code_hash, typed_digits
from kanhe.protect.access.step_up.letters import Letter, NotSent
from kanhe.protect.access.step_up.records import Factor, Kind, StepUp
from kanhe.protect.access.step_up.rules import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kanhe.stores.sqlite.buyers import Writing


class Answer(NamedTuple):
    """How an attempt was judged: `failure` is `None` if it holds."""

    failure: Failure | None
    method: Kind
    factor: str = ""
    """The factor that was shown; empty if none was."""


class Answers:
    """Judges answers, and keeps of factors what must not be used again."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def method_of(self, code: str, passkey: str) -> Kind:
        """What somebody tried: eight digits were sent, anything else is of an app."""
        if passkey:
            return "passkey"
        return "mail" if len(typed_digits(code)) == DIGITS else "totp"

    def hash_of(self, subject: str, bound_to: bytes, code: str) -> bytes:
        """The hash of a code that was typed."""
        return code_hash(self._room.code_key, subject, bound_to, typed_digits(code))

    def opened(self, factor: Factor) -> bytes | None:
        """The secret of a factor; `None` if the installation's key is another one now."""
        return self._room.sealer.unlock(purpose_of(factor), factor.secret)

    def app(self, writing: Writing, factors: Sequence[Factor], code: str, now: int) -> Answer:
        """A code of one of these apps: its step, and all before it, are refused from then on."""
        for factor in factors:
            secret = self.opened(factor)
            if secret is None:
                continue
            step = totp.step_of(secret.decode("ascii"), typed_digits(code), now, factor.mark)
            if step is not None:
                writing.change_factor(factor.id, mark=step, used_ms=now)
                return Answer(None, "totp", factor.id)
        return Answer("wrong_code", "totp")

    def passkey(
        self, writing: Writing, factors: Sequence[Factor], challenge: bytes, response: str, now: int
    ) -> Answer:
        """What a browser answered for one of these passkeys."""
        # Imported here: the library is large.
        from kanhe.protect.access.passkeys import Passkey, PasskeyRefused, id_named_in, state_of

        try:
            named = id_named_in(response)
            factor = next((one for one in factors if one.credential == named), None)
            if factor is None or not self._room.shop(factor.tenant).origins:
                return Answer("wrong_passkey", "passkey")
            shown = self._room.passkeys(factor.tenant).shown(
                state_of(challenge), response, Passkey(factor.secret, factor.mark)
            )
        except PasskeyRefused as error:
            return Answer("not_verified" if error.unverified else "wrong_passkey", "passkey")
        writing.change_factor(factor.id, mark=shown.counter, used_ms=now)
        return Answer(None, "passkey", factor.id)

    def address_shown(self, writing: Writing, step_up: StepUp, now: int) -> str:
        """The enrolled address that a code was sent to, which is used by that; empty if the shop gave it."""
        sent_to = self._room.sealer.unlock(f"to:{step_up.id}", step_up.address)
        for factor in writing.factors(step_up.tenant, step_up.user):
            if factor.kind == "mail" and factor.is_confirmed and self.opened(factor) == sent_to:
                writing.change_factor(factor.id, used_ms=now)
                return factor.id
        return ""

    def spend_letter(self, writing: Writing, tenant: str, user: str, address: str) -> None:
        """Count a letter to somebody. Raises `StepUpWait` where there were too many lately."""
        key, room = self._room.place_key, self._room
        why = "too many codes were sent lately"
        room.spend(writing, limits.place(key, "sent", tenant, user), limits.SENT_PER_USER, why)
        folded = address.strip().casefold()
        place = limits.place(key, "sent to", tenant, folded)
        room.spend(writing, place, limits.SENT_PER_ADDRESS, why)

    def hand_over(self, letter: Letter) -> None:
        """Have a letter sent. Raises a refusal (503)."""
        assert self._room.sender is not None
        try:
            self._room.sender.send(letter)
        except NotSent as error:
            raise refuse(
                "step-up-not-sent", "The code could not be sent", 503,
                f"The mail server did not take it; ask for another code. ({error})",
            ) from error  # fmt: skip


def purpose_of(factor: Factor) -> str:
    """What the secret of a factor is sealed for: that of one factor opens as no other's."""
    return f"{factor.kind}:{factor.id}"
