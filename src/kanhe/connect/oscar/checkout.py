"""The payment step, gated: a mixin for a shop's own `PaymentDetailsView`.

    class PaymentDetailsView(KanhePayment, views.PaymentDetailsView):
        kanhe_fields = ("card_token",)          # what the form has to send again; never a card number

        def kanhe_payment(self, order_number, total, **kwargs):
            return {"card": …, "card_country": …}

        def take_payment(self, order_number, total, **kwargs):
            …                                   # authorise, as `handle_payment` would

Oscar's `pre_payment` is sent with `send_robust` and can stop nothing, so that the gate is here:

(1) The basket is claimed: a second click or a second tab waits for the first and gets its order.
(2) A second factor that was asked for earlier is checked against this very payment and redeemed.
(3) Otherwise Kanhe is asked about the payment, under an id that follows from order and attempt.
(4) `deny` restores the basket and says so kindly; `challenge` restores it and asks; `review` goes on,
    and the order will be held.
(5) The money is set aside by the shop's gateway; what it answers is told.
(6) The order is placed; `order_placed` has it judged after it is committed.
(7) What is held by nothing is released: the shop captures.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.timezone import now
from oscar.apps.payment.exceptions import RedirectRequired, UnableToTakePayment
from oscar.core.loading import get_class, get_model

from kanhe.client import events
from kanhe.connect.oscar import holding, second_factor, telling
from kanhe.connect.oscar.configuration import configuration
from kanhe.connect.oscar.connection import Answer, decide, tell
from kanhe.connect.oscar.models import HELD, OPEN, AccountChange, GuardedOrder
from kanhe.connect.oscar.second_factor import Asked, CannotAsk, NoLonger, Question, TooOften
from kanhe.connect.oscar.texts import (
    CHANGED,
    NOT_ACCEPTED,
    NOT_CONFIRMED,
    STILL_PAYING,
    UNREACHABLE,
    WAIT,
    WRONG_CODE,
)

logger = logging.getLogger("kanhe.connect")
CONFIRMING = "kanhe_confirming"
"""Where the visitor's session keeps what is being confirmed."""
_CLAIM_MS = 90_000
"""How long a request may take to pay; after a crash another one may try then."""
_WAIT_S = 20.0
_SETTLING = timedelta(days=3)
"""How long an address or a first factor that is new to an account confirms no payment."""
_FIELD_MAX = 2_000
_FIELDS_MOST = 20


if TYPE_CHECKING:
    _View = Any  # oscar has no types; what stands after the mixin is a `PaymentDetailsView`
else:
    _View = object


class PaymentDeclined(UnableToTakePayment):
    """What a shop raises in `take_payment` when the bank says no; `reason` is one of the registry's
    `decline_reason`."""

    def __init__(self, message: object, reason: str = "other", **facts: object) -> None:
        super().__init__(message)
        self.reason = reason
        self.facts = facts


