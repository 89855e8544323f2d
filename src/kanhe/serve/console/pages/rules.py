"""Rules: what judges now, how often each fires, and every pack on its way to judge."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from kanhe.core.decision import Outcome
from kanhe.core.time import DAY_MS
from kanhe.judge.language.source import PolicyErrors
from kanhe.judge.policy.check import describe
from kanhe.judge.policy.pack import Pack
from kanhe.serve.console.frame import not_found, page, render, services, visitor

_SPANS = {"24h": DAY_MS, "7d": 7 * DAY_MS, "30d": 30 * DAY_MS}
_SPAN = "7d"
_LONGEST_QUERY = 200
_OUTCOMES: tuple[Outcome, ...] = ("allow", "challenge", "review", "deny")


def show_rules(request: Request) -> Response:
    """The rules of the pack in force, or of another one."""
    query = request.query_params
    rulebook = services(request).rulebook
    standing = rulebook.packs.standing()
    hash = query.get("pack", "") or standing.in_force
    pack = _pack(request, hash)
    span = query.get("span", _SPAN) if query.get("span") in _SPANS else _SPAN
    rates = rulebook.rates(visitor(request).actor, _SPANS[span])
    told = describe(pack)
    wanted = query.get("q", "")[:_LONGEST_QUERY].strip()
    on = query.get("on", "")
    rules = [rule for rule in told["rules"] if _fits(rule, wanted, on)]
    sort = query.get("sort", "hits" if rates else "file")
    if sort == "hits" and rates:
        rules.sort(key=lambda rule: -rates.fired(rule["id"]))
    return render(
        request, "rules/list.html",
        standing=standing, pack=told, is_live=pack.hash == standing.in_force, rules=rules,
        total=len(told["rules"]), rates=rates,
        wanted=wanted, on=on, types=sorted(told["rules_by_type"]), span=span, spans=list(_SPANS),
        sort=sort,
        held={one["rule"] for one in standing.held},
    )  # fmt: skip


def show_rule(request: Request) -> Response:
    """One rule: what it asks, what it does, who answers for it, and how often it fires."""
    query = request.query_params
    rulebook = services(request).rulebook
    standing = rulebook.packs.standing()
    pack = _pack(request, query.get("pack", "") or standing.in_force)
    spec = next((rule for rule in pack.rules if rule.id == request.path_params["id"]), None)
    if spec is None:
        raise not_found()
    told = next(rule for rule in describe(pack)["rules"] if rule["id"] == spec.id)
    rates = [
        (name, rulebook.rates(visitor(request).actor, span_ms)) for name, span_ms in _SPANS.items()
    ]
    return render(
        request, "rules/rule.html",
        standing=standing, pack=pack, is_live=pack.hash == standing.in_force, rule=told,
        condition=dedent(spec.condition.text), rates=[(name, one) for name, one in rates if one],
        held=[one for one in standing.held if one["rule"] == spec.id],
        features={one.name: one for one in pack.features},
    )  # fmt: skip


def _pack(request: Request, hash: str) -> Pack:
    try:
        found = services(request).rulebook.packs.pack(hash)
    except PolicyErrors:
        # Kept by a version that took what this one does not: there is nothing to show of it.
        found = None
    if found is None:
        raise not_found()
    return found


def _fits(rule: dict[str, Any], wanted: str, on: str) -> bool:
    if on and on not in rule["on"]:
        return False
    told = "\n".join(
        (
            rule["id"],
            rule["en"],
            rule["zh"],
            rule["owner"],
            rule["when"],
            *rule["tags"],
            *rule["on"],
        )
    ).casefold()
    return all(word in told for word in wanted.casefold().split())


ROUTES = (
    page("/rules", show_rules, "rules.read", name="rules"),
    page("/rules/rule/{id}", show_rule, "rules.read", name="rule"),
)
