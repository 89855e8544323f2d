"""Leading a pack along its life: each step in a person's name, told in the journal as theirs."""

from __future__ import annotations

from typing import Any

from kanhe.app.judge_link import JudgeLink
from kanhe.core.actor import Actor
from kanhe.core.errors import KanheError
from kanhe.core.time import Clock
from kanhe.judge.policy.files import Files, archive
from kanhe.judge.policy.life import person
from kanhe.stores.desk.database import Desk
from kanhe.stores.desk.outgoing import PLATFORM, announce, tell_of


class ForPlatformOnly(KanheError):
    """Somebody of one tenant would change what judges all of them."""


class Steering:
    """Steps that people have packs take. Each raises `JudgeDownError` while nobody judges, `Refusal` if
    the life of the pack does not allow it, `ForPlatformOnly` for staff of one tenant."""

    def __init__(self, link: JudgeLink, desk: Desk, clock: Clock) -> None:
        self._link = link
        self._desk = desk
        self._clock = clock

    def propose(self, actor: Actor, files: Files, why: str) -> str:
        """Propose a pack; gives its hash."""
        _check_reach(actor)
        found = self._link.propose(actor, archive(files), why)
        self._tell(actor, "created", str(found["hash"]), "proposed", why)
        return str(found["hash"])

    def step(
        self, actor: Actor, hash: str, step: str, why: str = "", share_permille: int | None = None
    ) -> dict[str, Any]:
        """Have a pack take a step of `serve.api.policy.STEPS`; gives how it stands then."""
        _check_reach(actor)
        asked: dict[str, Any] = {"why": why}
        if share_permille is not None:
            asked["share_permille"] = share_permille
        found = self._link.step(actor, hash, step, asked)
        action = {"approve": "approved", "withdraw": "rejected"}.get(step, "policy_changed")
        self._tell(actor, action, hash, step, why)
        return found

    def rollback(self, actor: Actor, why: str) -> None:
        """Have the pack before come back."""
        _check_reach(actor)
        self._link.rollback(actor, why)
        self._tell(actor, "policy_changed", "", "rollback", why)

    def release(
        self, actor: Actor, rule: str, event_type: str, outcome: str, minutes: int, why: str
    ) -> None:
        """Let a rule go that the governor holds; for so many minutes it has no cap."""
        _check_reach(actor)
        self._link.release(
            actor,
            {
                "rule": rule,
                "event_type": event_type,
                "outcome": outcome,
                "minutes": minutes,
                "why": why,
            },
        )
        self._tell(actor, "policy_changed", rule, "release", why)

    def _tell(self, actor: Actor, action: str, what: str, step: str, why: str) -> None:
        """In the audit, and to those who asked to hear of steps. The step itself is a row already: a
        crash in between loses no more than this second telling of it."""
        now_ms = self._clock()
        note = f"{step} {what[:19]}: {why}".strip(" :")
        with self._desk.writing() as connection:
            tell_of(connection, actor, action, "policy", now_ms, note=note[:500])
            payload = {"step": step, "pack": what, "by": actor.name, "why": why}
            announce(connection, PLATFORM, "policy.step", payload, now_ms)


def is_author(actor: Actor, life: dict[str, Any]) -> bool:
    """Whether this person proposed the pack, so that somebody else has to approve it.

    The judging process has the last word; this is to say so before anybody tries.
    """
    proposed = next(
        (move for move in reversed(life.get("moves", ())) if move["step"] == "proposed"), None
    )
    same_key = proposed is not None and proposed.get("key") == f"staff:{actor.staff}"
    return same_key or person(actor.name) == person(str(life.get("author", "")))


def _check_reach(actor: Actor) -> None:
    if actor.tenant:
        raise ForPlatformOnly("policy packs judge all tenants: staff of the platform change them")
