"""Asking a buyer, judging the answer, and redeeming it: from `POST /v1/step-ups` to the payment.

(1) `begin` keeps what is asked about, and offers what this user can answer with. (2) `send` has a code
sent, if that is one of the methods. (3) `confirm` takes one attempt. (4) `redeem` spends what was
confirmed. Each is one transaction: an attempt, what became of it and the event that tells of it are
durable together before anybody is answered. A crash before leaves nothing of it, and nobody has
learnt anything; after it a code that was taken stays taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kanhe.app.stepping_up.answers import Answer, Answers
from kanhe.app.stepping_up.room import Room, checked_address
from kanhe.core.errors import Refusal, refuse
from kanhe.protect.access.chance import new_handle, new_token, token_hash
from kanhe.protect.access.hashing import same
from kanhe.protect.access.lockout import after_failure, wait_ms
from kanhe.protect.access.masking import mask
from kanhe.protect.access.step_up import limits
from kanhe.protect.access.step_up.binding import NONCE_BYTES, Binding, passkey_challenge
from kanhe.protect.access.step_up.codes import code_hash, new_code
from kanhe.protect.access.step_up.letters import payment_letter
from kanhe.protect.access.step_up.records import Factor, Kind, Language, StepUp
from kanhe.protect.access.step_up.rules import Closed, Failure, closed, is_unproven, offer

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from kanhe.protect.access.lockout import Bucket, Count
    from kanhe.stores.sqlite.buyers import Writing


class Question(NamedTuple):
    """What a step-up is about, and whom it is asked of."""

    binding: Binding
    decision: str = ""
    device: str = ""
    ip: str = ""
    session: str = ""
    mail: str = ""
    """An address that the shop gives; see `rules.offer` for when it counts."""
    language: Language = "en"
    wanted: tuple[Kind, ...] | None = None
    """The methods the shop will accept; `None` for all."""


class Asked(NamedTuple):
    """A step-up that was begun."""

    id: str
    methods: tuple[Kind, ...]
    passkey: bytes
    """JSON for `navigator.credentials.get`; empty if no passkey may answer."""
    sent_to: str
    """Masked: where a code would be sent; empty if none can be."""
    expires_ms: int
    attempts_left: int
    too_new: tuple[Kind, ...] = ()
    """Kinds that this user has set up too lately, and on nobody's word, to answer with."""


class Sent(NamedTuple):
    """A code that was handed over."""

    sent_to: str
    expires_ms: int
    sends_left: int
    again_ms: int
    """From when on another one may be asked for."""


class Judged(NamedTuple):
    """What became of an attempt."""

    passed: bool
    attempts_left: int
    reason: Failure | None = None
    confirmation: str = ""
    redeemable_until_ms: int = 0
    method: str = ""


class Redeemed(NamedTuple):
    """What was confirmed, and is spent now."""

    method: str
    passed_ms: int
    repeated: bool