class KanhePayment(_View):
    """Before a shop's own `PaymentDetailsView` in the list of classes."""

    kanhe_fields: tuple[str, ...] = ()
    """Names of the form's fields that `take_payment` needs again after a second factor was shown."""
    guarded: GuardedOrder | None = None
    request: Any

    # What a shop writes

    def kanhe_payment(self, order_number: str, total: Any, **kwargs: Any) -> Mapping[str, Any]:
        """What is known of the means of payment, as fields of `payment.attempted`: above all `card`,
        the same token or fingerprint for the same card. Never a card number."""
        return {}

    def take_payment(
        self, order_number: str, total: Any, **kwargs: Any
    ) -> Mapping[str, Any] | None:
        """Set the money aside; may give fields for `payment.authorized`, such as `payment`. Raises what
        `handle_payment` may raise, `PaymentDeclined` where the bank declined."""
        told: Mapping[str, Any] | None = super().handle_payment(order_number, total, **kwargs)
        return told

    # What oscar calls

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Outside of a transaction of the whole request (`ATOMIC_REQUESTS`): what is kept before Kanhe or
        the gateway is asked has to be there whatever happens next."""
        return transaction.non_atomic_requests(super().as_view(**initkwargs))

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """A second click arrives while the first pays, when oscar sees no open basket any more."""
        if request.method == "POST" and request.POST.get("action") == "place_order":
            running = _paying_in(request)
            if running is not None:
                return self._after_the_first(request, running)
        return super().dispatch(request, *args, **kwargs)

    def submit(self, user: Any, basket: Any, *args: Any, **kwargs: Any) -> Any:
        """Submit the basket, unless another request is at it."""
        self.guarded = _claim(basket, self.request, self)  # (1)
        if self.guarded is None:
            found = GuardedOrder.objects.filter(basket_id=basket.pk).first()
            return self._after_the_first(self.request, found)
        answer = super().submit(user, basket, *args, **kwargs)
        # Oscar answers whatever goes wrong. Where even that did not happen, the process is ending, and the
        # claim stays: by it `kanhe_settle` finds a basket that is frozen for good.
        GuardedOrder.objects.filter(pk=self.guarded.pk).update(claimed_until_ms=0)
        return answer

    def generate_order_number(self, basket: Any) -> Any:
        """One number for a basket, however often its payment is tried: the second factor is bound to it."""
        if self.guarded is not None and self.guarded.order_number:
            return self.guarded.order_number
        return super().generate_order_number(basket)

    def handle_payment(self, order_number: str, total: Any, **kwargs: Any) -> None:
        """Steps (2) to (5)."""
        guarded = self.guarded
        if guarded is None or not total.incl_tax:
            self.take_payment(order_number, total, **kwargs)
            return
        facts = dict(self.kanhe_payment(order_number, total, **kwargs))
        guarded.card = str(facts.get("card") or "")
        payment = {**self._said(order_number, total), **facts}
        pending = self.request.session.pop(CONFIRMING, None)
        if not (pending and self._confirmed(pending, payment)):  # (2)
            self._judged(payment)  # (3) (4)
        try:
            told = self.take_payment(order_number, total, **kwargs)  # (5)
        except UnableToTakePayment as error:
            reason: Any = getattr(error, "reason", "other")
            declined = {**payment, **getattr(error, "facts", {})}
            attempt = telling.event_id("declined", order_number, guarded.attempt)
            tell(events.PaymentDeclined(id=attempt, decline_reason=reason, **declined))
            raise
        guarded.paid_at_ms = time.time_ns() // 1_000_000
        guarded.save()
        attempt = telling.event_id("authorized", order_number, guarded.attempt)
        authorized = events.PaymentAuthorized(id=attempt, **{**payment, **(told or {})})
        tell(authorized, judged=False)

    def get_initial_order_status(self, basket: Any) -> Any:
        """Held from its first moment, where its payment has to be looked at."""
        if self.guarded is not None and self.guarded.holds:
            return configuration().held_status
        return super().get_initial_order_status(basket)

    def handle_successful_order(self, order: Any) -> Any:
        """Step (7): after the order, its payment sources and its judgement are durable."""
        transaction.on_commit(lambda: _released(order))
        return super().handle_successful_order(order)

    # The gate

    def _said(self, order_number: str, total: Any) -> dict[str, Any]:
        """The payment, as the registry's fields."""
        request = self.request
        submission = self.build_submission()
        user = request.user
        who = (
            telling.of_user(user)
            if user.is_authenticated
            else {"email": telling.email_of(submission["order_kwargs"].get("guest_email"))}
        )
        return {
            **who, **request.kanhe_visit.fields(events.PaymentAttempted), **telling.of_address(submission["shipping_address"]),
            **telling.of_basket(submission["basket"]), "is_guest": not user.is_authenticated,
            "order": order_number, "currency": total.currency,
            "amount_minor": telling.minor(total.incl_tax, total.currency), "payment_method": "card",
        }  # fmt: skip

    def _judged(self, payment: dict[str, Any]) -> None:
        """Ask about a new attempt, and act on the answer."""
        guarded = self.guarded
        assert guarded is not None
        guarded.attempt += 1
        guarded.payment_event = telling.event_id("pay", guarded.order_number, guarded.attempt)
        guarded.state, guarded.holds, guarded.verdict = OPEN, [], ""
        guarded.confirmed = guarded.without_answer = False
        guarded.visit = asdict(self.request.kanhe_visit)
        attempted = events.PaymentAttempted(
            id=guarded.payment_event, attempt_no=min(guarded.attempt, 10_000), **payment
        )
        guarded.attempted = {
            **payment,
            "at_ms": attempted.at_ms,
            "attempt_no": attempted.attempt_no,
        }
        # Kept before it is sent: an id is used for one attempt, whatever crashes in between.
        guarded.save()
        answer = decide(attempted, "payment.attempted")
        guarded.decision = answer.decision_id
        guarded.save()
        if answer.outcome == "deny":
            raise UnableToTakePayment(NOT_ACCEPTED)
        if answer.outcome == "review":
            holding.hold(guarded, guarded.payment_event, without_answer=answer.fallback)
        if answer.outcome == "challenge":
            self._challenged(payment, answer)

    def _challenged(self, payment: dict[str, Any], answer: Answer) -> None:
        guarded = self.guarded
        assert guarded is not None
        email = str(payment.get("email") or "")
        question = _question(payment, email)
        try:
            asked = second_factor.begin(
                question, self.request.kanhe_visit, email, answer.decision_id
            )
        except (CannotAsk, NoLonger, TooOften) as error:
            self._unconfirmable(error)
            return
        if _is_settling(question.user, asked):
            # Whoever took the account over could answer in the owner's place: a person looks.
            holding.hold(guarded, guarded.payment_event)
            return
        self.request.session[CONFIRMING] = {
            "about": _digest(payment), "asked": asked.kept(), "question": asdict(question), "card": guarded.card,
            "basket": guarded.basket_id, "fields": self._fields(),
        }  # fmt: skip
        self._ask()

    def _unconfirmable(self, error: Exception) -> None:
        """Nobody can be asked: what the shop declares for that is done."""
        guarded = self.guarded
        assert guarded is not None
        declared = configuration().unconfirmable
        logger.error("order %s cannot be confirmed (%s): %s", guarded.order_number, declared, error)
        if declared == "deny":
            raise UnableToTakePayment(NOT_ACCEPTED)
        if declared == "hold":
            holding.hold(guarded, guarded.payment_event, without_answer=not guarded.decision)

    def _confirmed(self, pending: dict[str, Any], payment: dict[str, Any]) -> bool:
        """Whether this payment was confirmed; asks again where the answer was wrong."""
        guarded, post = self.guarded, self.request.POST
        assert guarded is not None
        code, passkey = post.get("kanhe_code", "")[:64], post.get("kanhe_passkey", "")[:20_000]
        if not code and not passkey:
            return False
        question = Question(**pending["question"])
        again = _question(payment, str(payment.get("email") or ""))
        if (
            pending["about"] != _digest(payment)
            or question != again
            or pending["card"] != guarded.card
            or pending["basket"] != guarded.basket_id
        ):
            # Another amount, order, card, basket or address: what was asked confirms none of that.
            _note(self.request, CHANGED)
            return False
        asked = Asked(**pending["asked"])
        try:
            judged = second_factor.confirm(asked, question, code, passkey)
            if judged.passed:
                second_factor.redeem(asked, question, judged.confirmation)
                guarded.confirmed = True
                guarded.save()
                return True
        except (CannotAsk, TooOften) as error:
            _note(self.request, WAIT if isinstance(error, TooOften) else UNREACHABLE)
            return self._ask(pending)
        except NoLonger:
            raise UnableToTakePayment(NOT_CONFIRMED) from None
        if judged.attempts_left <= 0:
            raise UnableToTakePayment(NOT_CONFIRMED)
        _note(self.request, WRONG_CODE)
        return self._ask(pending)

    def _ask(self, pending: dict[str, Any] | None = None) -> NoReturn:
        """Leave for the page that asks, with the basket open again."""
        if pending is not None:
            self.request.session[CONFIRMING] = pending
        self.restore_frozen_basket()
        raise RedirectRequired(reverse("kanhe:confirm"))

    def _fields(self) -> dict[str, str]:
        """What the form sends again. A card number among it is a mistake that is not carried on."""
        kept: dict[str, str] = {}
        for name in self.kanhe_fields[:_FIELDS_MOST]:
            value = self.request.POST.get(name, "")[:_FIELD_MAX]
            if _is_card_number(value):
                logger.error("the field %s holds a card number; it has to be a token", name)
                raise UnableToTakePayment(NOT_ACCEPTED)
            kept[name] = value
        return kept

    def _after_the_first(self, request: Any, found: GuardedOrder | None) -> Any:
        """Wait for the request that pays, and show its order as one's own."""
        until = time.monotonic() + _WAIT_S
        while found is not None and found.claimed_until_ms > _now_ms() and time.monotonic() < until:
            time.sleep(0.1)
            found.refresh_from_db()
        order = holding.order_of(found) if found is not None else None
        if order is None:
            _note(request, STILL_PAYING)
            return HttpResponseRedirect(reverse("basket:summary"))
        get_class("checkout.utils", "CheckoutSessionData")(request).flush()
        request.session["checkout_order_id"] = order.pk
        return HttpResponseRedirect(reverse("checkout:thank-you"))


