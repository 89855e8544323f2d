"""The pages that ask for a second factor: when signing in, and before a payment."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth import login as begin_session
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from kanhe.client import events
from kanhe.connect.oscar import second_factor, telling
from kanhe.connect.oscar.checkout import CONFIRMING
from kanhe.connect.oscar.connection import tell
from kanhe.connect.oscar.login import SIGN_IN
from kanhe.connect.oscar.models import UnprovenDevice
from kanhe.connect.oscar.second_factor import Asked, CannotAsk, NoLonger, TooOften
from kanhe.connect.oscar.texts import NOT_NOW, NOT_SENT, SENT, UNREACHABLE, WAIT, WRONG_CODE

logger = logging.getLogger("kanhe.connect")


@never_cache
@sensitive_post_parameters("kanhe_code", "kanhe_passkey")
@require_http_methods(["GET", "POST"])
def sign_in(request: Any) -> HttpResponse:
    """Ask whoever knew the password for a second factor, and begin their session once it was shown."""
    pending = request.session.get(SIGN_IN)
    user = _half_signed_in(pending)
    if pending is None or user is None:
        request.session.pop(SIGN_IN, None)
        return HttpResponseRedirect(reverse("customer:login"))
    asked = Asked(**pending["asked"])
    if request.method == "POST":
        if request.POST.get("action") == "send":
            _sent(request, asked)
        elif (answer := _answered(request, asked, user, pending)) is not None:
            return answer
        return HttpResponseRedirect(reverse("kanhe:sign-in"))
    return render(request, "kanhe/oscar/sign_in.html", _shown(request, asked))


def _half_signed_in(pending: dict[str, Any] | None) -> Any:
    """Who is asked; None if the account has changed since: its password, or that it may be used."""
    if pending is None:
        return None
    user = get_user_model()._default_manager.filter(pk=pending["user"], is_active=True).first()
    same = user is not None and constant_time_compare(user.get_session_auth_hash(), pending["hash"])
    return user if same else None


def _answered(
    request: Any, asked: Asked, user: Any, pending: dict[str, Any]
) -> HttpResponse | None:
    """Judge the answer: a session, an end, or None to ask once more."""
    code, passkey = given(request)
    try:
        judged = second_factor.confirm(asked, None, code, passkey)
        if judged.passed:
            ref = str(telling.user_ref(user))
            second_factor.redeem_login(asked, ref, judged.confirmation)
    except TooOften:
        messages.warning(request, WAIT)
        return None
    except CannotAsk as error:
        logger.error("the answer of %s could not be checked: %s", telling.user_ref(user), error)
        messages.warning(request, UNREACHABLE)
        return None
    except NoLonger:
        return _ended(request, user)
    if judged.passed:
        noted = {"user": telling.user_ref(user), "device": request.kanhe_visit.device or ""}
        UnprovenDevice.objects.update_or_create(**noted, defaults={"proven": True})
        begin_session(request, user, backend=pending["backend"])
        request.session.pop(SIGN_IN, None)
        return HttpResponseRedirect(pending["next"])
    if judged.attempts_left <= 0:
        return _ended(request, user)
    messages.warning(request, WRONG_CODE)
    return None


def _ended(request: Any, user: Any) -> HttpResponse:
    """They could not show it: back to the door, and Kanhe is told."""
    request.session.pop(SIGN_IN, None)
    tell(
        events.AccountLoginFailed(
            id=telling.fresh_id("login"), **telling.of_user(user), **request.kanhe_visit.fields(events.AccountLoginFailed),
            login_method="password", login_failure="second_factor_failed",
        )
    )  # fmt: skip
    messages.error(request, NOT_NOW)
    return HttpResponseRedirect(reverse("customer:login"))


@never_cache
@require_http_methods(["GET", "POST"])
def confirm(request: Any) -> HttpResponse:
    """Show what is to be confirmed. The answer goes to the payment step itself, which knows whether
    basket and amount are still the same."""
    pending = request.session.get(CONFIRMING)
    if pending is None:
        return HttpResponseRedirect(reverse("basket:summary"))
    asked = Asked(**pending["asked"])
    if request.method == "POST":
        _sent(request, asked)
        return HttpResponseRedirect(reverse("kanhe:confirm"))
    question = pending["question"]
    shown = _shown(request, asked)
    shown |= {
        "payee": question["payee"],
        "order_number": question["order"],
        "currency": question["currency"],
        "amount": _amount(question["amount_minor"], question["currency"]),
        "fields": pending["fields"],
    }
    return render(request, "kanhe/oscar/confirm.html", shown)


def _sent(request: Any, asked: Asked) -> None:
    try:
        second_factor.send(asked)
    except (CannotAsk, NoLonger, TooOften) as error:
        logger.warning("a code was not sent: %s", error)
        messages.warning(request, NOT_SENT)
    else:
        messages.info(request, SENT)
        request.session["kanhe_sent"] = asked.id


def _shown(request: Any, asked: Asked) -> dict[str, Any]:
    """For the templates. A code that is only sent can be typed once it was sent."""
    was_sent = request.session.get("kanhe_sent") == asked.id
    return {
        "methods": asked.methods,
        "can_type": "totp" in asked.methods or ("mail" in asked.methods and was_sent),
        "only_mail": asked.methods == ["mail"],
        "sent_to": asked.sent_to,
        "passkey": json.dumps(asked.passkey) if asked.passkey else "",
    }


def given(request: Any) -> tuple[str, str]:
    """The code or passkey of a form, no longer than either can be."""
    return request.POST.get("kanhe_code", "")[:64], request.POST.get("kanhe_passkey", "")[:20_000]


def _amount(minor: int, currency: str) -> Decimal:
    one = telling.minor(Decimal(1), currency)
    return Decimal(minor) / one
