"""The page on which buyers look after their own second factors."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from kanhe.connect.oscar import confirming, second_factor, telling
from kanhe.connect.oscar.models import AccountChange
from kanhe.connect.oscar.second_factor import CannotAsk, NoLonger, TooOften, WrongAnswer
from kanhe.connect.oscar.texts import (
    FACTOR_ADDED,
    FACTOR_REMOVED,
    PAGE_FACTORS,
    UNREACHABLE,
    WAIT,
    WRONG_CODE,
)

logger = logging.getLogger("kanhe.connect")
_BEGUN = "kanhe_factor_begun"
_FAILED = "kanhe_factor_failed"
_MOST_FAILED = 5
"""Wrong passwords before the session ends."""


@login_required
@never_cache
@require_safe
def show(request: Any) -> HttpResponse:
    """What they have, and what they are adding."""
    user = str(telling.user_ref(request.user))
    try:
        found = second_factor.factors(user)
    except (CannotAsk, NoLonger, TooOften) as error:
        logger.error("the factors of %s cannot be shown: %s", user, error)
        messages.error(request, UNREACHABLE)
        found = []
    begun = request.session.get(_BEGUN)
    return render(
        request,
        "kanhe/oscar/factors.html",
        {
            "factors": [one for one in found if one.get("confirmed")],
            "has_app": any(one["kind"] == "totp" and one.get("confirmed") for one in found),
            "begun": begun,
            "options": json.dumps(begun["passkey"]) if begun and begun.get("passkey") else "",
            "active_tab": "factors",
            "page_title": PAGE_FACTORS,
        },
    )


@login_required
@require_POST
def add(request: Any) -> HttpResponse:
    """Begin to add one, or confirm the one that was begun."""
    user = str(telling.user_ref(request.user))
    begun = request.session.pop(_BEGUN, None)
    try:
        if begun is not None and request.POST.get("action") == "confirm":
            code, passkey = confirming.given(request)
            request.session[_BEGUN] = begun
            shown = second_factor.given(code, passkey)
            second_factor.confirm_factor(user, begun["factor_id"], shown, request.kanhe_visit)
            del request.session[_BEGUN]
            if begun["by_password"]:
                AccountChange.objects.update_or_create(user=user, what=AccountChange.FACTOR)
            messages.success(request, FACTOR_ADDED)
        elif request.POST.get("kind") in ("totp", "passkey"):
            right = _proof(request, user)
            begun = second_factor.enrol(user, request.POST["kind"], request.user.email, right)
            request.session[_BEGUN] = {
                **begun,
                "by_password": "step_up" not in right.get("requires", {}),
            }
    except WrongAnswer:
        messages.warning(request, WRONG_CODE)
    except TooOften:
        messages.warning(request, WAIT)
    except (CannotAsk, NoLonger) as error:
        logger.error("a factor of %s was not added: %s", user, error)
        messages.error(request, UNREACHABLE)
    return HttpResponseRedirect(reverse("kanhe:factors"))


@login_required
@require_POST
def remove(request: Any) -> HttpResponse:
    """Take one away."""
    user = str(telling.user_ref(request.user))
    try:
        factor = request.POST.get("factor", "")[:128]
        second_factor.remove_factor(user, factor, _proof(request, user), request.kanhe_visit)
        messages.success(request, FACTOR_REMOVED)
    except WrongAnswer:
        messages.warning(request, WRONG_CODE)
    except (CannotAsk, NoLonger, TooOften) as error:
        logger.error("a factor of %s was not removed: %s", user, error)
        messages.error(request, UNREACHABLE)
    return HttpResponseRedirect(reverse("kanhe:factors"))


def _proof(request: Any, user: str) -> dict[str, Any]:
    """By what right factors are changed: a session alone is none, it may be a thief's.

    Whoever has an app shows it; anybody else gives their password again. Raises `WrongAnswer`.
    """
    found = [one for one in second_factor.factors(user) if one["confirmed"]]
    if any(one["kind"] == "totp" for one in found):
        return second_factor.prove(
            user, request.POST.get("kanhe_proof", "")[:64], request.kanhe_visit
        )
    if not request.user.check_password(request.POST.get("kanhe_password", "")[:4096]):
        failed = request.session[_FAILED] = request.session.get(_FAILED, 0) + 1
        if failed >= _MOST_FAILED:
            logout(request)
        raise WrongAnswer("the password is not right")
    request.session.pop(_FAILED, None)
    return {"requires": {"statement": "the password was given again"}} if found else {}
