"""Signals of Django and oscar, heard and told on.

None of these can stop anything, with one exception: a sign-up that is denied leaves an account that
cannot be used. Everything is told after it is durable, so that nothing is told that was rolled back.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_save
from oscar.apps.basket.signals import basket_addition, voucher_addition
from oscar.apps.catalogue.reviews.signals import review_added
from oscar.apps.customer.signals import user_registered
from oscar.apps.order.signals import order_placed, order_status_changed
from oscar.core.loading import get_model

from kanhe.client import events
from kanhe.connect.oscar import cart, holding, telling
from kanhe.connect.oscar.configuration import configuration
from kanhe.connect.oscar.connection import decide, tell_after_commit
from kanhe.connect.oscar.models import AccountChange, GuardedOrder
from kanhe.connect.oscar.visit import Visit, current, current_request

_WATCHED = {"email": "email", "first_name": "name", "last_name": "name"}
"""Fields of a user whose change is told, and what the registry calls it."""


def connect() -> None:
    """Listen. Called once, when the app is ready."""
    user, line = get_user_model(), get_model("basket", "Line")
    user_registered.connect(_signed_up, dispatch_uid="kanhe-sign-up")
    user_login_failed.connect(_login_failed, dispatch_uid="kanhe-login-failed")
    pre_save.connect(_before_user, sender=user, dispatch_uid="kanhe-before-user")
    post_save.connect(_after_user, sender=user, dispatch_uid="kanhe-after-user")
    post_save.connect(
        _address_saved, sender=get_model("address", "UserAddress"), dispatch_uid="kanhe-address"
    )
    basket_addition.connect(_added, dispatch_uid="kanhe-added")
    voucher_addition.connect(_voucher_taken, dispatch_uid="kanhe-voucher")
    post_save.connect(_line_saved, sender=line, dispatch_uid="kanhe-line-saved")
    post_delete.connect(_line_deleted, sender=line, dispatch_uid="kanhe-line-deleted")
    order_placed.connect(_order_placed, dispatch_uid="kanhe-order")
    order_status_changed.connect(_order_moved, dispatch_uid="kanhe-order-moved")
    review_added.connect(_reviewed, dispatch_uid="kanhe-review")


def _signed_up(sender: Any, request: Any, user: Any, **_: Any) -> None:
    """An account was made. Oscar signs it in next, without the request: the gate finds the answer there."""
    event = events.AccountRegistered(
        id=telling.event_id("sign-up", user.pk), **telling.of_user(user), **current().fields(events.AccountRegistered),
        login_method="password",
    )  # fmt: skip
    answer = decide(event, "account.registered")
    refused = answer.outcome == "deny"
    if refused:
        user.is_active = False
        user.save(update_fields=["is_active"])
    request.kanhe_signed_up = False if refused else user.pk


def _login_failed(sender: Any, credentials: dict[str, Any], request: Any = None, **_: Any) -> None:
    tried = str(credentials.get("username") or credentials.get("email") or "")[:254]
    user = get_user_model()._default_manager.filter(email__iexact=tried).first() if tried else None
    visit = current()
    named: dict[str, Any] = {"user": telling.user_ref(user), "email": telling.email_of(tried)}
    if not any((*named.values(), *visit.entities().values())):
        return
    if user is None:
        why: Any = "unknown_account"
    else:
        denied = getattr(current_request(), "kanhe_denied", False)
        why = "wrong_password" if user.is_active and not denied else "blocked"
    tell_after_commit(
        partial(
            events.AccountLoginFailed, id=telling.fresh_id("login"), **named, **visit.fields(events.AccountLoginFailed),
            login_method="password", login_failure=why,
        )
    )  # fmt: skip


def _before_user(sender: Any, instance: Any, **_: Any) -> None:
    """Remember what changes: after saving nobody can tell any more."""
    instance.kanhe_changed = set()
    if not instance.pk or current_request() is None:
        return
    if instance._password is not None:
        # Set by `set_password` only: a hash that is brought up to date at a login is no change.
        instance.kanhe_changed.add("password")
    before = sender._default_manager.filter(pk=instance.pk).values(*_WATCHED).first()
    for name, what in _WATCHED.items():
        if before is not None and before[name] != getattr(instance, name):
            instance.kanhe_changed.add(what)


def _after_user(sender: Any, instance: Any, created: bool, **_: Any) -> None:
    changed = set(getattr(instance, "kanhe_changed", ()))
    if created or not changed:
        return
    request = current_request()
    who, visit = telling.of_user(instance), current()
    if "password" in changed:
        changed.discard("password")
        own = getattr(request, "user", None) == instance
        tell_after_commit(
            partial(
                events.AccountPasswordChanged, id=telling.fresh_id("password"), **who,
                **visit.fields(events.AccountPasswordChanged),
                password_method="old_password" if own else "reset_link",
            )
        )  # fmt: skip
    if "email" in changed:
        AccountChange.objects.update_or_create(user=who["user"], what=AccountChange.EMAIL)
    if changed:
        what: Any = changed.pop() if len(changed) == 1 else "several"
        tell_after_commit(
            partial(
                events.AccountProfileChanged,
                id=telling.fresh_id("profile"),
                **who,
                **visit.fields(events.AccountProfileChanged),
                changed=what,
            )
        )


def _address_saved(sender: Any, instance: Any, created: bool, **_: Any) -> None:
    """An address book that changes by itself, as checkouts count its uses, is no change of a profile."""
    match = getattr(current_request(), "resolver_match", None)
    if match is None or not match.view_name.startswith("customer:address"):
        return
    said = {
        **telling.of_user(instance.user), **current().fields(events.AccountProfileChanged), "changed": "address",
        "address": telling.address_ref(instance),
    }  # fmt: skip
    tell_after_commit(partial(events.AccountProfileChanged, id=telling.fresh_id("profile"), **said))


def _added(sender: Any, product: Any, user: Any, request: Any, **_: Any) -> None:
    cart.added(product, user, request)


def _voucher_taken(sender: Any, **_: Any) -> None:
    cart.voucher_taken()


def _line_saved(sender: Any, instance: Any, created: bool, **_: Any) -> None:
    if not created:
        cart.line_changed(instance, "quantity_changed")


def _line_deleted(sender: Any, instance: Any, **_: Any) -> None:
    cart.line_changed(instance, "removed")


def _order_placed(sender: Any, order: Any, user: Any, **_: Any) -> None:
    """Have an order judged once it is durable, with the visit in which it was paid."""
    transaction.on_commit(partial(judge_order, order))


def judge_order(order: Any) -> None:
    """Ask about an order, and hold it where that is the answer. Again, the answer is the same."""
    guarded = GuardedOrder.objects.filter(order_number=order.number).first()
    visit = Visit(**guarded.visit) if guarded is not None and guarded.visit else current()
    event = telling.order_placed(order, visit, guarded.card if guarded is not None else "")
    answer = decide(event, "order.placed")
    if answer.outcome == "allow":
        return
    if answer.outcome == "challenge" and guarded is not None and guarded.confirmed:
        return  # The second factor that this asks for was shown for the payment.
    if guarded is None:
        # Placed by another way than the gated view: it is held all the same.
        guarded = GuardedOrder(basket_id=order.basket_id or -order.pk, order_number=order.number)
    holding.hold(guarded, event.id, without_answer=answer.fallback)
    held = configuration().held_status
    if order.status != held and held in order.available_statuses():
        order.set_status(held)


def _order_moved(sender: Any, order: Any, old_status: str, new_status: str, **_: Any) -> None:
    if old_status == configuration().held_status:
        holding.decided_here(order, new_status)


def _reviewed(sender: Any, review: Any, request: Any, **_: Any) -> None:
    """Judge a review before others read it: what is doubtful waits for a person, what is denied stays hidden."""
    answer = decide(telling.review_posted(review), "review.posted")
    if answer.outcome == "deny":
        review.status = review.REJECTED
    elif answer.outcome in ("review", "challenge"):
        review.status = review.FOR_MODERATION
    else:
        return
    review.save(update_fields=["status"])
