"""What decisions and events do to the lists by which the next event is judged."""

from __future__ import annotations

from typing import Any

import msgspec

from kanhe.core.decision import Decision
from kanhe.core.errors import FieldProblem, Refusal, refuse
from kanhe.core.event import Event
from kanhe.judge.rules.lists import Lists

ADDED, REMOVED = "list.entry_added", "list.entry_removed"
LIST_TYPES = frozenset({ADDED, REMOVED})
"""The types of events by which staff change lists by hand; they need the scope `lists`."""


def obey(lists: Lists, decision: Decision, tenant: str, at_ms: int) -> None:
    """Change the lists as a decision says; the next event sees it."""
    for action in decision.actions:
        if action.kind == "list_add" and action.value:
            expires = at_ms + action.for_ms if action.for_ms else 0
            lists.prolong(
                action.what, tenant, action.value, at_ms=at_ms, expires_ms=expires,
                reason=decision.decision_id, author="policy",
            )  # fmt: skip


def change(lists: Lists, tenant: str, event: Event) -> None:
    """Do what an event of `LIST_TYPES` says."""
    fields = _fields(event)
    name, value = fields["list_name"], fields["value"]
    if event.type == REMOVED:
        lists.remove(name, tenant, value, at_ms=event.at_ms)
    else:
        lists.add(
            name, tenant, value, at_ms=event.at_ms, expires_ms=fields.get("expires_ms") or 0,
            reason=fields.get("note") or "", author=fields.get("staff") or "",
        )  # fmt: skip


def mistake(lists: Lists, event: Event) -> Refusal | None:
    """Why an event of `LIST_TYPES` is not accepted: an entry for a list that the pack does not have
    would hold back nobody, and say nothing."""
    name = _fields(event)["list_name"]
    if name in lists.specs:
        return None
    known = ", ".join(sorted(lists.specs)) or "none"
    return refuse(
        "wrong-value", "A value is not one that is allowed", 422, "",
        FieldProblem("list_name", f"a list of the policy pack: {known}", name[:80]),
    )  # fmt: skip


def _fields(event: Event) -> dict[str, Any]:
    return msgspec.structs.asdict(event)
