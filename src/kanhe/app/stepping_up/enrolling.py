"""A buyer's own factors: adding, showing and removing them.

(1) `begin` makes a factor that counts for nothing yet. (2) `confirm` has it shown once; from then on
it counts, and the event that says so is durable with it. (3) `remove` takes one away.

Whoever has taken an account over would add a factor of their own, or remove those that are in the
way. So as soon as a user has a confirmed factor, a change takes proof: another step-up that was
passed with what they have, or the shop's own word for how it knows them (which stands in the event).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kanhe.app.stepping_up.answers import Answers, purpose_of
from kanhe.app.stepping_up.asking import redeem
from kanhe.app.stepping_up.room import Room, checked_address, event_of, invalid
from kanhe.core.errors import FieldProblem, Refusal, refuse
from kanhe.protect.access import totp
from kanhe.protect.access.chance import new_handle
from kanhe.protect.access.hashing import same
from kanhe.protect.access.masking import mask
from kanhe.protect.access.step_up import limits
from kanhe.protect.access.step_up.binding import NONCE_BYTES
from kanhe.protect.access.step_up.codes import code_hash, new_code
from kanhe.protect.access.step_up.letters import enrolment_letter
from kanhe.protect.access.step_up.records import Factor, Kind, Language
from kanhe.protect.access.step_up.rules import Authority, must_prove

if TYPE_CHECKING:
    from kanhe.stores.sqlite.buyers import Writing

_BOUND_TO = b"factor"
_FACTORS = {"purpose": "factors", "order": "", "payee": "", "amount_minor": 0, "currency": ""}


class Proof(NamedTuple):
    """By what a factor may be changed. All empty where nothing is brought."""

    step_up: str = ""
    """A step-up for `factors` that this user has passed, and its confirmation."""
    confirmation: str = ""
    statement: str = ""
    """How the shop knows that it is they."""
    staff: str = ""
    """Who of customer service does it; then `statement` says why."""
    ticket: str = ""


class Client(NamedTuple):
    """From where it is done, as far as the shop says so; for the events."""

    device: str = ""
    ip: str = ""
    session: str = ""


NO_PROOF, NOWHERE = Proof(), Client()


class New(NamedTuple):
    """A factor that waits to be confirmed, with what its owner needs to do so. None of it is told
    again."""

    id: str
    kind: Kind
    expires_ms: int
    secret: str = ""
    """Of an app: its secret in base 32, to be typed."""
    link: str = ""
    """Of an app: the `otpauth:` link for a QR code."""
    passkey: bytes = b""
    """JSON for `navigator.credentials.create`."""
    sent_to: str = ""
    """Masked: where a code was sent."""


class Shown(NamedTuple):
    """A factor as it is listed: never what it is secret by."""

    id: str
    kind: Kind
    label: str
    confirmed: bool
    sent_to: str
    """Of an address: masked."""
    created_ms: int
    used_ms: int


class Enrolling:
    """The factors of all shops' buyers."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._answers = Answers(room)

    def factors(self, tenant: str, user: str) -> list[Shown]:
        """Those of a user that count or can be confirmed yet; none for a user nobody has heard of."""
        now = self._room.clock()
        with self._room.store.writing() as writing:
            found = writing.factors(tenant, user)
        return [
            Shown(
                one.id, one.kind, one.label, one.is_confirmed, self._masked(one), one.created_ms,
                one.used_ms,
            )
            for one in found
            if one.is_confirmed or limits.is_alive(one.created_ms, one.expires_ms, now)
        ]  # fmt: skip

    # (1)

    def begin(
        self, tenant: str, user: str, kind: Kind, *, label: str = "", name: str = "",
        mail: str = "", language: Language = "en", proof: Proof = NO_PROOF,
    ) -> New:  # fmt: skip
        """A new factor for a user. `name` is what an app or a browser shows as the account; `mail` is
        the address of that kind. Raises a refusal, `StepUpWait`.

        The proof, where one is needed, is spent here: who confirms has shown the new factor.
        """
        room, now = self._room, self._room.clock()
        for field, text in (("label", label), ("name", name)):
            if not text.isprintable():
                raise invalid(FieldProblem(field, "a text that can all be printed", text[:80]))
        address = checked_address(mail) if kind == "mail" else ""
        if kind == "mail" and room.sender is None:
            raise _impossible("No mail server is set up, so no code can be sent.")
        if kind == "passkey" and not room.shop(tenant).origins:
            raise _impossible("No origins are set up for this shop, so no passkey can be made.")
        id = new_handle("fa", room.random_bytes)
        with room.store.writing() as writing:
            room.sweep(writing)
            place = limits.place(room.place_key, "enrolled", tenant, user)
            room.spend(writing, place, limits.ENROLLED_PER_USER, "too many factors were begun")
            # What was begun and never confirmed must keep nobody from setting up their own.
            present = [
                one for one in writing.factors(tenant, user)
                if one.is_confirmed or limits.is_alive(one.created_ms, one.expires_ms, now)
            ]  # fmt: skip
            if len(present) >= limits.MOST_FACTORS:
                raise _impossible(
                    f"A user has at most {limits.MOST_FACTORS} factors; remove one first."
                )
            authority = self._authority(writing, tenant, user, present, proof)
            # What could not be told of it later is refused now.
            event_of("account.factor_added", now, {
                "user": user, "factor": id, "step_up_method": kind, "factor_authority": authority,
                "step_up": proof.step_up, "note": proof.statement,
            })  # fmt: skip
            factor = Factor(
                id, tenant, user, kind, label, b"", b"", 0, now, 0, now + limits.PENDING_MS,
                limits.ATTEMPTS, b"", 0, "", proof.step_up, proof.statement,
            )  # fmt: skip
            if kind == "totp":
                return self._begin_app(writing, factor, name, authority)
            if kind == "passkey":
                return self._begin_passkey(writing, factor, name, authority, present)
            factor, code = self._begin_mail(writing, factor, address, authority)
        letter = enrolment_letter(
            address, room.shop(tenant).name, code, limits.PENDING_MS // 60_000, language, f"{id}.1"
        )
        self._answers.hand_over(letter)
        return New(id, kind, factor.expires_ms, sent_to=mask("email", address))

    def _begin_app(self, writing: Writing, factor: Factor, name: str, authority: Authority) -> New:
        secret = totp.new_secret(self._room.random_bytes)
        self._keep(writing, factor, secret.encode("ascii"), authority)
        link = totp.link_of(secret, name or factor.user, self._room.shop(factor.tenant).name)
        return New(factor.id, "totp", factor.expires_ms, secret, link)

    def _begin_passkey(
        self, writing: Writing, factor: Factor, name: str, authority: Authority,
        present: list[Factor],
    ) -> New:  # fmt: skip
        room = self._room
        nonce = room.random_bytes(NONCE_BYTES)
        keys = [one.secret for one in present if one.is_confirmed and one.kind == "passkey"]
        shown = name or factor.user
        asked = room.passkeys(factor.tenant).ask_to_make(
            room.handle(factor.tenant, factor.user), shown, shown, keys, nonce, discoverable=False
        )
        self._keep(writing, factor._replace(code=nonce), b"", authority)
        return New(factor.id, "passkey", factor.expires_ms, passkey=asked.options.encode("utf-8"))

    def _begin_mail(
        self, writing: Writing, factor: Factor, address: str, authority: Authority
    ) -> tuple[Factor, str]:
        room = self._room
        self._answers.spend_letter(writing, factor.tenant, factor.user, address)
        code = new_code(room.random_bytes)
        credential = room.address_place(factor.tenant, address)
        kept = factor._replace(
            credential=credential, code=code_hash(room.code_key, factor.id, _BOUND_TO, code)
        )
        self._keep(writing, kept, address.encode("utf-8"), authority)
        return kept, code

    def _keep(self, writing: Writing, factor: Factor, secret: bytes, authority: Authority) -> None:
        sealed = self._room.sealer.lock(purpose_of(factor), secret) if secret else b""
        # By what right it is made is told when it is confirmed: another process may do that.
        writing.add_factor(factor._replace(secret=sealed, authority=authority))

    # (2)

    def confirm(
        self, tenant: str, user: str, id: str, code: str, passkey: str, client: Client = NOWHERE
    ) -> Shown:
        """Have a new factor shown once; it counts from then on. Raises a refusal."""
        room, now = self._room, self._room.clock()
        with room.store.writing() as writing:
            factor = writing.factor(tenant, user, id)
            if factor is None:
                raise no_such_factor()
            self._check_open(writing, factor, now)
            left = factor.attempts_left - 1
            changed = self._shown_once(factor, code, passkey, now)
            if changed is None:
                writing.change_factor(id, attempts_left=left)
            else:
                self._confirmed(writing, changed, now)
                room.tell(
                    writing, tenant, "account.factor_added", user=user, factor=id,
                    step_up_method=factor.kind, factor_authority=factor.authority,
                    step_up=factor.proof, note=factor.statement,
                    device=client.device, ip=client.ip, session=client.session,
                )  # fmt: skip
        if changed is None:
            raise refuse(
                "factor-not-shown", "That does not confirm the factor", 422,
                f"The code or passkey does not fit; {left} attempts are left.",
            )  # fmt: skip
        return Shown(
            id, factor.kind, factor.label, True, self._masked(factor), factor.created_ms, 0
        )

    def _check_open(self, writing: Writing, factor: Factor, now: int) -> None:
        """Whether it can be confirmed. Raises a refusal."""
        if factor.is_confirmed:
            raise _closed("It was confirmed already.")
        if not limits.is_alive(factor.created_ms, factor.expires_ms, now):
            raise _closed("It has expired; begin another one.")
        if factor.attempts_left <= 0:
            raise _closed("All attempts were used up; begin another one.")
        # Begun as the first one; if another one has come in between, this one would need proof.
        if factor.authority == "first" and must_prove(writing.factors(factor.tenant, factor.user)):
            raise _closed("Another factor was confirmed meanwhile: begin again, with proof.")

    def _shown_once(self, factor: Factor, code: str, passkey: str, now: int) -> Factor | None:
        """The factor as it is kept once it was shown; `None` if what was shown does not fit."""
        if factor.kind == "passkey":
            return self._made(factor, passkey)
        if factor.kind == "mail":
            shown = self._answers.hash_of(factor.id, _BOUND_TO, code)
            return factor._replace(code=b"") if same(shown, factor.code) else None
        secret = self._answers.opened(factor)
        if secret is None:
            return None
        # The code that confirms the app is used up by it.
        step = totp.step_of(secret.decode("ascii"), code, now, 0)
        return None if step is None else factor._replace(mark=step)

    def _made(self, factor: Factor, response: str) -> Factor | None:
        # Imported here: the library is large.
        from kanhe.protect.access.passkeys import PasskeyRefused, credential_id_of, state_of

        if not self._room.shop(factor.tenant).origins:
            return None
        try:
            answered = self._room.passkeys(factor.tenant).made(state_of(factor.code), response)
        except PasskeyRefused:
            return None
        return factor._replace(
            secret=answered.key, credential=credential_id_of(answered.key), mark=answered.counter,
            code=b"",
        )  # fmt: skip

    def _confirmed(self, writing: Writing, factor: Factor, now: int) -> None:
        # Imported here: whoever only describes the routes loads no database.
        from kanhe.stores.sqlite.buyers import AlreadyThere

        try:
            writing.change_factor(
                factor.id, secret=factor.secret, credential=factor.credential, mark=factor.mark,
                code=b"", confirmed_ms=max(now, 1),
            )  # fmt: skip
        except AlreadyThere:
            raise _closed("This passkey or address is a factor already.") from None

    # (3)

    def remove(
        self, tenant: str, user: str, id: str, proof: Proof = NO_PROOF, client: Client = NOWHERE
    ) -> None:
        """Take a factor away. One that nobody has confirmed takes no proof. Raises a refusal.

        Devices the user has passed with are unknown ones from then on: what was shown on them may
        have been the factor that goes.
        """
        room = self._room
        with room.store.writing() as writing:
            factor = writing.factor(tenant, user, id)
            if factor is None:
                raise no_such_factor()
            if factor.is_confirmed:
                authority = self._authority(writing, tenant, user, [factor], proof)
                writing.forget_devices(tenant, user)
                room.tell(
                    writing, tenant, "account.factor_removed", user=user, factor=id,
                    step_up_method=factor.kind, factor_authority=authority, step_up=proof.step_up,
                    staff=proof.staff, ticket=proof.ticket, note=proof.statement,
                    device=client.device, ip=client.ip, session=client.session,
                )  # fmt: skip
                if proof.staff:
                    room.tell(
                        writing, tenant, "staff.action", staff=proof.staff, staff_action="deleted",
                        resource="credential", user=user, ticket=proof.ticket, note=proof.statement,
                    )  # fmt: skip
            writing.remove_factor(id)

    # ------------------------------------------------------------------------------------------------

    def _authority(
        self, writing: Writing, tenant: str, user: str, present: list[Factor], proof: Proof
    ) -> Authority:
        """By what right factors are changed. Raises a refusal; a step-up that is shown is spent."""
        if proof.staff:
            if not proof.statement:
                raise invalid(FieldProblem("requires.statement", "why customer service does it"))
            return "staff"
        if proof.step_up:
            said = {"user": user, **_FACTORS}
            done = redeem(
                writing, tenant, proof.step_up, proof.confirmation, said, "", self._room.clock()
            )
            enrolled = any(
                one.kind == "mail" and one.is_confirmed for one in writing.factors(tenant, user)
            )
            # A code to an address that the shop brought is the shop's word, and is told as that.
            return "statement" if done.method == "mail" and not enrolled else "step_up"
        if proof.statement:
            return "statement"
        if must_prove(present):
            raise refuse(
                "proof-missing", "A change of factors takes proof", 409,
                "This user has a factor: send 'requires' with a passed step-up for 'factors' and its "
                "confirmation, or with a statement of how the shop knows that it is they.",
            )  # fmt: skip
        return "first"

    def _masked(self, factor: Factor) -> str:
        if factor.kind != "mail":
            return ""
        address = self._answers.opened(factor)
        return mask("email", address.decode("utf-8")) if address else ""


def no_such_factor() -> Refusal:
    """The refusal of an id that leads to no factor of this user."""
    return refuse("not-found", "No such factor", 404, "This user has no factor with this id.")


def _closed(detail: str) -> Refusal:
    return refuse("factor-closed", "The factor cannot be confirmed", 409, detail)


def _impossible(detail: str) -> Refusal:
    return refuse("factor-impossible", "No such factor can be added", 409, detail)