class Asking:
    """The step-ups of all shops."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._answers = Answers(room)

    # (1)

    def begin(self, question: Question) -> Asked:
        """Ask a user. Raises a refusal (422) about what was sent, `StepUpWait`.

        A user nobody has heard of is asked like one who has no factor: with what the shop brings.
        """
        room, binding = self._room, question.binding
        address_given = checked_address(question.mail) if question.mail else ""
        now = room.clock()
        with room.store.writing() as writing:
            room.sweep(writing)
            known = self._known_device(writing, binding, question.device)
            place = limits.place(room.place_key, "asked", binding.tenant, binding.user, known)
            room.spend(writing, place, limits.ASKED_PER_USER, "this user was asked too often")
            factors = writing.factors(binding.tenant, binding.user)
            offered = offer(
                factors, question.wanted, binding.purpose, now, address_given=bool(address_given),
                can_send=room.sender is not None, has_origins=bool(room.shop(binding.tenant).origins),
            )  # fmt: skip
            id = new_handle("su", room.random_bytes)
            address = b""
            if offered.enrolled_mail is not None:
                opened = self._answers.opened(offered.enrolled_mail)
                address = room.sealer.lock(f"to:{id}", opened) if opened else b""
            elif "mail" in offered.methods:
                address = room.sealer.lock(f"to:{id}", address_given.encode("utf-8"))
            step_up = StepUp(
                id, binding.tenant, binding.user, binding.purpose, binding.order, binding.payee,
                binding.amount_minor, binding.currency, question.decision, question.device,
                question.ip, question.session, question.language, " ".join(offered.methods),
                room.random_bytes(NONCE_BYTES), address, b"", 0, 0, 0, limits.ATTEMPTS, now,
                now + limits.LIFE_MS, 0, "", b"", 0, 0, "",
            )  # fmt: skip
            writing.add_step_up(step_up)
            self._tell(writing, step_up, "step_up.requested")
        return Asked(
            id, offered.methods, self._passkey_options(step_up, factors), self._masked(step_up),
            step_up.expires_ms, step_up.attempts_left, offered.too_new,
        )  # fmt: skip

    # (2)

    def send(self, tenant: str, id: str) -> Sent:
        """Have a code sent; one that was sent before is worth nothing from then on.

        The code's hash is durable before the letter is handed over: a crash in between costs one of
        the codes that may be sent, never one that the store does not know. Raises a refusal,
        `StepUpWait`.
        """
        room = self._room
        now = room.clock()
        with room.store.writing() as writing:
            step_up = self._open(writing, tenant, id, now)
            to = room.sealer.unlock(f"to:{id}", step_up.address) if step_up.address else None
            if to is None or room.sender is None:
                raise refuse(
                    "step-up-no-address", "No code can be sent", 409,
                    "This step-up does not offer mail: no address is known for it.",
                )  # fmt: skip
            if step_up.sends >= limits.SENDS:
                raise refuse(
                    "step-up-closed", "The step-up takes no more of this", 409,
                    f"At most {limits.SENDS} codes are sent for one step-up; begin another one.",
                )  # fmt: skip
            again = step_up.sent_ms + limits.SEND_PAUSE_MS
            if step_up.sends and now < again <= now + limits.SEND_PAUSE_MS:
                raise limits.StepUpWait(again - now, "a code was sent just now")
            address = to.decode("utf-8")
            self._answers.spend_letter(writing, tenant, step_up.user, address)
            code = new_code(room.random_bytes)
            until = min(now + limits.LIFE_MS, step_up.expires_ms)
            kept = code_hash(room.code_key, id, step_up.binding.digest(), code)
            writing.change_step_up(
                id, code=kept, code_until_ms=until, sends=step_up.sends + 1, sent_ms=now
            )
        minutes = max(1, (until - now) // 60_000)
        letter = payment_letter(
            address, room.shop(tenant).name, step_up.binding, code, minutes,
            "zh_CN" if step_up.language == "zh_CN" else "en", f"{id}.{step_up.sends + 1}",
        )  # fmt: skip
        self._answers.hand_over(letter)
        return Sent(
            mask("email", address), until, limits.SENDS - step_up.sends - 1,
            now + limits.SEND_PAUSE_MS,
        )  # fmt: skip

    # (3)

    def confirm(
        self, tenant: str, id: str, said: Mapping[str, Any], code: str, passkey: str
    ) -> Judged:
        """Take one attempt: a code, or what a browser answered for a passkey.

        `said` is what is confirmed, said again: what differs from the step-up fails, whatever the
        code. Raises a refusal (404, 409), `StepUpWait`.
        """
        room = self._room
        now = room.clock()
        with room.store.writing() as writing:
            step_up = self._open(writing, tenant, id, now)
            buckets = () if passkey else self._buckets(writing, step_up)
            counts = self._counts(writing, buckets, now)
            waits = wait_ms(buckets, counts, now)
            judged = None if waits else self._attempt(
                writing, step_up, said, code, passkey, buckets, counts, now
            )  # fmt: skip
        if judged is None:
            raise limits.StepUpWait(waits, "too many codes of this user were wrong")
        return judged

    def _counts(self, writing: Writing, buckets: Sequence[Bucket], now: int) -> dict[bytes, Count]:
        """Failures so far. What a clock that was wrong for a while has put into the future happened now:
        otherwise nobody would be let in until then."""
        counts = dict(writing.counts([bucket.key for bucket in buckets]))
        for place, count in counts.items():
            if count.last_ms > now + limits.CLOCK_BACK_MS:
                counts[place] = count._replace(last_ms=now)
                writing.set_count(place, counts[place])
        return counts

    def _attempt(
        self, writing: Writing, step_up: StepUp, said: Mapping[str, Any], code: str, passkey: str,
        buckets: Sequence[Bucket], counts: Mapping[bytes, Count], now: int,
    ) -> Judged:  # fmt: skip
        answer = self._judge(writing, step_up, said, code, passkey, now)
        if answer.failure is None:
            for bucket in buckets:
                writing.set_count(bucket.key, limits.NO_FAILURES)
            return self._passed(writing, step_up, answer, now)
        for bucket in buckets:
            count = after_failure(bucket, counts.get(bucket.key, limits.NO_FAILURES), now)
            writing.set_count(bucket.key, count)
        left = step_up.attempts_left - 1
        writing.change_step_up(step_up.id, attempts_left=left)
        self._tell(
            writing, step_up, "step_up.failed", step_up_method=answer.method,
            step_up_failure=answer.failure, attempts_left=left,
        )  # fmt: skip
        return Judged(False, left, answer.failure, method=answer.method)

    def _judge(
        self, writing: Writing, step_up: StepUp, said: Mapping[str, Any], code: str, passkey: str,
        now: int,
    ) -> Answer:  # fmt: skip
        again = step_up.binding._replace(**said)
        method = self._answers.method_of(code, passkey)
        if not again.same_as(step_up.binding):
            return Answer("mismatch", method)
        if method not in step_up.offered:
            return Answer("not_offered", method)
        if method == "mail":
            return self._mailed(writing, step_up, again, code, now)
        factors = [
            one for one in writing.factors(step_up.tenant, step_up.user)
            if one.is_confirmed and one.kind == method and not is_unproven(one, now)
        ]  # fmt: skip
        if method == "totp":
            return self._answers.app(writing, factors, code, now)
        challenge = passkey_challenge(step_up.nonce, again)
        return self._answers.passkey(writing, factors, challenge, passkey, now)

    def _mailed(
        self, writing: Writing, step_up: StepUp, again: Binding, code: str, now: int
    ) -> Answer:
        shown = self._answers.hash_of(step_up.id, again.digest(), code)
        alive = limits.is_alive(step_up.sent_ms, step_up.code_until_ms, now)
        if not step_up.code or not alive or not same(shown, step_up.code):
            return Answer("wrong_code", "mail")
        return Answer(None, "mail", self._answers.address_shown(writing, step_up, now))

    def _passed(self, writing: Writing, step_up: StepUp, answer: Answer, now: int) -> Judged:
        """Keep that somebody has passed, and make what is redeemed; the code is worth nothing now."""
        confirmation = new_token(self._room.random_bytes)
        until = now + limits.REDEEM_MS
        writing.change_step_up(
            step_up.id, passed_ms=max(now, 1), passed_by=answer.method, code=b"",
            confirmation=token_hash(confirmation), redeemable_until_ms=until,
        )  # fmt: skip
        if step_up.device:
            place = self._device_place(step_up.binding, step_up.device)
            writing.remember_device(place, step_up.tenant, step_up.user, now)
        self._tell(
            writing, step_up, "step_up.passed", step_up_method=answer.method, factor=answer.factor
        )
        return Judged(True, step_up.attempts_left, None, confirmation, until, answer.method)

    # (4)

    def redeem(
        self, tenant: str, id: str, confirmation: str, said: Mapping[str, Any], redemption: str
    ) -> Redeemed:
        """Spend what was confirmed, once. With the same `redemption` a retry gets the same answer.

        Raises a refusal: 404, or 409 where it was not passed, is over, was spent already, or is not
        what was confirmed. What is refused spends nothing.
        """
        with self._room.store.writing() as writing:
            return redeem(writing, tenant, id, confirmation, said, redemption, self._room.clock())

    # ------------------------------------------------------------------------------------------------

    def _open(self, writing: Writing, tenant: str, id: str, now: int) -> StepUp:
        """A step-up that takes attempts. Raises a refusal."""
        step_up = writing.step_up(tenant, id)
        if step_up is None:
            raise no_such_step_up()
        why = closed(step_up, now)
        if why is not None:
            raise refuse("step-up-closed", "The step-up takes no more of this", 409, _CLOSED[why])
        return step_up

    def _known_device(self, writing: Writing, binding: Binding, device: str) -> str:
        """The device, if this user has passed with it before; otherwise empty."""
        since = self._room.clock() - limits.DEVICE_KNOWN_MS
        known = device and writing.knows_device(self._device_place(binding, device), since)
        return device if known else ""

    def _device_place(self, binding: Binding, device: str) -> bytes:
        return limits.place(
            self._room.place_key, "known device", binding.tenant, binding.user, device
        )

    def _buckets(self, writing: Writing, step_up: StepUp) -> tuple[Bucket, ...]:
        known = self._known_device(writing, step_up.binding, step_up.device)
        return limits.buckets_of(self._room.place_key, step_up.tenant, step_up.user, known)

    def _passkey_options(self, step_up: StepUp, factors: Collection[Factor]) -> bytes:
        if "passkey" not in step_up.offered:
            return b""
        keys = [
            one.secret for one in factors
            if one.is_confirmed and one.kind == "passkey"
            and not is_unproven(one, step_up.created_ms)
        ]  # fmt: skip
        challenge = passkey_challenge(step_up.nonce, step_up.binding)
        asked = self._room.passkeys(step_up.tenant).ask_to_show(keys, challenge)
        return asked.options.encode("utf-8")

    def _masked(self, step_up: StepUp) -> str:
        to = self._room.sealer.unlock(f"to:{step_up.id}", step_up.address)
        return mask("email", to.decode("utf-8")) if to else ""

    def _tell(self, writing: Writing, step_up: StepUp, event_type: str, **more: Any) -> None:
        is_payment = step_up.purpose == "payment"
        self._room.tell(
            writing, step_up.tenant, event_type, user=step_up.user, step_up=step_up.id,
            step_up_purpose=step_up.purpose, order=step_up.order_ref, payee=step_up.payee,
            amount_minor=step_up.amount_minor if is_payment else None, currency=step_up.currency,
            decision=step_up.decision, device=step_up.device, ip=step_up.ip,
            session=step_up.session, **more,
        )  # fmt: skip


_CLOSED: dict[Closed, str] = {
    "expired": "It has expired; begin another one.",
    "passed": "It was passed already, and a code is good once.",
    "no_attempts": "All attempts were used up; begin another one.",
}


def redeem(
    writing: Writing, tenant: str, id: str, confirmation: str, said: Mapping[str, Any],
    redemption: str, now: int,
) -> Redeemed:  # fmt: skip
    """See `Asking.redeem`; within the transaction of whoever needs the proof."""
    step_up = writing.step_up(tenant, id)
    if step_up is None:
        raise no_such_step_up()
    if not step_up.confirmation or not same(token_hash(confirmation), step_up.confirmation):
        raise _unredeemable("It was not passed, or this is not its confirmation.")
    if not step_up.binding._replace(**said).same_as(step_up.binding):
        raise _unredeemable(
            "User, order, payee, amount or currency are not those that were confirmed."
        )
    if step_up.redeemed_ms:
        if redemption and redemption == step_up.redemption:
            return Redeemed(step_up.passed_by, step_up.passed_ms, True)
        raise _unredeemable("It was redeemed already.")
    if not limits.is_alive(step_up.passed_ms, step_up.redeemable_until_ms, now):
        raise _unredeemable("The confirmation has expired; begin another step-up.")
    writing.change_step_up(id, redeemed_ms=max(now, 1), redemption=redemption)
    return Redeemed(step_up.passed_by, step_up.passed_ms, False)


def no_such_step_up() -> Refusal:
    """The refusal of an id that leads to no step-up of the caller's tenant."""
    return refuse("not-found", "No such step-up", 404, "There is no step-up with this id.")


def _unredeemable(detail: str) -> Refusal:
    return refuse("step-up-refused", "This confirms nothing", 409, detail)
