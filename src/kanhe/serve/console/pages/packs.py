"""Packs: how each stands on its way to judge, what it changes, and the steps that people take."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from kanhe.app.judge_link import JudgeDownError
from kanhe.app.rulebook import ForPlatformOnly, TrialError, compare_packs, is_author
from kanhe.core.errors import Refusal
from kanhe.judge.language.source import PolicyErrors
from kanhe.judge.policy.pack import Pack
from kanhe.serve.console.frame import (
    form,
    go,
    not_found,
    page,
    refused,
    render,
    services,
    visitor,
)
from kanhe.serve.console.language import N_, gettext
from kanhe.serve.console.pages.doorway import to_confirm
from kanhe.serve.console.problems import problem_page

STATES = {
    "draft": N_("Draft"),
    "checked": N_("Checked"),
    "backtested": N_("Backtested"),
    "shadow": N_("In shadow"),
    "sharing": N_("With a share"),
    "approved": N_("Approved"),
    "starting": N_("Starting"),
    "live": N_("Now in force"),
    "retired": N_("Retired"),
    "rolled_back": N_("Rolled back"),
    "withdrawn": N_("Withdrawn"),
}
"""States of a pack, as `judge.policy.life` has them, in their order."""
STEPS = {
    "proposed": N_("proposed"),
    "checked": N_("checked"),
    "backtested": N_("backtested"),
    "shadowed": N_("put in shadow"),
    "shared": N_("share of the traffic"),
    "approved": N_("approved"),
    "activated": N_("activated"),
    "in_force": N_("came into force"),
    "rolled_back": N_("rolled back"),
    "withdrawn": N_("withdrawn"),
}
_WAY = ("checked", "backtested", "shadow", "sharing", "approved", "live")
_PROPOSER_STEPS = ("shadow", "share", "withdraw")
_APPROVER_STEPS = ("approve", "activate")
_WHY_MAX = 500


def show_packs(request: Request) -> Response:
    """All packs, and the drafts that are being written."""
    rulebook = services(request).rulebook
    return render(
        request, "rules/packs.html",
        standing=rulebook.packs.standing(), drafts=rulebook.drafting.all(), states=_said(STATES),
    )  # fmt: skip


def show_pack(request: Request) -> Response:
    """One pack."""
    return _shown(request)


def take_step(request: Request) -> Response:
    """Have a pack take a step that whoever proposes takes: try it, shadow, share, withdraw."""
    return _step(request, _PROPOSER_STEPS)


def decide_step(request: Request) -> Response:
    """Have a pack take a step that a second person takes: approve, activate."""
    if not services(request).staffing.fresh(visitor(request)):
        return to_confirm(request, f"/rules/packs/{request.path_params['hash']}")
    return _step(request, _APPROVER_STEPS)


def begin_trial(request: Request) -> Response:
    """Have the past decided again under a pack."""
    actor = visitor(request).actor
    hash = request.path_params["hash"]
    why = str(form(request).get("why") or "")[:_WHY_MAX]
    if actor.tenant:
        return problem_page(request, 403)
    try:
        services(request).rulebook.trials.begin(actor, hash, why)
    except TrialError:
        return _shown(
            request, gettext("Another pack is being tried just now. Wait until that has ended.")
        )
    return go(request, f"/rules/packs/{hash}", gettext("The past is being decided again."))


def roll_back(request: Request) -> Response:
    """Have the pack before come back in force."""
    why = str(form(request).get("why") or "").strip()
    if not why:
        return _packs_refused(request, gettext("Say why."))
    try:
        services(request).rulebook.steering.rollback(visitor(request).actor, why[:_WHY_MAX])
    except ForPlatformOnly:
        return problem_page(request, 403)
    except (Refusal, JudgeDownError) as error:
        return _packs_refused(request, told_of(error))
    return go(request, "/rules/packs", gettext("The pack before is coming back."))


def release(request: Request) -> Response:
    """Let a rule go that the governor holds."""
    sent = form(request)
    minutes = str(sent.get("minutes") or "0")
    why = str(sent.get("why") or "").strip()
    rule = str(sent.get("rule") or "")
    if not why or not minutes.isascii() or not minutes.isdigit() or int(minutes) > 10_080:
        return _packs_refused(request, gettext("Say why, and for at most 10,080 minutes."))
    try:
        services(request).rulebook.steering.release(
            visitor(request).actor, rule, str(sent.get("event_type") or ""),
            str(sent.get("outcome") or ""), int(minutes), why[:_WHY_MAX],
        )  # fmt: skip
    except ForPlatformOnly:
        return problem_page(request, 403)
    except (Refusal, JudgeDownError) as error:
        return _packs_refused(request, told_of(error))
    return go(request, "/rules/packs", gettext("The rule has been released."))


def told_of(error: Refusal | JudgeDownError) -> str:
    """Why the judging process did not do it."""
    if isinstance(error, JudgeDownError):
        return gettext("The judging process cannot be reached. Nothing was done; try again soon.")
    if "somebody else approves" in error.problem.detail:
        return gettext("Whoever proposed a pack cannot approve it: a second person does.")
    return error.problem.detail or error.problem.title


def _step(request: Request, allowed: tuple[str, ...]) -> Response:
    step, hash = request.path_params["step"], request.path_params["hash"]
    if step not in allowed:
        raise not_found()
    sent = form(request)
    why = str(sent.get("why") or "").strip()[:_WHY_MAX]
    share: int | None = None
    if step == "share":
        share = _permille(str(sent.get("percent") or ""))
        if share is None:
            return _shown(
                request, gettext("A share is a percentage from 0 to 50 with one decimal at most.")
            )
    if step in ("approve", "withdraw") and not why:
        return _shown(request, gettext("Say why."))
    try:
        services(request).rulebook.steering.step(visitor(request).actor, hash, step, why, share)
    except ForPlatformOnly:
        return problem_page(request, 403)
    except (Refusal, JudgeDownError) as error:
        if isinstance(error, Refusal) and error.problem.status == 404:
            raise not_found() from None
        return _shown(request, told_of(error))
    return go(request, f"/rules/packs/{hash}", gettext("Done."))


def _shown(request: Request, problem: str = "") -> Response:
    rulebook, person = services(request).rulebook, visitor(request)
    hash = request.path_params["hash"]
    try:
        life = rulebook.packs.life(hash)
    except JudgeDownError as error:
        return problem_page(request, 503, detail=told_of(error))
    if life is None:
        raise not_found()
    standing = rulebook.packs.standing()
    pack, live = _kept(request, life["hash"]), _kept(request, standing.in_force)
    context: dict[str, Any] = {
        "life": life,
        "pack": pack,
        "live": live,
        "standing": standing,
        "states": _said(STATES),
        "steps": _said(STEPS),
        "way": [(name, gettext(STATES[name])) for name in _WAY],
        "change": compare_packs(live, pack) if pack and live and pack.hash != live.hash else None,
        "trial": rulebook.trials.of(life["hash"]),
        "tested": next((m for m in reversed(life["moves"]) if m["step"] == "backtested"), None),
        "shadow": rulebook.packs.shadow(life["hash"]),
        "is_author": is_author(person.actor, life),
        "is_platform": not person.actor.tenant,
    }
    if problem:
        return refused(request, "rules/pack.html", problem, **context)
    return render(request, "rules/pack.html", problems=None, **context)


def _kept(request: Request, hash: str) -> Pack | None:
    try:
        return services(request).rulebook.packs.pack(hash)
    except PolicyErrors:
        return None


def _packs_refused(request: Request, problem: str) -> Response:
    rulebook = services(request).rulebook
    return refused(
        request, "rules/packs.html", problem,
        standing=rulebook.packs.standing(), drafts=rulebook.drafting.all(), states=_said(STATES),
    )  # fmt: skip


def _permille(text: str) -> int | None:
    whole, point, tenth = text.strip().replace(",", ".").partition(".")
    digits = whole + (tenth or "0")
    if len(tenth) > 1 or (point and not tenth) or not digits.isascii() or not digits.isdigit():
        return None
    found = int(digits) if len(digits) < 6 else 10_000
    return found if found <= 500 else None


def _said(names: dict[str, str]) -> dict[str, str]:
    return {name: gettext(text) for name, text in names.items()}


ROUTES = (
    page("/rules/packs", show_packs, "rules.read", name="packs"),
    page("/rules/packs/{hash}", show_pack, "rules.read", name="pack"),
    page("/rules/packs/{hash}/backtest", begin_trial, "rules.propose", methods=("POST",)),
    page("/rules/packs/{hash}/do/{step}", take_step, "rules.propose", methods=("POST",)),
    page("/rules/packs/{hash}/decide/{step}", decide_step, "rules.approve", methods=("POST",)),
    page("/rules/rollback", roll_back, "rules.approve", methods=("POST",)),
    page("/rules/release", release, "rules.approve", methods=("POST",)),
)