def _question(payment: dict[str, Any], email: str) -> Question:
    user = payment.get("user") or telling.guest_ref(email)
    return Question(
        str(user), str(payment["order"]), configuration().payee, int(payment["amount_minor"]),
        str(payment["currency"]),
    )  # fmt: skip


def _digest(payment: Mapping[str, Any]) -> str:
    """What a payment is for, beside its amount: where it goes, and what is bought."""
    about = ("email", "phone", "address", "shipping_country", "products", "items_count", "coupon")
    whole = json.dumps([payment.get(name) for name in about])
    return hashlib.sha256(whole.encode()).hexdigest()


def _is_settling(user: str, asked: Asked) -> bool:
    """Whether what would be answered with has come to the account only now."""
    recent = AccountChange.objects.filter(user=user, at__gte=now() - _SETTLING)
    by_mail = asked.methods == ["mail"]
    return any(one.what == AccountChange.FACTOR or by_mail for one in recent)


def _claim(basket: Any, request: Any, view: KanhePayment) -> GuardedOrder | None:
    """The row of this basket, for this request alone; None while another one pays.

    One conditional update decides between two: it takes effect for one of them, on any database.
    """
    now = _now_ms()
    rows = GuardedOrder.objects.filter(basket_id=basket.pk)
    if not rows.exists():
        number = str(view.generate_order_number(basket))
        try:
            with transaction.atomic():
                GuardedOrder.objects.create(basket_id=basket.pk, order_number=number)
        except IntegrityError:
            pass  # The other request was faster by a moment; the update decides.
    taken = rows.filter(claimed_until_ms__lt=now, state__in=(OPEN, HELD)).exclude(
        order_number__in=get_model("order", "Order")
        .objects.filter(basket_id=basket.pk)
        .values("number")
    )
    mine = taken.update(claimed_until_ms=now + _CLAIM_MS, session=request.kanhe_visit.session or "")
    found: GuardedOrder | None = rows.get() if mine else None
    return found


def _paying_in(request: Any) -> GuardedOrder | None:
    """What this visitor is paying for in another request."""
    session = request.kanhe_visit.session
    running = GuardedOrder.objects.filter(session=session, claimed_until_ms__gt=_now_ms())
    found: GuardedOrder | None = running.first()
    return found


def _released(order: Any) -> None:
    """Let an order go on that nothing holds."""
    guarded = GuardedOrder.objects.filter(order_number=order.number).first()
    if guarded is not None:
        holding.let_go_on(guarded)


def _note(request: Any, text: Any) -> None:
    messages.warning(request, text)


def _is_card_number(value: str) -> bool:
    digits = "".join(c for c in value if c not in " -")
    if not (12 <= len(digits) <= 19 and digits.isascii() and digits.isdigit()):
        return False
    doubled = (int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
